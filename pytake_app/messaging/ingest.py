"""Ingest: what a webhook said becomes committed rows, once, before it is acknowledged.

Requests that arrive together share one multi-row insert and one commit. A repeat (Meta retries for up to 7 days) meets
the unique key (account, kind, external id) and is a no-op.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import psycopg
import redis
import structlog
from sqlalchemy.exc import SQLAlchemyError

from pytake_app.channels.base import AccountNotice, InboundMessage, ParsedWebhook, StatusUpdate
from pytake_app.core import tracing
from pytake_app.core.ending import end
from pytake_app.core.errors import UnavailableError
from pytake_app.core.metrics import counter, ingest_batch, ingest_failed, ingest_seconds, webhook_unknown
from pytake_app.core.services import Services
from pytake_app.jobs import enqueue
from pytake_app.messaging.keys import KeyBook
from pytake_app.messaging.lanes import lane_of
from pytake_app.messaging.payloads import (
    NOBODY,
    contact_key_of,
    history_payload,
    is_placeholder,
    message_payload,
    notice_payload,
    status_key_of,
    status_payload,
)
from pytake_app.messaging.sql import Connection, dumps, hot, insert_rows, insert_statement

Row = dict[str, Any]

log = structlog.get_logger(__name__)

MAX_BATCH_ROWS = 1000
MAX_WAITING = 4000
"""Requests waiting for a commit; beyond it the database is not keeping up and the sender is asked to come back."""

_EVENTS = insert_statement(
    "inbound_events",
    ("organization_id", "channel_account_id", "lane", "contact_key", "kind", "external_id", "payload", "state",
     "attempts", "next_attempt_at", "received_at"),
    "ON CONFLICT (channel_account_id, kind, external_id) DO NOTHING",
)  # fmt: skip
_RAW = (
    "INSERT INTO raw_webhooks (id, organization_id, channel_account_id, channel, reason, body, received_at) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s)"
)


@dataclass(frozen=True, slots=True)
class IngestAccount:
    """A channel account whose signature the caller has verified."""

    id: UUID
    organization_id: UUID
    external_id: str
    channel: str = "whatsapp"
    business_account_id: str = ""


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became durable: `events` were stored or are repeats, `unknown` fragments were kept raw."""

    events: int
    unknown: int


@dataclass(frozen=True, slots=True)
class _RawRow:
    account: IngestAccount | None
    channel: str
    reason: str
    body: bytes


@dataclass(slots=True)
class _Submission:
    events: list[Row]
    raw: list[_RawRow]
    received_at: datetime
    done: asyncio.Future[IngestResult]


def event_rows(
    accounts: Sequence[IngestAccount],
    parsed: ParsedWebhook,
    lanes: int,
    now: datetime,
    own: IngestAccount | None = None,
) -> tuple[list[Row], list[_RawRow]]:
    """The rows of one delivery, in the order it spoke. Fragments of other accounts than `accounts` are kept raw:
    their signature was not checked against those accounts' secrets.

    Parameters:
        own: the account at whose own address the delivery came; what names no account belongs to it. Elsewhere a
            notice that names only its business account belongs to each of `accounts` that are part of that.
    """
    known = {account.external_id: [account] for account in accounts}
    businesses: dict[str, list[IngestAccount]] = {}
    for account in accounts:
        if account.business_account_id:
            businesses.setdefault(account.business_account_id, []).append(account)
    events: list[Row] = []
    raw: list[_RawRow] = []
    moment = now.isoformat()
    # A fragment that names nobody belongs to an organization only if there is one it can belong to.
    first = accounts[0] if len({account.organization_id for account in accounts}) == 1 else None
    channel = accounts[0].channel if accounts else "whatsapp"

    def add(
        item: InboundMessage | StatusUpdate | AccountNotice,
        contact_key: str,
        kind: str,
        external_id: str,
        payload: Row,
    ) -> None:
        owners = known.get(item.account_external_id)
        if owners is None and not item.account_external_id:
            owners = [own] if own is not None else None
            if owners is None and kind == "notice":
                owners = businesses.get(item.business_account_id or "")
        if not owners:
            fragment = item.details if isinstance(item, AccountNotice) else item.raw
            raw.append(_RawRow(None, channel, "unknown_account", _bytes(fragment)))
            return
        events.extend(
            {
                "organization_id": account.organization_id,
                "channel_account_id": account.id,
                "lane": lane_of(account.id, contact_key, lanes),
                "contact_key": contact_key,
                "kind": kind,
                "external_id": external_id,
                "payload": payload,
                "state": "pending",
                "attempts": 0,
                "next_attempt_at": moment,
                "received_at": moment,
            }
            for account in owners
        )

    for message in parsed.messages:
        add(message, contact_key_of(message), "message", message.external_id, message_payload(message))
    for echo in parsed.echoes:
        add(echo, contact_key_of(echo), "echo", echo.external_id, message_payload(echo))
    for past in parsed.history:
        # The file of a message whose place was held comes later, under the same id.
        external_id = f"{past.external_id}:{past.platform_type}" if is_placeholder(past) else past.external_id
        add(past, contact_key_of(past), "history", external_id, history_payload(past))
    for status in parsed.statuses:
        add(status, status_key_of(status), "status", f"{status.external_id}:{status.platform_status}",
            status_payload(status))  # fmt: skip
    for notice in parsed.notices:
        sender = notice.sender
        add(notice, (sender.contact_key if sender else None) or NOBODY, "notice",
            f"{notice.kind}:{notice.external_id}", notice_payload(notice))  # fmt: skip
    raw.extend(_RawRow(first, channel, f"status:{other.kind}", _bytes(other.raw)) for other in parsed.other_statuses)
    raw.extend(_RawRow(first, channel, fragment.path[:200], _bytes(fragment.raw)) for fragment in parsed.unknown)
    return events, raw


