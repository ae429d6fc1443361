# ruff: noqa: E501  # documents read better as one line a node
"""The preview's world: clock, channels, calls to the outside, values written by hand, generated conversations."""

from typing import Any

import pytest
from pydantic import ValidationError

from pytake_app.core.errors import ConflictError, ForbiddenError
from pytake_app.engine.document import FlowDocument
from pytake_app.flows import checking, service
from pytake_app.flows.preview_schemas import PreviewInput, PreviewRequest
from pytake_app.queues import service as queues
from pytake_app.queues.schemas import CalendarCreate, Period
from tests.flows.test_preview import MENU, PRESS, edge, make, node, play, said
from tests.support.tenants import Tenant

CALL: dict[str, Any] = {
    "nodes": [
        node("in", "trigger_universal"),
        node(
            "call",
            "api_call",
            url="https://shop.example/{{ message.text }}",
            mapping=[{"name": "state", "path": "$.state"}],
        ),
        node("ok", "msg_text", body="Pedido: {{ state }}"),
        node("bad", "msg_text", body="Não deu"),
    ],
    "edges": [edge("in", "next", "call"), edge("call", "success", "ok"), edge("call", "error", "bad")],
}
LATER: dict[str, Any] = {
    "settings": {"expiry_minutes": 10_000},
    "nodes": [
        node("any", "trigger_universal"),
        node("menu", "msg_buttons", body="Oi", timeout_minutes=60, buttons=[{"id": "a", "title": "Sim"}, {"id": "b", "title": "Não"}]),
        node("d1", "delay", amount=1, unit="days"),
        node("one", "msg_text", body="Um dia depois"),
        node("d2", "delay", amount=1, unit="days"),
        node("two", "msg_text", body="Dois dias depois"),
    ],
    "edges": [
        edge("any", "next", "menu"), edge("menu", "timeout", "d1"), edge("d1", "next", "one"), edge("one", "next", "d2"), edge("d2", "next", "two"),
    ],
}  # fmt: skip


def test_the_clock_fires_every_timer_on_its_way(tenant: Tenant) -> None:
    slug = make(tenant, LATER)
    result = play(tenant, slug, "oi", {"type": "clock", "minutes": 60 * 26})
    assert said(result) == [["Oi"], ["Um dia depois"]]
    assert (result.now - result.turns[0].at).total_seconds() == 26 * 3600
    # Sent 25 hours after the contact wrote: WhatsApp refuses it, a channel without a window doesn't.
    kinds = [result.turns[1].events[i].type for i in result.turns[1].outside_window]
    assert kinds == ["message_out"]
    both = play(tenant, slug, "oi", {"type": "clock", "minutes": 60 * 60}, channel="telegram")
    assert said(both)[1] == ["Um dia depois", "Dois dias depois"]
    assert (both.turns[1].outside_window, both.window_expires_at) == ([], None)
    steps = [step.at for step in both.turns[1].steps if step.node_id in ("one", "two")]
    assert (steps[1] - steps[0]).total_seconds() == 86400
    to = play(tenant, slug, "oi", {"type": "clock", "to": "2026-01-08T12:00:00Z"})
    assert said(to)[1] == ["Um dia depois", "Dois dias depois"]


def test_business_hours_are_those_of_the_organizations_calendars(tenant: Tenant) -> None:
    week = [Period(days=[0, 1, 2, 3, 4, 5, 6], opens="00:00", closes="23:59")]
    nights = [Period(days=[0, 1, 2, 3, 4, 5, 6], opens="22:00", closes="06:00")]
    with tenant.db.tenant(tenant.organization_id) as session:
        queues.create_calendar(session, tenant.admin, CalendarCreate(name="Dia", periods=week, is_default=True))
        night = queues.create_calendar(
            session, tenant.admin, CalendarCreate(name="Noite", periods=nights, timezone="UTC")
        )
    document = {
        "nodes": [
            node("any", "trigger_universal"), node("day", "business_hours", calendar="organization"),
            node("duty", "business_hours", calendar="named", calendar_id=str(night.id), calendar_name="Noite"),
            node("both", "msg_text", body="Dia e noite"), node("one", "msg_text", body="Só de dia"), node("none", "msg_text", body="Nunca"),
        ],
        "edges": [
            edge("any", "next", "day"), edge("day", "open", "duty"), edge("day", "closed", "none"),
            edge("duty", "open", "both"), edge("duty", "closed", "one"),
        ],
    }  # fmt: skip
    slug = make(tenant, document)
    assert said(play(tenant, slug, "oi", now="2026-01-05T23:30:00Z"))[0] == ["Dia e noite"]
    assert said(play(tenant, slug, "oi", now="2026-01-05T15:00:00Z"))[0] == ["Só de dia"]
    # A generated conversation finds a moment of the calendar that counts.
    with tenant.db.tenant(tenant.organization_id) as session:
        found = checking.checked_paths(session, tenant.viewer, slug, limit=10).paths
    assert {path.steps[-1].node_id: path.reason for path in found}["both"] == ""


