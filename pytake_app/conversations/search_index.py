"""Words of messages for search, written by the scheduler some seconds behind the pipeline, which inserts messages in
sets at a thousand a second and must not wait for an index of words.

Ids follow time, but a transaction may commit after a later id was seen. The last second is looked through again each
time, and `OVERLAP` now and then, for transactions that took long.
"""

from __future__ import annotations

from datetime import timedelta
from typing import LiteralString
from uuid import UUID

from pytake_app.core.ids import at_time, id_time
from pytake_app.messaging.sql import Connection

BATCH = 5000
SHORT_OVERLAP = timedelta(seconds=1)
OVERLAP = timedelta(seconds=50)
"""More than the time between two looks at all of it, by as much as a transaction may reasonably take."""
_BEAT_SECONDS = 30
SEARCH_LOCK = 0x50545352
"""Advisory lock on the words of messages ("PTSR")."""
_NAME = "messages"
_FIRST = UUID(int=0)

_POSITION = "SELECT position FROM search_progress WHERE name = %s"
ANY_NEW: LiteralString = """
SELECT 1 FROM messages WHERE id > LEAST(
    coalesce((SELECT position FROM search_progress WHERE name = 'messages'), '00000000-0000-0000-0000-000000000000'),
    %(lately)s)
"""
"""Rows: a message is not looked at yet, or so new that `OVERLAP` is to be looked through again (`lately`)."""
_KEEP = """
INSERT INTO search_progress (name, position) VALUES (%s, %s)
ON CONFLICT (name) DO UPDATE SET position = excluded.position
"""
# What is said again and again (a flow says little else) is taken apart once a batch. No join finds the rows of a text
# again: these connections would look through the batch for each.
_ADD = """
WITH found AS MATERIALIZED (
    SELECT m.id, m.organization_id, m.conversation_id, m.created_at, m.text FROM messages m
    WHERE m.id > %(after)s ORDER BY m.id LIMIT %(limit)s
), said AS (
    SELECT pytake_words(f.text) AS words, array_agg(f.id) AS ids, array_agg(f.organization_id) AS organizations,
           array_agg(f.conversation_id) AS conversations, array_agg(f.created_at) AS times
    FROM found f WHERE f.text <> '' GROUP BY f.text
), added AS (
    INSERT INTO message_search (message_id, organization_id, conversation_id, created_at, words)
    SELECT one.id, one.organization, one.conversation, one.at, s.words
    FROM said s, unnest(s.ids, s.organizations, s.conversations, s.times) AS one(id, organization, conversation, at)
    ON CONFLICT DO NOTHING
)
SELECT (SELECT id FROM found ORDER BY id DESC LIMIT 1), (SELECT count(*) FROM found)
"""
_ADD_MISSED = """
INSERT INTO message_search (message_id, organization_id, conversation_id, created_at, words)
SELECT m.id, m.organization_id, m.conversation_id, m.created_at, pytake_words(m.text) FROM messages m
WHERE m.id > %(after)s AND m.id <= %(until)s AND m.text <> '' AND NOT EXISTS (
    SELECT 1 FROM message_search s
    WHERE s.organization_id = m.organization_id AND s.created_at = m.created_at AND s.message_id = m.id
)
ON CONFLICT DO NOTHING
"""


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
    found = connection.execute(_ADD, {"after": position, "limit": BATCH}).fetchone()
    last, count = (found[0], found[1]) if found else (None, 0)
    if position != _FIRST:
        # Not all of it with every batch: at a thousand messages a second that would read a hundred thousand rows.
        far = last is None or _beat(last) != _beat(position)
        again = at_time(_FIRST, id_time(position) - (OVERLAP if far else SHORT_OVERLAP), 0)
        connection.execute(_ADD_MISSED, {"after": again, "until": position})
    if last is not None:
        connection.execute(_KEEP, (_NAME, last))
    return bool(count >= BATCH)
