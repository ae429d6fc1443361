"""Inbound events: which are next, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from pytake_app.messaging.backoff import jittered
from pytake_app.messaging.sql import Connection

LANE_LOCK_CLASS = 0x50544C4E
"""First key of the advisory locks on lanes ("PTLN")."""

MAX_ATTEMPTS = 5
CLAIM_LIMIT = 400
PER_ORGANIZATION = 100
_ERROR_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Event:
    """A claimed event."""

    id: int
    organization_id: UUID
    channel_account_id: UUID
    lane: int
    contact_key: str
    kind: str
    external_id: str
    payload: dict[str, Any]
    attempts: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """What to handle now. `busy`: lanes that another worker holds. `more`: not everything fitted."""

    events: list[Event]
    lanes: list[int]
    busy: list[int]
    more: bool


# A lane's lock lasts as long as the transaction: one worker at a time, and a killed worker's lock goes with its
# connection. The claim must be a statement of its own, so that it sees what the lock's former holder committed.
_LOCK = "SELECT lane FROM unnest(%s::int[]) AS lane WHERE pg_try_advisory_xact_lock(%s, lane)"

# Every organization with something pending gets its turn before anyone gets a second one. The organizations of a lane
# are found by skipping through the index, so that a backlog of a million rows isn't read to find out whose they are.
# A contact whose earlier event is to be tried again later is left out: its events stay in order.
_CLAIM = """
WITH RECURSIVE pairs AS (
    SELECT * FROM (
        SELECT lane, organization_id FROM inbound_events WHERE state = 'pending' AND lane = ANY(%(lanes)s)
        ORDER BY lane, organization_id LIMIT 1
    ) first
    UNION ALL
    SELECT n.lane, n.organization_id FROM pairs p, LATERAL (
        SELECT e.lane, e.organization_id FROM inbound_events e
        WHERE e.state = 'pending' AND e.lane = ANY(%(lanes)s)
          AND (e.lane, e.organization_id) > (p.lane, p.organization_id)
        ORDER BY e.lane, e.organization_id LIMIT 1
    ) n
)
SELECT t.id, t.organization_id, t.channel_account_id, t.lane, t.contact_key, t.kind, t.external_id, t.payload,
       t.attempts, t.received_at, t.turn
FROM pairs p, LATERAL (
    SELECT e.*, row_number() OVER (ORDER BY e.id) AS turn FROM (
        SELECT * FROM inbound_events e
        WHERE e.state = 'pending' AND e.lane = p.lane AND e.organization_id = p.organization_id
          AND NOT EXISTS (
              SELECT 1 FROM inbound_events b
              WHERE b.state = 'pending' AND b.attempts > 0 AND b.lane = p.lane AND b.next_attempt_at > %(now)s
                AND b.channel_account_id = e.channel_account_id AND b.contact_key = e.contact_key
          )
        ORDER BY e.id LIMIT %(each)s
    ) e
) t
ORDER BY t.turn, t.id LIMIT %(limit)s
"""
# What stays is for telling repeats; what was said stands in the thread, and need not be written once more.
_DONE = "UPDATE inbound_events SET state = 'done', payload = '{}', processed_at = %s, error = NULL WHERE id = ANY(%s)"
# A status can be applied again without harm, so it need not be remembered.
_FORGET = "DELETE FROM inbound_events WHERE id = ANY(%s)"
# Before an event is tried that may have killed a worker: the first attempt, in a batch, was never counted.
_COUNT = """
UPDATE inbound_events SET attempts = CASE WHEN attempts < 1 THEN 2 ELSE attempts + 1 END,
       error = 'the worker died', next_attempt_at = %(next)s
WHERE id = %(id)s AND state = 'pending' AND attempts < %(max)s
"""
_DIED = """
UPDATE inbound_events SET state = 'dead', error = 'the worker died each time', processed_at = %s
WHERE id = %s AND state = 'pending'
"""
_FAILED = """
UPDATE inbound_events SET attempts = attempts + %(by)s, error = %(error)s, next_attempt_at = %(next)s,
       state = CASE WHEN attempts + %(by)s >= %(max)s THEN 'dead' ELSE 'pending' END,
       processed_at = CASE WHEN attempts + %(by)s >= %(max)s THEN %(now)s::timestamptz END
