"""Drawing a starter flow in Python: nodes on a grid, links by port, texts in three languages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from pytake_app.engine.document import Edge, FlowDocument, FlowSettings, Node, Position, Translation
from pytake_app.engine.textmatch import fold
from pytake_app.engine.translation import texts_of
from pytake_app.flows.starters import naming

LOCALES = ("pt_BR", "en", "es")
COLUMN = 360.0
ROW = 336.0

Words = tuple[str, str, str]
"""A text in the order of `LOCALES`."""
Category = Literal["service", "sales", "notices", "team"]
CATEGORIES: tuple[Category, ...] = ("service", "sales", "notices", "team")


@dataclass(slots=True)
class Drawing:
    """A flow being drawn.

    Parameters:
        locale: which language `say` picks.
    """

    locale: str
    expiry_minutes: int = 30
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    def say(self, portuguese: str, english: str, spanish: str) -> str:
        """The text in the drawing's language."""
        return {"en": english, "es": spanish}.get(self.locale, portuguese)

    def words(self, portuguese: str, english: str, spanish: str) -> list[str]:
        """Comma-separated words in the drawing's language, as a list."""
        return [word.strip() for word in self.say(portuguese, english, spanish).split(",")]

    def node(self, node_id: str, node_type: str, column: float, row: float, title: str = "", /, **config: Any) -> str:
        """Put a node on the grid; answers its id."""
        position = Position(x=column * COLUMN, y=row * ROW)
        self.nodes.append(Node(id=node_id, type=node_type, title=title, config=config, position=position))
        return node_id

    def begin(self, words: Words, title: Words, *, priority: int = 5) -> None:
        """The usual two ways in: `start` (another flow jumps here) and `asked` (keywords)."""
        self.node("start", "start", 0, 0, self.say("Vindo de outro fluxo", "From another flow", "Desde otro flujo"))
        self.node(
            "asked", "trigger_keyword", 0, 0.6, self.say(*title),
            words=self.words(*words), match_type="contains", priority=priority,
        )  # fmt: skip

    def person(self, column: float, row: float, queue: Words, message: Words | None = None, priority: int = 0) -> None:
        """The node `person`: hand over to the team."""
        told = message or (
            "Um momento, já vou chamar alguém da equipe. 🙋",
            "One moment, I'm calling someone from the team. 🙋",
            "Un momento, ya llamo a alguien del equipo. 🙋",
        )
        self.node(
            "person", "action_transfer_to_queue", column, row,
            self.say("Passar para a equipe", "Hand over to the team", "Pasar al equipo"),
            queue_name=self.say(*queue), priority=priority, fallback_action="abandon", message=self.say(*told),
        )  # fmt: skip

    def link(self, source: str, *ports_and_targets: tuple[str, str]) -> None:
        """Connect ports of a node: `link("menu", ("option:a", "node_a"), ("timeout", "bye"))`."""
        self.edges += [
            Edge(id=f"{source}:{port}", source=source, port=port, target=target) for port, target in ports_and_targets
        ]

    def chain(self, *node_ids: str) -> None:
        """Connect the `next` port of each node to the one after it."""
        for source, target in pairwise(node_ids):
            self.link(source, ("next", target))

    def document(self, name: str) -> FlowDocument:
        """The finished flow."""
        locale = self.locale if self.locale in LOCALES else LOCALES[0]
        settings = FlowSettings.model_validate({"expiry_minutes": self.expiry_minutes, "locale": locale})
        return FlowDocument(name=name, settings=settings, nodes=self.nodes, edges=self.edges)


@dataclass(frozen=True, slots=True)
class Adapt:
    """Something of a starter that a shop has to make its own, and the node where."""

    node_id: str
    what: Words


