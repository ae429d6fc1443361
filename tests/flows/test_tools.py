"""The editor's tools over HTTP: what a block would do, tried without keeping anything."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlmodel import select

from pytake_app.accounts.models import User
from pytake_app.api.services import Services
from tests.api.fixtures import Caller, NewCaller

SECRET = "k-7f3a91c2"


class _Shop(BaseHTTPRequestHandler):
    """A server that answers with what it was asked, secrets and all."""

    seen: list[dict[str, Any]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        _Shop.seen.append({"path": self.path, "key": self.headers.get("x-key"), "body": body})
        answer = json.dumps({"echo": self.headers.get("x-key"), "order": {"status": "paid", "items": [{"sku": "A1"}]}})
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def shop() -> Iterator[str]:
    _Shop.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


def flow_of(caller: Caller) -> str:
    answer = caller.post("/api/v1/flows", json={"name": "Pedidos"})
    assert answer.status_code == 201, answer.text
    return f"/api/v1/flows/{answer.json()['id']}/try-request"


def config(url: str, **more: Any) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": url + "/orders/{{ session.order }}",
        "headers": [{"name": "X-Key", "value": "{{ secret.shop_key }}"}],
        "body_type": "json",
        "body": '{"who": "{{ contact.name }}", "key": "{{ secret.shop_key }}"}',
        "mapping": [
            {"name": "status", "path": "$.order.status"},
            {"name": "sku", "path": "$.order.items[0].sku"},
            {"name": "gone", "path": "$.nowhere"},
        ],
        **more,
    }


def test_a_request_is_tried_with_sample_values_and_shows_no_secret(
    caller: Caller, services: Services, shop: str
) -> None:
    services.settings = services.settings.model_copy(update={"allow_private_http": "127.0.0.1"})
    caller.post("/api/v1/secrets", json={"name": "shop_key", "value": SECRET})
    body = {"config": config(shop), "variables": {"order": 42}, "contact": {"name": "Maria"}}
    answer = caller.post(flow_of(caller), json=body)
    assert answer.status_code == 200, answer.text
    tried = answer.json()
    assert (tried["status"], tried["error"], tried["is_json"]) == (200, None, True)
    assert tried["mapped"] == {"status": "paid", "sku": "A1"}
    assert tried["missing"] == ["gone"]
    assert tried["json_body"]["order"]["items"] == [{"sku": "A1"}]
    assert _Shop.seen[0]["key"] == SECRET  # it really went out…
    assert json.loads(_Shop.seen[0]["body"]) == {"who": "Maria", "key": SECRET}
    assert SECRET not in answer.text  # …and is shown nowhere, not even where the server repeats it
    assert tried["request"]["url"].endswith("/orders/42")


def test_private_addresses_are_refused(caller: Caller, shop: str) -> None:
    address = flow_of(caller)
    for url in (shop, "http://169.254.169.254", "http://[::1]:80", "http://2130706433"):
        answer = caller.post(address, json={"config": {"url": url}})
        assert answer.json()["error"] == "refused_private_address", (url, answer.text)
    assert _Shop.seen == []


def test_a_block_that_is_not_complete_says_what_is_missing(caller: Caller) -> None:
    address = flow_of(caller)
    answer = caller.post(address, json={"config": {"url": "https://example.com", "timeout_seconds": "soon"}})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_config")
    assert answer.json()["errors"][0]["pointer"] == "/config/timeout_seconds"
    answer = caller.post(address, json={"config": {"url": "not an address"}})
    assert answer.json()["error"] == "not_sent"


def test_only_admins_try_requests_and_not_without_end(caller: Caller, register: NewCaller, services: Services) -> None:
    address = flow_of(caller)
    assert register().post(address, json={"config": {"url": "https://example.com"}}).status_code == 404
    statuses = [caller.post(address, json={"config": {"url": "ftp://x"}}).status_code for _ in range(22)]
    assert statuses[:20] == [200] * 20
    assert 429 in statuses[20:]
    with services.database.auth() as session:
        for user in session.exec(select(User)).all():
            user.role = "agent"
    assert caller.post(address, json={"config": {"url": "https://example.com"}}).status_code == 403


def test_intents_are_tested_as_they_are_being_edited(caller: Caller) -> None:
    intents = [
        {"id": "buy", "label": "Comprar", "examples": ["quero comprar uma blusa", "quanto custa o vestido"]},
        {"id": "track", "label": "Rastrear", "examples": ["onde está meu pedido", "minha entrega não chegou"]},
    ]
    body = {"text": "cadê a minha entrega?", "intents": intents, "threshold": 0.2}
    answer = caller.post("/api/v1/flow-tools/classify", json=body).json()
    assert answer["chosen"] == "track"
    assert [item["id"] for item in answer["scores"]] == ["track", "buy"]
    assert answer["scores"][0]["score"] > answer["scores"][1]["score"]
    assert caller.post("/api/v1/flow-tools/classify", json={**body, "threshold": 1}).json()["chosen"] is None


def test_the_next_runs_are_in_the_organizations_time_zone(caller: Caller) -> None:
    answer = caller.post("/api/v1/flow-tools/schedule", json={"cron": "30 9 * * 1-5"}).json()
    assert (answer["valid"], answer["timezone"], len(answer["runs"])) == (True, "America/Sao_Paulo", 5)
    assert all(run.endswith("12:30:00Z") for run in answer["runs"])  # three hours behind UTC
    assert answer["runs"] == sorted(set(answer["runs"]))
    elsewhere = {"cron": "30 9 * * *", "timezone": "Asia/Tokyo"}
    assert caller.post("/api/v1/flow-tools/schedule", json=elsewhere).json()["runs"][0].endswith("00:30:00Z")
    for wrong in ({"cron": "61 9 * * *"}, {"cron": "0 0 31 2 *"}, {"cron": "0 9 * * *", "timezone": "Mars/Base"}):
        assert caller.post("/api/v1/flow-tools/schedule", json=wrong).json() == {
            "valid": False,
            "timezone": wrong.get("timezone", "America/Sao_Paulo"),
            "runs": [],
        }


def test_expressions_are_evaluated_with_sample_values(caller: Caller) -> None:
    def ask(text: str, **values: Any) -> Any:
        return caller.post("/api/v1/flow-tools/expression", json={"text": text, **values}).json()

    assert ask("{{ session.total | money }}", variables={"total": 12.5})["text"] == "R$ 12,50"
    assert ask("{{ session.items }}", variables={"items": [1, 2]})["value"] == [1, 2]
    assert (
        ask("Oi {{ contact.first_name }}, {{ message.text }}", contact={"name": "Ana Lima"}, message="sim")["text"]
        == "Oi Ana, sim"
    )
    unknown = ask("Oi {{ session.nobody }}!")
    assert (unknown["text"], unknown["error"]) == ("Oi !", "undefined_variable")
    assert ask("{{ session.x | nofilter }}")["error"] == "template_syntax"
    assert ask("{{ secret.shop_key }}")["text"] == ""
