"""Browser tabs without a browser: each holds the pages' socket on /inbox and reads lists by REST as the page does.

Run as `python -m pytake_app.bench.ui_sessions` with a JSON description on standard input (see `Plan`); prints
`{"ready": true}` when all tabs are open, and its figures when standard input closes.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
import uvloop

_STATE = "reflex___state____state"
_HYDRATE = f"{_STATE}.hydrate"
_ON_LOAD = f"{_STATE}.reflex___state____on_load_internal_state.on_load_internal"
_POKES, _WHOLE = "live_state", "session_state"
_ROUTER = {"pathname": "/inbox", "asPath": "/inbox", "query": {}}
_REFRESH = 0.5
"""A page that hears of changes reads its list again at most so often, in seconds."""


@dataclass(slots=True)
class Plan:
    """A tab on `url` for each of `cookies`, with a navigation event and a list every `pause` seconds. Lists are also
    read again when the live socket says that something changed, as the inbox does."""

    url: str
    cookies: list[str]
    pause: float = 2.0


@dataclass(slots=True)
class Figures:
    """What the tabs saw; times in milliseconds."""

    events: list[float] = field(default_factory=list)
    lists: list[float] = field(default_factory=list)
    frames: int = 0
    failures: int = 0


class Tab:
    """One tab."""

    def __init__(self, plan: Plan, cookie: str, http: aiohttp.ClientSession, figures: Figures) -> None:
        self._plan = plan
        self._headers = {"Cookie": cookie}
        self._http = http
        self._figures = figures
        self._token = str(uuid4())
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._asked: asyncio.Future[float] | None = None
        self._poked = asyncio.Event()
        self._connected = asyncio.Event()

    async def run(self, opened: asyncio.Queue[None], counting: asyncio.Event) -> None:
        """Open, then work until canceled."""
        url = f"{self._plan.url}/_event/?EIO=4&transport=websocket&token={self._token}"
        async with self._http.ws_connect(url, max_msg_size=0, compress=0, headers=self._headers) as socket:
            self._socket = socket
            reader = asyncio.create_task(self._read(socket))
            refresher = asyncio.create_task(self._refresh())
            try:
                await asyncio.wait_for(self._connected.wait(), 30)
                await self._event(_HYDRATE, {})
                await self._event(_ON_LOAD, {})
                await self._list()
                opened.put_nowait(None)
                await asyncio.sleep(random.uniform(0, self._plan.pause))
                while True:
                    # As when a person goes to the page: who they are is asked, what the tab watches is set.
                    took = await self._event(_ON_LOAD, {})
                    listed = await self._list()
                    if counting.is_set():
                        self._figures.events.append(took)
                        self._figures.lists.append(listed)
                    await asyncio.sleep(self._plan.pause)
            finally:
                reader.cancel()
                refresher.cancel()

    async def _event(self, name: str, payload: dict[str, Any]) -> float:
        assert self._socket is not None
        self._asked = asyncio.get_running_loop().create_future()
        began = time.monotonic()
        event = {"name": name, "payload": payload, "token": self._token, "router_data": _ROUTER}
        await self._socket.send_str("42/_event," + orjson.dumps(["event", event]).decode())
        try:
            return (await asyncio.wait_for(self._asked, 10) - began) * 1000
        except TimeoutError:
            self._figures.failures += 1
            return 10_000.0

    async def _list(self) -> float:
        began = time.monotonic()
        url = f"{self._plan.url}/api/v1/conversations"
        async with self._http.get(url, params={"limit": "30"}, headers=self._headers) as answer:
            await answer.read()
            self._figures.failures += answer.status != 200
        return (time.monotonic() - began) * 1000

    async def _refresh(self) -> None:
        while True:
            await self._poked.wait()
            self._poked.clear()
            await self._list()
            await asyncio.sleep(_REFRESH)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            text: str = message.data
            if text == "2":
                await socket.send_str("3")
            elif text.startswith("0"):
                await socket.send_str("40/_event,")
            elif text.startswith("40"):
                self._connected.set()
            elif text.startswith("42"):
                self._figures.frames += 1
                if _POKES in text and _WHOLE not in text:
                    self._poked.set()
                elif self._asked is not None and not self._asked.done():
                    self._asked.set_result(time.monotonic())


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of `values` lie; 0 without any."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1) if ordered else 0.0


async def main() -> None:
    """Open the tabs, work, tell."""
    plan = Plan(**orjson.loads(await asyncio.to_thread(sys.stdin.buffer.readline)))
    figures, counting = Figures(), asyncio.Event()
    opened: asyncio.Queue[None] = asyncio.Queue()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
        tabs = []
        for cookie in plan.cookies:
            tabs.append(asyncio.create_task(Tab(plan, cookie, http, figures).run(opened, counting)))
            await asyncio.sleep(0.02)
        for _ in tabs:
            await asyncio.wait_for(opened.get(), 60)
        counting.set()
        before, began = figures.frames, time.monotonic()
        print(orjson.dumps({"ready": True}).decode(), flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)
        seconds = time.monotonic() - began
        for tab in tabs:
            tab.cancel()
        ended = await asyncio.gather(*tabs, return_exceptions=True)
    broken = sum(1 for end in ended if not isinstance(end, asyncio.CancelledError))
    result = {
        "tabs": len(tabs),
        "tabs_broken": broken,
        "events_per_second": round(len(figures.events) / seconds, 1),
        "event_ms_p50": percentile(figures.events, 0.5),
        "event_ms_p95": percentile(figures.events, 0.95),
        "list_ms_p50": percentile(figures.lists, 0.5),
        "list_ms_p95": percentile(figures.lists, 0.95),
        "frames_per_second": round((figures.frames - before) / seconds, 1),
        "failures": figures.failures,
    }
    print(orjson.dumps(result).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
