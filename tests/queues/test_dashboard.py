"""The live dashboard on PostgreSQL: figures, cards, why nobody has it yet, and how many statements it takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from pytake_app.core.errors import NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.masking import masking
from pytake_app.queues import dashboard, operations
from pytake_app.queues.insight_schemas import Dashboard
from pytake_app.queues.item_schemas import ItemTransfer
from pytake_app.queues.models import BusinessCalendar
from tests.queues.conftest import Shop


def seen(shop: Shop, **values: Any) -> Dashboard:
    with shop.rows.session() as session:
        return dashboard.dashboard(session, shop.rows.admin, clock=shop.clock, **values)


def reasons(shop: Shop) -> list[tuple[str, str]]:
    """Who waits, and why, in the order of being served."""
    return [(one.contact.name, one.why.code if one.why else "") for one in seen(shop).waiting]


def test_the_dashboard_tells_who_waits_who_is_served_and_what_ended(shop: Shop) -> None:
    shop.settings(sla_seconds=120)
    finance = shop.another("Financeiro", color="teal")
    ana = shop.agent("Ana Souza", capacity=1)
    maria, joao = shop.waits("Maria"), shop.waits("João")
    shop.tend()
    shop.later(seconds=100)
    board = seen(shop)
    assert [(one.id, one.agent.name if one.agent else "") for one in board.in_service] == [(maria.id, "Ana Souza")]
    (card,) = board.waiting
    assert (card.id, card.position, card.sla_state, card.waited_seconds) == (joao.id, 1, "soon", 100)
    assert card.why is not None
    assert (card.why.code, card.why.params["full"]) == ("nobody_free", ["Ana"])
    assert [(one.action, one.agent_id) for one in card.suggestions] == [("raise_capacity", ana.user_id)]
    assert card.predicted_wait_seconds is None  # nobody can tell yet
    figures = board.figures
    assert (figures.waiting, figures.longest_wait_seconds, figures.longest_wait_contact) == (1, 100, "João")
    assert (figures.in_service, figures.slots, figures.free_agents, figures.entered_today) == (1, 1, 0, 2)
    assert (figures.sla_percent, figures.waiting_change, figures.abandoned_change) == (100.0, None, None)
    assert {one.name: one.waiting for one in board.queues}["Atendimento"] == 1
    with shop.rows.session() as session:
        operations.transfer(
            session, ana, shop.queue.id, maria.id, ItemTransfer(queue_id=finance.id), clock=shop.clock
        )  # fmt: skip
    shop.later(seconds=30)  # João is too late by now
    board = seen(shop)
    (ended,) = board.recent
    assert (ended.status, ended.moved_to.queue if ended.moved_to else "", ended.ended_by_name) == (
        "transferred", "Financeiro", "Ana Souza",
    )  # fmt: skip
    assert (board.figures.sla_percent, board.figures.waiting) == (50.0, 2)
    only = seen(shop, queue_id=finance.id)
    assert ([one.contact.name for one in only.waiting], only.figures.waiting, only.recent_total) == (["Maria"], 1, 0)
    assert sum(one.waiting for one in only.queues) == 2  # the counts are of all queues
    with pytest.raises(NotFoundError):
        seen(shop, queue_id=new_id())


def test_everybody_who_waits_is_told_why(shop: Shop) -> None:
    shop.settings(distribution="skill_based")
    with shop.rows.session() as session:
        never = BusinessCalendar(organization_id=shop.rows.organization_id, name="Nunca", periods=[])
        session.add(never)
    shop.waits("Maria")
    assert reasons(shop) == [("Maria", "arriving")]
    shop.tend()
    assert reasons(shop) == [("Maria", "nobody_here")]
    shop.settings(calendar_id=never.id)
    assert reasons(shop) == [("Maria", "closed")]
    shop.settings(calendar_id=None)
    shop.agent("Ana", capacity=1, skills=["inglês"])
    assert reasons(shop) == [("Maria", "next")]
    shop.tend()
    shop.later(seconds=1)
    shop.waits("João", skills=["Libras"])
    shop.later(seconds=1)
    shop.waits("Pedro")
    shop.later(seconds=1)
    shop.waits("Rita")
    shop.tend()
    assert reasons(shop) == [("João", "skill"), ("Pedro", "behind"), ("Rita", "behind")]
    shop.agent("Bia", capacity=1, skills=["libras"])
    shop.tend()
    assert reasons(shop) == [("Pedro", "nobody_free"), ("Rita", "behind")]
    shop.settings(distribution="manual")
    assert reasons(shop) == [("Pedro", "manual"), ("Rita", "manual")]
    shop.settings(distribution="least_busy", ring_seconds=30)
    caio = shop.agent("Caio", capacity=1)
    shop.tend()
    (pedro, _) = seen(shop).waiting
    assert pedro.why is not None
    assert (pedro.why.code, pedro.why.params) == ("offered", {"agent": "Caio"})
    with shop.rows.session() as session:
        operations.decline(session, caio, shop.queue.id, pedro.id, clock=shop.clock)
    assert reasons(shop)[0] == ("Pedro", "declined")


def test_who_sees_only_the_ends_of_phones_sees_no_more_here(shop: Shop) -> None:
    item = shop.waits("")
    shop.tend()
    assert len(seen(shop).figures.longest_wait_contact) == 13
    with masking(True):
        board = seen(shop)
        shown = board.model_dump(mode="json")
    assert board.figures.longest_wait_contact.startswith("•••• ")
    assert [one["contact"]["phone"][:5] for one in shown["waiting"] if one["id"] == str(item.id)] == ["•••• "]


def test_comparisons_are_with_the_same_time_a_week_ago(shop: Shop) -> None:
    old = shop.waits("Maria")
    shop.later(minutes=1)
    with shop.rows.session() as session:
        operations.abandon(session, shop.rows.admin, shop.queue.id, old.id, "", clock=shop.clock)
    shop.waits("João")  # waits yet, a week ago at this time
    shop.later(minutes=1)
    shop.clock.advance(timedelta(days=7))
    shop.waits("Pedro"), shop.waits("Rita")
    figures = seen(shop).figures
    assert (figures.waiting, figures.waiting_change) == (3, 2)
    assert (figures.abandoned_today, figures.abandoned_change) == (0, -1)


def test_it_takes_a_fixed_number_of_statements(shop: Shop) -> None:
    asked: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    def statements() -> int:
        with shop.rows.session() as session:
            session.execute(sa.select(1))
            engine = session.get_bind()
            asked.clear()
            sa.event.listen(engine, "before_cursor_execute", count)
            try:
                dashboard.dashboard(session, shop.rows.admin, clock=shop.clock)
            finally:
                sa.event.remove(engine, "before_cursor_execute", count)
        return len(asked)

    few = statements()
    for n in range(6):
        shop.agent(f"Agente {n}", capacity=1)
        shop.waits(f"Contato {n}"), shop.waits(f"Outro {n}")
    shop.tend()
    assert statements() == few <= 8, asked
