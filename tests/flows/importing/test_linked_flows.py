"""Bots that link to each other and flows that enter others: imported together, they call and come back."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from pytake_app.engine import runner
from pytake_app.engine import session as engine
from pytake_app.engine.events import MessageOut
from pytake_app.flows import importers
from tests.flows.importing.files import said

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def _bot(key: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "6.1", "id": key, "name": key,
        "events": [{"id": "ev", "type": "start", "outgoingEdgeId": "e", "graphCoordinates": {"x": 0, "y": 0}}],
        "groups": [{"id": "g", "title": "G", "graphCoordinates": {"x": 9, "y": 9}, "blocks": list(blocks)}],
        "edges": [{"id": "e", "from": {"eventId": "ev"}, "to": {"groupId": "g"}}],
        "variables": [{"id": "v", "name": "Nome"}], "settings": {}, "theme": {},
    }  # fmt: skip


def typebots() -> list[dict[str, Any]]:
    """A bot that links to another, which asks for a name."""
    return [
        _bot(
            "main",
            {"id": "t1", "type": "text", "content": said("antes")},
            {"id": "l", "type": "Typebot link", "options": {"typebotId": "sub"}},
            {"id": "t2", "type": "text", "content": said("depois {{Nome}}")},
        ),
        _bot(
            "sub",
            {"id": "t3", "type": "text", "content": said("Seu nome?")},
            {"id": "i", "type": "text input", "options": {"variableId": "v"}},
        ),
    ]


def _message(key: str, text: str) -> dict[str, Any]:
    return {"uuid": key, "type": "send_msg", "text": text}


def rapidpro() -> dict[str, Any]:
    """A flow that enters another, which keeps the reply as a result."""
    entering = {
        "uuid": "n1",
        "actions": [
            _message("a1", "antes"),
            {"uuid": "a2", "type": "enter_flow", "flow": {"uuid": "sub", "name": "sub"}},
        ],
        "router": {
            "type": "switch", "operand": "@child.status",
            "cases": [{"uuid": "k", "type": "has_only_text", "arguments": ["completed"], "category_uuid": "c1"}],
            "categories": [{"uuid": "c1", "name": "Complete", "exit_uuid": "x1"},
                           {"uuid": "c2", "name": "Expired", "exit_uuid": "x2"}],
            "default_category_uuid": "c2",
        },
        "exits": [{"uuid": "x1", "destination_uuid": "n2"}, {"uuid": "x2"}],
    }  # fmt: skip
    after = {"uuid": "n2", "actions": [_message("a3", "depois @contact.name")], "exits": [{"uuid": "x3"}]}
    asking = {
        "uuid": "m1", "actions": [_message("b1", "Seu nome?")],
        "router": {
            "type": "switch", "operand": "@input.text", "wait": {"type": "msg"}, "result_name": "Nome", "cases": [],
            "categories": [{"uuid": "d1", "name": "All", "exit_uuid": "y1"}], "default_category_uuid": "d1",
        },
        "exits": [{"uuid": "y1"}],
    }  # fmt: skip
    common = {"spec_version": "13.1.0", "type": "messaging", "language": "por", "localization": {}}
    flows = [
        {**common, "uuid": "main", "name": "main", "nodes": [entering, after]},
        {**common, "uuid": "sub", "name": "sub", "nodes": [asking]},
    ]
    return {"version": "13", "flows": flows}


@pytest.mark.parametrize(("file", "last"), [(typebots, "depois Bia"), (rapidpro, "depois Ana Lima")])
def test_a_linked_flow_is_called_and_comes_back(file: Any, last: str) -> None:
    imported = importers.convert(file())
    assert imported.report.left_out == 0, imported.report.lines
    main, sub = imported.flows
    assert list(main.references.values()) == [sub.source_id]
    [calling] = main.references
    node = main.document.node(calling)
    assert node is not None
    assert (node.type, node.config["mode"], node.config["flow"]) == ("jump", "call", sub.source_id)

    flows = {flow.source_id: runner.compile_flow(flow.document, flow.source_id, 1) for flow in imported.flows}
    ids = count()
    context = engine.RunContext(
        now=NOW,
        new_id=lambda: f"id{next(ids)}",
        contact=engine.ContactView(id="c", name="Ana Lima"),
        load_flow=lambda ref: flows.get(ref.flow),
    )

    def bodies(sprint: engine.Sprint) -> list[str]:
        return [event.content.body for event in sprint.events if isinstance(event, MessageOut)]

    first = runner.start(flows["main"], engine.Trigger(kind="test"), context)
    assert bodies(first) == ["antes", "Seu nome?"]
    assert (first.session.flow_id, len(first.session.stack)) == ("sub", 1)
    message = engine.InboundInput(text="Bia", at=NOW)
    second = runner.resume(first.session, flows["main"], engine.MessageResume(message=message), context)
    assert bodies(second) == [last]
    assert (second.session.status, second.session.flow_id, second.session.stack) == ("completed", "main", [])
