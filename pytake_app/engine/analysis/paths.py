"""Every way through a flow: loop-free paths with a test conversation each, and what they cover."""

from __future__ import annotations

from collections import deque
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from pytake_app.engine.analysis.conversation import Driver, PathStep, TestConversation
from pytake_app.engine.analysis.explore import Explorer
from pytake_app.engine.analysis.graph import FlowGraph, FlowNode
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.session import OrgView

DEFAULT_LIMIT: Final = 200
MAX_LIMIT: Final = 5_000
RUNS_OF_A_PATH: Final = 150
MAX_RUNS: Final = 6_000
"""Runs of the engine to explore a flow of more paths than are wanted."""
PathEnd = Literal["end", "open", "loop", "jump", "wait"]


class FlowPath(BaseModel):
    """One loop-free path. ``ends``: at an end node, at a port with no edge (``open``), where it would come
    back to a node it has visited (``loop``), in another flow (``jump``), or at a node it can't leave
    (``wait``). ``conversation``: inputs that take the real engine along it; None: none was found, for
    ``reason`` (contradictory conditions, say)."""

    model_config = ConfigDict(frozen=True)

    steps: list[PathStep]
    ends: PathEnd
    conversation: TestConversation | None = None
    reason: str = ""


class Coverage(BaseModel):
    """Of the nodes and ports that can be reached: how many lie on the paths, and on driven ones."""

    model_config = ConfigDict(frozen=True)

    nodes: int
    nodes_covered: int
    nodes_driven: int
    ports: int
    ports_covered: int
    ports_driven: int
    missing_nodes: list[str] = Field(default_factory=list)
    missing_ports: list[PathStep] = Field(default_factory=list)


class PathsReport(BaseModel):
    """All paths up to a limit. ``truncated``: there are more; those given cover every port first."""

    model_config = ConfigDict(frozen=True)

    paths: list[FlowPath]
    truncated: bool
    coverage: Coverage


def paths(
    document: FlowDocument,
    limit: int = DEFAULT_LIMIT,
    *,
    drive: bool = True,
    explore: bool = True,
    budget: int = 300,
    org: OrgView | None = None,
) -> PathsReport:
    """All loop-free paths from every trigger, at most ``limit``; with ``drive`` each gets a test
    conversation, found by running the engine up to ``budget`` times. ``error`` ports are left out unless
    something outside the flow decides them. Never raises on a FlowDocument.

    ``explore``: when there are more than ``limit``, those come first that the engine was seen to go."""
    limit = max(1, min(limit, MAX_LIMIT))
    graph = FlowGraph(document)
    walker = _Walker(graph)
    found = walker.covering(limit)
    truncated = walker.all(found, limit)
    driver = Driver(document, graph, budget=budget, org=org)
    known: dict[tuple[PathStep, ...], TestConversation] = {}
    if truncated and explore:
        known = Explorer(graph, driver, walker.ways, runs=min(MAX_RUNS, RUNS_OF_A_PATH * limit)).paths(limit)
        found = _likeliest({way: walker.ends(way) for way in known}, found, limit)
    made: list[FlowPath] = []
    for steps, ends in found.items():
        conversation, reason = known.get(steps), ""
        if conversation is None and drive:
            conversation, reason = driver.conversation(list(steps))
        made.append(FlowPath(steps=list(steps), ends=ends, conversation=conversation, reason=reason))
    return PathsReport(paths=made, truncated=truncated, coverage=_coverage(graph, made))


