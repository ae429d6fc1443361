"""Cases with operators and intents with a description: read, run, checked, told to a model."""

from typing import Any

import pytest

from pytake_app.engine.compiled import compile_flow
from pytake_app.engine.document import parse_document
from pytake_app.engine.nodes.ai import ClassifierConfig, Intent, _instructions
from pytake_app.engine.runner import start as begin
from pytake_app.engine.session import Trigger
from pytake_app.engine.verify import verify
from tests.engine.flows import end, put, start
from tests.engine.helpers import context, document

CASES = [
    {"id": "big", "operator": "greater_or_equal", "value": "500"},
    {"id": "some", "operator": "in", "value": "10, 20; 30"},
    {"id": "odd", "operator": "matches", "value": "^X[0-9]+$"},
    {"id": "none", "operator": "empty", "value": ""},
    {"id": "same", "value": "São Paulo"},
]


def switching(cases: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": "w", "type": "switch", "config": {"value": "{{ x }}", "cases": cases}}


@pytest.mark.parametrize(
    ("value", "port"),
    [("730", "case:big"), ("20", "case:some"), ("X12", "case:odd"), ("", "case:none"), ("SAO PAULO", "case:same"),
     ("40", "default")],
)  # fmt: skip
def test_the_first_case_whose_comparison_holds_is_taken(value: str, port: str) -> None:
    nodes = [start(), put("p", "x", value=value), switching(CASES), end()]
    flow = document(nodes, [("s", "next", "p"), ("p", "next", "w")])
    sprint = begin(compile_flow(flow, "f", 1), Trigger(kind="universal", node_id="s"), context())
    assert next(step.port for step in sprint.steps if step.node_id == "w") == port


def test_operators_and_descriptions_are_kept_when_a_document_is_read() -> None:
    intents = [{"id": "buy", "label": "Comprar", "description": "Quer preço", "examples": ["quanto custa"]}]
    nodes = [{"id": "i", "type": "ai_classifier", "config": {"intents": intents}}, switching(CASES)]
    read = parse_document({"spec_version": "1.0", "name": "x", "nodes": nodes, "edges": []})
    assert [case.get("operator", "equals") for case in read.nodes[1].config["cases"]] == [  # type: ignore[union-attr, call-overload]
        "greater_or_equal", "in", "matches", "empty", "equals",
    ]  # fmt: skip
    assert read.nodes[0].config["intents"] == intents


def test_what_is_wrong_with_a_case_is_told_where_it_is() -> None:
    cases = [
        {"id": "a", "operator": "less", "value": ""},
        {"id": "b", "operator": "not_empty", "value": ""},
        {"id": "c", "operator": "matches", "value": "("},
        {"id": "d", "operator": "contains", "value": "pix"},
        {"id": "e", "operator": "contains", "value": "PIX"},
        {"id": "f", "operator": "equals", "value": "pix"},
    ]
    found = [(f.code, f.pointer) for f in verify(document([start(), switching(cases)], [("s", "next", "w")]))]
    wrong = [(code, pointer) for code, pointer in found if pointer and pointer.startswith("/cases")]
    assert wrong == [
        ("missing_value", "/cases/0/value"),
        ("invalid_pattern", "/cases/2/value"),
        ("duplicate_case", "/cases/4/value"),
    ]


def test_a_model_is_told_when_an_intent_applies() -> None:
    intents = [Intent(id="buy", label="Comprar", description=" Quer preço. ", examples=["quanto custa"])]
    text = _instructions(ClassifierConfig(intents=intents))
    assert "- buy: Comprar. Quer preço. (for example: quanto custa)" in text
