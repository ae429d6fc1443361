"""A contact who writes after closing; the reasons with which conversations are closed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from pytake_app.api.services import Services
from pytake_app.conversations.models import AutomationLog, Conversation, Message
from pytake_app.core.clock import FrozenClock
from pytake_app.flows import service as flows
from tests.conversations.conftest import Desk
from tests.conversations.test_with_pipeline import BASE, Phone

SETTINGS = "/api/v1/settings"


@pytest.fixture
def phone(desk: Desk, services: Services) -> Phone:
    with desk.rows.session() as session:  # the bot says nothing here
        for slug in ("main_menu", "smart_support"):
            flows.deactivate_flow(session, desk.rows.admin, slug, clock=services.clock)
    return Phone(desk, services)


def threads(desk: Desk) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = desk.caller.get(BASE).json()["items"]
    return items


def close(desk: Desk, conversation_id: str, outcome: str = "vendido") -> Any:
    body = {"status": "closed", "outcome": outcome}
    return desk.caller.patch(f"{BASE}/{conversation_id}/status", json=body)


def long_ago(desk: Desk, **ago: float) -> None:
    """What is closed was closed so long ago (the caller's sign-in doesn't last that long)."""
    with desk.rows.session() as session:
        for row in session.exec(select(Conversation).where(Conversation.status == "closed")):
            row.closed_at = desk.rows.clock.now() - timedelta(**ago)


def test_a_reply_soon_after_closing_goes_on_with_the_same_conversation(
    desk: Desk, phone: Phone, frozen_clock: FrozenClock
) -> None:
    maria = phone.simulator
    phone.sends(maria.text("Oi", at=frozen_clock.now()))
    (thread,) = threads(desk)
    desk.caller.post(f"{BASE}/{thread['id']}/take-over")
    close(desk, thread["id"])
    long_ago(desk, hours=23, minutes=59)
    phone.sends(maria.text("Mais uma coisa", at=frozen_clock.now()))
    (again,) = threads(desk)
    assert (again["id"], again["status"], again["handling"], again["assignee"]) == (thread["id"], "open", "bot", None)
    assert (again["outcome"], again["unread_count"], again["queue"]) == ("", 1, None)
    with desk.rows.session() as session:
        row = session.exec(select(Conversation)).one()
        assert (row.closed_at, row.closed_by) == (None, None)
        log = session.exec(select(AutomationLog).where(AutomationLog.kind == "status_changed")).all()
    assert [line.detail.get("reason") for line in sorted(log, key=lambda line: line.id)] == [None, "contact_wrote"]
    # Closed again and left alone for longer, the next word begins a new one; the old one stays the contact's.
    close(desk, thread["id"])
    long_ago(desk, hours=24, minutes=1)
    phone.sends(maria.text("Olá de novo", at=frozen_clock.now()))
    newest, old = threads(desk)
    assert (old["id"], old["status"], old["outcome"]) == (thread["id"], "closed", "vendido")
    assert newest["contact"]["id"] == old["contact"]["id"]
    assert (newest["status"], newest["unread_count"]) == ("open", 1)


def test_each_organization_says_for_how_long(desk: Desk, phone: Phone, frozen_clock: FrozenClock) -> None:
    assert desk.caller.get(SETTINGS).json()["inbox"] == {
        "reopen_hours": 24, "closing_reasons": [], "closing_reason_required": False
    }  # fmt: skip
    assert desk.caller.patch(SETTINGS, json={"inbox": {"reopen_hours": 0}}).json()["inbox"]["reopen_hours"] == 0
    maria = phone.simulator
    phone.sends(maria.text("Oi", at=frozen_clock.now()))
    close(desk, threads(desk)[0]["id"])
    phone.sends(maria.text("Oi?", at=frozen_clock.now()))
    assert [row["status"] for row in threads(desk)] == ["open", "closed"]
    desk.caller.patch(SETTINGS, json={"inbox": {"reopen_hours": 72}})
    close(desk, threads(desk)[0]["id"])
    long_ago(desk, hours=71)
    phone.sends(maria.text("Voltei", at=frozen_clock.now()))
    assert sorted(row["status"] for row in threads(desk)) == ["closed", "open"]
    for wrong in (-1, 10_000, "x"):
        assert desk.caller.patch(SETTINGS, json={"inbox": {"reopen_hours": wrong}}).status_code == 422


def test_a_reaction_to_the_farewell_reopens_nothing(desk: Desk, phone: Phone, frozen_clock: FrozenClock) -> None:
    maria = phone.simulator
    phone.sends(maria.text("Oi", at=frozen_clock.now(), message_id="wamid.first"))
    (thread,) = threads(desk)
    close(desk, thread["id"])
    phone.sends(maria.reaction("👍", "wamid.first", at=frozen_clock.now()))
    (same,) = threads(desk)
    assert (same["id"], same["status"], same["unread_count"]) == (thread["id"], "closed", 0)
    # What comes with it in one delivery does.
    phone.sends(
        maria.reaction("❤️", "wamid.first", at=frozen_clock.now()), maria.text("Ah, e mais", at=frozen_clock.now())
    )
    assert [(row["id"], row["status"]) for row in threads(desk)] == [(thread["id"], "open")]
    with desk.rows.session() as session:
        said = session.exec(select(Message.conversation_id).where(col(Message.direction) == "in")).all()
    assert {str(one) for one in said} == {thread["id"]}


def test_what_is_archived_or_still_open_elsewhere_stays(desk: Desk, phone: Phone, frozen_clock: FrozenClock) -> None:
    maria = phone.simulator
    phone.sends(maria.text("Oi", at=frozen_clock.now()))
    (thread,) = threads(desk)
    desk.caller.patch(f"{BASE}/{thread['id']}/status", json={"status": "archived"})
    phone.sends(maria.text("Oi", at=frozen_clock.now()))
    newest, old = threads(desk)
    assert (newest["status"], old["status"]) == ("open", "archived")
    close(desk, newest["id"])
    assert desk.caller.patch(f"{BASE}/{old['id']}/status", json={"status": "open"}).status_code == 200
    phone.sends(maria.text("Oi", at=frozen_clock.now()))
    assert {row["id"]: row["status"] for row in threads(desk)} == {newest["id"]: "closed", old["id"]: "open"}


def test_a_put_off_conversation_wakes_when_the_contact_writes(
    desk: Desk, phone: Phone, frozen_clock: FrozenClock
) -> None:
    phone.sends(phone.simulator.text("Oi", at=frozen_clock.now()))
    (thread,) = threads(desk)
    until = (frozen_clock.now() + timedelta(days=2)).isoformat()
    put_off = desk.caller.post(f"{BASE}/{thread['id']}/snooze", json={"until": until}).json()
    assert (put_off["status"], put_off["snoozed_until"] is None) == ("pending", False)
    phone.sends(phone.simulator.text("E aí?", at=frozen_clock.now()))
    (woken,) = threads(desk)
    assert (woken["status"], woken["snoozed_until"], woken["unread_count"]) == ("open", None, 2)


def test_reasons_for_closing_are_the_organizations(desk: Desk) -> None:
    def closed(outcome: str) -> Any:
        thread = desk.rows.conversation(desk.rows.contact(phone=f"55119{len(threads(desk)):08d}"))
        return close(desk, str(thread.id), outcome)

    assert closed("qualquer coisa").json()["outcome"] == "qualquer coisa"
    assert closed("").json()["outcome"] == ""
    reasons = {"closing_reasons": [" Vendido ", "Sem estoque"], "closing_reason_required": False}
    kept = desk.caller.patch(SETTINGS, json={"inbox": reasons})
    assert kept.json()["inbox"]["closing_reasons"] == ["Vendido", "Sem estoque"], kept.text
    assert kept.json()["inbox"]["reopen_hours"] == 24
    assert closed("vendido").json()["outcome"] == "Vendido"
    assert closed("").json()["outcome"] == ""
    refused = closed("qualquer coisa")
    assert (refused.status_code, refused.json()["code"]) == (422, "outcome_unknown")
    desk.caller.patch(SETTINGS, json={"inbox": {"closing_reason_required": True}})
    refused = closed(" ")
    assert (refused.status_code, refused.json()["code"]) == (422, "outcome_required")
    one = desk.rows.conversation(desk.rows.contact(phone="5511977770000"))
    many = desk.caller.post(f"{BASE}/bulk", json={"ids": [str(one.id)], "action": "close"}).json()
    assert (many["done"], many["items"][0]["code"]) == (0, "outcome_required")
    many = desk.caller.post(f"{BASE}/bulk", json={"ids": [str(one.id)], "action": "close", "outcome": "Vendido"}).json()
    assert many["done"] == 1
    desk.caller.patch(SETTINGS, json={"inbox": {"closing_reasons": []}})
    assert closed("como quiser").json()["outcome"] == "como quiser"
    for wrong in (["a", "A"], [""], ["x" * 121], ["y"] * 51, "texto"):
        assert desk.caller.patch(SETTINGS, json={"inbox": {"closing_reasons": wrong}}).status_code == 422, wrong
