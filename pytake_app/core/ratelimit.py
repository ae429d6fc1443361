"""Rate limits counted in Redis, in this process's memory (library `limits`) while Redis is away.

Several limits of one request are counted in one round trip: either every one of them has room and each is counted, or
none is. A use is counted in a sliding window: that of the window before counts by the share of it that is still seen.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, ip_address, ip_network

import redis
import structlog
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.commands.core import Script

from pytake_app.config import Settings
from pytake_app.core.errors import TooManyRequestsError

log = structlog.get_logger(__name__)

_RETRY_REDIS_AFTER = 5.0
_PREFIX = "pytake:limit"

# KEYS: one a bucket. ARGV: amount and window (seconds) of each. Answers: 1 or 0 for "counted", then for each bucket
# what is left and the milliseconds until its window ends, or until one more fits when it is full.
_COUNT = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local fits, found = 1, {}
for k = 1, #KEYS do
  local amount, window = tonumber(ARGV[2 * k - 1]), tonumber(ARGV[2 * k])
  local index = math.floor(now / window)
  local kept = redis.call('HMGET', KEYS[k], 'i', 'c', 'p')
  local current, previous = 0, 0
  if tonumber(kept[1]) == index then
    current, previous = tonumber(kept[2]), tonumber(kept[3])
  elseif tonumber(kept[1]) == index - 1 then
    previous = tonumber(kept[2])
  end
  local passed = now - index * window
  local used = previous * (1 - passed / window) + current
  local full = used + 1 > amount
  local wait = window - passed
  if full then
    fits = 0
    if current + 1 <= amount then
      wait = window * (1 - (amount - 1 - current) / previous) - passed
    else
      wait = wait + window * (1 - (amount - 1) / current)
    end
  end
  found[k] = {amount, window, index, current, previous, used, wait}
end
local answer = {fits}
for k = 1, #KEYS do
  local amount, window, index, current, previous, used, wait = unpack(found[k])
  if fits == 1 then
    redis.call('HSET', KEYS[k], 'i', index, 'c', current + 1, 'p', previous)
    redis.call('EXPIRE', KEYS[k], math.ceil(2 * window))
    used = used + 1
  end
  answer[#answer + 1] = math.max(0, math.floor(amount - used))
  answer[#answer + 1] = math.max(1, math.ceil(wait * 1000))
end
return answer
"""


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Whose uses are counted together: an IPv4 address, or the /64 that one subscriber has in IPv6 (RFC 6177)."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ip_network((known, 64), strict=False))


@dataclass(frozen=True, slots=True)
class LimitState:
    """What is left of a limit: for the `RateLimit-*` headers. `reset` and `window` are in seconds, `reset` from now."""

    limit: int
    remaining: int
    reset: int
    allowed: bool
    window: int = 60


@dataclass(frozen=True, slots=True)
class Bucket:
    """Whose use is counted under which limit.

    Parameters:
        limit: in the notation of `limits`, e.g. `"10 per 5 minute"`.
        identifiers: the first one names the limit, the others whose use it is. No personal data: they go to Redis.
    """

    limit: str
    identifiers: tuple[str, ...]


