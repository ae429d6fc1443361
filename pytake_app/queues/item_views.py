"""Items as the API and the pages show them, in a fixed number of statements whatever their number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlmodel import Session

from pytake_app.accounts import service as accounts
from pytake_app.contacts import service as contacts
from pytake_app.conversations import queueing as conversations
from pytake_app.core.clock import Clock
from pytake_app.queues import distributing, messages, predicting, repository
from pytake_app.queues.item_schemas import PRIORITIES, AgentRef, ContactRef, ItemView, LastWord, QueueBrief
from pytake_app.queues.models import QueueItem, ServiceQueue

SOON = 0.75
"""An item is `soon` late when this share of its time is over."""


def sla_state(item: QueueItem, now: datetime) -> Literal["ok", "soon", "late"]:
    """Whether the promised time is kept; an assigned item is judged by when it was assigned."""
    at = item.assigned_at or item.ended_at
    return due_state(item.entered_at, item.sla_due_at, at or now, still=item.assigned_at is None)


def due_state(
    entered_at: datetime, due_at: datetime | None, at: datetime, *, still: bool = True
) -> Literal["ok", "soon", "late"]:
    """As `sla_state`, of a promise. `still`: they wait yet."""
    if due_at is None:
        return "ok"
    if at > due_at:
        return "late"
    given, left = (due_at - entered_at).total_seconds(), (due_at - at).total_seconds()
    return "soon" if still and left < given * (1 - SOON) else "ok"


def views(session: Session, rows: Sequence[QueueItem], *, clock: Clock) -> list[ItemView]:
    """Items with their queue, contact, agent, place and last word."""
    now = clock.now()
    queues = {queue.id: queue for queue in repository.all_of(session, ServiceQueue)}
    people = contacts.briefs(session, {row.contact_id for row in rows})
    agents = {one for row in rows for one in (row.agent_id, row.offered_to) if one is not None}
    names = accounts.user_names(session, agents)
    words = conversations.last_words(session, {row.conversation_id for row in rows})
    waiting = {row.queue_id for row in rows if row.queue_id is not None and row.status in ("waiting", "offered")}
    places = {queue_id: messages.positions(session, queue_id) for queue_id in waiting}
    # Nobody can tell how long it takes while nobody is there.
    paces = predicting.paces(session, now, waiting & distributing.attended(session)) if waiting else {}

    def agent(user_id: UUID | None) -> AgentRef | None:
        return AgentRef(id=user_id, name=names.get(user_id, "")) if user_id is not None else None

    def view(row: QueueItem) -> ItemView:
        queue = queues.get(row.queue_id) if row.queue_id is not None else None
        in_line = row.queue_id if row.queue_id in waiting and row.status in ("waiting", "offered") else None
        position = places[in_line].get(row.id) if in_line is not None else None
        pace = paces.get(in_line) if in_line is not None else None
        contact = people[row.contact_id]
        waited_to = row.assigned_at or row.ended_at or now
        by, at = words.get(row.conversation_id, ("contact", None))
        return ItemView(
            id=row.id,
            queue=QueueBrief(id=queue.id, name=queue.name, color=queue.color) if queue is not None else None,
            conversation_id=row.conversation_id,
            contact=ContactRef(id=contact.id, name=contact.name, phone=contact.phone),
            channel=row.channel,
            status=row.status,
            priority=PRIORITIES[row.priority],
            source=row.source,
            skills=row.skills,
            note=row.note,
            position=position,
            entered_at=row.entered_at,
            waited_seconds=max(0, int((waited_to - row.entered_at).total_seconds())),
            wait_until=row.wait_until,
            sla_seconds=queue.sla_seconds if queue is not None else None,
            sla_due_at=row.sla_due_at,
            sla_state=sla_state(row, now),
            predicted_wait_seconds=round(pace * position) if pace is not None and position is not None else None,
            agent=agent(row.agent_id),
            offered_to=agent(row.offered_to),
            offered_until=row.offered_until,
            assigned_at=row.assigned_at,
            handled_seconds=(
                max(0, int(((row.ended_at or now) - row.assigned_at).total_seconds())) if row.assigned_at else None
            ),
            last_word=LastWord(by=by, at=at),
            ended_at=row.ended_at,
            outcome=row.outcome,
            csat_score=row.csat_score,
        )

    return [view(row) for row in rows]
