"""What others write into our logs: a library's `repr` of a request carries the visitor's cookie."""

from __future__ import annotations

import json

import pytest

from pytake_app.core.logging import redact
from pytake_app.embedded.postgres import _SETTINGS

COOKIE = "dMhTEoa_nhfbkWO7VVY984C3wCjamOfxaRz2SZB-0u0"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        f"Event(name='nope', router_data={{'headers': {{'cookie': 'lang=pt; pytake_session={COOKIE}'}}}})",
        f"Cookie: pytake_lang=en; pytake_session={COOKIE}",
        f'{{"refresh_token": "{COOKIE}"}}',
        f"GET /api/v1/ws?token={COOKIE}&x=1",
        f"client said {JWT}",
        f"{{'authorization': 'Bearer {COOKIE}'}}",
    ],
)
def test_secrets_inside_texts_are_blanked(text: str) -> None:
    logged = json.dumps(redact(None, "", {"event": text, "exception": f"Traceback\n{text}"}))  # type: ignore[arg-type]
    assert COOKIE not in logged
    assert JWT not in logged


def test_secrets_inside_structures_are_blanked() -> None:
    event = {
        "event": "x",
        "request": {"headers": [{"cookie": COOKIE}], "note": f"Bearer {COOKIE}", "phone": "+5511999998888"},
    }
    logged = json.dumps(redact(None, "", event))
    assert COOKIE not in logged
    assert "99999" not in logged


def test_what_is_no_secret_stays() -> None:
    text = "Error processing Event(name='nope.nope', path='/inbox') after 3 tries"
    assert redact(None, "", {"event": text})["event"] == text


@pytest.mark.parametrize(
    ("address", "shown"),
    [("203.0.113.110", "203.0.113.110"), ("2001:db8::1", "2001:db8::1"), ("+55 11 98765-4321", "[number]")],
)
def test_addresses_of_the_internet_stay_numbers_of_people_dont(address: str, shown: str) -> None:
    assert redact(None, "", {"event": "request_refused", "address": address})["address"] == shown


def test_the_database_quotes_no_rows_in_its_log() -> None:
    """DETAIL and CONTEXT of an error hold the row or JSON at fault."""
    assert _SETTINGS["log_error_verbosity"] == "terse"
