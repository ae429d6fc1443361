"""A sender that leaves an account alone for a moment comes back when the moment is over, poked or not."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import redis.asyncio

from pytake_app.messaging.breaker import FAILURES
from pytake_app.messaging.gate import Gate
from pytake_app.messaging.outbox_store import Claimed
from pytake_app.messaging.results import Result


def test_the_first_rest_that_ends_is_known() -> None:
    moment = [0.0]
    services = cast("Any", SimpleNamespace(settings=SimpleNamespace(outbox_in_flight=10)))
    gate = Gate(services, redis.asyncio.Redis(), clock=lambda: moment[0])
    assert gate.soonest() is None

    long, short = uuid4(), uuid4()
    gate.rest(long, 2.0)
    gate.rest(short, 0.5)
    assert gate.soonest() == 0.5

    moment[0] = 1.0
    assert gate.soonest() == 0.0
    assert gate.resting() == [long]
    assert gate.soonest() == 1.0


def test_a_number_that_is_refused_for_its_rate_rests_longer_each_time_until_something_is_taken() -> None:
    moment = [0.0]
    services = cast("Any", SimpleNamespace(settings=SimpleNamespace(outbox_in_flight=10)))
    gate = Gate(services, redis.asyncio.Redis(), clock=lambda: moment[0])
    account = uuid4()
    item = cast("Claimed", SimpleNamespace(channel_account_id=account))

    def refused(asked: float) -> float:
        gate.note(Result(item, "held", wait=asked, rest=asked))
        return (gate.soonest() or 0.0) if account in gate.resting() else 0.0

    waits = []
    for _ in range(12):
        waits.append(refused(1.0))
        # What was under way at the same moment says the same.
        assert refused(1.0) == waits[-1]
        moment[0] += 100.0
    assert all(1.0 <= wait <= 60.0 for wait in waits)
    assert max(waits[6:]) > 4.0
    assert refused(3600.0) == 3600.0, "what the platform asks for counts"
    moment[0] += 3600.0
    gate.note(Result(item, "sent"))
    assert refused(0.1) <= 2.0


def test_a_refusal_for_the_rate_is_an_answer_to_a_probe() -> None:
    moment = [0.0]
    services = cast("Any", SimpleNamespace(settings=SimpleNamespace(outbox_in_flight=10)))
    gate = Gate(services, redis.asyncio.Redis(), clock=lambda: moment[0])
    item = cast("Claimed", SimpleNamespace(channel_account_id=uuid4()))
    for _ in range(FAILURES):
        gate.note(Result(item, "again", fault=True))
    assert gate.state(item.channel_account_id) == "open"
    gate.note(Result(item, "held", wait=1.0, rest=1.0, answered=True))
    assert gate.state(item.channel_account_id) == "closed"