def test_channels_show_messages_their_own_way(tenant: Tenant) -> None:
    slug = make(tenant, MENU)
    native = play(tenant, slug, "oi", "Ana")
    assert [turn.shown for turn in native.turns] == [[], []]
    sms = play(tenant, slug, "oi", "Ana", "2", channel="sms")
    (look,) = sms.turns[1].shown
    assert sms.turns[1].events[look.event].type == "message_out"
    assert (look.changes, look.contents[0]["body"]) == (["buttons_as_numbers"], "Oi Ana!\n\n1. Sim\n2. Não")
    assert said(sms)[2] == ["Boa, !"]  # a typed number chooses


def test_what_the_channel_refuses_is_said(tenant: Tenant) -> None:
    document = {
        "nodes": [
            node("u", "trigger_universal"),
            node("f", "msg_form", body="Preencha", cta="Abrir", flow_id="123", variable="ficha"),
            node("t", "msg_text", body="{{ session.ficha.nome }}"),
        ],
        "edges": [edge("u", "next", "f"), edge("f", "submitted", "t")],
    }
    slug = make(tenant, document)
    (look,) = play(tenant, slug, "oi", channel="sms").turns[0].shown
    assert (look.contents, look.problem_code) == ([], "unsupported")
    filled = play(tenant, slug, "oi", {"type": "form", "form": {"nome": "Ana"}})
    assert said(filled)[1] == ["Ana"]


def test_a_call_is_asked_about_and_answered(tenant: Tenant) -> None:
    slug = make(tenant, CALL)
    asked = play(tenant, slug, "77", outside="ask")
    assert asked.pending is not None
    assert asked.pending.node_id == "call"
    assert asked.pending.request.kind == "http"
    assert asked.pending.request.url == "https://shop.example/77"
    answer = {"type": "answer", "response": {"body": '{"state": "pago"}'}}
    done = play(tenant, slug, "77", answer, outside="ask")
    assert (said(done)[1], done.pending) == (["Pedido: pago"], None)
    failed = play(tenant, slug, "77", {"type": "answer", "response": {"error": "timeout"}}, outside="ask")
    assert said(failed)[1] == ["Não deu"]
    mocked = play(tenant, slug, "77", outside="ask", responses={"call": {"body": '{"state": "mock"}'}})
    assert said(mocked) == [["Pedido: mock"]]
    assert play(tenant, slug, "77", "e aí?", outside="ask").turns[1].ignored == "session_busy"
    assert play(tenant, slug, answer).turns[0].ignored == "no_request"


def test_a_real_call_needs_a_person_who_may_and_a_script_that_waits(tenant: Tenant, services: Any) -> None:
    slug = make(tenant, CALL)
    waiting = PreviewRequest.model_validate({"inputs": [{"type": "text", "text": "77"}]})
    with pytest.raises(ForbiddenError):
        service.preview_call(services, tenant.viewer, slug, waiting)
    with pytest.raises(ConflictError, match="doesn't wait"):
        service.preview_call(services, tenant.admin, slug, PreviewRequest())
    private = {
        **CALL,
        "nodes": [
            n if n["id"] != "call" else node("call", "api_call", url="http://127.0.0.1:1/x") for n in CALL["nodes"]
        ],
    }
    other = make(tenant, private, "Privado")
    result = service.preview_call(services, tenant.admin, other, waiting)
    assert (result.node_id, result.response.error) == ("call", "refused_private_address")


