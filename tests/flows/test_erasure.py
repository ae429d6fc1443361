"""What flows know of a contact is forgotten when the contact is; nothing of anybody else's is."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
import redis

from pytake_app.config import Settings
from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.core.errors import NotFoundError
from pytake_app.core.services import Services
from pytake_app.flows import service as flows
from tests.support.pipeline import Pipeline, add_flow

SAID = "Segredo-da-Maria"
FLOW: dict[str, Any] = {
    "name": "Perguntas",
    "nodes": [
        {"id": "in", "type": "trigger_universal", "config": {}},
        {"id": "q", "type": "question", "config": {"body": "Nome?", "variable": "name"}},
        {"id": "emit", "type": "send_event",
         "config": {"name": "lead", "values": [{"name": "who", "value": "{{ name }}"}]}},
        {"id": "call", "type": "api_call", "config": {"method": "POST", "url": "https://example.com/",
                                                       "body_type": "json", "body": '{"who": "{{ name }}"}'}},
        {"id": "end", "type": "end", "config": {}},
    ],
    "edges": [
        {"id": "1", "source": "in", "port": "next", "target": "q"},
        {"id": "2", "source": "q", "port": "answered", "target": "emit"},
        {"id": "3", "source": "emit", "port": "next", "target": "call"},
        {"id": "4", "source": "call", "port": "success", "target": "end"},
    ],
}  # fmt: skip
TABLES = ("flow_sessions", "session_steps", "flow_requests", "emitted_events")


@pytest.fixture
def pipeline(settings: Settings, clean_db: Database, redis_client: redis.Redis, frozen_clock: FrozenClock) -> Any:
    services = Services(settings, clock=frozen_clock)
    yield Pipeline.make(services)
    services.close()


def holding(pipeline: Pipeline, words: str) -> set[str]:
    """The tables in which the words stand."""
    return {
        table
        for table in TABLES
        if pipeline.scalar(f"SELECT count(*) FROM {table} t WHERE t::text LIKE :words", words=f"%{words}%")
    }


def erase(pipeline: Pipeline, contact_id: UUID) -> int:
    with pipeline.services.database.tenant(pipeline.tenant.organization_id) as session:
        return flows.erase_contact(session, contact_id, clock=pipeline.services.clock)


def contact(pipeline: Pipeline, phone: str) -> UUID:
    found: UUID = pipeline.scalar("SELECT id FROM contacts WHERE phone = :phone", phone=phone)
    return found


async def test_everything_a_flow_was_told_is_forgotten(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, FLOW)
    maria, joao = "5511987654321", "5511912345678"
    for number, said in ((maria, SAID), (joao, "Outra-Pessoa")):
        for text in ("oi", said, f"{said} de novo"):
            await pipeline.hear(pipeline.phone(number).text(text, at=frozen_clock.now()))
    assert holding(pipeline, SAID) == holding(pipeline, "Outra-Pessoa") == set(TABLES)
    whose = contact(pipeline, maria)
    assert await asyncio.to_thread(erase, pipeline, whose) == 1
    assert holding(pipeline, SAID) == set()
    assert holding(pipeline, "Outra-Pessoa") == set(TABLES)
    ours = "SELECT status, outcome, tape FROM flow_sessions WHERE contact_id = :id"
    assert pipeline.rows(ours, id=whose) == [("interrupted", None, [])]
    # The way that was gone remains, and nobody performs the call any more.
    steps = "SELECT count(*) FROM session_steps s JOIN flow_sessions f ON f.id = s.session_id WHERE f.contact_id = :id"
    assert pipeline.scalar(steps, id=whose) >= 4
    requests = (
        "SELECT r.state FROM flow_requests r JOIN flow_sessions f ON f.id = r.session_id WHERE f.contact_id = :id"
    )
    assert pipeline.rows(requests, id=whose) == [("canceled",)]
    assert pipeline.scalar("SELECT count(*) FROM timers t JOIN flow_sessions f ON f.id = t.session_id "
                           "WHERE f.contact_id = :id", id=whose) == 0  # fmt: skip
    assert await asyncio.to_thread(erase, pipeline, whose) == 1


async def test_the_contact_may_begin_anew(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, FLOW)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    await asyncio.to_thread(erase, pipeline, contact(pipeline, "5511987654321"))
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    assert sorted(pipeline.rows("SELECT status FROM flow_sessions")) == [("interrupted",), ("waiting",)]


async def test_another_organization_s_contact_is_not_there(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    other = Pipeline.make(pipeline.services)
    add_flow(pipeline.services.database, other.tenant.organization_id, FLOW)
    await other.hear(other.phone().text(SAID, at=frozen_clock.now()))
    with pytest.raises(NotFoundError):
        await asyncio.to_thread(erase, pipeline, contact(pipeline, "5511987654321"))
    assert "flow_sessions" in holding(pipeline, SAID)
