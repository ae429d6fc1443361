"""A person asks for their data and then to be forgotten; the organization says for how long it keeps things."""

from __future__ import annotations

import re
import zipfile

from playwright.sync_api import Browser, expect

from tests.e2e.browsing import open_page
from tests.e2e.editor_page import Person
from tests.e2e.inbox_page import Inbox, Phone
from tests.product import Product

EXPORT = re.compile(r"/api/v1/contacts/[^/]+/export$")


def test_data_is_handed_out_forgotten_and_kept_for_a_time(browser: Browser, running_app: Product) -> None:
    person = Person(browser, running_app.url, accept_downloads=True)
    phone = Phone(person)
    phone.says("Meu CPF é segredo")
    inbox = Inbox(person)
    page = inbox.page
    inbox.at("tab-all").click()
    inbox.open("Maria Teste")
    expect(page.get_by_text("Meu CPF é segredo").last).to_be_visible()
    page.get_by_test_id("contact-more").click()
    page.get_by_test_id("contact-data-open").click()
    dialog = page.get_by_test_id("contact-data")
    export = dialog.get_by_test_id("contact-export")
    expect(export).to_be_enabled()
    # What the server says first: were it a refusal, nothing would ever be saved.
    with page.expect_download(timeout=60_000) as saved, page.expect_response(EXPORT, timeout=60_000) as answered:
        export.click()
    assert answered.value.status == 200
    expect(page.get_by_text("Arquivo com os dados do contato salvo.")).to_be_visible()
    with zipfile.ZipFile(saved.value.path()) as archive:
        assert "Meu CPF é segredo" in archive.read("contact.json").decode()
    dialog.get_by_test_id("contact-erase").click()
    sure = page.get_by_test_id("erase-confirm")
    expect(sure).to_be_disabled()
    page.get_by_test_id("erase-word").fill("APAGAR")
    sure.click()
    expect(page.get_by_test_id("erase-dialog")).to_have_count(0)
    expect(page.get_by_text("Meu CPF é segredo")).to_have_count(0)
    expect(page.get_by_text("Contato apagado").first).to_be_visible()

    open_page(page, f"{person.url}/settings/privacy")
    expect(page.get_by_test_id("erasure")).to_have_count(1)
    expect(page.get_by_test_id("erasure")).to_contain_text("Rafael Nunes")
    page.get_by_test_id("keep-messages").select_option("365")
    page.get_by_test_id("privacy-save").click()
    expect(page.get_by_test_id("privacy-confirm")).to_contain_text("Mensagens que seriam apagadas agora: 0")
    page.get_by_test_id("privacy-confirm-yes").click()
    expect(page.get_by_test_id("privacy-save")).to_be_disabled()
    page.get_by_test_id("mask-phones").click()
    expect(page.get_by_test_id("mask-phones")).to_be_checked()
    page.reload()
    expect(page.get_by_test_id("keep-messages")).to_have_value("365")
    expect(page.get_by_test_id("mask-phones")).to_be_checked()
    person.context.close()
