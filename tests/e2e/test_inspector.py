"""The inspector's editors, each by mouse and keyboard on one running product."""

import json
import re
import struct
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.e2e.editor_page import Editor, Json, Person, box_of, edge, node, type_steadily
from tests.product import Product
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(150)


def everything() -> Json:
    """A flow with the blocks whose editors are tried here."""
    buttons = [{"id": "sim", "title": "Sim"}, {"id": "nao", "title": "Não"}, {"id": "talvez", "title": "Talvez"}]
    intents = [
        {"id": "buy", "label": "Comprar", "examples": ["quero comprar", "quanto custa"]},
        {"id": "track", "label": "Rastrear", "examples": ["onde está meu pedido"]},
    ]
    nodes = [
        node("inicio", "trigger_webhook", 0, 0, "Pedido pago"),
        node("ola", "msg_text", 352, 0, "Saudação", body="Oi, {{ contact.first_name }}!"),
        node("menu", "msg_buttons", 704, 0, "Menu", body="Quer?", buttons=buttons),
        node("foto", "msg_media", 0, 480, "Foto", kind="image"),
        node("pergunta", "question", 352, 480, "Idade", body="Idade?", variable="idade", kind="integer"),
        node("teste", "condition", 704, 480, "Maior?", rows=[{"value": "{{ session.idade }}", "operator": "equals"}]),
        node("agenda", "trigger_schedule", 0, 960, "Agenda", cron="0 9 * * 1-5", audience="all"),
        node(
            "horas", "business_hours", 352, 960, "Horário", periods=[{"days": [0], "opens": "09:00", "closes": "18:00"}]
        ),
        node("http", "api_call", 704, 960, "Chamada", method="GET", url="", auth="bearer", token="abc"),
        node("ia", "ai_classifier", 1056, 960, "Intenção", input="{{ message.text }}", intents=intents),
        node("etiqueta", "tag_contact", 1056, 480, "Etiqueta", add=[]),
        node("pulo", "jump", 1056, 0, "Pulo", flow="", mode="go"),
        node("modelo", "msg_template", 1408, 0, "Modelo", name="", language="pt_BR", body=[], buttons=[]),
    ]
    return {"name": "Tudo", "nodes": nodes, "edges": [edge("menu", "option:sim", "ola")]}


class _Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answer = {"order": {"status": "paid", "items": [{"sku": "A1"}]}, "key": self.headers.get("authorization")}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *args: Any) -> None:
        """Quiet."""


