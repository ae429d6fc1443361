"""Pure ASGI middleware: request ids, figures, security headers, and the last net for errors.

It stands in front of the pages too (they are mounted below the API), so it only adds to answers, except under the
API's own paths.
"""

from __future__ import annotations

import re
import time
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pytake_app.api.problems import as_problem, problem_response
from pytake_app.config import Settings
from pytake_app.core import metrics
from pytake_app.core.errors import ProblemError
from pytake_app.core.ids import new_id

log = structlog.get_logger(__name__)

API_PREFIXES = ("/api/", "/auth/", "/hooks/", "/sandbox/graph", "/health", "/ready", "/metrics", "/openapi.json")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")


def is_api_path(path: str) -> bool:
    """Whether a path belongs to the API rather than to the pages."""
    return path.startswith(API_PREFIXES)


class RequestContext:
    """Gives every request an id (the caller's `X-Request-ID` if it looks like one), measures it, adds headers."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._hsts = settings.public_url.startswith("https://")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), "")
        request_id = given if _REQUEST_ID.match(given) else new_id().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        scope.setdefault("state", {})["request_id"] = request_id
        api = is_api_path(scope["path"])
        started = time.perf_counter()
        status = 500
        began = False

        async def send_with_headers(message: Message) -> None:
            nonlocal status, began
            if message["type"] == "http.response.start":
                began = True
                status = message["status"]
                self._add_headers(MutableHeaders(scope=message), scope, request_id, api=api)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:
            if began:
                raise
            problem = as_problem(error)
            if problem is None:
                log.exception("request_failed", method=scope["method"], route=_route_of(scope))
                problem = ProblemError("Something went wrong on our side; the request id helps support to find it.")
            await problem_response(problem)(scope, receive, send_with_headers)
        finally:
            route = _route_of(scope)
            # Any word is a method: those that nobody uses share a label too.
            method = scope["method"] if scope["method"] in _METHODS else "other"
            metrics.counter(metrics.http_requests, method, route, str(status)).inc()
            metrics.histogram(metrics.http_seconds, method, route).observe(time.perf_counter() - started)
            structlog.contextvars.clear_contextvars()

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A bug ends a socket with the code for it, and tells nothing else."""
        closed = False

        async def send_noted(message: Message) -> None:
            nonlocal closed
            closed = closed or message["type"] == "websocket.close"
            await send(message)

        try:
            await self.app(scope, receive, send_noted)
        except Exception:
            # Whatever it is: it is logged without what was said, and the other side hears that the socket is over.
            log.exception("socket_failed", route=_route_of(scope))
            if not closed:
                await send({"type": "websocket.close", "code": 1011, "reason": "internal"})

    def _add_headers(self, headers: MutableHeaders, scope: Scope, request_id: str, *, api: bool) -> None:
        headers["X-Request-ID"] = request_id
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if self._hsts:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        if api:
            headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
            headers.setdefault("Cache-Control", "no-store")
        limit = scope.get("state", {}).get("rate_limit")
        if limit is not None:
            headers["RateLimit-Limit"] = str(limit.limit)
            headers["RateLimit-Remaining"] = str(limit.remaining)
            headers["RateLimit-Reset"] = str(limit.reset)
            headers["RateLimit-Policy"] = f"{limit.limit};w={limit.window}"


def _route_of(scope: Scope) -> str:
    """The route's pattern; paths that match none share one label, or anybody could make labels without end."""
    route: Any = scope.get("route")
    path = getattr(route, "path_format", None) or getattr(route, "path", None)
    if isinstance(path, str) and path:
        # An included router's route knows its path without the prefix it was included under.
        base = "/api/v1" if scope["path"].startswith("/api/v1/") and not path.startswith("/api/") else ""
        return base + path
    return "unmatched" if is_api_path(scope["path"]) else "pages"
