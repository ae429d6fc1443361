"""Delivery statuses: they only move forward, come in any order, early, late and twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from pytake_app.core.ids import NewId
from pytake_app.messaging.payloads import parse_time
from pytake_app.messaging.sql import Connection, Later, dumps, insert_rows, insert_statement

Row = dict[str, Any]

RANKS = {"queued": 0, "sending": 1, "sent": 2, "failed": 3, "delivered": 4, "read": 5}
"""A message goes up only. `failed` is below `delivered`: Meta reports a failure after *sent*, and a delivery that comes
all the same is the truth."""

REPORTED_FOR = timedelta(days=32)
"""Meta reports on a message for up to 30 days; the bound lets PostgreSQL leave out older partitions."""

_RANK_SQL: LiteralString = (
    "CASE {0} WHEN 'queued' THEN 0 WHEN 'sending' THEN 1 WHEN 'sent' THEN 2 WHEN 'failed' THEN 3 "
    "WHEN 'delivered' THEN 4 WHEN 'read' THEN 5 ELSE -1 END"
)

_APPLY: LiteralString = f"""
UPDATE messages m SET
    status = CASE WHEN v.rank > {_RANK_SQL.format("m.status")} THEN v.status ELSE m.status END,
    sent_at = COALESCE(m.sent_at, v.sent_at),
    delivered_at = COALESCE(m.delivered_at, v.delivered_at),
    read_at = COALESCE(m.read_at, v.read_at),
    pricing = COALESCE(v.pricing, m.pricing),
    errors = CASE WHEN v.errors IS NULL THEN m.errors ELSE v.errors END
FROM json_to_recordset(%(rows)s) AS v(n int, account uuid, id text, status text, rank int, sent_at timestamptz,
     delivered_at timestamptz, read_at timestamptz, pricing jsonb, errors jsonb)
WHERE m.channel_account_id = v.account AND m.external_id = v.id AND m.direction = 'out'
  AND m.created_at > %(since)s
RETURNING v.n, m.organization_id, m.conversation_id, m.id
"""  # noqa: S608  # literals only
# Senders and workers change the same rows of the outbox and of messages, in sets. Both lock the outbox' rows first, in
# the order of `sequence`, and then go through messages in the order of the platform's ids: neither waits for the other
# while that one waits for it. Of what is finished nothing will be changed here, so it isn't locked.
_LOCK = """
SELECT 1 FROM outbox WHERE id = ANY(%s) AND state IN ('sending', 'unsure', 'queued', 'dead') AND attempts > 0
ORDER BY sequence FOR UPDATE
"""
# The status came before the platform's answer to our call (or instead of it): it names the outbox row, and the message
# is known by it from now on.
_RECONCILE = """
WITH v AS (SELECT * FROM json_to_recordset(%(rows)s) AS v(account uuid, id text, callback uuid)),
     o AS (
        UPDATE outbox o SET state = 'sent', external_id = v.id, finished_at = %(now)s
        FROM v WHERE o.id = v.callback AND o.channel_account_id = v.account
                 AND o.state IN ('sending', 'unsure', 'queued', 'dead') AND o.attempts > 0
        RETURNING o.message_id, o.channel_account_id, o.external_id, o.created_at
     )
UPDATE messages m SET external_id = o.external_id,
       -- What was given up on because nobody knew of it didn't fail after all.
       status = CASE WHEN m.status IN ('queued', 'sending') OR (m.status = 'failed' AND m.external_id IS NULL)
                     THEN 'sent' ELSE m.status END,
       errors = CASE WHEN m.external_id IS NULL THEN '[]' ELSE m.errors END
FROM o WHERE m.id = o.message_id AND m.created_at = o.created_at
RETURNING m.channel_account_id, m.external_id
"""
_PENDING = insert_statement(
    "pending_statuses", ("id", "organization_id", "channel_account_id", "external_id", "payload", "received_at")
)
_TAKE_PENDING = """
DELETE FROM pending_statuses p USING json_to_recordset(%s) AS v(account uuid, id text)
WHERE p.channel_account_id = v.account AND p.external_id = v.id
RETURNING p.organization_id, p.channel_account_id, p.payload, p.received_at
"""
# Lately kept although the message is known: the platform's answer was being written in that moment, or the clock was
# ahead by more than messages are looked for.
_KNOWN_BY_NOW = """
SELECT DISTINCT p.channel_account_id, p.external_id FROM pending_statuses p
WHERE p.received_at > %(recent)s AND EXISTS (
    SELECT 1 FROM messages m WHERE m.channel_account_id = p.channel_account_id AND m.external_id = p.external_id
                               AND m.direction = 'out' AND m.created_at > %(since)s)
