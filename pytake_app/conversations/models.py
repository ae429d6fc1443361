"""Tables of conversations and messages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Computed, DateTime, Index, text
from sqlmodel import Field, SQLModel

from pytake_app.core.models import id_field, json_field, organization_field, time_field

_MINUTE = "date_bin('00:01:00'::interval, last_message_at, '2000-01-01 00:00:00+00'::timestamp with time zone)"


class Conversation(SQLModel, table=True):
    """A thread. `handling` says who answers: bot, waiting (for a person), person.

    At most one conversation per contact and channel account is open or pending. `snoozed_until`: put off (pending)
    until then or until the contact writes. `outcome`: how it ended, in the organization's own words. `listed_at`: the
    minute of `last_message_at`, by which lists find their place; PostgreSQL works it out.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        Index(
            "conversations_one_open",
            "contact_id",
            "channel_account_id",
            unique=True,
            postgresql_where=text("status IN ('open', 'pending')"),
        ),
        Index(
            "conversations_answered",
            "organization_id",
            "assignee_id",
            postgresql_include=["status"],
            postgresql_where=text("handling = 'person' AND status IN ('open', 'pending')"),
        ),
        # The minute, not the moment: a message leaves them alone, and the conversation is written in place.
        Index("conversations_recent", "organization_id", "listed_at"),
        Index("conversations_by_queue", "queue_id", postgresql_where=text("queue_id IS NOT NULL")),
        Index(
            "conversations_waiting",
            "organization_id",
            "waiting_since",
            "id",
            postgresql_where=text("waiting_since IS NOT NULL"),
        ),
        Index("conversations_snoozed", "snoozed_until", postgresql_where=text("snoozed_until IS NOT NULL")),
        Index(
            "conversations_at_work",
            "organization_id",
            "listed_at",
            postgresql_where=text("status IN ('open', 'pending')"),
        ),
        Index(
            "conversations_of_agent",
            "organization_id",
            "assignee_id",
            "listed_at",
            postgresql_where=text("assignee_id IS NOT NULL"),
        ),
        Index(
            "conversations_tagged",
            "tags",
            postgresql_using="gin",
            postgresql_ops={"tags": "jsonb_path_ops"},
            postgresql_where=text("tags <> '[]'"),
        ),
        Index("conversations_closed", "organization_id", "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field(index=False)
    contact_id: UUID = Field(foreign_key="contacts.id", index=True)
    channel_account_id: UUID = Field(foreign_key="channel_accounts.id")
    channel: str = "whatsapp"
    status: str = "open"
    priority: str = "medium"
    handling: str = "bot"
    assignee_id: UUID | None = None
    queue_id: UUID | None = None
    queue_name: str = ""
    tags: list[str] = json_field(list)
    unread_count: int = 0
    last_message_id: UUID | None = None
    last_message_at: datetime | None = time_field(nullable=True)
    listed_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), Computed(_MINUTE, persisted=True), nullable=True)
    )
    last_message_preview: str = ""
    last_message_direction: str = "in"
    last_inbound_at: datetime | None = time_field(nullable=True)
    last_inbound_external_id: str | None = None
    window_expires_at: datetime | None = time_field(nullable=True)
    waiting_since: datetime | None = time_field(nullable=True)
    handoff: dict[str, Any] = json_field()
    closed_at: datetime | None = time_field(nullable=True)
    closed_by: UUID | None = None
    outcome: str = Field(default="", sa_column_kwargs={"server_default": ""})
    snoozed_until: datetime | None = time_field(nullable=True)
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class Message(SQLModel, table=True):
    """One message; partitioned by month of `created_at`.

    `author_kind`: contact, bot, agent, system, api. `content` is the outbound content (channels' JSON) or the inbound
    extras; `media` and `location` as in the API.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index("messages_thread", "conversation_id", "id"),
        Index("messages_external", "channel_account_id", "external_id"),
        Index("messages_client", "conversation_id", "client_id", postgresql_where=text("client_id IS NOT NULL")),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )

    id: UUID = id_field()
    created_at: datetime = time_field(primary_key=True)
    organization_id: UUID = Field(nullable=False)
    conversation_id: UUID = Field(nullable=False)
    contact_id: UUID = Field(nullable=False)
    channel_account_id: UUID = Field(nullable=False)
    channel: str = "whatsapp"
    direction: str
    type: str
    text: str = ""
    selection_id: str | None = None
    content: dict[str, Any] = json_field()
    media: dict[str, Any] | None = json_field(None)
    location: dict[str, Any] | None = json_field(None)
    context_external_id: str | None = None
    external_id: str | None = None
    client_id: str | None = None
    status: str = "received"
    errors: list[dict[str, Any]] = json_field(list)
    pricing: dict[str, Any] | None = json_field(None)
    author_kind: str = "contact"
    author_id: UUID | None = None
    flow_session_id: UUID | None = None
    node_id: str | None = None
    sent_at: datetime | None = time_field(nullable=True)
    delivered_at: datetime | None = time_field(nullable=True)
    read_at: datetime | None = time_field(nullable=True)


class AutomationLog(SQLModel, table=True):
    """Why automation did, or did not, answer: one decision on one conversation."""

    __tablename__ = "automation_log"
    __table_args__ = (Index("automation_log_conversation", "conversation_id", "id"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field(index=False, foreign_key=False)
    conversation_id: UUID
    at: datetime = time_field()
    kind: str
    flow_id: UUID | None = None
    flow_session_id: UUID | None = None
    actor_id: UUID | None = None
    detail: dict[str, Any] = json_field()
