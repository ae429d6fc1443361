"""The queue monitor in browsers: a supervisor, two agents, and the contact's sandbox phone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect
from playwright.sync_api import TimeoutError as NotInTime

from tests.e2e.axe import complaints
from tests.e2e.browsing import open_page
from tests.e2e.colleague import Colleague
from tests.e2e.editor_page import Person, box_of
from tests.e2e.inbox_page import Phone, somebody
from tests.product import Product
from tests.waiting import wait_until

CONTACT = "Maria Souza"


@dataclass
class Shop:
    """Rafael, who supervises; Juliana and Diego, who answer; the contact's phone."""

    rafael: Person
    juliana: Colleague
    diego: Colleague
    phone: Phone

    def asks_for_a_person(self) -> None:
        """The contact presses the button of the first menu."""
        self.phone.says("oi", name=CONTACT)
        menu = self.phone.got("interactive")
        buttons = menu["interactive"]["action"]["buttons"]
        button = next(one["reply"] for one in buttons if "alguém" in one["reply"]["title"])
        self.phone.says(button["title"], type="button_reply", selection_id=button["id"], context_id=menu["external_id"])

    def asks(self, path: str, body: dict[str, object]) -> None:
        """The supervisor asks the API for something."""
        answer = self.rafael.context.request.post(
            f"{self.rafael.url}/api/v1{path}", data=body, headers=self.rafael.bearer
        )
        assert answer.ok, answer.text()

    def queue(self, **changes: object) -> str:
        """Change the default queue's settings; its id."""
        queue = next(one for one in self.rafael.get("/queues")["items"] if one["is_default"])
        body = {key: value for key, value in queue.items() if key not in {"id", "created_at", "updated_at"}}
        answer = self.rafael.context.request.put(
            f"{self.rafael.url}/api/v1/queues/{queue['id']}", data={**body, **changes}, headers=self.rafael.bearer
        )
        assert answer.ok, answer.text()
        return str(queue["id"])


@pytest.fixture
def shop(browser: Browser, running_app: Product) -> Iterator[Shop]:
    """A shop whose people are all off duty."""
    rafael = somebody(browser, running_app.url)
    juliana, diego = (
        Colleague(browser, rafael, running_app.data_dir, name=name, role="agent")
        for name in ("Juliana Prado", "Diego Matos")
    )
    yield Shop(rafael, juliana, diego, Phone(rafael))
    for person in (rafael, juliana, diego):
        person.context.close()


def _opened(person: Person, path: str) -> Page:
    page = person.context.new_page()
    open_page(page, f"{person.url}{path}")
    return page


def _works(page: Page, status: str = "online") -> None:
    """Set the own status in the top bar."""
    page.get_by_test_id("me").click()
    page.get_by_test_id(f"status-{status}").click()
    expect(page.get_by_test_id("me")).to_have_attribute("data-status", status)


def _drag(page: Page, card: Locator, target: str) -> None:
    """Drag a card onto the middle of what has this test id; columns show where only once a card is held."""
    expect(card).to_be_visible()
    box = box_of(card)
    page.mouse.move(box["x"] + 120, box["y"] + 18)
    page.mouse.down()
    page.mouse.move(box["x"] + 132, box["y"] + 30, steps=4)
    goal = page.locator(target)
    expect(goal).to_be_visible()
    to = box_of(goal)
    page.mouse.move(to["x"] + to["width"] / 2, to["y"] + to["height"] / 2, steps=10)
    expect(goal).to_have_attribute("data-over", "true")
    page.mouse.up()


def _agent(name: str) -> str:
    return f"[data-testid=agent]:has-text('{name}')"


