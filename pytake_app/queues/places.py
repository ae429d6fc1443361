"""Places in queues for the pipeline: what a batch of sprints does to them, in two statements at most.

A sprint only writes that somebody waits; hours, size and greeting are seen to when the item is received (`entering`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pytake_app.messaging.sql import Connection, dumps, insert_rows, insert_statement

Row = dict[str, Any]

NOTE_LENGTH = 500

# Who takes over from a flow serves what waited; everything else ends it.
_LEAVE = """
UPDATE queue_items i SET status = CASE WHEN v.status = 'left' AND i.status = 'in_service' THEN 'completed'
                                       WHEN v.status = 'left' THEN 'abandoned' ELSE v.status END,
       outcome = v.outcome, offered_to = NULL, offered_until = NULL, agent_id = coalesce(v.agent_id, i.agent_id),
       assigned_at = CASE WHEN v.status = 'in_service' THEN %(now)s ELSE i.assigned_at END,
       ended_at = CASE WHEN v.status = 'in_service' THEN NULL ELSE %(now)s::timestamptz END
FROM json_populate_recordset(NULL::queue_items, %(rows)s) v
WHERE i.conversation_id = v.conversation_id AND i.status IN ('waiting', 'offered', 'in_service')
"""
# Whom a flow gives to an agent without a queue: a place of its own, so that it counts in what the agent has done.
_DIRECT = """
INSERT INTO queue_items (id, organization_id, queue_name, conversation_id, contact_id, channel, status, priority,
                         skills, source, entered_at, arrived_at, assigned_at, agent_id, declined_by, outcome, note,
                         csat_comment)
SELECT gen_random_uuid(), c.organization_id, '', c.id, c.contact_id, c.channel, 'in_service',
       CASE c.priority WHEN 'urgent' THEN 3 WHEN 'high' THEN 2 WHEN 'low' THEN 0 ELSE 1 END, '[]', 'direct', %(now)s,
       %(now)s, %(now)s, v.agent_id, '[]', '', '', ''
FROM json_populate_recordset(NULL::queue_items, %(rows)s) v JOIN conversations c ON c.id = v.conversation_id
WHERE v.status = 'in_service' AND NOT EXISTS (
    SELECT 1 FROM queue_items i
    WHERE i.conversation_id = c.id AND i.status IN ('waiting', 'offered', 'in_service'))
"""
# Counted again, and thanked for.
_RATE = """
UPDATE queue_items i SET csat_score = coalesce(v.csat_score, i.csat_score), rolled_up_at = NULL,
       csat_comment = CASE WHEN v.csat_comment = '' THEN i.csat_comment ELSE v.csat_comment END,
       csat_state = CASE WHEN i.csat_state = 'thanked' THEN 'thanked' ELSE 'answered' END
