"""A flow version made ready to run: configs validated, templates compiled, edges indexed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, get_args

from pydantic import ValidationError

from pytake_app.engine.document import FlowDocument, FlowSettings, Node
from pytake_app.engine.nodes.base import NodeType, Prepared
from pytake_app.engine.templating import TemplateCompiler
from pytake_app.engine.translation import best_locale, translated


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
    languages: dict[str, CompiledFlow] = field(default_factory=dict, repr=False, compare=False)
    """The same flow in other languages, by locale: nodes without translations are the very same objects."""
    own: CompiledFlow | None = field(default=None, repr=False, compare=False)
    """Of a flow in another language: the flow as it was written."""

    def spoken(self, language: str) -> CompiledFlow:
        """The flow for a contact of this language (any form of a locale; empty: the flow's own)."""
        if not self.languages:
            return self
        own = self.own or self
        found = self.languages.get(language)
        if found is not None:
            return found
        locale = best_locale(language, own.settings.locale, self.languages)
        return self.languages[locale] if locale is not None else own


_ENTRY_KINDS = {
    "start": "start",
    "trigger_universal": "universal",
    "trigger_keyword": "keyword",
    "trigger_template": "template",
    "trigger_webhook": "webhook",
    "trigger_schedule": "schedule",
    "trigger_event": "event",
}


_FORMATS: Final[tuple[str, ...]] = get_args(FlowSettings.model_fields["locale"].annotation)
"""Locales whose dates, money and yes/no words we know; others use the flow's own."""


def _compile_node(node: Node, texts: TemplateCompiler, wired: dict[str, str]) -> CompiledNode:
    from pytake_app.engine.nodes import NODE_TYPES, canonical_type, unsupported

    name = canonical_type(node.type)
    node_type = NODE_TYPES.get(name)
    if node_type is None:
        return CompiledNode(node.id, unsupported(name), None, wired, "unsupported")
    try:
        prepared = node_type.prepare(node_type.config_model.model_validate(node.config), texts)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "/".join(str(p) for p in first["loc"])
        return CompiledNode(node.id, node_type, None, wired, f"{where}: {first['msg']}")
    except ValueError as error:
        return CompiledNode(node.id, node_type, None, wired, str(error)[:200])
    return CompiledNode(node.id, node_type, prepared, wired)


def compile_flow(document: FlowDocument, flow_id: str, version: int) -> CompiledFlow:
    """Compile a document. Never raises on a FlowDocument: a node that can't run keeps its
    ``problem`` and raises it as an event when visited (drafts are tested this way)."""
    from pytake_app.engine.nodes import canonical_type

    texts = TemplateCompiler()
    edges: dict[str, dict[str, str]] = {}
    for edge in document.edges:
        edges.setdefault(edge.source, {}).setdefault(edge.port, edge.target)
    nodes: dict[str, CompiledNode] = {}
    entries: dict[str, list[str]] = {}
    for node in document.nodes:
        if node.id in nodes:
            continue
        nodes[node.id] = _compile_node(node, texts, edges.get(node.id, {}))
        kind = _ENTRY_KINDS.get(canonical_type(node.type))
        if kind is not None:
            entries.setdefault(kind, []).append(node.id)
    flow = CompiledFlow(flow_id, version, document.name, document.settings, nodes, entries)
    for locale, given in document.translations.items():
        if locale == document.settings.locale or not given:
            continue
        spoken = dict(nodes)
        for node in document.nodes:
            own = given.get(node.id)
            if own and spoken[node.id] is nodes[node.id]:
                changed = node.model_copy(update={"config": translated(node.type, node.config, own)})
                spoken[node.id] = _compile_node(changed, texts, nodes[node.id].edges)
        settings = document.settings
        formats = next((x for x in _FORMATS if x[:2] == locale[:2]), None)
        if formats is not None:
            settings = settings.model_copy(update={"locale": formats})
        flow.languages[locale] = replace(flow, settings=settings, nodes=spoken, languages=flow.languages, own=flow)
    return flow
