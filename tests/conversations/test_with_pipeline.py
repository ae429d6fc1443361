"""The inbox over rows that the pipeline wrote: every kind of message, and a person taking over from the bot."""

import asyncio
from typing import Any

from sqlmodel import col, select

from pytake_app.api.services import Services
from pytake_app.channels.whatsapp.parse import parse
from pytake_app.channels.whatsapp.simulator import Account, Person, Simulator
from pytake_app.flows import service as flows
from pytake_app.flows.execution import Executor
from pytake_app.messaging.ingest import IngestAccount, Ingestor
from pytake_app.messaging.models import InboundEvent
from tests.conversations.conftest import Desk

BASE = "/api/v1/conversations"


class Phone:
    """Maria's phone: what it does reaches the database as webhooks do and is worked off at once."""

    def __init__(self, desk: Desk, services: Services) -> None:
        self._services = services
        account = desk.rows.account
        self._account = IngestAccount(account.id, account.organization_id, account.external_id)
        self.simulator = Simulator(Account(account.external_id), Person("551187654321", "Maria"))
        self.executor = Executor(services)

    def sends(self, *deliveries: dict[str, Any]) -> None:
        async def ingest() -> None:
            ingestor = Ingestor(self._services)
            await ingestor.start()
            for delivery in deliveries:
                await ingestor.submit(self._account, parse(delivery))
            await ingestor.stop()

        asyncio.run(ingest())
        self.work()

    def work(self) -> None:
        """Do what is pending."""
        pending = select(InboundEvent.lane).where(col(InboundEvent.state) == "pending").distinct()
        while True:
            with self._services.database.system() as session:
                lanes = list(session.exec(pending))
            if not lanes:
                return
            assert self.executor.drain(lanes).failed == 0


def test_every_kind_of_message_shows(desk: Desk, services: Services) -> None:
    phone = Phone(desk, services)
    maria, at = phone.simulator, services.clock.now()
    with desk.rows.session() as session:  # silence the bot, to see the contact's messages alone
        for slug in ("main_menu", "smart_support"):
            flows.deactivate_flow(session, desk.rows.admin, slug, clock=services.clock)
    phone.sends(
        maria.text("Olá", at=at, message_id="wamid.1"),
        maria.button_reply("yes", "Sim", at=at),
        maria.list_reply("moda", "Moda", at=at),
        maria.media("image", "555", at=at, caption="Foto"),
        maria.media("voice", "556", at=at),
        maria.media("document", "557", at=at, filename="nota.pdf"),
        maria.location(-23.5, -46.6, at=at, name="Loja"),
        maria.contacts([("João", "+5511999990000")], at=at),
        maria.reaction("👍", "wamid.1", at=at),
        maria.form_reply({"size": "M"}, at=at),
        maria.unsupported(at=at),
    )
    (thread,) = desk.caller.get(BASE).json()["items"]
    assert thread["contact"]["name"] == "Maria"
    assert thread["contact"]["phone"] == "5511987654321"
    assert thread["unread_count"] == 11
    shown = desk.caller.get(f"{BASE}/{thread['id']}/messages").json()["items"][::-1]
    by_type = {message["type"]: message for message in shown}
    assert {
        "text",
        "interactive",
        "image",
        "audio",
        "document",
        "location",
        "contacts",
        "reaction",
        "form",
        "unsupported",
    } <= by_type.keys()
    assert {m["selection_id"] for m in shown if m["type"] == "interactive"} == {"yes", "moda"}
    assert by_type["image"]["text"] == "Foto"
    assert by_type["image"]["media"]["url"].startswith("/api/v1/media/")
    assert by_type["audio"]["media"]["voice"] is True
    assert by_type["document"]["media"]["filename"] == "nota.pdf"
    assert by_type["location"]["location"]["latitude"] == -23.5
    assert {m["author"] for m in shown} == {"contact"}
    # What can't be shown is kept as it came, without who sent it; nothing else has it, and nothing else keeps it.
    opaque = by_type["unsupported"]
    assert "raw" not in opaque["content"]
    raw = desk.caller.get(f"{BASE}/{thread['id']}/messages/{opaque['id']}/raw").json()["raw"]
    assert (raw["type"], raw["errors"][0]["code"], "from" in raw) == ("unsupported", 131051, False)
    kept = desk.caller.get(f"{BASE}/{thread['id']}/messages/{by_type['text']['id']}/raw")
    assert (kept.status_code, kept.json()["code"]) == (404, "raw_not_kept")
    pending = desk.caller.get(by_type["image"]["media"]["url"])
    assert (pending.status_code, pending.json()["code"]) == (404, "media_pending")


def test_a_person_takes_over_from_the_bot(desk: Desk, services: Services) -> None:
    phone = Phone(desk, services)
    maria, at = phone.simulator, services.clock.now()

    def said() -> list[tuple[str, str]]:
        items = desk.caller.get(f"{BASE}/{thread['id']}/messages").json()["items"]
        return [(m["author_kind"], m["text"]) for m in items[::-1]]

    phone.sends(maria.text("Boa tarde", at=at), maria.button_reply("person", "Falar com alguém", at=at))
    (thread,) = desk.caller.get(BASE, params={"handling": "waiting"}).json()["items"]
    assert (thread["status"], thread["queue"], thread["assignee"]) == ("pending", "Atendimento", None)
    url = f"{BASE}/{thread['id']}"
    before = said()
    assert [author for author, _ in before] == ["contact", "bot", "bot", "contact", "bot"]
    assert desk.caller.post(f"{url}/take-over").json()["status"] == "open"
    assert desk.caller.post(f"{url}/messages", json={"text": "Oi, sou a Ana"}).status_code == 201
    phone.work()
    phone.sends(maria.text("menu", at=at))
    assert said()[len(before) :] == [("agent", "Oi, sou a Ana"), ("contact", "menu")]
    assert desk.caller.post(f"{url}/give-back", json={}).json()["handling"] == "bot"
    phone.sends(maria.text("menu", at=at))
    assert said()[-1][0] == "bot"
    desk.caller.post(f"{url}/take-over")
    assert desk.caller.post(f"{url}/give-back", json={"flow_id": "smart_support"}).status_code == 200
    phone.work()
    assert said()[-1] == ("bot", "Vou te ajudar. Conte em uma frase o que aconteceu.")
    assert desk.caller.get(url).json()["flow_name"] == "Suporte inteligente"
    kinds = [entry["kind"] for entry in desk.caller.get(f"{url}/automation-log").json()["items"]]
    assert {"person_took_over", "given_back", "session_interrupted", "handed_off", "with_person"} <= set(kinds)
    assert desk.caller.patch(f"{url}/status", json={"status": "closed"}).json()["flow_session_id"] is None
    phone.sends(maria.text("oi", at=at))
    again = desk.caller.get(url).json()
    assert (again["status"], again["handling"], again["flow_session_id"] is None) == ("open", "bot", False)
    assert len(desk.caller.get(BASE).json()["items"]) == 1
