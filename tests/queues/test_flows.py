"""A flow hands off to a queue and hears what became of it, through the pipeline: webhook to webhook."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from pytake_app.conversations import service as conversations
from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.core.services import Services
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.queues import agents, tending
from pytake_app.queues import service as queues
from pytake_app.queues.models import BusinessCalendar, ServiceQueue
from tests.support.pipeline import Pipeline, add_flow


@pytest.fixture
def pipeline(clean_db: Database, redis_client: object, frozen_clock: FrozenClock, settings: Any) -> Pipeline:
    """An organization with a number and its first queues."""
    services = Services(settings, clock=frozen_clock)
    services.database = clean_db
    made = Pipeline.make(services)
    with made.tenant.session() as session:
        queues.seed_organization(session, made.tenant.organization_id, "pt_BR", clock=frozen_clock)
    return made


def document(ports: tuple[str, ...] = (), **config: Any) -> dict[str, Any]:
    """A flow that hands off at once, and says the name of the port by which it goes on."""
    return {
        "name": "F",
        "nodes": [
            {"id": "in", "type": "trigger_universal", "config": {}},
            {"id": "it", "type": "action_transfer_to_queue", "config": config},
            *({"id": port, "type": "msg_text", "config": {"body": port}} for port in ports),
        ],
        "edges": [
            {"id": "e", "source": "in", "port": "next", "target": "it"},
            *({"id": f"e_{port}", "source": "it", "port": port, "target": port} for port in ports),
        ],
    }


def settings_of(pipeline: Pipeline, name: str = "Atendimento", **changes: Any) -> ServiceQueue:
    with pipeline.tenant.session() as session:
        queue = session.exec(select(ServiceQueue).where(col(ServiceQueue.name) == name)).one()
        for key, value in changes.items():
            setattr(queue, key, value)
        session.add(queue)
    return queue


def tend(pipeline: Pipeline) -> None:
    tending.sweep(pipeline.services, pipeline.tenant.organization_id)
    pipeline.drain()


def said(pipeline: Pipeline) -> list[str]:
    return [row[0] for row in pipeline.rows("SELECT text FROM messages WHERE direction = 'out' ORDER BY id")]


def items(pipeline: Pipeline) -> list[tuple[Any, ...]]:
    statement = "SELECT queue_name, status, outcome, priority, source FROM queue_items ORDER BY entered_at, id"
    return pipeline.rows(statement)


async def test_the_whole_way_from_hand_off_to_close(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    settings_of(pipeline, welcome_message="Olá {{contact.first_name}}, você é a nº {{position}}")
    flow = document(("transferred", "closed"), priority=1, message="Já chamo alguém")
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, flow)
    await pipeline.hear(pipeline.phone(name="Maria Silva").text("oi", at=frozen_clock.now()))
    assert items(pipeline) == [("Atendimento", "waiting", "", 2, "flow")]
    tend(pipeline)
    assert said(pipeline) == ["Já chamo alguém", "Olá Maria, você é a nº 1"]
    ana = pipeline.tenant.agent
    with pipeline.tenant.session() as session:
        agents.set_status(session, ana, ana.user_id, "online", clock=frozen_clock)
    tend(pipeline)
    (row,) = pipeline.rows("SELECT handling, status, assignee_id, waiting_since FROM conversations")
    assert row == ("person", "open", ana.user_id, None)
    assert said(pipeline)[2:] == ["transferred"]
    assert [status for _, status, *_ in items(pipeline)] == ["in_service"]
    thread_id = pipeline.scalar("SELECT id FROM conversations")
    with pipeline.tenant.session() as session:
        conversations.set_status(session, ana, thread_id, "closed", clock=frozen_clock)
    pipeline.drain()
    assert [status for _, status, *_ in items(pipeline)] == ["completed"]
    kinds = {row[0] for row in pipeline.rows("SELECT kind FROM automation_log")}
    assert {"handed_off", "assigned", "status_changed"} <= kinds


async def test_a_closed_queue_leads_out_by_its_port(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    with pipeline.tenant.session() as session:
        never = BusinessCalendar(organization_id=pipeline.tenant.organization_id, name="Nunca", periods=[])
        session.add(never)
    settings_of(pipeline, calendar_id=never.id, closed_message="Fechado")
    flow = document(("closed", "transferred"))
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, flow)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    tend(pipeline)
    assert said(pipeline) == ["Fechado", "closed"]
    assert items(pipeline) == [("Atendimento", "abandoned", "out_of_hours", 1, "flow")]
    assert pipeline.scalar("SELECT handling FROM conversations") == "bot"


async def test_the_blocks_time_is_over_when_nothing_is_wired_too(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    """As in the block's published form: thirty minutes at most, then nobody comes any more."""
    flow = document(wait_timeout_minutes=30, fallback_action="abandon", queue_name="Suporte")
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, flow)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    tend(pipeline)
    assert items(pipeline)[0][:2] == ("Suporte", "waiting")
    frozen_clock.advance(timedelta(minutes=29))
    Scheduler(pipeline.services).fire_timers()
    tend(pipeline)
    assert items(pipeline)[0][:2] == ("Suporte", "waiting")
    frozen_clock.advance(timedelta(minutes=1, seconds=1))
    Scheduler(pipeline.services).fire_timers()
    pipeline.drain()
    tend(pipeline)
    assert items(pipeline) == [("Suporte", "timeout", "flow", 1, "flow")]
    assert pipeline.rows("SELECT handling, status FROM conversations") == [("bot", "open")]
    assert pipeline.rows("SELECT status, outcome FROM flow_sessions") == [("completed", "abandoned")]


