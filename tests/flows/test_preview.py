# ruff: noqa: E501  # documents read better as one line a node
"""The preview phone: the production engine in memory, the same answer to the same script."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pytake_app.core.errors import NotFoundError
from pytake_app.flows import service
from pytake_app.flows.preview_schemas import PreviewRequest, PreviewResult
from tests.support.tenants import Tenant, counted_statements


def node(node_id: str, node_type: str, **config: Any) -> dict[str, Any]:
    return {"id": node_id, "type": node_type, "config": config}


def edge(source: str, port: str, target: str) -> dict[str, Any]:
    return {"id": f"{source}:{port}", "source": source, "port": port, "target": target}


MENU: dict[str, Any] = {
    "settings": {"expiry_minutes": 10, "interrupt_keywords": ["voltar"]},
    "nodes": [
        node("any", "trigger_universal"),
        node("promo", "trigger_keyword", words=["promoção"]),
        node("ask", "question", body="Seu nome?", variable="name", kind="text", minimum=2),
        node("menu", "msg_buttons", body="Oi {{ session.name }}!", buttons=[{"id": "a", "title": "Sim"}, {"id": "b", "title": "Não"}]),
        node("keep", "update_contact", fields=[{"field": "city", "value": "{{ session.name }}"}]),
        node("yes", "msg_text", body="Boa, {{ contact.city }}!"),
        node("late", "msg_text", body="Demorou"),
    ],
    "edges": [
        edge("any", "next", "ask"), edge("promo", "next", "menu"), edge("ask", "answered", "menu"),
        edge("menu", "option:a", "keep"), edge("menu", "option:b", "yes"), edge("keep", "next", "yes"),
        edge("menu", "timeout", "late"),
    ],
}  # fmt: skip


def make(tenant: Tenant, document: dict[str, Any], name: str = "Prévia") -> str:
    with tenant.session() as session:
        return service.create_flow(session, tenant.admin, name=name, document=document, clock=tenant.clock).slug


def play(tenant: Tenant, slug: str, *inputs: Any, **values: Any) -> PreviewResult:
    script = [{"type": "text", "text": item} if isinstance(item, str) else item for item in inputs]
    request = PreviewRequest.model_validate({"inputs": script, **values})
    with tenant.session() as session:
        return service.preview_flow(session, tenant.viewer, slug, request)


def said(result: PreviewResult) -> list[list[str]]:
    return [
        [e.content.body for e in turn.events if e.type == "message_out" and e.content.type != "media"]
        for turn in result.turns
    ]


PRESS = {"type": "selection", "selection_id": "a", "text": "Sim"}


def test_a_conversation_with_its_path(tenant: Tenant) -> None:
    result = play(tenant, make(tenant, MENU), "oi", "Ana", PRESS)
    assert said(result) == [["Seu nome?"], ["Oi Ana!"], ["Boa, Ana!"]]
    assert [(p.node_id, p.port) for p in result.path] == [
        ("any", "next"), ("ask", None), ("ask", "answered"), ("menu", None), ("menu", "option:a"), ("keep", "next"), ("yes", "next"),
    ]  # fmt: skip
    assert result.session is not None
    assert (result.session.status, result.session.variables["name"]) == ("completed", "Ana")
    assert result.revision == 1
    assert result.findings is not None


def test_a_step_back_is_a_shorter_script_and_answers_the_same(tenant: Tenant) -> None:
    slug = make(tenant, MENU)
    whole, shorter = play(tenant, slug, "oi", "Ana", PRESS), play(tenant, slug, "oi", "Ana")
    assert whole.turns[:2] == shorter.turns
    assert play(tenant, slug, "oi", "Ana", PRESS) == whole
    assert shorter.session is not None
    assert (shorter.session.status, shorter.session.current_node) == ("waiting", "menu")


def test_nothing_is_stored(tenant: Tenant) -> None:
    slug = make(tenant, MENU)
    tenant.heard.pokes.clear()
    with tenant.session() as session:
        session.connection()
        with counted_statements(session) as statements:
            service.preview_flow(
                session,
                tenant.viewer,
                slug,
                PreviewRequest.model_validate({"inputs": [{"type": "text", "text": "oi"}]}),
            )
    assert all(statement.lstrip().upper().startswith("SELECT") for statement in statements)
    assert tenant.heard.pokes == []


def test_keywords_before_universal_and_interrupt_words(tenant: Tenant) -> None:
    slug = make(tenant, MENU)
    assert said(play(tenant, slug, "PROMOCAO!")) == [["Oi !"]]
    result = play(tenant, slug, "oi", "VOLTAR!", "Ana")
    assert [turn.ignored for turn in result.turns] == [None, None, None]
    assert any(e.type == "session_ended" and e.status == "interrupted" for e in result.turns[1].events)
    assert said(result)[1:] == [[], ["Seu nome?"]]  # it ends; only the next message begins anew
    again = {**MENU, "settings": {"restart_keywords": ["voltar"]}}
    result = play(tenant, make(tenant, again), "oi", "VOLTAR!", "Ana")
    assert said(result)[1:] == [["Seu nome?"], ["Oi Ana!"]]


def test_opt_out_words_win(tenant: Tenant) -> None:
    result = play(tenant, make(tenant, MENU), "oi", "Sair")
    assert result.turns[1].ignored == "opted_out"
    assert result.session is not None
    assert result.session.status == "interrupted"


def test_after_the_hand_over_people_answer(tenant: Tenant) -> None:
    document = {
        "nodes": [node("u", "trigger_universal"), node("p", "action_transfer_to_queue", queue_name="Vendas")],
        "edges": [edge("u", "next", "p")],
    }
    result = play(tenant, make(tenant, document), "oi", "alguém?")
    assert [turn.ignored for turn in result.turns] == [None, "with_person"]


def test_time_passes_when_nothing_comes(tenant: Tenant) -> None:
    slug = make(tenant, MENU)
    result = play(tenant, slug, "oi", "Ana", {"type": "timeout"}, {"type": "timeout"})
    assert said(result)[2] == ["Demorou"]
    assert (result.turns[2].at - result.turns[1].at).total_seconds() == 600
    assert result.turns[3].ignored == "no_timer"


def test_a_flow_that_begins_by_itself(tenant: Tenant) -> None:
    document = {
        "nodes": [node("s", "start"), node("w", "delay", amount=2, unit="hours"), node("t", "msg_text", body="{{ session.order }} {{ now | date: '%H:%M' }}")],
        "edges": [edge("s", "next", "w"), edge("w", "next", "t")],
    }  # fmt: skip
    at = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    slug = make(tenant, document)
    waiting = play(tenant, slug, now=at, variables={"order": 7})
    assert waiting.turns[0].input is None
    assert waiting.session is not None
    assert waiting.session.wait is not None
    assert waiting.session.wait.kind == "delay"
    over = play(tenant, slug, {"type": "timeout"}, now=at, variables={"order": 7})
    assert said(over) == [[], ["7 11:00"]]  # São Paulo
    assert play(tenant, slug, "oi", now=at).turns[1].ignored == "session_busy"


@pytest.mark.parametrize(
    ("minutes", "word", "heard"),
    [
        (5, "oi", [["Olá"], []]),
        (600, "oi", [["Olá"], ["Olá"]]),
        (5, "de novo", [["Olá"], ["Olá"]]),
        (600, "chega", [["Olá"], []]),
    ],
)
def test_a_message_during_a_delay(tenant: Tenant, minutes: int, word: str, heard: list[list[str]]) -> None:
    """As in production: a long one leaves the contact free, and global keywords act in both."""
    document = {
        "nodes": [node("u", "trigger_universal"), node("h", "msg_text", body="Olá"), node("w", "delay", amount=minutes, unit="minutes"), node("t", "msg_text", body="Depois")],
        "edges": [edge("u", "next", "h"), edge("h", "next", "w"), edge("w", "next", "t")],
        "settings": {"restart_keywords": ["de novo"], "interrupt_keywords": ["chega"]},
    }  # fmt: skip
    result = play(tenant, make(tenant, document), "bom dia", word)
    assert said(result) == heard
    assert result.turns[1].ignored == ("session_busy" if (minutes, word) == (5, "oi") else None)


def test_the_trigger_can_be_named(tenant: Tenant) -> None:
    result = play(tenant, make(tenant, MENU), PRESS, trigger="promo")
    assert said(result) == [["Oi !"], ["Boa, !"]] or said(result)[0] == ["Oi !"]
    assert result.path[0].node_id == "promo"


def test_no_trigger_takes_it(tenant: Tenant) -> None:
    document = {
        "nodes": [node("k", "trigger_keyword", words=["oi"]), node("t", "msg_text", body="Olá")],
        "edges": [edge("k", "next", "t")],
    }
    result = play(tenant, make(tenant, document), "tchau", "oi", "tchau")
    assert [turn.ignored for turn in result.turns] == ["no_trigger", None, "session_ended"]


def test_media_and_location(tenant: Tenant) -> None:
    document = {
        "nodes": [
            node("u", "trigger_universal"), node("f", "question", body="Foto?", variable="f", kind="file"),
            node("l", "question", body="Onde?", variable="l", kind="location"), node("t", "msg_text", body="{{ session.l.latitude }}"),
        ],
        "edges": [edge("u", "next", "f"), edge("f", "answered", "l"), edge("l", "answered", "t")],
    }  # fmt: skip
    place = {"type": "location", "location": {"latitude": -23.5, "longitude": -46.6}}
    result = play(tenant, make(tenant, document), "oi", {"type": "media", "media": {"kind": "image"}}, place)
    assert result.session is not None
    assert result.session.status == "completed"
    assert said(result)[1] == ["Onde?"]


def test_jumps_follow_live_flows_only(tenant: Tenant) -> None:
    target = {"nodes": [node("s", "start"), node("t", "msg_text", body="lá")], "edges": [edge("s", "next", "t")]}
    other = make(tenant, target, "Outro")
    jump = {"nodes": [node("s", "start"), node("j", "jump", flow=other)], "edges": [edge("s", "next", "j")]}
    slug = make(tenant, jump, "Pulo")
    before = play(tenant, slug)
    assert any(e.type == "error_raised" for e in before.turns[0].events)
    with tenant.session() as session:
        service.publish_flow(session, tenant.admin, other, clock=tenant.clock)
    after = play(tenant, slug)
    assert said(after) == [["lá"]]
    assert len({p.flow_id for p in after.path}) == 2


def test_draft_and_live_differ(tenant: Tenant) -> None:
    slug = make(tenant, MENU)
    with pytest.raises(NotFoundError):
        play(tenant, slug, "oi", source="live")
    with tenant.session() as session:
        service.publish_flow(session, tenant.admin, slug, clock=tenant.clock)
        service.apply_operations(
            session,
            tenant.admin,
            slug,
            [{"op": "update_config", "id": "ask", "patch": {"body": "Como se chama?"}}],
            clock=tenant.clock,
        )
    assert said(play(tenant, slug, "oi")) == [["Como se chama?"]]
    live = play(tenant, slug, "oi", source="live")
    assert (said(live), live.version, live.revision) == ([["Seu nome?"]], 1, None)


def test_a_hostile_draft_harms_nobody(tenant: Tenant) -> None:
    loop = {"nodes": [node("s", "start"), node("a", "msg_text", body="{% for i in (1..100000000) %}x{% endfor %}"), node("b", "msg_text", body="y")],
            "edges": [edge("s", "next", "a"), edge("a", "next", "b"), edge("b", "next", "a")]}  # fmt: skip
    result = play(tenant, make(tenant, loop))
    assert any(e.type == "error_raised" for e in result.turns[0].events)
    assert result.session is not None
    assert result.session.status == "failed"


def test_calls_are_not_made_but_answered_by_the_script(tenant: Tenant) -> None:
    document = {
        "nodes": [
            node("in", "trigger_universal"),
            node("call", "api_call", url="https://shop.example", mapping=[{"name": "state", "path": "$.order.state"}]),
            node("ok", "msg_text", body="Pedido: {{ state }}"),
            node("bad", "msg_text", body="Não deu"),
        ],
        "edges": [edge("in", "next", "call"), edge("call", "success", "ok"), edge("call", "error", "bad")],
    }
    slug = make(tenant, document)
    plain = play(tenant, slug, "oi")
    assert "request_made" in [e.type for e in plain.turns[0].events]
    assert said(plain) == [["Pedido: "]]
    body = '{"order": {"state": "pago"}}'
    assert said(play(tenant, slug, "oi", responses={"call": {"body": body}})) == [["Pedido: pago"]]
    assert said(play(tenant, slug, "oi", responses={"call": {"error": "timeout"}})) == [["Não deu"]]
