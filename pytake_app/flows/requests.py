"""Requests that sessions wait for, as rows: written with the sprint, claimed, finished into an inbound event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from pydantic import TypeAdapter

from pytake_app.engine.requests import (
    AiRequest,
    AiResult,
    HttpRequest,
    HttpResult,
    OutsideRequest,
    RequestResult,
    longest_seconds,
)
from pytake_app.messaging.sql import Connection, dumps, insert_statement

Row = dict[str, Any]

MAX_ATTEMPTS = 3
"""How often a request is begun again because its performer went silent."""
LONGEST_LEASE = timedelta(minutes=15)
KEEP = timedelta(days=30)
"""Results are kept this long, for replay."""

_REQUEST: TypeAdapter[HttpRequest | AiRequest] = TypeAdapter(OutsideRequest)
_RESULT: TypeAdapter[HttpResult | AiResult] = TypeAdapter(RequestResult)

_INSERT = insert_statement(
    "flow_requests",
    ("id", "organization_id", "session_id", "channel_account_id", "contact_key", "lane", "node_id", "kind", "request",
     "state", "attempts", "created_at", "trace"),
)  # fmt: skip
_CANCEL = """
UPDATE flow_requests SET state = 'canceled', finished_at = %s WHERE id = ANY(%s) AND state IN ('pending', 'running')
"""
# The lease is a little longer than the request can take: who still holds it then is gone.
ANY_PENDING: LiteralString = "SELECT 1 FROM flow_requests WHERE state = 'pending'"
"""Rows: there is one to perform."""
_CLAIM = """
WITH due AS (
    SELECT id FROM flow_requests WHERE state = 'pending' ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE flow_requests r SET state = 'running', attempts = r.attempts + 1, claimed_by = %(who)s,
       lease_until = %(lease)s
FROM due WHERE r.id = due.id
RETURNING r.id, r.organization_id, r.kind, r.request, r.trace
"""
_LEASE = "UPDATE flow_requests SET lease_until = %s WHERE id = %s AND state = 'running' AND claimed_by = %s"
# One statement: the result is stored and on its way to the session, or neither.
_FINISH = """
WITH done AS (
    UPDATE flow_requests SET state = 'done', result = %(result)s::jsonb, finished_at = %(now)s, lease_until = NULL
    WHERE id = %(id)s AND state = 'running' AND claimed_by = %(who)s
    RETURNING *
)
INSERT INTO inbound_events (organization_id, channel_account_id, lane, contact_key, kind, external_id, payload, state,
                            attempts, next_attempt_at, received_at)
SELECT organization_id, channel_account_id, lane, contact_key, 'request', id::text,
       jsonb_strip_nulls(jsonb_build_object('session_id', session_id, 'request_id', id,
                                            'trace', coalesce(%(trace)s, trace))),
       'pending', 0, %(now)s, %(now)s
FROM done
ON CONFLICT (channel_account_id, kind, external_id) DO NOTHING
RETURNING lane
"""
ANY_SILENT: LiteralString = "SELECT 1 FROM flow_requests WHERE state = 'running' AND lease_until < %(now)s"
"""Rows: a performer is gone."""
_LOST = """
UPDATE flow_requests SET state = 'pending', claimed_by = NULL, lease_until = NULL
WHERE id IN (SELECT id FROM flow_requests WHERE state = 'running' AND lease_until < %(now)s AND attempts < %(max)s
             ORDER BY lease_until LIMIT 500 FOR UPDATE SKIP LOCKED)
"""
_GIVEN_UP = """
SELECT id, claimed_by, kind FROM flow_requests WHERE state = 'running' AND lease_until < %(now)s AND attempts >= %(max)s
ORDER BY lease_until LIMIT 100 FOR UPDATE SKIP LOCKED
"""
# Written by a later time than the clock shows now; who performs it renews the lease.
_PUT_BACK = "UPDATE flow_requests SET lease_until = %(until)s WHERE state = 'running' AND lease_until > %(until)s"
# The clock was put forward by `by`: who had time left by the old time has it still, or the call would be made twice.
_PUT_FORWARD = """
UPDATE flow_requests SET lease_until = LEAST(lease_until + %(by)s, %(until)s)
WHERE state = 'running' AND lease_until >= %(now)s - %(by)s AND lease_until < %(until)s - %(by)s
"""
_OLD = """
DELETE FROM flow_requests WHERE id IN (
    SELECT id FROM flow_requests WHERE created_at < %s AND state IN ('done', 'canceled') LIMIT 2000)
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A request to perform."""

    id: UUID
    organization_id: UUID
    request: HttpRequest | AiRequest
    trace: str | None = None
    """What the span carries on in which it was asked for (`core.tracing`)."""


def insert(connection: Connection, rows: Sequence[Row]) -> None:
    """Write new requests."""
    if rows:
        connection.execute(_INSERT, (dumps(rows),))


def cancel(connection: Connection, ids: Sequence[UUID], now: datetime) -> None:
    """Nobody waits for these any more. One that is being performed goes on; its answer is dropped."""
    if ids:
        connection.execute(_CANCEL, (now, list(ids)))


def claim(connection: Connection, who: str, now: datetime, limit: int) -> list[Claimed]:
    """Take up to `limit` requests to perform."""
    first = now + timedelta(seconds=60)
    rows = connection.execute(_CLAIM, {"limit": limit, "who": who, "lease": first}).fetchall()
    claimed: list[Claimed] = []
    for request_id, organization_id, _kind, raw, trace in rows:
        request = _REQUEST.validate_python(raw)
        lease = now + timedelta(seconds=longest_seconds(request) + 15)
        connection.execute(_LEASE, (lease, request_id, who))
        claimed.append(Claimed(request_id, organization_id, request, trace))
    return claimed


def finish(
    connection: Connection,
    request_id: UUID,
    who: str,
    result: HttpResult | AiResult,
    now: datetime,
    *,
    trace: str | None = None,
) -> int | None:
    """Keep the result and put it on the contact's lane.

    Parameters:
        trace: what the span of the call carries on.

    Returns:
        the lane to look at; None when somebody else finished it or nobody waits any more.
    """
    values = {"id": request_id, "who": who, "result": dumps(result.model_dump(mode="json")), "now": now, "trace": trace}
    row = connection.execute(_FINISH, values).fetchone()
    return int(row[0]) if row else None


def result_of(connection: Connection, request_id: UUID) -> HttpResult | AiResult | None:
    """What came of a request."""
    row = connection.execute(
        "SELECT result FROM flow_requests WHERE id = %s AND state = 'done'", (request_id,)
    ).fetchone()
    return _RESULT.validate_python(row[0]) if row and row[0] else None


def mend(connection: Connection, now: datetime) -> tuple[int, list[int]]:
    """Have requests performed again whose performer is gone; finish those that were begun often enough.

    Returns:
        how many are to be performed again, and the lanes to look at for the others.
    """
    again = connection.execute(_LOST, {"now": now, "max": MAX_ATTEMPTS}).rowcount
    lanes: list[int] = []
    for request_id, who, kind in connection.execute(_GIVEN_UP, {"now": now, "max": MAX_ATTEMPTS}).fetchall():
        result = AiResult(error="internal") if kind == "ai" else HttpResult(error="internal")
        lane = finish(connection, request_id, who, result, now)
        lanes += [lane] if lane is not None else []
    return again, lanes


def put_back(connection: Connection, now: datetime) -> int:
    """After the clock was put back: a silent performer's lease must not last until the old time comes again.

    Returns:
        how many leases were cut.
    """
    return connection.execute(_PUT_BACK, {"until": now + LONGEST_LEASE}).rowcount


def put_forward(connection: Connection, now: datetime, by: timedelta) -> int:
    """After the clock was put forward: performers have as much time as they had.

    Returns:
        how many leases were moved.
    """
    return connection.execute(_PUT_FORWARD, {"by": by, "now": now, "until": now + LONGEST_LEASE}).rowcount


def remove_old(connection: Connection, now: datetime) -> int:
    """Delete what is kept long enough."""
    return connection.execute(_OLD, (now - KEEP,)).rowcount
