"""What can go wrong. Each fault does its harm to a stage under load and puts an end to it; what follows is the
product's part."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis

from pytake_app.chaos.stage import GRACE_SECONDS, LEASE_SECONDS, Stage


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: what it does to whom, in words, and how.

    `harm` blocks until the cause is gone. `outside`: it is the other side's doing, so that it may come together with
    one that isn't. `alone`: it needs the other side's manners for itself.
    """

    text: str
    harm: Callable[[Stage, random.Random], None]
    outside: bool = False
    alone: bool = False


def _some(stage: Stage, chooser: random.Random, least: float, most: float) -> None:
    time.sleep(chooser.uniform(least, most) * stage.pace)


@contextmanager
def _manners(stage: Stage, **manners: Any) -> Iterator[None]:
    """Inside, the other side behaves so."""
    usual = {name: getattr(stage.other.manners, name) for name in manners}
    for name, value in manners.items():
        setattr(stage.other.manners, name, value)
    try:
        yield
    finally:
        for name, value in usual.items():
            setattr(stage.other.manners, name, value)


# -- processes --------------------------------------------------------------------------------------------------------


def _web(stage: Stage, chooser: random.Random) -> None:
    stage.kill("webhook")
    _some(stage, chooser, 0.0, 0.5)
    stage.roles.start("webhook")
    stage.roles.wait_for_webhook()


def _worker(stage: Stage, chooser: random.Random) -> None:
    for name in ("worker-1", "worker-2", "worker-1"):
        stage.kill(name)
        _some(stage, chooser, 0.0, 0.3)
        stage.roles.start(name)
        stage.wait_for_answers(10)


def _outbox(stage: Stage, chooser: random.Random) -> None:
    # Graph takes its time, so that requests are under way when the sender dies; some of them never got there.
    with _manners(stage, mode="slow"):
        for _ in range(20):
            stage.wait(lambda: stage.count("SELECT count(*) FROM outbox WHERE state = 'sending'") > 0, 20, "sends")
            stage.kill("outbox")
            caught = stage.count("SELECT count(*) FROM outbox WHERE state = 'sending'") > 0
            _some(stage, chooser, 0.0, 0.3)
            stage.roles.start("outbox")
            if caught:
                return
    raise TimeoutError("the sender was never caught with requests under way")


def _outbox_frozen(stage: Stage, chooser: random.Random) -> None:
    # Longer than lease and grace together: what it holds is another's by then, and what it wakes up with is old.
    with _manners(stage, mode="slow"):
        stage.wait(lambda: stage.count("SELECT count(*) FROM outbox WHERE state = 'sending'") > 0, 20, "sends")
        stage.roles.start("outbox-2")
        stage.freeze("outbox")
        try:
            _some(stage, chooser, 0.0, 1.0)
            time.sleep(LEASE_SECONDS + GRACE_SECONDS + 3)
        finally:
            stage.thaw("outbox")
        stage.wait_for_answers(10)
    stage.kill("outbox")
    stage.roles.rename("outbox-2", "outbox")


def _scheduler(stage: Stage, chooser: random.Random) -> None:
    # Without it lost wake-ups stay lost: some are made to be.
    stage.kill("scheduler")
    client = redis.Redis.from_url(stage.redis.url)
    client.flushall()
    client.close()
    _some(stage, chooser, 0.3, 1.0)
    stage.roles.start("scheduler")


def _redis(stage: Stage, chooser: random.Random) -> None:
    stage.kill_redis()
    _some(stage, chooser, 0.3, 1.5)
    stage.redis.start()


def _redis_emptied(stage: Stage, chooser: random.Random) -> None:
    client = redis.Redis.from_url(stage.redis.url)
    for _ in range(3):
        client.flushall()
        _some(stage, chooser, 0.1, 0.4)
    client.close()


def _postgres(stage: Stage, chooser: random.Random) -> None:
    stage.kill_postgres()
    # Long enough for webhooks to come while nobody can store them.
    _some(stage, chooser, 0.5, 2.0)
    stage.postgres.start()


def _everything(stage: Stage, chooser: random.Random) -> None:
    """As when the plug is pulled."""
    for name in stage.names:
        stage.kill(name)
    stage.kill_redis()
    stage.kill_postgres()
    _some(stage, chooser, 0.0, 0.5)
    stage.postgres.start()
    stage.redis.start()
    for name in stage.names:
        stage.roles.start(name)
    stage.roles.wait_for_webhook()


def _two_of_each(stage: Stage, chooser: random.Random) -> None:
    """A second of every role comes; then the first ones die one by one, and the second ones are the product."""
    seconds = ("webhook-2", "worker-3", "worker-4", "outbox-2", "scheduler-2")
    for name in seconds:
        stage.roles.start(name)
    stage.roles.wait_for_webhook()
    stage.other.ports.append(stage.roles.port)
    stage.wait_for_answers(20)
    for first, second in zip(stage.names, seconds, strict=True):
        stage.kill(first)
        stage.roles.rename(second, first)
        _some(stage, chooser, 0.0, 0.2)
    stage.other.ports[:] = [stage.roles.port]


# -- the platform -----------------------------------------------------------------------------------------------------


def _graph(least: float, most: float, **manners: Any) -> Callable[[Stage, random.Random], None]:
    def harm(stage: Stage, chooser: random.Random) -> None:
        with _manners(stage, **manners):
            stage.wait_for_answers(5) if manners.get("share", 1.0) < 1 else None
            _some(stage, chooser, least, most)

    return harm


