"""Who looks at a poked lane: a worker on duty, or a queued job; never nobody."""

import threading
import time

import pytest
import redis
from rq import Queue

from pytake_app.config import Settings
from pytake_app.jobs import enqueue
from pytake_app.jobs.enqueue import LANES_QUEUE, Duty
from pytake_app.jobs.worker import LaneWorker
from tests.waiting import wait_until


@pytest.fixture
def two(settings: Settings) -> Settings:
    return settings.model_copy(update={"workers": 2, "lanes": 32})


def jobs(client: redis.Redis) -> int:
    return len(Queue(LANES_QUEUE, connection=client))


def test_without_anybody_on_duty_a_poke_makes_a_job_for_each_worker_at_most(
    redis_client: redis.Redis, two: Settings
) -> None:
    assert [enqueue.poke_lanes(redis_client, two, [lane]) for lane in (1, 2, 3)] == [True, True, False]
    assert jobs(redis_client) == 2
    assert sorted(Duty(redis_client).take(32, 0)) == [1, 2, 3]


def test_a_poke_wakes_who_waits_and_makes_no_job(redis_client: redis.Redis, two: Settings) -> None:
    duty, found = Duty(redis_client), list[list[int]]()
    waiting = threading.Thread(target=lambda: found.append(duty.take(16, 5.0)))
    waiting.start()
    deadline = time.monotonic() + 5
    while not redis_client.zcard("pytake:lanes:dirty:idle") and time.monotonic() < deadline:
        pass
    assert enqueue.poke_lanes(redis_client, two, [7]) is False
    waiting.join(5)
    assert (found, jobs(redis_client)) == ([[7]], 0)


def test_while_all_workers_are_on_duty_a_poke_makes_no_job_and_none_is_lost(
    redis_client: redis.Redis, two: Settings
) -> None:
    first, second = Duty(redis_client), Duty(redis_client)
    assert enqueue.poke_lanes(redis_client, two, [1, 2], sure=True) is True
    assert [len(duty.take(1, 0)) for duty in (first, second)] == [1, 1]
    assert enqueue.poke_lanes(redis_client, two, [9]) is False
    assert first.leave() == [9], "who leaves hands over what is still to be looked at"
    assert enqueue.poke_lanes(redis_client, two, [9]) is True, "one is not enough for two workers' lanes"
    assert second.take(16, 0) == [9]
    assert second.leave() == []


def test_a_worker_killed_while_it_waited_is_not_relied_on(redis_client: redis.Redis, two: Settings) -> None:
    Duty(redis_client).take(16, 0)
    Duty(redis_client).take(16, 0)
    # Their time of waiting is over, but they count as on duty still: only who must be sure makes a job.
    assert enqueue.poke_lanes(redis_client, two, [3]) is False
    assert enqueue.poke_lanes(redis_client, two, [3], sure=True) is True


def test_a_worker_killed_at_work_holds_up_no_other_for_long(redis_client: redis.Redis, two: Settings) -> None:
    killed, alive = Duty(redis_client), Duty(redis_client)
    killed.take(16, 0)
    began = time.monotonic()

    def made_a_job() -> bool:
        alive.take(16, 0)
        return enqueue.poke_lanes(redis_client, two, [3])

    wait_until(made_a_job, 5)
    assert time.monotonic() - began < 3 * enqueue.DUTY_SECONDS


def test_one_who_waits_is_not_enough_for_two_workers_lanes(redis_client: redis.Redis, two: Settings) -> None:
    found = list[list[int]]()
    duty = Duty(redis_client)
    waiting = threading.Thread(target=lambda: found.append(duty.take(16, 5.0)))
    waiting.start()
    wait_until(lambda: redis_client.zcard("pytake:lanes:dirty:idle") == 1, 5)
    assert enqueue.poke_lanes(redis_client, two, range(32)) is True, "the other worker gets a job"
    waiting.join(5)
    assert [len(lanes) for lanes in found] == [16]


def test_workers_beyond_the_settings_get_jobs_too(redis_client: redis.Redis, two: Settings) -> None:
    for name in ("a", "b", "c", "d"):
        enqueue.tell_worker(redis_client, name)
    assert enqueue.lanes_each(redis_client, two) == 8
    assert [enqueue.poke_lanes(redis_client, two, [lane]) for lane in range(5)] == [True] * 4 + [False]
    for name in ("c", "d"):
        enqueue.forget_worker(redis_client, name)
    assert enqueue.lanes_each(redis_client, two) == 16


def test_a_worker_tells_of_itself_even_after_redis_lost_everything(redis_client: redis.Redis) -> None:
    worker = LaneWorker([Queue(LANES_QUEUE, connection=redis_client)], name="lanes-test", connection=redis_client)
    worker.register_birth()
    redis_client.flushdb()
    worker.heartbeat()
    assert redis_client.zcard("pytake:lanes:workers") == 1
    assert redis_client.scard(f"rq:workers:{LANES_QUEUE}") == 1
    worker.register_death()
    assert redis_client.zcard("pytake:lanes:workers") == 0


@pytest.mark.parametrize("wait", [0.0009, 0.0001, 1e-7])
def test_a_moment_is_no_wait_without_end(redis_client: redis.Redis, wait: float) -> None:
    """Redis reads less than a millisecond as "for ever", and nobody wakes whose time to wait is over."""
    redis_client.connection_pool.connection_kwargs["socket_timeout"] = 3  # else it would be this test that waits
    redis_client.connection_pool.disconnect()
    assert Duty(redis_client).take(16, wait) == []
