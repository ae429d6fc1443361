"""The clock is put forward and back: nothing waits for the old time to come again, nothing is sent twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytake_app.config import Settings
from pytake_app.core.clock import FrozenClock, JumpWatch, ShiftedClock, SystemClock, process_clock
from pytake_app.core.db import Database
from pytake_app.core.services import Services
from pytake_app.messaging import outbox_store
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.messaging.sql import hot
from tests.support.pipeline import ECHO, Pipeline, add_flow

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> FrozenClock:
    # Nobody sets the database's clock here: put back by an hour, this one is still ahead of it.
    return FrozenClock(datetime.now(UTC) + 2 * HOUR)


@pytest.fixture
def pipeline(settings: Settings, clean_db: Database, clock: FrozenClock) -> Iterator[Pipeline]:
    services = Services(settings, clock=clock)
    made = Pipeline.make(services)
    add_flow(services.database, made.tenant.organization_id, ECHO)
    yield made
    services.close()


def claim(pipeline: Pipeline) -> list[str]:
    now = pipeline.services.clock.now()
    with hot(pipeline.services.database) as connection:
        taken = outbox_store.claim(
            connection, by="me", now=now, hold=now + timedelta(seconds=60), limit=10, resting=[]
        )  # fmt: skip
    return [item.content["body"] for item in taken]


async def test_what_waited_goes_on_after_the_clock_was_put_back(pipeline: Pipeline, clock: FrozenClock) -> None:
    phone = pipeline.phone()
    await pipeline.hear(phone.text("um", at=clock.now()))
    await pipeline.receive(phone.text("dois", at=clock.now()))
    scheduler = Scheduler(pipeline.services)
    clock.advance(-HOUR)
    await pipeline.hear(phone.text("três", at=clock.now()))
    assert claim(pipeline) == [], "what was said first goes first, even before the scheduler has seen the jump"

    scheduler.tick()
    assert claim(pipeline) == ["re: um"]
    pipeline.execute("UPDATE outbox SET state = 'sent' WHERE state = 'sending'")
    assert claim(pipeline) == ["re: dois"]
    assert pipeline.scalar("SELECT count(*) FROM inbound_events WHERE state = 'pending'") == 0


async def test_what_a_sender_handed_back_is_not_overtaken_after_the_clock_was_put_back(
    pipeline: Pipeline, clock: FrozenClock
) -> None:
    """By the wrong time it was taken and given back: it is no message for later."""
    phone = pipeline.phone()
    await pipeline.hear(phone.text("um", at=clock.now()))
    clock.advance(timedelta(seconds=5))
    now = clock.now()
    with hot(pipeline.services.database) as connection:
        taken = outbox_store.claim(connection, by="me", now=now, hold=now + timedelta(seconds=60), limit=9, resting=[])
        outbox_store.release(connection, [{"sequence": one.sequence, "attempts": one.attempts} for one in taken])
    scheduler = Scheduler(pipeline.services)
    clock.advance(-HOUR)
    await pipeline.hear(phone.text("dois", at=clock.now()))
    assert claim(pipeline) == [], "not before the scheduler has seen the jump either"
    scheduler.tick()
    assert claim(pipeline) == ["re: um"]


async def test_a_rate_limit_holds_its_order_after_the_clock_was_put_back(
    pipeline: Pipeline, clock: FrozenClock
) -> None:
    phone = pipeline.phone()
    await pipeline.hear(phone.text("um", at=clock.now()))
    now = clock.now()
    with hot(pipeline.services.database) as connection:
        (taken,) = outbox_store.claim(
            connection, by="me", now=now, hold=now + timedelta(seconds=60), limit=9, resting=[]
        )  # fmt: skip
        waits = {"sequence": taken.sequence, "attempts": taken.attempts, "wait": 6}
        outbox_store.hold(connection, [waits], now)
    scheduler = Scheduler(pipeline.services)
    clock.advance(-HOUR)
    await pipeline.hear(phone.text("dois", at=clock.now()))
    assert claim(pipeline) == []
    scheduler.tick()
    assert claim(pipeline) == [], "it waits its six seconds by the new time"
    clock.advance(timedelta(seconds=7))
    assert claim(pipeline) == ["re: um"]


async def test_an_event_without_its_wake_up_is_found_after_the_clock_was_put_back(
    pipeline: Pipeline, clock: FrozenClock
) -> None:
    await pipeline.receive(pipeline.phone().text("oi", at=clock.now()))
    scheduler = Scheduler(pipeline.services)
    clock.advance(-HOUR)
    scheduler.tick()
    ((received, due),) = pipeline.rows("SELECT received_at, next_attempt_at FROM inbound_events")
    assert received == due == clock.now()


async def test_messages_for_later_keep_their_hour(pipeline: Pipeline, clock: FrozenClock) -> None:
    await pipeline.hear(pipeline.phone().text("oi", at=clock.now()))
    later = clock.now() + timedelta(minutes=30)
    pipeline.execute("UPDATE outbox SET next_attempt_at = :later", later=later)
    scheduler = Scheduler(pipeline.services)
    clock.advance(-HOUR)
    scheduler.tick()
    assert pipeline.scalar("SELECT next_attempt_at FROM outbox") == later


DELAYED: dict[str, Any] = {
    "name": "Later",
    "nodes": [
        {"id": "in", "type": "trigger_universal", "config": {}},
        {"id": "wait", "type": "delay", "config": {"amount": 5, "unit": "minutes"}},
        {"id": "say", "type": "msg_text", "config": {"body": "later"}},
    ],
    "edges": [
        {"id": "e1", "source": "in", "port": "next", "target": "wait"},
        {"id": "e2", "source": "wait", "port": "next", "target": "say"},
    ],
}


async def test_a_flow_that_waits_waits_no_longer_than_it_was_told(
    settings: Settings, clean_db: Database, clock: FrozenClock
) -> None:
    clock.advance(-2 * HOUR)  # ids, which tell when a timer was set, are of the machine's time
    services = Services(settings, clock=clock)
    pipeline = Pipeline.make(services)
    add_flow(services.database, pipeline.tenant.organization_id, DELAYED)
    await pipeline.hear(pipeline.phone().text("oi", at=clock.now()))
    scheduler = Scheduler(services)
    scheduler.tick()
    clock.advance(-HOUR)
    scheduler.tick()
    for _ in range(2):
        scheduler.put_right_after_clock()
        ((due, expires),) = pipeline.rows("SELECT t.due_at, s.expires_at FROM timers t, flow_sessions s")
        assert abs(due - clock.now() - timedelta(minutes=5)) < timedelta(seconds=5)
        assert due == expires
    clock.advance(timedelta(minutes=5, seconds=5))
    scheduler.fire_timers()
    pipeline.drain()
    assert pipeline.scalar("SELECT count(*) FROM messages WHERE text = 'later'") == 1
    services.close()


async def test_months_that_a_wrong_clock_made_are_dropped_and_used_ones_stay(
    pipeline: Pipeline, clock: FrozenClock
) -> None:
    def months() -> list[str]:
        return [
            str(name)
            for (name,) in pipeline.rows(
                "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
                "WHERE i.inhparent IN ('messages'::regclass, 'session_steps'::regclass) ORDER BY 1"
            )
        ]

    def said_in() -> set[str]:
        return {str(name) for (name,) in pipeline.rows("SELECT DISTINCT tableoid::regclass::text FROM messages")}

    usual = months()
    scheduler = Scheduler(pipeline.services)
    scheduler.tick()
    clock.advance(timedelta(days=3 * 365))
    await pipeline.hear(pipeline.phone().text("oi", at=clock.now()))
    assert "messages_default" in said_in()
    scheduler.tick()
    assert "messages_default" not in said_in(), "what came before its month is no hindrance to it"
    far = set(months()) - set(usual)
    assert len(far) >= 6, "at once: without its month nothing could be stored"
    await pipeline.hear(pipeline.phone().text("oi", at=clock.now()))
    clock.advance(timedelta(days=-3 * 365))
    scheduler.tick()
    left = set(months()) - set(usual)
    assert {name.split("_p")[0] for name in left & far} == {"messages", "session_steps"}, left
    assert len(left & far) == 2, "only where something was written"
    pipeline.execute("DELETE FROM messages")
    pipeline.execute("DELETE FROM session_steps")
    for name in left & far:
        pipeline.execute(f"TRUNCATE {name}")
    scheduler.make_partitions()
    assert not set(months()) & far


async def test_a_retry_keeps_its_wait(pipeline: Pipeline, clock: FrozenClock) -> None:
    await pipeline.hear(pipeline.phone().text("oi", at=clock.now()))
    wait = timedelta(seconds=90)
    pipeline.execute(
        "UPDATE outbox SET attempts = 2, claimed_at = :now, next_attempt_at = :next",
        now=clock.now(), next=clock.now() + wait,
    )  # fmt: skip
    scheduler = Scheduler(pipeline.services)
    clock.advance(-HOUR)
    for _ in range(2):
        scheduler.put_right_after_clock()
        assert pipeline.scalar("SELECT next_attempt_at FROM outbox") == clock.now() + wait


@pytest.mark.parametrize("moved", [HOUR, -HOUR], ids=["forward", "back"])
async def test_an_unsure_send_keeps_its_grace_when_the_clock_is_set(
    pipeline: Pipeline, clock: FrozenClock, moved: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = pipeline.services
    services.settings = services.settings.model_copy(update={"outbox_unsure_grace_seconds": 20.0})
    await pipeline.hear(pipeline.phone().text("oi", at=clock.now()))
    pipeline.execute("UPDATE outbox SET state = 'unsure', attempts = 1, claimed_at = :now", now=clock.now())
    scheduler = Scheduler(services)
    began = time.monotonic()
    passed = [0.0]
    monkeypatch.setattr("pytake_app.messaging.scheduler.time.monotonic", lambda: began + passed[0])
    clock.advance(moved)
    passed[0] = 2.5
    scheduler.tick()
    scheduler.mend_sends()
    assert pipeline.scalar("SELECT state FROM outbox") == "unsure", "its status may be on its way"

    for _ in range(5):
        clock.advance(timedelta(seconds=5.5))
        passed[0] += 5.5
        scheduler.mend_sends()
    assert pipeline.scalar("SELECT state FROM outbox") == "queued"


def test_a_jump_is_told_once(tmp_path: Path) -> None:
    shift = tmp_path / "shift"
    clock = ShiftedClock(shift)
    watch = JumpWatch(clock)
    assert watch.jump() == 0
    shift.write_text("3600")
    assert watch.jump() == pytest.approx(3600, abs=1)
    assert watch.jump() == 0
    shift.write_text("-60")
    assert watch.jump() == pytest.approx(-3660, abs=1)
    assert abs(clock.now() - SystemClock().now() + timedelta(seconds=60)) < timedelta(seconds=1)


def test_only_a_test_installation_can_have_its_clock_shifted(settings: Settings, tmp_path: Path) -> None:
    shifted = settings.model_copy(update={"clock_shift_file": tmp_path / "shift", "environment": "test"})
    assert isinstance(process_clock(shifted), ShiftedClock)
    for environment in ("development", "production"):
        assert isinstance(process_clock(shifted.model_copy(update={"environment": environment})), SystemClock)
