"""The same story without a browser: a number from the environment, signed webhooks in, Graph calls out, a person in the
middle; then every public payload of the corpus through the running product."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.channels.corpus import corpus_root, payloads
from tests.e2e.browsing import FIRST
from tests.product import Product
from tests.support.graph_stub import GraphStub
from tests.waiting import wait_until

NUMBER, APP_SECRET, VERIFY = FIRST.number, FIRST.app_secret, FIRST.verify_token


@pytest.fixture(scope="module")
def product(second_app: Product) -> Product:
    """The product with its first administrator and first number from the environment."""
    return second_app


@pytest.fixture(scope="module")
def api(product: Product) -> Iterator[httpx.Client]:
    """The administrator's client."""
    with httpx.Client(base_url=f"{product.url}/api/v1", timeout=15) as client:
        answer = client.post("/auth/login", json={"email": FIRST.email, "password": FIRST.password})
        assert answer.status_code == 200, answer.text
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


def deliver(product: Product, body: bytes, *, secret: str = APP_SECRET) -> int:
    """POST a webhook as Meta does; the status of the answer."""
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": signature, "Content-Type": "application/json"}
    # Plain HTTP: reading the world's certificates for each delivery would take longer than the delivery.
    answer = httpx.post(f"{product.url}/webhook/whatsapp", content=body, headers=headers, timeout=15, verify=False)
    return answer.status_code


def inbound(sender: str, message: dict[str, Any]) -> bytes:
    """A Cloud API webhook with one message."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER},
        "contacts": [{"profile": {"name": "Marina Tavares"}, "wa_id": sender}],
        "messages": [{"from": sender, "id": f"wamid.{uuid4().hex}", "timestamp": str(int(time.time())), **message}],
    }
    entry = {"id": FIRST.business_account, "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def sent_to(graph: GraphStub, recipient: str) -> list[dict[str, Any]]:
    """Graph sends to one person, in order."""
    return [body for body in graph.sent if body.get("to") == recipient]


def test_subscription_is_verified(product: Product) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "1158201444"}
    answer = httpx.get(f"{product.url}/webhook/whatsapp", params=query)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    query["hub.verify_token"] = "wrong"
    assert httpx.get(f"{product.url}/webhook/whatsapp", params=query).status_code == 403


def test_a_customer_is_answered_and_a_person_takes_over(product: Product, graph: GraphStub, api: httpx.Client) -> None:
    customer = "5541998124407"
    assert deliver(product, inbound(customer, {"type": "text", "text": {"body": "Menu"}})) == 200
    wait_until(lambda: bool(sent_to(graph, customer)), timeout=10)
    menu = sent_to(graph, customer)[0]
    assert menu["type"] == "interactive"
    last = menu["interactive"]["action"]["buttons"][-1]["reply"]

    reply = {"type": "button_reply", "button_reply": last}
    pressed = inbound(customer, {"type": "interactive", "interactive": reply})
    assert [deliver(product, pressed) for _ in range(3)] == [200, 200, 200], "Meta repeats what it thinks was lost"
    wait_until(lambda: len(sent_to(graph, customer)) >= 2, timeout=10)

    def conversation() -> dict[str, Any]:
        found = api.get("/conversations", params={"q": customer}).json()["items"]
        return found[0] if found else {}

    wait_until(lambda: conversation().get("handling") == "waiting", timeout=10)
    thread = conversation()["id"]
    assert api.post(f"/conversations/{thread}/take-over", json={}).status_code == 200
    sent = api.post(f"/conversations/{thread}/messages", json={"text": "Oi, Marina! Aqui é a Ana.", "client_id": "c1"})
    assert sent.status_code in (200, 201), sent.text
    wait_until(
        lambda: sent_to(graph, customer)[-1].get("text", {}).get("body") == "Oi, Marina! Aqui é a Ana.", timeout=10
    )

    before = len(sent_to(graph, customer))
    assert deliver(product, inbound(customer, {"type": "text", "text": {"body": "menu"}})) == 200
    texts = lambda: [m["text"] for m in api.get(f"/conversations/{thread}/messages").json()["items"]]  # noqa: E731
    wait_until(lambda: texts()[0] == "menu", timeout=10)
    assert len(sent_to(graph, customer)) == before, "the robot keeps quiet while a person answers"
    assert len([text for text in texts() if text == last["title"]]) == 1, "three deliveries, one message"


def test_wrong_signatures_store_nothing(product: Product, api: httpx.Client) -> None:
    body = inbound("5511900000001", {"type": "text", "text": {"body": "oi"}})
    assert deliver(product, body, secret="not-the-secret") == 401
    assert httpx.post(f"{product.url}/webhook/whatsapp", content=body).status_code == 401
    assert deliver(product, b"{not json") == 400
    assert api.get("/conversations", params={"q": "5511900000001"}).json()["items"] == []


@pytest.mark.skipif(corpus_root() is None, reason="the corpus of public payloads is not beside this checkout")
def test_every_public_payload_is_taken(product: Product, api: httpx.Client) -> None:
    """Each inbound and status payload, signed: 200 for JSON, 400 for what isn't, never a 500; messages can be found."""
    expected: dict[str, str] = {}
    for payload in payloads("whatsapp", "inbound", "status"):
        status = deliver(product, payload.body)
        try:
            json.loads(payload.body)
        except ValueError:
            assert status == 400, payload.file
            continue
        assert status == 200, (payload.file, status)
        events = payload.expected.get("events", []) if payload.kind == "inbound" else []
        for event in events:
            mine = event.get("event") == "message" and event.get("phone_number_id") == NUMBER
            if mine and event.get("external_id") and not event.get("group_id"):
                expected[event["external_id"]] = payload.file
    assert len(expected) > 30
    missing = set(expected)

    def all_found() -> bool:
        for external_id in list(missing):
            if api.get("/messages", params={"external_id": external_id}).json()["items"]:
                missing.discard(external_id)
        return not missing

    try:
        wait_until(all_found, timeout=20)
    except AssertionError:
        pytest.fail(f"not stored: {sorted(expected[external_id] for external_id in missing)}")
    assert httpx.get(f"{product.url}/ready").status_code == 200
