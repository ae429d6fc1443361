"""How contacts rate the service: what their words mean, and the whole way from the question to history and figures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pytake_app.conversations import service as conversations
from pytake_app.core.clock import FrozenClock
from pytake_app.core.ids import new_id
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.queues import agents, history, ratings
from tests.queues.test_flows import document, pipeline, said, settings_of, tend
from tests.support.pipeline import Pipeline, add_flow

__all__ = ["pipeline"]


@pytest.mark.parametrize(
    ("text", "score", "comment"),
    [
        ("5", 5, ""), (" 4! ", 4, ""), ("3️⃣", 3, ""), ("nota 2", 2, ""), ("5/5", 5, ""), ("⭐⭐⭐⭐", 4, ""),
        ("⭐️⭐️ demorou", 2, "demorou"), ("Ótimo", 5, ""), ("péssimo!!!", 1, ""), ("MUITO BOM", 5, ""), ("bueno", 4, ""),
        ("5 - muito rápido", 5, "muito rápido"), ("Ótimo, resolveram na hora", 5, "resolveram na hora"),
        ("1. Ninguém me respondeu", 1, "Ninguém me respondeu"),
    ],
)  # fmt: skip
def test_words_that_are_a_rating(text: str, score: int, comment: str) -> None:
    assert ratings.read(text, None) == ratings.Rating(score, comment)


@pytest.mark.parametrize(
    "text",
    ["", "oi", "6", "0", "50", "5,50", "12/5", "5 pizzas", "2 pizzas, por favor", "bom dia", "quero isso", "1.5"],
)
def test_words_that_are_none(text: str) -> None:
    assert ratings.read(text, None) is None


def test_options() -> None:
    item = new_id()
    assert ratings.read("⭐", ratings.option_id(item, 4)) == ratings.Rating(4, item_id=item)
    for other in ("csat:x:4", f"csat:{item}:9", f"csat:{item}:", "menu_1"):
        assert ratings.read("5", other) is None


async def served_and_closed(pipeline: Pipeline, clock: FrozenClock, phone: Any) -> None:
    """Somebody writes, is handed over, answered for two minutes, and the conversation is closed."""
    await pipeline.hear(phone.text("oi", at=clock.now()))
    tend(pipeline)
    ana = pipeline.tenant.agent
    with pipeline.tenant.session() as session:
        agents.set_status(session, ana, ana.user_id, "online", clock=clock)
    tend(pipeline)
    clock.advance(timedelta(minutes=2))
    thread_id = pipeline.scalar("SELECT id FROM conversations WHERE status = 'open'")
    with pipeline.tenant.session() as session:
        conversations.set_status(session, ana, thread_id, "closed", clock=clock)
    tend(pipeline)


def answer_of(pipeline: Pipeline) -> tuple[Any, ...]:
    (row,) = pipeline.rows("SELECT csat_state, csat_score, csat_comment FROM queue_items")
    return row


async def test_a_contact_is_asked_answers_and_is_thanked(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    queue = settings_of(
        pipeline, csat_enabled=True, csat_question="E aí, {{contact.first_name}}?", csat_thanks="Valeu", sla_seconds=60
    )
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, document())
    phone = pipeline.phone(name="Maria Silva")
    await served_and_closed(pipeline, frozen_clock, phone)
    assert said(pipeline) == ["E aí, Maria?"]
    (content,) = pipeline.scalar("SELECT array_agg(content) FROM messages WHERE direction = 'out'")
    rows = content["sections"][0]["rows"]
    assert [row["title"] for row in rows] == ["⭐" * score for score in (5, 4, 3, 2, 1)]
    frozen_clock.advance(timedelta(minutes=5))
    await pipeline.hear(phone.text("4, foi rápido", at=frozen_clock.now()))
    tend(pipeline)
    assert answer_of(pipeline) == ("thanked", 4, "foi rápido")
    assert said(pipeline) == ["E aí, Maria?", "Valeu"]
    # It stands in the closed conversation, opened none, started nothing and left nothing unread.
    assert pipeline.rows("SELECT status, unread_count FROM conversations") == [("closed", 0)]
    assert pipeline.scalar("SELECT count(*) FROM flow_sessions") == 1
    assert pipeline.scalar("SELECT count(*) FROM automation_log WHERE kind = 'rated'") == 1
    # Who taps the list afterwards has thought better of it, and isn't thanked twice.
    await pipeline.hear(phone.list_reply(rows[0]["id"], rows[0]["title"], at=frozen_clock.now()))
    tend(pipeline)
    assert answer_of(pipeline) == ("thanked", 5, "foi rápido")
    scheduler = Scheduler(pipeline.services)
    scheduler.count_queues()
    admin = pipeline.tenant.admin
    with pipeline.tenant.session() as session:
        (entry,) = history.history(session, admin, queue.id, clock=frozen_clock).items
        found = history.metrics(session, admin, queue.id, clock=frozen_clock)
        detail = history.agent_detail(session, admin, pipeline.tenant.agent.user_id, clock=frozen_clock)
    assert (entry.status, entry.csat_score, entry.csat_comment) == ("completed", 5, "foi rápido")
    assert (entry.waited_seconds, entry.handled_seconds, entry.sla_met) == (0, 120, True)
    totals = found.totals
    assert (totals.entered, totals.assigned, totals.completed, totals.abandoned) == (1, 1, 1, 0)
    assert (totals.handle_average_seconds, totals.sla_percent) == (120, 100)
    assert (totals.csat_average, totals.csat_count) == (5, 1)
    assert [(one.agent.id, one.completed, one.csat_average) for one in found.agents] == [
        (pipeline.tenant.agent.user_id, 1, 5)
    ]
    assert (detail.today.assigned, detail.today.completed, detail.today.csat_average) == (1, 1, 5)
    # What says something else opens the conversation again, as it was closed a moment ago.
    await pipeline.hear(phone.text("quero outra coisa", at=frozen_clock.now()))
    assert [row[0] for row in pipeline.rows("SELECT status FROM conversations")] in (["open"], ["pending"])


async def test_who_says_thank_you_first_may_still_choose(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    """The thanks open the conversation again; the option chosen then is a rating yet, and no answer to the robot."""
    settings_of(pipeline, csat_enabled=True)
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, document())
    phone = pipeline.phone()
    await served_and_closed(pipeline, frozen_clock, phone)
    (content,) = pipeline.scalar("SELECT array_agg(content) FROM messages WHERE direction = 'out'")
    best = content["sections"][0]["rows"][0]
    frozen_clock.advance(timedelta(minutes=1))
    await pipeline.hear(phone.text("muito obrigada!", at=frozen_clock.now()))
    assert pipeline.rows("SELECT DISTINCT status IN ('open', 'pending') FROM conversations") == [(True,)]
    before = pipeline.scalar("SELECT count(*) FROM automation_log WHERE kind <> 'rated'")
    await pipeline.hear(phone.list_reply(best["id"], best["title"], at=frozen_clock.now()))
    assert pipeline.rows("SELECT csat_score FROM queue_items WHERE csat_score IS NOT NULL") == [(5,)]
    assert pipeline.scalar("SELECT count(*) FROM automation_log WHERE kind <> 'rated'") == before
    assert pipeline.scalar("SELECT count(*) FROM conversations") == 1
    assert pipeline.scalar("SELECT count(*) FROM messages WHERE direction = 'in'") == 3


async def test_words_count_only_where_somebody_was_asked(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    settings_of(pipeline, csat_enabled=True, csat_minutes=10)
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, document())
    phone = pipeline.phone()
    await served_and_closed(pipeline, frozen_clock, phone)
    assert said(pipeline) == []  # ten minutes later
    frozen_clock.advance(timedelta(minutes=10))
    tend(pipeline)
    assert [text[:8] for text in said(pipeline)] == ["Como foi"]
    other = pipeline.phone("5511911112222", "Rui")
    await pipeline.hear(other.text("5", at=frozen_clock.now()))
    assert pipeline.scalar("SELECT count(*) FROM conversations") == 2
    frozen_clock.advance(timedelta(hours=25))
    await pipeline.hear(phone.text("5", at=frozen_clock.now()))
    assert pipeline.scalar("SELECT count(*) FROM conversations") == 3  # too late: it is a new conversation
    assert pipeline.scalar("SELECT count(*) FROM queue_items WHERE csat_score IS NOT NULL") == 0


async def test_nobody_is_asked_who_writes_again_first(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    settings_of(pipeline, csat_enabled=True, csat_minutes=1)
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, document())
    phone = pipeline.phone()
    await served_and_closed(pipeline, frozen_clock, phone)
    await pipeline.hear(phone.text("5", at=frozen_clock.now()))  # not asked yet: a message like any
    frozen_clock.advance(timedelta(minutes=2))
    tend(pipeline)
    assert said(pipeline) == []
    assert pipeline.scalar("SELECT count(*) FROM queue_items WHERE csat_state = 'skipped'") == 1
