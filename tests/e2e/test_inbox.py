"""The inbox in browsers: two agents at once and the contact's sandbox phone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.axe import complaints
from tests.e2e.colleague import Colleague
from tests.e2e.editor_page import Person
from tests.e2e.inbox_page import Inbox, Phone, png, somebody
from tests.product import Product
from tests.waiting import wait_until

CONTACT = "Maria Souza"
QUEUE_MEMBERS = ("name", "description", "messages", "overflow", "color", "distribution", "is_default")

# A file as the system hands it to a page.
GIVES_A_FILE = """([bytes, name, event, target]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, {type: "image/png"}));
  const made = event === "drop" ? new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true})
    : new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true});
  document.querySelector(target).dispatchEvent(made);
}"""


@dataclass
class Shop:
    """Rafael and Juliana, who answer, and the contact's phone."""

    rafael: Person
    juliana: Colleague
    phone: Phone


def _asks_for_a_person(phone: Phone) -> None:
    phone.says("oi", name=CONTACT)
    menu = phone.got("interactive")
    button = next(one["reply"] for one in menu["interactive"]["action"]["buttons"] if "alguém" in one["reply"]["title"])
    phone.says(button["title"], type="button_reply", selection_id=button["id"], context_id=menu["external_id"])


@pytest.fixture
def shop(browser: Browser, running_app: Product) -> Iterator[Shop]:
    """A shop whose contact has asked for a person."""
    rafael = somebody(browser, running_app.url)
    juliana = Colleague(browser, rafael, running_app.data_dir, name="Juliana Prado", role="agent")
    phone = Phone(rafael)
    _asks_for_a_person(phone)
    yield Shop(rafael, juliana, phone)
    for person in (rafael, juliana):
        person.context.close()


