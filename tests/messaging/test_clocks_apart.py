"""Processes see different clocks, for a moment or on several machines; transactions outlive a jump; somebody sleeps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import redis
from sqlalchemy import text

from pytake_app.config import Settings
from pytake_app.core.clock import FrozenClock, SystemClock
from pytake_app.core.db import Database
from pytake_app.core.errors import UnavailableError
from pytake_app.core.services import Services
from pytake_app.flows import requests
from pytake_app.jobs import enqueue
from pytake_app.messaging import heartbeat, outbox_store, results, upkeep
from pytake_app.messaging.clock_care import DELETES_REST, ClockCare
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.messaging.sql import hot
from tests.support.pipeline import ECHO, Pipeline, add_flow
from tests.waiting import wait_until

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> FrozenClock:
    # Nobody sets the database's clock here: put back by an hour, this one is still ahead of it.
    return FrozenClock(datetime.now(UTC) + 2 * HOUR)


@pytest.fixture
def pipeline(
    settings: Settings, clean_db: Database, redis_client: redis.Redis, clock: FrozenClock
) -> Iterator[Pipeline]:
    services = Services(settings, clock=clock)
    made = Pipeline.make(services)
    add_flow(services.database, made.tenant.organization_id, ECHO)
    yield made
    services.close()


class Running:
    """The clock that nobody sets, and the one that goes with it until somebody does."""

    def __init__(self, clock: FrozenClock) -> None:
        self._clock = clock
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def go(self, seconds: float) -> None:
        """Time passes."""
        self.seconds += seconds
        self._clock.advance(timedelta(seconds=seconds))


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, clock: FrozenClock) -> Running:
    made = Running(clock)
    for module in ("core.clock", "messaging.scheduler", "messaging.clock_care", "messaging.upkeep"):
        monkeypatch.setattr(f"pytake_app.{module}.time", _Time(made))
    return made


class _Time:
    def __init__(self, running: Running) -> None:
        self.monotonic = running
        self.time = time.time


def claim(pipeline: Pipeline) -> list[outbox_store.Claimed]:
    now = pipeline.services.clock.now()
    with hot(pipeline.services.database) as connection:
        return outbox_store.claim(connection, by="me", now=now, hold=now + timedelta(seconds=60), limit=9, resting=[])


def write(pipeline: Pipeline, result: results.Result) -> None:
    with hot(pipeline.services.database) as connection:
        results.write(connection, [result], pipeline.services.clock.now())


def said(claimed: list[outbox_store.Claimed]) -> list[str]:
    return [item.content["body"] for item in claimed]


# -- a sender whose clock is behind ----------------------------------------------------------------------------------


@pytest.mark.parametrize("given_back", ["", "again", "released"])
async def test_a_sender_whose_clock_is_behind_sends_what_the_database_finds_due(
    pipeline: Pipeline, clock: FrozenClock, given_back: Any
) -> None:
    """Whoever made the row and the database agree on the time; what is meant for later by it stays."""
    clock.advance(-2 * HOUR)
    phone = pipeline.phone()
    await pipeline.hear(phone.text("um", at=clock.now()))
    pipeline.execute(
        "INSERT INTO outbox (id, organization_id, channel_account_id, conversation_id, contact_id, message_id,"
        " recipient, content, priority, state, attempts, max_attempts, next_attempt_at, created_at)"
        " SELECT gen_random_uuid(), organization_id, channel_account_id, gen_random_uuid(), contact_id,"
        " gen_random_uuid(), recipient, content, priority, state, 0, max_attempts, now() + interval '30 minutes',"
        " created_at FROM outbox"
    )
    if given_back:
        # By a sender whose clock is right.
        (taken,) = claim(pipeline)
        write(pipeline, results.Result(taken, given_back, wait=0.0))
    clock.advance(-HOUR)
    assert said(claim(pipeline)) == ["re: um"]
    assert claim(pipeline) == []


async def test_what_a_sender_whose_clock_is_behind_hands_back_waits_by_that_clock(
    pipeline: Pipeline, clock: FrozenClock
) -> None:
    clock.advance(-2 * HOUR)
    await pipeline.hear(pipeline.phone().text("um", at=clock.now()))
    clock.advance(-HOUR)
    (taken,) = claim(pipeline)
    write(pipeline, results.Result(taken, "again", wait=6.0))
    assert claim(pipeline) == []
    clock.advance(timedelta(seconds=7))
    (taken,) = claim(pipeline)
    write(pipeline, results.Result(taken, "released"))
    assert said(claim(pipeline)) == ["re: um"]


# -- waits that are written when the clock is another ----------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["held", "again"])
async def test_what_waits_keeps_its_wait_and_its_place_whenever_the_clock_is_set(
    pipeline: Pipeline, clock: FrozenClock, outcome: Any
) -> None:
    phone = pipeline.phone()
    await pipeline.hear(phone.text("um", at=clock.now()))
    (taken,) = claim(pipeline)
    clock.advance(HOUR)
    write(pipeline, results.Result(taken, outcome, wait=6.0))
    scheduler = Scheduler(pipeline.services)
    clock.advance(-HOUR)
    await pipeline.hear(phone.text("dois", at=clock.now()))
    assert claim(pipeline) == [], "before anybody has seen to it"
    scheduler.tick()
    assert claim(pipeline) == [], "six seconds by the new time"
    clock.advance(timedelta(seconds=7))
    assert said(claim(pipeline)) == ["re: um"]


async def test_what_a_dead_letter_or_an_unsure_send_was_put_back_to_moves_with_the_clock(
    pipeline: Pipeline, clock: FrozenClock
) -> None:
    """Claimed by the right time, queued again by a wrong one."""
    await pipeline.hear(pipeline.phone().text("um", at=clock.now()))
    claim(pipeline)
    with hot(pipeline.services.database) as connection:
        upkeep.mend_sends(connection, clock.now() + timedelta(hours=2), HOUR, HOUR)
        upkeep.mend_sends(connection, clock.now() + timedelta(hours=4), HOUR, HOUR)
    assert pipeline.rows("SELECT state, attempts FROM outbox") == [("queued", 1)]
    clock.advance(timedelta(hours=4))
    scheduler = Scheduler(pipeline.services)
    clock.advance(-timedelta(hours=4))
    scheduler.tick()
    assert said(claim(pipeline)) == ["re: um"]


async def test_a_transaction_that_commits_after_the_clock_was_put_back_is_put_right_too(
    pipeline: Pipeline, clock: FrozenClock, running: Running
) -> None:
    scheduler = Scheduler(pipeline.services)
    clock.advance(-HOUR)
    scheduler.clock_care.follow()
    # It read the time before, and took a while.
    clock.advance(HOUR)
    await pipeline.hear(pipeline.phone().text("um", at=clock.now()))
    await pipeline.receive(pipeline.phone().text("dois", at=clock.now()))
    clock.advance(-HOUR)
    scheduler.clock_care.follow()
    assert claim(pipeline) == []
    running.go(1.5)
    scheduler.clock_care.follow()
    assert said(claim(pipeline)) == ["re: um"]
    assert pipeline.scalar("SELECT max(received_at) FROM inbound_events WHERE state = 'pending'") <= clock.now()


@pytest.mark.parametrize("right", [True, False], ids=["the scheduler's is right", "the scheduler's is behind"])
async def test_who_writes_by_a_clock_ahead_is_not_waited_for(
    settings: Settings, clean_db: Database, redis_client: redis.Redis, right: bool
) -> None:
    """A worker on a machine of its own; nobody else's clock was ever set."""
    ahead = Services(settings, clock=FrozenClock(datetime.now(UTC) + HOUR))
    worker = Pipeline.make(ahead)
    add_flow(ahead.database, worker.tenant.organization_id, ECHO)
    await worker.hear(worker.phone().text("um", at=ahead.clock.now()))
    others = Services(settings, clock=SystemClock() if right else FrozenClock(datetime.now(UTC) - HOUR))
    Scheduler(others).follow_other_clocks()
    due = worker.scalar("SELECT next_attempt_at FROM outbox")
    assert (due <= datetime.now(UTC)) is right
    ahead.close()
    others.close()


