"""The editor without a mouse: a flow is built and published by keys alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.editor_page import Editor, Person
from tests.product import Product

pytestmark = pytest.mark.timeout(120)


def keys(page: Page, *pressed: str) -> None:
    for one in pressed:
        page.keyboard.press(one)


def added(page: Page, kind: str) -> None:
    """A block of this type was added and is selected; the keyboard is on the canvas."""
    page.locator(f".react-flow__node-{kind}.selected").wait_for()
    expect(page.get_by_test_id("canvas")).to_be_focused()


def entered(page: Page, field: str) -> None:
    """Enter leads into the selected block's first field."""
    page.keyboard.press("Enter")
    page.wait_for_function("(field) => document.activeElement?.dataset.field === field", arg=field)


def offered(page: Page) -> None:
    """Ask for what can follow the selected block; the palette beside it has the keyboard."""
    page.keyboard.press("a")
    expect(page.get_by_test_id("quick-search")).to_be_focused()


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
    # The block that a new flow begins with goes away.
    keys(page, "Shift+Tab")
    said(page, "Início")
    page.locator(".react-flow__node-start.selected").wait_for()
    keys(page, "Delete")
    expect(page.locator(".react-flow__node-start")).to_have_count(0)
    expect(page.get_by_test_id("canvas")).to_be_focused()
    keys(page, "Tab")
    page.locator(".react-flow__node-trigger_keyword.selected").wait_for()
    keys(page, "Enter")
    page.keyboard.type("catálogo")
    keys(page, "Enter", "Escape")
    expect(page.get_by_test_id("canvas")).to_be_focused()

    # A question with two buttons hangs on it.
    offered(page)
    page.keyboard.type("botões")
    keys(page, "Enter")
    added(page, "msg_buttons")
    entered(page, "body")
    page.keyboard.type("Quer receber o catálogo?")
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
    entered(page, "body")
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
    entered(page, "body")
    page.keyboard.type("Tudo bem, até logo!")
    keys(page, "Escape")
    expect(page.get_by_test_id("canvas")).to_be_focused()
    keys(page, "c")
    expect(page.get_by_test_id("link-panel")).to_be_visible()
    page.keyboard.type("fim")
    keys(page, "Enter")  # its only exit leads to the end that is there
    said(page, "ligado a Fim")

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
    expect(page.get_by_test_id("canvas")).to_be_focused()
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
