"""What endpoints ask for: the services, the caller, a transaction, an idempotent write.

```python
@router.post("/things", status_code=201)
def create(body: NewThing, who: CurrentPrincipal, session: TenantSession, once: Once) -> ThingView:
    return once.run(201, lambda: service.create_thing(session, who, body))
```

Endpoints are plain (synchronous) functions: FastAPI runs them in its thread pool, as the database code is synchronous.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar, cast
from urllib.parse import urlsplit

import orjson
from fastapi import Depends, Header, Request, Security
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from sqlmodel import Session
from starlette.requests import HTTPConnection

from pytake_app.accounts.service import Client
from pytake_app.api import idempotency, rates, rights
from pytake_app.api.services import Services
from pytake_app.core.addresses import forwarded_address
from pytake_app.core.errors import ForbiddenError, UnauthorizedError
from pytake_app.core.masking import phones_masked
from pytake_app.core.tenancy import Principal, Role, acting

T = TypeVar("T")

COOKIE = "pytake_session"
DEVICE_COOKIE = "pytake_device"
"""Tells that this browser signed in to an account before; proves nothing else (`accounts.attempts`)."""
CSRF_HEADER = "x-pytake-csrf"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(
    auto_error=False, scheme_name="bearer", bearerFormat="JWT", description="access token of /auth/login"
)
_api_key = HTTPBearer(
    auto_error=False, scheme_name="api_key", bearerFormat="pk_…", description="a key of /api-keys, within its scopes"
)
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, scheme_name="cookie", description="the pages' session")


def get_services(connection: HTTPConnection) -> Services:
    """The process's services."""
    services = connection.app.state.services
    assert isinstance(services, Services)
    return services


ServicesDep = Annotated[Services, Depends(get_services)]


def is_same_origin(connection: HTTPConnection, public_url: str) -> bool:
    """Whether a browser says that the request comes from our own pages.

    `Sec-Fetch-Site` decides where the browser sends it; otherwise `Origin` must be there and name this host.
    (OWASP, Cross-Site Request Forgery Prevention: fetch metadata, verifying origin with standard headers.)
    """
    site = connection.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = connection.headers.get("origin")
    if origin is None:
        return site == "same-origin"
    if origin == "null":
        return False
    parts = urlsplit(origin)
    public = urlsplit(public_url)
    if public.netloc and (parts.scheme, parts.netloc) == (public.scheme, public.netloc):
        return True
    return bool(parts.netloc) and parts.netloc == connection.headers.get("host", "")


def is_secure(connection: HTTPConnection, public_url: str) -> bool:
    """Whether the visitor came by https, here or at the proxy before us."""
    return (
        connection.url.scheme in ("https", "wss")
        or connection.headers.get("x-forwarded-proto", "").split(",")[0].strip() == "https"
        or public_url.startswith("https://")
    )


def client_of(connection: HTTPConnection) -> Client:
    """Where the request comes from: the peer, or what proxies that we trust say of it."""
    address = connection.client.host if connection.client else ""
    # A proxy may add a line of its own below what the visitor sent: all lines are one list (RFC 9110, section 5.3).
    forwarded = ",".join(connection.headers.getlist("x-forwarded-for"))
    if forwarded:
        address = forwarded_address(address, forwarded, get_services(connection).settings.trusted_proxies)
    return Client(
        address=address,
        user_agent=connection.headers.get("user-agent", ""),
        device=connection.cookies.get(DEVICE_COOKIE, "")[:1000],
    )


def signed_in(
    request: Request,
    services: ServicesDep,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    cookie: Annotated[str | None, Security(_cookie)],
    _key: Annotated[HTTPAuthorizationCredentials | None, Security(_api_key)],  # the same header; told in the document
) -> Principal:
    """The caller: by access token or API key, or by the pages' cookie.

    Raises:
        UnauthorizedError: neither, or not valid.
        ForbiddenError: a write by cookie that doesn't prove that it comes from our own pages (`csrf`).
        TooManyRequestsError: more requests than anybody needs.
        ForbiddenError: the route needs a permission that the caller doesn't have (`permission_missing`).
    """
    known: Principal | None = getattr(request.state, "principal", None)
    who = known or authenticate(request, services, bearer.credentials if bearer else None, cookie)
    rights.check(who, request.method, getattr(request.scope.get("route"), "path", ""))
    return who