def test_values_written_by_hand_and_starting_in_the_middle(tenant: Tenant) -> None:
    slug = make(tenant, MENU)
    begin = {"type": "start", "node_id": "menu"}
    name = {"type": "set", "value": {"name": "name", "value": "Bia"}}
    assert said(play(tenant, slug, name, begin))[1] == ["Oi Bia!"]
    result = play(tenant, slug, "oi", "Ana", name, begin, PRESS)
    assert said(result)[3:] == [["Oi Bia!"], ["Boa, Bia!"]]
    assert result.contact.fields == {"city": "Bia"}
    tags = {"type": "set", "value": {"scope": "contact", "name": "tags", "value": ["vip"]}}
    assert play(tenant, slug, tags).contact.tags == ["vip"]
    assert play(tenant, slug, {"type": "start", "node_id": "gone"}).turns[0].ignored == "no_node"


def test_people_take_over(tenant: Tenant) -> None:
    document = {
        "nodes": [
            node("u", "trigger_universal"),
            node("p", "action_transfer_to_queue", queue_name="Vendas"),
            node("c", "msg_text", body="Até logo"),
        ],
        "edges": [edge("u", "next", "p"), edge("p", "closed", "c")],
    }
    slug = make(tenant, document)
    assert said(play(tenant, slug, "oi", {"type": "handoff", "result": "closed"}))[1] == ["Até logo"]
    assert play(tenant, slug, {"type": "handoff", "result": "closed"}).turns[0].ignored == "no_handoff"
    assert play(tenant, slug, "oi", {"type": "reaction", "text": "👍"}).turns[1].ignored == "silent"


def test_the_stack_of_flows_is_told(tenant: Tenant) -> None:
    inner = {
        "nodes": [node("s", "start"), node("q", "question", body="Quando?", variable="w"), node("e", "end")],
        "edges": [edge("s", "next", "q"), edge("q", "answered", "e")],
    }
    other = make(tenant, inner, "Agenda")
    with tenant.session() as session:
        service.publish_flow(session, tenant.admin, other, clock=tenant.clock)
    outer = {
        "nodes": [node("u", "trigger_universal"), node("j", "jump", flow=other, mode="call")],
        "edges": [edge("u", "next", "j")],
    }
    result = play(tenant, make(tenant, outer, "Fora"), "oi")
    assert result.session is not None
    assert [result.flows[key] for key in [*result.session.stack, result.session.flow_id]] == ["Fora", "Agenda"]


