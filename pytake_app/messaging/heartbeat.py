"""Which roles live, and which accounts' circuits are open, told over Redis.

Pages show it; and unsure sends wait while no web role lives, since nobody hears what the platform says of them.
"""

from __future__ import annotations

import os
import socket
import threading
from typing import Any, cast
from uuid import UUID

import redis
import redis.asyncio
import structlog

log = structlog.get_logger(__name__)

EVERY_SECONDS = 2.0
_TTL = 15
_CIRCUIT_TTL = 120

# By Redis' clock, which is one for all: a process whose own clock is wrong would put others out. What is from a later
# time was told before the clock was put back.
_BEAT = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + ARGV[2], '+inf')
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2] * 2)
"""
# Seconds since anybody of the role told of itself, as text; nothing when it is too long ago.
_SILENT = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local last = redis.call('ZREVRANGEBYSCORE', KEYS[1], now + ARGV[1], now - ARGV[1], 'WITHSCORES', 'LIMIT', 0, 1)
if last[2] then return tostring(math.max(0, now - tonumber(last[2]))) end
return false
"""


def _role_key(role: str) -> str:
    return f"pytake:alive:{role}"


def _circuit_key(account_id: UUID) -> str:
    return f"pytake:circuit:{account_id}"


def beat(client: redis.Redis, role: str, name: str) -> None:
    """A process of the role lives.

    Parameters:
        name: tells it from others of its role.

    Raises:
        redis.RedisError: Redis is away.
    """
    client.eval(_BEAT, 1, _role_key(role), name, _TTL)


def gone(client: redis.Redis, role: str, name: str) -> None:
    """It has ended in order. Raises `redis.RedisError`."""
    client.zrem(_role_key(role), name)


def count(client: redis.Redis, role: str) -> int:
    """How many processes of the role live. Raises `redis.RedisError`."""
    seconds = float(cast("Any", client.time())[0])
    return int(cast("Any", client.zcount(_role_key(role), seconds - _TTL, seconds + _TTL)))


def silent_for(client: redis.Redis, role: str) -> float | None:
    """Seconds since a process of the role told of itself; None when none lives. Raises `redis.RedisError`."""
    found = cast("Any", client.eval(_SILENT, 1, _role_key(role), _TTL))
    return None if found is None else float(found)


class Beating(threading.Thread):
    """Tells that a process of the role lives, until `stop`.

    Parameters:
        client: Redis; safe for threads.
        role: of the process.
    """

    def __init__(self, client: redis.Redis, role: str) -> None:
        super().__init__(name=f"beating-{role}", daemon=True)
        self._client = client
        self._role = role
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._over = threading.Event()

    def run(self) -> None:
        """Until `stop`, or the end of the process."""
        while not self._over.is_set():
            try:
                beat(self._client, self._role, self._name)
            except (redis.RedisError, OSError) as error:
                log.info("heartbeat_not_told", error=type(error).__name__)
            self._over.wait(EVERY_SECONDS)

    def stop(self) -> None:
        """It ends in order."""
        self._over.set()
        try:
            gone(self._client, self._role, self._name)
        except (redis.RedisError, OSError) as error:
            log.info("heartbeat_not_told", error=type(error).__name__)


def tell_circuit(client: redis.Redis, account_id: UUID, *, is_open: bool) -> None:
    """An account's circuit opened or closed. Raises `redis.RedisError`."""
    if is_open:
        client.set(_circuit_key(account_id), 1, ex=_CIRCUIT_TTL)
    else:
        client.delete(_circuit_key(account_id))


def circuit_open(client: redis.Redis, account_id: UUID) -> bool:
    """Whether some sender leaves the account alone because its platform doesn't answer. Raises `redis.RedisError`."""
    return bool(client.exists(_circuit_key(account_id)))
