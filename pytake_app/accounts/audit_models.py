"""Table of the audit log."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from pytake_app.core.models import id_field, organization_field, time_field


class AuditEntry(SQLModel, table=True):
    """Somebody changed something, or did what leaves no row behind. Written once, by triggers and `audit.record`.

    `actor_kind`: user, api_key, system (the product itself), visitor (nobody signed in). `before` and `after` hold
    what differs, secrets as bullets.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("audit_log_recent", "organization_id", "at", "id"),
        Index("audit_log_actor", "organization_id", "actor_id", "at"),
        Index("audit_log_object", "organization_id", "object_id", "at"),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field(index=False, foreign_key=False)
    at: datetime = time_field()
    actor_kind: str = "system"
    actor_id: UUID | None = None
    actor_name: str = ""
    address: str = ""
    action: str
    object_kind: str = ""
    object_id: str = ""
    object_name: str = ""
    before: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    after: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
