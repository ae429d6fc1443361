"""What a batch holds in memory: sessions as stored, and the rows that a contact's events brought about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pytake_app.contacts.tags import make_tags
from pytake_app.conversations import threads
from pytake_app.conversations.threads import Thread
from pytake_app.engine.session import InboundInput, Session, Step
from pytake_app.flows import tapes, timers
from pytake_app.flows.execution_outside import Outside
from pytake_app.flows.tape import Tape
from pytake_app.flows.timers import NewTimer
from pytake_app.messaging import outbox_store
from pytake_app.messaging.media import insert_assets
from pytake_app.messaging.sql import Connection, Later, dumps, insert_rows, insert_statement
from pytake_app.queues.places import Places

Row = dict[str, Any]

_STEP_COUNT = "step_count"
_TAPE = "tape"
_WITH_PERSON = "with_person"
_QUEUED = "queued"

_FIND = """
SELECT s.id, s.organization_id, s.contact_id, s.conversation_id, s.channel_account_id, s.started_at, s.state
FROM (
    SELECT x.id FROM json_to_recordset(%(pairs)s) AS w(contact uuid, account uuid),
         LATERAL (SELECT r.id FROM flow_sessions r WHERE r.contact_id = w.contact
                  AND r.channel_account_id = w.account AND r.status IN ('active', 'waiting') AND NOT r.delayed
                  UNION ALL
                  SELECT d.id FROM flow_sessions d WHERE d.contact_id = w.contact
                  AND d.channel_account_id = w.account AND d.delayed OFFSET 0) x
    UNION SELECT unnest(%(ids)s::uuid[])
) found, LATERAL (SELECT * FROM flow_sessions f WHERE f.id = found.id FOR NO KEY UPDATE) s
"""
_INSERT = insert_statement(
    "flow_sessions",
    ("id", "organization_id", "flow_id", "version", "contact_id", "conversation_id", "channel_account_id", "status",
     "current_node", "outcome", "state", "tape", "started_at", "updated_at", "expires_at", "ended_at", "delayed"),
)  # fmt: skip
_UPDATE = """
UPDATE flow_sessions s SET status = v.status, current_node = v.current_node, outcome = v.outcome, state = v.state,
       updated_at = v.updated_at, expires_at = v.expires_at, ended_at = v.ended_at, delayed = v.delayed
FROM json_populate_recordset(NULL::flow_sessions, %s) v WHERE s.id = v.id
"""
_INSERT_STEPS = insert_statement(
    "session_steps",
    ("id", "created_at", "organization_id", "session_id", "flow_id", "flow_version", "sequence", "node_id",
     "node_type", "port", "why", "reads", "writes", "duration_us", "message_ids"),
)  # fmt: skip


@dataclass(slots=True)
class StoredSession:
    """A session with its row. `steps` counts the logged visits.

    `with_person`: it began while a person answered, and goes on beside them. `queued`: messages that came while it
    waited for an outside call, oldest first; taken up as soon as it waits for nothing of the kind.
    """

    id: UUID
    organization_id: UUID
    contact_id: UUID
    conversation_id: UUID
    channel_account_id: UUID
    started_at: datetime
    session: Session
    steps: int = 0
    new: bool = False
    dirty: bool = False
    tape: Tape = field(default_factory=Tape)
    with_person: bool = False
    queued: list[InboundInput] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        """Whether it goes on, now or after a delay."""
        return self.session.status in ("active", "waiting")

    @property
    def running(self) -> bool:
        """Whether it keeps the contact busy: a long delay doesn't."""
        return self.alive and not self.session.delayed

    @property
    def waits_outside(self) -> bool:
        """Whether it waits for an outside call."""
        return self.alive and self.session.wait is not None and self.session.wait.kind == "request"


@dataclass(slots=True)
class Effects:
    """Rows to be written, in order."""

    messages: list[Row] = field(default_factory=list)
    outbox: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    log: list[Row] = field(default_factory=list)
    timers: list[NewTimer] = field(default_factory=list)
    cleared: list[tuple[UUID, str]] = field(default_factory=list)
    media: list[Row] = field(default_factory=list)
    signals: list[Row] = field(default_factory=list)
    pokes: list[tuple[UUID, UUID, str, UUID | None]] = field(default_factory=list)
    """(organization, conversation, event, message)."""
    tags: list[tuple[UUID, str]] = field(default_factory=list)
    """(organization, name) of tags that contacts got."""
    told: list[tuple[UUID, UUID]] = field(default_factory=list)
    """(organization, user) of new notifications."""
    outside: Outside = field(default_factory=Outside)
    places: Places = field(default_factory=Places)
    """Places in service queues."""
    amended: dict[UUID, Row] = field(default_factory=dict)
    """Stored messages that others changed, by id."""

    def extend(self, other: Effects) -> None:
        """Append another contact's effects."""
        self.messages += other.messages
        self.outbox += other.outbox
        self.steps += other.steps
        self.log += other.log
        self.timers += other.timers
        self.cleared += other.cleared
        self.media += other.media
        self.signals += other.signals
        self.pokes += other.pokes
        self.tags += other.tags
        self.told += other.told
        self.outside.extend(other.outside)
        self.places.extend(other.places)
        self.amended |= other.amended


