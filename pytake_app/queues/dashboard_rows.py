"""The statements behind the dashboard: a fixed number, each bounded, whatever waits. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.accounts.models import Organization, User
from pytake_app.contacts.models import Contact
from pytake_app.conversations.models import Conversation, Message
from pytake_app.conversations.queueing import LATE_AT_MOST
from pytake_app.core.masking import shown_phone
from pytake_app.core.tenancy import Permission, Principal, organization_of
from pytake_app.queues import distribution, predicting, repository
from pytake_app.queues.agents import AT_WORK
from pytake_app.queues.models import HANDOVER, Agent, BusinessCalendar, QueueItem, ServiceQueue

SHOWN = 100
MOST_SHOWN = 500
RECENT_SHOWN = 50
IN_LINE = ("waiting", "offered")


@dataclass(frozen=True, slots=True)
class House:
    """The organization's queues with their business hours, and its time zone."""

    zone: str
    queues: dict[UUID, ServiceQueue]
    calendars: dict[UUID, BusinessCalendar]


def house(session: Session) -> House:
    """Read it: one statement."""
    statement = (
        sa.select(col(Organization.time_zone), ServiceQueue, BusinessCalendar)
        .select_from(Organization)
        .outerjoin(ServiceQueue, col(ServiceQueue.organization_id) == col(Organization.id))
        .outerjoin(BusinessCalendar, col(BusinessCalendar.id) == col(ServiceQueue.calendar_id))
        .where(col(Organization.id) == organization_of(session))
        .order_by(col(ServiceQueue.is_default).desc(), col(ServiceQueue.name), col(ServiceQueue.id))
    )
    rows = session.execute(statement).all()
    return House(
        zone=rows[0][0] if rows else "UTC",
        queues={row[1].id: row[1] for row in rows if row[1] is not None},
        calendars={row[2].id: row[2] for row in rows if row[2] is not None},
    )


# Conversations are counted by the index over who answers what; everything else is small.
_PEOPLE = sa.text("""
SELECT u.id, u.full_name, u.email, u.role, u.created_at,
       coalesce(a.status, 'offline') AS status, coalesce(a.status_reason, '') AS status_reason, a.status_since,
       coalesce(a.capacity, 4) AS capacity, coalesce(a.skills, '[]') AS skills,
       coalesce(a.auto_away, true) AS auto_away, a.last_seen_at, a.last_assigned_at,
       (SELECT coalesce(jsonb_object_agg(q.queue_id::text, q.level), '{}') FROM agent_queues q
        WHERE q.user_id = u.id) AS given,
       (SELECT coalesce(array_agg(m.department_id), '{}') FROM department_members m
        WHERE m.user_id = u.id) AS departments,
       (SELECT count(*) FROM conversations c
        WHERE c.organization_id = u.organization_id AND c.assignee_id = u.id AND c.handling = 'person'
          AND c.status = 'open')
       + (SELECT count(*) FROM queue_items i
          WHERE i.organization_id = u.organization_id AND i.status = 'offered' AND i.offered_to = u.id) AS load,
       (SELECT s.status FROM agent_status_changes s WHERE s.user_id = u.id AND s.from_at < :midnight
        ORDER BY s.from_at DESC, s.id DESC LIMIT 1) AS status_at_midnight,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(s.from_at, s.status) ORDER BY s.from_at, s.id), '[]')
        FROM agent_status_changes s WHERE s.user_id = u.id AND s.from_at >= :midnight) AS changes
FROM users u LEFT JOIN agents a ON a.user_id = u.id
WHERE u.organization_id = :organization AND u.is_active AND u.role = ANY(:roles)
ORDER BY u.full_name, u.id
""")


def people(session: Session, midnight: datetime) -> Sequence[Any]:
    """Everybody who may answer: one statement.

    Parameters:
        midnight: since when their statuses are told.
    """
    roles = [str(role) for role in accounts.roles_with(session, Permission.CONVERSATIONS_HANDLE)]
    values = {"organization": organization_of(session), "roles": roles, "midnight": midnight}
    return session.execute(_PEOPLE, values).all()


