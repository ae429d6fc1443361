"""What of a claimed batch may go now: circuit breaker, fair share of the sender, pair rate, people written to first."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

import redis.asyncio

from pytake_app.core.metrics import counter, outbox_held
from pytake_app.core.services import Services
from pytake_app.messaging import outbox_store
from pytake_app.messaging.backoff import jittered
from pytake_app.messaging.breaker import Breaker, State
from pytake_app.messaging.outbox_store import Claimed
from pytake_app.messaging.quotas import Quotas, QuotasUnknown
from pytake_app.messaging.results import Result
from pytake_app.messaging.sql import DATABASE_ERRORS, hot
from pytake_app.whatsapp.runtime import AccountRuntime

_BUSY_PAUSE = 0.05
_UNKNOWN_PAUSE = 5.0
_RATE_BASE = 1.0
_RATE_CAP = 60.0
_LONGEST_HOLD = 6 * 3600.0
"""Quotas may be raised meanwhile, so even a full day's quota is asked again."""
_SHARE = 0.8
"""Of the slots that others leave free, the part one account may take: some are always left for the next one."""


class Gate:
    """Decides for one sender.

    Parameters:
        services: the process's services.
        client: an asyncio Redis client of this event loop.
        clock: monotonic seconds; tests inject it.
    """

    def __init__(
        self, services: Services, client: redis.asyncio.Redis, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._services = services
        self._slots = services.settings.outbox_in_flight
        self._quotas = Quotas(client)
        self._clock = clock
        self._breakers: dict[UUID, Breaker] = {}
        self._resting: dict[UUID, float] = {}
        self._refusals: Counter[UUID] = Counter()
        self._in_flight: Counter[UUID] = Counter()

    # -- accounts that are left alone -------------------------------------------------------------------------------

    def resting(self) -> list[UUID]:
        """Accounts of which nothing need be claimed for the moment."""
        moment = self._clock()
        self._resting = {account: until for account, until in self._resting.items() if until > moment}
        closed = [account for account, breaker in self._breakers.items() if breaker.pause > 0 or breaker.probing]
        return [*self._resting, *closed]

    def rest(self, account_id: UUID, seconds: float) -> None:
        """Leave an account alone for so long."""
        self._resting[account_id] = max(self._clock() + seconds, self._resting.get(account_id, 0.0))

    def slow_down(self, account_id: UUID, seconds: float) -> None:
        """The platform refused a message for the account's rate: leave it alone, longer each time until one is taken.

        Parameters:
            seconds: what it asked for, or a guess.
        """
        if self._resting.get(account_id, 0.0) <= self._clock():  # else it is about the same moment
            self._refusals[account_id] += 1
            seconds = max(seconds, jittered(self._refusals[account_id], base=_RATE_BASE, cap=_RATE_CAP))
        self.rest(account_id, seconds)

    def soonest(self) -> float | None:
        """Seconds until the first resting account may be claimed again; None when none rests."""
        return max(min(self._resting.values()) - self._clock(), 0.0) if self._resting else None

    def state(self, account_id: UUID) -> State:
        """Of the account's circuit breaker."""
        breaker = self._breakers.get(account_id)
        return "closed" if breaker is None else breaker.state

    def open_circuits(self) -> int:
        """How many accounts' circuit breakers are not closed."""
        return sum(breaker.state != "closed" for breaker in self._breakers.values())

    # -- a call's beginning and end -----------------------------------------------------------------------------------

    def began(self, account_id: UUID) -> None:
        """A call is under way."""
        self._in_flight[account_id] += 1

    def ended(self, account_id: UUID) -> None:
        """It is over."""
        self._in_flight[account_id] -= 1
        if self._in_flight[account_id] <= 0:
            del self._in_flight[account_id]

    def note(self, result: Result) -> State | None:
        """Learn from a result. Answers the breaker's new state if it changed.

        Parameters:
            result: `sent` and refusals show that the platform answers; `again` after a fault of the platform and
                `unsure` that it may not.
        """
        account_id = result.item.channel_account_id
        breaker = self._breakers.get(account_id)
        if result.rest:
            self.slow_down(account_id, result.rest)
        elif result.outcome == "sent":
            self._refusals.pop(account_id, None)
        if result.fault:
            if breaker is None:
                breaker = self._breakers[account_id] = Breaker(self._clock)
            return "open" if breaker.failed() else None
        if breaker is None or (result.outcome == "held" and not result.answered):
            return None
        if result.outcome in ("released", "lost"):
            breaker.unsettled()
            return None
        self._breakers.pop(account_id)
        return "closed" if breaker.succeeded() else None

    # -- a batch ----------------------------------------------------------------------------------------------------

    async def admit(self, account: AccountRuntime, items: Sequence[Claimed]) -> tuple[list[Claimed], list[Result]]:
        """Divide a batch of one account, in order, into what may go and what is held back, and until when."""
        rest = list(items)
        held: list[Result] = []
        breaker = self._breakers.get(account.id)
        if breaker is not None:
            room = breaker.room(len(rest))
            rest, late = rest[:room], rest[room:]
            held += [_held(item, max(breaker.pause, 1.0), "circuit_open") for item in late]
        room = self._room(account.id)
        if room < len(rest):
            rest, late = rest[:room], rest[room:]
            held += [_held(item, 0.0, None) for item in late]
            self.rest(account.id, _BUSY_PAUSE)
        rest, waiting = await self._by_tier(account, rest)
        held += waiting
        rest, waiting = await self._by_pair(account, rest)
        held += waiting
        if breaker is not None and not rest:
            breaker.unsettled()
        return rest, held

    def _room(self, account_id: UUID) -> int:
        own = self._in_flight[account_id]
        free = self._slots - self._in_flight.total()
        return max(int((free + own) * _SHARE) - own, 0 if own else 1)

    async def _by_pair(self, account: AccountRuntime, items: list[Claimed]) -> tuple[list[Claimed], list[Result]]:
        if account.pair_interval <= 0 or not items:
            return items, []
        waits = await self._quotas.pairs(
            account.id, [item.recipient for item in items], interval=account.pair_interval, burst=account.pair_burst
        )
        return _divide(items, waits, "pair_rate")

    async def _by_tier(self, account: AccountRuntime, items: list[Claimed]) -> tuple[list[Claimed], list[Result]]:
        limit = account.daily_first_contacts
        first = [item for item in items if item.initiates]
        if limit is None or not first:
            return items, []
        people = [item.recipient for item in first]

        async def known() -> list[tuple[str, float]]:
            return await asyncio.to_thread(self._known, account.id)

        waits: Sequence[float]
        try:
            waits = await self._quotas.first_contacts(account.id, people, limit=limit, known=known)
        except (QuotasUnknown, *DATABASE_ERRORS):
            waits = [_UNKNOWN_PAUSE] * len(first)
        by_sequence = {item.sequence: wait for item, wait in zip(first, waits, strict=True)}
        return _divide(items, [by_sequence.get(item.sequence, 0.0) for item in items], "daily_limit")

    def _known(self, account_id: UUID) -> list[tuple[str, float]]:
        now = self._services.clock.now()
        with hot(self._services.database) as connection:
            return outbox_store.first_contacts(connection, account_id, now - timedelta(hours=24))

    async def give_back(self, item: Claimed) -> None:
        """The platform refused a message for good: the person wasn't written to."""
        if item.initiates:
            await self._quotas.give_back(item.channel_account_id, item.recipient)


def _divide(items: list[Claimed], waits: Sequence[float], reason: str) -> tuple[list[Claimed], list[Result]]:
    go: list[Claimed] = []
    held: list[Result] = []
    for item, wait in zip(items, waits, strict=True):
        if wait <= 0:
            go.append(item)
        else:
            held.append(_held(item, min(wait, _LONGEST_HOLD), reason))
    return go, held


def _held(item: Claimed, wait: float, reason: str | None) -> Result:
    if reason is not None:
        counter(outbox_held, reason).inc()
    error = None if reason is None else {"kind": "held", "reason": reason}
    return Result(item, "held", wait=wait, error=error)
