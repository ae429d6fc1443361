"""The verifier: proves what it can about a document before it is published."""

from __future__ import annotations

from typing import Any, Final

import networkx as nx

from pytake_app.engine.document import Edge, FlowDocument, Node
from pytake_app.engine.findings import Finding, Severity, VerifyEnv
from pytake_app.engine.limits import MAX_MESSAGES_PER_SPRINT, MAX_VISITS_PER_SPRINT
from pytake_app.engine.nodes import CATALOGUED, NODE_TYPES, canonical_type
from pytake_app.engine.nodes.actions import TransferConfig
from pytake_app.engine.nodes.control import JumpConfig
from pytake_app.engine.nodes.menus import TemplateConfig
from pytake_app.engine.nodes.triggers import TemplateReplyConfig
from pytake_app.engine.scope import ALIASES, NAMESPACES
from pytake_app.engine.templating import TemplateCompiler
from pytake_app.engine.verify_nodes import NodeCheck, assigned, check_node

__all__ = ["Finding", "Severity", "VerifyEnv", "has_errors", "reachable", "verify"]

_RANK: Final = {"error": 0, "warning": 1, "info": 2}
_SENDING: Final = frozenset(
    {
        "msg_text", "msg_media", "msg_buttons", "msg_list", "msg_cta_url", "msg_location", "msg_template", "question",
        "action_transfer_to_queue",
    }
)  # fmt: skip
_QUIET_PORTS: Final = frozenset({"error", "timeout", "other", "invalid", "transferred", "closed", "open"})
"""Ports whose absence of an edge has a documented meaning of its own."""


def verify(document: FlowDocument, env: VerifyEnv | None = None) -> list[Finding]:
    """All findings, errors first, then in document order. Never raises on a FlowDocument."""
    check = _Verification(document, env or VerifyEnv())
    check.run()
    order = {node.id: i for i, node in reversed(list(enumerate(document.nodes)))}
    last = len(order)
    return sorted(check.findings, key=lambda f: (_RANK[f.severity], order.get(f.node_id, last) if f.node_id else -1))


def has_errors(findings: list[Finding]) -> bool:
    """True when publishing must be refused."""
    return any(f.severity == "error" for f in findings)


def _is_entry(node_type: str) -> bool:
    return node_type == "start" or node_type.startswith("trigger_")


def reachable(document: FlowDocument) -> set[str]:
    """Ids of the nodes that some path from a trigger or ``start`` reaches."""
    leads: dict[str, list[str]] = {}
    for edge in document.edges:
        leads.setdefault(edge.source, []).append(edge.target)
    ids = {n.id for n in document.nodes}
    seen = {n.id for n in document.nodes if _is_entry(canonical_type(n.type))}
    stack = list(seen)
    while stack:
        for target in leads.get(stack.pop(), ()):
            if target in ids and target not in seen:
                seen.add(target)
                stack.append(target)
    return seen