def test_from_the_line_to_an_agent_and_out_again(shop: Shop) -> None:
    shop.queue(distribution="manual", sla_seconds=60)
    shop.asks_for_a_person()
    monitor = _opened(shop.rafael, "/queues")
    waiting, served = monitor.get_by_test_id("waiting-card"), monitor.get_by_test_id("service-card")
    expect(waiting).to_contain_text(CONTACT)
    expect(waiting.get_by_test_id("why")).to_contain_text("Ninguém disponível")
    expect(monitor.get_by_test_id("nav-waiting").first).to_have_text("1")
    expect(monitor.get_by_test_id("fig-waiting")).to_contain_text("1")

    # The promised time runs, and nobody is asked for it.
    asked: list[str] = []
    listen = lambda request: asked.append(request.url) if "/dashboard" in request.url else None  # noqa: E731
    monitor.on("request", listen)
    before = waiting.get_by_test_id("wait").inner_text()
    expect(waiting.get_by_test_id("wait")).not_to_have_text(before)
    assert asked == []
    monitor.remove_listener("request", listen)

    # An agent comes to work on another page: the strip and the reason know it without a reload.
    juliana = _opened(shop.juliana, "/sandbox")
    _works(juliana)
    expect(monitor.locator(_agent("Juliana"))).to_have_attribute("data-status", "online")
    expect(waiting.get_by_test_id("why")).to_contain_text("distribuída à mão")

    # Reprioritised by the card's menu, given by dragging it onto the agent.
    waiting.hover()
    waiting.get_by_test_id("card-menu").click()
    monitor.get_by_test_id("card-urgent").click()
    expect(waiting).to_have_attribute("data-priority", "urgent")
    _drag(monitor, waiting, "[data-testid=lane-high]")
    expect(waiting).to_have_attribute("data-priority", "high")
    _drag(monitor, waiting, _agent("Juliana"))
    expect(served).to_contain_text("Juliana Prado")
    expect(waiting).to_have_count(0)
    expect(monitor.get_by_test_id("nav-waiting")).to_have_count(0, timeout=15_000)

    # Undone it waits again; by keys it goes to somebody else, whoever has a full desk or none.
    monitor.get_by_role("button", name="Desfazer").first.click()
    expect(waiting).to_contain_text(CONTACT)
    monitor.keyboard.press("j")
    monitor.keyboard.press("a")
    monitor.get_by_test_id("pick-search").fill("diego")
    monitor.keyboard.press("Enter")
    expect(served).to_contain_text("Diego Matos")
    _drag(monitor, served, _agent("Juliana"))
    expect(served).to_contain_text("Juliana Prado")
    juliana.goto(f"{shop.juliana.url}/inbox")
    expect(juliana.get_by_test_id("conversation").filter(has_text=CONTACT)).to_be_visible()
    _drag(monitor, served, "[data-testid=drop-waiting]")
    expect(waiting).to_contain_text(CONTACT)

    # The agent's own monitor: what waits in their queue may be taken, not given.
    own = _opened(shop.juliana, "/queues")
    _drag(own, own.get_by_test_id("waiting-card"), "[data-testid=drop-service]")
    expect(own.get_by_test_id("service-card")).to_contain_text("Juliana Prado")

    # Who spoke last, then settled by dragging: it is among what was finished, with its outcome.
    shop.phone.says("Vocês abrem domingo?", name=CONTACT)
    expect(served).to_contain_text("Cliente falou por último")
    assert complaints(monitor) == []
    _drag(monitor, served, "[data-testid=drop-recent]")
    monitor.get_by_test_id("outcome").fill("Dúvida resolvida")
    monitor.get_by_test_id("complete-confirm").click()
    recent = monitor.get_by_test_id("recent-row").first
    expect(recent).to_contain_text("Dúvida resolvida")
    expect(recent).to_have_attribute("data-status", "completed")
    expect(served).to_have_count(0)
    expect(own.get_by_test_id("service-card")).to_have_count(0)

    # On the wall nothing can be pressed; one queue alone has its own address.
    monitor.get_by_test_id("wall").click()
    expect(monitor.locator("header.top")).to_be_hidden()
    expect(monitor.get_by_test_id("card-menu")).to_have_count(0)
    monitor.get_by_test_id("unwall").click(force=True)
    expect(monitor.locator("header.top")).to_be_visible()
    monitor.get_by_test_id("queue-tab").first.click()
    expect(monitor).to_have_url(re.compile(r"\?queue="))


