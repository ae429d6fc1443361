"""A sender that leaves an account alone for a moment comes back when the moment is over, poked or not."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import redis.asyncio

from pytake_app.messaging.gate import Gate


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
