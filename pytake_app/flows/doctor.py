"""The part of `doctor` that knows of flow runs: timers, hand-overs, requests and publications that lead nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from pytake_app.core.ids import new_id
from pytake_app.core.services import Services
from pytake_app.flows import publications, requests, timers
from pytake_app.flows.timers import NewTimer
from pytake_app.messaging.lanes import lane_of
from pytake_app.messaging.sql import Connection, insert_and_count, insert_statement

STUCK_AFTER = timedelta(minutes=2)
"""Longer than anything waits while the roles run."""
_BATCH = 1000

TIMERS_OVERDUE: LiteralString = "SELECT count(*) FROM timers WHERE fired_at IS NULL AND due_at < %(old)s"

_ORPHANED: LiteralString = """
timers t WHERE NOT EXISTS (
    SELECT 1 FROM flow_sessions s WHERE s.id = t.session_id AND s.ended_at IS NULL
      AND s.state->'wait'->>'id' = t.wait_id
)
"""
TIMERS_ORPHANED: LiteralString = "SELECT count(*) FROM " + _ORPHANED

# An event that is on the session's lane already will move it by itself.
_NO_EVENT: LiteralString = """
NOT EXISTS (SELECT 1 FROM inbound_events e WHERE e.state = 'pending' AND e.payload->>'session_id' = s.id::text)
"""
_TIMELESS: LiteralString = (
    """
FROM flow_sessions s WHERE s.ended_at IS NULL AND s.status IN ('active', 'waiting', 'handed_off')
  AND s.expires_at < %(old)s AND s.state->'wait'->>'id' IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM timers t WHERE t.session_id = s.id AND t.wait_id = s.state->'wait'->>'id') AND
"""
    + _NO_EVENT
)
SESSIONS_TIMELESS: LiteralString = "SELECT count(*) " + _TIMELESS

_HANDOFFS: LiteralString = (
    """
FROM flow_sessions s LEFT JOIN conversations c ON c.id = s.conversation_id
WHERE s.ended_at IS NULL AND s.status = 'handed_off' AND s.state->'wait'->>'kind' = 'handoff'
  AND s.updated_at < %(old)s AND (c.id IS NULL OR c.updated_at < %(old)s)
  AND (c.id IS NULL OR c.handling = 'bot' OR c.status NOT IN ('open', 'pending')) AND
"""
    + _NO_EVENT
)
HANDOFFS_LOST: LiteralString = "SELECT count(*) " + _HANDOFFS

REQUESTS_SILENT: LiteralString = "SELECT count(*) FROM flow_requests WHERE state = 'running' AND lease_until < %(old)s"

_REQUESTS: LiteralString = (
    """
FROM flow_sessions s LEFT JOIN flow_requests r ON r.id::text = s.state->'wait'->>'id'
WHERE s.ended_at IS NULL AND s.status IN ('active', 'waiting') AND s.state->'wait'->>'kind' = 'request'
  AND s.updated_at < %(old)s
  AND (r.id IS NULL OR r.state = 'canceled' OR (r.state = 'done' AND r.finished_at < %(old)s)) AND
