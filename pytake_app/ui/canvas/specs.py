"""The node catalogue as the browser needs it: palette, inspector fields and ports, taken from the engine's registry.

Everything here is known when the pages are built and travels as one literal in the page's code; nothing of it is
fetched or kept in state.
"""

from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from pytake_app.engine.inspector import FieldSpec, inspector_schema, palette
from pytake_app.engine.nodes import NODE_TYPES
from pytake_app.engine.nodes.base import Config, Group, NodeType, Port

_PROBE_ID = "zz_probe"
_LABEL_COLUMNS = ("title", "label", "name", "value")
_LIST_WIDGETS = ("buttons", "sections", "cases", "branches", "intents")


class PortSpec(BaseModel):
    """An exit that every node of the type has; `key` is its name's text key."""

    model_config = ConfigDict(frozen=True)

    id: str
    key: str | None
    required: bool
    when: dict[str, list[JsonValue]] = Field(default_factory=dict)
    """Choices of the config for which the exit is there; empty: always."""


class PortList(BaseModel):
    """Exits made from a list of the config: one per item (or per item of `nested` in each item).

    The exit of an item is `prefix` + the item's `id`, and its name the item's `label` column.
    """

    model_config = ConfigDict(frozen=True)

    field: str
    nested: str | None = None
    prefix: str
    label: str
    required: bool


class BrowserField(FieldSpec):
    """A form field; `writes` marks the name of a variable that the node sets."""

    writes: bool = False


class NodeSpec(BaseModel):
    """A node type for the browser. `target`: edges may arrive. `palette`: people may add one."""

    model_config = ConfigDict(frozen=True)

    type: str
    group: Group
    icon: str
    name: str
    help: str
    default: dict[str, JsonValue]
    summary: str | None
    target: bool
    palette: bool
    fields: list[BrowserField]
    ports: list[PortSpec]
    lists: list[PortList] = Field(default_factory=list)


def _ports(node_type: NodeType, config: dict[str, Any]) -> list[Port]:
    model: Config = node_type.config_model.model_validate(config)
    return node_type.ports(model)


def _probed(node_type: NodeType, field: str, item: dict[str, Any], base: dict[str, Any]) -> Port | None:
    """The exit that one item in a list makes, if any."""
    try:
        ports = _ports(node_type, {**base, field: [item]})
    except ValidationError:
        return None
    return next((port for port in ports if port.id.endswith(_PROBE_ID)), None)


def _label_column(spec: FieldSpec, port: Port) -> str:
    columns = {column.name for column in spec.fields}
    marked = next((name for name in _LABEL_COLUMNS if name in columns and port.label == f"probe {name}"), None)
    return marked or next((name for name in _LABEL_COLUMNS if name in columns), "id")


def _item(spec: FieldSpec) -> dict[str, Any]:
    item: dict[str, Any] = {"id": _PROBE_ID}
    for column in spec.fields:
        if column.widget in _LIST_WIDGETS:
            item[column.name] = [_item(column)]
        elif column.name in _LABEL_COLUMNS:
            item[column.name] = f"probe {column.name}"
    return item


def _port_lists(node_type: NodeType, fields: list[BrowserField]) -> list[PortList]:
    """Which lists of the config make exits, learnt by asking the type's own `ports`."""
    base = {field.name: [] for field in fields if field.widget in _LIST_WIDGETS}
    found: list[PortList] = []
    for field in fields:
        if field.widget not in _LIST_WIDGETS or not field.fields:
            continue
        port = _probed(node_type, field.name, _item(field), base)
        if port is None:
            continue
        inner = next((column for column in field.fields if column.widget in _LIST_WIDGETS), None)
        found.append(
            PortList(
                field=field.name,
                nested=inner.name if inner else None,
                prefix=port.id.removesuffix(_PROBE_ID),
                label=_label_column(inner or field, port),
                required=port.required,
            )
        )
    return found


def _fixed_ports(node_type: NodeType, fields: list[BrowserField], base: dict[str, Any]) -> list[PortSpec]:
    """The exits that don't come from lists; some are there only for some choices of a select field."""
    always = {port.id: port for port in _ports(node_type, base)}
    order = list(always)
    when: dict[str, dict[str, list[JsonValue]]] = {}
    for field in fields:
        if field.widget != "select":
            continue
        seen: dict[str, list[JsonValue]] = {}
        values = [option.value for option in field.options]
        for value in values:
            try:
                ports = _ports(node_type, {**base, field.name: value})
            except ValidationError:
                continue
            order = [*[port.id for port in ports if port.id not in order], *order]
            for port in ports:
                always.setdefault(port.id, port)
                seen.setdefault(port.id, []).append(value)
        for port_id, shown in seen.items():
            if len(shown) < len(values):
                when.setdefault(port_id, {})[field.name] = shown
    return [
        PortSpec(id=name, key=always[name].label_key, required=always[name].required, when=when.get(name, {}))
        for name in order
    ]


def _writes(field: FieldSpec) -> bool:
    return field.widget == "variable"


def _spec(node_type: NodeType, in_palette: bool) -> NodeSpec:
    fields = [BrowserField(**field.model_dump(), writes=_writes(field)) for field in inspector_schema(node_type.type)]
    lists = _port_lists(node_type, fields)
    empty = {item.field: [] for item in lists}
    return NodeSpec(
        type=node_type.type,
        group=node_type.group,
        icon=node_type.icon,
        name=f"node.{node_type.type}.name",
        help=f"node.{node_type.type}.help",
        default=node_type.default_config,
        summary=node_type.summary_field,
        target=node_type.group not in ("trigger", "canvas") and node_type.type != "start",
        palette=in_palette,
        fields=fields,
        ports=_fixed_ports(node_type, fields, {**node_type.default_config, **empty}),
        lists=lists,
    )


@lru_cache(maxsize=1)
def node_specs() -> dict[str, NodeSpec]:
    """Node type → spec, palette order first."""
    shown = [entry.type for entry in palette()]
    order = [*shown, *(name for name in NODE_TYPES if name not in shown)]
    return {name: _spec(NODE_TYPES[name], name in shown) for name in order}


def browser_specs() -> dict[str, Any]:
    """The specs as plain JSON, without what is at its default."""
    return {name: _lean(spec.model_dump(mode="json")) for name, spec in node_specs().items()}


def _lean(spec: dict[str, Any]) -> dict[str, Any]:
    def field(raw: dict[str, Any]) -> dict[str, Any]:
        kept = {
            key: value
            for key, value in raw.items()
            if value not in (None, False, {}) and key not in ("fields", "options")
        }
        return {**kept, "fields": [field(child) for child in raw["fields"]], "options": raw["options"]}

    return {**spec, "fields": [field(raw) for raw in spec["fields"]]}
