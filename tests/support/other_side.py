"""An HTTP server that does what a test says, byte by byte, and tells what it saw."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Self


def answer(body: bytes = b"{}", status: str = "200 OK", headers: str = "") -> bytes:
    """An ordinary answer; ``headers`` are whole lines."""
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Visit:
    """One connection. ``number`` counts from 0 in the order they came."""

    def __init__(self, side: "OtherSide", number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.side = side
        self.number = number
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """The next request's body; :class:`asyncio.IncompleteReadError` when there is none."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").lower().split("\r\n")
        length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
        body = await self.reader.readexactly(length)
        self.side.heads.append(head)
        self.side.bodies.append((self.number, body))
        await self.side.tell()
        return body

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    def break_off(self) -> None:
        """End it without a farewell."""
        self.writer.transport.abort()

    async def serve(self, body: bytes = b"{}") -> None:
        """Answer until the other ends it."""
        while True:
            await self.request()
            self.say(answer(body))


class OtherSide:
    """``play`` is what each connection does. Use with ``async with``."""

    def __init__(self, play: Callable[[Visit], Awaitable[None]], *, tls: ssl.SSLContext | None = None, **where: Any):
        self._play = play
        self._tls = tls
        self._where = {"host": "127.0.0.1", "port": 0, **where}
        self._tasks: set[asyncio.Task[None]] = set()
        self.heads: list[bytes] = []
        self.bodies: list[tuple[int, bytes]] = []
        self.visits: list[Visit] = []
        self.over: set[int] = set()
        """Numbers of the connections whose end was seen from here."""
        self.changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._come, ssl=self._tls, **self._where)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for something seen here."""
        async with asyncio.timeout(60), self.changed:
            await self.changed.wait_for(true)

    async def tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        visit = Visit(self, len(self.visits), reader, writer)
        self.visits.append(visit)
        await self.tell()
        try:
            await self._play(visit)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            self.over.add(visit.number)
        except asyncio.CancelledError:
            # The test is over; the server's own callback would report it as an error.
            return
        finally:
            writer.close()
            await self.tell()
