"""A loopback Graph API: takes what the product sends to Meta, judges it as Meta would, and answers like Meta.

Run it as ``async with GraphStub() as graph`` (or by the fixture ``graph_stub``), or in a thread of its own for code
that blocks (``GraphStub.in_thread()``). Point ``WHATSAPP_API_BASE_URL`` or an account's ``base_url`` at
``graph.base_url``. What it saw is in ``graph.calls``; ``graph.sent`` are the messages taken, in order of arrival.
"""

import asyncio
import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from pytake_app.channels.whatsapp.simulator import graph_answer, graph_refusal, new_wamid, validate_send

TOKEN = "test-access-token"


@dataclass
class Call:
    """A request as it arrived. ``at`` is ``time.monotonic()`` seconds."""

    method: str
    path: str
    at: float
    token: str | None
    body: Any = None
    complaints: list[str] = field(default_factory=list)
    status: int = 0
    message_id: str | None = None


@dataclass
class Planned:
    """How to answer a send: ``delay`` seconds, then ``status`` with ``body`` (JSON, bytes, or ``None`` for Meta's own),
    or the connection dropped (``drop="before"`` before reading the request, ``"after"`` having taken it)."""

    status: int = 200
    body: Any = None
    delay: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    drop: str | None = None


@dataclass
class StoredMedia:
    """Media of the stand-in."""

    data: bytes
    mime_type: str
    sha256: str | None = None
    announced_size: int | None = None


def error_body(code: int, message: str = "", details: str = "") -> dict[str, Any]:
    """Graph's error answer for ``code``."""
    return {
        "error": {
            "message": message or f"(#{code}) failed",
            "type": "OAuthException",
            "code": code,
            "error_data": {"messaging_product": "whatsapp", "details": details or "as asked by the test"},
            "fbtrace_id": "AbCdEf",
        }
    }


