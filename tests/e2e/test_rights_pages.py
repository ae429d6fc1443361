"""An administrator decides what agents may do, makes a key for a program, and finds both in the audit log."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.browsing import open_page, register

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.product import Product

BASE = "/api/v1"


def test_roles_keys_and_the_log_of_both(page: Page, running_app: Product) -> None:
    origin = running_app.url
    register(page, origin)
    open_page(page, f"{origin}/settings/roles")
    switch = page.get_by_test_id("perm-agent-contacts.edit")
    expect(switch).to_have_attribute("aria-checked", "true")
    # What a viewer can't have, and what an administrator can't lose, is closed and says why.
    expect(page.get_by_test_id("perm-viewer-flows.edit")).to_be_disabled()
    expect(page.get_by_test_id("perm-org_admin-users.manage")).to_be_disabled()
    expect(page.get_by_test_id("roles-save")).to_have_count(0)
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    page.get_by_test_id("roles-save").click()
    expect(page.get_by_test_id("roles-save")).to_have_count(0)
    kept = page.request.get(f"{origin}{BASE}/roles").json()["items"]
    assert "contacts.edit" not in next(row for row in kept if row["role"] == "agent")["permissions"]
    page.get_by_test_id("presets-agent").click()
    page.get_by_test_id("preset-agent-own").click()
    expect(page.get_by_test_id("perm-agent-conversations.see_all")).to_have_attribute("aria-checked", "false")
    page.get_by_test_id("roles-discard").click()
    expect(page.get_by_test_id("perm-agent-conversations.see_all")).to_have_attribute("aria-checked", "true")

    open_page(page, f"{origin}/settings/api-keys")
    page.get_by_test_id("key-new").click()
    page.get_by_test_id("key-name").fill("Loja virtual")
    page.get_by_test_id("key-make").click()
    key = page.get_by_test_id("key-secret").inner_text()
    assert key.startswith("pk_")
    page.get_by_test_id("key-done").click()
    expect(page.get_by_test_id("api-key")).to_have_count(1)
    expect(page.get_by_text(key)).to_have_count(0)
    asked = {"headers": {"Authorization": f"Bearer {key}"}}
    program = page.context.browser.new_context()  # type: ignore[union-attr]  # pages have one
    assert program.request.get(f"{origin}{BASE}/conversations", **asked).status == 200  # type: ignore[arg-type]
    page.get_by_test_id("key-revoke").click()
    page.get_by_test_id("key-revoke-confirm").click()
    expect(page.locator("[data-testid=api-key][data-state=revoked]")).to_have_count(1)
    assert program.request.get(f"{origin}{BASE}/conversations", **asked).status == 401  # type: ignore[arg-type]
    program.close()

    open_page(page, f"{origin}/settings/audit")
    page.get_by_test_id("audit-kind").select_option("role")
    expect(page.get_by_test_id("audit-entry")).to_have_count(1)
    page.get_by_test_id("audit-entry").get_by_role("button").click()
    detail = page.get_by_test_id("audit-detail")
    expect(detail).to_contain_text("Editar contatos")
    expect(detail).to_contain_text("Ana Beatriz Conceição")
    page.keyboard.press("Escape")
    expect(detail).to_have_count(0)
    page.get_by_test_id("audit-clear").click()
    page.get_by_test_id("audit-q").fill("Loja virtual")
    expect(page.locator("[data-action=key_first_used]")).to_have_count(1)
    # From yesterday on, chosen in the page's own calendar by keyboard.
    page.get_by_test_id("audit-period").select_option("own")
    since = page.get_by_test_id("audit-since")
    since.click()
    at = page.get_by_test_id("audit-since-calendar").locator("[data-day][tabindex='0']")
    expect(at).to_be_focused()
    today = date.fromisoformat(at.get_attribute("data-day") or "")
    page.keyboard.press("ArrowLeft")
    expect(at).to_have_attribute("data-day", f"{today - timedelta(days=1)}")
    page.keyboard.press("Enter")
    expect(since).to_have_attribute("data-value", f"{today - timedelta(days=1)}")
    expect(page.locator("[data-action=key_first_used]")).to_have_count(1)
    page.get_by_test_id("audit-export").click()
    with page.expect_download() as download:
        page.get_by_test_id("audit-csv").click()
    assert download.value.suggested_filename == "audit-log.csv"