"""
    + _NO_EVENT
)
REQUESTS_LOST: LiteralString = "SELECT count(*) " + _REQUESTS

PUBLICATIONS_OVERDUE: LiteralString = (
    "SELECT count(*) FROM flow_publications WHERE state = 'pending' AND publish_at < %(old)s"
)

_EVENTS = insert_statement(
    "inbound_events",
    ("organization_id", "channel_account_id", "lane", "contact_key", "kind", "external_id", "payload", "state",
     "attempts", "next_attempt_at", "received_at"),
    "ON CONFLICT (channel_account_id, kind, external_id) DO NOTHING RETURNING 1",
)  # fmt: skip
_KEYS = """
SELECT DISTINCT ON (s.id) s.id, COALESCE(i.key, i.bsuid) FROM flow_sessions s JOIN contact_identities i
ON i.contact_id = s.contact_id AND i.channel_account_id = s.channel_account_id
WHERE s.id = ANY(%s) AND COALESCE(i.key, i.bsuid) IS NOT NULL ORDER BY s.id, i.id DESC
"""

Found = tuple[int, Sequence[int]]
"""Rows put right, and lanes to look at."""


def _old(now: datetime) -> dict[str, datetime]:
    return {"now": now, "old": now - STUCK_AFTER}


def fire_timers(connection: Connection, now: datetime, _lanes: int) -> Found:
    """What is overdue becomes events."""
    lanes: list[int] = []
    while fired := timers.fire_due(connection, now, _BATCH):
        lanes += fired
    return len(lanes), lanes


def drop_timers(connection: Connection, _now: datetime, _lanes: int) -> Found:
    """What fires into nothing goes."""
    statement: LiteralString = "DELETE FROM timers WHERE id IN (SELECT t.id FROM " + _ORPHANED + ")"
    return connection.execute(statement).rowcount, ()


def set_timers(connection: Connection, now: datetime, lanes: int) -> Found:
    """A deadline that has passed gets its timer, due now."""
    statement: LiteralString = (
        "SELECT s.id, s.organization_id, s.channel_account_id, s.state->'wait'->>'kind', s.state->'wait'->>'id' "
        + _TIMELESS
    )
    found = connection.execute(statement, _old(now)).fetchall()
    keys = _keys(connection, [row[0] for row in found])
    new = [
        NewTimer(
            id=new_id(),
            organization_id=organization_id,
            session_id=session_id,
            channel_account_id=account_id,
            contact_key=keys[session_id],
            lane=lane_of(account_id, keys[session_id], lanes),
            kind=str({"message": "timeout", "request": "timeout"}.get(kind, kind)),
            wait_id=wait_id,
            due_at=now,
        )
        for session_id, organization_id, account_id, kind, wait_id in found
        if session_id in keys
    ]
    timers.insert(connection, new)
    return len(new), timers.fire_due(connection, now, len(new)) if new else ()


def tell_handoffs(connection: Connection, now: datetime, lanes: int) -> Found:
    """The session hears that its hand-over is over; while a person answers it may rightly wait for the end."""
    statement: LiteralString = (
        "SELECT s.id, s.organization_id, s.channel_account_id, s.state->'wait'->>'id' " + _HANDOFFS
    )
    found = connection.execute(statement, _old(now)).fetchall()
    events = [
        (session_id, organization_id, account_id, "command", f"doctor:{wait_id}",
         {"action": "handoff", "session_id": session_id, "result": "closed", "reason": "doctor"})
        for session_id, organization_id, account_id, wait_id in found
    ]  # fmt: skip
    return _put(connection, events, now, lanes)


def perform_again(connection: Connection, now: datetime, _lanes: int) -> Found:
    """As the scheduler does it."""
    again, lanes = requests.mend(connection, now)
    return again + len(lanes), lanes


def answer_requests(connection: Connection, now: datetime, lanes: int) -> Found:
    """A result that is there is told again; where none can come any more the run is interrupted."""
    statement: LiteralString = (
        "SELECT s.id, s.organization_id, s.channel_account_id, s.state->'wait'->>'id', r.state " + _REQUESTS
    )
    events = []
    for session_id, organization_id, account_id, request_id, state in connection.execute(statement, _old(now)):
        told = {"session_id": session_id, "request_id": request_id}
        lost = {"action": "cancel", "session_id": session_id, "reason": "request_lost"}
        kind, payload = ("request", told) if state == "done" else ("command", lost)
        events.append((session_id, organization_id, account_id, kind, f"doctor:{request_id}", payload))
    return _put(connection, events, now, lanes)


def publish(connection: Connection, services: Services, now: datetime) -> int:
    """Let go live, or say why not, what was to go live."""
    due = publications.due(connection, now)
    for organization_id, publication_id in due:
        publications.carry_out(services.database, organization_id, publication_id, clock=services.clock)
    return len(due)


def _keys(connection: Connection, session_ids: Sequence[UUID]) -> dict[UUID, str]:
    return {row[0]: row[1] for row in connection.execute(_KEYS, (list(session_ids),))} if session_ids else {}


def _put(
    connection: Connection,
    events: Sequence[tuple[UUID, UUID, UUID, str, str, dict[str, object]]],
    now: datetime,
    lanes: int,
) -> Found:
    keys = _keys(connection, [event[0] for event in events])
    rows = [
        {
            "organization_id": organization_id,
            "channel_account_id": account_id,
            "lane": lane_of(account_id, keys[session_id], lanes),
            "contact_key": keys[session_id],
            "kind": kind,
            "external_id": external_id,
            "payload": payload,
            "state": "pending",
            "attempts": 0,
            "next_attempt_at": now,
            "received_at": now,
        }
        for session_id, organization_id, account_id, kind, external_id, payload in events
        if session_id in keys
    ]
    touched = [lane_of(event[2], keys[event[0]], lanes) for event in events if event[0] in keys]
    return insert_and_count(connection, _EVENTS, rows), touched