FROM json_populate_recordset(NULL::queue_items, %s) v WHERE i.id = v.id
"""
_ENTER = insert_statement(
    "queue_items",
    ("id", "organization_id", "queue_id", "queue_name", "conversation_id", "contact_id", "channel", "status",
     "priority", "skills", "source", "entered_at", "declined_by", "outcome", "note", "csat_comment",
     "flow_session_id"),
)  # fmt: skip


@dataclass(slots=True)
class Places:
    """Rows to be written, by conversation: the last that happens to one counts."""

    left: dict[UUID, Row] = field(default_factory=dict)
    entered: dict[UUID, Row] = field(default_factory=dict)
    rated: dict[UUID, Row] = field(default_factory=dict)
    organizations: set[UUID] = field(default_factory=set)

    def rate(self, organization_id: UUID, item_id: UUID, score: int | None, comment: str) -> None:
        """The contact says how they were served. `score` None: only words to a score given before."""
        self.rated[item_id] = {"id": item_id, "csat_score": score, "csat_comment": comment}
        self.organizations.add(organization_id)

    def leave(
        self, organization_id: UUID, conversation_id: UUID, status: str, outcome: str, agent_id: UUID | None = None
    ) -> None:
        """A place is given up.

        Parameters:
            status: timeout, transferred, abandoned; `left`: completed when it was served, else abandoned;
                `in_service`: `agent_id` serves it now.
        """
        self.entered.pop(conversation_id, None)
        self.left[conversation_id] = {
            "conversation_id": conversation_id, "status": status, "outcome": outcome, "agent_id": agent_id,
        }  # fmt: skip
        self.organizations.add(organization_id)

    def enter(self, row: Row) -> None:
        """A place is taken; the one the conversation had is given up."""
        conversation_id = row["conversation_id"]
        if conversation_id not in self.left:
            self.leave(row["organization_id"], conversation_id, "transferred", "queue")
        self.entered[conversation_id] = row
        self.organizations.add(row["organization_id"])

    def extend(self, other: Places) -> None:
        """Append another contact's."""
        self.left |= other.left
        self.entered |= other.entered
        self.rated |= other.rated
        self.organizations |= other.organizations

    def write(self, connection: Connection, now: datetime) -> None:
        """Write the rows; conversations and sessions are written before."""
        if self.left:
            connection.execute(_LEAVE, {"rows": dumps(list(self.left.values())), "now": now})
            given = [row for row in self.left.values() if row["status"] == "in_service"]
            if given:
                connection.execute(_DIRECT, {"rows": dumps(given), "now": now})
        insert_rows(connection, _ENTER, list(self.entered.values()))
        if self.rated:
            connection.execute(_RATE, (dumps(list(self.rated.values())),))

    def pokes(self) -> Iterable[tuple[str, Row]]:
        """What pages are told after the commit."""
        for row in self.entered.values():
            queue_id = str(row["queue_id"]) if row["queue_id"] else None
            said = {"event": "queue_updated", "queue_id": queue_id, "item_id": str(row["id"]), "change": "entered"}
            yield f"org:{row['organization_id']}:queues", said
        for organization_id in self.organizations:
            said = {"event": "queue_updated", "queue_id": None, "item_id": None, "change": "left"}
            yield f"org:{organization_id}:queues", said


def row(
    *,
    item_id: UUID,
    organization_id: UUID,
    queue_id: UUID | None,
    queue_name: str,
    conversation_id: UUID,
    contact_id: UUID,
    channel: str,
    priority: int,
    flow_session_id: UUID,
    metadata: Mapping[str, Any],
    now: datetime,
) -> Row:
    """A waiting item of a flow's hand-off.

    Parameters:
        metadata: what the flow says of it. `skills` (a list, or words with commas between) are what its agent must
            know; `note`, and all else as `name: value`, is what its agent reads.
    """
    return {
        "id": item_id,
        "organization_id": organization_id,
        "queue_id": queue_id,
        "queue_name": queue_name,
        "conversation_id": conversation_id,
        "contact_id": contact_id,
        "channel": channel,
        "status": "waiting",
        "priority": priority,
        "skills": _skills(metadata.get("skills")),
        "source": "flow",
        "entered_at": now,
        "declined_by": [],
        "outcome": "",
        "note": _note(metadata),
        "csat_comment": "",
        "flow_session_id": flow_session_id,
    }


def _skills(said: Any) -> list[str]:
    words = said if isinstance(said, list) else str(said or "").split(",")
    known = (str(word).strip()[:60] for word in words if isinstance(word, str | int))
    return list(dict.fromkeys(word for word in known if word))[:30]


def _note(metadata: Mapping[str, Any]) -> str:
    said = [str(metadata["note"])] if metadata.get("note") else []
    for name, value in metadata.items():
        if name not in ("note", "skills") and value not in (None, "", [], {}):
            said.append(f"{name}: {value if isinstance(value, str) else dumps(value)}")
    return "\n".join(said)[:NOTE_LENGTH]
