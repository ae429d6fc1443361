"""What the editor needs to know of node types: palette entries and inspector fields, from the models."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from pytake_app.engine.nodes.base import Group, Widget


class FieldOption(BaseModel):
    """A choice of a select field; ``label_key`` is an i18n key."""

    model_config = ConfigDict(frozen=True)

    value: str
    label_key: str


class FieldSpec(BaseModel):
    """One field of a node's form. Keys are i18n: ``label_key`` is ``node.<type>.<field>.label``,
    ``help_key`` ``node.<type>.<field>.help`` (None when there is no help). ``max`` is the character
    or item limit (number fields: ``minimum``/``maximum``). ``show_if``: field → values that make
    this one visible. ``fields``: the columns of a list widget (buttons, cases…)."""

    model_config = ConfigDict(frozen=True)

    name: str
    widget: Widget
    label_key: str
    help_key: str | None = None
    placeholder_key: str | None = None
    required: bool = False
    default: JsonValue = None
    max: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    options: list[FieldOption] = Field(default_factory=list)
    show_if: dict[str, list[JsonValue]] = Field(default_factory=dict)
    fields: list[FieldSpec] = Field(default_factory=list)
    variables: bool = False
    advanced: bool = False


class PaletteEntry(BaseModel):
    """A node type as the palette shows it. ``name_key`` is ``node.<type>.name``, ``help_key``
    ``node.<type>.help``."""

    model_config = ConfigDict(frozen=True)

    type: str
    group: Group
    icon: str
    name_key: str
    help_key: str
    default_config: dict[str, JsonValue]
    summary_field: str | None = None


def inspector_schema(node_type: str) -> list[FieldSpec]:
    """The form of a node type (aliases accepted). Raises KeyError for an unknown type."""
    raise NotImplementedError


def palette() -> list[PaletteEntry]:
    """Every node type that can be dropped on the canvas, in catalogue order."""
    raise NotImplementedError
