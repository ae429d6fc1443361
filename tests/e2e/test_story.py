"""The whole story in a browser: register, take a starter flow, change it, publish, talk on the sandbox phone,
press a button, find the conversation in the inbox, take over, answer, see it on the phone, give back."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.product import Product

PASSWORD = "uma-senha-bem-boa"
GREETING = "Bem-vindo à Casa Aurora! Em que posso ajudar?"
REPLY = "Oi! Aqui é a Ana, já separei a sua peça."


@pytest.fixture
def person(page: Page, running_app: Product) -> Page:
    """A newcomer's browser in Brazil, with an account of their own, on the first-steps page."""
    page.set_default_timeout(15_000)
    page.goto(f"{running_app.url}/register")
    expect(page.get_by_test_id("hydrated")).to_be_attached()
    page.get_by_test_id("organization_name").fill("Casa Aurora")
    page.get_by_test_id("full_name").fill("Ana Beatriz")
    page.get_by_test_id("email").fill(f"ana-{uuid4().hex[:10]}@example.com")
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("submit").click()
    page.wait_for_url("**/start")
    return page


def _edit_and_publish(page: Page) -> None:
    """In the editor: change the menu's text and publish."""
    expect(page.get_by_test_id("canvas")).to_be_visible()
    page.locator(".react-flow__node", has_text="Como posso ajudar?").click()
    message = page.locator("textarea").filter(has_text="Como posso ajudar?").first
    message.fill(GREETING)
    expect(page.get_by_test_id("changes")).to_be_visible()
    page.get_by_test_id("publish").click()
    page.get_by_test_id("confirm-publish").click()
    expect(page.get_by_test_id("flow-badge")).to_contain_text("v2")


def test_the_whole_story(person: Page, running_app: Product) -> None:
    start = person
    starter = start.locator('[data-testid="starter"][data-key="main_menu"]')
    expect(starter).to_have_attribute("aria-pressed", "true")

    start.get_by_test_id("open-editor").click()
    start.wait_for_url(re.compile(r"/flows/[0-9a-f-]{36}"))
    _edit_and_publish(start)

    phone = start
    phone.goto(f"{running_app.url}/sandbox")
    phone.get_by_test_id("phone-input").fill("oi")
    phone.get_by_test_id("phone-send").click()
    expect(phone.get_by_test_id("phone-in").filter(has_text=GREETING)).to_be_visible()
    phone.get_by_test_id("phone-button").filter(has_text="Falar com alguém").click()
    expect(phone.get_by_test_id("phone-out").filter(has_text="Falar com alguém")).to_be_visible()

    inbox = person.context.new_page()
    inbox.set_default_timeout(15_000)
    inbox.goto(f"{running_app.url}/inbox")
    row = inbox.get_by_test_id("conversation")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("esperando")
    row.click()
    expect(inbox.get_by_test_id("bubble").filter(has_text=GREETING).first).to_be_visible()
    expect(inbox.get_by_test_id("log").filter(has_text="palavra “oi”")).to_be_visible()
    inbox.get_by_test_id("take-over").click()
    inbox.get_by_test_id("composer").fill(REPLY)
    inbox.get_by_test_id("composer").press("Enter")

    expect(phone.get_by_test_id("phone-in").filter(has_text=REPLY)).to_be_visible()
    mine = inbox.get_by_test_id("bubble").filter(has_text=REPLY)
    expect(mine.get_by_test_id("status")).to_have_attribute("data-status", re.compile("delivered|read"))

    # A person has it: the robot keeps quiet, the message arrives live in the open thread.
    phone.get_by_test_id("phone-input").fill("obrigada, menu")
    phone.get_by_test_id("phone-send").click()
    expect(inbox.get_by_test_id("bubble").filter(has_text="obrigada, menu")).to_be_visible()
    expect(phone.get_by_test_id("phone-in").filter(has_text=GREETING)).to_have_count(1)

    inbox.get_by_test_id("give-back").click()
    expect(inbox.get_by_test_id("composer-off")).to_contain_text("robô")
    phone.get_by_test_id("phone-input").fill("menu")
    phone.get_by_test_id("phone-send").click()
    expect(phone.get_by_test_id("phone-in").filter(has_text=GREETING)).to_have_count(2)


def test_why_the_robot_said_it(person: Page, running_app: Product) -> None:
    person.get_by_test_id("phone-input").fill("oi")
    person.get_by_test_id("phone-send").click()
    expect(person.get_by_test_id("phone-button").first).to_be_visible()
    person.goto(f"{running_app.url}/inbox")
    person.get_by_test_id("tab-all").click()
    person.get_by_test_id("conversation").click()
    person.get_by_test_id("why-open").first.click()
    expect(person.get_by_test_id("why")).to_contain_text("Boas-vindas e menu")
