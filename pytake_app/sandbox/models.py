"""What the sandbox phone shows: the other end of the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import SQLModel

from pytake_app.core.models import id_field, json_field, organization_field, time_field


class SandboxMessage(SQLModel, table=True):
    """One message as the phone saw it. `direction`: to_phone or from_phone; `body` is the Graph or webhook JSON."""

    __tablename__ = "sandbox_messages"
    __table_args__ = (Index("sandbox_messages_phone", "channel_account_id", "phone", "id"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    channel_account_id: UUID
    phone: str
    direction: str
    external_id: str
    body: dict[str, Any] = json_field()
    status: str = "sent"
    created_at: datetime = time_field()
