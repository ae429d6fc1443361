"""Texts on their way in: input methods and pasting, templates as they will read, translations found from a finding."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.editor_page import Editor, Json, Person, box_of, edge, node
from tests.product import Product

pytestmark = pytest.mark.timeout(150)


def template() -> Json:
    """What the platform told of a template with everything."""
    reply = {"type": "QUICK_REPLY", "text": "Rastrear", "url": "", "phone_number": "", "variables": 0}
    return {
        "name": "pedido_enviado", "language": "pt_BR", "status": "APPROVED", "category": "UTILITY",
        "header": {"format": "TEXT", "text": "Pedido {{1}}", "variables": 1}, "footer": "Loja Aurora",
        "body": "Oi {{nome}}, o pedido {{pedido}} está a caminho.", "variables": 2,
        "variable_names": ["nome", "pedido"],
        "buttons": [
            {**reply, "type": "URL", "text": "Ver no site", "url": "https://example.com"}, reply,
            {**reply, "text": "Falar com alguém"},
        ],
    }  # fmt: skip


def references() -> Json:
    lists = ("queues", "agents", "departments", "tags", "fields", "secrets", "calendars", "flows", "channels")
    return {**{name: [] for name in lists}, "templates": [template()], "templates_complete": True}


def words() -> list[str]:
    return ["oi", "olá", "menu"]


def flow() -> Json:
    nodes = [
        node("chave", "trigger_keyword", 0, 0, "Palavras", words=words(), match_type="exact"),
        node("ola", "msg_text", 352, 0, "Saudação", body="Oi!"),
        node("pedido", "set_variable", 704, 0, "Pedido", assignments=[{"name": "pedido", "value": "A-1"}]),
        node("modelo", "msg_template", 1056, 0, "Modelo", name="", language="pt_BR", body=[], buttons=[]),
        node("volta", "trigger_template", 0, 480, "Resposta", template="", buttons=[]),
        node("fim", "msg_text", 1408, 0, "Fim", body="Até logo"),
    ]
    edges = [
        edge("chave", "next", "ola"), edge("ola", "next", "pedido"), edge("pedido", "next", "modelo"),
        edge("modelo", "next", "fim"),
    ]  # fmt: skip
    english = {"ola": {"/body": {"text": "Hi!", "source": "Oi!"}}, "fim": {"/body": {"text": "Bye", "source": "Tchau"}}}
    return {"name": "Textos", "nodes": nodes, "edges": edges, "translations": {"en": english}}


@pytest.fixture(scope="module")
def person(browser: Browser, running_app: Product) -> Iterator[Person]:
    somebody = Person(browser, running_app.url)
    yield somebody
    somebody.context.close()


@pytest.fixture(scope="module")
def editor(person: Person) -> Iterator[Editor]:
    other = {"name": "Convite", "nodes": flow()["nodes"][:2], "edges": flow()["edges"][:1]}
    rival = person.flow(other)
    answer = person.context.request.post(f"{person.url}/api/v1/flows/{rival}/publish", data={}, headers=person.bearer)
    assert answer.ok, answer.text()
    person.context.route("**/references", lambda route: route.fulfill(json=references()))
    page = Editor(person, person.flow(flow()))
    page.page.set_viewport_size({"width": 1440, "height": 1100})
    yield page
    page.done()


def pick(editor: Editor, node_id: str) -> None:
    editor.page.keyboard.press("Escape")
    editor.card(node_id).locator(".hd").dispatch_event("click")
    expect(editor.page.locator(".ins [data-title-field]")).to_be_visible()


class InputMethod:
    """Composes as an input method does: text under way, then settled."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.browser = page.context.new_cdp_session(page)

    def compose(self, *steps: str) -> None:
        for text in steps:
            self.browser.send(
                "Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)}
            )

    def settle(self, text: str) -> None:
        self.browser.send("Input.insertText", {"text": text})

    def key(self, key: str, code: int) -> None:
        """A key that the input method takes for itself."""
        self.browser.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": key, "windowsVirtualKeyCode": code})
        self.browser.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": key, "windowsVirtualKeyCode": code})


def paste(page: Page, text: str) -> None:
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.keyboard.press("Control+v")


def test_input_methods_and_pasted_texts_lose_nothing_and_call_no_shortcut(editor: Editor) -> None:
    page, typed = editor.page, InputMethod(editor.page)
    pick(editor, "ola")
    body = editor.field("body")
    body.click()
    page.keyboard.press("Control+End")
    typed.compose("こ", "こん", "こんにちは")
    typed.key("Process", 229)
    expect(page.get_by_role("listbox")).to_have_count(0)
    typed.settle("今日は")
    page.keyboard.type(" fim ")
    typed.compose("~", "ã")
    typed.settle("ã")
    paste(page, "\nlinha 2 👩‍👩‍👧‍👦\n\n• linha 4 🇧🇷")
    text = "Oi!今日は fim ã\nlinha 2 👩‍👩‍👧‍👦\n\n• linha 4 🇧🇷"
    expect(body).to_have_value(text)
    assert editor.node("ola")["config"]["body"] == text
    # The title on the card: Enter and Escape of the input method settle and drop its own text only.
    cards = page.locator(".react-flow__node").count()
    page.keyboard.press("Escape")
    editor.card("ola").locator(".ti").dblclick()
    title = page.get_by_test_id("inline-edit")
    expect(title).to_be_focused()
    page.keyboard.press("Control+a")
    typed.compose("に", "にほん")
    for key, code in (("Enter", 13), ("Escape", 27), ("Delete", 46), ("a", 229), ("?", 229)):
        typed.key(key, code)
        expect(title).to_be_visible()
    typed.settle("日本")
    paste(page, " e 🎂\nfesta")
    expect(title).to_have_value("日本 e 🎂 festa")
    page.keyboard.press("Enter")
    expect(title).to_have_count(0)
    assert editor.node("ola")["title"] == "日本 e 🎂 festa"
    expect(page.locator(".react-flow__node")).to_have_count(cards)
    expect(page.locator(".ov")).to_have_count(0)