def test_generated_conversations_take_their_paths(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also through calls, splits, delays, hand-offs: what the check panel plays is what it lists."""
    document = {
        "nodes": [
            node("kw", "trigger_keyword", words=["pedido"]), node("q", "question", body="Qual?", variable="n", kind="integer"),
            node("call", "api_call", url="https://shop.example", mapping=[{"name": "state", "path": "$.state"}]),
            node("if", "condition", rows=[{"value": "{{ session.state }}", "operator": "equals", "compare_to": "pago"}]),
            node("ab", "random_split", branches=[{"id": "x", "title": "X", "weight": 50}, {"id": "y", "title": "Y", "weight": 50}]),
            node("x", "msg_text", body="X"), node("wait", "delay", amount=2, unit="hours"), node("y", "msg_text", body="Y"),
            node("hand", "action_transfer_to_queue", queue_name="Vendas"), node("end", "end"),
        ],
        "edges": [
            edge("kw", "next", "q"), edge("q", "answered", "call"), edge("call", "success", "if"), edge("call", "error", "hand"),
            edge("if", "true", "ab"), edge("if", "false", "hand"), edge("ab", "branch:x", "x"), edge("ab", "branch:y", "wait"),
            edge("wait", "next", "y"), edge("x", "next", "end"), edge("y", "next", "end"),
        ],
    }  # fmt: skip
    slug = make(tenant, document)
    monkeypatch.setattr(checking, "DRIVING_SECONDS", 0)
    with tenant.session() as session:
        assert {path.reason for path in service.checked_paths(session, tenant.viewer, slug, limit=60).paths} == {
            "later"
        }
        monkeypatch.setattr(checking, "DRIVING_SECONDS", 60)
        view = service.checked_paths(session, tenant.viewer, slug, limit=60)
        alone, _reason = service.path_script(session, tenant.viewer, slug, view.paths[-1].steps)
    assert alone == view.paths[-1].script
    scripts = [path for path in view.paths if path.script is not None]
    assert len(scripts) >= 4
    assert len(scripts) == len(view.paths)
    for path in scripts:
        assert path.script is not None
        request = PreviewRequest.model_validate(path.script.model_dump())
        with tenant.session() as session:
            result = service.preview_flow(session, tenant.viewer, slug, request)
        left = [(step.node_id, step.port) for step in result.path if step.port is not None]
        wanted = [(step.node_id, step.port) for step in path.steps if step.port is not None]
        assert left[: len(wanted)] == wanted


def test_costs_of_paths(tenant: Tenant) -> None:
    document = {
        "nodes": [
            node("u", "trigger_universal"), node("m", "msg_buttons", body="Oi", buttons=[{"id": "a", "title": "A"}, {"id": "b", "title": "B"}]),
            node("t", "msg_template", name="promo", language="pt_BR"), node("x", "msg_text", body="X"),
        ],
        "edges": [edge("u", "next", "m"), edge("m", "option:a", "t"), edge("m", "option:b", "x")],
    }  # fmt: skip
    with tenant.session() as session:
        view = service.checked_paths(session, tenant.viewer, make(tenant, document), limit=20)
    by_last = {path.steps[-1].node_id: path.cost for path in view.paths if len(path.steps) == 3}
    assert (by_last["t"].messages, by_last["t"].billable) == (2, 1)
    assert (by_last["x"].messages, by_last["x"].billable) == (2, 0)


def test_safe_mends_in_one_undo_step(tenant: Tenant) -> None:
    document = {
        "nodes": [
            node("u", "trigger_keyword", words=["oi", "oi"]),
            node("m", "msg_buttons", body="Oi", buttons=[{"id": "a", "title": "Sim"}, {"id": "b", "title": "Sim"}]),
            node("lost", "msg_text", body="Ninguém chega aqui"),
        ],
        "edges": [edge("u", "next", "m")],
    }
    slug = make(tenant, document)
    with tenant.session() as session:
        before = service.verify_flow(session, tenant.viewer, slug)
        result = service.mend_all(session, tenant.admin, slug, expected_revision=1, clock=tenant.clock)
        after = FlowDocument.model_validate(service.get_flow(session, tenant.admin, slug).draft.document)
    assert result.mended >= 2
    assert result.revision == 2
    assert len(result.findings) < len(before.findings)
    assert after.node("lost") is not None, "nothing that somebody drew is taken away"
    assert len({b["title"] for b in after.node("m").config["buttons"]}) == 2  # type: ignore[union-attr, index, call-overload]
    with tenant.session() as session:
        service.undo(session, tenant.admin, slug, clock=tenant.clock)
        undone = service.get_flow(session, tenant.admin, slug).draft.document
    assert [n["config"] for n in undone["nodes"]] == [n["config"] for n in document["nodes"]]
    with tenant.session() as session, pytest.raises(ConflictError):
        service.mend_all(session, tenant.admin, slug, expected_revision=1, clock=tenant.clock)


def test_looks_on_channels(tenant: Tenant) -> None:
    with tenant.session() as session:
        looks = service.channel_looks(session, tenant.viewer, make(tenant, MENU), ["whatsapp", "sms", "instagram"])
    assert [item.node_id for item in looks.nodes] == ["menu"]
    (look,) = looks.nodes[0].looks
    assert (look.channel, look.contents[0]["body"]) == ("sms", "Oi ‹name›!\n\n1. Sim\n2. Não")
    assert looks.messages == 4


@pytest.mark.parametrize(
    "bad", [{"type": "clock", "minutes": 0}, {"type": "nothing"}, {"type": "clock", "minutes": 10**9}]
)
def test_bad_inputs_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PreviewInput.model_validate(bad)
