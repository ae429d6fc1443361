"""Places in queues: entering, ending, giving to people. Functions run in the caller's transaction and never commit.

Everything here holds the contact's row first, then the conversation's, then the item's, then the agents': the order of
the pipeline. A conversation has at most one live item (a unique index sees to it).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import redis
import sqlalchemy as sa
import structlog
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col

from pytake_app.contacts import service as contacts
from pytake_app.conversations import queueing as conversations
from pytake_app.conversations.models import Conversation
from pytake_app.core.clock import Clock
from pytake_app.core.db import after_commit
from pytake_app.core.errors import ConflictError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.services import process_services
from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.jobs import enqueue as jobs
from pytake_app.queues import repository, telling
from pytake_app.queues.models import HANDOVER, Agent, QueueItem, ServiceQueue
from pytake_app.queues.places import NOTE_LENGTH

log = structlog.get_logger(__name__)

LIVE = ("waiting", "offered", "in_service")
STICKY_FOR = timedelta(days=30)
"""Who served the contact within this time is asked first in a sticky queue."""


@dataclass(frozen=True, slots=True)
class Handed:
    """An item goes to an agent, both held by the caller."""

    item: QueueItem
    conversation: Conversation
    agent_id: UUID


def tend_soon(session: Session) -> None:
    """Have the organization's queues looked at after commit; the sweeper does it should the wake-up be lost."""
    organization_id = organization_of(session)
    marked: set[UUID] = session.info.setdefault("queues_tended", set())
    if organization_id in marked:
        return
    marked.add(organization_id)

    def wake() -> None:
        try:
            jobs.poke_queues(process_services().redis, [organization_id])
        except redis.RedisError as error:
            log.warning("queues_poke_failed", error=type(error).__name__)

    after_commit(session, wake)


def find(session: Session, item_id: UUID, queue_id: UUID | None = None) -> QueueItem:
    """One item.

    Parameters:
        queue_id: it must be of this queue.

    Raises:
        NotFoundError: none here (code `item_not_found`).
    """
    statement = scoped(session, QueueItem).where(QueueItem.id == item_id)
    if queue_id is not None:
        statement = statement.where(QueueItem.queue_id == queue_id)
    found = session.exec(statement).one_or_none()
    if found is None:
        raise NotFoundError("There is no such item in the queue.", code="item_not_found")
    return cast("QueueItem", found)


