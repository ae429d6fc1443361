"""What stands before a request's body: its outer shape, whom it is addressed to, and who sends it.

A form or a document is parsed only for somebody who may send it: parsing costs memory and time, credentials are in the
headers.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pytake_app.api.deps import COOKIE, authenticate, get_services
from pytake_app.api.problems import problem_response
from pytake_app.api.rates import UPLOAD_PATHS
from pytake_app.config import Settings
from pytake_app.core.errors import ForbiddenError, ProblemError, TooLargeError, UnauthorizedError
from pytake_app.core.tenancy import Role

BODY_LIMIT = 3 * 1024 * 1024
"""Bytes of a JSON body: flow documents are at most 2 MB (checked again, with a better message, by the engine)."""
STRANGER_LIMIT = 64 * 1024
"""Bytes of a body whose sender shows no credentials. Addresses that are credentials themselves take `BODY_LIMIT`."""
ARCHIVE_LIMIT = 10_000_000
PICTURE_LIMIT = 8 * 1024 * 1024
_MULTIPART = 64 * 1024
"""Bytes of a form around its file."""
URL_LIMIT = 16 * 1024
HEADER_LIMIT = 32 * 1024
HEADERS_LIMIT = 100
PARAMETERS_LIMIT = 400

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_CREDENTIALS = re.compile(r"^(/hooks/|/sandbox/graph/)")
_OPEN = re.compile(r"^(/api/v1/auth/(?!me(/|$)|logout)|/api/v1/invitations/)")


class RefusedRequest(ProblemError):
    """The request's outer shape is none that we answer."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail, code=code)
        self.status = status
        self.title = "Refused"


def shape_problem(scope: Scope) -> RefusedRequest | None:
    """Why a request's address or headers are refused, None when they aren't.

    The server in front (Granian) ends connections whose headers outgrow its own buffer; this says why, and holds for
    other servers too.
    """
    query: bytes = scope.get("query_string", b"")
    if len(scope.get("raw_path") or scope["path"].encode()) + len(query) > URL_LIMIT:
        return RefusedRequest(414, "address_too_long", f"An address may have at most {URL_LIMIT} bytes.")
    if query.count(b"&") >= PARAMETERS_LIMIT:
        return RefusedRequest(400, "too_many_parameters", f"A query has at most {PARAMETERS_LIMIT} parameters.")
    headers = scope["headers"]
    if len(headers) > HEADERS_LIMIT or sum(len(name) + len(value) for name, value in headers) > HEADER_LIMIT:
        return RefusedRequest(431, "headers_too_large", "The headers are too large.")
    return None


def host_rule(settings: Settings) -> Callable[[Scope], bool]:
    """Whether a request is addressed to us: by one of ALLOWED_HOSTS or PUBLIC_URL's host; without both, any.

    Addresses of the loopback always are: probes and neighbours on the machine use them.
    """
    wanted = {host.strip().lower() for host in settings.allowed_hosts if host.strip()}
    public = urlsplit(settings.public_url).hostname
    if wanted and public:
        wanted.add(public.lower())
    if not wanted or "*" in wanted:
        return lambda _scope: True
    wanted |= {"localhost", "127.0.0.1", "::1"}
    suffixes = tuple(host[1:] for host in wanted if host.startswith("*."))

    def ours(scope: Scope) -> bool:
        host = host_of(scope)
        return host in wanted or (bool(suffixes) and host.endswith(suffixes))

    return ours


def host_of(scope: Scope) -> str:
    """The name in the Host header, lower-cased, without its port; empty when it is none or there are several."""
    given = [value for name, value in scope["headers"] if name == b"host"]
    if len(given) != 1:
        return ""
    try:
        return (urlsplit(f"//{given[0].decode('ascii')}").hostname or "").lower()
    except (UnicodeDecodeError, ValueError):
        return ""


