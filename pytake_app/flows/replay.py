"""Sessions played again from their tapes: to prove determinism, and to see what a draft would say instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlmodel import Session, col

from pytake_app.conversations import sight
from pytake_app.core.errors import NotFoundError
from pytake_app.core.tenancy import Principal, Role, scoped
from pytake_app.engine import runner
from pytake_app.engine import session as engine
from pytake_app.engine.compiled import CompiledFlow
from pytake_app.engine.document import FlowDocument
from pytake_app.flows import repository, tapes
from pytake_app.flows.models import FlowSession
from pytake_app.flows.replay_schemas import Divergence, DraftReplay, SessionReplay, SessionVerdict
from pytake_app.flows.tape import Record, digest, reference

_RECORDS: TypeAdapter[list[Record]] = TypeAdapter(list[Record])
_SILENT = frozenset({"variable_set", "wait_set", "wait_cleared", "flow_entered"})
"""Events the contact and the people behind the inbox see nothing of."""
_OWN_IDS = {"wait_id", "request_id", "node_id"}

LoadVersion = Callable[[str, int], CompiledFlow | None]
JsonObject = dict[str, Any]


def replay_session(session: Session, principal: Principal, session_id: UUID) -> SessionReplay:
    """Play a stored session again: same version, same inputs, same clock, same ids; are the events the same bytes?

    Raises:
        NotFoundError: none here.
    """
    principal.require(Role.VIEWER)
    row = cast(
        "FlowSession | None",
        session.exec(scoped(session, FlowSession).where(FlowSession.id == session_id)).one_or_none(),
    )
    if row is None:
        raise NotFoundError("There is no such session.", code="session_not_found")
    records = read_tape(tapes.of_sessions(session, [row])[row.id])
    answer = SessionReplay(
        session_id=row.id, flow_id=row.flow_id, version=row.version, recorded=bool(records), whole=_whole(records)
    )
    player = Player(versions_of(session))
    for number, record in enumerate(records, 1):
        if record.gap:
            break
        sprint = player.play(record)
        if record.m is not None:
            continue
        answer.sprints += 1
        made = digest(sprint.events) if sprint is not None else ""
        if made != record.d:
            answer.diverged_at = number
            answer.node_id = player.session.current_node if player.session is not None else None
            break
    answer.identical = answer.sprints > 0 and answer.diverged_at is None
    return answer


def replay_draft(
    session: Session, principal: Principal, ref: UUID | str, *, limit: int, session_ids: list[UUID]
) -> DraftReplay:
    """Play the flow's latest stored sessions (or those named) against its draft; the first divergence of each.

    Each session is played twice with the same inputs, moments and contact: on the version it ran on, and on the draft.
    Compared is what people see: messages, hand-offs, what happens to the contact, the end; not the way there.

    Raises:
        NotFoundError: no such flow.
    """
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    draft = runner.compile_flow(FlowDocument.model_validate(flow.draft_document), str(flow.id), DRAFT)
    statement = scoped(session, FlowSession).where(FlowSession.flow_id == flow.id)
    if session_ids:
        statement = statement.where(col(FlowSession.id).in_(session_ids))
    ids = sight.ids_seen(session, principal)
    if ids is not None:  # what differs is shown in the words of the conversation
        statement = statement.where(col(FlowSession.conversation_id).in_(ids))
    rows = list(session.exec(statement.order_by(col(FlowSession.id).desc()).limit(limit)))
    versions = versions_of(session)
    answer = DraftReplay(flow_id=flow.id, revision=flow.draft_revision)
    kept = tapes.of_sessions(session, rows)
    for row in rows:
        records = read_tape(kept[row.id])
        if not records or records[0].s is None:
            answer.not_recorded += 1
            continue
        divergence, compared = _compare(records, versions, draft, str(flow.id))
        answer.replayed += 1
        answer.diverged += divergence is not None
        answer.sessions.append(
            SessionVerdict(
                session_id=row.id,
                version=row.version,
                started_at=row.started_at,
                inputs=compared,
                same=divergence is None,
                divergence=divergence,
            )
        )
    return answer


DRAFT = 0
"""The version number a draft has while it is tried."""


def read_tape(rows: list[JsonObject]) -> list[Record]:
    """Records as stored; none where a later release wrote them."""
    try:
        return _RECORDS.validate_python(rows)
    except ValidationError:
        return []


def _whole(records: list[Record]) -> bool:
    return bool(records) and not any(record.gap for record in records)


def versions_of(session: Session) -> LoadVersion:
    """Immutable versions, each read and compiled once."""
    cache: dict[tuple[str, int], CompiledFlow | None] = {}

    def load(flow_id: str, version: int) -> CompiledFlow | None:
        key = (flow_id, version)
        if key not in cache:
            cache[key] = None
            try:
                found = repository.version(session, UUID(flow_id), version)
            except (NotFoundError, ValueError):
                return None
            cache[key] = runner.compile_flow(FlowDocument.model_validate(found.document), flow_id, version)
        return cache[key]

    return load


@dataclass(slots=True)
class Player:
    """Plays the records of one tape in order. `instead` stands in for every version of its flow."""

    versions: LoadVersion
    instead: CompiledFlow | None = None
    session: engine.Session | None = None
    _contact: engine.ContactView = field(default_factory=engine.ContactView)
    _org: engine.OrgView = field(default_factory=engine.OrgView)
    _channel: str = "whatsapp"
    _root: tuple[str, int] | None = None

    def play(self, record: Record, *, began: tuple[str, int] | None = None) -> engine.Sprint | None:
        """One sprint; None when the versions it needs are gone, or it can't be begun."""
        self._surround(record)
        if record.m is not None:
            self._move(*record.m)
            return None
        context = self._context(record)
        if record.s is not None:
            root = began or _root_of(record)
            flow = self._version(*root) if root is not None else None
            if flow is None:
                return None
            sprint = runner.start(flow, record.s, context)
        else:
            assert record.i is not None
            if self.session is None:
                return None
            flow = self._version(self.session.flow_id, self.session.flow_version)
            if flow is None:
                return None
            sprint = runner.resume(self.session, flow, self._fitting(record.i), context)
        if not sprint.ignored:
            self.session = sprint.session
        return sprint

    def _fitting(self, event: engine.Resume) -> engine.Resume:
        """On a draft waits have other ids: the resume of a wait concerns the wait that stands there now."""
        wait = self.session.wait if self.session is not None else None
        if self.instead is None or wait is None:
            return event
        if isinstance(event, engine.RequestResume):
            return event.model_copy(update={"request_id": wait.id})
        if isinstance(event, engine.TimeoutResume | engine.DelayResume | engine.HandoffResume):
            return event.model_copy(update={"wait_id": wait.id})
        return event

    def _move(self, version: int, node_id: str) -> None:
        if self.session is not None and self.instead is None:
            self.session = moved_session(self.session, self.session.flow_id, version, node_id)

    def _surround(self, record: Record) -> None:
        if record.c is not None:
            self._contact = engine.ContactView(**_known(engine.ContactView, record.c))
        if record.o is not None:
            self._org = engine.OrgView(**_known(engine.OrgView, record.o))
        self._channel = record.ch or self._channel

    def _version(self, flow_id: str, version: int) -> CompiledFlow | None:
        if self.instead is not None and flow_id == self.instead.flow_id:
            return self.instead
        return self.versions(flow_id, version)

    def _context(self, record: Record) -> engine.RunContext:
        def load(ref: engine.FlowRef) -> CompiledFlow | None:
            if self.instead is not None and ref.flow == self.instead.flow_id:
                return self.instead
            found = record.f.get(reference(ref))
            return self._version(*found) if found is not None else None

        return engine.RunContext(
            now=record.t,
            new_id=_ids(record).__next__,
            contact=self._contact,
            org=self._org,
            channel=self._channel,
            window_expires_at=record.w,
            load_flow=load,
            ai=record.ai,
            history=lambda _count: list(record.y or []),
        )


