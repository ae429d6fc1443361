"""Joining a queue: put in line by people, rules and the API; received: hours, size, overflow, greeting.

Whoever lets a conversation join (a flow's sprint too) only writes a waiting item without `arrived_at`. Soon after its
commit the item is received here: it is let in and greeted, sent on to the overflow queue, or refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.contacts import service as contacts
from pytake_app.conversations import queueing as conversations
from pytake_app.conversations.models import Conversation
from pytake_app.core.clock import Clock
from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.queues import calendars, items, messages, repository, telling
from pytake_app.queues.models import BusinessCalendar, QueueItem, ServiceQueue

log = structlog.get_logger(__name__)

RECEIVED_AT_ONCE = 100
MAX_STEPS = 20
"""Queues an overflow is followed through; settings allow no circle, this bounds a long chain."""


@dataclass(slots=True)
class Door:
    """What is known of the organization's queues while items are received."""

    queues: dict[UUID, ServiceQueue]
    calendars: dict[UUID, BusinessCalendar]
    zone: str
    now: datetime

    @classmethod
    def of(cls, session: Session, now: datetime) -> Door:
        """Read them."""
        return cls(
            queues={queue.id: queue for queue in repository.all_of(session, ServiceQueue)},
            calendars={one.id: one for one in repository.all_of(session, BusinessCalendar)},
            zone=accounts.time_zone_of(session),
            now=now,
        )

    def is_open(self, queue: ServiceQueue) -> bool:
        """Whether a queue is open now; one without business hours always is."""
        calendar = self.calendars.get(queue.calendar_id) if queue.calendar_id is not None else None
        return calendar is None or calendars.is_open(calendar, self.zone, self.now)

    def in_use(self, queue_id: UUID | None) -> ServiceQueue | None:
        """The queue, or the default one in the place of one that isn't there or isn't in use."""
        queue = self.queues.get(queue_id) if queue_id is not None else None
        if queue is not None and queue.is_active:
            return queue
        return next((one for one in self.queues.values() if one.is_default), None)

    def onward(self, queue: ServiceQueue) -> ServiceQueue | None:
        """Where the queue overflows to: the next along the chain that is in use and open. Nobody is sent from a line to
        a closed door; None: it overflows nowhere now."""
        for _ in range(MAX_STEPS):
            if queue.overflow_action != "queue" or queue.overflow_queue_id is None:
                return None
            following = self.queues.get(queue.overflow_queue_id)
            if following is None or (following.is_active and self.is_open(following)):
                return following
            queue = following
        return None


def enter(
    session: Session,
    conversation_id: UUID,
    queue_id: UUID | None,
    *,
    source: str,
    priority: int | None = None,
    skills: Sequence[str] = (),
    note: str = "",
    wait_minutes: int | None = None,
    by: UUID | None = None,
    clock: Clock,
) -> QueueItem:
    """Put a conversation in line; its session in progress is interrupted, a place it had elsewhere is given up. Who
    waits already goes on with the time they have waited: nobody starts from behind because a colleague knew better.

    Parameters:
        queue_id: None for the default queue.
        source: flow, rule, agent, api.
        priority: 0 low … 3 urgent; None: the conversation's own.
        wait_minutes: how long it waits at most; the queue's own limit counts besides.

    Raises:
        NotFoundError: no such conversation or queue.
    """
    queue = items.queue_of(session, queue_id) or items.default_queue(session)
    conversation = conversations.hold(session, conversation_id)
    before = items.live_of(session, conversation.id)
    # Who is passed on keeps the hand-off that the flow waits to hear of, unless it has heard already.
    flow_session_id = before.flow_session_id if before is not None else None
    since = before.entered_at if before is not None and before.status in ("waiting", "offered") else None
    if before is not None:
        items.end(session, before, "transferred", outcome="queue", by=by, clock=clock)
    if priority is None:
        priority = conversations.PRIORITIES.index(conversation.priority)
    conversations.line_up(
        session, conversation, queue_id=queue.id, queue_name=queue.name, priority=priority, by=by, clock=clock,
        source=source,
    )  # fmt: skip
    wait_until = clock.now() + timedelta(minutes=wait_minutes) if wait_minutes is not None else None
    return items.make(
        session, conversation, queue, source=source, priority=priority, skills=skills, note=note,
        wait_until=wait_until, flow_session_id=flow_session_id, previous=before, since=since, clock=clock,
    )  # fmt: skip


def again(
    session: Session,
    item: QueueItem,
    conversation: Conversation,
    queue: ServiceQueue,
    *,
    ended: str,
    outcome: str,
    source: str = "rule",
    clock: Clock,
) -> QueueItem:
    """An item, held with its conversation, ends and another begins, one step of priority further: who is sent on, or
    loses their agent, does not start from behind."""
    items.end(session, item, ended, outcome=outcome, by=None, clock=clock)
    priority = min(3, item.priority + 1)
    conversations.line_up(
        session, conversation, queue_id=queue.id, queue_name=queue.name, priority=priority, by=None, clock=clock,
        stop=False, reason=outcome,
    )  # fmt: skip
    return items.make(
        session, conversation, queue, source=source, priority=priority, skills=item.skills, note=item.note,
        flow_session_id=item.flow_session_id, previous=item, clock=clock,
    )  # fmt: skip