# -- ages that are by somebody else's clock ---------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [HOUR, -HOUR], ids=["ahead", "behind"])
async def test_a_send_that_was_lost_by_another_clock_has_its_whole_grace(
    pipeline: Pipeline, clock: FrozenClock, running: Running, apart: timedelta
) -> None:
    grace = pipeline.services.settings.outbox_unsure_grace_seconds
    scheduler = Scheduler(pipeline.services)
    scheduler.mend_sends()
    await pipeline.hear(pipeline.phone().text("oi", at=clock.now()))
    running.go(2)
    scheduler.mend_sends()
    pipeline.execute("UPDATE outbox SET state = 'unsure', attempts = 1, claimed_at = :at", at=clock.now() + apart)

    waited = 0.0
    while pipeline.scalar("SELECT state FROM outbox") == "unsure":
        assert waited < grace + 10, "not for ever"
        running.go(5)
        waited += 5
        heartbeat.beat(pipeline.services.redis, "web", "one")
        scheduler.listen_for_web()
        scheduler.mend_sends()
    assert waited >= grace


async def test_a_sender_that_died_by_a_clock_ahead_is_found(
    pipeline: Pipeline, clock: FrozenClock, running: Running
) -> None:
    lease = pipeline.services.settings.outbox_lease_seconds
    scheduler = Scheduler(pipeline.services)
    scheduler.mend_sends()
    await pipeline.hear(pipeline.phone().text("oi", at=clock.now()))
    clock.advance(HOUR)
    claim(pipeline)
    clock.advance(-HOUR)
    waited = 0.0
    while pipeline.scalar("SELECT state FROM outbox") == "sending":
        assert waited < lease + 10
        running.go(5)
        waited += 5
        with hot(pipeline.services.database) as connection:
            watched = scheduler._watched
            upkeep.mend_sends(connection, clock.now(), timedelta(seconds=lease), HOUR, retry=False, watched=watched)
    assert waited >= lease


