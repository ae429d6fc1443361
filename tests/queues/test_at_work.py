"""Queues at work on PostgreSQL: joining, distribution, ringing, waiting, closing time, people who come and go."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pytake_app.accounts.models import User
from pytake_app.contacts import service as contacts
from pytake_app.conversations import service as conversations
from pytake_app.core.errors import ConflictError, ForbiddenError
from pytake_app.queues import history, operations
from pytake_app.queues import service as queues
from pytake_app.queues.item_schemas import ItemTransfer
from pytake_app.queues.models import Agent, BusinessCalendar, ServiceQueue
from tests.queues.conftest import Shop


def test_who_joins_is_welcomed_told_their_place_and_given_to_the_least_busy(shop: Shop) -> None:
    shop.settings(
        welcome_message="Bem-vinda, {{contact.first_name}}!",
        position_message="Você é a nº {{position}} da fila {{queue}}",
        sla_seconds=120,
    )
    first, second = shop.waits("Maria Silva"), shop.waits("João")
    assert shop.tend() == 0  # nobody is at work
    assert shop.told(first) == ["Bem-vinda, Maria!"]
    assert shop.told(second) == ["Bem-vinda, João!", "Você é a nº 2 da fila Atendimento"]
    assert shop.item(first.id).sla_due_at == shop.clock.now() + timedelta(seconds=120)
    ana = shop.agent("Ana", capacity=1)
    shop.later(minutes=2)
    assert shop.tend() == 1
    assert (shop.served_by(first), shop.served_by(second)) == ("Ana", None)
    assert shop.notices(ana) == ["queue_assigned"]
    assert shop.told(second)[-1] == "Você é a nº 1 da fila Atendimento"
    topic = f"org:{shop.rows.organization_id}:queues"
    assert {"queue_updated", "agent_status_updated"} <= set(shop.rows.heard.events(topic))
    with shop.rows.session() as session:
        conversations.set_status(session, ana, first.conversation_id, "closed", clock=shop.clock)
    assert (shop.item(first.id).status, shop.item(first.id).ended_by) == ("completed", ana.user_id)
    assert shop.tend() == 1
    assert shop.served_by(second) == "Ana"


def test_an_offer_rings_out_and_goes_to_the_next_agent(shop: Shop) -> None:
    shop.settings(ring_seconds=20)
    ana, bia = shop.agent("Ana"), shop.agent("Bia")
    item = shop.waits()
    assert shop.tend() == 1
    ringing = shop.item(item.id)
    first = "Ana" if ringing.offered_to == ana.user_id else "Bia"
    other = bia if first == "Ana" else ana
    assert (ringing.status, shop.thread(item).handling) == ("offered", "waiting")
    with shop.rows.session() as session, pytest.raises(ConflictError) as not_mine:
        operations.accept(session, other, shop.queue.id, item.id, clock=shop.clock)
    assert not_mine.value.code == "item_not_offered"
    shop.later(seconds=19)
    assert (shop.sweep(), shop.item(item.id).offered_to) == (0, ringing.offered_to)
    shop.later(seconds=2)
    shop.sweep()
    assert shop.item(item.id).offered_to == other.user_id
    with shop.rows.session() as session:
        operations.decline(session, other, shop.queue.id, item.id, clock=shop.clock)
    shop.sweep()
    assert shop.item(item.id).status == "waiting"  # both have just had it
    shop.later(minutes=3)
    shop.sweep()
    taker = shop.people["Ana"] if shop.item(item.id).offered_to == ana.user_id else shop.people["Bia"]
    with shop.rows.session() as session:
        operations.accept(session, taker, shop.queue.id, item.id, clock=shop.clock)
    assert shop.served_by(item) == taker.name


def test_a_closed_queue_refuses_or_keeps(shop: Shop) -> None:
    with shop.rows.session() as session:
        never = BusinessCalendar(organization_id=shop.rows.organization_id, name="Nunca", periods=[])
        session.add(never)
    shop.settings(calendar_id=never.id, closed_message="Voltamos às 9h")
    shop.agent("Ana")
    refused = shop.waits()
    shop.tend()
    assert (shop.item(refused.id).status, shop.item(refused.id).outcome) == ("abandoned", "out_of_hours")
    assert (shop.told(refused), shop.thread(refused).handling) == (["Voltamos às 9h"], "bot")
    passed_on = shop.waits(source="agent")
    shop.tend()
    assert shop.served_by(passed_on) == "Ana"
    shop.status("Ana", "offline")
    shop.settings(closed_action="keep")
    kept = shop.waits()
    shop.tend()
    assert (shop.item(kept.id).status, shop.told(kept)) == ("waiting", ["Voltamos às 9h"])
    shop.sweep()
    assert shop.told(kept) == ["Voltamos às 9h"]


@pytest.mark.parametrize(
    ("at_closing", "status", "handling"), [("keep", "waiting", "waiting"), ("timeout", "timeout", "bot")]
)
def test_closing_time_comes_while_somebody_waits(shop: Shop, at_closing: str, status: str, handling: str) -> None:
    day = shop.clock.now().weekday()
    closes = (shop.clock.now() + timedelta(minutes=30)).strftime("%H:%M")
    with shop.rows.session() as session:
        hours = BusinessCalendar(
            organization_id=shop.rows.organization_id, name="Hoje", timezone="UTC",
            periods=[{"days": [day, (day + 1) % 7], "opens": "00:00", "closes": closes}],
        )  # fmt: skip
        session.add(hours)
    shop.settings(calendar_id=hours.id, closed_message="Fechamos", at_closing=at_closing, max_wait_minutes=60)
    item = shop.waits()
    shop.sweep()
    assert shop.told(item) == []
    shop.later(minutes=31)
    shop.sweep()
    shop.sweep()
    assert (shop.item(item.id).status, shop.thread(item).handling) == (status, handling)
    assert shop.told(item) == ["Fechamos"]
    if at_closing == "keep":
        shop.later(hours=3)  # the limit passes over night, and doesn't count
        shop.sweep()
        assert shop.item(item.id).status == "waiting"
        shop.later(hours=10)
        shop.sweep()
        assert shop.item(item.id).wait_until == shop.clock.now() + timedelta(minutes=60)


def test_a_full_queue_overflows_along_the_chain(shop: Shop) -> None:
    third = shop.another("Terceira")
    second = shop.another("Segunda", max_size=1, overflow_action="queue", overflow_queue_id=third.id)
    shop.settings(max_size=1, overflow_action="queue", overflow_queue_id=second.id)
    items = [shop.waits(f"P{n}") for n in range(4)]
    shop.tend()
    places = [shop.live(item.conversation_id) for item in items]
    assert [place and place.queue_name for place in places] == ["Atendimento", "Segunda", "Terceira", "Terceira"]
    assert (shop.item(items[2].id).status, shop.item(items[2].id).outcome) == ("overflow", "full")
    assert shop.thread(items[3]).queue_name == "Terceira"
    shop.settings(third, max_size=2, overflow_action="message", overflow_message="Cheio, {{contact.first_name}}")
    last = shop.waits("Zé")
    shop.tend()
    assert (shop.live(last.conversation_id), shop.told(last)) == (None, ["Cheio, Zé"])


def test_who_has_waited_long_enough_is_sent_on_given_up_or_seen(shop: Shop) -> None:
    shop.settings(max_wait_minutes=10, timeout_message="Desculpe a espera")
    item = shop.waits()
    shop.tend()
    shop.later(minutes=10)
    shop.sweep()
    assert (shop.item(item.id).status, shop.told(item)) == ("waiting", ["Desculpe a espera"])
    assert "queue_nobody" in shop.notices(shop.rows.admin) or "queue_waiting" in shop.notices(shop.rows.admin)
    second = shop.another("Segunda")
    shop.settings(overflow_action="queue", overflow_queue_id=second.id)
    other = shop.waits("João")
    shop.tend()
    shop.later(minutes=11)
    shop.sweep()
    live = shop.live(other.conversation_id)
    assert live is not None
    assert (live.queue_name, live.priority) == ("Segunda", 2)
    shop.settings(overflow_action="message", overflow_message="Não deu")
    third = shop.waits("Rui")
    shop.tend()
    shop.later(minutes=11)
    shop.sweep()
    assert (shop.item(third.id).status, shop.thread(third).handling) == ("timeout", "bot")


def test_a_lost_browser_makes_away_and_gives_the_conversation_back(shop: Shop) -> None:
    shop.settings(reassign_after_seconds=120)
    ana = shop.agent("Ana")
    item = shop.waits()
    shop.tend()
    shop.clock.advance(timedelta(seconds=61))
    shop.sweep()
    with shop.rows.session() as session:
        lost = session.get_one(Agent, ana.user_id)
    assert (lost.status, lost.status_reason, shop.served_by(item)) == ("away", "connection_lost", "Ana")
    shop.later(seconds=1)
    with shop.rows.session() as session:
        assert session.get_one(Agent, ana.user_id).status == "online"
    shop.clock.advance(timedelta(seconds=61))
    shop.sweep()
    bia = shop.agent("Bia")
    shop.clock.advance(timedelta(seconds=121))
    with shop.rows.session() as session:
        queues.heartbeat(session, bia, clock=shop.clock)
    shop.sweep()
    assert (shop.served_by(item), shop.item(item.id).outcome) == ("Bia", "agent_lost")
    assert shop.thread(item).priority == "high"


def test_conversations_of_somebody_who_left_wait_for_others(shop: Shop) -> None:
    ana = shop.agent("Ana")
    item = shop.waits()
    shop.tend()
    with shop.rows.session() as session:
        session.get_one(User, ana.user_id).is_active = False
    shop.agent("Bia")
    shop.sweep()
    assert (shop.served_by(item), shop.item(item.id).outcome) == ("Bia", "agent_gone")


def test_the_inbox_and_the_queue_tell_the_same_story(shop: Shop) -> None:
    ana, bia = shop.agent("Ana", status="away"), shop.agent("Bia", status="away")
    item = shop.waits()
    shop.tend()
    with shop.rows.session() as session:
        conversations.take_over(session, ana, item.conversation_id, clock=shop.clock)
    assert shop.served_by(item) == "Ana"
    with shop.rows.session() as session:
        conversations.assign(session, shop.rows.admin, item.conversation_id, bia.user_id, clock=shop.clock)
    assert (shop.item(item.id).status, shop.served_by(item)) == ("transferred", "Bia")
    with shop.rows.session() as session:
        conversations.assign(session, shop.rows.admin, item.conversation_id, None, clock=shop.clock)
    waiting = shop.live(item.conversation_id)
    assert waiting is not None
    assert (waiting.status, shop.thread(item).handling) == ("waiting", "waiting")
    with shop.rows.session() as session:
        conversations.set_priority(session, ana, item.conversation_id, "urgent", clock=shop.clock)
    assert shop.item(waiting.id).priority == 3
    with shop.rows.session() as session:
        conversations.give_back(session, ana, item.conversation_id, clock=shop.clock)
    assert (shop.item(waiting.id).status, shop.thread(item).handling) == ("abandoned", "bot")


@pytest.mark.parametrize("how", ["blocked", "opted_out", "closed"])
def test_the_contact_leaves(shop: Shop, how: str) -> None:
    item = shop.waits()
    shop.tend()
    with shop.rows.session() as session:
        if how == "blocked":
            contacts.set_blocked(session, shop.rows.admin, item.contact_id, True, clock=shop.clock)
        elif how == "opted_out":
            contacts.set_consent(session, shop.rows.admin, item.contact_id, "opted_out", clock=shop.clock)
        else:
            conversations.set_status(session, shop.rows.admin, item.conversation_id, "closed", clock=shop.clock)
    assert shop.item(item.id).status == "abandoned"
    assert shop.thread(item).handling == ("waiting" if how == "closed" else "bot")


def test_agents_act_on_their_own_and_pick_the_next(shop: Shop) -> None:
    shop.settings(distribution="manual")
    ana, bia = shop.agent("Ana", capacity=1), shop.agent("Bia")
    first, second = shop.waits("A"), shop.waits("B", priority=3)
    assert shop.tend() == 0
    with shop.rows.session() as session:
        taken = operations.take_next(session, ana, shop.queue.id, clock=shop.clock)
    assert taken is not None
    assert (taken.id, shop.served_by(second)) == (second.id, "Ana")
    with shop.rows.session() as session, pytest.raises(ConflictError) as full:
        operations.take_next(session, ana, shop.queue.id, clock=shop.clock)
    assert full.value.code == "at_capacity"
    with shop.rows.session() as session, pytest.raises(ForbiddenError):
        operations.complete(session, bia, shop.queue.id, second.id, "", clock=shop.clock)
    with shop.rows.session() as session, pytest.raises(ForbiddenError):
        operations.assign(session, bia, shop.queue.id, first.id, ana.user_id, clock=shop.clock)
    other = shop.another("Outra")
    with shop.rows.session() as session:
        request = ItemTransfer(queue_id=other.id, note="Fala de nota fiscal")
        operations.transfer(session, ana, shop.queue.id, second.id, request, clock=shop.clock)
    live = shop.live(second.conversation_id)
    assert live is not None
    assert (live.queue_name, live.previous_item_id, shop.thread(second).assignee_id) == ("Outra", second.id, None)
    with shop.rows.session() as session:
        operations.assign(session, shop.rows.admin, shop.queue.id, first.id, bia.user_id, clock=shop.clock)
        operations.complete(session, bia, shop.queue.id, first.id, "vendido", clock=shop.clock)
    assert (shop.item(first.id).outcome, shop.thread(first).status) == ("vendido", "closed")


def test_a_queue_with_people_waiting_goes_only_when_they_have_somewhere_to_go(shop: Shop) -> None:
    other = shop.another("Outra")
    item = shop.waits(queue=other)
    shop.tend()
    with shop.rows.session() as session, pytest.raises(ConflictError) as refused:
        queues.delete_queue(session, shop.rows.admin, other.id, clock=shop.clock)
    assert refused.value.code == "people_waiting"
    shop.later(minutes=3)
    with shop.rows.session() as session:
        queues.delete_queue(session, shop.rows.admin, other.id, move_to=shop.queue.id, clock=shop.clock)
    live = shop.live(item.conversation_id)
    assert live is not None
    assert (live.queue_id, live.entered_at) == (shop.queue.id, item.entered_at)
    with shop.rows.session() as session:
        assert session.get(ServiceQueue, other.id) is None


def test_people_hear_of_a_broken_promise_once_in_ten_minutes(shop: Shop) -> None:
    shop.settings(sla_seconds=60)
    shop.agent("Ana", capacity=0)
    first = shop.waits("Maria")
    shop.tend()
    shop.later(seconds=61)
    shop.sweep()
    assert shop.notices(shop.rows.admin) == ["queue_late"]
    second = shop.waits("João")
    shop.tend()
    shop.later(minutes=3)
    shop.sweep()
    assert shop.notices(shop.rows.admin) == ["queue_late"]  # João's is over too: not yet again
    assert shop.item(second.id).alerted_at is None
    shop.later(minutes=7)
    shop.sweep()
    assert shop.notices(shop.rows.admin) == ["queue_late", "queue_late"]
    assert shop.item(first.id).alerted_at is not None
    shop.later(minutes=11)
    shop.sweep()
    assert len(shop.notices(shop.rows.admin)) == 2  # once for each who waits


def test_what_is_taken_over_without_a_queue_counts_as_direct(shop: Shop) -> None:
    ana = shop.agent("Ana")
    thread = shop.rows.conversation(shop.rows.contact("Maria", "5511900001111"))
    with shop.rows.session() as session:
        conversations.take_over(session, ana, thread.id, clock=shop.clock)
    item = shop.live(thread.id)
    assert item is not None
    assert (item.source, item.queue_id, item.status, item.agent_id) == ("direct", None, "in_service", ana.user_id)
    with shop.rows.session() as session:
        conversations.set_status(session, ana, thread.id, "closed", clock=shop.clock)
        assert history.agent_detail(session, ana, ana.user_id, clock=shop.clock).today.completed == 1
    assert shop.sweep() == 0
