"""A document in the making: nodes now, edges by the names of what they lead to, resolved at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import JsonValue, ValidationError

from pytake_app.engine.document import DEFAULT_MAX_NODES, DocumentError, FlowDocument, parse_document
from pytake_app.engine.limits import (
    WA_BUTTON_TITLE,
    WA_BUTTONS,
    WA_BUTTONS_BODY,
    WA_ROW_DESCRIPTION,
    WA_ROW_TITLE,
    WA_ROWS,
)
from pytake_app.engine.nodes import NODE_TYPES
from pytake_app.engine.textmatch import fold_answer
from pytake_app.flows.importers import plain
from pytake_app.flows.importers.notes import NOTHING, Note, joined, remark
from pytake_app.flows.importers.report import ImportReport, NoteView, Outcome, ReportLine, UnreadableFile, unreadable

NodeConfig = dict[str, JsonValue]
STEP_DOWN = 190.0
STEP_RIGHT = 340.0
WIDTH = 300.0
SAYS_NOTHING = "👇"
"""The body of a question that had no text of its own; understood in every language."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a menu. `full` is the whole text when the title had to be cut."""

    id: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Menu:
    """A menu that was drawn: its first node, and (node, port) of each choice."""

    first: str
    ports: dict[str, tuple[str, str]]
    nodes: tuple[str, ...]
    note: Note = NOTHING


@dataclass(slots=True)
class Cluster:
    """A place of the file's canvas that became several nodes, one below the other."""

    x: float
    y: float
    nodes: list[str] = field(default_factory=list)


