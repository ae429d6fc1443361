"""Where calls on behalf of tenants may go: public addresses only, unless the operator allows a host.

A name is resolved once, every address it has is checked, and the caller connects to a checked address: a name that
answers differently the second time (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Awaitable[list[str]]]

# What the library's flags leave out: shared address space of carriers, benchmarks, documentation, 6to4 relays,
# site-local, segment routing, and NAT64 of one's own network (RFC 8215), where the IPv4 address stands in other bits
# by the operator's choice. The public NAT64 and 6to4 prefixes carry an IPv4 address that is judged itself, below.
_REFUSED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(net)
    for net in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
        "fec0::/10", "100::/64", "2001:db8::/32", "2001::/32", "3fff::/20", "5f00::/16", "64:ff9b:1::/48",
    )
)  # fmt: skip
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_6TO4 = ipaddress.IPv6Network("2002::/16")


class EgressRefusedError(Exception):
    """The call may not be made. `reason`: invalid_url, scheme, credentials, unresolved, private_address."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Target:
    """A checked destination: connect to `address`, speak to `host`."""

    host: str
    port: int
    address: str


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, also when it wears an IPv6 coat (mapped, NAT64, 6to4)."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return is_public(inner)
    if any(address.version == net.version and address in net for net in _REFUSED):
        return False
    return address.is_global and not (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    value = int(address)
    if value >> 32 == 0 and value > 1:  # ::a.b.c.d, long deprecated, still accepted by some stacks
        return ipaddress.IPv4Address(value)
    if address in _NAT64:
        return ipaddress.IPv4Address(value & 0xFFFFFFFF)
    if address in _6TO4:
        return ipaddress.IPv4Address((value >> 80) & 0xFFFFFFFF)
    return None


async def resolve_by_system(host: str, port: int) -> list[str]:
    """Addresses of a name, as the system's resolver gives them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


class EgressGuard:
    """Judges destinations.

    Parameters:
        allowed: hosts that may be called although they are not public: `name`, `name:port`, addresses, or networks
            (`10.1.0.0/16`), separated by commas or blanks (the setting PYTAKE_ALLOW_PRIVATE_HTTP).
        resolve: gives a name's addresses.
    """

    def __init__(self, allowed: str | Iterable[str] = "", *, resolve: Resolve = resolve_by_system) -> None:
        words = allowed.replace(",", " ").split() if isinstance(allowed, str) else list(allowed)
        self._hosts: set[tuple[str, int | None]] = set()
        self._networks: list[Network] = []
        self._resolve = resolve
        for word in words:
            try:
                self._networks.append(ipaddress.ip_network(word.strip("[]"), strict=False))
            except ValueError:
                name, _, port = word.rpartition(":")
                if name and port.isdigit():
                    self._hosts.add((name.strip("[]").lower(), int(port)))
                else:
                    self._hosts.add((word.lower(), None))

    async def check(self, url: str) -> Target:
        """The destination of a URL, resolved and judged.

        Raises:
            EgressRefusedError: it may not be called.
        """
        host, port = _host_and_port(url)
        named = (host, port) in self._hosts or (host, None) in self._hosts
        literal = _literal(host)
        if literal is not None:
            addresses = [str(literal)]
        else:
            try:
                addresses = await self._resolve(host, port)
            except (OSError, UnicodeError):
                raise EgressRefusedError("unresolved") from None
        if not addresses:
            raise EgressRefusedError("unresolved")
        for text in addresses:
            address = ipaddress.ip_address(text.partition("%")[0])
            if not named and not is_public(address) and not self._in_networks(address):
                # One bad address among good ones refuses the name: which one would be used is not ours to bet on.
                raise EgressRefusedError("private_address")
        return Target(host, port, addresses[0])

    def _in_networks(self, address: Address) -> bool:
        inner = _inner(address) if isinstance(address, ipaddress.IPv6Address) else None
        return any(
            candidate.version == net.version and candidate in net
            for net in self._networks
            for candidate in (address, inner)
            if candidate is not None
        )


def _host_and_port(url: str) -> tuple[str, int]:
    if any(ord(c) <= 32 or ord(c) == 127 or c == "\\" for c in url):
        raise EgressRefusedError("invalid_url")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise EgressRefusedError("invalid_url") from None
    if parts.scheme not in ("http", "https"):
        raise EgressRefusedError("scheme")
    if parts.username is not None or parts.password is not None:
        raise EgressRefusedError("credentials")
    if not host or port == 0:
        raise EgressRefusedError("invalid_url")
    return host.lower(), port or (443 if parts.scheme == "https" else 80)


def _literal(host: str) -> Address | None:
    """An address written out, in any form that a system's resolver would take for one (`127.1`, `0x7f000001`…)."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    if host and all(c in "0123456789abcdefx." for c in host) and host[0].isdigit():
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except OSError:
            return None
    return None
