# ruff: noqa: E501
"""Sessions of the real pipeline are played again, moved and ended by publications."""

import threading
from typing import Any

import pytest
from sqlmodel import col, select

from pytake_app.api.services import Services
from pytake_app.flows.models import SessionRecord, Timer
from tests.api.fixtures import Caller
from tests.flows.test_api import create

MENU: dict[str, Any] = {
    "nodes": [
        {"id": "s", "type": "start"},
        {"id": "menu", "type": "msg_buttons", "title": "Menu",
         "config": {"body": "Oi {{ contact.first_name }}", "buttons": [{"id": "a", "title": "Um"}, {"id": "b", "title": "Dois"}]}},
        {"id": "split", "type": "random_split", "config": {"sticky": False, "branches": [
            {"id": "x", "label": "X", "weight": 50}, {"id": "y", "label": "Y", "weight": 50}]}},
        {"id": "ask", "type": "question", "config": {"body": "Qual o CEP?", "variable": "cep", "kind": "cep"}},
        {"id": "ok", "type": "msg_text", "config": {"body": "Obrigado, {{ cep }}, {{ now }}"}},
    ],
    "edges": [
        {"id": "1", "source": "s", "port": "next", "target": "menu"},
        {"id": "2", "source": "menu", "port": "option:a", "target": "split"},
        {"id": "3", "source": "menu", "port": "option:b", "target": "ask"},
        {"id": "4", "source": "split", "port": "branch:x", "target": "ask"},
        {"id": "5", "source": "split", "port": "branch:y", "target": "ask"},
        {"id": "6", "source": "ask", "port": "answered", "target": "ok"},
    ],
}  # fmt: skip


def published(caller: Caller, document: Any = MENU) -> Any:
    flow = create(caller, document, "Menu")
    response = caller.post(f"/api/v1/flows/{flow['id']}/publish", json={})
    assert response.status_code == 200, response.text
    return flow


def start(caller: Caller, flow: Any, phone: str = "+55 11 98765-4321") -> Any:
    response = caller.post("/api/v1/flows/start", json={"flow_id": flow["id"], "contact_id": phone})
    assert response.status_code == 200, response.text
    return response.json()


def say(caller: Caller, session: Any, text: str) -> Any:
    response = caller.post("/api/v1/flows/process", json={"session_id": session["id"], "user_input": text})
    assert response.status_code == 200, response.text
    return response.json()


def edit(caller: Caller, flow: Any, *operations: Any) -> None:
    response = caller.post(f"/api/v1/flows/{flow['id']}/operations", json={"operations": list(operations)})
    assert response.status_code == 200, response.text


def replayed(caller: Caller, session: Any) -> Any:
    response = caller.post(f"/api/v1/flows/sessions/{session['id']}/replay")
    assert response.status_code == 200, response.text
    return response.json()


def test_a_session_gives_the_same_events_again(caller: Caller, worker: threading.Event) -> None:
    flow = published(caller)
    session = start(caller, flow)
    say(caller, session, "um")
    say(caller, session, "nada")
    assert say(caller, session, "01310-100")["status"] == "completed"
    answer = replayed(caller, session)
    assert answer | {"recorded": True, "whole": True, "identical": True, "sprints": 4, "diverged_at": None} == answer
    edit(caller, flow, {"op": "update_config", "id": "menu", "patch": {"body": "Outro"}})
    assert caller.post(f"/api/v1/flows/{flow['id']}/publish", json={}).status_code == 200
    assert replayed(caller, session)["identical"] is True, "a session is played on its own version"


def test_a_changed_tape_is_found_out(caller: Caller, worker: threading.Event, services: Services) -> None:
    session = start(caller, published(caller))
    say(caller, session, "dois")
    with services.database.tenant(caller.organization_id) as db:
        row = db.exec(
            select(SessionRecord).where(SessionRecord.session_id == session["id"], SessionRecord.number == 2)
        ).one()
        row.record = {**row.record, "i": {"type": "message", "message": {"text": "nada"}}}
        db.add(row)
    answer = replayed(caller, session)
    assert (answer["identical"], answer["diverged_at"]) == (False, 2)


