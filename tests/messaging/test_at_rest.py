"""Suspended organizations: what comes in is kept, nothing runs and nothing is sent; then all of it goes on in order."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from pytake_app.accounts import administration
from pytake_app.accounts.organization_schemas import OrganizationUpdate
from pytake_app.core.clock import FrozenClock
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Principal, Role
from pytake_app.messaging import resting, upkeep
from pytake_app.messaging.sql import hot
from tests.support.graph_stub import GraphStub
from tests.support.pipeline import ECHO, Pipeline, add_flow

BOSS = Principal(new_id(), new_id(), Role.SUPER_ADMIN, new_id())


def set_status(pipeline: Pipeline, status: Any) -> None:
    services = pipeline.services
    with services.database.administration() as session:
        administration.update_organization(
            session,
            BOSS,
            pipeline.tenant.organization_id,
            OrganizationUpdate(status=status),
            settings=services.settings,
            clock=services.clock,
        )


def states(pipeline: Pipeline, table: str = "inbound_events") -> list[str]:
    return [row[0] for row in pipeline.rows(f"SELECT state FROM {table} ORDER BY 1")]  # our own names


def said(pipeline: Pipeline) -> list[str]:
    return [row[0] for row in pipeline.rows("SELECT text FROM messages ORDER BY created_at, id")]


async def test_what_comes_in_waits_and_goes_on_in_order(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    phone, other = pipeline.phone(), pipeline.phone("5511987650000", "Bia")
    set_status(pipeline, "suspended")
    for word in ("um", "dois"):
        await pipeline.hear(phone.text(word, at=frozen_clock.now()))
        await pipeline.hear(other.text(word, at=frozen_clock.now()))
        frozen_clock.advance(timedelta(minutes=1))
    assert states(pipeline) == ["held"] * 4
    assert said(pipeline) == []
    # They wait for nobody: no worker is woken for them, no timer of others is put off.
    with hot(pipeline.services.database) as connection:
        now = frozen_clock.now() + timedelta(hours=1)
        lanes = pipeline.services.settings.lanes
        assert upkeep.lost_lanes(connection, lanes, now, timedelta(seconds=1)) == []
    await pipeline.receive(phone.text("três", at=frozen_clock.now()))
    set_status(pipeline, "active")
    await asyncio.to_thread(pipeline.drain)
    assert set(states(pipeline)) == {"done"}
    heard = pipeline.rows(
        "SELECT m.text FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE m.direction = 'in' "
        "AND c.phone = '5511987654321' ORDER BY m.created_at, m.id"
    )
    assert [row[0] for row in heard] == ["um", "dois", "três"]
    answers = pipeline.rows("SELECT content->>'body' FROM outbox WHERE recipient = '5511987654321' ORDER BY sequence")
    assert [row[0] for row in answers] == ["re: um", "re: dois", "re: três"]


async def test_nothing_is_sent_meanwhile(pipeline: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock) -> None:
    pipeline = Pipeline.make(pipeline.services, graph_stub.base_url)
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    set_status(pipeline, "suspended")
    looked = 0

    async def has_looked() -> bool:
        nonlocal looked
        looked += 1
        return looked > 20

    await pipeline.send(until=has_looked)
    assert states(pipeline, "outbox") == ["queued"]
    assert graph_stub.sent == []
    set_status(pipeline, "active")
    await pipeline.send()
    assert states(pipeline, "outbox") == ["sent"]


async def test_only_the_suspended_ones_wait(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    neighbour = Pipeline.make(pipeline.services)
    for each in (pipeline, neighbour):
        add_flow(each.services.database, each.tenant.organization_id, ECHO)
    set_status(pipeline, "suspended")
    await pipeline.receive(pipeline.phone().text("oi", at=frozen_clock.now()))
    await neighbour.hear(neighbour.phone().text("oi", at=frozen_clock.now()))
    assert states(pipeline) == ["done", "held"]


async def test_a_worker_and_the_awakening_do_not_pass_each_other(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    """Who is at work has read that the organization rests: the awakening waits, and takes up what was held last too."""
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    set_status(pipeline, "suspended")
    await pipeline.receive(pipeline.phone().text("oi", at=frozen_clock.now()))
    awake = threading.Thread(target=set_status, args=(pipeline, "active"))
    with hot(pipeline.services.database) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s, lane) FROM generate_series(0, 31) lane",
                           (resting.LANE_LOCK_CLASS,))  # fmt: skip
        ids = [row[0] for row in connection.execute("SELECT id FROM inbound_events WHERE state = 'pending'").fetchall()]
        awake.start()
        awake.join(0.3)
        assert awake.is_alive(), "it waits for whoever is at work"
        resting.hold(connection, ids)
    await asyncio.to_thread(awake.join, 20)
    with pipeline.services.database.system_connection() as connection:
        assert connection.execute(text("SELECT state FROM inbound_events")).scalars().all() == ["pending"]
