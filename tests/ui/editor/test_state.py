"""The editor's handlers: who may call them, what they refuse, how little they answer."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.core.tenancy import Principal
from pytake_app.flows import service as flows
from pytake_app.flows.schemas import FlowView
from pytake_app.ui.pages.editor import state as editor_state
from pytake_app.ui.pages.editor.state import EditorState
from tests.support.tenants import Tenant, make_tenant
from tests.ui.editor.conftest import Editor

OpenEditor = Callable[..., Editor]


@pytest.fixture
def flow(tenant: Tenant, clean_db: Database) -> FlowView:
    with clean_db.tenant(tenant.organization_id) as session:
        return flows.create_flow(session, tenant.admin, name="Trocas")


def message(flow: FlowView, *ops: dict[str, Any], **more: Any) -> dict[str, Any]:
    base = {
        "cid": str(uuid4()),
        "flow_id": str(flow.id),
        "revision": flow.draft.revision,
        "step": "edit",
        "ops": list(ops),
    }
    return {**base, **more}


def add(node_id: str = "t1", body: str = "Oi") -> dict[str, Any]:
    node = {"id": node_id, "type": "msg_text", "title": "", "config": {"body": body}, "position": {"x": 320, "y": 0}}
    return {"op": "add_node", "node": node}


def colleague(tenant: Tenant) -> Principal:
    """Another administrator of the same organization."""
    return replace(tenant.admin, user_id=tenant.agent.user_id, name="Rui Alves")


def draft(clean_db: Database, tenant: Tenant, flow: FlowView) -> dict[str, Any]:
    with clean_db.tenant(tenant.organization_id) as session:
        return dict(flows.get_flow(session, tenant.admin, flow.id).draft.document)


def test_an_edit_is_stored_and_answered_without_the_document(
    open_editor: OpenEditor, tenant: Tenant, flow: FlowView, clean_db: Database
) -> None:
    tab = open_editor(tenant.admin)
    sent = message(flow, add())
    tab.call("submit", sent)
    assert [n["id"] for n in draft(clean_db, tenant, flow)["nodes"]][-1] == "t1"
    assert tab.reply["cid"] == sent["cid"]
    assert tab.reply["edits"] == [{"seq": flow.draft.revision + 1, "mine": True}]
    assert tab.reply["draft"]["can_undo"] is True
    # The reply says what changed, never what is there: its size doesn't grow with the flow.
    assert "document" not in json.dumps(tab.reply)


def test_the_findings_are_sent_only_when_they_changed(open_editor: OpenEditor, tenant: Tenant, flow: FlowView) -> None:
    tab = open_editor(tenant.admin)
    tab.call("submit", message(flow, add()))
    assert "findings" in tab.reply
    moved = {"op": "move_nodes", "positions": {"t1": {"x": 640, "y": 160}}}
    tab.call("submit", message(flow, moved, revision=flow.draft.revision + 1))
    assert "findings" not in tab.reply
    assert len(json.dumps(tab.reply)) < 1024


def test_the_same_message_sent_twice_is_done_once(
    open_editor: OpenEditor, tenant: Tenant, flow: FlowView, clean_db: Database
) -> None:
    tab = open_editor(tenant.admin)
    sent = message(flow, add())
    tab.call("submit", sent)
    first = tab.reply
    tab.call("submit", sent)
    assert tab.reply["edits"] == first["edits"]
    assert tab.reply["n"] > first["n"]  # a new answer, so that the browser notices it
    assert sum(n["id"] == "t1" for n in draft(clean_db, tenant, flow)["nodes"]) == 1


def test_undo_answers_with_the_operations_that_were_applied(
    open_editor: OpenEditor, tenant: Tenant, flow: FlowView, clean_db: Database
) -> None:
    tab = open_editor(tenant.admin)
    tab.call("submit", message(flow, add()))
    tab.call("submit", message(flow, step="undo", revision=flow.draft.revision + 1))
    (edit,) = tab.reply["edits"]
    assert edit["operations"][0]["op"] == "delete_nodes"
    assert all(n["id"] != "t1" for n in draft(clean_db, tenant, flow)["nodes"])


def test_edits_of_others_are_fetched_by_sequence(open_editor: OpenEditor, tenant: Tenant, flow: FlowView) -> None:
    mine, theirs = open_editor(tenant.admin), open_editor(tenant.admin)
    theirs.call("submit", message(flow, add("a")))
    mine.call("catch_up", {"flow_id": str(flow.id), "revision": flow.draft.revision})
    assert [e["operations"][0]["node"]["id"] for e in mine.reply["edits"]] == ["a"]
    assert mine.reply["cid"] == ""


def test_a_far_older_revision_is_told_to_load_again(
    open_editor: OpenEditor, tenant: Tenant, flow: FlowView, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = open_editor(tenant.admin)
    monkeypatch.setattr(flows, "edits_since", lambda *_a, **_k: None)
    tab.call("catch_up", {"flow_id": str(flow.id), "revision": 0})
    assert tab.reply["reload"] is True


def test_a_large_answer_becomes_load_again(open_editor: OpenEditor, tenant: Tenant, flow: FlowView) -> None:
    tab = open_editor(tenant.admin)
    tab.call("submit", message(flow, add("big", "x" * 120_000)))
    tab.call("catch_up", {"flow_id": str(flow.id), "revision": flow.draft.revision})
    assert tab.reply["reload"] is True
    assert len(json.dumps(tab.reply)) < 1024


def test_an_edit_that_does_not_fit_is_refused_with_a_code(
    open_editor: OpenEditor, tenant: Tenant, flow: FlowView
) -> None:
    tab = open_editor(tenant.admin)
    tab.call("submit", message(flow, {"op": "set_title", "id": "nobody", "title": "x"}))
    assert tab.reply["error"] == "invalid_operation"


@pytest.mark.parametrize(
    "forged",
    [
        None,
        "submit",
        [],
        {},
        {"cid": "x"},
        {"cid": 1, "flow_id": str(uuid4()), "revision": 1, "step": "edit", "ops": []},
        {"cid": "x", "flow_id": "main_menu", "revision": 1, "step": "edit", "ops": []},
        {"cid": "x", "flow_id": str(uuid4()), "revision": "1", "step": "edit", "ops": []},
        {"cid": "x", "flow_id": str(uuid4()), "revision": -1, "step": "edit", "ops": []},
        {"cid": "x", "flow_id": str(uuid4()), "revision": 1, "step": "publish", "ops": []},
        {"cid": "x", "flow_id": str(uuid4()), "revision": 1, "step": "edit", "ops": "all"},
        {
            "cid": "x",
            "flow_id": str(uuid4()),
            "revision": 1,
            "step": "edit",
            "ops": [],
            "organization_id": str(uuid4()),
        },
        {
            "cid": "x",
            "flow_id": str(uuid4()),
            "revision": 1,
            "step": "edit",
            "ops": [{"op": "set_name", "name": "x" * 600_000}],
        },
        {"cid": "x", "flow_id": str(uuid4()), "revision": 1, "step": "edit", "ops": [{}] * 501},
    ],
)
def test_forged_frames_change_nothing(
    open_editor: OpenEditor, tenant: Tenant, flow: FlowView, clean_db: Database, forged: object
) -> None:
    tab = open_editor(tenant.admin)
    before = draft(clean_db, tenant, flow)
    for handler in ("submit", "catch_up", "here"):
        tab.call(handler, forged)
    assert tab.reply == {}
    assert draft(clean_db, tenant, flow) == before


def test_nobody_edits_without_a_session(
    open_editor: OpenEditor, tenant: Tenant, flow: FlowView, clean_db: Database
) -> None:
    tab = open_editor(None)
    before = draft(clean_db, tenant, flow)
    tab.call("submit", message(flow, add()))
    assert tab.reply["refused"] == "signed_out"  # the page says it, and keeps the work; it isn't led away in mid-word
    assert draft(clean_db, tenant, flow) == before


def test_a_viewer_may_look_and_not_edit(
    open_editor: OpenEditor, tenant: Tenant, flow: FlowView, clean_db: Database
) -> None:
    tab = open_editor(tenant.viewer)
    before = draft(clean_db, tenant, flow)
    tab.call("submit", message(flow, add()))
    assert tab.reply["refused"] == "forbidden"
    assert draft(clean_db, tenant, flow) == before
    tab.call("catch_up", {"flow_id": str(flow.id), "revision": flow.draft.revision})
    assert tab.reply["edits"] == []


def test_another_organization_finds_nothing(
    open_editor: OpenEditor, tenant: Tenant, flow: FlowView, clean_db: Database, frozen_clock: FrozenClock
) -> None:
    other = make_tenant(clean_db, frozen_clock)
    before = draft(clean_db, tenant, flow)
    tab = open_editor(other.admin)
    tab.call("submit", message(flow, add()))
    assert tab.reply["error"] == "flow_not_found"
    tab.call("catch_up", {"flow_id": str(flow.id), "revision": 0})
    assert "edits" not in tab.reply
    assert draft(clean_db, tenant, flow) == before


def test_presence_is_told_only_for_the_flow_that_was_opened(
    open_editor: OpenEditor, tenant: Tenant, flow: FlowView, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, dict[str, Any]]] = []

    class Ears:
        def publish(self, topic: str, payload: dict[str, Any]) -> None:
            told.append((topic, payload))

    monkeypatch.setattr(editor_state, "live", Ears)
    tab = open_editor(tenant.admin)
    here = {"flow_id": str(flow.id), "tab": "t1", "nodes": ["start"]}
    tab.call("here", here)
    assert told == []
    tab.state._flow_id = str(flow.id)
    tab.call("here", here)
    assert told[0][0] == f"flow:{flow.id}"
    assert told[0][1]["name"] == tenant.admin.name
    late = open_editor(tenant.viewer)
    late.state._flow_id = str(flow.id)
    late.call("here", {**here, "tab": "t2", "nodes": [], "join": True})
    assert [(item["tab"], item["nodes"]) for item in late.reply["roster"]] == [("t1", ["start"])]
    tab.call("here", {**here, "gone": True})
    late.call("here", {**here, "tab": "t2", "nodes": [], "join": True})
    assert late.reply["roster"] == []


def test_two_people_on_different_fields_both_keep_their_work(
    open_editor: OpenEditor, tenant: Tenant, flow: FlowView, clean_db: Database
) -> None:
    ana, rui = open_editor(tenant.admin), open_editor(colleague(tenant))
    ana.call("submit", message(flow, add()))
    seen = flow.draft.revision + 1
    body = {"op": "update_config", "id": "t1", "patch": {"body": "Bom dia"}}
    title = {"op": "set_title", "id": "t1", "title": "Saudação"}
    ana.call("submit", message(flow, body, revision=seen))
    rui.call("submit", message(flow, title, revision=seen))
    assert [edit["seq"] for edit in rui.reply["edits"]] == [seen + 1, seen + 2]
    node = draft(clean_db, tenant, flow)["nodes"][-1]
    assert (node["config"]["body"], node["title"]) == ("Bom dia", "Saudação")


def test_the_same_field_is_not_overwritten_unseen(
    open_editor: OpenEditor, tenant: Tenant, flow: FlowView, clean_db: Database
) -> None:
    ana, rui = open_editor(tenant.admin), open_editor(colleague(tenant))
    ana.call("submit", message(flow, add()))
    seen = flow.draft.revision + 1
    ana.call("submit", message(flow, {"op": "update_config", "id": "t1", "patch": {"body": "dela"}}, revision=seen))
    mine = {"op": "update_config", "id": "t1", "patch": {"body": "dele", "preview_url": True}}
    # He heard of her edit while he was still typing his: what counts is what he began on.
    rui.call("submit", message(flow, mine, revision=seen + 1, built=seen))
    assert rui.reply["error"] == "stale_revision"
    assert rui.reply["clashes"] == [{"key": ["node", "t1", "config", "body"], "name": "org_admin of Loja"}]
    assert draft(clean_db, tenant, flow)["nodes"][-1]["config"]["body"] == "dela"
    rui.call("submit", message(flow, mine, revision=seen + 1, built=seen + 1))  # he has chosen his own
    assert draft(clean_db, tenant, flow)["nodes"][-1]["config"]["body"] == "dele"


def test_an_edit_is_known_by_its_id_in_any_tab(
    open_editor: OpenEditor, tenant: Tenant, flow: FlowView, clean_db: Database
) -> None:
    sent = message(flow, add())
    open_editor(tenant.admin).call("submit", sent)
    after = open_editor(tenant.admin)  # the browser crashed before the answer came
    after.call("submit", sent)
    assert after.reply["edits"] == [{"seq": flow.draft.revision + 1, "mine": True}]
    assert sum(n["id"] == "t1" for n in draft(clean_db, tenant, flow)["nodes"]) == 1


def test_undo_takes_back_ones_own_step_and_leaves_the_others(
    open_editor: OpenEditor, tenant: Tenant, flow: FlowView, clean_db: Database
) -> None:
    ana, rui = open_editor(tenant.admin), open_editor(colleague(tenant))
    ana.call("submit", message(flow, add("a", "da Ana")))
    rui.call("submit", message(flow, add("r", "do Rui")))
    ana.call("submit", message(flow, step="undo"))
    assert [n["id"] for n in draft(clean_db, tenant, flow)["nodes"]][1:] == ["r"]
    ana.call("submit", message(flow, step="undo"))
    assert ana.reply["error"] == "nothing_to_undo"
    ana.call("submit", message(flow, step="redo"))
    assert {n["id"] for n in draft(clean_db, tenant, flow)["nodes"]} >= {"a", "r"}
    said = {"op": "update_config", "id": "a", "patch": {"body": "do Rui também"}}
    rui.call("submit", message(flow, said, revision=flow.draft.revision + 4))
    ana.call("submit", message(flow, step="undo"))
    assert ana.reply["error"] == "undo_overtaken"  # taking her block away would take his text
    rui.call("submit", message(flow, step="undo"))
    ana.call("submit", message(flow, step="undo"))
    assert "error" not in ana.reply


def test_a_page_of_another_release_is_told_so(open_editor: OpenEditor, tenant: Tenant, flow: FlowView) -> None:
    tab = open_editor(tenant.admin)
    tab.state._flow_id = str(flow.id)
    tab.call("submit", {"cid": "c1", "flow_id": str(flow.id), "revision": 1, "step": "edit", "ops": [], "newer": 1})
    assert (tab.reply["cid"], tab.reply["error"]) == ("c1", "unreadable")


def test_every_handler_asks_who_is_there() -> None:
    own = {name: handler for name, handler in EditorState.event_handlers.items() if name != "setvar"}
    assert set(own) == {"open", "submit", "catch_up", "here"}
    for name, handler in own.items():
        assert getattr(handler.fn, "__protected__", None), f"{name} lets anybody in"
