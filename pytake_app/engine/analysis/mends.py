"""One-click mends: the edits that remove a finding, where there is one obvious way.

Each mend is a list of operations as :mod:`pytake_app.engine.operations` reads them, applied together.
They are made for the document as it was verified; after any edit the verifier makes them anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from pytake_app.engine.analysis.graph import FlowGraph, Leg
from pytake_app.engine.analysis.structure import at_once, stretch_cuts
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.findings import Finding

Op = dict[str, Any]
Ops = list[Op] | None
MAX_INSERTED: Final = 10
"""Nodes one mend may put in; what needs more is no matter of one click."""
STEP_X, STEP_Y = 340.0, 190.0


class Mender:
    """Makes the operations of findings of one document."""

    def __init__(self, document: FlowDocument, graph: FlowGraph) -> None:
        self.document = document
        self.graph = graph
        self.ids = {node.id for node in document.nodes}
        self.edges = {edge.id for edge in document.edges}
        self.twice = len(self.edges) < len(document.edges) or len(self.ids) < len(document.nodes)

    def attach(self, finding: Finding) -> Finding:
        """The finding with its operations, or without ``mend`` when there are none after all."""
        if finding.mend is None or finding.operations or finding.creates is not None:
            return finding
        operations = _MENDS[finding.mend](self, finding) if not self.twice else None
        if not operations:
            return finding.model_copy(update={"mend": None})
        return finding.model_copy(update={"operations": operations})

    def new_id(self, base: str, taken: Iterable[str] = ()) -> str:
        """An id no node has."""
        used = self.ids | set(taken)
        if base not in used:
            return base
        return next(name for n in range(2, len(used) + 3) if (name := f"{base}_{n}") not in used)

    def new_node(
        self, node_type: str, base: str, config: Op, beside: str, *, back: int = 0, taken: Iterable[str] = ()
    ) -> Op:
        """A node to the right of another (or ``back`` steps to the left, in the row below)."""
        node = self.graph.nodes.get(beside)
        x, y = (node.node.position.x, node.node.position.y) if node is not None else (0.0, 0.0)
        position = {"x": x - back * STEP_X, "y": y + STEP_Y} if back else {"x": x + STEP_X, "y": y}
        node_id = self.new_id(base, taken)
        return {"id": node_id, "type": node_type, "title": "", "config": config, "position": position}

    def config(self, finding: Finding) -> dict[str, Any]:
        """The raw config of the finding's node."""
        node = self.graph.nodes.get(finding.node_id or "")
        return dict(node.node.config) if node is not None else {}


def connect(source: str, port: str, target: str) -> Op:
    """An edge, in place of one that is there."""
    return {"op": "connect", "source": source, "port": port, "target": target}


def add(node: Op) -> Op:
    """A new node."""
    return {"op": "add_node", "node": node}


def _connect_end(mender: Mender, finding: Finding) -> Ops:
    if finding.node_id is None or finding.port is None:
        return None
    end = next((n.id for n in mender.graph.nodes.values() if n.name == "end" and n.id in mender.graph.live), None)
    if end is not None:
        return [connect(finding.node_id, finding.port, end)]
    node = mender.new_node("end", "end", {"outcome": ""}, finding.node_id)
    return [add(node), connect(finding.node_id, finding.port, node["id"])]


def _delete_edge(mender: Mender, finding: Finding) -> Ops:
    known: set[tuple[str, str]] = set()
    gone: list[str] = []
    for edge in mender.document.edges:
        key = (edge.source, edge.port)
        lost = edge.source not in mender.ids if finding.code == "edge_from_nothing" else key == _key(finding)
        if finding.code == "duplicate_edge":
            lost = lost and key in known
        known.add(key)
        if lost and (finding.code != "edge_from_nothing" or edge.source == finding.params.get("id")):
            gone.append(edge.id)
    return [{"op": "delete_nodes", "ids": [], "edges": gone}] if gone else None


def _key(finding: Finding) -> tuple[str | None, str | None]:
    return finding.node_id, finding.port


def _delete_node(_mender: Mender, finding: Finding) -> Ops:
    return [{"op": "delete_nodes", "ids": [finding.node_id]}] if finding.node_id is not None else None


