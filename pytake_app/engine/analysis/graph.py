"""A flow as the analyses see it: nodes with what their types declare, legs between them, orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from pytake_app.engine.document import Edge, FlowDocument, Node
from pytake_app.engine.findings import Finding
from pytake_app.engine.nodes import NODE_TYPES, canonical_type
from pytake_app.engine.nodes.base import Config, NodeType, Port
from pytake_app.engine.nodes.facts import NO_PAUSE, Enters, Pause, Proves, Sends, Writes
from pytake_app.engine.templating import TemplateCompiler
from pytake_app.engine.verify_nodes import NodeCheck, check_node

QUIET_PORTS: Final = frozenset({"error", "timeout", "other", "invalid", "transferred", "closed", "open"})
"""Ports whose absence of an edge has a documented meaning of its own (unless they are required)."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A way from a node to the next one: the port it is left by and what lies before."""

    source: str
    port: str
    target: str
    pause: Pause


@dataclass(slots=True)
class FlowNode:
    """A node with its facts. ``config`` None: it is invalid or can't run, so little is known."""

    id: str
    node: Node
    name: str
    type: NodeType | None
    check: NodeCheck
    wired: dict[str, Edge] = field(default_factory=dict)
    legs: list[Leg] = field(default_factory=list)
    writes: list[Writes] = field(default_factory=list)
    sends: list[Sends] = field(default_factory=list)
    enters: list[Enters] = field(default_factory=list)
    proves: list[Proves] = field(default_factory=list)
    waits: bool = False

    @property
    def config(self) -> Config | None:
        """The validated config."""
        return self.check.config

    @property
    def ports(self) -> list[Port]:
        """The ports its config gives it."""
        return self.check.ports

    @property
    def label(self) -> str:
        """How to name it to people."""
        return self.node.title or self.id


def is_entry(node_type: str) -> bool:
    """Does a flow begin at nodes of this (canonical) type?"""
    return node_type == "start" or node_type.startswith("trigger_")


class FlowGraph:
    """The nodes of a document by id (the first of each id), with legs and orders."""

    def __init__(self, document: FlowDocument, findings: list[Finding] | None = None) -> None:
        self.document = document
        self.nodes: dict[str, FlowNode] = {}
        self.texts = TemplateCompiler()
        sink: list[Finding] = [] if findings is None else findings
        for node in document.nodes:
            if node.id not in self.nodes:
                self.nodes[node.id] = self._node(node, sink)
        for edge in document.edges:
            source = self.nodes.get(edge.source)
            if source is not None and edge.target in self.nodes:
                source.wired.setdefault(edge.port, edge)
        self.arriving: dict[str, list[Leg]] = {}
        for flow_node in self.nodes.values():
            self._facts(flow_node)
        self.entries = [n.id for n in self.nodes.values() if is_entry(n.name)]
        self.order = self._order()
        self.live = set(self.order)

    def _node(self, node: Node, sink: list[Finding]) -> FlowNode:
        name = canonical_type(node.type)
        node_type = NODE_TYPES.get(name)
        if node_type is None:
            return FlowNode(node.id, node, name, None, NodeCheck(None, [], {}))
        return FlowNode(node.id, node, name, node_type, check_node(node.id, node_type, node.config, self.texts, sink))

    def _facts(self, node: FlowNode) -> None:
        wired = frozenset(node.wired)
        known: set[str] | None = None
        node_type, config = node.type, node.config
        if node_type is not None and config is not None:
            node.waits = node_type.waits(config, wired)
            node.writes = node_type.writes(config)
            node.sends = node_type.sends(config, wired)
            node.enters = node_type.enters(config, wired)
            node.proves = node_type.proves(config)
            known = {port.id for port in node.check.ports}
        for port, edge in node.wired.items():
            if known is not None and port not in known:
                continue
            pause = NO_PAUSE
            if node_type is not None and config is not None:
                pause = node_type.pause_of(config, port, wired)
            leg = Leg(node.id, port, edge.target, pause)
            node.legs.append(leg)
            self.arriving.setdefault(edge.target, []).append(leg)

    def _order(self) -> list[str]:
        """Reverse postorder of what the entries reach: a node comes before what follows it, circles aside."""
        return depth_first(self.entries, lambda n: (leg.target for leg in self.nodes[n].legs))

    def minutes(self, pause: Pause) -> float | None:
        """The longest time of a ``time`` or ``person`` pause; None: no bound."""
        if pause.kind == "time" and pause.minutes is None:
            return float(self.document.settings.expiry_minutes)
        return pause.minutes

    def jump_entry(self) -> str | None:
        """Where another flow's jump enters this one (as the runner chooses)."""
        for kind in ("start", "trigger_universal", "trigger_keyword", "trigger_template"):
            for node in self.nodes.values():
                if node.name == kind:
                    return node.id
        return None

    def reached_from(self, start: str) -> list[str]:
        """Ids reached from a node, in reverse postorder."""
        return depth_first([start], lambda n: (leg.target for leg in self.nodes[n].legs))

    def leaving(self, node: FlowNode) -> list[str]:
        """Unwired ports by which the flow is left: it is over there, or back at the flow that called it."""
        if node.config is None:
            return []
        return [
            p.id
            for p in node.ports
            if p.id not in node.wired and (p.required or (p.id not in QUIET_PORTS and not p.id.startswith("option:")))
        ]

    def way_out(self, node: FlowNode, port: str) -> Leg:
        """The leg by which the flow is left through an unwired port."""
        pause = NO_PAUSE
        if node.type is not None and node.config is not None:
            pause = node.type.pause_of(node.config, port, frozenset(node.wired))
        return Leg(node.id, port, "", pause)

    def ends(self, node: FlowNode) -> bool:
        """Can the flow be over right after this node (not counting silence at a wait)?"""
        if node.config is None or (not node.ports and not node.enters):
            return True
        return bool(self.leaving(node))


def depth_first(starts: Iterable[str], following: Callable[[str], Iterable[str]]) -> list[str]:
    """Reverse postorder of a depth-first walk."""
    seen: set[str] = set()
    done: list[str] = []
    for start in reversed(list(starts)):
        if start in seen:
            continue
        seen.add(start)
        stack: list[tuple[str, Iterator[str]]] = [(start, iter(following(start)))]
        while stack:
            node, targets = stack[-1]
            for target in targets:
                if target not in seen:
                    seen.add(target)
                    stack.append((target, iter(following(target))))
                    break
            else:
                stack.pop()
                done.append(node)
    done.reverse()
    return done


def components(nodes: Iterable[str], following: Callable[[str], Iterable[str]]) -> list[list[str]]:
    """Strongly connected components, callees before callers (Tarjan 1972, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    held: set[str] = set()
    stack: list[str] = []
    found: list[list[str]] = []
    for root in nodes:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        held.add(root)
        work: list[tuple[str, Iterator[str]]] = [(root, iter(following(root)))]
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    held.add(target)
                    work.append((target, iter(following(target))))
                    break
                if target in held:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == index[node]:
                    component: list[str] = []
                    while True:
                        member = stack.pop()
                        held.discard(member)
                        component.append(member)
                        if member == node:
                            break
                    found.append(component)
    return found