def _known(model: type[Any], values: JsonObject) -> JsonObject:
    return {name: values[name] for name in model.__dataclass_fields__ if name in values}


def _ids(record: Record) -> Iterator[str]:
    yield from record.n
    number = 0
    while True:
        number += 1
        yield str(UUID(int=(9 << 76) | (2 << 62) | number))


def _root_of(record: Record) -> tuple[str, int] | None:
    """Which version a session began with: the pipeline notes it as the reference ""."""
    return record.f.get("")


def moved_session(session: engine.Session, flow_id: str, version: int, node_id: str) -> engine.Session:
    """The session standing at another version's node with the same wait: its id, timer and variables stay."""
    wait = session.wait
    root = session.root_flow_id == flow_id and not session.stack
    return session.model_copy(
        update={
            "flow_version": version,
            "root_version": version if root else session.root_version,
            "current_node": node_id,
            "wait": wait.model_copy(update={"node_id": node_id, "attempts": 0}) if wait is not None else None,
        }
    )


# -- against a draft ---------------------------------------------------------------------------------------------------


def _compare(
    records: list[Record], versions: LoadVersion, draft: CompiledFlow, flow_id: str
) -> tuple[Divergence | None, int]:
    """The first divergence, and how many inputs were compared."""
    then, now = Player(versions), Player(versions, instead=draft)
    compared = 0
    for number, record in enumerate(records, 1):
        if record.gap:
            break
        before = now.session.current_node if now.session is not None else None
        old = then.play(record)
        if record.m is not None:
            continue
        new = now.play(record, began=(flow_id, DRAFT) if record.s is not None else None)
        if old is None:
            break
        compared += 1
        divergence = _difference(number, record, old, new, before)
        if divergence is not None:
            return divergence, compared
    return None, compared