def test_two_agents_and_a_phone(shop: Shop) -> None:
    rafael, phone = Inbox(shop.rafael), shop.phone
    juliana = Inbox(shop.juliana)

    # Both see who waits; the menu's chosen option is marked, and automation says why it spoke.
    expect(rafael.row(CONTACT)).to_contain_text("esperando")
    rafael.open(CONTACT)
    expect(rafael.at("option").filter(has_text="Falar com alguém")).to_have_attribute("data-picked", "true")
    rafael.at("why-open").first.click()
    expect(rafael.at("why")).to_contain_text("Boas-vindas e menu")
    rafael.page.keyboard.press("Escape")
    juliana.open(CONTACT)

    # One takes it over; the other sees that without a reload, and each sees the other.
    rafael.at("take-over").click()
    expect(juliana.at("owner")).to_contain_text("Rafael")
    expect(rafael.at("others")).to_contain_text("Juliana também está vendo")
    juliana.at("composer").press_sequentially("Oi", delay=20)
    expect(rafael.at("others")).to_contain_text("Juliana está respondendo")

    # Juliana is writing: Rafael is told, and sends all the same.
    rafael.write("Oi, Maria! Aqui é o *Rafael*.")
    retry = rafael.at("retry")
    expect(retry).to_be_visible()
    retry.click()
    mine = rafael.bubble("Aqui é o Rafael")
    expect(mine.locator("b")).to_have_text("Rafael")
    phone.got("text", "Aqui é o *Rafael*")
    phone.looks()
    expect(mine.get_by_test_id("status")).to_have_attribute("data-status", "read")
    juliana.at("composer").fill("")

    # Every kind that a phone sends is shown as what it is.
    quoted = phone.got("text", "Aqui é o *Rafael*")["external_id"]
    phone.says("Chegou trincado", context_id=quoted)
    phone.sends_file("image", "vaso.png", "image/png", png(), text="O vaso")
    phone.sends_file("document", "nota.pdf", "application/pdf", b"%PDF-1.4\n%%EOF", filename="nota.pdf")
    phone.says(type="location", latitude=-25.4284, longitude=-49.2733)
    phone.says("🙏", type="reaction", context_id=quoted)
    expect(rafael.bubble("Chegou trincado").locator(".quote")).to_contain_text("Aqui é o *Rafael*")
    expect(rafael.bubble("O vaso").get_by_test_id("picture")).to_have_attribute("data-state", "ready")
    expect(rafael.at("document")).to_contain_text("nota.pdf")
    expect(rafael.at("place")).to_contain_text("25° 25′")
    expect(mine.get_by_test_id("reactions")).to_have_text("🙏")
    rafael.at("picture").click()
    expect(rafael.at("viewer").locator("img")).to_be_visible()
    assert complaints(rafael.page, "[data-testid=viewer]") == []
    rafael.page.keyboard.press("Escape")
    expect(rafael.at("viewer")).to_be_hidden()

    # Files, voice, an answer to one message, options to press.
    rafael.at("file-input").set_input_files({"name": "novo.png", "mimeType": "image/png", "buffer": png()})
    expect(rafael.at("files")).to_contain_text("novo.png")
    rafael.write("O novo é este")
    phone.got("image", "O novo é este")
    rafael.at("record").click()
    expect(rafael.at("recorder")).to_contain_text(re.compile(r"0:0[1-9]"))
    rafael.at("voice-send").click()
    phone.got("audio")
    expect(rafael.at("sound")).to_have_attribute("data-wave", "true")
    rafael.bubble("Chegou trincado").hover()
    rafael.bubble("Chegou trincado").get_by_test_id("message-acts").click()
    rafael.at("reply-to").click()
    rafael.write("Sinto muito!")
    assert phone.got("text", "Sinto muito!")["context"]["message_id"]
    rafael.at("send-more").click()
    rafael.at("more-options").click()
    rafael.at("options-body").fill("Troca ou devolução?")
    rafael.at("option-0").fill("Troca")
    rafael.at("option-1").fill("Devolução")
    assert complaints(rafael.page, "[data-testid=options-dialog]") == []
    rafael.at("options-send").click()
    asked = phone.got("interactive", "Troca ou devolução?")
    first = asked["interactive"]["action"]["buttons"][0]["reply"]
    phone.says(first["title"], type="button_reply", selection_id=first["id"], context_id=asked["external_id"])
    expect(rafael.at("option").filter(has_text="Troca").last).to_have_attribute("data-picked", "true")

    # Notes stay inside and call a colleague.
    rafael.at("mode-note").click()
    rafael.at("composer").press_sequentially("Veja isto @Jul")
    expect(rafael.at("mentions")).to_contain_text("Juliana Prado")
    rafael.page.keyboard.press("Enter")
    rafael.page.keyboard.press("Enter")
    expect(juliana.at("note")).to_contain_text("@Juliana")
    expect(juliana.at("bell-count")).to_have_text(re.compile("[1-9]"))
    assert "Veja isto" not in str(phone.received())

    # News don't drag somebody who reads further up; the pill tells of them.
    rafael.at("mode-reply").click()
    log = rafael.page.locator(".ix-msgs [data-virtuoso-scroller]")
    log.hover()
    rafael.page.mouse.wheel(0, -4000)
    expect(rafael.bubble("Como posso ajudar?").first).to_be_visible()
    phone.says("Ainda está aí?")
    expect(rafael.at("new-pill")).to_be_visible()
    rafael.at("new-pill").click()
    expect(rafael.bubble("Ainda está aí?")).to_be_in_viewport()
    assert complaints(rafael.page) == []
    assert rafael.faults == []
    assert juliana.faults == []


