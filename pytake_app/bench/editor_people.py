"""`bench editor --people N`: one flow open in N tabs on one web worker; how soon an edit of one is seen by the others.

Two of the tabs are Chromium pages: one edits, in the other a cadence of edits is seen as pixels. The rest hold the
page's socket as a browser does: they join, tell what they have selected, hear every edit, and ask for the findings
after the others' edits. One JSON line.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
import psutil

from pytake_app.bench.ui_sessions import percentile

_STATE = "reflex___state____state"
_ON_LOAD = f"{_STATE}.reflex___state____on_load_internal_state.on_load_internal"
_HERE = f"{_STATE}.pytake_app___ui___pages___editor___state____editor_state.here"
EDITS = 20
PAUSE = 1.0
"""Seconds between two edits."""
SELECTS = 5.0
"""Seconds, on average, after which a person selects something else."""
_ROLES = {"postgres": "postgres", "redis": "redis", "granian": "web", "worker": "worker"}
"""What tells a process's role in its command line; the web server has an option named workers."""
_PRESSED = (
    "window.addEventListener('keydown', () => { window.__pressed = performance.timeOrigin + performance.now() }, true)"
)
_SEEN = """() => {
  const count = () => document.querySelectorAll('.react-flow__node').length;
  let last = count();
  window.__seen = [];
  new MutationObserver(() => {
    const now = count();
    if (now > last) window.__seen.push(performance.timeOrigin + performance.now());
    last = now;
  }).observe(document.body, { childList: true, subtree: true });
}"""


@dataclass(slots=True)
class Heard:
    """What the tabs without a browser saw."""

    edits: int = 0
    frames: int = 0
    characters: int = 0
    joined: int = 0
    verified: list[float] = field(default_factory=list)
    failures: int = 0


class Crowd(threading.Thread):
    """Tabs without a browser, on an event loop of their own."""

    def __init__(self, url: str, flow_id: str, cookie: str, count: int) -> None:
        super().__init__(name="crowd", daemon=True)
        self.heard, self._ready, self._leave = Heard(), threading.Event(), threading.Event()
        self._url, self._flow, self._cookie, self._count = url, flow_id, cookie, count

    def run(self) -> None:
        """The tabs' life."""
        asyncio.run(self._live())

    def wait(self, seconds: float = 90.0) -> None:
        """Until all have joined.

        Raises:
            TimeoutError: they haven't.
        """
        if not self._ready.wait(seconds):
            raise TimeoutError(f"{self.heard.joined} of {self._count} tabs joined")

    def leave(self) -> None:
        """End."""
        self._leave.set()
        self.join(20)

    async def _live(self) -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
            tabs = []
            for _ in range(self._count):
                tabs.append(asyncio.create_task(self._tab(http)))
                await asyncio.sleep(0.05)
            while self.heard.joined < self._count and not self._leave.is_set():
                await asyncio.sleep(0.1)
            self._ready.set()
            await asyncio.to_thread(self._leave.wait)
            for tab in tabs:
                tab.cancel()
            await asyncio.gather(*tabs, return_exceptions=True)

    async def _tab(self, http: aiohttp.ClientSession) -> None:
        token, name = str(uuid4()), uuid4().hex[:8]
        headers = {"Cookie": self._cookie}
        path = f"/flows/{self._flow}"
        router = {"pathname": "/flows/[flow_id]", "asPath": path, "query": {"flow_id": self._flow}}
        url = f"{self._url}/_event/?EIO=4&transport=websocket&token={token}"
        changed = asyncio.Event()
        async with http.ws_connect(url, max_msg_size=0, compress=0, headers=headers) as socket:

            async def send(event: str, payload: dict[str, Any]) -> None:
                body = {"name": event, "payload": payload, "token": token, "router_data": router}
                await socket.send_str("42/_event," + orjson.dumps(["event", body]).decode())

            async def work() -> None:
                await send(f"{_STATE}.hydrate", {})
                await send(_ON_LOAD, {})
                await asyncio.sleep(1)
                said: dict[str, Any] = {"flow_id": self._flow, "tab": name, "nodes": []}
                await send(_HERE, {"message": {**said, "join": True}})
                self.heard.joined += 1
                while True:
                    await asyncio.sleep(random.uniform(0.5, 1.5) * SELECTS)
                    await send(_HERE, {"message": {**said, "nodes": [f"n{random.randrange(60)}"]}})

            async def verify() -> None:
                while True:
                    await changed.wait()
                    changed.clear()
                    with contextlib.suppress(TimeoutError):
                        while True:  # quiet for a moment, as the page waits
                            await asyncio.wait_for(changed.wait(), 0.7 + random.random() * 3)
                            changed.clear()
                    began = time.monotonic()
                    address = f"{self._url}/api/v1/flows/{self._flow}/verify"
                    async with http.post(
                        address, headers={**headers, "X-PyTake-CSRF": "1", "Origin": self._url}
                    ) as answer:
                        await answer.read()
                        self.heard.failures += answer.status != 200
                    self.heard.verified.append((time.monotonic() - began) * 1000)

            helpers: list[asyncio.Task[None]] = []
            try:
                async for message in socket:
                    text: str = message.data
                    if text == "2":
                        await socket.send_str("3")
                    elif text.startswith("0"):
                        await socket.send_str("40/_event,")
                    elif text.startswith("40"):
                        helpers = [asyncio.create_task(work()), asyncio.create_task(verify())]
                    elif text.startswith("42"):
                        self.heard.frames += 1
                        self.heard.characters += len(text)
                        count = text.count('"flow_edited"')
                        self.heard.edits += count
                        if count:
                            changed.set()
            finally:
                for helper in helpers:
                    helper.cancel()