@dataclass(frozen=True, slots=True)
class Line:
    """What the contact does in the sample conversation: writes `text`, or presses `option`."""

    text: Words = ("", "", "")
    option: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Starter:
    """A starter; names and descriptions in the order of `LOCALES`.

    `script` is the sample conversation; `trigger` and `variables` begin it where nobody writes first, `answers` are what
    calls to the outside get in it (node id → JSON).
    """

    key: str
    icon: str
    category: Category
    names: Words
    descriptions: Words
    draw: Callable[[Drawing], None]
    adapt: tuple[Adapt, ...] = ()
    script: tuple[Line, ...] = ()
    trigger: str | None = None
    variables: tuple[tuple[str, str], ...] = ()
    answers: tuple[tuple[str, str], ...] = ()

    def document(self, locale: str, *, translations: bool = False) -> FlowDocument:
        """The flow in a language; with `translations` its contacts may also read the other two."""
        own = known_locale(locale)
        document = self.drawn(own, own)
        if not translations:
            return document
        return with_translations(document, {other: self.drawn(other, own) for other in LOCALES if other != own})

    def drawn(self, locale: str, names: str) -> FlowDocument:
        """The flow's texts in one language, its variables' names in one (a translated flow's are the flow's own)."""
        drawing = Drawing(locale=locale)
        self.draw(drawing)
        return naming.renamed(drawing.document(self.name(locale)), names)

    def given(self, locale: str) -> dict[str, str]:
        """The variables that the sample conversation begins with, by their names in a language."""
        return {naming.variable(name, known_locale(locale)): value for name, value in self.variables}

    def name(self, locale: str) -> str:
        """Its name in a language."""
        return said(self.names, locale)

    def description(self, locale: str) -> str:
        """What it does, in a language."""
        return said(self.descriptions, locale)


def known_locale(locale: str) -> str:
    """One of our locales: `pt-BR`, `pt` → `pt_BR`; unknown ones get Portuguese."""
    plain = locale.replace("-", "_")
    return next((known for known in LOCALES if known == plain or known[:2] == plain[:2]), LOCALES[0])


def said(words: Words, locale: str) -> str:
    """A text in a language."""
    return words[LOCALES.index(known_locale(locale))]


def option(option_id: str, title: str, description: str = "") -> dict[str, str]:
    """A button or a row of a list."""
    return {"id": option_id, "title": title, **({"description": description} if description else {})}


def with_translations(document: FlowDocument, others: dict[str, FlowDocument]) -> FlowDocument:
    """A flow with the texts of the same flow in other languages. Keywords and examples of intents, which have no
    translations, are joined: whoever writes in one of the languages is understood."""
    translations: dict[str, dict[str, dict[str, Translation]]] = {}
    for locale, other in others.items():
        there = {n.id: {p.pointer: p.text for p in texts_of(n.type, n.config)} for n in other.nodes}
        for node in document.nodes:
            texts = {
                place.pointer: Translation(text=there[node.id][place.pointer], source=place.text)
                for place in texts_of(node.type, node.config)
                if place.pointer in there.get(node.id, {})
            }
            if texts:
                translations.setdefault(locale, {})[node.id] = texts
    nodes = [_joined(node, [o for other in others.values() if (o := other.node(node.id))]) for node in document.nodes]
    return document.model_copy(update={"nodes": nodes, "translations": translations})


def _joined(node: Node, others: list[Node]) -> Node:
    if node.type == "trigger_keyword":
        return node.model_copy(
            update={"config": {**node.config, "words": _union([n.config["words"] for n in [node, *others]])}}
        )
    if node.type == "ai_classifier":
        lists: list[Any] = [n.config["intents"] for n in [node, *others]]
        intents = [
            {**own, "examples": _union([intents[index]["examples"] for intents in lists])}
            for index, own in enumerate(lists[0])
        ]
        return node.model_copy(update={"config": {**node.config, "intents": intents}})
    return node


def _union(lists: list[Any]) -> list[str]:
    """All words once: the ones that differ by accents only are the same word."""
    found: dict[str, str] = {}
    for words in lists:
        for word in words:
            found.setdefault(fold(str(word)), str(word))
    return list(found.values())
