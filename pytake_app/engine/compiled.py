"""A flow version made ready to run: configs validated, templates compiled, edges indexed."""

from __future__ import annotations

from dataclasses import dataclass

from pytake_app.engine.document import FlowDocument, FlowSettings
from pytake_app.engine.nodes.base import NodeType, Prepared


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


def compile_flow(document: FlowDocument, flow_id: str, version: int) -> CompiledFlow:
    """Compile a document. Never raises on a FlowDocument: a node that can't run keeps its
    ``problem`` and raises it as an event when visited (drafts are tested this way)."""
    raise NotImplementedError
