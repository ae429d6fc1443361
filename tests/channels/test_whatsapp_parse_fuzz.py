"""Any body at all: the parser answers or says that it is no JSON, in time that grows with the body only.

`PYTAKE_FUZZ_EXAMPLES` tries more. What a delivery says and the parser doesn't understand is kept: every fragment comes
out as a message, a status, a notice or, raw, in `unknown`.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytake_app.channels.base import ParsedWebhook
from pytake_app.channels.errors import MalformedBody
from pytake_app.channels.whatsapp.parse import OBJECT, parse

DIGITS = st.text("0123456789", max_size=15)
EXAMPLES = int(os.environ.get("PYTAKE_FUZZ_EXAMPLES", "150"))
SECONDS = 2.0
fuzzed = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
)
KINDS = (
    "text", "image", "audio", "video", "document", "sticker", "location", "contacts", "interactive", "button", "order",
    "reaction", "system", "unsupported", "request_welcome", "referral", "unknown",
)  # fmt: skip
FIELDS = ("messages", "account_update", "message_template_status_update", "phone_number_quality_update", "x")


def loosely(shape: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Members of these shapes, or something else in their place, or none."""
    return st.fixed_dictionaries({}, optional={name: one | values for name, one in shape.items()})


body_of_kind = loosely(
    dict.fromkeys(
        ("body", "id", "mime_type", "caption", "button_reply", "list_reply", "nfm_reply", "type", "latitude"), values
    )
)
message = st.builds(
    lambda base, kind, inner: {**base, "type": kind, kind: inner},
    loosely({"id": st.text(max_size=20), "from": st.text("0123456789", max_size=15), "timestamp": DIGITS}),
    st.sampled_from(KINDS),
    body_of_kind | values,
)
status = loosely(
    {
        "id": st.text(max_size=20), "status": st.sampled_from(["sent", "delivered", "read", "failed", "x"]),
        "timestamp": DIGITS, "recipient_id": DIGITS, "errors": st.lists(values, max_size=2),
        "pricing": values,
    }
)  # fmt: skip
value = loosely(
    {
        "messaging_product": st.just("whatsapp"), "metadata": loosely({"phone_number_id": DIGITS}),
        "contacts": st.lists(loosely({"wa_id": DIGITS, "profile": values}) | values, max_size=2),
        "messages": st.lists(message | values, max_size=3), "statuses": st.lists(status | values, max_size=3),
        "errors": st.lists(values, max_size=2),
    }
)  # fmt: skip
change = loosely({"field": st.sampled_from(FIELDS), "value": value})
entry = loosely({"id": DIGITS, "time": st.integers(), "changes": st.lists(change | values, max_size=2)})
envelope = loosely({"object": st.just(OBJECT), "entry": st.lists(entry | values, max_size=2)})


def timed(body: bytes) -> ParsedWebhook | None:
    """The delivery, or None for a body that is no JSON object; in bounded time."""
    began = time.process_time()
    try:
        return parse(body)
    except MalformedBody:
        return None
    finally:
        assert time.process_time() - began < SECONDS


@fuzzed
@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_bytes(body: bytes) -> None:
    timed(body)


@fuzzed
@given(values)
def test_any_json(body: Any) -> None:
    timed(json.dumps(body).encode())


@fuzzed
@given(envelope)
def test_nothing_of_a_delivery_is_lost(body: dict[str, Any]) -> None:
    """Each message and status that Meta's envelope holds comes out once, understood or raw."""
    found = timed(json.dumps(body).encode())
    parts = 0
    for one in body.get("entry") or [] if isinstance(body.get("entry"), list) else []:
        changes = one.get("changes") if isinstance(one, dict) else None
        for each in changes if isinstance(changes, list) else []:
            inner = each.get("value") if isinstance(each, dict) else None
            if isinstance(inner, dict) and body.get("object") == OBJECT:
                for name in ("messages", "statuses"):
                    parts += len(inner[name]) if isinstance(inner.get(name), list) else 0
    if found is None:
        assert parts == 0  # refused as a whole: Meta hears 400
        return
    kept = (found.messages, found.echoes, found.history, found.statuses, found.other_statuses)
    assert sum(map(len, (*kept, found.notices, found.unknown))) >= parts


def test_deep_and_wide_bodies_take_bounded_time() -> None:
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    wide = json.dumps({"object": OBJECT, "entry": [{"changes": [{"value": {"messages": [{}] * 50_000}}]}]}).encode()
    for body in (deep, b"[" * 200_000, b'"' + b"\\u0000" * 100_000 + b'"', wide):
        timed(body)
