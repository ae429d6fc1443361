"""Words of messages for search, written by the scheduler some seconds behind the pipeline, which inserts messages in
sets at a thousand a second and must not wait for an index of words.

Ids follow time, but a transaction may commit after a later id was seen: the last `OVERLAP` is looked through again.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from pytake_app.core.ids import at_time, id_time
from pytake_app.messaging.sql import Connection

BATCH = 5000
OVERLAP = timedelta(seconds=20)
SEARCH_LOCK = 0x50545352
"""Advisory lock on the words of messages ("PTSR")."""
_NAME = "messages"
_FIRST = UUID(int=0)

_POSITION = "SELECT position FROM search_progress WHERE name = %s"
_KEEP = """
INSERT INTO search_progress (name, position) VALUES (%s, %s)
ON CONFLICT (name) DO UPDATE SET position = excluded.position
"""
_ADD = """
WITH found AS MATERIALIZED (
    SELECT m.id, m.organization_id, m.conversation_id, m.created_at, m.text FROM messages m
    WHERE m.id > %(after)s AND m.id <= %(until)s ORDER BY m.id LIMIT %(limit)s
), added AS (
    INSERT INTO message_search (message_id, organization_id, conversation_id, created_at, words)
    SELECT f.id, f.organization_id, f.conversation_id, f.created_at, pytake_words(f.text) FROM found f
    WHERE f.text <> '' AND NOT EXISTS (SELECT 1 FROM message_search s WHERE s.message_id = f.id)
    ON CONFLICT DO NOTHING
)
SELECT (SELECT id FROM found ORDER BY id DESC LIMIT 1), (SELECT count(*) FROM found)
"""
_LAST = UUID(int=(1 << 128) - 1)
_BEAT_SECONDS = 5


def _beat(position: UUID) -> int:
    return int(id_time(position).timestamp()) // _BEAT_SECONDS


def catch_up(connection: Connection) -> bool:
    """Write the words of messages not looked at yet. True when there may be more at once.

    Another scheduler that is at it does the work alone.
    """
    alone = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (SEARCH_LOCK,)).fetchone()
    if alone is None or not alone[0]:
        return False
    row = connection.execute(_POSITION, (_NAME,)).fetchone()
    position: UUID = row[0] if row else _FIRST
    found = connection.execute(_ADD, {"after": position, "until": _LAST, "limit": BATCH}).fetchone()
    last, count = (found[0], found[1]) if found else (None, 0)
    if position != _FIRST and (last is None or _beat(last) != _beat(position)):
        # Not with every batch: at a thousand messages a second that reads forty thousand rows for each.
        again = at_time(_FIRST, id_time(position) - OVERLAP, 0)
        connection.execute(_ADD, {"after": again, "until": position, "limit": 100_000})
    if last is not None:
        connection.execute(_KEEP, (_NAME, last))
    return bool(count >= BATCH)
