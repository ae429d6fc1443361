"""What a sprint asks of the world outside the conversation: requests, events, notifications, assignment, closing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from pytake_app.conversations.threads import Thread
from pytake_app.engine.events import (
    AgentAssigned,
    ConversationClosed,
    EventEmitted,
    NotificationAsked,
    RequestMade,
)
from pytake_app.flows import requests
from pytake_app.messaging.lanes import lane_of
from pytake_app.messaging.sql import Connection, dumps, insert_rows, insert_statement

if TYPE_CHECKING:
    from pytake_app.flows.execution_sprint import ContactState
    from pytake_app.flows.execution_state import StoredSession

Row = dict[str, Any]
OutsideEvent = RequestMade | EventEmitted | NotificationAsked | AgentAssigned | ConversationClosed

_INSERT_EVENTS = insert_statement(
    "emitted_events",
    ("id", "organization_id", "name", "payload", "conversation_id", "contact_id", "session_id", "node_id",
     "created_at"),
)  # fmt: skip
_INSERT_NOTICES = insert_statement(
    "notifications",
    ("id", "organization_id", "user_id", "audience", "target", "kind", "level", "title", "body", "conversation_id",
     "contact_id", "created_at"),
)  # fmt: skip
_USER = """
SELECT id FROM users WHERE organization_id = %s AND is_active AND (email = %s OR id::text = %s)
  AND (role <> 'viewer' OR %s) LIMIT 1
"""
_EVERYONE = "SELECT id FROM users WHERE organization_id = %s AND is_active"
_ADMINS = "SELECT id FROM users WHERE organization_id = %s AND is_active AND role = 'org_admin' ORDER BY id"
# Named by id or, accents and case aside, by name.
_DEPARTMENT = """
SELECT u.id FROM department_members m JOIN departments d ON d.id = m.department_id JOIN users u ON u.id = m.user_id
WHERE d.organization_id = %(organization)s AND u.is_active
  AND (d.id::text = %(target)s OR pytake_fold(d.name) = pytake_fold(%(target)s)) ORDER BY u.id
"""
_CHANGE_THREADS = """
UPDATE conversations c SET assignee_id = coalesce(v.assignee_id, c.assignee_id), closed_at = v.closed_at
FROM json_populate_recordset(NULL::conversations, %s) v WHERE c.id = v.id
"""
_HISTORY = """
SELECT direction, text FROM messages
WHERE conversation_id = %s AND text <> '' AND type <> 'note' ORDER BY id DESC LIMIT %s
"""


@dataclass(slots=True)
class Outside:
    """Rows to be written, and who is to be told after the commit."""

    requests: list[Row] = field(default_factory=list)
    canceled: list[UUID] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    notices: list[Row] = field(default_factory=list)
    threads: list[Row] = field(default_factory=list)

    def extend(self, other: Outside) -> None:
        """Append another contact's."""
        self.requests += other.requests
        self.canceled += other.canceled
        self.events += other.events
        self.notices += other.notices
        self.threads += other.threads

    def write(self, connection: Connection, now: datetime) -> None:
        """Write the rows; sessions and conversations are written before."""
        requests.insert(connection, self.requests)
        requests.cancel(connection, self.canceled, now)
        insert_rows(connection, _INSERT_EVENTS, self.events)
        insert_rows(connection, _INSERT_NOTICES, self.notices)
        if self.threads:
            connection.execute(_CHANGE_THREADS, (dumps(self.threads),))


def apply(state: ContactState, stored: StoredSession, thread: Thread, event: OutsideEvent) -> None:
    """Turn one event into rows."""
    match event:
        case RequestMade():
            _request(state, stored, event)
        case EventEmitted():
            _emit(state, stored, thread, event)
        case NotificationAsked():
            _notify(state, thread, event)
        case AgentAssigned():
            _assign(state, thread, event)
        case ConversationClosed():
            _close(state, thread, event)


def _request(state: ContactState, stored: StoredSession, event: RequestMade) -> None:
    context, person = state.context, state.person
    key = person.key or person.bsuid or ""
    state.effects.outside.requests.append(
        {
            "id": UUID(event.request_id),
            "organization_id": stored.organization_id,
            "session_id": stored.id,
            "channel_account_id": state.account.id,
            "contact_key": key,
            "lane": lane_of(state.account.id, key, context.lanes),
            "node_id": event.node_id,
            "kind": event.kind,
            "request": event.request.model_dump(mode="json", exclude_defaults=True) | {"kind": event.kind},
            "state": "pending",
            "attempts": 0,
            "created_at": context.now,
        }
    )


