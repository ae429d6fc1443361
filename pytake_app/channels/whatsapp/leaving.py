"""A request's body that is asked once more, as it is about to leave, whether it still may.

For transports that are given to the client; its own is asked itself (`channels/lean`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx


class LeavingBody(httpx.AsyncByteStream):
    """Bytes that are handed out only while `may_leave` says so.

    Parameters:
        value: the bytes.
        may_leave: asked right before they are handed out.
    """

    def __init__(self, value: bytes, may_leave: Callable[[], bool]) -> None:
        self._value = value
        self._may_leave = may_leave
        self.withdrawn = False
        """It was asked, and the answer was no: nothing of it has left."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The bytes in one piece.

        Raises:
            PermissionError: they may not leave any more.
        """
        if not self._may_leave():
            self.withdrawn = True
            raise PermissionError("withdrawn")
        yield self._value
