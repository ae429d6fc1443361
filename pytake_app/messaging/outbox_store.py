"""Outbox rows in sets: inserted by the pipeline, claimed and finished by senders."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID

from pytake_app.messaging.sql import Connection, Later, dumps, insert_rows, insert_statement

Row = dict[str, Any]

# A message scheduled for later than this doesn't hold back what is said meanwhile in its conversation; one that is due
# sooner (a typing delay, a retry) does.
HOLD_SECONDS = 60
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

_COLUMNS: tuple[LiteralString, ...] = (
    "id", "organization_id", "channel_account_id", "conversation_id", "contact_id", "message_id", "recipient",
    "content", "context_external_id", "priority", "state", "attempts", "max_attempts", "next_attempt_at",
    "created_at", "trace",
)  # fmt: skip
_INSERT = insert_statement("outbox", _COLUMNS)
# What is urgent waits for what was said before it in its conversation; so that goes with the same urgency, in the same
# statement. Who has such a row in hand has begun with it already, and isn't waited for.
_INSERT_URGENT: LiteralString = f"""
WITH made AS (
    {insert_statement("outbox", _COLUMNS, "RETURNING conversation_id, priority, created_at, next_attempt_at")}
), before AS MATERIALIZED (
    SELECT b.sequence, m.priority FROM made m, LATERAL (
        SELECT o.sequence FROM outbox o
        WHERE o.conversation_id = m.conversation_id AND o.state IN ('queued', 'sending', 'unsure')
          AND o.priority > m.priority
          AND (o.state <> 'queued' OR o.attempts > 0 OR o.next_attempt_at <= m.created_at + interval '60 seconds')
        FOR NO KEY UPDATE SKIP LOCKED
    ) b WHERE m.next_attempt_at <= m.created_at + interval '60 seconds'
)
UPDATE outbox o SET priority = before.priority FROM before WHERE o.sequence = before.sequence
"""  # noqa: S608  # literals only
_USUAL = 2
"""Priority of what flows say (`outbox.OutboxPriority.NORMAL`)."""

# A row is due by the sender's clock. If its time was set by a clock that is ahead of the sender's (`put_back.SKEW`), it
# is due when the database says so: with two against one it is the sender's clock that is behind. The bound is the same
# for the whole statement, so that the index is read no further.
_IS_DUE: LiteralString = """
    o.next_attempt_at <= GREATEST(%(now)s, statement_timestamp())
    AND (o.next_attempt_at <= %(now)s
         OR (o.created_at > %(now)s + interval '2 seconds' AND o.next_attempt_at >= o.created_at)
         OR (o.claimed_at > %(now)s + interval '2 seconds' AND o.next_attempt_at >= o.claimed_at))
"""
ANY_DUE: LiteralString = f"""
SELECT 1 FROM unnest(ARRAY[0, 1, 2, 3]) AS p(priority) WHERE EXISTS (
    SELECT 1 FROM outbox o WHERE o.state = 'queued' AND o.priority = p.priority AND {_IS_DUE})
"""  # noqa: S608  # literals only
"""Rows: there may be something to claim."""
# For each priority in turn the due rows, oldest first; only the first unfinished row of a conversation may go, so that
# its order holds whatever is in flight elsewhere. `%(order)s` is normally 0..3; now and then reversed, so that low
# priorities age instead of starving.
_CLAIM: LiteralString = f"""
WITH due AS MATERIALIZED (
    SELECT s.sequence FROM unnest(%(order)s::int[]) WITH ORDINALITY AS p(priority, turn), LATERAL (
        SELECT o.sequence FROM outbox o
        WHERE o.state = 'queued' AND o.priority = p.priority
          AND {_IS_DUE} AND o.next_attempt_at > %(after)s
          AND o.channel_account_id <> ALL(%(resting)s::uuid[])
          AND NOT EXISTS (
              SELECT 1 FROM outbox b
              WHERE b.conversation_id = o.conversation_id AND b.sequence < o.sequence
                AND b.state IN ('queued', 'sending', 'unsure')
                AND (b.state <> 'queued' OR b.attempts > 0 OR b.next_attempt_at <= %(hold)s
                     -- Should the clock have been put back: not meant for later, only made (or handed back by a
                     -- sender) by a later time.
                     OR b.next_attempt_at <= b.created_at + interval '60 seconds'
                     OR b.next_attempt_at BETWEEN b.claimed_at AND b.claimed_at + interval '60 seconds')
          )
        ORDER BY o.next_attempt_at, o.sequence LIMIT %(limit)s FOR UPDATE OF o SKIP LOCKED
    ) s LIMIT %(limit)s
)
UPDATE outbox o SET state = 'sending', attempts = o.attempts + 1, claimed_by = %(by)s, claimed_at = %(now)s,
       -- A scalar: NOT EXISTS may be planned as a table of all open windows.
       initiates = CASE WHEN o.content->>'type' = 'template' THEN NOT COALESCE((
           SELECT c.window_expires_at > %(now)s FROM conversations c WHERE c.id = o.conversation_id
       ), false) ELSE false END
