"""Drawing a starter flow in Python: nodes on a grid, links by port, texts in three languages."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pytake_app.engine.document import Edge, FlowDocument, FlowSettings, Node, Position

LOCALES = ("pt_BR", "en", "es")
COLUMN = 360.0
ROW = 336.0


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


def option(option_id: str, title: str, description: str = "") -> dict[str, str]:
    """A button or a row of a list."""
    return {"id": option_id, "title": title, **({"description": description} if description else {})}