def test_a_template_fills_what_depends_on_it_and_is_seen_whole(editor: Editor) -> None:
    page = editor.page
    pick(editor, "volta")
    editor.field("template").click()
    page.get_by_role("option", name="pedido_enviado").click()
    expect(page.get_by_test_id("template-look")).to_contain_text("Loja Aurora")
    replies = [{"id": "button_1", "title": "Rastrear"}, {"id": "button_2", "title": "Falar com alguém"}]
    assert editor.node("volta")["config"] == {"template": "pedido_enviado", "buttons": replies}
    # A button that was renamed here finds no answer any more; one press puts it right, ids stay.
    editor.field("buttons/1/title").fill("Ajuda")
    page.get_by_test_id("take-buttons").click()
    expect(page.get_by_test_id("template-buttons")).to_have_count(0)
    assert editor.node("volta")["config"]["buttons"] == replies
    pick(editor, "modelo")
    editor.field("name").click()
    page.get_by_role("option", name="pedido_enviado").click()
    editor.field("header").fill("{{ session.pedido }}")
    config = editor.node("modelo")["config"]
    assert (config["header_type"], config["body"]) == ("text", ["{{ contact.name }}", "{{ session.pedido }}"])
    # Named values go by name; the link stands before the quick replies, and its place counts.
    assert (config["body_names"], config["header_name"]) == (["nome", "pedido"], "")
    assert config["buttons"] == [{**reply, "place": place} for place, reply in enumerate(replies, start=1)]
    page.get_by_test_id("tab-preview").click()
    page.get_by_test_id("preview-input").fill("oi")
    page.get_by_test_id("preview-input").press("Enter")
    sent = page.get_by_test_id("preview-in").nth(1)
    expect(sent).to_contain_text("Pedido A-1")
    expect(sent).to_contain_text("o pedido A-1 está a caminho.")
    expect(sent).to_contain_text("Loja Aurora")
    expect(page.get_by_test_id("preview-button")).to_have_text(["Ver no site", "Rastrear", "Falar com alguém"])
    expect(page.get_by_test_id("preview-button").first).to_be_disabled()


def test_the_preview_begins_now_in_the_organizations_zone(editor: Editor) -> None:
    page = editor.page
    page.get_by_test_id("tab-preview").click()
    page.get_by_test_id("preview-restart").click()
    expect(page.get_by_test_id("preview-in")).to_have_count(0)
    page.get_by_test_id("preview-clock").click()
    shown = page.locator('[data-testid="preview-pane-clock"] input[type="datetime-local"]')
    expect(shown).not_to_have_value("")
    wall = datetime.fromisoformat(shown.input_value())
    here = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=3)  # São Paulo, the organization's zone
    assert abs(here - wall) < timedelta(minutes=5)
    page.get_by_test_id("preview-clock").click()


def test_conflicting_words_are_one_finding_and_translations_lead_to_their_row(editor: Editor) -> None:
    page = editor.page
    page.get_by_test_id("tab-check").click()
    conflict = page.get_by_test_id("finding").filter(has_text="Convite")
    expect(conflict).to_have_count(1)
    expect(conflict).to_contain_text("“oi”, “olá”, “menu”")
    page.get_by_test_id("finding").filter(has_text="ficaram para trás").click()
    cell: Any = page.locator('[data-testid="tr-en"][data-node="ola"]')
    expect(cell).to_be_focused()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(cell).to_be_in_viewport()
    box = box_of(cell)
    assert 0 <= box["x"] <= 390 - box["width"]
    assert box["width"] > 280
    cell.fill("See you")
    page.set_viewport_size({"width": 1440, "height": 1100})
    page.keyboard.press("Escape")
    assert editor.document()["translations"]["en"]["ola"]["/body"]["text"] == "See you"
    # The note that a translation is behind stands below the form: the field stays where it is.
    page.get_by_test_id("tab-block").click()
    pick(editor, "ola")
    expect(page.get_by_test_id("texts-behind")).to_have_count(0)
    before = box_of(editor.field("body"))
    editor.field("body").press_sequentially("!")
    expect(page.get_by_test_id("texts-behind")).to_be_visible()
    assert box_of(editor.field("body"))["y"] == before["y"]