def test_what_rings_is_answered_or_passed_on_from_any_page(shop: Shop) -> None:
    shop.queue(ring_seconds=60)
    juliana, diego = _opened(shop.juliana, "/flows"), _opened(shop.diego, "/sandbox")
    _works(juliana)
    shop.asks_for_a_person()
    offer = juliana.get_by_test_id("offer")
    expect(offer).to_contain_text(CONTACT)
    expect(offer.get_by_role("timer")).to_have_text(re.compile(r"\d+ s"))
    assert complaints(juliana, ".ag-rings") == []
    _works(diego)
    offer.get_by_test_id("offer-decline").click()
    expect(offer).to_have_count(0)
    expect(diego.get_by_test_id("offer")).to_contain_text(CONTACT)
    diego.get_by_test_id("offer-accept").click()
    expect(diego).to_have_url(re.compile(r"/inbox\?c="))
    expect(diego.get_by_test_id("composer")).to_be_visible()

    # A break with a reason, which the team sees, and the history keeps.
    juliana.get_by_test_id("me").click()
    juliana.get_by_test_id("status-reason").click()
    juliana.get_by_test_id("reason-text").fill("Almoço")
    juliana.get_by_test_id("reason-save").click()
    expect(juliana.get_by_test_id("me")).to_contain_text("Almoço")
    team = _opened(shop.rafael, "/team")
    row = team.get_by_test_id("team-row").filter(has_text="Juliana")
    expect(row).to_contain_text("Em pausa")
    row.click()
    panel = team.get_by_test_id("team-panel")
    expect(panel.locator(".tm-hist")).to_contain_text("Almoço")
    panel.get_by_test_id("f-capacity").fill("2")
    panel.get_by_test_id("f-agent-skills").fill("inglês")
    panel.get_by_test_id("f-agent-skills").press("Enter")
    panel.get_by_test_id("team-queue").first.check()
    panel.get_by_test_id("team-save").click()
    expect(panel.get_by_test_id("team-save")).to_have_count(0)
    expect(row).to_contain_text("0/2")
    assert complaints(team) == []
    saved = next(one for one in shop.rafael.get("/agents")["items"] if one["name"] == "Juliana Prado")
    assert (saved["capacity"], saved["skills"], sum(one["given"] for one in saved["queues"])) == (2, ["inglês"], 1)


def test_a_queue_is_made_ruled_and_taken_away_with_who_waits_in_it(shop: Shop) -> None:
    rules = _opened(shop.rafael, "/queues/settings")
    rules.get_by_test_id("queue-new").click()
    rules.get_by_test_id("f-name").fill("Trocas")
    rules.get_by_test_id("f-sla").fill("2.5")
    welcome = rules.get_by_test_id("message-welcome")
    welcome.fill("Oi, ")
    rules.get_by_test_id("message-welcome-contact.first_name").click()
    expect(welcome).to_have_value("Oi, {{contact.first_name}}")
    expect(rules.locator(".qs-bubble .bub").first).to_have_text("Oi, Célia")
    rules.get_by_test_id("queue-save").click()
    expect(rules.get_by_test_id("queue-row").filter(has_text="Trocas")).to_be_visible()
    made = next(one for one in shop.rafael.get("/queues")["items"] if one["name"] == "Trocas")
    assert (made["sla_seconds"], made["messages"]["welcome"]) == (150, "Oi, {{contact.first_name}}")

    # What the server objects to stands at its field, and nothing is lost.
    rules.get_by_test_id("f-name").fill("Atendimento")
    rules.get_by_test_id("queue-save").click()
    expect(rules.get_by_test_id("queue-form")).to_contain_text("Já existe uma fila com esse nome")
    rules.get_by_test_id("queue-discard").click()
    expect(rules.get_by_test_id("f-name")).to_have_value("Trocas")
    assert complaints(rules) == []

    # Somebody waits in it: they go on waiting where it is said.
    shop.asks_for_a_person()
    monitor = _opened(shop.rafael, "/queues")
    card = monitor.get_by_test_id("waiting-card")
    card.hover()
    card.get_by_test_id("card-menu").click()
    monitor.get_by_test_id("card-move").click()
    monitor.get_by_test_id("pick").filter(has_text="Trocas").click()
    expect(card).to_contain_text("Trocas")
    rules.reload()
    rules.get_by_test_id("queue-row").filter(has_text="Trocas").click()
    rules.get_by_test_id("queue-delete").click()
    expect(rules.get_by_test_id("queue-move-to")).to_be_visible()
    rules.get_by_test_id("queue-delete-confirm").click()
    expect(rules.get_by_test_id("queue-row").filter(has_text="Trocas")).to_have_count(0)
    expect(card).to_contain_text("Atendimento")

    # An agent reads the rules, and can't change them.
    seen = _opened(shop.juliana, "/queues/settings")
    expect(seen.get_by_test_id("f-name")).to_be_disabled()
    expect(seen.get_by_test_id("queue-save")).to_have_count(0)


