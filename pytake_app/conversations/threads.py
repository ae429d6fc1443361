"""Conversations and messages for the pipeline: loaded, locked and written in sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from pytake_app.contacts.identities import ConcurrentChangeError
from pytake_app.messaging.sql import Connection, Later, dumps, insert_and_count, insert_statement

SERVICE_WINDOW = timedelta(hours=24)
"""Free-form messages may be sent this long after the contact's last message (Meta, "customer service window")."""

PREVIEW_LENGTH = 160
RAW = "raw"
"""Member of a message's content: what the platform sent, of kinds that can't be shown. Only asked for by itself."""

Row = dict[str, Any]


@dataclass(slots=True)
class Thread:
    """A conversation, locked. Changes are made in place and written by `write`."""

    id: UUID
    organization_id: UUID
    contact_id: UUID
    channel_account_id: UUID
    channel: str
    status: str = "open"
    priority: str = "medium"
    handling: str = "bot"
    queue_id: UUID | None = None
    queue_name: str = ""
    unread_count: int = 0
    last_message_id: UUID | None = None
    last_message_at: datetime | None = None
    last_message_preview: str = ""
    last_message_direction: str = "in"
    last_inbound_at: datetime | None = None
    last_inbound_external_id: str | None = None
    window_expires_at: datetime | None = None
    waiting_since: datetime | None = None
    handoff: Row = field(default_factory=dict)
    new: bool = False
    dirty: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.status in ("open", "pending")

    def reopen(self) -> None:
        """The contact writes after it was closed: it goes on as a new one would, with the bot first."""
        self.status, self.handling, self.waiting_since = "open", "bot", None
        self.queue_id, self.queue_name, self.handoff = None, "", {}
        self.dirty = True

    def said(self, message_id: UUID, at: datetime, preview: str, direction: str) -> None:
        """A message was added at the end."""
        self.last_message_id = message_id
        self.last_message_at = at
        self.last_message_preview = preview
        self.last_message_direction = direction
        self.dirty = True

    def listened(self, at: datetime) -> None:
        """A message of former times: nothing is unread, but the service window may still be open."""
        if self.last_inbound_at is None or at >= self.last_inbound_at:
            self.last_inbound_at = at
            self.window_expires_at = at + SERVICE_WINDOW
            self.dirty = True

    def heard(self, external_id: str, at: datetime) -> None:
        """The contact wrote at `at` (the platform's time): unread, and the service window runs from there."""
        self.unread_count += 1
        if self.last_inbound_at is None or at >= self.last_inbound_at:
            self.last_inbound_at = at
            self.last_inbound_external_id = external_id
            self.window_expires_at = at + SERVICE_WINDOW
        self.dirty = True


_COLUMNS = (
    "id, organization_id, contact_id, channel_account_id, channel, status, priority, handling, queue_id, queue_name, "
    "unread_count, last_message_id, last_message_at, last_message_preview, last_message_direction, last_inbound_at, "
    "last_inbound_external_id, window_expires_at, waiting_since, handoff"
)
# One index look-up for each pair, whatever the planner thinks of the table's size: LATERAL with OFFSET, LIMIT or a lock
# is never turned round. The second look, for what was closed since, is taken only where the first finds nothing. Locked
# in the order of ids.
_FIND_OPEN: LiteralString = f"""
SELECT c.* FROM (
    SELECT x.id AS open_id, w.since FROM (
        SELECT DISTINCT * FROM json_to_recordset(%s) AS r(contact uuid, account uuid, since timestamptz)
    ) w, LATERAL (
        (SELECT o.id FROM conversations o WHERE o.contact_id = w.contact
         AND o.channel_account_id = w.account AND o.status IN ('open', 'pending'))
        UNION ALL
        (SELECT o.id FROM conversations o WHERE w.since IS NOT NULL AND o.contact_id = w.contact
         AND o.channel_account_id = w.account AND o.status = 'closed' AND o.closed_at > w.since
         ORDER BY o.closed_at DESC LIMIT 1)
        LIMIT 1
    ) x
    ORDER BY x.id
) found, LATERAL (
    SELECT {_COLUMNS} FROM conversations k WHERE k.id = found.open_id
    AND (k.status IN ('open', 'pending') OR k.status = 'closed' AND k.closed_at > found.since)
    FOR NO KEY UPDATE
) c
"""  # noqa: S608  # literals only
_FIND_BY_ID: LiteralString = f"""
SELECT {_COLUMNS} FROM conversations c WHERE c.id = ANY(%s) ORDER BY c.id FOR NO KEY UPDATE OF c
"""  # noqa: S608  # literals only
_INSERT = insert_statement(
    "conversations",
    ("id", "organization_id", "contact_id", "channel_account_id", "channel", "status", "priority", "handling",
     "queue_id", "queue_name", "tags", "unread_count", "last_message_id", "last_message_at", "last_message_preview",
     "last_message_direction", "last_inbound_at", "last_inbound_external_id", "window_expires_at", "waiting_since",
     "handoff", "created_at", "updated_at"),
    "ON CONFLICT DO NOTHING RETURNING 1",
)  # fmt: skip
_UPDATE = """
UPDATE conversations c SET status = CASE WHEN c.snoozed_until IS NOT NULL AND v.unread_count > c.unread_count
                                              AND v.status = 'pending' THEN 'open' ELSE v.status END,
       closed_at = CASE WHEN v.status IN ('open', 'pending') THEN NULL ELSE c.closed_at END,
       closed_by = CASE WHEN v.status IN ('open', 'pending') THEN NULL ELSE c.closed_by END,
       outcome = CASE WHEN v.status IN ('open', 'pending') THEN '' ELSE c.outcome END,
       assignee_id = CASE WHEN v.status IN ('open', 'pending') AND c.status NOT IN ('open', 'pending') THEN NULL
                          ELSE c.assignee_id END,
       snoozed_until = CASE WHEN v.unread_count > c.unread_count THEN NULL ELSE c.snoozed_until END,
       priority = v.priority, handling = v.handling, queue_id = v.queue_id,
       queue_name = v.queue_name, unread_count = v.unread_count, last_message_id = v.last_message_id,
       last_message_at = v.last_message_at, last_message_preview = v.last_message_preview,
       last_message_direction = v.last_message_direction, last_inbound_at = v.last_inbound_at,
       last_inbound_external_id = v.last_inbound_external_id, window_expires_at = v.window_expires_at,
       waiting_since = v.waiting_since, handoff = v.handoff, updated_at = v.updated_at
FROM json_populate_recordset(NULL::conversations, %s) v WHERE c.id = v.id
"""
_INSERT_MESSAGES = insert_statement(
    "messages",
    ("id", "created_at", "organization_id", "conversation_id", "contact_id", "channel_account_id", "channel",
     "direction", "type", "text", "selection_id", "content", "media", "location", "context_external_id", "external_id",
     "client_id", "status", "errors", "pricing", "author_kind", "author_id", "flow_session_id", "node_id", "sent_at"),
)  # fmt: skip
_INSERT_LOG = insert_statement(
    "automation_log",
    ("id", "organization_id", "conversation_id", "at", "kind", "flow_id", "flow_session_id", "actor_id", "detail"),
)


