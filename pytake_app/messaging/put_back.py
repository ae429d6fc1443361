"""After the clock was put back: what was due by the old time must not wait until the new time gets there.

A row that was written by the old time lies in the future by the new one, which shows it. What people chose an hour for
(schedules, messages for later, timers) keeps that hour.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pytake_app.messaging.sql import Connection

SKEW = timedelta(seconds=2)
"""Clocks of several machines differ by as much without anybody having touched one."""
_LONGEST_RETRY = timedelta(seconds=30)
"""Of an incoming event, see `inbound.mark_failed`."""

_EVENTS = """
UPDATE inbound_events SET next_attempt_at = LEAST(next_attempt_at, %(now)s), received_at = LEAST(received_at, %(now)s)
WHERE state = 'pending' AND (received_at > %(late)s OR next_attempt_at > %(retry)s)
"""
# A row that is due within a minute of its making was meant to go at once, or after a typing delay, also if a sender
# has handed it back unsent; one that is due after its claim waits for its next attempt. Anything else is a message for
# later.
_QUEUED = """
UPDATE outbox SET claimed_at = LEAST(claimed_at, %(now)s),
       next_attempt_at = %(now)s + GREATEST(next_attempt_at - COALESCE(claimed_at, created_at), interval '0')
WHERE state = 'queued' AND next_attempt_at > %(late)s AND COALESCE(claimed_at, created_at) > %(late)s
  AND (next_attempt_at >= claimed_at OR next_attempt_at <= created_at + interval '60 seconds')
"""
_CLAIMED = "UPDATE outbox SET claimed_at = %(now)s WHERE state IN ('sending', 'unsure') AND claimed_at > %(late)s"
_MEDIA = """
UPDATE media_assets SET fetch_after = %(now)s
WHERE fetch_after > %(late)s AND (fetch_attempts = 0 OR fetch_after > %(longest)s)
"""
_LONGEST_FETCH = timedelta(seconds=900)


def put_right(connection: Connection, now: datetime) -> int:
    """Bring rows that were written by a later time than `now` to what they were meant to be. Doing it twice does no
    harm.

    Returns:
        how many rows were changed.
    """
    times = {"now": now, "late": now + SKEW, "retry": now + SKEW + _LONGEST_RETRY, "longest": now + _LONGEST_FETCH}
    return sum(connection.execute(statement, times).rowcount for statement in (_EVENTS, _QUEUED, _CLAIMED, _MEDIA))
