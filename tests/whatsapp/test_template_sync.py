"""Templates that are fetched by themselves: when, by whom, and what a failure leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlmodel import select

from pytake_app.api.services import Services
from pytake_app.channels.whatsapp.client import WhatsAppClient
from pytake_app.channels.whatsapp.sandbox_templates import sandbox_templates
from pytake_app.core.clock import FrozenClock
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.whatsapp import template_calls
from pytake_app.whatsapp.models import ChannelAccount
from pytake_app.whatsapp.template_sync import AGAIN, EVERY, LEASE, sync_due
from tests.api.fixtures import Caller
from tests.waiting import wait_until
from tests.whatsapp.test_accounts import NUMBERS, connect

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def meta(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answer]:
    """Meta by business account; one that isn't there has the sandbox's templates."""
    answers: dict[str, Answer] = {}

    def wire(request: httpx.Request) -> httpx.Response:
        owner = request.url.path.split("/")[-2]
        if owner in answers:
            return answers[owner](request)
        return httpx.Response(200, json={"data": sandbox_templates()})

    def client() -> WhatsAppClient:
        return WhatsAppClient(transport=httpx.MockTransport(wire))

    monkeypatch.setattr(template_calls, "WhatsAppClient", client)
    return answers


def token_refused(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(401, json={"error": {"code": 190, "message": "Invalid OAuth access token"}})


def view(caller: Caller, account_id: str) -> dict[str, Any]:
    found: dict[str, Any] = caller.get(f"{NUMBERS}/{account_id}").json()
    return found


def middle() -> float:
    """Neither early nor late."""
    return 0.5


def test_a_connected_number_is_asked_at_once_and_then_every_few_hours(
    caller: Caller, services: Services, frozen_clock: FrozenClock, meta: dict[str, Answer]
) -> None:
    assert sync_due(services, middle) == 0, "the sandbox has its own"
    account = connect(caller).json()
    assert view(caller, account["id"])["templates_synced_at"] is None
    assert (sync_due(services, middle), sync_due(services, middle)) == (1, 0)
    told = view(caller, account["id"])
    assert (told["templates_sync_code"], bool(told["templates_synced_at"])) == ("", True)
    items = caller.get("/api/v1/whatsapp/templates").json()["items"]
    assert len([t for t in items if t["business_account_id"] == account["business_account_id"]]) == 9
    # A new token is tried at once.
    assert caller.patch(f"{NUMBERS}/{account['id']}", json={"access_token": "another"}).status_code == 200
    assert (sync_due(services, middle), sync_due(services, middle)) == (1, 0)
    frozen_clock.advance(EVERY - timedelta(minutes=1))
    assert sync_due(services, middle) == 0
    frozen_clock.advance(timedelta(minutes=2))
    assert sync_due(services, middle) == 1


def test_a_failure_is_told_on_its_account_and_stops_no_other(
    caller: Caller, services: Services, frozen_clock: FrozenClock, meta: dict[str, Answer]
) -> None:
    bad = connect(caller, phone_number_id="1098765432111", business_account_id="2098765432911").json()
    good = connect(caller, phone_number_id="1098765432122", business_account_id="2098765432922").json()
    meta["2098765432911"] = token_refused
    assert sync_due(services, middle) == 2
    told = view(caller, bad["id"])
    assert (told["templates_sync_code"], told["templates_synced_at"]) == ("auth", None)
    assert view(caller, good["id"])["templates_sync_code"] == ""

    # Asked again soon, each time later; well again, the word is gone.
    def word() -> str:
        with services.database.tenant(caller.organization_id) as session:
            row = session.exec(select(ChannelAccount).where(ChannelAccount.id == UUID(bad["id"]))).one()
            return str(row.settings["templates_sync_code"])

    frozen_clock.advance(AGAIN + timedelta(seconds=1))
    assert (sync_due(services, middle), sync_due(services, middle)) == (1, 0)
    frozen_clock.advance(AGAIN + timedelta(seconds=1))
    assert sync_due(services, middle) == 0
    del meta["2098765432911"]
    frozen_clock.advance(AGAIN)
    assert (word(), sync_due(services, middle), word()) == ("auth", 1, "")


def test_times_are_spread_and_a_lost_claim_comes_back(
    caller: Caller, services: Services, frozen_clock: FrozenClock, meta: dict[str, Answer]
) -> None:
    account = connect(caller).json()

    def due() -> str:
        with services.database.tenant(caller.organization_id) as session:
            row = session.exec(select(ChannelAccount).where(ChannelAccount.id == UUID(account["id"]))).one()
            return str(row.settings["templates_sync_due"])

    def dies(_request: httpx.Request) -> httpx.Response:
        raise RuntimeError("the process is gone")

    meta[account["business_account_id"]] = dies
    with pytest.raises(RuntimeError):
        sync_due(services, middle)
    assert sync_due(services, middle) == 0, "claimed"
    del meta[account["business_account_id"]]
    frozen_clock.advance(LEASE + timedelta(seconds=1))
    assert sync_due(services, lambda: 0.0) == 1
    early = due()
    frozen_clock.advance(EVERY * 2)
    assert sync_due(services, lambda: 1.0) == 1
    now = frozen_clock.now()
    assert early == (now - EVERY * 2 + EVERY * 5 / 6).isoformat()
    assert due() == (now + EVERY * 7 / 6).isoformat()


def test_the_scheduler_does_it_beside_its_other_duties(
    caller: Caller, services: Services, meta: dict[str, Answer]
) -> None:
    account = connect(caller).json()
    Scheduler(services).sync_templates()
    wait_until(lambda: view(caller, account["id"])["templates_synced_at"] is not None)
