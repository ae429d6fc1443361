"""Drawing a conversation in a real browser on the running product."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.editor_page import Editor, Person, box_of, small_flow, type_steadily
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


def test_a_flow_is_drawn_published_and_tried(person: Person) -> None:
    editor = Editor(person, person.flow())
    page = editor.page
    x, y = editor.free_spot()
    page.get_by_text("Gatilhos").click()
    editor.from_palette("trigger_keyword", x - 340, y - 300)
    trigger = page.locator(".react-flow__node-trigger_keyword").get_attribute("data-id") or ""
    editor.field("words").fill("promo")
    editor.field("words").press("Enter")
    editor.from_palette("msg_text", x + 330, y - 440)
    message = page.locator(".react-flow__node-msg_text").get_attribute("data-id") or ""
    editor.field("body").fill("Hoje tem 20% de desconto!")
    editor.connect(trigger, "next", message)
    start = page.locator(".react-flow__node-start").get_attribute("data-id") or ""
    expect(editor.card(start).locator(".prob:not(.am)")).to_have_text("1")  # an exit that leads nowhere
    page.get_by_test_id("tab-check").click()
    errors = page.locator('[data-testid=finding][data-severity="error"]')
    expect(errors).to_have_count(1)
    editor.connect(start, "next", message)
    expect(errors).to_have_count(0)
    expect(editor.card(start).locator(".prob:not(.am)")).to_have_count(0)
    document = editor.document()
    assert {n["type"] for n in document["nodes"]} >= {"trigger_keyword", "msg_text"}
    assert (trigger, "next", message) in editor.links()
    assert editor.node(message)["config"]["body"] == "Hoje tem 20% de desconto!"

    page.keyboard.press("Escape")
    page.get_by_test_id("publish").click()
    page.get_by_test_id("confirm-publish").click()
    expect(page.get_by_test_id("flow-badge")).to_contain_text("v1")
    assert person.get(f"/flows/{editor.flow_id}")["live_version"] == 1

    page.get_by_test_id("test").click()
    page.get_by_test_id("preview-input").fill("quero promo")
    page.get_by_test_id("preview-input").press("Enter")
    expect(page.get_by_test_id("preview-in")).to_contain_text("20% de desconto")
    expect(editor.card(message).locator(".nd")).to_have_class(re.compile(r"\b(lit|here)\b"))
    editor.done()


def test_typing_is_one_frame_and_dragging_none(editor: Editor) -> None:
    page = editor.page
    editor.select("ola")
    area = editor.field("body")
    area.click()
    area.press("End")
    with editor.frames.during() as typed:
        type_steadily(area, " Que bom ter você por aqui! Vamos conversar sobre a festa?")
        editor.saved()
    assert 1 <= len(typed.up) <= 2
    assert editor.node("ola")["config"]["body"].endswith("sobre a festa?")

    head = editor.card("aceita").locator(".hd")
    box = box_of(head)
    with editor.frames.during() as dragged:
        editor.drag(head, box["x"] + 190, box["y"] + 90, steps=40, drop=False)
        page.wait_for_timeout(300)  # time in which something could be sent
    assert dragged.up == []
    with editor.frames.during() as dropped:
        page.mouse.up()
        editor.saved()
    assert len(dropped.up) == 1
    assert sum(map(len, dropped.up)) <= 1024
    assert max(map(len, dropped.down)) <= 1024
    assert editor.node("aceita")["position"] != {"x": 1056.0, "y": -96.0}
    assert editor.node("aceita")["position"]["x"] % 16 == 0


def test_no_frame_carries_the_document(editor: Editor) -> None:
    editor.select("menu")
    editor.field("body").fill("Vem?")
    editor.saved()
    for frame in (*editor.frames.up, *editor.frames.down):
        assert "fica para a próxima" not in frame
        assert len(frame) < 8 * 1024


def test_a_block_dropped_on_an_edge_goes_between(editor: Editor) -> None:
    path = editor.page.locator('.react-flow__edge[data-id="inicio:next"] path').first
    box = box_of(path)
    editor.from_palette("question", box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    question = next(n["id"] for n in editor.document()["nodes"] if n["type"] == "question")
    assert {("inicio", "next", question), (question, "answered", "ola")} <= editor.links()
    assert ("inicio", "next", "ola") not in editor.links()
    editor.page.get_by_test_id("undo").click()
    editor.page.wait_for_selector(f'.react-flow__node[data-id="{question}"]', state="detached")
    assert ("inicio", "next", "ola") in editor.links()  # one undo takes back block and links


def test_a_connection_let_go_in_space_offers_blocks(editor: Editor) -> None:
    x, y = editor.free_spot()
    editor.drag(editor.port("menu", "other"), x, y)
    editor.page.get_by_test_id("quick-search").fill("fila")
    editor.page.get_by_test_id("quick-search").press("Enter")
    queue = next(n["id"] for n in editor.document()["nodes"] if n["type"] == "action_transfer_to_queue")
    assert ("menu", "other", queue) in editor.links()


def test_a_port_has_one_edge_and_triggers_take_none(editor: Editor) -> None:
    editor.connect("menu", "option:sim", "recusa")
    assert {link for link in editor.links() if link[1] == "option:sim"} == {("menu", "option:sim", "recusa")}
    before = editor.links()
    box = box_of(editor.card("inicio"))
    editor.drag(editor.port("aceita", "next"), box["x"] + 40, box["y"] + 40)
    assert editor.links() == before


def test_deleting_offers_to_join_the_neighbours(editor: Editor) -> None:
    editor.select("ola")
    editor.page.keyboard.press("Delete")
    expect(editor.card("ola")).to_have_count(0)
    editor.page.get_by_role("button", name="Ligar vizinhos").click()
    expect(editor.page.locator(".react-flow__edge")).to_have_count(3)
    assert ("inicio", "next", "menu") in editor.links()


def test_copy_paste_duplicate_and_select_all(editor: Editor) -> None:
    page = editor.page
    editor.select("aceita")
    page.keyboard.press("Control+d")
    expect(page.locator(".react-flow__node-msg_text")).to_have_count(4)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+v")
    expect(page.locator(".react-flow__node")).to_have_count(12)
    document = editor.document()
    assert len(document["nodes"]) == 12
    assert len(document["edges"]) == 8  # links among the copied blocks are copied too
    assert len({n["id"] for n in document["nodes"]}) == 12
    page.keyboard.press("Control+z")
    expect(page.locator(".react-flow__node")).to_have_count(6)


def test_pasted_junk_changes_nothing_and_is_told(editor: Editor) -> None:
    page = editor.page
    before = editor.document()
    page.evaluate('navigator.clipboard.writeText(\'{"pytake":"nodes","nodes":[{"type":"bomb"}]}\')')
    page.keyboard.press("Control+v")
    expect(page.get_by_text("Não há blocos do PyTake")).to_be_visible()
    page.evaluate("navigator.clipboard.writeText('x'.repeat(2_000_001))")
    page.keyboard.press("Control+v")
    expect(page.get_by_text("Isso é grande demais para colar")).to_be_visible()
    assert editor.document() == before


def test_fields_keep_their_keys(editor: Editor) -> None:
    page = editor.page
    editor.select("ola")
    area = editor.field("body")
    area.fill("abc")
    area.press("Backspace")
    area.press("Delete")
    area.type("/?f[ t")
    expect(area).to_have_value("ab/?f[ t")
    expect(editor.card("ola")).to_have_count(1)
    expect(page.locator(".ov")).to_have_count(0)


def test_the_keyboard_alone_moves_edits_and_deletes(editor: Editor) -> None:
    page = editor.page
    editor.select("recusa")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    assert editor.node("recusa")["position"] == {"x": 1072.0, "y": 224.0}
    page.keyboard.press("Enter")
    expect(editor.field("body")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_test_id("palette-search")).not_to_be_focused()  # still typing in a field
    page.keyboard.press("Control+z")
    page.keyboard.press("Escape")  # leaves the panel
    expect(page.get_by_test_id("canvas")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_test_id("palette-search")).to_be_focused()
    page.keyboard.type("fim")
    page.keyboard.press("Enter")
    assert ("recusa", "next") in {link[:2] for link in editor.links()}  # added after the selected block


def test_auto_layout_is_one_step(editor: Editor) -> None:
    page = editor.page
    before = {n["id"]: n["position"] for n in editor.document()["nodes"]}
    page.get_by_test_id("arrange").click()
    after = {n["id"]: n["position"] for n in editor.document()["nodes"]}
    assert before != after
    assert after["inicio"]["x"] < after["ola"]["x"] < after["menu"]["x"] < after["aceita"]["x"]
    assert after["aceita"]["y"] < after["recusa"]["y"]  # the order of the exits is the reading order
    page.get_by_test_id("undo").click()
    expect(page.get_by_test_id("redo")).to_be_enabled()
    assert {n["id"]: n["position"] for n in editor.document()["nodes"]} == before


def test_renaming_an_option_keeps_its_id_and_link(editor: Editor) -> None:
    page = editor.page
    editor.select("menu")
    editor.field("buttons/0/title").fill("Com certeza")
    expect(editor.card("menu").locator(".pr.bt").first).to_have_text("Com certeza")
    assert editor.node("menu")["config"]["buttons"][0] == {"id": "sim", "title": "Com certeza"}
    page.get_by_test_id("add-row").first.click()
    editor.field("buttons/2/title").fill("Talvez")
    expect(page.get_by_test_id("add-row").first).to_be_disabled()  # three is the limit
    new = editor.node("menu")["config"]["buttons"][2]["id"]
    editor.connect("menu", f"option:{new}", "recusa")  # the new exit can be connected at once
    assert ("menu", f"option:{new}", "recusa") in editor.links()
    page.get_by_test_id("remove-row").first.click()
    expect(editor.card("menu").locator(".pr.bt")).to_have_count(2)
    assert "option:sim" not in {link[1] for link in editor.links()}  # its link went with it


def test_rows_are_sorted_by_dragging_and_by_keys(editor: Editor) -> None:
    editor.select("menu")
    grips = editor.page.locator(".ins .rw .grip")
    grips.nth(0).drag_to(editor.page.locator(".ins .rw").nth(1), target_position={"x": 30, "y": 34})
    expect(editor.card("menu").locator(".pr.bt").first).to_have_text("Agora não")
    grips.nth(0).focus()
    editor.page.keyboard.press("Alt+ArrowDown")
    expect(editor.card("menu").locator(".pr.bt").first).to_have_text("Sim, quero")
    assert [b["id"] for b in editor.node("menu")["config"]["buttons"]] == ["sim", "nao"]


def test_variables_are_picked_by_typing_braces(editor: Editor) -> None:
    editor.select("recusa")
    area = editor.field("body")
    area.fill("")
    area.press_sequentially("Até mais, {{first")
    editor.page.keyboard.press("Enter")
    expect(area).to_have_value("Até mais, {{ contact.first_name }}")
    expect(editor.card("recusa").locator(".bub .var")).to_have_text("first_name")
    assert editor.node("recusa")["config"]["body"] == "Até mais, {{ contact.first_name }}"