class _Verification:
    """One run of the verifier."""

    def __init__(self, document: FlowDocument, env: VerifyEnv) -> None:
        self.document = document
        self.env = env
        self.findings: list[Finding] = []
        self.nodes: dict[str, Node] = {}
        self.wired: dict[str, dict[str, Edge]] = {}
        self.checks: dict[str, NodeCheck] = {}

    def add(self, code: str, severity: Severity, node_id: str | None = None, **more: Any) -> None:
        self.findings.append(Finding(code=code, severity=severity, node_id=node_id, **more))

    def run(self) -> None:
        self._structure()
        self._configs()
        self._entries()
        live = self._reach()
        self._ports(live)
        self._loops()
        self._references()
        self._variables(live)

    def _structure(self) -> None:
        for node in self.document.nodes:
            if node.id in self.nodes:
                self.add("duplicate_node_id", "error", node.id, params={"id": node.id})
            else:
                self.nodes[node.id] = node
        for edge in self.document.edges:
            if edge.source not in self.nodes:
                self.add("edge_from_nothing", "error", params={"id": edge.source})
                continue
            if edge.target not in self.nodes:
                params = {"target": edge.target}
                self.add("edge_to_nothing", "error", edge.source, port=edge.port, params=params, mend="delete_edge")
                continue
            ports = self.wired.setdefault(edge.source, {})
            if edge.port in ports:
                self.add("duplicate_edge", "error", edge.source, port=edge.port, mend="delete_edge")
            else:
                ports[edge.port] = edge

    def _configs(self) -> None:
        texts = TemplateCompiler()
        for node in self.nodes.values():
            name = canonical_type(node.type)
            node_type = NODE_TYPES.get(name)
            if node_type is not None:
                self.checks[node.id] = check_node(node.id, node_type, node.config, texts, self.findings)
            elif name in CATALOGUED:
                if name != "group":
                    self.add("unsupported_type", "error", node.id, params={"type": name})
            else:
                self.add("unknown_type", "error", node.id, params={"type": name[:60]})

    def _entries(self) -> None:
        types = [canonical_type(n.type) for n in self.nodes.values()]
        entries = [t for t in types if _is_entry(t)]
        if not entries:
            self.add("no_trigger", "error")
        elif set(entries) == {"start"}:
            self.add("only_start", "info")
        for kind in ("start", "trigger_universal"):
            for extra in [n.id for n in self.nodes.values() if canonical_type(n.type) == kind][1:]:
                self.add("second_entry", "warning", extra, params={"type": kind})
        for source, ports in self.wired.items():
            for port, edge in ports.items():
                target = canonical_type(self.nodes[edge.target].type)
                if _is_entry(target):
                    self.add("edge_to_trigger", "warning", source, port=port, params={"target": edge.target})
                elif target in ("note", "group"):
                    self.add("edge_to_note", "error", source, port=port, mend="delete_edge")

    def _reach(self) -> set[str]:
        live = reachable(self.document)
        if live:
            for node in self.nodes.values():
                if node.id not in live and canonical_type(node.type) not in ("note", "group"):
                    self.add("unreachable", "warning", node.id)
        return live

    def _ports(self, live: set[str]) -> None:
        for node_id, check in self.checks.items():
            if check.config is None:
                continue
            wired = self.wired.get(node_id, {})
            known = {p.id for p in check.ports}
            for port in check.ports:
                if port.id in wired:
                    continue
                label = port.label or port.label_key or port.id
                if port.required:
                    # What no path reaches can't mislead a contact: it doesn't block publishing.
                    severity: Severity = "error" if node_id in live or not live else "warning"
                    params = {"label": label}
                    self.add("unconnected_port", severity, node_id, port=port.id, params=params, mend="connect_end")
                elif port.id not in _QUIET_PORTS and node_id in live and not port.id.startswith("option:"):
                    self.add("dead_end", "warning", node_id, port=port.id, params={"label": label}, mend="connect_end")
            for port_id in wired:
                if port_id not in known:
                    self.add(
                        "unknown_port", "warning", node_id, port=port_id, params={"label": port_id}, mend="delete_edge"
                    )

    def _loops(self) -> None:
        """Circles that a session could run for ever: components left when what follows a wait is cut."""
        graph: nx.DiGraph[str] = nx.DiGraph()
        for source, ports in self.wired.items():
            check = self.checks.get(source)
            waits = False
            known: set[str] | None = None
            if check is not None and check.config is not None:
                node_type = NODE_TYPES[canonical_type(self.nodes[source].type)]
                waits = node_type.waits(check.config, frozenset(ports))
                known = {p.id for p in check.ports}
            for port, edge in ports.items():
                if (known is None or port in known) and (not waits or port == "error"):
                    graph.add_edge(source, edge.target)
        circles = False
        for component in nx.strongly_connected_components(graph):
            first = next(iter(component))
            if len(component) == 1 and not graph.has_edge(first, first):
                continue
            circles = True
            members = [n for n in self.nodes if n in component]
            names = ", ".join(self.nodes[n].title or n for n in members[:5])
            params: dict[str, str | int] = {"count": len(members), "nodes": names[:200]}
            self.add("loop_without_wait", "error", members[0], params=params, mend="insert_wait")

        if not circles:
            self._stretches(graph)

    def _stretches(self, graph: nx.DiGraph[str]) -> None:
        """The longest way between two waits must fit into one sprint."""
        steps: dict[str, int] = {}
        messages: dict[str, int] = {}
        for node_id in nx.topological_sort(graph):
            own = int(canonical_type(self.nodes[node_id].type) in _SENDING)
            before = list(graph.predecessors(node_id))
            steps[node_id] = 1 + max((steps[p] for p in before), default=0)
            messages[node_id] = own + max((messages[p] for p in before), default=0)
        for code, counts, limit in (
            ("too_many_steps", steps, MAX_VISITS_PER_SPRINT),
            ("too_many_messages", messages, MAX_MESSAGES_PER_SPRINT),
        ):
            over = [n for n in self.nodes if counts.get(n, 0) > limit]
            if over:
                params: dict[str, str | int] = {"count": max(counts[n] for n in over), "max": limit}
                self.add(code, "error", over[0], params=params, mend="insert_wait")

    def _references(self) -> None:
        env = self.env
        for node_id, check in self.checks.items():
            config = check.config
            if isinstance(config, JumpConfig):
                self._flow(node_id, config.flow, "/flow")
            elif isinstance(config, TransferConfig):
                if not config.queue_id and not config.queue_name:
                    self.add("no_queue", "warning", node_id, pointer="/queue_id")
                elif env.queues is not None and not {config.queue_id, config.queue_name} & env.queues:
                    name = config.queue_name or config.queue_id
                    self.add("missing_queue", "warning", node_id, pointer="/queue_id", params={"queue": name[:80]})
                if config.fallback_action == "flow":
                    self._flow(node_id, config.fallback_flow, "/fallback_flow")
            elif isinstance(config, TemplateConfig):
                self._template(node_id, config.name, config.language, "/name", "error")
            elif isinstance(config, TemplateReplyConfig):
                self._template(node_id, config.template, "", "/template", "warning")

    def _template(self, node_id: str, name: str, language: str, pointer: str, severity: Severity) -> None:
        templates = self.env.templates
        if name and templates is not None and not {name, f"{name}:{language}"} & templates:
            self.add("missing_template", severity, node_id, pointer=pointer, params={"template": name[:80]})

    def _flow(self, node_id: str, flow: str, pointer: str) -> None:
        if flow and self.env.flows is not None and flow not in self.env.flows and flow != self.env.flow_id:
            self.add("missing_flow", "error", node_id, pointer=pointer, params={"flow": flow[:80]})

    def _variables(self, live: set[str]) -> None:
        written: set[str] = set()
        for check in self.checks.values():
            if check.config is not None:
                written.update(assigned(check.config))
        known = NAMESPACES | set(ALIASES) | written
        for node_id, check in self.checks.items():
            if node_id not in live:
                continue
            for root, pointer in check.roots.items():
                if root not in known:
                    self.add("unknown_variable", "info", node_id, pointer=pointer, params={"name": root[:64]})
