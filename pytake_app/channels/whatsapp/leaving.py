"""A request's body that is asked once more, as it is about to leave, whether it still may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import cast

import aiohttp
import httpx
from aiohttp.abc import AbstractStreamWriter


class LeavingBody(aiohttp.BytesPayload):
    """JSON that is written only while `may_leave` says so.

    aiohttp hands a body to the socket in the same step in which it asks the body to write itself, after it has waited
    for a free connection and made one: nothing else of this process comes between the question and the socket. Without
    its body a request means nothing to the platform.

    Parameters:
        value: the bytes.
        may_leave: asked right before they are written.
    """

    def __init__(self, value: bytes, may_leave: Callable[[], bool]) -> None:
        super().__init__(value, content_type="application/json")
        self._may_leave = may_leave
        self.withdrawn = False
        """It was asked, and the answer was no: nothing of it has left."""

    @property
    def stream(self) -> httpx.AsyncByteStream:
        """As a request of httpx takes it; its transport hands it on as it is."""
        return cast("httpx.AsyncByteStream", self)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write it, or fail.

        Raises:
            PermissionError: it may not leave any more.
        """
        self._ask()
        await super().write_with_length(writer, content_length)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """For transports other than aiohttp's."""
        self._ask()
        yield self._value

    def _ask(self) -> None:
        if not self._may_leave():
            self.withdrawn = True
            raise PermissionError("withdrawn")
