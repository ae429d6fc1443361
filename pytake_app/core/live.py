"""Live pokes over Redis pub/sub: "conversation X changed". At most once, small; the database is the truth."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
import redis
import redis.asyncio
import structlog
from sqlmodel import Session

from pytake_app.config import Settings, get_settings
from pytake_app.core.db import after_commit

CHANNEL = "pytake:live"
KEPT_EVENTS = 10_000
"""Events of one organization that can be told again; older ones are trimmed."""
KEPT_SECONDS = 3 * 86_400
_LOGGED = re.compile(r"org:([0-9a-f-]{36}):(?:conversations|queues|notifications|desk)")
_PASSING = frozenset({"typing_start", "typing_stop", "presence_changed"})
"""Of the moment: nobody wants to hear of them later."""
_EVENT_ID = re.compile(r"\d{1,20}-\d{1,20}")
_TOGETHER = 200
_HEARD_TOGETHER = 500
# Into the logs and out to the listeners in one step, so that both have the same order. A batch of the pipeline makes
# hundreds; one by one they were a tenth of a worker's time. ARGV: entries kept, seconds kept, channel, then for each
# poke the number of its log in KEYS (0: none) and its JSON.
_LOG_AND_PUBLISH = """
local pokes = {}
for i = 4, #ARGV, 2 do
    local log, poke = KEYS[tonumber(ARGV[i])], ARGV[i + 1]
    if log then
        local id = redis.call('XADD', log, 'MAXLEN', '~', ARGV[1], '*', 'poke', poke)
        poke = '{"event_id":"' .. id .. '",' .. string.sub(poke, 2)
    end
    pokes[#pokes + 1] = poke
end
for _, log in ipairs(KEYS) do redis.call('EXPIRE', log, ARGV[2]) end
redis.call('PUBLISH', ARGV[3], '[' .. table.concat(pokes, ',') .. ']')
"""
# A log always has an entry to go on from.
_LAST = """
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if last[1] then return last[1][1] end
local id = redis.call('XADD', KEYS[1], '*', 'poke', '{"event":"begin"}')
redis.call('EXPIRE', KEYS[1], ARGV[1])
return id
"""

log = structlog.get_logger(__name__)


def connect(settings: Settings) -> redis.Redis:
    """A synchronous client with a pool; safe to share between threads."""
    return redis.Redis.from_url(
        settings.redis_url, socket_connect_timeout=2, socket_timeout=10, health_check_interval=30
    )


def connect_async(settings: Settings, *, answers_within: float | None = None) -> redis.asyncio.Redis:
    """An asyncio client with a pool, for one event loop.

    Parameters:
        answers_within: seconds after which a silent server counts as away (longer than any wait that is asked of it);
            None: never, for who listens.
    """
    return redis.asyncio.Redis.from_url(
        settings.redis_url, socket_connect_timeout=2, socket_timeout=answers_within, health_check_interval=30
    )


@dataclass(frozen=True, slots=True)
class EventLog:
    """What was published after an event. `complete`: nothing in between is missing; `more`: there is more after it."""

    pokes: list[dict[str, Any]]
    last_event_id: str
    complete: bool
    more: bool = False


def event_key(event_id: str) -> tuple[int, int]:
    """Ids of events in their order; nothing comes before everything."""
    if not _EVENT_ID.fullmatch(event_id):
        return (0, 0)
    milliseconds, _, sequence = event_id.partition("-")
    return (int(milliseconds), int(sequence))


def _log_key(organization_id: object) -> str:
    return f"pytake:events:{organization_id}"


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
            self._send(self._client, [(topic, payload)])
        except redis.RedisError as error:
            log.warning("live_publish_failed", topic=topic.partition(":")[0], error=type(error).__name__)

    def publish_many(self, pokes: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Publish several (topic, payload), many in one message. See `publish`."""
        if not pokes:
            return
        if self._client is None:
            self._client = connect(self._settings)
        try:
            for first in range(0, len(pokes), _TOGETHER):
                self._send(self._client, pokes[first : first + _TOGETHER])
        except redis.RedisError as error:
            log.warning("live_publish_failed", topics=len(pokes), error=type(error).__name__)

    def add(self, pipeline: redis.client.Pipeline, pokes: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """As `publish_many`, among other commands."""
        for first in range(0, len(pokes), _TOGETHER):
            self._send(pipeline, pokes[first : first + _TOGETHER])

    @staticmethod
    def _send(client: redis.Redis, pokes: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        logs: dict[str, int] = {}
        said: list[int | bytes] = []
        for topic, payload in pokes:
            logged = None if payload.get("event") in _PASSING else _LOGGED.fullmatch(topic)
            log_number = logs.setdefault(_log_key(logged[1]), len(logs) + 1) if logged is not None else 0
            said += (log_number, orjson.dumps({"topic": topic, **payload}))
        arguments = (*logs, str(KEPT_EVENTS), str(KEPT_SECONDS), CHANNEL, *said)
        client.eval(_LOG_AND_PUBLISH, len(logs), *arguments)

    def last_event(self, organization_id: UUID) -> str:
        """The id of the newest event of an organization; an empty word while Redis is away."""
        if self._client is None:
            self._client = connect(self._settings)
        try:
            found = self._client.eval(_LAST, 1, _log_key(organization_id), str(KEPT_SECONDS))
        except redis.RedisError as error:
            log.warning("live_log_away", error=type(error).__name__)
            return ""
        return bytes(found).decode()  # type: ignore[arg-type]  # typed for both kinds of client

    def events_since(self, organization_id: UUID, since: str, limit: int) -> EventLog:
        """What was published after the event `since`, oldest first, at most `limit`.

        It is complete only while `since` itself is still in the log: neither trimmed nor lost with Redis.
        """
        if not _EVENT_ID.fullmatch(since):
            return EventLog([], since, complete=False)
        if self._client is None:
            self._client = connect(self._settings)
        try:
            found: list[tuple[bytes, dict[bytes, bytes]]] = self._client.xrange(  # type: ignore[assignment]
                _log_key(organization_id), min=since, count=limit + 2
            )
        except redis.RedisError as error:
            log.warning("live_log_away", error=type(error).__name__)
            return EventLog([], since, complete=False)
        if not found or found[0][0].decode() != since:
            return EventLog([], since, complete=False)
        rows = found[1 : limit + 1]
        pokes = [{**orjson.loads(row[1][b"poke"]), "event_id": row[0].decode()} for row in rows]
        last = rows[-1][0].decode() if rows else since
        return EventLog(pokes, last, complete=True, more=len(found) > limit + 1)

    def log_begins(self, organization_id: object) -> int | None:
        """When the oldest event that can be told again was published, in Redis' milliseconds since 1970; None when
        there is no log (nobody listens) or Redis is away."""
        if self._client is None:
            self._client = connect(self._settings)
        try:
            first: list[Any] = self._client.xrange(_log_key(organization_id), count=1)  # type: ignore[assignment]
        except redis.RedisError as error:
            log.warning("live_log_away", error=type(error).__name__)
            return None
        return event_key(first[0][0].decode())[0] if first else None

    def hear_again(self, organization_id: object, since: int, hear: Callable[[int, dict[str, Any]], bool]) -> bool:
        """Give what was published since a time to `hear`, oldest first, until it has heard enough.

        Parameters:
            since: Redis' milliseconds since 1970.
            hear: told the time and the poke of each; answers True for no more.

        Returns:
            False when Redis is away: not everything was heard.
        """
        if self._client is None:
            self._client = connect(self._settings)
        begin: str | None = str(max(0, since))
        while begin is not None:
            try:
                found: list[Any] = self._client.xrange(  # type: ignore[assignment]
                    _log_key(organization_id), min=begin, count=_HEARD_TOGETHER
                )
            except redis.RedisError as error:
                log.warning("live_log_away", error=type(error).__name__)
                return False
            begin = None
            for event_id, entry in found:
                at, sequence = event_key(event_id.decode())
                if hear(at, orjson.loads(entry[b"poke"])):
                    return True
                begin = f"{at}-{sequence + 1}"
            if len(found) < _HEARD_TOGETHER:
                return True
        return True

    async def listen(self) -> AsyncIterator[dict[str, Any]]:
        """Every poke, for ever; reconnects by itself with backoff when Redis goes away.

        Yields `{"topic": "live:connected"}` when it begins to hear, and `{"topic": "live:reconnected"}` after a gap,
        so that listeners can reload what they show.
        """
        delay = 0.1
        connected_before = False
        while True:
            client = connect_async(self._settings)
            try:
                async with client.pubsub() as pubsub:
                    await pubsub.subscribe(CHANNEL)
                    async for message in pubsub.listen():
                        if message["type"] == "message":
                            for said in orjson.loads(message["data"]):
                                yield said
                        elif message["type"] == "subscribe":
                            yield {"topic": "live:reconnected" if connected_before else "live:connected"}
                            connected_before, delay = True, 0.1
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
