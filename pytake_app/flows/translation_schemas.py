"""What the translation endpoints say and hear."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from pytake_app.flows.schemas import EditResult, JsonObject, Request

TextState = Literal["done", "missing", "outdated"]


class TextView(BaseModel):
    """A text of a flow in one further language. `outdated`: the original has changed since it was translated."""

    text: str
    state: TextState


class TextRow(BaseModel):
    """A text that contacts read. `pointer` names it within the node's config (items of lists by their id); `wanted`: it
    should have a translation (links and names of templates only may)."""

    node_id: str
    node_type: str
    title: str
    pointer: str
    source: str
    maximum: int | None
    wanted: bool
    translations: dict[str, TextView]


class TranslationsView(BaseModel):
    """All texts of a draft, in the order a conversation meets them. `locale` is the flow's own language."""

    revision: int
    locale: str
    languages: list[str]
    rows: list[TextRow]


class TranslationsImport(Request):
    """A table of translations as `GET …/translations.csv` gives it. `dry_run`: say what would be done only."""

    csv: str = Field(min_length=1, max_length=2_000_000)
    dry_run: bool = False


class SkippedRow(BaseModel):
    """A row of the table that was left out. `unknown_text`: the flow has no such text (any more). `changed_source`: the
    original isn't what was translated; it was taken in, and is marked as outdated."""

    row: int
    reason: Literal["unknown_text", "changed_source"]
    node_id: str
    pointer: str


class TranslationsImported(BaseModel):
    """What came of a table: the operations, how many texts they change, and the rows that need a look."""

    changed: int
    operations: list[JsonObject]
    notices: list[SkippedRow]
    edit: EditResult | None = None
