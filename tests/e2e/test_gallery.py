"""From the gallery to a flow that speaks Spanish: choose, adapt, translate, try, publish. One story in the browser."""

import csv
import io
import re
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.e2e.browsing import Notes, open_page
from tests.product import Product


def _sign_up(page: Page, product: Product) -> None:
    answer = page.context.request.post(
        f"{product.url}/auth/web/register",
        form={
            "organization_name": "Casa Aurora",
            "full_name": "Ana Beatriz",
            "email": f"ana-{uuid4().hex[:10]}@example.com",
            "password": "uma-senha-bem-boa",
        },
        headers={"Origin": product.url},
        max_redirects=0,
    )
    assert answer.status == 303


def _choose_by_keyboard(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("frequentes")
    expect(page.get_by_test_id("gallery-card")).to_have_count(1)
    card = page.get_by_test_id("gallery-card")
    expect(card).to_have_attribute("data-key", "faq")
    card.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Perguntas frequentes")
    expect(dialog.get_by_role("log")).to_contain_text("Era isso que você queria saber?")
    expect(dialog.locator("svg.fp text").first).to_be_visible()


def _cell(page: Page, locale: str, node: str, pointer: str = "/body"):  # type: ignore[no-untyped-def]
    return page.locator(f'[data-testid="tr-{locale}"][data-node="{node}"][data-pointer="{pointer}"]')


def test_from_the_gallery_to_a_flow_in_spanish(page: Page, running_app: Product) -> None:
    notes = Notes(running_app.url)
    notes.take_from(page)
    _sign_up(page, running_app)
    open_page(page, f"{running_app.url}/gallery")
    expect(page.get_by_test_id("gallery-card")).to_have_count(13)
    page.get_by_test_id("category-notices").click()
    expect(page.get_by_test_id("gallery-card")).to_have_count(2)
    page.get_by_test_id("category-").click()
    _choose_by_keyboard(page)
    page.get_by_test_id("gallery-translations").click()
    page.get_by_test_id("gallery-use").click()
    page.wait_for_url(re.compile(r"/flows/[0-9a-f-]{36}"))
    flow = page.url.rsplit("/", 1)[1]

    adapt = page.get_by_test_id("adapt")
    expect(adapt).to_contain_text("0/5")
    adapt.get_by_role("button", name="Ponha os seus horários.").click()
    field = page.locator(".ins textarea").first
    expect(field).to_be_visible()
    adapt.get_by_role("checkbox").first.check()
    expect(adapt).to_contain_text("1/5")
    page.reload()
    expect(adapt).to_contain_text("1/5")
    adapt.get_by_test_id("adapt-close").click()
    expect(adapt).to_have_count(0)

    page.get_by_test_id("translate").click()
    page.get_by_test_id("tr-add").select_option("es")
    cell = _cell(page, "es", "topics")
    cell.fill("¿Sobre qué es tu duda? 💬")
    title = _cell(page, "es", "helped", "/buttons/yes/title")
    title.fill("¡Sí, muchísimas gracias por todo!")
    expect(title).to_have_attribute("aria-invalid", "true")
    title.fill("¡Sí, gracias!")
    expect(title).not_to_have_attribute("aria-invalid", "true")
    page.get_by_test_id("tr-missing").click()
    expect(_cell(page, "es", "topics")).to_have_count(0)
    expect(_cell(page, "es", "bye")).to_be_visible()

    with page.expect_download() as saved:
        page.get_by_test_id("tr-export").click()
    text = saved.value.path().read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert next(row for row in rows if row["node_id"] == "topics")["es"] == "¿Sobre qué es tu duda? 💬"
    table = io.StringIO()
    writer = csv.DictWriter(table, rows[0].keys(), delimiter=";")
    writer.writeheader()
    for row in rows:
        limit = 20 if "/buttons/" in row["pointer"] or row["pointer"].endswith(("title", "button")) else 72
        writer.writerow({**row, "es": row["es"] or f"{row['pt_BR'][: limit - 3].strip()} ES"})
    file = {"name": "tabla.csv", "mimeType": "text/csv", "buffer": table.getvalue().encode()}
    page.get_by_test_id("tr-import").set_input_files(files=[file])  # type: ignore[list-item]
    expect(page.get_by_test_id("tr-missing")).to_contain_text("0")
    page.keyboard.press("Escape")

    page.get_by_test_id("tab-preview").click()
    page.get_by_test_id("preview-language").select_option("es")
    page.get_by_test_id("preview-input").fill("dúvida")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("preview-in").last).to_contain_text("¿Sobre qué es tu duda?")
    page.get_by_test_id("preview-language").select_option("")
    expect(page.get_by_test_id("preview-in").last).to_contain_text("Sobre o que é a sua dúvida?")

    page.get_by_test_id("publish").click()
    page.get_by_test_id("confirm-publish").click()
    expect(page.get_by_test_id("flow-badge")).to_contain_text("v1")
    script = {"source": "live", "inputs": [{"type": "text", "text": "dúvida"}], "contact": {"language": "es-MX"}}
    answer = page.context.request.post(
        f"{running_app.url}/api/v1/flows/{flow}/test",
        data=script,
        headers={"X-PyTake-CSRF": "1", "Origin": running_app.url},
    )
    said = [
        e["content"]["body"] for turn in answer.json()["turns"] for e in turn["events"] if e["type"] == "message_out"
    ]
    assert said == ["¿Sobre qué es tu duda? 💬"]
    assert notes.errors == []
    assert notes.foreign == []
