"""How long somebody will wait, from how fast the queue has moved lately."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.core.tenancy import organization_of
from pytake_app.queues.models import HANDOVER, QueueItem

LOOKED_BACK = timedelta(hours=2)
FEWEST = 3
"""With fewer assignments than this nobody can tell."""


def paces(session: Session, now: datetime, queue_ids: Collection[UUID] | None = None) -> dict[UUID, float]:
    """Seconds between two assignments of each queue, of the last two hours; absent: too few to tell.

    Parameters:
        queue_ids: only these; None: all.
    """
    first, count = sa.func.min(col(QueueItem.assigned_at)), sa.func.count()
    statement = (
        sa.select(col(QueueItem.queue_id), count, first)
        .where(
            col(QueueItem.organization_id) == organization_of(session),
            col(QueueItem.queue_id).is_not(None),
            col(QueueItem.source) != HANDOVER,
            col(QueueItem.assigned_at) > now - LOOKED_BACK,
        )
        .group_by(col(QueueItem.queue_id))
        .having(count >= FEWEST)
    )
    if queue_ids is not None:
        statement = statement.where(col(QueueItem.queue_id).in_(queue_ids))
    return {row[0]: (now - row[2]).total_seconds() / row[1] for row in session.execute(statement)}


def pace(session: Session, queue_id: UUID, now: datetime) -> float | None:
    """Seconds between two assignments of one queue; None: too few to tell."""
    return paces(session, now, [queue_id]).get(queue_id)


def wait_seconds(session: Session, queue_id: UUID, position: int, now: datetime) -> int | None:
    """Seconds that somebody at this place will wait; None: nobody can tell."""
    seconds = pace(session, queue_id, now)
    return round(seconds * position) if seconds is not None else None
