"""What was committed but never told: a process may die between a commit and its poke.

The scheduler compares what was written some seconds ago with the log of events, and tells what is missing there. New
rows are found by their ids, which follow time: no index of its own, and nothing is written for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from pytake_app.core.ids import at_time, id_time
from pytake_app.core.live import EventsOf
from pytake_app.messaging.sql import Connection

Poke = tuple[str, dict[str, Any]]

PATIENCE = timedelta(seconds=5)
"""What is younger may still be told by whoever wrote it."""
AT_MOST = timedelta(minutes=2)
"""Further back nobody looks, after a pause say: clients that were away then load again anyway."""
SLACK = timedelta(seconds=3)
"""Clocks of PostgreSQL's clients and of Redis may differ by so much."""
_FIRST = UUID(int=0)
_NEVER = datetime.min.replace(tzinfo=UTC)
_LIMIT = 50_000

ANY_NEW: LiteralString = """
SELECT 1 FROM messages WHERE id > %(told)s UNION ALL SELECT 1 FROM automation_log WHERE id > %(told)s
"""
"""Rows: something was written since the time `told`, as `first_id_after` gives it."""
# Hidden ones are told by what they changed, former ones with their conversation only.
_MESSAGES = """
SELECT id, organization_id, conversation_id, direction FROM messages
WHERE id > %(after)s AND id <= %(until)s AND created_at > %(since)s
AND NOT content ?| ARRAY['hidden', 'history'] ORDER BY id LIMIT %(limit)s
"""
# What automation decides comes with a message, which tells of it; what people and queues do need not.
_LOG = """
SELECT id, organization_id, conversation_id FROM automation_log
WHERE id > %(after)s AND id <= %(until)s AND (actor_id IS NOT NULL OR kind = ANY(%(by_itself)s))
ORDER BY id LIMIT %(limit)s
"""
_BY_ITSELF = ["assigned", "handed_off", "queued", "queue_left", "snooze_over", "status_changed"]
"""Lines that queues, flows and clocks write without a person."""


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    conversation_id: UUID
    direction: str | None

    @property
    def at(self) -> datetime:
        return id_time(self.id)


def missing(
    connection: Connection, events_of: Callable[[UUID, datetime], EventsOf | None], after: datetime, now: datetime
) -> tuple[list[Poke], datetime]:
    """The pokes that are missing for what was written since `after`.

    Parameters:
        events_of: what was told in an organization since a time; None: nobody has listened there.

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
    rows: dict[UUID, list[_Row]] = defaultdict(list)
    for found in connection.execute(_MESSAGES, bounds).fetchall():
        rows[found[1]].append(_Row(found[0], found[2], found[3]))
    for found in connection.execute(_LOG, bounds).fetchall():
        rows[found[1]].append(_Row(found[0], found[2], None))
    pokes: list[Poke] = []
    for organization_id, own in rows.items():
        events = events_of(organization_id, min(row.at for row in own) - SLACK)
        if events is not None:
            pokes += _untold(organization_id, own, events)
    return pokes, until


def _untold(organization_id: UUID, rows: Sequence[_Row], events: EventsOf) -> list[Poke]:
    messages: set[str] = set()
    last: dict[UUID, datetime] = {}
    for at, poke in events.pokes:
        messages.update(poke.get("message_ids") or ())
        if poke.get("conversation_id"):
            last[UUID(poke["conversation_id"])] = at
    topic = f"org:{organization_id}:conversations"
    told: dict[tuple[str, UUID], list[str]] = {}
    for row in rows:
        if row.at <= events.complete_since:
            continue  # its event may have been trimmed
        if row.direction is not None and str(row.id) not in messages:
            event = "message_received" if row.direction == "in" else "message_sent"
            told.setdefault((event, row.conversation_id), []).append(str(row.id))
        elif row.direction is None and last.get(row.conversation_id, _NEVER) < row.at - SLACK:
            told.setdefault(("conversation_updated", row.conversation_id), [])
    return [
        (topic, {"event": event, "conversation_id": str(conversation), **({"message_ids": ids} if ids else {})})
        for (event, conversation), ids in told.items()
    ]