def test_what_one_does_with_a_conversation(shop: Shop) -> None:
    rafael, phone = Inbox(shop.rafael), shop.phone
    rafael.open(CONTACT)
    rafael.at("off-take-over").or_(rafael.at("take-over")).first.click()
    expect(rafael.at("owner")).to_contain_text("você")

    # A draft stays, in another tab too.
    rafael.at("composer").fill("Meio escrita")
    other = Inbox(shop.rafael, rafael.page.url.removeprefix(shop.rafael.url))
    expect(other.at("composer")).to_have_value("Meio escrita")
    rafael.at("composer").fill("Meio escrita, e mais")
    expect(other.at("composer")).to_have_value("Meio escrita, e mais")
    other.page.close()

    # Later: seen in its place, taken back.
    rafael.at("send-more").click()
    rafael.at("more-schedule").click()
    rafael.at("when-tomorrow").click()
    expect(rafael.at("unschedule")).to_be_visible()
    rafael.at("unschedule").click()
    expect(rafael.at("unschedule")).to_be_hidden()

    # A place from what people paste.
    rafael.at("send-more").click()
    rafael.at("more-place").click()
    rafael.at("place-where").fill("https://maps.example/?q=-25.4284,-49.2733")
    rafael.at("place-name").fill("Nossa loja")
    rafael.at("place-send").click()
    assert phone.got("location", "Nossa loja")["location"]["latitude"] == pytest.approx(-25.4284)

    # A file dropped on the thread, another pasted into the composer.
    for name, event, target in (("solta.png", "drop", ".ix-thread"), ("colada.png", "paste", "#composer")):
        rafael.page.evaluate(GIVES_A_FILE, [list(png()), name, event, target])
        expect(rafael.at("files")).to_contain_text(name)
        rafael.write(f"Foto {name}")
        phone.got("image", f"Foto {name}")

    # Closed by mistake, and taken back.
    rafael.at("close").click()
    rafael.page.get_by_role("button", name="Desfazer").click()
    expect(rafael.at("close")).to_be_visible()
    expect(rafael.row(CONTACT)).to_be_visible()

    # Tags, priority, and the contact's data.
    rafael.at("panel-tag-add").click()
    rafael.at("panel-tag").fill("cliente fiel")
    rafael.page.keyboard.press("Enter")
    expect(rafael.at("tag")).to_have_text("cliente fiel")
    rafael.at("head-more").click()
    rafael.at("priority-urgent").click()
    expect(rafael.row(CONTACT).locator(".t-red")).to_be_visible()
    rafael.at("contact-more").click()
    rafael.at("contact-edit").click()
    rafael.at("contact-name").fill("Maria de Souza")
    rafael.at("contact-save").click()
    expect(rafael.row("Maria de Souza")).to_be_visible()

    # Put off: out of the list, and back when the contact writes.
    rafael.page.locator(".ix-head h2").click()
    rafael.page.keyboard.press("s")
    rafael.at("when-tomorrow").click()
    expect(rafael.at("conversation")).to_have_count(0)
    phone.says("Voltei")
    expect(rafael.row("Maria de Souza")).to_be_visible()

    # Given on with a note, closed with an outcome, back in the list when the contact writes again.
    rafael.open("Maria de Souza")
    rafael.page.locator(".ix-head h2").click()
    rafael.page.keyboard.press("t")
    rafael.at("pick").filter(has_text="Juliana Prado").click()
    rafael.at("transfer-note").fill("Já pedi a foto.")
    assert complaints(rafael.page, "[data-testid=transfer-dialog]") == []
    rafael.at("transfer-confirm").click()
    juliana = Inbox(shop.juliana)
    juliana.at("tab-mine").click()
    juliana.open("Maria de Souza")
    expect(juliana.at("note")).to_contain_text("Já pedi a foto.")
    juliana.at("head-more").click()
    juliana.at("close-with").click()
    juliana.at("outcome-solved").click()
    juliana.at("close-confirm").click()
    expect(juliana.at("conversation")).to_have_count(0)
    # To whom has it open the contact's next message is read at once: unread it is where nobody looks at it.
    rafael.page.goto(f"{shop.rafael.url}/inbox")
    expect(rafael.at("tab-all").locator(".cnt")).to_have_text("0")
    phone.says("Só mais uma coisa")
    expect(rafael.row("Maria de Souza")).to_have_attribute("data-unread", "true")
    assert rafael.faults == []
    assert juliana.faults == []


def test_on_a_phone(shop: Shop) -> None:
    small = Inbox(shop.rafael, width=390, height=844)
    expect(small.row(CONTACT)).to_be_visible()
    assert complaints(small.page) == []
    small.open(CONTACT)
    expect(small.at("tab-all")).to_be_hidden()
    small.at("take-over").click()
    small.at("composer").fill("Do celular")
    small.at("send").click()
    shop.phone.got("text", "Do celular")
    assert complaints(small.page) == []
    small.at("panel-open").click()
    expect(small.at("fields")).to_be_visible()
    assert complaints(small.page) == []
    small.at("panel-close").click()
    small.page.get_by_role("button", name="Voltar à lista").click()
    expect(small.row(CONTACT)).to_contain_text("Do celular")
    width = small.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    assert small.faults == []