FROM due WHERE o.sequence = due.sequence
RETURNING o.sequence, o.id, o.organization_id, o.channel_account_id, o.conversation_id, o.message_id, o.recipient,
          o.content, o.context_external_id, o.attempts, o.max_attempts, o.created_at, o.priority,
          o.initiates, o.trace
"""  # noqa: S608  # literals only

_STILL = "SELECT 1 FROM outbox WHERE sequence = %s AND state = 'sending' AND attempts = %s AND claimed_by = %s"
_LOCK = "SELECT 1 FROM outbox WHERE sequence = ANY(%s) ORDER BY sequence FOR UPDATE"
_SENT = """
UPDATE outbox o SET state = 'sent', external_id = v.external_id, finished_at = %(now)s, last_error = NULL,
       trace = COALESCE(v.trace, o.trace)
FROM json_to_recordset(%(rows)s) AS v(sequence bigint, external_id text, trace text)
WHERE o.sequence = v.sequence AND o.state IN ('sending', 'unsure', 'queued', 'dead')
"""
# Attempts tell whose claim it is: a sender that was frozen for long may come with results of a claim that it has lost,
# while another one has the row in hand. The scheduler may have taken the sender for gone meanwhile (`unsure`); the
# sender knows better. Waits are lengths of time, counted from the moment that is written as `claimed_at`: should the
# clock have been put back or forward since, both are of the same time (`put_back`, and `_CLAIM`, rely on it).
_RETRY = """
UPDATE outbox o SET state = v.state, next_attempt_at = %(now)s + make_interval(secs => v.wait), last_error = v.error,
       claimed_at = %(now)s, claimed_by = NULL
FROM json_to_recordset(%(rows)s) AS v(sequence bigint, attempts int, state text, wait float8, error jsonb)
WHERE o.sequence = v.sequence AND o.state IN ('sending', 'unsure') AND o.attempts = v.attempts
"""
_DEAD = """
UPDATE outbox o SET state = 'dead', last_error = v.error, finished_at = %(now)s
FROM json_to_recordset(%(rows)s) AS v(sequence bigint, attempts int, error jsonb)
WHERE o.sequence = v.sequence AND o.state IN ('sending', 'unsure') AND o.attempts = v.attempts
RETURNING o.message_id
"""
_HOLD = """
UPDATE outbox o SET state = 'queued', attempts = GREATEST(o.attempts - 1, 0),
       next_attempt_at = %(now)s + make_interval(secs => v.wait), claimed_at = %(now)s,
       last_error = COALESCE(v.error, o.last_error), claimed_by = NULL
