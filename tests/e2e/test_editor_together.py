"""The editor with other people, lost answers, old versions, the preview, and on a phone."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.e2e.editor_page import Editor, Person, edge, node, small_flow
from tests.product import Product

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def person(browser: Browser, running_app: Product) -> Iterator[Person]:
    somebody = Person(browser, running_app.url)
    yield somebody
    somebody.context.close()


@pytest.fixture
def editor(person: Person) -> Iterator[Editor]:
    page = Editor(person, person.flow(small_flow()))
    yield page
    page.park()


def test_two_tabs_see_each_others_edits(person: Person) -> None:
    one = Editor(person, person.flow(small_flow()))
    two = Editor(person, one.flow_id)
    one.select("ola")
    one.field("body").fill("Mudou do outro lado")
    expect(two.card("ola")).to_contain_text("Mudou do outro lado")
    two.select("recusa")
    two.field("body").fill("E daqui também")
    expect(one.card("recusa")).to_contain_text("E daqui também")
    assert one.node("ola")["config"]["body"] == "Mudou do outro lado"
    assert one.node("recusa")["config"]["body"] == "E daqui também"
    one.done()
    two.done()


def _losing_answers(page: Page, lost: list[str]) -> None:
    """Pass the socket through, but lose the first answer to an edit."""

    def handle(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def down(message: Any) -> None:
            text = str(message)
            if not lost and '"cid"' in text and "editor_state" in text:
                lost.append(text)
                return
            route.send(message)

        route.on_message(server.send)
        server.on_message(down)

    page.route_web_socket(re.compile("/_event"), handle)


def test_an_edit_whose_answer_was_lost_is_sent_again_and_done_once(person: Person) -> None:
    editor = Editor(person, person.flow(small_flow()))
    lost: list[str] = []
    _losing_answers(editor.page, lost)
    editor.open()
    editor.select("ola")
    editor.page.keyboard.press("Control+d")
    expect(editor.page.locator(".react-flow__node-msg_text")).to_have_count(4)
    expect(editor.page.get_by_test_id("saved-state")).to_have_attribute("data-state", "saved", timeout=20_000)
    assert lost
    assert sum(n["type"] == "msg_text" for n in editor.document()["nodes"]) == 4
    editor.done()


def test_edits_kept_in_this_browser_are_sent_at_the_next_visit(person: Person) -> None:
    flow_id = person.flow(small_flow())
    editor = Editor(person, flow_id)
    waiting = [{"cid": "kept-1", "ops": [{"op": "set_title", "id": "ola", "title": "Guardado aqui"}]}]
    editor.page.evaluate("([k, v]) => localStorage.setItem(k, v)", [f"pytake_edits_{flow_id}", json.dumps(waiting)])
    editor.open()
    expect(editor.card("ola").locator(".hd")).to_contain_text("Guardado aqui")
    assert editor.node("ola")["title"] == "Guardado aqui"
    editor.page.wait_for_function("k => localStorage.getItem(k) === null", arg=f"pytake_edits_{flow_id}")
    editor.done()


def test_the_preview_talks_on_the_real_engine_and_lights_the_way(editor: Editor) -> None:
    page = editor.page
    page.get_by_test_id("test").click()
    page.get_by_test_id("preview-hint").first.click()
    expect(page.get_by_test_id("preview-in").nth(0)).to_contain_text("Olá, Maria!")
    expect(page.get_by_test_id("preview-status")).to_have_text("Esperando a resposta")
    expect(editor.card("menu").locator(".nd")).to_have_class(re.compile(r"\bhere\b"))
    page.get_by_test_id("preview-button").first.click()
    expect(page.get_by_test_id("preview-in").last).to_contain_text("Até sábado")
    expect(page.locator('[data-testid="edge-menu:option:sim"]')).to_have_class(re.compile(r"\blit\b"))
    expect(page.locator('[data-testid="edge-menu:option:nao"]')).not_to_have_class(re.compile(r"\blit\b"))
    page.get_by_text("Por quê?").nth(1).click()
    expect(page.locator(".whybox")).to_contain_text("Quer vir?")
    page.get_by_test_id("preview-back").click()
    expect(page.get_by_test_id("preview-in")).to_have_count(2)
    page.get_by_test_id("preview-wait").click()
    expect(page.get_by_test_id("preview-status")).to_have_text("Encerrada sem resposta")
    page.get_by_test_id("preview-restart").click()
    expect(page.get_by_test_id("preview-in")).to_have_count(0)


def test_the_preview_follows_edits(editor: Editor) -> None:
    page = editor.page
    page.get_by_test_id("test").click()
    page.get_by_test_id("preview-hint").first.click()
    expect(page.get_by_test_id("preview-in")).to_have_count(2)
    page.get_by_test_id("tab-block").click()
    editor.select("ola")
    editor.field("body").fill("Oi oi, {{ contact.first_name }}")
    editor.saved()
    page.get_by_test_id("tab-preview").click()
    expect(page.get_by_test_id("preview-in").first).to_contain_text("Oi oi, Maria")


def test_a_list_is_chosen_from_its_sheet(person: Person) -> None:
    rows = [{"id": "a", "title": "Defeito", "description": "Veio quebrado"}, {"id": "b", "title": "Tamanho"}]
    document = {
        "name": "Trocas",
        "nodes": [
            node("u", "trigger_universal", 0, 0),
            node(
                "l",
                "msg_list",
                352,
                0,
                body="O que houve?",
                button="Escolher",
                sections=[{"title": "Motivo", "rows": rows}],
            ),
            node("f", "msg_text", 704, 0, body="Anotado."),
        ],
        "edges": [edge("u", "next", "l"), edge("l", "option:a", "f"), edge("l", "option:b", "f")],
    }
    editor = Editor(person, person.flow(document))
    page = editor.page
    page.get_by_test_id("test").click()
    page.get_by_test_id("preview-input").fill("oi")
    page.get_by_test_id("preview-input").press("Enter")
    page.get_by_test_id("preview-list").click()
    expect(page.get_by_test_id("preview-row").first).to_contain_text("Veio quebrado")
    page.get_by_test_id("preview-row").first.click()
    expect(page.get_by_test_id("preview-in").last).to_contain_text("Anotado.")
    editor.done()


def test_an_error_blocks_publishing_and_leads_to_its_block(editor: Editor) -> None:
    page = editor.page
    editor.select("recusa")
    editor.field("body").fill("")
    wrong = editor.card("recusa").locator(".prob:not(.am)")
    expect(wrong).to_have_text("1")
    expect(page.locator(".ins .err").first).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_test_id("publish").click()
    expect(page.get_by_test_id("confirm-publish")).to_be_disabled()
    page.get_by_role("button", name="Ver e corrigir").click()
    finding = page.locator('[data-testid=finding][data-severity="error"]')
    expect(finding).to_have_count(1)
    page.keyboard.press("Escape")
    finding.click()
    expect(editor.card("recusa").locator(".nd")).to_have_class(re.compile(r"\bsel\b"))
    expect(editor.field("body")).to_have_attribute("aria-invalid", "true")
    editor.field("body").fill("Tudo bem!")
    expect(wrong).to_have_count(0)


def test_a_finding_is_mended_with_one_click(editor: Editor) -> None:
    page = editor.page
    page.get_by_test_id("tab-check").click()
    before = page.get_by_test_id("finding").count()
    page.get_by_test_id("mend").first.click()
    expect(page.get_by_test_id("finding")).to_have_count(before - 1)
    assert "end" in {n["type"] for n in editor.document()["nodes"]}
    page.get_by_test_id("undo").click()
    expect(page.get_by_test_id("finding")).to_have_count(before)


def test_versions_are_seen_and_rolled_back(editor: Editor) -> None:
    page = editor.page
    for text, version in (("Primeira", 1), ("Segunda", 2)):
        editor.select("ola")
        editor.field("body").fill(text)
        page.keyboard.press("Escape")
        page.get_by_test_id("publish").click()
        page.get_by_test_id("confirm-publish").click()
        expect(page.get_by_test_id("flow-badge")).to_contain_text(f"v{version}")
    page.get_by_test_id("tab-versions").click()
    expect(page.get_by_test_id("version")).to_have_count(2)
    expect(page.get_by_test_id("version").first).to_contain_text("por você")
    page.get_by_test_id("view-version").last.click()
    expect(editor.card("ola")).to_contain_text("Primeira")
    expect(page.get_by_test_id("publish")).to_have_count(0)  # an old version is only looked at
    page.get_by_test_id("back-to-draft").click()
    expect(editor.card("ola")).to_contain_text("Segunda")
    page.get_by_test_id("roll-back").click()
    page.get_by_test_id("confirm-roll-back").click()
    expect(page.get_by_test_id("flow-badge")).to_contain_text("v3")
    assert editor.node("ola")["config"]["body"] == "Segunda"  # the draft stays


def test_a_flow_that_is_not_there_is_said(person: Person) -> None:
    page = person.context.new_page()
    page.goto(f"{person.url}/flows/01900000-0000-7000-8000-000000000000")
    expect(page.get_by_test_id("editor-missing")).to_be_visible()
    expect(page.get_by_role("link", name="Ver os fluxos")).to_be_visible()
    page.close()


def test_another_organization_sees_nothing(browser: Browser, person: Person) -> None:
    flow_id = person.flow(small_flow())
    stranger = Person(browser, person.url)
    page = stranger.context.new_page()
    page.goto(f"{person.url}/flows/{flow_id}")
    expect(page.get_by_test_id("editor-missing")).to_be_visible()
    stranger.context.close()


def test_english_and_spanish_are_whole(browser: Browser, person: Person) -> None:
    for locale, publish in (("en-US", "Publish"), ("es-ES", "Publicar")):
        person.speaks(locale[:2])  # the account's language wins over the browser's
        context = browser.new_context(locale=locale, viewport={"width": 1440, "height": 900})
        person.sign_in(context)
        editor = Editor(person, person.flow(small_flow()), context)
        expect(editor.page.get_by_test_id("publish")).to_have_text(publish)
        editor.select("menu")
        for tab in ("check", "preview", "versions", "block"):
            editor.page.get_by_test_id(f"tab-{tab}").click()
            text = editor.page.locator("body").inner_text()
            assert not re.search(r"\b(editor|node|port|verify)\.[a-z_]+", text), re.findall(
                r"\b(?:editor|node|port|verify)\.[a-z_.]+", text
            )
        editor.done()
        context.close()
    person.speaks("pt_BR")


def test_on_a_phone_the_canvas_comes_first(browser: Browser, person: Person) -> None:
    context = browser.new_context(
        locale="pt-BR", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    person.sign_in(context)
    editor = Editor(person, person.flow(small_flow()), context)
    page = editor.page
    expect(page.locator(".ins")).to_be_hidden()
    editor.card("ola").locator(".hd").tap()
    expect(editor.field("body")).to_be_in_viewport()
    page.locator(".shclose").tap()
    expect(page.locator(".ins")).to_be_hidden()
    page.get_by_role("button", name="Prévia").tap()
    expect(page.get_by_test_id("preview-input")).to_be_in_viewport()
    page.wait_for_function("() => document.documentElement.scrollWidth <= 390")
    editor.done()
    context.close()
