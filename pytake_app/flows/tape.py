"""What the engine was handed, sprint by sprint, kept with a session so that it can be played again.

A session's tape is a list of short records: the input, the moment, the ids that were made, what was known of contact
and organization (when it changed), which flows were entered, and a digest of the events. With the flow's immutable
version that is everything a sprint depends on. Records are written with the session (`flows.tapes`) and only ever
appended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from pytake_app.engine.compiled import CompiledFlow
from pytake_app.engine.events import Event
from pytake_app.engine.session import FlowRef, RequestResume, Resume, RunContext, Sprint, Trigger

Row = dict[str, Any]

MAX_RECORDS = 300
MAX_RECORD_BYTES = 16_384
"""A larger input (the answer of another system, mostly) isn't kept: the tape ends there."""

_EVENTS: TypeAdapter[list[Event]] = TypeAdapter(list[Event])


class Record(BaseModel):
    """One sprint as it was begun. Short keys: there are many of these.

    `i`: the resume; `s`: the trigger; exactly one of them, or `m` (version and node a publication moved the session
    to), or `gap` (the tape ends here). `t`: the moment; `n`: ids made; `c`, `o`, `ch`: contact, organization and
    channel, when they differ from the record before; `w`: end of the service window; `f`: flows that were asked for
    ("flow@version" to id and version, null for none); `y`: the history that was read; `ai`: whether a model was there;
    `d`: digest of the events.
    """

    model_config = ConfigDict(extra="ignore")

    t: datetime
    s: Trigger | None = None
    i: Resume | None = None
    m: tuple[int, str] | None = None
    gap: bool = False
    n: list[str] = Field(default_factory=list)
    c: Row | None = None
    o: Row | None = None
    ch: str | None = None
    w: datetime | None = None
    f: dict[str, tuple[str, int] | None] = Field(default_factory=dict)
    y: list[tuple[Literal["user", "assistant"], str]] | None = None
    ai: bool = False
    d: str = ""


def digest(events: Sequence[Event]) -> str:
    """Fingerprint of events: the same bytes give the same one."""
    return hashlib.blake2b(_EVENTS.dump_json(list(events)), digest_size=12).hexdigest()


def reference(ref: FlowRef) -> str:
    """A reference to a flow as a key of `Record.f`."""
    return f"{ref.flow}@{ref.version or ''}"


@dataclass(slots=True)
class Recording:
    """A context that notes what a sprint takes from it."""

    context: RunContext
    ids: list[str] = field(default_factory=list)
    flows: dict[str, tuple[str, int] | None] = field(default_factory=dict)
    history: list[tuple[Literal["user", "assistant"], str]] | None = None

    @classmethod
    def of(cls, context: RunContext) -> Recording:
        """Wrap the context; use `.context` for the sprint."""
        self = cls(context)
        self.context = replace(
            context,
            new_id=self._noted_id(context.new_id),
            load_flow=self._noted_flow(context.load_flow),
            history=self._noted_history(context.history),
        )
        return self

    def let_go(self) -> None:
        """The sprint is over. What it was handed notes into this recording and is kept by it: a circle that only the
        garbage collector would find, with all that the contact's events brought."""
        del self.context

    def _noted_id(self, make: Callable[[], str]) -> Callable[[], str]:
        def new_id() -> str:
            made = make()
            self.ids.append(made)
            return made

        return new_id

    def _noted_flow(self, load: Callable[[FlowRef], CompiledFlow | None]) -> Callable[[FlowRef], CompiledFlow | None]:
        def load_flow(ref: FlowRef) -> CompiledFlow | None:
            flow = load(ref)
            self.flows[reference(ref)] = (flow.flow_id, flow.version) if flow is not None else None
            return flow

        return load_flow

    def _noted_history(
        self, read: Callable[[int], list[tuple[Literal["user", "assistant"], str]]]
    ) -> Callable[[int], list[tuple[Literal["user", "assistant"], str]]]:
        def history(count: int) -> list[tuple[Literal["user", "assistant"], str]]:
            self.history = read(count)
            return self.history

        return history


@dataclass(slots=True)
class Tape:
    """The end of a session's tape: what the next record may leave out. Kept beside the engine's state."""

    count: int = 0
    known: str = ""
    ended: bool = False
    fresh: list[Row] = field(default_factory=list)
    """Records not written yet."""

    @classmethod
    def of(cls, kept: object) -> Tape:
        """From the row's state; nothing kept: the session began before tapes were, so none is begun."""
        if not isinstance(kept, list) or len(kept) != 3:
            return cls(ended=True)
        return cls(int(kept[0]), str(kept[1]), bool(kept[2]))

    def kept(self) -> list[object]:
        """What goes into the row's state."""
        return [self.count, self.known, self.ended]

    def add(self, recording: Recording, event: Trigger | Resume, before: bytes, sprint: Sprint) -> None:
        """Append a sprint. `before` is what `surroundings` said before it ran."""
        if self.ended:
            return
        context = recording.context
        record: Row = {"t": context.now.isoformat(), "d": digest(sprint.events)}
        key = "s" if isinstance(event, Trigger) else "i"
        record[key] = event.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        if key == "i":
            # What kind of thing it is stands in members that never differ from their default.
            record[key]["type"] = event.type  # type: ignore[union-attr]
            if isinstance(event, RequestResume):
                record[key]["result"]["kind"] = event.result.kind
        if recording.ids:
            record["n"] = recording.ids
        known = hashlib.blake2b(before, digest_size=8).hexdigest()
        if known != self.known:
            record["c"], record["o"], record["ch"] = orjson.loads(before)
        if context.window_expires_at is not None:
            record["w"] = context.window_expires_at.isoformat()
        if recording.flows:
            record["f"] = recording.flows
        if recording.history is not None:
            record["y"] = recording.history
        if context.ai:
            record["ai"] = True
        self._append(record, known)

    def _append(self, record: Row, known: str) -> None:
        if self.count >= MAX_RECORDS or len(orjson.dumps(record, default=str)) > MAX_RECORD_BYTES:
            record, self.ended = {"t": record["t"], "gap": True}, True
        self.count += 1
        self.known = known
        self.fresh.append(record)

    def taken(self) -> list[tuple[int, Row]]:
        """The records to be written now, with their numbers."""
        fresh, self.fresh = self.fresh, []
        return list(enumerate(fresh, self.count - len(fresh) + 1))


def surroundings(context: RunContext) -> bytes:
    """Contact, organization and channel as the sprint finds them, as JSON: a sprint may change what they refer to."""
    return orjson.dumps((context.contact, context.org, context.channel), default=str)


def moved(at: datetime, version: int, node_id: str) -> Row:
    """The record of a session that a publication moved."""
    return {"t": at.isoformat(), "m": [version, node_id]}
