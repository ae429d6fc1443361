"""A whole service in browsers: a supervisor at the monitor, two agents in their inboxes, the contact's sandbox phone.

A flow hands off, the contact hears their place, it rings at an agent, who accepts, answers, and gives it on with a
note; the other one settles it with an outcome; the contact is asked for a score and gives it. What history, figures
and the monitor tell of it is right.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.axe import complaints
from tests.e2e.browsing import open_page
from tests.e2e.colleague import Colleague
from tests.e2e.editor_page import Person
from tests.e2e.inbox_page import Inbox, Phone, somebody
from tests.product import Product
from tests.waiting import wait_until

Json = dict[str, Any]

CONTACT = "Maria Souza"
PLACE = "Você é a pessoa de número {{position}} na fila {{queue}}."
QUESTION = "Como fomos, {{contact.first_name}}?"
NOTE = "O vaso chegou trincado, ela quer trocar."
REASONS: Json = {"closing_reasons": ["Troca combinada", "Dúvida resolvida"], "closing_reason_required": True}


@dataclass
class Shop:
    """Rafael, who supervises; Juliana and Diego, who answer; the contact's phone."""

    rafael: Person
    juliana: Colleague
    diego: Colleague
    phone: Phone

    def change(self, method: str, path: str, body: Json) -> None:
        """Change something as the supervisor."""
        answer = self.rafael.context.request.fetch(
            f"{self.rafael.url}/api/v1{path}", method=method, data=body, headers=self.rafael.bearer
        )
        assert answer.ok, answer.text()

    def queue(self, **changes: object) -> Json:
        """Change the default queue's settings; it, as it is then."""
        queue = next(one for one in self.rafael.get("/queues")["items"] if one["is_default"])
        body = {name: value for name, value in queue.items() if name not in {"id", "created_at", "updated_at"}}
        body = {**body, **changes}
        self.change("PUT", f"/queues/{queue['id']}", body)
        return {**queue, **body}

    def asks_for_a_person(self) -> None:
        """The contact presses the button of the first menu."""
        self.phone.says("oi", name=CONTACT)
        menu = self.phone.got("interactive")
        buttons = [one["reply"] for one in menu["interactive"]["action"]["buttons"]]
        button = next(one for one in buttons if "alguém" in one["title"])
        self.phone.says(button["title"], type="button_reply", selection_id=button["id"], context_id=menu["external_id"])

    def rates(self, stars: int) -> None:
        """The contact waits for the question and chooses so many stars."""
        asked = self.phone.got("interactive", "Como fomos, Maria?")
        rows = asked["interactive"]["action"]["sections"][0]["rows"]
        row = next(one for one in rows if one["title"] == "⭐" * stars)
        self.phone.says(row["title"], type="list_reply", selection_id=row["id"], context_id=asked["external_id"])


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


def _works(page: Page) -> None:
    page.get_by_test_id("me").click()
    page.get_by_test_id("status-online").click()
    expect(page.get_by_test_id("me")).to_have_attribute("data-status", "online")


