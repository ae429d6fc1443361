"""What the editor needs to know of node types: palette entries and inspector fields, from the models."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from pytake_app.engine.nodes import NODE_TYPES, canonical_type
from pytake_app.engine.nodes.base import Config, Group, Port, Widget
from pytake_app.engine.verify_nodes import item_model


class FieldOption(BaseModel):
    """A choice of a select field; ``label_key`` is an i18n key."""

    model_config = ConfigDict(frozen=True)

    value: str
    label_key: str


class FieldSpec(BaseModel):
    """One field of a node's form. Keys are i18n: ``label_key`` is ``node.<type>.<field>.label``,
    ``help_key`` ``node.<type>.<field>.help`` (None when there is none). ``max`` is the character
    or item limit (number fields: ``minimum``/``maximum``). ``show_if``: field → values that make
    this one visible. ``fields``: the columns of a list widget (buttons, cases…). ``secrets``: the text may name
    secrets of the organization. ``beside``: the field whose control edits this one too."""

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
    secrets: bool = False
    beside: str | None = None
    translate: Literal["no", "text", "may"] = "no"


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


HELPED: Final = frozenset(
    {
        "words", "variable", "retry_message", "max_attempts", "timeout_minutes", "minimum", "pattern", "timezone",
        "holidays", "outcome", "fields.field", "wait_timeout_minutes", "threshold", "intents.examples", "url_suffix",
        "trigger_keyword.priority",
        "api_call.url", "api_call.headers", "api_call.body", "api_call.mapping", "api_call.mapping.path",
        "api_call.retries", "trigger_webhook.phone_path", "trigger_webhook.rotation", "trigger_schedule.cron",
        "msg_form.flow_id", "msg_form.data", "msg_form.each", "msg_reaction.emoji", "send_event.name", "notify.target",
        "assign_agent.user", "ai_prompt.prompt", "ai_prompt.history", "ai_extract.fields.description", "provider",
        "jump.scope", "jump.inputs", "jump.outputs", "business_hours.calendar",
    }
)  # fmt: skip
"""Fields (``path`` or ``type.path``) that have a help text in the catalogues."""


def inspector_schema(node_type: str) -> list[FieldSpec]:
    """The form of a node type (aliases accepted). Raises KeyError for an unknown type."""
    name = canonical_type(node_type)
    return _fields(name, NODE_TYPES[name].config_model)


@lru_cache(maxsize=256)
def _cached(node_type: str, model: type[Config], prefix: str) -> tuple[FieldSpec, ...]:
    specs: list[FieldSpec] = []
    for name, info in model.model_fields.items():
        extra = info.json_schema_extra
        if not isinstance(extra, dict):
            continue
        meta: dict[str, Any] = extra
        key = f"node.{node_type}.{prefix}{name}"
        nested = item_model(info.annotation)
        low, high = _bounds(info.metadata)
        default = info.get_default(call_default_factory=True)
        specs.append(
            FieldSpec(
                name=name,
                widget=meta.get("widget", "text"),
                label_key=f"{key}.label",
                help_key=f"{key}.help" if HELPED & {prefix + name, f"{node_type}.{prefix}{name}"} else None,
                required=bool(meta.get("required")),
                default=default.model_dump(mode="json") if isinstance(default, BaseModel) else default,
                max=meta.get("max"),
                minimum=low,
                maximum=high,
                options=[FieldOption(value=str(v), label_key=f"{key}.option.{v}") for v in meta.get("options") or []],
                show_if=meta.get("show_if") or {},
                fields=list(_cached(node_type, nested, f"{prefix}{name}.")) if nested else [],
                variables=bool(meta.get("variables")),
                advanced=bool(meta.get("advanced")),
                secrets=bool(meta.get("secrets")),
                beside=meta.get("beside"),
                translate=meta.get("translate", "no"),
            )
        )
    return tuple(specs)


def _fields(node_type: str, model: type[Config]) -> list[FieldSpec]:
    return list(_cached(node_type, model, ""))


def _bounds(metadata: list[Any]) -> tuple[float | None, float | None]:
    low: float | None = None
    high: float | None = None
    for item in metadata:
        for name in ("ge", "gt"):
            low = getattr(item, name, low) if low is None else low
        for name in ("le", "lt"):
            high = getattr(item, name, high) if high is None else high
    return low, high


def palette() -> list[PaletteEntry]:
    """Every node type that can be dropped on the canvas, in catalogue order."""
    return [
        PaletteEntry(
            type=t.type,
            group=t.group,
            icon=t.icon,
            name_key=f"node.{t.type}.name",
            help_key=f"node.{t.type}.help",
            default_config=t.default_config,
            summary_field=t.summary_field,
        )
        for t in NODE_TYPES.values()
    ]


def ports_of(node_type: str, config: dict[str, JsonValue]) -> list[Port]:
    """The ports of a node as the canvas draws them. A config that is still invalid has the ports of the
    type's default config; a type that can't run has ``next`` only."""
    name = canonical_type(node_type)
    known = NODE_TYPES.get(name)
    if known is None:
        return [Port(id="next", label_key="port.next")]
    try:
        return known.ports(known.config_model.model_validate(config))
    except ValidationError:
        return known.ports(known.config_model.model_validate(known.default_config))
