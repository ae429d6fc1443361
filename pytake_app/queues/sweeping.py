"""What becomes due in queues by itself: rings unanswered, waits over, closing time, agents lost, alerts.

Every step takes a bounded number of rows that nobody else holds; what it leaves is found the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.conversations import queueing as conversations
from pytake_app.conversations.models import Conversation
from pytake_app.core.clock import Clock
from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.messaging.sql import Connection
from pytake_app.queues import agents, entering, items, messages, repository, telling
from pytake_app.queues.entering import Door
from pytake_app.queues.models import Agent, QueueItem, ServiceQueue

BATCH = 100
UNSEEN_AFTER = timedelta(minutes=15)
"""Administrators are told of who waits longer than this in a queue without a limit of its own."""
NOBODY_AFTER = timedelta(minutes=5)
"""… and of who waits longer than this while none of the queue's agents is at work."""

# `enable_seqscan` is off for the pipeline's role: each branch goes by its own index.
_DUE = """
SELECT organization_id FROM queue_items WHERE status IN ('waiting', 'offered')
UNION SELECT organization_id FROM agents WHERE status <> 'offline'
UNION SELECT organization_id FROM service_queues WHERE csat_enabled
UNION SELECT organization_id FROM queue_items WHERE csat_state = 'answered'
UNION SELECT c.organization_id FROM users u
      JOIN conversations c ON c.organization_id = u.organization_id AND c.assignee_id = u.id
      WHERE (NOT u.is_active OR u.role = 'viewer') AND c.handling = 'person' AND c.status IN ('open', 'pending')
"""
_WAITING = "SELECT DISTINCT organization_id FROM queue_items WHERE status IN ('waiting', 'offered')"


def organizations_due(connection: Connection, *, thorough: bool) -> list[UUID]:
    """Organizations whose queues should be looked at.

    Parameters:
        thorough: those too where only agents are at work, or have left; else those where somebody waits.
    """
    return [row[0] for row in connection.execute(_DUE if thorough else _WAITING).fetchall()]


def _each(
    session: Session,
    statement: Any,
    statuses: Sequence[str],
    act: Callable[[QueueItem, Conversation], bool],
) -> int:
    """Hold the items found with their conversations, and act on each; answers on how many something was done."""
    found = list(session.exec(statement.limit(BATCH)))
    if not found:
        return 0
    held = conversations.lock_many(session, [item.conversation_id for item in found])
    rows = repository.hold_items(session, [item.id for item in found if item.conversation_id in held], statuses)
    return sum([act(item, held[item.conversation_id]) for item in rows])


def unanswered(session: Session, *, clock: Clock) -> int:
    """Offers that rang out, or whose agent is no longer at work, wait again."""
    now = clock.now()
    at_work = sa.select(col(Agent.user_id)).where(
        col(Agent.organization_id) == organization_of(session), col(Agent.status) == "online"
    )
    statement = scoped(session, QueueItem).where(
        QueueItem.status == "offered",
        sa.or_(col(QueueItem.offered_until) <= now, col(QueueItem.offered_to).not_in(at_work)),
    )

    def act(item: QueueItem, _conversation: Conversation) -> bool:
        items.unoffer(session, item, clock=clock)
        return True

    return _each(session, statement, ("offered",), act)


def waited_out(session: Session, *, clock: Clock) -> int:
    """Who has waited as long as they may: sent on, told, or their flow goes on by `timeout`."""
    door = Door.of(session, clock.now())
    statement = scoped(session, QueueItem).where(
        QueueItem.status == "waiting", col(QueueItem.wait_until) <= door.now, col(QueueItem.arrived_at).is_not(None)
    )

    def act(item: QueueItem, conversation: Conversation) -> bool:
        queue = door.in_use(item.queue_id)
        if queue is None or (not door.is_open(queue) and queue.at_closing == "keep"):
            return False
        _time_out(session, door, queue, item, conversation, clock)
        return True

    return _each(session, statement, ("waiting",), act)


