"""The canvas under fingers, every card of the catalogue, and what axe-core says of all of it."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from pytake_app.ui.canvas.specs import node_specs
from tests.e2e.axe import complaints
from tests.e2e.editor_page import Editor, Json, Person, box_of, edge, node, picks, settled, small_flow
from tests.product import Product
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(120)


class Fingers:
    """Fingers on the screen, as the browser hears of them."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)

    def send(self, kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": at})


def view(page: Page) -> tuple[float, float, float]:
    """x, y and zoom of the canvas."""
    style = page.evaluate("() => document.querySelector('.react-flow__viewport').style.transform")
    numbers = [float(one) for one in re.findall(r"-?[\d.]+(?=px|\))", str(style))]
    return numbers[0], numbers[1], numbers[2]


def fit(page: Page) -> None:
    """Show the whole flow, from a view that shows something else: a tap's click comes some time after the finger."""
    before = view(page)
    page.get_by_test_id("zoom-fit").tap()
    wait_until(lambda: view(page) != before)
    settled(page)


def bare_spot(page: Page) -> tuple[float, float]:
    """A point of the canvas with no card under it, nor just left of it."""
    x, y = page.evaluate(
        """() => { for (let y = 640; y > 200; y -= 20) for (let x = 300; x > 100; x -= 20)
            if ([0, 60].every((by) => document.elementFromPoint(x - by, y)?.matches(".react-flow__pane")))
              return [x, y]; }"""
    )
    return float(x), float(y)


def test_fingers_on_a_phone(browser: Browser, running_app: Product) -> None:
    person = Person(browser, running_app.url, has_touch=True, is_mobile=True)
    editor = Editor(person, person.flow(small_flow()))
    page = editor.page
    page.set_viewport_size({"width": 390, "height": 844})
    fit(page)
    x, y, zoom = view(page)
    fingers = Fingers(page)
    left, top = bare_spot(page)
    fingers.send("Start", (left, top))
    for step in range(1, 6):
        fingers.send("Move", (left - 12 * step, top - 8 * step))
    fingers.send("End")
    wait_until(lambda: view(page)[0] < x - 30 and view(page)[1] < y - 15)
    settled(page)
    left, top = bare_spot(page)
    fingers.send("Start", (left - 60, top), (left, top))
    for step in range(1, 6):
        fingers.send("Move", (left - 60 - 14 * step, top), (left + 14 * step, top))
    fingers.send("End")
    wait_until(lambda: view(page)[2] > zoom * 1.3)
    settled(page)
    fit(page)

    box = box_of(editor.card("menu").locator(".hd"))
    point = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    menu = page.get_by_test_id("canvas-menu")
    fingers.send("Start", point)
    expect(menu).to_be_visible()
    stood = view(page), box_of(editor.card("menu"))
    fingers.send("Move", (point[0] + 60, point[1] + 60))  # under the menu a finger moves nothing
    fingers.send("End")
    expect(menu).to_be_visible()  # the finger's leaving doesn't close it
    assert (view(page), box_of(editor.card("menu"))) == stood
    assert complaints(page) == []
    page.get_by_test_id("menu-select_more").tap()
    editor.card("ola").locator(".hd").tap()
    picks(editor, "menu", "ola")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    picks(editor)
    page.get_by_test_id("phone-add").tap()
    page.get_by_test_id("quick-search").fill("fim")
    page.get_by_test_id("quick-end").tap()
    page.locator(".react-flow__node-end").wait_for()
    assert [n["type"] for n in editor.document()["nodes"]].count("end") == 1
    editor.done()
    person.context.close()


def every_type() -> Json:
    """A flow with one block of every type of the catalogue."""
    nodes: list[Any] = [
        node(f"n_{name}", name, (index % 7) * 336, (index // 7) * 420, **spec.default)
        for index, (name, spec) in enumerate(node_specs().items())
    ]
    return {"name": "Catálogo", "nodes": nodes, "edges": [edge("n_start", "next", "n_msg_text")]}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_type_has_its_card_and_axe_finds_nothing_serious(
    browser: Browser, running_app: Product, theme: Any
) -> None:
    person = Person(browser, running_app.url, color_scheme=theme)
    document = every_type()
    editor = Editor(person, person.flow(document))
    page = editor.page
    page.get_by_test_id("zoom-fit").click()
    settled(page)
    shown: dict[str, Json] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".react-flow__node")]
          .map((card) => [card.dataset.id, {
          kind: card.className.match(/react-flow__node-(\\w+)/)[1],
          title: card.querySelector(".ti")?.textContent.trim() ?? "",
          icon: Boolean(card.querySelector(".hd .tile svg")),
        }]))"""
    )
    assert {one["id"]: one["type"] for one in document["nodes"]} == {key: card["kind"] for key, card in shown.items()}
    for card in shown.values():
        assert card["kind"] in ("note", "group") or (card["icon"] and card["title"] not in ("", card["kind"]))
    page.get_by_test_id("canvas").focus()
    page.keyboard.press("Control+a")
    page.get_by_test_id("selection-tools").wait_for()
    assert complaints(page) == []
    page.keyboard.press("Escape")
    editor.card("n_msg_text").locator(".hd").click()
    for keys, part in (
        ("Control+f", ".findbar"),
        ("c", ".lkp"),
        ("Shift+F10", ".cxm"),
        ("a", ".quick"),
        ("?", ".ov"),
    ):
        page.get_by_test_id("canvas").focus()
        page.keyboard.press(keys)
        page.locator(part).wait_for()
        assert complaints(page, part) == []
        page.keyboard.press("Escape")
        expect(page.locator(part)).to_have_count(0)
    editor.done()
    person.context.close()