FROM json_to_recordset(%(rows)s) AS v(sequence bigint, attempts int, wait float8, error jsonb)
WHERE o.sequence = v.sequence AND o.state IN ('sending', 'unsure') AND o.attempts = v.attempts
"""
_FIRST_CONTACTS = """
SELECT recipient, extract(epoch FROM max(finished_at))::float8 FROM outbox
WHERE channel_account_id = %s AND initiates AND state = 'sent' AND finished_at > %s GROUP BY recipient
"""
_RELEASE = """
UPDATE outbox o SET state = 'queued', attempts = GREATEST(o.attempts - 1, 0), claimed_by = NULL
FROM json_to_recordset(%s) AS v(sequence bigint, attempts int)
WHERE o.sequence = v.sequence AND o.state IN ('sending', 'unsure') AND o.attempts = v.attempts
"""
_UNKNOWN = """
UPDATE outbox SET state = 'queued', attempts = GREATEST(attempts - 1, 0), claimed_by = NULL
WHERE state IN ('sending', 'unsure') AND claimed_by = %s AND sequence <> ALL(%s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row in this sender's hands."""

    sequence: int
    id: UUID
    organization_id: UUID
    channel_account_id: UUID
    conversation_id: UUID
    message_id: UUID
    recipient: str
    content: Row
    context_external_id: str | None
    attempts: int
    max_attempts: int
    created_at: datetime
    priority: int
    initiates: bool = False
    """A template to somebody whose service window is closed: the business begins the conversation."""
    trace: str | None = None
    """What the span carries on in which it was decided to send this (`core.tracing`)."""
    mine_until: float = math.inf
    """By `sender.running_seconds`: afterwards others may take the row for abandoned, and it must not be sent."""


def row(
    *,
    outbox_id: UUID,
    thread_id: UUID,
    organization_id: UUID,
    account_id: UUID,
    contact_id: UUID,
    message_id: UUID,
    recipient: str,
    content: Row,
    priority: int,
    due: datetime,
    now: datetime,
    max_attempts: int = 8,
    context_external_id: str | None = None,
    trace: str | None = None,
) -> Row:
    """A row for `insert`."""
    return {
        "id": outbox_id,
        "organization_id": organization_id,
        "channel_account_id": account_id,
        "conversation_id": thread_id,
        "contact_id": contact_id,
        "message_id": message_id,
        "recipient": recipient,
        "content": content,
        "context_external_id": context_external_id,
        "priority": priority,
        "state": "queued",
        "attempts": 0,
        "max_attempts": max_attempts,
        "next_attempt_at": due,
        "created_at": now,
        "trace": trace,
    }


def insert(connection: Connection, rows: Sequence[Row]) -> None:
    """Queue messages; `sequence` follows the order of `rows`. What waits before urgent ones (above normal) in the same
    conversation becomes as urgent."""
    urgent = any(row["priority"] < _USUAL for row in rows)
    insert_rows(connection, _INSERT_URGENT if urgent else _INSERT, rows)


def ask_claim(
    connection: Connection,
    *,
    by: str,
    now: datetime,
    hold: datetime,
    limit: int,
    resting: Sequence[UUID],
    after: datetime = LONG_AGO,
    aged: bool = False,
    mine_until: float = math.inf,
) -> Later[list[Claimed]]:
    """Take up to `limit` due rows into this sender's hands.

    Parameters:
        by: this sender's name.
        hold: `now` plus `HOLD_SECONDS`.
        resting: accounts that may send nothing for the moment.
        after: leave out what was due by then. What was claimed stays at the head of the index until VACUUM comes by,
            tens of thousands of entries on a busy day, and is walked over by each claim that has no such bound.
        aged: begin with the lowest priority.
        mine_until: see `Claimed`.
    """
    order = [3, 2, 1, 0] if aged else [0, 1, 2, 3]
    bounds = {"order": order, "now": now, "after": after, "hold": hold, "limit": limit}
    cursor = connection.execute(_CLAIM, {**bounds, "resting": list(resting), "by": by})

    def read() -> list[Claimed]:
        claimed = [Claimed(*(*row, mine_until)) for row in cursor.fetchall()]
        return sorted(claimed, key=lambda item: (item.priority, item.sequence))

    return read


def claim(connection: Connection, **wanted: Any) -> list[Claimed]:
    """As `ask_claim`, and waits for it."""
    return ask_claim(connection, **wanted)()


def still_claimed(connection: Connection, item: Claimed, by: str) -> bool:
    """Whether the row is in this sender's hands as it was claimed."""
    row = connection.execute(_STILL, (item.sequence, item.attempts, by)).fetchone()
    return row is not None


def lock(connection: Connection, sequences: Sequence[int]) -> None:
    """Before results are written: lock the rows in the order in which everybody does (see `statuses`)."""
    if len(sequences) > 1:
        connection.execute(_LOCK, (list(sequences),))


def mark_sent(connection: Connection, rows: Sequence[Row], now: datetime) -> None:
    """`rows`: sequence, external_id, trace (or None)."""
    if rows:
        connection.execute(_SENT, {"rows": dumps(rows), "now": now})


def mark_again(connection: Connection, rows: Sequence[Row], now: datetime) -> None:
    """`rows`: sequence, attempts, state (queued or unsure), wait (seconds from `now`), error."""
    if rows:
        connection.execute(_RETRY, {"rows": dumps(rows), "now": now})


def mark_dead(connection: Connection, rows: Sequence[Row], now: datetime) -> None:
    """`rows`: sequence, attempts, error."""
    if rows:
        connection.execute(_DEAD, {"rows": dumps(rows), "now": now})


def hold(connection: Connection, rows: Sequence[Row], now: datetime) -> None:
    """Give rows back that may not go yet. `rows`: sequence, attempts, wait (seconds from `now`), error."""
    if rows:
        connection.execute(_HOLD, {"rows": dumps(rows), "now": now})


def first_contacts(connection: Connection, account_id: UUID, since: datetime) -> list[tuple[str, float]]:
    """Whom the account wrote to first since then, and when (seconds since 1970)."""
    return [(str(row[0]), float(row[1])) for row in connection.execute(_FIRST_CONTACTS, (account_id, since))]


def release(connection: Connection, rows: Sequence[Row]) -> None:
    """Give rows back that were claimed and never tried. `rows`: sequence, attempts."""
    if rows:
        connection.execute(_RELEASE, (dumps(rows),))


def give_back_unknown(connection: Connection, by: str, in_hand: Collection[int]) -> None:
    """Give back what this sender claimed without learning it: the claim was committed and its answer got lost.

    Parameters:
        in_hand: sequences of what the sender knows that it has, requests under way and results not written yet.
    """
    connection.execute(_UNKNOWN, (by, list(in_hand)))