def test_real_conversations_on_a_draft(caller: Caller, worker: threading.Event) -> None:
    flow = published(caller)
    asked = start(caller, flow)
    say(caller, asked, "dois")
    say(caller, asked, "01310-100")
    other = start(caller, flow, "+55 11 98765-0002")
    say(caller, other, "xyz")
    path = f"/api/v1/flows/{flow['id']}/replay"
    assert [verdict["same"] for verdict in caller.post(path, json={}).json()["sessions"]] == [True, True]
    edit(caller, flow, {"op": "update_config", "id": "ask", "patch": {"body": "Diga seu CEP"}})
    answer = caller.post(path, json={}).json()
    assert (answer["replayed"], answer["diverged"], answer["not_recorded"]) == (2, 1, 0)
    (verdict,) = [verdict for verdict in answer["sessions"] if not verdict["same"]]
    assert verdict["session_id"] == asked["id"]
    divergence = verdict["divergence"]
    assert (divergence["sprint"], divergence["kind"], divergence["input"]) == (2, "message", "dois")
    assert (divergence["expected_node"], divergence["new_node"]) == ("ask", "ask")
    assert divergence["expected"]["content"]["body"] == "Qual o CEP?"
    assert divergence["new"]["content"]["body"] == "Diga seu CEP"
    edit(caller, flow, {"op": "delete_nodes", "ids": ["ask"]})
    kinds = {
        v["session_id"]: v["divergence"] and v["divergence"]["kind"]
        for v in caller.post(path, json={"sessions": 10}).json()["sessions"]
    }
    assert kinds == {asked["id"]: "event", other["id"]: None}
    one = caller.post(path, json={"session_ids": [other["id"]]}).json()
    assert [verdict["session_id"] for verdict in one["sessions"]] == [other["id"]]


def test_what_a_publication_means(caller: Caller, worker: threading.Event) -> None:
    flow = published(caller)
    base = f"/api/v1/flows/{flow['id']}"
    start(caller, flow)
    second = start(caller, flow, "+55 11 98765-0002")
    say(caller, second, "dois")
    edit(caller, flow, {"op": "delete_nodes", "ids": ["ask"]})
    answer = caller.get(f"{base}/impact").json()
    assert answer["sessions"] == 2
    assert [(n["node_id"], n["change"], n["waits_for"], n["sessions"]) for n in answer["nodes"]] == [
        ("ask", "removed", "message", 1), ("menu", "changed", "message", 1)]  # fmt: skip
    assert [target["node_id"] for target in answer["targets"]] == ["menu"]
    assert all(node["says"] and node["type"] in ("question", "msg_buttons") for node in answer["nodes"])


MOVED = [
    {"op": "delete_nodes", "ids": ["ask"]},
    {"op": "add_node", "node": {"id": "ask2", "type": "question", "title": "", "position": {"x": 0, "y": 0},
                                "config": {"body": "Novo CEP?", "variable": "cep", "kind": "cep"}}},
    {"op": "connect", "source": "ask2", "port": "answered", "target": "ok"},
    {"op": "connect", "source": "menu", "port": "option:b", "target": "ask2"},
    {"op": "connect", "source": "split", "port": "branch:x", "target": "ask2"},
    {"op": "connect", "source": "split", "port": "branch:y", "target": "ask2"},
    {"op": "update_config", "id": "ok", "patch": {"body": "Anotado: {{ cep }}"}},
]  # fmt: skip


def test_sessions_are_moved_with_the_publication(caller: Caller, worker: threading.Event, services: Services) -> None:
    flow = published(caller)
    session = start(caller, flow)
    say(caller, session, "dois")
    edit(caller, flow, *MOVED)
    base = f"/api/v1/flows/{flow['id']}"
    for moves, code in (({"ask": "gone"}, "unknown_node"), ({"ask": "ok"}, "other_wait")):
        refused = caller.post(f"{base}/publish", json={"impact": {"moves": moves}})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_impact")
        assert refused.json()["errors"][0]["code"] == code
    assert caller.get(base).json()["live_version"] == 1, "a refused publication changes nothing"
    done = caller.post(f"{base}/publish", json={"impact": {"moves": {"ask": "ask2"}}}).json()
    assert done["impact"] == {"finishing": 0, "moved": 1, "ended": 0}
    assert done["parked"] == []
    shown = caller.get(f"/api/v1/flows/sessions/{session['id']}").json()
    assert (shown["version"], shown["current_node"], shown["status"]) == (2, "ask2", "waiting")
    over = say(caller, session, "01310-100")
    assert (over["status"], over["variables"]["cep"]) == ("completed", "01310100")
    assert over["steps"][-1]["node_id"] == "ok"
    assert replayed(caller, session)["identical"] is True, "the move is on the tape"