def authenticate(request: Request, services: Services, bearer: str | None, cookie: str | None) -> Principal:
    """Who asks, counted under their limits; once a request.

    Raises: as `principal`.
    """
    try:
        who = _resolve(request, services, bearer, cookie)
    except UnauthorizedError:
        if getattr(request.state, "rate_limit", None) is None:  # else it was counted when it came
            rates.count_stranger(request, client_of(request).address, services.limiter, services.settings)
        raise
    request.state.principal = who
    request.state.organization_id = str(who.organization_id)
    request.state.locale = who.locale
    rates.count(request, who, services.limiter, services.settings)
    return who


async def principal(request: Request, who: Annotated[Principal, Depends(signed_in)]) -> Principal:
    """The caller, in whose name the audit log writes down what the request changes.

    A coroutine, so that what is set here holds for the endpoint, wherever it runs.
    """
    acting.set(who.actor(client_of(request).address))
    phones_masked.set(who.masks_phones)
    return who


def _resolve(request: Request, services: Services, bearer: str | None, cookie: str | None) -> Principal:
    if bearer is not None:
        return services.accounts.resolve_bearer(bearer, client_of(request).address)
    if not cookie:
        raise UnauthorizedError("Send an access token, or sign in.")
    if request.method not in SAFE_METHODS:
        require_own_page(request, services.settings.public_url)
    found = services.accounts.resolve_cookie(cookie)
    if found is None:
        raise UnauthorizedError("The session has ended; sign in again.", code="session_ended")
    return found


def require_own_page(request: Request, public_url: str) -> None:
    """Refuse a write by cookie that another site may have caused.

    Raises:
        ForbiddenError: the header is missing, or the browser names another origin.
    """
    if request.headers.get(CSRF_HEADER) != "1" or not is_same_origin(request, public_url):
        raise ForbiddenError(f"A write by cookie needs the header {CSRF_HEADER}: 1 and our own origin.", code="csrf")


CurrentPrincipal = Annotated[Principal, Depends(principal)]


def require(role: Role) -> Callable[[Principal], Principal]:
    """A dependency that refuses callers below `role`: `Annotated[Principal, Depends(require(Role.AGENT))]`."""

    def check(who: CurrentPrincipal) -> Principal:
        who.require(role)
        return who

    return check


Viewer = Annotated[Principal, Depends(require(Role.VIEWER))]
Agent = Annotated[Principal, Depends(require(Role.AGENT))]
OrgAdmin = Annotated[Principal, Depends(require(Role.ORG_ADMIN))]


def tenant_session(who: CurrentPrincipal, services: ServicesDep) -> Iterator[Session]:
    """One transaction of the caller's organization around the endpoint, committed before the answer leaves."""
    with services.database.tenant(who.organization_id) as session:
        yield session


# scope="function": the commit happens before the answer is sent, so that a client is never told of what wasn't kept.
TenantSession = Annotated[Session, Depends(tenant_session, scope="function")]


class OnceRunner:
    """Runs a write at most once per `Idempotency-Key`."""

    def __init__(self, session: Session, services: Services, key: str | None, request_hash: str) -> None:
        self._session = session
        self._services = services
        self._key = key
        self._request_hash = request_hash

    def run(self, status: int, write: Callable[[], T]) -> T:
        """Do `write`, or give the answer it had the first time.

        Parameters:
            status: the HTTP status of the first answer, kept with it.

        Raises:
            InvalidError: the key came before with another request (`idempotency_key_reused`).
        """
        if self._key is None:
            return write()
        now = self._services.clock.now()
        earlier = idempotency.claim(self._session, self._key, self._request_hash, now)
        if earlier is not None:
            replayed = JSONResponse(
                earlier.response.get("body") if earlier.response else None,
                status_code=earlier.status,
                headers={"Idempotency-Replayed": "true"},
            )
            return cast("T", replayed)  # FastAPI sends a response that it is given as it is
        result = write()
        body: Any = result
        if isinstance(result, JSONResponse):
            body = orjson.loads(result.body)
        idempotency.keep(self._session, self._key, status, jsonable_encoder(body))
        return result


async def request_hash(request: Request) -> str:
    """What makes a repeat the same request: method, path, query and body."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    digest.update(await request.body())
    return digest.hexdigest()


def once(
    session: TenantSession,
    services: ServicesDep,
    who: CurrentPrincipal,
    digest: Annotated[str, Depends(request_hash)],
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> OnceRunner:
    """For writes that create or send: see `OnceRunner.run`."""
    return OnceRunner(session, services, idempotency_key, f"{who.user_id}:{digest}")


Once = Annotated[OnceRunner, Depends(once, scope="function")]