WHERE id = %(id)s AND state = 'pending' RETURNING state
"""


def claim(connection: Connection, lanes: Sequence[int], now: datetime, limit: int = CLAIM_LIMIT) -> Claim:
    """Lock what can be had of `lanes` for this transaction and read their next events, in order per contact."""
    wanted = {"lanes": list(lanes), "now": now, "each": PER_ORGANIZATION, "limit": limit}
    # Asked together, since nearly always all of them can be had.
    lock, read = connection.execute(_LOCK, (list(lanes), LANE_LOCK_CLASS)), connection.execute(_CLAIM, wanted)
    locked = [row[0] for row in lock.fetchall()]
    busy = [lane for lane in lanes if lane not in locked]
    if not locked:
        return Claim([], [], busy, more=False)
    if busy:
        read = connection.execute(_CLAIM, {**wanted, "lanes": locked})
    rows = read.fetchall()
    more = len(rows) >= limit or any(row[10] >= PER_ORGANIZATION for row in rows)
    events = [Event(*row[:10]) for row in rows]
    events.sort(key=lambda event: event.id)
    return Claim(events, locked, busy, more)


Turn = Literal["now", "wait", "gone"]
"""Of an event in hand: `wait`: its lane is another worker's, or an earlier event of its contact is still to be handled;
`gone`: somebody else has handled it."""

_TURN = """
SELECT e.state = 'pending', EXISTS (
    SELECT 1 FROM inbound_events b
    WHERE b.state = 'pending' AND b.lane = e.lane AND b.organization_id = e.organization_id AND b.id < e.id
      AND b.channel_account_id = e.channel_account_id AND b.contact_key = e.contact_key
) FROM inbound_events e WHERE e.id = %s
"""


def lock_turn(connection: Connection, event: Event) -> Turn:
    """Lock the event's lane for this transaction, and tell whether its turn is now.

    Whoever handles events one by one lets go of the lane in between, and another worker may have begun on the same
    contact meanwhile: what it has in hand tells nothing any more.
    """
    lane = connection.execute(_LOCK, ([event.lane], LANE_LOCK_CLASS)).fetchone()
    if lane is None:
        return "wait"
    row = connection.execute(_TURN, (event.id,)).fetchone()
    if row is None or not row[0]:
        return "gone"
    return "wait" if row[1] else "now"


def mark_done(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """These were handled; they stay for deduplication."""
    if ids:
        connection.execute(_DONE, (now, list(ids)))


def forget(connection: Connection, ids: Sequence[int]) -> None:
    """These were handled and need not be remembered."""
    if ids:
        connection.execute(_FORGET, (list(ids),))


def count_attempt(connection: Connection, event: Event, now: datetime, max_attempts: int = MAX_ATTEMPTS) -> bool:
    """Count an attempt before it is made: should it kill this worker too, it has been counted. Commit it by itself.

    Returns:
        whether the attempt may be made; else the event is given up on (state `dead`).
    """
    later = now + timedelta(seconds=jittered(event.attempts, base=0.5, cap=30.0))
    if connection.execute(_COUNT, {"id": event.id, "next": later, "max": max_attempts}).rowcount:
        return True
    connection.execute(_DIED, (now, event.id))
    return False


def mark_failed(
    connection: Connection,
    event: Event,
    error: BaseException,
    now: datetime,
    max_attempts: int = MAX_ATTEMPTS,
    *,
    counted: bool = False,
) -> bool:
    """One more attempt on this event failed: it is tried again later, or given up on.

    Parameters:
        counted: the attempt was counted before it was made.

    Returns:
        whether it was given up on (state `dead`); the contact's later events then go on. False too when another worker
        has handled it meanwhile.
    """
    delay = jittered(event.attempts, base=0.5, cap=30.0)
    row = connection.execute(
        _FAILED,
        {
            "id": event.id,
            "error": f"{type(error).__name__}: {error}"[:_ERROR_LENGTH].replace("\x00", ""),
            "next": now + timedelta(seconds=delay),
            "max": max_attempts,
            "now": now,
            "by": 0 if counted else 1,
        },
    ).fetchone()
    return row is not None and row[0] == "dead"
