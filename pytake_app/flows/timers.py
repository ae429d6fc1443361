"""Timers: rows that become inbound events when due, on their contact's lane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from pytake_app.core.ids import first_id_after
from pytake_app.messaging.put_back import SKEW
from pytake_app.messaging.sql import Connection, dumps, insert_statement

Row = dict[str, Any]

_INSERT = insert_statement(
    "timers",
    ("id", "organization_id", "session_id", "channel_account_id", "contact_key", "lane", "kind", "wait_id", "due_at",
     "trace"),
)  # fmt: skip
_CLEAR = """
DELETE FROM timers t USING json_to_recordset(%s) AS v(session uuid, wait text)
WHERE t.session_id = v.session AND t.wait_id = v.wait
"""
ANY_DUE: LiteralString = "SELECT 1 FROM timers WHERE fired_at IS NULL AND due_at <= %(now)s"
"""Rows: a timer is due."""
_WAITING = "SELECT count(*) FROM (SELECT 1 FROM inbound_events WHERE state = 'pending' LIMIT %s) waiting"
# One statement: a timer is either still here or an event already, also when this process is killed at any moment.
_FIRE = """
WITH picked AS MATERIALIZED (
    SELECT id FROM timers WHERE fired_at IS NULL AND due_at <= %(now)s ORDER BY due_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), due AS (
    DELETE FROM timers t USING picked WHERE t.id = picked.id RETURNING t.*
)
INSERT INTO inbound_events (organization_id, channel_account_id, lane, contact_key, kind, external_id, payload, state,
                            attempts, next_attempt_at, received_at)
SELECT organization_id, channel_account_id, lane, contact_key, 'timer', id::text,
       jsonb_strip_nulls(jsonb_build_object('session_id', session_id, 'wait_id', wait_id, 'kind', kind,
                                            'trace_link', trace)),
       'pending', 0, %(now)s, %(now)s
FROM due ORDER BY due_at
ON CONFLICT (channel_account_id, kind, external_id) DO NOTHING
RETURNING lane
"""
# Every wait of a flow is a length of time, and an id (UUID v7) says when its timer was set: one that was set by a later
# time than now counts from now on. The new id says so, so that doing it twice does no harm.
_PUT_BACK = """
WITH late AS MATERIALIZED (
    SELECT id, to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0) AS made
    FROM timers WHERE id > %(after)s AND fired_at IS NULL AND due_at > %(now)s FOR UPDATE
), moved AS (
    UPDATE timers t SET due_at = %(now)s + (t.due_at - late.made),
           id = (%(stamp)s || substr(replace(t.id::text, '-', ''), 13))::uuid
    FROM late WHERE t.id = late.id
    RETURNING t.session_id, t.due_at, late.made
), sessions AS (
    UPDATE flow_sessions s SET expires_at = m.due_at FROM moved m
    WHERE s.id = m.session_id AND s.expires_at = m.due_at - %(now)s + m.made
)
SELECT count(*) FROM moved
"""


@dataclass(frozen=True, slots=True)
class NewTimer:
    """Something due later for a session."""

    id: UUID
    organization_id: UUID
    session_id: UUID
    channel_account_id: UUID
    contact_key: str
    lane: int
    kind: str
    wait_id: str
    due_at: datetime
    trace: str | None = None
    """What the span carries on in which it was set (`core.tracing`)."""


def insert(connection: Connection, timers: Sequence[NewTimer]) -> None:
    """Set timers."""
    if timers:
        connection.execute(_INSERT, (dumps(list(timers)),))


def clear(connection: Connection, waits: Sequence[tuple[UUID, str]]) -> None:
    """Take off the timers of these (session, wait) pairs."""
    if waits:
        connection.execute(_CLEAR, (dumps([{"session": session, "wait": wait} for session, wait in waits]),))


def room(connection: Connection, most: int) -> int:
    """How many timers may become events now, so that people who write don't wait behind a crowd of timers.

    Parameters:
        most: so many events may wait for workers before timers hold back.
    """
    row = connection.execute(_WAITING, (most,)).fetchone()
    return max(0, most - int(row[0])) if row else most


def fire_due(connection: Connection, now: datetime, limit: int = 1000) -> list[int]:
    """Turn due timers into inbound events.

    Returns:
        the lanes to look at; as many as timers fired.
    """
    return [row[0] for row in connection.execute(_FIRE, {"now": now, "limit": limit}).fetchall()]


def put_back(connection: Connection, now: datetime) -> int:
    """After the clock was put back: what was set by the old time must not wait until that time comes again.

    Returns:
        how many timers were changed.
    """
    bounds = {"now": now, "after": first_id_after(now + SKEW), "stamp": first_id_after(now).hex[:12]}
    row = connection.execute(_PUT_BACK, bounds).fetchone()
    return int(row[0]) if row else 0