def receive(session: Session, *, clock: Clock) -> int:
    """Receive who has joined. One transaction at a time in an organization.

    Returns:
        how many were received.
    """
    repository.alone(session)
    statement = (
        sa.select(col(QueueItem.id), col(QueueItem.conversation_id))
        .where(
            col(QueueItem.organization_id) == organization_of(session),
            col(QueueItem.arrived_at).is_(None),
            col(QueueItem.status) == "waiting",
        )
        .order_by(col(QueueItem.entered_at), col(QueueItem.id))
        .limit(RECEIVED_AT_ONCE)
    )
    found = {row[0]: row[1] for row in session.execute(statement)}
    if not found:
        return 0
    held = conversations.lock_many(session, list(found.values()))
    arriving = repository.hold_items(session, [one for one, where in found.items() if where in held], ("waiting",))
    door = Door.of(session, clock.now())
    sticky = items.sticky_agents(session, {item.contact_id for item in arriving}, door.now)
    briefs = contacts.briefs(session, {item.contact_id for item in arriving})
    for item in arriving:
        if briefs[item.contact_id].blocked:
            refuse(session, door.in_use(item.queue_id), item, held[item.conversation_id], "contact_blocked", "", clock)
        else:
            _let_in(session, door, item, held[item.conversation_id], sticky.get(item.contact_id), clock)
    session.flush()
    return len(arriving)


def _let_in(
    session: Session, door: Door, item: QueueItem, conversation: Conversation, sticky: UUID | None, clock: Clock
) -> None:
    """Find the queue that takes the item, following overflows."""
    for _ in range(MAX_STEPS):
        queue = door.in_use(item.queue_id)
        if queue is None:
            log.warning("no_queue", organization_id=str(item.organization_id))
            item.arrived_at = door.now
            return
        if queue.id != item.queue_id:
            item.queue_id, item.queue_name = queue.id, queue.name
            conversation.queue_id, conversation.queue_name = queue.id, queue.name
        # What a colleague passes on is never refused: a person answers for it.
        passed_on = item.source == "agent"
        is_open = door.is_open(queue)
        if not is_open and queue.closed_action == "refuse" and not passed_on:
            refuse(session, queue, item, conversation, "out_of_hours", queue.closed_message, clock)
            return
        if _is_full(session, queue) and not passed_on:
            onward = door.onward(queue)
            if onward is not None:
                item = again(
                    session, item, conversation, onward, ended="overflow", outcome="full", source=item.source,
                    clock=clock,
                )  # fmt: skip
                continue
            if queue.overflow_action == "message":
                refuse(session, queue, item, conversation, "full", queue.overflow_message, clock)
                return
            telling.alert(session, queue, "full", clock=clock)
        _welcome(session, queue, item, conversation, sticky, is_open, clock)
        return


def _is_full(session: Session, queue: ServiceQueue) -> bool:
    if queue.max_size is None:
        return False
    waiting = scoped(session, QueueItem).where(
        QueueItem.queue_id == queue.id,
        col(QueueItem.status).in_(("waiting", "offered")),
        col(QueueItem.arrived_at).is_not(None),
    )
    count = session.scalar(sa.select(sa.func.count()).select_from(waiting.subquery())) or 0
    return count >= queue.max_size


def _welcome(
    session: Session,
    queue: ServiceQueue,
    item: QueueItem,
    conversation: Conversation,
    sticky: UUID | None,
    is_open: bool,
    clock: Clock,
) -> None:
    now = clock.now()
    item.arrived_at = now
    if queue.sla_seconds is not None and is_open:  # else promised at opening
        item.sla_due_at = item.entered_at + timedelta(seconds=queue.sla_seconds)
    if queue.max_wait_minutes is not None:
        limit = now + timedelta(minutes=queue.max_wait_minutes)  # in this queue; the time before was another's
        item.wait_until = min(limit, item.wait_until) if item.wait_until is not None else limit
    if queue.sticky and sticky is not None:
        item.sticky_agent_id, item.sticky_until = sticky, now + timedelta(seconds=queue.sticky_seconds)
    session.add(item)
    session.flush()
    if is_open:
        messages.greet(session, queue, item, conversation, clock=clock)
    else:
        messages.speak(session, queue, conversation, queue.closed_message, clock=clock)
        item.told_closed_at = item.position_told_at = now
    session.add(item)
    telling.changed(session, [item], "waiting")


def refuse(
    session: Session,
    queue: ServiceQueue | None,
    item: QueueItem,
    conversation: Conversation,
    why: str,
    text: str,
    clock: Clock,
) -> None:
    """The item, held with its conversation, is not let in: the contact is told, the flow goes on by `closed`."""
    if queue is not None:
        messages.speak(session, queue, conversation, text, clock=clock)
    items.end(session, item, "abandoned", outcome=why, by=None, clock=clock)
    conversations.leave_line(
        session, conversation, session_id=item.flow_session_id, result="closed", clock=clock, reason=why
    )
