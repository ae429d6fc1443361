"""Flows and the flows they enter: loaded once, summed up once, recursion included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pytake_app.engine.analysis.graph import FlowGraph
from pytake_app.engine.findings import VerifyEnv

MAX_FLOWS = 40
"""Other flows looked into in one verification; what lies behind is treated as unknown."""
MAX_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Entered:
    """A flow with its graph, as a jump enters it."""

    flow_id: str
    name: str
    graph: FlowGraph
    entry: str


class Across:
    """Other flows by reference. A reference to the flow under verification gives its own draft."""

    def __init__(self, env: VerifyEnv, own: FlowGraph) -> None:
        self._env = env
        self.own = own
        self._by_ref: dict[str, Entered | None] = {}
        self._by_id: dict[str, Entered | None] = {}

    @property
    def knows(self) -> bool:
        """Can other flows be looked into at all?"""
        return self._env.load_flow is not None

    def flow(self, ref: str) -> Entered | None:
        """The flow a reference means, or None: not live, not known, without an entry, or too many."""
        if ref in self._by_ref:
            return self._by_ref[ref]
        if ref == self._env.flow_id:
            found = self._entered(ref, self.own.document.name, self.own)
        elif self._env.load_flow is None or len(self._by_ref) >= MAX_FLOWS:
            return None
        else:
            other = self._env.load_flow(ref)
            if other is None:
                found = None
            elif other.flow_id == self._env.flow_id:
                found = self._entered(other.flow_id, other.name, self.own)
            elif other.flow_id in self._by_id:
                found = self._by_id[other.flow_id]
            else:
                name = other.name or other.document.name
                found = self._entered(other.flow_id, name, FlowGraph(other.document))
        self._by_ref[ref] = found
        return found

    def _entered(self, flow_id: str, name: str, graph: FlowGraph) -> Entered | None:
        entry = graph.jump_entry()
        found = Entered(flow_id, name or flow_id, graph, entry) if entry is not None else None
        self._by_id[flow_id] = found
        return found


T = TypeVar("T")


def memoised(compute: Callable[[Entered], T], pending: T) -> Callable[[Entered], T]:
    """``compute`` once a flow; within its own computation (recursion) and too deep it is ``pending``."""
    known: dict[str, T] = {}
    depth = 0

    def summary(entered: Entered) -> T:
        nonlocal depth
        if entered.flow_id not in known:
            if depth >= MAX_DEPTH:
                return pending
            known[entered.flow_id] = pending
            depth += 1
            known[entered.flow_id] = compute(entered)
            depth -= 1
        return known[entered.flow_id]

    return summary
