"""How long somebody will wait, from how fast the queue has moved lately."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.core.tenancy import organization_of
from pytake_app.queues.models import QueueItem

LOOKED_BACK = timedelta(hours=2)
FEWEST = 3
"""With fewer assignments than this nobody can tell."""


def pace(session: Session, queue_id: UUID, now: datetime) -> float | None:
    """Seconds between two assignments of the queue, of the last two hours; None: too few to tell."""
    count, first = session.execute(
        sa.select(sa.func.count(), sa.func.min(col(QueueItem.assigned_at))).where(
            col(QueueItem.organization_id) == organization_of(session),
            col(QueueItem.queue_id) == queue_id,
            col(QueueItem.assigned_at) > now - LOOKED_BACK,
        )
    ).one()
    return (now - first).total_seconds() / count if count >= FEWEST else None


def wait_seconds(session: Session, queue_id: UUID, position: int, now: datetime) -> int | None:
    """Seconds that somebody at this place will wait; None: nobody can tell."""
    seconds = pace(session, queue_id, now)
    return round(seconds * position) if seconds is not None else None