def ask_open(
    connection: Connection, wanted: Mapping[tuple[UUID, UUID], datetime | None]
) -> Later[dict[tuple[UUID, UUID], Thread]]:
    """The conversation that goes on of each (contact, channel account), locked: the open or pending one, else the one
    that was closed last after the time given for the pair (None: none that is closed)."""
    query = dumps(
        [{"contact": contact, "account": account, "since": since} for (contact, account), since in wanted.items()]
    )
    cursor = connection.execute(_FIND_OPEN, (query,))

    def read() -> dict[tuple[UUID, UUID], Thread]:
        threads = [Thread(*row) for row in cursor.fetchall()]
        return {(thread.contact_id, thread.channel_account_id): thread for thread in threads}

    return read


def find_by_id(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Thread]:
    """Conversations in any state, locked."""
    if not ids:
        return {}
    return {row[0]: Thread(*row) for row in connection.execute(_FIND_BY_ID, (list(ids),)).fetchall()}


def insert_new(connection: Connection, threads: Sequence[Thread], now: datetime) -> None:
    """Write new conversations.

    Raises:
        ConcurrentChangeError: somebody opened the same conversation meanwhile.
    """
    new = [_row(thread, now) for thread in threads if thread.new]
    if new and insert_and_count(connection, _INSERT, new) != len(new):
        raise ConcurrentChangeError


def write_changed(connection: Connection, threads: Sequence[Thread], now: datetime) -> None:
    """Write changed conversations."""
    changed = [_row(thread, now) for thread in threads if thread.dirty and not thread.new]
    if changed:
        connection.execute(_UPDATE, (dumps(changed),))


def _row(thread: Thread, now: datetime) -> Row:
    return {
        "id": thread.id,
        "organization_id": thread.organization_id,
        "contact_id": thread.contact_id,
        "channel_account_id": thread.channel_account_id,
        "channel": thread.channel,
        "status": thread.status,
        "priority": thread.priority,
        "handling": thread.handling,
        "queue_id": thread.queue_id,
        "queue_name": thread.queue_name,
        "tags": [],
        "unread_count": thread.unread_count,
        "last_message_id": thread.last_message_id,
        "last_message_at": thread.last_message_at,
        "last_message_preview": thread.last_message_preview,
        "last_message_direction": thread.last_message_direction,
        "last_inbound_at": thread.last_inbound_at,
        "last_inbound_external_id": thread.last_inbound_external_id,
        "window_expires_at": thread.window_expires_at,
        "waiting_since": thread.waiting_since,
        "handoff": thread.handoff,
        "created_at": now,
        "updated_at": now,
    }


def message_row(thread: Thread, message_id: UUID, now: datetime, **columns: Any) -> Row:
    """A row for `insert_messages`; `columns` override the defaults of an empty inbound message."""
    row: Row = {
        "id": message_id,
        "created_at": now,
        "organization_id": thread.organization_id,
        "conversation_id": thread.id,
        "contact_id": thread.contact_id,
        "channel_account_id": thread.channel_account_id,
        "channel": thread.channel,
        "direction": "in",
        "type": "text",
        "text": "",
        "content": {},
        "status": "received",
        "errors": [],
        "author_kind": "contact",
    }
    row.update(columns)
    return row


