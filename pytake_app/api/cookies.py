"""Our cookies under names that only this host can have set, where the installation is reached by https.

A browser takes a cookie called `__Host-…` over https and from the host itself only (RFC 6265bis, 4.1.3.2): a page of a
neighbouring subdomain can't put its own sign-in in the place of somebody's. Everything behind here knows the plain
names; those that come in by themselves are dropped. Plain http, as at a first start, can't have such names.
"""

from __future__ import annotations

from typing import Final

from starlette.types import Message, Scope, Send

PREFIXES: Final[dict[bytes, bytes]] = {
    b"pytake_session": b"__Host-",
    b"pytake_device": b"__Host-",
    b"pytake_form": b"__Host-",
    b"pytake_step": b"__Secure-",  # its path is that of the sign-in forms, which `__Host-` doesn't allow
}
_INWARDS: Final = {prefix + name: name for name, prefix in PREFIXES.items()}


def under_host_names(scope: Scope, send: Send) -> tuple[Scope, Send]:
    """The connection with our cookies under their plain names, and a `send` that sets them under the host's."""
    headers = [(name, _inwards(value) if name == b"cookie" else value) for name, value in scope["headers"]]

    async def renamed(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = message.get("headers", ())
            message = {**message, "headers": [(name, _outwards(name, value)) for name, value in given]}
        await send(message)

    return {**scope, "headers": headers}, renamed


def _inwards(header: bytes) -> bytes:
    kept = []
    for part in header.split(b";"):
        name, mark, value = part.strip().partition(b"=")
        if name not in PREFIXES:
            kept.append(_INWARDS.get(name, name) + mark + value)
    return b"; ".join(kept)


def _outwards(name: bytes, value: bytes) -> bytes:
    if name.lower() != b"set-cookie":
        return value
    return PREFIXES.get(value.partition(b"=")[0].strip(), b"") + value
