"""What `bench pipeline` measures beside plain load, each with its mark, and what must be made ready for it.

Marks are those of a quiet machine with two cores, with load generator and Graph stand-in on it.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import psutil

from pytake_app.bench import pipeline_fill
from pytake_app.bench.pipeline_load import Phase
from pytake_app.core.services import Services
from pytake_app.jobs import enqueue
from pytake_app.messaging.ingest import IngestAccount
from pytake_app.messaging.sql import hot

MARKS: dict[str, tuple[str, str, float]] = {
    "sustained": ("per_second", ">=", 1000),
    "graph100": ("per_second", ">=", 1000),
    "ack300": ("ack_ms_p95", "<=", 20),
    "latency100": ("ms_p95", "<=", 50),
    "rate100": ("ms_p95", "<=", 50),
    "backlog": ("inbound_per_second", ">=", 1500),
    "timers": ("ms_p95", "<=", 500),
    "memory": ("growth_percent", "<=", 5),
}
"""Figure of a phase, and what it has to be."""

_SETTLED = 0.3
_POLL_SECONDS = 0.25
_MEMORY_SECONDS = 5.0


class Roles(Protocol):
    """The product's processes."""

    processes: dict[str, Any]

    def memory_bytes(self) -> dict[str, int]:
        """Memory by role."""


@dataclass(slots=True)
class World:
    """What scenarios work on: the running product, its database, and the numbers of the messages to come."""

    services: Services
    roles: Roles
    superuser_url: str
    organization: UUID
    account: UUID
    flow: UUID
    number: str
    next_number: int = 1


@dataclass(slots=True)
class Scenario:
    """One phase with what goes before it and beside it. `beside` adds figures of its own."""

    phase: Phase
    before: Callable[[World], None] | None = None
    beside: Callable[[World, threading.Event, dict[str, Any]], None] | None = None
    released: Callable[[World], None] | None = None
    compared_with: str = ""
    figures: dict[str, Any] = field(default_factory=dict)


def mark(name: str, figures: dict[str, Any]) -> dict[str, Any] | None:
    """The mark of a phase and whether it was met; None without one."""
    wanted = MARKS.get(name.removesuffix("_history"))
    if wanted is None or wanted[0] not in figures:
        return None
    figure, relation, value = wanted
    met = figures[figure] >= value if relation == ">=" else figures[figure] <= value
    return {"figure": figure, "wanted": f"{relation} {value:g}", "met": bool(met)}


@contextmanager
def watched(world: World, scenario: Scenario) -> Iterator[None]:
    """Let what a scenario does beside its phase run meanwhile."""
    if scenario.beside is None:
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=scenario.beside, args=(world, over, scenario.figures), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


# -- backlog ----------------------------------------------------------------------------------------------------------


def backlog(count: int, contacts: int) -> Scenario:
    """Webhooks that came while no worker ran; all of them are answered."""
    phase = Phase("backlog", 0, stored=count, contacts=contacts, hold=True, drain_seconds=60 + count / 100)

    def before(world: World) -> None:
        _signal_workers(world, signal.SIGSTOP)
        account = IngestAccount(world.account, world.organization, world.number)
        settings = world.services.settings
        with hot(world.services.database) as connection:
            pipeline_fill.backlog(
                connection, account, first=world.next_number, count=count, contacts=contacts, lanes=settings.lanes,
                now=world.services.clock.now(),
            )  # fmt: skip

    def released(world: World) -> None:
        _signal_workers(world, signal.SIGCONT)
        enqueue.poke_lanes(
            world.services.redis, world.services.settings, range(world.services.settings.lanes), sure=True
        )

    def beside(world: World, over: threading.Event, figures: dict[str, Any]) -> None:
        seconds = _until_none(world, "SELECT count(*) FROM inbound_events WHERE state = 'pending'", over)
        figures["inbound_per_second"] = round(count / seconds, 1) if seconds else 0.0

    return Scenario(phase, before, beside, released)


def _signal_workers(world: World, number: int) -> None:
    for name, process in world.roles.processes.items():
        if name.startswith("worker"):
            os.killpg(process.pid, number)


