"""Versions and runs in the browser: compare, publish amid conversations, roll back, schedule; figures, one run."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.editor_page import Editor, Person, small_flow
from tests.product import Product
from tests.waiting import wait_until


@pytest.fixture
def person(browser: Browser, running_app: Product) -> Person:
    return Person(browser, running_app.url)


def call(person: Person, method: str, path: str, body: Any = None) -> Any:
    answer = person.context.request.fetch(
        f"{person.url}/api/v1{path}", method=method, headers=person.bearer, **({"data": body} if body else {})
    )
    assert answer.ok, answer.text()
    return answer.json()


def edit(person: Person, flow: str, *operations: dict[str, Any]) -> None:
    call(person, "POST", f"/flows/{flow}/operations", {"operations": list(operations)})


def talk(person: Person, flow: str, phone: str, choice: str | None) -> str:
    """A contact's run: started, and answered with a button if `choice` says so."""
    started = call(person, "POST", "/flows/start", {"flow_id": flow, "contact_id": phone})
    if choice:
        call(person, "POST", "/flows/process", {"session_id": started["id"], "selection_id": choice})
    return str(started["id"])


def publish(person: Person, flow: str, note: str = "") -> None:
    call(person, "POST", f"/flows/{flow}/publish", {"note": note})


def test_versions(person: Person) -> None:
    flow = person.flow(small_flow())
    publish(person, flow, "primeira")
    edit(person, flow, {"op": "move_nodes", "positions": {"recusa": {"x": 1056, "y": 320}}})
    publish(person, flow)
    edit(person, flow, {"op": "update_config", "id": "ola", "patch": {"body": "Oi! Tudo bem?"}})
    publish(person, flow, "texto novo")
    talk(person, flow, "+5511987650001", None)
    editor = Editor(person, flow)
    page = editor.page

    # A draft that only moved blocks says so; a real change has its field before and after.
    edit(person, flow, {"op": "move_nodes", "positions": {"recusa": {"x": 1056, "y": 400}}})
    expect(page.get_by_test_id("changes")).to_have_text(re.compile("Só a posição"), timeout=15_000)
    edit(
        person,
        flow,
        {"op": "update_config", "id": "aceita", "patch": {"body": "Combinado!"}},
        {"op": "delete_nodes", "ids": ["menu"]},
        {"op": "add_node", "node": {"id": "pausa", "type": "wait_for_reply", "position": {"x": 704, "y": 200}}},
        {"op": "connect", "source": "ola", "port": "next", "target": "pausa"},
        {"op": "connect", "source": "pausa", "port": "replied", "target": "aceita"},
        {"op": "delete_nodes", "ids": ["recusa"]},
    )
    page.get_by_test_id("tab-versions").click()
    expect(page.get_by_test_id("version")).to_have_count(2)
    page.get_by_test_id("layout-versions").click()
    expect(page.get_by_test_id("version")).to_have_count(3)
    expect(page.get_by_test_id("draft-size")).to_contain_text("1 novo")
    page.get_by_test_id("see-changes").click()
    for node, kind in {"aceita": "changed", "menu": "removed", "pausa": "added", "inicio": "same"}.items():
        expect(page.get_by_test_id(f"mark-{node}")).to_have_attribute("data-kind", kind)
    changed = page.locator('[data-testid="change"][data-kind="changed"]')
    expect(changed.locator("del")).to_have_text("Que bom! Até sábado.")
    expect(changed.locator("ins")).to_have_text("Combinado!")
    page.keyboard.press("j")
    expect(page.get_by_test_id("change").first).to_have_attribute("aria-pressed", "true")
    page.get_by_test_id("compare-target").select_option("1")
    expect(page.get_by_test_id("mark-menu")).to_have_attribute("data-kind", "same")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("mark-inicio")).to_have_count(0)

    # Publishing: who waits at the removed block moves on to another one. Another tab was quicker: nothing is lost.
    page.get_by_test_id("publish").click()
    page.get_by_test_id("parked-menu").select_option("pausa")
    call(person, "POST", f"/flows/{flow}/rollback", {"version": 1})
    page.get_by_test_id("confirm-publish").click()
    expect(page.get_by_test_id("publish-error")).to_contain_text("versão 4")
    expect(page.get_by_test_id("parked-menu")).to_have_value("")
    page.get_by_test_id("parked-menu").select_option("pausa")
    page.get_by_test_id("confirm-publish").click()
    expect(page.get_by_test_id("flow-badge")).to_contain_text("v5")
    (row,) = person.get(f"/flows/sessions/active?flow_id={flow}")["items"]
    assert (row["current_node"], row["version"]) == ("pausa", 5)

    # One confirmation rolls back; restoring is an edit that can be undone.
    page.locator('[data-testid="version"][data-version="3"] [data-testid="roll-back"]').click()
    page.get_by_test_id("confirm-roll-back").click()
    expect(page.get_by_test_id("flow-badge")).to_contain_text("v6")
    page.locator('[data-testid="version"][data-version="1"] [data-testid="restore-version"]').click()
    expect(editor.card("menu")).to_be_visible()
    page.get_by_test_id("undo").click()
    expect(editor.card("pausa")).to_be_visible()

    # Later: by the organization's clock, listed, taken back; and one that is due goes live by itself.
    page.get_by_test_id("publish").click()
    page.get_by_test_id("publish-later-true").click()
    page.get_by_test_id("publish-at").fill("2020-01-01T09:00")
    page.get_by_test_id("confirm-publish").click()
    expect(page.get_by_test_id("publish-error")).to_be_visible()
    later = datetime.now(ZoneInfo("America/Sao_Paulo")) + timedelta(days=2)
    page.get_by_test_id("publish-at").fill(f"{later:%Y-%m-%dT}09:30")
    page.get_by_test_id("confirm-publish").click()
    expect(page.get_by_test_id("publication")).to_contain_text("09:30")
    page.get_by_test_id("cancel-publication").click()
    page.get_by_test_id("cancel-publication-sure").click()
    expect(page.get_by_test_id("publication")).to_have_count(0)
    soon = datetime.now(ZoneInfo("UTC")) + timedelta(seconds=2)
    call(person, "POST", f"/flows/{flow}/publications", {"publish_at": soon.isoformat()})
    wait_until(lambda: person.get(f"/flows/{flow}")["live_version"] == 7, timeout=20)
    expect(page.get_by_test_id("flow-badge")).to_contain_text("v7")
    editor.done()


