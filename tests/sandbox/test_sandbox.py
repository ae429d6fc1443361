"""The sandbox: phone and Graph stand-in, with webhooks delivered into the app itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select

from pytake_app.api.services import Services
from pytake_app.channels.base import Recipient
from pytake_app.channels.content import TextContent
from pytake_app.channels.whatsapp import simulator
from pytake_app.channels.whatsapp.client import WhatsAppClient
from pytake_app.channels.whatsapp.render import render
from pytake_app.core.clock import FrozenClock
from pytake_app.messaging.models import InboundEvent
from pytake_app.sandbox.courier import Courier
from pytake_app.sandbox.models import SandboxMessage
from pytake_app.sandbox.templates import SUBMITTED
from pytake_app.whatsapp.service import AccountReader, AccountRuntime, set_own_settings
from tests.api.fixtures import HOST, Caller, NewCaller
from tests.waiting import wait_until

CONTACT = "5511987654321"


@dataclass
class Sandbox:
    """A sandbox number, its owner, and the running app."""

    caller: Caller
    client: TestClient
    app: FastAPI
    services: Services
    account: AccountRuntime

    @property
    def path(self) -> str:
        return f"/api/v1/sandbox/{self.account.id}"

    @property
    def graph(self) -> str:
        return f"/sandbox/graph/v23.0/{self.account.external_id}"

    def phone(self, method: str, path: str = "", **kwargs: Any) -> Any:
        return self.client.request(method, self.path + path, headers=self.caller.headers, **kwargs)

    def send(self, body: Any, token: str | None = None, **kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.account.access_token if token is None else token}"}
        return self.client.post(f"{self.graph}/messages", json=body, headers=headers, **kwargs)

    def events(self, kind: str) -> list[InboundEvent]:
        with self.services.database.system() as session:
            rows = session.exec(select(InboundEvent).where(InboundEvent.kind == kind)).all()
        return sorted(rows, key=lambda row: row.id or 0)

    def messages(self) -> list[SandboxMessage]:
        with self.services.database.tenant(self.account.organization_id) as session:
            return sorted(session.exec(select(SandboxMessage)).all(), key=lambda row: row.id)

    def statuses(self) -> list[str]:
        return [event.external_id.rpartition(":")[2] for event in self.events("status")]


@pytest.fixture
def sandbox(app: FastAPI, live_client: TestClient, caller: Caller, services: Services) -> Sandbox:
    inside = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOST)

    async def post(url: str, body: Any, secret: str) -> int:
        return await simulator.try_deliver(url, body, secret, client=inside)

    app.state.courier = Courier(services.settings, post)
    (account,) = caller.get("/api/v1/sandbox").json()["items"]
    with services.database.system_connection() as connection:
        runtime = AccountReader(services.settings, services.secrets).by_id(connection, UUID(account["id"]))
    return Sandbox(caller, live_client, app, services, runtime)


def text_body(words: str = "Olá!", to: str = CONTACT) -> dict[str, Any]:
    return render(TextContent(body=words), Recipient(external_id=to), callback_data="cb-1").body


# -- the phone -------------------------------------------------------------------------------------------------------


def test_a_new_organization_has_a_sandbox(register: NewCaller) -> None:
    one, two = (register(organization_name=name).get("/api/v1/sandbox").json()["items"] for name in ("A", "B"))
    assert len(one) == len(two) == 1
    assert one[0]["organization_name"] == "A"
    assert one[0]["id"] != two[0]["id"]
    assert one[0]["phone_number"].startswith("55119")
    assert one[0]["phone_number"] != two[0]["phone_number"]


def test_what_the_person_writes_arrives_as_a_signed_webhook(sandbox: Sandbox) -> None:
    response = sandbox.phone("POST", "/messages", json={"type": "text", "text": "Bom dia"})
    assert response.status_code == 201, response.text
    view = response.json()
    assert (view["direction"], view["status"], view["body"]["text"]["body"]) == ("from_phone", "sent", "Bom dia")
    (event,) = sandbox.events("message")
    assert event.external_id == view["external_id"]
    assert event.channel_account_id == sandbox.account.id
    listed = sandbox.phone("GET", "/messages").json()["items"]
    assert [item["id"] for item in listed] == [view["id"]]


@pytest.mark.parametrize(
    ("body", "wire"),
    [
        (
            {"type": "button_reply", "selection_id": "b1", "text": "Sim", "context_id": "wamid.X"},
            {"type": "interactive", "context": "wamid.X"},
        ),
        ({"type": "list_reply", "selection_id": "r1", "text": "Um"}, {"type": "interactive"}),
        ({"type": "template_button", "selection_id": "p", "text": "Ok"}, {"type": "button"}),
        ({"type": "location", "latitude": -23.5, "longitude": -46.6, "text": "MASP"}, {"type": "location"}),
        ({"type": "contacts", "text": "João"}, {"type": "contacts"}),
        ({"type": "reaction", "text": "👍", "context_id": "wamid.X"}, {"type": "reaction"}),
    ],
)
def test_everything_else_a_person_does(sandbox: Sandbox, body: dict[str, Any], wire: dict[str, str]) -> None:
    view = sandbox.phone("POST", "/messages", json=body).json()
    assert view["body"]["type"] == wire["type"]
    if "context" in wire:
        assert view["body"]["context"]["id"] == wire["context"]
    assert len(sandbox.events("message")) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"type": "text"}, "/text"),
        ({"type": "button_reply"}, "/selection_id"),
        ({"type": "location", "latitude": 1}, "/latitude"),
        ({"type": "image"}, "/media_id"),
        ({"type": "reaction", "text": "x"}, "/context_id"),
        ({"type": "text", "text": "x", "phone": "+55"}, "/phone"),
        ({"type": "location", "latitude": 91, "longitude": 0}, "/latitude"),
    ],
)
def test_incomplete_messages_are_refused(sandbox: Sandbox, body: dict[str, Any], pointer: str) -> None:
    response = sandbox.phone("POST", "/messages", json=body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer
    assert sandbox.messages() == []


def test_a_webhook_that_refuses_is_told_of(sandbox: Sandbox) -> None:
    async def refuse(url: str, body: Any, secret: str) -> int:
        return 401

    sandbox.app.state.courier = Courier(sandbox.services.settings, refuse)
    response = sandbox.phone("POST", "/messages", json={"type": "text", "text": "x"})
    assert (response.status_code, response.json()["code"]) == (503, "webhook_failed")
    assert [row.status for row in sandbox.messages()] == ["failed"]


def test_resetting_gives_an_unknown_person(sandbox: Sandbox) -> None:
    sandbox.phone("POST", "/messages", json={"type": "text", "text": "x"})
    before = sandbox.caller.get("/api/v1/sandbox").json()["items"][0]["phone_number"]
    persona = sandbox.phone("POST", "/reset", json={}).json()
    assert persona["phone"] != before
    assert sandbox.phone("GET", "/messages").json()["items"] == []
    assert len(sandbox.phone("GET", "/messages", params={"phone": before}).json()["items"]) == 1


def test_only_newer_messages(sandbox: Sandbox) -> None:
    ids = [sandbox.phone("POST", "/messages", json={"type": "text", "text": str(n)}).json()["id"] for n in range(3)]
    newer = sandbox.phone("GET", "/messages", params={"after": ids[0]}).json()["items"]
    assert [item["id"] for item in newer] == ids[1:]


def test_the_phone_belongs_to_its_organization(sandbox: Sandbox, register: NewCaller) -> None:
    stranger = register()
    for method, path, body in (
        ("GET", "/messages", None),
        ("POST", "/messages", {"type": "text", "text": "x"}),
        ("POST", "/read", {}),
        ("POST", "/reset", {}),
    ):
        assert stranger.request(method, sandbox.path + path, json=body).status_code == 404


# -- the Graph stand-in ----------------------------------------------------------------------------------------------


def test_a_send_reaches_the_phone_and_reports_its_way(sandbox: Sandbox) -> None:
    sandbox.phone("POST", "/messages", json={"phone": CONTACT, "type": "text", "text": "oi"})
    answer = sandbox.send(text_body())
    assert answer.status_code == 200
    wamid = answer.json()["messages"][0]["id"]
    assert answer.json()["contacts"] == [{"input": CONTACT, "wa_id": CONTACT}]
    wait_until(lambda: sandbox.statuses() == ["sent", "delivered"])
    status = sandbox.events("status")[0]
    assert status.external_id.startswith(wamid)
    message = sandbox.messages()[-1]
    assert (message.direction, message.phone, message.status, message.external_id) == (
        "to_phone",
        CONTACT,
        "delivered",
        wamid,
    )
    assert sandbox.phone("POST", "/read", json={"phone": CONTACT}).json() == {"read": 1}
    wait_until(lambda: sandbox.statuses() == ["sent", "delivered", "read"])
    assert sandbox.phone("POST", "/read", json={"phone": CONTACT}).json() == {"read": 0}


def test_outside_the_window_free_text_fails_and_templates_pass(sandbox: Sandbox, frozen_clock: FrozenClock) -> None:
    template = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": CONTACT, "type": "template",
                "template": {"name": "pytake_saudacao", "language": {"code": "pt_BR"},
                             "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}]},
                }  # fmt: skip
    sandbox.send(text_body())
    wait_until(lambda: sandbox.statuses() == ["failed"])
    assert "131047" in str(sandbox.events("status")[0].payload)
    sandbox.send(template)
    wait_until(lambda: sandbox.statuses() == ["failed", "sent", "delivered"])
    sandbox.phone("POST", "/messages", json={"phone": CONTACT, "type": "text", "text": "oi"})
    frozen_clock.advance(timedelta(hours=24, seconds=1))
    sandbox.send(text_body())
    wait_until(lambda: sandbox.statuses()[3:] == ["failed"])


def test_templates_that_meta_refuses(sandbox: Sandbox) -> None:
    def refused(name: str, language: str, *values: str) -> int:
        parameters = [{"type": "text", "text": value} for value in values]
        template = {"name": name, "language": {"code": language},
                    "components": [{"type": "body", "parameters": parameters}] if values else []}  # fmt: skip
        body = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": CONTACT, "type": "template",
                "template": template}  # fmt: skip
        answer = sandbox.send(body).json()
        return int(answer["error"]["code"]) if "error" in answer else 0

    assert refused("pytake_saudacao", "pt_BR", "Ana") == 0
    assert refused("nunca_vi", "pt_BR") == 132001
    assert refused("pytake_saudacao", "fr", "Ana") == 132001
    assert refused("pytake_saudacao", "pt_BR") == refused("pytake_saudacao", "pt_BR", "Ana", "Lima") == 132000
    kept = [
        {"id": str(1 + i), "name": status.lower(), "language": "en", "category": "UTILITY", "status": status,
         "components": [{"type": "BODY", "text": "Hello there"}]}
        for i, status in enumerate(("PENDING", "REJECTED", "PAUSED", "DISABLED"))
    ]  # fmt: skip
    with sandbox.services.database.tenant(sandbox.caller.organization_id) as session:
        set_own_settings(session, sandbox.account.id, {SUBMITTED: kept})
    assert [refused(t["name"], "en") for t in kept] == [132001, 132001, 132015, 132016]


def test_bodies_that_meta_refuses(sandbox: Sandbox) -> None:
    good = text_body()
    for bad in (
        {**good, "messaging_product": "sms"},
        {**good, "text": {"body": ""}},
        {**good, "text": {"body": "x" * 4097}},
        {**good, "surprise": 1},
        {"messaging_product": "whatsapp"},
        [],
    ):
        response = sandbox.send(bad)
        assert response.status_code == 400
        assert response.json()["error"]["type"] == "OAuthException"
    assert sandbox.messages() == []


def test_tokens_that_meta_refuses(sandbox: Sandbox, register: NewCaller) -> None:
    other = register().get("/api/v1/sandbox").json()["items"][0]["id"]
    with sandbox.services.database.system_connection() as connection:
        stranger = AccountReader(sandbox.services.settings, sandbox.services.secrets).by_id(connection, UUID(other))
    for token in ("", "wrong", stranger.access_token, sandbox.account.app_secret):
        response = sandbox.send(text_body(), token=token)
        assert (response.status_code, response.json()["error"]["code"]) == (401, 190), token
    unknown = sandbox.client.post(
        "/sandbox/graph/v23.0/123456/messages", json=text_body(), headers={"Authorization": "Bearer x"}
    )
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, 100)


def test_a_real_number_is_not_served_by_the_stand_in(sandbox: Sandbox) -> None:
    body = {"name": "Real", "phone_number_id": "1098765432101", "access_token": "real-token"}
    assert sandbox.caller.post("/api/v1/channel-accounts", json=body).status_code == 201
    headers = {"Authorization": "Bearer real-token"}
    response = sandbox.client.post("/sandbox/graph/v23.0/1098765432101/messages", json=text_body(), headers=headers)
    assert response.status_code == 400


def test_marking_read_and_typing(sandbox: Sandbox) -> None:
    wamid = sandbox.phone("POST", "/messages", json={"type": "text", "text": "oi"}).json()["external_id"]
    body = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": wamid,
        "typing_indicator": {"type": "text"},
    }
    assert sandbox.send(body).json() == {"success": True}
    assert [row.status for row in sandbox.messages()] == ["read"]
    assert sandbox.send({**body, "message_id": "wamid.unknown"}).status_code == 400


def test_our_own_client_speaks_with_it(sandbox: Sandbox, tmp_path: Any) -> None:
    """The production client, the whole way: number, upload, media address, download, send, a token that is wrong."""
    source = tmp_path / "photo.png"
    source.write_bytes(b"\x89PNG" + b"0" * 1000)
    credentials = sandbox.account.credentials

    async def run() -> None:
        async with WhatsAppClient(transport=httpx.ASGITransport(app=sandbox.app)) as client:
            number = await client.verify_number(credentials)
            assert number.id == sandbox.account.external_id
            assert await client.subscribed(credentials)
            media_id = await client.upload_media(credentials, source, mime_type="image/png")
            described = await client.media_url(credentials, media_id)
            assert described.size == 1004
            result = await client.send(credentials, render(TextContent(body="Olá"), Recipient(external_id=CONTACT)))
            assert result.external_id.startswith("wamid.")
            await sandbox.app.state.courier.idle()

    asyncio.run(run())
    assert [row.direction for row in sandbox.messages()] == ["to_phone"]


# -- files -----------------------------------------------------------------------------------------------------------


def test_the_person_sends_a_file(sandbox: Sandbox) -> None:
    uploaded = sandbox.phone("POST", "/media", files={"file": ("photo.jpg", b"\xff\xd8" * 50, "image/jpeg")})
    assert uploaded.status_code == 201, uploaded.text
    media_id = uploaded.json()["id"]
    view = sandbox.phone("POST", "/messages", json={"type": "image", "media_id": media_id, "text": "veja"}).json()
    assert view["body"]["image"]["id"] == media_id
    assert view["body"]["image"]["caption"] == "veja"
    shown = sandbox.phone("GET", f"/media/{media_id}")
    assert (shown.content, shown.headers["content-type"]) == (b"\xff\xd8" * 50, "image/jpeg")
    token = {"Authorization": f"Bearer {sandbox.account.access_token}"}
    described = sandbox.client.get(
        f"/sandbox/graph/v23.0/{media_id}", params={"phone_number_id": sandbox.account.external_id}, headers=token
    ).json()
    assert described["file_size"] == 100
    path = httpx.URL(described["url"]).path
    assert sandbox.client.get(path, headers=token).content == b"\xff\xd8" * 50
    assert sandbox.client.get(path).status_code == 401


def test_pages_in_files_never_run_under_our_origin(sandbox: Sandbox) -> None:
    media_id = sandbox.phone("POST", "/media", files={"file": ("x.html", b"<script>", "text/html")}).json()["id"]
    shown = sandbox.phone("GET", f"/media/{media_id}")
    assert shown.headers["content-type"] == "application/octet-stream"
    assert shown.headers["content-disposition"].startswith("attachment")
    assert shown.headers["x-content-type-options"] == "nosniff"


def test_files_are_each_accounts_own(sandbox: Sandbox, register: NewCaller) -> None:
    media_id = sandbox.phone("POST", "/media", files={"file": ("x.jpg", b"x", "image/jpeg")}).json()["id"]
    stranger = register()
    own = stranger.get("/api/v1/sandbox").json()["items"][0]["id"]
    assert stranger.get(f"{sandbox.path}/media/{media_id}").status_code == 404
    assert stranger.get(f"/api/v1/sandbox/{own}/media/{media_id}").status_code == 404
    for name in ("..%2F..%2Fsecret", "1" * 15, f"{media_id}.json"):
        assert sandbox.phone("GET", f"/media/{name}").status_code == 404


def test_files_over_whatsapps_limit_are_refused(sandbox: Sandbox) -> None:
    response = sandbox.phone("POST", "/media", files={"file": ("x.jpg", b"x" * (5 * 1024 * 1024 + 1), "image/jpeg")})
    assert (response.status_code, response.json()["code"]) == (413, "media_too_large")


# -- simulate-interactive --------------------------------------------------------------------------------------------


def simulate(sandbox: Sandbox, **body: Any) -> Any:
    return sandbox.client.post("/api/v1/webhook/simulate-interactive", json=body, headers=sandbox.caller.headers)


def test_simulating_by_phone_or_contact(sandbox: Sandbox) -> None:
    by_phone = simulate(sandbox, contact_id="+55 11 98765-4321", text="oi")
    assert by_phone.status_code == 201, by_phone.text
    assert (by_phone.json()["phone"], by_phone.json()["body"]["text"]["body"]) == (CONTACT, "oi")
    contact = sandbox.caller.post("/api/v1/contacts", json={"name": "Bia", "phone": "+55 11 91234-5678"}).json()
    assert simulate(sandbox, contact_id=contact["id"], text="oi").json()["phone"] == "5511912345678"
    assert simulate(sandbox, contact_id=str(uuid4()), text="oi").status_code == 404
    assert simulate(sandbox, contact_id=CONTACT).status_code == 422
    assert simulate(sandbox, contact_id="nobody", text="oi").status_code == 422


def test_simulating_a_choice_answers_the_message_that_offered_it(sandbox: Sandbox) -> None:
    buttons = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": CONTACT, "type": "interactive",
               "interactive": {"type": "button", "body": {"text": "?"}, "action": {"buttons": [
                   {"type": "reply", "reply": {"id": "yes", "title": "Sim"}}]}}}  # fmt: skip
    rows = {**buttons, "interactive": {"type": "list", "body": {"text": "?"}, "action": {"button": "Ver", "sections": [
        {"title": "S", "rows": [{"id": "row", "title": "Linha"}]}]}}}  # fmt: skip
    offered = [sandbox.send(body).json()["messages"][0]["id"] for body in (buttons, rows)]
    pressed = simulate(sandbox, contact_id=CONTACT, selection_id="yes").json()["body"]
    assert pressed["interactive"] == {"type": "button_reply", "button_reply": {"id": "yes", "title": "Sim"}}
    assert pressed["context"]["id"] == offered[0]
    picked = simulate(sandbox, contact_id=CONTACT, selection_id="row").json()["body"]
    assert picked["interactive"]["list_reply"] == {"id": "row", "title": "Linha"}
    assert picked["context"]["id"] == offered[1]
    assert (
        simulate(sandbox, contact_id=CONTACT, selection_id="unknown").json()["body"]["interactive"]["type"]
        == "button_reply"
    )
