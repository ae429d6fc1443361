"""Edits of a draft as small pure operations with inverses (the editor's undo, autosave, push).

An operation is JSON: ``{"op": <name>, …}``; see ``docs/flow-documents.md``. The canvas applies the same
rules in the browser, so they are kept simple: a config patch is a shallow merge of top-level keys,
null deletes a key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from pytake_app.engine.document import (
    DEFAULT_MAX_NODES,
    LOCALE_PATTERN,
    MAX_LANGUAGES,
    DocumentError,
    Edge,
    FlowDocument,
    FlowSettings,
    Node,
    Position,
    Translation,
    Translations,
    parse_document,
)
from pytake_app.engine.nodes import NODE_TYPES, canonical_type, is_known

DocumentDict = dict[str, Any]
"""A document in its stored JSON form (``FlowDocument.model_dump(mode="json")``)."""


class _Op(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AddNodes(_Op):
    """Add nodes (and edges and translations with them: paste, undo of a deletion). ``index`` restores places."""

    op: Literal["add_nodes"] = "add_nodes"
    nodes: list[Node]
    edges: list[Edge] = Field(default_factory=list)
    node_indexes: list[int] | None = None
    edge_indexes: list[int] | None = None
    translations: Translations | None = None


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


class SetTranslations(_Op):
    """Put texts into a language (which the flow has from then on): ``texts`` is node id → pointer → translation;
    null takes a translation away."""

    op: Literal["set_translations"] = "set_translations"
    locale: str = Field(pattern=LOCALE_PATTERN)
    texts: dict[str, dict[str, Translation | None]] = Field(default_factory=dict)


class RemoveLanguage(_Op):
    """Take a language with all its texts away."""

    op: Literal["remove_language"] = "remove_language"
    locale: str


class SetName(_Op):
    op: Literal["set_name"] = "set_name"
    name: str = Field(max_length=200)


class ReplaceDocument(_Op):
    """Replace everything (import, restore of a version). ``exact``: the document is a stored one and
    stays as it is (undo); else older shapes become canonical."""

    op: Literal["replace_document"] = "replace_document"
    document: DocumentDict
    exact: bool = False


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
    | SetTranslations
    | RemoveLanguage
    | SetName
    | ReplaceDocument
    | Batch,
    Field(discriminator="op"),
]


class OperationError(ValueError):
    """An operation that doesn't fit the document. ``code``: unknown_node, unknown_edge,
    unknown_port, duplicate_id, unknown_type, unknown_language, invalid."""

    def __init__(self, code: str, message: str, node_id: str | None = None) -> None:
        self.code = code
        self.node_id = node_id
        super().__init__(message)


_OPERATION: TypeAdapter[Operation] = TypeAdapter(Operation)


def parse_operation(raw: Any) -> Operation:
    """Read one operation. Raises OperationError(code="invalid") when it isn't one."""
    try:
        return _OPERATION.validate_python(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "/".join(str(p) for p in first["loc"])
        raise OperationError("invalid", f"not an operation: {where}: {first['msg']}") from error


def apply(document: DocumentDict, op: Operation) -> tuple[DocumentDict, Operation]:
    """Apply ``op``; answers the new document (the given one isn't changed) and the inverse operation.
    Raises OperationError, and then nothing changed."""
    handler: Callable[[DocumentDict, Any], tuple[DocumentDict, Operation]] = _APPLY[op.op]
    return handler(document, op)


def _index(document: DocumentDict, node_id: str) -> int:
    for index, node in enumerate(document["nodes"]):
        if node["id"] == node_id:
            return index
    raise OperationError("unknown_node", f"there is no node {node_id[:100]}", node_id)


def _with_node(document: DocumentDict, index: int, node: dict[str, Any]) -> DocumentDict:
    nodes = list(document["nodes"])
    nodes[index] = node
    return {**document, "nodes": nodes}


def _insert(items: list[Any], new: list[Any], indexes: list[int] | None) -> list[Any]:
    if indexes is None or len(indexes) != len(new):
        return [*items, *new]
    result = list(items)
    for index, item in sorted(zip(indexes, new, strict=True), key=lambda pair: pair[0]):
        result.insert(max(0, min(index, len(result))), item)
    return result


def _add_node(document: DocumentDict, op: AddNode) -> tuple[DocumentDict, Operation]:
    return _add_nodes(document, AddNodes(nodes=[op.node]))


def _add_nodes(document: DocumentDict, op: AddNodes) -> tuple[DocumentDict, Operation]:
    ids = {n["id"] for n in document["nodes"]}
    new_nodes: list[dict[str, Any]] = []
    for node in op.nodes:
        if node.id in ids:
            raise OperationError("duplicate_id", f"there is a node {node.id} already", node.id)
        name = canonical_type(node.type)
        if not is_known(name):
            raise OperationError("unknown_type", f"unknown node type {node.type}", node.id)
        ids.add(node.id)
        new_nodes.append({**node.model_dump(mode="json"), "type": name})
    if len(ids) > DEFAULT_MAX_NODES:
        raise OperationError("invalid", f"a flow has at most {DEFAULT_MAX_NODES} nodes")
    edge_ids = {e["id"] for e in document["edges"]}
    taken = {(e["source"], e["port"]) for e in document["edges"]}
    new_edges: list[dict[str, Any]] = []
    for edge in op.edges:
        if edge.source not in ids or edge.target not in ids:
            raise OperationError("unknown_node", f"edge {edge.id} leads from or to nothing", edge.source)
        if edge.id in edge_ids or (edge.source, edge.port) in taken:
            raise OperationError("duplicate_id", f"there is an edge like {edge.id} already", edge.source)
        edge_ids.add(edge.id)
        taken.add((edge.source, edge.port))
        new_edges.append(edge.model_dump(mode="json"))
    result = {
        **document,
        "nodes": _insert(document["nodes"], new_nodes, op.node_indexes),
        "edges": _insert(document["edges"], new_edges, op.edge_indexes),
    }
    if op.translations:
        result["translations"] = _with_texts(document, op.translations, {node.id for node in op.nodes})
    return result, DeleteNodes(ids=[n.id for n in op.nodes], edges=[e.id for e in op.edges])


def _delete_nodes(document: DocumentDict, op: DeleteNodes) -> tuple[DocumentDict, Operation]:
    gone = set(op.ids)
    known = {n["id"] for n in document["nodes"]}
    for node_id in op.ids:
        if node_id not in known:
            raise OperationError("unknown_node", f"there is no node {node_id[:100]}", node_id)
    edge_ids = {e["id"] for e in document["edges"]}
    for edge_id in op.edges:
        if edge_id not in edge_ids:
            raise OperationError("unknown_edge", f"there is no edge {edge_id[:100]}")
    named = set(op.edges)

    def leaves(edge: dict[str, Any]) -> bool:
        return edge["id"] in named or edge["source"] in gone or edge["target"] in gone

    nodes = [(i, n) for i, n in enumerate(document["nodes"]) if n["id"] in gone]
    edges = [(i, e) for i, e in enumerate(document["edges"]) if leaves(e)]
    inverse = AddNodes(
        nodes=[Node.model_validate(n) for _, n in nodes],
        edges=[Edge.model_validate(e) for _, e in edges],
        node_indexes=[i for i, _ in nodes],
        edge_indexes=[i for i, _ in edges],
        translations=_texts_of(document, gone) or None,
    )
    result = {
        **document,
        "nodes": [n for n in document["nodes"] if n["id"] not in gone],
        "edges": [e for e in document["edges"] if not leaves(e)],
    }
    if inverse.translations:
        result["translations"] = {
            locale: {node_id: texts for node_id, texts in given.items() if node_id not in gone}
            for locale, given in document["translations"].items()
        }
    return result, inverse


def _texts_of(document: DocumentDict, nodes: set[str]) -> Translations:
    """The translations of some nodes; languages without any are left out."""
    found: Translations = {}
    for locale, given in (document.get("translations") or {}).items():
        for node_id in given:
            if node_id in nodes:
                texts = {pointer: Translation.model_validate(text) for pointer, text in given[node_id].items()}
                found.setdefault(locale, {})[node_id] = texts
    return found


def _with_texts(document: DocumentDict, translations: Translations, nodes: set[str]) -> dict[str, Any]:
    """The document's translations with those of new nodes; only of languages that the flow has."""
    result = dict(document.get("translations") or {})
    for locale, given in translations.items():
        if locale in result:
            new = {
                node_id: {pointer: text.model_dump() for pointer, text in texts.items()}
                for node_id, texts in given.items()
                if node_id in nodes and texts
            }
            result[locale] = {**result[locale], **new}
    return result


def _move_nodes(document: DocumentDict, op: MoveNodes) -> tuple[DocumentDict, Operation]:
    nodes = list(document["nodes"])
    where = {node["id"]: index for index, node in enumerate(nodes)}
    before: dict[str, Position] = {}
    for node_id, position in op.positions.items():
        index = where.get(node_id)
        if index is None:
            raise OperationError("unknown_node", f"there is no node {node_id[:100]}", node_id)
        before[node_id] = Position.model_validate(nodes[index]["position"])
        nodes[index] = {**nodes[index], "position": position.model_dump()}
    return {**document, "nodes": nodes}, MoveNodes(positions=before)


def _merge(current: dict[str, Any], patch: dict[str, JsonValue]) -> tuple[dict[str, Any], dict[str, JsonValue]]:
    """The merge rule: shallow, null deletes. Answers the result and the patch that undoes it."""
    result = dict(current)
    inverse: dict[str, JsonValue] = {}
    for key, value in patch.items():
        inverse[key] = current.get(key)
        if value is None:
            result.pop(key, None)
        else:
            result[key] = value
    return result, inverse


def _update_config(document: DocumentDict, op: UpdateConfig) -> tuple[DocumentDict, Operation]:
    index = _index(document, op.id)
    node = document["nodes"][index]
    config, inverse = _merge(node["config"], op.patch)
    return _with_node(document, index, {**node, "config": config}), UpdateConfig(id=op.id, patch=inverse)


def _set_title(document: DocumentDict, op: SetTitle) -> tuple[DocumentDict, Operation]:
    index = _index(document, op.id)
    node = document["nodes"][index]
    return _with_node(document, index, {**node, "title": op.title}), SetTitle(id=op.id, title=node["title"])


def known_ports(node: dict[str, Any]) -> set[str] | None:
    """Port ids of a node in its stored form, or None when its config doesn't say (invalid, unsupported)."""
    node_type = NODE_TYPES.get(canonical_type(node["type"]))
    if node_type is None:
        return None
    try:
        config = node_type.config_model.model_validate(node["config"])
    except ValidationError:
        return None
    return {port.id for port in node_type.ports(config)}


def _connect(document: DocumentDict, op: Connect) -> tuple[DocumentDict, Operation]:
    source = document["nodes"][_index(document, op.source)]
    target = document["nodes"][_index(document, op.target)]
    ports = known_ports(source)
    if ports is not None and op.port not in ports:
        raise OperationError("unknown_port", f"node {op.source} has no port {op.port[:100]}", op.source)
    if canonical_type(target["type"]) in ("note", "group"):
        raise OperationError("invalid", "a note can't be connected", op.target)
    edges = list(document["edges"])
    edge_ids = {e["id"] for e in edges}
    for index, edge in enumerate(edges):
        if (edge["source"], edge["port"]) == (op.source, op.port):
            edges[index] = {**edge, "target": op.target}
            inverse = Connect(source=op.source, port=op.port, target=edge["target"], id=edge["id"])
            return {**document, "edges": edges}, inverse
    edge_id = op.id or f"{op.source}:{op.port}"
    while edge_id in edge_ids:
        edge_id += "+"
    edge = Edge(id=edge_id, source=op.source, port=op.port, target=op.target)
    edges.append(edge.model_dump(mode="json"))
    return {**document, "edges": edges}, Disconnect(source=op.source, port=op.port)


def _disconnect(document: DocumentDict, op: Disconnect) -> tuple[DocumentDict, Operation]:
    for index, edge in enumerate(document["edges"]):
        if (edge["source"], edge["port"]) == (op.source, op.port):
            edges = [e for i, e in enumerate(document["edges"]) if i != index]
            # Not `connect`: undoing must work for a port that has since left the node, and keep the place.
            inverse = AddNodes(nodes=[], edges=[Edge.model_validate(edge)], node_indexes=[], edge_indexes=[index])
            return {**document, "edges": edges}, inverse
    raise OperationError("unknown_port", f"nothing is connected to port {op.port[:100]}", op.source)


def _set_settings(document: DocumentDict, op: SetSettings) -> tuple[DocumentDict, Operation]:
    merged, inverse = _merge(document["settings"], op.patch)
    unknown = set(op.patch) - set(FlowSettings.model_fields)
    if unknown:
        raise OperationError("invalid", f"unknown setting {min(unknown)[:60]}")
    try:
        settings = FlowSettings.model_validate(merged)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise OperationError("invalid", f"setting {first['loc'][0]}: {first['msg']}") from error
    return {**document, "settings": settings.model_dump(mode="json")}, SetSettings(patch=inverse)


def _set_translations(document: DocumentDict, op: SetTranslations) -> tuple[DocumentDict, Operation]:
    languages: dict[str, Any] = document.get("translations") or {}
    if op.locale not in languages and len(languages) >= MAX_LANGUAGES:
        raise OperationError("invalid", f"a flow has at most {MAX_LANGUAGES} further languages")
    known = {node["id"] for node in document["nodes"]}
    given: dict[str, dict[str, Any]] = dict(languages.get(op.locale, {}))
    before: dict[str, dict[str, Translation | None]] = {}
    for node_id, texts in op.texts.items():
        if node_id not in known:
            raise OperationError("unknown_node", f"there is no node {node_id[:100]}", node_id)
        new = dict(given.get(node_id, {}))
        old = before.setdefault(node_id, {})
        for pointer, text in texts.items():
            old[pointer] = Translation.model_validate(new[pointer]) if pointer in new else None
            if text is None:
                new.pop(pointer, None)
            else:
                new[pointer] = text.model_dump()
        if new:
            given[node_id] = new
        else:
            given.pop(node_id, None)
    result = {**document, "translations": {**languages, op.locale: given}}
    if op.locale not in languages:
        return result, RemoveLanguage(locale=op.locale)
    return result, SetTranslations(locale=op.locale, texts=before)


def _remove_language(document: DocumentDict, op: RemoveLanguage) -> tuple[DocumentDict, Operation]:
    languages: dict[str, Any] = document.get("translations") or {}
    if op.locale not in languages:
        raise OperationError("unknown_language", f"the flow has no texts in {op.locale[:20]}")
    texts: dict[str, dict[str, Translation | None]] = {
        node_id: {pointer: Translation.model_validate(text) for pointer, text in given.items()}
        for node_id, given in languages[op.locale].items()
    }
    result = {**document, "translations": {k: v for k, v in languages.items() if k != op.locale}}
    return result, SetTranslations(locale=op.locale, texts=texts)


def _set_name(document: DocumentDict, op: SetName) -> tuple[DocumentDict, Operation]:
    return {**document, "name": op.name}, SetName(name=document["name"])


def _replace_document(document: DocumentDict, op: ReplaceDocument) -> tuple[DocumentDict, Operation]:
    try:
        parsed = parse_document(op.document)
    except DocumentError as error:
        raise OperationError("invalid", str(error), error.errors[0].node_id) from error
    if op.exact:
        try:
            parsed = FlowDocument.model_validate(op.document)
        except ValidationError as error:
            raise OperationError("invalid", "not a stored document") from error
    return parsed.model_dump(mode="json"), ReplaceDocument(document=document, exact=True)


def _batch(document: DocumentDict, op: Batch) -> tuple[DocumentDict, Operation]:
    inverses: list[Operation] = []
    for single in op.ops:
        document, inverse = apply(document, single)
        inverses.insert(0, inverse)
    return document, Batch(ops=inverses)


_APPLY: Final[dict[str, Any]] = {
    "add_node": _add_node,
    "add_nodes": _add_nodes,
    "delete_nodes": _delete_nodes,
    "move_nodes": _move_nodes,
    "update_config": _update_config,
    "set_title": _set_title,
    "connect": _connect,
    "disconnect": _disconnect,
    "set_settings": _set_settings,
    "set_translations": _set_translations,
    "remove_language": _remove_language,
    "set_name": _set_name,
    "replace_document": _replace_document,
    "batch": _batch,
}
