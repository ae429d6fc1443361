"""Flows that begin with what happens to a contact: by people, by the API, by other flows; and those that must not."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
import redis

from pytake_app.config import Settings
from pytake_app.contacts import service as contacts
from pytake_app.contacts.schemas import ContactCreate, ContactUpdate
from pytake_app.conversations import service as conversations
from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.core.services import Services
from pytake_app.core.tenancy import Principal, Role
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.nodes.entries import EVENTS, EventName
from pytake_app.flows import service as flows
from pytake_app.flows.execution_sprint import EVENT_LOOP_STARTS
from pytake_app.flows.schemas import Happening
from tests.support.pipeline import Pipeline, add_flow


@pytest.fixture
def services(settings: Settings, clean_db: Database, redis_client: redis.Redis, frozen_clock: FrozenClock) -> Any:
    made = Services(settings, clock=frozen_clock)
    yield made
    made.close()


@pytest.fixture
def pipeline(services: Services) -> Pipeline:
    return Pipeline.make(services)


def on(event: EventName, body: str = "{{ event }}:{{ event_value }}", **config: Any) -> dict[str, Any]:
    return {
        "name": event,
        "nodes": [
            {"id": "t", "type": "trigger_event", "config": {"event": event, **config}},
            {"id": "say", "type": "msg_text", "config": {"body": body}},
        ],
        "edges": [{"id": "1", "source": "t", "port": "next", "target": "say"}],
    }


def install(pipeline: Pipeline, document: dict[str, Any]) -> UUID:
    FlowDocument.model_validate(document)
    return add_flow(pipeline.services.database, pipeline.tenant.organization_id, document)


def agent(pipeline: Pipeline) -> Principal:
    organization_id = pipeline.tenant.organization_id
    (user_id,) = pipeline.rows(
        "SELECT id FROM users WHERE organization_id = :o AND role <> 'viewer' ORDER BY id LIMIT 1", o=organization_id
    )[0]
    return Principal(user_id, organization_id, Role.AGENT, user_id)


def said(pipeline: Pipeline) -> list[str]:
    return [row[0] for row in pipeline.rows("SELECT text FROM messages WHERE direction = 'out' ORDER BY id")]


def log_kinds(pipeline: Pipeline) -> list[str]:
    return [row[0] for row in pipeline.rows("SELECT kind FROM automation_log ORDER BY id")]


def new_contact(pipeline: Pipeline, phone: str = "11 98765-4321", **values: Any) -> UUID:
    who = agent(pipeline)
    with pipeline.services.database.tenant(who.organization_id) as session:
        request = ContactCreate(phone=phone, name="Ana", **values)
        return contacts.create_contact(session, who, request, clock=pipeline.services.clock).id


def change(pipeline: Pipeline, contact_id: UUID, **values: Any) -> None:
    who = agent(pipeline)
    with pipeline.services.database.tenant(who.organization_id) as session:
        contacts.update_contact(session, who, contact_id, ContactUpdate(**values), clock=pipeline.services.clock)


def tag(pipeline: Pipeline, contact_id: UUID, name: str, *, remove: bool = False) -> None:
    who = agent(pipeline)
    with pipeline.services.database.tenant(who.organization_id) as session:
        contacts.tag_contact(session, who, contact_id, name, remove=remove, clock=pipeline.services.clock)


def conversation(pipeline: Pipeline) -> UUID:
    found: UUID = pipeline.scalar("SELECT id FROM conversations ORDER BY id DESC LIMIT 1")
    return found


def test_a_contact_made_by_people_or_the_api(pipeline: Pipeline) -> None:
    install(pipeline, on("contact_created"))
    new_contact(pipeline)
    assert said(pipeline) == []
    pipeline.drain()
    assert said(pipeline) == ["contact_created:"]
    assert "event" in log_kinds(pipeline)


def test_a_contact_without_a_number_is_made_and_nothing_starts(pipeline: Pipeline) -> None:
    install(pipeline, on("contact_created"))
    who = agent(pipeline)
    with pipeline.services.database.tenant(who.organization_id) as session:
        contacts.create_contact(session, who, ContactCreate(name="Sem número"), clock=pipeline.services.clock)
    assert pipeline.drain().events == 0
    assert pipeline.scalar("SELECT count(*) FROM contacts WHERE name = 'Sem número'") == 1


def test_nothing_is_put_on_a_lane_when_no_flow_waits_for_it(pipeline: Pipeline) -> None:
    contact_id = new_contact(pipeline)
    tag(pipeline, contact_id, "vip")
    assert pipeline.scalar("SELECT count(*) FROM inbound_events") == 0
    assert pipeline.scalar("SELECT count(*) FROM contact_identities") == 0


def test_tags_and_fields_changed_by_people(pipeline: Pipeline) -> None:
    contact_id = new_contact(pipeline, tags=["old"])
    install(pipeline, on("tag_added", tag="VIP"))
    install(pipeline, on("tag_removed"))
    install(pipeline, on("field_changed", "{{ event_value }} is {{ contact.city }}", field="city"))
    tag(pipeline, contact_id, "vip")
    tag(pipeline, contact_id, "vip")
    tag(pipeline, contact_id, "other")
    tag(pipeline, contact_id, "old", remove=True)
    change(pipeline, contact_id, fields={"city": "Recife", "street": "Rua A"})
    change(pipeline, contact_id, fields={"city": "Recife"}, name="Ana Maria")
    pipeline.drain()
    assert said(pipeline) == ["tag_added:vip", "tag_removed:old", "city is Recife"]


def test_a_tag_added_through_the_update_of_a_contact(pipeline: Pipeline) -> None:
    contact_id = new_contact(pipeline, tags=["a"])
    install(pipeline, on("tag_added"))
    change(pipeline, contact_id, tags=["a", "b"])
    pipeline.drain()
    assert said(pipeline) == ["tag_added:b"]


@pytest.mark.parametrize("column", ["name", "email", "language", "lifecycle_stage", "lead_score"])
def test_every_column_of_a_contact_is_a_field(pipeline: Pipeline, column: str) -> None:
    contact_id = new_contact(pipeline)
    install(pipeline, on("field_changed", field=column))
    everything = {"name": "Bia", "email": "b@example.com", "locale": "es", "lifecycle": "lead", "lead_score": 7}
    change(pipeline, contact_id, **everything)
    pipeline.drain()
    assert said(pipeline) == [f"field_changed:{column}"]


async def test_conversations_opened_given_away_and_closed(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    install(pipeline, on("conversation_opened"))
    install(pipeline, on("conversation_assigned"))
    install(pipeline, on("conversation_closed"))
    who, database = agent(pipeline), pipeline.services.database
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    assert said(pipeline) == ["conversation_opened:"]
    thread_id = conversation(pipeline)
    with database.tenant(who.organization_id) as session:
        conversations.take_over(session, who, thread_id, clock=frozen_clock)
    await asyncio.to_thread(pipeline.drain)
    name = pipeline.scalar("SELECT full_name FROM users WHERE id = :id", id=who.user_id)
    assert said(pipeline)[1:] == [f"conversation_assigned:{name}"]
    # The person keeps the conversation.
    assert pipeline.rows("SELECT handling, assignee_id FROM conversations") == [("person", who.user_id)]
    with database.tenant(who.organization_id) as session:
        conversations.set_status(session, who, thread_id, "closed", clock=frozen_clock)
    await asyncio.to_thread(pipeline.drain)
    assert said(pipeline)[2:] == ["conversation_closed:"]


async def test_a_flow_may_wait_for_answers_of_systems_beside_a_person(
    pipeline: Pipeline, frozen_clock: FrozenClock
) -> None:
    document = on("tag_added", with_person=True)
    document["nodes"].append({"id": "wait", "type": "delay", "config": {"amount": 5, "unit": "minutes"}})
    document["nodes"].append({"id": "late", "type": "msg_text", "config": {"body": "ainda aqui"}})
    document["edges"] += [
        {"id": "2", "source": "say", "port": "next", "target": "wait"},
        {"id": "3", "source": "wait", "port": "next", "target": "late"},
    ]
    install(pipeline, document)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    who = agent(pipeline)
    with pipeline.services.database.tenant(who.organization_id) as session:
        conversations.take_over(session, who, conversation(pipeline), clock=frozen_clock)
    tag(pipeline, pipeline.scalar("SELECT id FROM contacts"), "vip")
    await asyncio.to_thread(pipeline.drain)
    assert said(pipeline) == ["tag_added:vip"]
    from datetime import timedelta

    from pytake_app.messaging.scheduler import Scheduler

    frozen_clock.advance(timedelta(minutes=6))
    Scheduler(pipeline.services).fire_timers()
    await asyncio.to_thread(pipeline.drain)
    assert said(pipeline) == ["tag_added:vip", "ainda aqui"]
    assert pipeline.scalar("SELECT handling FROM conversations") == "person"


async def test_it_never_interrupts_a_person_or_another_flow_and_says_so(
    pipeline: Pipeline, frozen_clock: FrozenClock
) -> None:
    install(pipeline, on("tag_added"))
    ask: dict[str, Any] = {
        "name": "Pergunta",
        "nodes": [
            {"id": "in", "type": "trigger_universal", "config": {}},
            {"id": "ask", "type": "wait_for_reply", "config": {}},
        ],
        "edges": [{"id": "1", "source": "in", "port": "next", "target": "ask"}],
    }
    install(pipeline, ask)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    contact_id = pipeline.scalar("SELECT id FROM contacts")
    tag(pipeline, contact_id, "one")
    await asyncio.to_thread(pipeline.drain)
    who = agent(pipeline)
    with pipeline.services.database.tenant(who.organization_id) as session:
        conversations.take_over(session, who, conversation(pipeline), clock=frozen_clock)
    tag(pipeline, contact_id, "two")
    await asyncio.to_thread(pipeline.drain)
    assert said(pipeline) == []
    skipped = pipeline.rows("SELECT detail->>'reason' FROM automation_log WHERE kind = 'start_skipped' ORDER BY id")
    assert skipped == [("session_busy",), ("with_person",)]


@pytest.mark.parametrize("consent", ["blocked = true", "consent = 'opted_out'"])
def test_nobody_is_written_to_against_their_will(pipeline: Pipeline, consent: str) -> None:
    contact_id = new_contact(pipeline)
    install(pipeline, on("tag_added"))
    pipeline.execute(f"UPDATE contacts SET {consent}")
    tag(pipeline, contact_id, "vip")
    pipeline.drain()
    assert said(pipeline) == []


async def test_a_custom_event_of_a_flow_starts_another_one_with_its_data(
    pipeline: Pipeline, frozen_clock: FrozenClock
) -> None:
    sender: dict[str, Any] = {
        "name": "Envia",
        "nodes": [
            {"id": "in", "type": "trigger_universal", "config": {}},
            {"id": "emit", "type": "send_event",
             "config": {"name": "order.paid", "values": [{"name": "total", "value": "{{ message.text }}"}]}},
        ],
        "edges": [{"id": "1", "source": "in", "port": "next", "target": "emit"}],
    }  # fmt: skip
    install(pipeline, sender)
    install(pipeline, on("custom_event", "{{ event_value }} {{ event_data.total }}", name="order.paid"))
    install(pipeline, on("custom_event", name="another.event"))
    await pipeline.hear(pipeline.phone().text("42", at=frozen_clock.now()))
    assert said(pipeline) == ["order.paid 42"]


def test_a_flow_that_answers_its_own_event_does_not_go_round(pipeline: Pipeline) -> None:
    contact_id = new_contact(pipeline)
    circle = on("tag_added")
    circle["nodes"] += [
        {"id": "off", "type": "tag_contact", "config": {"remove": ["vip"]}},
        {"id": "on", "type": "tag_contact", "config": {"add": ["vip", "more"]}},
        {"id": "field", "type": "update_contact", "config": {"fields": [{"name": "city", "value": "x"}]}},
        {"id": "emit", "type": "send_event", "config": {"name": "round", "values": []}},
    ]
    circle["edges"] += [
        {"id": str(n), "source": a, "port": "next", "target": b}
        for n, (a, b) in enumerate([("say", "off"), ("off", "on"), ("on", "field"), ("field", "emit")], 2)
    ]
    install(pipeline, circle)
    for event in ("tag_removed", "field_changed"):
        install(pipeline, on(event))
    install(pipeline, on("custom_event", name="round"))
    tag(pipeline, contact_id, "vip")
    pipeline.drain()
    assert said(pipeline) == ["tag_added:vip"]


def test_a_circle_by_way_of_another_system_is_broken(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    contact_id = new_contact(pipeline)
    install(pipeline, on("tag_added"))
    # What a flow's api_call to our own API would do, again and again.
    for n in range(EVENT_LOOP_STARTS + 3):
        tag(pipeline, contact_id, f"t{n}")
        pipeline.drain()
    assert len(said(pipeline)) == EVENT_LOOP_STARTS
    assert log_kinds(pipeline).count("event_loop") == 3
    from datetime import timedelta

    frozen_clock.advance(timedelta(minutes=2))
    tag(pipeline, contact_id, "later")
    pipeline.drain()
    assert said(pipeline)[EVENT_LOOP_STARTS:] == ["tag_added:later"]


def test_the_same_within_one_batch(pipeline: Pipeline) -> None:
    contact_id = new_contact(pipeline)
    install(pipeline, on("tag_added"))
    for n in range(EVENT_LOOP_STARTS + 3):
        tag(pipeline, contact_id, f"t{n}")
    pipeline.drain()
    assert len(said(pipeline)) == EVENT_LOOP_STARTS


async def test_an_answered_campaign_as_the_host_tells_it(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    install(pipeline, on("campaign_replied"))
    contact_id = new_contact(pipeline)
    with pipeline.services.database.tenant(pipeline.tenant.organization_id) as session:
        flows.happened(session, contact_id, [Happening("campaign_replied", "Natal")], clock=frozen_clock)
    await asyncio.to_thread(pipeline.drain)
    assert said(pipeline) == ["campaign_replied:Natal"]


async def test_another_organization_s_flows_hear_nothing(services: Services) -> None:
    other = Pipeline.make(services)
    install(other, on("tag_added"))
    pipeline = Pipeline.make(services)
    tag(pipeline, new_contact(pipeline), "vip")
    await asyncio.to_thread(pipeline.drain)
    assert said(pipeline) == []


def test_what_is_rolled_back_never_happened(pipeline: Pipeline) -> None:
    install(pipeline, on("tag_added"))
    contact_id = new_contact(pipeline)
    who = agent(pipeline)

    def fail() -> None:
        with pipeline.services.database.tenant(who.organization_id) as session:
            contacts.tag_contact(session, who, contact_id, "vip", clock=pipeline.services.clock)
            raise RuntimeError("the request failed after all")

    with pytest.raises(RuntimeError):
        fail()
    pipeline.drain()
    assert said(pipeline) == []


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_of_the_catalogue_starts_its_flow(pipeline: Pipeline, event: EventName) -> None:
    named = {"name": "x"} if event == "custom_event" else {}
    install(pipeline, on(event, **named))
    contact_id = pipeline.tenant.contact(phone="5511987650000").id
    with pipeline.services.database.tenant(pipeline.tenant.organization_id) as session:
        flows.happened(session, contact_id, [Happening(event, "x")], clock=pipeline.services.clock)
    pipeline.drain()
    assert said(pipeline) == [f"{event}:x"]


async def test_the_newest_flow_of_those_that_fit_and_the_exact_one_first(pipeline: Pipeline) -> None:
    install(pipeline, on("tag_added", "any"))
    install(pipeline, on("tag_added", "vip", tag="vip"))
    contact_id = new_contact(pipeline)
    tag(pipeline, contact_id, "vip")
    tag(pipeline, contact_id, "new")
    await asyncio.to_thread(pipeline.drain)
    assert said(pipeline) == ["vip", "any"]
