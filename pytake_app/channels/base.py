"""Types every adapter speaks, and the protocol it fulfils.

Inbound values are slot dataclasses, not pydantic models: a webhook is parsed on the hot path and what it
may contain is the platform's business, so parsing picks and checks members itself and keeps ``raw``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from pytake_app.channels.capabilities import Capabilities
from pytake_app.channels.content import OutboundContent

JsonObject = dict[str, Any]

MessageType = Literal[
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "interactive",
    "button",
    "form",
    "reaction",
    "order",
    "system",
    "request_welcome",
    "call_permission",
    "edit",
    "revoke",
    "unsupported",
    "unknown",
]
"""``interactive``: a button or row was chosen; ``button``: a template's quick reply; ``form``: a submitted form;
``edit``/``revoke``/``reaction`` speak of ``target_external_id``; ``unknown``: a type newer
than this code (kept raw)."""

MessageStatus = Literal["sent", "delivered", "read", "failed", "deleted"]

SILENT_TYPES: frozenset[str] = frozenset(
    {"reaction", "system", "edit", "revoke", "call_permission", "unsupported", "unknown"}
)
"""Types that never start or resume a flow. ``unsupported`` is among them because WhatsApp reports deleted and
edited messages under that word; such messages are shown in the inbox."""


@dataclass(slots=True)
class Sender:
    """Who wrote. ``external_id`` is the platform's address (WhatsApp: ``wa_id``), ``bsuid`` the business-scoped
    user id; either may be missing. ``phone`` is the canonical number (digits, Brazil's ninth digit written),
    used as key only: replies go to ``external_id`` or ``bsuid``. ``profile_external_id`` is the address the
    delivery's contact record gave (it may differ in form from ``external_id``)."""

    external_id: str | None = None
    bsuid: str | None = None
    parent_bsuid: str | None = None
    username: str | None = None
    name: str | None = None
    phone: str | None = None
    profile_external_id: str | None = None

    @property
    def contact_key(self) -> str | None:
        """One stable key of this person on this account: canonical phone, else BSUID, else external id."""
        return self.phone or self.bsuid or self.external_id

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key by which an existing identity may be found, strongest first, without repeats."""
        return tuple(dict.fromkeys(k for k in (self.phone, self.bsuid, self.external_id) if k))


@dataclass(slots=True)
class MediaInfo:
    """Media of an inbound message; fetched by ``id`` through the client (``url`` expires in minutes)."""

    id: str | None = None
    mime_type: str | None = None
    filename: str | None = None
    sha256: str | None = None
    caption: str | None = None
    url: str | None = None
    voice: bool = False
    animated: bool = False


@dataclass(slots=True)
class LocationInfo:
    """A place; coordinates are ``None`` when the platform sent something that is no number."""

    latitude: float | None = None
    longitude: float | None = None
    name: str | None = None
    address: str | None = None
    url: str | None = None


@dataclass(slots=True)
class Selection:
    """What was chosen: ``kind`` is button_reply, list_reply, template_button or the platform's own word."""

    kind: str
    id: str | None = None
    title: str | None = None
    description: str | None = None


@dataclass(slots=True)
class Context:
    """What the message answers: the quoted message's id and its author, or a product."""

    external_id: str | None = None
    sender: str | None = None
    forwarded: bool = False
    frequently_forwarded: bool = False
    catalog_id: str | None = None
    product_id: str | None = None


@dataclass(slots=True)
class Referral:
    """The advertisement or post a conversation came from."""

    source_type: str | None = None
    source_id: str | None = None
    source_url: str | None = None
    headline: str | None = None
    body: str | None = None
    media_type: str | None = None
    media_url: str | None = None
    click_id: str | None = None
    welcome_text: str | None = None


@dataclass(slots=True)
class ContactPhoneInfo:
    """A phone on a shared contact card."""

    phone: str | None = None
    wa_id: str | None = None
    type: str | None = None


@dataclass(slots=True)
class ContactInfo:
    """A shared contact card, in brief; the whole of it is in the message's ``raw``."""

    formatted_name: str | None = None
    phones: list[ContactPhoneInfo] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    company: str | None = None


@dataclass(slots=True)
class OrderItem:
    """A line of an order; ``price`` per unit in ``currency``."""

    product_id: str | None = None
    quantity: float | None = None
    price: float | None = None
    currency: str | None = None


@dataclass(slots=True)
class OrderInfo:
    """A cart the contact sent."""

    catalog_id: str | None = None
    text: str | None = None
    items: list[OrderItem] = field(default_factory=list)


@dataclass(slots=True)
class FormReply:
    """A submitted form: ``answers`` is its JSON object (empty when it was none, ``raw_json`` keeps the text)."""

    name: str | None = None
    body: str | None = None
    raw_json: str | None = None
    answers: JsonObject = field(default_factory=dict)
    flow_token: str | None = None


@dataclass(slots=True)
class IdentityChange:
    """The same person under new addresses. Any member may be missing."""

    kind: Literal["number", "bsuid", "identity"]
    old_external_id: str | None = None
    new_external_id: str | None = None
    old_bsuid: str | None = None
    new_bsuid: str | None = None
    old_parent_bsuid: str | None = None
    new_parent_bsuid: str | None = None
    old_phone: str | None = None
    new_phone: str | None = None
    detail: str | None = None


@dataclass(slots=True)
class PlatformError:
    """An error as the platform reports it inside a webhook. ``reason``: the catalogues' word for it
    (``delivery.send.<reason>``), if the adapter knows what the code means."""

    code: int | str | None = None
    title: str | None = None
    message: str | None = None
    details: str | None = None
    href: str | None = None
    reason: str | None = None


@dataclass(slots=True)
class InboundMessage:
    """A message from a contact.

    ``external_id`` is the platform's; when it sent none, one is derived from the fragment (``id_derived``), so
    that a repeated delivery is still recognised. ``at`` is the platform's time, ``None`` when absent or no time:
    the host then uses the time of receipt. ``text`` is the body, caption, chosen title or a readable rendering.
    ``peer`` is set on echoes only: the contact to whom the business wrote from its own phone.
    """

    external_id: str
    account_external_id: str
    sender: Sender
    type: MessageType
    raw: JsonObject
    platform_type: str = ""
    business_account_id: str | None = None
    id_derived: bool = False
    at: datetime | None = None
    timestamp: str | None = None
    text: str | None = None
    selection_id: str | None = None
    selection: Selection | None = None
    media: MediaInfo | None = None
    location: LocationInfo | None = None
    contacts: list[ContactInfo] = field(default_factory=list)
    order: OrderInfo | None = None
    form: FormReply | None = None
    reaction: str | None = None
    target_external_id: str | None = None
    context: Context | None = None
    referral: Referral | None = None
    identity_change: IdentityChange | None = None
    group_id: str | None = None
    peer: Sender | None = None
    errors: list[PlatformError] = field(default_factory=list)
    extra: JsonObject = field(default_factory=dict)

    @property
    def context_external_id(self) -> str | None:
        """The platform's id of the message this one answers."""
        return self.context.external_id if self.context else None

    @property
    def automates(self) -> bool:
        """Whether this message may start or resume a flow."""
        return self.type not in SILENT_TYPES and self.group_id is None


@dataclass(slots=True)
class Pricing:
    """How a message was billed."""

    billable: bool | None = None
    model: str | None = None
    category: str | None = None
    type: str | None = None


@dataclass(slots=True)
class StatusUpdate:
    """What became of a message we sent. ``platform_status`` is the platform's own word (*played* is ``read``)."""

    external_id: str
    account_external_id: str
    status: MessageStatus | None
    platform_status: str
    raw: JsonObject
    kind: str = "message"
    business_account_id: str | None = None
    at: datetime | None = None
    timestamp: str | None = None
    recipient: str | None = None
    recipient_bsuid: str | None = None
    recipient_phone: str | None = None
    conversation_id: str | None = None
    conversation_origin: str | None = None
    conversation_expires_at: datetime | None = None
    pricing: Pricing | None = None
    biz_opaque_callback_data: str | None = None
    group_id: str | None = None
    errors: list[PlatformError] = field(default_factory=list)
    extra: JsonObject = field(default_factory=dict)


@dataclass(slots=True)
class AccountNotice:
    """News about the account, a template, a call, a contact's preferences…: ``kind`` is the platform's field name.

    ``external_id`` is stable over repeated deliveries (the platform's id, else a digest of the fragment).
    """

    kind: str
    external_id: str
    account_external_id: str
    details: JsonObject
    business_account_id: str | None = None
    at: datetime | None = None
    timestamp: str | None = None
    sender: Sender | None = None
    recipient: str | None = None
    identity_change: IdentityChange | None = None
    errors: list[PlatformError] = field(default_factory=list)


@dataclass(slots=True)
class UnknownFragment:
    """Well-formed input this code has no reading for; kept whole and counted. ``path`` says where it stood."""

    path: str
    raw: Any


@dataclass(slots=True)
class ParsedWebhook:
    """Everything one delivery said, in the order it said it.

    ``messages``        from contacts, to be ingested
    ``echoes``          sent by the business from its own phone (shown in the thread, never automated)
    ``history``         exchanged before the account was connected (to be shown, never automated)
    ``statuses``        of messages, with a known word
    ``other_statuses``  of calls and payments, and unknown words: kept, they change no message
    ``notices``         about accounts, templates, identities, preferences, calls, errors
    ``unknown``         kept raw
    """

    messages: list[InboundMessage] = field(default_factory=list)
    echoes: list[InboundMessage] = field(default_factory=list)
    history: list[InboundMessage] = field(default_factory=list)
    statuses: list[StatusUpdate] = field(default_factory=list)
    other_statuses: list[StatusUpdate] = field(default_factory=list)
    notices: list[AccountNotice] = field(default_factory=list)
    unknown: list[UnknownFragment] = field(default_factory=list)
    business_account_ids: list[str] = field(default_factory=list)

    @property
    def account_ids(self) -> list[str]:
        """The accounts (WhatsApp: ``phone_number_id``) this delivery speaks of, without repeats."""
        items: tuple[InboundMessage | StatusUpdate | AccountNotice, ...] = (
            *self.messages, *self.echoes, *self.history, *self.statuses, *self.other_statuses, *self.notices,
        )  # fmt: skip
        return list(dict.fromkeys(item.account_external_id for item in items if item.account_external_id))

    @property
    def empty(self) -> bool:
        """Whether nothing at all was understood."""
        return not (
            self.messages or self.echoes or self.history or self.statuses or self.other_statuses or self.notices
        )


@dataclass(slots=True, frozen=True)
class Recipient:
    """Where a message goes: the platform's address, or the BSUID when there is no address, or a group."""

    external_id: str | None = None
    bsuid: str | None = None
    group_id: str | None = None


@dataclass(slots=True, frozen=True)
class OutboundRequest:
    """A rendered call: ``path`` below the account (``messages``) and the JSON ``body``."""

    path: str
    body: JsonObject


@dataclass(slots=True, frozen=True)
class AccountCredentials:
    """What a client needs to speak for one channel account. Secrets never appear in ``repr``.

    ``base_url``/``api_version`` override the client's (the sandbox's Graph stand-in)."""

    external_id: str
    access_token: str = field(repr=False)
    business_account_id: str | None = None
    base_url: str | None = None
    api_version: str | None = None


@dataclass(slots=True, frozen=True)
class SendResult:
    """The platform took the message. ``recipient`` is the address it knows (its ``wa_id`` may differ from ours)."""

    external_id: str
    recipient: str | None = None
    recipient_bsuid: str | None = None
    message_status: str | None = None
    raw: JsonObject = field(default_factory=dict)


class MessagingPlatform(Protocol):
    """One kind of channel. Everything here is pure; calls go through its :class:`ChannelClient`."""

    @property
    def kind(self) -> str:
        """The channel's name in product vocabulary (``whatsapp``)."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can show; content beyond that is degraded before ``render``."""

    def verify_signature(self, body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
        """Whether ``body`` was signed with one of ``secrets``. Header names are compared without case."""

    def parse(self, body: bytes | Any) -> ParsedWebhook:
        """Read a webhook body (bytes, or JSON already decoded). Raises :class:`MalformedBody` only for bytes that
        are not the platform's format; never for well-formed input of any shape."""

    def render(
        self,
        content: OutboundContent,
        to: Recipient,
        *,
        reply_to: str | None = None,
        callback_data: str | None = None,
    ) -> OutboundRequest:
        """The call that sends ``content``. Raises :class:`RenderError` when it is over a documented limit."""


class ChannelClient(Protocol):
    """The calls to a platform. Nothing is retried here; errors say whether the caller may."""

    async def send(
        self, account: AccountCredentials, request: OutboundRequest, *, may_leave: Callable[[], bool] | None = None
    ) -> SendResult:
        """Send a rendered message. Raises :class:`SendError`, and :class:`Withdrawn` when ``may_leave``, asked as the
        request goes to the socket, says no."""

    async def mark_read(self, account: AccountCredentials, external_id: str, *, typing: bool = False) -> None:
        """Mark an inbound message read and, if asked, show the typing sign. Raises :class:`SendError`."""

    async def aclose(self) -> None:
        """Close the connections."""
