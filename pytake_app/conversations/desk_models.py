"""Tables of the inbox as a desk: views, canned replies, drafts, mentions, scheduled messages, words for search."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field, SQLModel

from pytake_app.core.models import id_field, json_field, organization_field, time_field


class InboxView(SQLModel, table=True):
    """A saved choice of conversations, the owner's own or, `shared`, everybody's. `where` holds the list's filters."""

    __tablename__ = "inbox_views"

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    owner_id: UUID
    name: str
    shared: bool = False
    where: dict[str, Any] = json_field()
    position: int = 0
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class CannedResponse(SQLModel, table=True):
    """A saved reply. `scope`: person (`owner_id`), department (`department_id`), all."""

    __tablename__ = "canned_responses"
    __table_args__ = (Index("canned_responses_shortcut", "organization_id", "shortcut"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    shortcut: str
    title: str = ""
    text: str = ""
    media_ids: list[str] = json_field(list)
    scope: str = "all"
    owner_id: UUID | None = None
    department_id: UUID | None = Field(default=None, foreign_key="departments.id", ondelete="CASCADE")
    uses: int = 0
    last_used_at: datetime | None = time_field(nullable=True)
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class MessageDraft(SQLModel, table=True):
    """What somebody has begun to write in a conversation and not sent."""

    __tablename__ = "message_drafts"
    __table_args__ = (UniqueConstraint("conversation_id", "user_id"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    conversation_id: UUID = Field(foreign_key="conversations.id", ondelete="CASCADE")
    user_id: UUID
    text: str
    updated_at: datetime = time_field()


class ConversationMention(SQLModel, table=True):
    """A note of a conversation names somebody."""

    __tablename__ = "conversation_mentions"
    __table_args__ = (Index("conversation_mentions_user", "user_id", "conversation_id"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    conversation_id: UUID = Field(foreign_key="conversations.id", ondelete="CASCADE")
    user_id: UUID
    message_id: UUID
    created_at: datetime = time_field()


class ConversationParticipant(SQLModel, table=True):
    """Somebody wrote a note in a conversation: they see it, whoever answers it."""

    __tablename__ = "conversation_participants"

    user_id: UUID = Field(primary_key=True)
    conversation_id: UUID = Field(foreign_key="conversations.id", primary_key=True, index=True, ondelete="CASCADE")
    organization_id: UUID = organization_field()
    since: datetime = time_field()


class ScheduledMessage(SQLModel, table=True):
    """A message to be sent at `send_at` as `author_id`. `state`: scheduled, sent, failed (`reason`), canceled."""

    __tablename__ = "scheduled_messages"
    __table_args__ = (
        Index("scheduled_messages_due", "send_at", postgresql_where=text("state = 'scheduled'")),
        Index("scheduled_messages_conversation", "conversation_id", "send_at"),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    conversation_id: UUID = Field(foreign_key="conversations.id", ondelete="CASCADE")
    author_id: UUID
    request: dict[str, Any] = json_field()
    preview: str = ""
    client_id: str | None = None
    send_at: datetime = time_field()
    state: str = "scheduled"
    reason: str = ""
    message_id: UUID | None = None
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class MessageSearch(SQLModel, table=True):
    """The words of a message, written some seconds after it by the scheduler (`search_index`)."""

    __tablename__ = "message_search"
    __table_args__ = (Index("message_search_words", "words", postgresql_using="gin"),)

    organization_id: UUID = Field(primary_key=True)
    created_at: datetime = time_field(primary_key=True)
    message_id: UUID = Field(primary_key=True)
    conversation_id: UUID
    words: Any = Field(sa_column=Column(TSVECTOR, nullable=False))


class SearchProgress(SQLModel, table=True):
    """How far a table was read for search: the last message's id."""

    __tablename__ = "search_progress"

    name: str = Field(primary_key=True)
    position: UUID
