"""Items that have ended, to be looked through, and figures over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.contacts import service as contacts
from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page, decode_cursor, encode_cursor
from pytake_app.core.tenancy import Permission, Principal, organization_of, scoped
from pytake_app.queues import agents, repository
from pytake_app.queues.insight_schemas import (
    AgentDetail,
    AgentFigures,
    AgentToday,
    Figures,
    FiguresOf,
    HistoryEntry,
    QueueMetrics,
)
from pytake_app.queues.item_schemas import PRIORITIES, AgentRef, ContactRef, ItemStatus
from pytake_app.queues.models import QueueHour, QueueItem, ServiceQueue

DAYS_SHOWN = 7
LONGEST = timedelta(days=400)
HOURLY = timedelta(days=14)
"""Figures by the hour are told of no longer time."""
_SUMS = (
    "entered", "assigned", "completed", "abandoned", "transferred", "timeouts", "overflows", "served", "sla_due",
    "sla_met", "wait_total_seconds", "handle_total_seconds", "csat_sum", "csat_count",
)  # fmt: skip


def _period(first: datetime | None, last: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    last = last or now + timedelta(seconds=1)
    first = first or last - timedelta(days=DAYS_SHOWN)
    for name, at in (("from", first), ("to", last)):
        if at.tzinfo is None:
            raise InvalidError("The time needs its zone.", errors=[FieldError(f"/{name}", "without a zone", "invalid")])
    if not timedelta(0) < last - first <= LONGEST:
        raise InvalidError(
            f"The time must be longer than nothing and at most {LONGEST.days} days.",
            errors=[FieldError("/from", "not before `to`, or too long before", "invalid")],
        )
    return first, last


def history(
    session: Session,
    principal: Principal,
    queue_id: UUID,
    *,
    first: datetime | None = None,
    last: datetime | None = None,
    outcomes: Sequence[ItemStatus] = (),
    agent_id: UUID | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    clock: Clock,
) -> Page[HistoryEntry]:
    """Items of a queue that ended within a time (the last seven days by default), the latest first.

    Parameters:
        outcomes: only these ends; empty: all.

    Raises:
        NotFoundError: no such queue.
        InvalidError: a time that is none; a cursor that isn't of this list.
    """
    principal.needs(Permission.ANALYTICS_READ)
    queue = repository.find(session, ServiceQueue, queue_id)
    since, until = _period(first, last, clock.now())
    limit = min(max(limit, 1), MAX_LIMIT)
    statement = scoped(session, QueueItem).where(
        QueueItem.queue_id == queue.id, col(QueueItem.ended_at) >= since, col(QueueItem.ended_at) < until
    )
    seen = repository.seen(session, principal)
    if seen is not None:
        statement = statement.where(seen)
    if outcomes:
        statement = statement.where(col(QueueItem.status).in_(list(outcomes)))
    if agent_id is not None:
        statement = statement.where(QueueItem.agent_id == agent_id)
    if cursor is not None:
        at, item_id = _place(cursor)
        statement = statement.where(sa.tuple_(col(QueueItem.ended_at), col(QueueItem.id)) < (at, item_id))
    order = (col(QueueItem.ended_at).desc(), col(QueueItem.id).desc())
    rows = list(session.exec(statement.order_by(*order).limit(limit + 1)))
    shown, more = rows[:limit], len(rows) > limit
    people = contacts.briefs(session, {row.contact_id for row in shown})
    users = {one for row in shown for one in (row.agent_id, row.ended_by) if one is not None}
    names = accounts.user_names(session, users)

    def entry(row: QueueItem) -> HistoryEntry:
        contact, ended = people[row.contact_id], cast("datetime", row.ended_at)
        met = None if row.sla_due_at is None else (row.assigned_at or ended) <= row.sla_due_at
        return HistoryEntry(
            id=row.id,
            queue_name=row.queue_name,
            conversation_id=row.conversation_id,
            contact=ContactRef(id=contact.id, name=contact.name, phone=contact.phone),
            channel=row.channel,
            status=cast("ItemStatus", row.status),
            outcome=row.outcome,
            source=row.source,
            priority=PRIORITIES[row.priority],
            agent=AgentRef(id=row.agent_id, name=names.get(row.agent_id, "")) if row.agent_id is not None else None,
            entered_at=row.entered_at,
            assigned_at=row.assigned_at,
            ended_at=ended,
            ended_by_name=names.get(row.ended_by, "") if row.ended_by is not None else "",
            waited_seconds=max(0, int(((row.assigned_at or ended) - row.entered_at).total_seconds())),
            handled_seconds=max(0, int((ended - row.assigned_at).total_seconds())) if row.assigned_at else None,
            sla_met=met,
            csat_asked=row.csat_asked_at is not None,
            csat_score=row.csat_score,
            csat_comment=row.csat_comment,
        )

    following = encode_cursor(cast("datetime", shown[-1].ended_at).isoformat(), str(shown[-1].id)) if more else None
    return Page[HistoryEntry](items=[entry(row) for row in shown], next_cursor=following)


def _place(cursor: str) -> tuple[datetime, UUID]:
    at, item_id = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(str(at)), UUID(str(item_id))
    except ValueError as error:
        raise InvalidError("The cursor is not one that this list gave.") from error


def metrics(
    session: Session,
    principal: Principal,
    queue_id: UUID,
    *,
    first: datetime | None = None,
    last: datetime | None = None,
    by: Literal["hour", "day"] = "hour",
    clock: Clock,
) -> QueueMetrics:
    """A queue's figures from the hourly roll-up, which is some seconds behind.

    Parameters:
        by: days are those of the organization's time zone.

    Raises:
        NotFoundError: no such queue.
        InvalidError: a time that is none, or too long for hours.
    """
    principal.needs(Permission.ANALYTICS_READ)
    queue = repository.find(session, ServiceQueue, queue_id)
    since, until = _period(first, last, clock.now())
    since = since.replace(minute=0, second=0, microsecond=0)
    if by == "hour" and until - since > HOURLY + timedelta(hours=1):
        raise InvalidError(
            f"Figures by the hour are told of {HOURLY.days} days at most; ask for days.",
            errors=[FieldError("/by", "too long for hours", "invalid")],
        )
    bucket: Any = col(QueueHour.hour)
    if by == "day":
        bucket = sa.func.date_trunc("day", col(QueueHour.hour), accounts.time_zone_of(session))
    mine = (
        col(QueueHour.organization_id) == organization_of(session), col(QueueHour.queue_id) == queue.id,
        col(QueueHour.hour) >= since, col(QueueHour.hour) < until,
    )  # fmt: skip
    sums = [sa.func.coalesce(sa.func.sum(getattr(QueueHour, name)), 0).label(name) for name in _SUMS]
    longest = sa.func.coalesce(sa.func.max(col(QueueHour.wait_max)), 0).label("wait_max")
    all_of_it = sa.select(*sums, longest).where(*mine, col(QueueHour.agent_id).is_(None))
    by_time = all_of_it.add_columns(bucket.label("at")).group_by(bucket).order_by(bucket)
    by_agent = (
        sa.select(*sums, longest, col(QueueHour.agent_id).label("agent_id"))
        .where(*mine, col(QueueHour.agent_id).is_not(None))
        .group_by(col(QueueHour.agent_id))
    )
    people = list(session.execute(by_agent))
    names = accounts.user_names(session, {row.agent_id for row in people})
    told = [
        AgentFigures(agent=AgentRef(id=row.agent_id, name=names.get(row.agent_id, "")), **_figures(row))
        for row in people
    ]
    return QueueMetrics(
        first=since,
        last=until,
        by=by,
        totals=Figures(**_figures(session.execute(all_of_it).one())),
        series=[FiguresOf(at=row.at, **_figures(row)) for row in session.execute(by_time)],
        agents=sorted(told, key=lambda one: (-one.assigned, one.agent.name)),
    )


def _share(total: float, count: int) -> float | None:
    return round(total / count, 2) if count else None


def _figures(row: Any) -> dict[str, Any]:
    return {
        "entered": row.entered, "assigned": row.assigned, "completed": row.completed, "abandoned": row.abandoned,
        "transferred": row.transferred, "timeouts": row.timeouts, "overflows": row.overflows,
        "wait_average_seconds": _share(float(row.wait_total_seconds), row.assigned),
        "wait_max_seconds": row.wait_max,
        "handle_average_seconds": _share(float(row.handle_total_seconds), row.served),
        "sla_percent": _share(100.0 * row.sla_met, row.sla_due),
        "csat_average": _share(float(row.csat_sum), row.csat_count),
        "csat_count": row.csat_count,
    }  # fmt: skip


def agent_detail(session: Session, principal: Principal, user_id: UUID, *, clock: Clock) -> AgentDetail:
    """One agent, with what they did since midnight, of all queues and of none.

    Raises:
        NotFoundError: nobody here who may answer.
    """
    view = agents.get_agent(session, principal, user_id, clock=clock)
    zone, now = ZoneInfo(accounts.time_zone_of(session)), clock.now()
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    ended = col(QueueItem.ended_at) >= midnight
    handled = sa.func.extract("epoch", col(QueueItem.ended_at) - col(QueueItem.assigned_at))
    row = session.execute(
        sa.select(
            sa.func.count().filter(col(QueueItem.assigned_at) >= midnight).label("assigned"),
            sa.func.count().filter(ended, col(QueueItem.status) == "completed").label("completed"),
            sa.func.count().filter(ended, col(QueueItem.status) == "transferred").label("transferred"),
            sa.func.avg(handled).filter(ended).label("handling"),
            sa.func.avg(col(QueueItem.csat_score)).filter(ended).label("csat"),
            sa.func.count(col(QueueItem.csat_score)).filter(ended).label("csat_count"),
        ).where(
            col(QueueItem.organization_id) == organization_of(session),
            col(QueueItem.agent_id) == user_id,
            sa.or_(ended, col(QueueItem.assigned_at) >= midnight),
        )
    ).one()
    today = AgentToday(
        assigned=row.assigned,
        completed=row.completed,
        transferred=row.transferred,
        handle_average_seconds=round(float(row.handling), 1) if row.handling is not None else None,
        csat_average=round(float(row.csat), 2) if row.csat is not None else None,
        csat_count=row.csat_count,
    )
    return AgentDetail(**view.model_dump(), today=today)
