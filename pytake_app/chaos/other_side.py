"""The other side of the wire: people whose messages come as signed webhooks, and a Graph API that misbehaves on demand.

Both keep logs of their own (`checker.Sent`, `checker.Call`), and both behave as Meta does: what isn't acknowledged is
sent again, what was acknowledged may come again, messages and statuses come in any order.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import aiohttp
import orjson
from aiohttp import web

from pytake_app.channels.whatsapp.signature import sign
from pytake_app.chaos.checker import RANKS, Call, Sent

T = TypeVar("T")

Mode = Literal["", "slow", "silent", "swallow", "429", "500", "reset-before", "reset-after"]

_MARK = re.compile(rb"PT(\d{9})")
_TEXTS = ("menu", "price", "agent", "hello")
_REPLAY_SECONDS = 2.0
_CALL_SECONDS = 8.0
MEDIA_BYTES = 150_000


@dataclass(slots=True)
class Manners:
    """How the other side behaves from now on. Shares are of 1.

    `mode` and `share`: what Graph does with so many of the calls: answer late (`slow`), take the message and never
    answer (`silent`), never answer and drop it (`swallow`), refuse it for the number's rate (`429`) or by a fault of
    its own (`500`), cut the connection before it has read the request or after it has taken it. `early`: statuses come
    before the call's answer. `late`: seconds until a status comes at the latest.
    """

    mode: Mode = ""
    share: float = 1.0
    early: bool = False
    late: float = 0.2
    duplicates: float = 0.05
    swapped: float = 0.05
    media: float = 0.0


@dataclass
class OtherSide:
    """Sender and Graph stand-in on a thread of their own; the methods may be called from any thread.

    Parameters:
        secret, number: of the connected number.
        graph_port: where the stand-in listens.
        ports: of the product's webhook servers; whichever answers gets the message.
        seed: picks are repeatable, moments aren't.
    """

    secret: str
    number: str
    graph_port: int
    ports: list[int]
    people: int = 40
    rate: float = 60.0
    seed: int = 0
    manners: Manners = field(default_factory=Manners)
    sent: list[Sent] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)
    """How often a webhook was answered with this status; 0: not at all."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # repeatable on purpose
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="other-side", daemon=True)
        self._sending: asyncio.Task[None] | None = None
        self._posts: set[asyncio.Task[None]] = set()
        self._answered: set[int] = set()
        self._busy: set[int] = set()
        self._media: dict[str, bytes] = {}
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._closing = asyncio.Event()
        self._wamids = 0

    @contextmanager
    def running(self) -> Iterator[OtherSide]:
        """Graph answers inside."""
        self._thread.start()
        try:
            self._do(self._start())
            yield self
        finally:
            self._do(self._stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _start(self) -> None:
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=200), timeout=aiohttp.ClientTimeout(total=_CALL_SECONDS)
        )
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await self._listen()

    async def _listen(self) -> None:
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.graph_port, reuse_address=True)
        await self._site.start()

    async def _stop(self) -> None:
        self._closing.set()
        for task in [*self._posts, *([self._sending] if self._sending else [])]:
            task.cancel()
        await self._client.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def go_away(self) -> None:
        """Graph refuses connections."""
        assert self._site is not None
        self._do(self._site.stop())

    def come_back(self) -> None:
        """Graph takes connections again."""
        self._do(self._listen())

    # -- people -----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """People write, at `rate` messages a second."""

        async def start() -> None:
            self._sending = asyncio.create_task(self._send())

        self._do(start())

    def pause(self) -> None:
        """Nobody writes anything new; what is under way goes on."""

        async def stop() -> None:
            if self._sending is not None:
                self._sending.cancel()
                await asyncio.gather(self._sending, return_exceptions=True)
                self._sending = None

        self._do(stop())

    @property
    def settled(self) -> bool:
        """Everything sent was acknowledged and answered, and every status was taken."""
        return not self._posts and len(self._answered) >= len(self.sent)

    @property
    def answered(self) -> int:
        """How many messages Graph got an answer to."""
        return len(self._answered)

    async def _send(self) -> None:
        due = time.monotonic()
        while True:
            due = max(due + 1 / self.rate, time.monotonic() - 0.5)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            free = [person for person in range(self.people) if person not in self._busy]
            if not free:
                continue
            person = self._random.choice(free)
            self._busy.add(person)
            entries = [self._make(person)]
            if self._random.random() < self.manners.swapped:
                # The later one is on its way first.
                entries.insert(0, self._make(person))
            self._begin(self._deliver(person, entries))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)
        return task

    def _make(self, person: int) -> Sent:
        entry = Sent(len(self.sent) + 1, f"551198{person:07d}", 0.0)
        if self._random.random() < self.manners.media:
            data = random.Random(entry.number).randbytes(MEDIA_BYTES)
            self._media[f"77{entry.number:09d}"] = data
            entry.media = hashlib.sha256(data).hexdigest()
        self.sent.append(entry)
        return entry

    async def _deliver(self, person: int, entries: list[Sent]) -> None:
        try:
            await asyncio.gather(*(self._write(entry, n * 0.01) for n, entry in enumerate(entries)))
        finally:
            self._busy.discard(person)

    async def _write(self, entry: Sent, pause: float) -> None:
        body = self._message(entry)
        again = self._random.random() < self.manners.duplicates
        at_once = self._random.random() < 0.5
        await asyncio.sleep(pause)
        entry.posted = time.monotonic()
        if again and at_once:
            await asyncio.gather(self._post(body), self._post(body))
        else:
            await self._post(body)
        entry.acked = time.monotonic()
        if again and not at_once:
            self._begin(self._replay(body))

    async def _replay(self, body: bytes) -> None:
        await asyncio.sleep(self._random.uniform(0, _REPLAY_SECONDS))
        await self._post(body)

    async def _post(self, body: bytes) -> None:
        """Until it is acknowledged, as Meta does."""
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(body, self.secret)}
        while True:
            port = self._random.choice(self.ports)
            url = f"http://127.0.0.1:{port}/api/v1/webhook/whatsapp"
            try:
                async with self._client.post(url, data=body, headers=headers) as answer:
                    await answer.read()
                    status = answer.status
            except (aiohttp.ClientError, TimeoutError):
                status = 0
            if status == 200:
                return
            self.refused[status] = self.refused.get(status, 0) + 1
            await asyncio.sleep(0.2)

    def _message(self, entry: Sent) -> bytes:
        said = f"{_TEXTS[entry.number & 3]} PT{entry.number:09d}"
        content: dict[str, Any] = {"type": "text", "text": {"body": said}}
        if entry.media:
            image = {"id": f"77{entry.number:09d}", "mime_type": "image/jpeg", "sha256": entry.media, "caption": said}
            content = {"type": "image", "image": image}
        message = {"from": entry.person, "id": external_id(self.number, entry.number), "timestamp": _now(), **content}
        contact = {"profile": {"name": f"Person {entry.person[-3:]}"}, "wa_id": entry.person}
        return self._envelope({"contacts": [contact], "messages": [message]})

    def _envelope(self, value: dict[str, Any]) -> bytes:
        meta = {"display_phone_number": "551140000000", "phone_number_id": self.number}
        change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": meta, **value}}
        return orjson.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]})

    # -- Graph ------------------------------------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        if request.method == "POST" and parts[-1] == "messages":
            return await self._called(request)
        data = self._media.get(parts[-1])
        if data is not None and parts[0] == "stored":
            return web.Response(body=data, content_type="image/jpeg")
        if data is not None:
            return web.json_response(
                {"messaging_product": "whatsapp", "id": parts[-1], "mime_type": "image/jpeg", "file_size": len(data),
                 "sha256": hashlib.sha256(data).hexdigest(),
                 "url": f"http://127.0.0.1:{self.graph_port}/stored/{parts[-1]}"}
            )  # fmt: skip
        return _refusal(400, 100)

    async def _called(self, request: web.Request) -> web.StreamResponse:
        manners = self.manners
        mode = manners.mode if manners.mode and self._random.random() < manners.share else ""
        if mode == "reset-before":
            self.calls.append(Call(time.monotonic(), 0, "", mode))
            return _cut(request)
        body = await request.read()
        mark = _MARK.search(body)
        number = int(mark.group(1)) if mark else 0
        message = orjson.loads(body)
        call = Call(time.monotonic(), number, str(message.get("to")), mode or "taken")
        self.calls.append(call)
        if mode == "429":
            return _refusal(429, 130429, {"Retry-After": "1"})
        if mode == "500":
            return _refusal(500, 131000)
        if mode == "swallow":
            await self._closing.wait()
            return _cut(request)
        self._wamids += 1
        call.wamid, call.taken = f"wamid.chaos{self._wamids:012d}", True
        self._answered.add(number)
        await self._report(call, str(message.get("biz_opaque_callback_data") or ""), early=manners.early)
        if mode == "silent":
            await self._closing.wait()
        if mode in ("silent", "reset-after"):
            return _cut(request)
        if mode == "slow":
            await asyncio.sleep(self._random.uniform(0.2, 1.2))
        known = [{"input": call.person, "wa_id": call.person}]
        return web.json_response({"messaging_product": "whatsapp", "contacts": known, "messages": [{"id": call.wamid}]})

    async def _report(self, call: Call, callback: str, *, early: bool) -> None:
        words = ["sent", "delivered", "read"]
        self._random.shuffle(words)
        if self._random.random() < self.manners.duplicates:
            words.append(self._random.choice(words))
        if early:
            # Stored before the call is answered; unless that takes longer than the caller would wait.
            await asyncio.wait([self._begin(self._tell(call, callback, words.pop(0), 0.0))], timeout=0.5)
        for word in words:
            self._begin(self._tell(call, callback, word, self._random.uniform(0, self.manners.late)))

    async def _tell(self, call: Call, callback: str, word: str, pause: float) -> None:
        await asyncio.sleep(pause)
        status = {"id": call.wamid, "status": word, "timestamp": _now(), "recipient_id": call.person,
                  "biz_opaque_callback_data": callback}  # fmt: skip
        await self._post(self._envelope({"statuses": [status]}))
        if RANKS[word] > RANKS.get(call.told, 0):
            call.told = word


def external_id(number: str, message: int) -> str:
    """The platform's id of a message that somebody sends to `number`."""
    return f"wamid.in{number}{message:09d}"


def _now() -> str:
    return str(int(time.time()))


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _refusal(status: int, code: int, headers: dict[str, str] | None = None) -> web.StreamResponse:
    error = {"message": f"(#{code}) refused", "type": "OAuthException", "code": code, "fbtrace_id": "chaos"}
    return web.json_response({"error": error}, status=status, headers=headers)
