"""What was committed but never told: a process may die between a commit and its poke.

The scheduler compares what was written some seconds ago with the log of events, and tells what is missing there. New
rows are found by their ids, which follow time: no index of its own, and nothing is written for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString, Protocol
from uuid import UUID

from pytake_app.core.ids import at_time
from pytake_app.messaging.sql import Connection

Poke = tuple[str, dict[str, Any]]
Hear = Callable[[int, dict[str, Any]], bool]

PATIENCE = timedelta(seconds=5)
"""What is younger may still be told by whoever wrote it."""
AT_MOST = timedelta(minutes=2)
"""Further back nobody looks, after a pause say: clients that were away then load again anyway."""
SLACK = timedelta(seconds=3)
"""Clocks of PostgreSQL's clients and of Redis may differ by so much."""
_SLACK_MS = int(SLACK.total_seconds() * 1000)
_FIRST = UUID(int=0)
_LIMIT = 50_000

ANY_NEW: LiteralString = """
SELECT 1 FROM messages WHERE id > %(told)s UNION ALL SELECT 1 FROM automation_log WHERE id > %(told)s
"""
"""Rows: something was written since the time `told`, as `first_id_after` gives it."""
# One row an organization, a line for each message: at a thousand messages a second most organizations' logs no longer
# reach back so far, and then nobody looks at the lines at all. Hidden ones are told by what they changed, former ones
# with their conversation only.
_MESSAGES = """
SELECT organization_id::text, string_agg(id || ' ' || conversation_id || ' ' || direction, ',' ORDER BY id) FROM (
    SELECT id, organization_id, conversation_id, direction FROM messages
    WHERE id > %(after)s AND id <= %(until)s AND created_at > %(since)s
    AND NOT content ?| ARRAY['hidden', 'history'] ORDER BY id LIMIT %(limit)s
) written GROUP BY 1
"""
# What automation decides comes with a message, which tells of it; what people and queues do need not.
_LOG = """
SELECT organization_id::text, string_agg(id || ' ' || conversation_id || ' -', ',' ORDER BY id) FROM (
    SELECT id, organization_id, conversation_id FROM automation_log
    WHERE id > %(after)s AND id <= %(until)s AND (actor_id IS NOT NULL OR kind = ANY(%(by_itself)s))
    ORDER BY id LIMIT %(limit)s
) written GROUP BY 1
"""
_BY_ITSELF = ["assigned", "handed_off", "queued", "queue_left", "snooze_over", "status_changed"]
"""Lines that queues, flows and clocks write without a person."""


class EventLogs(Protocol):
    """What was told, as `core.live.Live` keeps it. Times are milliseconds since 1970."""

    def log_begins(self, organization_id: str) -> int | None:
        """The time of the oldest event; None: nobody has listened there, or Redis is away."""
        ...

    def hear_again(self, organization_id: str, since: int, hear: Hear) -> bool:
        """Give events since a time to `hear` until it answers True; False: Redis is away."""
        ...


def missing(connection: Connection, logs: EventLogs, after: datetime, now: datetime) -> tuple[list[Poke], datetime]:
    """The pokes that are missing for what was written since `after`.

    Parameters:
        logs: what was told in each organization.

    Returns:
        pokes, and the time up to which everything has been looked at.
    """
    after = max(after, now - AT_MOST)
    until = now - PATIENCE
    if until <= after:
        return [], after
    bounds = {
        "after": at_time(_FIRST, after, 0), "until": at_time(_FIRST, until, 0), "since": after - AT_MOST,
        "limit": _LIMIT, "by_itself": _BY_ITSELF,
    }  # fmt: skip
    written: dict[str, list[str]] = defaultdict(list)
    for statement in (_MESSAGES, _LOG):
        for organization_id, lines in connection.execute(statement, bounds).fetchall():
            written[organization_id].append(lines)
    pokes: list[Poke] = []
    for organization_id, parts in written.items():
        begins = logs.log_begins(organization_id)
        if begins is None:
            continue
        # The event of what is older may have been trimmed.
        reached = [lines for lines in parts if _milliseconds(lines.rpartition(",")[2]) > begins]
        rows = [line for lines in reached for line in lines.split(",") if _milliseconds(line) > begins]
        if rows:
            pokes += _untold(organization_id, rows, logs)
    return pokes, until


def _milliseconds(line: str) -> int:
    """When the id was made that the line begins with (UUID v7)."""
    return int(line[:8] + line[9:13], 16)


def _untold(organization_id: str, lines: Sequence[str], logs: EventLogs) -> list[Poke]:
    messages: dict[str, tuple[str, str]] = {}
    changes: dict[str, int] = {}
    for line in lines:
        row_id, conversation_id, direction = line.split(" ")
        if direction == "-":
            # Any later event of the conversation has its page read it again.
            changes[conversation_id] = _milliseconds(row_id) - _SLACK_MS
        else:
            event = "message_received" if direction == "in" else "message_sent"
            messages[row_id] = (event, conversation_id)

    def hear(at: int, poke: dict[str, Any]) -> bool:
        for message_id in poke.get("message_ids") or ():
            messages.pop(message_id, None)
        conversation_id = poke.get("conversation_id")
        if conversation_id in changes and at >= changes[conversation_id]:
            del changes[conversation_id]
        return not messages and not changes

    if not logs.hear_again(organization_id, min(map(_milliseconds, lines)) - _SLACK_MS, hear):
        return []
    told: dict[tuple[str, str], list[str]] = {}
    for message_id, key in messages.items():
        told.setdefault(key, []).append(message_id)
    for conversation_id in changes:
        told.setdefault(("conversation_updated", conversation_id), [])
    topic = f"org:{organization_id}:conversations"
    return [
        (topic, {"event": event, "conversation_id": conversation, **({"message_ids": ids} if ids else {})})
        for (event, conversation), ids in told.items()
    ]
