"""The inbox's list: filters, orders, and the page after a row, each with an index behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col

from pytake_app.conversations import searching, sight
from pytake_app.conversations.desk_models import ConversationMention
from pytake_app.conversations.models import Conversation
from pytake_app.conversations.schemas import ConversationFilter, SortOrder
from pytake_app.core.errors import InvalidError
from pytake_app.core.pagination import decode_cursor, encode_cursor
from pytake_app.core.tenancy import Principal, organization_of, scoped

OPEN = ("open", "pending")
RARE = 1_000
"""Tags on no more conversations than this are looked up first."""

# As the index `conversations_by_priority` has it.
_RANK: Any = sa.literal_column(
    "CASE priority WHEN 'urgent' THEN 3 WHEN 'high' THEN 2 WHEN 'medium' THEN 1 ELSE 0 END", sa.Integer
)
_RANKS = {"urgent": 3, "high": 2, "medium": 1}


@dataclass(frozen=True, slots=True)
class Position:
    """The sort key of the last row of a page."""

    rank: int
    at: datetime | None
    id: UUID


def position(cursor: str | None) -> Position | None:
    """The row that a cursor names.

    Raises:
        InvalidError: it is none of ours.
    """
    if cursor is None:
        return None
    rank, at, conversation_id = decode_cursor(cursor, 3)
    try:
        moment = datetime.fromisoformat(str(at)) if at is not None else None
        return Position(int(rank or 0), moment, UUID(str(conversation_id)))
    except ValueError as error:
        raise InvalidError("The cursor is not one that this list gave.") from error


def cursor_of(row: Conversation, sort: SortOrder) -> str:
    """The cursor of the page after this row."""
    at = row.waiting_since if sort == "waiting" else row.last_message_at
    rank = int(row.unread_count > 0) if sort == "unread" else _RANKS.get(row.priority, 0)
    return encode_cursor(rank, at.isoformat() if at is not None else None, str(row.id))


def page(
    session: Session, where: ConversationFilter, *, principal: Principal, limit: int, after: Position | None
) -> list[Conversation]:
    """Conversations in the order asked for; those just begun count as the newest.

    An index finds the minute (`listed_at`), PostgreSQL sorts what lies in it by the moment.
    """
    statement = scoped(session, Conversation)
    for condition in _conditions(session, where, principal.user_id):
        statement = statement.where(condition)
    seen = sight.condition(session, principal)
    if seen is not None:
        statement = statement.where(seen)
    minute, at, key = col(Conversation.listed_at), col(Conversation.last_message_at), col(Conversation.id)
    match where.sort:
        case "waiting":
            since = col(Conversation.waiting_since)
            statement = statement.where(since.is_not(None))
            if after is not None:
                statement = statement.where(sa.tuple_(since, key) > _literals(after))
            return list(session.exec(statement.order_by(since, key).limit(limit)))
        case "oldest":
            if after is not None and after.at is not None:
                later = sa.and_(minute >= _minute_of(after.at), sa.tuple_(at, key) > _literals(after))
                statement = statement.where(sa.or_(at.is_(None), later))
            elif after is not None:
                statement = statement.where(at.is_(None), key > after.id)
            return list(session.exec(statement.order_by(minute, at, key).limit(limit)))
        case "priority":
            # Only what is open or put off: what is closed has no urgency.
            statement = statement.where(col(Conversation.status).in_(OPEN))
            if after is not None:
                rest = _newest_after(after)
                same = after.rank == _RANK
                statement = statement.where(after.rank >= _RANK, sa.or_(after.rank > _RANK, sa.and_(same, rest)))
            order = (_RANK.desc(), minute.desc(), at.desc(), key.desc())
            return list(session.exec(statement.order_by(*order).limit(limit)))
        case "unread":
            # Two walks of the index of what is open. An index of what is unread would be written by every message.
            statement = statement.where(col(Conversation.status).in_(OPEN))
            newest, count = (minute.desc(), at.desc(), key.desc()), col(Conversation.unread_count)
            rows: list[Conversation] = []
            for rank, condition in ((1, count > 0), (0, count == 0)):
                part = statement.where(condition)
                if after is not None and after.rank < rank:
                    continue
                if after is not None and after.rank == rank:
                    part = part.where(_newest_after(after))
                rows += session.exec(part.order_by(*newest).limit(limit - len(rows)))
                if len(rows) == limit:
                    break
            return rows
        case _:
            if after is not None:
                statement = statement.where(_newest_after(after))
            # DESC puts rows without a message first, and the index reads backwards.
            return list(session.exec(statement.order_by(minute.desc(), at.desc(), key.desc()).limit(limit)))


def _literals(after: Position) -> Any:
    return sa.tuple_(sa.literal(after.at), sa.literal(after.id))


def _newest_after(after: Position) -> Any:
    at, key = col(Conversation.last_message_at), col(Conversation.id)
    if after.at is None:
        return sa.or_(at.is_not(None), key < after.id)
    return sa.and_(col(Conversation.listed_at) <= _minute_of(after.at), sa.tuple_(at, key) < _literals(after))


def _minute_of(at: datetime) -> datetime:
    """As PostgreSQL works out `listed_at`."""
    known = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return known.astimezone(UTC).replace(second=0, microsecond=0)


def _tagged(session: Session, tags: Sequence[str]) -> Any:
    """All of these tags. Rare ones are looked up; what many carry soon fills a page in any order."""
    wanted = sa.cast(list(tags), JSONB)
    call = sa.func.pytake_tagged(wanted, RARE + 1).table_valued("conversation_id")
    found = list(session.execute(sa.select(call.c.conversation_id)).scalars())
    return col(Conversation.tags).contains(list(tags)) if len(found) > RARE else col(Conversation.id).in_(found)


def _conditions(session: Session, where: ConversationFilter, me: UUID) -> list[Any]:
    conditions: list[Any] = []

    def among(column: Any, values: Any) -> None:
        if values:
            conditions.append(column.in_(values))

    among(col(Conversation.id), where.ids)
    among(col(Conversation.status), where.status)
    among(col(Conversation.handling), where.handling)
    among(col(Conversation.priority), where.priority)
    if where.assignee == "mine":
        conditions.append(col(Conversation.assignee_id) == me)
    elif where.assignee == "unassigned":
        conditions.append(col(Conversation.assignee_id).is_(None))
    elif where.assignee != "all":
        conditions.append(col(Conversation.assignee_id) == where.assignee)
    for column, value in (
        (Conversation.channel, where.channel),
        (Conversation.channel_account_id, where.channel_account_id),
        (Conversation.queue_name, where.queue),
        (Conversation.queue_id, where.queue_id),
        (Conversation.contact_id, where.contact_id),
    ):
        if value is not None:
            conditions.append(col(column) == value)
    if where.tags:
        conditions.append(_tagged(session, where.tags))
    if where.unread is not None:
        conditions.append(col(Conversation.unread_count) > 0 if where.unread else col(Conversation.unread_count) == 0)
    if where.snoozed is not None:
        until = col(Conversation.snoozed_until)
        conditions.append(until.is_not(None) if where.snoozed else until.is_(None))
    if where.since is not None:
        conditions.append(col(Conversation.last_message_at) >= where.since)
        conditions.append(col(Conversation.listed_at) >= _minute_of(where.since))
    if where.until is not None:
        conditions.append(col(Conversation.last_message_at) < where.until)
        conditions.append(col(Conversation.listed_at) <= _minute_of(where.until))
    if where.mentions_me:
        named = sa.select(col(ConversationMention.conversation_id)).where(
            col(ConversationMention.organization_id) == organization_of(session), col(ConversationMention.user_id) == me
        )
        conditions.append(col(Conversation.id).in_(named))
    if where.q.strip():
        conditions.append(searching.about(session, where.q))
    return conditions
