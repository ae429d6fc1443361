"""Distribution in the database: read who waits and who is free, decide (`distribution`), hold, look again, write.

Exactly one agent gets a conversation: whoever gives one away, by hand too, holds the conversation's row and the item's,
and finds it waiting. One transaction of an organization distributes at a time; agents at their limit are seen under
the lock of their own row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.conversations import queueing as conversations
from pytake_app.core.clock import Clock
from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.queues import distribution, items, repository
from pytake_app.queues.distribution import Candidate, Ticket
from pytake_app.queues.models import Agent, AgentQueue, QueueItem, ServiceQueue

LOOKED_AT = 1000
"""Waiting items of an organization that one decision looks at."""


def answered_queues(session: Session) -> dict[UUID, dict[UUID, int]]:
    """The queues each person answers, with their level: those they were given, those of their departments, and those
    that nobody in particular answers."""
    departments: dict[UUID, set[UUID]] = {}
    for department_id, members in accounts.department_members(session).items():
        for user_id in members:
            departments.setdefault(user_id, set()).add(department_id)
    return levels_of(
        [user.id for user in accounts.answerers(session)],
        repository.all_of(session, ServiceQueue),
        departments,
        [(row.user_id, row.queue_id, row.level) for row in session.exec(scoped(session, AgentQueue))],
    )


def attended(session: Session) -> set[UUID]:
    """The queues that somebody at work answers, whether they have room now or not."""
    at_work = scoped(session, Agent).where(Agent.status == "online", Agent.capacity > 0)
    online = {agent.user_id for agent in session.exec(at_work)}
    if not online:
        return set()
    return {queue_id for user_id, own in answered_queues(session).items() if user_id in online for queue_id in own}


def levels_of(
    people: Iterable[UUID],
    queues: Sequence[ServiceQueue],
    departments: Mapping[UUID, Collection[UUID]],
    given: Iterable[tuple[UUID, UUID, int]],
) -> dict[UUID, dict[UUID, int]]:
    """As `answered_queues`, of what has been read.

    Parameters:
        departments: of each person.
        given: (person, queue, level).
    """
    levels: dict[UUID, dict[UUID, int]] = {user_id: {} for user_id in people}
    taken: set[UUID] = set()
    for queue in queues:
        for user_id, own in levels.items() if queue.department_id is not None else ():
            if queue.department_id in departments.get(user_id, ()):
                own[queue.id] = 0
                taken.add(queue.id)
    for user_id, queue_id, level in given:
        if user_id in levels:
            levels[user_id][queue_id] = level
            taken.add(queue_id)
    for queue in queues:
        if queue.id not in taken:
            for own in levels.values():
                own[queue.id] = 0
    return levels


def loads(session: Session) -> dict[UUID, int]:
    """How many conversations each agent has: those they answer and those that ring at them."""
    found = conversations.loads(session)
    ringing = (
        sa.select(col(QueueItem.offered_to), sa.func.count())
        .where(col(QueueItem.organization_id) == organization_of(session), col(QueueItem.status) == "offered")
        .group_by(col(QueueItem.offered_to))
    )
    for agent_id, count in session.execute(ringing):
        found[agent_id] = found.get(agent_id, 0) + int(count)
    return found


def candidates(session: Session) -> list[Candidate]:
    """The agents at work."""
    levels, busy = answered_queues(session), loads(session)
    at_work = scoped(session, Agent).where(Agent.status == "online", Agent.capacity > 0)
    return [
        Candidate(
            agent_id=agent.user_id,
            load=busy.get(agent.user_id, 0),
            capacity=agent.capacity,
            levels=levels[agent.user_id],
            skills=distribution.normal(agent.skills),
            last_assigned_at=agent.last_assigned_at,
        )
        for agent in session.exec(at_work)
        if agent.user_id in levels
    ]


def ticket(item: QueueItem, queue: ServiceQueue) -> Ticket:
    """An item as the decision sees it."""
    skilled = queue.distribution == "skill_based"
    return Ticket(
        item_id=item.id,
        queue_id=queue.id,
        method=queue.distribution,  # type: ignore[arg-type]  # checked where it is set
        entered_at=item.entered_at,
        priority=item.priority,
        queue_priority=queue.priority,
        skills=distribution.normal([*queue.skills, *item.skills]) if skilled else frozenset(),
        declined={UUID(one["agent_id"]): datetime.fromisoformat(one["at"]) for one in item.declined_by},
        sticky_agent_id=item.sticky_agent_id,
        sticky_until=item.sticky_until,
    )


def waiting(
    session: Session, queue_ids: Iterable[UUID] | None = None, *, by_itself: bool = False
) -> list[tuple[QueueItem, ServiceQueue]]:
    """Who waits and has been received, those first who are next.

    Parameters:
        queue_ids: only these queues; None: all.
        by_itself: not those whom only people take: of queues distributed by hand, but for a contact's last agent.
    """
    rank = (
        col(QueueItem.entered_at)
        - col(QueueItem.priority) * sa.literal(distribution.HEAD_START)
        - col(ServiceQueue.priority) * sa.literal(distribution.QUEUE_POINT)
    )
    statement = (
        sa.select(QueueItem, ServiceQueue)
        .join(ServiceQueue, col(ServiceQueue.id) == col(QueueItem.queue_id))
        .where(
            col(QueueItem.organization_id) == organization_of(session),
            col(QueueItem.status) == "waiting",
            col(QueueItem.arrived_at).is_not(None),
        )
        .order_by(rank, col(QueueItem.id))
        .limit(LOOKED_AT)
    )
    if queue_ids is not None:
        statement = statement.where(col(QueueItem.queue_id).in_(list(queue_ids)))
    if by_itself:
        sticky = col(QueueItem.sticky_agent_id).is_not(None)
        statement = statement.where(sa.or_(col(ServiceQueue.distribution) != "manual", sticky))
    return [(row[0], row[1]) for row in session.execute(statement)]


def distribute(session: Session, *, clock: Clock) -> int:
    """Give waiting conversations to free agents.

    Returns:
        how many were given or offered; call again while it is not 0.
    """
    repository.alone(session)
    people = candidates(session)
    # Only queues that somebody with room answers, so that those who wait elsewhere, or for a hand, hide nobody.
    answered = {queue_id for one in people if one.free for queue_id in one.levels}
    if not answered:
        return 0
    rows = waiting(session, answered, by_itself=True)
    if not rows:
        return 0
    pairs = distribution.distribute([ticket(*row) for row in rows], people, clock.now())
    if not pairs:
        return 0
    where = {item.id: item.conversation_id for item, _ in rows}
    queues = {queue.id: queue for _, queue in rows}
    chosen = {pair.item_id: pair.agent_id for pair in pairs}
    threads = conversations.lock_many(session, [where[item_id] for item_id in chosen])
    held = repository.hold_items(session, [one for one in chosen if where[one] in threads], ("waiting",))
    agents = items.hold_agents(session, set(chosen.values()), skip_locked=True)
    busy = loads(session)
    handed: list[items.Handed] = []
    for item in held:
        agent = agents.get(chosen[item.id])
        if agent is None or agent.status != "online" or busy.get(agent.user_id, 0) >= agent.capacity:
            continue
        busy[agent.user_id] = busy.get(agent.user_id, 0) + 1
        handed.append(items.Handed(item, threads[item.conversation_id], agent.user_id))
    rings = {queue.id: queue.ring_seconds for queue in queues.values() if queue.ring_seconds}
    offered = [one for one in handed if one.item.queue_id in rings]
    items.serve(session, [one for one in handed if one.item.queue_id not in rings], by=None, clock=clock)
    items.offer(session, offered, rings, clock=clock)
    return len(handed)
