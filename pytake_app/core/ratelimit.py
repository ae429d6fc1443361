"""Rate limits counted in Redis (library `limits`), in this process's memory while Redis is away."""

from __future__ import annotations

import time
from dataclasses import dataclass

import redis
import structlog
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import RateLimiter as Strategy
from limits.strategies import SlidingWindowCounterRateLimiter

from pytake_app.config import Settings
from pytake_app.core.errors import TooManyRequestsError

log = structlog.get_logger(__name__)

_RETRY_REDIS_AFTER = 5.0


@dataclass(frozen=True, slots=True)
class LimitState:
    """What is left of a limit: for the `RateLimit-*` headers. `reset` is in seconds from now."""

    limit: int
    remaining: int
    reset: int
    allowed: bool


class Limiter:
    """Counts hits under named limits.

    Parameters:
        settings: gives the Redis URL.
    """

    def __init__(self, settings: Settings) -> None:
        self._url = settings.redis_url
        self._memory: Strategy = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._redis: Strategy | None = None
        self._redis_away_until = 0.0
        self._items: dict[str, RateLimitItem] = {}

    def hit(self, limit: str, *identifiers: str) -> LimitState:
        """Count one use.

        Parameters:
            limit: in the notation of `limits`, e.g. `"10 per 5 minute"`.
            identifiers: whose use it is; the first one names the limit.
        """
        item = self._item(limit)
        strategy = self._strategy()
        try:
            return self._hit(strategy, item, identifiers)
        except redis.RedisError as error:
            # A limit that is too generous for a while is better than a product that refuses everybody.
            self._redis_away_until = time.monotonic() + _RETRY_REDIS_AFTER
            log.warning("rate_limits_without_redis", error=type(error).__name__)
            return self._hit(self._memory, item, identifiers)

    def require(self, limit: str, *identifiers: str) -> LimitState:
        """Count one use, or refuse.

        Raises:
            TooManyRequestsError: the limit is used up; says in how many seconds to come back.
        """
        state = self.hit(limit, *identifiers)
        if not state.allowed:
            raise TooManyRequestsError(
                f"Too many requests; try again in {state.reset} seconds.", retry_after=float(state.reset)
            )
        return state

    def clear(self, limit: str, *identifiers: str) -> None:
        """Forget the uses counted so far."""
        item = self._item(limit)
        self._memory.clear(item, *identifiers)
        strategy = self._strategy()
        if strategy is self._memory:
            return
        try:
            strategy.clear(item, *identifiers)
        except redis.RedisError as error:
            log.warning("rate_limits_without_redis", error=type(error).__name__)

    def _hit(self, strategy: Strategy, item: RateLimitItem, identifiers: tuple[str, ...]) -> LimitState:
        allowed = strategy.hit(item, *identifiers)
        window = strategy.get_window_stats(item, *identifiers)
        reset = max(1, round(window.reset_time - time.time()))
        return LimitState(limit=item.amount, remaining=max(0, window.remaining), reset=reset, allowed=allowed)

    def _item(self, limit: str) -> RateLimitItem:
        item = self._items.get(limit)
        if item is None:
            item = self._items[limit] = parse(limit)
        return item

    def _strategy(self) -> Strategy:
        if not self._url or time.monotonic() < self._redis_away_until:
            return self._memory
        if self._redis is None:
            pool = redis.ConnectionPool.from_url(self._url, socket_connect_timeout=2, socket_timeout=2)
            storage = RedisStorage("redis://", connection_pool=pool, key_prefix="pytake:limit")
            self._redis = SlidingWindowCounterRateLimiter(storage)
        return self._redis
