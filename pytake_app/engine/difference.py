"""What changed between two flow documents: nodes, their fields, connections, settings. Ids tell what is the same."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, JsonValue

from pytake_app.engine.document import Edge, FlowDocument, Node

MAX_TEXT = 4_000
"""Longer values are cut in the answer; they are compared whole."""


class FieldChange(BaseModel):
    """A value that changed. `path`: names and, within lists whose items have ids, those ids.

    `kind`: `added` and `removed` are of list items and of values that were (or are) missing; `order`: the same items
    in another order.
    """

    path: list[str]
    kind: Literal["added", "removed", "changed", "order"]
    before: JsonValue = None
    after: JsonValue = None


class NodeChange(BaseModel):
    """A node that is new, gone, changed (title, type or settings), or only somewhere else on the canvas."""

    node_id: str
    type: str
    title: str
    kind: Literal["added", "removed", "changed", "moved"]
    fields: list[FieldChange] = Field(default_factory=list)


class EdgeChange(BaseModel):
    """Where an exit leads now. `implied`: only because one of its ends is new or gone."""

    source: str
    port: str
    kind: Literal["added", "removed", "redirected"]
    before: str | None = None
    after: str | None = None
    implied: bool = False


class ChangeSize(BaseModel):
    """How much changed, in counts. `layout_only`: nothing that a contact could notice, only places on the canvas."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    moved: int = 0
    edges: int = 0
    settings: int = 0
    layout_only: bool = False

    @property
    def things(self) -> int:
        """How many things differ, as badges count them: what only moved is no change to speak of."""
        return self.added + self.removed + self.changed + self.edges + self.settings


class DocumentChange(BaseModel):
    """All that changed. Lists are in the reading order of the newer document, what is gone last."""

    nodes: list[NodeChange]
    edges: list[EdgeChange]
    settings: list[FieldChange]
    size: ChangeSize


def difference(before: FlowDocument, after: FlowDocument) -> DocumentChange:
    """Compare two documents of one flow. Pure; linear in their size."""
    old = {node.id: node for node in before.nodes}
    new = {node.id: node for node in after.nodes}
    nodes = [change for node in after.nodes if (change := _node(old.get(node.id), node))]
    nodes.sort(key=lambda change: _place(new[change.node_id]))
    gone = [node for node in before.nodes if node.id not in new]
    nodes += [_described(node, "removed") for node in sorted(gone, key=_place)]
    edges = _edges(before, after, old.keys() & new.keys())
    settings = _settings(before, after)
    kinds = [change.kind for change in nodes]
    size = ChangeSize(
        added=kinds.count("added"),
        removed=kinds.count("removed"),
        changed=kinds.count("changed"),
        moved=kinds.count("moved"),
        edges=sum(not edge.implied for edge in edges),
        settings=len(settings),
    )
    size.layout_only = bool(size.moved) and not size.things
    return DocumentChange(nodes=nodes, edges=edges, settings=settings, size=size)


def _place(node: Node) -> tuple[float, float, str]:
    return node.position.x, node.position.y, node.id


def _described(node: Node, kind: Literal["added", "removed", "changed", "moved"], **more: Any) -> NodeChange:
    return NodeChange(node_id=node.id, type=node.type, title=node.title, kind=kind, **more)


def _node(before: Node | None, after: Node) -> NodeChange | None:
    if before is None:
        return _described(after, "added")
    fields: list[FieldChange] = []
    if before.type != after.type:
        fields.append(FieldChange(path=["$type"], kind="changed", before=before.type, after=after.type))
    if before.title != after.title:
        fields.append(FieldChange(path=["$title"], kind="changed", before=before.title, after=after.title))
    _compare(dict(before.config), dict(after.config), [], fields)
    if fields:
        return _described(after, "changed", fields=fields)
    return _described(after, "moved") if before.position != after.position else None


def _compare(before: Any, after: Any, path: list[str], found: list[FieldChange]) -> None:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            if name not in after:
                found.append(FieldChange(path=[*path, name], kind="removed", before=_short(before[name])))
            elif name not in before:
                found.append(FieldChange(path=[*path, name], kind="added", after=_short(after[name])))
            else:
                _compare(before[name], after[name], [*path, name], found)
        return
    old, new = _by_id(before), _by_id(after)
    if old is None or new is None:
        found.append(FieldChange(path=path, kind="changed", before=_short(before), after=_short(after)))
        return
    for key in dict.fromkeys([*old, *new]):
        if key not in new:
            found.append(FieldChange(path=[*path, key], kind="removed", before=_short(old[key])))
        elif key not in old:
            found.append(FieldChange(path=[*path, key], kind="added", after=_short(new[key])))
        else:
            _compare(old[key], new[key], [*path, key], found)
    both = old.keys() & new.keys()
    if [key for key in old if key in both] != [key for key in new if key in both]:
        found.append(FieldChange(path=path, kind="order", before=list(old), after=list(new)))


def _by_id(value: Any) -> dict[str, Any] | None:
    """Items by their ids, when the value is a list of things that have one each."""
    if not isinstance(value, list) or not all(isinstance(item, dict) and item.get("id") for item in value):
        return None
    items = {str(item["id"]): item for item in value}
    return items if len(items) == len(value) else None


def _short(value: Any) -> JsonValue:
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return value[: MAX_TEXT - 1] + "…"
    return value  # type: ignore[no-any-return]  # a document is JSON


def _edges(before: FlowDocument, after: FlowDocument, kept: Any) -> list[EdgeChange]:
    old = {(edge.source, edge.port): edge for edge in before.edges}
    new = {(edge.source, edge.port): edge for edge in after.edges}
    found: list[EdgeChange] = []
    for key in dict.fromkeys([*new, *old]):
        was, now = old.get(key), new.get(key)
        if was and now and was.target == now.target:
            continue
        kind: Literal["added", "removed", "redirected"] = "redirected" if was and now else "added" if now else "removed"
        ends = {key[0], *(edge.target for edge in (was, now) if edge)}
        found.append(
            EdgeChange(
                source=key[0], port=key[1], kind=kind, before=_target(was), after=_target(now),
                implied=kind != "redirected" and not ends <= kept,
            )
        )  # fmt: skip
    return found


def _target(edge: Edge | None) -> str | None:
    return edge.target if edge else None


def _settings(before: FlowDocument, after: FlowDocument) -> list[FieldChange]:
    """Name, settings and translations: everything of a document besides nodes, edges and its look on the canvas."""
    plain = [
        document.model_dump(mode="json", exclude={"nodes", "edges", "ui", "spec_version"})
        for document in (before, after)
    ]
    found: list[FieldChange] = []
    _compare(plain[0], plain[1], [], found)
    return found
