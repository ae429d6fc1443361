"""Structure: entries, edges, ports, circles without a wait (also across flows), stretches too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from pytake_app.engine.analysis.across import Across, Entered, memoised
from pytake_app.engine.analysis.graph import QUIET_PORTS, FlowGraph, Leg, components, is_entry
from pytake_app.engine.analysis.report import Report
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.findings import Severity
from pytake_app.engine.limits import MAX_MESSAGES_PER_SPRINT, MAX_VISITS_PER_SPRINT
from pytake_app.engine.nodes import CATALOGUED, canonical_type

PassTest = Callable[[Entered], bool]
CANVAS: Final = frozenset({"note", "group"})


def check_edges(document: FlowDocument, report: Report) -> None:
    """Ids that occur twice, edges from and to nothing, ports with two edges."""
    types: dict[str, str] = {}
    for node in document.nodes:
        if node.id in types:
            report.add("duplicate_node_id", "error", node.id, params={"id": node.id})
        types.setdefault(node.id, canonical_type(node.type))
    taken: set[tuple[str, str]] = set()
    for edge in document.edges:
        if edge.source not in types:
            report.add("edge_from_nothing", "error", params={"id": edge.source}, mend="delete_edge")
        elif edge.target not in types:
            params = {"target": edge.target}
            report.add("edge_to_nothing", "error", edge.source, port=edge.port, params=params, mend="delete_edge")
        elif (edge.source, edge.port) in taken:
            report.add("duplicate_edge", "error", edge.source, port=edge.port, mend="delete_edge")
        else:
            taken.add((edge.source, edge.port))
            target = types[edge.target]
            if is_entry(target):
                params = {"target": edge.target}
                report.add(
                    "edge_to_trigger", "warning", edge.source, port=edge.port, params=params, mend="skip_trigger"
                )
            elif target in CANVAS:
                report.add("edge_to_note", "error", edge.source, port=edge.port, mend="delete_edge")


def check_types(graph: FlowGraph, report: Report) -> None:
    """Nodes that can't run, and how the flow begins."""
    for node in graph.nodes.values():
        if node.type is None and node.name in CATALOGUED:
            if node.name not in CANVAS:
                report.add("unsupported_type", "error", node.id, params={"type": node.name})
        elif node.type is None:
            report.add("unknown_type", "error", node.id, params={"type": node.name[:60]})
    names = [graph.nodes[n].name for n in graph.entries]
    if not names:
        report.add("no_trigger", "error", mend="add_start" if graph.nodes else None)
    elif set(names) == {"start"}:
        report.add("only_start", "info")
    for kind in ("start", "trigger_universal"):
        for extra in [n for n in graph.entries if graph.nodes[n].name == kind][1:]:
            report.add("second_entry", "warning", extra, params={"type": kind}, mend="delete_node")


def check_reach(graph: FlowGraph, report: Report) -> None:
    """Nodes that no path from an entry reaches."""
    if not graph.live:
        return
    for node in graph.nodes.values():
        if node.id not in graph.live and node.name not in CANVAS:
            report.add("unreachable", "warning", node.id, mend="delete_node")


def check_ports(graph: FlowGraph, report: Report) -> None:
    """Ports that lead nowhere, and edges on ports a node doesn't have."""
    for node in graph.nodes.values():
        if node.config is None:
            continue
        for port in node.ports:
            if port.id in node.wired:
                continue
            label = port.label or port.label_key or port.id
            if port.required:
                # What no path reaches can't mislead a contact: it doesn't block publishing.
                severity: Severity = "error" if node.id in graph.live or not graph.live else "warning"
                params = {"label": label}
                report.add("unconnected_port", severity, node.id, port=port.id, params=params, mend="connect_end")
            elif port.id not in QUIET_PORTS and node.id in graph.live and not port.id.startswith("option:"):
                params = {"label": label}
                report.add("dead_end", "warning", node.id, port=port.id, params=params, mend="connect_end")
        known = {port.id for port in node.ports}
        for port_id in node.wired:
            if port_id not in known:
                params = {"label": port_id}
                report.add("unknown_port", "warning", node.id, port=port_id, params=params, mend="delete_edge")


def at_once(leg: Leg) -> bool:
    """Is nothing waited for that the contact or the clock decides?"""
    return leg.pause.kind in ("none", "outside")


def check_loops(graph: FlowGraph, across: Across, report: Report) -> None:
    """Circles that a session could run for ever, and stretches over the limits of a sprint."""
    passes = _passes(across)

    def open_legs(node_id: str) -> Iterator[Leg]:
        node = graph.nodes[node_id]
        for leg in node.legs:
            if at_once(leg) and all(
                not enters.call
                or leg.port != "next"
                or (entered := across.flow(enters.flow)) is None
                or passes(entered)
                for enters in node.enters
            ):
                yield leg

    legs = {n: list(open_legs(n)) for n in graph.nodes}
    order = components(graph.nodes, lambda n: (leg.target for leg in legs[n]))
    circles = False
    for component in order:
        first = component[0]
        if len(component) == 1 and all(leg.target != first for leg in legs[first]):
            continue
        circles = True
        inside = set(component)
        members = [n for n in graph.nodes if n in inside] if len(component) > 1 else component
        names = ", ".join(graph.nodes[n].label for n in members[:5])
        params: dict[str, str | int] = {"count": len(members), "nodes": names[:200]}
        report.add("loop_without_wait", "error", members[0], params=params, mend="insert_wait", path=members[:60])
    if not circles:
        _check_stretches(graph, legs, [c[0] for c in reversed(order)], report)
    _check_mutual(graph, across, legs, report)


