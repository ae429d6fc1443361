"""What was said with one contact: handed out whole, or forgotten. The caller holds the contact's row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from pytake_app.conversations.desk_models import ConversationMention, MessageDraft, MessageSearch, ScheduledMessage
from pytake_app.conversations.models import AutomationLog, Conversation, Message
from pytake_app.core.clock import Clock
from pytake_app.core.tenancy import organization_of, scoped

ERASED = "erased"
"""Outcome of conversations that were open when their contact was forgotten."""
_BATCH = 500
_CONVERSATION = ("id", "channel", "status", "priority", "tags", "created_at", "closed_at", "outcome", "queue_name")
_MESSAGE = (
    "id", "conversation_id", "created_at", "direction", "type", "text", "content", "media", "location", "status",
    "author_kind", "sent_at", "delivered_at", "read_at",
)  # fmt: skip


def conversations_of(session: Session, contact_id: UUID) -> list[UUID]:
    """Ids of the contact's conversations, oldest first."""
    statement = scoped(session, Conversation).where(Conversation.contact_id == contact_id)
    return [row.id for row in session.exec(statement.order_by(col(Conversation.id)))]


def export_conversations(session: Session, contact_id: UUID) -> Iterator[dict[str, Any]]:
    """The contact's conversations, oldest first."""
    statement = scoped(session, Conversation).where(Conversation.contact_id == contact_id)
    for row in session.exec(statement.order_by(col(Conversation.id))):
        yield {name: getattr(row, name) for name in _CONVERSATION}


def export_messages(session: Session, contact_id: UUID) -> Iterator[dict[str, Any]]:
    """Everything said with the contact, notes about them included, conversation by conversation, oldest first."""
    for conversation_id in conversations_of(session, contact_id):
        after: UUID | None = None
        while True:
            statement = scoped(session, Message).where(Message.conversation_id == conversation_id)
            if after is not None:
                statement = statement.where(col(Message.id) > after)
            rows = list(session.exec(statement.order_by(col(Message.id)).limit(_BATCH)))
            for row in rows:
                yield {name: getattr(row, name) for name in _MESSAGE}
            session.expunge_all()
            if len(rows) < _BATCH:
                break
            after = rows[-1].id


def erase_contact(session: Session, contact_id: UUID, *, clock: Clock) -> tuple[dict[str, int], set[UUID]]:
    """Delete messages, notes, drafts, mentions and what was to be sent later; of conversations only dates, channel and
    queue remain, and those that were open are closed.

    Returns:
        rows deleted by kind, and the ids of the files that the messages named.
    """
    ids = conversations_of(session, contact_id)
    files = _files_of(session, ids)
    counts = {"conversations": len(ids)}
    kinds: tuple[tuple[str, type[SQLModel]], ...] = (
        ("messages", Message),
        ("searched", MessageSearch),
        ("drafts", MessageDraft),
        ("mentions", ConversationMention),
        ("scheduled", ScheduledMessage),
    )
    for name, table in kinds:
        counts[name] = _delete(session, table, col(table.conversation_id).in_(ids))  # type: ignore[attr-defined]
    _update(session, AutomationLog, col(AutomationLog.conversation_id).in_(ids), detail={})
    now = clock.now()
    is_open = col(Conversation.status).in_(("open", "pending"))
    _update(
        session,
        Conversation,
        col(Conversation.id).in_(ids),
        status="closed",
        closed_at=sa.case((is_open, now), else_=sa.func.coalesce(col(Conversation.closed_at), now)),
        outcome=sa.case((is_open, ERASED), else_=""),
        tags=[],
        unread_count=0,
        last_message_id=None,
        last_message_preview="",
        last_inbound_external_id=None,
        window_expires_at=None,
        waiting_since=None,
        snoozed_until=None,
        handoff={},
        updated_at=now,
    )
    return counts, files


def delete_messages_before(session: Session, before: datetime, limit: int) -> tuple[int, set[UUID]]:
    """Delete a batch of the messages from before a time, and what was found of them by search; previews of
    conversations that have nothing else to show go too.

    Returns:
        how many went (`limit` means that there are more), and the ids of the files they named.
    """
    organization_id = organization_of(session)
    rows = session.execute(_OLDEST, {"organization": organization_id, "before": before, "limit": limit}).all()
    if not rows:
        return 0, set()
    ids = [row.id for row in rows]
    session.execute(_FORGET_WORDS, {"organization": organization_id, "ids": ids})
    session.execute(_FORGET_PREVIEWS, {"organization": organization_id, "ids": ids})
    return len(rows), {UUID(row.file) for row in rows if row.file}


_OLDEST = sa.text(
    """
    DELETE FROM messages m USING (
        SELECT id, created_at FROM messages
        WHERE organization_id = :organization AND created_at < :before LIMIT :limit
    ) old
    WHERE m.id = old.id AND m.created_at = old.created_at AND m.organization_id = :organization
    RETURNING m.id, COALESCE(m.media->>'id', m.content->>'media_id') AS file
    """
)
_FORGET_WORDS = sa.text("DELETE FROM message_search WHERE organization_id = :organization AND message_id = ANY(:ids)")
_FORGET_PREVIEWS = sa.text(
    """
    UPDATE conversations SET last_message_preview = '', last_message_id = NULL
    WHERE organization_id = :organization AND last_message_id = ANY(:ids)
    """
)


def _files_of(session: Session, ids: list[UUID]) -> set[UUID]:
    statement = sa.text(
        """
        SELECT COALESCE(media->>'id', content->>'media_id') FROM messages
        WHERE organization_id = :organization AND conversation_id = ANY(:ids)
          AND (media IS NOT NULL OR content ? 'media_id')
        UNION
        SELECT request->'content'->>'media_id' FROM scheduled_messages
        WHERE organization_id = :organization AND conversation_id = ANY(:ids)
        """
    )
    found = session.execute(statement, {"organization": organization_of(session), "ids": ids}).scalars()
    return {UUID(one) for one in found if one}


def _delete(session: Session, table: type[SQLModel], which: Any) -> int:
    own = col(table.organization_id) == organization_of(session)  # type: ignore[attr-defined]
    return int(session.execute(sa.delete(table).where(own, which)).rowcount)  # type: ignore[attr-defined]


def _update(session: Session, table: type[SQLModel], which: Any, **values: Any) -> None:
    own = col(table.organization_id) == organization_of(session)  # type: ignore[attr-defined]
    session.execute(sa.update(table).where(own, which).values(**values))
