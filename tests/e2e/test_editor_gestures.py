"""Every gesture of the canvas, by mouse, keyboard and finger, on the running product."""

import itertools
import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.editor_page import Editor, Person, box_of, picks, settled, small_flow
from tests.product import Product

pytestmark = pytest.mark.timeout(120)
Place = dict[str, float]


@pytest.fixture(scope="module")
def person(browser: Browser, running_app: Product) -> Iterator[Person]:
    somebody = Person(browser, running_app.url)
    yield somebody
    somebody.context.close()


@pytest.fixture
def editor(person: Person) -> Iterator[Editor]:
    page = Editor(person, person.flow(small_flow()))
    page.page.get_by_test_id("zoom-fit").click()
    settled(page.page)
    yield page
    page.park()


def places(editor: Editor) -> dict[str, Place]:
    """Where every block stands, as the server has it."""
    return {n["id"]: n["position"] for n in editor.document()["nodes"]}


def said(editor: Editor, words: str) -> None:
    """What a screen reader was told last."""
    expect(editor.page.get_by_test_id("canvas-said")).to_contain_text(words)


def frame_around(editor: Editor, *ids: str) -> str:
    """Put a frame around blocks; its id."""
    known = {n["id"] for n in editor.document()["nodes"]}
    editor.page.keyboard.press("Escape")
    for index, one in enumerate(ids):
        editor.card(one).locator(".hd, .gname").click(modifiers=["Shift"] if index else [])
    editor.page.keyboard.press("Control+g")
    frame = editor.page.locator(".react-flow__node-group.selected")
    expect(frame).to_have_count(1)
    found = str(frame.get_attribute("data-id"))
    assert found not in known
    return found


def test_blocks_are_selected_in_every_way(editor: Editor) -> None:
    page = editor.page
    low, high = box_of(editor.card("recusa")), box_of(editor.card("aceita"))
    page.keyboard.down("Shift")
    page.mouse.move(high["x"] - 20, high["y"] - 20)
    page.mouse.down()
    page.mouse.move(low["x"] + low["width"] + 8, low["y"] + low["height"] + 8, steps=6)
    page.mouse.up()
    page.keyboard.up("Shift")
    picks(editor, "aceita", "recusa")
    expect(page.get_by_test_id("selection-tools")).to_be_visible()
    page.keyboard.press("Escape")
    editor.card("menu").locator(".hd").click(modifiers=["Alt"])
    picks(editor, "menu", "aceita", "recusa")
    page.keyboard.press("Escape")
    editor.card("menu").locator(".hd").click(modifiers=["Alt", "Shift"])
    picks(editor, "inicio", "ola", "menu")
    page.keyboard.press("Escape")
    editor.select("ola")
    page.keyboard.press("Alt+Shift+ArrowRight")
    picks(editor, "ola", "menu", "aceita", "recusa")
    said(editor, "4 blocos selecionados")
    page.keyboard.press("Control+a")
    picks(editor, "inicio", "ola", "menu", "aceita", "recusa")
    page.keyboard.press("Escape")
    picks(editor)


def test_aligning_and_spreading(editor: Editor) -> None:
    page = editor.page
    editor.select("ola")
    editor.card("menu").locator(".hd").click(modifiers=["Shift"])
    editor.card("aceita").locator(".hd").click(modifiers=["Shift"])
    sizes = page.evaluate(
        "() => Object.fromEntries([...document.querySelectorAll('.react-flow__node')]"
        ".map((n) => [n.dataset.id, [n.offsetWidth, n.offsetHeight]]))"
    )
    start = places(editor)

    def edges(which: str) -> list[float]:
        now = places(editor)
        axis, part = ("x", 0) if which in ("left", "center", "right") else ("y", 1)
        share = {"left": 0, "top": 0, "center": 0.5, "middle": 0.5, "right": 1, "bottom": 1}[which]
        return [now[one][axis] + share * sizes[one][part] for one in ("ola", "menu", "aceita")]

    for which in ("left", "center", "right", "top", "middle", "bottom"):
        page.get_by_test_id(f"tool-{which}").click()
        lines = edges(which)
        assert max(lines) - min(lines) <= 16, which  # to the grid
        page.keyboard.press("Control+z")
        expect(page.get_by_test_id("redo")).to_be_enabled()
        assert places(editor) == start
    for which, axis, part in (("across", "x", 0), ("down", "y", 1)):
        page.get_by_test_id(f"tool-{which}").click()
        now = places(editor)
        row = sorted(("ola", "menu", "aceita"), key=lambda one: now[one][axis])
        gaps = [now[b][axis] - now[a][axis] - sizes[a][part] for a, b in itertools.pairwise(row)]
        assert max(gaps) - min(gaps) <= 16
        assert min(gaps) > 0
        page.keyboard.press("Control+z")
        expect(page.get_by_test_id("redo")).to_be_enabled()


