"""Wake-ups over Redis. Losing any of them loses nothing: the scheduler's sweeper finds the rows.

A poke puts the lane into a set and makes sure that a job is on its way to look at it: at most one queued job for each
worker, so that a burst of pokes costs one job. A job clears its mark before it looks, so a poke during a drain makes
another job and is never lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import Any, cast

import redis
import redis.asyncio
from rq import Queue, Worker

from pytake_app.config import Settings
from pytake_app.core.metrics import counter, pokes

LANES_QUEUE = "pytake-lanes"
DRAIN_JOB = "pytake_app.jobs.bodies.drain_lane"

_DIRTY = "pytake:lanes:dirty"
_OUTBOX_WAKE = "pytake:outbox:wake"
_SIGNALS = "pytake:outbox:signals"
_REQUESTS_WAKE = "pytake:requests:wake"
_MAX_SIGNALS = 1000
# Seconds after which a mark whose job was lost no longer holds back new ones.
_MARK_TTL = 10

# Marks the lanes and takes the first free mark of a queued job; answers its number, or -1 when enough are queued.
_POKE = """
redis.call('SADD', KEYS[1], unpack(ARGV, 3))
for slot = 1, tonumber(ARGV[1]) do
    if redis.call('SET', KEYS[1] .. ':job:' .. slot, '1', 'NX', 'EX', ARGV[2]) then return slot end
end
return -1
"""


def _slot_key(slot: int) -> str:
    return f"{_DIRTY}:job:{slot}"


def poke_lanes(client: redis.Redis, settings: Settings, lanes: Iterable[int]) -> bool:
    """Have a worker look at `lanes`.

    Returns:
        whether a job was queued (else enough of them are queued already).

    Raises:
        redis.RedisError: Redis is away; the sweeper will poke later.
    """
    wanted = sorted(set(lanes))
    if not wanted:
        return False
    slots = max(1, settings.workers)
    counter(pokes, "lanes").inc()
    slot = int(cast("Any", client.eval(_POKE, 1, _DIRTY, slots, _MARK_TTL, *wanted)))
    if slot < 0:
        return False
    Queue(LANES_QUEUE, connection=client).enqueue_call(
        DRAIN_JOB, args=(wanted[0], slot), timeout=300, result_ttl=0, ttl=60, failure_ttl=3600
    )
    return True


def workers_alive(client: redis.Redis) -> int:
    """How many lane workers are registered and have told of themselves lately.

    Raises:
        redis.RedisError: Redis is away.
    """
    return len(Worker.all(connection=client, queue=Queue(LANES_QUEUE, connection=client)))


def lanes_queue_sizes(client: redis.Redis) -> dict[str, int]:
    """Jobs of the lanes' queue by state, and poked lanes that nobody looks at yet.

    Raises:
        redis.RedisError: Redis is away.
    """
    queue = Queue(LANES_QUEUE, connection=client)
    return {
        "queued": queue.count,
        "started": queue.started_job_registry.get_job_count(cleanup=False),
        "failed": queue.failed_job_registry.get_job_count(cleanup=False),
        "lanes_poked": int(cast("Any", client.scard(_DIRTY))),
    }


def poke_lane(client: redis.Redis, settings: Settings, lane: int) -> bool:
    """Have a worker look at one lane. See `poke_lanes`."""
    return poke_lanes(client, settings, (lane,))


def job_started(client: redis.Redis, slot: int) -> None:
    """Called first by the job: from now on a poke makes a new one."""
    client.delete(_slot_key(slot))


def take_lanes(client: redis.Redis, count: int) -> list[int]:
    """Take up to `count` poked lanes; the caller looks at them or gives them back."""
    return [int(lane) for lane in cast("list[bytes]", client.spop(_DIRTY, count) or [])]


def give_back_lanes(client: redis.Redis, lanes: Iterable[int]) -> None:
    """Mark lanes again without queueing a job: the caller, or who holds them, will look."""
    wanted = list(lanes)
    if wanted:
        client.sadd(_DIRTY, *wanted)


def poke_outbox(client: redis.Redis) -> None:
    """Tell the senders that there is something to send.

    Raises:
        redis.RedisError: Redis is away; senders also poll.
    """
    counter(pokes, "outbox").inc()
    # One element is enough to wake a sender; the list is trimmed so that it can't grow while none runs.
    pipeline = client.pipeline(transaction=False)
    pipeline.lpush(_OUTBOX_WAKE, b"1")
    pipeline.ltrim(_OUTBOX_WAKE, 0, 3)
    pipeline.execute()


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
    pipeline.lpush(_REQUESTS_WAKE, b"1")
    pipeline.ltrim(_REQUESTS_WAKE, 0, 3)
    pipeline.execute()


async def request_made(client: redis.asyncio.Redis) -> bool:
    """Wait up to five seconds for `poke_requests`; whether it came."""
    answer = await cast("Awaitable[list[bytes] | None]", client.brpop([_REQUESTS_WAKE], timeout=5))
    return answer is not None
