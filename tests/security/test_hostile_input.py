"""Input written to hurt: texts that cost time, bodies whose answers outgrow them, cursors nobody gave."""

from __future__ import annotations

import time

import pytest
from fastapi.testclient import TestClient

from pytake_app.core.pagination import encode_cursor
from pytake_app.engine import legacy
from pytake_app.engine.classifier import train
from tests.api.fixtures import Caller

HOSTILE = ["x", " " * 5_000 + "x", "x" + " " * 5_000 + "y", "==" * 2_000, "contains " * 500]


@pytest.mark.parametrize("expression", HOSTILE, ids=range(len(HOSTILE)))
def test_an_imported_condition_costs_linear_time(expression: str) -> None:
    """5,000 blanks took the former pattern, which tried every split of them, the better part of an hour."""
    started = time.perf_counter()
    legacy._row(expression)
    assert time.perf_counter() - started < 1.0


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("a == 5", ("{{ a }}", "equals", "5")),
        ("  {{ age }}  >=  18 ", ("{{ age }}", "greater_or_equal", "18")),
        ("name contains 'x'", ("{{ name }}", "contains", "x")),
        ("a=b=c", ("{{ a }}", "equals", "b=c")),
        ("a", ("{{ a }}", "not_empty", "")),
    ],
)
def test_imported_conditions_are_still_understood(expression: str, wanted: tuple[str, str, str]) -> None:
    row = legacy._row(expression)
    assert (row["value"], row["operator"], row["compare_to"]) == wanted


def test_a_refusal_does_not_outgrow_the_body(client: TestClient) -> None:
    """100,000 wrong members are one mistake, not 100,000 lines for anybody who asks."""
    wrong = {f"k{number}": 1 for number in range(5_000)}
    response = client.post("/api/v1/auth/login", json=wrong)
    assert response.status_code == 422
    assert 1 <= len(response.json()["errors"]) <= 100


@pytest.mark.parametrize("key", ["x", 1.5, None, [1], {"a": 1}])
def test_a_cursor_nobody_gave_is_refused(caller: Caller, key: object) -> None:
    cursor = encode_cursor(key)  # type: ignore[arg-type]
    response = caller.get("/api/v1/queue/dead-letter", params={"cursor": cursor})
    assert response.status_code == 422, response.text


def test_very_many_examples_are_learnt_within_seconds() -> None:
    """Fifty intents with a hundred long examples each took half a minute, in which a worker answered nobody."""
    words = " ".join(f"w{word}" for word in range(60))
    learnt = train([(f"i{k}", [f"k{k} n{n}x{k} {words}" for n in range(100)]) for k in range(50)])
    assert sum(len(found) for found in learnt.postings.values()) < 500_000  # what there is to work through
    assert learnt.classify("k7 n11x7")[0] == "i7"
    few = train([("a", ["x " * 240 + "pedido"]), ("b", ["outra coisa"])])
    assert few.classify("pedido")[0] == "a"  # of few examples everything counts


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in (1..999999999) %}x{% endfor %}",
        "{% for a in (1..1000) %}{% for b in (1..1000) %}{% for c in (1..1000) %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% assign x = 'aaaaaaaaaa' %}" + "{% assign x = x | append: x %}" * 60 + "{{ x }}",
        "{{ session.big" + " | replace: 'a', 'aaaaaaaaaaaaaaaaaaaa'" * 5 + " | size }}",
        "{{ session.big | split: '' | join: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' | size }}",
        "{{ " + "(" * 4_000,
        "{{ 'x' | date: '%9999999999Y' }}",
    ],
    ids=range(7),
)
def test_expressions_that_grow_end_at_once(caller: Caller, template: str) -> None:
    started = time.process_time()  # of this process, in which the API answers: a busy machine doesn't count
    answer = caller.post("/api/v1/flow-tools/expression", json={"text": template, "variables": {"big": "a" * 50_000}})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["text"]) < 10_000
    assert time.process_time() - started < 5.0
