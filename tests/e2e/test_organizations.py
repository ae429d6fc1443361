"""Plans and organizations by hand: a limit is met and told, the super admin raises it, suspends, deletes, restores."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING
from uuid import uuid4

from playwright.sync_api import expect

from tests.e2e.browsing import PASSWORD, Notes, open_page, register
from tests.product import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.product import Product


def sign_in(page: Page, origin: str, email: str) -> None:
    open_page(page, f"{origin}/login")
    page.get_by_test_id("email").fill(email)
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("submit").click()


def join(page: Page, link: str, name: str) -> None:
    """Take an invitation up."""
    open_page(page, link)
    page.get_by_test_id("full_name").fill(name)
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("submit").click()
    page.wait_for_url("**/inbox")


def find(page: Page, origin: str, name: str) -> None:
    """The organization's page, by the list's search."""
    open_page(page, f"{origin}/admin/organizations")
    page.get_by_test_id("organization-search").fill(name)
    row = page.get_by_test_id("organization-row").filter(has_text=name)
    expect(row).to_have_count(1)
    row.get_by_role("button", name=name).click()
    expect(page.get_by_test_id("organization-detail")).to_be_visible()


def test_the_story_of_an_organization(page: Page, browser: Browser, running_app: Product) -> None:
    origin = running_app.url
    notes = Notes(origin)
    notes.take_from(page)
    # The one who runs the installation registered like everybody else.
    boss = register(page, origin)
    command = [sys.executable, "-m", "pytake_app", "super-admin", boss, "--data-dir", str(running_app.data_dir)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)  # our own command
    # A new organization on the smallest plan; whoever is to administer it is invited.
    name, email = f"Padaria {uuid4().hex[:8]}", f"nina-{uuid4().hex[:8]}@example.com"
    open_page(page, f"{origin}/admin/organizations")
    page.get_by_test_id("organization-new").click()
    page.get_by_test_id("new-name").fill(name)
    page.get_by_test_id("new-email").fill(email)
    page.get_by_test_id("new-plan").select_option("free")
    page.get_by_test_id("organization-create").click()
    link = page.get_by_test_id("link").input_value()
    page.get_by_test_id("link-done").click()
    expect(page.get_by_test_id("organization-detail")).to_contain_text(name)
    expect(page.get_by_test_id("administrator-invited")).to_contain_text(email)
    context = browser.new_context(locale="pt-BR", viewport={"width": 1440, "height": 900})
    nina = context.new_page()
    join(nina, link, "Nina Prado")
    page.reload()
    expect(page.get_by_test_id("administrator")).to_contain_text("Nina Prado")
    expect(page.get_by_test_id("administrator-invited")).to_have_count(0)
    # Its limit of flows is what it has already.
    page.get_by_test_id("mode-flows").select_option("own")
    page.get_by_test_id("own-flows").fill("2")
    page.get_by_test_id("detail-save").click()
    flows = page.get_by_test_id("usage").locator("[data-resource=flows]")
    expect(flows).to_have_attribute("data-hue", "red")

    nina.evaluate("sessionStorage.clear()")  # what a tab knows of the usage is up to two minutes old
    nina.reload()
    expect(nina.get_by_test_id("plan-banner")).to_contain_text("O limite de fluxos do seu plano acabou: 2 de 2.")
    # Who meets the limit is told which, with the way to the plan.
    open_page(nina, f"{origin}/flows")
    nina.get_by_test_id("flow-new").click()
    nina.get_by_test_id("starter-orders").click()
    nina.get_by_test_id("flow-create").click()
    told = nina.get_by_test_id("plan-refused")
    expect(told).to_contain_text("Seu plano permite 2 fluxos, e o limite já foi atingido.")
    nina.get_by_test_id("plan-refused-go").click()
    nina.wait_for_url("**/settings/plan")
    expect(nina.get_by_test_id("plan-now")).to_have_attribute("data-plan", "free")
    expect(nina.get_by_test_id("usage").locator("[data-resource=flows]")).to_contain_text("2 de 2")
    expect(nina.get_by_test_id("plan-banner")).to_have_count(0)
    # A bigger plan makes room, at once.
    page.get_by_test_id("mode-flows").select_option("plan")
    page.get_by_test_id("detail-plan").select_option("starter")
    page.get_by_test_id("detail-save").click()
    expect(flows).to_have_attribute("data-hue", "jade")
    nina.reload()
    expect(nina.get_by_test_id("plan-now")).to_have_attribute("data-plan", "starter")
    # The organization's own settings: its name is in the menu at once.
    open_page(nina, f"{origin}/settings/organization")
    nina.get_by_test_id("organization-name").fill(f"{name} Nova")
    nina.get_by_test_id("organization-save").click()
    expect(nina.get_by_role("navigation", name="Menu").get_by_text(f"{name} Nova")).to_be_visible()

    # Suspended: out, and told why at the door.
    page.get_by_test_id("suspend").click()
    page.get_by_test_id("suspend-reason").fill("Sem pagamento")
    page.get_by_test_id("suspend-go").click()
    expect(page.get_by_test_id("standing")).to_contain_text("Sem pagamento")
    nina.goto(f"{origin}/settings/plan")
    nina.wait_for_url("**/login**")
    context.clear_cookies()  # what pages know of a session is up to five seconds old
    sign_in(nina, origin, email)
    expect(nina.get_by_test_id("auth-error")).to_contain_text("suspensa")
    page.get_by_test_id("reactivate").click()
    expect(page.get_by_test_id("organization-detail")).to_have_attribute("data-status", "active")
    sign_in(nina, origin, email)
    nina.wait_for_url("**/inbox")
    # Deleted, with the name typed; and taken back.
    page.reload()
    page.get_by_test_id("delete").click()
    expect(page.get_by_test_id("delete-go")).to_be_disabled()
    page.get_by_test_id("delete-name").fill(f"{name} Nova")
    page.get_by_test_id("delete-go").click()
    expect(page.get_by_test_id("organization-detail")).to_have_attribute("data-status", "deleting")
    find(page, origin, f"{name} Nova")
    page.get_by_test_id("restore").click()
    expect(page.get_by_test_id("organization-detail")).to_have_attribute("data-status", "active")
    context.close()
    assert notes.errors == []
