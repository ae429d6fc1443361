"""A flow version made ready to run: configs validated, templates compiled, edges indexed."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from pytake_app.engine.document import FlowDocument, FlowSettings
from pytake_app.engine.nodes.base import NodeType, Prepared
from pytake_app.engine.templating import TemplateCompiler


@dataclass(frozen=True, slots=True)
class CompiledNode:
    """A node ready to run. ``problem`` is set when its config is invalid: visiting it is an error."""

    id: str
    type: NodeType
    prepared: Prepared
    edges: dict[str, str]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class CompiledFlow:
    """An immutable, shareable flow version; the host caches it by (flow_id, version)."""

    flow_id: str
    version: int
    name: str
    settings: FlowSettings
    nodes: dict[str, CompiledNode]
    entries: dict[str, list[str]]
    """Trigger node ids by kind (start, universal, keyword, template), in document order."""


_ENTRY_KINDS = {
    "start": "start",
    "trigger_universal": "universal",
    "trigger_keyword": "keyword",
    "trigger_template": "template",
    "trigger_webhook": "webhook",
    "trigger_schedule": "schedule",
    "trigger_event": "event",
}


def compile_flow(document: FlowDocument, flow_id: str, version: int) -> CompiledFlow:
    """Compile a document. Never raises on a FlowDocument: a node that can't run keeps its
    ``problem`` and raises it as an event when visited (drafts are tested this way)."""
    from pytake_app.engine.nodes import NODE_TYPES, canonical_type, unsupported

    texts = TemplateCompiler()
    edges: dict[str, dict[str, str]] = {}
    for edge in document.edges:
        edges.setdefault(edge.source, {}).setdefault(edge.port, edge.target)
    nodes: dict[str, CompiledNode] = {}
    entries: dict[str, list[str]] = {}
    for node in document.nodes:
        if node.id in nodes:
            continue
        name = canonical_type(node.type)
        node_type = NODE_TYPES.get(name)
        wired = edges.get(node.id, {})
        if node_type is None:
            nodes[node.id] = CompiledNode(node.id, unsupported(name), None, wired, "unsupported")
            continue
        try:
            prepared = node_type.prepare(node_type.config_model.model_validate(node.config), texts)
            nodes[node.id] = CompiledNode(node.id, node_type, prepared, wired)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = "/".join(str(p) for p in first["loc"])
            nodes[node.id] = CompiledNode(node.id, node_type, None, wired, f"{where}: {first['msg']}")
        except ValueError as error:
            nodes[node.id] = CompiledNode(node.id, node_type, None, wired, str(error)[:200])
        kind = _ENTRY_KINDS.get(name)
        if kind is not None:
            entries.setdefault(kind, []).append(node.id)
    return CompiledFlow(flow_id, version, document.name, document.settings, nodes, entries)
