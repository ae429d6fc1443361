"""What the notification endpoints say."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field


class NotificationView(BaseModel):
    """Something a person should know. `level` is info, warning or urgent; `conversation_id`: where it is about."""

    id: UUID
    kind: str
    level: str
    title: str
    body: str
    conversation_id: UUID | None
    contact_id: UUID | None
    created_at: datetime
    read_at: datetime | None


class NotificationPage(BaseModel):
    """Notifications, newest first; `unread` counts to 100."""

    items: list[NotificationView]
    next_cursor: str | None
    unread: int


class ReadResult(BaseModel):
    """How many were marked, and how many stay unread."""

    marked: int
    unread: int = Field(description="counts to 100")
