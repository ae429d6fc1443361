"""Ways through a flow that the engine really goes, with the inputs that make it: for flows of so many paths that most
of those that can be listed contradict themselves.

A session is a value: from every wait any answer can be tried without having to say again what went before. What lies
between two waits (a stretch) is listed; each stretch is asked for by the inputs that suit it, new ports first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count, islice
from typing import Final

from pytake_app.engine.analysis.conversation import (
    BEGIN,
    Attempt,
    Driver,
    PathStep,
    SpentError,
    TestConversation,
    World,
)
from pytake_app.engine.analysis.graph import FlowGraph, FlowNode
from pytake_app.engine.analysis.inputs import TestInput, inputs_for
from pytake_app.engine.session import Sprint

MAX_STRETCHES: Final = 24
"""Ways from one wait to the next that are looked at."""
MAX_TRIES: Final = 8
"""Inputs that are tried for a stretch."""
MAX_FAILURES: Final = 2
"""Failures after which a stretch is taken for impossible."""

Way = tuple[PathStep, ...]
_Port = tuple[str, str]
Ways = dict[str, list[tuple[str, str | None]]]


@dataclass(frozen=True, slots=True)
class _Stand:
    """A session that waits at `node`, and how it came there."""

    node: str
    steps: Way
    seen: frozenset[str]
    sprint: Sprint
    inputs: tuple[TestInput, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class _Begun:
    trigger: str
    text: str
    selection: str | None
    now: datetime


class Explorer:
    """Explores one document.

    Parameters:
        ways: of each node the ports a path may take, with what follows.
        runs: how often the engine may run, over all paths.
    """

    def __init__(self, graph: FlowGraph, driver: Driver, ways: Ways, *, runs: int) -> None:
        self._graph, self._driver, self._ways, self._runs = graph, driver, ways, runs
        self._covered: set[_Port] = set()
        self._ports: dict[Way, frozenset[_Port]] = {}
        self._later: list[tuple[int, int, _Begun, World, _Stand | None, Way]] = []
        self._number = count()
        self._failed: dict[tuple[str, Way], int] = {}

    def paths(self, limit: int) -> dict[Way, TestConversation]:
        """At most `limit` loop-free paths, those that take new ports first."""
        found: dict[Way, TestConversation] = {}
        self._driver.grant(self._runs)
        world = next(self._driver.worlds([], 0))
        for entry in self._graph.entries:
            self._put_aside(_Begun(entry, "", None, BEGIN), world, None, self._stretches(entry, frozenset()))
        try:
            while self._later and len(found) < limit:
                before, number, begun, world, stand, way = heappop(self._later)
                now = self._news(way)
                if now < -before:  # others have taken its ports meanwhile
                    heappush(self._later, (-now, number, begun, world, stand, way))
                    continue
                self._go(begun, world, stand, way, found)
        except SpentError:
            pass  # what was found by then is what there is
        return found

    def _put_aside(self, begun: _Begun, world: World, stand: _Stand | None, options: list[Way]) -> None:
        """For later: those that take most new ports come first, of equal ones the oldest."""
        for way in options:
            heappush(self._later, (-self._news(way), next(self._number), begun, world, stand, way))

    def _news(self, way: Way) -> int:
        return len(self._taken(way) - self._covered)

    def _taken(self, way: Way) -> frozenset[_Port]:
        if way not in self._ports:
            self._ports[way] = frozenset((step.node_id, step.port) for step in way if step.port is not None)
        return self._ports[way]

    def _go(
        self,
        begun: _Begun,
        world: World,
        stand: _Stand | None,
        way: Way,
        found: dict[Way, TestConversation],
    ) -> None:
        """Along `way` and on to an end, keeping aside what else could have been done."""
        if stand is None:
            started = self._start(begun.trigger, world, way)
            if started is None:
                return
            begun, following = started
        else:
            on = self._on(stand, world, way)
            if on is None:
                return
            following = on
        self._covered |= self._taken(way)
        while True:
            here, options = following, self._stretches(following.node, following.seen) if following.node else []
            while options:
                way = options.pop(max(range(len(options)), key=lambda index: (self._news(options[index]), -index)))
                on = self._on(here, world, way)
                if on is not None:
                    following = on
                    break
            else:
                self._keep(begun, world, here, found)
                return
            self._covered |= self._taken(way)
            self._put_aside(begun, world, here, options)

    def _keep(self, begun: _Begun, world: World, stand: _Stand, found: dict[Way, TestConversation]) -> None:
        attempt = Attempt(self._driver, list(stand.steps[:1]), self._known(stand.steps[:1]), world)
        attempt.now = begun.now
        found.setdefault(stand.steps, attempt.told(begun.text, begun.selection, list(stand.inputs)))

    def _known(self, way: Way) -> list[tuple[FlowNode, str | None]]:
        return [(self._graph.nodes[step.node_id], step.port) for step in way]

    def _start(self, trigger: str, world: World, way: Way) -> tuple[_Begun, _Stand] | None:
        attempt = Attempt(self._driver, list(way), self._known(way), world)
        for sprint, text, selection in islice(attempt.starts(), MAX_TRIES):
            if attempt.reached(sprint, 0) == len(way):
                begun = _Begun(trigger, text, selection, attempt.now)
                return begun, self._stood((), frozenset(), way, sprint, (), attempt.now)
        return None

    def _on(self, stand: _Stand, world: World, way: Way) -> _Stand | None:
        """The session after a stretch, or None when no input takes it."""
        if self._failed.get((stand.node, way), 0) >= MAX_FAILURES:
            return None
        attempt = Attempt(self._driver, list(way), self._known(way), world)
        wait = stand.sprint.session.wait
        step = way[0]
        if wait is None or step.port is None:
            return None
        asked = inputs_for(self._graph.nodes[step.node_id], step.port, attempt.wishes.after(0))
        for given in islice(asked, MAX_TRIES):
            soonest = stand.now + timedelta(minutes=1)
            if given.type in ("timeout", "delay") and wait.timeout_at is not None:
                soonest = wait.timeout_at
            for moment in attempt.moments(0, soonest):
                done = attempt.give(stand.sprint, 0, given, moment)
                if done is None or done[2] < len(way):
                    continue
                inputs, sprint, _reached = done
                minutes = max(1, round((moment - stand.now).total_seconds() / 60))
                said = (inputs[0].model_copy(update={"after_minutes": minutes}), *inputs[1:])
                return self._stood(stand.steps, stand.seen, way, sprint, (*stand.inputs, *said), moment)
        self._failed[stand.node, way] = self._failed.get((stand.node, way), 0) + 1
        return None

    def _stood(
        self, steps: Way, seen: frozenset[str], way: Way, sprint: Sprint, inputs: tuple[TestInput, ...], now: datetime
    ) -> _Stand:
        """Where the session stands; nowhere (an empty node) when the path is at its end."""
        last = way[-1]
        target = dict(self._ways[last.node_id]).get(last.port or "")
        been = seen | {step.node_id for step in way}
        wait = sprint.session.wait
        stands = target is not None and target not in been and wait is not None and wait.node_id == target
        return _Stand(target if stands and target else "", (*steps, *way), been, sprint, inputs, now)

    def _stretches(self, node_id: str, seen: frozenset[str]) -> list[Way]:
        """From a node to the next wait, to an end, or to where it would come back to a node it has passed."""
        return list(islice(self._follow(node_id, seen, ()), MAX_STRETCHES))

    def _follow(self, node_id: str, seen: frozenset[str], steps: Way) -> Iterator[Way]:
        ways = self._ways[node_id]
        if not ways:
            yield (*steps, PathStep(node_id=node_id))
            return
        been = seen | {node_id}
        for port, target in ways:
            way = (*steps, PathStep(node_id=node_id, port=port))
            if target is None or target in been or (self._graph.nodes[target].waits and self._ways[target]):
                yield way
            elif len(way) < 60:
                yield from self._follow(target, been, way)