def hold(session: Session, item_id: UUID, queue_id: UUID | None = None) -> tuple[QueueItem, Conversation]:
    """One item with its conversation, held until the transaction ends.

    Raises:
        NotFoundError: none here.
    """
    conversation = conversations.hold(session, find(session, item_id, queue_id).conversation_id)
    statement = (
        scoped(session, QueueItem)
        .where(QueueItem.id == item_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return cast("QueueItem", session.exec(statement).one()), conversation


def live_of(session: Session, conversation_id: UUID) -> QueueItem | None:
    """The conversation's live item, held; the caller holds the conversation."""
    statement = (
        scoped(session, QueueItem)
        .where(QueueItem.conversation_id == conversation_id, col(QueueItem.status).in_(LIVE))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return cast("QueueItem | None", session.exec(statement).one_or_none())


def last_of(session: Session, conversation_id: UUID) -> QueueItem | None:
    """The conversation's latest item, held; the caller holds the conversation."""
    statement = (
        scoped(session, QueueItem)
        .where(QueueItem.conversation_id == conversation_id)
        .order_by(col(QueueItem.entered_at).desc(), col(QueueItem.id).desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return cast("QueueItem | None", session.exec(statement).one_or_none())


def revive(session: Session, item: QueueItem) -> None:
    """An item, held by the caller, goes on as if it had not ended: in service with its agent, else waiting."""
    item.status = "in_service" if item.agent_id is not None else "waiting"
    item.ended_at = item.ended_by = item.rolled_up_at = None
    item.outcome = ""
    session.add(item)
    session.flush()
    telling.changed(session, [item], item.status)
    telling.agent_changed(session, [item.agent_id] if item.agent_id is not None else [])
    tend_soon(session)


def require(item: QueueItem, *statuses: str) -> None:
    """Refuse when the item is in none of these states.

    Raises:
        ConflictError: `item_not_waiting` or `item_ended`.
    """
    if item.status in statuses:
        return
    if item.status in LIVE:
        raise ConflictError("The conversation isn't waiting any more.", code="item_not_waiting")
    raise ConflictError("The conversation has left the queue.", code="item_ended")


def hold_agents(session: Session, agent_ids: Collection[UUID], *, skip_locked: bool = False) -> dict[UUID, Agent]:
    """Agents' rows, held: how many conversations they have can't change meanwhile."""
    statement = (
        scoped(session, Agent)
        .where(col(Agent.user_id).in_(agent_ids))
        .order_by(col(Agent.user_id))
        .with_for_update(skip_locked=skip_locked, key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.user_id: row for row in session.exec(statement)}


def end(session: Session, item: QueueItem, status: str, *, outcome: str, by: UUID | None, clock: Clock) -> None:
    """The item, held by the caller, is over."""
    item.status, item.outcome, item.ended_at, item.ended_by = status, outcome[:120], clock.now(), by
    agents = {agent_id for agent_id in (item.agent_id, item.offered_to) if agent_id is not None}
    item.offered_to = item.offered_until = None
    session.add(item)
    session.flush()
    telling.changed(session, [item], status)
    telling.agent_changed(session, agents)
    tend_soon(session)


def make(
    session: Session,
    conversation: Conversation,
    queue: ServiceQueue | None,
    *,
    source: str,
    priority: int,
    skills: Sequence[str] = (),
    note: str = "",
    wait_until: datetime | None = None,
    flow_session_id: UUID | None = None,
    previous: QueueItem | None = None,
    since: datetime | None = None,
    clock: Clock,
) -> QueueItem:
    """A new waiting item of a conversation that the caller holds and has put in line; greeted when it is tended.

    Parameters:
        since: when the wait began that goes on in it; None: now.
    """
    now = clock.now()
    item = QueueItem(
        id=new_id(),
        organization_id=organization_of(session),
        queue_id=queue.id if queue is not None else None,
        queue_name=queue.name if queue is not None else conversation.queue_name,
        conversation_id=conversation.id,
        contact_id=conversation.contact_id,
        channel=conversation.channel,
        priority=min(3, max(0, priority)),
        skills=list(dict.fromkeys(skill.strip()[:60] for skill in skills if skill.strip()))[:30],
        source=source,
        entered_at=since or now,
        note=note[:NOTE_LENGTH],
        wait_until=wait_until,
        flow_session_id=flow_session_id,
        previous_item_id=previous.id if previous is not None else None,
    )
    session.add(item)
    session.flush()
    telling.changed(session, [item], "entered")
    tend_soon(session)
    return item


def sticky_agents(session: Session, contact_ids: Collection[UUID], now: datetime) -> dict[UUID, UUID]:
    """Who served these contacts last, of the last 30 days."""
    if not contact_ids:
        return {}
    statement = (
        sa.select(col(QueueItem.contact_id), col(QueueItem.agent_id))
        .distinct(col(QueueItem.contact_id))
        .where(
            col(QueueItem.organization_id) == organization_of(session),
            col(QueueItem.contact_id).in_(contact_ids),
            col(QueueItem.agent_id).is_not(None),
            col(QueueItem.assigned_at) > now - STICKY_FOR,
        )
        .order_by(col(QueueItem.contact_id), col(QueueItem.assigned_at).desc())
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def serve(session: Session, handed: Sequence[Handed], *, by: UUID | None, clock: Clock, reason: str = "queue") -> None:
    """Items go into service with their agents: items, conversations, logs, flows, notifications, pokes, in sets."""
    if not handed:
        return
    now = clock.now()
    agents = {one.agent_id for one in handed}
    telling.expect(session, agents - {by} if by is not None else agents)
    _assigned(session, handed, now)
    touched = (
        sa.update(Agent)
        .where(col(Agent.organization_id) == organization_of(session), col(Agent.user_id).in_(agents))
        .values(last_assigned_at=now)
    )
    session.execute(touched)
    given = [conversations.Given(one.conversation, one.agent_id, one.item.flow_session_id) for one in handed]
    conversations.give(session, given, by=by, clock=clock, reason=reason)
    names = contacts.briefs(session, {one.item.contact_id for one in handed})
    for one in handed:
        if one.agent_id != by:
            telling.notify(
                session, one.agent_id, "assigned", conversation_id=one.conversation.id,
                contact_id=one.item.contact_id, clock=clock, queue=one.item.queue_name,
                contact=names[one.item.contact_id].name or names[one.item.contact_id].phone or "",
            )  # fmt: skip
    telling.changed(session, [one.item for one in handed], "in_service")
    telling.agent_changed(session, agents)


# One statement, not one a row.
_ASSIGN = sa.text("""
UPDATE queue_items i SET status = 'in_service', agent_id = v.agent_id, assigned_at = :now, offered_to = NULL,
       offered_until = NULL
FROM json_to_recordset(CAST(:pairs AS json)) AS v(id uuid, agent_id uuid)
WHERE i.id = v.id AND i.organization_id = :organization
""")


def _assigned(session: Session, handed: Sequence[Handed], now: datetime) -> None:
    session.flush()
    pairs = json.dumps([{"id": str(one.item.id), "agent_id": str(one.agent_id)} for one in handed])
    session.execute(_ASSIGN, {"pairs": pairs, "now": now, "organization": organization_of(session)})
    for one in handed:
        values = {"status": "in_service", "agent_id": one.agent_id, "assigned_at": now, "offered_to": None,
                  "offered_until": None}  # fmt: skip
        for name, value in values.items():
            set_committed_value(one.item, name, value)


def offer(session: Session, handed: Sequence[Handed], seconds: dict[UUID, int], *, clock: Clock) -> None:
    """Items ring at their agents for so many seconds (by queue)."""
    now = clock.now()
    names = contacts.briefs(session, {one.item.contact_id for one in handed})
    telling.expect(session, {one.agent_id for one in handed})
    for one in handed:
        item = one.item
        rings = seconds.get(item.queue_id, 30) if item.queue_id else 30
        item.status, item.offered_to, item.offered_until = "offered", one.agent_id, now + timedelta(seconds=rings)
        session.add(item)
        telling.notify(
            session, one.agent_id, "offered", level="warning", conversation_id=item.conversation_id,
            contact_id=item.contact_id, clock=clock, queue=item.queue_name, seconds=rings,
            contact=names[item.contact_id].name or names[item.contact_id].phone or "",
        )  # fmt: skip
    session.flush()
    telling.changed(session, [one.item for one in handed], "offered")
    telling.agent_changed(session, {one.agent_id for one in handed})


def unoffer(session: Session, item: QueueItem, *, clock: Clock, declined: bool = True) -> None:
    """An offered item, held by the caller, waits again; who had it isn't asked again for a while."""
    agent_id = item.offered_to
    if declined and agent_id is not None:
        kept = [one for one in item.declined_by if one.get("agent_id") != str(agent_id)][-49:]
        item.declined_by = [*kept, {"agent_id": str(agent_id), "at": clock.now().isoformat()}]
    item.status, item.offered_to, item.offered_until = "waiting", None, None
    session.add(item)
    session.flush()
    telling.changed(session, [item], "waiting")
    if agent_id is not None:
        telling.agent_changed(session, [agent_id])
    tend_soon(session)


def goes_on_waiting(session: Session, item: QueueItem) -> bool:
    """Whether an item in service, put back into its queue, is still the wait it was: nobody has answered the contact
    since it was assigned."""
    if item.status != "in_service" or item.queue_id is None or item.source == HANDOVER or item.assigned_at is None:
        return False
    return not conversations.answered_since(session, item.conversation_id, item.assigned_at)


def let_go(session: Session, item: QueueItem, *, by: UUID | None, clock: Clock) -> None:
    """An item in service, held by the caller, waits again as if it had not been assigned: in its place, with the time
    it has waited. Who had it isn't asked again for a while."""
    agent_id = item.agent_id
    if agent_id is not None:
        kept = [one for one in item.declined_by if one.get("agent_id") != str(agent_id)][-49:]
        item.declined_by = [*kept, {"agent_id": str(agent_id), "at": clock.now().isoformat()}]
    item.status, item.agent_id, item.assigned_at = "waiting", None, None
    item.offered_to = item.offered_until = None
    session.add(item)
    session.flush()
    telling.changed(session, [item], "waiting")
    telling.agent_changed(session, [one for one in (agent_id, by) if one is not None])
    tend_soon(session)


def queue_of(session: Session, queue_id: UUID | None) -> ServiceQueue | None:
    """A queue, or None."""
    return repository.find(session, ServiceQueue, queue_id) if queue_id is not None else None


def default_or_none(session: Session) -> ServiceQueue | None:
    """The queue that takes what names no other; None in an organization without any."""
    statement = scoped(session, ServiceQueue).where(col(ServiceQueue.is_default))
    return cast("ServiceQueue | None", session.exec(statement).one_or_none())


def default_queue(session: Session) -> ServiceQueue:
    """The queue that takes what names no other.

    Raises:
        NotFoundError: there is none.
    """
    found = default_or_none(session)
    if found is None:
        raise NotFoundError("There is no queue.", code="queue_not_found")
    return found
