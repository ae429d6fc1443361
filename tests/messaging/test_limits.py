"""What holds a send back: pair rate, people written to first, a platform that fails, a neighbour's trouble."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio
import redis.asyncio
from sqlalchemy import text

from pytake_app.config import Settings
from pytake_app.conversations.models import Conversation
from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.core.live import connect_async
from pytake_app.core.services import Services
from pytake_app.messaging import outbox_store
from pytake_app.messaging.breaker import FAILURES
from pytake_app.messaging.outbox import OutboundDraft, OutboxPriority, enqueue
from pytake_app.messaging.quotas import Quotas
from pytake_app.messaging.sender import Sender
from pytake_app.messaging.sql import hot
from tests.support.graph_stub import GraphStub, Planned, error_body
from tests.support.pipeline import ECHO, Pipeline, add_flow, connect_account
from tests.waiting import wait_until_async

TEMPLATE = {"type": "template", "name": "pedido_pronto", "language": "pt_BR"}


@pytest_asyncio.fixture
async def client(settings: Settings) -> AsyncIterator[redis.asyncio.Redis]:
    made = connect_async(settings)
    yield made
    await made.aclose()


@pytest.fixture
def connected(pipeline: Pipeline, graph_stub: GraphStub) -> Pipeline:
    """The organization's number sends to the stand-in and echoes."""
    connect_account(pipeline.services, pipeline.tenant, graph_stub.base_url)
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    return pipeline


def _account(pipeline: Pipeline, **settings: Any) -> None:
    pipeline.execute(
        "UPDATE channel_accounts SET settings = settings || CAST(:extra AS jsonb)",
        extra=orjson.dumps(settings).decode(),
    )


def _queue(pipeline: Pipeline, content: dict[str, Any], *, count: int = 1) -> None:
    """Queue messages to the latest contact's conversation, or to as many others as asked for."""
    tenant, clock = pipeline.tenant, pipeline.services.clock
    contact = tenant.contact(phone="5511900000000")
    conversation = tenant.conversation(contact)
    with tenant.session() as session:
        conversation = session.get_one(Conversation, conversation.id)
        for n in range(count):
            draft = OutboundDraft(
                conversation=conversation,
                contact=contact,
                channel_account=tenant.account,
                recipient=f"55119{n:08d}",
                content=content,
                text="…",
                author_kind="api",
            )
            enqueue(session, draft, clock=clock)


async def test_pair_rate_lets_a_burst_through_and_then_one_in_six_seconds(client: redis.asyncio.Redis) -> None:
    quotas, account = Quotas(client), uuid4()
    waits = [(await quotas.pairs(account, ["a"], interval=6.0, burst=45))[0] for _ in range(47)]
    assert waits[:45] == [0.0] * 45
    assert all(5.0 < wait <= 6.0 for wait in waits[45:])
    assert await quotas.pairs(account, ["b", "a"], interval=6.0, burst=45) == pytest.approx([0.0, 6.0], abs=1.0)


async def test_a_tier_counts_people_not_messages_and_remembers_through_the_database(
    client: redis.asyncio.Redis,
) -> None:
    quotas, account = Quotas(client), uuid4()
    asked = 0

    async def known() -> list[tuple[str, float]]:
        nonlocal asked
        asked += 1
        seconds, _ = await client.time()
        return [("earlier", seconds - 3600.0), ("long ago", seconds - 90_000.0)]

    async def ask(*people: str) -> list[bool]:
        return [wait == 0 for wait in await quotas.first_contacts(account, people, limit=3, known=known)]

    assert await ask("a", "b", "c", "a") == [True, True, False, True]
    assert await ask("earlier", "b") == [True, True]
    await quotas.give_back(account, "a")
    assert await ask("c") == [True]
    assert asked == 1
    (wait,) = await quotas.first_contacts(account, ["d"], limit=3, known=known)
    assert 80_000 < wait <= 86_400