def _time_out(
    session: Session, door: Door, queue: ServiceQueue, item: QueueItem, conversation: Conversation, clock: Clock
) -> None:
    onward = door.queues.get(queue.overflow_queue_id) if queue.overflow_queue_id is not None else None
    if queue.overflow_action == "queue" and onward is not None and onward.is_active:
        messages.speak(session, queue, conversation, queue.timeout_message, clock=clock)
        entering.again(
            session, item, conversation, onward, ended="overflow", outcome="max_wait", source=item.source, clock=clock
        )
        return
    listens = conversations.waits_to_hear(session, item.flow_session_id)
    text = queue.timeout_message
    if queue.overflow_action == "message":
        text = text or queue.overflow_message
    messages.speak(session, queue, conversation, text, clock=clock)
    if listens or queue.overflow_action == "message":
        _give_up(session, item, conversation, "max_wait", clock)
        return
    # Nothing else is set: they go on waiting, and somebody hears of it.
    item.wait_until = None
    if telling.alert(session, queue, "waiting", clock=clock):
        item.alerted_at = clock.now()
    session.add(item)


def _give_up(session: Session, item: QueueItem, conversation: Conversation, why: str, clock: Clock) -> None:
    items.end(session, item, "timeout", outcome=why, by=None, clock=clock)
    conversations.leave_line(
        session, conversation, session_id=item.flow_session_id, result="timeout", clock=clock, reason=why
    )


def closing(session: Session, *, clock: Clock) -> int:
    """Closing time: who waits is told, and kept for the next day or given up, as the queue says."""
    door = Door.of(session, clock.now())
    with_hours = [queue for queue in door.queues.values() if queue.calendar_id is not None]
    opened = [queue.id for queue in with_hours if door.is_open(queue)]
    _reopen(session, door, opened)
    closed = [queue.id for queue in with_hours if queue.id not in opened]
    if not closed:
        return 0
    statement = scoped(session, QueueItem).where(
        col(QueueItem.queue_id).in_(closed), QueueItem.status == "waiting", col(QueueItem.arrived_at).is_not(None),
        col(QueueItem.told_closed_at).is_(None),
    )  # fmt: skip

    def act(item: QueueItem, conversation: Conversation) -> bool:
        queue = door.queues[item.queue_id] if item.queue_id is not None else None
        if queue is None:
            return False
        messages.speak(session, queue, conversation, queue.closed_message, clock=clock)
        if queue.at_closing == "timeout":
            _give_up(session, item, conversation, "closed", clock)
        else:
            item.told_closed_at = door.now
            session.add(item)
        return True

    return _each(session, statement, ("waiting",), act)


def _reopen(session: Session, door: Door, opened: Sequence[UUID]) -> None:
    """Who was kept over night waits with a new limit."""
    if not opened:
        return
    statement = scoped(session, QueueItem).where(
        col(QueueItem.queue_id).in_(opened), QueueItem.status == "waiting", col(QueueItem.told_closed_at).is_not(None)
    )
    found = list(session.exec(statement.limit(BATCH)))
    for item in repository.hold_items(session, [item.id for item in found], ("waiting",)):
        queue = door.queues[item.queue_id] if item.queue_id is not None else None
        item.told_closed_at = None
        if queue is not None and queue.max_wait_minutes is not None and item.wait_until is not None:
            item.wait_until = max(item.wait_until, door.now + timedelta(minutes=queue.max_wait_minutes))
        session.add(item)


def lost_agents(session: Session, *, clock: Clock) -> int:
    """Conversations of agents whose connection is lost for long, and whose contact waits for an answer, go back."""
    now = clock.now()
    statement = (
        scoped(session, QueueItem)
        .join(Agent, col(Agent.user_id) == col(QueueItem.agent_id))
        .join(ServiceQueue, col(ServiceQueue.id) == col(QueueItem.queue_id))
        .where(
            QueueItem.status == "in_service",
            Agent.status == "away",
            Agent.status_reason == agents.LOST,
            col(Agent.status_since) <= now - sa.func.make_interval(
                0, 0, 0, 0, 0, 0, col(ServiceQueue.reassign_after_seconds)
            ),
        )
    )  # fmt: skip

    def act(item: QueueItem, conversation: Conversation) -> bool:
        return conversation.last_message_direction == "in" and _requeue(
            session, item, conversation, "agent_lost", clock
        )

    return _each(session, statement, ("in_service",), act)