def measure_people(
    browser: Any, url: str, people: int, flow: str, sign_in: dict[str, str], process: psutil.Process | None
) -> dict[str, Any]:
    """The figures.

    Parameters:
        flow: id of a flow of at most some hundred blocks.
        sign_in: e-mail and password.
        process: the product's, to count its CPU; None when it runs elsewhere.
    """
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.request.post(f"{url}/auth/web/login", form=sign_in, headers={"Origin": url}, max_redirects=0)
    cookie = "; ".join(f"{item['name']}={item['value']}" for item in context.cookies())
    crowd = Crowd(url, flow, cookie, max(0, people - 2))
    crowd.start()
    try:
        pages = []
        for _ in range(2):
            page = context.new_page()
            page.add_init_script(_PRESSED)
            page.goto(f"{url}/flows/{flow}", wait_until="commit")
            page.wait_for_selector(".react-flow__node .nd", timeout=60_000)
            page.wait_for_selector("[data-testid=hydrated]", state="attached", timeout=60_000)
            pages.append(page)
        crowd.wait()
        one, other = pages
        other.evaluate(f"({_SEEN})()")
        one.bring_to_front()
        one.wait_for_timeout(3000)
        box = one.locator('.react-flow__node[data-id="n1"] .hd').bounding_box()
        one.mouse.click(box["x"] + 60, box["y"] + 12)
        before, began, frames = _cpu(process), time.monotonic(), crowd.heard.frames
        latencies: list[float] = []
        for turn in range(EDITS):
            one.keyboard.press("Control+d")
            other.wait_for_function(f"window.__seen.length > {turn}", timeout=20_000)
            pressed = float(one.evaluate("window.__pressed"))
            latencies.append(float(other.evaluate(f"window.__seen[{turn}]")) - pressed)
            one.wait_for_timeout(PAUSE * 1000)
        seconds = time.monotonic() - began
        after = _cpu(process)
        return {
            "people": people,
            "edits": EDITS,
            "seen_ms_p50": percentile(latencies, 0.5),
            "seen_ms_p95": percentile(latencies, 0.95),
            "frames_per_second": round((crowd.heard.frames - frames) / seconds, 1),
            "edits_heard": crowd.heard.edits,
            "edits_missed": EDITS * max(0, people - 2) - crowd.heard.edits,
            "verify_ms_p50": percentile(crowd.heard.verified, 0.5),
            "verify_ms_p95": percentile(crowd.heard.verified, 0.95),
            "failures": crowd.heard.failures,
            "cpu_percent": {name: round((after[name] - before.get(name, 0.0)) / seconds * 100, 1) for name in after},
        }
    finally:
        crowd.leave()
        context.close()


def _cpu(process: psutil.Process | None) -> dict[str, float]:
    """CPU seconds of the product by role."""
    found: dict[str, float] = {}
    if process is None:
        return found
    for child in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            line = " ".join(child.cmdline())
            role = next((role for sign, role in _ROLES.items() if sign in line), "other")
            times = child.cpu_times()
            found[role] = found.get(role, 0.0) + times.user + times.system
    return found
