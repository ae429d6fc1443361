"""Organizations at rest: what comes in for them is kept aside, in order, and taken up when they are active again.

Events become `held` when their turn comes (`flows.execution_batch`); senders leave the organization's accounts alone.
Reports of what became of sent messages are taken as always.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from pytake_app.messaging.inbound import LANE_LOCK_CLASS
from pytake_app.messaging.sql import Connection

_HOLD = "UPDATE inbound_events SET state = 'held' WHERE id = ANY(%s) AND state = 'pending'"
# Whoever works on a lane holds its lock until the commit: with all of them in hand nobody has read that the
# organization rests, or that it doesn't, without having acted on it.
_LANES = text("SELECT pg_advisory_xact_lock(:class, lane) FROM generate_series(0, :last) AS lane ORDER BY lane")
_RELEASE = text(
    "UPDATE inbound_events SET state = 'pending', next_attempt_at = :now "
    "WHERE organization_id = :organization_id AND state = 'held'"
)


def hold(connection: Connection, ids: Sequence[int]) -> None:
    """Keep these events until their organization is active again."""
    connection.execute(_HOLD, (list(ids),))


def lock_lanes(session: Session, lanes: int) -> None:
    """Wait until nobody is at work on any lane, and keep it so until the transaction ends: make it short."""
    session.execute(text("SELECT set_config('statement_timeout', '0', true)"))  # a million may have been held
    session.execute(_LANES, {"class": LANE_LOCK_CLASS, "last": lanes - 1})


def release(session: Session, organization_id: UUID, now: datetime) -> int:
    """Have what was held taken up, before anything that comes now; call it under `lock_lanes`, with the new status.

    Returns:
        how many events.
    """
    done = session.execute(_RELEASE, {"organization_id": organization_id, "now": now})
    return int(done.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has it
