"""Input written to hurt: texts that cost time, bodies whose answers outgrow them, cursors nobody gave."""

from __future__ import annotations

import time

import pytest
from fastapi.testclient import TestClient

from pytake_app.core.pagination import encode_cursor
from pytake_app.engine import legacy
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
