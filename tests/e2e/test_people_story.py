"""Somebody is invited, joins, sets a second factor up, signs in with it, loses the phone, forgets the password."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import pyotp
from playwright.sync_api import expect

from tests.e2e.browsing import Notes, open_page, register
from tests.product import Product
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PASSWORD, NEXT = "vento norte na casa azul", "outra frase bem comprida"


def sign_out(page: Page) -> None:
    page.get_by_test_id("me").click()
    page.get_by_role("menuitem", name=re.compile("^Sair$")).click()
    page.wait_for_url("**/login")


def sign_in(page: Page, url: str, email: str, password: str) -> None:
    open_page(page, f"{url}/login")
    page.get_by_test_id("email").fill(email)
    page.get_by_test_id("password").fill(password)
    page.get_by_test_id("submit").click()
    page.wait_for_url("**/login/code*")
    page.get_by_test_id("hydrated").wait_for(state="attached")


def give_code(page: Page, code: str) -> None:
    page.get_by_test_id("code").fill(code)
    page.get_by_test_id("submit").click()


def reset_link(product: Product, email: str) -> str:
    found: list[str] = []

    def arrived() -> bool:
        found[:] = re.findall(rf"MAIL to {re.escape(email)}: .*?(http\S+/reset/\S+)", product.console)
        return bool(found)

    wait_until(arrived, timeout=60)
    return product.url + urlsplit(found[-1]).path


def test_a_person_from_invitation_to_a_new_password(running_app: Product, browser: Browser, page: Page) -> None:
    url = running_app.url
    own = register(page, url)
    email, other = (f"{name}-{uuid4().hex[:8]}@example.com" for name in ("rui", "bia"))
    open_page(page, f"{url}/settings/users")
    page.get_by_test_id("invite").click()
    # Two at once, and one who is here already: that one stays in the field, with the reason.
    page.get_by_test_id("invite-email").fill(f"{email}, {other}\n{own}")
    page.get_by_test_id("invite-send").click()
    expect(page.get_by_test_id("link")).to_have_count(2)
    link = page.get_by_test_id("link").first.input_value()
    page.get_by_test_id("link-done").click()
    expect(page.get_by_test_id("invite-email")).to_have_value(own)
    expect(page.get_by_test_id("invite-dialog")).to_contain_text("Já existe uma conta com este e-mail.")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("invitation")).to_have_count(2)

    context = browser.new_context(locale="pt-BR", viewport={"width": 390, "height": 844})
    rui, notes = context.new_page(), Notes(url)
    notes.take_from(rui)
    open_page(rui, link)
    expect(rui.get_by_test_id("email")).to_have_value(email)
    rui.get_by_test_id("full_name").fill("Rui Alves")
    rui.get_by_test_id("password").fill("qwertyuiop1")
    expect(rui.get_by_test_id("password-strength")).to_contain_text("fácil de adivinhar")
    rui.get_by_test_id("password").fill(PASSWORD)
    expect(rui.get_by_test_id("password-strength")).to_have_text("Forte")
    rui.get_by_test_id("submit").click()
    rui.wait_for_url("**/inbox")

    open_page(rui, f"{url}/settings/security")
    rui.get_by_test_id("totp-begin").click()
    rui.get_by_test_id("factor-password").fill(PASSWORD)
    rui.get_by_test_id("factor-go").click()
    secret = rui.get_by_test_id("totp-secret").inner_text().replace(" ", "")
    totp = pyotp.TOTP(secret)
    rui.get_by_test_id("totp-code").fill(totp.now())
    rui.get_by_test_id("totp-confirm").click()
    expect(rui.get_by_test_id("recovery-codes").locator("li")).to_have_count(10)
    codes = rui.get_by_test_id("recovery-codes").locator("li").all_inner_texts()
    rui.get_by_test_id("codes-done").click()
    expect(rui.get_by_test_id("totp-state")).to_have_text("Ativa")
    assert notes.errors == []

    sign_out(rui)
    sign_in(rui, url, email, PASSWORD)
    give_code(rui, "000000")
    expect(rui.get_by_test_id("auth-error")).to_be_visible()
    give_code(rui, totp.at(datetime.now(UTC) + timedelta(seconds=30)))  # the present one was used to set it up
    rui.wait_for_url("**/inbox")
    rui.get_by_test_id("hydrated").wait_for(state="attached")

    sign_out(rui)
    sign_in(rui, url, email, PASSWORD)
    give_code(rui, codes[0])
    rui.wait_for_url("**/inbox")
    rui.get_by_test_id("hydrated").wait_for(state="attached")

    sign_out(rui)
    open_page(rui, f"{url}/forgot")
    rui.get_by_test_id("email").fill(email)
    rui.get_by_test_id("submit").click()
    expect(rui.get_by_test_id("auth-done")).to_be_visible()
    open_page(rui, reset_link(running_app, email))
    rui.get_by_test_id("password").fill(NEXT)
    rui.get_by_test_id("submit").click()
    rui.wait_for_url("**/login?done=password_reset*")
    sign_in(rui, url, email, NEXT)
    give_code(rui, codes[0])  # used before
    expect(rui.get_by_test_id("auth-error")).to_be_visible()
    give_code(rui, codes[1])
    rui.wait_for_url("**/inbox")
    context.close()

    open_page(page, f"{url}/settings/users")
    expect(page.locator(f"[data-testid=member][data-email='{email}']")).to_contain_text("Ativa")
