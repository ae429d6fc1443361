"""Who is at a thing right now, in Redis: forgotten by itself, never the truth about anything that matters."""

from __future__ import annotations

from typing import Any

import orjson
import redis
import structlog

from pytake_app.config import Settings
from pytake_app.core.live import connect

MAX_PRESENT = 200
"""Tabs that are kept, and answered, for one thing."""

log = structlog.get_logger(__name__)


class Presence:
    """Tabs by thing, each with what it says of itself.

    Parameters:
        settings: gives the Redis URL.
        stays: seconds after which a tab that said nothing more is gone; tabs speak every ten (`editor_people.js`).
    """

    def __init__(self, settings: Settings, *, stays: float = 25.0) -> None:
        self._settings = settings
        self._stays = stays
        self._client: redis.Redis | None = None

    def put(self, thing: str, tab: str, said: dict[str, Any], *, now: float) -> None:
        """The tab is here. A Redis that is away is logged: presence may be lost."""
        key = f"pytake:here:{thing}"
        try:
            # A tab names itself: without an end to them one browser could fill Redis with names.
            if self._count(key) >= MAX_PRESENT and not self._redis().hexists(key, tab):
                self.present(thing, now=now)
                if self._count(key) >= MAX_PRESENT:
                    log.warning("presence_full")
                    return
            pipeline = self._redis().pipeline(transaction=False)
            pipeline.hset(key, tab, orjson.dumps({**said, "at": now}).decode())
            pipeline.expire(key, int(self._stays) + 1)
            pipeline.execute()
        except redis.RedisError as error:
            log.warning("presence_lost", error=type(error).__name__)

    def drop(self, thing: str, tab: str) -> None:
        """The tab has gone."""
        try:
            self._redis().hdel(f"pytake:here:{thing}", tab)
        except redis.RedisError as error:
            log.warning("presence_lost", error=type(error).__name__)

    def said(self, thing: str, tab: str) -> dict[str, Any] | None:
        """What a tab said last; None when it isn't here."""
        try:
            found = self._redis().hget(f"pytake:here:{thing}", tab)
        except redis.RedisError as error:
            log.warning("presence_lost", error=type(error).__name__)
            return None
        return orjson.loads(found) if found else None  # type: ignore[arg-type]

    def present(self, thing: str, *, now: float) -> list[dict[str, Any]]:
        """What the tabs that are here said last, without those that fell silent."""
        key = f"pytake:here:{thing}"
        try:
            found: dict[bytes, bytes] = self._redis().hgetall(key)  # type: ignore[assignment]
            said = {tab.decode(): orjson.loads(value) for tab, value in found.items()}
            silent = [tab for tab, item in said.items() if item["at"] < now - self._stays]
            if silent:
                self._redis().hdel(key, *silent)
        except redis.RedisError as error:
            log.warning("presence_lost", error=type(error).__name__)
            return []
        return [
            {name: value for name, value in item.items() if name != "at"}
            for tab, item in said.items()
            if tab not in silent
        ][:MAX_PRESENT]

    def _count(self, key: str) -> int:
        return int(self._redis().hlen(key))  # type: ignore[arg-type]  # typed for both kinds of client

    def _redis(self) -> redis.Redis:
        if self._client is None:
            self._client = connect(self._settings)
        return self._client
