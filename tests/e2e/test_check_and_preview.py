"""The check panel, the preview's world and test cases: one story, told by hand in the browser."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.e2e.editor_page import Editor, Json, Person, edge, node
from tests.product import Product

pytestmark = pytest.mark.timeout(180)


def order_flow(inner: str) -> Json:
    """A menu that leads to a call, to another flow, and after a pause out of the service window."""
    buttons = [{"id": "a", "title": "Rastrear"}, {"id": "b", "title": "Agendar"}]
    mapping = [{"name": "estado", "path": "$.estado"}]
    return {
        "name": "Pedido",
        "nodes": [
            node("inicio", "trigger_keyword", 0, 0, "Pedido", words=["pedido", "pedido"]),
            node("menu", "msg_buttons", 352, 0, "Menu", body="O que deseja?", buttons=buttons, timeout_minutes=60),
            node("num", "question", 704, -160, "Número", body="Qual o número?", variable="pedido", kind="integer"),
            node("http", "api_call", 1056, -160, "Consulta", url="https://loja.example/{{ pedido }}", mapping=mapping),
            node("ok", "msg_text", 1408, -160, "Estado", body="O pedido {{ pedido }} está {{ estado }}."),
            node("bad", "msg_text", 1408, 96, "Falhou", body="Não consegui consultar."),
            node("agenda", "jump", 704, 220, "Agenda", flow=inner, mode="call"),
            node("pausa", "delay", 704, 520, "Pausa", amount=30, unit="hours"),
            node("volta", "msg_text", 1056, 520, "Voltamos", body="Ainda precisa de ajuda?"),
            node("fim", "end", 1760, 0, "Fim"),
        ],
        "edges": [
            edge("inicio", "next", "menu"),
            edge("menu", "option:a", "num"),
            edge("menu", "option:b", "agenda"),
            edge("menu", "timeout", "pausa"),
            edge("pausa", "next", "volta"),
            edge("num", "answered", "http"),
            edge("http", "success", "ok"),
            edge("http", "error", "bad"),
            edge("ok", "next", "fim"),
            edge("bad", "next", "fim"),
            edge("agenda", "next", "fim"),
        ],
    }


def inner_flow() -> Json:
    """What the menu's second button enters."""
    return {
        "name": "Agenda",
        "nodes": [
            node("s", "start", 0, 0),
            node("q", "question", 352, 0, "Quando", body="Que dia?", variable="dia"),
            node("e", "end", 704, 0),
        ],
        "edges": [edge("s", "next", "q"), edge("q", "answered", "e")],
    }


