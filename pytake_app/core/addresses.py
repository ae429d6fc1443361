"""Where a request comes from, when there are proxies in between."""

from __future__ import annotations

from ipaddress import ip_address, ip_network


def forwarded_address(peer: str, forwarded: str, trusted: list[str]) -> str:
    """The nearest address that is no proxy of ours. Whatever stands further left anybody may have written.

    Parameters:
        forwarded: the value of `X-Forwarded-For`, nearest address last.
        trusted: networks of our proxies.
    """
    networks = [ip_network(network, strict=False) for network in trusted]
    address = peer
    for candidate in reversed(forwarded.split(",")):
        try:
            ours = any(ip_address(address) in network for network in networks)
            following = str(ip_address(candidate.strip()))
        except ValueError:
            return address
        if not ours:
            return address
        address = following
    return address
