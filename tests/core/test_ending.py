"""Tasks end, also those whose libraries forget that they were canceled."""

import asyncio

from pytake_app.config import Settings
from pytake_app.core.ending import end
from pytake_app.core.live import connect_async


async def test_who_listens_ends_at_whatever_moment_it_is_told_to(settings: Settings) -> None:
    async def listen() -> None:
        client = connect_async(settings, answers_within=10)
        try:
            while True:
                await client.brpop(["nobody-writes-here"], timeout=5)
        finally:
            await client.aclose()

    for steps in range(30):  # some of them between two moments that Python takes for one
        listener = asyncio.create_task(listen())
        for _ in range(steps):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await end([listener], again=0.1)
        assert listener.done()


async def test_what_fails_while_it_ends_is_no_failure_of_who_ends_it() -> None:
    async def fails() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise OSError("away")

    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await end([task])
    assert task.done()
    await end([])
