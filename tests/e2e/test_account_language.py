"""The language a person chose follows them to other browsers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e.browsing import PASSWORD, open_page, register

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.product import Product


def sign_in(page: Page, origin: str, email: str) -> None:
    open_page(page, f"{origin}/login")
    page.get_by_test_id("email").fill(email)
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("submit").click()
    page.wait_for_url("**/inbox")


def test_the_accounts_language_is_used_where_nobody_chose(page: Page, browser: Browser, running_app: Product) -> None:
    origin = running_app.url
    email = register(page, origin)
    # A browser in another language, where nobody chose: Portuguese, the account's.
    english = browser.new_context(locale="en-US", viewport={"width": 1440, "height": 900})
    other = english.new_page()
    open_page(other, f"{origin}/login")
    expect(other.locator("html")).to_have_attribute("lang", "en")
    sign_in(other, origin, email)
    expect(other.locator("html")).to_have_attribute("lang", "pt-BR")
    # A choice there is kept in the account…
    other.keyboard.press("Control+k")
    with other.expect_response(re.compile(r"/api/v1/auth/me")) as kept:
        other.get_by_role("option", name="Español").click()
    assert kept.value.status == 200
    expect(other.locator("html")).to_have_attribute("lang", "es")
    english.close()
    # …and found in a third browser.
    third = browser.new_context(locale="en-US")
    last = third.new_page()
    sign_in(last, origin, email)
    expect(last.locator("html")).to_have_attribute("lang", "es")
    third.close()