def ask_sessions(
    connection: Connection, pairs: Sequence[tuple[UUID, UUID]], ids: Sequence[UUID]
) -> Later[list[StoredSession]]:
    """The running session of each (contact, channel account), those in long delays, and the sessions `ids`, locked."""
    query = dumps([{"contact": contact, "account": account} for contact, account in pairs])
    cursor = connection.execute(_FIND, {"pairs": query, "ids": list(ids)})
    return lambda: [_stored(*row) for row in cursor.fetchall()]


def _stored(
    session_id: UUID,
    organization_id: UUID,
    contact_id: UUID,
    conversation_id: UUID,
    account_id: UUID,
    started_at: datetime,
    state: Row,
) -> StoredSession:
    return StoredSession(
        session_id,
        organization_id,
        contact_id,
        conversation_id,
        account_id,
        started_at,
        Session.model_validate(state),
        int(state.get(_STEP_COUNT, 0)),
        tape=Tape.of(state.get(_TAPE)),
        with_person=bool(state.get(_WITH_PERSON)),
        queued=[InboundInput.model_validate(raw) for raw in state.get(_QUEUED, ())],
    )


def _session_row(stored: StoredSession, now: datetime) -> Row:
    session = stored.session
    state = session.model_dump(mode="json")
    state[_STEP_COUNT] = stored.steps
    state[_TAPE] = stored.tape.kept()
    if stored.with_person:
        state[_WITH_PERSON] = True
    if stored.queued:
        state[_QUEUED] = [m.model_dump(mode="json", exclude_defaults=True) for m in stored.queued]
    return {
        "id": stored.id,
        "organization_id": stored.organization_id,
        "flow_id": session.root_flow_id,
        "version": session.root_version,
        "contact_id": stored.contact_id,
        "conversation_id": stored.conversation_id,
        "channel_account_id": stored.channel_account_id,
        "status": session.status,
        "current_node": session.current_node,
        "outcome": session.outcome,
        "state": state,
        "tape": [],
        "started_at": stored.started_at,
        "updated_at": now,
        "expires_at": session.wait.timeout_at if session.wait else None,
        "ended_at": now if session.ended else None,
        "delayed": stored.alive and session.delayed,
    }


def step_rows(stored: StoredSession, steps: Sequence[Step], sent: dict[str, list[str]], make_id: Any) -> list[Row]:
    """Rows of the step log; `sent` maps node ids to the messages they sent in this sprint."""
    rows: list[Row] = []
    for step in steps:
        stored.steps += 1
        rows.append(
            {
                "id": make_id(),
                "created_at": step.at,
                "organization_id": stored.organization_id,
                "session_id": stored.id,
                "flow_id": step.flow_id,
                "flow_version": step.flow_version,
                "sequence": stored.steps,
                "node_id": step.node_id,
                "node_type": step.node_type,
                "port": step.port,
                "why": step.why,
                "reads": step.reads,
                "writes": step.writes,
                "duration_us": step.duration_us,
                "message_ids": sent.pop(step.node_id, []),
            }
        )
    return rows


def write_sessions(connection: Connection, sessions: Sequence[StoredSession], now: datetime) -> None:
    """Write changed sessions, then new ones: a contact has one running session at most, and the old one ends first."""
    known = [stored for stored in sessions if stored.dirty and not stored.new]
    several = len({(stored.contact_id, stored.channel_account_id) for stored in known}) < len(known)
    # Of a contact's sessions the one that is over (or goes into a long delay) makes room for the one that goes on.
    parts = [[s for s in known if not s.running], [s for s in known if s.running]] if several else [known]
    for part in parts:
        if part:
            connection.execute(_UPDATE, (dumps([_session_row(stored, now) for stored in part]),))
    insert_rows(connection, _INSERT, [_session_row(stored, now) for stored in sessions if stored.new])
    tapes.insert(connection, [record for stored in sessions for record in _records(stored)])


def _records(stored: StoredSession) -> list[Row]:
    return [
        {"session_id": stored.id, "number": number, "organization_id": stored.organization_id, "record": record}
        for number, record in stored.tape.taken()
    ]


def write_effects(connection: Connection, effects: Effects, now: datetime) -> None:
    """Write what follows from the events; conversations, contacts and sessions are written before."""
    timers.clear(connection, effects.cleared)
    timers.insert(connection, effects.timers)
    insert_assets(connection, effects.media)
    threads.insert_messages(connection, effects.messages)
    threads.amend_messages(connection, list(effects.amended.values()))
    insert_rows(connection, _INSERT_STEPS, effects.steps)
    threads.insert_log(connection, effects.log)
    outbox_store.insert(connection, effects.outbox)
    make_tags(connection, effects.tags, now)
    effects.outside.write(connection, now)
    effects.places.write(connection, now)


def touched(threads_: Sequence[Thread]) -> list[Thread]:
    """Each conversation once, in the order of their ids."""
    return sorted({thread.id: thread for thread in threads_}.values(), key=lambda thread: thread.id)
