"""Reading documents: limits first, then structure, then older shapes made canonical."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pytake_app.engine.document import (
    LOCALE_PATTERN,
    MAX_LANGUAGES,
    DocumentError,
    DocumentProblem,
    DocumentUi,
    Edge,
    FlowDocument,
    FlowSettings,
    Node,
    NodeTexts,
    Position,
    Translations,
)
from pytake_app.engine.legacy import Converted, convert, slug
from pytake_app.engine.nodes import canonical_type, is_known

MAX_DEPTH = 32
COLUMN, LINE = 340.0, 190.0
"""Distance of nodes laid out by us, in canvas units."""
_TEXTS: TypeAdapter[dict[str, NodeTexts]] = TypeAdapter(dict[str, NodeTexts])


def _problem(pointer: str, node_id: str | None, code: str, message: str) -> DocumentProblem:
    return DocumentProblem(pointer=pointer, node_id=node_id, code=code, message=message)


def _refuse(pointer: str, node_id: str | None, code: str, message: str) -> DocumentError:
    return DocumentError([_problem(pointer, node_id, code, message)])


def read_document(raw: Any, *, max_nodes: int, max_bytes: int) -> FlowDocument:
    """See :func:`pytake_app.engine.document.parse_document`."""
    body = _body(_decode(raw, max_bytes), max_nodes)
    try:
        size = raw if isinstance(raw, str | bytes | bytearray) else json.dumps(body, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise _refuse("", None, "not_json", "the document is not plain JSON") from error
    if len(size) > max_bytes:
        raise _refuse("", None, "too_large", f"the document is larger than {max_bytes} bytes")
    return _Reader(body).read()


def _decode(raw: Any, max_bytes: int) -> Any:
    if not isinstance(raw, str | bytes | bytearray):
        return raw
    if len(raw) > max_bytes:
        raise _refuse("", None, "too_large", f"the document is larger than {max_bytes} bytes")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _refuse("", None, "not_json", "the document is not JSON") from error


def _body(raw: Any, max_nodes: int) -> Mapping[str, Any]:
    if isinstance(raw, list):
        raw = {"nodes": raw}
    if isinstance(raw, Mapping) and "nodes" not in raw:
        for name in ("document", "flow", "draft"):
            if isinstance(raw.get(name), Mapping) and "nodes" in raw[name]:
                raw = {"name": raw.get("name", ""), **raw[name]}
                break
        else:
            if isinstance(raw.get("type"), str):
                raw = {"nodes": [raw]}
    if not isinstance(raw, Mapping):
        raise _refuse("", None, "not_a_flow", "a flow is an object with a list of nodes")
    nodes = raw.get("nodes", [])
    if isinstance(nodes, Mapping):
        nodes = [{"id": k, **v} if isinstance(v, Mapping) else v for k, v in nodes.items()]
        raw = {**raw, "nodes": nodes}
    if not isinstance(nodes, list):
        raise _refuse("/nodes", None, "not_a_flow", "nodes must be a list")
    if len(nodes) > max_nodes:
        over = nodes[max_nodes]
        node_id = over.get("id") if isinstance(over, Mapping) else None
        where = f" (from node {node_id} on)" if isinstance(node_id, str) else ""
        message = f"a flow has at most {max_nodes} nodes, this one {len(nodes)}{where}"
        raise _refuse(f"/nodes/{max_nodes}", node_id if isinstance(node_id, str) else None, "too_many_nodes", message)
    edges = raw.get("edges")
    if edges is not None and not isinstance(edges, list):
        raise _refuse("/edges", None, "not_a_flow", "edges must be a list")
    if isinstance(edges, list) and len(edges) > max_nodes * 4:
        raise _refuse("/edges", None, "too_many_edges", f"a flow has at most {max_nodes * 4} edges")
    return {str(key): value for key, value in raw.items()}


class _Reader:
    """Reads one document; collects every problem before it refuses."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = body
        self.problems: list[DocumentProblem] = []
        self.nodes: list[Node] = []
        self.edges: dict[tuple[str, str], Edge] = {}
        self.extra_edges: list[Edge] = []
        self.converted: dict[str, Converted] = {}
        self.older_next: dict[str, str] = {}
        self.placed = False
        self.older = "edges" not in body and "spec_version" not in body
        self.ids: set[str] = set()
        self.edge_ids: set[str] = set()

    def read(self) -> FlowDocument:
        raw_nodes = self.body.get("nodes", [])
        self.ids = {n["id"] for n in raw_nodes if isinstance(n, Mapping) and isinstance(n.get("id"), str)}
        seen: set[str] = set()
        for index, raw in enumerate(raw_nodes):
            self._node(index, raw, seen)
        if self.problems:
            raise DocumentError(self.problems)
        for index, raw in enumerate(self.body.get("edges") or []):
            self._edge(index, raw)
        if self.problems:
            raise DocumentError(self.problems)
        for node in list(self.nodes):
            self._branches(node)
        if self.older and self.nodes:
            self._entry()
        if not self.placed:
            self._lay_out()
        settings, translations = self._settings(), self._translations()
        if self.problems:
            raise DocumentError(self.problems)
        return FlowDocument(
            name=str(self.body.get("name") or "")[:200],
            settings=settings,
            nodes=self.nodes,
            edges=[*self.edges.values(), *self.extra_edges],
            ui=self._ui(),
            translations=translations,
        )

    def _node(self, index: int, raw: Any, seen: set[str]) -> None:
        pointer = f"/nodes/{index}"
        if not isinstance(raw, Mapping):
            self.problems.append(_problem(pointer, None, "not_a_node", f"node {index} is not an object"))
            return
        given = raw.get("id")
        node_id = given if isinstance(given, str) and given else str(given) if isinstance(given, int) else ""
        name = raw.get("type")
        if not isinstance(name, str) or not is_known(canonical_type(name)):
            label = node_id or f"number {index + 1}"
            shown = name[:60] if isinstance(name, str) else name
            message = f"node {label} has the unknown type {shown!r}"
            self.problems.append(_problem(f"{pointer}/type", node_id or None, "unknown_type", message))
            return
        node_type = canonical_type(name)
        if not node_id:
            node_id = slug(node_type, self.ids)
        if node_id in seen:
            message = f"two nodes have the id {node_id[:100]}"
            self.problems.append(_problem(f"{pointer}/id", node_id, "duplicate_id", message))
            return
        seen.add(node_id)
        self.ids.add(node_id)
        config = raw.get("config", raw.get("data", {}))
        if not isinstance(config, Mapping) or _deep(config):
            message = f"the config of node {node_id} is not a plain object"
            self.problems.append(_problem(f"{pointer}/config", node_id, "invalid_config", message))
            return
        converted = convert(node_type, {str(k): v for k, v in config.items() if v is not None})
        position = raw.get("position")
        self.placed = self.placed or isinstance(position, Mapping)
        try:
            node = Node.model_validate(
                {
                    "id": node_id,
                    "type": node_type,
                    "title": str(raw.get("title") or raw.get("name") or raw.get("label") or "")[:200],
                    "config": converted.config,
                    "position": position if isinstance(position, Mapping) else {},
                }
            )
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                where = "/".join(str(p) for p in detail["loc"])
                message = f"node {node_id[:100]}: {where}: {detail['msg']}"
                self.problems.append(_problem(f"{pointer}/{where}", node_id[:100], "invalid_node", message))
            return
        self.nodes.append(node)
        self.converted[node_id] = converted
        follow = raw.get("next")
        if isinstance(follow, list):
            follow = follow[0] if follow else None
        if isinstance(follow, Mapping):
            converted.branches.update({str(k): v for k, v in follow.items() if isinstance(v, str)})
        elif isinstance(follow, str | int) and follow != "":
            self.older_next[node_id] = str(follow)

    def _edge(self, index: int, raw: Any) -> None:
        pointer = f"/edges/{index}"
        if not isinstance(raw, Mapping):
            self.problems.append(_problem(pointer, None, "not_an_edge", f"edge {index} is not an object"))
            return
        source, target = raw.get("source", raw.get("from")), raw.get("target", raw.get("to"))
        port = raw.get("port") or raw.get("source_port") or raw.get("sourceHandle") or "next"
        if not isinstance(source, str) or not isinstance(target, str) or not isinstance(port, str):
            message = f"edge {index} needs a source, a port and a target"
            self.problems.append(_problem(pointer, None, "not_an_edge", message))
            return
        for end, node_id in (("source", source), ("target", target)):
            if node_id not in self.ids:
                known = source if end == "target" else target
                message = f"edge {index} of node {known[:100]} leads to nothing: there is no node {node_id[:100]}"
                self.problems.append(_problem(f"{pointer}/{end}", known[:100], "dangling_edge", message))
                return
        self._connect(source, port, target, raw.get("id"))

    def _connect(self, source: str, port: str, target: str, given: Any = None) -> None:
        edge_id = given if isinstance(given, str) and given and given not in self.edge_ids else f"{source}:{port}"
        while edge_id in self.edge_ids:
            edge_id += "+"
        self.edge_ids.add(edge_id)
        edge = Edge(id=edge_id[:250], source=source, port=port, target=target)
        if (source, port) in self.edges:
            self.extra_edges.append(edge)
        else:
            self.edges[source, port] = edge

    def _branches(self, node: Node) -> None:
        """The older shape's branches and ``next`` as edges."""
        converted = self.converted[node.id]
        follow = self.older_next.get(node.id)
        for port, target in converted.branches.items():
            self._follow(node, port, target)
        if follow is not None:
            for port in converted.exits:
                self._follow(node, port, follow)
        elif not self.older:
            return
        for port in converted.must_lead:
            if (node.id, port) in self.edges:
                continue
            option = port.partition(":")[2]
            # An option named like a node leads there; else the conversation ends, as it used to.
            self._follow(node, port, option if option in self.ids and option != node.id else self._end())

    def _follow(self, node: Node, port: str, target: str) -> None:
        if (node.id, port) in self.edges:
            return
        self._connect(node.id, port, target if target in self.ids else self._elsewhere(target))

    def _elsewhere(self, target: str) -> str:
        """A target that is no node of this document was another flow: jump there."""
        node_id = target[:90] or "flow"
        self.ids.add(node_id)
        self._append(Node(id=node_id, type="jump", title=target[:200], config={"flow": target, "mode": "go"}))
        return node_id

    def _end(self) -> str:
        found = next((n.id for n in self.nodes if n.type == "end"), None)
        if found is None:
            found = slug("end", self.ids)
            self._append(Node(id=found, type="end", config={"outcome": ""}))
        return found

    def _append(self, node: Node) -> None:
        self.nodes.append(node)
        self.converted[node.id] = Converted(dict(node.config))

    def _entry(self) -> None:
        """An older document without trigger starts at the first node nothing leads to."""
        if any(n.type == "start" or n.type.startswith("trigger_") for n in self.nodes):
            return
        reached = {e.target for e in self.edges.values()}
        free = [n for n in self.nodes if n.id not in reached and n.type != "note"]
        first = free[0] if free else self.nodes[0]
        entry = Node(id=slug("start", self.ids), type="start")
        self.nodes.insert(0, entry)
        self._connect(entry.id, "next", first.id)

    def _settings(self) -> FlowSettings:
        raw = self.body.get("settings")
        try:
            return FlowSettings.model_validate(raw if isinstance(raw, Mapping) else {})
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                where = "/".join(str(p) for p in detail["loc"])
                self.problems.append(_problem(f"/settings/{where}", None, "invalid_settings", detail["msg"]))
            return FlowSettings()

    def _translations(self) -> Translations:
        """Texts in other languages; those of nodes that aren't there go."""
        raw = self.body.get("translations")
        if raw is None:
            return {}
        if not isinstance(raw, Mapping) or len(raw) > MAX_LANGUAGES:
            message = f"translations are an object of at most {MAX_LANGUAGES} languages"
            self.problems.append(_problem("/translations", None, "invalid_translations", message))
            return {}
        found: Translations = {}
        for locale, given in raw.items():
            pointer = f"/translations/{str(locale)[:20]}"
            if not isinstance(locale, str) or not re.fullmatch(LOCALE_PATTERN, locale):
                message = f"{str(locale)[:20]!r} is no locale such as en or pt_BR"
                self.problems.append(_problem(pointer, None, "invalid_translations", message))
                continue
            try:
                found[locale] = {
                    node_id: texts
                    for node_id, texts in _TEXTS.validate_python(given).items()
                    if texts and node_id in self.ids
                }
            except ValidationError as error:
                detail = error.errors(include_url=False, include_input=False)[0]
                where = "/".join(str(p) for p in detail["loc"])
                self.problems.append(_problem(f"{pointer}/{where}", None, "invalid_translations", detail["msg"]))
        return found

    def _ui(self) -> DocumentUi:
        raw = self.body.get("ui")
        try:
            return DocumentUi.model_validate(raw if isinstance(raw, Mapping) else {})
        except ValidationError:
            return DocumentUi()

    def _lay_out(self) -> None:
        """Columns by distance from the first node; good enough until the editor lays out anew."""
        leads: dict[str, list[str]] = {}
        for edge in self.edges.values():
            leads.setdefault(edge.source, []).append(edge.target)
        column: dict[str, int] = {}
        for root in self.nodes:
            if root.id in column:
                continue
            column[root.id] = 0
            queue = deque([root.id])
            while queue:
                at = queue.popleft()
                for target in leads.get(at, ()):
                    if target not in column:
                        column[target] = column[at] + 1
                        queue.append(target)
        filled: dict[int, int] = {}
        for index, node in enumerate(self.nodes):
            place = column[node.id]
            line = filled.get(place, 0)
            filled[place] = line + 1
            position = Position(x=place * COLUMN, y=line * LINE)
            self.nodes[index] = node.model_copy(update={"position": position})


def _deep(value: Any) -> bool:
    """Nested deeper than any config needs (and than recursive code should follow)?"""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        following: list[Any] = []
        for item in level:
            if isinstance(item, Mapping):
                following.extend(item.values())
            elif isinstance(item, list):
                following.extend(item)
        if not following:
            return False
        level = following
    return True
