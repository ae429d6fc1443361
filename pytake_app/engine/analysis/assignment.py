"""Definite assignment: variables read before they are written on some path, and never read at all.

A forward analysis over sets of variables kept as bits: what is certainly written on every way to a node.
Loops and flows that are called and come back are part of it; the fixed point is the greatest one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from pytake_app.engine.analysis.across import Across, Entered, memoised
from pytake_app.engine.analysis.graph import FlowGraph, FlowNode, Leg
from pytake_app.engine.analysis.report import Report, shortened, shown
from pytake_app.engine.nodes.facts import NO_PAUSE, Writes

MAX_EXAMPLES = 30
"""Variables for which an example path is looked for."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a flow does with variables: certainly written at its end, written anywhere, read anywhere, and
    read before it writes them itself."""

    certain: frozenset[str] | None
    """None: it never ends (or isn't known yet), so nothing follows it."""
    written: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()


_PENDING = Summary(None)
Calls = Callable[[Entered], Summary]


class Assignments:
    """The analysis of one graph from some entries."""

    def __init__(self, graph: FlowGraph, entries: list[str], across: Across, calls: Calls) -> None:
        self.graph = graph
        self.entries = entries
        self.names: dict[str, int] = {}
        self.called: dict[str, list[tuple[Entered, bool]]] = {}
        for node in graph.nodes.values():
            for enters in node.enters:
                entered = across.flow(enters.flow)
                if entered is not None:
                    self.called.setdefault(node.id, []).append((entered, enters.call))
        self.summary = calls
        self._index()
        self.order = graph.order if entries == graph.entries else graph.reached_from(entries[0])
        self.before: dict[str, int] = {}
        self._run()

    def _index(self) -> None:
        for node in self.graph.nodes.values():
            for write in node.writes:
                self.names.setdefault(write.name, len(self.names))
        for others in self.called.values():
            for entered, _call in others:
                for name in self.summary(entered).written:
                    self.names.setdefault(name, len(self.names))
        self.everything = (1 << len(self.names)) - 1

    def bits(self, names: frozenset[str] | set[str]) -> int:
        """A set of variables as bits; names that nothing writes are left out."""
        result = 0
        for name in names:
            if name in self.names:
                result |= 1 << self.names[name]
        return result

    def gains(self, leg: Leg) -> int | None:
        """What is certainly written when a node is left by this leg; None: it is never left so."""
        node = self.graph.nodes[leg.source]
        gained = 0
        # A value that an outside answer may lack counts as written, unless the type says where it surely is.
        surely = {write.name for write in node.writes if write.certain}
        for write in node.writes:
            counts = write.certain or write.name not in surely
            if counts and (write.ports is None or leg.port in write.ports):
                gained |= 1 << self.names[write.name]
        for proof in node.proves:
            if proof.port == leg.port and proof.name in self.names:
                gained |= 1 << self.names[proof.name]
        for entered, call in self.called.get(node.id, ()):
            if call and leg.port == "next":
                certain = self.summary(entered).certain
                if certain is None:
                    return None
                gained |= self.bits(certain)
        return gained

    def _run(self) -> None:
        graph = self.graph
        gains = {(leg.source, leg.port): self.gains(leg) for n in self.order for leg in graph.nodes[n].legs}
        rank = {n: i for i, n in enumerate(self.order)}
        before = self.before
        for entry in self.entries:
            before[entry] = 0
        changed = True
        while changed:
            changed = False
            for node_id in self.order:
                known = before.get(node_id)
                if known is None:
                    continue
                for leg in graph.nodes[node_id].legs:
                    gained = gains[leg.source, leg.port]
                    if gained is None:
                        continue
                    after = known | gained
                    old = before.get(leg.target)
                    new = after if old is None else old & after
                    if new != old:
                        before[leg.target] = new
                        changed = changed or rank[leg.target] <= rank[node_id]

    def unset(self, node: FlowNode) -> list[tuple[str, str]]:
        """(variable, pointer) of reads in a node of variables some way leaves unwritten, first of each."""
        known = self.before.get(node.id)
        if known is None:
            return []
        found: dict[str, str] = {}
        proven = {proof.name for proof in node.proves}
        for name, pointer in node.check.needs:
            bit = self.names.get(name)
            if bit is None or known >> bit & 1 or name in found or name in proven:
                continue
            if not any(w.name == name and w.ports is None and earlier(w.pointer, pointer) for w in node.writes):
                found[name] = pointer
        return list(found.items())

    def at_end(self) -> frozenset[str] | None:
        """Variables certainly written whenever the flow ends; None: it never does."""
        result: int | None = None
        for node_id in self.order:
            known = self.before.get(node_id)
            node = self.graph.nodes[node_id]
            if known is None or not self.graph.ends(node):
                continue
            for port in self.graph.leaving(node) or [""]:
                gained = self.gains(Leg(node_id, port, "", NO_PAUSE)) or 0
                result = known | gained if result is None else result & (known | gained)
        if result is None:
            return None
        return frozenset(name for name, bit in self.names.items() if result >> bit & 1)

    def example(self, name: str) -> dict[str, str | None]:
        """For each node some way reaches without writing ``name``: the node before it on a shortest one."""
        bit = 1 << self.names[name]
        parent: dict[str, str | None] = dict.fromkeys(self.entries)
        queue = deque(parent)
        while queue:
            node_id = queue.popleft()
            for leg in self.graph.nodes[node_id].legs:
                gained = self.gains(leg)
                if leg.target not in parent and gained is not None and not gained & bit:
                    parent[leg.target] = node_id
                    queue.append(leg.target)
        return parent


def earlier(written: str, read: str) -> bool:
    """Is the item of a list that writes before the one that reads?"""
    a, b = written.split("/"), read.split("/")
    return len(a) > 2 and len(b) > 2 and a[1] == b[1] and a[2].isdigit() and b[2].isdigit() and int(a[2]) < int(b[2])


def summaries(across: Across) -> Calls:
    """Summaries of flows, for those that enter them."""

    def compute(entered: Entered) -> Summary:
        analysis = Assignments(entered.graph, [entered.entry], across, summary)
        inside = [entered.graph.nodes[n] for n in analysis.order]
        written = {w.name for node in inside for w in node.writes}
        read = {name for node in inside for name in node.check.reads}
        needed = {name for node in inside for name, _ in analysis.unset(node)}
        needed |= {name for node in inside for name, _ in node.check.needs if name not in analysis.names}
        for others in analysis.called.values():
            for other, _call in others:
                below = summary(other)
                written |= below.written
                read |= below.read
        return Summary(analysis.at_end(), frozenset(written), frozenset(read), frozenset(needed))

    summary = memoised(compute, _PENDING)
    return summary


def check_variables(graph: FlowGraph, across: Across, report: Report) -> None:
    """Findings about variables: read before they are written on some path, set by nothing, never read."""
    summary = summaries(across)
    analysis = Assignments(graph, graph.entries, across, summary)
    examples: dict[str, dict[str, str | None]] = {}
    reads: set[str] = set()
    for node in graph.nodes.values():
        if node.id not in graph.live:
            continue
        reads |= node.check.reads.keys()
        for name, pointer in node.check.reads.items():
            if name not in analysis.names:
                report.add("unknown_variable", "info", node.id, pointer=pointer, params={"name": name[:64]})
        missing = [(name, pointer, "") for name, pointer in analysis.unset(node)]
        for entered, _call in analysis.called.get(node.id, ()):
            known = analysis.before.get(node.id, 0)
            missing += [
                (name, "", entered.name)
                for name in sorted(summary(entered).needed)
                if name in analysis.names and not known >> analysis.names[name] & 1
            ]
            reads |= summary(entered).read
        for name, pointer, flow in missing:
            if name not in examples and len(examples) < MAX_EXAMPLES:
                examples[name] = analysis.example(name)
            path = _walk_back(examples.get(name, {}), node.id)
            params: dict[str, str | int] = {"name": name[:64], "path": shown(graph, path)}
            if flow:
                params["flow"] = flow[:80]
                report.add(
                    "undefined_in_flow", "warning", node.id, params=params, path=shortened(path), mend="set_first"
                )
            else:
                more = {"params": params, "path": shortened(path), "mend": "set_first"}
                report.add("undefined_on_path", "warning", node.id, pointer=pointer, **more)
    if all(across.flow(e.flow) is not None for node in graph.nodes.values() for e in node.enters):
        _unused(graph, reads, report)


def _unused(graph: FlowGraph, reads: set[str], report: Report) -> None:
    for node in graph.nodes.values():
        told: set[str] = set()
        for write in node.writes:
            if node.id in graph.live and write.name not in reads and write.name not in told:
                told.add(write.name)
                mend = "drop_variable" if _droppable(node, write) else None
                params: dict[str, str | int] = {"name": write.name[:64]}
                report.add("unused_variable", "info", node.id, pointer=write.pointer, params=params, mend=mend)


def _droppable(node: FlowNode, write: Writes) -> bool:
    """Can the config do without this write? A field of its own must not be a required one."""
    field = write.pointer.strip("/").split("/")
    if len(field) == 2 and field[0] == "assignments" and node.config is not None:
        return len(getattr(node.config, "assignments", ())) > 1
    info = type(node.config).model_fields.get(field[0]) if len(field) == 1 and node.config is not None else None
    extra = info.json_schema_extra if info is not None else None
    return isinstance(extra, dict) and not extra.get("required")


def _walk_back(parent: dict[str, str | None], node_id: str) -> list[str]:
    if node_id not in parent:
        return []
    path = [node_id]
    while (before := parent[path[-1]]) is not None:
        path.append(before)
    path.reverse()
    return path
