"""Ending tasks of an event loop for certain."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_SECONDS = 1.0


async def end(tasks: Iterable[asyncio.Task[Any]], again: float = AGAIN_SECONDS) -> None:
    """Cancel tasks and wait until they have ended; what they raise meanwhile is theirs and dropped.

    One that goes on is canceled again: Python 3.11's ``asyncio.wait_for`` forgets a cancellation that comes just as
    what it waits for is done (python/cpython#86296), and redis-py sends every command through it. Who listens in a
    loop would go on for ever, and who waits for its end with it.

    Parameters:
        again: seconds after which.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        ended, pending = await asyncio.wait(pending, timeout=again)
        for task in ended:
            if not task.cancelled():
                task.exception()