def _requeue(session: Session, item: QueueItem, conversation: Conversation, why: str, clock: Clock) -> bool:
    queue = items.queue_of(session, item.queue_id) or items.default_queue(session)
    entering.again(session, item, conversation, queue, ended="transferred", outcome=why, source="agent", clock=clock)
    return True


def orphans(session: Session, *, clock: Clock) -> int:
    """Conversations of people who may no longer answer wait for others, with priority."""
    answering = [user.id for user in accounts.answerers(session)]
    held = conversations.lock_many(session, conversations.orphans(session, answering, BATCH))
    for conversation in held.values():
        item = items.live_of(session, conversation.id)
        if item is not None and item.status == "in_service":
            _requeue(session, item, conversation, "agent_gone", clock)
            continue
        priority = min(3, conversations.PRIORITIES.index(conversation.priority) + 1)
        entering.enter(session, conversation.id, conversation.queue_id, source="agent", priority=priority, clock=clock)
    return len(held)


def alerts(session: Session, *, clock: Clock) -> int:
    """Tell people of who waits too long, or longer than promised, once for each; at most every ten minutes a queue."""
    now = clock.now()
    statement = (
        scoped(session, QueueItem)
        .where(
            QueueItem.status == "waiting",
            col(QueueItem.alerted_at).is_(None),
            col(QueueItem.arrived_at).is_not(None),
            col(QueueItem.told_closed_at).is_(None),
            sa.or_(col(QueueItem.entered_at) <= now - NOBODY_AFTER, col(QueueItem.sla_due_at) <= now),
        )
        .order_by(col(QueueItem.entered_at))
        .limit(BATCH)
    )
    found = list(session.exec(statement))
    if not found:
        return 0
    queues = {queue.id: queue for queue in repository.all_of(session, ServiceQueue)}
    attended = agents.attended_queues(session)
    late: dict[UUID, dict[UUID, str]] = {}
    for item in found:
        queue = queues.get(item.queue_id) if item.queue_id is not None else None
        if queue is None or (queue.alerted_at is not None and now - queue.alerted_at < telling.ALERT_EVERY):
            continue
        kind = _too_long(item, queue, now, attended=queue.id in attended)
        if kind:
            late.setdefault(queue.id, {})[item.id] = kind
    told = 0
    for queue_id, kinds in late.items():
        held = repository.hold_items(session, list(kinds), ("waiting",))
        if not held:
            continue
        # The gravest of them in words; all of them counted.
        kind = min({kinds[item.id] for item in held}, key=("nobody", "waiting", "late").index)
        if telling.alert(session, queues[queue_id], kind, count=len(held), clock=clock):
            for item in held:
                item.alerted_at = now
                session.add(item)
            told += len(held)
    session.flush()
    return told


def _too_long(item: QueueItem, queue: ServiceQueue, now: datetime, *, attended: bool) -> str:
    """Why people should hear of who waits; empty: not yet."""
    waited = now - item.entered_at
    limit = UNSEEN_AFTER
    if queue.max_wait_minutes is not None:
        limit = min(limit, timedelta(minutes=queue.max_wait_minutes))
    if not attended and waited >= min(limit, NOBODY_AFTER):
        return "nobody"
    if waited >= limit:
        return "waiting"
    return "late" if item.sla_due_at is not None and item.sla_due_at <= now else ""


STEPS: tuple[Callable[..., int], ...] = (
    agents.lose, unanswered, closing, waited_out, lost_agents, orphans, alerts,
)  # fmt: skip
