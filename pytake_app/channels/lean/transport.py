"""A transport for small calls: what a message's send costs is mostly what lies between it and its socket.

It holds httpx' interface (:meth:`LeanTransport.handle_async_request`); who sends much uses
:meth:`LeanTransport.exchange` and spares httpx' objects. Bodies and answers are whole and small. Redirects aren't
followed and proxies of the environment aren't used, as with any explicit transport of httpx' client.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from functools import cache, partial
from math import inf
from typing import NamedTuple

import httpx

from pytake_app.channels.errors import Withdrawn
from pytake_app.channels.lean.answer import Answer
from pytake_app.channels.lean.connection import Connection, Origin
from pytake_app.channels.lean.dial import Dialer

_PORTS = {"http": 80, "https": 443}


class Timeouts(NamedTuple):
    """Seconds; ``None``: no bound. ``read`` and ``write`` are without progress, ``total`` is from the begin."""

    connect: float | None = None
    read: float | None = None
    write: float | None = None
    pool: float | None = None
    total: float | None = None

    @classmethod
    def of(cls, timeout: httpx.Timeout, total: float | None = None) -> Timeouts:
        """As httpx has them."""
        return cls(timeout.connect, timeout.read, timeout.write, timeout.pool, total)


def head_of(method: str, url: httpx.URL, headers: list[tuple[bytes, bytes]]) -> tuple[Origin, bytes]:
    """Whom a request goes to, and its bytes up to the length of its body.

    Raises:
        httpx.UnsupportedProtocol: not http or https, or a method whose answers have no body of their own.
        httpx.LocalProtocolError: a header would break out of its line.
    """
    if url.scheme not in _PORTS or not url.raw_host or method in {"HEAD", "CONNECT"}:
        raise httpx.UnsupportedProtocol("only small calls by http and https")
    lines = [b"%s %s HTTP/1.1" % (method.encode("ascii"), url.raw_path), b"Host: " + url.netloc]
    for name, value in headers:
        if name.lower() in {b"host", b"content-length", b"transfer-encoding"}:
            continue
        if any(char in part for part in (name, value) for char in (b"\r", b"\n", b"\0")):
            raise httpx.LocalProtocolError("a header of more than one line")
        lines.append(name + b": " + value)
    lines.append(b"Content-Length: ")
    host = url.raw_host.decode("ascii")
    return Origin(url.scheme == "https", host, url.port or _PORTS[url.scheme]), b"\r\n".join(lines)


class LeanTransport(httpx.AsyncBaseTransport):
    """Connections that stay open between calls; use it within one event loop and close it at the end.

    Parameters:
        tls: for https; by default what httpx believes.
        max_connections: at the same time, of all hosts together; who comes later waits in turn.
        keepalive: seconds a connection may rest.
        max_answer: bytes a body may have.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        max_connections: int = 100,
        keepalive: float = 30.0,
        max_answer: int = 1024 * 1024,
    ) -> None:
        self._dialer = Dialer(tls or tls_context())
        self._most = max_connections
        self._keepalive = keepalive
        self._max_answer = max_answer
        self._open: set[Connection] = set()
        self._resting: dict[Origin, deque[Connection]] = {}
        self._leased = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False
        self._all_lost: asyncio.Future[None] | None = None

    async def exchange(
        self,
        origin: Origin,
        head: bytes,
        body: bytes,
        timeouts: Timeouts,
        *,
        may_leave: Callable[[], bool] | None = None,
    ) -> Answer:
        """One call; ``origin`` and ``head`` are :func:`head_of`'s.

        ``may_leave`` is asked in the very step that hands the request to the socket, once there is a connection.

        Raises:
            Withdrawn: it might not leave; nothing did.
            httpx.PoolTimeout, httpx.ConnectTimeout, httpx.ConnectError: nothing has left.
            httpx.TransportError: any other: all or part of it may have left.
        """
        loop = asyncio.get_running_loop()
        deadline = inf if timeouts.total is None else loop.time() + timeouts.total
        connection = self._at_once(origin, loop) or await self._lease(origin, timeouts, deadline)
        try:
            if may_leave is not None and not may_leave():
                raise Withdrawn
            await connection.ask(
                b"%b%d\r\n\r\n%b" % (head, len(body), body),
                read=inf if timeouts.read is None else timeouts.read,
                write=inf if timeouts.write is None else timeouts.write,
                deadline=deadline,
            )
            return connection.answer()
        finally:
            self._give_back(connection, loop)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx has it. The extension ``may_leave`` is :meth:`exchange`'s; the answer is read whole."""
        origin, head = head_of(request.method, request.url, request.headers.raw)
        body = await request.aread()
        timeouts = Timeouts(**request.extensions.get("timeout", {}))
        answer = await self.exchange(origin, head, body, timeouts, may_leave=request.extensions.get("may_leave"))
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=httpx.ByteStream(answer.body),
            request=request,
            extensions={"http_version": b"HTTP/1.1"},
        )

    async def aclose(self) -> None:
        """Close all connections; calls under way fail."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        while self._waiting:
            self._leased += 1
            self._hand_on()
        for connection in list(self._open):
            connection.abort()
        if self._open:
            self._all_lost = self._all_lost or asyncio.get_running_loop().create_future()
            await asyncio.shield(self._all_lost)

    # -- the pool --------------------------------------------------------------------------------------------------

    def _at_once(self, origin: Origin, loop: asyncio.AbstractEventLoop) -> Connection | None:
        """The resting connection that was used last, if nobody waits in front."""
        if self._leased >= self._most or self._waiting or self._closed:
            return None
        connection = self._rested(origin, loop.time())
        if connection is not None:
            self._leased += 1
        return connection

    def _rested(self, origin: Origin, now: float) -> Connection | None:
        resting = self._resting.get(origin)
        while resting:
            connection = resting.pop()
            if connection.fresh(now, self._keepalive):
                return connection
            connection.abort()
        return None

    async def _lease(self, origin: Origin, timeouts: Timeouts, deadline: float) -> Connection:
        loop = asyncio.get_running_loop()
        await self._turn(loop, _within(timeouts.pool, deadline - loop.time()))
        try:
            if self._closed:
                raise httpx.ConnectError("the transport is closed")
            connection = self._rested(origin, loop.time())
            if connection is None:
                connection = await self._connect(loop, origin, _within(timeouts.connect, deadline - loop.time()))
        except BaseException:
            self._hand_on()
            raise
        return connection

    async def _turn(self, loop: asyncio.AbstractEventLoop, limit: float | None) -> None:
        """Wait until a connection may be had. Who came first is first."""
        if self._leased < self._most and not self._waiting:
            self._leased += 1
            return
        waiter = loop.create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(limit):
                await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                # Its turn came just as it gave up.
                self._hand_on()
            else:
                self._waiting.remove(waiter)
            if isinstance(error, TimeoutError):
                raise httpx.PoolTimeout("no free connection") from None
            raise

    async def _connect(self, loop: asyncio.AbstractEventLoop, origin: Origin, limit: float | None) -> Connection:
        if self._leased + sum(map(len, self._resting.values())) > self._most:
            self._make_room()
        connection = await self._dialer.connect(
            origin, partial(Connection, loop, origin, self._max_answer, self._lost), limit
        )
        if self._closed or not connection.usable():
            connection.abort()
            raise httpx.ConnectError("closed as soon as it stood")
        self._open.add(connection)
        return connection

    def _make_room(self) -> None:
        """Close the connection that has rested longest."""
        first = min((resting[0] for resting in self._resting.values() if resting), key=_heard, default=None)
        if first is not None:
            self._resting[first.origin].popleft()
            first.abort()

    def _give_back(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        if connection.usable() and not self._closed:
            resting = self._resting.get(connection.origin)
            if resting is None:
                resting = self._resting[connection.origin] = deque()
            resting.append(connection)
            if self._sweeper is None:
                self._sweeper = loop.call_later(self._keepalive, self._sweep, loop)
        else:
            connection.abort()
        self._hand_on()

    def _hand_on(self) -> None:
        """A connection may be had by the next."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._leased -= 1

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeper = None
        now, oldest = loop.time(), inf
        for origin, resting in list(self._resting.items()):
            while resting and now - resting[0].heard >= self._keepalive:
                resting.popleft().abort()
            if resting:
                oldest = min(oldest, resting[0].heard)
            else:
                del self._resting[origin]
        if oldest < inf:
            self._sweeper = loop.call_at(oldest + self._keepalive, self._sweep, loop)

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        resting = self._resting.get(connection.origin)
        if resting and connection in resting:
            resting.remove(connection)
        if self._all_lost is not None and not self._open and not self._all_lost.done():
            self._all_lost.set_result(None)


@cache
def tls_context() -> ssl.SSLContext:
    """What httpx believes, and HTTP/1.1 only; one for the process, since reading a hundred authorities takes time."""
    context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _heard(connection: Connection) -> float:
    return connection.heard


def _within(limit: float | None, left: float) -> float | None:
    if limit is None:
        return None if left == inf else left
    return min(limit, left)