def _likeliest(
    gone: dict[tuple[PathStep, ...], PathEnd], listed: dict[tuple[PathStep, ...], PathEnd], limit: int
) -> dict[tuple[PathStep, ...], PathEnd]:
    """Of more paths than are wanted: those that were gone, making room for those that alone take some port."""
    covered = {step for way in gone for step in way if step.port is not None}
    alone: dict[tuple[PathStep, ...], PathEnd] = {}
    for way, ends in listed.items():
        fresh = {step for step in way if step.port is not None} - covered
        if fresh:
            alone[way] = ends
            covered |= fresh
    room = max(limit - len(alone), (limit + 1) // 2)
    found = dict(list(gone.items())[:room]) | alone
    return dict(list((found | gone | listed).items())[:limit])


def followed(graph: FlowGraph, node: FlowNode) -> list[tuple[str, str | None]]:
    """(port, next node or None) of the ports a path may take, in canvas order."""
    wired = {leg.port: leg.target for leg in node.legs}
    decided = bool(node.enters) or any(leg.pause.kind == "outside" for leg in node.legs)
    found: list[tuple[str, str | None]] = []
    leaving = set(graph.leaving(node))
    for port in node.ports:
        if port.id == "error" and not decided:
            continue
        if port.id in wired:
            found.append((port.id, wired[port.id]))
        elif port.id in leaving and not (node.enters and port.id == "error"):
            found.append((port.id, None))
    return found


class _Walker:
    def __init__(self, graph: FlowGraph) -> None:
        self.graph = graph
        self.ways = {n: followed(graph, graph.nodes[n]) for n in graph.order}

    def covering(self, limit: int) -> dict[tuple[PathStep, ...], PathEnd]:
        """Shortest paths that together take every port, the longest first choice of what they add."""
        found: dict[tuple[PathStep, ...], PathEnd] = {}
        parent: dict[str, PathStep | None] = dict.fromkeys(self.graph.entries)
        queue = deque(parent)
        while queue:
            node_id = queue.popleft()
            for port, target in self.ways[node_id]:
                if target is not None and target not in parent:
                    parent[target] = PathStep(node_id=node_id, port=port)
                    queue.append(target)
        covered: set[tuple[str, str]] = set()
        for node_id in self.graph.order:
            for port, _target in self.ways[node_id]:
                if (node_id, port) in covered or len(found) >= limit or node_id not in parent:
                    continue
                steps = [PathStep(node_id=node_id, port=port)]
                while (before := parent[steps[-1].node_id]) is not None:
                    steps.append(before)
                steps.reverse()
                ends = self._extend(steps, covered)
                found[tuple(steps)] = ends
                covered |= {(s.node_id, s.port) for s in steps if s.port is not None}
        return found

    def _extend(self, steps: list[PathStep], covered: set[tuple[str, str]]) -> PathEnd:
        """Go on from the last step to an end, by ports that are new where there are any."""
        seen = {step.node_id for step in steps}
        target = dict(self.ways[steps[-1].node_id]).get(steps[-1].port or "")
        while target is not None:
            if target in seen:
                return "loop"
            seen.add(target)
            ways = self.ways[target]
            if not ways:
                steps.append(PathStep(node_id=target))
                return self._end_of(target)
            fresh = [w for w in ways if (target, w[0]) not in covered and w[1] not in seen]
            port, following = (fresh or [w for w in ways if w[1] not in seen] or ways)[0]
            steps.append(PathStep(node_id=target, port=port))
            target = following
        return "open"

    def ends(self, steps: tuple[PathStep, ...]) -> PathEnd:
        """How a path ends."""
        last = steps[-1]
        if last.port is None:
            return self._end_of(last.node_id)
        target = dict(self.ways[last.node_id]).get(last.port)
        if target is None:
            return "open"
        return "loop" if target in {step.node_id for step in steps} else "wait"

    def _end_of(self, node_id: str) -> PathEnd:
        node = self.graph.nodes[node_id]
        if node.enters:
            return "jump"
        return "end" if not node.ports else "wait"

    def all(self, found: dict[tuple[PathStep, ...], PathEnd], limit: int) -> bool:
        """Depth first, without repeating a node, until there are ``limit``. True when there are more."""
        for entry in self.graph.entries:
            steps: list[PathStep] = []
            seen: set[str] = {entry}
            if not self.ways[entry]:
                found.setdefault((PathStep(node_id=entry),), self._end_of(entry))
            stack = [(entry, iter(self.ways[entry]))]
            while stack:
                node_id, ways = stack[-1]
                del steps[len(stack) - 1 :]
                step = next(ways, None)
                if step is None:
                    stack.pop()
                    seen.discard(node_id)
                    continue
                port, target = step
                steps.append(PathStep(node_id=node_id, port=port))
                done: tuple[tuple[PathStep, ...], PathEnd] | None = None
                if target is None:
                    done = tuple(steps), "open"
                elif target in seen:
                    done = tuple(steps), "loop"
                elif not self.ways[target]:
                    done = (*steps, PathStep(node_id=target)), self._end_of(target)
                else:
                    seen.add(target)
                    stack.append((target, iter(self.ways[target])))
                if done is not None and done[0] not in found:
                    if len(found) >= limit:
                        return True
                    found[done[0]] = done[1]
        return False


def _coverage(graph: FlowGraph, made: list[FlowPath]) -> Coverage:
    nodes = {n for n in graph.order if graph.nodes[n].name not in ("note", "group")}
    ports = {(n, leg.port) for n in nodes for leg in graph.nodes[n].legs}
    on = {s.node_id for path in made for s in path.steps}
    by = {(s.node_id, s.port or "") for path in made for s in path.steps}
    driven = [path for path in made if path.conversation is not None]
    on_driven = {s.node_id for path in driven for s in path.steps}
    by_driven = {(s.node_id, s.port or "") for path in driven for s in path.steps}
    return Coverage(
        nodes=len(nodes),
        nodes_covered=len(nodes & on),
        nodes_driven=len(nodes & on_driven),
        ports=len(ports),
        ports_covered=len(ports & by),
        ports_driven=len(ports & by_driven),
        missing_nodes=sorted(nodes - on)[:200],
        missing_ports=[PathStep(node_id=n, port=p) for n, p in sorted(ports - by)[:200]],
    )
