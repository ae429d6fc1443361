"""One message of a Cloud API webhook, of every kind Meta documents (Cloud API, Webhooks, Components)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from pytake_app.channels.base import (
    ContactInfo,
    ContactPhoneInfo,
    Context,
    FormReply,
    IdentityChange,
    InboundMessage,
    JsonObject,
    LocationInfo,
    MediaInfo,
    MessageType,
    OrderInfo,
    OrderItem,
    Referral,
    Selection,
    Sender,
)
from pytake_app.channels.errors import MalformedBody
from pytake_app.channels.whatsapp.phones import canonical_phone
from pytake_app.channels.whatsapp.values import (
    as_list,
    as_object,
    decode,
    digest,
    errors_of,
    flag,
    ident,
    moment,
    number,
    text,
)

_SELECTION_KINDS = frozenset({"button_reply", "list_reply"})
_CARDS_SHOWN = 10
_BSUID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")


def parse_message(
    raw: JsonObject, sender: Sender, account_external_id: str, business_account_id: str | None
) -> InboundMessage:
    """The typed message of ``raw``, which is kept. Never raises."""
    platform_type = text(raw, "type") or _guessed_type(raw)
    external_id = ident(raw, "id")
    stamp = raw.get("timestamp")
    message = InboundMessage(
        external_id=external_id or digest(raw),
        account_external_id=account_external_id,
        sender=sender,
        type="unknown",
        raw=raw,
        platform_type=platform_type,
        business_account_id=business_account_id,
        id_derived=external_id is None,
        at=moment(stamp),
        timestamp=text(raw, "timestamp"),
        group_id=ident(raw, "group_id"),
    )
    if "errors" in raw:
        message.errors = errors_of(raw)
    context = raw.get("context")
    if context.__class__ is dict:
        message.context = _context(as_object(context))
    referral = raw.get("referral")
    if referral.__class__ is dict:
        message.referral = _referral(as_object(referral))
    reader = _READERS.get(platform_type)
    if reader is not None:
        reader(message, as_object(raw.get(platform_type)))
    return message


def _guessed_type(raw: JsonObject) -> str:
    """Some relays leave ``type`` out; the member that carries the content names it."""
    return next((name for name in _READERS if isinstance(raw.get(name), dict | list)), "")


def is_bsuid(value: str) -> bool:
    """Whether ``value`` has the form of a business-scoped user id (``BR.`` and up to 128 characters)."""
    return _BSUID.fullmatch(value) is not None


def make_sender(
    external_id: str | None, bsuid: str | None, parent_bsuid: str | None, profile: JsonObject | None
) -> Sender:
    """A sender from the message's own members and the delivery's contact record.

    Some relays write a BSUID where an address belongs; it is told by its form and kept as what it is.
    """
    if external_id is not None and is_bsuid(external_id):
        external_id, bsuid = None, bsuid or external_id
    if profile is None:
        return Sender(external_id, bsuid, parent_bsuid, phone=canonical_phone(external_id))
    person = as_object(profile.get("profile"))
    address, user = ident(profile, "wa_id"), ident(profile, "user_id")
    if address is not None and is_bsuid(address):
        address, user = None, user or address
    return Sender(
        external_id=external_id or address,
        bsuid=bsuid or user,
        parent_bsuid=parent_bsuid or ident(profile, "parent_user_id"),
        username=text(person, "username") or text(profile, "username"),
        name=text(person, "name"),
        phone=canonical_phone(external_id or address),
        profile_external_id=address,
    )


def _context(raw: JsonObject) -> Context:
    product = as_object(raw.get("referred_product"))
    return Context(
        external_id=ident(raw, "id") or ident(raw, "message_id"),
        sender=ident(raw, "from"),
        forwarded=flag(raw, "forwarded"),
        frequently_forwarded=flag(raw, "frequently_forwarded"),
        catalog_id=text(product, "catalog_id"),
        product_id=text(product, "product_retailer_id"),
    )


def _referral(raw: JsonObject) -> Referral:
    return Referral(
        source_type=text(raw, "source_type"),
        source_id=text(raw, "source_id"),
        source_url=text(raw, "source_url"),
        headline=text(raw, "headline"),
        body=text(raw, "body"),
        media_type=text(raw, "media_type"),
        media_url=text(raw, "image_url") or text(raw, "video_url") or text(raw, "thumbnail_url"),
        click_id=text(raw, "ctwa_clid"),
        welcome_text=text(as_object(raw.get("welcome_message")), "text"),
    )


def _text(message: InboundMessage, raw: JsonObject) -> None:
    message.type = "text"
    body = raw.get("body")
    # An empty body is still a body; only its absence is not.
    message.text = body if isinstance(body, str) else text(raw, "body")


def _media(kind: MessageType) -> Callable[[InboundMessage, JsonObject], None]:
    def read(message: InboundMessage, raw: JsonObject) -> None:
        message.type = kind
        media = MediaInfo(
            id=text(raw, "id"),
            mime_type=text(raw, "mime_type"),
            filename=text(raw, "filename"),
            sha256=text(raw, "sha256"),
            caption=text(raw, "caption"),
            url=text(raw, "url") or text(raw, "link"),
            voice=flag(raw, "voice") or message.platform_type == "voice",
            animated=flag(raw, "animated"),
        )
        message.media = media
        message.text = media.caption or (media.filename if kind == "document" else None)

    return read


def _location(message: InboundMessage, raw: JsonObject) -> None:
    message.type = "location"
    place = LocationInfo(
        latitude=_bounded(number(raw, "latitude"), 90),
        longitude=_bounded(number(raw, "longitude"), 180),
        name=text(raw, "name"),
        address=text(raw, "address"),
        url=text(raw, "url"),
    )
    message.location = place
    shown = ", ".join(part for part in (place.name, place.address) if part)
    if not shown and place.latitude is not None and place.longitude is not None:
        shown = f"{place.latitude:.6f}, {place.longitude:.6f}"
    message.text = shown or place.url


def _bounded(value: float | None, limit: float) -> float | None:
    return value if value is not None and abs(value) <= limit else None


def _contacts(message: InboundMessage, _raw: JsonObject) -> None:
    message.type = "contacts"
    for card in as_list(message.raw.get("contacts")):
        if not isinstance(card, dict):
            continue
        name = as_object(card.get("name"))
        phones = [
            ContactPhoneInfo(phone=text(phone, "phone"), wa_id=text(phone, "wa_id"), type=text(phone, "type"))
            for phone in map(as_object, as_list(card.get("phones")))
        ]
        emails = [text(as_object(email), "email") for email in as_list(card.get("emails"))]
        formatted = text(name, "formatted_name") or " ".join(
            part for part in (text(name, "first_name"), text(name, "last_name")) if part
        )
        message.contacts.append(
            ContactInfo(
                formatted_name=formatted or None,
                phones=phones,
                emails=[email for email in emails if email],
                company=text(as_object(card.get("org")), "company"),
            )
        )
    shown = [_card_line(card) for card in message.contacts[:_CARDS_SHOWN]]
    message.text = "\n".join(line for line in shown if line) or None


def _card_line(card: ContactInfo) -> str:
    first = next((phone.phone or phone.wa_id for phone in card.phones if phone.phone or phone.wa_id), None)
    return ": ".join(part for part in (card.formatted_name, first) if part)


def _interactive(message: InboundMessage, raw: JsonObject) -> None:
    kind = text(raw, "type") or next((name for name in raw if isinstance(raw[name], dict)), "")
    chosen = as_object(raw.get(kind))
    if kind == "nfm_reply":
        _form(message, chosen)
    elif kind == "call_permission_reply":
        message.type = "call_permission"
        message.extra = chosen
        message.text = text(chosen, "response")
    else:
        message.type = "interactive"
        selection: Selection | None
        if kind in _SELECTION_KINDS:
            selection = Selection(kind, text(chosen, "id"), text(chosen, "title"), text(chosen, "description"))
            message.selection_id = selection.id
            message.text = selection.title or selection.id
        else:
            # Payments and what is newer than this code: kept whole, nothing was chosen from our options.
            selection = Selection(kind) if kind else None
            message.extra = chosen
        message.selection = selection


def _form(message: InboundMessage, raw: JsonObject) -> None:
    message.type = "form"
    raw_json = raw.get("response_json")
    answers: JsonObject = {}
    if isinstance(raw_json, dict):
        answers = raw_json
    elif isinstance(raw_json, str):
        try:
            loaded = decode(raw_json.encode())
        except MalformedBody:
            loaded = None
        answers = as_object(loaded)
    form = FormReply(
        name=text(raw, "name"),
        body=text(raw, "body"),
        raw_json=raw_json if isinstance(raw_json, str) else None,
        answers={name: value for name, value in answers.items() if name != "flow_token"},
        flow_token=text(answers, "flow_token"),
    )
    message.form = form
    lines = [f"{name}: {value}" for name, value in form.answers.items() if isinstance(value, str | int | float)]
    message.text = "\n".join(lines) or form.body


def _button(message: InboundMessage, raw: JsonObject) -> None:
    message.type = "button"
    title = text(raw, "text")
    payload = text(raw, "payload")
    message.selection = Selection("template_button", payload, title)
    # Meta sends the button's text as payload when the template set none; older relays leave it out.
    message.selection_id = payload or title
    message.text = title or payload


def _reaction(message: InboundMessage, raw: JsonObject) -> None:
    message.type = "reaction"
    message.target_external_id = ident(raw, "message_id")
    # Absent or empty: the reaction was taken back.
    message.reaction = text(raw, "emoji")
    message.text = message.reaction


def _order(message: InboundMessage, raw: JsonObject) -> None:
    message.type = "order"
    items = [
        OrderItem(
            product_id=text(item, "product_retailer_id"),
            quantity=number(item, "quantity"),
            price=number(item, "item_price"),
            currency=text(item, "currency"),
        )
        for item in map(as_object, as_list(raw.get("product_items")))
    ]
    message.order = OrderInfo(catalog_id=text(raw, "catalog_id"), text=text(raw, "text"), items=items)
    lines = [f"{item.quantity or 0:g} x {item.product_id}" for item in items if item.product_id]
    message.text = "\n".join(part for part in (message.order.text, *lines) if part) or None


def _system(message: InboundMessage, raw: JsonObject) -> None:
    message.type = "system"
    message.text = text(raw, "body")
    message.extra = raw
    kind = text(raw, "type") or ""
    # ``wa_id`` is the new id since version 12, ``new_wa_id`` before; ``customer`` is the id prior to the change.
    sender = message.sender
    new_address = ident(raw, "wa_id") or ident(raw, "new_wa_id")
    old_address = ident(raw, "customer") or sender.external_id
    new_bsuid = ident(raw, "user_id")
    if kind not in _IDENTITY_KINDS:
        return
    message.identity_change = IdentityChange(
        kind=_IDENTITY_KINDS[kind],
        old_external_id=old_address,
        new_external_id=new_address,
        old_bsuid=sender.bsuid,
        new_bsuid=new_bsuid,
        old_parent_bsuid=sender.parent_bsuid,
        new_parent_bsuid=ident(raw, "parent_user_id"),
        old_phone=canonical_phone(old_address),
        new_phone=canonical_phone(new_address),
        detail=message.text,
    )


def _edit(message: InboundMessage, raw: JsonObject) -> None:
    message.type = "edit"
    message.target_external_id = ident(raw, "original_message_id")
    inner = as_object(raw.get("message"))
    kind = text(inner, "type") or _guessed_type(inner)
    reader = _READERS.get(kind)
    if reader is None or kind in {"edit", "revoke"}:
        return
    # Read the new content as what it is, then say that it replaces another message.
    shadow = InboundMessage(
        external_id=message.external_id,
        account_external_id=message.account_external_id,
        sender=message.sender,
        type="unknown",
        raw=inner,
        platform_type=kind,
    )
    reader(shadow, as_object(inner.get(kind)))
    message.text, message.media, message.location = shadow.text, shadow.media, shadow.location
    message.extra = {"type": shadow.type}


def _revoke(message: InboundMessage, raw: JsonObject) -> None:
    message.type = "revoke"
    message.target_external_id = ident(raw, "original_message_id")


def _request_welcome(message: InboundMessage, _raw: JsonObject) -> None:
    message.type = "request_welcome"


def _unsupported(message: InboundMessage, raw: JsonObject) -> None:
    message.type = "unsupported"
    message.extra = raw


_IDENTITY_KINDS: dict[str, Literal["number", "bsuid", "identity"]] = {
    "user_changed_number": "number",
    "customer_changed_number": "number",
    "user_changed_user_id": "bsuid",
    "user_identity_changed": "identity",
    "customer_identity_changed": "identity",
}

_READERS: dict[str, Callable[[InboundMessage, JsonObject], None]] = {
    "text": _text,
    "interactive": _interactive,
    "button": _button,
    "image": _media("image"),
    "audio": _media("audio"),
    "voice": _media("audio"),
    "video": _media("video"),
    "document": _media("document"),
    "sticker": _media("sticker"),
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "order": _order,
    "system": _system,
    "edit": _edit,
    "revoke": _revoke,
    "request_welcome": _request_welcome,
    "unsupported": _unsupported,
    "ephemeral": _unsupported,
}