def _add_start(mender: Mender, _finding: Finding) -> Ops:
    led = {leg.target for node in mender.graph.nodes.values() for leg in node.legs}
    able = [n for n in mender.graph.nodes.values() if n.name not in ("note", "group") and n.type is not None]
    first = next((n.id for n in able if n.id not in led), able[0].id if able else None)
    if first is None:
        return None
    start = mender.new_node("start", "start", {}, first, back=1)
    return [add(start), connect(start["id"], "next", first)]


def _skip_trigger(mender: Mender, finding: Finding) -> Ops:
    """To what comes after the trigger."""
    seen: set[str] = set()
    target = str(finding.params.get("target", ""))
    while target in mender.graph.nodes and mender.graph.nodes[target].id in mender.graph.entries:
        edge = mender.graph.nodes[target].wired.get("next")
        if edge is None or target in seen:
            return None
        seen.add(target)
        target = edge.target
    if finding.node_id is None or finding.port is None or target not in mender.graph.nodes:
        return None
    return [connect(finding.node_id, finding.port, target)]


def _insert_wait(mender: Mender, finding: Finding) -> Ops:
    """A wait on every edge that closes a circle among the named nodes."""
    if finding.code == "mutual_jump":
        return _wait_before(mender, finding.node_id or "")
    members = set(finding.path)
    if finding.code != "loop_without_wait" or len(members) != finding.params.get("count"):
        return None
    closing = _closing(mender.graph, members)
    if not 0 < len({leg.target for leg in closing}) <= MAX_INSERTED:
        return None
    operations: list[Op] = []
    made: dict[str, str] = {}
    for leg in closing:
        if leg.target not in made:
            node = mender.new_node("wait_for_reply", "wait", {"variable": ""}, leg.source, taken=made.values())
            made[leg.target] = node["id"]
            operations += [add(node), connect(node["id"], "replied", leg.target)]
        operations.append(connect(leg.source, leg.port, made[leg.target]))
    return operations


def _wait_before(mender: Mender, node_id: str) -> Ops:
    """The contact has to answer before the flow goes on to a node."""
    legs = _arriving(mender, node_id)
    if not legs:
        return None
    node = mender.new_node("wait_for_reply", "wait", {"variable": ""}, node_id, back=1)
    arriving = [connect(leg.source, leg.port, node["id"]) for leg in legs]
    return [add(node), connect(node["id"], "replied", node_id), *arriving]


def _insert_pause(mender: Mender, finding: Finding) -> Ops:
    """A pause of a second wherever a stretch grows over the limit: it ends the sprint, and is hardly noticed."""
    cuts = stretch_cuts(mender.graph, finding.code)
    if not 0 < len(cuts) <= MAX_INSERTED:
        return None
    operations: list[Op] = []
    made: list[str] = []
    for node_id in cuts:
        legs = _arriving(mender, node_id)
        if not legs:
            return None
        node = mender.new_node("delay", "pause", {"amount": 1, "unit": "seconds"}, node_id, back=1, taken=made)
        made.append(node["id"])
        operations += [add(node), connect(node["id"], "next", node_id)]
        operations += [connect(leg.source, leg.port, node["id"]) for leg in legs]
    return operations


def _closing(graph: FlowGraph, members: set[str]) -> list[Leg]:
    """Legs that go back in a depth-first walk: without them the members form no circle."""
    state: dict[str, int] = {}
    back: list[Leg] = []
    for root in (n for n in graph.nodes if n in members):
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter([leg for leg in graph.nodes[root].legs if at_once(leg) and leg.target in members]))]
        while stack:
            node_id, legs = stack[-1]
            for leg in legs:
                if state.get(leg.target) == 1:
                    back.append(leg)
                elif leg.target not in state:
                    state[leg.target] = 1
                    following = graph.nodes[leg.target].legs
                    stack.append((leg.target, iter([x for x in following if at_once(x) and x.target in members])))
                    break
            else:
                state[node_id] = 2
                stack.pop()
    return back


def _arriving(mender: Mender, node_id: str) -> list[Leg]:
    legs = [leg for leg in mender.graph.arriving.get(node_id, ()) if leg.source in mender.graph.live]
    return legs if len(legs) <= 50 else []