# -- timers -----------------------------------------------------------------------------------------------------------


def timers(count: int, contacts: int) -> Scenario:
    """So many timers fall due at once, while people write fifty messages a second."""
    phase = Phase("timers", max(10.0, count / 900), rate=50, contacts=contacts, hold=True, drain_seconds=120)

    def before(world: World) -> None:
        pipeline_fill.waiting_sessions(world.superuser_url, world.organization, world.account, count)

    def released(world: World) -> None:
        pipeline_fill.due_timers(world.superuser_url, world.organization, world.account)

    def beside(world: World, over: threading.Event, figures: dict[str, Any]) -> None:
        left = (
            "SELECT (SELECT count(*) FROM timers WHERE due_at < now()) + "
            "(SELECT count(*) FROM inbound_events WHERE state = 'pending' AND kind = 'timer')"
        )
        seconds = _until_none(world, left, over)
        figures["timers"] = count
        figures["timers_per_second"] = round(count / seconds, 1) if seconds else 0.0

    return Scenario(phase, before, beside, released)


def _until_none(world: World, query: str, over: threading.Event) -> float:
    """Seconds until `query` answers 0; 0.0 when that did not come before the phase was over."""
    began = time.monotonic()
    with hot(world.services.database) as connection:
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        while True:
            row = connection.execute(query).fetchone()
            if row is not None and row[0] == 0:
                return time.monotonic() - began
            if over.wait(_POLL_SECONDS):
                return 0.0


# -- memory -----------------------------------------------------------------------------------------------------------


def memory(minutes: float, rate: float, contacts: int) -> Scenario:
    """Memory of each role after each tenth of the time; its growth since the first."""
    phase = Phase("memory", minutes * 60, rate=rate, contacts=contacts)

    def beside(world: World, over: threading.Event, figures: dict[str, Any]) -> None:
        began, tenths = time.monotonic(), list[dict[str, int]]()
        while True:
            now = world.roles.memory_bytes()
            if time.monotonic() - began > minutes * 6 * (len(tenths) + 1):
                tenths.append(now)
            if over.wait(_MEMORY_SECONDS):
                break
        first = tenths[0] if tenths else now
        figures["memory_mb"] = {
            name: [round(one.get(name, 0) / 2**20, 1) for one in (*tenths[:9], now)] for name in now
        }  # fmt: skip
        own = [name for name in now if name in first and name not in ("postgres", "redis")]
        figures["growth_percent"] = round(max((now[n] / first[n] - 1) * 100 for n in own), 1) if own else 0.0

    return Scenario(phase, beside=beside)


def memory_of(processes: list[psutil.Process]) -> int:
    """Bytes that these processes and their children have in memory; what several share is divided among them."""
    total = 0
    for process in processes:
        try:
            for one in (process, *process.children(recursive=True)):
                full = one.memory_full_info()
                total += getattr(full, "pss", 0) or full.rss
        except psutil.Error:
            continue
    return total


# -- history ----------------------------------------------------------------------------------------------------------


def history(messages: int, seconds: float, in_flight: int, contacts: int) -> list[Scenario]:
    """The same load before and after so many messages are in the database; the figures of both are compared."""

    def load(suffix: str) -> list[Scenario]:
        hold = bool(suffix)
        return [
            Scenario(Phase("latency100" + suffix, seconds, rate=100, contacts=contacts, hold=hold),
                     compared_with="latency100" if suffix else ""),
            Scenario(Phase("sustained" + suffix, seconds, in_flight=in_flight, contacts=contacts, warm_up=2.0),
                     compared_with="sustained" if suffix else ""),
        ]  # fmt: skip

    def before(world: World) -> None:
        began = time.monotonic()

        def told(made: int) -> None:
            if made % 1_000_000 < pipeline_fill.A_CONVERSATION:
                print(f'{{"bench": "pipeline", "made": {made}, "seconds": {time.monotonic() - began:.0f}}}', flush=True)

        pipeline_fill.history(world.superuser_url, world.organization, world.account, world.flow, messages, told)

    plain, after = load(""), load("_history")
    after[0].before = before
    after[0].figures["history"] = messages
    return [*plain, *after]
