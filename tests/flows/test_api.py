# ruff: noqa: E501
"""Flows and sessions over HTTP, with the pipeline at work behind `/flows/start` and `/flows/process`."""

import threading
from typing import Any

import pytest
from fastapi import FastAPI

from pytake_app.flows import api_sessions
from tests.api.fixtures import Caller, NewCaller

DOCUMENT: dict[str, Any] = {
    "nodes": [
        {"id": "s", "type": "start"},
        {
            "id": "ask",
            "type": "question",
            "config": {"body": "{{ session.who }}, qual o CEP?", "variable": "cep", "kind": "cep"},
        },
        {"id": "ok", "type": "msg_text", "config": {"body": "Obrigado"}},
    ],
    "edges": [
        {"id": "1", "source": "s", "port": "next", "target": "ask"},
        {"id": "2", "source": "ask", "port": "answered", "target": "ok"},
    ],
}


def create(caller: Caller, document: Any = DOCUMENT, name: str = "CEP") -> Any:
    response = caller.post("/api/v1/flows", json={"name": name, "document": document})
    assert response.status_code == 201, response.text
    return response.json()


def test_a_flow_from_draft_to_live(caller: Caller) -> None:
    flow = create(caller)
    assert {"id", "name", "slug", "status", "chatbot_id", "draft", "live_version", "triggers"} <= flow.keys()
    base = f"/api/v1/flows/{flow['slug']}"
    edited = caller.post(
        f"{base}/operations",
        json={
            "operations": [{"op": "set_title", "id": "ok", "title": "Fim"}],
            "expected_revision": flow["draft"]["revision"],
        },
    ).json()
    assert edited["revision"] == flow["draft"]["revision"] + 1
    assert caller.post(f"{base}/verify").json()["errors"] == 0
    published = caller.post(f"{base}/publish", json={"expected_revision": edited["revision"]})
    assert published.status_code == 200, published.text
    assert caller.get(base).json()["status"] == "active"
    assert caller.get(f"{base}/versions").json()["items"][0]["live"] is True
    assert caller.post(f"{base}/undo").json()["can_redo"] is True
    assert caller.get(f"{base}/edits", params={"since": edited["revision"]}).json()["items"][0]["kind"] == "undo"
    assert caller.post(f"{base}/redo").json()["changes"] == 0
    exported = caller.get(f"{base}/export").json()
    again = caller.post("/api/v1/flows/import", json={"document": exported})
    assert (again.status_code, again.json()["slug"]) == (201, "cep_2")
    assert caller.post(f"{base}/rollback", json={"version": 1}).json()["version"] == 2
    assert caller.post(f"{base}/deactivate").json()["status"] == "inactive"
    assert caller.get(f"{base}/stats").json()["started"] == 0
    assert caller.delete(base).status_code == 204
    assert caller.get(base).status_code == 404


def test_a_new_organization_and_the_gallery(caller: Caller) -> None:
    slugs = {flow["slug"]: flow["status"] for flow in caller.get("/api/v1/flows").json()["items"]}
    assert slugs == {"main_menu": "active", "smart_support": "active"}
    gallery = caller.get("/api/v1/flow-templates", params={"locale": "en"}).json()["items"]
    assert len(gallery) >= 4
    made = caller.post("/api/v1/flows/from-template", json={"starter": gallery[-1]["key"], "locale": "en"})
    assert (made.status_code, made.json()["name"]) == (201, gallery[-1]["name"])


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer", "node"),
    [
        ({"name": "x", "document": {"nodes": [{"id": "a", "type": "warp"}]}}, 422, "invalid_document", "/document/nodes/0/type", "a"),
        ({"name": "x", "nodes": [{"id": "a", "type": "warp"}]}, 422, "invalid_document", "/nodes/0/type", "a"),
        ({"name": "x", "nodes": [], "document": {}}, 422, "invalid", None, None),
        ({"name": ""}, 422, "invalid", "/name", None),
        ({"name": "x", "colour": "red"}, 422, "invalid", "/colour", None),
    ],
)  # fmt: skip
def test_bad_bodies(caller: Caller, body: Any, status: int, code: str, pointer: str | None, node: str | None) -> None:
    response = caller.post("/api/v1/flows", json=body)
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    if pointer is not None:
        assert (pointer, node) in {(e["pointer"], e.get("node_id")) for e in response.json()["errors"]}
    assert len(caller.get("/api/v1/flows").json()["items"]) == 2


