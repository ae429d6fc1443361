"""What the API says and hears about the message queue (the outbox)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pytake_app.messaging.outbox import OutboxPriority

JsonObject = dict[str, Any]
QueueState = Literal["queued", "sending", "unsure", "sent", "dead", "canceled"]
MessageKind = Literal[
    "text", "media", "image", "video", "audio", "document", "sticker", "buttons", "list", "template", "location",
    "contacts", "reaction", "cta_url", "location_request", "form", "interactive",
]  # fmt: skip
PriorityWord = Literal["critical", "high", "normal", "low"]


class QueueSend(BaseModel):
    """A message to a phone number. `content` is the content of `message_type`: for a text `{"body": "…"}` (or
    `{"text": "…"}`), for a template `{"name": "…", "language": "pt_BR", "body": ["…"]}`."""

    model_config = ConfigDict(extra="forbid")

    to: str = Field(min_length=3, max_length=64)
    message_type: MessageKind = "text"
    content: JsonObject | str
    priority: PriorityWord = "normal"
    max_attempts: int = Field(default=8, ge=1, le=20)
    scheduled_at: datetime | None = None
    sender: str | None = Field(default=None, alias="from", description="a channel account's id, or its phone number id")

    @field_validator("priority", "message_type", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        # Earlier versions wrote `High`.
        return value.lower() if isinstance(value, str) else value

    @property
    def outbox_priority(self) -> OutboxPriority:
        """The outbox's number of the priority."""
        return OutboxPriority[self.priority.upper()]


class QueueMessage(BaseModel):
    """A message on its way. `id` is the outbox's, `message_id` the conversation's message."""

    id: UUID
    message_id: UUID
    conversation_id: UUID
    contact_id: UUID
    channel_account_id: UUID
    state: QueueState
    priority: PriorityWord
    attempts: int
    max_attempts: int
    next_attempt_at: datetime
    created_at: datetime
    finished_at: datetime | None
    external_id: str | None
    error: JsonObject | None


class PriorityDepth(BaseModel):
    """How much waits at one priority. `due` may go now; the rest is scheduled or waits for another attempt."""

    priority: PriorityWord
    queued: int
    due: int


class QueueStats(BaseModel):
    """The organization's outbox. `oldest_seconds`: age of the oldest message that is due."""

    queued: int
    sending: int
    unsure: int
    dead: int
    sent_last_hour: int
    oldest_seconds: float | None
    priorities: list[PriorityDepth]
    inbound_pending: int
    inbound_dead: int


class LibraryFile(BaseModel):
    """An uploaded file. `kind`: as what it is sent; `size` in bytes; `url` answers to signed-in people only."""

    id: UUID
    kind: Literal["image", "video", "audio", "document", "sticker"]
    mime_type: str
    filename: str
    size: int
    url: str
    created_at: datetime