def test_from_findings_to_a_guarded_publication(browser: Browser, running_app: Product) -> None:
    person = Person(browser, running_app.url, reduced_motion="reduce")
    inner = person.flow(inner_flow())
    headers = {"headers": person.bearer}
    assert person.context.request.post(f"{person.url}/api/v1/flows/{inner}/publish", data={}, **headers).ok
    editor = Editor(person, person.flow(order_flow(inner)))
    page = editor.page
    by = page.get_by_test_id

    # Findings: kinds, the example on the canvas, the field that is meant, safe mends in one undo step.
    by("tab-check").click()
    expect(by("finding-kind").filter(has_text="Janela")).to_contain_text("1")
    by("finding-kind").filter(has_text="Janela").click()
    expect(by("finding")).to_have_count(1)
    by("example").click()
    expect(by("canvas-note")).to_contain_text("Menu (Sem resposta) → Pausa → Voltamos")
    expect(page.locator('[data-testid="edge-menu:timeout"]')).to_have_class(re.compile(r"\blit\b"))
    expect(page.locator('[data-testid="edge-menu:option:a"]')).not_to_have_class(re.compile(r"\blit\b"))
    by("canvas-note").get_by_role("button").click()
    expect(by("canvas-note")).to_have_count(0)
    by("finding-kind").filter(has_text="Janela").click()
    found = by("finding").count()
    by("mend-all").click()
    expect(by("finding")).not_to_have_count(found)
    assert next(n for n in editor.document()["nodes"] if n["id"] == "inicio")["config"]["words"] == ["pedido"]
    by("undo").click()
    expect(by("finding")).to_have_count(found)
    by("finding").filter(has_text="Pedido").first.click()
    expect(by("tab-block")).to_have_attribute("aria-selected", "true")

    # Channels: what a message becomes elsewhere.
    by("tab-check").click()
    by("check-channels").click()
    by("look-channel").filter(has_text="SMS").click()
    expect(by("look").filter(has_text="Menu")).to_contain_text("1. Rastrear")

    # Paths: each with its cost, and one that plays by itself while the canvas follows.
    by("check-paths").click()
    expect(by("coverage")).to_contain_text("10 / 10")
    path = by("path").filter(has_text="Rastrear › Respondeu").filter(has_text="3 mensagens").first
    expect(path).to_contain_text("sem custo")
    path.locator("xpath=..").get_by_test_id("play-path").click()
    expect(by("preview-walk")).to_contain_text("Chegou ao fim do caminho", timeout=15_000)
    expect(page.locator('[data-testid="edge-num:answered"]')).to_have_class(re.compile(r"\blit\b"))
    by("preview-restart").click()

    # The phone: an answer from outside is asked for; values can be seen and changed.
    by("preview-hint").first.click()
    by("preview-button").first.click()
    expect(by("preview-in")).to_have_count(2)
    by("preview-input").fill("77")
    by("preview-input").press("Enter")
    expect(by("preview-pending")).to_contain_text("https://loja.example/77")
    by("preview-answer").fill('{"estado": "pago"}')
    by("preview-give-answer").click()
    expect(by("preview-in").last).to_contain_text("O pedido 77 está pago.")
    by("preview-in").last.get_by_text("Por quê?").click()
    expect(by("preview-why")).to_contain_text("pago")
    by("preview-variables").locator("summary").click()
    by("preview-value").filter(has_text="77").click()
    by("preview-value-input").fill("88")
    by("preview-value-input").press("Enter")
    expect(by("preview-line").filter(has_text="agora é 88")).to_have_count(1)
    by("preview-back").click()
    expect(by("preview-line").filter(has_text="agora é 88")).to_have_count(0)
    by("preview-variables").locator("summary").click()

    # Saved as a test case; on another channel the same words look otherwise.
    by("preview-save").click()
    by("preview-test-name").fill("Rastreia um pedido pago")
    by("preview-test-save").click()
    expect(by("preview-pane-save")).to_have_count(0)
    by("preview-channel").click()
    by("preview-channel-sms").click()
    expect(by("preview-in").first).to_contain_text("1. Rastrear")
    expect(by("preview-note").first).to_contain_text("lista numerada")
    by("preview-channel-whatsapp").click()
    by("preview-channel").click()

    # The clock: a day and more later the message would not be delivered.
    by("preview-restart").click()
    expect(by("preview-in")).to_have_count(0)
    by("preview-hint").first.click()
    expect(by("preview-in")).to_have_count(1)
    by("preview-clock").click()
    by("preview-later-4320").click()
    expect(by("preview-warning")).to_contain_text("janela de 24 horas")
    by("preview-clock").click()

    # Into another flow: its name over the canvas. The server goes away and comes back.
    by("preview-restart").click()
    expect(by("preview-in")).to_have_count(0)
    by("preview-hint").first.click()
    away: list[str] = []

    def refuse(route: Route) -> None:
        away.append(route.request.url)
        route.abort()

    expect(by("preview-in")).to_have_count(1)
    page.route("**/api/v1/flows/*/test", refuse)
    by("preview-button").nth(1).click()
    expect(page.get_by_text("continua sozinha")).to_be_visible()
    page.unroute("**/api/v1/flows/*/test")
    expect(by("preview-in").last).to_contain_text("Que dia?", timeout=10_000)
    assert away
    expect(by("canvas-note").locator("a")).to_have_attribute("href", f"/flows/{inner}")
    # The canvas goes along: the called flow is drawn, to be looked at, until one comes back to one's own.
    expect(editor.card("q").locator(".nd")).to_have_class(re.compile(r"\bhere\b"))
    expect(editor.card("agenda")).to_have_count(0)
    by("own-flow").click()
    expect(editor.card("agenda").locator(".nd")).to_have_class(re.compile(r"\bhere\b"))
    expect(editor.card("q")).to_have_count(0)

    # The page is opened anew: the conversation is still there. The draft changes under it: that is told.
    page.reload()
    page.wait_for_selector("[data-testid=hydrated]", state="attached")
    by("tab-preview").click()
    expect(by("preview-in").last).to_contain_text("Que dia?")
    change(person, editor.flow_id, [{"op": "connect", "source": "menu", "port": "option:b", "target": "fim"}])
    expect(by("preview-changed")).to_contain_text("Menu", timeout=15_000)

    # The test case fails now? Only when what it says changes. Publishing asks, and takes a tick.
    text = {"op": "update_config", "id": "ok", "patch": {"body": "Pedido {{ pedido }}: {{ estado }}"}}
    change(person, editor.flow_id, [text])
    by("tab-check").click()
    by("check-tests").click()
    expect(by("test-case")).to_have_attribute("data-state", "failed", timeout=15_000)
    by("test-case").click()
    expect(by("difference")).to_contain_text("O pedido 77 está pago.")
    expect(by("difference")).to_contain_text("Pedido 77: pago")
    by("publish").click()
    expect(by("publish-tests")).to_contain_text("1 caso de teste falha")
    by("confirm-publish").click()
    expect(page.get_by_text("Casos de teste falharam")).to_be_visible()
    by("publish-anyway").check()
    by("confirm-publish").click()
    expect(by("confirm-publish")).to_have_count(0)
    versions = person.get(f"/flows/{editor.flow_id}/versions")["items"]
    assert versions[0]["tests"] == {"passed": 0, "failed": ["Rastreia um pedido pago"]}
    by("test-accept").click()
    expect(by("test-case")).to_have_attribute("data-state", "passed")

    # The flow is deleted elsewhere.
    gone = person.context.request.delete(f"{person.url}/api/v1/flows/{editor.flow_id}", headers=person.bearer)
    assert gone.ok
    if by("editor-missing").count() == 0:
        by("tab-preview").click()
        by("preview-restart").click()
    expect(page.get_by_text("Este fluxo foi apagado.").or_(by("editor-missing")).first).to_be_visible()
    editor.done()
    person.context.close()


def change(person: Person, flow_id: str, operations: list[dict[str, Any]]) -> None:
    """Edit the draft from elsewhere."""
    answer = person.context.request.post(
        f"{person.url}/api/v1/flows/{flow_id}/operations", data={"operations": operations}, headers=person.bearer
    )
    assert answer.ok, answer.text()
