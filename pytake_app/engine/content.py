"""What a flow can say: the content of an outgoing message, independent of any channel.

The same JSON shapes are accepted by the channels' renderers; JSON is the border between both.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True)


class TextContent(_Content):
    """Plain text. ``typing_ms``: how long to show the typing indicator first, in milliseconds."""

    type: Literal["text"] = "text"
    body: str
    preview_url: bool = False
    typing_ms: int = 0


class MediaContent(_Content):
    """One file, by ``url`` or by ``media_id`` of an uploaded asset."""

    type: Literal["media"] = "media"
    kind: Literal["image", "video", "audio", "document", "sticker"]
    url: str | None = None
    media_id: str | None = None
    caption: str = ""
    filename: str | None = None


class ContentHeader(_Content):
    """Header of an interactive or template message: a text or one medium."""

    type: Literal["text", "image", "video", "document"] = "text"
    text: str = ""
    url: str | None = None
    media_id: str | None = None
    filename: str | None = None


class ReplyButton(_Content):
    id: str
    title: str


class ButtonsContent(_Content):
    """Body with up to three reply buttons."""

    type: Literal["buttons"] = "buttons"
    header: ContentHeader | None = None
    body: str
    footer: str = ""
    buttons: list[ReplyButton]


class ListRow(_Content):
    id: str
    title: str
    description: str = ""


class ListSection(_Content):
    title: str = ""
    rows: list[ListRow]


class ListContent(_Content):
    """Body with a menu of sections and rows, opened by ``button``."""

    type: Literal["list"] = "list"
    header: ContentHeader | None = None
    body: str
    footer: str = ""
    button: str
    sections: list[ListSection]


class TemplateButtonParameter(_Content):
    """Value for one template button: a quick reply's payload or a link's variable end."""

    index: int
    kind: Literal["quick_reply", "url", "copy_code"]
    value: str


class TemplateContent(_Content):
    """An approved template. ``body`` are its variables in order, or by name in ``named_body``; ``header_name`` is the
    name of the header's variable in a template with named ones. A button's index counts all of the template's."""

    type: Literal["template"] = "template"
    name: str
    language: str
    header: ContentHeader | None = None
    header_name: str = ""
    body: list[str] = Field(default_factory=list)
    named_body: dict[str, str] = Field(default_factory=dict)
    buttons: list[TemplateButtonParameter] = Field(default_factory=list)


class LocationContent(_Content):
    type: Literal["location"] = "location"
    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


class CtaUrlContent(_Content):
    """Body with one button that opens a link."""

    type: Literal["cta_url"] = "cta_url"
    header: ContentHeader | None = None
    body: str
    footer: str = ""
    display_text: str
    url: str


class ReactionContent(_Content):
    """Emoji on an earlier message; an empty ``emoji`` takes it back."""

    type: Literal["reaction"] = "reaction"
    message_external_id: str
    emoji: str


class ContactPhone(_Content):
    phone: str
    type: str = "CELL"
    wa_id: str | None = None


class ContactCard(_Content):
    formatted_name: str
    first_name: str = ""
    phones: list[ContactPhone] = Field(default_factory=list)
    emails: list[str] = Field(default_factory=list)
    organization: str = ""


class ContactsContent(_Content):
    type: Literal["contacts"] = "contacts"
    contacts: list[ContactCard]


class LocationRequestContent(_Content):
    """Text with a button by which the contact sends their location."""

    type: Literal["location_request"] = "location_request"
    body: str


class FormContent(_Content):
    """A WhatsApp Flows form, by ``flow_id`` or ``flow_name``; ``data`` fills its first ``screen``."""

    type: Literal["form"] = "form"
    header: ContentHeader | None = None
    body: str
    footer: str = ""
    cta: str
    flow_id: str | None = None
    flow_name: str | None = None
    flow_token: str | None = None
    mode: Literal["draft", "published"] | None = None
    action: Literal["navigate", "data_exchange"] | None = None
    screen: str | None = None
    data: dict[str, JsonValue] | None = None


Content = Annotated[
    TextContent
    | MediaContent
    | ButtonsContent
    | ListContent
    | TemplateContent
    | LocationContent
    | CtaUrlContent
    | ReactionContent
    | ContactsContent
    | LocationRequestContent
    | FormContent,
    Field(discriminator="type"),
]
