"""What an outbox process polls for, looked for at once: one statement a second instead of a transaction for each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import LiteralString

from pytake_app.core.services import Services
from pytake_app.messaging.duties import UNASKED_SECONDS, Duty, Glance

EVERY_SECONDS = 1.0


class Lookout:
    """Wakes those for whom there is something to do. Of one event loop.

    Parameters:
        services: the process's services.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._glance = Glance(services.database)
        self._watched: list[Duty] = []

    def watch(self, question: LiteralString, wake: Callable[[], None]) -> float:
        """Look for somebody from now on.

        Parameters:
            question: a query that has rows whenever there may be something to do; it may use `%(now)s`.
            wake: called then, each time.

        Returns:
            seconds after which they should see for themselves, whatever the look says.
        """
        self._watched.append(Duty(EVERY_SECONDS, wake, question))
        return UNASKED_SECONDS

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. While the database doesn't answer everybody is woken, and finds out."""
        try:
            while not stop.is_set():
                idle = await asyncio.to_thread(self._glance.idle, list(self._watched), self._facts)
                for one in self._watched:
                    if one not in idle:
                        one.work()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), EVERY_SECONDS)
        finally:
            self._glance.close()

    def _facts(self) -> dict[str, object]:
        return {"now": self._services.clock.now()}


async def woken(wake: asyncio.Event, seconds: float) -> None:
    """Wait to be woken, at most so long; then be ready for the next time."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(wake.wait(), seconds)
    wake.clear()