def _passes(across: Across) -> PassTest:
    """Can a called flow be gone through, from its entry to its end, without a wait?"""

    def compute(entered: Entered) -> bool:
        graph = entered.graph
        seen, stack = {entered.entry}, [entered.entry]
        while stack:
            node = graph.nodes[stack.pop()]
            if graph.ends(node) and all(at_once(graph.way_out(node, p)) for p in graph.leaving(node)):
                return True
            for enters in node.enters:
                other = across.flow(enters.flow)
                if not enters.call and (other is None or passes(other)):
                    return True
            for leg in node.legs:
                called = [across.flow(e.flow) for e in node.enters if e.call and leg.port == "next"]
                if at_once(leg) and leg.target not in seen and all(c is None or passes(c) for c in called):
                    seen.add(leg.target)
                    stack.append(leg.target)
        return False

    passes = memoised(compute, pending=False)
    return passes


def _check_mutual(graph: FlowGraph, across: Across, own: dict[str, list[Leg]], report: Report) -> None:
    """Flows that enter each other without a wait between: from a jump back to this flow's entry and on to it."""
    entry = graph.jump_entry()
    if not across.knows or entry is None:
        return
    reached, stack = {entry}, [entry]
    while stack:
        for leg in own[stack.pop()]:
            if leg.target not in reached:
                reached.add(leg.target)
                stack.append(leg.target)
    for node_id in graph.nodes:
        node = graph.nodes[node_id]
        for enters in node.enters:
            entered = across.flow(enters.flow)
            if node_id not in reached or entered is None or enters.pause.kind not in ("none", "outside"):
                continue
            chain = _way_back(entered, graph, across)
            if chain is not None:
                names = " → ".join([graph.document.name or "…", *chain])
                params: dict[str, str | int] = {"flows": names[:200], "count": len(chain)}
                report.add("mutual_jump", "error", node_id, pointer=enters.pointer, params=params, mend="insert_wait")


def _way_back(start: Entered, home: FlowGraph, across: Across) -> list[str] | None:
    """Names of the flows entered one from another without a wait, from ``start`` to ``home``; None: no such way."""
    ways: list[tuple[Entered, list[str]]] = [(start, [start.name])]
    seen = {start.flow_id}
    while ways:
        entered, names = ways.pop(0)
        graph = entered.graph
        if graph is home:
            return names
        inside, stack = {entered.entry}, [entered.entry]
        while stack:
            node = graph.nodes[stack.pop()]
            for enters in node.enters:
                other = across.flow(enters.flow)
                quick = enters.pause.kind in ("none", "outside")
                if quick and other is not None and other.flow_id not in seen:
                    seen.add(other.flow_id)
                    ways.append((other, [*names, other.name]))
            for leg in node.legs:
                if at_once(leg) and leg.target not in inside:
                    inside.add(leg.target)
                    stack.append(leg.target)
    return None


def _check_stretches(graph: FlowGraph, legs: dict[str, list[Leg]], order: list[str], report: Report) -> None:
    """The longest way between two waits must fit into one sprint."""
    steps: dict[str, int] = dict.fromkeys(order, 1)
    messages: dict[str, int] = {}
    for node_id in order:
        node = graph.nodes[node_id]
        messages[node_id] = messages.get(node_id, 0) + sum(s.most for s in node.sends if s.at == "visit")
        for leg in legs[node_id]:
            steps[leg.target] = max(steps[leg.target], steps[node_id] + 1)
            messages[leg.target] = max(messages.get(leg.target, 0), messages[node_id])
    for code, counts, limit in (
        ("too_many_steps", steps, MAX_VISITS_PER_SPRINT),
        ("too_many_messages", messages, MAX_MESSAGES_PER_SPRINT),
    ):
        over = [n for n in graph.nodes if counts.get(n, 0) > limit]
        if over:
            params: dict[str, str | int] = {"count": max(counts[n] for n in over), "max": limit}
            report.add(code, "error", over[0], params=params, mend="insert_pause")


def stretch_cuts(graph: FlowGraph, code: str) -> list[str]:
    """Nodes before which a wait keeps every stretch within the limit that ``too_many_steps`` or
    ``too_many_messages`` is about; none when there is a circle without a wait."""
    legs = {n: [leg for leg in graph.nodes[n].legs if at_once(leg)] for n in graph.nodes}
    order = components(graph.nodes, lambda n: (leg.target for leg in legs[n]))
    if any(len(c) > 1 or any(leg.target == c[0] for leg in legs[c[0]]) for c in order):
        return []
    by_steps = code == "too_many_steps"
    limit = MAX_VISITS_PER_SPRINT if by_steps else MAX_MESSAGES_PER_SPRINT
    before: dict[str, int] = {}
    cuts: list[str] = []
    for node_id in (c[0] for c in reversed(order)):
        own = 1 if by_steps else sum(s.most for s in graph.nodes[node_id].sends if s.at == "visit")
        here = before.get(node_id, 0) + own
        if here > limit:
            cuts.append(node_id)
            # The wait itself is visited again when it is over.
            here = own + (1 if by_steps else 0)
        for leg in legs[node_id]:
            before[leg.target] = max(before.get(leg.target, 0), here)
    return cuts