def test_publishing_errors_name_nodes(caller: Caller) -> None:
    broken = {**DOCUMENT, "nodes": [*DOCUMENT["nodes"][:2], {"id": "ok", "type": "msg_text", "config": {"body": ""}}]}
    flow = create(caller, broken)
    response = caller.post(f"/api/v1/flows/{flow['id']}/publish", json={})
    assert (response.status_code, response.json()["code"]) == (422, "flow_has_errors")
    assert {e["node_id"] for e in response.json()["errors"]} == {"ok"}


def test_trying_a_flow_out(caller: Caller) -> None:
    flow = create(caller)
    body = {"inputs": [{"type": "text", "text": "01310-100"}], "variables": {"who": "Ana"}}
    result = caller.post(f"/api/v1/flows/{flow['id']}/test", json=body).json()
    assert [e["content"]["body"] for t in result["turns"] for e in t["events"] if e["type"] == "message_out"] == [
        "Ana, qual o CEP?", "Obrigado",
    ]  # fmt: skip
    assert result["session"]["status"] == "completed"
    assert result["path"][0] == {"flow_id": flow["id"], "node_id": "s", "port": "next"}


def test_idempotency_key(caller: Caller) -> None:
    first, second = (
        caller.post("/api/v1/flows", json={"name": "Uma"}, headers={"Idempotency-Key": "k1"}).json() for _ in range(2)
    )
    assert first["id"] == second["id"]


def test_nodes(caller: Caller) -> None:
    base = f"/api/v1/flows/{create(caller)['id']}/nodes"
    made = caller.post(base, json={"type": "end", "title": "Fim"})
    assert made.status_code == 201, made.text
    node = f"{base}/{made.json()['id']}"
    assert caller.patch(node, json={"config": {"outcome": "ok"}}).json()["config"] == {"outcome": "ok"}
    assert len(caller.get(base).json()["items"]) == 4
    assert caller.delete(node).status_code == 204
    assert caller.get(node).status_code == 404
    assert caller.post(base, json={"type": "warp"}).status_code == 422


def publish(caller: Caller) -> str:
    flow = create(caller)
    assert caller.post(f"/api/v1/flows/{flow['id']}/publish", json={}).status_code == 200
    return str(flow["slug"])


def test_start_and_process_through_the_pipeline(caller: Caller, worker: threading.Event) -> None:
    slug = publish(caller)
    start = {"flow_id": slug, "contact_id": "+55 11 98765-4321", "trigger_data": {"who": "Bia"}}
    begun = caller.post("/api/v1/flows/start", json=start)
    assert begun.status_code == 200, begun.text
    session = begun.json()
    assert {
        "id",
        "flow_id",
        "version",
        "contact_id",
        "status",
        "current_node",
        "variables",
        "started_at",
        "expires_at",
        "steps",
    } <= session.keys()
    assert (session["status"], session["current_node"], session["variables"]) == ("waiting", "ask", {"who": "Bia"})
    assert [(s["node_id"], s["port"]) for s in session["steps"]] == [("s", "next"), ("ask", None)]
    active = caller.get("/api/v1/flows/sessions/active", params={"flow_id": slug}).json()["items"]
    assert [s["id"] for s in active] == [session["id"]]
    done = caller.post("/api/v1/flows/process", json={"session_id": session["id"], "user_input": "01310-100"}).json()
    assert (done["status"], done["variables"]["cep"]) == ("completed", "01310100")
    over = caller.post("/api/v1/flows/process", json={"session_id": session["id"], "user_input": "?"})
    assert (over.status_code, over.json()["code"]) == (409, "session_ended")
    assert caller.get("/api/v1/flows/sessions/stats").json()["by_status"] == {"completed": 1}
    contact = caller.get(f"/api/v1/contacts/{session['contact_id']}").json()
    assert contact["phone"] == "5511987654321"
    thread = caller.get("/api/v1/conversations", params={"contact_id": session["contact_id"]}).json()["items"][0]
    said = caller.get(f"/api/v1/conversations/{thread['id']}/messages").json()["items"]
    assert [m["text"] for m in said if m["direction"] == "out"][::-1] == ["Bia, qual o CEP?", "Obrigado"]
    again = caller.post("/api/v1/flows/start", json={**start, "contact_id": session["contact_id"]}).json()
    assert again["contact_id"] == session["contact_id"]
    assert again["id"] != session["id"]
    assert caller.post(f"/api/v1/flows/sessions/{again['id']}/cancel").json()["status"] == "interrupted"


