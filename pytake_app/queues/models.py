"""Tables of service queues and business hours."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from pytake_app.core.models import id_field, json_field, organization_field, time_field


class BusinessCalendar(SQLModel, table=True):
    """When the organization is open.

    `periods`: `{days: [0 Monday … 6 Sunday], opens, closes}` with times as HH:MM; `holidays`: `{date, name}`, the date
    ISO or MM-DD for every year. `timezone` is an IANA name, empty for the organization's own.
    """

    __tablename__ = "business_calendars"
    __table_args__ = (
        UniqueConstraint("organization_id", "name"),
        Index("business_calendars_default", "organization_id", unique=True, postgresql_where=text("is_default")),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    name: str
    timezone: str = ""
    periods: list[dict[str, Any]] = json_field(list)
    holidays: list[dict[str, Any]] = json_field(list)
    is_default: bool = False
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class ServiceQueue(SQLModel, table=True):
    """Where conversations wait for a person.

    `max_size` and `max_wait_minutes`: None for no bound. `priority`: queues with a higher one are served first.
    `overflow_action`: none, queue (on to `overflow_queue_id`), message (the contact is told `overflow_message`).
    """

    __tablename__ = "service_queues"
    __table_args__ = (
        UniqueConstraint("organization_id", "name"),
        Index("service_queues_default", "organization_id", unique=True, postgresql_where=text("is_default")),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    name: str
    description: str = ""
    department_id: UUID | None = Field(default=None, foreign_key="departments.id", ondelete="SET NULL")
    calendar_id: UUID | None = Field(default=None, foreign_key="business_calendars.id", ondelete="SET NULL")
    max_size: int | None = None
    max_wait_minutes: int | None = None
    priority: int = 0
    skills: list[str] = json_field(list)
    welcome_message: str = ""
    waiting_message: str = ""
    closed_message: str = ""
    overflow_action: str = "none"
    overflow_queue_id: UUID | None = Field(default=None, foreign_key="service_queues.id", ondelete="SET NULL")
    overflow_message: str = ""
    is_default: bool = False
    is_active: bool = True
    created_at: datetime = time_field()
    updated_at: datetime = time_field()