LIMIT 500
"""
LOOKED_FOR = timedelta(minutes=2)
"""Its message is looked for so long; what still waits then is mostly of messages that others sent from the number."""


@dataclass(frozen=True, slots=True)
class Status:
    """A status as it came. `payload`: see `payloads.status_payload`."""

    organization_id: UUID
    channel_account_id: UUID
    payload: Row
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Changed:
    """A message whose status may have changed."""

    organization_id: UUID
    conversation_id: UUID
    message_id: UUID


def word_of(payload: Row) -> str:
    """Of a closed list, for the metrics."""
    word = payload.get("status")
    return word if word in RANKS else "other"


def is_ours(payload: Row) -> bool:
    """Whether it says which row of the outbox it is about."""
    return _is_uuid(payload.get("callback"))


def merge(statuses: Sequence[Status]) -> list[Row]:
    """One row a message: the furthest status, every time, the latest pricing and errors. Pure."""
    rows: dict[tuple[UUID, str], Row] = {}
    for status in statuses:
        payload = status.payload
        word = payload.get("status")
        rank = RANKS.get(word or "", -1)
        key = (status.channel_account_id, str(payload["id"]))
        merged = rows.setdefault(
            key,
            {"n": len(rows), "account": key[0], "id": key[1], "status": word, "rank": rank, "statuses": [],
             "organization_id": status.organization_id},
        )  # fmt: skip
        merged["statuses"].append(status)
        if rank > merged["rank"]:
            merged["status"], merged["rank"] = word, rank
        at = parse_time(payload.get("at")) or status.received_at
        if word in ("sent", "delivered", "read"):
            merged.setdefault(f"{word}_at", at)
        for name in ("pricing", "errors", "callback"):
            if payload.get(name):
                merged[name] = payload[name]
    return list(rows.values())


def _update(connection: Connection, rows: list[Row], now: datetime) -> tuple[list[Changed], list[Row]]:
    wire = [
        {key: value for key, value in row.items() if key not in ("statuses", "organization_id")}
        for row in sorted(rows, key=lambda row: str(row["id"]))
    ]
    found = connection.execute(_APPLY, {"rows": dumps(wire), "since": now - REPORTED_FOR}).fetchall()
    hit = {row[0] for row in found}
    return [Changed(*row[1:]) for row in found], [row for row in rows if row["n"] not in hit]


def apply(connection: Connection, statuses: Sequence[Status], now: datetime, new_id: NewId) -> list[Changed]:
    """Apply a batch of statuses.

    A status of a message whose external id isn't known yet is matched by the outbox id that we sent along
    (`biz_opaque_callback_data`): that also tells a send whose answer was lost from one that never arrived. What can't
    be matched waits in `pending_statuses` for the answer to our call.

    Returns:
        the messages concerned.
    """
    if not statuses:
        return []
    rows = merge(statuses)
    named = [row["callback"] for row in rows if _is_uuid(row.get("callback"))]
    if named:
        connection.execute(_LOCK, (named,))
    changed, unknown = _update(connection, rows, now)
    if not unknown:
        return changed
    callbacks = [
        {"account": row["account"], "id": row["id"], "callback": row["callback"]}
        for row in unknown
        if _is_uuid(row.get("callback"))
    ]
    if callbacks:
        callbacks.sort(key=lambda row: str(row["id"]))
        connection.execute(_RECONCILE, {"rows": dumps(callbacks), "now": now})
        again, unknown = _update(connection, unknown, now)
        changed += again
    insert_rows(
        connection,
        _PENDING,
        [
            {
                "id": new_id(),
                "organization_id": status.organization_id,
                "channel_account_id": status.channel_account_id,
                "external_id": row["id"],
                "payload": status.payload,
                "received_at": status.received_at,
            }
            for row in unknown
            for status in row["statuses"]
        ],
    )
    return changed


def take_pending(connection: Connection, sent: Sequence[tuple[UUID, str]]) -> Later[list[Status]]:
    """Take what waited for these (account, external id) to become known; `apply_taken` is to follow."""
    if not sent:
        return list
    query = dumps([{"account": account, "id": external_id} for account, external_id in sent])
    cursor = connection.execute(_TAKE_PENDING, (query,))
    return lambda: [Status(*row) for row in cursor.fetchall()]


def apply_taken(connection: Connection, waiting: Sequence[Status], now: datetime) -> list[Changed]:
    """Apply what `take_pending` took."""
    return _update(connection, merge(waiting), now)[0] if waiting else []


def apply_pending(connection: Connection, sent: Sequence[tuple[UUID, str]], now: datetime) -> list[Changed]:
    """Take and apply."""
    return apply_taken(connection, take_pending(connection, sent)(), now)


def apply_known(connection: Connection, now: datetime) -> list[Changed]:
    """Apply what waits lately although its message is known by now.

    Returns:
        the messages concerned.
    """
    times = {"recent": now - LOOKED_FOR, "since": now - REPORTED_FOR}
    found = connection.execute(_KNOWN_BY_NOW, times).fetchall()
    return apply_pending(connection, [(row[0], row[1]) for row in found], now)


def pokes(changed: Sequence[Changed]) -> list[tuple[str, dict[str, object]]]:
    """What to tell the pages: one poke a conversation, for its own topic and for its organization's list."""
    grouped: dict[tuple[UUID, UUID], list[str]] = {}
    for change in changed:
        grouped.setdefault((change.organization_id, change.conversation_id), []).append(str(change.message_id))
    told: list[tuple[str, dict[str, object]]] = []
    for (organization_id, conversation_id), ids in grouped.items():
        payload: dict[str, object] = {
            "event": "message_status_updated",
            "conversation_id": str(conversation_id),
            "message_ids": list(dict.fromkeys(ids)),
        }
        told += [(f"conversation:{conversation_id}", payload), (f"org:{organization_id}:conversations", payload)]
    return told


def _is_uuid(value: object) -> bool:
    try:
        UUID(str(value))
    except ValueError:
        return False
    return True
