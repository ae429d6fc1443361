"""Reflex's Redis state manager on Redis 6.2.

Reflex extends its locks with `PEXPIRE key ms XX`; the XX option came with Redis 7. A lock is set with an expiry and
PEXPIRE ignores keys that are gone, so the option changes nothing there and is left out.
"""

from reflex.istate.manager.redis import StateManagerRedis


async def _extend_lock(self: StateManagerRedis, lock_key: bytes) -> bool | None:
    return await self.redis.pexpire(lock_key, self.lock_expiration)


def support_redis_6() -> None:
    """Make the state manager work with every Redis that the rest of the product supports.

    Raises:
        AttributeError: Reflex renamed the method; look again whether this is still needed.
    """
    if not callable(StateManagerRedis._try_extend_lock):  # pinned, see tests/ui/test_reflex_redis.py
        raise TypeError("StateManagerRedis._try_extend_lock is not a method any more")
    StateManagerRedis._try_extend_lock = _extend_lock  # type: ignore[method-assign]
