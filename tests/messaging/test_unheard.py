"""A status that was stored but not yet looked at settles an unsure send too: it isn't repeated meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis

from pytake_app.config import Settings
from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.core.metrics import counter, outbox_sent, web_unheard
from pytake_app.core.services import Services
from pytake_app.messaging import heartbeat, outbox_store, results, sender
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.messaging.sql import hot
from tests.support.graph_stub import GraphStub
from tests.support.pipeline import ECHO, Pipeline, add_flow, connect_account


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


def test_unsure_sends_wait_while_no_web_role_lives_but_not_for_ever(
    pipeline: Pipeline, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000.0
    monkeypatch.setattr("pytake_app.messaging.scheduler.time.monotonic", lambda: now)
    scheduler, settings = Scheduler(pipeline.services), pipeline.services.settings
    grace = settings.outbox_unsure_grace_seconds

    def believed() -> bool:
        scheduler.listen_for_web()
        return scheduler.clock_care.ages_believed()

    heartbeat.beat(redis_client, "web", "one")
    assert believed()
    heartbeat.gone(redis_client, "web", "one")
    assert not believed()
    now += 10 * grace
    assert not believed()
    assert web_unheard._value.get() == 10 * grace
    heartbeat.beat(redis_client, "web", "two")
    assert not believed(), "the platform gets a whole grace to tell again"
    for _ in range(int(grace / 4)):
        now += 4
        heartbeat.beat(redis_client, "web", "two")
        scheduler.listen_for_web()
    assert believed()
    assert web_unheard._value.get() == 0

    heartbeat.gone(redis_client, "web", "two")
    assert not believed()
    now += settings.outbox_unheard_seconds
    scheduler.listen_for_web()
    now += grace
    assert believed(), "an upper bound"


async def test_only_the_time_in_which_a_web_role_told_of_itself_counts(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed one counts as alive for a while: long enough for a short grace."""
    now, silent = 1_000_000.0, 0.0
    monkeypatch.setattr("pytake_app.messaging.scheduler.time.monotonic", lambda: now)
    monkeypatch.setattr(heartbeat, "silent_for", lambda *_: silent)
    clock, services = pipeline.services.clock, pipeline.services
    assert isinstance(clock, FrozenClock)
    services.settings = services.settings.model_copy(update={"outbox_unsure_grace_seconds": 10.0})
    scheduler = Scheduler(services)

    def two_seconds(silence: float) -> str:
        nonlocal now, silent
        now, silent = now + 2, silence
        clock.advance(timedelta(seconds=2))
        scheduler.listen_for_web()
        scheduler.mend_sends()
        return str(pipeline.scalar("SELECT state FROM outbox"))

    await pipeline.hear(pipeline.phone().text("oi", at=clock.now()))
    two_seconds(0.5)
    pipeline.execute("UPDATE outbox SET state = 'unsure', attempts = 1, claimed_at = :now", now=clock.now())
    two_seconds(0.5)
    assert {two_seconds(2.0 * n) for n in range(1, 8)} == {"unsure"}, "it is dead, and nobody says so"
    assert {two_seconds(0.0) for _ in range(4)} == {"unsure"}, "it is back, and the platform tells again"
    assert [two_seconds(0.0) for _ in range(4)][-1] == "queued"


async def test_a_sender_that_slept_through_its_lease_sends_nothing(
    pipeline: Pipeline, graph_stub: GraphStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect_account(pipeline.services, pipeline.tenant, graph_stub.base_url)
    awake = False
    # Claims are made in a thread of their own, requests leave the loop's: between the two it slept.
    slept = pipeline.services.settings.outbox_lease_seconds + 1

    def running() -> float:
        return slept if threading.current_thread() is threading.main_thread() and not awake else 0.0

    monkeypatch.setattr(sender, "running_seconds", running)
    await pipeline.hear(pipeline.phone().text("oi", at=pipeline.services.clock.now()))

    lost = counter(outbox_sent, "whatsapp", "lost")
    before = lost._value.get()

    async def given_up() -> bool:
        return bool(lost._value.get() > before)

    await pipeline.send(given_up)
    assert graph_stub.sends == []
    assert pipeline.rows("SELECT state FROM outbox") == [("sending",)], "for the scheduler to find"
    awake = True
    pipeline.execute("UPDATE outbox SET state = 'queued'")
    await pipeline.send()
    assert len(graph_stub.sends) == 1


async def test_late_results_change_nothing_of_another_senders_claim(pipeline: Pipeline) -> None:
    clock = pipeline.services.clock
    now = clock.now()
    await pipeline.hear(pipeline.phone().text("oi", at=now))

    def claim(by: str) -> outbox_store.Claimed:
        with hot(pipeline.services.database) as connection:
            (item,) = outbox_store.claim(connection, by=by, now=now, hold=now, limit=5, resting=[])
        return item

    slept = claim("slept")
    pipeline.execute("UPDATE outbox SET state = 'queued'")
    current = claim("awake")
    for outcome in ("again", "unsure", "released", "held", "lost"):
        with hot(pipeline.services.database) as connection:
            results.write(connection, [results.Result(slept, outcome)], now)  # type: ignore[arg-type]
        assert pipeline.rows("SELECT state, claimed_by FROM outbox") == [("sending", "awake")], outcome
    with hot(pipeline.services.database) as connection:
        results.write(connection, [results.Result(current, "released")], now)
    assert pipeline.rows("SELECT state, attempts FROM outbox") == [("queued", 1)]