def insert_messages(connection: Connection, rows: Sequence[Row]) -> None:
    """Append messages, in order."""
    if rows:
        connection.execute(_INSERT_MESSAGES, (dumps(rows),))


REPORTED_FOR = timedelta(days=32)
"""Older messages are not looked for: the bound lets PostgreSQL leave out older partitions."""

_MESSAGE_COLUMNS = (
    "id, created_at, conversation_id, contact_id, direction, type, text, status, content, media, location, sent_at"
)
_FIND_MESSAGE: LiteralString = f"""
SELECT {_MESSAGE_COLUMNS} FROM messages WHERE channel_account_id = %s AND external_id = %s AND created_at > %s
ORDER BY created_at LIMIT 1
"""  # noqa: S608  # literals only
_FIND_ABOUT: LiteralString = f"""
SELECT {_MESSAGE_COLUMNS} FROM messages
WHERE conversation_id = %s AND direction = 'in' AND type = ANY(%s) AND content->>'target' = %s AND created_at > %s
ORDER BY id
"""  # noqa: S608  # literals only
_AMEND = """
UPDATE messages m SET type = v.type, text = v.text, status = v.status, content = v.content, media = v.media,
       location = v.location
FROM json_populate_recordset(NULL::messages, %s) v WHERE m.id = v.id AND m.created_at = v.created_at
"""

_AMEND_WORDS = """
UPDATE message_search s SET words = pytake_words(v.text)
FROM json_populate_recordset(NULL::messages, %s) v JOIN messages m ON m.id = v.id AND m.created_at = v.created_at
WHERE s.organization_id = m.organization_id AND s.created_at = m.created_at AND s.message_id = m.id
"""


def find_message(connection: Connection, channel_account_id: UUID, external_id: str, now: datetime) -> Row | None:
    """The columns that may be amended of the message with this id of the platform's, of the last 32 days."""
    found = connection.execute(_FIND_MESSAGE, (channel_account_id, external_id, now - REPORTED_FOR)).fetchone()
    return dict(zip(_MESSAGE_COLUMNS.split(", "), found, strict=True)) if found else None


def find_about(
    connection: Connection, conversation_id: UUID, types: Sequence[str], target: str, now: datetime
) -> list[Row]:
    """What the contact said about the message `target` (edits, reactions…), oldest first."""
    found = connection.execute(_FIND_ABOUT, (conversation_id, list(types), target, now - REPORTED_FOR)).fetchall()
    return [dict(zip(_MESSAGE_COLUMNS.split(", "), row, strict=True)) for row in found]


def amend_messages(connection: Connection, rows: Sequence[Row]) -> None:
    """Write back rows of `find_message` and `find_about`."""
    if rows:
        connection.execute(_AMEND, (dumps(rows),))
        connection.execute(_AMEND_WORDS, (dumps(rows),))


def insert_log(connection: Connection, rows: Sequence[Row]) -> None:
    """Append decisions to the automation log."""
    if rows:
        connection.execute(_INSERT_LOG, (dumps(rows),))


def template_of(connection: Connection, channel_account_id: UUID, external_id: str, now: datetime) -> str | None:
    """The name of the template that the message `external_id` was, if it was one (sent in the last 32 days)."""
    row = connection.execute(
        "SELECT content->>'name' FROM messages WHERE channel_account_id = %s AND external_id = %s "
        "AND type = 'template' AND direction = 'out' AND created_at > %s LIMIT 1",
        (channel_account_id, external_id, now - timedelta(days=32)),
    ).fetchone()
    return row[0] if row else None


def asked_by(
    connection: Connection, channel_account_id: UUID, external_id: str, now: datetime
) -> tuple[UUID | None, str | None] | None:
    """Session and node that sent the message `external_id`; None when it isn't one of ours of the last 32 days."""
    row = connection.execute(
        "SELECT flow_session_id, node_id FROM messages WHERE channel_account_id = %s AND external_id = %s "
        "AND direction = 'out' AND created_at > %s LIMIT 1",
        (channel_account_id, external_id, now - REPORTED_FOR),
    ).fetchone()
    return (row[0], row[1]) if row else None


def chosen_since(
    connection: Connection, conversation_id: UUID, context_external_id: str, selection_id: str, since: datetime
) -> bool:
    """Whether the contact has made this choice on that message since."""
    row = connection.execute(
        "SELECT 1 FROM messages WHERE conversation_id = %s AND direction = 'in' AND context_external_id = %s "
        "AND selection_id = %s AND sent_at >= %s AND created_at >= %s LIMIT 1",
        (conversation_id, context_external_id, selection_id, since, since),
    ).fetchone()
    return row is not None


def preview_of(text: str, message_type: str) -> str:
    """The line a list shows for a message."""
    return text[:PREVIEW_LENGTH] if text else f"[{message_type}]"