def test_from_the_flow_to_the_score(shop: Shop) -> None:
    queue = shop.queue(
        ring_seconds=60, sla_seconds=600, csat_enabled=True, csat_minutes=0, csat_question=QUESTION,
        csat_thanks="Valeu, {{contact.first_name}}!", messages={"position": PLACE},
    )  # fmt: skip
    monitor = shop.rafael.context.new_page()
    open_page(monitor, f"{shop.rafael.url}/queues")
    juliana, diego = Inbox(shop.juliana), Inbox(shop.diego)
    waiting, served, recent = (
        monitor.get_by_test_id(name) for name in ("waiting-card", "service-card", "recent-row")
    )  # fmt: skip

    # The flow hands off while nobody is at work: the contact hears their place, the supervisor sees them.
    shop.asks_for_a_person()
    shop.phone.got("text", f"Você é a pessoa de número 1 na fila {queue['name']}.")
    expect(waiting).to_contain_text(CONTACT)
    expect(monitor.get_by_test_id("fig-waiting")).to_contain_text("1")

    # Somebody comes to work: it rings at her, and only at her; accepted it is hers on every page.
    _works(juliana.page)
    offer = juliana.at("offer")
    expect(offer).to_contain_text(CONTACT)
    expect(diego.at("offer")).to_have_count(0)
    offer.get_by_test_id("offer-accept").click()
    expect(juliana.at("owner")).to_contain_text("você")
    expect(served).to_contain_text("Juliana Prado")
    expect(waiting).to_have_count(0)
    expect(monitor.get_by_test_id("fig-waiting")).to_contain_text("0")
    expect(monitor.get_by_test_id("fig-service")).to_contain_text("1")

    # They talk.
    juliana.write("Oi, Maria! Aqui é a Juliana.")
    shop.phone.got("text", "Aqui é a Juliana.")
    shop.phone.says("Meu vaso chegou trincado")
    expect(juliana.bubble("Meu vaso chegou trincado")).to_be_visible()
    expect(served).to_contain_text("Cliente falou por último")

    # She gives it on with a note, which stays inside; the other one sees it at once, with all that was said.
    _works(diego.page)
    juliana.page.locator(".ix-head h2").click()
    juliana.page.keyboard.press("t")
    juliana.at("pick").filter(has_text="Diego Matos").click()
    juliana.at("transfer-note").fill(NOTE)
    juliana.at("transfer-confirm").click()
    expect(served).to_contain_text("Diego Matos")
    diego.at("tab-mine").click()
    diego.open(CONTACT)
    expect(diego.at("owner")).to_contain_text("você")
    expect(diego.at("note")).to_contain_text(NOTE)
    expect(diego.bubble("Meu vaso chegou trincado")).to_be_visible()
    diego.write("Maria, o novo vai hoje.")
    shop.phone.got("text", "o novo vai hoje")
    shop.phone.says("Obrigada!")
    expect(diego.bubble("Obrigada!")).to_be_visible()

    # Settled with one of the organization's reasons, which it asks for: the contact is asked, and answers; nobody is
    # disturbed by it.
    shop.change("PATCH", "/settings", {"inbox": REASONS})
    diego.at("close").click()
    expect(diego.at("outcome-reason")).to_have_text(REASONS["closing_reasons"])
    expect(diego.at("close-confirm")).to_be_disabled()
    assert complaints(diego.page, "[data-testid=close-dialog]") == []
    diego.at("outcome-reason").first.click()
    diego.at("close-confirm").click()
    expect(diego.at("conversation")).to_have_count(0)
    expect(served).to_have_count(0)
    shop.rates(5)
    shop.phone.got("text", "Valeu, Maria!")
    assert not any(NOTE in str(one) for one in shop.phone.received())
    (talk,) = shop.rafael.get("/conversations?status=closed")["items"]
    assert (talk["status"], talk["unread_count"], talk["outcome"]) == ("closed", 0, "Troca combinada")

    # The monitor tells both places, the latest first, with the score.
    expect(recent).to_have_count(2)
    expect(recent.nth(0)).to_contain_text("Troca combinada · Diego")
    expect(recent.nth(0)).to_have_attribute("data-status", "completed")
    expect(recent.nth(0).locator(".qm-score")).to_have_text("5")
    expect(recent.nth(1)).to_contain_text("Passou para Diego")
    expect(recent.nth(1)).to_have_attribute("data-status", "transferred")
    expect(monitor.get_by_test_id("fig-service")).to_contain_text("0")
    expect(monitor.get_by_test_id("fig-csat")).to_contain_text("5,0")
    expect(monitor.get_by_test_id("fig-sla")).to_contain_text("100")
    _told_rightly(shop, queue["id"], talk["id"])

    # The contact writes again: the conversation goes on, and says why.
    shop.phone.says("Só mais uma coisa")
    juliana.at("tab-all").click()
    juliana.open(CONTACT)
    expect(juliana.at("log").filter(has_text="Reabriu porque o contato escreveu")).to_be_visible()
    assert juliana.faults == []
    assert diego.faults == []


def _told_rightly(shop: Shop, queue_id: str, conversation_id: str) -> None:
    """History, figures over time, and the figures of today."""
    settled, passed_on = shop.rafael.get(f"/queues/{queue_id}/history")["items"]
    common = {"conversation_id": conversation_id, "csat_comment": ""}
    # Nothing was promised to who was handed on: they did not wait.
    for entry, own in (
        (
            settled,
            {"status": "completed", "outcome": "Troca combinada", "csat_asked": True, "csat_score": 5, "sla_met": None},
        ),
        (
            passed_on,
            {"status": "transferred", "outcome": "agent", "csat_asked": False, "csat_score": None, "sla_met": True},
        ),
    ):
        wanted = {**common, **own}
        assert {name: entry[name] for name in wanted} == wanted
        assert entry["contact"]["name"] == CONTACT
        assert entry["entered_at"] <= entry["assigned_at"] <= entry["ended_at"]
    assert (passed_on["source"], passed_on["agent"]["name"], passed_on["ended_by_name"]) == (
        "flow", "Juliana Prado", "Juliana Prado",
    )  # fmt: skip
    assert (settled["source"], settled["agent"]["name"], settled["ended_by_name"]) == (
        "handover", "Diego Matos", "Diego Matos",
    )  # fmt: skip

    def rated() -> Json | None:
        found = shop.rafael.get(f"/queues/{queue_id}/metrics")
        return found if found["totals"]["csat_count"] else None

    found = wait_until(rated, timeout=15)
    assert found is not None
    counts = ("assigned", "completed", "transferred", "abandoned", "timeouts", "csat_average", "csat_count")
    assert [found["totals"][name] for name in counts] == [1, 1, 1, 0, 0, 5.0, 1]
    assert found["totals"]["entered"] == 1  # one person came once, whoever handed on to whom
    assert found["totals"]["sla_percent"] == 100
    agents = {one["agent"]["name"]: [one[name] for name in counts] for one in found["agents"]}
    assert agents == {"Juliana Prado": [1, 0, 1, 0, 0, None, 0], "Diego Matos": [1, 1, 0, 0, 0, 5.0, 1]}
    figures = shop.rafael.get("/queues/dashboard")["figures"]
    names = ("waiting", "in_service", "free_agents", "abandoned_today", "csat_average", "csat_count", "sla_percent")
    assert [figures[name] for name in names] == [0, 0, 2, 0, 5.0, 1, 100]
