"""Flows that call other systems, from the message to the answer, on real servers; and what may go wrong in between."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
import redis

from pytake_app.config import Settings
from pytake_app.core.clock import FrozenClock
from pytake_app.core.crypto import derived_keys
from pytake_app.core.db import Database
from pytake_app.core.egress import EgressGuard
from pytake_app.core.services import Services
from pytake_app.core.tenancy import Role
from pytake_app.flows.requester import Requester
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.outgoing import service as secrets
from pytake_app.outgoing.schemas import NewSecret
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
        yield made


def calling(url: str, **config: Any) -> dict[str, Any]:
    call = {
        "method": "POST", "url": f"{url}/orders", "auth": "bearer", "token": "{{ secret.TOKEN }}", "body_type": "json",
        "body": '{"who": "{{ contact.name }}", "said": "{{ message.text }}"}',
        "mapping": [{"name": "state", "path": "$.order.state"}], "retries": 1, **config,
    }  # fmt: skip
    return {
        "name": "Pedido",
        "nodes": [
            {"id": "in", "type": "trigger_universal", "config": {}},
            {"id": "call", "type": "api_call", "config": call},
            {"id": "ok", "type": "msg_text", "config": {"body": "Pedido: {{ state }}"}},
            {"id": "bad", "type": "msg_text", "config": {"body": "Não deu"}},
        ],
        "edges": [
            {"id": "1", "source": "in", "port": "next", "target": "call"},
            {"id": "2", "source": "call", "port": "success", "target": "ok"},
            {"id": "3", "source": "call", "port": "error", "target": "bad"},
        ],
    }


def keep_secret(pipeline: Pipeline, value: str = "abc-123-secret") -> None:
    from pytake_app.core.ids import new_id
    from pytake_app.core.tenancy import Principal

    organization_id = pipeline.tenant.organization_id
    who = Principal(new_id(), organization_id, Role.ORG_ADMIN, new_id())
    with pipeline.services.database.tenant(organization_id) as session:
        request = NewSecret.model_validate({"name": "TOKEN", "value": value})
        secrets.put_secret(session, who, pipeline.services.secrets, request)


def requester(pipeline: Pipeline, server: EchoServer) -> Requester:
    return Requester(pipeline.services, guard=EgressGuard(f"127.0.0.1:{server.port}"), pause=0.01)


async def perform(pipeline: Pipeline, server: EchoServer) -> None:
    worker = requester(pipeline, server)
    while await worker.begin() or worker._tasks:
        await worker.finish(10)
    await asyncio.to_thread(pipeline.drain)


def said(pipeline: Pipeline) -> list[str]:
    return [row[0] for row in pipeline.rows("SELECT text FROM messages WHERE direction = 'out' ORDER BY id")]


async def test_an_answer_becomes_a_message(services: Services, server: EchoServer, frozen_clock: FrozenClock) -> None:
    pipeline = Pipeline.make(services)
    add_flow(services.database, pipeline.tenant.organization_id, calling(server.url))
    keep_secret(pipeline)
    server.plan(Reply(status=503), Reply(body='{"order": {"state": "enviado"}, "echo": "abc-123-secret"}'))
    await pipeline.hear(pipeline.phone().text('diga "oi"', at=frozen_clock.now()))
    assert said(pipeline) == []
    assert pipeline.rows("SELECT state, attempts FROM flow_requests") == [("pending", 0)]
    await perform(pipeline, server)
    assert said(pipeline) == ["Pedido: enviado"]
    assert [s.headers["authorization"] for s in server.seen] == ["Bearer abc-123-secret"] * 2
    assert server.seen[1].body == '{"who": "Ana", "said": "diga \\"oi\\""}'
    assert pipeline.rows("SELECT state FROM flow_requests") == [("done",)]
    assert pipeline.rows("SELECT status FROM flow_sessions") == [("completed",)]
    assert pipeline.scalar("SELECT count(*) FROM timers") == 0
    for table in ("flow_requests", "flow_sessions", "session_steps", "inbound_events", "automation_log"):
        held = pipeline.scalar(f"SELECT count(*) FROM {table} t WHERE t::text LIKE '%abc-123-secret%'")
        assert held == 0, f"{table} holds the secret"


async def test_a_killed_performer_loses_nothing_and_the_session_goes_on_once(
    services: Services, server: EchoServer, frozen_clock: FrozenClock
) -> None:
    pipeline = Pipeline.make(services)
    add_flow(services.database, pipeline.tenant.organization_id, calling(server.url))
    keep_secret(pipeline)
    server.default = Reply(body='{"order": {"state": "pago"}}')
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    dead = requester(pipeline, server)
    (taken,) = await asyncio.to_thread(dead._claim, 10)
    # It made the call and died before it could say so.
    result = await dead._performed(taken)
    await perform(pipeline, server)
    assert said(pipeline) == []
    frozen_clock.advance(timedelta(minutes=1))
    Scheduler(services).mend_requests()
    await perform(pipeline, server)
    assert said(pipeline) == ["Pedido: pago"]
    # The dead one comes back with its answer: nobody waits for it.
    assert await asyncio.to_thread(dead._finish, taken, result, None) is None
    await perform(pipeline, server)
    assert said(pipeline) == ["Pedido: pago"]
    assert len(server.seen) == 2
    assert {s.headers["idempotency-key"] for s in server.seen} == {str(taken.id)}


async def test_when_nobody_performs_the_session_leaves_by_error(
    services: Services, server: EchoServer, frozen_clock: FrozenClock
) -> None:
    pipeline = Pipeline.make(services)
    add_flow(services.database, pipeline.tenant.organization_id, calling(server.url))
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    frozen_clock.advance(timedelta(minutes=10))
    Scheduler(services).fire_timers()
    await asyncio.to_thread(pipeline.drain)
    assert said(pipeline) == ["Não deu"]
    assert pipeline.rows("SELECT state FROM flow_requests") == [("canceled",)]
    await perform(pipeline, server)
    assert server.seen == []


async def test_inner_addresses_and_missing_secrets_leave_by_error(
    services: Services, server: EchoServer, frozen_clock: FrozenClock
) -> None:
    pipeline = Pipeline.make(services)
    add_flow(services.database, pipeline.tenant.organization_id, calling("http://169.254.169.254"))
    keep_secret(pipeline)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    await perform(pipeline, server)
    assert said(pipeline) == ["Não deu"]
    assert pipeline.rows("SELECT result->>'error' FROM flow_requests") == [("refused_private_address",)]


async def test_another_organization_s_secret_is_not_there(
    services: Services, server: EchoServer, frozen_clock: FrozenClock
) -> None:
    keep_secret(Pipeline.make(services))
    pipeline = Pipeline.make(services)
    add_flow(services.database, pipeline.tenant.organization_id, calling(server.url))
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    await perform(pipeline, server)
    assert pipeline.rows("SELECT result->>'error' FROM flow_requests") == [("secret_missing",)]
    assert server.seen == []


async def test_a_schedule_starts_once_for_each_due_moment(services: Services, frozen_clock: FrozenClock) -> None:
    from pytake_app.engine.document import FlowDocument
    from pytake_app.engine.triggers import flow_triggers

    pipeline = Pipeline.make(services)
    document = {
        "name": "Lembrete",
        "nodes": [
            {"id": "t", "type": "trigger_schedule", "config": {"cron": "*/5 * * * *", "audience": "all"}},
            {"id": "say", "type": "msg_text", "config": {"body": "Lembrete"}},
        ],
        "edges": [{"id": "1", "source": "t", "port": "next", "target": "say"}],
    }
    for number in (1, 2):
        await pipeline.hear(pipeline.phone(f"551198765432{number}").text("oi", at=frozen_clock.now()))
    flow_id = add_flow(services.database, pipeline.tenant.organization_id, document)
    triggers = [t.model_dump_json() for t in flow_triggers(FlowDocument.model_validate(document))]
    pipeline.execute("UPDATE flows SET triggers = CAST(:t AS jsonb) WHERE id = :id", t=f"[{triggers[0]}]", id=flow_id)
    pipeline.execute("UPDATE contacts SET consent = 'opted_out' WHERE phone = '5511987654322'")
    one, two = Scheduler(services), Scheduler(services)
    one.fire_schedules()
    assert pipeline.scalar("SELECT next_at IS NOT NULL FROM flow_schedules") is True
    frozen_clock.advance(timedelta(minutes=6))
    one.fire_schedules()
    two.fire_schedules()
    await asyncio.to_thread(pipeline.drain)
    assert said(pipeline) == ["Lembrete"]
    frozen_clock.advance(timedelta(minutes=5))
    two.fire_schedules()
    await asyncio.to_thread(pipeline.drain)
    assert said(pipeline) == ["Lembrete", "Lembrete"]
    pipeline.execute("UPDATE flows SET status = 'inactive'")
    one.fire_schedules()
    assert pipeline.scalar("SELECT count(*) FROM flow_schedules") == 0


PEOPLE: dict[str, Any] = {
    "name": "Pessoas",
    "nodes": [
        {"id": "in", "type": "trigger_universal", "config": {}},
        {"id": "tag", "type": "tag_contact", "config": {"add": ["vip"]}},
        {"id": "emit", "type": "send_event",
         "config": {"name": "order.paid", "values": [{"name": "who", "value": "{{ contact.name }}"}]}},
        {"id": "tell", "type": "notify", "config": {"title": "Novo pedido de {{ contact.name }}"}},
        {"id": "close", "type": "close_conversation", "config": {"reason": "pago"}},
    ],
    "edges": [
        {"id": f"{a}", "source": a, "port": "next", "target": b}
        for a, b in (("in", "tag"), ("tag", "emit"), ("emit", "tell"), ("tell", "close"))
    ],
}  # fmt: skip
ON_TAG: dict[str, Any] = {
    "name": "VIP",
    "nodes": [
        {"id": "t", "type": "trigger_event", "config": {"event": "tag_added", "tag": "VIP"}},
        {"id": "say", "type": "msg_text", "config": {"body": "{{ event_value }} agora"}},
        {"id": "again", "type": "tag_contact", "config": {"remove": ["vip"]}},
        {"id": "add", "type": "tag_contact", "config": {"add": ["vip"]}},
    ],
    "edges": [
        {"id": f"{a}", "source": a, "port": "next", "target": b}
        for a, b in (("t", "say"), ("say", "again"), ("again", "add"))
    ],
}


async def test_events_notifications_closing_and_a_flow_that_begins_with_a_tag(
    services: Services, frozen_clock: FrozenClock
) -> None:
    pipeline = Pipeline.make(services)
    add_flow(services.database, pipeline.tenant.organization_id, PEOPLE)
    add_flow(services.database, pipeline.tenant.organization_id, ON_TAG)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    assert pipeline.rows("SELECT name, payload FROM emitted_events") == [("order.paid", {"who": "Ana"})]
    people = pipeline.scalar("SELECT count(*) FROM users WHERE is_active")
    assert pipeline.scalar("SELECT count(*) FROM notifications WHERE title = 'Novo pedido de Ana'") == people > 0
    # The flow of the tag spoke once, in a conversation of its own: what it did itself started nothing.
    assert said(pipeline) == ["vip agora"]
    assert sorted(pipeline.rows("SELECT status, closed_at IS NULL FROM conversations")) == [
        ("closed", False), ("open", True),
    ]  # fmt: skip


async def test_assigning_silences_the_bot(services: Services, frozen_clock: FrozenClock) -> None:
    pipeline = Pipeline.make(services)
    email = pipeline.scalar("SELECT email FROM users WHERE role <> 'viewer' ORDER BY id LIMIT 1")
    flow = {
        "name": "Atribuir",
        "nodes": [
            {"id": "in", "type": "trigger_universal", "config": {}},
            {"id": "give", "type": "assign_agent", "config": {"user": email}},
            {"id": "say", "type": "msg_text", "config": {"body": "Alguém já vem"}},
        ],
        "edges": [
            {"id": "1", "source": "in", "port": "next", "target": "give"},
            {"id": "2", "source": "give", "port": "next", "target": "say"},
        ],
    }
    add_flow(services.database, pipeline.tenant.organization_id, flow)
    now = frozen_clock.now()
    await pipeline.hear(pipeline.phone().text("oi", at=now))
    await pipeline.hear(pipeline.phone().text("e aí?", at=now))
    assert said(pipeline) == ["Alguém já vem"]
    assert pipeline.rows("SELECT c.handling, u.email FROM conversations c JOIN users u ON u.id = c.assignee_id") == [
        ("person", email)
    ]
    # It has a place of its own, so that it counts for who serves it.
    places = pipeline.rows(
        "SELECT i.source, i.status, i.queue_id, u.email FROM queue_items i JOIN users u ON u.id = i.agent_id"
    )
    assert places == [("direct", "in_service", None, email)]


async def test_a_webhook_starts_the_flow_for_the_contact_it_names(
    services: Services, frozen_clock: FrozenClock
) -> None:
    import httpx

    from pytake_app.api.app import create_app
    from pytake_app.api.services import build_services
    from pytake_app.core.crypto import derived_key
    from pytake_app.flows.hooks import token_of

    pipeline = Pipeline.make(services)
    document = {
        "name": "Loja",
        "nodes": [
            {"id": "t", "type": "trigger_webhook",
             "config": {"phone_path": "$.customer.phone", "name_path": "$.customer.name",
                        "mapping": [{"name": "order", "path": "$.order.id"}]}},
            {"id": "say", "type": "msg_text", "config": {"body": "{{ contact.name }}: {{ order }}"}},
        ],
        "edges": [{"id": "1", "source": "t", "port": "next", "target": "say"}],
    }  # fmt: skip
    flow_id = add_flow(services.database, pipeline.tenant.organization_id, document)
    token = token_of(derived_key(services.settings.signing_key, "hook addresses v1"), flow_id, "t", 0)
    app = create_app(services=build_services(services.settings))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        payload = {"customer": {"phone": "(11) 98765-4321", "name": "Bia"}, "order": {"id": "A-1"}}
        taken = await client.post(f"/hooks/{token}", json=payload)
        assert taken.status_code == 202, taken.text
        nobody = await client.post(f"/hooks/{token}", json={"customer": {}})
        assert (nobody.status_code, nobody.json()["code"]) == (422, "no_phone")
        rotated = token_of(derived_key(services.settings.signing_key, "hook addresses v1"), flow_id, "t", 1)
        for wrong in (rotated, token[:-2] + "AA", "x", "%00"):
            assert (await client.post(f"/hooks/{wrong}", json=payload)).status_code == 404
    await asyncio.to_thread(pipeline.drain)
    assert said(pipeline) == ["Bia: A-1"]


async def test_a_webhook_speaks_from_the_number_it_names(services: Services, frozen_clock: FrozenClock) -> None:
    from pytake_app.core.errors import ConflictError
    from pytake_app.core.ids import new_id
    from pytake_app.flows.hooks import call, find, token_of
    from pytake_app.whatsapp.models import ChannelAccount

    pipeline = Pipeline.make(services)
    organization_id = pipeline.tenant.organization_id
    second = ChannelAccount(
        id=new_id(), organization_id=organization_id, name="Vendas", external_id="2222", phone="5511922223333",
        created_at=frozen_clock.now() + timedelta(days=3650),
    )  # fmt: skip
    number, off = second.id, new_id()
    with services.database.tenant(organization_id) as session:
        session.add(second)
        session.add(
            ChannelAccount(id=off, organization_id=organization_id, name="Velho", external_id="3333", status="disabled")
        )

    def start(account: str, phone: str) -> None:
        nodes = [
            {"id": "t", "type": "trigger_webhook", "config": {"phone_path": "$.phone", "channel_account": account}},
            {"id": "say", "type": "msg_text", "config": {"body": "oi"}},
        ]
        edges = [{"id": "1", "source": "t", "port": "next", "target": "say"}]
        flow_id = add_flow(services.database, organization_id, {"name": "Loja", "nodes": nodes, "edges": edges})
        key = derived_keys(services.settings, "hook addresses v1")[0]
        hook = find(services.database, services.settings, token_of(key, flow_id, "t", 0))
        with services.database.tenant(organization_id) as session:
            call(session, hook, {"phone": phone}, clock=frozen_clock)

    def spoken_from(phone: str) -> list[Any]:
        statement = (
            "SELECT channel_account_id FROM messages WHERE contact_id = (SELECT id FROM contacts WHERE phone = :p)"
        )
        return [row[0] for row in pipeline.rows(statement, p=phone)]

    # Known on the first number, and written to from the one that the block names.
    await pipeline.hear(pipeline.phone("5511987654309").text("oi", at=frozen_clock.now()))
    pipeline.execute("DELETE FROM messages")
    for n, account in enumerate((str(number), "2222", "+55 11 92222-3333", "")):
        await asyncio.to_thread(start, account, f"551198765430{n}")
    await asyncio.to_thread(start, str(number), "5511987654309")
    await asyncio.to_thread(pipeline.drain)
    first = pipeline.tenant.account.id
    wanted = {"5511987654300": number, "5511987654301": number, "5511987654302": number, "5511987654303": first,
              "5511987654309": number}  # fmt: skip
    assert {phone: spoken_from(phone) for phone in wanted} == {phone: [where] for phone, where in wanted.items()}
    for missing in (str(off), "3333", "not-there"):
        with pytest.raises(ConflictError) as refused:
            await asyncio.to_thread(start, missing, "5511987654308")
        assert refused.value.code == "no_channel_account"
    assert pipeline.scalar("SELECT count(*) FROM contacts WHERE phone = '5511987654308'") == 0
