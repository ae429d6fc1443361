"""Real processes are killed between an outside call and its answer: one key for the call, and the session goes on."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import redis

from pytake_app.bench.pipeline import Product, environment_for
from pytake_app.config import Settings
from pytake_app.contacts import service as contacts
from pytake_app.core.db import Database
from pytake_app.core.services import Services
from pytake_app.core.tenancy import Principal, Role
from tests.support.echo_server import EchoServer, Reply
from tests.support.pipeline import Pipeline, add_flow
from tests.waiting import wait_until_async

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(150)]

OUTBOX = "outbox-1"
"""This role performs requests too."""
WORKER = "worker-1"


@pytest_asyncio.fixture
async def server() -> AsyncIterator[EchoServer]:
    async with EchoServer() as made:
        made.default = Reply(body='{"state": "pago"}')
        yield made


@pytest.fixture
def pipeline(settings: Settings, clean_db: Database, redis_client: redis.Redis) -> Iterator[Pipeline]:
    services = Services(settings)
    yield Pipeline.make(services)
    services.close()


@pytest.fixture
def product(pipeline: Pipeline, server: EchoServer) -> Iterator[Product]:
    """The roles as processes on the tests' servers; they may call `server`."""
    settings = pipeline.services.settings
    with tempfile.TemporaryDirectory(prefix="pytake-kills-") as logs:
        environment = environment_for(settings.database_url, settings.redis_url, Path(logs), workers=1)
        environment |= {"SECRET_KEY": settings.secret_key.get_secret_value()} if settings.secret_key else {}
        environment["PYTAKE_ALLOW_PRIVATE_HTTP"] = f"127.0.0.1:{server.port}"
        made = Product(environment, Path(logs))
        try:
            yield made
        finally:
            made.stop()


def calling(url: str) -> dict[str, Any]:
    call = {"method": "POST", "url": f"{url}/orders", "mapping": [{"name": "state", "path": "$.state"}], "retries": 0,
            "timeout_seconds": 30}  # fmt: skip
    nodes: list[dict[str, Any]] = [
        {"id": "in", "type": "trigger_universal", "config": {}},
        {"id": "call", "type": "api_call", "config": call},
        {"id": "ask", "type": "question", "config": {"body": "{{ state }}. Nome?", "variable": "name"}},
        {"id": "bye", "type": "msg_text", "config": {"body": "Obrigado, {{ name }}"}},
    ]
    ports = {"api_call": "success", "question": "answered"}
    edges = [
        {"id": str(n), "source": a["id"], "port": ports.get(a["type"], "next"), "target": b["id"]}
        for n, (a, b) in enumerate(itertools.pairwise(nodes))
    ]
    return {"name": "Pedido", "nodes": nodes, "edges": edges}


def said(pipeline: Pipeline) -> list[str]:
    return [row[0] for row in pipeline.rows("SELECT text FROM messages WHERE direction = 'out' ORDER BY id")]


async def until(pipeline: Pipeline, statement: str, wanted: Any, seconds: float = 30) -> None:
    async def reached() -> bool:
        return bool(await asyncio.to_thread(pipeline.scalar, statement) == wanted)

    await wait_until_async(reached, seconds)


async def hear(pipeline: Pipeline, text: str) -> None:
    """Only stored: handling it is the worker's."""
    await pipeline.receive(pipeline.phone().text(text, at=datetime.now(UTC)))


async def test_everything_is_killed_while_the_other_side_works(
    pipeline: Pipeline, product: Product, server: EchoServer
) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, calling(server.url))
    server.plan(Reply(delay=25))
    for name in (WORKER, OUTBOX, "scheduler-1"):
        product.start(name)
    await hear(pipeline, "oi")
    await wait_until_async(_called(server, 1), 40)
    # The call is out, and the contact goes on writing.
    await hear(pipeline, "Ana")
    await until(pipeline, "SELECT count(*) FROM automation_log WHERE kind = 'session_queued'", 1)
    for name in (OUTBOX, WORKER):
        await asyncio.to_thread(product.kill, name)
    assert pipeline.rows("SELECT state, attempts FROM flow_requests") == [("running", 1)]
    # The dead one's lease runs out.
    pipeline.execute("UPDATE flow_requests SET lease_until = now() - interval '1 second'")
    for name in (OUTBOX, WORKER):
        product.start(name)
    await until(pipeline, "SELECT status FROM flow_sessions", "completed", 50)
    assert said(pipeline) == ["pago. Nome?", "Obrigado, Ana"]
    ((request_id, state, attempts),) = pipeline.rows("SELECT id, state, attempts FROM flow_requests")
    # One call an attempt, all of them under one key: who honours it does the thing once.
    assert (state, attempts, len(server.seen)) == ("done", 2, 2)
    assert {call.headers["idempotency-key"] for call in server.seen} == {str(request_id)}


async def test_the_worker_is_killed_before_it_hears_the_answer(
    pipeline: Pipeline, product: Product, server: EchoServer
) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, calling(server.url))
    server.plan(Reply(body='{"state": "pago"}', delay=1.0))
    for name in (WORKER, OUTBOX, "scheduler-1"):
        product.start(name)
    await hear(pipeline, "oi")
    await wait_until_async(_called(server, 1), 40)
    await asyncio.to_thread(product.kill, WORKER)
    await until(pipeline, "SELECT state FROM flow_requests", "done")
    assert said(pipeline) == []
    await asyncio.to_thread(product.kill, OUTBOX)
    product.start(WORKER)
    await until(pipeline, "SELECT count(*) FROM messages WHERE direction = 'out'", 1)

    assert len(server.seen) == 1
    await hear(pipeline, "Ana")
    await until(pipeline, "SELECT status FROM flow_sessions", "completed")
    assert said(pipeline) == ["pago. Nome?", "Obrigado, Ana"]
    await _a_tag_starts_a_flow(pipeline)


async def _a_tag_starts_a_flow(pipeline: Pipeline) -> None:
    document = {
        "name": "VIP",
        "nodes": [
            {"id": "t", "type": "trigger_event", "config": {"event": "tag_added", "tag": "vip"}},
            {"id": "say", "type": "msg_text", "config": {"body": "{{ event_value }}!"}},
        ],
        "edges": [{"id": "1", "source": "t", "port": "next", "target": "say"}],
    }
    organization_id = pipeline.tenant.organization_id
    add_flow(pipeline.services.database, organization_id, document)
    user_id = pipeline.scalar("SELECT id FROM users WHERE role <> 'viewer' ORDER BY id LIMIT 1")
    who = Principal(user_id, organization_id, Role.AGENT, user_id)
    with pipeline.services.database.tenant(organization_id) as session:
        contacts.tag_contact(session, who, pipeline.scalar("SELECT id FROM contacts"), "vip")
    await until(pipeline, "SELECT count(*) FROM messages WHERE text = 'vip!'", 1)


def _called(server: EchoServer, times: int) -> Any:
    async def called() -> bool:
        return len(server.seen) >= times

    return called