_Agent, _Offered, _Ender, _Next, _Taker = (
    aliased(User), aliased(User), aliased(User), aliased(QueueItem), aliased(User)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """One item with what is shown of it. `total`: of its column, shown or not; `absent`: those of them whose agent is
    not at work."""

    part: str
    total: int
    absent: int
    item: QueueItem
    contact_name: str
    phone: str | None
    direction: str
    spoken_at: datetime | None
    author: str | None
    agent: str
    offered: str
    ender: str
    moved: tuple[str, str] | None
    snoozed_until: datetime | None


def _part(name: str, order: Sequence[Any], most: int, *conditions: Any) -> Any:
    status = sa.func.coalesce(col(Agent.status), "offline")
    return (
        sa.select(
            col(QueueItem.id).label("id"),
            sa.literal(name).label("part"),
            sa.func.row_number().over(order_by=list(order)).label("n"),
            sa.func.count().over().label("total"),
            sa.func.count().filter(status.not_in(AT_WORK)).over().label("absent"),
        )
        .outerjoin(ServiceQueue, col(ServiceQueue.id) == col(QueueItem.queue_id))
        .outerjoin(Agent, col(Agent.user_id) == col(QueueItem.agent_id))
        .where(*conditions)
        .order_by(sa.text("n"))
        .limit(most)
    )


def items(
    session: Session,
    principal: Principal,
    queue_id: UUID | None,
    since: datetime,
    until: datetime,
    shown: int = SHOWN,
) -> list[Shown]:
    """Who waits (those first who are next), is served (the longest first), and ended within a time (the latest
    first), with their contacts, people and last words: one statement. Only what the caller sees.

    Parameters:
        queue_id: only this queue; None: all.
        shown: of each column at most.
    """
    here = [col(QueueItem.organization_id) == organization_of(session)]
    if queue_id is not None:
        here.append(col(QueueItem.queue_id) == queue_id)
    if (seen := repository.seen(session, principal)) is not None:
        here.append(seen)
    rank = (
        col(QueueItem.entered_at)
        - col(QueueItem.priority) * sa.literal(distribution.HEAD_START)
        - sa.func.coalesce(col(ServiceQueue.priority), 0) * sa.literal(distribution.QUEUE_POINT)
    )
    ended = (col(QueueItem.ended_at).desc(), col(QueueItem.id).desc())
    parts = [
        _part("waiting", (rank, col(QueueItem.id)), shown, *here, col(QueueItem.status).in_(IN_LINE)),
        _part("in_service", (col(QueueItem.assigned_at), col(QueueItem.id)), shown, *here,
              col(QueueItem.status) == "in_service"),
        _part("recent", ended, max(RECENT_SHOWN, shown // 2), *here,
              col(QueueItem.ended_at) >= since, col(QueueItem.ended_at) < until),
    ]  # fmt: skip
    picked = sa.union_all(*(part.subquery().select() for part in parts)).cte("picked")
    statement: Any = (
        sa.select(  # type: ignore[call-overload]  # more columns than its overloads count
            picked.c.part, picked.c.total, QueueItem, col(Contact.name), col(Contact.phone),
            col(Conversation.last_message_direction), col(Conversation.last_message_at), col(Message.author_kind),
            _Agent.full_name, _Offered.full_name, _Ender.full_name, _Next.queue_name, _Taker.full_name, _Next.id,
            picked.c.absent, col(Conversation.snoozed_until),
        )
        .join(QueueItem, col(QueueItem.id) == picked.c.id)
        .join(Contact, col(Contact.id) == col(QueueItem.contact_id))
        .join(Conversation, col(Conversation.id) == col(QueueItem.conversation_id))
        .outerjoin(
            Message,
            sa.and_(
                col(Message.id) == col(Conversation.last_message_id),
                # A message's partition is that of its own time.
                col(Message.created_at) >= col(Conversation.last_message_at) - LATE_AT_MOST,
            ),
        )
        .outerjoin(_Agent, col(_Agent.id) == col(QueueItem.agent_id))
        .outerjoin(_Offered, col(_Offered.id) == col(QueueItem.offered_to))
        .outerjoin(_Ender, col(_Ender.id) == col(QueueItem.ended_by))
        .outerjoin(
            _Next,
            sa.and_(
                col(_Next.conversation_id) == col(QueueItem.conversation_id),
                col(_Next.previous_item_id) == col(QueueItem.id),
            ),
        )
        .outerjoin(_Taker, col(_Taker.id) == col(_Next.agent_id))
        .order_by(picked.c.part, picked.c.n)
    )  # fmt: skip
    return [
        Shown(
            part=row[0], total=row[1], item=row[2], contact_name=row[3], phone=row[4], direction=row[5],
            spoken_at=row[6], author=row[7], agent=row[8] or "", offered=row[9] or "", ender=row[10] or "",
            moved=(row[11] or "", row[12] or "") if row[13] is not None else None, absent=row[14],
            snoozed_until=row[15],
        )
        for row in session.execute(statement)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait in a queue."""

    count: int
    longest: datetime
    contact: str
    sla_due_at: datetime | None


def waiting(session: Session, principal: Principal) -> dict[UUID, Waiting]:
    """How many wait in each queue and who has waited longest (nameless, unless the caller sees every conversation):
    one statement."""
    named = principal.has(Permission.CONVERSATIONS_SEE_ALL)
    statement = (
        sa.select(
            col(QueueItem.queue_id),
            sa.func.count().over(partition_by=col(QueueItem.queue_id)),
            col(QueueItem.entered_at),
            col(Contact.name),
            col(Contact.phone),
            col(QueueItem.sla_due_at),
        )
        .join(Contact, col(Contact.id) == col(QueueItem.contact_id))
        .where(
            col(QueueItem.organization_id) == organization_of(session),
            col(QueueItem.status).in_(IN_LINE),
            col(QueueItem.queue_id).is_not(None),
        )
        .distinct(col(QueueItem.queue_id))
        .order_by(col(QueueItem.queue_id), col(QueueItem.entered_at))
    )
    return {
        row[0]: Waiting(row[1], row[2], (row[3] or shown_phone(row[4]) or "") if named else "", row[5])
        for row in session.execute(statement)
    }


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened in a stretch of time. `due`: those whose promised time was over or kept in it; `met`: kept."""

    entered: int
    abandoned: int
    due: int
    met: int
    csat_sum: int
    csat_count: int
    waiting: int
    known: bool


def _counts(queue_ids: Sequence[UUID], here: UUID, since: datetime, until: datetime) -> Any:
    """Counts of [since, until); `waiting`: how many waited at its end. Items that joined more than a day before count
    no more among the waiting of a moment long past."""
    mine = (col(QueueItem.organization_id) == here, col(QueueItem.queue_id).in_(queue_ids))
    at = sa.func.coalesce(col(QueueItem.assigned_at), col(QueueItem.ended_at))
    joined = sa.and_(
        col(QueueItem.entered_at) >= since, col(QueueItem.entered_at) < until, col(QueueItem.source) != HANDOVER
    )
    ended = sa.and_(col(QueueItem.ended_at) >= since, col(QueueItem.ended_at) < until)
    served = sa.and_(col(QueueItem.assigned_at) >= since, col(QueueItem.assigned_at) < until)
    late = sa.and_(
        col(QueueItem.sla_due_at) >= since, col(QueueItem.sla_due_at) < until,
        sa.or_(at.is_(None), at > col(QueueItem.sla_due_at)),
    )  # fmt: skip
    met = sa.and_(served, col(QueueItem.assigned_at) <= col(QueueItem.sla_due_at))
    waited = sa.and_(col(QueueItem.entered_at) < until, sa.or_(at.is_(None), at >= until))

    def count(condition: Any) -> Any:
        return sa.func.count().filter(condition)

    return sa.select(
        count(joined),
        count(sa.and_(ended, col(QueueItem.status).in_(("abandoned", "timeout")))),
        count(sa.or_(met, late)),
        count(met),
        sa.func.coalesce(sa.func.sum(col(QueueItem.csat_score)).filter(ended), 0),
        sa.func.count(col(QueueItem.csat_score)).filter(ended),
        count(waited),
        count(sa.true()),
    ).where(*mine, col(QueueItem.entered_at) >= since - timedelta(days=1), col(QueueItem.entered_at) < until)


def counts(session: Session, queue_ids: Sequence[UUID], stretches: Sequence[tuple[datetime, datetime]]) -> list[Counts]:
    """What happened in each stretch of time: one statement."""
    here = organization_of(session)
    parts = [
        _counts(queue_ids, here, since, until).add_columns(sa.literal(n).label("stretch"))
        for n, (since, until) in enumerate(stretches)
    ]
    rows = sorted(session.execute(sa.union_all(*parts)), key=lambda row: cast("int", row[8]))
    return [
        Counts(
            entered=row[0], abandoned=row[1], due=row[2], met=row[3], csat_sum=row[4], csat_count=row[5],
            waiting=row[6], known=row[7] > 0,
        )
        for row in rows
    ]  # fmt: skip


def paces(session: Session, now: datetime) -> dict[UUID, float]:
    """Seconds between two assignments of each queue lately (see `predicting`): one statement."""
    return predicting.paces(session, now)