def test_a_frame_carries_what_it_holds_in_one_step(editor: Editor) -> None:
    page = editor.page
    inner = frame_around(editor, "aceita", "recusa")
    outer = frame_around(editor, "menu", inner)
    before = places(editor)
    name = editor.card(outer).locator(".gname")
    box = box_of(name)
    with editor.frames.during() as seen:
        editor.drag(name, box["x"] + box["width"] / 2 - 40, box["y"] + 110, steps=20, drop=False)
        assert seen.up == []
        page.mouse.up()
        editor.saved()
    assert len(seen.up) == 1
    assert len(seen.up[0]) <= 1024
    after = places(editor)
    by = {one: (after[one]["x"] - before[one]["x"], after[one]["y"] - before[one]["y"]) for one in after}
    assert by[outer] != (0, 0)
    assert {by[one] for one in (outer, inner, "menu", "aceita", "recusa")} == {by[outer]}
    assert by["ola"] == by["inicio"] == (0, 0)
    page.keyboard.press("Control+z")
    expect(page.get_by_test_id("redo")).to_be_enabled()
    assert places(editor) == before  # one undo takes all of it back

    corner = editor.card(outer).locator(".gdot.bottom.right")
    at = box_of(corner)
    editor.drag(corner, at["x"] + 70, at["y"] + 50)
    config, place = editor.node(outer)["config"], editor.node(outer)["position"]
    assert config["width"] > 0
    corner = editor.card(outer).locator(".gdot.top.left")
    at = box_of(corner)
    editor.drag(corner, at["x"] - 60, at["y"] - 40)
    larger = editor.node(outer)
    assert larger["config"]["width"] > config["width"]
    assert larger["position"]["x"] < place["x"]
    page.keyboard.press("Control+z")
    expect(page.get_by_test_id("redo")).to_be_enabled()
    assert (editor.node(outer)["config"], editor.node(outer)["position"]) == (config, place)

    editor.card(outer).locator(".gname").dblclick()
    page.get_by_test_id("inline-edit").fill("Convite para a festa")
    page.keyboard.press("Enter")
    expect(editor.card(outer).locator(".gname")).to_have_text("Convite para a festa")
    editor.card(outer).locator(".gname").click(button="right")
    page.get_by_role("menuitemradio", name="Azul").click()
    assert {"text": "Convite para a festa", "color": "blue"}.items() <= editor.node(outer)["config"].items()
    page.keyboard.press("Control+Shift+l")
    expect(page.get_by_test_id("canvas-said")).to_contain_text("organizado")
    tidy, held = places(editor), editor.node(outer)
    for one in ("menu", "aceita", "recusa"):
        assert held["position"]["x"] <= tidy[one]["x"] <= held["position"]["x"] + held["config"]["width"]
    page.keyboard.press("Control+Shift+l")
    expect(page.get_by_text("Já está organizado")).to_be_visible()  # the same again changes nothing
    assert places(editor) == tidy
    editor.card(outer).locator(".gname").click()
    page.keyboard.press("Delete")
    expect(editor.card(outer)).to_have_count(0)
    expect(editor.card("menu")).to_have_count(1)  # the frame goes, its blocks stay


