"""Long delays: the contact is free for other flows meanwhile, and what the delay waited with is still said."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import redis

from pytake_app.config import Settings
from pytake_app.conversations import service as conversations
from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.core.services import Services
from pytake_app.core.tenancy import Principal, Role
from pytake_app.flows.execution_delays import AGAIN
from pytake_app.flows.execution_state import ask_sessions, write_sessions
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.messaging.sql import hot
from tests.support.pipeline import Pipeline, add_flow


@pytest.fixture
def services(settings: Settings, clean_db: Database, redis_client: redis.Redis, frozen_clock: FrozenClock) -> Any:
    made = Services(settings, clock=frozen_clock)
    yield made
    made.close()


@pytest.fixture
def pipeline(services: Services) -> Pipeline:
    return Pipeline.make(services)


def chain(name: str, trigger: dict[str, Any], *nodes: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """A flow of nodes one after the other."""
    every = [{"id": "in", **trigger}, *nodes]
    edges = [
        {"id": a["id"], "source": a["id"], "port": "replied" if a["type"] == "wait_for_reply" else "next",
         "target": b["id"]}
        for a, b in pairwise(every)
    ]  # fmt: skip
    return {"name": name, "nodes": every, "edges": edges, "settings": settings}


def keyword(word: str) -> dict[str, Any]:
    return {"type": "trigger_keyword", "config": {"words": [word]}}


def say(node_id: str, body: str) -> dict[str, Any]:
    return {"id": node_id, "type": "msg_text", "config": {"body": body}}


def delay(amount: int, unit: str) -> dict[str, Any]:
    return {"id": "later", "type": "delay", "config": {"amount": amount, "unit": unit}}


def reminder(amount: int = 1, unit: str = "days", **settings: Any) -> dict[str, Any]:
    return chain("Lembrete", keyword("agendar"), say("now", "agendado"), delay(amount, unit), say("then", "é hoje"),
                 **settings)  # fmt: skip


ANY: dict[str, Any] = {"type": "trigger_universal", "config": {}}
WAIT: dict[str, Any] = {"id": "wait", "type": "wait_for_reply", "config": {}}
MENU = chain("Menu", ANY, say("hello", "olá"), WAIT, say("bye", "tchau"))


class Day:
    """Ana's day: what she writes, what she hears, and the time that passes."""

    def __init__(self, pipeline: Pipeline, clock: FrozenClock) -> None:
        self.pipeline, self.clock, self.phone = pipeline, clock, pipeline.phone()
        self.heard = 0

    def install(self, *documents: dict[str, Any]) -> None:
        for document in documents:
            add_flow(self.pipeline.services.database, self.pipeline.tenant.organization_id, document)

    def said(self) -> list[str]:
        rows = self.pipeline.rows("SELECT text FROM messages WHERE direction = 'out' ORDER BY id")
        new, self.heard = [row[0] for row in rows][self.heard :], len(rows)
        return new

    async def write(self, *texts: str) -> list[str]:
        await self.pipeline.hear(*(self.phone.text(text, at=self.clock.now()) for text in texts))
        return self.said()

    async def passes(self, **time: float) -> list[str]:
        self.clock.advance(timedelta(**time))
        await asyncio.to_thread(Scheduler(self.pipeline.services).fire_timers)
        await asyncio.to_thread(self.pipeline.drain)
        return self.said()

    def sessions(self) -> list[tuple[str, bool]]:
        return [tuple(row) for row in self.pipeline.rows("SELECT status, delayed FROM flow_sessions ORDER BY id")]  # type: ignore[misc]


@pytest.fixture
def day(pipeline: Pipeline, frozen_clock: FrozenClock) -> Day:
    return Day(pipeline, frozen_clock)


async def test_other_flows_answer_during_a_long_delay_and_it_goes_on_after_it(day: Day) -> None:
    day.install(MENU, reminder())
    assert await day.write("agendar") == ["agendado"]
    assert day.sessions() == [("waiting", True)]
    assert await day.write("bom dia") == ["olá"]
    assert day.sessions() == [("waiting", True), ("waiting", False)]
    assert await day.write("nada mais") == ["tchau"]
    assert await day.passes(days=1, minutes=1) == ["é hoje"]
    assert day.sessions() == [("completed", False), ("completed", False)]


async def test_a_short_delay_is_part_of_the_conversation(day: Day) -> None:
    day.install(MENU, reminder(5, "minutes"))
    assert await day.write("agendar", "obrigada") == ["agendado"]
    assert day.sessions() == [("waiting", False)]
    assert await day.passes(minutes=6) == ["é hoje"]


async def test_a_delay_that_is_over_waits_until_the_contact_is_free(day: Day) -> None:
    day.install(MENU, reminder())
    await day.write("agendar")
    await day.passes(hours=23, minutes=59)
    assert await day.write("oi") == ["olá"]
    assert await day.passes(minutes=2) == []
    assert await day.write("tchau") == ["tchau"]
    assert await day.passes(seconds=AGAIN.total_seconds() + 1) == ["é hoje"]
    assert await day.passes(hours=1) == []


