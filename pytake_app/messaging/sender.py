"""The outbox role: many requests in flight, in order per conversation, results written back in batches."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import redis
import redis.asyncio
import structlog
from pydantic import ValidationError

from pytake_app.channels.content import parse_content
from pytake_app.channels.errors import MediaError, RenderError, SendError, SendErrorKind, Withdrawn
from pytake_app.channels.whatsapp.client import WhatsAppClient
from pytake_app.core import tracing
from pytake_app.core.ending import end
from pytake_app.core.errors import NotFoundError
from pytake_app.core.live import connect_async
from pytake_app.core.metrics import (
    circuit_changes,
    circuits_open,
    counter,
    graph_answers,
    graph_seconds,
    histogram,
    outbox_in_flight,
    outbox_retries,
    outbox_seconds,
    outbox_sent,
    rate_wait_seconds,
)
from pytake_app.core.services import Services
from pytake_app.jobs import enqueue
from pytake_app.messaging import heartbeat, outbox_store, results, statuses
from pytake_app.messaging.breaker import State
from pytake_app.messaging.gate import Gate
from pytake_app.messaging.limiter import RateLimiter
from pytake_app.messaging.lookout import Lookout
from pytake_app.messaging.media_fetch import MediaFetcher
from pytake_app.messaging.media_send import MediaUploader, uploaded_ids
from pytake_app.messaging.outbox_store import HOLD_SECONDS, Claimed
from pytake_app.messaging.platforms import PLATFORMS, make_clients, recipient_of
from pytake_app.messaging.results import Result
from pytake_app.messaging.signs import SignSender
from pytake_app.messaging.sql import DATABASE_ERRORS, hot
from pytake_app.messaging.statuses import Changed
from pytake_app.whatsapp.runtime import AccountReader, AccountRuntime

log = structlog.get_logger(__name__)

# Accounts that are paused or don't work, and those of organizations at rest.
_LEFT_ALONE = """
SELECT id FROM channel_accounts WHERE status <> 'active'
UNION SELECT a.id FROM organizations o JOIN channel_accounts a ON a.organization_id = o.id WHERE o.status <> 'active'
"""
POLL_SECONDS = 1.0
_SHORTEST_WAIT = 0.01
STOP_SECONDS = 4.0
"""Then what is still unanswered is written as unsure. `up` kills a second later (`supervisor.APPLICATION_GRACE`)."""
CLAIM_BATCH = 200
AHEAD_SECONDS = 3.0
"""What of a claim would wait longer than this for its number's rate is given back: a claim has an end, and what is more
urgent shall not have to wait behind it."""
_RESULTS_WAIT = 0.01
"""Seconds for which a result may wait for others. What is next in its conversation waits with it."""
_RESULTS_TOGETHER = 20
_RECENT = timedelta(seconds=10)
_WHOLE_EVERY = 0.25
"""Seconds after which a claim looks at the whole queue again, and not only at what has become due lately. It does so
each time while there is more than it may take, or while a number rests."""
_BUSY = 8
"""With more calls under way than this, signs of reading and typing are left out."""
_AGED_EVERY = 8
_UNREADABLE_PAUSE = 5.0
_QUOTA_SECONDS = 3.0
_REFUSED = (SendErrorKind.PERMANENT, SendErrorKind.UNDELIVERABLE, SendErrorKind.REENGAGEMENT)


def running_seconds() -> float:
    """Seconds by a clock that nobody sets and that goes on while a process, or the machine, is asleep."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Sender:
    """One sender process's work. Run it inside one event loop.

    Parameters:
        services: the process's services.
        lookout: looks for what nobody was told of; without it that is polled for.
    """

    def __init__(self, services: Services, lookout: Lookout | None = None) -> None:
        self._services = services
        self._lookout = lookout
        self._settings = services.settings
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        # Nobody else's, ever: in containers the next process has the same name.
        self._claimant = f"{self.name}:{uuid4().hex[:12]}"
        # Claimed, and what became of it not written yet. Only between two writes does it change.
        self._in_hand: set[int] = set()
        self._interrupted = False
        self._accounts = AccountReader(services.settings, services.secrets)
        self._results: list[Result] = []
        self._results_due: asyncio.TimerHandle | None = None
        self._full = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._poll = lookout.watch(outbox_store.ANY_DUE, self._wake.set) if lookout else POLL_SECONDS
        self._paused: list[UUID] = []
        self._paused_read = 0.0
        self._cycles = 0
        self._whole_from = 0.0
        self._circuits: dict[UUID, bool] = {}
        self._stopping = False
        self._clients: dict[str, WhatsAppClient] = {}
        self._redis = connect_async(services.settings, answers_within=_QUOTA_SECONDS)
        self._limiter = RateLimiter(self._redis)
        self._gate = Gate(services, self._redis)
        self._uploader = MediaUploader(services)

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is due until `stop` is set; then finish what is in flight."""
        self._clients = make_clients(self._settings)
        fetcher = MediaFetcher(self._services, self._accounts, self._clients, self._lookout)
        signs = SignSender(self._services, self._accounts, self._clients, busy=lambda: len(self._tasks) > _BUSY)
        helpers = [
            asyncio.create_task(signs.run()),
            asyncio.create_task(self._listen()),
            asyncio.create_task(fetcher.run()),
            asyncio.create_task(self._beat()),
        ]
        stopper = asyncio.create_task(self._stop_on(stop))
        try:
            await self._loop()
        finally:
            await end([*helpers, stopper])
            for client in self._clients.values():
                await client.aclose()
            await self._redis.aclose()

    async def _stop_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._stopping = True
        self._wake.set()

    async def _loop(self) -> None:
        more = False
        pause = 0.1
        while not self._stopping:
            if not more:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._patience())
            self._wake.clear()
            try:
                more = await self._cycle()
                pause = 0.1
            except DATABASE_ERRORS as error:
                # Results stay in hand until they can be written: nothing is sent again meanwhile.
                log.warning("outbox_database_away", error=type(error).__name__, results=len(self._results))
                # A claim may have been committed and its answer lost.
                self._interrupted = True
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
                more = True
        await self._finish()

    def _patience(self) -> float:
        """Seconds to wait for a poke: no longer than an account rests, whose rows nobody pokes for again."""
        soonest = self._gate.soonest()
        return self._poll if soonest is None else min(max(soonest, _SHORTEST_WAIT), POLL_SECONDS)

    async def _finish(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while (self._tasks or self._results) and time.monotonic() < deadline:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=0.25, return_when=asyncio.FIRST_COMPLETED)
            taken, self._results = self._results, []
            try:
                await asyncio.to_thread(self._write_only, taken)
            except DATABASE_ERRORS as error:
                self._results = taken + self._results
                log.warning("outbox_database_away", error=type(error).__name__, results=len(self._results))
                await asyncio.sleep(0.25)
        if self._tasks:
            await self._give_up()

    async def _give_up(self) -> None:
        """What is still under way has left, and nobody will hear the answer: the platform's report may tell."""
        await end(self._tasks)
        try:
            await asyncio.to_thread(self._write_only, self._results)
        except DATABASE_ERRORS as error:
            log.warning("outbox_database_away", error=type(error).__name__, results=len(self._results))

    def circuit(self, account_id: UUID) -> State:
        """What this sender thinks of the account's platform."""
        return self._gate.state(account_id)

    # -- the database -----------------------------------------------------------------------------------------------

    async def _cycle(self) -> bool:
        """Write results, claim what is due, set it going. True when there may be more to claim at once."""
        free = min(self._settings.outbox_in_flight - len(self._tasks), CLAIM_BATCH)
        taken, self._results = self._results, []
        if self._results_due is not None:
            self._results_due.cancel()
            self._results_due = None
        try:
            changed, claimed = await asyncio.to_thread(self._write_and_claim, taken, free)
        except BaseException:
            self._results = taken + self._results
            raise
        self._interrupted = False
        self._in_hand.difference_update(result.item.sequence for result in taken)
        self._in_hand.update(item.sequence for item in claimed)
        self._note(taken)
        by_account: dict[UUID, list[Claimed]] = {}
        for item in claimed:
            by_account.setdefault(item.channel_account_id, []).append(item)
        for account_id, items in by_account.items():
            await self._dispatch(account_id, items)
        if changed:
            # What is to be sent is on its way meanwhile.
            await asyncio.to_thread(self._services.live.publish_many, statuses.pokes(changed))
        if self._results:
            self._write_soon()
        self._full = len(self._tasks) >= self._settings.outbox_in_flight
        return 0 < free <= len(claimed) and not self._full

    def _write_soon(self) -> None:
        """There are results. They are written with the next claim, or in a moment: a transaction for each would cost
        more than the sends."""
        if self._full or len(self._results) >= _RESULTS_TOGETHER or self._results[-1].outcome != "sent":
            self._wake.set()
        elif self._results_due is None:
            self._results_due = asyncio.get_running_loop().call_later(_RESULTS_WAIT, self._wake.set)

    def _write_and_claim(self, taken: list[Result], free: int) -> tuple[list[Changed], list[Claimed]]:
        mine_until = running_seconds() + self._settings.outbox_lease_seconds
        now = self._services.clock.now()
        moment = time.monotonic()
        whole = moment >= self._whole_from or self._interrupted or self._gate.soonest() is not None
        with hot(self._services.database, pipelined=True) as connection:
            changed_of = results.begin_write(connection, taken, now)
            if self._interrupted:
                outbox_store.give_back_unknown(connection, self._claimant, self._in_hand)
            if free <= 0:
                return changed_of(), []
            self._cycles += 1
            claimed_of = outbox_store.ask_claim(
                connection,
                by=self._claimant,
                now=now,
                hold=now + timedelta(seconds=HOLD_SECONDS),
                limit=free,
                resting=self._left_alone(connection),
                after=outbox_store.LONG_AGO if whole else now - _RECENT,
                aged=self._cycles % _AGED_EVERY == 0,
                mine_until=mine_until,
            )
            changed, claimed = changed_of(), claimed_of()
        if whole:
            self._whole_from = moment + _WHOLE_EVERY if len(claimed) < free else 0.0
        return changed, claimed

    def _write_only(self, taken: list[Result]) -> None:
        with hot(self._services.database) as connection:
            changed = results.write(connection, taken, self._services.clock.now())
        self._services.live.publish_many(statuses.pokes(changed))

    def _left_alone(self, connection: psycopg.Connection[tuple[object, ...]]) -> list[UUID]:
        moment = time.monotonic()
        if moment - self._paused_read > 2.0:
            rows = connection.execute(_LEFT_ALONE).fetchall()
            self._paused = [UUID(str(row[0])) for row in rows]
            self._paused_read = moment
        return [*self._gate.resting(), *self._paused]

    def _note(self, taken: list[Result]) -> None:
        now = self._services.clock.now()
        for result in taken:
            counter(outbox_sent, "whatsapp", result.outcome).inc()
            if result.outcome == "again" or result.answered:
                counter(outbox_retries, str((result.error or {}).get("kind", "internal"))).inc()
            if result.outcome == "sent":
                outbox_seconds.observe(max(0.0, (now - result.item.created_at).total_seconds()))
            changed = self._gate.note(result)
            if changed is not None:
                self._circuits[result.item.channel_account_id] = changed == "open"
                counter(circuit_changes, changed).inc()
                log.warning("circuit_changed", state=changed, channel_account_id=str(result.item.channel_account_id))
            if result.account_failed:
                self._paused_read = 0.0
                self._accounts.forget()
                log.warning("account_paused", channel_account_id=str(result.item.channel_account_id))

    # -- sending ----------------------------------------------------------------------------------------------------

    async def _dispatch(self, account_id: UUID, items: list[Claimed]) -> None:
        account = self._accounts.known(account_id)
        if account is None:
            try:
                account = await asyncio.to_thread(self._read_account, account_id)
            except (*DATABASE_ERRORS, NotFoundError) as error:
                log.warning("account_unreadable", error=type(error).__name__, channel_account_id=str(account_id))
                self._results += [Result(item, "held", wait=_UNREADABLE_PAUSE) for item in items]
                return
        first = interval = 0.0
        rate = account.messages_per_second
        if rate > 0:
            room = max(1, int(rate * AHEAD_SECONDS))
            self._results += [Result(item, "released") for item in items[room:]]
            items = items[:room]
        items, held = await self._gate.admit(account, items)
        self._results += held
        if rate > 0 and items:
            first, interval = await self._limiter.reserve(str(account_id), rate, len(items))
            rate_wait_seconds.observe(max(0.0, first + (len(items) - 1) * interval))
        for n, item in enumerate(items):
            task = asyncio.create_task(self._send(account, item, first + n * interval))
            self._tasks.add(task)
            self._gate.began(account_id)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda _: self._gate.ended(account_id))
        last = first + len(items) * interval
        if last > POLL_SECONDS:
            # Its own limit, not our slots, is what it waits for: let others have the slots.
            self._gate.rest(account_id, last - POLL_SECONDS / 2)

    def _read_account(self, account_id: UUID) -> AccountRuntime:
        with self._services.database.system_connection() as connection:
            return self._accounts.by_id(connection, account_id)

    async def _send(self, account: AccountRuntime, item: Claimed, delay: float) -> None:
        result: Result | None = None
        begun = False
        try:
            if delay > 0:
                await asyncio.sleep(delay)
            if not self._stopping:
                begun = True
                result = await (self._attempt(account, item) if item.trace is None else self._traced(account, item))
        finally:
            if result is None:
                # Also when this is canceled: what has begun may have left.
                result = results.unanswered(item) if begun else Result(item, "released")
            # The list is swapped while this waits: it must be looked up afterwards.
            self._results.append(result)
            self._write_soon()

    async def _traced(self, account: AccountRuntime, item: Claimed) -> Result:
        about: tracing.Attributes = {
            "pytake.channel": account.channel,
            "pytake.attempt": item.attempts,
            "pytake.priority": item.priority,
            "pytake.organization_id": str(item.organization_id),
            "pytake.message_id": str(item.message_id),
        }
        span = tracing.go_on("send", "producer", item.trace, about)
        result = await self._attempt(account, replace(item, trace=tracing.carried(span)))
        failed = None if result.outcome == "sent" else str((result.error or {}).get("reason", result.outcome))
        tracing.end(span, failed=failed, outcome=result.outcome)
        return replace(result, item=item, trace=tracing.carried(span))

    async def _attempt(self, account: AccountRuntime, item: Claimed) -> Result:
        content = item.content
        if uploaded_ids(content):
            try:
                content = await self._uploader.ready(
                    account, self._clients[account.channel], item.organization_id, content
                )
            except MediaError as error:
                await self._gate.give_back(item)
                return Result(item, "dead", error={"kind": "permanent", "reason": f"media_{error.reason}"})
            except SendError as error:
                return results.of_error(item, error)
            except (OSError, *DATABASE_ERRORS) as error:
                log.warning("media_not_uploaded", error=type(error).__name__)
                later = SendError(SendErrorKind.RETRYABLE, reason="internal", message=type(error).__name__)
                return results.of_error(item, later)
        try:
            request = PLATFORMS[account.channel].render(
                parse_content(content),
                recipient_of(item.recipient),
                reply_to=item.context_external_id,
                callback_data=str(item.id),
            )
        except (RenderError, ValidationError, KeyError) as error:
            reason = error.code if isinstance(error, RenderError) else "invalid_content"
            title = str(error) if isinstance(error, RenderError) else type(error).__name__
            return Result(item, "dead", error={"kind": "permanent", "reason": reason, "title": title[:300]})
        if item.attempts > 1:
            # An earlier attempt may be reported on at last, while this one waited for its turn.
            try:
                if not await asyncio.to_thread(self._still_claimed, item):
                    return Result(item, "lost")
            except DATABASE_ERRORS:
                return Result(item, "released")
        began = time.perf_counter()
        span = tracing.go_on("graph", "client", item.trace) if item.trace else None
        try:
            answer = await self._clients[account.channel].send(
                account.credentials, request, may_leave=lambda: running_seconds() < item.mine_until
            )
        except Withdrawn:
            # Frozen, or held up for long: meanwhile somebody else may have sent it.
            tracing.end(span, failed="claim_lost")
            await self._gate.give_back(item)
            log.warning("claim_lost", outbox_id=str(item.id))
            return Result(item, "lost")
        except SendError as error:
            self._answered(account.channel, error.kind.value, began)
            tracing.end(span, failed=error.reason, code=error.code or 0, http_status=error.http_status or 0)
            if error.kind in _REFUSED:
                await self._gate.give_back(item)
            return results.of_error(item, error, fallback=account.reengagement_template)
        except Exception as error:
            # Not ours to judge whether it left: the status webhook will tell.
            log.exception("send_failed_unexpectedly")
            self._answered(account.channel, "internal", began)
            tracing.end(span, failed="internal")
            unsure = SendError(SendErrorKind.UNSURE, reason="internal", message=type(error).__name__)
            return results.of_error(item, unsure)
        self._answered(account.channel, "ok", began)
        tracing.end(span)
        return Result(item, "sent", external_id=answer.external_id)

    def _still_claimed(self, item: Claimed) -> bool:
        with hot(self._services.database) as connection:
            return outbox_store.still_claimed(connection, item, self._claimant)

    @staticmethod
    def _answered(channel: str, answer: str, began: float) -> None:
        histogram(graph_seconds, channel).observe(time.perf_counter() - began)
        counter(graph_answers, channel, answer).inc()

    async def _beat(self) -> None:
        """Tell pages that this sender lives, and which circuits are open."""
        while True:
            try:
                await asyncio.to_thread(self._tell)
            except redis.RedisError as error:
                log.info("heartbeat_not_told", error=type(error).__name__)
            await asyncio.sleep(heartbeat.EVERY_SECONDS)

    def _tell(self) -> None:
        outbox_in_flight.set(len(self._tasks))
        circuits_open.set(self._gate.open_circuits())
        heartbeat.beat(self._services.redis, "outbox", self.name)
        for account_id, is_open in list(self._circuits.items()):
            heartbeat.tell_circuit(self._services.redis, account_id, is_open=is_open)
            if not is_open:
                self._circuits.pop(account_id, None)

    # -- wake-ups ---------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        client = connect_async(self._settings, answers_within=2 * enqueue.LISTEN_SECONDS)
        pause = 0.1
        try:
            while True:
                try:
                    if await enqueue.popped(client, enqueue.outbox_wake_key()) is not None:
                        self._wake.set()
                    pause = 0.1
                except (redis.RedisError, OSError) as error:
                    log.warning("outbox_listen_interrupted", error=type(error).__name__)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 5.0)
        finally:
            await client.aclose()
