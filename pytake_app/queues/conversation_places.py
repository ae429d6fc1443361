"""The places of conversations in queues, as the inbox's rows and headers show them."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.core.clock import Clock
from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.queues.distribution import HEAD_START
from pytake_app.queues.item_schemas import QueueBrief, QueuePlace
from pytake_app.queues.item_views import sla_state
from pytake_app.queues.items import LIVE
from pytake_app.queues.models import QueueItem, ServiceQueue


def colors(session: Session, queue_ids: Collection[UUID]) -> dict[UUID, str]:
    """The colour of each of these queues."""
    if not queue_ids:
        return {}
    statement = sa.select(col(ServiceQueue.id), col(ServiceQueue.color)).where(
        col(ServiceQueue.organization_id) == organization_of(session), col(ServiceQueue.id).in_(queue_ids)
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def places(session: Session, conversation_ids: Collection[UUID], *, clock: Clock) -> dict[UUID, QueuePlace]:
    """The live place of each conversation that has one, in one statement; `position` stays None (see `place`)."""
    if not conversation_ids:
        return {}
    statement = (
        sa.select(QueueItem, col(ServiceQueue.name), col(ServiceQueue.color), col(ServiceQueue.sla_seconds))
        .outerjoin(ServiceQueue, col(ServiceQueue.id) == col(QueueItem.queue_id))
        .where(
            col(QueueItem.organization_id) == organization_of(session),
            col(QueueItem.conversation_id).in_(conversation_ids),
            col(QueueItem.status).in_(LIVE),
        )
    )
    return {row[0].conversation_id: _place(*row, clock=clock) for row in session.execute(statement)}


def place(session: Session, conversation_id: UUID, *, clock: Clock) -> QueuePlace | None:
    """A conversation's live place, with how many stand before it; holds nothing."""
    found = places(session, [conversation_id], clock=clock).get(conversation_id)
    if found is None or found.queue is None or found.status == "in_service":
        return found
    return found.model_copy(update={"position": _position(session, found.id, found.queue.id)})


def _place(
    item: QueueItem, name: str | None, color: str | None, sla_seconds: int | None, *, clock: Clock
) -> QueuePlace:
    now = clock.now()
    waited_to = item.assigned_at or now
    return QueuePlace(
        id=item.id,
        queue=QueueBrief(id=item.queue_id, name=name or "", color=color or "") if item.queue_id is not None else None,
        conversation_id=item.conversation_id,
        status=item.status,
        entered_at=item.entered_at,
        waited_seconds=max(0, int((waited_to - item.entered_at).total_seconds())),
        sla_seconds=sla_seconds,
        sla_due_at=item.sla_due_at,
        sla_state=sla_state(item, now),
        offered_until=item.offered_until,
        assigned_at=item.assigned_at,
    )


def _position(session: Session, item_id: UUID, queue_id: UUID) -> int | None:
    """As `messages.positions` counts, of one item."""
    rank = col(QueueItem.entered_at) - col(QueueItem.priority) * sa.literal(HEAD_START)
    own = session.execute(
        scoped(session, QueueItem)
        .with_only_columns(rank)
        .where(col(QueueItem.id) == item_id, col(QueueItem.status).in_(("waiting", "offered")))
    ).scalar_one_or_none()
    if own is None:
        return None
    statement = sa.select(sa.func.count()).where(
        col(QueueItem.organization_id) == organization_of(session),
        col(QueueItem.queue_id) == queue_id,
        col(QueueItem.status).in_(("waiting", "offered")),
        sa.tuple_(rank, col(QueueItem.id)) <= sa.tuple_(sa.literal(own), sa.literal(item_id)),
    )
    return int(session.execute(statement).scalar_one())
