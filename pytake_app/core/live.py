"""Live pokes over Redis pub/sub: "conversation X changed". At most once, small; the database is the truth."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
import redis
import redis.asyncio
import structlog
from sqlmodel import Session

from pytake_app.config import Settings, get_settings
from pytake_app.core.db import after_commit

CHANNEL = "pytake:live"

log = structlog.get_logger(__name__)


def connect(settings: Settings) -> redis.Redis:
    """A synchronous client with a pool; safe to share between threads."""
    return redis.Redis.from_url(
        settings.redis_url, socket_connect_timeout=2, socket_timeout=10, health_check_interval=30
    )


def connect_async(settings: Settings) -> redis.asyncio.Redis:
    """An asyncio client with a pool, for one event loop."""
    return redis.asyncio.Redis.from_url(settings.redis_url, socket_connect_timeout=2, health_check_interval=30)


class Live:
    """Publishes pokes and listens to them.

    Parameters:
        settings: gives the Redis URL.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: redis.Redis | None = None

    def publish(self, topic: str, payload: dict[str, Any]) -> None:
        """Tell whoever listens to `topic`. A Redis that is away is logged, not raised: pokes may be lost.

        Parameters:
            topic: e.g. `conversation:<id>`.
            payload: small and JSON-serialisable; ids and sequence numbers, never message bodies.
        """
        if self._client is None:
            self._client = connect(self._settings)
        try:
            self._client.publish(CHANNEL, orjson.dumps({"topic": topic, **payload}))
        except redis.RedisError as error:
            log.warning("live_publish_failed", topic=topic.partition(":")[0], error=type(error).__name__)

    def publish_many(self, pokes: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Publish several (topic, payload) in one round trip. See `publish`."""
        if not pokes:
            return
        if self._client is None:
            self._client = connect(self._settings)
        try:
            pipeline = self._client.pipeline(transaction=False)
            for topic, payload in pokes:
                pipeline.publish(CHANNEL, orjson.dumps({"topic": topic, **payload}))
            pipeline.execute()
        except redis.RedisError as error:
            log.warning("live_publish_failed", topics=len(pokes), error=type(error).__name__)

    async def listen(self) -> AsyncIterator[dict[str, Any]]:
        """Every poke, for ever; reconnects by itself with backoff when Redis goes away.

        Yields a `{"topic": "live:reconnected"}` after a gap, so that listeners can reload what they show.
        """
        delay = 0.1
        connected_before = False
        while True:
            client = connect_async(self._settings)
            try:
                async with client.pubsub() as pubsub:
                    await pubsub.subscribe(CHANNEL)
                    if connected_before:
                        yield {"topic": "live:reconnected"}
                    connected_before, delay = True, 0.1
                    async for message in pubsub.listen():
                        if message["type"] == "message":
                            yield orjson.loads(message["data"])
            except (redis.RedisError, OSError) as error:
                log.warning("live_listen_interrupted", error=type(error).__name__)
            finally:
                await client.aclose()
            await asyncio.sleep(delay * (1 + secrets.randbelow(100) / 100))
            delay = min(delay * 2, 5.0)


@lru_cache(maxsize=1)
def process_live() -> Live:
    """The process-wide publisher, made on first use."""
    return Live(get_settings())


def poke(session: Session, topic: str, payload: dict[str, Any]) -> None:
    """Publish once this session's transaction has committed; dropped on rollback, equal pokes are sent once.

    A test (or another process role) may hand in its own publisher as `session.info["live"]`.
    """
    sent: list[tuple[str, dict[str, Any]]] = session.info.setdefault("pokes", [])
    if (topic, payload) in sent:
        return
    sent.append((topic, payload))
    live: Live = session.info.get("live") or process_live()
    after_commit(session, lambda: live.publish(topic, payload))
