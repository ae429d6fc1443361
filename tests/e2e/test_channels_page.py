"""WhatsApp numbers in a browser: add, see the steps at Meta, check, pause, edit, delete; and who may not."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.product import Product


@pytest.fixture
def numbers(page: Page, running_app: Product) -> Page:
    """An administrator of a new organization, on the numbers."""
    answer = page.context.request.post(
        f"{running_app.url}/auth/web/register",
        form={
            "organization_name": "Casa Aurora",
            "full_name": "Ana Beatriz",
            "email": f"ana-{uuid4().hex[:10]}@example.com",
            "password": "uma-senha-bem-boa",
        },
        headers={"Origin": running_app.url},
        max_redirects=0,
    )
    assert answer.status == 303
    page.goto(f"{running_app.url}/settings/channels")
    expect(page.get_by_test_id("channel")).to_have_count(1)
    return page


def _add(page: Page, number: str) -> Locator:
    page.get_by_test_id("channel-add").click()
    page.get_by_test_id("field-name").fill("Loja do centro")
    page.get_by_test_id("field-phone_number_id").fill(number)
    page.get_by_test_id("field-app_secret").fill("segredo-do-aplicativo")
    page.get_by_test_id("channel-save").click()
    return page.get_by_test_id("channel").first


def _number() -> str:
    return str(uuid4().int)[:15]


def test_adding_a_number_leads_to_the_steps_at_meta(numbers: Page) -> None:
    numbers.get_by_test_id("channel-add").click()
    numbers.get_by_test_id("channel-save").click()
    expect(numbers.get_by_text("Preencha este campo.")).to_have_count(2)
    numbers.get_by_test_id("field-phone_number_id").fill("+55 11")
    numbers.get_by_test_id("field-name").fill("x")
    numbers.get_by_test_id("channel-save").click()
    expect(numbers.get_by_text("São só algarismos, de 5 a 20.")).to_be_visible()
    numbers.keyboard.press("Escape")

    number = _number()
    card = _add(numbers, number)
    expect(numbers.get_by_test_id("webhook-url")).to_have_text(re.compile(r"/webhook/whatsapp/[0-9a-f-]{36}$"))
    token = numbers.get_by_test_id("verify-token").inner_text()
    assert len(token) == 32
    numbers.get_by_test_id("meta-done").click()

    expect(card).to_contain_text(number)
    expect(card.get_by_test_id("stored-app_secret")).to_have_text("gravada")
    expect(card.get_by_test_id("stored-verify_token")).to_have_text("gravada")
    expect(card.get_by_test_id("stored-access_token")).to_have_text("falta")
    expect(card).to_contain_text("Incompleto")

    # The address works at once with that token, as Meta's first request does.
    address = numbers.evaluate("location.origin") + f"/webhook/whatsapp/{card.get_attribute('data-id')}"
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token}
    assert numbers.context.request.get(address, params=asked).text() == "1158201444"

    # Secrets don't come back, not even to this tab.
    numbers.reload()
    expect(card).to_contain_text(number)
    assert token not in numbers.content()
    numbers.get_by_test_id("channel-meta").click()
    numbers.get_by_test_id("token-new").click()
    expect(numbers.get_by_test_id("verify-token")).not_to_have_text(token)


def test_a_number_is_checked_paused_edited_and_deleted(numbers: Page) -> None:
    card = _add(numbers, _number())
    numbers.get_by_test_id("meta-done").click()
    card.get_by_test_id("channel-test").click()
    expect(card.get_by_test_id("check-answer")).to_contain_text("Falta a chave de acesso.")
    expect(card).to_contain_text("Com problema")

    card.get_by_test_id("channel-menu").click()
    numbers.get_by_test_id("menu-pause").click()
    expect(card).to_have_attribute("data-status", "paused")
    expect(card).to_contain_text("Nada é enviado por este número.")
    numbers.reload()
    expect(card).to_have_attribute("data-status", "paused")
    card.get_by_test_id("channel-menu").click()
    numbers.get_by_test_id("menu-resume").click()
    expect(card).to_have_attribute("data-status", "active")

    card.get_by_test_id("channel-edit").click()
    expect(numbers.get_by_test_id("field-app_secret")).to_have_value("")
    numbers.get_by_test_id("field-name").fill("Loja da praia")
    numbers.get_by_test_id("channel-save").click()
    expect(card).to_contain_text("Loja da praia")
    expect(card.get_by_test_id("stored-app_secret")).to_have_text("gravada")

    card.get_by_test_id("channel-menu").click()
    numbers.get_by_test_id("menu-remove").click()
    expect(numbers.get_by_role("dialog")).to_contain_text("Excluir “Loja da praia”?")
    numbers.get_by_test_id("delete-confirm").click()
    expect(numbers.get_by_test_id("channel")).to_have_count(1)
    expect(numbers.get_by_text("Nenhum número ligado ainda")).to_be_visible()


def test_a_number_that_is_connected_already_is_named_at_its_field(numbers: Page) -> None:
    number = _number()
    _add(numbers, number)
    numbers.get_by_test_id("meta-done").click()
    _add(numbers, number)
    expect(numbers.get_by_text("Este número já está ligado.")).to_be_visible()
    expect(numbers.get_by_test_id("field-phone_number_id")).to_have_attribute("aria-invalid", "true")


def test_the_sandbox_answers(numbers: Page) -> None:
    card = numbers.get_by_test_id("channel")
    card.get_by_test_id("channel-test").click()
    expect(card.get_by_test_id("check-answer")).to_contain_text("Tudo certo: o número de teste responde.")
    expect(card.get_by_test_id("channel-menu")).to_have_count(0)