def _difference(
    number: int, record: Record, old: engine.Sprint, new: engine.Sprint | None, before: str | None
) -> Divergence | None:
    base = Divergence(sprint=number, at=record.t, input=said(record), kind="message")
    if new is None or new.ignored:
        expected = _first(_visible(old))
        return base.model_copy(update={"kind": "input_not_taken", "new_node": before, **_expected(expected)})
    then, now = _visible(old), _visible(new)
    for index in range(max(len(then), len(now))):
        mine = then[index] if index < len(then) else None
        theirs = now[index] if index < len(now) else None
        if mine is not None and theirs is not None and mine[1] == theirs[1]:
            continue
        changed: JsonObject = {**_expected(mine), "new_node": theirs[0] if theirs else new.session.current_node}
        changed["new"] = theirs[1] if theirs else None
        changed["kind"] = _kind(mine, theirs)
        return base.model_copy(update=changed)
    kinds = [sprint.session.wait.kind if sprint.session.wait else None for sprint in (old, new)]
    if kinds[0] != kinds[1]:
        nodes = {"expected_node": old.session.current_node, "new_node": new.session.current_node}
        return base.model_copy(update={"kind": "waits_for", **nodes})
    return None


Seen = tuple[str | None, JsonObject]


def _visible(sprint: engine.Sprint) -> list[Seen]:
    """What people see of a sprint: (node, event without its ids)."""
    seen: list[Seen] = []
    for event in sprint.events:
        if event.type in _SILENT:
            continue
        node = getattr(event, "node_id", None) or sprint.session.current_node
        seen.append((node, event.model_dump(mode="json", exclude=_OWN_IDS)))
    return seen


def _first(seen: list[Seen]) -> Seen | None:
    return seen[0] if seen else None


def _expected(seen: Seen | None) -> JsonObject:
    return {"expected_node": seen[0] if seen else None, "expected": seen[1] if seen else None}


def _kind(mine: Seen | None, theirs: Seen | None) -> str:
    if mine is None:
        return "more"
    if theirs is None:
        return "less"
    same = mine[1]["type"] == theirs[1]["type"]
    return "message" if same and mine[1]["type"] == "message_out" else "event"


def said(record: Record) -> str:
    """What the contact did, or what else woke the session, in a few words."""
    message = record.s.message if record.s is not None else None
    if isinstance(record.i, engine.MessageResume):
        message = record.i.message
    if message is not None:
        return (message.text or message.selection_id or f"[{message.type}]")[:200]
    return f"[{record.i.type}]" if record.i is not None else f"[{record.s.kind}]" if record.s is not None else ""
