"""What the browser knows of node types agrees with the engine, and every type has its card and its words."""

import json
from typing import Any

import pytest

from pytake_app.engine.inspector import inspector_schema
from pytake_app.engine.nodes import NODE_TYPES
from pytake_app.ui.canvas.cards import all_cards
from pytake_app.ui.canvas.specs import NodeSpec, browser_specs, node_specs
from pytake_app.ui.i18n import catalogues
from pytake_app.ui.pages.editor.inspector import LIST_WIDGETS

HANDLED = {
    *LIST_WIDGETS,
    "text", "textarea", "number", "select", "switch", "duration", "words", "tags", "flow", "color", "media", "queue",
    "template", "variable", "cron", "timezone", "time", "dates", "tag", "field", "agent", "audience", "channel",
    "emoji", "json", "jsonpath", "rotation", "record", "calendar", "cases", "branches", "intents",
}  # fmt: skip

LISTS: dict[str, dict[str, Any]] = {
    "msg_buttons": {"buttons": [{"id": "a", "title": "Sim"}, {"id": "b", "title": "Não"}]},
    "msg_list": {
        "sections": [
            {"title": "A", "rows": [{"id": "r1", "title": "Um"}]},
            {"title": "B", "rows": [{"id": "r2", "title": "Dois"}]},
        ]
    },
    "msg_template": {"buttons": [{"id": "q", "title": "Quero"}]},
    "trigger_template": {"buttons": [{"id": "q", "title": "Quero"}]},
    "switch": {"cases": [{"id": "c1", "value": "1", "label": "Um"}, {"id": "c2", "value": "2", "label": "Dois"}]},
    "random_split": {"branches": [{"id": "x", "label": "A", "weight": 50}, {"id": "y", "label": "B", "weight": 50}]},
    "ai_classifier": {"intents": [{"id": "buy", "label": "Comprar", "examples": []}]},
}


def drawn_ports(spec: NodeSpec, config: dict[str, Any]) -> list[tuple[str, str | None]]:
    """What `portsOf` of `ui/js/editor_doc.js` draws: (port id, own label)."""
    out: list[tuple[str, str | None]] = []
    for ports in spec.lists:
        items = config.get(ports.field) or []
        flat = [row for item in items for row in item[ports.nested]] if ports.nested else items
        out += [(ports.prefix + item["id"], item.get(ports.label)) for item in flat]
    defaults = {field.name: field.default for field in spec.fields}
    for port in spec.ports:
        if all(str(config.get(name, defaults.get(name))) in values for name, values in port.when.items()):
            out.append((port.id, None))
    return out


@pytest.mark.parametrize("name", list(NODE_TYPES))
def test_the_ports_drawn_are_the_engines(name: str) -> None:
    node_type, spec = NODE_TYPES[name], node_specs()[name]
    configs = [node_type.default_config, {**node_type.default_config, **LISTS.get(name, {})}]
    for field in spec.fields:
        if field.widget == "select":
            configs += [
                {**configs[-1], field.name: option.value}
                for option in field.options
                if option.value not in ("0", "1", "2")
            ]
    for config in configs:
        real = node_type.ports(node_type.config_model.model_validate(config))
        drawn = drawn_ports(spec, config)
        assert [port for port, _ in drawn] == [port.id for port in real]
        for (_, label), port in zip(drawn, real, strict=True):
            assert label == port.label or (not label and port.label)  # a blank name is drawn as "untitled"


@pytest.mark.parametrize("name", list(NODE_TYPES))
def test_every_type_has_a_card_and_an_inspector_that_knows_its_widgets(name: str) -> None:
    assert name in all_cards()
    widgets = {field.widget for field in inspector_schema(name)}
    assert widgets <= HANDLED, f"the inspector has no control for {widgets - HANDLED}"


@pytest.mark.parametrize("language", list(catalogues()))
def test_every_type_field_and_port_is_named(language: str) -> None:
    words = catalogues()[language]
    missing: list[str] = []
    for spec in node_specs().values():
        keys = [spec.name, spec.help, f"node.group.{spec.group}", *(port.key for port in spec.ports if port.key)]
        for field in spec.fields:
            keys += [
                field.label_key,
                *(option.label_key for option in field.options),
                *(column.label_key for column in field.fields if column.name != "id"),
            ]
        missing += [key for key in keys if key not in words]
    assert missing == []


def test_the_specs_stay_small_enough_to_travel_with_the_page() -> None:
    assert len(json.dumps(browser_specs())) < 100_000  # 8 KB when compressed
