"""Agents: who answers, whether they are at work, how much they take. Functions never commit.

Reading needs `viewer`; agents change their own status, capacity and skills are theirs and the administrators', queues
the administrators'.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.accounts.models import User
from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, ForbiddenError, InvalidError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, scoped
from pytake_app.queues import distributing, items, repository, telling
from pytake_app.queues.agent_schemas import (
    AgentCapacityWrite,
    AgentQueuesWrite,
    AgentQueueView,
    AgentStatus,
    AgentView,
    Heartbeat,
    StatusChangeView,
)
from pytake_app.queues.models import Agent, AgentQueue, AgentStatusChange, ServiceQueue

LOST = "connection_lost"
"""Reason of an agent who is away because nothing was heard of their browser."""
HEARTBEAT = timedelta(seconds=25)
GRACE = timedelta(seconds=60)
"""How long nothing may be heard of an agent at work."""
AT_WORK = ("online", "busy")
HISTORY_SHOWN = 500
_HEARD_EVERY = timedelta(seconds=10)


def ensure(session: Session, user_ids: Iterable[UUID], *, clock: Clock) -> None:
    """Make agents of users who are none yet."""
    now, here = clock.now(), organization_of(session)
    rows = [
        {"user_id": user_id, "organization_id": here, "status": "offline", "status_reason": "", "status_since": now,
         "status_before": "", "capacity": 4, "skills": [], "auto_away": True}
        for user_id in user_ids
    ]  # fmt: skip
    if rows:
        session.execute(insert(Agent).values(rows).on_conflict_do_nothing())


def find(session: Session, user_id: UUID, *, clock: Clock) -> tuple[Agent, User]:
    """An agent, made if need be, their row held.

    Raises:
        NotFoundError: nobody here who may answer (code `agent_not_found`).
    """
    user = next((one for one in accounts.answerers(session) if one.id == user_id), None)
    if user is None:
        raise NotFoundError("There is no such agent.", code="agent_not_found")
    agent = items.hold_agents(session, [user_id]).get(user_id)
    if agent is None:
        ensure(session, [user_id], clock=clock)
        agent = items.hold_agents(session, [user_id])[user_id]
    return agent, user


def list_agents(session: Session, principal: Principal, *, clock: Clock) -> list[AgentView]:
    """Everybody who may answer, by name."""
    principal.require(Role.VIEWER)
    people = accounts.answerers(session)
    known = {agent.user_id for agent in session.exec(scoped(session, Agent))}
    ensure(session, [user.id for user in people if user.id not in known], clock=clock)
    return views(session, people, clock=clock)


def get_agent(session: Session, principal: Principal, user_id: UUID, *, clock: Clock) -> AgentView:
    """One agent.

    Raises:
        NotFoundError: nobody here who may answer.
    """
    principal.require(Role.VIEWER)
    _, user = find(session, user_id, clock=clock)
    return views(session, [user], clock=clock)[0]


def views(session: Session, people: Collection[User], *, clock: Clock) -> list[AgentView]:
    """Agents as the API shows them, in a fixed number of statements."""
    ids = [user.id for user in people]
    found = {row.user_id: row for row in session.exec(scoped(session, Agent).where(col(Agent.user_id).in_(ids)))}
    queues = {queue.id: queue for queue in repository.all_of(session, ServiceQueue)}
    levels, busy = distributing.answered_queues(session), distributing.loads(session)
    own = scoped(session, AgentQueue).where(col(AgentQueue.user_id).in_(ids))
    given = {(row.user_id, row.queue_id) for row in session.exec(own)}
    at_work = online_today(session, ids, clock=clock)
    return [
        AgentView(
            id=user.id,
            name=user.full_name,
            email=user.email,
            avatar_url=user.avatar_url,
            role=user.role,
            status=cast("AgentStatus", agent.status),
            status_reason=agent.status_reason,
            status_since=agent.status_since,
            capacity=agent.capacity,
            load=busy.get(user.id, 0),
            skills=agent.skills,
            auto_away=agent.auto_away,
            last_seen_at=agent.last_seen_at,
            queues=[
                AgentQueueView(
                    id=queue_id,
                    name=queues[queue_id].name,
                    color=queues[queue_id].color,
                    level=level,
                    given=(user.id, queue_id) in given,
                )
                for queue_id, level in levels.get(user.id, {}).items()
                if queue_id in queues
            ],
            online_today_seconds=at_work.get(user.id, 0),
        )
        for user in people
        if (agent := found.get(user.id)) is not None
    ]


def online_today(session: Session, user_ids: Collection[UUID], *, clock: Clock) -> dict[UUID, int]:
    """Seconds that agents were at work since midnight in the organization's time zone."""
    now = clock.now()
    zone = ZoneInfo(accounts.time_zone_of(session))
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(now.tzinfo)
    mine = sa.and_(
        col(AgentStatusChange.organization_id) == organization_of(session),
        col(AgentStatusChange.user_id).in_(user_ids),
    )
    columns = (col(AgentStatusChange.user_id), col(AgentStatusChange.from_at), col(AgentStatusChange.status))
    before = (
        sa.select(*columns)
        .distinct(col(AgentStatusChange.user_id))
        .where(mine, col(AgentStatusChange.from_at) < midnight)
        .order_by(col(AgentStatusChange.user_id), col(AgentStatusChange.from_at).desc())
    )
    since = (
        sa.select(*columns)
        .where(mine, col(AgentStatusChange.from_at) >= midnight)
        .order_by(col(AgentStatusChange.from_at), col(AgentStatusChange.id))
    )
    changes: dict[UUID, list[tuple[datetime, str]]] = {}
    for user_id, _, status in session.execute(before):
        changes[user_id] = [(midnight, status)]
    for user_id, at, status in session.execute(since):
        changes.setdefault(user_id, []).append((at, status))
    totals: dict[UUID, int] = {}
    for user_id, found in changes.items():
        ends = [at for at, _ in found[1:]] + [now]
        spans = (until - at for (at, status), until in zip(found, ends, strict=True) if status in AT_WORK)
        totals[user_id] = int(sum(max(0.0, span.total_seconds()) for span in spans))
    return totals


