"""Edits of a draft as small pure operations with inverses (the editor's undo, autosave, push).

An operation is JSON: ``{"op": <name>, …}``; see ``docs/flow-documents.md``. The canvas applies the same
rules in the browser, so they are kept simple: a config patch is a shallow merge of top-level keys,
null deletes a key.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from pytake_app.engine.document import Edge, Node, Position

DocumentDict = dict[str, Any]
"""A document in its stored JSON form (``FlowDocument.model_dump(mode="json")``)."""


class _Op(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AddNodes(_Op):
    """Add nodes (and edges with them: paste, undo of a deletion). ``index`` restores places."""

    op: Literal["add_nodes"] = "add_nodes"
    nodes: list[Node]
    edges: list[Edge] = Field(default_factory=list)
    node_indexes: list[int] | None = None
    edge_indexes: list[int] | None = None


class AddNode(_Op):
    """Add one node at the end: ``{"op":"add_node","node":{…}}``."""

    op: Literal["add_node"] = "add_node"
    node: Node


class DeleteNodes(_Op):
    """Delete nodes together with every edge that touches them (and ``edges`` by id)."""

    op: Literal["delete_nodes"] = "delete_nodes"
    ids: list[str] = Field(default_factory=list)
    edges: list[str] = Field(default_factory=list)


class MoveNodes(_Op):
    """Put nodes elsewhere: ``{"op":"move_nodes","positions":{"n1":{"x":1,"y":2}}}``."""

    op: Literal["move_nodes"] = "move_nodes"
    positions: dict[str, Position]


class UpdateConfig(_Op):
    """Merge ``patch`` into the node's config; a null value deletes the key."""

    op: Literal["update_config"] = "update_config"
    id: str
    patch: dict[str, JsonValue]


class SetTitle(_Op):
    op: Literal["set_title"] = "set_title"
    id: str
    title: str = Field(max_length=200)


class Connect(_Op):
    """Connect a port; an edge already on this port is replaced."""

    op: Literal["connect"] = "connect"
    source: str
    port: str
    target: str
    id: str | None = None


class Disconnect(_Op):
    """Remove the edge on a port."""

    op: Literal["disconnect"] = "disconnect"
    source: str
    port: str


class SetSettings(_Op):
    """Merge ``patch`` into the flow's settings; null puts a setting back to its default."""

    op: Literal["set_settings"] = "set_settings"
    patch: dict[str, JsonValue]


class SetName(_Op):
    op: Literal["set_name"] = "set_name"
    name: str = Field(max_length=200)


class ReplaceDocument(_Op):
    """Replace everything (import, restore of a version)."""

    op: Literal["replace_document"] = "replace_document"
    document: DocumentDict


class Batch(_Op):
    """Several operations as one undo step."""

    op: Literal["batch"] = "batch"
    ops: list[Operation]


Operation = Annotated[
    AddNode
    | AddNodes
    | DeleteNodes
    | MoveNodes
    | UpdateConfig
    | SetTitle
    | Connect
    | Disconnect
    | SetSettings
    | SetName
    | ReplaceDocument
    | Batch,
    Field(discriminator="op"),
]


class OperationError(ValueError):
    """An operation that doesn't fit the document. ``code``: unknown_node, unknown_port,
    duplicate_id, unknown_type, invalid."""

    def __init__(self, code: str, message: str, node_id: str | None = None) -> None:
        self.code = code
        self.node_id = node_id
        super().__init__(message)


def parse_operation(raw: Any) -> Operation:
    """Read one operation. Raises OperationError(code="invalid") when it isn't one."""
    raise NotImplementedError


def apply(document: DocumentDict, op: Operation) -> tuple[DocumentDict, Operation]:
    """Apply ``op``; answers the new document (the given one isn't changed) and the inverse operation.
    Raises OperationError, and then nothing changed."""
    raise NotImplementedError
