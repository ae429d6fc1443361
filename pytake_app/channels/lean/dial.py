"""Opening connections: names, addresses of both families, TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

import aiohappyeyeballs
import httpx

from pytake_app.channels.lean.connection import Connection, Origin

# As long as the other connections of this process believe a name's addresses (aiohttp's default).
_NAMES_SECONDS = 10.0
# RFC 8305, section 8: how long an address is tried alone before the next is tried beside it.
_NEXT_ADDRESS_SECONDS = 0.25
_TLS_SHUTDOWN_SECONDS = 2.0


class _Names:
    """What one name means, asked once for all who dial at the same time."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.addresses: list[aiohappyeyeballs.AddrInfoType] = []
        self.until = 0.0


class Dialer:
    """Opens connections.

    Parameters:
        tls: for https; it says whose certificates are believed.
    """

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._names: dict[tuple[str, int], _Names] = {}

    async def connect(self, origin: Origin, make: Callable[[], Connection], limit: float | None) -> Connection:
        """A new connection, within ``limit`` seconds for all of it. Nothing of a request has left when it fails.

        Raises:
            httpx.ConnectTimeout: it took too long.
            httpx.ConnectError: the name, the address, the certificate…
        """
        try:
            async with asyncio.timeout(limit):
                return await self._connected(origin, make)
        except (OSError, UnicodeError) as error:
            # Its addresses may be what is wrong.
            self._names.pop((origin.host, origin.port), None)
            kind = httpx.ConnectTimeout if isinstance(error, TimeoutError) else httpx.ConnectError
            raise kind(type(error).__name__) from error

    async def _connected(self, origin: Origin, make: Callable[[], Connection]) -> Connection:
        loop = asyncio.get_running_loop()
        addresses = await self._addresses(loop, origin.host, origin.port)
        opened = await aiohappyeyeballs.start_connection(
            addresses, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS, interleave=1, loop=loop
        )
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if origin.tls:
                _, connection = await loop.create_connection(
                    make,
                    sock=opened,
                    ssl=self._tls,
                    server_hostname=origin.host,
                    ssl_shutdown_timeout=_TLS_SHUTDOWN_SECONDS,
                )
            else:
                _, connection = await loop.create_connection(make, sock=opened)
        except BaseException:
            opened.close()
            raise
        return connection

    async def _addresses(
        self, loop: asyncio.AbstractEventLoop, host: str, port: int
    ) -> list[aiohappyeyeballs.AddrInfoType]:
        names = self._names.setdefault((host, port), _Names())
        async with names.lock:
            if names.until <= loop.time():
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                names.addresses, names.until = list(found), loop.time() + _NAMES_SECONDS
            return names.addresses
