"""Messages per second of a number, shared by all senders: a token bucket (GCRA) in a Redis script."""

from __future__ import annotations

import time
from typing import Any, cast

import redis.asyncio
import structlog

log = structlog.get_logger(__name__)

# Generic cell rate algorithm (ITU-T I.371): one number a key, the time at which the bucket is full again. Answers how
# many microseconds from now the first of `count` messages may go; the others follow one interval apart. What nobody can
# have reserved is from a later time: the clock was put back, and the bucket begins anew.
_RESERVE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval = tonumber(ARGV[1])
local earliest = now - tonumber(ARGV[2])
local start = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), earliest)
if start - now > tonumber(ARGV[4]) then start = earliest end
local full = start + interval * tonumber(ARGV[3])
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - earliest) / 1000) + 1000)
return string.format('%.0f', start - now)
"""

FARTHEST_SECONDS = 120.0
"""Nobody reserves farther ahead: each sender some seconds (`sender.AHEAD_SECONDS`), or one message of a slow number."""
BURST_SECONDS = 0.25
"""How much of an idle time may be made up for at once: Meta counts by the second."""


class RateLimiter:
    """Reserves send times.

    Parameters:
        client: an asyncio client of this event loop.
    """

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._script = client.register_script(_RESERVE)
        self._local: dict[str, float] = {}

    async def reserve(self, key: str, per_second: float, count: int) -> tuple[float, float]:
        """Reserve `count` sends under `key`.

        Returns:
            seconds until the first one may go (negative: the burst allows more than one at once) and between two.
        """
        interval = 1.0 / per_second
        farthest = FARTHEST_SECONDS + 10 * interval
        arguments = [interval * 1e6, BURST_SECONDS * 1e6, count, farthest * 1e6]
        try:
            answer = await self._script(keys=[f"pytake:rate:{key}"], args=arguments)
            return float(cast("Any", answer)) / 1e6, interval
        except redis.RedisError as error:
            # Without Redis each sender keeps to the limit by itself.
            log.warning("rate_limit_local", error=type(error).__name__)
            now = time.monotonic()
            start = max(self._local.get(key, 0.0), now - BURST_SECONDS)
            self._local[key] = start + interval * count
            return start - now, interval
