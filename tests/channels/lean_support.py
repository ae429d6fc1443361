"""What the tests of the lean transport share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from pytake_app.channels.lean.answer import Answer
from pytake_app.channels.lean.transport import LeanTransport, Timeouts, head_of
from tests.support.other_side import OtherSide, Visit

PATIENT = Timeouts(60, 60, 60, 60, 60)
SHORT = 0.05


@asynccontextmanager
async def lean(**options: Any) -> AsyncIterator[LeanTransport]:
    """A transport that leaves no task and no connection behind."""
    before = asyncio.all_tasks()
    transport = LeanTransport(**options)
    try:
        yield transport
    finally:
        await transport.aclose()
    assert transport._open == set()
    of_the_other_side = ("_come", "_accept_connection2")
    left = [repr(task) for task in asyncio.all_tasks() - before]
    assert [one for one in left if not any(name in one for name in of_the_other_side)] == []


async def call(
    transport: LeanTransport, to: OtherSide | str, body: bytes = b"{}", timeouts: Timeouts = PATIENT, **options: Any
) -> Answer:
    url = to if isinstance(to, str) else f"http://127.0.0.1:{to.port}"
    origin, head = head_of("POST", httpx.URL(f"{url}/v1/messages?a=b"), [(b"X-Token", b"secret")])
    return await transport.exchange(origin, head, body, timeouts, **options)


async def serve(visit: Visit) -> None:
    await visit.serve()


async def silent(visit: Visit) -> None:
    await visit.request()
    await visit.reader.read()


def numbers(side: OtherSide) -> list[int]:
    """The connection of each request."""
    return [number for number, _ in side.bodies]
