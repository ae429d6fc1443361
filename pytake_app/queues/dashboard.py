"""The live dashboard: who waits and why, who is served, what has just ended, with the figures above.

Read in seven statements whatever the organization's size; the sentences come from the same decision that distributes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from pytake_app.core.clock import Clock
from pytake_app.core.errors import NotFoundError
from pytake_app.core.tenancy import Principal, Role
from pytake_app.queues import calendars, dashboard_rows, distributing, item_views, why
from pytake_app.queues.agent_schemas import AgentQueueView, AgentView
from pytake_app.queues.agents import AT_WORK
from pytake_app.queues.dashboard_rows import Counts, House, Shown, Waiting
from pytake_app.queues.distribution import Candidate, normal
from pytake_app.queues.insight_schemas import (
    Dashboard,
    DashboardFigures,
    DashboardItem,
    DashboardQueue,
    MovedTo,
    Period,
)
from pytake_app.queues.item_schemas import PRIORITIES, AgentRef, ContactRef, ItemStatus, LastWord, QueueBrief, Why
from pytake_app.queues.models import QueueItem, ServiceQueue

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Crew:
    """The people and what they show."""

    people: list[why.Person]
    views: list[AgentView]


def dashboard(
    session: Session,
    principal: Principal,
    *,
    queue_id: UUID | None = None,
    period: Period = "today",
    shown: int = dashboard_rows.SHOWN,
    clock: Clock,
) -> Dashboard:
    """What the monitor shows now.

    Parameters:
        queue_id: only this queue; the counts of `queues` are of all.
        period: whose ended items `recent` tells.
        shown: how many cards of each column at most.

    Raises:
        NotFoundError: no such queue.
    """
    principal.require(Role.VIEWER)
    now = clock.now()
    house = dashboard_rows.house(session)
    if queue_id is not None and queue_id not in house.queues:
        raise NotFoundError("There is no such queue.", code="queue_not_found")
    midnight = _midnight(house.zone, now)
    crew = _crew(dashboard_rows.people(session, midnight), house, midnight, now)
    found = dashboard_rows.items(session, principal, queue_id, *_stretch(period, house.zone, now), shown)
    line = dashboard_rows.waiting(session, principal)
    today, last_week = dashboard_rows.counts(
        session,
        [queue_id] if queue_id is not None else list(house.queues),
        [(midnight, now), (_midnight(house.zone, now - WEEK), now - WEEK)],
    )
    paces = dashboard_rows.paces(session, now)
    cards = _cards(found, house, crew.people, paces, now)
    totals = {one.part: one.total for one in found}
    absent = next((one.absent for one in found if one.part == "in_service"), 0)
    agents = [one for one in crew.views if queue_id is None or any(own.id == queue_id for own in one.queues)]
    figures = _figures(
        {one: held for one, held in line.items() if queue_id in (None, one)},
        agents, (totals.get("in_service", 0), absent), today, last_week, house, queue_id, now,
    )  # fmt: skip
    return Dashboard(
        at=now,
        figures=figures,
        queues=[
            DashboardQueue(
                id=queue.id, name=queue.name, color=queue.color, is_default=queue.is_default,
                waiting=line[queue.id].count if queue.id in line else 0,
            )
            for queue in house.queues.values()
            if queue.is_active or queue.id in line
        ],
        agents=agents,
        waiting=cards["waiting"],
        waiting_total=totals.get("waiting", 0),
        in_service=cards["in_service"],
        in_service_total=totals.get("in_service", 0),
        recent=cards["recent"],
        recent_total=totals.get("recent", 0),
    )  # fmt: skip


def _midnight(zone: str, now: datetime) -> datetime:
    local = now.astimezone(ZoneInfo(zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(now.tzinfo)


def _stretch(period: Period, zone: str, now: datetime) -> tuple[datetime, datetime]:
    today, soon = _midnight(zone, now), now + timedelta(seconds=1)
    if period == "yesterday":
        return _midnight(zone, today - timedelta(hours=12)), today
    return (_midnight(zone, now - WEEK), soon) if period == "7d" else (today, soon)


def _crew(rows: Sequence[Any], house: House, midnight: datetime, now: datetime) -> _Crew:
    levels = distributing.levels_of(
        [row.id for row in rows],
        list(house.queues.values()),
        {row.id: set(row.departments) for row in rows},
        [(row.id, UUID(queue_id), level) for row in rows for queue_id, level in row.given.items()],
    )
    people, views = [], []
    for row in rows:
        own = {queue_id: level for queue_id, level in levels[row.id].items() if queue_id in house.queues}
        candidate = Candidate(
            agent_id=row.id, load=int(row.load), capacity=row.capacity, levels=own, skills=normal(row.skills),
            last_assigned_at=row.last_assigned_at,
        )  # fmt: skip
        queues = [
            AgentQueueView(
                id=queue_id, name=house.queues[queue_id].name, color=house.queues[queue_id].color, level=level,
                given=str(queue_id) in row.given,
            )
            for queue_id, level in own.items()
        ]  # fmt: skip
        people.append(why.Person(candidate, row.full_name, row.status, tuple(one.name for one in queues)))
        views.append(
            AgentView(
                id=row.id, name=row.full_name, email=row.email, role=row.role, status=row.status,
                status_reason=row.status_reason, status_since=row.status_since or row.created_at,
                capacity=row.capacity, load=int(row.load), skills=row.skills, auto_away=row.auto_away,
                last_seen_at=row.last_seen_at, queues=queues,
                online_today_seconds=_at_work(row.status_at_midnight, row.changes, midnight, now),
            )
        )  # fmt: skip
    return _Crew(people, views)


def _at_work(before: str | None, changes: Sequence[tuple[str, str]], midnight: datetime, now: datetime) -> int:
    """Seconds at work since midnight."""
    spans = [(midnight, before or "offline"), *((datetime.fromisoformat(at), status) for at, status in changes)]
    ends = [at for at, _ in spans[1:]] + [now]
    found = ((until - at).total_seconds() for (at, status), until in zip(spans, ends, strict=True) if status in AT_WORK)
    return int(sum(max(0.0, span) for span in found))


def _cards(
    shown: Sequence[Shown], house: House, people: Sequence[why.Person], paces: Mapping[UUID, float], now: datetime
) -> dict[str, list[DashboardItem]]:
    cards: dict[str, list[DashboardItem]] = {"waiting": [], "in_service": [], "recent": []}
    present = {queue_id for one in people if one.takes for queue_id in one.candidate.levels}
    lines: dict[UUID | None, int] = {}
    for row in shown:
        item = row.item
        queue = house.queues.get(item.queue_id) if item.queue_id is not None else None
        card = _card(row, queue, now)
        if row.part == "waiting":
            ahead = lines.get(item.queue_id, 0)
            lines[item.queue_id] = ahead + 1
            card.position = ahead + 1
            pace = paces.get(item.queue_id) if item.queue_id in present else None
            card.predicted_wait_seconds = round(pace * card.position) if pace is not None else None
            if queue is not None:
                card.why = _why(row, queue, ahead, house, people, now)
                if card.why.code not in ("arriving", "next", "offered"):
                    card.suggestions = why.suggest(distributing.ticket(item, queue), people, now)
        cards[row.part].append(card)
    return cards


def _why(row: Shown, queue: ServiceQueue, ahead: int, house: House, people: Sequence[why.Person], now: datetime) -> Why:
    item = row.item
    if item.status == "offered":
        return Why(code="offered", params={"agent": row.offered.split(" ", 1)[0]})
    if item.arrived_at is None:
        return Why(code="arriving")
    calendar = house.calendars.get(queue.calendar_id) if queue.calendar_id is not None else None
    is_open = calendar is None or calendars.is_open(calendar, house.zone, now)
    opens = calendars.opens_next(calendar, house.zone, now) if calendar is not None and not is_open else None
    line = why.Line(queue.name, ahead, is_open, opens)
    return why.explain(distributing.ticket(item, queue), line, people, now, [*queue.skills, *item.skills])


def _card(row: Shown, queue: ServiceQueue | None, now: datetime) -> DashboardItem:
    item: QueueItem = row.item
    waited_to = item.assigned_at or item.ended_at or now
    by: Literal["contact", "agent", "bot"] = "contact"
    if row.direction != "in":
        by = "agent" if row.author == "agent" else "bot"
    return DashboardItem(
        id=item.id,
        queue=QueueBrief(id=queue.id, name=queue.name, color=queue.color) if queue is not None else None,
        conversation_id=item.conversation_id,
        contact=ContactRef(id=item.contact_id, name=row.contact_name, phone=row.phone),
        channel=item.channel,
        status=cast("ItemStatus", item.status),
        priority=PRIORITIES[item.priority],
        source=item.source,
        skills=item.skills,
        note=item.note,
        position=None,
        entered_at=item.entered_at,
        waited_seconds=max(0, int((waited_to - item.entered_at).total_seconds())),
        wait_until=item.wait_until,
        sla_seconds=queue.sla_seconds if queue is not None else None,
        sla_due_at=item.sla_due_at,
        sla_state=item_views.sla_state(item, now),
        predicted_wait_seconds=None,
        agent=AgentRef(id=item.agent_id, name=row.agent) if item.agent_id is not None else None,
        offered_to=AgentRef(id=item.offered_to, name=row.offered) if item.offered_to is not None else None,
        offered_until=item.offered_until,
        assigned_at=item.assigned_at,
        handled_seconds=(
            max(0, int(((item.ended_at or now) - item.assigned_at).total_seconds())) if item.assigned_at else None
        ),
        last_word=LastWord(by=by, at=row.spoken_at),
        ended_at=item.ended_at,
        outcome=item.outcome,
        csat_score=item.csat_score,
        csat_comment=item.csat_comment,
        queue_name=item.queue_name,
        ended_by_name=row.ender,
        snoozed_until=row.snoozed_until if item.status == "in_service" else None,
        moved_to=MovedTo(queue=row.moved[0], agent=row.moved[1]) if row.moved is not None else None,
    )


def _percent(counts: Counts) -> float | None:
    return round(100 * counts.met / counts.due, 1) if counts.due else None


def _figures(
    line: Mapping[UUID, Waiting],
    agents: Sequence[AgentView],
    served: tuple[int, int],
    today: Counts,
    last_week: Counts,
    house: House,
    queue_id: UUID | None,
    now: datetime,
) -> DashboardFigures:
    waiting = sum(one.count for one in line.values())
    longest = min(line.values(), key=lambda one: one.longest, default=None)
    at_work = [one for one in agents if one.status in AT_WORK]
    free = [one for one in agents if one.status == "online" and one.load < one.capacity]
    percent, then = _percent(today), _percent(last_week)
    promising = [queue for queue in house.queues.values() if queue.sla_seconds is not None]
    targets = [queue.sla_target_percent for queue in promising if queue_id in (None, queue.id)]
    return DashboardFigures(
        waiting=waiting,
        waiting_change=waiting - last_week.waiting if last_week.known else None,
        longest_wait_seconds=max(0, int((now - longest.longest).total_seconds())) if longest is not None else 0,
        longest_wait_since=longest.longest if longest is not None else None,
        longest_wait_contact=longest.contact if longest is not None else "",
        longest_wait_sla_state=item_views.due_state(longest.longest, longest.sla_due_at, now) if longest else "ok",
        in_service=served[0],
        in_service_absent=served[1],
        taken=sum(one.load for one in at_work),
        slots=sum(one.capacity for one in at_work),
        free_slots=sum(one.capacity - one.load for one in free),
        free_agents=len(free),
        sla_percent=percent,
        # Of several queues the highest promise counts; 0: nothing is promised.
        sla_target_percent=max(targets, default=0),
        sla_change=round(percent - then, 1) if percent is not None and then is not None else None,
        abandoned_today=today.abandoned,
        entered_today=today.entered,
        abandoned_change=today.abandoned - last_week.abandoned if last_week.known else None,
        csat_average=round(today.csat_sum / today.csat_count, 2) if today.csat_count else None,
        csat_count=today.csat_count,
    )