async def test_the_flow_itself_begun_anew_replaces_what_it_still_meant_to_say(day: Day) -> None:
    day.install(reminder())
    await day.write("agendar")
    await day.passes(hours=12)
    assert await day.write("agendar") == ["agendado"]
    assert day.sessions() == [("interrupted", False), ("waiting", True)]
    assert await day.passes(hours=13) == []
    assert await day.passes(hours=12) == ["é hoje"]


async def test_global_keywords_reach_a_session_in_a_delay(day: Day) -> None:
    day.install(MENU, reminder(interrupt_keywords=["desmarcar"], restart_keywords=["remarcar"]))
    await day.write("agendar")
    assert await day.write("Remarcar!") == ["agendado"]
    # The word breaks the session off, and is then a message like any other.
    assert await day.write("desmarcar") == ["olá"]
    assert day.sessions() == [("interrupted", False), ("waiting", False)]
    assert await day.passes(days=2) == []


async def test_a_word_that_ends_a_flow_does_not_begin_it_again(day: Day) -> None:
    shop = chain("Loja", keyword("comprar"), say("what", "o quê?"), WAIT, say("end", "ok"),
                 interrupt_keywords=["cancelar"])  # fmt: skip
    day.install({**MENU, "settings": {"interrupt_keywords": ["cancelar"]}}, shop)
    assert await day.write("oi", "cancelar") == ["olá"]
    assert day.sessions() == [("interrupted", False)]
    # Of another flow it does what every message does.
    assert await day.write("comprar", "cancelar") == ["o quê?", "olá"]


async def test_who_opts_out_hears_nothing_of_any_delay(day: Day) -> None:
    day.install(MENU, reminder())
    await day.write("agendar", "oi")
    assert await day.write("PARAR") == []
    assert day.sessions() == [("interrupted", False), ("interrupted", False)]
    assert await day.passes(days=2) == []
    assert day.pipeline.scalar("SELECT count(*) FROM timers") == 0


async def test_everything_within_one_batch(day: Day) -> None:
    """The delayed session goes on while the other ends: the database allows one at a time."""
    again = chain("Volta", keyword("agendar"), delay(1, "days"), say("then", "é hoje"),
                  WAIT, say("end", "anotado"))  # fmt: skip
    day.install(MENU, again)
    await day.write("agendar", "oi")
    day.clock.advance(timedelta(days=1, minutes=1))
    await day.pipeline.receive(day.phone.text("tchau", at=day.clock.now()))
    await asyncio.to_thread(Scheduler(day.pipeline.services).fire_timers)
    await asyncio.to_thread(day.pipeline.drain)
    assert day.said() == ["tchau", "é hoje"]
    assert await day.write("certo") == ["anotado"]


async def test_two_delays_that_end_together_ask_one_after_the_other(day: Day) -> None:
    def survey(name: str) -> dict[str, Any]:
        return chain(name, keyword(name), delay(1, "hours"), say("ask", f"{name}?"),
                     WAIT, say("end", f"{name}!"))  # fmt: skip

    day.install(survey("um"), survey("dois"))
    await day.write("um", "dois")
    assert await day.passes(hours=1, seconds=5) == ["um?"]
    assert await day.write("ok") == ["um!"]
    assert await day.passes(minutes=3) == ["dois?"]
    assert await day.write("ok") == ["dois!"]


@pytest.mark.parametrize("turned", [False, True])
async def test_of_two_sessions_the_one_that_ends_makes_room(day: Day, turned: bool) -> None:
    day.install(MENU, reminder())
    await day.write("agendar", "oi")
    ((contact_id, account_id),) = day.pipeline.rows("SELECT DISTINCT contact_id, channel_account_id FROM flow_sessions")
    with hot(day.pipeline.services.database) as connection:
        found = sorted(ask_sessions(connection, [(contact_id, account_id)], [])(), key=lambda s: s.running)
        assert [stored.running for stored in found] == [False, True]
        later, busy = found
        wait = busy.session.wait
        later.session = later.session.model_copy(update={"wait": wait})
        busy.session = busy.session.model_copy(update={"wait": None, "status": "completed"})
        later.dirty = busy.dirty = True
        write_sessions(connection, [busy, later] if turned else [later, busy], day.clock.now())
    assert day.sessions() == [("waiting", False), ("completed", False)]


async def test_a_person_who_has_the_conversation_by_then_ends_it(day: Day) -> None:
    day.install(reminder())
    await day.write("agendar")
    pipeline, organization_id = day.pipeline, day.pipeline.tenant.organization_id
    ((user_id,),) = pipeline.rows("SELECT id FROM users WHERE organization_id = :o LIMIT 1", o=organization_id)
    ((conversation_id,),) = pipeline.rows("SELECT id FROM conversations")
    who = Principal(user_id, organization_id, Role.AGENT, user_id)
    with pipeline.services.database.tenant(organization_id) as session:
        conversations.take_over(session, who, conversation_id, clock=day.clock)
    assert day.sessions() == [("waiting", True)]
    assert await day.passes(days=1, minutes=1) == []
    assert day.sessions() == [("interrupted", False)]
