"""The other side of the wire, in one process with one clock: signed webhooks go out, Graph calls come in.

Run as `python -m pytake_app.bench.pipeline_load` with a JSON description on standard input (see `Plan`); it prints one
JSON line a phase. It keeps its own log of what it sent and received, so that loss, repetition and disorder are counted
here and not by the product.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvloop

_MARK = re.compile(rb"PT(\d{9})")
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_CALLBACK = re.compile(rb'"biz_opaque_callback_data":"([^"]+)"')
_TO = re.compile(rb'"to":"(\d+)"')
_WORDS = ("menu", "price", "agent", "hello")


@dataclass(slots=True)
class Phase:
    """One measurement. `rate` webhooks a second for `seconds` (open loop); with `rate` 0, `in_flight` at once (closed
    loop). `count` bounds the number. `graph_delay` seconds until Graph answers. `hold`: it begins when the driver says
    so. `stored`: so many of the messages are in the database already; they are waited for, not sent."""

    name: str
    seconds: float
    rate: float = 0.0
    in_flight: int = 50
    count: int = 0
    contacts: int = 1000
    graph_delay: float = 0.0
    drain_seconds: float = 30.0
    warm_up: float = 0.0
    hold: bool = False
    stored: int = 0


@dataclass(slots=True)
class Plan:
    """What to do: `url` host, port and path of the webhook; `number` the phone number id; `statuses` sent back."""

    host: str
    port: int
    path: str
    secret: str
    number: str
    graph_port: int
    phases: list[Phase]
    statuses: list[str] = field(default_factory=list)
    connections: int = 64


@dataclass(slots=True)
class Sent:
    """One webhook: when it left, was acknowledged, and when its Graph call came."""

    contact: int
    at: float
    acked: float = 0.0
    received: list[float] = field(default_factory=list)


def _envelope(account: str, value: bytes) -> bytes:
    return (
        b'{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":'
        b'{"messaging_product":"whatsapp","metadata":{"display_phone_number":"551140000000","phone_number_id":"%b"},'
        b"%b}}]}]}" % (account.encode(), value)
    )


def message_body(account: str, number: int, contact: int) -> bytes:
    """The webhook with message `number` of `contact` to the number whose platform id is `account`."""
    phone = b"551198%07d" % contact
    value = (
        b'"contacts":[{"profile":{"name":"Person %d"},"wa_id":"%b"}],"messages":[{"from":"%b",'
        b'"id":"wamid.in%b%09d","timestamp":"%d","type":"text","text":{"body":"%b PT%09d"}}]'
        % (
            contact,
            phone,
            phone,
            account.encode(),
            number,
            int(time.time()),
            _WORDS[number & 3].encode(),
            number,
        )
    )
    return _envelope(account, value)


class Client(asyncio.Protocol):
    """A keep-alive connection with one request at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.done: Callable[[int], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def post(self, data: bytes, done: Callable[[int], None]) -> None:
        self.done = done
        assert self._transport is not None
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        match = _LENGTH.search(self._buffer, 0, end + 2)
        size = end + 4 + (int(match.group(1)) if match else 0)
        if len(self._buffer) < size:
            return
        status = int(self._buffer[9:12])
        self._buffer = self._buffer[size:]
        done, self.done = self.done, None
        self._load.idle.append(self)
        if done is not None:
            done(status)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        done, self.done = self.done, None
        self._load.lost_connection(self)
        if done is not None:
            done(0)


class Graph(asyncio.Protocol):
    """The stand-in for the Graph API: takes messages, answers like Meta."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            match = _LENGTH.search(self._buffer, 0, end + 2)
            size = end + 4 + (int(match.group(1)) if match else 0)
            if len(self._buffer) < size:
                return
            body, self._buffer = self._buffer[end + 4 : size], self._buffer[size:]
            answer = self._load.called(body)
            delay = self._load.graph_delay
            if delay:
                asyncio.get_running_loop().call_later(delay, self._answer, answer)
            else:
                self._answer(answer)

    def _answer(self, body: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            self._transport.write(head + body)


class Load:
    """Sends what a plan says and keeps the log."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.idle: deque[Client] = deque()
        self._open = 0
        self.log: dict[int, Sent] = {}
        self.next_id = 1
        self.graph_delay = 0.0
        self.unknown = 0
        self.wamids = 0
        self.disorder = 0
        self._last: dict[int, int] = {}
        self._busy: set[int] = set()
        self._statuses: deque[bytes] = deque()
        self._completed = 0
        self.on_complete: Callable[[], None] | None = None
        self.failures: dict[int, int] = {}

    # -- Graph ------------------------------------------------------------------------------------------------------

    def called(self, body: bytes) -> bytes:
        """A Graph call arrived; answers with its body."""
        now = time.monotonic()
        if b'"status":"read"' in body:
            return b'{"success":true}'
        self.wamids += 1
        wamid = b"wamid.bench%012d" % self.wamids
        match = _MARK.search(body)
        sent = self.log.get(int(match.group(1))) if match else None
        if match is None or sent is None:
            self.unknown += 1
        else:
            number = int(match.group(1))
            sent.received.append(now)
            if len(sent.received) == 1:
                if number < self._last.get(sent.contact, 0):
                    self.disorder += 1
                self._last[sent.contact] = number
                self._completed += 1
                if self.on_complete is not None:
                    self.on_complete()
        to = _TO.search(body)
        recipient = to.group(1) if to else b""
        if self._plan.statuses:
            callback = _CALLBACK.search(body)
            for word in self._plan.statuses:
                self._statuses.append(
                    self._status(wamid, word.encode(), recipient, callback.group(1) if callback else b"")
                )
        return b'{"messaging_product":"whatsapp","contacts":[{"input":"%b","wa_id":"%b"}],"messages":[{"id":"%b"}]}' % (
            recipient,
            recipient,
            wamid,
        )

    # -- webhooks ---------------------------------------------------------------------------------------------------

    def _request(self, body: bytes) -> bytes:
        signature = hmac.new(self._plan.secret.encode(), body, hashlib.sha256).hexdigest()
        head = (
            f"POST {self._plan.path} HTTP/1.1\r\nHost: {self._plan.host}\r\nContent-Type: application/json\r\n"
            f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _message(self, number: int, contact: int) -> bytes:
        return self._request(message_body(self._plan.number, number, contact))

    def _status(self, wamid: bytes, word: bytes, recipient: bytes, callback: bytes) -> bytes:
        value = (
            b'"statuses":[{"id":"%b","status":"%b","timestamp":"%d","recipient_id":"%b",'
            b'"biz_opaque_callback_data":"%b"}]' % (wamid, word, int(time.time()), recipient, callback)
        )
        return self._request(_envelope(self._plan.number, value))

    def lost_connection(self, client: Client) -> None:
        """The server closed a connection; a new one is opened when needed."""
        self._open -= 1
        if client in self.idle:
            self.idle.remove(client)

    async def connect(self) -> None:
        """Open connections up to the plan's number."""
        loop = asyncio.get_running_loop()
        while self._open < self._plan.connections:
            _, client = await loop.create_connection(lambda: Client(self), self._plan.host, self._plan.port)
            self._open += 1
            self.idle.append(client)

    def send(self, contact: int) -> bool:
        """Send the next webhook of `contact`; False when no connection is free or its last one isn't acknowledged."""
        if not self.idle or contact in self._busy:
            return False
        number, self.next_id = self.next_id, self.next_id + 1
        entry = self.log[number] = Sent(contact, time.monotonic())
        self._busy.add(contact)
        self._post(number, entry, self._message(number, contact))
        return True

    def _post(self, number: int, entry: Sent, request: bytes) -> None:
        def done(status: int) -> None:
            if status == 200:
                entry.acked = time.monotonic()
                self._busy.discard(entry.contact)
            else:
                # As Meta does: what was not acknowledged is sent again.
                self.failures[status] = self.failures.get(status, 0) + 1
                asyncio.get_running_loop().call_later(0.2, self._again, number, entry, request)

        self.idle.popleft().post(request, done)

    def _again(self, number: int, entry: Sent, request: bytes) -> None:
        if self.idle:
            self._post(number, entry, request)
        else:
            asyncio.get_running_loop().call_later(0.2, self._again, number, entry, request)

    async def keep(self) -> None:
        """Send statuses back, and open connections again that were lost."""
        while True:
            while self._statuses and self.idle:
                request = self._statuses.popleft()

                def done(status: int, request: bytes = request) -> None:
                    if status != 200:
                        self._statuses.append(request)

                self.idle.popleft().post(request, done)
            if self._open < self._plan.connections:
                try:
                    await self.connect()
                except OSError:
                    await asyncio.sleep(0.1)
            await asyncio.sleep(0.002 if self._statuses else 0.02)

    # -- phases -----------------------------------------------------------------------------------------------------

    async def run(self, phase: Phase) -> dict[str, Any]:
        """One phase; what was measured."""
        self.graph_delay = phase.graph_delay
        first, self._completed, disorder = self.next_id, 0, self.disorder
        began = time.monotonic()
        for number in range(first, first + phase.stored):
            self.log[number] = Sent((number - first) % phase.contacts, began, began)
        self.next_id += phase.stored
        if phase.rate:
            await self._open_loop(phase, began)
        elif not phase.stored:
            await self._closed_loop(phase, first, began)
        stopped = time.monotonic()
        deadline = stopped + phase.drain_seconds
        while self._completed < self.next_id - first and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        # A moment for repetitions to show.
        await asyncio.sleep(0.3)
        return self._figures(phase, first, began, stopped, self.disorder - disorder)

    async def _open_loop(self, phase: Phase, began: float) -> None:
        total = phase.count or int(phase.rate * phase.seconds)
        for n in range(total):
            due = began + n / phase.rate
            while (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            while not self.send(self.next_id % phase.contacts):
                await asyncio.sleep(0.001)

    async def _closed_loop(self, phase: Phase, first: int, began: float) -> None:
        waiting = asyncio.Event()
        end = began + phase.seconds

        def more() -> None:
            outstanding = self.next_id - first - self._completed
            while outstanding < phase.in_flight and time.monotonic() < end and not self._enough(phase, first):
                if not self.send(self.next_id % phase.contacts):
                    waiting.set()
                    return
                outstanding += 1

        self.on_complete = more
        try:
            while time.monotonic() < end and not self._enough(phase, first):
                more()
                waiting.clear()
                await asyncio.sleep(0.001)
        finally:
            self.on_complete = None

    def _enough(self, phase: Phase, first: int) -> bool:
        return bool(phase.count) and self.next_id - first >= phase.count

    def _figures(self, phase: Phase, first: int, began: float, stopped: float, disorder: int) -> dict[str, Any]:
        entries = [self.log[number] for number in range(first, self.next_id)]
        measured_from = began + phase.warm_up
        arrivals = sorted(e.received[0] for e in entries if e.received)
        inside = [at for at in arrivals if at >= measured_from]
        closed = phase.rate == 0 and not phase.count and not phase.stored
        last = min(stopped, inside[-1]) if inside and closed else inside[-1] if inside else measured_from
        span = last - measured_from
        counted = [at for at in inside if at <= last]
        times = sorted((e.received[0] - e.at) * 1000 for e in entries if e.received and e.at >= measured_from)
        acks = sorted((e.acked - e.at) * 1000 for e in entries if e.acked and e.at >= measured_from)
        return {
            "phase": phase.name,
            "sent": len(entries),
            "completed": len(arrivals),
            "per_second": round(len(counted) / span, 1) if span > 0 else 0.0,
            "ms_p50": _at(times, 0.5),
            "ms_p95": _at(times, 0.95),
            "ms_p99": _at(times, 0.99),
            "ack_ms_p50": _at(acks, 0.5),
            "ack_ms_p95": _at(acks, 0.95),
            "lost": sum(1 for e in entries if not e.received),
            "duplicated": sum(len(e.received) - 1 for e in entries if e.received),
            "out_of_order": disorder,
            "unknown_calls": self.unknown,
            "not_acknowledged": {str(status): count for status, count in self.failures.items()},
            "first": first,
        }


def _at(values: list[float], share: float) -> float:
    return round(values[min(len(values) - 1, int(len(values) * share))], 1) if values else 0.0


async def main() -> None:
    """Read a plan, run its phases, print their figures."""
    raw = orjson.loads(await asyncio.to_thread(sys.stdin.buffer.readline))
    plan = Plan(**{**raw, "phases": [Phase(**phase) for phase in raw["phases"]]})
    load = Load(plan)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Graph(load), "127.0.0.1", plan.graph_port)
    print(orjson.dumps({"graph_port": server.sockets[0].getsockname()[1]}).decode(), flush=True)
    # The product is set up with that port before anything is sent.
    await asyncio.to_thread(sys.stdin.buffer.readline)
    await load.connect()
    keeper = asyncio.create_task(load.keep())
    for phase in plan.phases:
        if phase.hold:
            await asyncio.to_thread(sys.stdin.buffer.readline)
        print(orjson.dumps(await load.run(phase)).decode(), flush=True)
    keeper.cancel()
    server.close()


if __name__ == "__main__":
    uvloop.run(main())