async def test_a_full_tier_holds_templates_to_closed_windows_only(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    _account(connected, tier="TIER_50")
    _queue(connected, TEMPLATE, count=60)
    held = "SELECT count(*) FROM outbox WHERE state = 'queued' AND last_error->>'reason' = 'daily_limit'"

    async def settled() -> bool:
        sent = connected.scalar("SELECT count(*) FROM outbox WHERE state = 'sent'")
        return bool(sent + connected.scalar(held) >= 60)

    await _each_alone(connected)
    await connected.send(settled)
    assert len(graph_stub.sent) == 50
    assert connected.rows("SELECT DISTINCT attempts FROM outbox WHERE state = 'queued'") == [(0,)]
    # An answer within the window is nobody's first contact.
    await connected.hear(connected.phone().text("oi", at=frozen_clock.now()))

    async def answered() -> bool:
        return len(graph_stub.sent) == 51

    await connected.send(answered)
    assert graph_stub.sent[-1]["type"] == "text"


async def _each_alone(pipeline: Pipeline) -> None:
    """As if each were another person's conversation, which has no open window."""
    pipeline.execute("UPDATE outbox SET conversation_id = gen_random_uuid()")


async def test_a_failing_platform_opens_the_circuit_without_using_up_attempts(
    settings: Settings, clean_db: Database, redis_client: redis.Redis, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    services = Services(settings.model_copy(update={"outbox_in_flight": FAILURES}), clock=frozen_clock)
    try:
        pipeline = Pipeline.make(services, graph_stub.base_url)
        _queue(pipeline, TEMPLATE, count=FAILURES * 4)
        await _each_alone(pipeline)
        for _ in range(FAILURES * 4):
            graph_stub.plan(Planned(status=503, body=error_body(131016)))
        stop = asyncio.Event()
        sender = Sender(services)
        task = asyncio.create_task(sender.run(stop))

        async def opened() -> bool:
            return sender.circuit(pipeline.tenant.account.id) == "open"

        await wait_until_async(opened)
        stop.set()
        await task
    finally:
        services.close()
    # Those that were under way came to nothing; the rest was not even tried.
    assert FAILURES <= len(graph_stub.sends) < FAILURES * 3
    assert pipeline.scalar("SELECT count(*) FROM outbox WHERE attempts = 0") >= FAILURES


async def test_a_closed_window_is_answered_with_the_template_that_was_chosen_for_it(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    _account(connected, reengagement_template={"name": "voltamos", "language": "pt_BR"})
    graph_stub.plan(Planned(status=400, body=error_body(131047)))
    await connected.hear(connected.phone().text("oi", at=frozen_clock.now()))
    await connected.send()
    assert [call.body["type"] for call in graph_stub.sends] == ["text", "template"]
    shown = connected.rows("SELECT type, content->>'name', status FROM messages WHERE direction = 'out'")
    assert shown == [("template", "voltamos", "sent")]


async def test_without_such_a_template_a_closed_window_is_a_dead_letter(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    graph_stub.plan(Planned(status=400, body=error_body(131047)))
    await connected.hear(connected.phone().text("oi", at=frozen_clock.now()))
    await connected.send()
    assert connected.rows("SELECT state, last_error->>'reason' FROM outbox") == [("dead", "window_closed")]


async def test_pair_rate_of_a_number_holds_the_person_not_the_number(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    _account(connected, pair_burst=2, pair_interval=6)
    now = frozen_clock.now()
    ana, bia = connected.phone("5511911111111"), connected.phone("5511922222222")
    await connected.hear(*[ana.text(str(n), at=now) for n in range(4)], bia.text("oi", at=now))

    async def through() -> bool:
        return len(graph_stub.sent) == 3

    await connected.send(through)
    assert sorted(body["to"] for body in graph_stub.sent) == ["5511911111111", "5511911111111", "5511922222222"]
    assert connected.rows("SELECT attempts, state FROM outbox WHERE state <> 'sent'") == [(0, "queued")] * 2
    frozen_clock.advance(timedelta(minutes=1))
    connected.services.redis.delete(*connected.services.redis.keys("pytake:pair:*"))
    await connected.send()
    assert [body["text"]["body"] for body in graph_stub.sent if body["to"] == "5511911111111"] == [
        f"re: {n}" for n in range(4)
    ]


def test_what_waits_before_something_urgent_in_its_conversation_goes_with_it(
    connected: Pipeline, frozen_clock: FrozenClock
) -> None:
    """Order within a conversation is kept: else a person's answer would wait behind a campaign."""
    tenant, now = connected.tenant, frozen_clock.now()
    contact = tenant.contact(phone="5511900000000")
    conversation, other = tenant.conversation(contact), uuid4()

    def say(body: str, priority: OutboxPriority, at: datetime = now, thread: UUID = conversation.id) -> None:
        with tenant.session() as session:
            draft = OutboundDraft(
                conversation=session.get_one(Conversation, conversation.id),
                contact=contact,
                channel_account=tenant.account,
                recipient="5511900000000",
                content={"type": "text", "body": body},
                text=body,
                author_kind="api",
                priority=priority,
                scheduled_at=at,
            )
            enqueue(session, draft, clock=frozen_clock)
            session.connection().execute(
                text("UPDATE outbox SET conversation_id = :thread WHERE content->>'body' = :body"),
                {"thread": thread, "body": body},
            )

    for n in range(3):
        say(f"campaign {n}", OutboxPriority.LOW, thread=other)
    say("campaign", OutboxPriority.LOW)
    say("for tomorrow", OutboxPriority.LOW, now + timedelta(days=1))
    say("urgent tomorrow", OutboxPriority.CRITICAL, now + timedelta(days=1))
    assert connected.scalar("SELECT priority FROM outbox WHERE content->>'body' = 'campaign'") == OutboxPriority.LOW
    say("answer", OutboxPriority.HIGH)
    found = dict(connected.rows("SELECT content->>'body', priority FROM outbox"))
    assert found["campaign"] == OutboxPriority.HIGH
    assert found["for tomorrow"] == found["campaign 0"] == OutboxPriority.LOW, "the answer doesn't wait for these"
    with hot(connected.services.database) as connection:
        bodies = []
        for _ in range(3):
            bodies += [
                item.content["body"]
                for item in outbox_store.claim(
                    connection, by="me", now=now, hold=now + timedelta(seconds=60), limit=1, resting=[]
                )
            ]
            connection.execute("UPDATE outbox SET state = 'sent' WHERE state = 'sending'")
    assert bodies == ["campaign", "answer", "campaign 0"]