def _emit(state: ContactState, stored: StoredSession, thread: Thread, event: EventEmitted) -> None:
    state.effects.outside.events.append(
        {
            "id": state.context.new_id(),
            "organization_id": stored.organization_id,
            "name": event.name,
            "payload": event.payload,
            "conversation_id": thread.id,
            "contact_id": state.person.id,
            "session_id": stored.id,
            "node_id": event.node_id,
            "created_at": state.context.now,
        }
    )
    state.happened("custom_event", event.name, event.payload)


def _user(state: ContactState, name: str, *, viewers: bool) -> UUID | None:
    row = state.context.connection.execute(
        _USER, (state.person.organization_id, name.strip().lower(), name.strip().lower(), viewers)
    ).fetchone()
    return row[0] if row else None


def _name_of(state: ContactState, user_id: UUID) -> str:
    row = state.context.connection.execute("SELECT full_name FROM users WHERE id = %s", (user_id,)).fetchone()
    return str(row[0]) if row else ""


def _notify(state: ContactState, thread: Thread, event: NotificationAsked) -> None:
    organization_id, connection = state.person.organization_id, state.context.connection
    found: list[UUID | None] = []
    if event.audience == "everyone":
        found = [row[0] for row in connection.execute(_EVERYONE, (organization_id,)).fetchall()]
    elif event.audience == "user":
        found = [_user(state, event.target, viewers=True)]
    elif event.audience == "assignee":
        row = connection.execute("SELECT assignee_id FROM conversations WHERE id = %s", (thread.id,)).fetchone()
        found = [row[0] if row else None]
    elif event.audience == "department":
        named = {"organization": organization_id, "target": event.target}
        found = [row[0] for row in connection.execute(_DEPARTMENT, named).fetchall()]
    users = [user_id for user_id in found if user_id is not None]
    if not users:
        # Nobody is meant (a department without people, nobody assigned): administrators are told rather than no one.
        users = [row[0] for row in connection.execute(_ADMINS, (organization_id,)).fetchall()]
    for user_id in users:
        state.effects.outside.notices.append(
            {
                "id": state.context.new_id(),
                "organization_id": organization_id,
                "user_id": user_id,
                "audience": event.audience,
                "target": event.target,
                "kind": "flow",
                "level": event.level,
                "title": event.title,
                "body": event.body,
                "conversation_id": thread.id,
                "contact_id": state.person.id,
                "created_at": state.context.now,
            }
        )
        state.effects.told.append((organization_id, user_id))


def _assign(state: ContactState, thread: Thread, event: AgentAssigned) -> None:
    user_id = _user(state, event.user, viewers=False)
    if user_id is None:
        state.log_decision(thread, "assign_failed", {"node_id": event.node_id, "reason": "no_such_user"})
        return
    thread.handling, thread.status, thread.waiting_since = "person", "open", None
    thread.dirty = True
    state.effects.places.leave(thread.organization_id, thread.id, "in_service", "", user_id)
    state.effects.outside.threads.append({"id": thread.id, "assignee_id": user_id, "closed_at": None})
    state.log_decision(thread, "assigned", {"node_id": event.node_id, "assignee_id": str(user_id)})
    state.poke_thread(thread)
    state.happened("conversation_assigned", _name_of(state, user_id))


def _close(state: ContactState, thread: Thread, event: ConversationClosed) -> None:
    thread.status, thread.unread_count, thread.waiting_since = "closed", 0, None
    thread.dirty = True
    state.effects.places.leave(thread.organization_id, thread.id, "left", "closed")
    row = {"id": thread.id, "assignee_id": None, "closed_at": state.context.now}
    state.effects.outside.threads.append(row)
    state.log_decision(thread, "status_changed", {"after": "closed", "reason": event.reason, "node_id": event.node_id})
    state.poke_thread(thread)
    state.closed(thread)
    state.happened("conversation_closed", "")


def history(state: ContactState, thread: Thread, count: int) -> list[tuple[Literal["user", "assistant"], str]]:
    """The last messages of a conversation, oldest first: those stored and those of this batch."""
    stored: list[tuple[str, str]] = []
    if not thread.new:
        rows = state.context.connection.execute(_HISTORY, (thread.id, count)).fetchall()
        stored = [(str(direction), str(text)) for direction, text in reversed(rows)]
    fresh = [
        (str(row["direction"]), str(row["text"]))
        for row in state.effects.messages
        if row["conversation_id"] == thread.id and row["text"]
    ]
    last = (stored + fresh)[-count:]
    return [("user" if direction == "in" else "assistant", text) for direction, text in last]