def test_the_monitor_says_when_it_cannot_be_shown(shop: Shop) -> None:
    """A fault shows with a way to try again; a viewer sees everything and can press nothing."""
    page = shop.rafael.context.new_page()
    faults = {"on": True}

    def answer(route: object, request: Request) -> None:
        if faults["on"]:
            route.fulfill(status=500, json={"code": "internal"})  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route("**/api/v1/queues/dashboard*", answer)
    open_page(page, f"{shop.rafael.url}/queues")
    expect(page.get_by_test_id("retry")).to_be_visible()
    faults["on"] = False
    page.get_by_test_id("retry").click()
    expect(page.get_by_text("Ninguém esperando").first).to_be_visible()
    expect(page.get_by_test_id("live")).to_contain_text("Ao vivo")
    faults["on"] = True
    page.get_by_test_id("queue-tab").first.click()
    expect(page.get_by_test_id("live")).to_contain_text("Reconectando")


def test_a_finger_drags_and_a_lost_line_comes_back(browser: Browser, shop: Shop) -> None:
    shop.queue(distribution="manual")
    shop.asks_for_a_person()
    touch = Colleague(browser, shop.rafael, shop.juliana.data_dir, name="Tina Rocha", role="org_admin", has_touch=True)
    page = _opened(touch, "/queues")
    waiting, served = page.get_by_test_id("waiting-card"), page.get_by_test_id("service-card")
    expect(waiting).to_contain_text(CONTACT)
    goal = page.locator(_agent("Juliana"))
    expect(goal).to_be_visible()

    # A finger held on a card lifts it; let go over an agent, it is theirs.
    finger = touch.context.new_cdp_session(page)

    def puts(kind: str, *at: float) -> None:
        points = [{"x": at[0], "y": at[1]}] if at else []
        finger.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    def lifted() -> bool:
        box = waiting.bounding_box()
        assert box is not None
        puts("Start", box["x"] + 120, box["y"] + 18)
        try:
            page.locator("[data-testid=lane-high]").wait_for(state="visible", timeout=4000)
        except NotInTime:
            puts("Cancel")
            return False
        return True

    wait_until(lifted, timeout=40)
    to = goal.bounding_box()
    assert to is not None
    puts("Move", to["x"] + to["width"] / 2, to["y"] + to["height"] / 2 + 4)
    puts("Move", to["x"] + to["width"] / 2, to["y"] + to["height"] / 2)
    expect(goal).to_have_attribute("data-over", "true")
    puts("End")
    expect(served).to_contain_text("Juliana Prado")

    # Cut off, the page says so and keeps what it knew; back, it shows what happened meanwhile without being asked.
    touch.context.set_offline(True)
    expect(page.get_by_test_id("live")).to_contain_text("Reconectando")
    expect(served).to_contain_text(CONTACT)
    talk = served.get_attribute("data-talk")
    answer = shop.rafael.context.request.post(
        f"{shop.rafael.url}/api/v1/conversations/{talk}/assign",
        data={"user_id": None}, headers=shop.rafael.bearer,
    )  # fmt: skip
    assert answer.ok, answer.text()
    touch.context.set_offline(False)
    expect(page.get_by_test_id("live")).to_contain_text("Ao vivo", timeout=40_000)
    expect(waiting).to_contain_text(CONTACT)
    expect(served).to_have_count(0)
    touch.context.close()