def test_texts_are_edited_where_they_stand(editor: Editor) -> None:
    page = editor.page
    editor.card("ola").locator(".hd").dblclick()
    box = page.get_by_test_id("inline-edit")
    expect(box).to_be_focused()
    box.fill("Boas-vindas c/f?")
    page.keyboard.press("Delete")
    page.keyboard.press("Enter")
    assert editor.node("ola")["title"] == "Boas-vindas c/f?"
    page.keyboard.press("F2")
    box.fill("outra coisa")
    page.keyboard.press("Escape")
    assert editor.node("ola")["title"] == "Boas-vindas c/f?"
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(box).to_be_focused()
    page.keyboard.type("Conferir com a *Ana*")
    page.keyboard.press("Control+Enter")
    note = page.locator(".react-flow__node-note")
    expect(note.locator("b")).to_have_text("Ana")
    note.locator(".sticky").dblclick()
    box.fill("Conferido")
    page.get_by_test_id("canvas").focus()  # leaving keeps it
    expect(note).to_have_text("Conferido")
    assert [n["config"]["text"] for n in editor.document()["nodes"] if n["type"] == "note"] == ["Conferido"]


def test_menus_offer_what_fits(editor: Editor) -> None:
    page = editor.page
    menu = page.get_by_test_id("canvas-menu")
    path = page.locator('.react-flow__edge[data-id="inicio:next"] path').first
    at = box_of(path)
    page.mouse.click(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2, button="right")
    page.get_by_test_id("menu-insert_here").click()
    quick = page.get_by_test_id("quick")
    expect(quick.get_by_test_id("quick-trigger_keyword")).to_have_count(0)  # nothing that can't stand between
    expect(quick.get_by_test_id("quick-end")).to_have_count(0)
    page.get_by_test_id("quick-search").fill("pausa")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    pause = next(n["id"] for n in editor.document()["nodes"] if n["type"] == "delay")
    assert {("inicio", "next", pause), (pause, "next", "ola")} <= editor.links()

    editor.card("menu").locator(".hd").click(button="right")
    picks(editor, "menu")
    expect(menu.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("End")
    expect(menu.get_by_role("menuitem").last).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    page.keyboard.press("Shift+F10")
    page.get_by_test_id("menu-unplug").click()
    assert not [link for link in editor.links() if "menu" in (link[0], link[2])]
    page.keyboard.press("Control+z")
    expect(page.get_by_test_id("redo")).to_be_enabled()

    x, y = editor.free_spot()
    page.mouse.click(x, y, button="right")
    page.get_by_test_id("menu-add_note").click()
    expect(page.get_by_test_id("inline-edit")).to_be_focused()
    page.keyboard.type("Aqui")
    page.mouse.click(x, y - 300)
    expect(page.locator(".react-flow__node-note")).to_have_text("Aqui")
    page.mouse.click(x + 60, y - 300, button="right")
    page.mouse.click(x, y - 330)  # a click elsewhere closes it
    expect(menu).to_have_count(0)


def test_a_loose_block_let_go_on_an_edge_goes_between(editor: Editor) -> None:
    page = editor.page
    x, y = editor.free_spot()
    editor.from_palette("msg_text", x, y)
    loose = next(n["id"] for n in editor.document()["nodes"] if n["id"].startswith("text_"))
    at = box_of(page.locator('.react-flow__edge[data-id="ola:next"] path').first)
    editor.drag(editor.card(loose).locator(".hd"), at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    assert {("ola", "next", loose), (loose, "next", "menu")} <= editor.links()
    page.keyboard.press("Control+z")
    expect(page.get_by_test_id("redo")).to_be_enabled()
    assert ("ola", "next", "menu") in editor.links()  # place and links were one step


def test_an_exit_in_space_offers_only_what_can_follow(editor: Editor) -> None:
    page = editor.page
    x, y = editor.free_spot()
    editor.drag(editor.port("menu", "timeout"), x, y)
    quick = page.get_by_test_id("quick")
    expect(quick.locator(".pi.g-message").first).to_be_visible()
    assert quick.locator(".pi.g-trigger").count() == 0
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(quick.locator(".pi").nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_test_id("quick-search")).to_be_focused()
    page.keyboard.press("Escape")
    expect(quick).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("agradecer não existe")
    expect(page.locator(".pal .pi")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("canvas")).to_be_focused()


def test_finding_in_the_flow(editor: Editor) -> None:
    page = editor.page
    page.keyboard.press("Control+f")
    page.keyboard.type("sabado")  # without its accent
    count = page.get_by_test_id("find-count")
    expect(count).to_have_text("1 de 1")
    expect(editor.card("aceita")).to_have_class(re.compile(r"\bnow\b"))
    find = page.get_by_test_id("find-input")
    find.fill("first_name")
    expect(editor.card("ola")).to_have_class(re.compile(r"\bhit\b"))
    find.fill("msg_text")
    expect(count).to_have_text("1 de 3")
    page.keyboard.press("Enter")
    expect(count).to_have_text("2 de 3")
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("ArrowUp")
    expect(count).to_have_text("3 de 3")
    find.fill("nada disso")
    expect(count).to_have_text("Nada encontrado")
    find.fill("recusa")
    expect(count).to_have_text("1 de 1")
    page.keyboard.press("Escape")
    picks(editor, "recusa")
    expect(page.locator(".react-flow__node.hit")).to_have_count(0)


def test_shortcuts_are_ones_own(editor: Editor) -> None:
    page = editor.page
    page.keyboard.press("?")
    page.get_by_test_id("key-fit_selection").click()
    page.keyboard.press("Control+z")
    expect(page.locator(".kprob")).to_contain_text("Desfazer")  # told whose they are
    page.keyboard.press("Escape")
    page.get_by_test_id("key-find").click()
    page.keyboard.press("Control+t")
    expect(page.locator(".kprob")).to_contain_text("navegador")
    page.keyboard.press("g")
    expect(page.get_by_test_id("key-find")).to_have_text("G")
    page.get_by_test_id("key-all").click()
    page.keyboard.press("f")
    page.get_by_test_id("key-replace").click()
    expect(page.get_by_test_id("key-fit")).to_have_text("nenhuma")  # lost to the other
    page.keyboard.press("Escape")
    editor.open()  # kept in this browser
    page.get_by_test_id("canvas").focus()
    page.keyboard.press("Control+f")
    expect(page.get_by_test_id("find")).to_have_count(0)
    page.keyboard.press("g")
    expect(page.get_by_test_id("find-input")).to_be_focused()
    page.keyboard.type("g")  # a text field keeps its letters
    expect(page.get_by_test_id("find-input")).to_have_value("g")
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    picks(editor, "inicio", "ola", "menu", "aceita", "recusa")
    page.keyboard.press("?")
    page.get_by_test_id("keys-reset").click()
    expect(page.get_by_test_id("key-find")).to_have_text("Ctrl F")
    expect(page.get_by_test_id("key-fit")).to_have_text("F")
    page.keyboard.press("Escape")


def test_the_keyboard_alone_builds_and_publishes(person: Person) -> None:
    editor = Editor(person, person.flow())
    page = editor.page
    page.get_by_test_id("canvas").focus()
    page.keyboard.press("Tab")  # to the first block: the start
    said(editor, "Início")
    page.keyboard.press("a")
    page.keyboard.type("botões")
    page.keyboard.press("Enter")
    page.locator(".react-flow__node-msg_buttons.selected").wait_for()
    page.keyboard.press("Enter")  # into its first field
    page.keyboard.type("Posso ajudar?")
    editor.field("buttons/0/title").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("Quero comprar")
    page.get_by_test_id("canvas").focus()
    menu = next(n for n in editor.document()["nodes"] if n["type"] == "msg_buttons")
    for one in range(1, len(menu["config"]["buttons"])):  # whatever the block began with
        assert one >= 1
    page.keyboard.press("c")
    expect(page.get_by_test_id("link-panel")).to_be_visible()
    page.keyboard.press("Enter")  # its first exit
    page.keyboard.press("ArrowUp")  # the last choice: a new block
    page.keyboard.press("Enter")
    page.keyboard.type("texto")
    page.keyboard.press("Enter")
    page.locator(".react-flow__node-msg_text.selected").wait_for()
    page.keyboard.press("Enter")
    page.keyboard.type("Que bom! Já mando o catálogo.")
    page.get_by_test_id("canvas").focus()
    text = next(n["id"] for n in editor.document()["nodes"] if n["type"] == "msg_text")
    page.keyboard.press("Alt+ArrowLeft")  # back along the link
    said(editor, "Botões")
    ports = [f"option:{b['id']}" for b in menu["config"]["buttons"][1:]]
    for index, port in enumerate(ports, start=1):
        page.keyboard.press("c")
        for _ in range(index):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.keyboard.type("texto")
        expect(editor.card(text)).to_have_class(re.compile(r"\baim\b"))
        page.keyboard.press("Enter")
        said(editor, "ligado a Texto")
        assert (menu["id"], port, text) in editor.links()
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    moved = editor.node(text)["position"]
    assert moved["x"] % 16 == 0
    page.get_by_test_id("tab-check").wait_for()
    page.keyboard.press("Control+Enter")
    page.get_by_test_id("confirm-publish").wait_for()
    expect(page.get_by_test_id("confirm-publish")).to_be_enabled()
    page.get_by_test_id("confirm-publish").press("Enter")
    expect(page.get_by_test_id("flow-badge")).to_contain_text("v1")
    editor.done()


def test_blocks_go_from_flow_to_flow(editor: Editor, person: Person) -> None:
    page = editor.page
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    other = Editor(person, person.flow())
    other.page.get_by_test_id("canvas").focus()
    other.page.keyboard.press("Control+v")
    expect(other.page.locator(".react-flow__node")).to_have_count(6)
    copy = other.document()
    assert {n["title"] for n in copy["nodes"]} >= {"Saudação", "Quer vir?"}
    assert not {n["id"] for n in copy["nodes"]} & {"ola", "menu"}  # under ids of their own
    menu = next(n for n in copy["nodes"] if n["type"] == "msg_buttons")
    assert {e["port"] for e in copy["edges"] if e["source"] == menu["id"]} == {"option:sim", "option:nao"}
    for junk, told in (
        ("olá", "Não há blocos"),
        ('{"pytake":"nodes","nodes":"x"}', "Não há blocos"),
        ('{"pytake":"nodes","nodes":[{"id":"a","type":"msg_text","config":[],"position":{"x":1,"y":1}}]}', "Não há"),
        ("[" * 50_000, "Não há blocos"),
        (
            json.dumps(
                {
                    "pytake": "nodes",
                    "nodes": [
                        {"id": f"n{i}", "type": "end", "config": {}, "position": {"x": i, "y": 0}} for i in range(501)
                    ],
                }
            ),
            "demais",
        ),
    ):
        other.page.evaluate("(text) => navigator.clipboard.writeText(text)", junk)
        other.page.keyboard.press("Control+v")
        expect(other.page.get_by_text(told).first).to_be_visible()
    assert other.document() == copy
    other.done()
    editor.select("ola")
    page.keyboard.press("Control+x")
    expect(editor.card("ola")).to_have_count(0)
    page.keyboard.press("j")  # joins the neighbours, as the message offers
    assert ("inicio", "next", "menu") in editor.links()
    page.keyboard.press("Control+v")
    expect(page.locator(".react-flow__node")).to_have_count(5)


def test_a_drag_survives_a_lost_connection(person: Person) -> None:
    editor = Editor(person, person.flow(small_flow()))
    page = editor.page
    head = editor.card("aceita").locator(".hd")
    box = box_of(head)
    editor.drag(head, box["x"] + 90, box["y"] - 60, drop=False)
    person.context.set_offline(True)
    page.mouse.move(box["x"] + 120, box["y"] - 100, steps=4)
    page.mouse.up()
    expect(page.get_by_test_id("saved-state")).to_have_attribute("data-state", re.compile("saving|offline"))
    there = box_of(editor.card("aceita"))
    assert there["y"] < box["y"] - 50  # it stays where it was let go
    person.context.set_offline(False)
    editor.saved()
    assert editor.node("aceita")["position"]["y"] < -96
    editor.open()
    assert editor.node("aceita")["position"]["y"] < -96
    editor.done()
