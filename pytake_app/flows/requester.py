"""Performs the requests of flows: outside any transaction, many at once, and hands the results back to their lanes."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import psycopg
import redis
import structlog
from sqlalchemy.exc import SQLAlchemyError

from pytake_app.core import tracing
from pytake_app.core.crypto import DecryptionError
from pytake_app.core.egress import EgressGuard
from pytake_app.core.ending import end
from pytake_app.core.errors import UnavailableError
from pytake_app.core.live import connect_async
from pytake_app.core.services import Services
from pytake_app.engine.requests import AiRequest, AiResult, HttpRequest, HttpResult
from pytake_app.flows import requests
from pytake_app.flows.requests import Claimed
from pytake_app.jobs import enqueue
from pytake_app.messaging.lookout import Lookout, woken
from pytake_app.messaging.sql import hot
from pytake_app.outgoing import service as outgoing
from pytake_app.outgoing.ai import AiCaller
from pytake_app.outgoing.http import HttpCaller

log = structlog.get_logger(__name__)

IN_FLIGHT = 100
POLL_SECONDS = 1.0
STOP_SECONDS = 10.0
_DATABASE_ERRORS = (UnavailableError, psycopg.Error, SQLAlchemyError)


class Requester:
    """One a process.

    Parameters:
        services: the process's services.
        guard: decides where calls may go; from the settings by default.
        pause: seconds of the first pause between attempts.
        lookout: looks for requests nobody was told of; without it they are polled for.
    """

    def __init__(
        self,
        services: Services,
        *,
        guard: EgressGuard | None = None,
        pause: float = 1.0,
        lookout: Lookout | None = None,
    ) -> None:
        self._services = services
        self._name = f"requester-{uuid4().hex[:12]}"
        self._http = HttpCaller(guard or EgressGuard(services.settings.allow_private_http), pause=pause)
        self._ai = AiCaller(services.settings)
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._poll = lookout.watch(requests.ANY_PENDING, self._wake.set) if lookout else POLL_SECONDS

    async def run(self, stop: asyncio.Event) -> None:
        """Perform what is due until `stop` is set; then finish what is in flight."""
        helpers = [asyncio.create_task(self._listen()), asyncio.create_task(self._stop_on(stop))]
        pause = 0.1
        try:
            while not stop.is_set():
                try:
                    more = await self.begin()
                    pause = 0.1
                except _DATABASE_ERRORS as error:
                    log.warning("requests_database_away", error=type(error).__name__)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 5.0)
                    continue
                if not more:
                    await woken(self._wake, self._poll)
        finally:
            await self.finish(STOP_SECONDS)
            await end(helpers)
            await self._http.aclose()
            await self._ai.aclose()

    async def begin(self) -> bool:
        """Claim what there is room for and start on it. True when there may be more."""
        room = IN_FLIGHT - len(self._tasks)
        if room <= 0:
            await asyncio.wait(self._tasks, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            return True
        claimed = await asyncio.to_thread(self._claim, room)
        for item in claimed:
            task = asyncio.create_task(self._one(item))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(claimed) == room

    async def finish(self, seconds: float) -> None:
        """Wait for what is in flight, at most so long; what is left is performed again by another process."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()

    def _claim(self, limit: int) -> list[Claimed]:
        with hot(self._services.database) as connection:
            return requests.claim(connection, self._name, self._services.clock.now(), limit)

    async def _one(self, item: Claimed) -> None:
        result, trace = await self._traced(item)
        pause = 0.1
        while True:
            try:
                lane = await asyncio.to_thread(self._finish, item, result, trace)
                break
            except _DATABASE_ERRORS as error:
                # The result is in hand: better late than the call a second time.
                log.warning("request_result_waits", error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
        if lane is not None:
            await asyncio.to_thread(self._poke, lane)

    async def _traced(self, item: Claimed) -> tuple[HttpResult | AiResult, str | None]:
        """The result, and what the call's span carries on."""
        about = {"pytake.organization_id": str(item.organization_id), "pytake.kind": item.request.kind}
        span = tracing.go_on("request", "client", item.trace, about)
        result = await self._performed(item)
        status = result.status if isinstance(result, HttpResult) else 0
        tracing.end(span, failed=result.error or None, http_status=status or 0)
        return result, tracing.carried(span)

    async def _performed(self, item: Claimed) -> HttpResult | AiResult:
        request = item.request
        try:
            if isinstance(request, AiRequest):
                return await self._ai.perform(request)
            secrets = await asyncio.to_thread(self._secrets, item, request)
            return await self._http.perform(request, secrets, key=str(item.id))
        except DecryptionError:
            log.warning("secret_unreadable", organization_id=str(item.organization_id))
            return HttpResult(error="secret_missing")
        except Exception:
            # Whatever it is, the session must go on (by its error port).
            log.exception("request_failed_unexpectedly", kind=request.kind)
            return AiResult(error="internal") if isinstance(request, AiRequest) else HttpResult(error="internal")

    def _secrets(self, item: Claimed, request: HttpRequest) -> dict[str, str]:
        names = request.secrets()
        if not names:
            return {}
        with self._services.database.tenant(item.organization_id) as session:
            return outgoing.secret_values(session, self._services.secrets, names, clock=self._services.clock)

    def _finish(self, item: Claimed, result: HttpResult | AiResult, trace: str | None) -> int | None:
        now = self._services.clock.now()
        with hot(self._services.database) as connection:
            return requests.finish(connection, item.id, self._name, result, now, trace=trace)

    def _poke(self, lane: int) -> None:
        try:
            enqueue.poke_lane(self._services.redis, self._services.settings, lane)
        except (redis.RedisError, OSError) as error:
            log.warning("lane_poke_failed", error=type(error).__name__, lanes=1)

    async def _stop_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _listen(self) -> None:
        """Wake up when a sprint made a request; the poll finds what a lost wake-up leaves."""
        client = connect_async(self._services.settings, answers_within=2 * enqueue.LISTEN_SECONDS)
        pause = 0.1
        try:
            while True:
                try:
                    if await enqueue.request_made(client):
                        self._wake.set()
                    pause = 0.1
                except (redis.RedisError, OSError) as error:
                    log.warning("requests_listen_interrupted", error=type(error).__name__)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 5.0)
        finally:
            await client.aclose()