def _check_window(mender: Mender, finding: Finding) -> Ops:
    """Look at the window first; when it is closed, a template and the answer to it come before."""
    node_id = finding.node_id
    legs = _arriving(mender, node_id) if node_id is not None else []
    if node_id is None or not legs or any(s.at == "timeout" for s in mender.graph.nodes[node_id].sends):
        return None
    check = mender.new_node("logic_window_check", f"window_{node_id}"[:90], {}, node_id, back=1)
    operations = [add(check), *_template_first(mender, node_id, back=2)]
    template, wait = operations[1]["node"]["id"], operations[2]["node"]["id"]
    operations += [
        connect(check["id"], "open", node_id),
        connect(check["id"], "closed", template),
        connect(template, "next", wait),
        connect(wait, "replied", node_id),
    ]
    return operations + [connect(leg.source, leg.port, check["id"]) for leg in legs]


def _template_first(mender: Mender, node_id: str, *, back: int) -> list[Op]:
    config: Op = {"name": "", "language": mender.document.settings.locale, "body": [], "buttons": []}
    template = mender.new_node("msg_template", f"template_{node_id}"[:90], config, node_id, back=back)
    wait = mender.new_node("wait_for_reply", f"wait_{node_id}"[:90], {"variable": ""}, node_id, back=back)
    wait["position"]["x"] += STEP_X
    wait["position"]["y"] += STEP_Y
    return [add(template), add(wait)]


def _add_template(mender: Mender, finding: Finding) -> Ops:
    """The window is closed for certain: a template and the answer to it come before."""
    node_id = finding.node_id
    legs = _arriving(mender, node_id) if node_id is not None else []
    if node_id is None or not legs:
        return None
    operations = _template_first(mender, node_id, back=1)
    template, wait = operations[0]["node"]["id"], operations[1]["node"]["id"]
    operations += [connect(template, "next", wait), connect(wait, "replied", node_id)]
    return operations + [connect(leg.source, leg.port, template) for leg in legs]


def _set_first(mender: Mender, finding: Finding) -> Ops:
    """An empty value right after each trigger."""
    name = str(finding.params.get("name", ""))
    graph = mender.graph
    legs = [leg for entry in graph.entries for leg in graph.nodes[entry].legs]
    targets = dict.fromkeys(leg.target for leg in legs)
    if not name or not legs or len(targets) > 3 or any(t in graph.entries for t in targets):
        return None
    operations: list[Op] = []
    made: dict[str, str] = {}
    for target in targets:
        config = {"assignments": [{"target": "session", "name": name, "value": ""}]}
        node = mender.new_node("set_variable", f"set_{name}", config, target, back=1, taken=made.values())
        made[target] = node["id"]
        operations += [add(node), connect(node["id"], "next", target)]
    return operations + [connect(leg.source, leg.port, made[leg.target]) for leg in legs]


def _drop_variable(mender: Mender, finding: Finding) -> Ops:
    parts = (finding.pointer or "").strip("/").split("/")
    config = mender.config(finding)
    if len(parts) == 2 and parts[1].isdigit():
        name = finding.params.get("name")
        items = [a for a in config.get(parts[0], []) if not (isinstance(a, dict) and a.get("name") == name)]
        return [_patch(finding, {parts[0]: items})] if items else None
    return [_patch(finding, {parts[0]: ""})] if parts[0] in config else None


def _drop_word(mender: Mender, finding: Finding) -> Ops:
    at = int((finding.pointer or "/words/0").rsplit("/", 1)[1])
    words = mender.config(finding).get("words", [])
    kept = [word for index, word in enumerate(words) if index != at]
    return [_patch(finding, {"words": kept})] if kept else None


def _rename_option(mender: Mender, finding: Finding) -> Ops:
    """A number behind the title (or id) that is there already."""
    parts = (finding.pointer or "").strip("/").split("/")
    config = mender.config(finding)
    holder: Any = config
    for part in parts[:-1]:
        holder = holder[int(part)] if isinstance(holder, list) else holder.get(part)
    field = parts[-1]
    if not isinstance(holder, dict) or not isinstance(holder.get(field), str):
        return None
    limit = {"title": 20, "value": 200}.get(field, 100)
    siblings = {str(o.get(field, "")).casefold() for o in _options(config)}
    base = holder[field].strip()
    mark = "_" if field == "id" else " "
    name = next(
        n for i in range(2, len(siblings) + 3) if (n := f"{base[: limit - 3]}{mark}{i}").casefold() not in siblings
    )
    return [_patch(finding, {parts[0]: _replaced(config[parts[0]], parts[1:], name)})]


