"""What the sandbox phone's API hears and says."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from pytake_app.core.schemas import RequestModel, View

PhoneNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{0,15}$")]
PhoneMessageType = Literal[
    "text",
    "button_reply",
    "list_reply",
    "template_button",
    "image",
    "audio",
    "voice",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
]


class SandboxAccountView(BaseModel):
    """A sandbox number and the person at its other end."""

    id: UUID
    name: str
    organization_name: str
    business_phone: str
    phone_number: str = Field(description="the person's phone, digits")
    person_name: str


class PhoneMessageView(View):
    """One message as the phone saw it; `body` is the Cloud API's own JSON."""

    id: UUID
    channel_account_id: UUID
    phone: str
    direction: Literal["to_phone", "from_phone"]
    external_id: str
    body: dict[str, Any]
    status: str
    created_at: datetime


class PhoneMessage(RequestModel):
    """What the person does on the phone. An empty `phone` is the number's own person."""

    phone: PhoneNumber = ""
    name: Annotated[str, StringConstraints(max_length=120)] | None = None
    type: PhoneMessageType = "text"
    text: Annotated[str, StringConstraints(max_length=4096)] = ""
    selection_id: Annotated[str, StringConstraints(max_length=256)] | None = None
    context_id: Annotated[str, StringConstraints(max_length=200)] | None = None
    media_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{10,20}$")] | None = None
    filename: Annotated[str, StringConstraints(max_length=240)] | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None


class PhoneRead(RequestModel):
    """The person looks at the chat."""

    phone: PhoneNumber = ""


class PhoneReset(RequestModel):
    """A new person with a new number."""

    name: Annotated[str, StringConstraints(max_length=120)] | None = None


class Persona(BaseModel):
    """The person at the other end of a sandbox number."""

    phone: str
    name: str


class ReadAnswer(BaseModel):
    """How many messages were reported as read."""

    read: int


class MediaAnswer(BaseModel):
    """A file the person can send."""

    id: str
    mime_type: str
    size: int


class SimulateInteractive(RequestModel):
    """A contact's message, as published in earlier versions: a text, or the id of a button or row."""

    contact_id: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    text: Annotated[str, StringConstraints(max_length=4096)] | None = None
    selection_id: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = None
