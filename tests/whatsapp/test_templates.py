"""Templates: fetched from Meta page by page, submitted, deleted; what becomes of rows."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from fastapi import FastAPI
from sqlmodel import select

from pytake_app.api.services import Services
from pytake_app.channels.base import AccountCredentials
from pytake_app.channels.errors import SendError
from pytake_app.channels.whatsapp.client import WhatsAppClient
from pytake_app.channels.whatsapp.sandbox_templates import sandbox_templates
from pytake_app.whatsapp import service, template_calls
from pytake_app.whatsapp.models import ChannelAccount, MessageTemplate
from pytake_app.whatsapp.template_parts import parts_of, variables_of
from tests.api.fixtures import Caller
from tests.whatsapp.test_accounts import connect

TEMPLATES = "/api/v1/whatsapp/templates"
NEW = {
    "name": "novo",
    "language": "pt_BR",
    "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Olá {{1}}, tudo bem?"}],
}


@pytest.fixture
def meta(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """The product's own stand-in of Meta answers Graph calls, without a socket; what it was asked."""
    seen: list[httpx.Request] = []

    class Wire(httpx.ASGITransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return await super().handle_async_request(request)

    def client() -> WhatsAppClient:
        return WhatsAppClient(transport=Wire(app))

    monkeypatch.setattr(template_calls, "WhatsAppClient", client)
    return seen


def test_a_sync_brings_what_meta_has_and_forgets_what_it_has_not(
    caller: Caller, services: Services, meta: list[httpx.Request]
) -> None:
    with services.database.tenant(caller.organization_id) as session:
        account = session.exec(select(ChannelAccount)).one()
        stale = {"name": "velho", "language": "pt_BR", "status": "APPROVED", "category": "UTILITY", "components": []}
        service.store_templates(session, account.business_account_id, [stale], whole=False)
    assert "velho" in caller.get(TEMPLATES).text
    result = caller.post(f"{TEMPLATES}/sync")
    assert result.status_code == 200, result.text
    assert (result.json()["templates"], result.json()["removed"]) == (9, 1)
    assert "velho" not in caller.get(TEMPLATES).text
    assert len(caller.get(TEMPLATES, params={"language": "es", "status": "approved"}).json()["items"]) == 3
    assert meta[0].headers["authorization"].startswith("Bearer sandbox-")


def test_a_new_template_is_submitted_and_deleted_at_meta_too(caller: Caller, meta: list[httpx.Request]) -> None:
    made = caller.post(TEMPLATES, json=NEW)
    assert made.status_code == 201, made.text
    view = made.json()
    assert (view["status"], view["variables"], view["body"]) == ("APPROVED", 1, "Olá {{1}}, tudo bem?")
    assert json.loads(meta[0].content)["components"] == NEW["components"]
    again = caller.post(TEMPLATES, json=NEW)
    assert (again.status_code, again.json()["code"]) == (422, "template_refused")
    assert "already exists" in again.json()["detail"]
    # It stays through a sync, as Meta has it; and is gone there when it is deleted here.
    assert caller.post(f"{TEMPLATES}/sync").json()["templates"] == 10
    assert caller.delete(f"{TEMPLATES}/{view['id']}").status_code == 204
    assert caller.post(f"{TEMPLATES}/sync").json()["templates"] == 9
    assert "novo" not in caller.get(TEMPLATES).text


def test_meta_refuses_what_it_would_refuse(caller: Caller, meta: list[httpx.Request]) -> None:
    body = {**NEW, "components": [{"type": "BODY", "text": "{{1}} começa assim"}]}
    answer = caller.post(TEMPLATES, json=body)
    assert answer.status_code == 422
    assert "start or end" in answer.json()["detail"]


def test_real_templates_count_once_there_is_a_real_number(caller: Caller, services: Services) -> None:
    def book() -> tuple[int, bool]:
        found = caller.get("/api/v1/flows/main_menu/references").json()
        return len(found["templates"]), found["templates_complete"]

    assert book() == (9, True)
    connect(caller, business_account_id="2098765432101")
    assert book() == (0, False)
    with services.database.tenant(caller.organization_id) as session:
        service.store_templates(session, "2098765432101", sandbox_templates()[:2], whole=True)
    assert book() == (2, True)


def test_two_syncs_at_once_keep_each_template_once(caller: Caller, services: Services) -> None:
    """Both find nothing and bring the same."""
    connect(caller, business_account_id="2098765432101")
    both = threading.Barrier(2)

    def sync(_: int) -> int:
        with services.database.tenant(caller.organization_id) as session:
            session.exec(select(ChannelAccount)).all()
            both.wait(10)
            return service.store_templates(session, "2098765432101", sandbox_templates(), whole=True)[0]

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(sync, range(2))) == [len(sandbox_templates())] * 2
    with services.database.tenant(caller.organization_id) as session:
        rows = session.exec(select(MessageTemplate).where(MessageTemplate.business_account_id == "2098765432101")).all()
    assert len(rows) == len(sandbox_templates())


ACCOUNT = AccountCredentials(
    external_id="1", access_token="t", business_account_id="77", base_url="http://graph", api_version="v23.0"
)


async def test_the_client_follows_pages_and_says_when_it_may_not() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        after = request.url.params.get("after")
        if after is None:
            paging = {"cursors": {"after": "X"}, "next": "http://elsewhere.example/steal-the-token"}
            return httpx.Response(200, json={"data": [{"name": "a"}], "paging": paging})
        return httpx.Response(200, json={"data": [{"name": "b"}], "paging": {"cursors": {"after": "Y"}}})

    async with WhatsAppClient(transport=httpx.MockTransport(answer)) as client:
        assert [t["name"] for t in await client.templates(ACCOUNT)] == ["a", "b"]
    # The next page's address is made here: the token goes nowhere else.
    assert [r.url.host for r in asked] == ["graph", "graph"]
    assert asked[0].url.path == "/v23.0/77/message_templates"
    refusal = httpx.Response(401, json={"error": {"code": 190, "message": "expired"}})
    async with WhatsAppClient(transport=httpx.MockTransport(lambda _request: refusal)) as client:
        with pytest.raises(SendError, match="190"):
            await client.templates(ACCOUNT)


def test_parts_are_read_leniently() -> None:
    assert variables_of("{{1}} e {{3}}") == ["1", "2", "3"]
    assert variables_of("{{nome}} {{ pedido }} {{nome}}") == ["nome", "pedido"]
    parts = parts_of([{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY"}, {"type": "BUTTONS", "buttons": "?"}])
    assert (parts.header.format if parts.header else "", parts.body, parts.buttons) == ("IMAGE", "", [])
    link = {"type": "URL", "text": "Ver", "url": "https://x.example/{{1}}"}
    (button,) = parts_of([{"type": "BUTTONS", "buttons": [link]}]).buttons
    assert (button.type, button.variables) == ("URL", 1)
