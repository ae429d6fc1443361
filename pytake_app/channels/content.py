"""What PyTake says, independent of any platform: the same JSON as the engine's message content."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

MediaKind = Literal["image", "video", "audio", "document", "sticker"]


class ContentModel(BaseModel):
    """Base of every content shape. Unknown members are refused: a typo must not be sent silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MediaRef(ContentModel):
    """A file by public ``url`` or by the platform's ``media_id`` (exactly one)."""

    url: str | None = None
    media_id: str | None = None
    filename: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> MediaRef:
        if bool(self.url) == bool(self.media_id):
            raise ValueError("exactly one of url and media_id is needed")
        return self


class Header(ContentModel):
    """Header of an interactive or template message: a line of ``text``, or one file by ``url`` or ``media_id``."""

    type: Literal["text", "image", "video", "document"] = "text"
    text: str = ""
    url: str | None = None
    media_id: str | None = None
    filename: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain_text(cls, value: Any) -> Any:
        return {"type": "text", "text": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _matches_type(self) -> Header:
        if self.type == "text" and (self.url or self.media_id):
            raise ValueError("a text header has no file")
        if self.type != "text" and (self.text or bool(self.url) == bool(self.media_id)):
            raise ValueError("a file header has exactly one of url and media_id, and no text")
        return self

    @property
    def media(self) -> MediaRef | None:
        """The header's file."""
        if self.type == "text":
            return None
        return MediaRef(url=self.url, media_id=self.media_id, filename=self.filename)


class TextContent(ContentModel):
    """Plain text; ``typing_ms`` is how long to show the typing sign before it (milliseconds)."""

    type: Literal["text"] = "text"
    body: str
    preview_url: bool = False
    typing_ms: int = Field(default=0, ge=0)


class MediaContent(ContentModel):
    """Image, video, audio, document or sticker. ``voice`` marks audio recorded as a voice message."""

    type: Literal["media"] = "media"
    kind: MediaKind
    url: str | None = None
    media_id: str | None = None
    caption: str | None = None
    filename: str | None = None
    voice: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> MediaContent:
        if bool(self.url) == bool(self.media_id):
            raise ValueError("exactly one of url and media_id is needed")
        return self


class ReplyButton(ContentModel):
    """A reply button; ``id`` comes back in the contact's answer."""

    id: str
    title: str


class ButtonsContent(ContentModel):
    """Text with one to three reply buttons."""

    type: Literal["buttons"] = "buttons"
    header: Header | None = None
    body: str
    footer: str | None = None
    buttons: list[ReplyButton]


class ListRow(ContentModel):
    """A row of a list; ``id`` comes back in the contact's answer."""

    id: str
    title: str
    description: str | None = None


class ListSection(ContentModel):
    """A titled group of rows (the title may be left out when it is the only one)."""

    title: str | None = None
    rows: list[ListRow]


class ListContent(ContentModel):
    """Text with a button that opens a list of up to ten rows."""

    type: Literal["list"] = "list"
    header: Header | None = None
    body: str
    footer: str | None = None
    button: str
    sections: list[ListSection]


class CtaUrlContent(ContentModel):
    """Text with one button that opens a web page."""

    type: Literal["cta_url"] = "cta_url"
    header: Header | None = None
    body: str
    footer: str | None = None
    display_text: str
    url: str


class LocationContent(ContentModel):
    """A place on the map, in decimal degrees."""

    type: Literal["location"] = "location"
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: str | None = None
    address: str | None = None


class LocationRequestContent(ContentModel):
    """Text with a button by which the contact sends their location."""

    type: Literal["location_request"] = "location_request"
    body: str


class ContactPhone(ContentModel):
    """A phone of a contact card."""

    phone: str
    type: str | None = None
    wa_id: str | None = None


class ContactEmail(ContentModel):
    """An e-mail of a contact card."""

    email: str
    type: str | None = None


class ContactUrl(ContentModel):
    """A web address of a contact card."""

    url: str
    type: str | None = None


class ContactAddress(ContentModel):
    """A postal address of a contact card."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    country_code: str | None = None
    type: str | None = None


class ContactName(ContentModel):
    """A name of a contact card; ``formatted_name`` is what is shown."""

    formatted_name: str
    first_name: str | None = None
    last_name: str | None = None
    middle_name: str | None = None
    suffix: str | None = None
    prefix: str | None = None


class ContactOrg(ContentModel):
    """The employer on a contact card."""

    company: str | None = None
    department: str | None = None
    title: str | None = None


class ContactCard(ContentModel):
    """A contact card (vCard-like). ``birthday`` is ``YYYY-MM-DD``.

    The engine's brief shape (``formatted_name``, ``first_name``, ``organization``, e-mails as strings) is accepted.
    """

    name: ContactName
    phones: list[ContactPhone] = Field(default_factory=list)
    emails: list[ContactEmail] = Field(default_factory=list)
    urls: list[ContactUrl] = Field(default_factory=list)
    addresses: list[ContactAddress] = Field(default_factory=list)
    org: ContactOrg | None = None
    birthday: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _brief_shape(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "name" in value or "formatted_name" not in value:
            return value
        card = {key: item for key, item in value.items() if key not in _BRIEF_CARD}
        name = {"formatted_name": value["formatted_name"], "first_name": value.get("first_name") or None}
        emails = [{"email": item} if isinstance(item, str) else item for item in value.get("emails") or []]
        company = value.get("organization")
        return {**card, "name": name, "emails": emails, "org": {"company": company} if company else None}


_BRIEF_CARD = frozenset({"formatted_name", "first_name", "organization", "emails"})


class ContactsContent(ContentModel):
    """One or more contact cards."""

    type: Literal["contacts"] = "contacts"
    contacts: list[ContactCard]


class ReactionContent(ContentModel):
    """An emoji on a message (the platform's id of it); an empty emoji removes it."""

    type: Literal["reaction"] = "reaction"
    message_external_id: str
    emoji: str = ""


class TemplateCurrency(ContentModel):
    """Money in a template: ``amount_1000`` is the amount times 1000."""

    fallback_value: str
    code: str
    amount_1000: int


class TemplateParameter(ContentModel):
    """One value for a template's placeholder.

    ``name`` is set for named placeholders. ``media`` serves image/video/document/gif headers, ``location``
    location headers, ``value`` every textual kind (text, payload of a quick reply, suffix of a URL, coupon
    code, fallback of a date), ``data`` the kinds whose value is JSON of Meta's own (action, ttl_minutes…).
    """

    type: Literal[
        "text",
        "currency",
        "date_time",
        "image",
        "video",
        "gif",
        "document",
        "location",
        "payload",
        "coupon_code",
        "product",
        "action",
        "limited_time_offer",
        "ttl_minutes",
        "tap_target_configuration",
    ] = "text"
    name: str | None = None
    value: str | None = None
    currency: TemplateCurrency | None = None
    media: MediaRef | None = None
    location: LocationContent | None = None
    data: dict[str, Any] | list[Any] | int | None = None


class TemplateComponent(ContentModel):
    """Values for one part of a template. ``index`` (0-based) and ``sub_type`` are for buttons."""

    type: Literal[
        "header", "body", "button", "carousel", "limited_time_offer", "order_status", "tap_target_configuration"
    ]
    sub_type: str | None = None
    index: int | None = Field(default=None, ge=0)
    parameters: list[TemplateParameter] = Field(default_factory=list)
    cards: list[TemplateCard] = Field(default_factory=list)


class TemplateCard(ContentModel):
    """Values for one card of a carousel template."""

    index: int = Field(ge=0)
    components: list[TemplateComponent]


class TemplateButtonParameter(ContentModel):
    """Value for one template button: a quick reply's payload, a link's variable end, a coupon code.

    ``index``: the button's place (from 0) among all of the template's buttons, those without a value included.
    """

    index: int = Field(ge=0)
    kind: Literal["quick_reply", "url", "copy_code"]
    value: str


class TemplateContent(ContentModel):
    """An approved template with its values.

    ``header``, ``body`` (in order) or ``named_body``, and ``buttons`` serve nearly every template; ``components``
    adds what they can't say (carousels, money, dates, orders). ``header_name`` names the header's placeholder in a
    template with named ones.
    """

    type: Literal["template"] = "template"
    name: str
    language: str
    header: Header | None = None
    header_name: str = ""
    body: list[str] = Field(default_factory=list)
    named_body: dict[str, str] = Field(default_factory=dict)
    buttons: list[TemplateButtonParameter] = Field(default_factory=list)
    components: list[TemplateComponent] = Field(default_factory=list)


class FormContent(ContentModel):
    """A WhatsApp Flows form. Exactly one of ``flow_id`` and ``flow_name``; ``data`` fills the first screen."""

    type: Literal["form"] = "form"
    header: Header | None = None
    body: str
    footer: str | None = None
    cta: str
    flow_id: str | None = None
    flow_name: str | None = None
    flow_token: str | None = None
    mode: Literal["draft", "published"] | None = None
    action: Literal["navigate", "data_exchange"] | None = None
    screen: str | None = None
    data: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_flow(self) -> FormContent:
        if bool(self.flow_id) == bool(self.flow_name):
            raise ValueError("exactly one of flow_id and flow_name is needed")
        return self


OutboundContent = Annotated[
    TextContent
    | MediaContent
    | ButtonsContent
    | ListContent
    | CtaUrlContent
    | LocationContent
    | LocationRequestContent
    | ContactsContent
    | ReactionContent
    | TemplateContent
    | FormContent,
    Field(discriminator="type"),
]

_ADAPTER: TypeAdapter[OutboundContent] = TypeAdapter(OutboundContent)


def parse_content(value: Any) -> OutboundContent:
    """Content from the engine's or the API's JSON. Raises ``pydantic.ValidationError``."""
    return _ADAPTER.validate_python(value)


def plain_text(content: OutboundContent) -> str:
    """A readable one-string rendering for lists, search and logs of conversations."""
    match content:
        case TextContent() | LocationRequestContent():
            return content.body
        case ButtonsContent() | ListContent() | CtaUrlContent() | FormContent():
            return content.body
        case MediaContent():
            return content.caption or content.filename or ""
        case LocationContent():
            place = ", ".join(part for part in (content.name, content.address) if part)
            return place or f"{content.latitude:.6f}, {content.longitude:.6f}"
        case ContactsContent():
            return ", ".join(card.name.formatted_name for card in content.contacts)
        case ReactionContent():
            return content.emoji
        case TemplateContent():
            return content.name
