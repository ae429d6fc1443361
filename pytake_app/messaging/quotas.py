"""What WhatsApp allows a number besides its rate: messages to one person, and people written to first in a day.

Both are kept by Redis scripts, one round trip for a whole batch, so that any number of senders keep to them together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from hashlib import blake2b
from typing import Any, Final, cast
from uuid import UUID

import redis.asyncio
import structlog

log = structlog.get_logger(__name__)

TIER_WINDOW: Final = timedelta(hours=24)
"""A moving window (Cloud API, Messaging limits)."""

# Generic cell rate algorithm (ITU-T I.371) for each key; what isn't allowed is not counted. Answers microseconds to
# wait, 0 when the message may go. What is farther ahead than the allowance was counted by a later time: the clock was
# put back, and counting begins anew.
_PAIRS = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval, allowance = tonumber(ARGV[1]), tonumber(ARGV[1]) * tonumber(ARGV[2])
local waits = {}
for n, key in ipairs(KEYS) do
    local before = tonumber(redis.call('GET', key) or 0)
    if before - now > allowance then before = 0 end
    local full = math.max(before, now) + interval
    local early = full - now - allowance
    if early > 0 then
        waits[n] = string.format('%.0f', early)
    else
        waits[n] = '0'
        redis.call('SET', key, string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
    end
end
return waits
"""

# One sorted set an account: people by the time of the last message that began a conversation. `-1`: nothing is known
# since Redis began, fill it first.
_TIER = """
if redis.call('EXISTS', KEYS[2]) == 0 then return {'-1'} end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local window, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
-- Counted by a later time: the clock was put back. They count from now.
for _, person in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], now + 60000, '+inf')) do
    redis.call('ZADD', KEYS[1], now, person)
end
local used = redis.call('ZCARD', KEYS[1])
local waits = {}
for n = 3, #ARGV do
    if redis.call('ZSCORE', KEYS[1], ARGV[n]) then
        waits[n - 2] = '0'
        redis.call('ZADD', KEYS[1], now, ARGV[n])
    elseif used < limit then
        used = used + 1
        waits[n - 2] = '0'
        redis.call('ZADD', KEYS[1], now, ARGV[n])
    else
        local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
        waits[n - 2] = string.format('%.0f', oldest[2] and (tonumber(oldest[2]) + window - now) or window)
    end
end
return waits
"""
_FILLED_SECONDS = 3600
"""Then the database is asked again: had the clock been ahead meanwhile, people were forgotten too early."""
_WINDOW_MS = int(TIER_WINDOW.total_seconds() * 1000)

Known = Callable[[], Awaitable[Sequence[tuple[str, float]]]]
"""Whom an account wrote to first in the last 24 hours: (recipient, seconds since 1970)."""


class QuotasUnknown(Exception):
    """Redis is away, so nobody knows what is left of a quota."""


class Quotas:
    """Asks for room before messages go.

    Parameters:
        client: an asyncio client of this event loop.
    """

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._pairs = client.register_script(_PAIRS)
        self._tier = client.register_script(_TIER)

    async def pairs(
        self, account_id: UUID, recipients: Sequence[str], *, interval: float, burst: int
    ) -> Sequence[float]:
        """Take one message's room for each recipient.

        Parameters:
            interval: seconds between two messages to the same person in the long run.
            burst: messages that may be ahead of that.

        Returns:
            seconds to wait for each, 0 where the message may go (only those are counted).
        """
        keys = [_pair_key(account_id, recipient) for recipient in recipients]
        try:
            answer = await self._pairs(keys=keys, args=[interval * 1e6, burst])
        except redis.RedisError as error:
            # The platform answers 131056 to what is too much, and that is tried again later.
            log.warning("pair_rate_unknown", error=type(error).__name__)
            return [0.0] * len(recipients)
        return [float(wait) / 1e6 for wait in cast("list[Any]", answer)]

    async def first_contacts(
        self, account_id: UUID, recipients: Sequence[str], *, limit: int, known: Known
    ) -> Sequence[float]:
        """Take room for writing to people outside a service window.

        Parameters:
            limit: people in 24 hours.
            known: what the database knows; asked once after Redis lost its data.

        Returns:
            seconds to wait for each, 0 where the message may go.

        Raises:
            QuotasUnknown: Redis is away.
        """
        people, filled = _tier_keys(account_id)
        arguments: list[str | int] = [_WINDOW_MS, limit, *recipients]
        try:
            answer = cast("list[Any]", await self._tier(keys=[people, filled], args=arguments))
            if float(answer[0]) < 0:
                await self._fill(account_id, known)
                answer = cast("list[Any]", await self._tier(keys=[people, filled], args=arguments))
        except redis.RedisError as error:
            raise QuotasUnknown from error
        return [max(float(wait), 0.0) / 1e3 for wait in answer]

    async def give_back(self, account_id: UUID, recipient: str) -> None:
        """The message to somebody was refused for good: it doesn't count."""
        try:
            await self._client.zrem(_tier_keys(account_id)[0], recipient)
        except redis.RedisError as error:
            # It counts until the window has passed: one person too few may be written to.
            log.warning("tier_not_given_back", error=type(error).__name__)

    async def _fill(self, account_id: UUID, known: Known) -> None:
        people, filled = _tier_keys(account_id)
        rows = await known()
        async with self._client.pipeline() as pipe:
            if rows:
                pipe.zadd(people, {recipient: at * 1000 for recipient, at in rows}, gt=True)
            pipe.set(filled, 1, ex=_FILLED_SECONDS)
            await pipe.execute()


def _tier_keys(account_id: UUID) -> tuple[str, str]:
    return f"pytake:tier:{account_id}", f"pytake:tier:{account_id}:filled"


def used_today(client: redis.Redis, account_id: UUID, now: float) -> int:
    """People whom the account wrote to first in the last 24 hours.

    Parameters:
        now: seconds since 1970.

    Raises:
        redis.RedisError: Redis is away.
    """
    return int(cast("int", client.zcount(_tier_keys(account_id)[0], (now * 1000) - _WINDOW_MS, "+inf")))


def _pair_key(account_id: object, recipient: str) -> str:
    """The key of a number and one recipient: phone numbers stand in no key, for keys are listed and monitored."""
    return f"pytake:pair:{account_id}:{blake2b(recipient.encode(), digest_size=12).hexdigest()}"
