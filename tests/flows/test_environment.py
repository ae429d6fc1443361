"""The verifier is told of everything the organization has, in few statements, and reacts when that changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, text

from pytake_app.api.services import Services
from tests.api.fixtures import Caller, NewCaller, app, caller, client, live_client, register, services

__all__ = ["TestClient", "app", "caller", "client", "live_client", "register", "services"]
FLOWS = "/api/v1/flows"
END = {"id": "end", "type": "end", "config": {"outcome": ""}}


def flow(caller: Caller, *nodes: dict[str, Any], trigger: str = "trigger_universal") -> str:
    """A flow of nodes in a row; its id."""
    made = [{"id": "t", "type": trigger, "config": {}}, *nodes, END]
    edges = [
        {"id": f"e{i}", "source": a["id"], "port": "next", "target": b["id"]} for i, (a, b) in enumerate(pairwise(made))
    ]
    document = {"spec_version": "1.0", "name": "F", "nodes": made, "edges": edges}
    answer = caller.post(FLOWS, json={"name": "F", "document": document})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def template(name: str = "pytake_lembrete", **more: Any) -> dict[str, Any]:
    config = {"name": name, "language": "pt_BR", "body": ["Ana", "12/08", "14h"], **more}
    return {"id": "m", "type": "msg_template", "config": config}


def findings(caller: Caller, flow_id: str) -> dict[str, Any]:
    answer = caller.post(f"{FLOWS}/{flow_id}/verify")
    assert answer.status_code == 200, answer.text
    return {finding["code"]: finding for finding in answer.json()["findings"]}


@contextmanager
def counted(services: Services) -> Iterator[list[str]]:
    """The statements meanwhile, without those that open a transaction."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    engines = [services.database.engine(role) for role in ("pytake_app", "pytake_auth", "pytake_system")]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def test_what_is_missing_is_found_and_can_be_made(caller: Caller) -> None:
    everything = [
        {"id": "a", "type": "tag_contact", "config": {"add": ["novo"]}},
        {"id": "b", "type": "update_contact", "config": {"fields": [{"field": "cidade", "value": "x"}]}},
        {"id": "c", "type": "notify", "config": {"audience": "department", "target": "RH", "title": "x"}},
        {"id": "d", "type": "assign_agent", "config": {"user": "ninguem@example.com"}},
        {"id": "f", "type": "action_transfer_to_queue", "config": {"queue_name": "Jurídico"}},
    ]
    flow_id = flow(caller, *everything)
    found = findings(caller, flow_id)
    codes = {"missing_tag", "missing_field", "missing_department", "missing_agent", "missing_queue"}
    assert codes <= set(found)
    made = [finding["creates"] for code, finding in found.items() if code in codes and finding.get("creates")]
    assert {creates["kind"] for creates in made} == {"tag", "field", "department", "queue"}
    for creates in made:
        answer = caller.post(f"{FLOWS}/{flow_id}/references", json=creates)
        assert answer.status_code == 201, answer.text
    assert codes & set(findings(caller, flow_id)) == {"missing_agent"}
    again = caller.post(f"{FLOWS}/{flow_id}/references", json={"kind": "tag", "name": "novo"})
    assert again.status_code == 409


def test_the_organizations_own_names_are_no_findings(caller: Caller) -> None:
    flow_id = flow(
        caller,
        {"id": "d", "type": "assign_agent", "config": {"user": caller.email}},
        {"id": "h", "type": "action_transfer_to_queue", "config": {"queue_name": "atendimento"}},
    )
    assert not {code for code in findings(caller, flow_id) if code.startswith("missing")}


