"""Messages that come while a session waits for an outside call: kept, and taken up in order once that is over."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
import redis

from pytake_app.config import Settings
from pytake_app.conversations import service as conversations
from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.core.egress import EgressGuard
from pytake_app.core.services import Services
from pytake_app.core.tenancy import Principal, Role
from pytake_app.flows.execution import Executor
from pytake_app.flows.execution_contact import MAX_QUEUED
from pytake_app.flows.requester import Requester
from pytake_app.messaging.scheduler import Scheduler
from tests.support.echo_server import EchoServer, Reply
from tests.support.pipeline import Pipeline, add_flow


@pytest.fixture
def services(settings: Settings, clean_db: Database, redis_client: redis.Redis, frozen_clock: FrozenClock) -> Any:
    made = Services(settings, clock=frozen_clock)
    yield made
    made.close()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[EchoServer]:
    async with EchoServer() as made:
        made.default = Reply(body='{"state": "pago"}')
        yield made


def flow(url: str, *after: dict[str, Any]) -> dict[str, Any]:
    """A call, what it found, then `after` one after the other."""
    call = {"method": "GET", "url": f"{url}/orders", "mapping": [{"name": "state", "path": "$.state"}], "retries": 0}
    nodes = [
        {"id": "in", "type": "trigger_universal", "config": {}},
        {"id": "call", "type": "api_call", "config": call},
        {"id": "found", "type": "msg_text", "config": {"body": "Pedido: {{ state }}"}},
        *after,
    ]
    ports = {"api_call": "success", "question": "answered", "wait_for_reply": "replied"}
    edges = [
        {"id": str(n), "source": a["id"], "port": ports.get(a["type"], "next"), "target": b["id"]}
        for n, (a, b) in enumerate(itertools.pairwise(nodes))
    ]
    return {"name": "Pedido", "nodes": nodes, "edges": edges}


def ask(node_id: str, variable: str) -> dict[str, Any]:
    return {"id": node_id, "type": "question", "config": {"body": f"{variable}?", "variable": variable}}


THANKS = {"id": "thanks", "type": "msg_text", "config": {"body": "{{ first }}, {{ second }}"}}
TWO = (ask("q1", "first"), ask("q2", "second"), THANKS)


def install(pipeline: Pipeline, document: dict[str, Any]) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, document)


async def hear(pipeline: Pipeline, clock: FrozenClock, *texts: str) -> None:
    for text in texts:
        clock.advance(timedelta(seconds=1))
        await pipeline.hear(pipeline.phone().text(text, at=clock.now()))


async def answer(pipeline: Pipeline, server: EchoServer) -> None:
    worker = Requester(pipeline.services, guard=EgressGuard(f"127.0.0.1:{server.port}"), pause=0.01)
    while await worker.begin() or worker._tasks:
        await worker.finish(10)
    await asyncio.to_thread(pipeline.drain)


def said(pipeline: Pipeline) -> list[str]:
    return [row[0] for row in pipeline.rows("SELECT text FROM messages WHERE direction = 'out' ORDER BY id")]


def queued(pipeline: Pipeline) -> int:
    return int(pipeline.scalar("SELECT coalesce(sum(jsonb_array_length(state->'queued')), 0) FROM flow_sessions"))


async def test_they_are_the_answers_to_what_is_asked_next_in_order(
    services: Services, server: EchoServer, frozen_clock: FrozenClock
) -> None:
    pipeline = Pipeline.make(services)
    install(pipeline, flow(server.url, *TWO))
    await hear(pipeline, frozen_clock, "oi", "um", "dois")
    assert (said(pipeline), queued(pipeline)) == ([], 2)
    # Another process goes on, knowing only what the database holds.
    pipeline.executor = Executor(services)
    await answer(pipeline, server)
    assert said(pipeline) == ["Pedido: pago", "first?", "second?", "um, dois"]
    assert queued(pipeline) == 0
    kinds = [row[0] for row in pipeline.rows("SELECT kind FROM automation_log ORDER BY id")]
    assert kinds.count("session_queued") == 2
    assert kinds.count("session_resumed") == 2


async def test_one_that_is_left_over_is_like_any_message(
    services: Services, server: EchoServer, frozen_clock: FrozenClock
) -> None:
    pipeline = Pipeline.make(services)
    install(pipeline, flow(server.url))
    menu = {
        "name": "Menu",
        "nodes": [
            {"id": "k", "type": "trigger_keyword", "config": {"words": ["menu"]}},
            {"id": "say", "type": "msg_text", "config": {"body": "Menu!"}},
        ],
        "edges": [{"id": "1", "source": "k", "port": "next", "target": "say"}],
    }
    install(pipeline, menu)
    await hear(pipeline, frozen_clock, "oi", "menu")
    await answer(pipeline, server)
    assert said(pipeline) == ["Pedido: pago", "Menu!"]


async def test_a_second_call_keeps_them_waiting(
    services: Services, server: EchoServer, frozen_clock: FrozenClock
) -> None:
    pipeline = Pipeline.make(services)
    again = {"id": "again", "type": "api_call", "config": {"method": "GET", "url": f"{server.url}/more", "retries": 0}}
    install(pipeline, flow(server.url, again, ask("q1", "first"), {**THANKS, "config": {"body": "{{ first }}!"}}))
    await hear(pipeline, frozen_clock, "oi", "um")
    worker = Requester(services, guard=EgressGuard(f"127.0.0.1:{server.port}"), pause=0.01)
    await worker.begin()
    await worker.finish(10)
    await asyncio.to_thread(pipeline.drain)
    assert (said(pipeline), queued(pipeline)) == (["Pedido: pago"], 1)
    await answer(pipeline, server)
    assert said(pipeline) == ["Pedido: pago", "first?", "um!"]


async def test_the_call_that_nobody_answers_ends_by_its_timer_and_they_are_taken_up(
    services: Services, server: EchoServer, frozen_clock: FrozenClock
) -> None:
    pipeline = Pipeline.make(services)
    document = flow(server.url, ask("q1", "first"), {**THANKS, "config": {"body": "{{ first }}!"}})
    document["edges"].append({"id": "bad", "source": "call", "port": "error", "target": "q1"})
    install(pipeline, document)
    await hear(pipeline, frozen_clock, "oi", "um")
    frozen_clock.advance(timedelta(minutes=10))
    Scheduler(services).fire_timers()
    await asyncio.to_thread(pipeline.drain)
    assert said(pipeline) == ["first?", "um!"]


async def test_result_and_messages_in_one_batch_keep_their_order(
    services: Services, server: EchoServer, frozen_clock: FrozenClock
) -> None:
    pipeline = Pipeline.make(services)
    install(pipeline, flow(server.url, *TWO))
    await hear(pipeline, frozen_clock, "oi", "um")
    worker = Requester(services, guard=EgressGuard(f"127.0.0.1:{server.port}"), pause=0.01)
    await worker.begin()
    await worker.finish(10)
    # The answer is on the lane, and the next message right behind it.
    await hear(pipeline, frozen_clock, "dois")
    assert said(pipeline) == ["Pedido: pago", "first?", "second?", "um, dois"]


async def test_only_so_many_are_kept(services: Services, server: EchoServer, frozen_clock: FrozenClock) -> None:
    pipeline = Pipeline.make(services)
    install(pipeline, flow(server.url, *TWO))
    texts = [f"m{n}" for n in range(MAX_QUEUED + 3)]
    await hear(pipeline, frozen_clock, "oi", *texts)
    assert queued(pipeline) == MAX_QUEUED
    assert pipeline.scalar("SELECT count(*) FROM automation_log WHERE kind = 'session_busy'") == 3
    assert pipeline.scalar("SELECT count(*) FROM messages WHERE direction = 'in'") == MAX_QUEUED + 4


async def test_who_takes_over_has_read_them(services: Services, server: EchoServer, frozen_clock: FrozenClock) -> None:
    pipeline = Pipeline.make(services)
    install(pipeline, flow(server.url, *TWO))
    await hear(pipeline, frozen_clock, "oi", "um")
    organization_id = pipeline.tenant.organization_id
    user_id = pipeline.scalar("SELECT id FROM users WHERE role <> 'viewer' ORDER BY id LIMIT 1")
    who = Principal(user_id, organization_id, Role.AGENT, user_id)
    with services.database.tenant(organization_id) as session:
        thread_id = pipeline.scalar("SELECT id FROM conversations")
        conversations.take_over(session, who, thread_id, clock=frozen_clock)
    await answer(pipeline, server)
    assert (said(pipeline), queued(pipeline)) == ([], 0)


async def test_opt_out_words_do_not_wait(services: Services, server: EchoServer, frozen_clock: FrozenClock) -> None:
    pipeline = Pipeline.make(services)
    install(pipeline, flow(server.url, *TWO))
    await hear(pipeline, frozen_clock, "oi", "um", "SAIR")
    assert pipeline.scalar("SELECT consent FROM contacts") == "opted_out"
    assert pipeline.rows("SELECT status FROM flow_sessions") == [("interrupted",)]
    await answer(pipeline, server)
    assert (said(pipeline), queued(pipeline)) == ([], 0)


async def test_what_was_played_can_be_played_again(
    services: Services, server: EchoServer, frozen_clock: FrozenClock
) -> None:
    from pytake_app.flows import replay

    pipeline = Pipeline.make(services)
    install(pipeline, flow(server.url, *TWO))
    await hear(pipeline, frozen_clock, "oi", "um", "dois")
    await answer(pipeline, server)
    organization_id = pipeline.tenant.organization_id
    who = Principal(organization_id, organization_id, Role.ORG_ADMIN, organization_id)
    with services.database.tenant(organization_id) as session:
        session_id = pipeline.scalar("SELECT id FROM flow_sessions")
        assert replay.replay_session(session, who, session_id).identical