def png() -> bytes:
    """A real picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    rows = (b"\x00" + b"\x10\x80\x60" * 8) * 8
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def person(browser: Browser, running_app: Product) -> Iterator[Person]:
    somebody = Person(browser, running_app.url)
    yield somebody
    somebody.context.close()


@pytest.fixture(scope="module")
def editor(person: Person) -> Iterator[Editor]:
    """One page for all: every test has blocks of its own."""
    page = Editor(person, person.flow(everything()))
    page.page.set_viewport_size({"width": 1440, "height": 1100})
    yield page
    page.done()


def pick(editor: Editor, node_id: str) -> None:
    """Select a block wherever it is."""
    editor.page.keyboard.press("Escape")
    editor.card(node_id).locator(".hd").dispatch_event("click")
    expect(editor.page.locator(".ins [data-title-field]")).to_be_visible()


def test_a_text_gets_variables_emoji_marks_and_is_undone_by_the_browser(editor: Editor) -> None:
    page = editor.page
    pick(editor, "ola")
    body = editor.field("body")
    body.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" {{ida")
    expect(page.get_by_role("option", name="idade")).to_be_visible()
    page.keyboard.press("Enter")
    expect(body).to_have_value("Oi, {{ contact.first_name }}! {{ session.idade }}")
    page.keyboard.press("Backspace")  # a chip goes as a whole…
    expect(body).to_have_value("Oi, {{ contact.first_name }}! ")
    page.keyboard.press("Control+z")  # …and comes back
    expect(body).to_have_value("Oi, {{ contact.first_name }}! {{ session.idade }}")
    page.keyboard.press("Control+End")  # the browser selects what it brought back
    page.get_by_test_id("emoji").click()
    page.keyboard.type("bolo de anivers")
    expect(page.locator(".emo .grid button").first).to_have_attribute("title", re.compile("bolo de anivers"))
    page.keyboard.press("Enter")
    expect(body).to_have_value("Oi, {{ contact.first_name }}! {{ session.idade }}🎂")
    page.keyboard.press("Escape")
    body.focus()
    body.evaluate("e => e.setSelectionRange(0, 2)")
    page.keyboard.press("Control+b")
    expect(body).to_have_value("*Oi*, {{ contact.first_name }}! {{ session.idade }}🎂")
    page.get_by_test_id("look").click()
    expect(page.get_by_test_id("look-bubble").locator("b")).to_have_text("Oi")
    page.get_by_test_id("look").click()
    # A filter is completed after a bar, and a mistake is told where it is.
    body.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("{{ session.idade | mon")
    expect(page.get_by_role("option", name="money")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.type(" }}")
    expect(body).to_have_value("*Oi*, {{ contact.first_name }}! {{ session.idade }}🎂{{ session.idade | money }}")
    assert editor.node("ola")["config"]["body"].endswith("🎂{{ session.idade | money }}")


def test_a_typed_sentence_is_one_message(editor: Editor) -> None:
    pick(editor, "pergunta")
    editor.saved()
    with editor.frames.during() as seen:
        editor.field("body").select_text()
        type_steadily(editor.field("body"), "Quantos anos você tem, por favor?")
        wait_until(lambda: editor.node("pergunta")["config"]["body"].endswith("por favor?"))
        editor.saved()
    assert 1 <= len(seen.up) <= 2, seen.up


def test_rows_move_by_pointer_and_keyboard_and_keep_ids_and_links(editor: Editor) -> None:
    page = editor.page
    pick(editor, "menu")
    grips = page.locator('.ins [data-list="buttons"] .grip')
    grips.nth(0).focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(editor.field("buttons/0/title")).to_have_value("Não")
    last = box_of(page.locator('.ins [data-row="buttons/2"]'))
    editor.drag(grips.nth(0), last["x"] + 8, last["y"] + last["height"] - 2)
    expect(editor.field("buttons/2/title")).to_have_value("Não")
    editor.field("buttons/0/title").fill("Sim, quero muito mesmo!!")
    expect(page.locator(".ins .err").get_by_text("4 caracteres")).to_be_visible()
    editor.field("buttons/0/title").fill("Sim, quero")
    assert [row["id"] for row in editor.node("menu")["config"]["buttons"]] == ["sim", "talvez", "nao"]
    assert ("menu", "option:sim", "ola") in editor.links()


def test_what_is_no_number_is_told_and_kept_over_a_reload(person: Person) -> None:
    editor = Editor(person, person.flow(everything()))
    pick(editor, "pergunta")
    editor.field("max_attempts").fill("onze")
    expect(editor.page.locator(".ins .err").get_by_text("número")).to_be_visible()
    editor.open()
    pick(editor, "pergunta")
    expect(editor.field("max_attempts")).to_have_value("onze")
    assert editor.node("pergunta")["config"].get("max_attempts", 3) == 3
    editor.field("max_attempts").fill("5")
    expect(editor.page.locator('.ins .err[id$="max_attempts-issue"]')).to_have_count(0)
    assert editor.node("pergunta")["config"]["max_attempts"] == 5
    editor.field("variable").click()
    editor.page.keyboard.type("anos")
    editor.page.locator(".react-flow__pane").click(position={"x": 40, "y": 40})  # keeps what was typed
    expect(editor.card("pergunta")).to_contain_text("anos")
    editor.done()


def test_files_are_uploaded_checked_and_found_again(editor: Editor) -> None:
    page = editor.page
    pick(editor, "foto")
    choose = page.get_by_test_id("media-input")
    choose.set_input_files({"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"})
    expect(page.locator(".ins .err").get_by_text("a.pdf")).to_be_visible()
    choose.set_input_files({"name": "falsa.png", "mimeType": "image/png", "buffer": b"MZ\x90\x00 no picture"})
    expect(page.locator(".ins .err").get_by_text("não pode ser enviado")).to_be_visible()
    choose.set_input_files({"name": "cardapio.png", "mimeType": "image/png", "buffer": png()})
    expect(page.locator(".ins img.mdpic")).to_be_visible()
    kept = editor.node("foto")["config"]["media_id"]
    page.get_by_test_id("remove-file").click()
    page.get_by_test_id("open-library").click()
    page.get_by_test_id("media-library").get_by_text("cardapio.png").click()
    assert editor.node("foto")["config"]["media_id"] == kept

    # An upload goes on while another block is looked at.
    page.get_by_test_id("remove-file").click()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/media", hold)
    page.get_by_test_id("media-input").set_input_files(
        {"name": "cardapio.png", "mimeType": "image/png", "buffer": png()}
    )
    expect(page.locator(".ins .mdbusy")).to_be_visible()
    pick(editor, "pergunta")
    expect(page.locator(".ins .mdbusy")).to_have_count(0)
    assert not editor.node("foto")["config"].get("media_id")
    held[0].continue_()
    pick(editor, "foto")
    expect(page.locator(".ins img.mdpic")).to_be_visible()
    assert editor.node("foto")["config"]["media_id"] == kept

    # The preview shows the picture itself.
    page.get_by_test_id("tab-preview").click()
    page.get_by_test_id("preview-start-here").click()
    picture = page.get_by_test_id("preview-picture")
    expect(picture).to_be_visible()
    assert picture.get_attribute("src") == f"/api/v1/media/{kept}"
    page.get_by_test_id("tab-block").click()


def test_a_condition_offers_what_fits_the_value(editor: Editor) -> None:
    page = editor.page
    pick(editor, "teste")
    operators = editor.field("rows/0/operator").locator("option")
    expect(operators.filter(has_text="igual").first).to_be_attached()
    expect(operators.filter(has_text=re.compile("^contém$"))).to_have_count(0)  # the question asks for a whole number
    editor.field("rows/0/operator").select_option("not_empty")
    expect(editor.field("rows/0/compare_to")).to_have_count(0)
    page.get_by_test_id("add-row").click()
    editor.field("rows/1/value").fill("{{ contact.email }}")
    editor.field("rows/1/operator").select_option("contains")
    editor.field("rows/1/compare_to").fill("@")
    page.get_by_role("radio", name="Alguma vale").click()
    config = editor.node("teste")["config"]
    assert (config["match"], config["rows"][1]["compare_to"]) == ("any", "@")


def test_a_schedule_is_built_and_its_next_runs_come_from_the_server(editor: Editor) -> None:
    page = editor.page
    pick(editor, "agenda")
    expect(page.get_by_test_id("next-runs").locator("li")).to_have_count(5)
    page.get_by_role("radio", name="Mês").click()
    page.locator(".mdays button").get_by_text("15", exact=True).click()
    time = editor.field("cron.time")
    time.fill("9h30")
    time.press("Enter")
    assert editor.node("agenda")["config"]["cron"] == "30 9 1,15 * *"
    expect(page.get_by_test_id("next-runs").locator("li").first).to_contain_text("09:30")
    page.get_by_role("radio", name="Cron").click()
    editor.field("cron").fill("0 25 * * *")
    expect(page.locator(".ins .err").get_by_text("não existe")).to_be_visible()
    editor.field("cron").fill("0 8 * * 1")
    expect(page.get_by_test_id("next-runs").locator("li")).to_have_count(5)


def test_hours_and_holidays(editor: Editor, person: Person) -> None:
    page = editor.page
    pick(editor, "horas")
    page.get_by_role("button", name="sábado", exact=True).click()
    editor.field("periods/0/closes").fill("1330")
    editor.field("periods/0/closes").press("Enter")
    editor.field("holidays").fill("2026-12-25")
    page.get_by_test_id("add-date").click()
    config = editor.node("horas")["config"]
    assert config["periods"] == [{"days": [0, 5], "opens": "09:00", "closes": "13:30"}]
    assert config["holidays"] == ["12-25"]
    # They become a calendar that other flows may choose too; the block goes by it from now on.
    page.get_by_test_id("hours-to-calendar").click()
    page.keyboard.type("Plantão")
    page.keyboard.press("Enter")
    expect(editor.field("calendar_id")).to_have_value("Plantão")
    expect(page.get_by_test_id("hours-week")).to_contain_text("Plantão")
    (made,) = (one for one in person.get("/business-hours")["items"] if one["name"] == "Plantão")
    assert (made["periods"], [day["date"] for day in made["holidays"]]) == (config["periods"], ["12-25"])
    config = editor.node("horas")["config"]
    assert (config["calendar"], config["calendar_id"], config["calendar_name"]) == ("named", made["id"], "Plantão")


def test_a_request_is_tried_and_its_answer_mapped_by_clicking(editor: Editor, running_app: Product) -> None:
    page = editor.page
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pick(editor, "http")
    page.get_by_test_id("new-secret").click()
    page.get_by_label("Nome do segredo").fill("Chave da loja")
    page.get_by_label("Valor", exact=True).fill("k-super-secreta")
    page.get_by_test_id("save-secret").click()
    expect(editor.field("token")).to_have_value("{{ secret.chave_da_loja }}")
    editor.field("url").fill(f"http://127.0.0.1:{server.server_port}/pedidos")
    page.get_by_test_id("try-it").click()
    # The product under test doesn't allow this address: production's guard answers.
    expect(page.get_by_test_id("try-request").get_by_text("rede interna")).to_be_visible()
    page.get_by_role("button", name="O que foi enviado").click()
    sent = page.get_by_test_id("try-request").locator("pre")
    expect(sent).to_contain_text("Bearer ••••••")
    assert "k-super-secreta" not in page.content()
    page.route("**/try-request", lambda route: route.fulfill(json=_tried()))
    page.get_by_test_id("try-it").click()
    expect(page.get_by_test_id("try-status")).to_have_text("200")
    page.locator('.jtree [data-path="$.order.items[0].sku"]').click()
    page.locator('.jtree [data-path="$.order.status"]').click()
    expect(editor.field("mapping/1/path")).to_have_value("$.order.status")
    page.unroute("**/try-request")
    assert [row["name"] for row in editor.node("http")["config"]["mapping"]] == ["sku", "status"]
    server.shutdown()
    server.server_close()


def _tried() -> Json:
    """What the server says of a call that went well."""
    body = {"order": {"status": "paid", "items": [{"sku": "A1"}]}}
    request = {"method": "GET", "url": "https://example.com", "headers": [], "body": ""}
    return {
        "request": request, "status": 200, "error": None, "duration_ms": 12, "size": 60, "is_json": True,
        "json_body": body, "text": "", "truncated": False, "mapped": {}, "missing": [], "problems": [],
    }  # fmt: skip


def test_intents_are_tried_as_they_are_edited(editor: Editor) -> None:
    page = editor.page
    pick(editor, "ia")
    editor.field("intents/1/examples").fill("cadê a minha entrega")
    editor.field("intents/1/examples").press("Enter")
    page.get_by_test_id("intent-sentence").fill("e a minha entrega?")
    expect(page.get_by_test_id("intent-result")).to_contain_text("Rastrear")


def test_things_are_chosen_and_made_where_they_are_named(editor: Editor, person: Person) -> None:
    page = editor.page
    pick(editor, "etiqueta")
    editor.field("add").fill("Cliente fiel")
    editor.field("add").press("Enter")
    assert editor.node("etiqueta")["config"]["add"] == ["Cliente fiel"]
    pick(editor, "pulo")
    editor.field("flow").click()
    page.keyboard.type("Segundo passo")
    page.get_by_role("button", name="Criar o fluxo").click()
    expect(editor.field("flow")).to_have_value("Segundo passo")
    expect(page.locator('.ins a[target="_blank"]')).to_be_visible()
    slug = editor.node("pulo")["config"]["flow"]
    assert slug in {flow["slug"] for flow in person.get("/flows")["items"]}


def test_a_template_is_chosen_seen_and_filled_in(editor: Editor) -> None:
    page = editor.page
    pick(editor, "modelo")
    editor.page.route("**/references", lambda route: route.fulfill(json=_references()))
    editor.open()
    pick(editor, "modelo")
    editor.field("name").click()
    page.get_by_test_id("find-template").fill("pedido")
    page.get_by_role("option", name="pedido_enviado").click()
    expect(page.get_by_test_id("template-look")).to_contain_text("a caminho")
    expect(page.get_by_test_id("template-warning")).to_be_visible()  # not approved yet
    editor.field("body/0").fill("{{ contact.first_name }}")
    editor.field("body/1").fill("A-1")
    config = editor.node("modelo")["config"]
    assert (config["name"], config["language"]) == ("pedido_enviado", "pt_BR")
    assert config["body"] == ["{{ contact.first_name }}", "A-1"]
    assert config["buttons"] == [{"id": "button_1", "title": "Rastrear", "place": 0}]
    page.unroute("**/references")


def _references() -> Json:
    button = {"type": "QUICK_REPLY", "text": "Rastrear", "url": "", "phone_number": "", "variables": 0}
    template = {
        "name": "pedido_enviado", "language": "pt_BR", "status": "PENDING", "category": "UTILITY",
        "body": "Oi {{1}}, o pedido {{2}} está a caminho.", "header": None, "footer": "", "buttons": [button],
        "variables": 2, "variable_names": ["1", "2"],
    }  # fmt: skip
    lists = ("queues", "agents", "departments", "tags", "fields", "secrets", "calendars", "flows", "channels")
    return {**{name: [] for name in lists}, "templates": [template], "templates_complete": True}


def test_help_examples_settings_addresses_and_several_blocks(editor: Editor) -> None:
    page = editor.page
    pick(editor, "inicio")
    expect(page.get_by_test_id("hook-address")).to_have_value(re.compile(r"^http://.+/hooks/[\w-]{30,}$"))
    before = page.get_by_test_id("hook-address").input_value()
    page.get_by_role("button", name="Trocar o endereço…").click()
    page.get_by_test_id("rotate").click()
    expect(page.get_by_test_id("hook-address")).not_to_have_value(before)
    page.get_by_test_id("help").click()
    expect(page.get_by_test_id("help-sheet")).to_contain_text("Saídas")
    page.get_by_test_id("insert-example").click()
    assert editor.node("inicio")["config"]["phone_path"] == "$.customer.phone"
    page.locator(".react-flow__pane").click(position={"x": 12, "y": 12})
    settings = page.get_by_test_id("flow-settings")
    settings.locator('[data-field="undefined"]').select_option("error")
    for name, word in (("interrupt_keywords", "sair"), ("restart_keywords", "menu")):
        settings.locator(f'[data-field="{name}"]').fill(word)
        settings.locator(f'[data-field="{name}"]').press("Enter")
    settings.locator('[data-field="name"]').fill("Tudo e mais")
    document = editor.document()
    assert (document["name"], document["settings"]["undefined"]) == ("Tudo e mais", "error")
    assert document["settings"]["interrupt_keywords"] == ["sair"]
    assert document["settings"]["restart_keywords"] == ["menu"]
    page.locator(".react-flow__pane").click(position={"x": 12, "y": 12})
    page.keyboard.press("Control+a")
    expect(page.locator(".ins .kinds")).to_contain_text("Condição")
