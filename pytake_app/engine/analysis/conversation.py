"""Test conversations: inputs that take the real engine along a given path, found by running it.

At each wait the inputs that may lead out by the wanted port are tried, best first; when the engine goes
another way later on, the next one is tried. What isn't said by the contact (contact fields, parameters,
the clock, the window, whom a split sends where) is chosen before the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from pytake_app.engine.analysis.graph import FlowGraph, FlowNode
from pytake_app.engine.analysis.inputs import TestInput, inputs_for, resume_of
from pytake_app.engine.analysis.wishes import PathWishes, Wishes, wishes_of
from pytake_app.engine.compiled import CompiledFlow, compile_flow
from pytake_app.engine.document import Edge, FlowDocument, Node
from pytake_app.engine.runner import resume, start
from pytake_app.engine.session import ContactView, FlowRef, InboundInput, OrgView, RunContext, Sprint, Trigger

BEGIN: Final = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)
"""A Monday, ten in the morning in São Paulo."""
STANDARD: Final = frozenset({"name", "email", "language", "lifecycle_stage", "lead_score", "phone", "id"})
MAX_SPLIT_TRIES: Final = 400
_KINDS: Final = {
    "trigger_keyword": "keyword", "trigger_template": "template", "trigger_webhook": "webhook",
    "trigger_schedule": "schedule", "trigger_event": "event", "trigger_universal": "universal",
}  # fmt: skip


class PathStep(BaseModel):
    """A node and the port it is left by; None: the path ends there."""

    model_config = ConfigDict(frozen=True)

    node_id: str
    port: str | None = None


class TestConversation(BaseModel):
    """How to take the path: the trigger node, its message and parameters, what the contact is, and the
    inputs in order, each with the minutes since the one before. ``window_open`` is said per sprint."""

    model_config = ConfigDict(frozen=True)
    __test__ = False

    trigger: str
    text: str = ""
    selection_id: str | None = None
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    contact: dict[str, JsonValue] = Field(default_factory=dict)
    now: datetime
    inputs: list[TestInput] = Field(default_factory=list)
    missing_flows: list[str] = Field(default_factory=list)


class SpentError(Exception):
    """No more runs for this path."""


@dataclass(slots=True)
class World:
    """What is chosen before the start."""

    contact: ContactView
    parameters: dict[str, JsonValue]
    seed: str
    missing: set[str]
    ai: bool


class Driver:
    """Finds conversations for the paths of one document. ``org``: whose clock and calendars count."""

    def __init__(
        self, document: FlowDocument, graph: FlowGraph, *, budget: int = 300, org: OrgView | None = None
    ) -> None:
        self.graph = graph
        self.org = org or OrgView(id="org", name="Loja")
        self.flow = compile_flow(document, "this", 1)
        self.budget = budget
        self._left = 0
        self._returns = compile_flow(
            FlowDocument(
                nodes=[Node(id="s", type="start"), Node(id="e", type="end")],
                edges=[Edge(id="e", source="s", port="next", target="e")],
            ),
            "other",
            1,
        )
        self._splits: dict[tuple[str, int], str | None] = {}
        self._wishes: tuple[list[PathStep], PathWishes] | None = None

    def conversation(self, steps: list[PathStep]) -> tuple[TestConversation | None, str]:
        """A conversation for a path, or None and why not."""
        known = [(self.graph.nodes[s.node_id], s.port) for s in steps]
        if any(node.config is None for node, _ in known):
            return None, "invalid_node"
        self._left = self.budget
        seed = self._seed(known)
        if seed is None:
            return None, "split"
        reason = "not_found"
        try:
            for world in self.worlds(known, seed):
                run = Attempt(self, steps, known, world)
                for first, text, selection in run.starts():
                    inputs = run.go_on(first)
                    if inputs is not None:
                        return run.told(text, selection, inputs), ""
        except SpentError:
            reason = "budget"
        return None, reason

    def wishes(self, steps: list[PathStep], known: list[tuple[FlowNode, str | None]]) -> PathWishes:
        """What the path asks for, worked out once for all worlds."""
        if self._wishes is None or self._wishes[0] is not steps:
            self._wishes = steps, PathWishes(known)
        return self._wishes[1]

    def spend(self) -> None:
        """One run of the engine."""
        self._left -= 1
        if self._left < 0:
            raise SpentError

    def _seed(self, known: list[tuple[FlowNode, str | None]]) -> int | None:
        """A number whose contact (and session) every split of the path sends the wanted way."""
        splits = [(n, p) for n, p in known if p is not None and p.startswith("branch:")]
        for seed in range(MAX_SPLIT_TRIES if splits else 1):
            if all(self._split(node, seed) == port for node, port in splits):
                return seed
        return None

    def _split(self, node: FlowNode, seed: int) -> str | None:
        key = (node.id, seed)
        if key not in self._splits:
            entry = Node(id="entry of the split", type="start")
            alone = FlowDocument(
                nodes=[entry, node.node], edges=[Edge(id="e", source=entry.id, port="next", target=node.id)]
            )
            context = RunContext(now=BEGIN, new_id=ids(seed), contact=ContactView(id=f"contact-{seed}"))
            sprint = start(compile_flow(alone, "split", 1), Trigger(kind="api"), context)
            self._splits[key] = sprint.steps[-1].port if sprint.steps else None
        return self._splits[key]

    def grant(self, runs: int) -> None:
        """How often the engine may run from now on."""
        self._left = runs

    def worlds(self, known: list[tuple[FlowNode, str | None]], seed: int) -> Iterator[World]:
        """What may be chosen before the start of a path, best first."""
        wishes = wishes_of(known)
        written = {write.name for node, _ in known for write in node.writes}
        contact = ContactView(
            id=f"contact-{seed}",
            name="Maria Souza",
            phone="+5511987654321",
            email="maria@example.com",
            language="pt_BR",
        )
        parameters: dict[str, JsonValue] = {}
        for name in wishes.by_name:
            root, _, rest = name.partition(".")
            values = wishes.values(name)
            if not values:
                continue
            if root == "contact" and rest:
                _set_contact(contact, rest.removeprefix("fields."), values[0])
            elif not rest and name not in written:
                parameters[name] = values[0]
        missing = {e.flow for node, port in known if port == "error" for e in node.enters}
        models = any(node.type is not None and node.type.group == "ai" and node.waits for node, _ in known)
        yield World(contact, parameters, str(seed), missing, ai=models)
        if models or any(node.type is not None and node.type.group == "ai" for node, _ in known):
            yield World(contact, parameters, str(seed), missing, ai=not models)

    def load(self, missing: set[str]) -> Callable[[FlowRef], CompiledFlow | None]:
        """Other flows: they end at once and come back, or aren't there."""

        def load_flow(ref: FlowRef) -> CompiledFlow | None:
            if ref.flow == "this":
                return self.flow
            return None if ref.flow in missing else self._returns

        return load_flow


