"""The flow document: nodes, ports, edges and settings, as stored, edited, imported and exported.

A document is data only. What a node's ``config`` may hold is said by its type's config model
(``engine.nodes``); here it stays plain JSON so that a half-filled draft can be kept.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

SPEC_VERSION = "1.0"
DEFAULT_MAX_NODES = 2_000
DEFAULT_MAX_BYTES = 2_000_000

NodeConfig = dict[str, JsonValue]


class Position(BaseModel):
    """Place of a node's top left corner on the canvas, in canvas units."""

    model_config = ConfigDict(extra="ignore")

    x: float = 0.0
    y: float = 0.0


class Node(BaseModel):
    """One step of a flow. ``type`` is canonical after :func:`parse_document`."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field(min_length=1, max_length=100)
    type: str = Field(min_length=1, max_length=60)
    title: str = Field(default="", max_length=200)
    config: NodeConfig = Field(default_factory=dict)
    position: Position = Field(default_factory=Position)

    @field_validator("config")
    @classmethod
    def _without_nulls(cls, config: NodeConfig) -> NodeConfig:
        """A null is the same as no value (edits delete with null), so none is kept."""
        return {key: value for key, value in config.items() if value is not None}


class Edge(BaseModel):
    """A link from a port of ``source`` to the node ``target``."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field(min_length=1, max_length=250)
    source: str
    port: str = "next"
    target: str


class FlowSettings(BaseModel):
    """Settings of the whole flow.

    ``expiry_minutes``: a session with no answer for so long expires. ``undefined``: an unknown
    variable renders as nothing, or is an error event on its node. ``locale``: language of dates,
    money and yes/no words. ``interrupt_keywords``: words that end a waiting session, whole message
    only, accents and case ignored. ``restart_keywords``: words that bring it back to the flow's beginning.
    """

    model_config = ConfigDict(extra="ignore")

    expiry_minutes: int = Field(default=10, ge=1, le=43_200)
    undefined: Literal["empty", "error"] = "empty"
    locale: Literal["pt_BR", "en", "es"] = "pt_BR"
    interrupt_keywords: list[str] = Field(default_factory=list, max_length=50)
    restart_keywords: list[str] = Field(default_factory=list, max_length=50)


class Translation(BaseModel):
    """A text in another language. ``source`` is the text of the flow's own language it was made from: when that
    has changed since, the translation is outdated (and still used)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    text: str = Field(max_length=20_000)
    source: str = Field(default="", max_length=20_000)


LOCALE_PATTERN = r"^[a-z]{2,3}(_[A-Z]{2})?$"
MAX_LANGUAGES = 12
NodeTexts = dict[str, Translation]
"""A node's translations by pointer, see ``engine.translation``."""
Translations = dict[str, dict[str, NodeTexts]]
"""Locale → node id → pointer → translation."""


class Viewport(BaseModel):
    """Where the editor last looked."""

    model_config = ConfigDict(extra="ignore")

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0


class DocumentUi(BaseModel):
    """What only the editor reads; the engine ignores it."""

    model_config = ConfigDict(extra="ignore")

    viewport: Viewport | None = None


class FlowDocument(BaseModel):
    """A flow as one JSON document (``model_dump(mode="json")`` is its stored form)."""

    model_config = ConfigDict(extra="ignore")

    spec_version: Literal["1.0"] = "1.0"
    name: str = Field(default="", max_length=200)
    settings: FlowSettings = Field(default_factory=FlowSettings)
    nodes: list[Node] = Field(default_factory=list)
    edges: list[Edge] = Field(default_factory=list)
    ui: DocumentUi = Field(default_factory=DocumentUi)
    translations: Translations = Field(default_factory=dict)
    """Texts in other languages; which one a contact reads is chosen by ``engine.translation.best_locale``."""

    def node(self, node_id: str) -> Node | None:
        """The node with this id, or None."""
        return next((n for n in self.nodes if n.id == node_id), None)


class DocumentProblem(BaseModel):
    """One reason why a document can't be read: where (JSON pointer), which node, what."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    node_id: str | None
    code: str
    message: str


class DocumentError(ValueError):
    """A document can't be read at all. ``errors`` names each place and node."""

    def __init__(self, errors: list[DocumentProblem]) -> None:
        self.errors = errors
        super().__init__("; ".join(e.message for e in errors[:5]))


def parse_document(
    raw: Any,
    *,
    max_nodes: int = DEFAULT_MAX_NODES,
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> FlowDocument:
    """Read a document of the current or of an older shape.

    ``raw`` is parsed JSON (an object with ``nodes``, a bare list of nodes, or a single node), or the
    JSON text as ``str``/``bytes``. Type aliases become canonical types, a missing node or edge id is
    made, older branches (``next`` and branches in the config) become edges.

    Raises :class:`DocumentError` naming place and node for: not a flow, unknown node type, duplicate
    ids, an edge to nothing, more than ``max_nodes`` nodes or ``max_bytes`` bytes of JSON. Cycles and
    incomplete configurations are legal here; the verifier speaks of them.
    """
    from pytake_app.engine.parsing import read_document

    return read_document(raw, max_nodes=max_nodes, max_bytes=max_bytes)
