"""Work that takes long, beside the thread pool of everything else: few at a time, fewer of one organization.

FastAPI runs plain endpoints in forty threads, each with a database connection. Whoever sends forty long runs at once
would have them all, and everybody else's requests would wait. Here what waits holds neither thread nor connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Header
from fastapi.responses import Response
from pydantic import BaseModel
from sqlmodel import Session

from pytake_app.api.deps import CurrentPrincipal, OnceRunner, ServicesDep, request_hash
from pytake_app.api.services import Services
from pytake_app.core.errors import TooManyRequestsError
from pytake_app.core.tenancy import Principal

T = TypeVar("T")

RUNS_PER_PERSON: Final = "180 per minute"
"""Previews, test cases, paths: what one person's canvas and phone ask for, with room to spare."""
CALLS_PER_ORGANIZATION: Final = "20 per minute"
"""Calls to somebody else's server that a preview makes in earnest."""
MAX_QUEUE: Final = 20
"""Runs of one organization that may wait."""
PATIENCE: Final = 20.0
"""Seconds that one waits."""


class Lane:
    """A few threads of their own, shared fairly between organizations.

    Parameters:
        at_once: runs at a time in this process.
        of_one: runs at a time of one organization.
        patience: seconds a run waits for its turn.
    """

    def __init__(self, at_once: int, of_one: int, *, patience: float = PATIENCE) -> None:
        self._at_once, self._of_one, self._patience = at_once, of_one, patience
        # What waits belongs to an event loop, of which a process has one and a test several.
        self._threads: WeakKeyDictionary[Any, CapacityLimiter] = WeakKeyDictionary()
        self._turns: WeakKeyDictionary[Any, dict[UUID, _Turns]] = WeakKeyDictionary()

    async def run(self, organization_id: UUID, work: Callable[[], T]) -> T:
        """Do `work` in a thread when it is its turn.

        Raises:
            TooManyRequestsError: code `too_busy`: too many wait already, or the turn didn't come in time.
        """
        loop = asyncio.get_running_loop()
        threads = self._threads.setdefault(loop, CapacityLimiter(self._at_once))
        turns = self._turns.setdefault(loop, {})
        mine = turns.setdefault(organization_id, _Turns(self._of_one))
        try:
            async with mine.turn(self._patience):
                return await to_thread.run_sync(work, limiter=threads)
        finally:
            if not mine.used:
                turns.pop(organization_id, None)


class _Turns:
    """The turns of one organization."""

    def __init__(self, at_once: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._limit = at_once + MAX_QUEUE
        self.used = 0

    @asynccontextmanager
    async def turn(self, patience: float) -> AsyncIterator[None]:
        if self.used >= self._limit:
            raise _busy()
        self.used += 1
        try:
            try:
                async with asyncio.timeout(patience):
                    await self._free.acquire()
            except TimeoutError:
                raise _busy() from None
            try:
                yield
            finally:
                self._free.release()
        finally:
            self.used -= 1


def _busy() -> TooManyRequestsError:
    return TooManyRequestsError(
        "Your organization is computing a lot already; try again in a few seconds.", code="too_busy", retry_after=5.0
    )


COMPUTING: Final = Lane(2, 1)
"""Previews, test cases, paths: they hold a processor."""
CALLING: Final = Lane(8, 2)
"""Calls to the outside that a preview makes in earnest: they hold a thread for up to twenty seconds."""


class Runs:
    """An endpoint's way into a lane, for its caller."""

    def __init__(self, services: Services, who: Principal, key: str | None, digest: str) -> None:
        self._services, self._who, self._key, self._digest = services, who, key, digest

    async def answer(self, work: Callable[[Session], BaseModel], *, status: int = 200) -> Response:
        """Work in a transaction of the caller's organization. The answer is written in the thread too: a long one
        would hold up everybody else's.

        Parameters:
            status: of the answer; 201 keeps it under the caller's `Idempotency-Key`.
        """

        def run() -> Response:
            with self._services.database.tenant(self._who.organization_id) as session:
                if status != 201:
                    found = work(session)
                else:
                    found = OnceRunner(session, self._services, self._key, self._digest).run(201, lambda: work(session))
                if isinstance(found, Response):
                    return found  # the answer that was given the first time
                body = found.model_dump_json()
            return Response(body, status_code=status, media_type="application/json")

        return await COMPUTING.run(self._who.organization_id, run)


def runs(
    who: CurrentPrincipal,
    services: ServicesDep,
    digest: Annotated[str, Depends(request_hash)],
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> Runs:
    """For endpoints that compute for long.

    Raises:
        TooManyRequestsError: the caller's share of a minute is used up, whatever their role.
    """
    services.limiter.require(RUNS_PER_PERSON, "runs", str(who.user_id))
    return Runs(services, who, idempotency_key, f"{who.user_id}:{digest}")


RunsDep = Annotated[Runs, Depends(runs)]


def calls(who: CurrentPrincipal, services: ServicesDep) -> None:
    """For endpoints that call somebody else's server.

    Raises:
        TooManyRequestsError: the organization's share of a minute is used up.
    """
    services.limiter.require(CALLS_PER_ORGANIZATION, "preview-calls", str(who.organization_id))