def _options(config: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for field in ("buttons", "intents", "cases", "branches", "rows"):
        found += [o for o in config.get(field) or [] if isinstance(o, dict)]
    for section in config.get("sections") or []:
        if isinstance(section, dict):
            found += [o for o in section.get("rows") or [] if isinstance(o, dict)]
    return found


def _replaced(value: Any, path: list[str], new: str) -> Any:
    """A copy of plain JSON with one place changed."""
    if not path:
        return new
    if isinstance(value, list):
        return [_replaced(v, path[1:], new) if i == int(path[0]) else v for i, v in enumerate(value)]
    return {**value, path[0]: _replaced(value.get(path[0]), path[1:], new)}


def _drop_case(mender: Mender, finding: Finding) -> Ops:
    parts = (finding.pointer or "").strip("/").split("/")
    cases = mender.config(finding).get("cases", [])
    kept = [case for index, case in enumerate(cases) if str(index) != parts[1]]
    case = cases[int(parts[1])]
    port = f"case:{case.get('id', '')}" if isinstance(case, dict) else ""
    node = mender.graph.nodes[finding.node_id or ""]
    operations = [_patch(finding, {"cases": kept})]
    if port in node.wired:
        operations.insert(0, {"op": "disconnect", "source": node.id, "port": port})
    return operations if kept else None


def _patch(finding: Finding, patch: Op) -> Op:
    return {"op": "update_config", "id": finding.node_id, "patch": patch}


def _given(_mender: Mender, finding: Finding) -> Ops:
    return finding.operations


def _use_closest(mender: Mender, finding: Finding) -> Ops:
    """The name that is there and nearly the one that isn't."""
    parts = (finding.pointer or "").strip("/").split("/")
    config, name = mender.config(finding), finding.params.get("closest")
    if parts == ["queue_id"] and isinstance(name, str):
        return [_patch(finding, {"queue_id": "", "queue_name": name})]
    if parts == ["calendar_id"] and isinstance(name, str):
        return [_patch(finding, {"calendar_id": "", "calendar_name": name})]
    if not isinstance(name, str) or parts[0] not in config:
        return None
    return [_patch(finding, {parts[0]: _replaced(config[parts[0]], parts[1:], name)})]


def _fit_variables(mender: Mender, finding: Finding) -> Ops:
    """Without the values that the template has no place for."""
    body, expected = mender.config(finding).get("body"), finding.params.get("expected")
    if not isinstance(body, list) or not isinstance(expected, int) or len(body) <= expected:
        return None
    return [_patch(finding, {"body": body[:expected]})]


CREATING: Final = frozenset({"create_tag", "create_field", "create_queue", "create_department"})
"""Mends that make something of the organization; see ``Finding.creates``."""
_MENDS: Final[dict[str, Callable[[Mender, Finding], Ops]]] = {
    "add_start": _add_start,
    "check_window": _check_window,
    "connect_end": _connect_end,
    "delete_edge": _delete_edge,
    "delete_node": _delete_node,
    "drop_case": _drop_case,
    "drop_variable": _drop_variable,
    "drop_word": _drop_word,
    "fit_template": _given,
    "fit_variables": _fit_variables,
    "insert_pause": _insert_pause,
    "insert_wait": _insert_wait,
    "rename_option": _rename_option,
    "set_first": _set_first,
    "skip_trigger": _skip_trigger,
    "template_first": _add_template,
    "use_closest": _use_closest,
    "use_default_queue": _given,
    "use_language": _given,
}
MENDS: Final = frozenset(_MENDS)
USUAL: Final = {
    "duplicate_case": "drop_case",
    "duplicate_option_id": "rename_option",
    "duplicate_option_title": "rename_option",
    "duplicate_word": "drop_word",
}
"""Mends of findings that come from the node types' own checks."""