@pytest.mark.parametrize("limit", ["flow", "queue"])
async def test_nobody_comes_in_time(pipeline: Pipeline, frozen_clock: FrozenClock, limit: str) -> None:
    """By the block's own time, or by the queue's: the flow goes on by `timeout` either way, once."""
    if limit == "queue":
        settings_of(pipeline, max_wait_minutes=5, timeout_message="Desculpe")
    flow = document(("timeout",), **({"wait_timeout_minutes": 5} if limit == "flow" else {}))
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, flow)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    tend(pipeline)
    frozen_clock.advance(timedelta(minutes=5, seconds=1))
    Scheduler(pipeline.services).fire_timers()
    pipeline.drain()
    tend(pipeline)
    tend(pipeline)
    assert said(pipeline) == (["timeout"] if limit == "flow" else ["Desculpe", "timeout"])
    assert items(pipeline)[0][1:3] == ("timeout", "flow" if limit == "flow" else "max_wait")
    assert pipeline.scalar("SELECT handling FROM conversations") == "bot"


async def test_the_fallback_queue_takes_over(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    support = pipeline.scalar("SELECT id FROM service_queues WHERE name = 'Suporte'")
    flow = document(wait_timeout_minutes=5, fallback_action="queue", fallback_queue_id=str(support))
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, flow)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    tend(pipeline)
    frozen_clock.advance(timedelta(minutes=5, seconds=1))
    Scheduler(pipeline.services).fire_timers()
    pipeline.drain()
    tend(pipeline)
    assert [row[:3] for row in items(pipeline)] == [("Atendimento", "timeout", "flow"), ("Suporte", "waiting", "")]
    assert pipeline.scalar("SELECT handling FROM conversations") == "waiting"


async def test_who_waits_and_opts_out_leaves(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, document())
    phone = pipeline.phone()
    await pipeline.hear(phone.text("oi", at=frozen_clock.now()))
    tend(pipeline)
    await pipeline.hear(phone.text("SAIR", at=frozen_clock.now()))
    assert items(pipeline)[0][1:3] == ("abandoned", "opted_out")


async def test_what_the_block_says_of_it_reaches_the_place(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    said_of_it = {"skills": "Inglês, libras", "note": "Pedido {{message.text}}", "valor": 90, "vazio": ""}
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, document(metadata=said_of_it))
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    (row,) = pipeline.rows("SELECT skills, note FROM queue_items")
    assert row == (["Inglês", "libras"], "Pedido oi\nvalor: 90")