def test_runs(person: Person) -> None:
    flow = person.flow(small_flow())
    publish(person, flow)
    for number in range(3):
        talk(person, flow, f"+551198765010{number}", "sim")
    talk(person, flow, "+5511987650110", "nao")
    talk(person, flow, "+5511987650111", None)
    editor = Editor(person, flow)
    page = editor.page
    page.get_by_test_id("mode-runs").click()
    expect(page.get_by_test_id("run-started")).to_have_text("5")
    expect(page.get_by_test_id("run-completed")).to_have_text("80%")
    expect(page.get_by_test_id("run-legend")).to_be_visible()
    expect(page.get_by_test_id("figures-menu")).to_contain_text("5")
    expect(page.get_by_test_id("figures-aceita")).to_contain_text("3")
    expect(page.get_by_test_id("canvas")).to_contain_text("60%")
    expect(page.locator(".pal")).to_be_hidden()
    expect(page.get_by_test_id("run")).to_have_count(5)

    editor.select("aceita")
    expect(page.get_by_test_id("node-reached")).to_have_text("3")
    expect(page.get_by_test_id("run")).to_have_count(3)

    page.get_by_test_id("run").first.click()
    expect(page.get_by_test_id("run-step").first).to_have_attribute("aria-current", "step")
    steps = page.get_by_test_id("run-step").count()
    for _ in range(steps):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("run-step").last).to_have_attribute("aria-current", "step")
    expect(editor.card("aceita").locator(".nd.here")).to_be_visible()
    expect(page.get_by_test_id("runs-panel")).to_contain_text("Que bom! Até sábado.")
    page.keyboard.press("Escape")
    page.get_by_test_id("all-blocks").click()
    expect(page.get_by_test_id("run-started")).to_be_visible()
    page.get_by_test_id("mode-build").click()
    expect(page.get_by_test_id("figures-menu")).to_have_count(0)
    expect(page.locator(".pal")).to_be_visible()
    editor.done()
