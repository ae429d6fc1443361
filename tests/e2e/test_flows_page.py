"""The list of flows in a browser: make, find, rename, copy, switch off, import, take away, by mouse and by keys."""

import json
import re
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.flows.importing.files import typebot6
from tests.product import Product


@pytest.fixture
def flows(page: Page, running_app: Product) -> Page:
    """An administrator of a new organization, on the list."""
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
    _open_list(page, running_app)
    return page


def _open_list(page: Page, product: Product) -> None:
    page.goto(f"{product.url}/flows")
    expect(page.get_by_test_id("flow-new")).to_be_visible()
    expect(page.get_by_test_id("flow-row")).not_to_have_count(0)


def _row(page: Page, name: str) -> Locator:
    return page.get_by_test_id("flow-row").filter(has=page.get_by_role("link", name=name, exact=True))


def _choose(page: Page, name: str, entry: str) -> None:
    _row(page, name).get_by_test_id("flow-menu").click()
    page.get_by_test_id(f"menu-{entry}").click()


def test_life_of_a_flow(flows: Page, running_app: Product) -> None:
    flows.get_by_test_id("flow-new").click()
    flows.get_by_test_id("starter-orders").click()
    expect(flows.get_by_test_id("field-name")).to_have_value("Pedidos e trocas")
    flows.get_by_test_id("field-name").fill("Pedidos da loja")
    flows.get_by_test_id("flow-create").click()
    flows.wait_for_url(re.compile(r"/flows/[0-9a-f-]{36}"))
    _open_list(flows, running_app)
    expect(_row(flows, "Pedidos da loja")).to_have_attribute("data-status", "draft")

    _choose(flows, "Pedidos da loja", "rename")
    flows.get_by_test_id("field-name").fill("")
    flows.get_by_test_id("rename-save").click()
    expect(flows.get_by_text("Dê um nome ao fluxo.")).to_be_visible()
    flows.get_by_test_id("field-name").fill("Trocas da loja")
    flows.get_by_test_id("field-name").press("Enter")
    expect(_row(flows, "Trocas da loja")).to_be_visible()
    expect(flows.get_by_text("Nome alterado")).to_be_visible()

    _choose(flows, "Trocas da loja", "duplicate")
    expect(_row(flows, "Trocas da loja (2)")).to_be_visible()

    _choose(flows, "Suporte inteligente", "off")
    expect(_row(flows, "Suporte inteligente")).to_have_attribute("data-status", "inactive")
    flows.get_by_test_id("filter-inactive").click()
    expect(flows.get_by_test_id("flow-row")).to_have_count(1)
    flows.get_by_test_id("filter-all").click()

    _choose(flows, "Trocas da loja (2)", "remove")
    expect(_row(flows, "Trocas da loja (2)")).to_have_count(0)
    flows.get_by_role("button", name="Desfazer").last.click()
    expect(_row(flows, "Trocas da loja (2)")).to_have_count(1)
    _choose(flows, "Trocas da loja (2)", "remove")
    expect(_row(flows, "Trocas da loja (2)")).to_have_count(0)

    # What the list showed is what the server holds.
    _open_list(flows, running_app)
    expect(_row(flows, "Trocas da loja")).to_have_count(1)
    expect(_row(flows, "Trocas da loja (2)")).to_have_count(0)
    expect(_row(flows, "Suporte inteligente")).to_have_attribute("data-status", "inactive")


def test_search_and_keys(flows: Page) -> None:
    flows.keyboard.press("/")
    flows.keyboard.type("BOAS vindas".replace(" ", "-"))
    expect(flows.get_by_test_id("flow-row")).to_have_count(1)
    flows.keyboard.press("Escape")
    expect(flows.get_by_test_id("flow-row")).to_have_count(2)
    flows.get_by_test_id("flow-search").fill("nada disso existe")
    expect(flows.get_by_text("Nenhum fluxo encontrado")).to_be_visible()
    flows.get_by_role("button", name="Ver todos").click()
    expect(flows.get_by_test_id("flow-row")).to_have_count(2)
    flows.keyboard.press("j")
    flows.keyboard.press("j")
    second = flows.get_by_test_id("flow-row").nth(1)
    expect(second.get_by_role("link")).to_be_focused()
    flows.keyboard.press("k")
    expect(flows.get_by_test_id("flow-row").first.get_by_role("link")).to_be_focused()
    flows.keyboard.press("n")
    expect(flows.get_by_test_id("flow-create")).to_be_visible()
    flows.keyboard.press("Escape")
    expect(flows.get_by_test_id("flow-create")).to_have_count(0)
    wanted = second.get_attribute("data-id")
    second.get_by_role("link").focus()
    flows.keyboard.press("Enter")
    flows.wait_for_url(f"**/flows/{wanted}")


