"""Static files of the built front end, and the headers every page carries."""

import asyncio
import mimetypes
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from pathlib import Path
from typing import Any

from pytake_app.core.pagepolicy import script_hashes

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# The built pages hold inline scripts, the same for everybody: their hashes are let through, no other inline script, and
# nothing is evaluated (the build frees the client from it, see `ui.plugin`). Style sheets that libraries of the
# interface write at run time can't be told apart from others: inline style elements are let through, attributes of
# markup aren't (scripts set styles through the object model, which no policy looks at).
_POLICY = (
    "default-src 'none'; "
    "script-src 'self'{scripts}; "
    "style-src 'self' 'unsafe-inline'; "
    "style-src-attr 'none'; "
    "img-src 'self' data: blob:; "
    "media-src 'self' blob:; "
    "font-src 'self'; "
    "connect-src 'self'{sockets}; "
    "worker-src 'self'; "
    "manifest-src 'self'; "
    "frame-src 'none'; "
    "object-src 'none'; "
    "base-uri 'none'; "
    "form-action 'self'; "
    "frame-ancestors 'none'"
)
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (
        b"permissions-policy",
        (
            b"accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), "
            b"microphone=(self), midi=(), payment=(), serial=(), usb=()"
        ),
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_HOST = re.compile(rb"^[A-Za-z0-9.-]{1,250}(:[0-9]{1,5})?$|^\[[0-9a-fA-F:.]{2,45}\](:[0-9]{1,5})?$")
_IMMUTABLE = b"public, max-age=31536000, immutable"
_SHORT = b"public, max-age=3600"
_REVALIDATE = b"no-cache"
_CHUNK = 256 * 1024
_ENCODINGS = ((b"br", ".br"), (b"gzip", ".gz"))
BODY_SECONDS = 20.0
BODY_BYTES_PER_SECOND = 16 * 1024
SOCKET_MESSAGE_LIMIT = 1024 * 1024
"""Characters or bytes of one message of a socket; events of the pages are small, documents go by REST."""
SOCKET_MESSAGES_PER_SECOND = 50
SOCKET_BURST = 500


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    size: int
    etag: bytes
    modified: bytes


class Frontend:
    """Serves one build: hashed assets for ever, pages with revalidation, the application's shell for known routes.

    Parameters:
        build: a directory made by `ui.build`.
        is_route: tells whether a path belongs to a page without a file of its own (`/flows/<id>`).
    """

    def __init__(self, build: Path, is_route: Callable[[str], bool]) -> None:
        self._root = (build / "build" / "client").resolve()
        self._is_route = is_route
        self._lookup = lru_cache(maxsize=2048)(self._stat)
        self._scripts = lru_cache(maxsize=256)(lambda file: tuple(script_hashes(file.path.read_bytes())))

    def _stat(self, path: Path) -> _File | None:
        try:
            info = path.stat()
        except OSError:
            return None
        if not path.is_file() or not path.resolve().is_relative_to(self._root):
            return None
        etag = f'"{info.st_mtime_ns:x}-{info.st_size:x}"'.encode()
        return _File(path, info.st_size, etag, formatdate(info.st_mtime, usegmt=True).encode())

    def _find(self, path: str) -> tuple[_File, int] | None:
        clean = path.strip("/")
        if "\0" in clean or ".." in clean.split("/"):
            return None
        candidates = (
            [clean]
            if "." in clean.rsplit("/", 1)[-1]
            else [f"{clean}/index.html" if clean else "index.html", f"{clean}.html"]
        )
        for candidate in candidates:
            found = self._lookup(self._root / candidate)
            if found is not None:
                return found, 200
        fallback = self._lookup(self._root / "404.html")
        if fallback is None or "." in clean.rsplit("/", 1)[-1]:
            return None
        return fallback, 200 if self._is_route("/" + clean) else 404

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in {"GET", "HEAD"}:
            await plain(send, 405, b"Method not allowed", ((b"allow", b"GET, HEAD"),))
            return
        found = self._find(scope["path"])
        if found is None:
            await plain(send, 404, b"Not found")
            return
        file, status = found
        headers = dict(scope["headers"])
        kind = mimetypes.guess_type(file.path.name)[0] or "application/octet-stream"
        page = kind == "text/html"
        out: list[tuple[bytes, bytes]] = [
            (
                b"content-type",
                (kind + ("; charset=utf-8" if kind.startswith(("text/", "application/javascript")) else "")).encode(),
            ),
            (b"cache-control", _REVALIDATE if page else _IMMUTABLE if "/assets/" in scope["path"] else _SHORT),
            (b"etag", file.etag),
            (b"last-modified", file.modified),
            (b"vary", b"accept-encoding"),
        ]
        if page:
            out.append((b"content-security-policy", page_policy(self._scripts(file), headers.get(b"host", b""))))
        if status == 200 and headers.get(b"if-none-match") == file.etag:
            await send({"type": "http.response.start", "status": 304, "headers": out})
            await send({"type": "http.response.body", "body": b""})
            return
        accepted = headers.get(b"accept-encoding", b"")
        for coding, suffix in _ENCODINGS:
            packed = self._lookup(file.path.with_name(file.path.name + suffix)) if coding in accepted else None
            if packed is not None:
                file = packed
                out.append((b"content-encoding", coding))
                break
        out.append((b"content-length", str(file.size).encode()))
        await send({"type": "http.response.start", "status": status, "headers": out})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        await _send_file(file, send)


def page_policy(scripts: Iterable[str], host: bytes) -> bytes:
    """The content security policy of a page.

    Parameters:
        scripts: hash sources of its inline scripts.
        host: as the browser calls us; not every browser takes 'self' for our sockets too.
    """
    sockets = f" ws://{host.decode()} wss://{host.decode()}" if _HOST.match(host) else ""
    return _POLICY.format(scripts="".join(f" {source}" for source in scripts), sockets=sockets).encode()


async def _send_file(file: _File, send: Send) -> None:
    if file.size <= _CHUNK:
        await send({"type": "http.response.body", "body": file.path.read_bytes()})
        return
    handle = await asyncio.to_thread(os.open, file.path, os.O_RDONLY)
    try:
        sent = 0
        while sent < file.size:
            chunk = await asyncio.to_thread(os.pread, handle, _CHUNK, sent)
            if not chunk:
                break
            sent += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": sent < file.size})
    finally:
        os.close(handle)


async def plain(send: Send, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    """A short text answer."""
    out = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": out})
    await send({"type": "http.response.body", "body": body})


def within_time(receive: Receive) -> Receive:
    """A `receive` that takes a sender who dawdles for one who went away.

    A body may take `BODY_SECONDS` and a second more for every `BODY_BYTES_PER_SECOND` that came, so that a large file
    over a slow line arrives, while connections that dribble don't hold the server's places.
    """
    began = 0.0
    received = 0
    whole = False

    async def timed() -> MutableMapping[str, Any]:
        nonlocal began, received, whole
        if whole:  # what follows a body is the wait for a disconnect, as long as the answer takes
            return await receive()
        began = began or time.monotonic()
        left = began + BODY_SECONDS + received / BODY_BYTES_PER_SECOND - time.monotonic()
        try:
            async with asyncio.timeout(max(left, 0.0)):
                message = await receive()
        except TimeoutError:
            whole = True
            return {"type": "http.disconnect"}
        received += len(message.get("body", b""))
        whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return timed


def with_security_headers(send: Send, *, https: bool = False) -> Send:
    """A `send` that adds the security headers to the answer's head, unless the answer set its own.

    Parameters:
        https: the installation is reached by https: browsers are told to ask no other way.
    """
    wanted = (*SECURITY_HEADERS, STRICT_TRANSPORT) if https else SECURITY_HEADERS

    async def secured(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", []))
            names = {name.lower() for name, _ in given}
            message["headers"] = [*given, *((name, value) for name, value in wanted if name not in names)]
        await send(message)

    return secured


def foreign_origin(scope: Scope, public_url: str = "") -> bool:
    """Whether a browser says that another site's page makes this request: its Origin is neither ours by Host nor by
    PUBLIC_URL, or Sec-Fetch-Site names another site. Clients that say neither are no browsers."""
    headers = dict(scope["headers"])
    if headers.get(b"sec-fetch-site", b"same-origin") not in (b"same-origin", b"none"):
        return True
    origin = headers.get(b"origin")
    if origin is None:
        return False
    given = origin.decode("latin-1").lower()
    if public_url and given == public_url.lower().rstrip("/"):
        return False
    return given.partition("://")[2] != headers.get(b"host", b"").decode("latin-1").lower()


def within_socket_limits(receive: Receive, send: Send) -> Receive:
    """A `receive` of a WebSocket that closes it when messages are too large (1009) or come too fast (1008)."""
    allowance, since = float(SOCKET_BURST), time.monotonic()

    async def limited() -> MutableMapping[str, Any]:
        nonlocal allowance, since
        message = await receive()
        if message["type"] != "websocket.receive":
            return message
        now = time.monotonic()
        allowance, since = min(SOCKET_BURST, allowance + (now - since) * SOCKET_MESSAGES_PER_SECOND) - 1, now
        size = len(message.get("text") or message.get("bytes") or "")
        if size <= SOCKET_MESSAGE_LIMIT and allowance >= 0:
            return message
        code = 1009 if size > SOCKET_MESSAGE_LIMIT else 1008
        await send({"type": "websocket.close", "code": code, "reason": "too large" if code == 1009 else "too fast"})
        return {"type": "websocket.disconnect", "code": code}

    return limited


def wants_json(scope: Scope) -> bool:
    """Whether the client accepts JSON and not HTML: an API client rather than a browser."""
    accept = dict(scope["headers"]).get(b"accept", b"").lower()
    return b"application/json" in accept and b"text/html" not in accept
