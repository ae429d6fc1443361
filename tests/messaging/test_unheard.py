"""A status that was stored but not yet looked at settles an unsure send too: it isn't repeated meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from pytake_app.config import Settings
from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.core.services import Services
from pytake_app.messaging.scheduler import Scheduler
from tests.support.pipeline import ECHO, Pipeline, add_flow


@pytest.fixture
def pipeline(settings: Settings, clean_db: Database) -> Iterator[Pipeline]:
    services = Services(settings, clock=FrozenClock(datetime.now(UTC)))
    made = Pipeline.make(services)
    add_flow(services.database, made.tenant.organization_id, ECHO)
    yield made
    services.close()


async def test_workers_that_lag_behind_repeat_nothing(pipeline: Pipeline) -> None:
    clock = pipeline.services.clock
    assert isinstance(clock, FrozenClock)
    one, two = pipeline.phone("5511987654321"), pipeline.phone("5511987654322")
    await pipeline.hear(one.text("um", at=clock.now()), two.text("dois", at=clock.now()))
    pipeline.execute("UPDATE outbox SET state = 'unsure', attempts = 1, claimed_at = :now", now=clock.now())
    callback = pipeline.scalar("SELECT id FROM outbox WHERE recipient = '5511987654321'")
    await pipeline.receive(one.status("wamid.late", "delivered", at=clock.now(), callback_data=str(callback)))

    clock.advance(timedelta(minutes=10))
    Scheduler(pipeline.services).mend_sends()
    states = dict(pipeline.rows("SELECT recipient, state FROM outbox"))
    assert states == {"5511987654321": "unsure", "5511987654322": "queued"}

    await asyncio.to_thread(pipeline.drain)
    assert pipeline.rows("SELECT state, external_id FROM outbox WHERE recipient = '5511987654321'") == [
        ("sent", "wamid.late")
    ]
