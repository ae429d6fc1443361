"""Signs that a message was read or an answer is being written: best effort, lost without harm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from uuid import UUID

import orjson
import redis
import structlog

from pytake_app.channels.errors import SendError
from pytake_app.channels.whatsapp.client import WhatsAppClient
from pytake_app.core.ending import end
from pytake_app.core.errors import NotFoundError
from pytake_app.core.live import connect_async
from pytake_app.core.services import Services
from pytake_app.jobs import enqueue
from pytake_app.messaging.sql import DATABASE_ERRORS
from pytake_app.whatsapp.runtime import AccountReader, AccountRuntime

log = structlog.get_logger(__name__)


class SignSender:
    """Sends what `enqueue.push_signals` left, while there is room for it.

    Parameters:
        services: the process's services.
        accounts: whose numbers they go out from.
        clients: by channel.
        busy: whether messages need the room.
    """

    def __init__(
        self,
        services: Services,
        accounts: AccountReader,
        clients: Mapping[str, WhatsAppClient],
        busy: Callable[[], bool],
    ) -> None:
        self._services = services
        self._accounts = accounts
        self._clients = clients
        self._busy = busy
        self._most = services.settings.outbox_in_flight // 16
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until it is canceled."""
        client = connect_async(self._services.settings, answers_within=2 * enqueue.LISTEN_SECONDS)
        pause = 0.1
        try:
            while True:
                try:
                    popped = await enqueue.popped(client, enqueue.signals_key())
                    pause = 0.1
                except (redis.RedisError, OSError):
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 5.0)
                    continue
                if popped is None or len(self._tasks) >= self._most or self._busy():
                    continue
                task = asyncio.create_task(self._send(popped))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        finally:
            await end(self._tasks)
            await client.aclose()

    async def _send(self, data: bytes) -> None:
        sign = orjson.loads(data)
        account_id = UUID(sign["account"])
        try:
            account = self._accounts.known(account_id)
            if account is None:
                account = await asyncio.to_thread(self._read_account, account_id)
            if account.status == "active":
                await self._clients[account.channel].mark_read(
                    account.credentials, sign["id"], typing=bool(sign.get("typing"))
                )
        except (SendError, NotFoundError, *DATABASE_ERRORS) as error:
            log.info("sign_failed", error=type(error).__name__)

    def _read_account(self, account_id: UUID) -> AccountRuntime:
        with self._services.database.system_connection() as connection:
            return self._accounts.by_id(connection, account_id)
