"""Every Cloud API request of the corpus that flows can say is rendered exactly; answers and errors are understood."""

import json
from typing import Any

import pytest

from pytake_app.channels.errors import RenderError, SendErrorKind
from pytake_app.channels.whatsapp.errors import error_from_answer
from pytake_app.channels.whatsapp.graph_rules import validate_send
from pytake_app.channels.whatsapp.parse import parse
from pytake_app.channels.whatsapp.render import render, render_mark_read
from pytake_app.channels.whatsapp.signature import verify
from tests.channels import corpus, outbound_reader
from tests.channels.corpus import Payload, payloads

REQUESTS = payloads("whatsapp", "outbound_request")
ERRORS = [payload for payload in payloads("whatsapp", "error") if "events" not in payload.expected]
SIGNATURES = payloads("whatsapp", "signature_example")
TEMPLATES = [payload for payload in payloads("whatsapp", "template_management") if "events" not in payload.expected]
needs_corpus = pytest.mark.skipif(not REQUESTS, reason="no corpus beside the checkout (PYTAKE_CORPUS)")

NOT_CLOUD = {
    "turn_onprem": "On-Premises API requests (another wire form)",
    "whatsapp_onprem": "On-Premises API requests (another wire form)",
    "twilio": "Twilio's own format",
}


def left_out(payload: Payload) -> str | None:
    """Why a request is not one that PyTake builds, or ``None``."""
    if payload.provider in NOT_CLOUD:
        return NOT_CLOUD[payload.provider]
    if payload.type.startswith("api_") and payload.type != "api_messages":
        return "management calls (registration, profiles, QR codes…), not messages"
    body = payload.json
    interactive = body.get("interactive", {})
    if interactive.get("type") in outbound_reader.NOT_IN_CATALOGUE:
        return "commerce, address and contact-request messages, which no node of the catalogue sends"
    if body.get("type") == "pin":
        return "pinning in groups, which no node of the catalogue does"
    if "payment_link_preview" in json.dumps(body):
        return "previews of payment links, which no node of the catalogue sends"
    return None


def canonical(value: Any) -> Any:
    """Documented defaults left out, numbers and their spellings as one."""
    if isinstance(value, dict):
        dropped = {"policy"} if "code" in value else set()
        return {name: canonical(item) for name, item in value.items() if name not in dropped}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.10g}"
    if isinstance(value, str):
        try:
            return f"{float(value):.10g}"
        except ValueError:
            return value
    return value


def with_defaults(body: dict[str, Any]) -> dict[str, Any]:
    """``body`` with what Meta assumes when it is left out."""
    whole = {"recipient_type": "individual", **body}
    if whole.get("type") == "text" or "text" in whole:
        whole["type"] = "text"
        whole["text"] = {"preview_url": False, **whole["text"]}
    if "interactive" in whole:
        whole["type"] = "interactive"
        # One SDK writes its types in capitals; Meta's reference has them in small letters.
        whole["interactive"]["type"] = whole["interactive"]["type"].lower()
        parameters = whole["interactive"].get("action", {}).get("parameters", {})
        if "flow_action_payload" in parameters:
            parameters.setdefault("flow_action", "navigate")
    for component in whole.get("template", {}).get("components", []):
        if "cards" not in component:
            component.setdefault("parameters", [])
    return whole


@needs_corpus
@pytest.mark.parametrize("payload", REQUESTS, ids=str)
def test_renders_the_same_request(payload: Payload) -> None:
    corpus.tried("outbound_request")
    reason = left_out(payload)
    if reason is not None:
        corpus.excluded(payload, reason)
        if payload.format == "json":
            validate_send(payload.json)  # judged without failing, whatever it is
        return
    body = payload.json
    if body.get("status") == "read":
        rendered = render_mark_read(body["message_id"], typing="typing_indicator" in body)
        assert rendered.body == body
        return
    body = with_defaults(body)
    extra = {name: body.pop(name) for name in ("ttl_seconds", "category", "direct_send_config",
                                               "recipient_identity_key_hash") if name in body}  # fmt: skip
    if extra:
        corpus.excluded(payload, "compared without sending options no node sets (ttl_seconds, category…)")
    medium = body.get(body["type"])
    if isinstance(medium, dict) and "id" in medium and medium.pop("link", None):
        corpus.excluded(payload, "the page shows id and link side by side as alternatives; compared with the id")
    said = outbound_reader.content(body)
    if "http(s)://" in json.dumps(body):
        corpus.excluded(payload, "a placeholder stands for the address of a file; refused as Meta would")
        with pytest.raises(RenderError) as refused:
            render(said, outbound_reader.recipient(body))
        assert refused.value.field.endswith("url")
        return
    context = body.get("context", {}).get("message_id")
    rendered = render(
        said,
        outbound_reader.recipient(body),
        reply_to=context,
        callback_data=body.get("biz_opaque_callback_data"),
    )
    assert canonical(rendered.body) == canonical(body)
    written = json.dumps(body)
    if "placeholders" not in payload.tags and not any(mark in written for mark in ("<", "{{", "xxx")):
        assert validate_send(rendered.body) == []


@needs_corpus
@pytest.mark.parametrize("payload", ERRORS, ids=str)
def test_understands_error_answers(payload: Payload) -> None:
    corpus.tried("error")
    error = error_from_answer(400, payload.body)
    wanted = payload.expected.get("error") or next(iter(payload.expected.get("errors", [])), {})
    if isinstance(wanted, dict) and wanted:
        assert error.code == wanted["code"]
        assert error.subcode == wanted.get("subcode")
        assert error.message == wanted.get("message", wanted.get("title"))
        assert error.details == wanted.get("details", error.details)
        assert error.trace_id == wanted.get("fbtrace_id")
    assert isinstance(error.kind, SendErrorKind)


@needs_corpus
@pytest.mark.parametrize("payload", SIGNATURES, ids=str)
def test_signatures(payload: Payload) -> None:
    example = payload.json
    corpus.tried("signature_example")
    if example["method"] != "meta_x_hub_signature_256":
        corpus.excluded(payload, "encryption of WhatsApp Flows endpoints, not a webhook signature")
        return
    body = example["body"].encode()
    header = example["headers"]["X-Hub-Signature-256"]
    assert verify(body, header, ["another secret", example["secret"]]) is payload.expected["expected_valid"]
    assert not verify(body, header, ["another secret"])
    assert not verify(body + b" ", header, [example["secret"]])


@needs_corpus
@pytest.mark.parametrize("payload", TEMPLATES, ids=str)
def test_template_management_bodies_posted_as_webhooks_are_kept(payload: Payload) -> None:
    corpus.tried("template_management")
    parsed = parse(payload.body)
    assert parsed.empty
    assert parsed.unknown[0].raw == payload.json
