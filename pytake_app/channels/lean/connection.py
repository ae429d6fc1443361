"""One connection, one request at a time."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from math import inf
from typing import NamedTuple, cast

import httpx

from pytake_app.channels.lean.answer import Answer, AnswerReader

# A loop that was held up finds its timers before its sockets: what is late gets one more turn of the loop.
_SECOND_LOOK_SECONDS = 0.01


class Origin(NamedTuple):
    """Where requests go. ``host`` as it is resolved and as the certificate must have it."""

    tls: bool
    host: str
    port: int


class Connection(asyncio.Protocol):
    """Made by the loop; used by one caller at a time.

    Parameters:
        loop: the running loop.
        origin: whom it connects with.
        most: bytes an answer's body may have.
        on_lost: called when it is over.
    """

    __slots__ = ("_asked", "_deadline", "_failure", "_gone", "_heard", "_late", "_loop", "_on_lost", "_paused", "_read",
                 "_reader", "_timer", "_timer_at", "_transport", "_unread", "_write", "_wrote", "origin")  # fmt: skip

    def __init__(
        self, loop: asyncio.AbstractEventLoop, origin: Origin, most: int, on_lost: Callable[[Connection], None]
    ) -> None:
        self.origin = origin
        self._loop = loop
        self._on_lost = on_lost
        self._reader = AnswerReader(most)
        self._transport: asyncio.Transport | None = None
        self._unread = select.poll()
        self._gone = False
        self._paused = False
        self._late = False
        self._asked: asyncio.Future[None] | None = None
        self._failure: httpx.TransportError | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = self._deadline = self._read = self._write = inf
        self._heard = self._wrote = loop.time()

    # -- for the pool ----------------------------------------------------------------------------------------------

    @property
    def heard(self) -> float:
        """When the other side last said something (the loop's clock)."""
        return self._heard

    def usable(self) -> bool:
        """Whether a request may be written: nothing is under way, and as far as is known the other side listens."""
        transport = self._transport
        return (
            self._asked is None
            and not self._gone
            and self._reader.reusable
            and transport is not None
            and not transport.is_closing()
        )

    def fresh(self, now: float, keepalive: float) -> bool:
        """The same for one that rested in the pool: not over its time, and nothing unread in its socket."""
        # What lies unread is the end, perhaps, which the loop has not come to yet: the look costs half a microsecond.
        return now - self._heard < keepalive and self.usable() and not self._unread.poll(0)

    def ask(self, payload: bytes, *, read: float, write: float, deadline: float) -> asyncio.Future[None]:
        """Write a whole request. The future is done when :meth:`answer` may be called.

        ``read`` and ``write`` are seconds without progress, ``deadline`` is on the loop's clock.
        """
        asked = self._asked = self._loop.create_future()
        self._reader.begin()
        self._late = False
        self._heard = self._wrote = self._loop.time()
        self._read, self._write, self._deadline = read, write, deadline
        cast("asyncio.Transport", self._transport).write(payload)
        self._arm()
        return asked

    def answer(self) -> Answer:
        """What came. Raises what went wrong."""
        failure, self._failure = self._failure, None
        if failure is None:
            return self._reader.answer()
        try:
            raise failure
        finally:
            # Its traceback knows this frame.
            del failure

    def abort(self) -> None:
        """Close it at once."""
        if self._transport is not None:
            self._transport.abort()
        self._fail(httpx.ReadError("the connection was closed here"))

    # -- called by the loop ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._unread.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        if self._asked is None:
            # Nobody asked. It must not be taken for the answer to the next request.
            self._reader.reusable = False
            cast("asyncio.Transport", self._transport).abort()
            return
        self._heard = self._loop.time()
        if self._reader.feed(data):
            if self._reader.failure is not None:
                self._fail(self._reader.failure)
            else:
                if cast("asyncio.Transport", self._transport).get_write_buffer_size():
                    # An answer to half a request; the other half would be the begin of the next.
                    self._reader.reusable = False
                self._settle()

    def eof_received(self) -> None:
        self._gone = True
        if self._asked is not None:
            if self._reader.end():
                self._settle()
            else:
                self._fail(httpx.RemoteProtocolError("disconnected without a whole answer"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True
        if self._asked is not None:
            failure = (httpx.WriteError if self._paused else httpx.ReadError)("the connection broke")
            failure.__cause__ = exc
            self._fail(failure)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._reader.reusable = False
        self._reader.close()
        self._on_lost(self)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._heard = self._loop.time()
        if self._asked is not None:
            self._arm()

    # ---------------------------------------------------------------------------------------------------------------

    def _fail(self, failure: httpx.TransportError) -> None:
        if self._asked is not None:
            self._reader.reusable = False
            self._failure = failure
            self._settle()

    def _settle(self) -> None:
        asked, self._asked = self._asked, None
        # Failures are kept here, not in the future: nobody would fetch them from there after a cancellation.
        if asked is not None and not asked.done():
            asked.set_result(None)

    def _due(self) -> float:
        return min(self._deadline, self._wrote + self._write if self._paused else self._heard + self._read)

    def _arm(self) -> None:
        # One timer a connection, which outlives its requests: a running one that is due early enough is left alone.
        due = self._due()
        if self._timer is not None:
            if self._timer_at <= due:
                return
            self._timer.cancel()
        if due < inf:
            self._timer_at = due
            self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._asked is None:
            return
        now = self._loop.time()
        if now < self._due():
            self._arm()
        elif not self._late:
            self._late = True
            self._timer_at = now + _SECOND_LOOK_SECONDS
            self._timer = self._loop.call_at(self._timer_at, self._look)
        else:
            self._fail(httpx.WriteTimeout("") if self._paused else httpx.ReadTimeout(""))