def _graph_away(stage: Stage, chooser: random.Random) -> None:
    stage.other.go_away()
    _some(stage, chooser, 0.5, 1.5)
    stage.other.come_back()


# -- disk and clock ---------------------------------------------------------------------------------------------------


def _disk_full(stage: Stage, chooser: random.Random) -> None:
    with _manners(stage, media=0.3):
        with stage.full_disk("outbox", "webhook"):
            failed = "SELECT count(*) FROM media_assets WHERE fetch_error IS NOT NULL"
            stage.wait(lambda: stage.count(failed) > 0, 30, "a file that could not be written")
            _some(stage, chooser, 0.0, 1.0)
        stage.wait_for_answers(10)


def _clock(*hours: float) -> Callable[[Stage, random.Random], None]:
    def harm(stage: Stage, chooser: random.Random) -> None:
        # Some sends hang meanwhile: neither their age nor their due time may be believed.
        with _manners(stage, mode="silent", share=0.1):
            for shift in (*hours, 0.0):
                stage.wait_for_answers(10)
                stage.roles.set_clock(shift * 3600)
                _some(stage, chooser, 0.1, 0.5)

    return harm


def _clocks_apart(stage: Stage, chooser: random.Random) -> None:
    """As on several machines of which one is wrong for a while."""
    with _manners(stage, mode="silent", share=0.1):
        for name in ("worker-1", "outbox", "webhook", "scheduler"):
            for hours in (1.0, -1.0):
                stage.roles.set_clock(hours * 3600, name)
                stage.wait_for_answers(5)
                _some(stage, chooser, 0.1, 0.5)
            stage.roles.set_clock(0.0, name)


def _frozen(stage: Stage, chooser: random.Random) -> None:
    """Each with what it has in hand, in the middle of a transaction if it comes to that."""
    for name in ("worker-1", "scheduler", "webhook", "worker-2"):
        stage.freeze(name)
        try:
            _some(stage, chooser, 1.0, 4.0)
        finally:
            stage.thaw(name)
        stage.wait_for_answers(10)


def _outside(text: str, harm: Callable[[Stage, random.Random], None]) -> Fault:
    return Fault(text, harm, outside=True)


_OUTSIDE: dict[str, Fault] = {
    "graph-slow": _outside("Graph answers late", _graph(1.0, 3.0, mode="slow")),
    "graph-silent": _outside("Graph takes messages and never answers", _graph(0.5, 2.0, mode="silent", share=0.3)),
    "graph-swallows": _outside("Graph drops messages and never answers", _graph(0.3, 1.0, mode="swallow", share=0.1)),
    "graph-429": _outside("Graph refuses for the rate, with Retry-After", _graph(1.0, 3.0, mode="429")),
    "graph-500": _outside("Graph answers 500", _graph(0.5, 2.0, mode="500", share=0.7)),
    "graph-resets": _outside("Graph takes the message and cuts the connection",
                             _graph(1.0, 3.0, mode="reset-after", share=0.3)),
    "graph-cuts": _outside("Graph cuts connections before it has read",
                           _graph(0.3, 1.0, mode="reset-before", share=0.1)),
    "graph-away": _outside("nobody listens where Graph was", _graph_away),
    "duplicates": _outside("every webhook comes several times", _graph(1.0, 3.0, duplicates=0.9)),
    "reordering": _outside("later messages come before earlier ones", _graph(1.0, 3.0, swapped=0.9)),
    "statuses": _outside("statuses before the call's answer, late, twice, out of order",
                         _graph(1.0, 3.0, early=True, duplicates=0.5, late=GRACE_SECONDS / 4)),
}  # fmt: skip
FAULTS: dict[str, Fault] = {
    "web": Fault("SIGKILL of the web role", _web),
    "worker": Fault("SIGKILL of each worker in turn", _worker),
    "outbox": Fault("SIGKILL of the sender with requests under way", _outbox, alone=True),
    "outbox-frozen": Fault("the sender sleeps through lease and grace, and wakes up", _outbox_frozen, alone=True),
    "frozen": Fault("workers, scheduler and web sleep in turn, and wake up", _frozen),
    "scheduler": Fault("SIGKILL of the scheduler, wake-ups lost meanwhile", _scheduler),
    "redis": Fault("SIGKILL of Redis, all its data lost", _redis),
    "redis-emptied": Fault("Redis loses everything, three times", _redis_emptied),
    "postgres": Fault("SIGKILL of PostgreSQL and all its processes, then a restart", _postgres),
    "everything": Fault("the plug is pulled: all roles and both servers at once", _everything),
    "two-of-each": Fault("two of every role; then the first of each dies", _two_of_each),
    **_OUTSIDE,
    "disk-full": Fault("no room for files", _disk_full, alone=True),
    "clock-forward": Fault("the clock is an hour ahead, and right again", _clock(1.0), alone=True),
    "clock-back": Fault("the clock is put back by an hour, and right again", _clock(-1.0), alone=True),
    "clock-leaps": Fault("the clock leaps by days", _clock(49.0, -25.0, 3.0), alone=True),
    "clocks-apart": Fault("one role's clock is an hour ahead, then behind, the others' are right", _clocks_apart,
                          alone=True),
}  # fmt: skip
"""Every fault by its name on the command line."""
