"""Every WhatsApp webhook of the corpus is read exactly as its ``expected`` says."""

from collections import defaultdict
from typing import Any

import pytest

from pytake_app.channels.errors import MalformedBody
from pytake_app.channels.whatsapp.parse import parse
from tests.channels import corpus, normalise
from tests.channels.corpus import Payload, payloads

OTHER_LANGUAGES = {
    "gupshup": "Gupshup's own format",
    "twilio": "Twilio's own format (form fields)",
    "evolution_api": "Evolution API's own format",
    "zenvia": "Zenvia's own format",
}
BESIDE = {"profile_name", "wa_id", "user_id", "parent_user_id", "username"}
NUMBERS = {"latitude", "longitude", "price", "quantity"}
WEBHOOKS = [
    payload
    for payload in payloads("whatsapp", "inbound", "status", "error", "template_management")
    if payload.kind in {"inbound", "status"} or "events" in payload.expected
]
needs_corpus = pytest.mark.skipif(not WEBHOOKS, reason="no corpus beside the checkout (PYTAKE_CORPUS)")


def canonical(value: Any) -> Any:
    """Numbers and their spellings are one value; a flag that says no is no flag."""
    if isinstance(value, dict):
        return {
            name: canonical(item)
            for name, item in value.items()
            if item is not None and (item is not False or name == "billable")
        }
    if isinstance(value, list):
        return [canonical(item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}" if float(value) != int(value) else str(int(value))
    return value


def without_placeholders(value: Any) -> Any:
    """``value`` without coordinates, quantities and prices that are words such as ``LOCATION_LATITUDE``."""
    if isinstance(value, dict):
        return {
            name: without_placeholders(item)
            for name, item in value.items()
            if name not in NUMBERS or not isinstance(item, str) or item.replace(".", "").lstrip("-").isdigit()
        }
    return [without_placeholders(item) for item in value] if isinstance(value, list) else value


def grouped(events: list[dict[str, Any]]) -> dict[str, list[Any]]:
    groups = defaultdict(list)
    for event in events:
        groups[event["event"]].append(canonical(event))
    return dict(groups)


@needs_corpus
@pytest.mark.parametrize("payload", WEBHOOKS, ids=str)
def test_reads_as_expected(payload: Payload) -> None:
    corpus.tried(payload.kind)
    if payload.provider in OTHER_LANGUAGES:
        corpus.excluded(payload, OTHER_LANGUAGES[payload.provider])
        if payload.format == "form":
            with pytest.raises(MalformedBody):
                parse(payload.body)
        else:
            parsed = parse(payload.body)
            assert parsed.empty
            assert parsed.unknown[0].raw == payload.json
        return
    parsed = parse(payload.body)
    expected = payload.expected.get("events", [])
    ours = normalise.events(parsed)
    if "entry" not in payload.json:
        # For the older, bare form the corpus' expectation leaves out the contact record beside the messages.
        ours = [{name: item for name, item in event.items() if name not in BESIDE} for event in ours]
    if (readable := without_placeholders(expected)) != expected:
        corpus.excluded(payload, "a placeholder word stands where a number belongs; that member is not read")
        expected = readable
    assert grouped(ours) == grouped(expected)
    assert parsed.business_account_ids == payload.expected.get("waba_ids", [])
    if not expected:
        assert parsed.unknown, "nothing understood, so it must be kept raw"
