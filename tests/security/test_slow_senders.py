"""Whoever sends a body drop by drop doesn't hold a place for ever; a large file over a slow line arrives."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from pytake_app.config import Settings
from pytake_app.embedded.up import web_command
from pytake_app.ui import serving


async def test_a_body_that_dawdles_ends_as_a_disconnect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "BODY_SECONDS", 0.05)
    silent: asyncio.Future[MutableMapping[str, Any]] = asyncio.get_running_loop().create_future()
    parts = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> MutableMapping[str, Any]:
        return parts.pop() if parts else await silent

    timed = serving.within_time(receive)
    assert (await timed())["body"] == b"{"
    assert (await asyncio.wait_for(timed(), 5))["type"] == "http.disconnect"


async def test_what_came_buys_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "BODY_SECONDS", 0.0)
    monkeypatch.setattr(serving, "BODY_BYTES_PER_SECOND", 1)
    more = [{"type": "http.request", "body": b"", "more_body": False}]
    first = [{"type": "http.request", "body": b"x" * 60, "more_body": True}]

    async def receive() -> MutableMapping[str, Any]:
        if first:
            return first.pop()
        await asyncio.sleep(0)
        return more.pop()

    timed = serving.within_time(receive)
    await timed()
    assert await timed() == {"type": "http.request", "body": b"", "more_body": False}


async def test_an_answer_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the body `receive` waits for the disconnect: that is no slow sender."""
    monkeypatch.setattr(serving, "BODY_SECONDS", 0.0)
    gone: asyncio.Future[MutableMapping[str, Any]] = asyncio.get_running_loop().create_future()
    whole = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> MutableMapping[str, Any]:
        return whole.pop() if whole else await gone

    timed = serving.within_time(receive)
    await timed()
    waiting = asyncio.ensure_future(timed())
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not done
    gone.set_result({"type": "http.disconnect"})
    assert (await asyncio.wait_for(waiting, 5))["type"] == "http.disconnect"


def test_a_thousand_idle_connections_do_not_fill_the_server() -> None:
    """The server counts every open connection, and by default takes no more than 1,024."""
    command = web_command(Settings(_env_file=None))  # type: ignore[call-arg]
    assert int(command[command.index("--backpressure") + 1]) >= 8_000