def test_publishing_reacts_to_a_template_that_meta_took_back(caller: Caller, services: Services) -> None:
    flow_id = flow(caller, template())
    assert not [f for f in findings(caller, flow_id).values() if f["severity"] == "error"]

    def publish() -> Any:
        return caller.post(f"{FLOWS}/{flow_id}/publish", json={})

    def change(statement: str) -> None:
        with services.database.tenant(caller.organization_id) as session:
            session.execute(text(f"{statement} WHERE name = 'pytake_lembrete' AND language = 'pt_BR'"))

    change("UPDATE message_templates SET status = 'REJECTED'")
    refused = publish()
    assert (refused.status_code, [e["code"] for e in refused.json()["errors"]]) == (422, ["template_not_approved"])
    change("DELETE FROM message_templates")
    assert [e["code"] for e in publish().json()["errors"]] == ["template_language"]
    with services.database.tenant(caller.organization_id) as session:
        session.execute(text("DELETE FROM message_templates WHERE name = 'pytake_lembrete'"))
    assert [e["code"] for e in publish().json()["errors"]] == ["missing_template"]


def test_a_name_that_is_nearly_right_is_offered(caller: Caller) -> None:
    found = findings(caller, flow(caller, template("pytake_lembretes")))["missing_template"]
    assert (found["mend"], found["params"]["closest"]) == ("use_closest", "pytake_lembrete")
    too_many = findings(caller, flow(caller, template(body=["1", "2", "3", "4"])))["template_variables"]
    assert (too_many["mend"], too_many["operations"][0]["patch"]) == ("fit_variables", {"body": ["1", "2", "3"]})


def test_while_templates_were_never_fetched_nothing_is_claimed(caller: Caller) -> None:
    flow_id = flow(caller, template("de_verdade"))
    assert "missing_template" in findings(caller, flow_id)
    number = {"name": "Shop", "phone_number_id": "1098765432101", "business_account_id": "2098765432101"}
    assert caller.post("/api/v1/whatsapp/numbers", json=number).status_code == 201
    assert "missing_template" not in findings(caller, flow_id)


def test_prices_are_the_organizations(caller: Caller) -> None:
    flow_id = flow(caller, template())
    listed = findings(caller, flow_id)["cost_range"]["params"]
    assert listed["currency"] == "BRL"
    settings = caller.patch("/api/v1/settings", json={"prices": {"utility": "0.50"}, "currency": "EUR"})
    assert settings.status_code == 200, settings.text
    assert settings.json()["prices"]["own"] == ["utility"]
    own = findings(caller, flow_id)["cost_range"]["params"]
    assert (own["currency"], own["most"]) == ("EUR", "0.5000")
    back = caller.patch("/api/v1/settings", json={"prices": {"utility": None}, "currency": "BRL"}).json()
    assert (back["prices"]["own"], back["effective_country"]) == ([], "BR")
    assert findings(caller, flow_id)["cost_range"]["params"] == listed
    assert caller.patch("/api/v1/settings", json={"time_zone": "Mars"}).status_code == 422


def test_a_flow_that_only_others_begin_may_find_the_window_closed(caller: Caller, services: Services) -> None:
    say = {"id": "m", "type": "msg_text", "config": {"body": "Olá"}}
    flow_id = flow(caller, say, trigger="start")
    assert caller.post(f"{FLOWS}/{flow_id}/publish", json={}).status_code == 200
    assert not [code for code in findings(caller, flow_id) if code.startswith("window")]
    assert caller.post("/api/v1/contacts", json={"phone": "5511987654321"}).status_code == 201
    with services.database.tenant(caller.organization_id) as session:
        session.execute(
            text(
                "INSERT INTO flow_sessions (id, organization_id, flow_id, version, contact_id, conversation_id, "
                "channel_account_id, status, state, started_at, updated_at, tape) SELECT gen_random_uuid(), "
                "c.organization_id, :flow, 1, c.id, gen_random_uuid(), a.id, 'completed', '{}', now(), now(), '[]' "
                "FROM contacts c, channel_accounts a"
            ),
            {"flow": flow_id},
        )
    assert [code for code in findings(caller, flow_id) if code.startswith("window")]
    # A flow that enters it says more about the window than we can.
    other = flow(caller, {"id": "j", "type": "jump", "config": {"flow": flow_id, "mode": "go"}})
    assert caller.post(f"{FLOWS}/{other}/publish", json={}).status_code == 200
    assert not [code for code in findings(caller, flow_id) if code.startswith("window")]


