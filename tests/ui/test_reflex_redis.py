"""Reflex's state manager on the embedded Redis 6.2."""

import asyncio
import inspect
from collections.abc import AsyncIterator

import pytest
import redis as redis_package
import redis.asyncio
from reflex.istate.manager import redis as reflex_manager
from reflex.istate.manager.redis import StateManagerRedis

from pytake_app.ui import reflex_redis
from pytake_app.ui.reflex_redis import support_redis_6

KEY = b"tab-1_lock"


@pytest.fixture
async def connection(redis_url: str, redis_client: redis_package.Redis) -> AsyncIterator[redis.asyncio.Redis]:
    client = redis.asyncio.Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def manager(connection: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch) -> StateManagerRedis:
    monkeypatch.setattr(StateManagerRedis, "_try_extend_lock", StateManagerRedis._try_extend_lock)
    support_redis_6()
    made = object.__new__(StateManagerRedis)
    made.redis = connection
    made.lock_expiration = 10_000
    return made


async def test_lock_is_extended(manager: StateManagerRedis, connection: redis.asyncio.Redis) -> None:
    await connection.set(KEY, b"owner", px=500, nx=True)
    assert await manager._try_extend_lock(KEY)
    assert 5_000 < await connection.pttl(KEY) <= 10_000


async def test_lost_lock_is_not_made_again(manager: StateManagerRedis, connection: redis.asyncio.Redis) -> None:
    """What XX would have guarded: extending a lock that is gone says so, and does not create it."""
    assert not await manager._try_extend_lock(KEY)
    assert await connection.exists(KEY) == 0


async def test_reflexs_own_way_needs_redis_7(connection: redis.asyncio.Redis) -> None:
    """When this fails, the embedded Redis knows the option, and `ui/reflex_redis.py` can go."""
    await connection.set(KEY, b"owner", px=500)
    with pytest.raises(redis.exceptions.ResponseError):
        await connection.pexpire(KEY, 10_000, xx=True)


def test_reflex_still_extends_locks_there() -> None:
    source = inspect.getsource(reflex_manager)
    assert "_try_extend_lock(" in source
    assert "pexpire" in source
    assert list(inspect.signature(StateManagerRedis._try_extend_lock).parameters) == ["self", "lock_key"]
    assert "lock_expiration" in StateManagerRedis.__dataclass_fields__


def test_a_renamed_method_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(StateManagerRedis, "_try_extend_lock")
    with pytest.raises(AttributeError):
        support_redis_6()
    assert asyncio.iscoroutinefunction(reflex_redis._extend_lock)
