"""Statements over the tables of conversations; every one scoped to the transaction's organization."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.contacts import service as contacts
from pytake_app.conversations import sight
from pytake_app.conversations.desk_models import ConversationMention
from pytake_app.conversations.models import AutomationLog, Conversation, Message
from pytake_app.core.errors import NotFoundError
from pytake_app.core.tenancy import Principal, organization_of, scoped

OPEN = ("open", "pending")
LATE_AT_MOST = timedelta(days=1)
"""A message is not older than this against the time its conversation was last spoken in."""


def find(session: Session, principal: Principal | None, conversation_id: UUID) -> Conversation:
    """One conversation.

    Parameters:
        principal: who asks; None: the product itself, for whom all are there.

    Raises:
        NotFoundError: none here, or none that the caller sees.
    """
    statement = scoped(session, Conversation).where(Conversation.id == conversation_id)
    seen = sight.condition(session, principal) if principal is not None else None
    found = session.exec(statement if seen is None else statement.where(seen)).one_or_none()
    if found is None:
        raise NotFoundError("There is no such conversation.", code="conversation_not_found")
    return cast("Conversation", found)


def lock(session: Session, principal: Principal | None, conversation_id: UUID) -> Conversation:
    """One conversation, held until the transaction ends; its contact's row first, in the order of the pipeline.

    Parameters and errors as `find`'s.
    """
    contact_id = find(session, principal, conversation_id).contact_id
    contacts.lock(session, contact_id)
    statement = (
        scoped(session, Conversation)
        .where(Conversation.id == conversation_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return cast("Conversation", session.exec(statement).one())


def other_open(session: Session, conversation: Conversation) -> bool:
    """Whether the contact has another conversation open on the same account."""
    statement = sa.select(sa.literal(1)).where(
        col(Conversation.organization_id) == conversation.organization_id,
        col(Conversation.contact_id) == conversation.contact_id,
        col(Conversation.channel_account_id) == conversation.channel_account_id,
        col(Conversation.id) != conversation.id,
        col(Conversation.status).in_(OPEN),
    )
    return session.execute(statement.limit(1)).first() is not None


def messages(session: Session, conversation_id: UUID, *, limit: int, before: UUID | None) -> list[Message]:
    """A thread's messages, newest first; without edits, deletions and reactions that have taken effect."""
    statement = scoped(session, Message).where(
        Message.conversation_id == conversation_id, ~col(Message.content).contains({"hidden": True})
    )
    if before is not None:
        statement = statement.where(col(Message.id) < before)
    return list(session.exec(statement.order_by(col(Message.id).desc()).limit(limit)))


def messages_after(session: Session, conversation_id: UUID, *, limit: int, after: UUID) -> list[Message]:
    """A thread's messages newer than one, oldest first; without edits, deletions and reactions in effect."""
    statement = scoped(session, Message).where(
        Message.conversation_id == conversation_id,
        col(Message.id) > after,
        ~col(Message.content).contains({"hidden": True}),
    )
    return list(session.exec(statement.order_by(col(Message.id)).limit(limit)))


def messages_between(
    session: Session, conversation_id: UUID, *, first: datetime, last: datetime, limit: int
) -> list[Message]:
    """A thread's messages of a span of time, oldest first; without edits, deletions and reactions in effect."""
    statement = (
        scoped(session, Message)
        .where(
            Message.conversation_id == conversation_id,
            col(Message.created_at).between(first, last),
            ~col(Message.content).contains({"hidden": True}),
        )
        .order_by(col(Message.id))
        .limit(limit)
    )
    return list(session.exec(statement))


def messages_by_id(session: Session, ids: Sequence[UUID]) -> list[Message]:
    """Messages by id, oldest first."""
    statement = scoped(session, Message).where(col(Message.id).in_(ids)).order_by(col(Message.id))
    return list(session.exec(statement))


def message_by_external_id(session: Session, external_id: str) -> list[Message]:
    """Messages with this id of the platform's (one, unless two accounts share ids)."""
    return list(session.exec(scoped(session, Message).where(Message.external_id == external_id).limit(20)))


def message_by_client_id(session: Session, conversation_id: UUID, client_id: str) -> Message | None:
    """The message that a sender gave this id."""
    statement = scoped(session, Message).where(
        Message.conversation_id == conversation_id, Message.client_id == client_id
    )
    return session.exec(statement.limit(1)).first()