def attended_queues(session: Session) -> set[UUID]:
    """Queues that at least one agent at work answers."""
    at_work = sa.select(col(Agent.user_id)).where(
        col(Agent.organization_id) == organization_of(session), col(Agent.status).in_(AT_WORK)
    )
    present = {row[0] for row in session.execute(at_work)}
    levels = distributing.answered_queues(session)
    return {queue_id for user_id, own in levels.items() if user_id in present for queue_id in own}


def set_status(
    session: Session, principal: Principal, user_id: UUID, status: AgentStatus, reason: str = "", *, clock: Clock
) -> AgentView:
    """Say whether an agent is at work: agents of themselves, administrators of all.

    Raises:
        NotFoundError: nobody here who may answer.
        ForbiddenError: somebody else's.
    """
    _own_or_admin(principal, user_id)
    agent, user = find(session, user_id, clock=clock)
    _put_status(session, agent, status, reason.strip(), by=principal.user_id, clock=clock)
    if principal.user_id == user_id:
        agent.last_seen_at = clock.now()
        session.add(agent)
        session.flush()
    return views(session, [user], clock=clock)[0]


def _put_status(
    session: Session, agent: Agent, status: str, reason: str, *, by: UUID | None, clock: Clock, before: str = ""
) -> None:
    now = clock.now()
    if (agent.status, agent.status_reason) != (status, reason):
        if agent.status != status:
            agent.status_since = now
        agent.status, agent.status_reason = status, reason
        session.add(
            AgentStatusChange(
                id=new_id(), organization_id=agent.organization_id, user_id=agent.user_id, status=status, reason=reason,
                from_at=now, by=by,
            )
        )  # fmt: skip
    agent.status_before = before
    if status in AT_WORK and (agent.last_seen_at is None or by is not None):
        agent.last_seen_at = now
    session.add(agent)
    session.flush()
    telling.agent_changed(session, [agent.user_id])
    items.tend_soon(session)


def set_capacity(
    session: Session, principal: Principal, user_id: UUID, request: AgentCapacityWrite, *, clock: Clock
) -> AgentView:
    """How many conversations an agent takes at a time, their skills, and whether a lost connection makes them away.

    Raises:
        NotFoundError, ForbiddenError: as `set_status`.
    """
    _own_or_admin(principal, user_id)
    agent, user = find(session, user_id, clock=clock)
    agent.capacity = request.capacity
    if request.skills is not None:
        agent.skills = list(dict.fromkeys(skill.strip()[:60] for skill in request.skills if skill.strip()))
    if request.auto_away is not None:
        agent.auto_away = request.auto_away
    session.add(agent)
    session.flush()
    telling.agent_changed(session, [user_id])
    items.tend_soon(session)
    return views(session, [user], clock=clock)[0]


def agent_queues(session: Session, principal: Principal, user_id: UUID, *, clock: Clock) -> list[AgentQueueView]:
    """The queues an agent answers."""
    return get_agent(session, principal, user_id, clock=clock).queues