def test_with_workers_away_the_start_is_durable(
    caller: Caller, worker: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = publish(caller)
    worker.set()
    monkeypatch.setattr(api_sessions, "WAIT_SECONDS", 0.05)
    waiting = caller.post("/api/v1/flows/start", json={"flow_id": slug, "contact_id": "11987654321"})
    assert (waiting.status_code, waiting.json()["status"]) == (202, "queued")
    worker.clear()
    monkeypatch.setattr(api_sessions, "WAIT_SECONDS", 10)
    later = caller.post("/api/v1/flows/start", json={"flow_id": slug, "contact_id": "11987654321"})
    assert later.status_code == 200
    assert caller.get("/api/v1/flows/sessions/stats").json()["by_status"] == {"interrupted": 1, "waiting": 1}


def test_bad_starts(caller: Caller) -> None:
    draft = create(caller, name="Rascunho")
    for body, code in (
        ({"flow_id": "nothing", "contact_id": "11987654321"}, "flow_not_found"),
        ({"flow_id": draft["id"], "contact_id": "11987654321"}, "not_published"),
        ({"flow_id": "main_menu", "contact_id": "Maria"}, "invalid_phone"),
        ({"flow_id": "main_menu", "contact_id": "00000000-0000-0000-0000-000000000001"}, "contact_not_found"),
    ):
        assert caller.post("/api/v1/flows/start", json=body).json()["code"] == code
    assert caller.get("/api/v1/contacts").json()["items"] == []


def test_other_tenants_and_nobody(register: NewCaller, caller: Caller) -> None:
    flow = create(caller)
    stranger = register(organization_name="Outra")
    for method, path in (("GET", ""), ("GET", "/versions"), ("POST", "/verify"), ("POST", "/undo"), ("DELETE", "")):
        assert stranger.request(method, f"/api/v1/flows/{flow['id']}{path}").status_code == 404
    assert caller.client.get("/api/v1/flows").status_code == 401


def test_every_answer_is_documented(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    mine = {
        path: operations
        for path, operations in paths.items()
        if path.startswith(("/api/v1/flow", "/api/v1/conversations", "/api/v1/contacts", "/api/v1/messages"))
    }
    assert len(mine) > 40
    for path, operations in mine.items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            ok = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
            if "content" in ok and "application/json" in ok["content"]:
                assert ok["content"]["application/json"]["schema"], (method, path)
            elif "204" not in operation["responses"] and not {"application/zip", "text/csv"} & set(
                ok.get("content", {})
            ):
                pytest.fail(f"{method} {path} has no model")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"name": "x", "document": {"nodes": [{"id": "a", "type": "msg_text", "config": {"body": "'
        + b"x" * 10_000_000
        + b'"}}]}}',
        b'{"name": "x", "nodes": [' + b",".join(b'{"id": "n%d", "type": "end"}' % i for i in range(5000)) + b"]}",
        b'{"name": "x", "document": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"name": "x", "document": {"nodes": [{"id": "a", "type": "end", "config": '
        + b'{"a":' * 900
        + b"1"
        + b"}" * 900
        + b"}]}}",
        b'{"name": "x", "document": {"nodes": [{"id": "a", "type": "end", "position": {"x": 1e999}}]}}',
        b'{"name": "x", "document": {"nodes": [{"id": "\\u0000", "type": "end"}]}}',
        b'{"name": "\\ud800", "document": {"nodes": []}}',
        b'{"name": "x\\u0000y"}',
        b'{"name": "x", "document": {',
        b"\xff\xfe",
    ],
    ids=[
        "10 MB",
        "5,000 nodes",
        "deep lists",
        "deep config",
        "infinite",
        "nul id",
        "lone surrogate",
        "nul name",
        "cut off",
        "no UTF-8",
    ],
)
def test_hostile_bodies_are_refused_with_a_problem(caller: Caller, raw: bytes) -> None:
    response = caller.request("POST", "/api/v1/flows", content=raw, headers={"Content-Type": "application/json"})
    assert response.status_code in {400, 413, 422}, (response.status_code, response.text[:300])
    assert response.headers["content-type"].startswith("application/problem+json")
    assert len(response.content) < 64_000
    assert len(caller.get("/api/v1/flows").json()["items"]) == 2
