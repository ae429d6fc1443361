"""Wake-ups over Redis. Losing any of them loses nothing: the scheduler's sweeper finds the rows.

A poke puts the lane into a set and sees to it that somebody looks: a worker that is on duty (in a job already, see
`Duty`), or else a queued job, of which there is at most one for each worker, so that a burst of pokes costs one job. A
job clears its mark before it looks, and a worker leaves duty and finds the set empty in one step, so a poke is never
lost between them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import Any, cast
from uuid import UUID, uuid4

import redis
import redis.asyncio
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from pytake_app.config import Settings
from pytake_app.core.metrics import counter, pokes

LANES_QUEUE = "pytake-lanes"
DRAIN_JOB = "pytake_app.jobs.bodies.drain_lane"

_WORKERS = "pytake:lanes:workers"
_DIRTY = "pytake:lanes:dirty"
_OUTBOX_WAKE = "pytake:outbox:wake"
_SIGNALS = "pytake:outbox:signals"
_QUEUES_DIRTY = "pytake:queues:dirty"
_QUEUES_WAKE = "pytake:queues:wake"
_REQUESTS_WAKE = "pytake:requests:wake"
_MAX_SIGNALS = 1000
# Seconds after which a mark whose job was lost no longer holds back new ones.
_MARK_TTL = 3

DUTY_SECONDS = 1.0
"""After so long a worker on duty that has not told of itself counts as gone. While a killed one still counts, another
gets no job, however much there is to do; one that is only busy for longer costs a job too many."""

SHORTEST_WAIT = 0.02
"""Redis before 7.0.8 takes a wait of less than a millisecond for one without end (redis/redis#11688)."""

LISTEN_SECONDS = 5
"""For which senders wait for a wake-up before they ask again."""

WORKER_SECONDS = 30
"""After so long a worker that has not told of itself is no longer counted."""

# Marks the lanes. A worker that waits on duty is woken, two when there is work for two; nothing more is needed if that
# is enough, or when all workers are on duty. Else takes the first free mark of a queued job; answers its number, or -1
# when enough are queued, or 0 when those on duty see to it. Workers are as many as the settings say, or as tell of
# themselves, where more were started. A mark says when it was made, and who waits or is on duty until when: what is
# from a later time than can be was written before the clock was put back. KEYS: dirty lanes, workers. ARGV: workers,
# seconds of a mark, lanes, whether to trust in those on duty, lanes poked.
_POKE = """
redis.call('SADD', KEYS[1], unpack(ARGV, 5))
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local workers = math.max(tonumber(ARGV[1]), redis.call('ZCOUNT', KEYS[2], now, now + 60))
if ARGV[4] == '1' then
    redis.call('ZREMRANGEBYSCORE', KEYS[1] .. ':idle', '-inf', now)
    redis.call('ZREMRANGEBYSCORE', KEYS[1] .. ':idle', now + 10, '+inf')
    local wanted = math.ceil(redis.call('SCARD', KEYS[1]) / math.ceil(ARGV[3] / workers))
    local woken = redis.call('ZPOPMAX', KEYS[1] .. ':idle', wanted)
    for i = 1, #woken, 2 do
        redis.call('LPUSH', KEYS[1] .. ':wake:' .. woken[i], '1')
        redis.call('EXPIRE', KEYS[1] .. ':wake:' .. woken[i], 10)
    end
    if #woken / 2 >= wanted then return 0 end
    redis.call('ZREMRANGEBYSCORE', KEYS[1] .. ':duty', '-inf', now)
    redis.call('ZREMRANGEBYSCORE', KEYS[1] .. ':duty', now + 10, '+inf')
    if redis.call('ZCARD', KEYS[1] .. ':duty') >= workers then return 0 end
end
for slot = 1, workers do
    local mark = KEYS[1] .. ':job:' .. slot
    local made = tonumber(redis.call('GET', mark) or 0)
    if now - made >= tonumber(ARGV[2]) or made > now + 1 then
        redis.call('SET', mark, now, 'EX', ARGV[2])
        return slot
    end
end
return -1
"""
# ARGV: worker, seconds for which it counts.
_TELL_WORKER = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
"""
_COUNT_WORKERS = "local now = redis.call('TIME')[1] return redis.call('ZCOUNT', KEYS[1], now, now + 60)"
# What there is to look at; when it is nothing, the worker waits to be woken. ARGV: worker, lanes, seconds on duty,
# seconds it will wait.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZADD', KEYS[1] .. ':duty', now + ARGV[3], ARGV[1])
local lanes = redis.call('SPOP', KEYS[1], ARGV[2])
if #lanes > 0 then
    redis.call('ZREM', KEYS[1] .. ':idle', ARGV[1])
else
    redis.call('DEL', KEYS[1] .. ':wake:' .. ARGV[1])
    redis.call('ZADD', KEYS[1] .. ':idle', now + ARGV[4], ARGV[1])
end
return lanes
"""
_LEAVE = """
redis.call('ZREM', KEYS[1] .. ':duty', ARGV[1])
redis.call('ZREM', KEYS[1] .. ':idle', ARGV[1])
redis.call('DEL', KEYS[1] .. ':wake:' .. ARGV[1])
return redis.call('SMEMBERS', KEYS[1])
"""


def _slot_key(slot: int) -> str:
    return f"{_DIRTY}:job:{slot}"


def poke_lanes(client: redis.Redis, settings: Settings, lanes: Iterable[int], *, sure: bool = False) -> bool:
    """Have a worker look at `lanes`.

    Parameters:
        sure: queue a job whoever is on duty: a worker that was killed there counts for a while.

    Returns:
        whether a job was queued (else somebody is on duty, or enough of them are queued already).

    Raises:
        redis.RedisError: Redis is away; the sweeper will poke later.
    """
    wanted = sorted(set(lanes))
    if not wanted:
        return False
    counter(pokes, "lanes").inc()
    arguments = (max(1, settings.workers), _MARK_TTL, settings.lanes, 0 if sure else 1, *wanted)
    slot = int(cast("Any", client.eval(_POKE, 2, _DIRTY, _WORKERS, *arguments)))
    if slot <= 0:
        return False
    _queue(client).enqueue_call(DRAIN_JOB, args=(wanted[0], slot), timeout=300, result_ttl=0, ttl=60, failure_ttl=3600)
    return True


class Duty:
    """One worker's time in a job: it takes what was poked, waits for more, and leaves when its time is over.

    Parameters:
        client: Redis.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._name = uuid4().hex
        self._take = client.register_script(_TAKE)
        self._leave = client.register_script(_LEAVE)

    def take(self, count: int, wait: float) -> list[int]:
        """Up to `count` poked lanes, after waiting up to `wait` seconds for them.

        Raises:
            redis.RedisError: Redis is away.
        """
        if wait > 0:
            wait = max(wait, SHORTEST_WAIT)
        arguments: list[str | int | float] = [self._name, count, DUTY_SECONDS, wait]
        lanes = cast("list[bytes]", self._take(keys=[_DIRTY], args=arguments))
        if not lanes and wait > 0 and self._client.blpop([f"{_DIRTY}:wake:{self._name}"], timeout=wait):
            lanes = cast("list[bytes]", self._take(keys=[_DIRTY], args=arguments))
        return [int(lane) for lane in lanes]

    def leave(self) -> list[int]:
        """From now on pokes make jobs. Answers the lanes that are to be poked again: nobody may be looking at them.

        Raises:
            redis.RedisError: Redis is away.
        """
        return [int(lane) for lane in cast("list[bytes]", self._leave(keys=[_DIRTY], args=[self._name]))]


def lanes_each(client: redis.Redis, settings: Settings) -> int:
    """How many lanes a worker takes at once, so that the others have some.

    Raises:
        redis.RedisError: Redis is away.
    """
    workers = max(1, settings.workers, int(cast("Any", client.eval(_COUNT_WORKERS, 1, _WORKERS))))
    return max(1, -(-settings.lanes // workers))


def tell_worker(client: redis.Redis, name: str) -> None:
    """A worker says that it lives; it counts for `WORKER_SECONDS`.

    Raises:
        redis.RedisError: Redis is away.
    """
    client.eval(_TELL_WORKER, 1, _WORKERS, name, WORKER_SECONDS)


def forget_worker(client: redis.Redis, name: str) -> None:
    """A worker ends.

    Raises:
        redis.RedisError: Redis is away.
    """
    client.zrem(_WORKERS, name)


def workers_alive(client: redis.Redis) -> int:
    """How many lane workers are registered and have told of themselves lately.

    Raises:
        redis.RedisError: Redis is away.
    """
    return len(Worker.all(connection=client, queue=_queue(client)))


def lanes_queue_sizes(client: redis.Redis) -> dict[str, int]:
    """Jobs of the lanes' queue by state, and poked lanes that nobody looks at yet.

    Raises:
        redis.RedisError: Redis is away.
    """
    queue = _queue(client)
    return {
        "queued": queue.count,
        "started": queue.started_job_registry.get_job_count(cleanup=False),
        "failed": queue.failed_job_registry.get_job_count(cleanup=False),
        "lanes_poked": int(cast("Any", client.scard(_DIRTY))),
    }


def _queue(client: redis.Redis) -> Queue:
    # As JSON: RQ's own way, pickle, would run what anybody who reaches Redis writes there.
    return Queue(LANES_QUEUE, connection=client, serializer=JSONSerializer)


def poke_lane(client: redis.Redis, settings: Settings, lane: int) -> bool:
    """Have a worker look at one lane. See `poke_lanes`."""
    return poke_lanes(client, settings, (lane,))


def job_started(client: redis.Redis, slot: int) -> None:
    """Called first by the job: from now on a poke makes a new one."""
    client.delete(_slot_key(slot))


def give_back_lanes(client: redis.Redis, lanes: Iterable[int]) -> None:
    """Mark lanes again without queueing a job: the caller, or who holds them, will look."""
    wanted = list(lanes)
    if wanted:
        client.sadd(_DIRTY, *wanted)


def poke_queues(client: redis.Redis, organization_ids: Iterable[UUID]) -> None:
    """Have organizations' service queues looked at.

    Raises:
        redis.RedisError: Redis is away; the sweeper will look.
    """
    wanted = [str(one) for one in organization_ids]
    if wanted:
        pipeline = client.pipeline(transaction=False)
        pipeline.sadd(_QUEUES_DIRTY, *wanted)
        _wake(pipeline, _QUEUES_WAKE)
        pipeline.execute()


def poked_queues(client: redis.Redis, wait: int) -> list[UUID]:
    """Organizations whose queues were poked, after waiting up to `wait` seconds for one; the caller looks at them."""
    if client.brpop([_QUEUES_WAKE], timeout=wait) is None:
        return []
    found = cast("list[bytes]", client.spop(_QUEUES_DIRTY, 1000) or [])
    return [UUID(one.decode()) for one in found]


def poke_outbox(client: redis.Redis) -> None:
    """Tell the senders that there is something to send.

    Raises:
        redis.RedisError: Redis is away; senders also poll.
    """
    pipeline = client.pipeline(transaction=False)
    tell_outbox(pipeline)
    pipeline.execute()


def tell_outbox(pipeline: redis.client.Pipeline) -> None:
    """The same among other commands."""
    counter(pokes, "outbox").inc()
    _wake(pipeline, _OUTBOX_WAKE)


def _wake(pipeline: redis.client.Pipeline, key: str) -> None:
    # One element is enough to wake who listens; the list is trimmed so that it can't grow while nobody does.
    pipeline.lpush(key, b"1")
    pipeline.ltrim(key, 0, 3)


def outbox_wake_key() -> str:
    """The list that senders block on."""
    return _OUTBOX_WAKE


def push_signals(client: redis.Redis, signals: list[bytes]) -> None:
    """Hand best-effort signs (read, typing) to the senders; the oldest are dropped when nobody takes them."""
    pipeline = client.pipeline(transaction=False)
    pipeline.lpush(_SIGNALS, *signals)
    pipeline.ltrim(_SIGNALS, 0, _MAX_SIGNALS - 1)
    pipeline.execute()


def signals_key() -> str:
    """The list of best-effort signs."""
    return _SIGNALS


def poke_requests(client: redis.Redis) -> None:
    """Tell who performs flows' requests that there is one.

    Raises:
        redis.RedisError: Redis is away; they also poll.
    """
    counter(pokes, "requests").inc()
    pipeline = client.pipeline(transaction=False)
    _wake(pipeline, _REQUESTS_WAKE)
    pipeline.execute()


async def request_made(client: redis.asyncio.Redis) -> bool:
    """Wait some seconds for `poke_requests`; whether it came."""
    return await popped(client, _REQUESTS_WAKE) is not None


async def popped(client: redis.asyncio.Redis, key: str) -> bytes | None:
    """The next element of a list, waiting some seconds for it."""
    answer = await cast("Awaitable[list[bytes] | None]", client.brpop([key], timeout=LISTEN_SECONDS))
    return answer[1] if answer else None