def test_a_scheduler_that_slept_begins_to_count_anew() -> None:
    watched = upkeep.Watched(lease=90, grace=120)
    row = (1, 1, "unsure")
    assert watched.look([row], 0) == ([], [1]), "its first look tells nothing of age"
    watched = upkeep.Watched(lease=90, grace=120)
    watched.look([], 0)
    for moment in range(2, 60, 2):
        assert watched.look([row], moment) == ([], [])
    assert watched.look([row], 600) == ([], []), "who slept, and who else slept, has heard no status"
    for moment in range(650, 720, 50):
        assert watched.look([row], moment) == ([], [])
    assert watched.look([row], 725) == ([], [1])
    assert watched.look([(1, 2, "unsure")], 727) == ([], []), "the next attempt"


async def test_a_clock_that_is_set_in_the_middle_of_a_duty_is_not_believed(
    pipeline: Pipeline, clock: FrozenClock, running: Running
) -> None:
    class Leaping:
        """Leaps at the second reading from now on."""

        readings = 0

        def now(self) -> datetime:
            self.readings += 1
            if self.readings == 2:
                clock.advance(HOUR)
            return clock.now()

    care = ClockCare(pipeline.services, lambda: None, lambda: None)
    assert care.ages_believed()
    assert care.now() == clock.now()
    pipeline.services.clock = leaping = Leaping()
    care = ClockCare(pipeline.services, lambda: None, lambda: None)
    assert leaping.readings == 1
    now = care.now()
    assert now == clock.now()
    assert not care.ages_believed()
    assert care.deleting_now() is None


