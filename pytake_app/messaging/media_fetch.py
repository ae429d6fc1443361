"""Fetching of inbound media, in the outbox role: slow calls that must hold no lane."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from pytake_app.channels.errors import MediaError, SendError
from pytake_app.channels.whatsapp.client import WhatsAppClient
from pytake_app.core.errors import NotFoundError, UnavailableError
from pytake_app.core.services import Services
from pytake_app.messaging.backoff import jittered
from pytake_app.messaging.lookout import Lookout, woken
from pytake_app.messaging.sql import hot
from pytake_app.whatsapp.runtime import AccountReader, AccountRuntime

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 8
AT_ONCE = 8
LEASE = timedelta(seconds=45)
"""After so long without a sign of the process that fetches a file another one may."""
SIGN_SECONDS = 10.0
"""How often a process says that it still fetches."""
POLL_SECONDS = 1.0

ANY_DUE: LiteralString = "SELECT 1 FROM media_assets WHERE fetch_after <= %(now)s"
"""Rows: a file is to be fetched."""
_CLAIM = """
UPDATE media_assets SET fetch_after = %(lease)s, fetch_attempts = fetch_attempts + 1, fetch_error = NULL
WHERE id IN (SELECT id FROM media_assets WHERE fetch_after <= %(now)s ORDER BY fetch_after LIMIT %(limit)s
             FOR UPDATE SKIP LOCKED)
RETURNING id, organization_id, channel_account_id, platform_media_id, mime_type, fetch_attempts
"""
_STORED = """
UPDATE media_assets SET fetch_after = NULL, fetch_error = NULL, sha256 = %s, size = %s, path = %s, mime_type = %s
WHERE id = %s
"""
# Unless it has failed this moment, and knows when to be tried again.
_STILL = """
UPDATE media_assets SET fetch_after = %s WHERE id = ANY(%s) AND fetch_after IS NOT NULL AND fetch_error IS NULL
"""
# Unless another process has stored it meanwhile.
_FAILED = "UPDATE media_assets SET fetch_after = %s, fetch_error = %s WHERE id = %s AND fetch_after IS NOT NULL"


class MediaFetcher:
    """Fetches what contacts sent into the data directory, each file once under its digest."""

    def __init__(
        self,
        services: Services,
        accounts: AccountReader,
        clients: dict[str, WhatsAppClient],
        lookout: Lookout | None = None,
    ) -> None:
        self._services = services
        self._accounts = accounts
        self._clients = clients
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._told = time.monotonic()
        self._wake = asyncio.Event()
        self._poll = lookout.watch(ANY_DUE, self._wake.set) if lookout else POLL_SECONDS

    async def run(self) -> None:
        """For ever; cancel it to stop."""
        pause = POLL_SECONDS
        while True:
            try:
                await self._tell()
                rows = await asyncio.to_thread(self._claim, AT_ONCE - len(self._tasks))
                pause = POLL_SECONDS
            except (UnavailableError, psycopg.Error, SQLAlchemyError) as error:
                log.warning("media_database_away", error=type(error).__name__)
                pause, rows = min(pause * 2, 10.0), []
            for row in rows:
                self._tasks[row[0]] = asyncio.create_task(self._fetch(*row))
            if self._tasks:
                await asyncio.wait(self._tasks.values(), timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                self._tasks = {asset: task for asset, task in self._tasks.items() if not task.done()}
            elif pause > POLL_SECONDS:
                await asyncio.sleep(pause)
            else:
                await woken(self._wake, self._poll)

    async def _tell(self) -> None:
        """Say of what is being fetched that it still is."""
        now = time.monotonic()
        if not self._tasks:
            self._told = now  # a claim is a sign too
        elif now - self._told >= SIGN_SECONDS:
            self._told = now
            row = (self._services.clock.now() + LEASE, list(self._tasks))
            await asyncio.to_thread(self._write, _STILL, row)

    def _claim(self, limit: int) -> list[tuple[Any, ...]]:
        if limit <= 0:
            return []
        now = self._services.clock.now()
        with hot(self._services.database) as connection:
            return connection.execute(_CLAIM, {"now": now, "lease": now + LEASE, "limit": limit}).fetchall()

    async def _fetch(
        self, asset_id: UUID, organization_id: UUID, account_id: UUID, media_id: str, mime_type: str, attempts: int
    ) -> None:
        root = self._services.settings.data_dir.resolve()
        folder = Path("media") / str(organization_id)
        # By attempt: one who was taken for gone may still be writing.
        arriving = root / folder / f"{asset_id}.{attempts}.arriving"
        try:
            account = self._accounts.known(account_id)
            if account is None:
                account = await asyncio.to_thread(self._account, account_id)
            await asyncio.to_thread(arriving.parent.mkdir, parents=True, exist_ok=True)
            media = await self._clients[account.channel].download_media(account.credentials, media_id, arriving)
            path = folder / media.sha256[:2] / media.sha256
            await asyncio.to_thread(self._store, arriving, root / path)
            await asyncio.to_thread(self._clear, arriving.parent, asset_id, attempts)
            row = (media.sha256, media.size, str(path), media.mime_type or mime_type, asset_id)
            await asyncio.to_thread(self._write, _STORED, row)
        except (
            SendError,
            MediaError,
            NotFoundError,
            OSError,
            UnavailableError,
            psycopg.Error,
            SQLAlchemyError,
        ) as error:
            final = attempts >= MAX_ATTEMPTS or (isinstance(error, MediaError) and error.reason != "corrupt")
            wait = timedelta(seconds=jittered(attempts, base=2.0, cap=900.0))
            after = None if final else self._services.clock.now() + wait
            log.warning("media_not_fetched", error=type(error).__name__, attempts=attempts, final=final)
            try:
                await asyncio.to_thread(self._write, _FAILED, (after, type(error).__name__, asset_id))
            except (UnavailableError, psycopg.Error, SQLAlchemyError):
                log.warning("media_database_away", error="write")

    def _account(self, account_id: UUID) -> AccountRuntime:
        with self._services.database.system_connection() as connection:
            return self._accounts.by_id(connection, account_id)

    @staticmethod
    def _store(arrived: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        arrived.replace(target)

    @staticmethod
    def _clear(folder: Path, asset_id: UUID, attempts: int) -> None:
        """What earlier attempts left behind when their process died."""
        for attempt in range(1, attempts):
            for ending in ("", ".part"):
                (folder / f"{asset_id}.{attempt}.arriving{ending}").unlink(missing_ok=True)

    def _write(self, statement: Any, row: tuple[Any, ...]) -> None:
        with hot(self._services.database) as connection:
            connection.execute(statement, row)
