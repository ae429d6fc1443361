"""From hand to hand: what counts as joining and waiting, and what goes on as it was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from pytake_app.conversations import service as conversations
from pytake_app.conversations.message_schemas import SendMessage
from pytake_app.core.services import Services
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.queues import dashboard, operations
from pytake_app.queues.item_schemas import ItemTransfer
from tests.queues.conftest import Shop


def counted(shop: Shop) -> dict[str, int]:
    """What the hourly figures of the queue say, of all hours."""
    services = Services(shop.services.settings, clock=shop.clock)
    services.database = shop.services.database
    Scheduler(services).count_queues()
    services.redis.close()
    names = ("entered", "assigned", "transferred", "completed", "served", "wait_total_seconds", "wait_max")
    sums = ", ".join(f"coalesce(sum({name}), 0)::int" for name in names)
    with shop.rows.session() as session:
        row = session.connection().execute(
            sa.text(f"SELECT {sums} FROM queue_hours WHERE queue_id = :queue AND agent_id IS NULL"),
            {"queue": shop.queue.id},
        )
        return dict(zip(names, row.one(), strict=True))


def test_a_hand_over_is_no_second_entry_and_no_short_wait(shop: Shop) -> None:
    ana, bia = shop.agent("Ana"), shop.agent("Bia", status="away")
    shop.status("Ana", "away")
    item = shop.waits()
    shop.tend()
    shop.later(seconds=120)
    shop.status("Ana", "online")
    shop.tend()
    assert shop.served_by(item) == "Ana"
    with shop.rows.session() as session:
        operations.assign(session, shop.rows.admin, shop.queue.id, item.id, bia.user_id, clock=shop.clock)
    handed = shop.live(item.conversation_id)
    assert handed is not None
    assert (handed.source, shop.served_by(item)) == ("handover", "Bia")
    with shop.rows.session() as session:  # and by the inbox's way
        conversations.assign(session, shop.rows.admin, item.conversation_id, ana.user_id, clock=shop.clock)
        conversations.set_status(session, ana, item.conversation_id, "closed", clock=shop.clock)
    assert counted(shop) == {
        "entered": 1, "assigned": 1, "transferred": 2, "completed": 1, "served": 3, "wait_total_seconds": 120,
        "wait_max": 120,
    }  # fmt: skip
    with shop.rows.session() as session:
        assert dashboard.dashboard(session, shop.rows.admin, clock=shop.clock).figures.entered_today == 1


def test_who_is_put_back_unanswered_goes_on_waiting(shop: Shop) -> None:
    ana = shop.agent("Ana")
    item = shop.waits()
    shop.later(seconds=40)
    shop.tend()
    assert shop.served_by(item) == "Ana"
    counted(shop)
    shop.later(seconds=5)
    with shop.rows.session() as session:
        back = operations.transfer(
            session, shop.rows.admin, shop.queue.id, item.id, ItemTransfer(queue_id=shop.queue.id), clock=shop.clock
        )
    assert (back.id, back.status, back.waited_seconds) == (item.id, "waiting", 45)
    assert shop.thread(item).waiting_since == item.entered_at
    assert counted(shop)["assigned"] == 0  # as if it had not been
    shop.tend()
    assert shop.served_by(item) is None  # who let it go isn't asked again at once
    with shop.rows.session() as session:
        conversations.take_over(session, ana, item.conversation_id, clock=shop.clock)
    with shop.rows.session() as session:
        conversations.assign(session, ana, item.conversation_id, None, clock=shop.clock)
    live = shop.live(item.conversation_id)
    assert live is not None
    assert (live.id, shop.thread(item).waiting_since) == (item.id, item.entered_at)


def test_who_was_answered_waits_anew(shop: Shop) -> None:
    ana = shop.agent("Ana")
    item = shop.waits()
    shop.tend()
    shop.later(seconds=30)
    with shop.rows.session() as session:
        body = SendMessage.model_validate({"type": "text", "text": "Oi!"})
        conversations.send_message(session, ana, item.conversation_id, body, clock=shop.clock)
    with shop.rows.session() as session:
        conversations.assign(session, ana, item.conversation_id, None, clock=shop.clock)
    live = shop.live(item.conversation_id)
    assert live is not None
    assert (live.id != item.id, live.entered_at - item.entered_at) == (True, timedelta(seconds=30))


def test_nobody_predicts_a_wait_while_nobody_is_there(shop: Shop) -> None:
    shop.agent("Ana", capacity=50)
    shop.settings(welcome_message="Espera: {{wait}}")
    for name in ("A", "B", "C"):
        shop.waits(name)
    shop.tend()
    shop.status("Ana", "offline")
    shop.later(minutes=6)
    waiting = shop.waits("Maria")
    shop.tend()

    def seen() -> Any:
        with shop.rows.session() as session:
            return operations.get_item(session, shop.rows.admin, shop.queue.id, waiting.id, clock=shop.clock)

    assert seen().predicted_wait_seconds is None
    assert shop.told(waiting) == ["Espera: "]
    shop.agent("Bia", capacity=1)
    assert seen().predicted_wait_seconds == 120
