"""Conversations put off come back by themselves, for the scheduler."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pytake_app.core.ids import NewId
from pytake_app.messaging.sql import Connection, dumps

BATCH = 500

# The contact's row first, as everywhere; one that is in somebody's hands is woken at the next round.
_WAKE = """
WITH due AS MATERIALIZED (
    SELECT c.id, c.contact_id FROM conversations c WHERE c.snoozed_until <= %(now)s
    ORDER BY c.snoozed_until LIMIT %(limit)s
), held AS MATERIALIZED (
    SELECT d.id FROM due d JOIN contacts p ON p.id = d.contact_id ORDER BY p.id FOR NO KEY UPDATE OF p SKIP LOCKED
)
UPDATE conversations c SET snoozed_until = NULL, updated_at = %(now)s,
       status = CASE WHEN c.status = 'pending' THEN 'open' ELSE c.status END
FROM held WHERE c.id = held.id AND c.snoozed_until <= %(now)s
RETURNING c.id, c.organization_id
"""
_LOG = """
INSERT INTO automation_log (id, organization_id, conversation_id, at, kind, detail)
SELECT v.id, v.organization_id, v.conversation_id, %s, 'snooze_over', '{}'
FROM json_to_recordset(%s) AS v(id uuid, organization_id uuid, conversation_id uuid)
"""


def wake_due(connection: Connection, now: datetime, new_id: NewId) -> list[tuple[str, dict[str, Any]]]:
    """Wake what is due; answers the pokes to publish once this is committed, one for each conversation."""
    rows = connection.execute(_WAKE, {"now": now, "limit": BATCH}).fetchall()
    if not rows:
        return []
    log = [{"id": new_id(), "organization_id": row[1], "conversation_id": row[0]} for row in rows]
    connection.execute(_LOG, (now, dumps(log)))
    return [
        (f"org:{row[1]}:conversations", {"event": "conversation_updated", "conversation_id": str(row[0])})
        for row in rows
    ]