@pytest.mark.parametrize("starter", ["main_menu", "smart_support"])
def test_flows_of_a_new_organization_are_clean(caller: Caller, starter: str) -> None:
    found = findings(caller, starter)
    assert not [code for code, f in found.items() if f["severity"] != "info"], found


def test_a_verification_takes_few_statements(caller: Caller, services: Services) -> None:
    flow_id = flow(
        caller,
        template(),
        {"id": "a", "type": "tag_contact", "config": {"add": ["novo"]}},
        {"id": "h", "type": "action_transfer_to_queue", "config": {"queue_name": "Jurídico"}},
    )
    with counted(services) as seen:
        findings(caller, flow_id)
    assert len(seen) <= 12, "\n".join(seen)


def test_another_tenants_names_are_unknown(caller: Caller, register: NewCaller) -> None:
    other = register()
    other.post("/api/v1/queues", json={"name": "Jurídico"})
    flow_id = flow(caller, {"id": "h", "type": "action_transfer_to_queue", "config": {"queue_name": "Jurídico"}})
    assert "missing_queue" in findings(caller, flow_id)


def test_a_flow_says_what_it_costs_by_trigger_and_by_path(caller: Caller) -> None:
    caller.patch("/api/v1/settings", json={"prices": {"utility": "0.04", "marketing": "0.35"}})
    nodes = [
        {"id": "t", "type": "trigger_universal", "config": {}},
        {"id": "b", "type": "random_split", "config": {"branches": [{"id": "a", "weight": 1},
                                                                 {"id": "b", "weight": 1}]}},
        {"id": "u", "type": "msg_template", "config": {"name": "pytake_lembrete", "language": "pt_BR",
                                                      "body": ["1", "2", "3"]}},
        {"id": "m", "type": "msg_template", "config": {"name": "pytake_saudacao", "language": "pt_BR", "body": ["1"]}},
        END,
    ]  # fmt: skip
    legs = [
        ("t", "next", "b"),
        ("b", "branch:a", "u"),
        ("b", "branch:b", "m"),
        ("u", "next", "end"),
        ("m", "next", "end"),
    ]
    edges = [{"id": f"e{i}", "source": a, "port": p, "target": b} for i, (a, p, b) in enumerate(legs)]
    body = {"name": "C", "document": {"spec_version": "1.0", "name": "C", "nodes": nodes, "edges": edges}}
    flow_id = caller.post(FLOWS, json=body).json()["id"]
    answer = caller.get(f"{FLOWS}/{flow_id}/cost")
    assert answer.status_code == 200, answer.text
    view = answer.json()
    # The utility template costs nothing while the window is open.
    overall = view["overall"]
    assert (overall["least_price"], overall["most_price"], overall["most_billable"]) == (0, 350_000, 1)
    by_node = {path["steps"][2]["node_id"]: path for path in view["paths"]}
    assert {node: (p["least_price"], p["most_price"]) for node, p in by_node.items()} == {
        "u": (0, 40_000), "m": (350_000, 350_000)
    }  # fmt: skip
    assert (view["prices"]["currency"], view["templates_known"], view["truncated"]) == ("BRL", True, False)
    supposed = caller.post(f"{FLOWS}/{flow_id}/cost", json={"prices": {"marketing": 700_000}}).json()
    assert (supposed["overall"]["most_price"], supposed["prices"]["utility"]) == (700_000, 40_000)
    assert caller.get(f"{FLOWS}/{flow_id}/cost", params={"source": "live"}).status_code == 404


def test_problems_are_told_in_the_callers_language(caller: Caller) -> None:
    flow_id = flow(caller, template("nao_existe_mesmo"))
    caller.patch("/api/v1/auth/me", json={"locale": "es"})
    (told,) = caller.post(f"{FLOWS}/{flow_id}/publish", json={}).json()["errors"]
    assert told["code"] == "missing_template"
    assert "nao_existe_mesmo" in told["text"]
    assert "plantilla" in told["text"]
    unreadable = caller.post(FLOWS, json={"name": "F", "document": {"nodes": [{"id": "a", "type": "warp"}]}})
    assert unreadable.json()["errors"][0]["text"] == "Este bloque es de un tipo que no existe."
