"""Carries the sandbox's webhooks to our own public route: signed, over real HTTP, as Meta would."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from pytake_app.channels.base import JsonObject
from pytake_app.channels.whatsapp import simulator
from pytake_app.config import Settings
from pytake_app.whatsapp.service import AccountRuntime, loopback_url

Post = Callable[[str, JsonObject, str], Awaitable[int]]
"""Delivers a body to an address, signed with a secret; answers the HTTP status, 0 when nobody answered."""

log = structlog.get_logger(__name__)

ATTEMPTS = 5
FIRST_PAUSE = 0.2


class Courier:
    """One a process and event loop.

    Parameters:
        settings: says where we listen.
        post: tests give their own.
    """

    def __init__(self, settings: Settings, post: Post | None = None) -> None:
        self._settings = settings
        self._post = post or self._post_over_http
        self._client: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def deliver(self, account: AccountRuntime, body: JsonObject) -> bool:
        """Deliver one webhook; like Meta, try again while the answer isn't 200. True once it was taken."""
        address = f"{loopback_url(self._settings)}/webhook/whatsapp/{account.id}"
        pause = FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            status = await self._post(address, body, account.app_secret)
            if status == 200:
                return True
            if status in (400, 401, 403, 404, 413) or attempt == ATTEMPTS:
                log.warning("sandbox_webhook_refused", status=status, account_id=str(account.id))
                return False
            await asyncio.sleep(pause)
            pause *= 2
        return False

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` after the present answer has left."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def aclose(self) -> None:
        """Stop what is under way and close the connections."""
        for task in list(self._tasks):
            task.cancel()
        await self.idle()
        if self._client is not None and self._loop is asyncio.get_running_loop():
            await self._client.aclose()
        self._client = None

    async def _post_over_http(self, address: str, body: JsonObject, secret: str) -> int:
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client, self._loop = simulator.delivery_client(), loop
        return await simulator.try_deliver(address, body, secret, client=self._client)
