"""The same thing asked for twice at the same moment: done once, or refused with a reason; never our mistake."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select

from pytake_app.api.services import Services
from pytake_app.flows.models import Flow
from tests.api.fixtures import HOST, Caller

TIMES = 4
CREATES: list[tuple[str, dict[str, Any]]] = [
    ("/api/v1/flow-folders", {"name": "Loja"}),
    ("/api/v1/flow-views", {"name": "Minhas", "filters": {}}),
    ("/api/v1/tags", {"name": "VIP"}),
    ("/api/v1/custom-fields", {"key": "city", "label": "Cidade"}),
    ("/api/v1/departments", {"name": "Vendas"}),
    ("/api/v1/queues", {"name": "Vendas"}),
    ("/api/v1/business-hours", {"name": "Noite"}),
    ("/api/v1/secrets", {"name": "KEY", "value": "v-123456"}),
    ("/api/v1/contacts", {"name": "Maria", "phone": "+5511987654321"}),
    ("/api/v1/whatsapp/numbers", {"name": "Loja", "phone_number_id": "1098765432101"}),
    ("/api/v1/flows/main_menu/test-cases", {"name": "Oi", "script": {"inputs": [{"type": "text", "text": "oi"}]}}),
    ("/api/v1/flows/main_menu/references", {"kind": "tag", "name": "Novo"}),
    ("/api/v1/flows/main_menu/publish", {}),
    ("/api/v1/flows/main_menu/duplicate", {}),
    ("/api/v1/flows", {"name": "Pedidos"}),
]


def together(app: FastAPI, caller: Caller, *requests: tuple[str, str, Any, dict[str, str]]) -> list[Any]:
    """Send all at the same moment, each by a client of its own."""
    gate = threading.Barrier(len(requests))

    def send(request: tuple[str, str, Any, dict[str, str]]) -> Any:
        method, path, body, headers = request
        client = TestClient(app, base_url=HOST, follow_redirects=False, raise_server_exceptions=False)
        gate.wait(20)
        return client.request(method, path, json=body, headers={**caller.headers, **headers})

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


@pytest.mark.parametrize(("path", "body"), CREATES, ids=[path for path, _ in CREATES])
def test_the_same_creation_several_times_at_once(app: FastAPI, caller: Caller, path: str, body: dict[str, Any]) -> None:
    answers = together(app, caller, *[("POST", path, body, {})] * TIMES)
    statuses = sorted(answer.status_code for answer in answers)
    assert set(statuses) <= {200, 201, 409}, [answer.text[:200] for answer in answers]
    assert statuses[0] < 300
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] not in ("", "conflict"), answer.text


def test_a_key_makes_one_flow_of_a_starter(app: FastAPI, caller: Caller, services: Services) -> None:
    body = {"starter": "faq", "locale": "pt_BR"}
    answers = together(
        app, caller, *[("POST", "/api/v1/flows/from-template", body, {"Idempotency-Key": "one-click-1"})] * TIMES
    )
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    with services.database.tenant(caller.organization_id) as session:
        assert len(session.exec(select(Flow).where(Flow.id.in_(list(made)))).all()) == 1  # type: ignore[attr-defined]


def test_a_folder_taken_away_while_things_move_into_it(app: FastAPI, caller: Caller, services: Services) -> None:
    """Whatever comes first, no flow and no folder ends up where nobody finds it."""
    for _ in range(3):
        flow = caller.post("/api/v1/flows", json={"name": "Pedidos"}).json()["id"]
        folder = caller.post("/api/v1/flow-folders", json={"name": "Loja"}).json()["id"]
        other = caller.post("/api/v1/flow-folders", json={"name": "Verão"}).json()["id"]
        answers = together(
            app,
            caller,
            ("PATCH", f"/api/v1/flows/{flow}", {"folder_id": folder}, {}),
            ("POST", "/api/v1/flows/bulk", {"ids": [flow], "action": "move", "folder_id": folder}, {}),
            ("PATCH", f"/api/v1/flow-folders/{other}", {"parent_id": folder}, {}),
            ("DELETE", f"/api/v1/flow-folders/{folder}", None, {}),
        )
        assert {answer.status_code for answer in answers} <= {200, 204, 404}, [a.text[:300] for a in answers]
        known = {item["id"] for item in caller.get("/api/v1/flow-library").json()["folders"]}
        with services.database.tenant(caller.organization_id) as session:
            at = session.exec(select(Flow.folder_id)).all()
        assert all(one is None or str(one) in known for one in at)
        assert caller.delete(f"/api/v1/flow-folders/{other}").status_code == 204


def test_two_folders_moved_into_each_other(app: FastAPI, caller: Caller) -> None:
    one, two = (caller.post("/api/v1/flow-folders", json={"name": name}).json()["id"] for name in ("A", "B"))
    answers = together(
        app,
        caller,
        ("PATCH", f"/api/v1/flow-folders/{one}", {"parent_id": two}, {}),
        ("PATCH", f"/api/v1/flow-folders/{two}", {"parent_id": one}, {}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert next(a for a in answers if a.status_code == 409).json()["code"] == "folder_inside_itself"


def test_a_flow_deleted_while_it_is_edited_and_published(app: FastAPI, caller: Caller) -> None:
    flow = caller.post("/api/v1/flows/from-template", json={"starter": "faq", "locale": "pt_BR"}).json()
    address = f"/api/v1/flows/{flow['id']}"
    edit = {"operations": [{"op": "set_name", "name": "Novo"}], "expected_revision": flow["draft"]["revision"]}
    answers = together(
        app,
        caller,
        ("POST", f"{address}/operations", edit, {}),
        ("POST", f"{address}/publish", {}, {}),
        ("DELETE", address, None, {}),
        ("POST", f"{address}/undo", None, {}),
    )
    assert {answer.status_code for answer in answers} <= {200, 204, 404, 409}, [a.text[:300] for a in answers]
    assert caller.get(address).status_code == 404
    back = caller.post(f"{address}/restore", json={"activate": False})
    assert back.status_code == 200, back.text
    assert len(back.json()["draft"]["document"]["nodes"]) == len(flow["draft"]["document"]["nodes"])
