"""How often who may ask: per person or API key, per organization, and per address where nobody is signed in.

Requests are of classes, each with a limit of its own (setting RATE_LIMITS). An organization has as much as so many of
its people together as its plan says (RATE_LIMIT_PEOPLE). All limits of a request are counted in one round trip.
"""

from __future__ import annotations

import asyncio
import re
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pytake_app.api.problems import problem_response
from pytake_app.config import Settings
from pytake_app.core.ratelimit import Bucket, Limiter, LimitState, network_of, refusal, scaled
from pytake_app.core.tenancy import Principal


class RouteClass(StrEnum):
    """What a request costs us, or an attacker gains by many of them."""

    READ = "read"
    WRITE = "write"
    SEARCH = "search"
    EXPORT = "export"
    UPLOAD = "upload"
    AUTH = "auth"
    PUBLIC = "public"


LIMITS: Final[dict[RouteClass, str]] = {
    RouteClass.READ: "1200 per minute",
    RouteClass.WRITE: "600 per minute",
    RouteClass.SEARCH: "300 per minute",
    RouteClass.EXPORT: "30 per minute",
    RouteClass.UPLOAD: "120 per minute",
    RouteClass.AUTH: "300 per 5 minute",
    RouteClass.PUBLIC: "3000 per minute",
}
"""The first five: of one person or key. The last two: of one address that isn't signed in."""
PEOPLE: Final[dict[str, float]] = {"free": 5, "starter": 10, "professional": 20, "enterprise": 50}
"""An organization's limit as a multiple of one person's, by its plan."""
_PEOPLE_OF_OTHER_PLANS = 20.0

UPLOAD_PATHS = re.compile(
    r"^(/sandbox/graph/[^/]+/[^/]+/media|/api/v1/sandbox/[^/]+/media|/api/v1/media|/api/v1/flow-archive"
    r"|/api/v1/conversations/[^/]+/uploads|/api/v1/[a-z/-]*avatar)$"
)
_EXPORT_PATHS = re.compile(r"/(exports?|flow-archive)(/|\.|$)|\.(csv|zip)$")
_SEARCH_PATHS = re.compile(r"/search(/|$)")
_SEARCH_WORDS = frozenset({"q", "search", "query"})
_AUTH_PATHS = re.compile(r"^(/api/v1/auth/(?!me(/|$)|sessions|logout)|/auth/web/|/api/v1/invitations/)")
# Probes come from the platform, scrapers from the operator; the sandbox's Graph is called by our own senders.
_UNCOUNTED = re.compile(r"^(/health|/ready|/metrics|/sandbox/graph/|/static/docs/)")
# They never look at credentials, so that what comes along must not take a request out of the count.
_NOBODYS_PATHS = re.compile(r"^(/hooks/|/api/v1/media-links/|/openapi\.json$)")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def class_of(method: str, path: str, query: str = "") -> RouteClass:
    """The class of a request.

    Parameters:
        query: as in the address, without the question mark.
    """
    if _EXPORT_PATHS.search(path) and method in _SAFE:
        return RouteClass.EXPORT
    if UPLOAD_PATHS.match(path) and method not in _SAFE:
        return RouteClass.UPLOAD
    if method not in _SAFE:
        return RouteClass.WRITE
    searches = _SEARCH_PATHS.search(path) or (
        query and any(name in _SEARCH_WORDS and value for name, value in parse_qsl(query[:2000]))
    )
    return RouteClass.SEARCH if searches else RouteClass.READ


def limit_of(kind: RouteClass, settings: Settings) -> str:
    """The limit of one person, key or address."""
    return settings.rate_limits.get(kind, LIMITS[kind])


def buckets_of(request: Request, who: Principal, settings: Settings) -> list[Bucket]:
    """What a signed-in caller's request counts under."""
    kind = class_of(request.method, request.url.path, request.url.query)
    limit = limit_of(kind, settings)
    own = ("key", str(who.api_key_id)) if who.api_key_id else ("user", str(who.user_id))
    factor = settings.rate_limit_people.get(who.plan, PEOPLE.get(who.plan, _PEOPLE_OF_OTHER_PLANS))
    return [
        Bucket(limit, ("api", kind, *own)),
        Bucket(scaled(limit, factor), ("api", kind, "tenant", str(who.organization_id))),
    ]


def count(request: Request, who: Principal, limiter: Limiter, settings: Settings) -> None:
    """Count a signed-in caller's request.

    Raises:
        TooManyRequestsError: theirs or their organization's limit is used up.
    """
    state = limiter.hit_all(buckets_of(request, who, settings))
    request.state.rate_limit = state
    if not state.allowed:
        raise refusal(state)


def count_stranger(connection: HTTPConnection, address: str, limiter: Limiter, settings: Settings) -> None:
    """Count a request whose credentials are not valid.

    Raises:
        TooManyRequestsError: the address has tried too many.
    """
    state = limiter.hit(limit_of(RouteClass.AUTH, settings), "api", "credentials", network_of(address))
    connection.state.rate_limit = state
    if not state.allowed:
        raise refusal(state)


class AddressLimits:
    """Counts requests of nobody in particular per address, before anything else is done for them."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not _is_strangers(scope):
            await self.app(scope, receive, send)
            return
        from pytake_app.api.deps import client_of, get_services

        connection = HTTPConnection(scope)
        services = get_services(connection)
        kind = RouteClass.AUTH if _AUTH_PATHS.match(scope["path"]) else RouteClass.PUBLIC
        address = network_of(client_of(connection).address)
        limit = limit_of(kind, self._settings)
        state: LimitState = await asyncio.to_thread(services.limiter.hit, limit, "api", kind, address)
        scope.setdefault("state", {})["rate_limit"] = state
        if state.allowed:
            await self.app(scope, receive, send)
        elif scope["path"].startswith("/auth/web/"):  # a form: its sender waits for a page
            page = "register" if scope["path"] == "/auth/web/register" else "login"
            await RedirectResponse(f"/{page}?error=rate_limited", status_code=303)(scope, receive, send)
        else:
            await problem_response(refusal(state))(scope, receive, send)


def _is_strangers(scope: Scope) -> bool:
    path = scope["path"]
    if _UNCOUNTED.match(path):
        return False
    if _NOBODYS_PATHS.match(path):
        return True
    if scope["method"] not in _SAFE and _AUTH_PATHS.match(path):
        return True  # whatever credentials come along: these routes don't look at them first
    return not any(
        name == b"authorization" or (name == b"cookie" and b"pytake_session=" in value)
        for name, value in scope["headers"]
    )