def said(node_id: str, body: str) -> dict[str, object]:
    return {"id": node_id, "type": "msg_text", "config": {"body": body}}


def test_folders_tags_and_many_at_once(flows: Page, tmp_path: Path) -> None:
    for name in ("Natal", "Páscoa", "Avulso"):
        answer = flows.context.request.post(
            f"{flows.url.split('/flows')[0]}/api/v1/flows",
            data={"name": name, "document": {"nodes": [said("m", f"Fala de {name}"), said("v", "")]}},
            headers={"X-PyTake-CSRF": "1", "Origin": flows.url.split("/flows")[0]},
        )
        assert answer.status == 201
    expect(flows.get_by_test_id("flow-row")).to_have_count(5)
    expect(flows.get_by_test_id("flow-errors")).to_contain_text("3 fluxos com erro")
    flows.get_by_test_id("flow-side").click()
    flows.get_by_test_id("folder-new").click()
    flows.get_by_test_id("field-name").fill("Campanhas")
    flows.get_by_test_id("dialog-save").click()
    expect(flows.get_by_test_id("folder")).to_have_count(1)

    # Two rows by keyboard and Shift, moved and tagged at once; undo puts them back.
    _row(flows, "Natal").get_by_test_id("flow-mark").click()
    _row(flows, "Páscoa").get_by_role("link").focus()
    flows.keyboard.press("x")
    expect(flows.get_by_test_id("flow-bulk")).to_contain_text("2 marcados")
    flows.get_by_test_id("bulk-move").click()
    flows.get_by_test_id("place").filter(has_text="Campanhas").click()
    flows.get_by_test_id("move-here").click()
    expect(flows.get_by_test_id("folder")).to_contain_text("2")
    flows.get_by_role("button", name="Desfazer").last.click()
    expect(flows.get_by_test_id("folder")).to_contain_text("0")
    _row(flows, "Natal").drag_to(flows.get_by_test_id("folder"))
    expect(flows.get_by_test_id("folder")).to_contain_text("1")
    _choose(flows, "Páscoa", "tag")
    flows.get_by_test_id("field-name").fill("Festas")
    flows.get_by_test_id("field-name").press("Enter")
    expect(flows.get_by_test_id("tag-off")).to_have_text("Festas")
    flows.keyboard.press("Escape")

    # The folder and a word of a message narrow the list; a view keeps that, the address too.
    flows.get_by_test_id("folder").click()
    expect(flows.get_by_test_id("flow-row")).to_have_count(1)
    flows.get_by_test_id("flow-chip").click()
    flows.get_by_test_id("flow-search").fill("fala pascoa")
    expect(flows.get_by_test_id("flow-row")).to_have_count(1)
    flows.get_by_test_id("view-save").click()
    flows.get_by_test_id("field-name").fill("Feriados")
    flows.get_by_test_id("dialog-save").click()
    expect(flows.get_by_test_id("saved-view")).to_have_text("Feriados")
    faults: list[str] = []  # the prepared page and the first look at it must be the same, however the list was left
    flows.on("pageerror", lambda error: faults.append(str(error)))
    flows.reload()
    expect(flows.get_by_test_id("flow-search")).to_have_value("fala pascoa")
    expect(flows.get_by_test_id("flow-row")).to_have_count(1)
    _choose(flows, "Páscoa", "archive")
    expect(flows.get_by_text("Nenhum fluxo encontrado")).to_be_visible()
    flows.get_by_role("button", name="Ver todos").click()
    expect(flows.get_by_test_id("flow-row")).to_have_count(4)
    flows.get_by_test_id("archived").click()
    expect(_row(flows, "Páscoa")).to_be_visible()
    # Each state's number is that of the list it would show.
    expect(flows.get_by_test_id("filter-all").locator(".n")).to_have_text("1")
    flows.get_by_test_id("archived").click()
    expect(flows.get_by_test_id("filter-all").locator(".n")).to_have_text("4")
    flows.get_by_test_id("sort-name").click()
    expect(flows.get_by_test_id("flow-row").first).to_contain_text("Avulso")

    # A folder and a view that were taken away come back whole.
    flows.get_by_test_id("folder-menu").click()
    flows.get_by_test_id("folder-removeFolder").click()
    expect(flows.get_by_test_id("folder")).to_have_count(0)
    flows.get_by_text("A pasta Campanhas foi excluída").locator("xpath=ancestor::li").get_by_role(
        "button", name="Desfazer"
    ).click()
    expect(flows.get_by_test_id("folder")).to_contain_text("1")
    flows.get_by_test_id("view-forget").click()
    expect(flows.get_by_test_id("saved-view")).to_have_count(0)
    flows.get_by_text("A visão Feriados foi esquecida").locator("xpath=ancestor::li").get_by_role(
        "button", name="Desfazer"
    ).click()
    expect(flows.get_by_test_id("saved-view")).to_have_text("Feriados")

    flows.get_by_test_id("mark-all").click()
    with flows.expect_download() as download:
        flows.get_by_test_id("bulk-save").click()
    with zipfile.ZipFile(download.value.path()) as files:
        assert len(files.namelist()) == 4
    archive = tmp_path / "fluxos.zip"
    download.value.save_as(archive)
    flows.get_by_test_id("flow-import").click()
    flows.get_by_test_id("flow-file").set_input_files(archive)
    expect(flows.get_by_test_id("flow-row")).to_have_count(8)
    expect(_row(flows, "Natal")).to_have_count(2)
    flows.get_by_test_id("sort-sessions").click()
    expect(flows.locator('th[aria-sort="descending"]')).to_have_count(1)
    expect(flows.get_by_test_id("flow-row")).to_have_count(8)
    assert faults == []


