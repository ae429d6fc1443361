"""What the inbox does to places in queues: somebody takes a conversation over, lets go of it, closes it.

The caller (`conversations`) holds the conversation and writes its columns; here the item follows, in the same
transaction, so that both tell the same story.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.contacts import service as contacts
from pytake_app.conversations import queueing as conversations
from pytake_app.conversations.models import Conversation
from pytake_app.core.clock import Clock
from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.queues import items, telling
from pytake_app.queues.models import HANDOVER, Agent, QueueItem

UNDONE_WITHIN = timedelta(minutes=10)
"""A conversation that is opened again so soon after closing was closed by mistake."""


def leave_for_person(session: Session, conversation: Conversation, user_id: UUID, *, by: UUID, clock: Clock) -> None:
    """A person answers the conversation from now on. A place in a queue becomes theirs; who served before hands it on.
    A conversation that was in no queue gets a place of its own without one (`source` direct), so that it counts in what
    the agent has done."""
    item = items.live_of(session, conversation.id)
    if item is not None and item.status == "in_service":
        if item.agent_id == user_id:
            return
        before = item
        items.end(session, before, "transferred", outcome="agent", by=by, clock=clock)
        item = items.make(
            session, conversation, items.queue_of(session, before.queue_id), source=HANDOVER, priority=before.priority,
            skills=before.skills, note=before.note, flow_session_id=before.flow_session_id, previous=before,
            clock=clock,
        )  # fmt: skip
        item.arrived_at = item.entered_at
    if item is None:
        priority = conversations.PRIORITIES.index(conversation.priority)
        item = items.make(session, conversation, None, source="direct", priority=priority, clock=clock)
        item.arrived_at = item.entered_at
    now = clock.now()  # after the place was made: nobody is served before they came
    told = {user_id, *([item.offered_to] if item.offered_to is not None else [])}
    item.status, item.agent_id, item.assigned_at = "in_service", user_id, now
    item.offered_to = item.offered_until = None
    session.add(item)
    session.flush()
    telling.changed(session, [item], "in_service")
    session.execute(
        sa.update(Agent)
        .where(col(Agent.organization_id) == organization_of(session), col(Agent.user_id) == user_id)
        .values(last_assigned_at=now)
    )
    if user_id != by:
        brief = contacts.briefs(session, [conversation.contact_id])[conversation.contact_id]
        telling.notify(
            session, user_id, "assigned", conversation_id=conversation.id, contact_id=conversation.contact_id,
            clock=clock, queue=conversation.queue_name, contact=brief.name or brief.phone or "",
        )  # fmt: skip
    telling.agent_changed(session, told)
    items.tend_soon(session)


def wait_again(session: Session, conversation: Conversation, *, by: UUID, clock: Clock) -> QueueItem:
    """Nobody answers the conversation any more: it waits in its queue, or the default one. Whom nobody has answered
    meanwhile goes on waiting."""
    before = items.live_of(session, conversation.id)
    if before is not None and items.goes_on_waiting(session, before):
        items.let_go(session, before, by=by, clock=clock)
        conversation.waiting_since = before.entered_at
        session.add(conversation)
        return before
    queue = items.queue_of(session, conversation.queue_id) or items.default_or_none(session)
    if before is not None:
        items.end(session, before, "transferred", outcome="released", by=by, clock=clock)
    if queue is not None:
        conversation.queue_id, conversation.queue_name = queue.id, queue.name
    session.add(conversation)
    priority = conversations.PRIORITIES.index(conversation.priority)
    return items.make(
        session, conversation, queue, source="agent", priority=priority,
        skills=before.skills if before is not None else (), previous=before, clock=clock,
        flow_session_id=before.flow_session_id if before is not None else None,
    )  # fmt: skip


def closed(session: Session, conversation: Conversation, *, outcome: str = "", by: UUID, clock: Clock) -> None:
    """The conversation is closed: served ones are completed, waiting ones abandoned."""
    item = items.live_of(session, conversation.id)
    if item is None:
        return
    status = "completed" if item.status == "in_service" else "abandoned"
    items.end(session, item, status, outcome=outcome or "closed", by=by, clock=clock)


def reopened(session: Session, conversation: Conversation, *, by: UUID, clock: Clock) -> None:
    """The conversation goes on after it was closed. Who answered it answers it again, who waited waits again; a close
    that was undone at once leaves no trace: the place that ended by it goes on."""
    if conversation.handling == "bot" or items.live_of(session, conversation.id) is not None:
        return
    last = items.last_of(session, conversation.id)
    serves = conversation.handling == "person" and conversation.assignee_id is not None
    if (
        last is not None
        and _just_ended(last, "completed" if serves else "abandoned", clock.now())
        and last.agent_id == (conversation.assignee_id if serves else None)
    ):
        items.revive(session, last)
        conversation.waiting_since = None if serves else last.entered_at
        session.add(conversation)
        return
    if serves and conversation.assignee_id is not None:
        leave_for_person(session, conversation, conversation.assignee_id, by=by, clock=clock)
        return
    conversation.handling, conversation.waiting_since = "waiting", clock.now()
    wait_again(session, conversation, by=by, clock=clock)


def _just_ended(item: QueueItem, status: str, now: datetime) -> bool:
    """Whether it ended like this a moment ago, in the present hour (whose figures are counted again), and nothing has
    come of it."""
    at = item.ended_at
    if item.status != status or at is None or item.csat_state:
        return False
    return now - at <= UNDONE_WITHIN and at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1) > now


def given_back(session: Session, conversation: Conversation, *, by: UUID, clock: Clock) -> None:
    """Automation answers the conversation again."""
    item = items.live_of(session, conversation.id)
    if item is not None:
        status = "transferred" if item.status == "in_service" else "abandoned"
        items.end(session, item, status, outcome="bot", by=by, clock=clock)


def prioritised(session: Session, conversation: Conversation) -> None:
    """The conversation's priority changed: its place follows."""
    item = items.live_of(session, conversation.id)
    priority = conversations.PRIORITIES.index(conversation.priority)
    if item is not None and item.priority != priority:
        item.priority = priority
        session.add(item)
        session.flush()
        telling.changed(session, [item], "priority")
        items.tend_soon(session)


def contact_left(session: Session, contact_id: UUID, reason: str, *, by: UUID | None, clock: Clock) -> None:
    """The contact is blocked or wants nothing more: nobody need serve who waits. The caller holds the contact."""
    statement = scoped(session, QueueItem).where(
        QueueItem.contact_id == contact_id, col(QueueItem.status).in_(("waiting", "offered"))
    )
    for found in list(session.exec(statement)):
        item, conversation = items.hold(session, found.id)
        if item.status in ("waiting", "offered"):
            items.end(session, item, "abandoned", outcome=reason, by=by, clock=clock)
            conversations.leave_line(
                session, conversation, session_id=item.flow_session_id, result="closed", clock=clock, reason=reason
            )
