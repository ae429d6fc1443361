"""Schedule triggers: kept as rows when a flow goes live, fired once for each due moment over their audience."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import structlog

from pytake_app.core import tracing
from pytake_app.core.ids import NewId
from pytake_app.engine.schedule import next_due
from pytake_app.engine.triggers import TriggerSpec
from pytake_app.messaging.commands import Command
from pytake_app.messaging.lanes import lane_of
from pytake_app.messaging.sql import Connection, insert_rows, insert_statement

log = structlog.get_logger(__name__)

BATCH = 20
_CHUNK = 1000

_LIVE = """
SELECT f.id, f.organization_id, f.triggers FROM flows f
WHERE f.status = 'active' AND f.deleted_at IS NULL AND f.live_version IS NOT NULL
  AND f.triggers @> '[{"kind": "schedule"}]'
"""
ANY: LiteralString = """
SELECT 1 FROM flow_schedules
UNION ALL SELECT 1 FROM flows f WHERE f.status = 'active' AND f.deleted_at IS NULL AND f.live_version IS NOT NULL
AND f.triggers @> '[{"kind": "schedule"}]'
"""
"""Rows: there is a schedule to follow, or to forget."""
_KNOWN = "SELECT flow_id, node_id, cron, timezone, tag, account FROM flow_schedules"
_PUT = """
INSERT INTO flow_schedules (id, organization_id, flow_id, node_id, cron, timezone, tag, account, next_at, last_count)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 0)
ON CONFLICT (flow_id, node_id) DO UPDATE SET cron = excluded.cron, timezone = excluded.timezone, tag = excluded.tag,
    account = excluded.account, next_at = excluded.next_at
"""
_DROP = "DELETE FROM flow_schedules WHERE flow_id = %s AND node_id = %s"
_DUE = """
SELECT s.id, s.organization_id, s.flow_id, s.node_id, s.cron, s.timezone, s.tag, s.account, s.next_at, o.time_zone
FROM flow_schedules s JOIN organizations o ON o.id = s.organization_id
WHERE s.next_at <= %s ORDER BY s.next_at LIMIT %s FOR UPDATE OF s SKIP LOCKED
"""
_MOVE = "UPDATE flow_schedules SET next_at = %s, last_at = %s, last_count = %s WHERE id = %s"
# Each contact once, where it was last reached. Who doesn't want to hear from us is left out here already; who is busy
# is left out when its turn comes.
_AUDIENCE = """
SELECT DISTINCT ON (c.id) i.channel_account_id, coalesce(i.key, i.bsuid, i.external_id)
FROM contacts c JOIN contact_identities i ON i.contact_id = c.id
JOIN channel_accounts a ON a.id = i.channel_account_id AND a.status = 'active'
JOIN organizations o ON o.id = c.organization_id AND o.status = 'active'
WHERE c.organization_id = %(organization)s AND NOT c.blocked AND c.consent <> 'opted_out'
  AND (%(tag)s = '' OR c.tags @> to_jsonb(%(tag)s::text)) AND (%(account)s = '' OR a.id::text = %(account)s)
  AND coalesce(i.key, i.bsuid, i.external_id) IS NOT NULL
ORDER BY c.id, i.id DESC
"""
_INSERT = insert_statement(
    "inbound_events",
    ("organization_id", "channel_account_id", "lane", "contact_key", "kind", "external_id", "payload", "state",
     "attempts", "next_attempt_at", "received_at"),
    "ON CONFLICT (channel_account_id, kind, external_id) DO NOTHING",
)  # fmt: skip


class _Due(NamedTuple):
    id: UUID
    organization_id: UUID
    flow_id: UUID
    node_id: str
    cron: str
    timezone: str
    tag: str
    account: str
    due_at: datetime
    organization_zone: str


def follow(connection: Connection, now: datetime, new_id: NewId) -> None:
    """Make the rows agree with the live flows: new and changed schedules are due from now on, others go."""
    wanted: dict[tuple[UUID, str], tuple[UUID, TriggerSpec]] = {}
    for flow_id, organization_id, triggers in connection.execute(_LIVE).fetchall():
        for raw in triggers:
            if raw.get("kind") == "schedule":
                spec = TriggerSpec.model_validate(raw)
                wanted[flow_id, spec.node_id] = (organization_id, spec)
    known = {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(_KNOWN).fetchall()}
    for key in known.keys() - wanted.keys():
        connection.execute(_DROP, key)
    zones: dict[UUID, str] = {}
    for (flow_id, node_id), (organization_id, spec) in wanted.items():
        if known.get((flow_id, node_id)) == (spec.cron, spec.timezone, spec.tag, spec.account):
            continue
        if organization_id not in zones:
            row = connection.execute("SELECT time_zone FROM organizations WHERE id = %s", (organization_id,)).fetchone()
            zones[organization_id] = str(row[0]) if row else "UTC"
        due = next_due(spec.cron, spec.timezone or zones[organization_id], now)
        connection.execute(
            _PUT, (new_id(), organization_id, flow_id, node_id, spec.cron, spec.timezone, spec.tag, spec.account, due)
        )


def fire_due(connection: Connection, now: datetime, lanes: int, limit: int = BATCH) -> list[int]:
    """Start what is due: once for each due moment, whatever happens. Moments missed while nothing ran are one; those of
    an organization at rest reach nobody.

    Returns:
        the lanes to look at.
    """
    poked: set[int] = set()
    for row in connection.execute(_DUE, (now, limit)).fetchall():
        due = _Due(*row)
        audience = connection.execute(
            _AUDIENCE, {"organization": due.organization_id, "tag": due.tag, "account": due.account}
        ).fetchall()
        about: tracing.Attributes = {"pytake.organization_id": str(due.organization_id)}
        span = tracing.begin("schedule", "producer", about)
        trace = tracing.carried(span)
        events = [_event(due, account_id, str(key), lanes, now, trace) for account_id, key in audience]
        for at in range(0, len(events), _CHUNK):
            insert_rows(connection, _INSERT, events[at : at + _CHUNK])
        following = next_due(due.cron, due.timezone or due.organization_zone, now)
        connection.execute(_MOVE, (following, due.due_at, len(events), due.id))
        tracing.end(span, contacts=len(events))
        poked |= {int(event["lane"]) for event in events}
        log.info("schedule_fired", flow_id=str(due.flow_id), contacts=len(events))
    return sorted(poked)


def _event(due: _Due, account_id: UUID, key: str, lanes: int, now: datetime, trace: str | None) -> dict[str, Any]:
    command = Command(
        action="start", flow_id=due.flow_id, trigger="schedule", node_id=due.node_id, polite=True, reason="schedule"
    )
    return {
        "organization_id": due.organization_id,
        "channel_account_id": account_id,
        "lane": lane_of(account_id, key, lanes),
        "contact_key": key,
        "kind": "command",
        "external_id": f"schedule:{due.id}:{due.due_at.isoformat()}:{key}",
        "payload": command.model_dump(mode="json", exclude_defaults=True) | ({"trace_link": trace} if trace else {}),
        "state": "pending",
        "attempts": 0,
        "next_attempt_at": now,
        "received_at": now,
    }
