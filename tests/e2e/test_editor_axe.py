"""axe on everything that opens in the editor, and on the pages that lead to it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.e2e.axe import complaints
from tests.e2e.editor_page import Editor, Json, Person, node, small_flow
from tests.product import Product

pytestmark = pytest.mark.timeout(120)


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