class Limiter:
    """Counts hits under named limits.

    Parameters:
        settings: gives the Redis URL.
    """

    def __init__(self, settings: Settings) -> None:
        self._url = settings.redis_url
        self._memory = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._client: redis.Redis | None = None
        self._script: Script | None = None
        self._redis_away_until = 0.0

    def hit(self, limit: str, *identifiers: str) -> LimitState:
        """Count one use; parameters as `Bucket`'s."""
        return self.hit_all([Bucket(limit, identifiers)])

    def hit_all(self, buckets: Sequence[Bucket]) -> LimitState:
        """Count one use under every one of these limits, or under none when one is full.

        Returns: the state of the one that is nearest to its end; when refused, of the one that takes longest.
        """
        client = self._redis()
        if client is not None:
            try:
                return _tightest(self._count(client, buckets))
            except redis.RedisError as error:
                self._went_away(error)
        return _tightest(self._count_here(buckets))

    def require(self, limit: str, *identifiers: str) -> LimitState:
        """Count one use, or refuse; parameters as `Bucket`'s.

        Raises:
            TooManyRequestsError: the limit is used up; says in how many seconds to come back.
        """
        return self.require_all([Bucket(limit, identifiers)])

    def require_all(self, buckets: Sequence[Bucket]) -> LimitState:
        """As `hit_all`, or refuse.

        Raises:
            TooManyRequestsError: one of the limits is used up; says in how many seconds to come back.
        """
        state = self.hit_all(buckets)
        if not state.allowed:
            raise refusal(state)
        return state

    def clear(self, limit: str, *identifiers: str) -> None:
        """Forget the uses counted so far."""
        self.clear_all([Bucket(limit, identifiers)])

    def clear_all(self, buckets: Sequence[Bucket]) -> None:
        """Forget the uses of these limits counted so far."""
        for bucket in buckets:
            self._memory.clear(_item(bucket.limit), *bucket.identifiers)
        client = self._redis()
        if client is None:
            return
        try:
            client.delete(*(_key(bucket) for bucket in buckets))
        except redis.RedisError as error:
            self._went_away(error)

    def _count(self, client: redis.Redis, buckets: Sequence[Bucket]) -> list[LimitState]:
        if self._script is None:
            self._script = client.register_script(_COUNT)
        items = [_item(bucket.limit) for bucket in buckets]
        arguments = [part for item in items for part in (item.amount, item.get_expiry())]
        answer: list[int] = self._script(keys=[_key(bucket) for bucket in buckets], args=arguments, client=client)
        return [
            LimitState(
                limit=item.amount,
                remaining=answer[1 + 2 * k],
                reset=-(-answer[2 + 2 * k] // 1000),
                # Of a refused request only those that are full refuse it.
                allowed=answer[0] == 1 or answer[1 + 2 * k] > 0,
                window=item.get_expiry(),
            )
            for k, item in enumerate(items)
        ]

    def _count_here(self, buckets: Sequence[Bucket]) -> list[LimitState]:
        pairs = [(_item(bucket.limit), bucket.identifiers) for bucket in buckets]
        fits = [self._memory.test(item, *identifiers) for item, identifiers in pairs]
        if all(fits):
            fits = [self._memory.hit(item, *identifiers) for item, identifiers in pairs]
        states = []
        for (item, identifiers), allowed in zip(pairs, fits, strict=True):
            window = self._memory.get_window_stats(item, *identifiers)
            reset = max(1, round(window.reset_time - time.time()))
            states.append(LimitState(item.amount, max(0, window.remaining), reset, allowed, item.get_expiry()))
        return states

    def _redis(self) -> redis.Redis | None:
        if not self._url or time.monotonic() < self._redis_away_until:
            return None
        if self._client is None:
            pool = redis.ConnectionPool.from_url(self._url, socket_connect_timeout=2, socket_timeout=2)
            self._client = redis.Redis(connection_pool=pool)
        return self._client

    def _went_away(self, error: redis.RedisError) -> None:
        # A limit that is too generous for a while is better than a product that refuses everybody.
        self._redis_away_until = time.monotonic() + _RETRY_REDIS_AFTER
        log.warning("rate_limits_without_redis", error=type(error).__name__)


def refusal(state: LimitState) -> TooManyRequestsError:
    """The error of a refused use."""
    return TooManyRequestsError(
        f"Too many requests; try again in {state.reset} seconds.", retry_after=float(state.reset)
    )


@lru_cache(maxsize=512)
def scaled(limit: str, factor: float) -> str:
    """A limit with `factor` times as many uses, at least one: `scaled("10 per minute", 5)` → `50 per minute`."""
    item = _item(limit)
    return f"{max(1, round(item.amount * factor))} per {item.get_expiry()} second"


@lru_cache(maxsize=512)
def _item(limit: str) -> RateLimitItem:
    return parse(limit)


def _key(bucket: Bucket) -> str:
    return ":".join((_PREFIX, *bucket.identifiers))


def _tightest(states: list[LimitState]) -> LimitState:
    refused = [state for state in states if not state.allowed]
    if refused:
        return max(refused, key=lambda state: state.reset)
    return min(states, key=lambda state: state.remaining / state.limit)