class Sketch:
    """Collects nodes and edges of one flow.

    Things of the file are called by a `ref`; `place` says which node stands for one, `forward` that another thing
    does (or nothing, None: the path ends there).
    """

    def __init__(self, name: str, report: ImportReport) -> None:
        self.name = plain.text(name, 200).strip()
        self.report = report
        self.settings: NodeConfig = {}
        self.references: dict[str, str] = {}
        self._nodes: dict[str, dict[str, Any]] = {}
        self._edges: dict[tuple[str, str], str | None] = {}
        self._places: dict[str, str] = {}
        self._forwards: dict[str, str | None] = {}
        self._clusters: list[Cluster] = []
        self._cluster = self.cluster(0, 0)

    # -- nodes --------------------------------------------------------------------------------------------------------

    def cluster(self, x: float, y: float) -> Cluster:
        """From here on nodes are put below each other, from this place on."""
        self._cluster = Cluster(x, y)
        self._clusters.append(self._cluster)
        return self._cluster

    def node(self, node_type: str, config: Mapping[str, JsonValue], *, hint: str, title: str = "") -> str:
        """Add a node; answers its id, `hint` if that is free.

        Raises:
            UnreadableFile: more nodes than a flow may have.
        """
        if len(self._nodes) >= DEFAULT_MAX_NODES:
            message = f"the flow {self.name[:60]!r} would have more than {DEFAULT_MAX_NODES} nodes"
            raise unreadable(message, code="too_many_nodes")
        base = plain.text(hint, 80).strip() or node_type
        node_id, count = base, 1
        while node_id in self._nodes:
            count += 1
            node_id = f"{base}-{count}"
        title = plain.text(title, 200).strip()
        self._nodes[node_id] = {"id": node_id, "type": node_type, "title": title, "config": dict(config)}
        self._cluster.nodes.append(node_id)
        return node_id

    def config(self, node_id: str) -> NodeConfig:
        """The config of a node, to be changed."""
        found: NodeConfig = self._nodes[node_id]["config"]
        return found

    # -- edges --------------------------------------------------------------------------------------------------------

    def link(self, source: str, port: str, ref: str | None) -> None:
        """From a port to whatever `ref` becomes."""
        self._edges.setdefault((source, port), ref)

    def join(self, source: str, port: str, target: str) -> None:
        """From a port to a node of ours."""
        self.link(source, port, self.own(target))

    def own(self, node_id: str) -> str:
        """The ref of a node of ours."""
        ref = f"node:{node_id}"
        self._places[ref] = node_id
        return ref

    def place(self, ref: str, node_id: str) -> None:
        """`node_id` stands for `ref`."""
        self._places.setdefault(ref, node_id)

    def forward(self, ref: str, other: str | None) -> None:
        """What leads to `ref` leads to `other`."""
        self._forwards.setdefault(ref, other)

    def resolve(self, ref: str | None) -> str | None:
        """The node that stands for `ref`, or None when the path ends."""
        seen: set[str] = set()
        while ref is not None and ref not in seen:
            node_id = self._places.get(ref)
            if node_id is not None:
                return node_id
            seen.add(ref)
            ref = self._forwards.get(ref)
        return None

    # -- report -------------------------------------------------------------------------------------------------------

    def tell(
        self,
        outcome: Outcome,
        source_id: str,
        source_type: str,
        *,
        node_id: str | None = None,
        note: Note = NOTHING,
        title: str = "",
    ) -> None:
        """Add a line to the report."""
        self.report.add(
            ReportLine(
                flow=self.name,
                source_id=plain.text(source_id, 200),
                source_type=plain.text(source_type, 60),
                title=plain.text(title, 200),
                node_id=node_id,
                outcome=outcome,
                note=plain.text(note, 500),
                notes=[NoteView(code=code, params=dict(params)) for code, params in note.parts],
            )
        )

    # -- menus --------------------------------------------------------------------------------------------------------

    def menu(
        self,
        body: str,
        choices: Sequence[Choice],
        *,
        hint: str,
        title: str = "",
        variable: str = "",
        timeout_minutes: float | None = None,
    ) -> Menu:
        """Buttons when they fit, else a list, else lists that lead on to each other. `choices` is not empty."""
        common: NodeConfig = {"body": body, "variable": variable, "max_attempts": 10}
        if timeout_minutes:
            common["timeout_minutes"] = timeout_minutes
        choices = _told_apart(choices)
        fits = len(body) <= WA_BUTTONS_BODY and all(
            len(choice.title) <= WA_BUTTON_TITLE and not choice.description for choice in choices
        )
        if len(choices) <= WA_BUTTONS and fits:
            buttons: list[JsonValue] = [{"id": choice.id, "title": choice.title} for choice in choices]
            node_id = self.node("msg_buttons", {**common, "buttons": buttons}, hint=hint, title=title)
            return Menu(node_id, {c.id: (node_id, f"option:{c.id}") for c in choices}, (node_id,))
        return self._pages(common, choices, hint=hint, title=title)

    def _pages(self, common: NodeConfig, choices: Sequence[Choice], *, hint: str, title: str) -> Menu:
        size = WA_ROWS if len(choices) <= WA_ROWS else WA_ROWS - 1
        pages = [choices[at : at + size] for at in range(0, len(choices), size)]
        ports: dict[str, tuple[str, str]] = {}
        nodes: list[str] = []
        shown: set[str] = set()
        cut = False
        for number, page in enumerate(pages, 1):
            rows: list[JsonValue] = []
            for choice in page:
                short = choice.title
                about = choice.description
                if len(short) > WA_ROW_TITLE:
                    cut, about = True, about or short
                    short = short[: WA_ROW_TITLE - 1].rstrip() + "…"
                    if fold_answer(short) in shown:
                        short = _numbered(choice.title, shown, WA_ROW_TITLE)
                shown.add(fold_answer(short))
                rows.append({"id": choice.id, "title": short, "description": about[:WA_ROW_DESCRIPTION]})
            more = f"page-{number + 1}"
            if number < len(pages):
                rows.append({"id": more, "title": f"➡️ {number + 1}/{len(pages)}", "description": ""})
            config: NodeConfig = {**common, "button": "Menu", "sections": [{"title": "", "rows": rows}]}
            node_id = self.node("msg_list", config, hint=hint, title=title)
            if nodes:
                self.join(nodes[-1], f"option:page-{number}", node_id)
            nodes.append(node_id)
            ports.update({choice.id: (node_id, f"option:{choice.id}") for choice in page})
        notes = []
        if len(pages) > 1:
            notes.append(remark("pages_of_options", count=len(choices), size=size))
        if cut:
            notes.append(remark("options_cut"))
        return Menu(nodes[0], ports, tuple(nodes), joined(notes))

    # -- the document -------------------------------------------------------------------------------------------------

    def document(self) -> FlowDocument:
        """The finished document.

        Raises:
            UnreadableFile: what came out is no flow (too large, for one).
        """
        self._end_open_paths()
        self._lay_out()
        edges = []
        for (source, port), ref in self._edges.items():
            target = self.resolve(ref)
            if target is not None:
                edges.append({"id": f"{source}:{port}"[:250], "source": source, "port": port, "target": target})
        raw = {
            "spec_version": "1.0",
            "name": self.name,
            "settings": self.settings,
            "nodes": list(self._nodes.values()),
            "edges": edges,
        }
        try:
            return parse_document(raw)
        except DocumentError as error:
            raise UnreadableFile(error.errors) from error

    def _end_open_paths(self) -> None:
        """Elsewhere a path may just stop; here an exit that must lead somewhere leads to an end."""
        open_ports: list[tuple[str, str]] = []
        for node_id, raw in self._nodes.items():
            kind = NODE_TYPES.get(raw["type"])
            try:
                ports = kind.ports(kind.config_model.model_validate(raw["config"])) if kind is not None else []
            except ValidationError:
                continue
            open_ports += [
                (node_id, port.id)
                for port in ports
                if port.required and self.resolve(self._edges.get((node_id, port.id))) is None
            ]
        if not open_ports or len(self._nodes) >= DEFAULT_MAX_NODES:
            return
        places = [cluster for cluster in self._clusters if cluster.nodes]
        self.cluster(max(c.x for c in places) + STEP_RIGHT, min(c.y for c in places))
        end = self.own(self.node("end", {"outcome": ""}, hint="end"))
        for key in open_ports:
            self._edges[key] = end

    def _lay_out(self) -> None:
        """Each cluster at its place of the file's canvas, moved down where it would cover another one."""
        taken: dict[int, list[tuple[float, float]]] = {}
        for cluster in sorted((c for c in self._clusters if c.nodes), key=lambda c: (c.y, c.x)):
            height = len(cluster.nodes) * STEP_DOWN
            columns = range(int(cluster.x // WIDTH), int((cluster.x + WIDTH - 1) // WIDTH) + 1)
            y = cluster.y
            for top, bottom in sorted(span for column in columns for span in taken.get(column, ())):
                if y < bottom and y + height > top:
                    y = bottom
            for column in columns:
                taken.setdefault(column, []).append((y, y + height))
            for index, node_id in enumerate(cluster.nodes):
                self._nodes[node_id]["position"] = {"x": cluster.x, "y": y + index * STEP_DOWN}


def _numbered(title: str, shown: set[str], limit: int) -> str:
    """The title with a number that makes it differ from those already shown."""
    number = 2
    while True:
        ending = f" ({number})"
        made = title[: limit - len(ending)].rstrip() + ending
        if fold_answer(made) not in shown:
            return made
        number += 1


def _told_apart(choices: Sequence[Choice]) -> list[Choice]:
    """Options of one name can't be told apart when they are typed: the later ones are numbered."""
    shown: set[str] = set()
    apart: list[Choice] = []
    for choice in choices:
        same = fold_answer(choice.title) in shown
        title = _numbered(choice.title, shown, max(WA_BUTTON_TITLE, len(choice.title))) if same else choice.title
        shown.add(fold_answer(title))
        apart.append(replace(choice, title=title))
    return apart