def test_finding_and_many_at_once(shop: Shop) -> None:
    rafael = Inbox(shop.rafael)
    rafael.open(CONTACT)
    rafael.at("take-over").click()
    rafael.write("A cerâmica chega na sexta-feira")
    shop.phone.got("text", "cerâmica")

    # A canned reply: made, found by its shortcut, with the contact's name in it.
    rafael.at("canned-open").click()
    rafael.page.get_by_role("button", name="Gerenciar respostas").click()
    rafael.at("canned-add").click()
    rafael.at("canned-shortcut").fill("prazo")
    rafael.at("canned-title").fill("Prazo de entrega")
    rafael.at("canned-text").fill("{{contact.first_name}}, o prazo é de 5 dias.")
    rafael.at("canned-save").click()
    expect(rafael.at("canned-dialog")).to_contain_text("/prazo")
    assert complaints(rafael.page, "[data-testid=canned-dialog]") == []
    rafael.page.keyboard.press("Escape")
    rafael.at("composer").fill("")
    rafael.at("composer").press_sequentially("/pra")
    expect(rafael.at("canned")).to_contain_text("Maria, o prazo")
    rafael.page.keyboard.press("Enter")
    expect(rafael.at("composer")).to_have_value("Maria, o prazo é de 5 dias.")
    rafael.page.keyboard.press("Enter")
    shop.phone.got("text", "Maria, o prazo é de 5 dias.")

    # What was said is found, accents aside, and shown where it stands.
    wait_until(lambda: shop.rafael.get("/conversations/search?q=ceramica")["items"], timeout=15)  # some seconds later
    search = rafael.at("inbox-search")
    search.fill("ceramica")
    hit = rafael.at("hit").filter(has_text="cerâmica")
    expect(hit.locator("mark").first).to_have_text(re.compile("cerâmica", re.IGNORECASE))
    assert complaints(rafael.page) == []
    hit.click()
    expect(rafael.page.locator("[data-found=true] mark").first).to_be_visible()
    search.fill("")

    # Far from the end the thread is read around the hit, not page by page; its end is one press away.
    for number in range(60):
        shop.phone.says(f"Mensagem {number}")
    wait_until(lambda: "Mensagem 59" in rafael.row(CONTACT).inner_text(), timeout=20)
    rafael.page.reload()
    expect(rafael.bubble("Mensagem 59")).to_be_in_viewport()
    asked: list[str] = []
    rafael.page.on("request", lambda request: asked.append(request.url) if "/messages?" in request.url else None)
    search.fill("ceramica")
    hit.click()
    expect(rafael.page.locator("[data-found=true] mark").first).to_be_in_viewport()
    assert any("around=" in url for url in asked)
    search.fill("")
    shop.phone.says("Enquanto isso")
    rafael.page.get_by_label("Ir para o fim").click()
    expect(rafael.bubble("Enquanto isso")).to_be_in_viewport()

    # Filters narrow, stand as chips, and are kept under a name.
    rafael.at("filter-open").click()
    rafael.at("f-handling-bot").click()
    expect(rafael.page.get_by_text("Nenhuma conversa com estes filtros")).to_be_visible()
    assert complaints(rafael.page, "[data-testid=filters]") == []
    rafael.at("f-handling-person").click()  # either of the two
    rafael.at("f-sort").select_option("unread")
    rafael.page.keyboard.press("Escape")
    expect(rafael.row(CONTACT)).to_be_visible()
    rafael.at("save-view").click()
    rafael.at("view-name").fill("Com pessoas")
    rafael.at("view-save").click()
    rafael.at("chip").filter(has_text="Uma pessoa").click()
    rafael.at("views").click()
    rafael.at("view").filter(has_text="Com pessoas").click()
    expect(rafael.at("chip").filter(has_text="Uma pessoa")).to_be_visible()

    # Marked ones are changed together.
    rafael.at("mark").first.click()
    expect(rafael.at("bulk")).to_contain_text("1 marcada")
    assert complaints(rafael.page) == []
    rafael.at("bulk-close").click()
    expect(rafael.at("conversation")).to_have_count(0)
    assert rafael.faults == []


def test_a_queue_rings_at_an_agent(browser: Browser, running_app: Product) -> None:
    rafael = somebody(browser, running_app.url)
    (queue, *_) = rafael.get("/queues")["items"]
    kept = {name: value for name, value in rafael.get(f"/queues/{queue['id']}").items() if name in QUEUE_MEMBERS}
    for path, body in (
        (f"/queues/{queue['id']}", {**kept, "ring_seconds": 60}),
        ("/agents/me/queues", {"queues": [{"queue_id": queue["id"], "level": 0}]}),
        ("/agents/me/status", {"status": "online"}),
    ):
        answer = rafael.context.request.put(f"{rafael.url}/api/v1{path}", data=body, headers=rafael.bearer)
        assert answer.ok, answer.text()
    inbox = Inbox(rafael)
    expect(inbox.page.get_by_text("Nenhuma conversa por aqui")).to_be_visible()
    _asks_for_a_person(Phone(rafael))
    expect(inbox.at("offer")).to_contain_text(CONTACT)
    assert complaints(inbox.page) == []
    inbox.at("offer-accept").click()
    expect(inbox.at("owner")).to_contain_text("você")
    expect(inbox.at("offer")).to_be_hidden()
    expect(inbox.page.locator(".ix-panel")).to_contain_text(queue["name"])
    assert inbox.faults == []
    rafael.context.close()