def ids(seed: int | str) -> Callable[[], str]:
    """Counted ids, different for each seed."""
    numbers = count(1)
    return lambda: f"test-{seed}-{next(numbers)}"


def _set_contact(contact: ContactView, field: str, value: JsonValue) -> None:
    if field == "first_name":
        contact.name = str(value)
    elif field == "tags":
        contact.tags = [str(value)]
    elif field == "lead_score":
        contact.lead_score = int(value) if isinstance(value, int | float) else 0
    elif field in STANDARD:
        setattr(contact, field, str(value))
    else:
        contact.fields[field] = value


class Attempt:
    """The search for the inputs of one path in one world."""

    def __init__(
        self, driver: Driver, steps: list[PathStep], known: list[tuple[FlowNode, str | None]], world: World
    ) -> None:
        self.driver = driver
        self.steps = steps
        self.known = known
        self.world = world
        self.new_id = ids(world.seed)
        self.now = BEGIN
        self.wishes = driver.wishes(steps, known)

    def context(self, now: datetime, at: int) -> RunContext:
        """The world of a sprint that begins at step ``at``."""
        return RunContext(
            now=now,
            new_id=self.new_id,
            contact=self.world.contact,
            org=self.driver.org,
            window_expires_at=now + timedelta(hours=20) if self._window(at) else now - timedelta(hours=1),
            load_flow=self.driver.load(self.world.missing),
            ai=self.world.ai,
        )

    def _window(self, at: int) -> bool:
        """Must the window be open in the sprint that begins at this step?"""
        for index, (node, port) in enumerate(self.known[at:]):
            if node.type is not None and node.type.window is not None and port is not None:
                return node.type.window(port) == "open"
            if index and node.waits:
                break
        return True

    def moments(self, at: int, now: datetime) -> Iterator[datetime]:
        """When the sprint may begin: now, or later where a calendar is looked at."""
        yield now
        for index, (node, port) in enumerate(self.known[at:]):
            if port in ("open", "closed") and node.type is not None and node.type.window is None:
                yield from (now + timedelta(hours=5 * n) for n in range(1, 40))
                return
            if index and node.waits:
                return

    def starts(self) -> Iterator[tuple[Sprint, str, str | None]]:
        """First sprints that take the path as far as they go."""
        node, port = self.known[0]
        selection = port.removeprefix("option:") if port is not None and port.startswith("option:") else None
        wishes = self.wishes.after(0)
        spoken = [str(w) for name in ("message.text", "user_message") for w in wishes.values(name)]
        config = node.config
        words = [w for w in getattr(config, "words", ()) if isinstance(w, str)]
        # A keyword trigger answers its words; other texts are tried for what comes after it.
        texts = list(dict.fromkeys([*words, *spoken, *wishes.texts[:20], "oi"]))
        kind = _KINDS.get(node.name, "api")
        for text in texts:
            for now in self.moments(0, BEGIN):
                self.new_id = ids(self.world.seed)
                said = "" if selection else text
                inbound = "interactive" if selection else "text"
                message = InboundInput(type=inbound, text=said, selection_id=selection)
                trigger = Trigger.model_validate(
                    {"kind": kind, "node_id": node.id, "message": message, "params": self.world.parameters}
                )
                self.driver.spend()
                sprint = start(self.driver.flow, trigger, self.context(now, 0))
                if self.reached(sprint, 0) is not None:
                    self.now = now
                    yield sprint, said, selection

    def reached(self, sprint: Sprint, at: int) -> int | None:
        """The step the sprint stands at when it went along the path from step ``at``; None: it strayed."""
        taken = [s for s in sprint.steps if s.flow_id == "this"]
        for index, step in enumerate(taken):
            if at >= len(self.steps):
                return at
            wanted = self.steps[at]
            if step.node_id != wanted.node_id:
                return None
            if step.port is None and wanted.port is not None:
                last = index == len(taken) - 1
                wait = sprint.session.wait if last else None
                if wait is not None and wait.node_id == step.node_id:
                    continue
                if not self.known[at][0].enters:
                    return None
                at += 1
                continue
            if step.port != wanted.port and wanted.port is not None:
                return None
            at += 1
        return at

    def go_on(self, sprint: Sprint) -> list[TestInput] | None:
        """Inputs that finish the path from the first sprint on."""
        begun = self.reached(sprint, 0)
        return None if begun is None else self._search(sprint, begun, self.now)

    def _search(self, sprint: Sprint, at: int, now: datetime) -> list[TestInput] | None:
        if at >= len(self.steps):
            return []
        wait = sprint.session.wait
        node, port = self.known[at]
        if port is None:
            return []
        if wait is None or wait.node_id != node.id:
            return None
        wishes = self._wishes(at)
        for given in inputs_for(node, port, wishes):
            soonest = now + timedelta(minutes=1)
            if given.type in ("timeout", "delay") and wait.timeout_at is not None:
                soonest = wait.timeout_at
            for moment in self.moments(at, soonest):
                found = self.give(sprint, at, given, moment)
                if found is None:
                    continue
                inputs, after, reached = found
                rest = self._search(after, reached, moment)
                if rest is not None:
                    minutes = max(1, round((moment - now).total_seconds() / 60))
                    return [inputs[0].model_copy(update={"after_minutes": minutes}), *inputs[1:], *rest]
        return None

    def give(
        self, sprint: Sprint, at: int, given: TestInput, now: datetime
    ) -> tuple[list[TestInput], Sprint, int] | None:
        """Give an input (again, while the node asks again for it) and see how far the session goes."""
        inputs: list[TestInput] = []
        current = sprint
        for _ in range(12):
            wait = current.session.wait
            if wait is None:
                return None
            self.driver.spend()
            current = resume(current.session, self.driver.flow, resume_of(given, wait), self.context(now, at))
            if current.ignored:
                return None
            inputs.append(given)
            reached = self.reached(current, at)
            if reached is None:
                return None
            if reached > at:
                return inputs, current, reached
            if not given.again or current.session.wait is None:
                return None
        return None

    def _wishes(self, at: int) -> Wishes:
        return self.wishes.after(at)

    def told(self, text: str, selection: str | None, inputs: list[TestInput]) -> TestConversation:
        """The conversation, to be stored or shown."""
        contact = self.world.contact
        fields: dict[str, JsonValue] = {"id": contact.id, "name": contact.name, "email": contact.email}
        fields |= {"phone": contact.phone, "lead_score": contact.lead_score, "tags": [*contact.tags]}
        return TestConversation(
            trigger=self.steps[0].node_id,
            text=text,
            selection_id=selection,
            parameters=self.world.parameters,
            contact=fields | ({"fields": dict(contact.fields)} if contact.fields else {}),
            now=self.now,
            inputs=inputs,
            missing_flows=sorted(self.world.missing),
        )
