"""At a sender's edges: slow numbers, claims it never heard of, calls it has to break off, late news of its sends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import redis.asyncio

from pytake_app.config import Settings
from pytake_app.core.clock import FrozenClock
from pytake_app.core.live import connect_async
from pytake_app.core.metrics import counter, outbox_sent
from pytake_app.messaging import outbox_store, results, sender
from pytake_app.messaging.limiter import RateLimiter
from pytake_app.messaging.quotas import Quotas
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.messaging.sql import Later, hot
from tests.support.graph_stub import GraphStub, Planned, error_body
from tests.support.pipeline import ECHO, Pipeline, add_flow, connect_account

OUT = "SELECT status, external_id, errors FROM messages WHERE direction = 'out'"


@pytest.fixture
def connected(pipeline: Pipeline, graph_stub: GraphStub) -> Pipeline:
    """The organization's number sends to the stand-in and echoes."""
    connect_account(pipeline.services, pipeline.tenant, graph_stub.base_url)
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    return pipeline


def count(pipeline: Pipeline, state: str) -> int:
    return int(pipeline.scalar("SELECT count(*) FROM outbox WHERE state = :state", state=state))


async def test_a_slow_number_takes_into_its_hands_only_what_it_can_send_soon(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    """A claim ends after its lease: what waits longer for its turn would be lost, and tried again, and again."""
    connect_account(connected.services, connected.tenant, graph_stub.base_url, messages_per_second=2)
    now = frozen_clock.now()
    await connected.hear(*(connected.phone(f"55119{n:08d}").text("oi", at=now) for n in range(40)))

    async def few_in_hand() -> bool:
        in_hand = await asyncio.to_thread(count, connected, "sending")
        return len(graph_stub.sends) >= 2 and in_hand <= 2 * sender.AHEAD_SECONDS

    await connected.send(few_in_hand)
    assert connected.rows("SELECT DISTINCT attempts FROM outbox WHERE state = 'queued'") == [(0,)]


async def test_a_number_that_is_too_fast_for_the_platform_loses_no_message(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock
) -> None:
    """Limits of an app or a business account last up to an hour: longer than any number of attempts."""
    await connected.hear(connected.phone().text("oi", at=frozen_clock.now()))
    connected.execute("UPDATE outbox SET max_attempts = 1")
    graph_stub.plan(Planned(status=429, body=error_body(80007)))

    async def refused() -> bool:
        return bool(connected.scalar("SELECT count(*) FROM outbox WHERE last_error->>'reason' = 'account_rate'"))

    await connected.send(refused)
    assert connected.rows("SELECT state, attempts FROM outbox") == [("queued", 0)]
    assert connected.scalar("SELECT next_attempt_at FROM outbox") >= frozen_clock.now() + timedelta(seconds=60)
    frozen_clock.advance(timedelta(minutes=2))
    await connected.send()
    assert len(graph_stub.sent) == 1


async def test_a_claim_whose_commit_was_not_heard_of_is_given_back_at_once(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_claim, lost = outbox_store.ask_claim, 0

    def unheard(connection: Any, **more: Any) -> Later[list[outbox_store.Claimed]]:
        nonlocal lost
        if lost == 0 and count(connected, "queued"):
            with hot(connected.services.database) as another:
                lost = len(ask_claim(another, **more)())
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return ask_claim(connection, **more)

    monkeypatch.setattr(outbox_store, "ask_claim", unheard)
    await connected.hear(connected.phone().text("oi", at=frozen_clock.now()))
    await connected.send()
    assert lost == 1
    assert len(graph_stub.sends) == 1
    assert connected.rows("SELECT state, attempts FROM outbox") == [("sent", 1)]


async def test_what_is_under_way_is_not_given_back(connected: Pipeline, frozen_clock: FrozenClock) -> None:
    now = frozen_clock.now()
    await connected.hear(*(connected.phone(f"551191111000{n}").text("oi", at=now) for n in range(3)))
    with hot(connected.services.database) as connection:
        mine = outbox_store.claim(connection, by="me", now=now, hold=now, limit=2, resting=[])
        outbox_store.claim(connection, by="another", now=now, hold=now, limit=2, resting=[])
        outbox_store.give_back_unknown(connection, "me", {mine[0].sequence})
    found = connected.rows("SELECT state, claimed_by, attempts FROM outbox ORDER BY sequence")
    assert found == [("sending", "me", 1), ("queued", None, 0), ("sending", "another", 1)]


async def test_a_call_that_is_broken_off_at_the_end_may_have_left(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "STOP_SECONDS", 0.05)
    graph_stub.plan(Planned(delay=60))
    await connected.hear(connected.phone().text("oi", at=frozen_clock.now()))

    async def called() -> bool:
        return len(graph_stub.calls) >= 1

    await connected.send(called)
    ((state, attempts, reason),) = connected.rows("SELECT state, attempts, last_error->>'reason' FROM outbox")
    assert (state, attempts, reason) == ("unsure", 1, "no_answer"), "the platform's report may tell, without a lease"


async def test_what_is_reported_on_while_it_waits_to_be_repeated_is_not_repeated(
    connected: Pipeline, graph_stub: GraphStub, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, phone, reserve = frozen_clock.now(), connected.phone(), RateLimiter.reserve
    await connected.hear(phone.text("oi", at=now))
    connected.execute("UPDATE outbox SET attempts = 1")  # tried, and its grace is over
    outbox_id = str(connected.scalar("SELECT id FROM outbox"))

    async def slow(limiter: RateLimiter, key: str, rate: float, many: int) -> tuple[float, float]:
        await connected.hear(phone.status("wamid.first", "sent", at=now, callback_data=outbox_id))
        return await reserve(limiter, key, rate, many)

    monkeypatch.setattr(RateLimiter, "reserve", slow)
    lost = counter(outbox_sent, "whatsapp", "lost")
    before = lost._value.get()

    async def let_go() -> bool:
        return bool(lost._value.get() > before)

    await connected.send(let_go)
    assert graph_stub.sends == []
    assert connected.rows(OUT) == [("sent", "wamid.first", [])]


async def test_a_sender_knows_better_than_who_took_it_for_gone(connected: Pipeline, frozen_clock: FrozenClock) -> None:
    now = frozen_clock.now()
    await connected.hear(connected.phone().text("oi", at=now))
    outcomes: Sequence[Any] = ("again", "held", "released")
    for outcome in outcomes:
        connected.execute("UPDATE outbox SET state = 'queued', attempts = 0, next_attempt_at = :now", now=now)
        with hot(connected.services.database) as connection:
            (item,) = outbox_store.claim(connection, by="me", now=now, hold=now, limit=1, resting=[])
            connection.execute("UPDATE outbox SET state = 'unsure'")  # as when the clock leaps
            results.write(connection, [results.Result(item, outcome, wait=6)], now)
        assert connected.scalar("SELECT state FROM outbox") == "queued", outcome


@pytest.mark.parametrize("word", ["sent", "failed"])
async def test_what_was_given_up_on_did_arrive_after_all(
    connected: Pipeline, frozen_clock: FrozenClock, word: Any
) -> None:
    now, phone = frozen_clock.now(), connected.phone()
    await connected.hear(phone.text("oi", at=now))
    connected.execute("UPDATE outbox SET state = 'unsure', attempts = max_attempts, claimed_at = :now", now=now)
    frozen_clock.advance(timedelta(hours=1))
    Scheduler(connected.services).mend_sends()
    assert connected.rows(OUT)[0][0] == "failed"
    outbox_id = str(connected.scalar("SELECT id FROM outbox"))
    await connected.hear(phone.status("wamid.late", word, at=now, callback_data=outbox_id))
    assert connected.scalar("SELECT state FROM outbox") == "sent"
    ((status, external_id, errors),) = connected.rows(OUT)
    assert (status, external_id) == (word, "wamid.late")
    assert ("no_answer" in str(errors), "131026" in str(errors)) == (False, word == "failed")


async def test_a_late_answer_brings_back_what_was_given_up_on(connected: Pipeline, frozen_clock: FrozenClock) -> None:
    now = frozen_clock.now()
    await connected.hear(connected.phone().text("oi", at=now))
    with hot(connected.services.database) as connection:
        (item,) = outbox_store.claim(connection, by="me", now=now, hold=now, limit=1, resting=[])
    connected.execute("UPDATE outbox SET state = 'unsure', attempts = max_attempts")
    frozen_clock.advance(timedelta(hours=1))
    Scheduler(connected.services).mend_sends()
    assert connected.scalar("SELECT state FROM outbox") == "dead"
    with hot(connected.services.database) as connection:
        results.write(connection, [results.Result(item, "sent", external_id="wamid.slow")], frozen_clock.now())
    assert connected.scalar("SELECT state FROM outbox") == "sent"
    assert connected.rows(OUT) == [("sent", "wamid.slow", [])]


async def test_a_status_that_could_not_be_handled_keeps_its_send_from_being_repeated(
    connected: Pipeline, frozen_clock: FrozenClock
) -> None:
    now, phone = frozen_clock.now(), connected.phone()
    await connected.hear(phone.text("oi", at=now))
    connected.execute("UPDATE outbox SET state = 'unsure', attempts = 1, claimed_at = :now", now=now)
    outbox_id = str(connected.scalar("SELECT id FROM outbox"))
    await connected.receive(phone.status("wamid.odd", "sent", at=now, callback_data=outbox_id))
    connected.execute("UPDATE inbound_events SET state = 'dead' WHERE kind = 'status'")
    frozen_clock.advance(timedelta(hours=1))
    Scheduler(connected.services).mend_sends()
    assert connected.scalar("SELECT state FROM outbox") == "unsure"


async def test_a_status_that_came_while_the_answer_was_being_written_is_applied(
    connected: Pipeline, frozen_clock: FrozenClock
) -> None:
    """It names no row of ours, so that nothing makes its transaction wait for the other."""
    now, phone = frozen_clock.now(), connected.phone()
    await connected.hear(phone.text("oi", at=now))
    with hot(connected.services.database) as connection:
        (item,) = outbox_store.claim(connection, by="me", now=now, hold=now, limit=1, resting=[])
    await connected.receive(phone.status("wamid.1", "delivered", at=now))
    with hot(connected.services.database) as connection:
        results.write(connection, [results.Result(item, "sent", external_id="wamid.1")], now)
        await asyncio.to_thread(connected.drain)
    assert connected.rows("SELECT external_id FROM pending_statuses") == [("wamid.1",)]
    Scheduler(connected.services).apply_statuses()
    assert connected.rows(OUT) == [("delivered", "wamid.1", [])]
    assert connected.scalar("SELECT count(*) FROM pending_statuses") == 0


async def test_typing_delays_never_add_up_to_a_message_for_later(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    """What is said next in the conversation would overtake it."""
    nodes: list[dict[str, Any]] = [{"id": "in", "type": "trigger_universal", "config": {}}]
    nodes += [{"id": f"say{n}", "type": "msg_text", "config": {"body": str(n), "typing_seconds": 25}} for n in range(5)]
    edges = [{"id": f"e{n}", "source": nodes[n]["id"], "port": "next", "target": nodes[n + 1]["id"]} for n in range(5)]
    add_flow(
        pipeline.services.database, pipeline.tenant.organization_id, {"name": "Lento", "nodes": nodes, "edges": edges}
    )
    now = frozen_clock.now()
    await pipeline.hear(pipeline.phone().text("oi", at=now))
    due = [row[0] - now for row in pipeline.rows("SELECT next_attempt_at FROM outbox ORDER BY sequence")]
    assert due[:2] == [timedelta(seconds=25), timedelta(seconds=50)]
    assert due == sorted(due)
    assert due[-1] < timedelta(seconds=outbox_store.HOLD_SECONDS)


# -- counted by a later time, before Redis' clock was put back --------------------------------------------------------


async def test_limits_begin_anew_when_redis_clock_was_put_back(settings: Settings, redis_client: Any) -> None:
    client: redis.asyncio.Redis = connect_async(settings)
    account: UUID = uuid4()
    seconds, _ = redis_client.time()
    later = seconds + 3600
    try:
        redis_client.set(f"pytake:rate:{account}", later * 1_000_000)
        first, interval = await RateLimiter(client).reserve(str(account), 80.0, 10)
        assert first <= 0
        assert interval == pytest.approx(1 / 80)
        again, _ = await RateLimiter(client).reserve(str(account), 80.0, 10)
        assert -0.25 < again - first <= 10 / 80 + 0.01, "and keeps to the rate"

        quotas = Quotas(client)
        await quotas.pairs(account, ["a"], interval=6.0, burst=45)
        (key,) = redis_client.keys(f"pytake:pair:{account}:*")
        redis_client.set(key, later * 1_000_000)
        assert await quotas.pairs(account, ["a"], interval=6.0, burst=45) == [0.0]

        async def known() -> list[tuple[str, float]]:
            return []

        await quotas.first_contacts(account, ["a"], limit=1, known=known)
        redis_client.zadd(f"pytake:tier:{account}", {"a": later * 1000})
        (wait,) = await quotas.first_contacts(account, ["b"], limit=1, known=known)
        assert 86_000 < wait <= 86_400, "whom it was told of later than now counts from now"
    finally:
        await client.aclose()


async def test_a_redis_that_is_gone_without_a_word_holds_up_no_sender(settings: Settings) -> None:
    """A server that takes connections and never answers."""
    silent = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    nobody = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{port}/0"})
    client = connect_async(nobody, answers_within=0.1)
    try:
        first, _ = await asyncio.wait_for(RateLimiter(client).reserve("x", 80.0, 1), 5)
        assert first <= 0
    finally:
        await client.aclose()
        silent.close()