def fates(session: Session, rows: Sequence[Conversation]) -> dict[UUID, str]:
    """How far the last message of each conversation has come, where that one was sent: conversation's id → status."""
    last = {row.last_message_id: row for row in rows if row.last_message_direction == "out" and row.last_message_at}
    times = [row.last_message_at for row in last.values() if row.last_message_at is not None]
    if not times:
        return {}
    statement = sa.select(col(Message.conversation_id), col(Message.status)).where(
        col(Message.organization_id) == organization_of(session),
        col(Message.id).in_([key for key in last if key is not None]),
        # A message's partition is that of its own time.
        col(Message.created_at).between(min(times) - LATE_AT_MOST, max(times) + LATE_AT_MOST),
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def log_page(session: Session, conversation_id: UUID, *, limit: int, before: UUID | None) -> list[AutomationLog]:
    """Decisions about a conversation, newest first."""
    statement = scoped(session, AutomationLog).where(AutomationLog.conversation_id == conversation_id)
    if before is not None:
        statement = statement.where(col(AutomationLog.id) < before)
    return list(session.exec(statement.order_by(col(AutomationLog.id).desc()).limit(limit)))


def counts(session: Session, principal: Principal, midnight: datetime) -> Any:
    """One row: open, mine, unassigned, waiting, bot, unread (over open ones), closed since midnight, put off, those in
    which somebody named the caller; of those that the caller sees."""
    me, seen = principal.user_id, sight.condition(session, principal)
    named = sa.select(col(ConversationMention.conversation_id)).where(
        col(ConversationMention.organization_id) == organization_of(session), col(ConversationMention.user_id) == me
    )
    is_open = col(Conversation.status).in_(OPEN)

    def count(*conditions: Any) -> Any:
        return sa.func.count().filter(*conditions)

    statement = sa.select(
        count(is_open),
        count(is_open, col(Conversation.assignee_id) == me),
        count(is_open, col(Conversation.assignee_id).is_(None)),
        count(is_open, col(Conversation.handling) == "waiting"),
        count(is_open, col(Conversation.handling) == "bot"),
        count(is_open, col(Conversation.unread_count) > 0),
        count(col(Conversation.closed_at) >= midnight),
        count(is_open, col(Conversation.snoozed_until).is_not(None)),
        count(is_open, col(Conversation.id).in_(named)),
    ).where(
        col(Conversation.organization_id) == organization_of(session),
        sa.or_(is_open, col(Conversation.closed_at) >= midnight),
    )
    return session.execute(statement if seen is None else statement.where(seen)).one()


def count_of_contact(session: Session, contact_id: UUID) -> int:
    """How many conversations a contact has had."""
    statement = sa.select(sa.func.count()).where(
        col(Conversation.organization_id) == organization_of(session), col(Conversation.contact_id) == contact_id
    )
    return int(session.execute(statement).scalar_one())


def contact_totals(session: Session, contact_id: UUID) -> tuple[int, int, int, int, datetime | None, datetime | None]:
    """A contact's conversations, open ones, messages in and out, first and last message."""
    threads = session.execute(
        sa.select(sa.func.count(), sa.func.count().filter(col(Conversation.status).in_(OPEN))).where(
            col(Conversation.organization_id) == organization_of(session), col(Conversation.contact_id) == contact_id
        )
    ).one()
    conversation_ids = sa.select(col(Conversation.id)).where(
        col(Conversation.organization_id) == organization_of(session), col(Conversation.contact_id) == contact_id
    )
    said = session.execute(
        sa.select(
            sa.func.count().filter(col(Message.direction) == "in"),
            sa.func.count().filter(col(Message.direction) == "out"),
            sa.func.min(col(Message.created_at)),
            sa.func.max(col(Message.created_at)),
        ).where(
            col(Message.organization_id) == organization_of(session),
            col(Message.conversation_id).in_(conversation_ids),
        )
    ).one()
    return threads[0], threads[1], said[0], said[1], said[2], said[3]


def many(session: Session, principal: Principal, ids: Sequence[UUID]) -> list[Conversation]:
    """Those of the conversations that the caller sees."""
    if not ids:
        return []
    statement = scoped(session, Conversation).where(col(Conversation.id).in_(ids))
    seen = sight.condition(session, principal)
    return list(session.exec(statement if seen is None else statement.where(seen)))


def leave_queue(session: Session, queue_id: UUID) -> None:
    """No conversation is in this queue any more."""
    session.execute(
        sa.update(Conversation)
        .where(col(Conversation.organization_id) == organization_of(session), col(Conversation.queue_id) == queue_id)
        .values(queue_id=None)
    )


def replace_tag(session: Session, name: str, new: str | None) -> None:
    """Another name, or none, for the conversations that carry the tag `name`."""
    tags = col(Conversation.tags)
    session.execute(
        sa.update(Conversation)
        .where(col(Conversation.organization_id) == organization_of(session), tags.contains([name]))
        .values(tags=contacts.replaced(tags, name, new))
        .execution_options(synchronize_session=False)
    )
