"""What can be sent from the inbox: one shape a kind, and the two ways of naming it in a request."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from pytake_app.channels.content import ContactCard, Header, ListSection, ReplyButton, TemplateButtonParameter

SCHEDULE_DAYS = 180
"""A message may be scheduled this far ahead."""


class Request(BaseModel):
    """Base of request bodies: unknown fields are an error."""

    model_config = ConfigDict(extra="forbid")


class TextBody(Request):
    """Free text; WhatsApp takes up to 4096 characters, only inside the service window."""

    type: Literal["text"] = "text"
    text: str = Field(min_length=1, max_length=4096)
    preview_url: bool = True


class MediaBody(Request):
    """A file uploaded before (`POST /conversations/{id}/uploads` or `/media`). What it is decides how it is sent.

    `as_document`: send a picture, sound or video as a file. `voice`: a voice note (Ogg with Opus only).
    """

    type: Literal["media"]
    media_id: UUID
    caption: str | None = Field(default=None, max_length=1024)
    filename: str | None = Field(default=None, max_length=240)
    voice: bool = False
    as_document: bool = False


class InteractiveBody(Request):
    """Text with up to three reply buttons (`buttons`), or with a list of up to ten rows (`button` and `sections`)."""

    type: Literal["interactive"]
    body: str = Field(min_length=1, max_length=4096)
    header: Header | None = None
    footer: str | None = Field(default=None, max_length=60)
    buttons: list[ReplyButton] = Field(default_factory=list, max_length=3)
    button: str | None = Field(default=None, max_length=20)
    sections: list[ListSection] = Field(default_factory=list, max_length=10)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.buttons) == bool(self.sections):
            raise ValueError("give either buttons or sections")
        if self.sections and not self.button:
            raise ValueError("a list needs the text of its button")
        return self


class LinkBody(Request):
    """Text with one button that opens a web page."""

    type: Literal["cta_url"]
    body: str = Field(min_length=1, max_length=1024)
    header: Header | None = None
    footer: str | None = Field(default=None, max_length=60)
    display_text: str = Field(min_length=1, max_length=20)
    url: str = Field(min_length=1, max_length=2000, pattern=r"^https?://\S+$")


class TemplateBody(Request):
    """An approved template with its variables; may be sent outside the service window.

    `body` in order, or `named_body`; `header` a text variable or a file; `buttons` the values of its buttons.
    """

    type: Literal["template"] = "template"
    name: str = Field(min_length=1, max_length=512)
    language: str = Field(min_length=2, max_length=20)
    body: list[str] = Field(default_factory=list, max_length=50)
    named_body: dict[str, str] = Field(default_factory=dict)
    header: Header | None = None
    buttons: list[TemplateButtonParameter] = Field(default_factory=list, max_length=10)


class LocationBody(Request):
    """A place, in decimal degrees."""

    type: Literal["location"]
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: str | None = Field(default=None, max_length=1000)
    address: str | None = Field(default=None, max_length=1000)


class ContactsBody(Request):
    """Contact cards."""

    type: Literal["contacts"]
    contacts: list[ContactCard] = Field(min_length=1, max_length=10)


class ReactionBody(Request):
    """An emoji on a message of the conversation; empty takes it back."""

    type: Literal["reaction"]
    message_id: UUID
    emoji: str = Field(default="", max_length=20)


MessageBody = (
    TextBody | MediaBody | InteractiveBody | LinkBody | TemplateBody | LocationBody | ContactsBody | ReactionBody
)
SendBody = Annotated[MessageBody, Field(discriminator="type")]

_OF_THE_REQUEST = frozenset({"client_id", "message", "text", "reply_to", "send_at", "anyway"})


class SendMessage(Request):
    """A message from a person or the API. `client_id` is the sender's own id: sending it twice sends once.

    `message` may be left out: `{"text": "…"}` is a text, and any kind may be given flat, as
    `{"type": "location", "latitude": …, "client_id": …}`.
    """

    client_id: str | None = Field(default=None, min_length=1, max_length=100)
    message: SendBody | None = None
    text: str | None = Field(default=None, min_length=1, max_length=4096)
    reply_to: UUID | None = Field(default=None, description="id of the message that this one quotes")
    send_at: AwareDatetime | None = Field(default=None, description="not now but then")
    anyway: bool = Field(default=False, description="send although a colleague is writing an answer")

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "type" not in value or "message" in value:
            return value
        kept = {key: item for key, item in value.items() if key in _OF_THE_REQUEST and key != "text"}
        body = {key: item for key, item in value.items() if key not in kept}
        return {**kept, "message": body}

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if (self.message is None) == (self.text is None):
            raise ValueError("give either message or text")
        return self

    def body(self) -> MessageBody:
        """The message, whichever way it was given."""
        return self.message if self.message is not None else TextBody(text=self.text or "")


class ScheduledView(BaseModel):
    """A message kept for later. `status`: scheduled, sent, failed (`reason` as a refusal's code), canceled."""

    id: UUID
    conversation_id: UUID
    status: str
    send_at: datetime
    text: str
    message: dict[str, Any]
    reply_to: UUID | None
    client_id: str | None
    author_id: UUID
    author_name: str | None
    reason: str
    message_id: UUID | None = Field(description="the message it became")
    created_at: datetime


class ScheduledUpdate(Request):
    """Another time, another message, or both."""

    send_at: AwareDatetime | None = None
    message: SendBody | None = None


class UploadView(BaseModel):
    """A file that can be sent: its `id` is the `media_id` of a message. `kind` says what it will be sent as."""

    id: UUID
    kind: str
    mime_type: str
    filename: str
    size: int
    url: str
    voice: bool
