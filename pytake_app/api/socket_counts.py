"""How many sockets an organization has open, over all processes: each tells its own number, in Redis."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from uuid import UUID

import orjson
import redis
import structlog

from pytake_app.core.clock import Clock

log = structlog.get_logger(__name__)

TOLD_SECONDS = 30.0
"""A process tells its number again after this time."""
BELIEVED_SECONDS = 90.0
"""A process that told nothing for so long is gone, and its sockets with it."""


class SocketCounts:
    """The numbers of one process, and everybody's.

    Parameters:
        client: Redis.
        clock: says when a number was told.
    """

    def __init__(self, client: redis.Redis, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._process = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._versions: dict[UUID, int] = {}
        self._told_at: dict[UUID, float] = {}

    def is_due(self, organization_id: UUID) -> bool:
        """Whether this process's number should be told again."""
        return self._clock.now().timestamp() - self._told_at.get(organization_id, 0.0) >= TOLD_SECONDS

    def tell(self, organization_id: UUID, version: int, user_ids: Sequence[UUID]) -> None:
        """This process has these people's sockets open, one entry each. A Redis that is away is logged.

        Parameters:
            version: numbers that are told late, after a newer one, count for nothing.
        """
        key, now = _key(organization_id), self._clock.now().timestamp()
        with self._lock:
            if version < self._versions.get(organization_id, 0):
                return
            self._versions[organization_id], self._told_at[organization_id] = version, now
            try:
                if user_ids:
                    said = {"users": [str(one) for one in user_ids], "at": now}
                    pipeline = self._client.pipeline(transaction=False)
                    pipeline.hset(key, self._process, orjson.dumps(said).decode())
                    pipeline.expire(key, int(BELIEVED_SECONDS))
                    pipeline.execute()
                else:
                    self._client.hdel(key, self._process)
            except redis.RedisError as error:
                log.warning("socket_counts_lost", error=type(error).__name__)
            if not user_ids:
                del self._told_at[organization_id]

    def read(self, organization_id: UUID) -> list[str]:
        """Whose sockets are open in all processes, one entry each.

        Raises:
            redis.RedisError: it is away.
        """
        found: dict[bytes, bytes] = self._client.hgetall(_key(organization_id))  # type: ignore[assignment]
        oldest = self._clock.now().timestamp() - BELIEVED_SECONDS
        told = [orjson.loads(value) for value in found.values()]
        return [user for one in told if one["at"] >= oldest for user in one["users"]]


def _key(organization_id: UUID) -> str:
    return f"pytake:sockets:{organization_id}"