class GraphStub:
    """See the module. ``strict`` refuses what Meta would refuse; ``token`` is the only one accepted (``None``: any)."""

    def __init__(self, *, strict: bool = True, token: str | None = None, delay: float = 0.0) -> None:
        self.strict = strict
        self.token = token
        self.delay = delay
        self.calls: list[Call] = []
        self.planned: deque[Planned] = deque()
        self.always: Callable[[Any], Planned | None] | None = None
        self.media: dict[str, StoredMedia] = {}
        self.in_flight = 0
        self.most_in_flight = 0
        self.base_url = ""
        self._runner: web.AppRunner | None = None
        self._changed = asyncio.Event()

    @property
    def sent(self) -> list[Any]:
        """Bodies of the messages that were taken, in order of arrival."""
        return [call.body for call in self.sends if call.status == 200]

    @property
    def sends(self) -> list[Call]:
        """Calls that send a message (not mark-as-read), taken or not."""
        return [call for call in self.calls if call.path.endswith("/messages") and "status" not in (call.body or {})]

    @property
    def reads(self) -> list[Any]:
        """Bodies of mark-as-read calls."""
        return [call.body for call in self.calls if call.path.endswith("/messages") and "status" in (call.body or {})]

    def plan(self, *answers: Planned) -> None:
        """Answer the next sends so, then as usual."""
        self.planned.extend(answers)

    def add_media(
        self,
        media_id: str,
        data: bytes,
        mime_type: str,
        *,
        sha256: str | None = None,
        announced_size: int | None = None,
    ) -> None:
        """Media that can be fetched by id; digest and size may be told wrongly on purpose."""
        self.media[media_id] = StoredMedia(data, mime_type, sha256, announced_size)

    async def wait_for_sends(self, count: int, deadline: float = 10.0) -> list[Any]:
        """The bodies taken once there are ``count``. Raises ``TimeoutError`` after ``deadline`` seconds."""
        async with asyncio.timeout(deadline):
            while len(self.sent) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.sent

    def wait_for_sends_blocking(self, count: int, deadline: float = 10.0) -> list[Any]:
        """The same from another thread than the stand-in's."""
        end = time.monotonic() + deadline
        while len(self.sent) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.sent)} of {count} sends after {deadline} s")
            threading.Event().wait(0.01)
        return self.sent

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=120 * 1024 * 1024)
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @classmethod
    @contextmanager
    def in_thread(cls, **options: Any) -> Iterator["GraphStub"]:
        """The stand-in on an event loop of its own thread."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()

        async def start() -> GraphStub:
            return await cls(**options).__aenter__()

        stub = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
        try:
            yield stub
        finally:
            asyncio.run_coroutine_threadsafe(stub.__aexit__(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        header = request.headers.get("Authorization", "")
        call = Call(request.method, request.path, time.monotonic(), header.removeprefix("Bearer ") or None)
        self.calls.append(call)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            response = await self._answer(request, call)
            call.status = response.status
            return response
        finally:
            self.in_flight -= 1
            self._changed.set()

    async def _answer(self, request: web.Request, call: Call) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        if call.token is None or (self.token is not None and call.token != self.token):
            return web.json_response(error_body(190, "Invalid OAuth access token"), status=401)
        if parts[-1] == "messages" and request.method == "POST":
            return await self._messages(request, call)
        if parts[-1] == "media" and request.method == "POST":
            return await self._upload(request, call)
        if parts[-1] == "subscribed_apps":
            listed = {"data": [{"whatsapp_business_api_data": {"id": "1", "name": "PyTake"}}]}
            return web.json_response({"success": True} if request.method == "POST" else listed)
        if parts[0] == "stored":
            stored = self.media[parts[1]]
            return web.Response(body=stored.data, content_type=stored.mime_type.split(";")[0])
        if request.method == "GET" and parts[-1] in self.media:
            return self._describe(parts[-1])
        if request.method == "GET" and request.query.get("fields"):
            return web.json_response(
                {
                    "id": parts[-1],
                    "display_phone_number": "+55 11 4000-0000",
                    "verified_name": "PyTake Tests",
                    "quality_rating": "GREEN",
                    "name_status": "APPROVED",
                    "messaging_limit_tier": "TIER_1K",
                    "throughput": {"level": "STANDARD"},
                }
            )
        return web.json_response(error_body(100, "Unsupported get request"), status=400)

    async def _messages(self, request: web.Request, call: Call) -> web.StreamResponse:
        plan = self.planned.popleft() if self.planned else None
        if plan is not None and plan.drop == "before":
            return _dropped(request)
        raw = await request.read()
        try:
            call.body = json.loads(raw)
        except ValueError:
            return web.json_response(error_body(100, "Invalid JSON"), status=400)
        if plan is None and self.always is not None:
            plan = self.always(call.body)
        plan = plan or Planned(delay=self.delay)
        if plan.delay:
            await asyncio.sleep(plan.delay)
        call.complaints = validate_send(call.body)
        if plan.drop == "after":
            call.status = 200
            return _dropped(request)
        if plan.status != 200 or plan.body is not None:
            body = plan.body if plan.body is not None else error_body(131000)
            if isinstance(body, bytes):
                return web.Response(body=body, status=plan.status, headers=plan.headers)
            return web.json_response(body, status=plan.status, headers=plan.headers)
        if call.complaints and self.strict:
            return web.json_response(graph_refusal(call.complaints), status=400)
        if "status" in call.body:
            return web.json_response({"success": True})
        call.message_id = new_wamid(str(call.body.get("to")))
        return web.json_response(graph_answer(call.body, message_id=call.message_id))

    async def _upload(self, request: web.Request, call: Call) -> web.StreamResponse:
        form = await request.post()
        file = form.get("file")
        if form.get("messaging_product") != "whatsapp" or not isinstance(file, web.FileField):
            return web.json_response(error_body(100, "(#100) file is required"), status=400)
        data = await asyncio.to_thread(file.file.read)
        media_id = hashlib.sha256(data).hexdigest()[:16]
        self.add_media(media_id, data, file.content_type)
        call.body = {"type": form.get("type"), "filename": file.filename, "size": len(data)}
        return web.json_response({"id": media_id})

    def _describe(self, media_id: str) -> web.StreamResponse:
        stored = self.media[media_id]
        size = len(stored.data) if stored.announced_size is None else stored.announced_size
        return web.json_response(
            {
                "messaging_product": "whatsapp",
                "url": f"{self.base_url}/stored/{media_id}",
                "mime_type": stored.mime_type,
                "sha256": stored.sha256 or hashlib.sha256(stored.data).hexdigest(),
                "file_size": str(size),
                "id": media_id,
            }
        )


def _dropped(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=200)