def test_sessions_finish_on_their_version_by_default_or_end(
    caller: Caller, worker: threading.Event, services: Services
) -> None:
    flow = published(caller)
    first, second = start(caller, flow), start(caller, flow, "+55 11 98765-0002")
    say(caller, first, "dois")
    edit(caller, flow, *MOVED)
    base = f"/api/v1/flows/{flow['id']}"
    done = caller.post(f"{base}/publish", json={}).json()
    assert done["impact"] == {"finishing": 2, "moved": 0, "ended": 0}
    assert done["parked"] == [{"node_id": "ask", "sessions": 1}]
    assert say(caller, first, "01310-100")["status"] == "completed"
    edit(caller, flow, {"op": "set_title", "id": "ok", "title": "Fim"})
    done = caller.post(f"{base}/publish", json={"impact": {"default": "end"}}).json()
    assert done["impact"] == {"finishing": 0, "moved": 0, "ended": 1}
    assert caller.get(f"/api/v1/flows/sessions/{second['id']}").json()["status"] == "interrupted"
    with services.database.system() as db:
        assert list(db.exec(select(Timer).where(Timer.session_id == second["id"], col(Timer.fired_at).is_(None)))) == []


def test_one_node_can_be_ended_while_others_finish(caller: Caller, worker: threading.Event) -> None:
    flow = published(caller)
    first, second = start(caller, flow), start(caller, flow, "+55 11 98765-0002")
    say(caller, first, "dois")
    edit(caller, flow, *MOVED)
    impact = {"moves": {"ask": None}}
    done = caller.post(f"/api/v1/flows/{flow['id']}/publish", json={"impact": impact}).json()
    assert done["impact"] == {"finishing": 1, "moved": 0, "ended": 1}
    states = [caller.get(f"/api/v1/flows/sessions/{s['id']}").json()["status"] for s in (first, second)]
    assert states == ["interrupted", "waiting"]


@pytest.mark.parametrize("path", ["/api/v1/flows/{id}/impact", "/api/v1/flows/{id}/replay"])
def test_unknown_flows(caller: Caller, path: str) -> None:
    url = path.format(id="00000000-0000-7000-8000-000000000000")
    response = caller.get(url) if path.endswith("impact") else caller.post(url, json={})
    assert response.status_code == 404


def test_paths_of_the_draft_with_conversations(caller: Caller) -> None:
    flow = create(caller, MENU, "Menu")
    base = f"/api/v1/flows/{flow['id']}"
    answer = caller.get(f"{base}/paths").json()
    assert answer["truncated"] is False
    assert answer["coverage"]["missing_nodes"] == []
    assert any(path["conversation"] for path in answer["paths"])
    bare = caller.get(f"{base}/paths", params={"limit": 1, "conversations": False}).json()
    assert (len(bare["paths"]), bare["truncated"], bare["paths"][0]["conversation"]) == (1, True, None)


def test_verifying_answers_mends(caller: Caller) -> None:
    flow = create(caller, {"nodes": [{"id": "s", "type": "start"}]}, "Vazio")
    base = f"/api/v1/flows/{flow['id']}"
    mends = [finding for finding in caller.post(f"{base}/verify").json()["findings"] if finding["mend"]]
    assert mends
    edit(caller, flow, *mends[0]["operations"])
    assert mends[0]["code"] not in [f["code"] for f in caller.post(f"{base}/verify").json()["findings"]]


def test_a_called_flow_is_played_in_the_version_it_had(caller: Caller, worker: threading.Event) -> None:
    child = published(caller, {
        "nodes": [{"id": "s", "type": "start"}, {"id": "q", "type": "question", "config": {"body": "Nome?", "variable": "who"}},
                  {"id": "e", "type": "end"}],
        "edges": [{"id": "1", "source": "s", "port": "next", "target": "q"}, {"id": "2", "source": "q", "port": "answered", "target": "e"}],
    })  # fmt: skip
    parent = published(caller, {
        "nodes": [{"id": "s", "type": "start"}, {"id": "j", "type": "jump", "config": {"flow": child["slug"], "mode": "call"}},
                  {"id": "m", "type": "msg_text", "config": {"body": "Oi {{ who }}"}}],
        "edges": [{"id": "1", "source": "s", "port": "next", "target": "j"}, {"id": "2", "source": "j", "port": "next", "target": "m"}],
    })  # fmt: skip
    session = start(caller, parent)
    impact = caller.get(f"/api/v1/flows/{child['id']}/impact").json()
    assert [(node["node_id"], node["sessions"]) for node in impact["nodes"]] == [("q", 1)], "called sessions count"
    edit(caller, child, {"op": "update_config", "id": "q", "patch": {"body": "Seu nome?"}})
    done = caller.post(f"/api/v1/flows/{child['id']}/publish", json={"impact": {"moves": {"q": "q"}}}).json()
    assert done["impact"]["moved"] == 1
    assert say(caller, session, "Ana")["status"] == "completed"
    answer = replayed(caller, session)
    assert (answer["identical"], answer["sprints"]) == (True, 2)
    shown = caller.get(f"/api/v1/flows/sessions/{session['id']}").json()
    assert (shown["flow_id"], shown["version"]) == (parent["id"], 1), "the calling flow's version stays"
