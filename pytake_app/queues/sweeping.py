"""What becomes due in queues by itself: rings unanswered, waits over, closing time, agents lost, alerts.

Every step takes a bounded number of rows that nobody else holds; what it leaves is found the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString
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

OLD_AFTER = timedelta(hours=48)
"""What the contact said so long ago, and an agent at work has left standing, needs no answer."""
DIRECT_SECONDS = 300
"""What `reassign_after_seconds` is for conversations that are in no queue."""

# `enable_seqscan` is off for the pipeline's role: each branch goes by its own index.
_DUE = """
SELECT organization_id FROM queue_items WHERE status IN ('waiting', 'offered')
UNION SELECT organization_id FROM agents WHERE status <> 'offline'
UNION SELECT i.organization_id FROM queue_items i JOIN agents a ON a.user_id = i.agent_id
      WHERE i.status = 'in_service' AND a.status = 'offline'
UNION SELECT organization_id FROM service_queues WHERE csat_enabled
UNION SELECT organization_id FROM queue_items WHERE csat_state = 'answered'
UNION SELECT c.organization_id FROM users u
      JOIN conversations c ON c.organization_id = u.organization_id AND c.assignee_id = u.id
      WHERE (NOT u.is_active OR u.role = 'viewer') AND c.handling = 'person' AND c.status IN ('open', 'pending')
"""
ANY_WAITING: LiteralString = "SELECT 1 FROM queue_items WHERE status IN ('waiting', 'offered')"
"""Rows: somebody waits."""
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


def strays(session: Session, *, clock: Clock) -> int:  # noqa: ARG001  # a step like the others
    """Who waits in a queue that was taken away as they were let in is received anew, in the default one."""
    if items.default_or_none(session) is None:
        return 0
    statement = scoped(session, QueueItem).where(
        col(QueueItem.queue_id).is_(None), QueueItem.status == "waiting", col(QueueItem.arrived_at).is_not(None)
    )

    def act(item: QueueItem, _conversation: Conversation) -> bool:
        item.arrived_at = None
        session.add(item)
        return True

    return _each(session, statement, ("waiting",), act)


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
    onward = door.onward(queue)
    if onward is not None:
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
    closed = [queue.id for queue in door.queues.values() if not door.is_open(queue)]
    _reopen(session, door, closed)
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
            if item.sla_due_at is not None and item.sla_due_at > door.now:
                item.sla_due_at = None  # promised anew at opening
            session.add(item)
        return True

    return _each(session, statement, ("waiting",), act)


def _reopen(session: Session, door: Door, closed: Sequence[UUID]) -> None:
    """Who was kept over night, or while the queue had hours, waits with a new limit and a new promise; what was broken
    before closing time stays broken."""
    statement = scoped(session, QueueItem).where(
        col(QueueItem.queue_id).not_in(closed), QueueItem.status == "waiting",
        col(QueueItem.told_closed_at).is_not(None),
    )  # fmt: skip
    found = list(session.exec(statement.limit(BATCH)))
    for item in repository.hold_items(session, [item.id for item in found], ("waiting",)):
        queue = door.queues[item.queue_id] if item.queue_id is not None else None
        item.told_closed_at = None
        if queue is not None and queue.max_wait_minutes is not None and item.wait_until is not None:
            item.wait_until = max(item.wait_until, door.now + timedelta(minutes=queue.max_wait_minutes))
        if queue is not None and queue.sla_seconds is not None and item.sla_due_at is None:
            item.sla_due_at = door.now + timedelta(seconds=queue.sla_seconds)
        session.add(item)


def left_behind(session: Session, *, clock: Clock) -> int:
    """Conversations whose contact waits for an answer go back when their agent isn't there any more: `agent_lost` (the
    connection), `agent_left` (went offline with it, and has not answered since), `agent_away` (resting for long)."""
    now = clock.now()
    gone = _gone(now)
    statement = (
        sa.select(QueueItem, gone.label("why"), col(Agent.status_since))
        .join(Agent, col(Agent.user_id) == col(QueueItem.agent_id))
        .join(Conversation, col(Conversation.id) == col(QueueItem.conversation_id))
        .outerjoin(ServiceQueue, col(ServiceQueue.id) == col(QueueItem.queue_id))
        .where(
            col(QueueItem.organization_id) == organization_of(session),
            col(QueueItem.status) == "in_service",
            col(Agent.organization_id) == organization_of(session),
            col(Agent.status).in_(("away", "break", "offline")),
            col(Conversation.status) == "open",
            col(Conversation.last_message_direction) == "in",
            col(Conversation.last_message_at) > now - OLD_AFTER,
            gone.is_not(None),
        )
        .limit(BATCH)
    )
    found = {row[0].id: (row[0], row[1], row[2]) for row in session.execute(statement)}
    held = conversations.lock_many(session, [item.conversation_id for item, _, _ in found.values()])
    done = 0
    for item in repository.hold_items(
        session, [one for one, (item, _, _) in found.items() if item.conversation_id in held], ("in_service",)
    ):
        conversation, (_, why, since) = held[item.conversation_id], found[item.id]
        if conversation.last_message_direction != "in":
            continue
        # Who goes on answering without being at work keeps what they answer.
        if why == "agent_left" and conversations.answered_since(session, conversation.id, since):
            continue
        done += _requeue(session, item, conversation, why, clock)
    return done


def _gone(now: datetime) -> Any:
    """Why the agent of an item in service is not there for who waits for an answer, in SQL; NULL: they are there, or
    may yet come back. What is in no queue has the time that queues have by default; a queue may say never."""
    status, since = col(Agent.status), col(Agent.status_since)
    wait = sa.case(
        (col(QueueItem.queue_id).is_(None), sa.literal(DIRECT_SECONDS)), else_=col(ServiceQueue.reassign_after_seconds)
    )
    limit = sa.func.make_interval(0, 0, 0, 0, 0, 0, wait)
    resting = status.in_(("away", "break"))
    lost = sa.and_(status == "away", col(Agent.status_reason) == agents.LOST)
    silent = sa.and_(resting, col(Agent.auto_away), col(Agent.last_seen_at) < now - agents.GRACE)
    left = sa.and_(status == "offline", since > col(QueueItem.assigned_at))
    asked_at = sa.func.greatest(since, col(Conversation.last_message_at))
    long = sa.func.greatest(limit, sa.literal(UNSEEN_AFTER))
    return sa.case(
        (wait.is_(None), sa.null()),
        (sa.and_(lost, since <= now - limit), "agent_lost"),
        (sa.and_(silent, sa.func.greatest(since, col(Agent.last_seen_at)) <= now - limit), "agent_lost"),
        (sa.and_(left, since <= now - limit), "agent_left"),
        (sa.and_(resting, asked_at <= now - long), "agent_away"),
        else_=None,
    )


def _requeue(session: Session, item: QueueItem, conversation: Conversation, why: str, clock: Clock) -> bool:
    queue = items.queue_of(session, item.queue_id) or items.default_queue(session)
    entering.again(session, item, conversation, queue, ended="transferred", outcome=why, source="agent", clock=clock)
    return True


def orphans(session: Session, *, clock: Clock) -> int:
    """Conversations of people who may no longer answer wait for others, with priority; they are not at work."""
    answering = [user.id for user in accounts.answerers(session)]
    agents.retire(session, answering, clock=clock)
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
    agents.lose, strays, unanswered, closing, waited_out, left_behind, orphans, alerts,
)  # fmt: skip
