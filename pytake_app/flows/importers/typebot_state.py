"""What the translators of Typebot's blocks share: one block, and the bot it is part of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from pytake_app.flows.importers import plain
from pytake_app.flows.importers.notes import NOTHING, Note
from pytake_app.flows.importers.report import Outcome, outcome_of
from pytake_app.flows.importers.sketch import Sketch
from pytake_app.flows.importers.typebot_text import Variables


@dataclass(slots=True)
class Block:
    """A block of a group. `following`: what comes after it; `body`: the text said just before it, a question's."""

    id: str
    type: str
    raw: Mapping[str, Any]
    title: str
    following: str | None = None
    body: str = ""

    @property
    def options(self) -> Mapping[str, Any]:
        """Its options, empty for none."""
        return plain.mapping(self.raw.get("options"))


@dataclass(frozen=True, slots=True)
class Bot:
    """One Typebot. `edges`: what an edge leads to, by its id and by where it leaves from."""

    sketch: Sketch
    variables: Variables
    edges: dict[str, str]
    id: str
    version: str

    def leaving(
        self, thing: Mapping[str, Any], *, event: str = "", block: str = "", item: str = "", path: str = ""
    ) -> str | None:
        """What leaving a block, an item or an event leads to, by the edge it names or the edge that names it."""
        named = self.edges.get(plain.text(thing.get("outgoingEdgeId"), 200))
        return named or self.edges.get(f"from:{event}/{block}/{item}/{path}")

    def add(self, block: Block, node_type: str, config: Mapping[str, JsonValue]) -> str:
        """Add a node for a block; the block's first node is what others lead to."""
        node = self.sketch.node(node_type, config, hint=block.id, title=block.title)
        self.sketch.place(f"b:{block.id}", node)
        return node

    def done(self, block: Block, node: str, note: Note = NOTHING) -> None:
        """It is translated, or with a note approximated."""
        self.tell(block, outcome_of(note), node, note)

    def leave_out(self, block: Block, why: Note) -> None:
        """It is skipped: what led to it leads to what comes after it."""
        self.sketch.forward(f"b:{block.id}", block.following)
        self.tell(block, "left_out", None, why)

    def tell(self, block: Block, outcome: Outcome, node: str | None, note: Note = NOTHING) -> None:
        """A line of the report."""
        self.sketch.tell(outcome, block.id, block.type or "block", node_id=node, note=note, title=block.title)
