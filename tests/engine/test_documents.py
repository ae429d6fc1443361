"""Reading documents: the published older forms, and what is refused with a name."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from pytake_app.engine.compiled import compile_flow
from pytake_app.engine.document import DocumentError, parse_document
from pytake_app.engine.session import InboundInput, Trigger
from pytake_app.engine.verify import verify
from tests.engine.helpers import Talk

WELCOME = {"id": "welcome", "type": "message", "config": {"content": "Bem-vindo ao PyTake!"}, "next": "menu"}
MENU = {
    "id": "menu",
    "type": "buttons",
    "config": {
        "message": "Como posso ajudar?",
        "buttons": [{"id": "support", "text": "Suporte"}, {"id": "sales", "text": "Vendas"}],
    },
}
CATEGORIES = {
    "id": "categories",
    "type": "interactive_list",
    "config": {
        "content": {
            "header": "Categorias",
            "body": "Escolha uma categoria:",
            "sections": [
                {
                    "title": "Produtos",
                    "rows": [{"id": "eletronicos", "title": "Eletrônicos"}, {"id": "moda", "title": "Moda"}],
                }
            ],
        }
    },
}
ASK = {
    "id": "ask_name",
    "type": "input",
    "config": {"message": "Digite seu nome:", "variable": "name", "validation": "min:2,max:50"},
    "next": "ask_email",
}
ROUTE = {
    "id": "route",
    "type": "switch",
    "config": {
        "condition": "{{selected_option}}",
        "cases": {"support": "support_flow", "sales": "sales_flow", "default": "main_menu"},
    },
}
CLASSIFY = {
    "id": "classify_intent",
    "type": "ai_classifier",
    "config": {
        "model": "gpt-4",
        "prompt": "Classifique a intenção: suporte, vendas, financeiro",
        "input": "{{user_message}}",
        "output": "intent",
    },
}
TRANSFER = {
    "type": "action_transfer_to_queue",
    "config": {
        "queueId": "uuid-da-fila",
        "queueName": "Suporte Técnico",
        "priority": 1,
        "message": "Você está sendo transferido para nosso suporte...",
        "waitTimeoutMinutes": 30,
        "fallbackAction": "abandon",
    },
}
PUBLISHED = [WELCOME, MENU, CATEGORIES, ASK, ROUTE, CLASSIFY, TRANSFER]


def older(*nodes: dict[str, Any]) -> Talk:
    document = parse_document({"name": "older", "nodes": list(nodes)})
    return Talk(compile_flow(document, "f", 1))


def test_the_published_forms_read_together() -> None:
    document = parse_document({"name": "Antigo", "nodes": PUBLISHED})
    types = {n.id: n.type for n in document.nodes}
    assert types["welcome"] == "msg_text"
    assert types["menu"] == "msg_buttons"
    assert types["categories"] == "msg_list"
    assert types["ask_name"] == "question"
    assert types["action_transfer_to_queue"] == "action_transfer_to_queue"
    assert types["sales_flow"] == "jump", "a case that leads to no node was another flow"
    assert types["start"] == "start"
    assert {(n.position.x, n.position.y) for n in document.nodes}.__len__() == len(document.nodes)
    stored = document.model_dump(mode="json")
    assert parse_document(json.dumps(stored)).model_dump(mode="json") == stored


@pytest.mark.parametrize("node", PUBLISHED, ids=lambda n: n["type"])
def test_each_published_form_reads_verifies_and_runs(node: dict[str, Any]) -> None:
    document = parse_document({"name": "x", "nodes": [node]})
    assert not [f for f in verify(document) if f.severity == "error"]
    talk = Talk(compile_flow(document, "f", 1))
    assert talk.last.events[0].type == "flow_entered"
    assert talk.last.session.status in ("waiting", "completed", "failed", "handed_off")


def test_a_menu_without_branches_routes_by_next() -> None:
    talk = older(
        WELCOME,
        {**MENU, "next": "route"},
        ROUTE,
        {"id": "sales_flow", "type": "message", "config": {"content": "vendas"}},
    )
    talk.say("Vendas")
    assert talk.bodies() == ["vendas"]


def test_the_selection_outlives_later_answers() -> None:
    talk = older(
        {**MENU, "next": "ask_name"},
        {**ASK, "next": "route"},
        ROUTE,
        {"id": "sales_flow", "type": "message", "config": {"content": "{{name}} quer {{selected_option}}"}},
    )
    talk.say("2")
    talk.say("Zé")
    assert talk.bodies() == ["Zé quer sales"]


def test_a_branch_in_a_button_and_a_button_named_like_a_node() -> None:
    talk = older(
        {
            "id": "m",
            "type": "buttons",
            "config": {"message": "?", "buttons": [{"id": "x", "text": "X", "next": "a"}, {"id": "b", "text": "B"}]},
        },
        {"id": "a", "type": "message", "config": {"content": "ramo"}},
        {"id": "b", "type": "message", "config": {"content": "nome"}},
    )
    assert talk.say("B").session.status == "completed"
    assert talk.bodies() == ["nome"]


def test_validation_min_and_max() -> None:
    talk = older({**ASK, "next": "thanks"}, {"id": "thanks", "type": "message", "config": {"content": "Oi {{ name }}"}})
    talk.say("Z")
    assert talk.session.wait is not None
    talk.say("Zoé")
    assert talk.bodies() == ["Oi Zoé"]


def test_the_older_classifier_has_the_intents_of_its_prompt() -> None:
    document = parse_document({"nodes": [{**CLASSIFY, "next": "end"}, {"id": "end", "type": "end"}]})
    flow = compile_flow(document, "f", 1)
    trigger = Trigger(kind="api", message=InboundInput(text="preciso de suporte"))
    talk = Talk(flow, trigger=trigger)
    assert talk.session.variables["intent"] == "suporte"


@pytest.mark.parametrize(
    ("config", "ports"),
    [
        ({"variable": "age", "operator": ">=", "value": "18", "true": "a", "false": "b"}, ["true"]),
        ({"condition": "{{ age }} < 18", "then": "a", "else": "b"}, ["false"]),
        ({"condition": "age == '20'", "true_next": "a", "false_next": "b"}, ["true"]),
    ],
)
def test_older_conditions(config: dict[str, Any], ports: list[str]) -> None:
    document = parse_document(
        [
            {"id": "c", "type": "condition", "config": config},
            {"id": "a", "type": "message", "config": {"content": "sim"}},
            {"id": "b", "type": "message", "config": {"content": "não"}},
        ]
    )
    talk = Talk(compile_flow(document, "f", 1), trigger=Trigger(kind="api", params={"age": 20}))
    assert [s.port for s in talk.last.steps if s.node_id == "c"] == ports


def test_older_actions_set_variables() -> None:
    talk = older(
        {"id": "a", "type": "action", "config": {"action": "set_variable", "variable": "x", "value": "5"}, "next": "b"},
        {
            "id": "b",
            "type": "action",
            "config": {"variables": {"y": "{{ x }}!", "contact.city": "Recife"}},
            "next": "c",
        },
        {"id": "c", "type": "message", "config": {"content": "{{ y }} {{ contact.city }}"}},
    )
    assert talk.bodies() == ["5! Recife"]


@pytest.mark.parametrize(
    ("raw", "code", "node_id"),
    [
        ({"nodes": [{"id": "a", "type": "teleport"}]}, "unknown_type", "a"),
        ({"nodes": [{"id": "a"}]}, "unknown_type", "a"),
        ({"nodes": [{"id": "a", "type": "end"}, {"id": "a", "type": "end"}]}, "duplicate_id", "a"),
        (
            {"nodes": [{"id": "a", "type": "message"}], "edges": [{"source": "a", "port": "next", "target": "b"}]},
            "dangling_edge",
            "a",
        ),
        ({"nodes": [{"id": "a", "type": "message", "config": "x"}]}, "invalid_config", "a"),
        ({"nodes": [{"id": f"n{i}", "type": "end"} for i in range(5000)]}, "too_many_nodes", "n2000"),
        ({"nodes": [{"id": "a", "type": "message", "config": {"content": "x" * 10_000_000}}]}, "too_large", None),
        ("[" * 100_000, "not_json", None),
        ("{", "not_json", None),
        (5, "not_a_flow", None),
        ({"nodes": 5}, "not_a_flow", None),
        ({"nodes": [5]}, "not_a_node", None),
        ({"nodes": [], "settings": {"expiry_minutes": 0}}, "invalid_settings", None),
    ],
    ids=lambda v: v if isinstance(v, str) and len(v) < 40 else "",
)
def test_refused_with_a_name(raw: Any, code: str, node_id: str | None) -> None:
    began = time.perf_counter()
    with pytest.raises(DocumentError) as error:
        parse_document(raw)
    assert error.value.errors[0].code == code
    assert error.value.errors[0].node_id == node_id
    if node_id is not None:
        assert node_id in error.value.errors[0].message
    assert time.perf_counter() - began < 2


def test_a_deeply_nested_config_is_refused() -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    with pytest.raises(DocumentError, match="a"):
        parse_document({"nodes": [{"id": "a", "type": "message", "config": {"content": deep}}]})


def test_a_cycle_is_readable_and_verified_as_an_error() -> None:
    document = parse_document(
        [
            {"id": "a", "type": "message", "config": {"content": "1"}, "next": "b"},
            {"id": "b", "type": "message", "config": {"content": "2"}, "next": "a"},
        ]
    )
    assert "loop_without_wait" in {f.code for f in verify(document)}
    talk = Talk(compile_flow(document, "f", 1))
    assert talk.session.status == "failed"
    assert talk.codes()[-1] in ("loop_limit", "message_limit")


def test_older_calls_and_splits() -> None:
    document = parse_document(
        [
            {"id": "call", "type": "http_request", "next": "ab",
             "config": {"url": "https://x.example", "method": "post", "headers": {"X-Key": "a"}, "timeout": 5,
                        "body": {"n": "{{ n }}"}, "response_mapping": {"order": "data.id", "all": "$"},
                        "on_error": "sorry"}},
            {"id": "sorry", "type": "message", "config": {"content": "Erro"}},
            {"id": "ab", "type": "random_split",
             "config": {"branches": [{"name": "Curto", "percentage": 30, "next": "sorry"}, {"id": "b", "label": "B"}]}},
        ]
    )  # fmt: skip
    call = document.node("call")
    assert call is not None
    assert call.config == {
        "url": "https://x.example", "method": "POST", "headers": [{"name": "X-Key", "value": "a"}],
        "body": '{"n": "{{ n }}"}', "body_type": "json", "timeout_seconds": 5,
        "mapping": [{"name": "order", "path": "$.data.id"}, {"name": "all", "path": "$"}],
    }  # fmt: skip
    targets = {(edge.source, edge.port): edge.target for edge in document.edges}
    assert targets["call", "success"] == "ab"
    assert targets["call", "error"] == "sorry"
    assert targets["ab", "branch:curto"] == "sorry"
    assert ("ab", "branch:b") in targets
    assert not [f for f in verify(document) if f.severity == "error"]
    again = parse_document(document.model_dump(mode="json"))
    assert again.nodes == document.nodes
