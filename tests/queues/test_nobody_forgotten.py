"""Nobody waits for ever unseen: agents who leave with conversations, closes undone, doors that are closed, queues that
go away under who is let in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pytake_app.accounts import members
from pytake_app.accounts.security_schemas import UserUpdate
from pytake_app.conversations import desk
from pytake_app.conversations import service as conversations
from pytake_app.conversations.models import Conversation
from pytake_app.core.tenancy import Principal
from pytake_app.queues import agents, dashboard, distributing, operations
from pytake_app.queues.item_schemas import ItemTransfer
from pytake_app.queues.models import Agent, BusinessCalendar, QueueItem
from tests.queues.conftest import Shop


def writes(shop: Shop, item: QueueItem) -> None:
    """The contact writes now."""
    now = shop.clock.now()
    with shop.rows.session() as session:
        row = session.get_one(Conversation, item.conversation_id)
        row.last_inbound_at = row.last_message_at = now
        row.last_message_direction, row.window_expires_at = "in", now + timedelta(hours=24)


def answers(shop: Shop, who: Principal, item: QueueItem) -> None:
    """The agent writes now, as far as queues look."""
    thread = shop.thread(item)
    shop.rows.message(thread, direction="out", author_kind="agent", author_id=who.user_id)
    with shop.rows.session() as session:
        row = session.get_one(Conversation, item.conversation_id)
        row.last_message_direction, row.last_message_at = "out", shop.clock.now()


def hours(shop: Shop, opens: str, closes: str) -> BusinessCalendar:
    """Business hours of every day."""
    with shop.rows.session() as session:
        made = BusinessCalendar(
            organization_id=shop.rows.organization_id, name=f"{opens}-{closes}", timezone="UTC",
            periods=[{"days": list(range(7)), "opens": opens, "closes": closes}],
        )  # fmt: skip
        session.add(made)
    return made


def clock_time(shop: Shop, **ahead: float) -> str:
    return (shop.clock.now() + timedelta(**ahead)).strftime("%H:%M")


@pytest.mark.parametrize("in_queue", [True, False])
def test_who_goes_home_with_conversations_leaves_them_to_others(shop: Shop, in_queue: bool) -> None:
    """At closing time, say: the contact writes again, and nobody would see it. Taken over without a queue, too."""
    ana = shop.agent("Ana")
    if in_queue:
        item = shop.waits()
        shop.tend()
    else:
        thread = shop.rows.conversation(shop.rows.contact("Rui", "5511900001111"))
        with shop.rows.session() as session:
            conversations.take_over(session, ana, thread.id, clock=shop.clock)
        live = shop.live(thread.id)
        assert live is not None
        item = live
    answers(shop, ana, item)
    shop.later(minutes=1)
    shop.status("Ana", "offline")
    shop.later(minutes=30)
    shop.sweep()
    assert shop.served_by(item) == "Ana"  # the contact has their answer
    writes(shop, item)
    shop.sweep()
    waiting = shop.live(item.conversation_id)
    assert waiting is not None
    assert (shop.item(item.id).outcome, waiting.status, waiting.priority) == ("agent_left", "waiting", 2)
    assert (waiting.queue_name, shop.thread(item).assignee_id) == ("Atendimento", None)


def test_old_thanks_stay_where_they_are(shop: Shop) -> None:
    """What the contact said days ago and nobody answered at work is no question."""
    shop.agent("Ana")
    item = shop.waits()
    shop.tend()
    writes(shop, item)
    shop.later(hours=49)
    shop.status("Ana", "offline")
    shop.later(hours=1)
    shop.sweep()
    assert shop.served_by(item) == "Ana"


def test_who_answers_without_being_at_work_keeps_what_they_answer(shop: Shop) -> None:
    ana = shop.agent("Ana")
    item, other = shop.waits("Maria"), shop.waits("Rui")
    shop.tend()
    shop.later(minutes=1)
    shop.status("Ana", "offline")
    shop.later(minutes=1)
    answers(shop, ana, item)
    shop.later(minutes=10)
    writes(shop, item)
    shop.sweep()
    assert (shop.served_by(item), shop.served_by(other)) == ("Ana", None)
    # Who was never at work takes conversations over in the inbox, and goes on like this.
    with shop.rows.session() as session:
        conversations.take_over(session, ana, other.conversation_id, clock=shop.clock)
    writes(shop, other)
    shop.later(minutes=20)
    shop.sweep()
    assert shop.served_by(other) == "Ana"


def test_a_long_break_or_a_closed_browser_hands_back_what_waits(shop: Shop) -> None:
    shop.settings(reassign_after_seconds=120)
    never = shop.another("Nunca", reassign_after_seconds=None)
    ana = shop.agent("Ana")
    shop.agent("Bia", capacity=1)
    item = shop.waits("Maria")
    with shop.rows.session() as session:
        operations.assign(session, shop.rows.admin, shop.queue.id, item.id, ana.user_id, clock=shop.clock)
    kept = shop.waits("Rui", queue=never)
    with shop.rows.session() as session:
        operations.assign(session, shop.rows.admin, never.id, kept.id, ana.user_id, clock=shop.clock)
    shop.status("Ana", "break")
    writes(shop, item)
    shop.later(minutes=14)
    shop.sweep()
    assert shop.served_by(item) == "Ana"  # the browser is there, and so will Ana be
    shop.later(minutes=2)
    shop.sweep()
    assert (shop.served_by(item), shop.item(item.id).outcome) == ("Bia", "agent_away")
    assert shop.served_by(kept) == "Ana"
    # Who rests and closes the browser is lost as soon as anybody else.
    shop.status("Bia", "away")
    shop.clock.advance(timedelta(seconds=181))
    shop.sweep()
    again = shop.live(item.conversation_id)
    assert again is not None
    assert again.previous_item_id is not None
    assert (again.status, shop.item(again.previous_item_id).outcome) == ("waiting", "agent_lost")


@pytest.mark.parametrize("how", ["deactivated", "viewer"])
def test_who_may_not_answer_any_more_hands_everything_back_at_once(shop: Shop, how: str) -> None:
    ana = shop.agent("Ana")
    item = shop.waits("Maria")
    shop.tend()
    shop.settings(ring_seconds=600)
    ringing = shop.waits("Rui")
    shop.tend()
    direct = shop.rows.conversation(shop.rows.contact("Zoe", "5511900002222"))
    with shop.rows.session() as session:
        conversations.take_over(session, ana, direct.id, clock=shop.clock)
    assert (shop.served_by(item), shop.item(ringing.id).offered_to) == ("Ana", ana.user_id)
    change: dict[str, Any] = {"is_active": False} if how == "deactivated" else {"role": "viewer"}
    with shop.rows.session() as session:
        members.update_member(session, shop.rows.admin, ana.user_id, UserUpdate(**change), clock=shop.clock)
    # In the same transaction: nothing was swept.
    waiting = shop.live(item.conversation_id)
    assert waiting is not None
    assert (waiting.status, waiting.priority, shop.item(item.id).outcome) == ("waiting", 2, "agent_gone")
    assert (shop.item(ringing.id).status, shop.item(ringing.id).offered_to) == ("waiting", None)
    with shop.rows.session() as session:
        assert session.get_one(Conversation, direct.id).handling == shop.thread(item).handling == "waiting"
        assert session.get_one(Agent, ana.user_id).status == "offline"
    shop.settings(ring_seconds=0)
    shop.agent("Bia")
    shop.tend()
    live = shop.live(direct.id)
    assert live is not None
    assert (shop.served_by(item), shop.served_by(ringing), live.status) == ("Bia", "Bia", "in_service")


def test_a_close_that_is_undone_leaves_no_trace(shop: Shop) -> None:
    ana = shop.agent("Ana", capacity=1)
    served, waiting = shop.waits("Maria"), shop.waits("Rui")
    shop.tend()
    shop.later(minutes=2)
    for item in (served, waiting):
        with shop.rows.session() as session:
            conversations.set_status(session, ana, item.conversation_id, "closed", clock=shop.clock)
    assert (shop.item(served.id).status, shop.item(waiting.id).status) == ("completed", "abandoned")
    shop.later(seconds=9)
    for item in (served, waiting):
        with shop.rows.session() as session:
            conversations.set_status(session, ana, item.conversation_id, "open", clock=shop.clock)
    assert (shop.served_by(served), shop.item(served.id).ended_at) == ("Ana", None)
    assert (shop.item(waiting.id).status, shop.thread(waiting).waiting_since) == ("waiting", waiting.entered_at)
    # Later, or once they were asked how it was, it is a new place; it counts for who answers.
    with shop.rows.session() as session:
        conversations.set_status(session, ana, served.conversation_id, "closed", clock=shop.clock)
        conversations.set_status(session, ana, waiting.conversation_id, "closed", clock=shop.clock)
    shop.later(hours=2)
    for item in (served, waiting):
        with shop.rows.session() as session:
            conversations.set_status(session, ana, item.conversation_id, "open", clock=shop.clock)
    assert shop.served_by(served) == "Ana"
    assert shop.item(served.id).status == "completed"
    again = shop.live(waiting.conversation_id)
    assert again is not None
    assert (again.id != waiting.id, again.status, again.queue_id) == (True, "waiting", shop.queue.id)
    assert shop.thread(waiting).waiting_since == shop.clock.now()


def test_nobody_is_sent_from_a_line_to_a_closed_door(shop: Shop) -> None:
    closed = hours(shop, clock_time(shop, hours=2), clock_time(shop, hours=3))
    third = shop.another("Terceira")
    second = shop.another("Segunda", calendar_id=closed.id, closed_message="Fechada")
    shop.settings(max_size=1, max_wait_minutes=10, overflow_action="queue", overflow_queue_id=second.id)
    shop.waits("Maria")
    full = shop.waits("Rui")
    shop.tend()
    assert [shop.item(full.id).queue_name, shop.item(full.id).status] == ["Atendimento", "waiting"]
    assert "queue_full" in shop.notices(shop.rows.admin)
    shop.later(minutes=11)
    shop.sweep()
    assert (shop.item(full.id).status, shop.told(full)) == ("waiting", [])
    # Through the closed one to where that overflows.
    shop.settings(second, overflow_action="queue", overflow_queue_id=third.id)
    onward = shop.waits("Zoe")
    shop.tend()
    live = shop.live(onward.conversation_id)
    assert live is not None
    assert live.queue_name == "Terceira"


def test_what_is_promised_at_night_counts_from_opening(shop: Shop) -> None:
    office = hours(shop, clock_time(shop, hours=-2), clock_time(shop, minutes=30))
    shop.settings(
        calendar_id=office.id, closed_action="keep", sla_seconds=3600, closed_message="Abrimos amanhã",
        position_message="Nº {{position}}",
    )  # fmt: skip
    evening = shop.waits("Maria")
    shop.tend()
    assert shop.item(evening.id).sla_due_at is not None
    shop.later(minutes=31)
    night = shop.waits("Rui")
    shop.sweep()
    assert [shop.item(one.id).sla_due_at for one in (evening, night)] == [None, None]
    assert (shop.told(evening)[-1], shop.told(night)) == ("Abrimos amanhã", ["Abrimos amanhã"])
    # Who writes at night hears once more that it is night; not at every word.
    shop.later(minutes=31)
    writes(shop, night)
    shop.sweep()
    shop.sweep()
    assert shop.told(night) == ["Abrimos amanhã", "Abrimos amanhã"]
    shop.later(hours=21)
    shop.sweep()
    due = shop.clock.now() + timedelta(hours=1)
    assert [shop.item(one.id).sla_due_at for one in (evening, night)] == [due, due]
    # A queue that loses its hours opens, too.
    shop.later(hours=3)
    shop.sweep()
    assert shop.item(night.id).told_closed_at is not None
    shop.settings(calendar_id=None)
    shop.sweep()
    assert shop.item(night.id).told_closed_at is None


def test_who_writes_while_they_wait_is_told_their_place(shop: Shop) -> None:
    shop.settings(position_message="Nº {{position}}")
    shop.waits("Maria")
    item = shop.waits("Rui")
    shop.tend()
    shop.later(seconds=30)
    writes(shop, item)  # goes on with what they had to say
    shop.later(seconds=31)
    shop.sweep()
    assert shop.told(item) == ["Nº 2"]
    writes(shop, item)
    shop.sweep()
    shop.sweep()
    assert shop.told(item) == ["Nº 2", "Nº 2"]


def test_who_is_moved_keeps_the_time_they_waited_and_may_wait_in_the_new_queue(shop: Shop) -> None:
    other = shop.another("Outra", max_wait_minutes=5, overflow_action="message", overflow_message="Não deu")
    item = shop.waits(note="Pedido 7")
    shop.tend()
    shop.later(minutes=20)
    with shop.rows.session() as session:
        operations.transfer(
            session, shop.rows.admin, shop.queue.id, item.id, ItemTransfer(queue_id=other.id), clock=shop.clock
        )
    shop.sweep()
    moved = shop.live(item.conversation_id)
    assert moved is not None
    assert (moved.queue_name, moved.entered_at, moved.note) == ("Outra", item.entered_at, "Pedido 7")
    assert moved.wait_until == shop.clock.now() + timedelta(minutes=5)


def test_who_is_let_in_as_their_queue_goes_away_waits_in_the_default_one(shop: Shop) -> None:
    item = shop.waits()
    shop.tend()
    with shop.rows.session() as session:
        session.get_one(QueueItem, item.id).queue_id = None  # what the deletion leaves of it
    shop.sweep()
    assert (shop.item(item.id).queue_id, shop.item(item.id).status) == (shop.queue.id, "waiting")
    shop.agent("Ana")
    shop.tend()
    assert shop.served_by(item) == "Ana"


def test_those_who_wait_for_a_hand_hide_nobody(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributing, "LOOKED_AT", 2)
    by_hand = shop.another("À mão", distribution="manual")
    for n in range(3):
        shop.waits(f"P{n}", queue=by_hand)
    shop.tend()
    shop.later(minutes=5)
    item = shop.waits("Maria")
    shop.agent("Ana")
    shop.tend()
    assert shop.served_by(item) == "Ana"


def test_the_figure_of_who_is_served_is_that_of_the_column(shop: Shop) -> None:
    ana, bia = shop.agent("Ana"), shop.agent("Bia")
    for name, who in (("Maria", ana), ("Rui", ana), ("Zoe", bia)):
        item = shop.waits(name)
        with shop.rows.session() as session:
            operations.assign(session, shop.rows.admin, shop.queue.id, item.id, who.user_id, clock=shop.clock)
    shop.status("Ana", "away")
    with shop.rows.session() as session:
        until = shop.clock.now() + timedelta(hours=2)
        desk.snooze(session, bia, item.conversation_id, until, clock=shop.clock)
        agents.seen(session, bia.user_id, clock=shop.clock)
    with shop.rows.session() as session:
        board = dashboard.dashboard(session, shop.rows.admin, clock=shop.clock)
    figures = board.figures
    assert (figures.in_service, board.in_service_total, figures.in_service_absent) == (3, 3, 2)
    assert (figures.taken, figures.slots) == (0, 4)  # what is put off takes no place
    assert [one.snoozed_until for one in board.in_service if one.id == item.id] == [until]
    assert figures.sla_target_percent == 0
