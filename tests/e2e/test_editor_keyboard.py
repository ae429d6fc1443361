"""The editor without a mouse: a flow is built and published by keys alone. And axe on everything that opens in it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.axe import complaints
from tests.e2e.editor_page import Editor, Json, Person, node, small_flow
from tests.product import Product

pytestmark = pytest.mark.timeout(120)


def keys(page: Page, *pressed: str) -> None:
    for one in pressed:
        page.keyboard.press(one)


def added(page: Page, kind: str) -> None:
    """A block of this type was added and is selected; the keyboard is on the canvas."""
    page.locator(f".react-flow__node-{kind}.selected").wait_for()
    expect(page.get_by_test_id("canvas")).to_be_focused()


def offered(page: Page) -> None:
    """Ask for what can follow the selected block; the palette beside it has the keyboard."""
    page.keyboard.press("a")
    expect(page.get_by_test_id("quick-search")).to_be_focused()


def kinds_of(page: Page) -> list[str]:
    """The types of all blocks on the canvas."""
    cards = page.locator(".react-flow__node").all()
    return [str(card.get_attribute("class")).split("react-flow__node-")[1].split()[0] for card in cards]


def said(page: Page, words: str) -> None:
    """What a screen reader was told last."""
    expect(page.get_by_test_id("canvas-said")).to_contain_text(words)


def test_keys_alone_build_and_publish_a_flow(browser: Browser, running_app: Product) -> None:
    person = Person(browser, running_app.url, reduced_motion="reduce")
    editor = Editor(person, person.flow())
    page = editor.page
    page.evaluate(
        """() => { window.__pointer = 0;
          for (const type of ["pointerdown", "mousedown", "touchstart"])
            window.addEventListener(type, () => { window.__pointer += 1; }, true); }"""
    )

    # A trigger from the palette, its word, and back to the canvas.
    keys(page, "/")
    expect(page.get_by_test_id("palette-search")).to_be_focused()
    page.keyboard.type("palavra-chave")
    keys(page, "Enter")
    added(page, "trigger_keyword")
    expect(page.get_by_test_id("palette-search")).to_have_value("")
    keys(page, "Enter")
    page.keyboard.type("catálogo")
    keys(page, "Enter", "Escape")
    expect(page.get_by_test_id("canvas")).to_be_focused()

    # A question with two buttons hangs on it.
    offered(page)
    page.keyboard.type("botões")
    keys(page, "Enter")
    added(page, "msg_buttons")
    keys(page, "Enter")
    page.keyboard.type("Quer receber o catálogo?")
    page.wait_for_function("() => document.activeElement?.dataset.field === 'body'")
    field_after(page, "buttons/0/title")
    page.keyboard.type("Quero")
    button_after(page, "Adicionar botão")
    keys(page, "Enter")
    page.wait_for_function("() => document.activeElement?.dataset.field === 'buttons/1/title'")
    page.keyboard.type("Agora não")
    keys(page, "Escape")

    # A text behind each button, an end behind both.
    offered(page)
    page.keyboard.type("texto")
    keys(page, "Enter")
    added(page, "msg_text")
    keys(page, "Enter")
    page.keyboard.type("Aqui está: pytake.example/catalogo")
    keys(page, "Escape")
    offered(page)
    page.keyboard.type("fim")
    keys(page, "Enter")
    added(page, "end")
    keys(page, "Alt+ArrowLeft", "Alt+ArrowLeft")  # back along the links
    said(page, "Botões")
    offered(page)
    page.keyboard.type("texto")
    keys(page, "Enter")
    page.wait_for_function("() => document.querySelectorAll('.react-flow__node-msg_text').length === 2")
    added(page, "msg_text")
    keys(page, "Enter")
    page.keyboard.type("Tudo bem, até logo!")
    keys(page, "Escape", "c", "Enter")  # its exit …
    page.keyboard.type("fim")
    keys(page, "Enter")  # … to the end that is there
    said(page, "ligado a Fim")

    # The block without links that a new flow begins with goes away.
    for _ in kinds_of(page):
        keys(page, "Tab")
        if page.locator(".react-flow__node-start.selected").count():
            break
    said(page, "Início")
    keys(page, "Delete")
    expect(page.locator(".react-flow__node-start")).to_have_count(0)

    document = editor.document()
    kinds = {node["id"]: node["type"] for node in document["nodes"]}
    assert sorted(kinds.values()) == ["end", "msg_buttons", "msg_text", "msg_text", "trigger_keyword"]
    assert sorted((kinds[edge["source"]], kinds[edge["target"]]) for edge in document["edges"]) == [
        ("msg_buttons", "msg_text"),
        ("msg_buttons", "msg_text"),
        ("msg_text", "end"),
        ("msg_text", "end"),
        ("trigger_keyword", "msg_buttons"),
    ]

    # Published with a note.
    keys(page, "Control+Enter")
    expect(page.get_by_test_id("confirm-publish")).to_be_enabled()
    page.wait_for_function("() => document.activeElement?.tagName === 'TEXTAREA'")
    page.keyboard.type("Primeira versão")
    button_after(page, "Publicar")
    keys(page, "Enter")
    expect(page.get_by_test_id("flow-badge")).to_contain_text("v1")
    assert person.get(f"/flows/{editor.flow_id}/versions")["items"][0]["note"] == "Primeira versão"
    assert page.evaluate("() => window.__pointer") == 0
    editor.done()
    person.context.close()


def field_after(page: Page, path: str) -> None:
    """Press Tab until this control of the inspector has the keyboard."""
    _tab_until(page, f"document.activeElement?.dataset.field === {path!r}")


def button_after(page: Page, name: str) -> None:
    """Press Tab until this button has the keyboard."""
    button = "document.activeElement?.matches('button')"
    _tab_until(page, f"{button} && document.activeElement.innerText.trim().startsWith({name!r})")


def _tab_until(page: Page, there: str) -> None:
    for _ in range(30):
        if page.evaluate(f"() => {there}"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"thirty times Tab, and never: {there}")


def flaws() -> list[Json]:
    """Edits that give every panel something to show: a word twice, a block that nothing leads to, a change."""
    lost = node("solto", "msg_text", 1408, 0, "Solto", body="Ninguém chega aqui.")
    return [
        {"op": "update_config", "id": "inicio", "patch": {"words": ["convite", "convite"]}},
        {"op": "update_config", "id": "aceita", "patch": {"body": "Combinado!"}},
        {"op": "add_node", "node": lost},
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_wherever_one_works(browser: Browser, running_app: Product, theme: Any) -> None:
    person = Person(browser, running_app.url, color_scheme=theme, reduced_motion="reduce")
    flow = person.flow(small_flow())
    headers = {"headers": person.bearer}
    api = f"{person.url}/api/v1/flows"
    assert person.context.request.post(f"{api}/{flow}/publish", data={}, **headers).ok
    started = {"flow_id": flow, "contact_id": "+5511987650199"}
    assert person.context.request.post(f"{api}/start", data=started, **headers).ok
    operations = {"operations": flaws()}
    assert person.context.request.post(f"{api}/{flow}/operations", data=operations, **headers).ok
    editor = Editor(person, flow)
    page = editor.page
    by = page.get_by_test_id
    seen: dict[str, list[str]] = {}

    def look(name: str, part: str | None = None) -> None:
        seen[name] = complaints(page, part)

    editor.select("menu")
    by("canvas").wait_for()
    look("editor, a block")
    by("tab-check").click()
    by("finding").first.wait_for()
    look("findings", ".ins")
    for view, sign in (("paths", "path"), ("channels", "look-channel"), ("tests", "check-tests")):
        by(f"check-{view}").click()
        by(sign).first.wait_for()
        look(view, ".ins")
    by("tab-preview").click()
    by("preview-hint").first.click()
    by("preview-button").first.wait_for()
    by("preview-variables").locator("summary").click()
    for pane in ("clock", "channel", "contact", "save"):
        by(f"preview-{pane}").click()
        look(f"preview, {pane}", ".ins")
    by("publish").click()
    by("confirm-publish").wait_for()
    look("publishing", ".ov")
    by("publish-later-true").click()
    look("publishing later", ".ov")
    page.keyboard.press("Escape")
    by("translate").click()
    by("tr-add").select_option("es")
    page.locator("[data-testid=tr-es]").first.wait_for()
    look("translations", ".ov")
    page.keyboard.press("Escape")
    by("tab-versions").click()
    by("see-changes").click()
    by("mark-aceita").wait_for()
    look("versions, changes")
    page.keyboard.press("Escape")
    by("tab-runs").click()
    by("run-legend").wait_for()
    look("runs")
    for path, sign in (("/flows", "flow-row"), ("/gallery", "gallery-card")):
        page.goto(f"{person.url}{path}")
        by(sign).first.wait_for()
        look(path)
    wrong = {name: found for name, found in seen.items() if found}
    assert wrong == {}, wrong
    editor.done()
    person.context.close()
