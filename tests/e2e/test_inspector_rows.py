"""Cases, intents and shares in the inspector; list rows that go from one section to another."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.editor_page import Editor, Json, Person, box_of, edge, node
from tests.product import Product

pytestmark = pytest.mark.timeout(150)


def lists() -> Json:
    """A flow with the blocks whose lists are edited here."""
    cases = [{"id": "a", "value": "500", "label": "Grande"}, {"id": "b", "value": "10", "label": ""}]
    intents = [{"id": "buy", "label": "Comprar", "examples": ["quanto custa"]}]
    branches = [{"id": str(i), "label": f"Via {i}", "weight": 50} for i in range(3)]
    sections = [
        {"title": "Pedidos", "rows": [{"id": "track", "title": "Rastrear"}, {"id": "swap", "title": "Trocar"}]},
        {"title": "Loja", "rows": [{"id": "hours", "title": "Horários"}]},
    ]
    nodes = [
        node("caso", "switch", 0, 0, "Faixa", value="{{ session.total }}", cases=cases),
        node("ia", "ai_classifier", 352, 0, "Intenção", intents=intents),
        node("ab", "random_split", 704, 0, "Teste", branches=branches),
        node("lista", "msg_list", 1056, 0, "Lista", body="O quê?", button="Ver", sections=sections),
        node("fim", "msg_text", 1408, 0, "Fim", body="Tchau"),
    ]
    english = {
        "/sections/0/rows/swap/title": {"text": "Exchange", "source": "Trocar"},
        "/sections/0/title": {"text": "Orders", "source": "Pedidos"},
    }
    links = [edge("caso", "case:b", "fim"), edge("caso", "default", "fim"), edge("lista", "option:swap", "fim")]
    return {"name": "Listas", "nodes": nodes, "edges": links, "translations": {"en": {"lista": english}}}


@pytest.fixture(scope="module")
def editor(browser: Browser, running_app: Product) -> Iterator[Editor]:
    person = Person(browser, running_app.url)
    page = Editor(person, person.flow(lists()))
    page.page.set_viewport_size({"width": 1440, "height": 1100})
    yield page
    page.done()
    person.context.close()


def pick(editor: Editor, node_id: str) -> None:
    editor.page.keyboard.press("Escape")
    editor.card(node_id).locator(".hd").dispatch_event("click")
    expect(editor.page.locator(".ins [data-title-field]")).to_be_visible()


def config(editor: Editor, node_id: str) -> dict[str, Any]:
    return dict(editor.node(node_id)["config"])


def test_cases_compare_as_their_operator_says_and_move_with_their_exits(editor: Editor) -> None:
    page = editor.page
    pick(editor, "caso")
    expect(page.get_by_test_id("default-exit")).to_contain_text("Fim")
    editor.field("cases/0/operator").select_option("greater")
    editor.field("cases/1/operator").select_option("in")
    values = editor.field("cases/1/value")
    values.click()
    page.keyboard.type("20, 30;")
    expect(page.locator('.ins [data-row="cases/1"] .bdg')).to_have_text(["10", "20", "30"])
    page.keyboard.press("Backspace")
    expect(page.locator('.ins [data-row="cases/1"] .bdg')).to_have_text(["10", "20"])
    page.get_by_test_id("add-row").click()
    editor.field("cases/2/operator").select_option("empty")
    expect(editor.field("cases/2/value")).to_have_count(0)
    # An exit without a name of its own says what it asks.
    expect(editor.card("caso")).to_contain_text("está na lista 10, 20")
    page.locator('.ins [data-row="cases/1"] .grip').focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator('.ins [data-row="cases/0"] .grip')).to_be_focused()
    kept = config(editor, "caso")["cases"]
    assert [(case["id"], case["operator"], case["value"]) for case in kept] == [
        ("b", "in", "10, 20"), ("a", "greater", "500"), ("case_1", "empty", ""),
    ]  # fmt: skip
    assert {("caso", "case:b", "fim"), ("caso", "default", "fim")} <= editor.links()


def test_intents_are_a_table_and_are_pasted_as_lines(editor: Editor) -> None:
    page = editor.page
    pick(editor, "ia")
    sentences = editor.field("intents/0/examples")
    sentences.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nqual o preço\n\n  qual o preço\n")  # blank and doubled lines don't count
    expect(page.get_by_test_id("intent-count")).to_have_text("22 frases")
    editor.field("intents/0/description").fill("Quer saber preço")
    page.get_by_test_id("paste-intents").click()
    page.get_by_test_id("intent-paste").fill("Rastrear:\ncadê meu pedido\nqual o preço\nComprar;vocês vendem fiado")
    page.get_by_test_id("intent-paste-use").click()
    expect(page.get_by_test_id("intent-count")).to_have_count(2)
    expect(page.locator('.ins [data-row="intents/0"]')).to_contain_text("também está em “Rastrear”")
    kept = config(editor, "ia")["intents"]
    assert [(i["id"], i["label"], i["examples"]) for i in kept] == [
        ("buy", "Comprar", ["quanto custa", "qual o preço", "vocês vendem fiado"]),
        ("intent_1", "Rastrear", ["cadê meu pedido", "qual o preço"]),
    ]
    assert kept[0]["description"] == "Quer saber preço"
    page.get_by_test_id("intent-sentence").fill("cadê o meu pedido?")
    expect(page.get_by_test_id("intent-result")).to_contain_text("Rastrear")


def test_shares_are_told_by_a_bar_and_spread_evenly(editor: Editor) -> None:
    page = editor.page
    pick(editor, "ab")
    expect(page.get_by_test_id("share-sum")).to_contain_text("150%")
    expect(page.get_by_test_id("share-bar").locator("i").first).to_have_text("33,3%")
    page.get_by_test_id("spread").click()
    expect(page.get_by_test_id("share-sum")).to_contain_text("A soma é 100")
    assert [branch["weight"] for branch in config(editor, "ab")["branches"]] == [34, 33, 33]
    editor.field("branches/0/weight").fill("100,5")
    expect(page.locator('.ins .err[role="alert"]')).to_be_visible()
    # What isn't kept yet stays with its row, wherever that goes.
    page.locator('.ins [data-row="branches/0"] .grip').focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(editor.field("branches/1/weight")).to_have_value("100,5")
    expect(editor.field("branches/0/weight")).to_have_value("33")
    page.get_by_test_id("undo").click()
    expect(editor.field("branches/0/weight")).to_have_value("100,5")
    page.locator('.ins [data-row="branches/0"]').get_by_test_id("remove-row").click()
    expect(editor.field("branches/0/weight")).to_have_value("33")
    page.get_by_test_id("undo").click()
    expect(editor.field("branches/0/weight")).to_have_value("100,5")
    page.get_by_test_id("redo").click()
    expect(editor.field("branches/0/weight")).to_have_value("33")
    page.get_by_test_id("undo").click()
    expect(editor.field("branches/0/weight")).to_have_value("100,5")
    editor.field("branches/0/weight").fill("12,5")
    expect(page.get_by_test_id("share-sum")).to_contain_text("78,5%")
    assert config(editor, "ab")["branches"][0] == {"id": "0", "label": "Via 0", "weight": 12.5}


def test_rows_go_to_another_section_with_id_exit_and_translation(editor: Editor) -> None:
    page = editor.page
    pick(editor, "lista")
    editor.saved()
    # By keyboard past the end of its section…
    page.locator('.ins [data-row="sections/0/rows/1"] .grip').focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator('.ins [data-row="sections/1/rows/0"] > .grip')).to_be_focused()
    expect(editor.field("sections/1/rows/0/title")).to_have_value("Trocar")
    document = editor.document()
    lista = next(item for item in document["nodes"] if item["id"] == "lista")
    assert [[row["id"] for row in section["rows"]] for section in lista["config"]["sections"]] == [
        ["track"], ["swap", "hours"],
    ]  # fmt: skip
    assert ("lista", "option:swap", "fim") in editor.links()
    assert document["translations"]["en"]["lista"]["/sections/1/rows/swap/title"]["text"] == "Exchange"
    # …and with the mouse, until its first section is empty; back into the empty one too.
    last = box_of(page.locator('.ins [data-row="sections/1/rows/1"]'))
    editor.drag(page.locator('.ins [data-row="sections/0/rows/0"] > .grip'), last["x"] + 8, last["y"] + last["height"])
    expect(page.locator('.ins [data-row^="sections/0/rows/"]')).to_have_count(0)
    expect(editor.field("sections/1/rows/2/title")).to_have_value("Rastrear")
    expect(page.locator(".ins .rws.inner .err")).to_be_visible()  # the verifier speaks; nothing moves any more
    empty = box_of(page.locator('.ins .rws.inner[data-path="sections/0/rows"]'))
    editor.drag(page.locator('.ins [data-row="sections/1/rows/1"] > .grip'), empty["x"] + 20, empty["y"] + 12)
    expect(editor.field("sections/0/rows/0/title")).to_have_value("Horários")
    # The sections themselves change places; the translated title goes along. One undo takes it back.
    page.locator('.ins [data-row="sections/0"] > .grip').focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(editor.field("sections/0/title")).to_have_value("Loja")
    assert editor.document()["translations"]["en"]["lista"] == {
        "/sections/1/title": {"text": "Orders", "source": "Pedidos"},
        "/sections/0/rows/swap/title": {"text": "Exchange", "source": "Trocar"},
    }
    page.get_by_test_id("canvas").focus()
    page.keyboard.press("Control+z")
    expect(editor.field("sections/0/title")).to_have_value("Pedidos")
    assert editor.document()["translations"]["en"]["lista"]["/sections/0/title"]["text"] == "Orders"
