"""WhatsApp's webhook route: verification, signatures, and what is stored."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import orjson
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select

from pytake_app.api.app import create_app
from pytake_app.api.ingest_asgi import WebhookApp
from pytake_app.api.services import Services, build_services
from pytake_app.channels.whatsapp.signature import sign
from pytake_app.channels.whatsapp.simulator import Account, Person, Simulator
from pytake_app.messaging.models import InboundEvent, RawWebhook
from tests.api.fixtures import HOST, Caller, NewCaller

PATHS = ["/api/v1/webhook/whatsapp", "/webhook/whatsapp", "/whatsapp/webhook", "/api/webhooks/whatsapp"]
SECRET, TOKEN = "the app's secret", "the verify token"


class Number:
    """A connected number and the phone of somebody who writes to it."""

    def __init__(
        self, caller: Caller, number_id: str = "1098765432101", secret: str = SECRET, token: str = TOKEN
    ) -> None:
        body = {"name": "Shop", "phone_number_id": number_id, "app_secret": secret, "verify_token": token}
        response = caller.post("/api/v1/channel-accounts", json=body)
        assert response.status_code == 201, response.text
        self.id = response.json()["id"]
        self.secret = secret
        self.simulator = Simulator(Account(number_id), Person("5511987654321", "Maria"))

    def text(self, services: Services, words: str = "oi", **kwargs: Any) -> bytes:
        return orjson.dumps(self.simulator.text(words, at=services.clock.now(), **kwargs))

    @property
    def path(self) -> str:
        return f"/webhook/whatsapp/{self.id}"


@pytest.fixture
def number(caller: Caller) -> Number:
    return Number(caller)


def post(client: TestClient, path: str, body: bytes, secret: str | None = SECRET) -> Any:
    headers = {"content-type": "application/json", **({"x-hub-signature-256": sign(body, secret)} if secret else {})}
    return client.post(path, content=body, headers=headers)


def events(services: Services) -> list[InboundEvent]:
    with services.database.system() as session:
        return list(session.exec(select(InboundEvent).order_by(InboundEvent.id)).all())  # type: ignore[arg-type]


def raw(services: Services) -> list[RawWebhook]:
    with services.database.system() as session:
        return list(session.exec(select(RawWebhook)).all())


# -- verification -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_the_challenge_is_answered_as_text(live_client: TestClient, number: Number, path: str) -> None:
    for address in (path, number.path, f"/api/v1{number.path}"):
        query = {"hub.mode": "subscribe", "hub.verify_token": TOKEN, "hub.challenge": "1158201444<b>"}
        response = live_client.get(address, params=query)
        assert (response.status_code, response.text) == (200, "1158201444<b>")
        assert response.headers["content-type"].startswith("text/plain")
        assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "change",
    [{"hub.verify_token": "wrong"}, {"hub.verify_token": ""}, {"hub.mode": "unsubscribe"}, {"hub.challenge": ""}],
)
def test_a_wrong_challenge_is_403(live_client: TestClient, number: Number, change: dict[str, str]) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": TOKEN, "hub.challenge": "1", **change}
    for path in (PATHS[0], number.path):
        assert live_client.get(path, params=query).status_code == 403


def test_a_token_speaks_for_its_own_account_only(live_client: TestClient, register: NewCaller, number: Number) -> None:
    other = Number(register(), "2098765432101", "other secret", "other token")
    query = {"hub.mode": "subscribe", "hub.verify_token": "other token", "hub.challenge": "1"}
    assert live_client.get(other.path, params=query).status_code == 200
    assert live_client.get(number.path, params=query).status_code == 403
    assert live_client.get(f"/webhook/whatsapp/{uuid4()}", params=query).status_code == 403


# -- signatures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_a_signed_message_is_stored_once(
    live_client: TestClient, services: Services, number: Number, path: str
) -> None:
    body = number.text(services)
    for address in (path, number.path, f"{path}/"):
        assert post(live_client, address, body).status_code == 200
    (event,) = events(services)
    assert (event.kind, event.state, str(event.channel_account_id)) == ("message", "pending", number.id)


def test_unsigned_or_wrongly_signed_stores_nothing(live_client: TestClient, services: Services, number: Number) -> None:
    body = number.text(services)
    good = sign(body, SECRET)
    bad = [
        None,
        "",
        good.removeprefix("sha256="),
        good.replace("sha256", "sha1"),
        sign(body, "wrong secret"),
        sign(body, ""),
        sign(body + b" ", SECRET),
        good[:-2],
        good + "00",
        "sha256=" + "0" * 64,
    ]
    for path in (PATHS[0], number.path, f"/webhook/whatsapp/{uuid4()}"):
        for signature in bad:
            headers = {"x-hub-signature-256": signature} if signature is not None else {}
            response = live_client.post(path, content=body, headers=headers)
            assert response.status_code == 401, (path, signature)
    # Bad JSON that nobody signed is unsigned, not malformed: nothing is parsed before the signature holds.
    assert live_client.post(PATHS[0], content=b"{").status_code == 401
    assert events(services) == []
    assert raw(services) == []


def test_another_organizations_secret_does_not_sign(
    live_client: TestClient, services: Services, register: NewCaller, number: Number
) -> None:
    other = Number(register(), "2098765432101", "other secret")
    body = number.text(services)
    assert post(live_client, number.path, body, other.secret).status_code == 401
    # On the shared address the other secret is known, but doesn't speak for this number: kept raw, not processed.
    assert post(live_client, PATHS[0], body, other.secret).status_code == 200
    # The same at the other account's own address.
    assert post(live_client, other.path, body, other.secret).status_code == 200
    assert events(services) == []
    kept = raw(services)
    assert {row.reason for row in kept} == {"unknown_account"}
    assert {row.organization_id for row in kept} == {None}


def test_a_delivery_for_two_numbers_counts_only_for_the_signers(
    live_client: TestClient, services: Services, register: NewCaller, number: Number
) -> None:
    other = Number(register(), "2098765432101", "other secret")
    mine, theirs = orjson.loads(number.text(services)), orjson.loads(other.text(services))
    body = orjson.dumps({"object": mine["object"], "entry": [*mine["entry"], *theirs["entry"]]})
    assert post(live_client, PATHS[0], body).status_code == 200
    (event,) = events(services)
    assert str(event.channel_account_id) == number.id
    assert [row.reason for row in raw(services)] == ["unknown_account"]


def test_two_numbers_of_one_app_share_its_secret(
    live_client: TestClient, services: Services, caller: Caller, number: Number
) -> None:
    second = Number(caller, "3098765432101")
    mine, theirs = orjson.loads(number.text(services)), orjson.loads(second.text(services))
    body = orjson.dumps({"object": mine["object"], "entry": [*mine["entry"], *theirs["entry"]]})
    assert post(live_client, PATHS[1], body).status_code == 200
    assert {str(event.channel_account_id) for event in events(services)} == {number.id, second.id}


def test_the_sandbox_is_delivered_to_at_its_own_address_only(
    live_client: TestClient, services: Services, caller: Caller
) -> None:
    account = next(item for item in caller.get("/api/v1/channel-accounts").json()["items"] if item["sandbox"])
    runtime = sandbox_runtime(services, caller, account["id"])
    body = orjson.dumps(
        Simulator(Account(runtime.external_id), Person("5511987654321")).text("oi", at=services.clock.now())
    )
    assert post(live_client, PATHS[0], body, runtime.app_secret).status_code == 401
    assert post(live_client, f"/webhook/whatsapp/{account['id']}", body, runtime.app_secret).status_code == 200
    assert len(events(services)) == 1


def sandbox_runtime(services: Services, caller: Caller, account_id: str) -> Any:
    from uuid import UUID

    from pytake_app.whatsapp.service import AccountReader

    with services.database.system_connection() as connection:
        return AccountReader(services.settings, services.secrets).by_id(connection, UUID(account_id))


def test_the_installations_secret_signs_for_numbers_without_one(services: Services, caller: Caller) -> None:
    from pydantic import SecretStr

    settings = services.settings.model_copy(
        update={"whatsapp_app_secret": SecretStr("installation"), "whatsapp_webhook_verify_token": SecretStr("tok")}
    )
    bare = Number(caller, "4098765432101", secret="", token="")
    own = Number(caller, "5098765432101")
    app = create_app(settings, services=build_services(settings, clock=services.clock, database=services.database))
    with TestClient(app, base_url=HOST) as client:
        assert post(client, bare.path, bare.text(services), "installation").status_code == 200
        assert post(client, PATHS[0], bare.text(services), "installation").status_code == 200
        # A number with a secret of its own is not spoken for by the installation's.
        assert post(client, own.path, own.text(services), "installation").status_code == 401
        query = {"hub.mode": "subscribe", "hub.verify_token": "tok", "hub.challenge": "1"}
        assert client.get(PATHS[0], params=query).status_code == 200
    assert {str(event.channel_account_id) for event in events(services)} == {bare.id}


def test_without_any_secret_nothing_is_ever_accepted(
    live_client: TestClient, services: Services, caller: Caller
) -> None:
    bare = Number(caller, "4098765432101", secret="", token="")
    for path in (bare.path, PATHS[0]):
        assert post(live_client, path, bare.text(services), "").status_code == 401
    query = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}
    assert live_client.get(bare.path, params=query).status_code == 403


# -- bodies -----------------------------------------------------------------------------------------------------------


def test_signed_malformed_json_is_400(live_client: TestClient, services: Services, number: Number) -> None:
    for body in (b"{", b"", b"\xff\xfe", b"nope", b"[" * 100_000):
        assert post(live_client, number.path, body).status_code == 400, body[:20]
    assert raw(services) == []


def test_well_formed_but_unknown_is_kept(live_client: TestClient, services: Services, number: Number) -> None:
    bodies = [b"[]", b"7", b'{"object":"page","entry":[]}', b'{"hello":"world"}']
    for body in bodies:
        assert post(live_client, number.path, body).status_code == 200, body
    kept = raw(services)
    assert len(kept) == len(bodies)
    assert {str(row.channel_account_id) for row in kept} == {number.id}


def test_large_bodies_are_413_before_anything_else(live_client: TestClient, services: Services, number: Number) -> None:
    body = b" " * (services.settings.webhook_max_bytes + 1)
    assert post(live_client, number.path, body).status_code == 413

    def chunks() -> Any:
        for _ in range(4):
            yield b" " * 1024 * 1024

    assert (
        live_client.post(
            number.path, content=chunks(), headers={"x-hub-signature-256": "sha256=" + "0" * 64}
        ).status_code
        == 413
    )


def test_other_methods_and_paths(live_client: TestClient, number: Number) -> None:
    response = live_client.put(number.path)
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")
    assert live_client.get("/webhook/whatsapp/not-an-id").status_code == 404


def test_a_database_that_is_away_is_503(services: Services) -> None:
    broken = services.settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/none"})
    with TestClient(create_app(broken, services=build_services(broken)), base_url=HOST) as client:
        response = post(client, PATHS[0], b"{}")
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) >= 1


def test_answers_wait_for_the_commit(services: Services, number: Number, app: FastAPI) -> None:
    """200 means durable: while the commit hangs, there is no answer."""
    webhook = WebhookApp(services)
    body = number.text(services)
    sent: list[dict[str, Any]] = []

    async def run() -> None:
        gate = asyncio.Event()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        ingest = webhook._ingest
        store = ingest._commit

        async def held(batch: Any) -> None:
            await gate.wait()
            await store(batch)

        ingest._commit = held  # type: ignore[method-assign]
        headers = [(b"x-hub-signature-256", sign(body, SECRET).encode())]
        scope = {"type": "http", "method": "POST", "path": number.path, "query_string": b"", "headers": headers}
        task = asyncio.create_task(webhook(scope, receive, send))
        done, _ = await asyncio.wait([task], timeout=0.3)
        assert not done
        assert sent == []
        gate.set()
        await task
        await webhook.aclose()

    asyncio.run(run())
    assert sent[0]["status"] == 200
    assert len(events(services)) == 1