def test_a_bad_file_is_explained_and_a_good_one_comes_back(flows: Page, tmp_path: Path) -> None:
    broken = tmp_path / "quebrado.json"
    document = {"name": "Quebrado", "nodes": [{"id": "a", "type": "no_such_block"}], "edges": []}
    broken.write_text(json.dumps(document), encoding="utf-8")
    flows.get_by_test_id("flow-import").click()
    flows.get_by_test_id("flow-file").set_input_files(broken)
    errors = flows.get_by_test_id("import-errors")
    expect(errors).to_contain_text("quebrado.json não foi importado")
    expect(errors).to_contain_text("O bloco “a” é de um tipo desconhecido.")
    expect(errors).to_contain_text("/nodes/0")

    no_json = tmp_path / "foto.json"
    no_json.write_bytes(b"\xff\xd8\xff not json")
    flows.get_by_test_id("flow-file").set_input_files(no_json)
    expect(errors).to_contain_text("não é um JSON válido")
    flows.keyboard.press("Escape")

    with flows.expect_download() as download:
        _choose(flows, "Boas-vindas e menu", "save")
    exported = tmp_path / "boas-vindas.json"
    download.value.save_as(exported)
    flows.get_by_test_id("flow-import").click()
    flows.get_by_test_id("flow-file").set_input_files(exported)
    expect(_row(flows, "Boas-vindas e menu")).to_have_count(2)
    expect(flows.get_by_test_id("flow-row").first).to_have_attribute("data-status", "draft")

    # Another product's file, dropped with one that is no flow: a report, and a sentence.
    typebot = tmp_path / "typebot.json"
    typebot.write_text(json.dumps(typebot6()), encoding="utf-8")
    flows.get_by_test_id("flow-import").click()
    flows.get_by_test_id("flow-file").set_input_files([typebot, no_json])
    report = flows.get_by_test_id("import-report")
    expect(report).to_contain_text("Typebot")
    expect(report.get_by_test_id("report-figures")).to_contain_text("traduzidos")
    expect(errors).to_contain_text("não é um JSON válido")
    line = report.get_by_test_id("report-line").get_by_role("link").first
    wanted = re.search(r"node=(.+)$", line.get_attribute("href") or "")
    assert wanted is not None
    line.click()
    expect(flows.locator(f'.react-flow__node[data-id="{wanted[1]}"] .nd')).to_have_class(re.compile(r"\bsel\b"))


def test_what_others_do_appears_without_a_reload(flows: Page, running_app: Product) -> None:
    expect(flows.get_by_test_id("hydrated")).to_be_attached()
    answer = flows.context.request.post(
        f"{running_app.url}/api/v1/flows",
        data={"name": "Feito por outra pessoa"},
        headers={"X-PyTake-CSRF": "1", "Origin": running_app.url},
    )
    assert answer.status == 201
    expect(_row(flows, "Feito por outra pessoa")).to_be_visible()


def test_on_a_phone_the_rows_are_cards(flows: Page) -> None:
    flows.set_viewport_size({"width": 390, "height": 844})
    row = flows.get_by_test_id("flow-row").first
    expect(row).to_be_visible()
    flows.wait_for_function("() => document.documentElement.scrollWidth <= window.innerWidth")
    expect(flows.locator("thead")).to_be_hidden()
    row.click(position={"x": 200, "y": 70})
    flows.wait_for_url(re.compile(r"/flows/[0-9a-f-]{36}"))


def test_without_an_answer_there_is_a_way_to_try_again(flows: Page, running_app: Product) -> None:
    flows.route("**/api/v1/flows?*", lambda route: route.fulfill(status=503, body="{}"))
    flows.goto(f"{running_app.url}/flows")
    expect(flows.get_by_text("Os fluxos não apareceram")).to_be_visible()
    flows.unroute("**/api/v1/flows?*")
    flows.get_by_role("button", name="Tentar de novo").click()
    expect(flows.get_by_test_id("flow-row")).to_have_count(2)
