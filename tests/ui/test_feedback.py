"""Words from the server reach the browser as data: nothing of them is a program."""

from __future__ import annotations

import json
from typing import Any

import pytest
from reflex_base.event import Event

from pytake_app.ui.app import _event_failed
from pytake_app.ui.feedback import toast


def sent(spec: Any) -> dict[str, Any]:
    (event,) = Event.from_event_type([spec])
    assert event.name == "_call_function"
    said = event.payload["function"]
    assert said.startswith("pytake:")
    found: dict[str, Any] = json.loads(said.removeprefix("pytake:"))
    return found


@pytest.mark.parametrize("message", ["Olá", 'a "b" \\ c', "'); alert(1); ('", "</script>", "linha\nlinha", "pytake:{}"])
def test_a_toast_is_data(message: str) -> None:
    assert sent(toast("error", message)) == {"toast": "error", "text": message}


def test_a_failed_handler_tells_nothing_of_its_failure() -> None:
    told = sent(_event_failed(RuntimeError("the inside of it")))
    assert told["toast"] == "error"
    assert "inside" not in told["text"]
