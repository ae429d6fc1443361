"""What the scheduler and `doctor` do to rows that nobody looks after: lost wake-ups, stuck sends, old rows."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString

from pytake_app.messaging.put_back import SKEW
from pytake_app.messaging.sql import Connection

KEEP_EVENTS = timedelta(days=30)
"""Done inbound events are remembered this long for deduplication (Meta retries for up to 7 days)."""
KEEP_OUTBOX = timedelta(days=30)
KEEP_PENDING_STATUSES = timedelta(days=2)
_BATCH = 5000

_LOST_LANES = """
SELECT lanes.number FROM generate_series(0, %(last)s) AS lanes(number)
WHERE EXISTS (SELECT 1 FROM inbound_events e
              WHERE e.state = 'pending' AND e.lane = lanes.number AND e.received_at <= %(old)s
                AND e.next_attempt_at <= %(now)s)
"""
ANY_LOST: LiteralString = """
SELECT 1 FROM inbound_events WHERE state = 'pending' AND received_at <= %(old)s AND next_attempt_at <= %(now)s
"""
"""Rows: `lost_lanes` finds lanes."""
ANY_UNDER_WAY: LiteralString = "SELECT 1 FROM outbox WHERE state IN ('sending', 'unsure')"
"""Rows: `mend_sends` has something to look at."""
# In the order of their index (by claim): in that of `sequence` years of messages might be read for a few.
_UNDER_WAY = """
SELECT sequence, attempts, state FROM outbox WHERE state IN ('sending', 'unsure') ORDER BY claimed_at LIMIT 20000
"""
# The claim is old and its sender silent: whether the request left is not known, so a status webhook may still tell.
# One that is from the future (its sender's clock was ahead) has an age by what was watched of it alone.
_SILENT = """
UPDATE outbox SET state = 'unsure', claimed_at = %(now)s
WHERE sequence IN (SELECT sequence FROM outbox
                   WHERE state = 'sending'
                     AND (claimed_at < %(old)s OR (claimed_at > %(late)s AND sequence = ANY(%(watched)s::bigint[])))
                   ORDER BY claimed_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""
# The grace is over and no status came: the message did not arrive. One that came and that no worker has looked at yet
# did come; so did one that could not be handled.
_UNSURE = """
WITH due AS (
    SELECT sequence FROM outbox WHERE state = 'unsure'
    AND (claimed_at < %(old)s OR (claimed_at > %(late)s AND %(watched)s::bigint[] IS NOT NULL))
    AND (%(watched)s::bigint[] IS NULL OR sequence = ANY(%(watched)s::bigint[]))
    AND id::text NOT IN (SELECT payload->>'callback' FROM inbound_events
                         WHERE state = 'pending' AND kind = 'status' AND payload->>'callback' IS NOT NULL
                         UNION ALL
                         SELECT payload->>'callback' FROM inbound_events
                         WHERE state = 'dead' AND kind = 'status' AND payload->>'callback' IS NOT NULL)
    ORDER BY claimed_at LIMIT 1000 FOR UPDATE SKIP LOCKED
)
UPDATE outbox o SET state = CASE WHEN o.attempts >= o.max_attempts THEN 'dead' ELSE 'queued' END,
       next_attempt_at = %(now)s, claimed_at = %(now)s, claimed_by = NULL,
       finished_at = CASE WHEN o.attempts >= o.max_attempts THEN %(now)s::timestamptz END
FROM due WHERE o.sequence = due.sequence
RETURNING o.state, o.message_id, o.created_at
"""
_UNSURE_FAILED = """
UPDATE messages SET status = 'failed', errors = '[{"kind": "unsure", "reason": "no_answer"}]'
WHERE id = %s AND created_at = %s AND status IN ('queued', 'sending')
"""
# Old rows are the ones with the lowest keys: only those are looked at, never the whole table.
_OLD_EVENTS = """
DELETE FROM inbound_events WHERE id IN (
    SELECT id FROM (SELECT id, state, received_at FROM inbound_events ORDER BY id LIMIT %(batch)s) e
    WHERE e.state = 'done' AND e.received_at < %(old)s)
"""
_OLD_OUTBOX = """
DELETE FROM outbox WHERE sequence IN (
    SELECT sequence FROM (SELECT sequence, state, finished_at FROM outbox ORDER BY sequence LIMIT %(batch)s) o
    WHERE o.state IN ('sent', 'canceled') AND o.finished_at < %(old)s)
"""


@dataclass(frozen=True, slots=True)
class Mended:
    """How many rows were put right."""

    silent_sends: int = 0
    retried_sends: int = 0
    failed_sends: int = 0


def lost_lanes(connection: Connection, lanes: int, now: datetime, older_than: timedelta) -> list[int]:
    """Lanes with events that have waited for longer than `older_than`: their wake-up may be lost."""
    rows = connection.execute(_LOST_LANES, {"last": lanes - 1, "old": now - older_than, "now": now}).fetchall()
    return [row[0] for row in rows]


class Watched:
    """How long one process has seen each claimed and each unsure row be so, by a clock that nobody sets.

    A row's own times are by the clock of whoever wrote it: on another machine, or a moment before the clock was set.
    Nothing is sent again because of them alone.

    Parameters:
        lease, grace: as of `mend_sends`, in seconds.
    """

    def __init__(self, lease: float, grace: float) -> None:
        self._lease = lease
        self._grace = grace
        self._since: dict[tuple[int, int, str], float] = {}
        self._looked: float | None = None

    def look(
        self, rows: Iterable[tuple[int, int, str]], moment: float, heard: float | None = None
    ) -> tuple[list[int], list[int]]:
        """See what is claimed and unsure now.

        Parameters:
            rows: sequence, attempts and state of each.
            moment: monotonic seconds.
            heard: until when statuses are known to have been heard; by default until now.

        Returns:
            sequences of rows that were claimed for the whole lease, and of those that were unsure for the whole grace.
            At the first look age is not known and taken to be enough.
        """
        heard = moment if heard is None else heard
        if self._looked is not None and moment - self._looked > self._grace / 2:
            # Asleep: who knows who else was, and heard no status.
            self._since.clear()
        fresh = -math.inf if self._looked is None else moment
        self._looked = moment
        self._since = {row: self._since.get(row, fresh) for row in rows}
        silent = [row[0] for row, since in self._since.items() if row[2] == "sending" and moment - since >= self._lease]
        unsure = [row[0] for row, since in self._since.items() if row[2] == "unsure" and heard - since >= self._grace]
        return silent, unsure


def mend_sends(
    connection: Connection,
    now: datetime,
    lease: timedelta,
    grace: timedelta,
    *,
    retry: bool = True,
    watched: Watched | None = None,
    heard: float | None = None,
) -> Mended:
    """Deal with sends whose outcome nobody will report.

    Parameters:
        lease: after this long a claimed row's sender is taken to be gone.
        grace: after this long an unsure row is tried again (or given up on, its attempts being used up).
        retry: false while ages say nothing (statuses could not be heard, or the clock was set): unsure rows wait.
        watched: what this process saw of them; without it their own times are believed.
        heard: see `Watched.look`.
    """
    seen: tuple[list[int] | None, list[int] | None] = (None, None)
    if watched is not None:
        seen = watched.look(connection.execute(_UNDER_WAY).fetchall(), time.monotonic(), heard)
    times = {"now": now, "late": now + SKEW}
    silent = connection.execute(_SILENT, {**times, "old": now - lease, "watched": seen[0]}).rowcount
    if not retry:
        return Mended(silent)
    rows = connection.execute(_UNSURE, {**times, "old": now - grace, "watched": seen[1]}).fetchall()
    failed = [row for row in rows if row[0] == "dead"]
    for _, message_id, created_at in failed:
        connection.execute(_UNSURE_FAILED, (message_id, created_at))
    return Mended(silent, len(rows) - len(failed), len(failed))


def remove_old(connection: Connection, now: datetime) -> int:
    """Delete a batch of rows that are kept long enough.

    Returns:
        how many; call again while it is large.
    """
    removed = connection.execute(_OLD_EVENTS, {"batch": _BATCH, "old": now - KEEP_EVENTS}).rowcount
    removed += connection.execute(_OLD_OUTBOX, {"batch": _BATCH, "old": now - KEEP_OUTBOX}).rowcount
    removed += connection.execute(
        "DELETE FROM pending_statuses WHERE received_at < %s", (now - KEEP_PENDING_STATUSES,)
    ).rowcount
    return removed


MONTHS_AHEAD = 3
_MOST_MONTHS_AHEAD = 6


def make_partitions(connection: Connection, today: datetime, months: int = MONTHS_AHEAD) -> int:
    """Have this month's and the next months' partitions ready."""
    row = connection.execute("SELECT pytake_make_partitions(%s::date, %s)", (today.date(), months)).fetchone()
    return int(row[0]) if row else 0


def drop_partitions_ahead(connection: Connection, today: datetime) -> int:
    """Drop partitions of months so far ahead that only a wrong clock can have made them, unless something was ever
    written there. The later of our clock and the database's counts.

    Returns:
        how many were dropped; what is in use is left for the next time.
    """
    statement = "SELECT pytake_drop_partitions((GREATEST(%s, now()) + make_interval(months => %s))::date)"
    row = connection.execute(statement, (today, _MOST_MONTHS_AHEAD)).fetchone()
    return int(row[0]) if row else 0
