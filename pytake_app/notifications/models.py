"""Tables of notifications."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from pytake_app.core.models import id_field, organization_field, time_field


class Notification(SQLModel, table=True):
    """A notification for one user (`user_id`), or for whoever `audience` and `target` name (`user_id` empty)."""

    __tablename__ = "notifications"
    __table_args__ = (
        Index("notifications_of_user", "user_id", "id"),
        Index("notifications_unread", "user_id", postgresql_where=text("read_at IS NULL")),
        Index("notifications_recent", "organization_id", "id"),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    user_id: UUID | None = Field(default=None, description="empty: for `audience`")
    audience: str = Field(default="user", description="user, everyone, assignee, department")
    target: str = ""
    kind: str = Field(default="flow", description="who made it: flow, …")
    level: str = Field(default="info", description="info, warning, urgent")
    title: str
    body: str = ""
    conversation_id: UUID | None = None
    contact_id: UUID | None = None
    created_at: datetime = time_field()
    read_at: datetime | None = time_field(nullable=True)
