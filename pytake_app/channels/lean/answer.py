"""Reading one HTTP/1.1 answer (RFC 9112), in pieces of any size, by llhttp."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

HEAD_BYTES = 64 * 1024
"""As much may come before the body, and as trailers after it."""

# One byte a chunk is lawful; more wrapping than this around a body is not meant to be read.
_WIRE_TIMES = 8
# zlib's sign for "gzip or zlib, whichever the first bytes say".
_EITHER = zlib.MAX_WBITS | 32


class TooLong(httpx.RemoteProtocolError):
    """The body is longer than the caller takes; the rest was not read. ``status`` is the answer's."""

    def __init__(self, status: int) -> None:
        super().__init__("the answer is too long")
        self.status = status


class Answer(NamedTuple):
    """A whole answer; the body as it came. Names of headers are in their sender's case."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> str | None:
        """The first value of a header; ``name`` in lower case."""
        for key, value in self.headers:
            if key.lower() == name:
                return value.decode("latin-1")
        return None

    def content(self, limit: int) -> bytes:
        """The body unpacked (gzip or deflate), at most ``limit`` bytes.

        Raises:
            TooLong: it has more.
            httpx.DecodingError: it is packed otherwise, or broken.
        """
        packed = self.header(b"content-encoding")
        if packed is None or packed.strip().lower() in {"", "identity"}:
            return self.body
        unpacker = zlib.decompressobj(_EITHER)
        try:
            content = unpacker.decompress(self.body, limit + 1)
        except zlib.error as error:
            raise httpx.DecodingError(str(error)) from None
        if len(content) > limit:
            raise TooLong(self.status)
        if not unpacker.eof:
            raise httpx.DecodingError("the packed body is cut off")
        return content


class AnswerReader:
    """Reads the answers of one connection, one after the other.

    Parameters:
        most: bytes a body may have.
    """

    __slots__ = ("_body", "_fed", "_head_done", "_headers", "_most", "_parser", "_size", "_status", "_until_end",
                 "complete", "failure", "reusable")  # fmt: skip

    def __init__(self, most: int) -> None:
        self._most = most
        self._parser = HttpResponseParser(self)
        self.reusable = True
        """Another request may follow on this connection."""
        self.begin()

    def begin(self) -> None:
        """The next answer is awaited."""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._size = 0
        self._fed = 0
        self._status = 0
        self._head_done = False
        self._until_end = False
        self.complete = False
        self.failure: httpx.RemoteProtocolError | None = None

    def feed(self, data: bytes) -> bool:
        """Take what came; whether the answer is complete now (or ``failure`` is set)."""
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.reusable = False
            # Rubbish behind a whole answer does not unsay the answer.
            if not self.complete and self.failure is None:
                self.failure = httpx.RemoteProtocolError(f"not an HTTP answer: {type(error).__name__}")
        else:
            if self._fed > HEAD_BYTES and not self.complete:
                self._watch_size()
        return self.complete or self.failure is not None

    def end(self) -> bool:
        """The other side ended the connection: whether that ends the answer, too (its length was not announced)."""
        self.reusable = False
        self.complete = self.complete or (self._until_end and self.failure is None)
        return self.complete

    def answer(self) -> Answer:
        """The answer; only once it is complete."""
        body = self._body
        return Answer(self._status, self._headers, body[0] if len(body) == 1 else b"".join(body))

    def close(self) -> None:
        """Nothing more will come."""
        # The parser knows this object, too.
        del self._parser

    # -- called by the parser; an exception stops it ---------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self.complete:
            # An answer nobody asked for: what would follow could be taken for the next request's.
            self.reusable = False
            raise httpx.RemoteProtocolError("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_done:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._fed > HEAD_BYTES and sum(len(name) + len(value) for name, value in self._headers) > HEAD_BYTES:
            self._fail(httpx.RemoteProtocolError("the answer's head is too long"))
        self._status = status
        if status >= 200:
            self._head_done = True
            if not self._parser.should_keep_alive():
                self.reusable = False
                names = {name.lower() for name, _ in self._headers}
                self._until_end = not names & {b"content-length", b"transfer-encoding"}
        elif status < 100 or status == 101:
            self._fail(httpx.RemoteProtocolError("an answer that was not asked for"))

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._most:
            self._fail(TooLong(self._status))
        self._body.append(data)

    def on_message_complete(self) -> None:
        if self._head_done:
            self.complete = True
        else:
            # 100 Continue, 103 Early Hints: the answer itself is still to come.
            self._headers = []

    def _fail(self, failure: httpx.RemoteProtocolError) -> None:
        self.failure = failure
        self.reusable = False
        raise failure

    def _watch_size(self) -> None:
        if not self._head_done:
            self.failure = httpx.RemoteProtocolError("the answer's head is too long")
        elif self._fed > HEAD_BYTES + _WIRE_TIMES * self._most:
            self.failure = TooLong(self._status)
        if self.failure is not None:
            self.reusable = False
