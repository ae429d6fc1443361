"""An outbox process looks once a second for all that it polls for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from pytake_app.core.clock import FrozenClock
from pytake_app.flows import requests
from pytake_app.messaging import lookout, media_fetch, outbox_store
from pytake_app.messaging.lookout import Lookout
from tests.messaging.test_plans import plan
from tests.support.pipeline import ECHO, Pipeline, add_flow
from tests.waiting import wait_until_async


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "EVERY_SECONDS", 0.02)


class Looking:
    """A look-out on duty, and how often it woke whom."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.lookout = Lookout(pipeline.services)
        self.woken = {"outbox": 0, "requests": 0, "media": 0, "always": 0}
        for name, question in (
            ("outbox", outbox_store.ANY_DUE),
            ("requests", requests.ANY_PENDING),
            ("media", media_fetch.ANY_DUE),
            ("always", "SELECT 1"),
        ):
            self.lookout.watch(question, lambda name=name: self._wake(name))  # type: ignore[misc]
        self._stop = asyncio.Event()

    def _wake(self, name: str) -> None:
        self.woken[name] += 1

    @asynccontextmanager
    async def on_duty(self) -> AsyncIterator[None]:
        """Looks, within."""
        task = asyncio.create_task(self.lookout.run(self._stop))
        try:
            yield
        finally:
            self._stop.set()
            await task

    async def looks(self, count: int) -> None:
        """Wait for so many more."""
        wanted = self.woken["always"] + count
        await self.wait(lambda: self.woken["always"] >= wanted)

    async def wait(self, until: Callable[[], bool]) -> None:
        """Wait for something that the looks bring about."""

        async def reached() -> bool:
            return until()

        await wait_until_async(reached)


async def test_only_who_has_something_to_do_is_woken(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    looking = Looking(pipeline)
    async with looking.on_duty():
        await looking.looks(3)
        assert (looking.woken["outbox"], looking.woken["requests"], looking.woken["media"]) == (0, 0, 0)
        await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
        await looking.looks(2)
        assert looking.woken["outbox"] > 0
        assert (looking.woken["requests"], looking.woken["media"]) == (0, 0)


async def test_while_the_database_does_not_answer_everybody_is_woken(pipeline: Pipeline) -> None:
    looking = Looking(pipeline)
    async with looking.on_duty():
        await looking.looks(1)
        await asyncio.to_thread(
            pipeline.execute,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND datname = current_database() AND query LIKE 'SELECT EXISTS%'",
        )
        await looking.wait(lambda: looking.woken["outbox"] > 0)
        before = looking.woken["outbox"]
        await looking.looks(3)
        assert looking.woken["outbox"] == before, "it looks again by another connection"


@pytest.mark.parametrize("question", [outbox_store.ANY_DUE, requests.ANY_PENDING, media_fetch.ANY_DUE])
def test_each_question_is_answered_by_an_index(pipeline: Pipeline, frozen_clock: FrozenClock, question: str) -> None:
    text = plan(pipeline, f"SELECT EXISTS ({question})", {"now": frozen_clock.now()})
    assert "Seq Scan" not in text, text