def test_by_keys_alone_and_in_words(shop: Shop) -> None:
    """The next is taken, somebody moved and somebody taken out without a mouse; what became of them is said."""
    shop.asks("/queues", {"name": "Trocas", "distribution": "manual"})
    queue_id = shop.queue(distribution="manual")
    shop.asks_for_a_person()
    monitor = _opened(shop.rafael, "/queues")
    waiting, served = monitor.get_by_test_id("waiting-card"), monitor.get_by_test_id("service-card")
    recent = monitor.get_by_test_id("recent-row")
    expect(waiting).to_contain_text(CONTACT)
    expect(monitor.get_by_test_id("take-next")).to_be_visible()
    talk = waiting.get_attribute("data-talk")

    # To another queue: the card, its menu, the queue's name.
    monitor.keyboard.press("j")
    expect(waiting.locator(".qm-name")).to_be_focused()
    monitor.keyboard.press("m")
    expect(monitor.get_by_test_id("card-move")).to_be_visible()
    expect(monitor.get_by_role("menuitem").first).to_be_focused()
    monitor.keyboard.press("ArrowDown")
    expect(monitor.get_by_test_id("card-give")).to_be_focused()
    monitor.keyboard.press("ArrowDown")
    expect(monitor.get_by_test_id("card-move")).to_be_focused()
    monitor.keyboard.press("Enter")
    expect(monitor.get_by_test_id("pick-search")).to_be_focused()
    assert complaints(monitor, "[data-testid=move-dialog]") == []
    monitor.get_by_test_id("pick-search").fill("tro")
    expect(monitor.get_by_test_id("pick")).to_have_count(1)
    monitor.keyboard.press("Enter")
    expect(waiting).to_contain_text("Trocas")
    expect(recent).to_contain_text("Passou para Trocas")

    # Out of the line, with a reason that stands among what ended.
    expect(monitor.get_by_test_id("move-dialog")).to_have_count(0)
    waiting.locator(".qm-name").focus()
    expect(waiting.locator(".qm-name")).to_be_focused()
    monitor.keyboard.press("m")
    expect(monitor.get_by_role("menuitem").first).to_be_focused()
    monitor.keyboard.press("End")
    expect(monitor.get_by_test_id("card-abandon")).to_be_focused()
    monitor.keyboard.press("Enter")
    expect(monitor.get_by_test_id("reason")).to_be_focused()
    assert complaints(monitor, "[data-testid=abandon-dialog]") == []
    monitor.get_by_test_id("reason").fill("ligou por telefone")
    monitor.keyboard.press("Enter")
    expect(waiting).to_have_count(0)
    expect(recent.first).to_contain_text("Saiu da fila: ligou por telefone")
    expect(monitor.get_by_test_id("take-next")).to_have_count(0)

    # An agent takes the next by a key, and is in the conversation; put off, it takes no place.
    shop.asks(f"/queues/{queue_id}/items", {"conversation_id": talk})
    own = _opened(shop.juliana, "/queues")
    expect(own.get_by_test_id("waiting-card")).to_contain_text(CONTACT)
    own.keyboard.press("n")
    expect(own).to_have_url(re.compile(r"/inbox\?c="))
    expect(served).to_contain_text("Juliana Prado")
    expect(monitor.get_by_test_id("fig-service")).to_contain_text("1 com ausentes")  # she is off duty

    # Settled by keys, then undone: it goes on where it was.
    served.locator(".qm-name").focus()
    expect(served.locator(".qm-name")).to_be_focused()
    monitor.keyboard.press("m")
    expect(monitor.get_by_role("menuitem").first).to_be_focused()
    monitor.keyboard.press("End")
    expect(monitor.get_by_test_id("card-complete")).to_be_focused()
    monitor.keyboard.press("Enter")
    expect(monitor.get_by_test_id("outcome")).to_be_visible()
    assert complaints(monitor, "[data-testid=complete-dialog]") == []
    monitor.get_by_test_id("outcome").fill("Resolvida no ato")
    monitor.keyboard.press("Enter")
    expect(recent.first).to_contain_text("Resolvida no ato")
    expect(served).to_have_count(0)
    monitor.get_by_role("button", name="Desfazer").first.click()
    expect(served).to_contain_text("Juliana Prado")
    expect(recent).to_have_count(2)

    # On the wall keys do nothing to anybody.
    monitor.keyboard.press("w")
    expect(monitor.locator("header.top")).to_be_hidden()
    served.locator(".qm-name").focus()
    monitor.keyboard.press("a")
    monitor.keyboard.press("?")
    expect(monitor.get_by_test_id("keys-dialog")).to_be_visible()
    expect(monitor.get_by_test_id("give-dialog")).to_have_count(0)