async def test_a_call_of_a_flow_is_not_made_again_because_the_clock_was_put_forward(
    pipeline: Pipeline, clock: FrozenClock, running: Running
) -> None:
    await pipeline.hear(pipeline.phone().text("oi", at=clock.now()))
    session_id = str(pipeline.scalar("SELECT id FROM flow_sessions"))
    row = {
        "id": str(uuid4()), "organization_id": str(pipeline.tenant.organization_id), "session_id": session_id,
        "channel_account_id": str(pipeline.tenant.account.id), "contact_key": "5511", "lane": 1, "node_id": "call",
        "kind": "http", "request": {"kind": "http", "method": "POST", "url": "https://shop.example/orders"},
        "state": "pending", "attempts": 0, "created_at": clock.now().isoformat(), "trace": None,
    }  # fmt: skip
    with hot(pipeline.services.database) as connection:
        requests.insert(connection, [row])
        assert len(requests.claim(connection, "me", clock.now(), 5)) == 1
    lease = pipeline.scalar("SELECT lease_until FROM flow_requests") - clock.now()
    scheduler = Scheduler(pipeline.services)
    clock.advance(HOUR)
    scheduler.mend_requests()
    assert pipeline.rows("SELECT state, attempts, lease_until FROM flow_requests") == [
        ("running", 1, clock.now() + lease)
    ]
    running.go(lease.total_seconds() + 1)
    scheduler.mend_requests()
    assert pipeline.scalar("SELECT state FROM flow_requests") == "pending"


async def test_nothing_is_deleted_for_its_age_by_a_clock_that_was_just_put_forward(
    pipeline: Pipeline, clock: FrozenClock, running: Running
) -> None:
    await pipeline.hear(pipeline.phone().text("oi", at=clock.now()))
    scheduler = Scheduler(pipeline.services)
    clock.advance(timedelta(days=40))
    scheduler.remove_old()
    assert pipeline.scalar("SELECT count(*) FROM inbound_events") == 1, "a repeated webhook must still be known"
    running.go(DELETES_REST + 1)
    scheduler.remove_old()
    assert pipeline.scalar("SELECT count(*) FROM inbound_events") == 0


# -- Redis' clock -----------------------------------------------------------------------------------------------------


def test_who_lives_is_told_by_one_clock(redis_client: redis.Redis) -> None:
    seconds = float(redis_client.time()[0])
    redis_client.zadd("pytake:alive:web", {"before the clock was put back": seconds + 3600, "long ago": seconds - 60})
    assert heartbeat.count(redis_client, "web") == 0
    heartbeat.beat(redis_client, "web", "one")
    assert heartbeat.count(redis_client, "web") == 1
    assert redis_client.zrange("pytake:alive:web", 0, -1) == [b"one"]


def test_a_lane_is_looked_at_whatever_was_marked_by_a_later_time(settings: Settings, redis_client: redis.Redis) -> None:
    two = settings.model_copy(update={"workers": 2})
    later = float(redis_client.time()[0]) + 3600
    for slot in (1, 2):
        redis_client.set(f"pytake:lanes:dirty:job:{slot}", later)
    redis_client.zadd("pytake:lanes:dirty:duty", {"dead": later, "killed": later})
    redis_client.zadd("pytake:lanes:dirty:idle", {"dead": later})
    assert enqueue.poke_lanes(redis_client, two, [3]), "a job is queued"
    assert enqueue.poke_lanes(redis_client, two, [4])
    assert not enqueue.poke_lanes(redis_client, two, [5]), "two are enough for two workers"


# -- frozen in the middle of a transaction ----------------------------------------------------------------------------


def test_a_frozen_process_holds_its_lanes_for_half_a_minute_at_most(pipeline: Pipeline) -> None:
    assert pipeline.scalar("SHOW idle_in_transaction_session_timeout") == "30s"

    def ended(pid: int) -> bool:
        return bool(pipeline.scalar("SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = :pid", pid=pid))

    def sleep_through_a_transaction() -> None:
        with hot(pipeline.services.database) as connection:
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert row is not None
            wait_until(lambda: ended(int(row[0])), message="PostgreSQL has ended the transaction")
            connection.execute("SELECT 1")

    with pytest.raises(UnavailableError):
        sleep_through_a_transaction()
    with pipeline.services.database.system_connection() as fresh:
        assert fresh.execute(text("SELECT 1")).scalar() == 1