def store_events(connection: Connection, rows: Sequence[Row]) -> None:
    """Store rows of `event_rows`; those that are known already are left out."""
    insert_rows(connection, _EVENTS, rows)


def _bytes(fragment: Any) -> bytes:
    try:
        return orjson.dumps(fragment, default=str)
    except TypeError:
        return dumps(fragment).encode()


def _settle(stored: asyncio.Future[None], error: BaseException | None) -> None:
    if stored.done():
        return
    if error is None:
        stored.set_result(None)
    else:
        stored.set_exception(error)


def _refuse(batch: list[_Submission]) -> None:
    for submission in batch:
        if not submission.done.done():
            submission.done.set_exception(UnavailableError("The delivery could not be stored.", retry_after=5))


class Ingestor:
    """Stores deliveries in micro-batches. One a process and event loop; `start` and `stop` it with the server.

    Parameters:
        services: the process's services.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._keys = KeyBook(services.settings.lanes)
        self._waiting: list[_Submission] = []
        self._in_hand: list[_Submission] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        # Lanes to be poked, and the one thread that does it for all.
        self._lanes: set[int] = set()
        self._listed = threading.Lock()
        self._poking = threading.Lock()
        # Threads of its own: in the loop's shared few an acknowledgement would queue behind what pages ask for.
        self._threads: ThreadPoolExecutor | None = None

    async def start(self) -> None:
        """Begin committing."""
        if self._task is None:
            self._threads = ThreadPoolExecutor(2, thread_name_prefix="ingest")
            self._task = asyncio.create_task(self._commit_loop())

    async def stop(self) -> None:
        """Commit what waits, tell the workers, then stop."""
        task, self._task = self._task, None
        if task is None or self._threads is None:
            return
        while (rest := [*self._in_hand, *self._waiting]) and not task.done():
            await asyncio.gather(*(submission.done for submission in rest), return_exceptions=True)
        await end([task])
        await asyncio.to_thread(self._threads.shutdown)

    async def submit(
        self,
        account: IngestAccount | Sequence[IngestAccount],
        parsed: ParsedWebhook,
        *,
        own: IngestAccount | None = None,
        trace: str | None = None,
    ) -> IngestResult:
        """Make one parsed delivery durable; returns after the commit.

        Parameters:
            account: the account, or all accounts, whose signature this delivery was verified for.
            parsed: what the channel's parser read.
            own: the account at whose own address it came, if it did; what names no account belongs to it.
            trace: what the span of the request carries on, if it is traced.

        Raises:
            UnavailableError: the database is away or not keeping up; answer 503 so that the platform retries.
        """
        if self._task is None:
            await self.start()
        if len(self._waiting) >= MAX_WAITING:
            raise UnavailableError("Too many deliveries are waiting to be stored.", retry_after=5)
        accounts = [account] if isinstance(account, IngestAccount) else list(account)
        now = self._services.clock.now()
        events, raw = event_rows(accounts, parsed, self._services.settings.lanes, now, own)
        if not events and not raw:
            return IngestResult(0, 0)
        span = tracing.go_on("ingest", "internal", trace, {"pytake.events": len(events)}) if trace else None
        if span is not None:
            for row in events:
                row["payload"]["trace"] = tracing.carried(span)
        submission = _Submission(events, raw, now, asyncio.get_running_loop().create_future())
        self._waiting.append(submission)
        self._wake.set()
        try:
            return await submission.done
        except UnavailableError:
            tracing.end(span, failed="unavailable")
            span = None
            raise
        finally:
            tracing.end(span)

    def _take(self) -> list[_Submission]:
        rows = count = 0
        while count < len(self._waiting) and rows < MAX_BATCH_ROWS:
            rows += len(self._waiting[count].events) + len(self._waiting[count].raw)
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    async def _commit_loop(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                self._in_hand = self._take()
                await self._commit(self._in_hand)
                self._in_hand = []

    async def _commit(self, batch: list[_Submission]) -> None:
        assert self._threads is not None
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()
        self._threads.submit(self._store_and_poke, batch, loop, stored)
        try:
            await stored
        except (UnavailableError, SQLAlchemyError) as error:
            log.warning("ingest_failed", error=type(error).__name__, deliveries=len(batch))
            counter(ingest_failed, "database").inc(len(batch))
            _refuse(batch)
            return
        except Exception as error:
            if len(batch) > 1:
                # One delivery that can't be stored must not fail its neighbours.
                for submission in batch:
                    await self._commit([submission])
                return
            # Whatever it is: nobody may wait for ever, and the next batch must have its turn.
            log.exception("ingest_failed", deliveries=1)
            counter(ingest_failed, "database" if isinstance(error, psycopg.Error) else "other").inc()
            _refuse(batch)
            return
        for submission in batch:
            if not submission.done.done():
                submission.done.set_result(IngestResult(len(submission.events), len(submission.raw)))

    def _store_and_poke(
        self, batch: list[_Submission], loop: asyncio.AbstractEventLoop, stored: asyncio.Future[None]
    ) -> None:
        """In a thread: the requests are told as soon as it is durable, the workers next."""
        try:
            self._store(batch)
        except BaseException as error:  # noqa: BLE001  # it is raised where the batch is waited for
            loop.call_soon_threadsafe(_settle, stored, error)
            return
        loop.call_soon_threadsafe(_settle, stored, None)
        self._poke_lanes({row["lane"] for submission in batch for row in submission.events})

    def _store(self, batch: list[_Submission]) -> None:
        events = [row for submission in batch for row in submission.events]
        began = time.perf_counter()
        with hot(self._services.database, pipelined=True) as connection:
            self._keys.settle(connection, events, batch[-1].received_at)
            store_events(connection, events)
            self._store_raw(connection, batch)
        ingest_seconds.observe(time.perf_counter() - began)
        ingest_batch.observe(len(batch))

    def _store_raw(self, connection: Connection, batch: list[_Submission]) -> None:
        for submission in batch:
            for raw in submission.raw:
                account = raw.account
                connection.execute(
                    _RAW,
                    (
                        self._services.new_id(),
                        account.organization_id if account else None,
                        account.id if account else None,
                        raw.channel,
                        raw.reason,
                        raw.body,
                        submission.received_at,
                    ),
                )
                counter(webhook_unknown, raw.channel).inc()

    def _poke_lanes(self, lanes: set[int]) -> None:
        with self._listed:
            self._lanes |= lanes
        # One thread at a time, for whoever comes meanwhile too: a Redis that hangs must not take both of them, or
        # acknowledgements would wait for it.
        while self._lanes and self._poking.acquire(blocking=False):
            try:
                with self._listed:
                    wanted, self._lanes = self._lanes, set()
                enqueue.poke_lanes(self._services.redis, self._services.settings, wanted)
            except (redis.RedisError, OSError) as error:
                log.warning("lane_poke_failed", error=type(error).__name__, lanes=len(wanted))
            finally:
                self._poking.release()