class Shape:
    """Refuses what no client of ours sends: endless addresses and headers, packed bodies, other hosts' names."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._is_ours = host_rule(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        problem: ProblemError | None = shape_problem(scope)
        if problem is None and not self._is_ours(scope):
            problem = RefusedRequest(421, "unknown_host", "This server is not the one that the Host header names.")
        if problem is None and scope["type"] == "http" and _is_packed(scope["headers"]):
            problem = RefusedRequest(415, "unsupported_media_type", "Send the body without a Content-Encoding.")
        if problem is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
        else:
            await problem_response(problem)(scope, receive, send)


def _is_packed(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-encoding" and value.lower() not in (b"", b"identity") for name, value in headers)


def credentials(scope: Scope) -> tuple[str | None, str | None]:
    """The bearer token and the session cookie that a request carries."""
    bearer, cookie = None, None
    for name, value in scope["headers"]:
        if name == b"authorization" and bearer is None:
            scheme, _, token = value.decode("latin-1").partition(" ")
            bearer = token.strip() if scheme.lower() == "bearer" and token.strip() else None
        elif name == b"cookie" and cookie is None and b"pytake_session" in value:
            try:
                found = SimpleCookie(value.decode("latin-1")).get(COOKIE)
            except CookieError:
                found = None
            cookie = found.value if found is not None else None
    return bearer, cookie


def body_limit(path: str, upload_limit: int, *, known: bool) -> int:
    """Bytes that a body may have.

    Parameters:
        upload_limit: of files in general (setting UPLOAD_MAX_BYTES).
        known: the request carries credentials.
    """
    if UPLOAD_PATHS.match(path):
        if path.endswith("avatar"):
            return PICTURE_LIMIT + _MULTIPART
        return (ARCHIVE_LIMIT if path.endswith("flow-archive") else upload_limit) + _MULTIPART
    return BODY_LIMIT if known or _OWN_CREDENTIALS.match(path) else STRANGER_LIMIT


class BeforeBody:
    """Refuses bodies over the limit, and asks who sends a large one or a file before any of it is read.

    A body is over the limit at once when it is announced so, else as soon as that many bytes came.
    """

    def __init__(self, app: ASGIApp, settings: Settings, *, applies: Callable[[str], bool]) -> None:
        self.app = app
        self._applies = applies
        self._upload_limit = settings.upload_max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not self._applies(scope["path"]):
            await self.app(scope, receive, send)
            return
        bearer, cookie = credentials(scope)
        limit = body_limit(scope["path"], self._upload_limit, known=bool(bearer or cookie))
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if announced.isdigit() and int(announced) > limit:
            await problem_response(_too_large(limit))(scope, receive, send)
            return
        if self._asks_first(scope, announced):
            try:
                await asyncio.to_thread(_require_sender, scope, bearer, cookie)
            except ProblemError as error:
                await problem_response(error)(scope, receive, send)
                return
        await self._counted(scope, receive, send, limit)

    def _asks_first(self, scope: Scope, announced: bytes) -> bool:
        path = scope["path"]
        if scope["method"] in _SAFE or not path.startswith("/api/") or _OPEN.match(path):
            return False
        if UPLOAD_PATHS.match(path):
            return True
        chunked = any(name == b"transfer-encoding" for name, _ in scope["headers"])
        return chunked or (announced.isdigit() and int(announced) > STRANGER_LIMIT)

    async def _counted(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > limit:
                    raise _too_large(limit)
            return message

        answered = False

        async def send_unless_over(message: Message) -> None:
            # Whoever was reading the body may turn our refusal into an answer of its own.
            nonlocal answered
            if received <= limit:
                await send(message)
            elif not answered:
                answered = True
                await problem_response(_too_large(limit))(scope, receive, send)

        try:
            await self.app(scope, receive_counted, send_unless_over)
        except TooLargeError:
            if answered or received <= limit:
                raise
            await problem_response(_too_large(limit))(scope, receive, send)


def _require_sender(scope: Scope, bearer: str | None, cookie: str | None) -> None:
    if not bearer and not cookie:
        raise UnauthorizedError("Send an access token, or sign in.")
    request = Request(scope)
    who = authenticate(request, get_services(request), bearer, cookie)
    if UPLOAD_PATHS.match(scope["path"]) and not scope["path"].endswith("avatar") and not who.may(Role.AGENT):
        raise ForbiddenError("Your role does not allow this.")


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"A body may have at most {limit} bytes.")
