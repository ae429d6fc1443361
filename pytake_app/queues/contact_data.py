"""What service a contact was given: handed out, or forgotten but for times and scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.queues.models import QueueItem

_SHOWN = (
    "id", "queue_name", "channel", "status", "entered_at", "assigned_at", "ended_at", "outcome", "csat_score",
    "csat_comment",
)  # fmt: skip


def export_contact(session: Session, contact_id: UUID) -> Iterator[dict[str, Any]]:
    """The contact's times in line and in service, oldest first."""
    statement = scoped(session, QueueItem).where(QueueItem.contact_id == contact_id).order_by(col(QueueItem.id))
    for row in session.exec(statement):
        yield {name: getattr(row, name) for name in _SHOWN}


def erase_contact(session: Session, contact_id: UUID) -> int:
    """Clear what was noted and what the contact said of the service. Who is being served is so no more.

    Returns:
        how many places in line the contact had.
    """
    own = (col(QueueItem.organization_id) == organization_of(session), col(QueueItem.contact_id) == contact_id)
    serving = col(QueueItem.status) == "in_service"
    asking = col(QueueItem.csat_state).in_(("asked", "answered"))
    found = session.execute(
        sa.update(QueueItem)
        .where(*own)
        .values(
            note="",
            csat_comment="",
            csat_state=sa.case((asking, "skipped"), else_=col(QueueItem.csat_state)),
            status=sa.case((serving, "completed"), else_=col(QueueItem.status)),
            outcome=sa.case((serving, "erased"), else_=col(QueueItem.outcome)),
            ended_at=sa.case((serving, sa.func.now()), else_=col(QueueItem.ended_at)),
        )
    )
    return int(found.rowcount)  # type: ignore[attr-defined]
