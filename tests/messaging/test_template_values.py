"""A template's values from the block to Meta's request: by name where it has names, each button at its own place."""

from __future__ import annotations

from typing import Any

import pytest

from pytake_app.channels.base import Recipient
from pytake_app.channels.content import parse_content
from pytake_app.channels.whatsapp.render import render
from pytake_app.messaging.content import channel_content
from tests.engine.flows import start, template
from tests.engine.helpers import Talk, compiled

QUICK = [{"id": "track", "title": "Rastrear"}, {"id": "person", "title": "Falar com alguém"}]


def sent(**config: Any) -> list[dict[str, Any]]:
    """The components of the request that a block's template becomes."""
    talk = Talk(compiled([start(), template("t", **config)], [("s", "next", "t")]))
    content = next(e.content for e in talk.last.events if e.type == "message_out")
    stored = channel_content(content.model_dump(mode="json"))
    request = render(parse_content(stored), Recipient(external_id="5511987650001")).body
    found: list[dict[str, Any]] = request["template"].get("components", [])
    return found


def test_buttons_stand_where_the_template_has_them() -> None:
    buttons = [{**QUICK[0], "place": 1}, {**QUICK[1], "place": 3}]
    found = sent(buttons=buttons, url_suffix="{{ contact.first_name }}", url_place=0)
    assert [(part["sub_type"], part["index"]) for part in found] == [("url", 0), ("quick_reply", 1), ("quick_reply", 3)]
    assert [part["parameters"] for part in found] == [
        [{"type": "text", "text": "Ana"}],
        [{"type": "payload", "payload": "track"}],
        [{"type": "payload", "payload": "person"}],
    ]


def test_without_known_places_replies_come_first() -> None:
    found = sent(buttons=QUICK, url_suffix="a1")
    assert [(part["sub_type"], part["index"]) for part in found] == [("quick_reply", 0), ("quick_reply", 1), ("url", 2)]


def test_named_placeholders_are_sent_by_name() -> None:
    found = sent(
        body=["{{ contact.first_name }}", ""], body_names=["nome", "pedido"],
        header_type="text", header="{{ contact.fields.city }}", header_name="cidade",
    )  # fmt: skip
    assert found == [
        {"type": "header", "parameters": [{"type": "text", "parameter_name": "cidade", "text": "Natal"}]},
        {
            "type": "body",
            "parameters": [
                {"type": "text", "parameter_name": "nome", "text": "Ana"},
                {"type": "text", "parameter_name": "pedido", "text": "-"},
            ],
        },
    ]


@pytest.mark.parametrize("header_type", ["none", "text"])
def test_numbered_placeholders_go_in_order(header_type: str) -> None:
    found = sent(body=["a", "b"], header_type=header_type, header="Oi")
    assert found[-1] == {"type": "body", "parameters": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    assert all("parameter_name" not in value for part in found for value in part["parameters"])