def set_queues(
    session: Session, principal: Principal, user_id: UUID, request: AgentQueuesWrite, *, clock: Clock
) -> list[AgentQueueView]:
    """Give an agent these queues and no others.

    Raises:
        NotFoundError: nobody here who may answer.
        InvalidError: a queue that isn't there.
    """
    principal.needs(Permission.QUEUES_MANAGE)
    _, user = find(session, user_id, clock=clock)
    known = {queue.id for queue in repository.all_of(session, ServiceQueue)}
    errors = [
        FieldError(f"/queues/{n}/queue_id", "no such queue", "not_found")
        for n, one in enumerate(request.queues)
        if one.queue_id not in known
    ]
    if errors:
        raise InvalidError("Some of the queues aren't there.", errors=errors)
    here = organization_of(session)
    # Only what differs is written: each is an entry of the audit log.
    wanted = {one.queue_id: one.level for one in request.queues}
    before = {
        row.queue_id: row for row in session.exec(scoped(session, AgentQueue).where(AgentQueue.user_id == user_id))
    }
    for queue_id, row in before.items():
        if queue_id not in wanted:
            session.delete(row)
    for queue_id, level in wanted.items():
        kept = before.get(queue_id) or AgentQueue(user_id=user_id, queue_id=queue_id, organization_id=here)
        kept.level = level
        session.add(kept)
    session.flush()
    telling.agent_changed(session, [user_id])
    items.tend_soon(session)
    return views(session, [user], clock=clock)[0].queues


def history(
    session: Session, principal: Principal, user_id: UUID, *, first: datetime | None, last: datetime | None,
    clock: Clock,
) -> list[StatusChangeView]:  # fmt: skip
    """Statuses an agent had, newest first; at most 500.

    Raises:
        NotFoundError: nobody here who may answer.
    """
    principal.require(Role.VIEWER)
    find(session, user_id, clock=clock)
    statement = scoped(session, AgentStatusChange).where(AgentStatusChange.user_id == user_id)
    if first is not None:
        statement = statement.where(col(AgentStatusChange.from_at) >= first)
    if last is not None:
        statement = statement.where(col(AgentStatusChange.from_at) < last)
    order = (col(AgentStatusChange.from_at).desc(), col(AgentStatusChange.id).desc())
    rows = list(session.exec(statement.order_by(*order).limit(HISTORY_SHOWN)))
    names = accounts.user_names(session, {row.by for row in rows if row.by is not None})
    until: datetime | None = None if last is None else last
    shown: list[StatusChangeView] = []
    for row in rows:
        shown.append(
            StatusChangeView(
                status=row.status, reason=row.reason, from_at=row.from_at, until_at=until,
                by_name=names.get(row.by, "") if row.by else "",
            )
        )  # fmt: skip
        until = row.from_at
    return shown


def seen(session: Session, user_id: UUID, *, clock: Clock) -> Heartbeat | None:
    """The agent's browser or program is there. Who was away for a lost connection is back.

    Returns:
        None for users who are no agents (yet).
    """
    now = clock.now()
    row = session.execute(
        sa.select(col(Agent.status), col(Agent.status_reason), col(Agent.last_seen_at)).where(
            col(Agent.organization_id) == organization_of(session), col(Agent.user_id) == user_id
        )
    ).one_or_none()
    if row is None:
        return None
    status, reason, last = row
    if last is None or now - last >= _HEARD_EVERY or reason == LOST:
        agent = items.hold_agents(session, [user_id])[user_id]
        agent.last_seen_at = now
        if agent.status == "away" and agent.status_reason == LOST:
            _put_status(session, agent, agent.status_before or "online", "", by=None, clock=clock)
        session.add(agent)
        session.flush()
        status, reason = agent.status, agent.status_reason
    return Heartbeat(status=status, status_reason=reason, every_seconds=int(HEARTBEAT.total_seconds()))


def lose(session: Session, *, clock: Clock) -> int:
    """Agents at work of whom nothing was heard for a minute are away, unless they wish otherwise."""
    now = clock.now()
    statement = (
        scoped(session, Agent)
        .where(
            col(Agent.status).in_(AT_WORK),
            col(Agent.auto_away),
            sa.or_(col(Agent.last_seen_at).is_(None), col(Agent.last_seen_at) < now - GRACE),
        )
        .order_by(col(Agent.user_id))
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    )
    lost = list(session.exec(statement))
    for agent in lost:
        _put_status(session, agent, "away", LOST, by=None, clock=clock, before=agent.status)
    return len(lost)


def retire(session: Session, answering: Collection[UUID], *, clock: Clock) -> None:
    """Agents who may not answer any more are not at work.

    Parameters:
        answering: everybody who may.
    """
    statement = scoped(session, Agent).where(col(Agent.status) != "offline", col(Agent.user_id).not_in(answering))
    if not session.exec(statement.limit(1)).first():
        return
    held = statement.order_by(col(Agent.user_id)).with_for_update(skip_locked=True, key_share=True)
    for agent in session.exec(held.execution_options(populate_existing=True)):
        _put_status(session, agent, "offline", "", by=None, clock=clock)


def _own_or_admin(principal: Principal, user_id: UUID) -> None:
    principal.needs(Permission.CONVERSATIONS_HANDLE, Permission.QUEUES_MANAGE)
    if principal.user_id != user_id and not principal.has(Permission.QUEUES_MANAGE):
        raise ForbiddenError("Your role does not allow this for somebody else.")
