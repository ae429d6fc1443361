"""Who is behind a handler. State is per tab and every public method can be called by anybody who opens a socket,
so identity never comes from state or payload: it is resolved from the session cookie, in every handler.

A page's state:

```python
class FlowsState(rx.State):
    rows: list[FlowRow] = []

    @rx.event
    @protected(role="viewer")
    async def load(self, who: Principal): ...        # `who` is given by the decorator, never by the client

    @rx.event
    @protected(permission="flows.edit")
    async def delete(self, who: Principal, flow_id: str): ...
```

and the page is registered with `on_load=[SessionState.guard, FlowsState.load]`. `protected` must stand under
`@rx.event`; it works for coroutines and asynchronous generators. Helpers of a state start with `_`.
"""

import functools
import hashlib
import inspect
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote

import reflex as rx
import structlog

from pytake_app.accounts.service import resolve_web_session
from pytake_app.core.addresses import forwarded_address
from pytake_app.core.tenancy import Actor, Permission, Principal, Role, acting
from pytake_app.ui.backend import database, settings
from pytake_app.ui.i18n import match_language

log = structlog.get_logger(__name__)

COOKIE = "pytake_session"
FORM_COOKIE = "pytake_form"
LANGUAGE_COOKIE = "pytake_lang"
CACHE_SECONDS = 5.0
"""How long a resolved cookie is believed; a revoked session is out after this time at the latest."""

_cache: dict[str, tuple[float, Principal | None]] = {}


def initials(name: str) -> str:
    """Up to two letters of a name: its first and last words'."""
    words = [word for word in name.split() if word]
    return "".join(word[0] for word in (words if len(words) < 2 else [words[0], words[-1]])).upper()


def read_cookie(state: rx.State, name: str) -> str:
    """A cookie of the socket's own request; empty when absent or malformed."""
    try:
        morsel = SimpleCookie(state.router.headers.cookie).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""


def language_of(state: rx.State) -> str:
    """The language for texts the server makes (toasts): the chosen one, else the browser's."""
    chosen = read_cookie(state, LANGUAGE_COOKIE)
    return match_language(chosen or state.router.headers.accept_language)


def address_of(state: rx.State) -> str:
    """The address that the tab's socket came from: the peer, or what proxies that we trust say of it."""
    peer = str(state.router.session.client_ip or "")
    forwarded = state.router.headers.raw_headers.get("x-forwarded-for", "")
    return (forwarded_address(peer, forwarded, settings().trusted_proxies) if forwarded else peer)[:64]


async def identify(state: rx.State) -> Principal | None:
    """The principal of the cookie this tab connected with, or None when there is none or it was revoked."""
    return await principal_of(read_cookie(state, COOKIE))


async def principal_of(token: str) -> Principal | None:
    """Whose session cookie this is, or None when it is empty, unknown or revoked."""
    import asyncio

    if not token:
        return None
    key = hashlib.sha256(token.encode()).hexdigest()
    now = time.monotonic()
    known = _cache.get(key)
    if known is not None and known[0] > now:
        return known[1]
    if len(_cache) > 4096:
        _cache.clear()
    principal = await asyncio.to_thread(_resolve, token)
    _cache[key] = (now + CACHE_SECONDS, principal)
    return principal


def _resolve(token: str) -> Principal | None:
    with database().auth() as session:
        return resolve_web_session(session, token)


def forget_all() -> None:
    """Drop every cached identity (a session was revoked; tests)."""
    _cache.clear()


def forget(state: rx.State) -> None:
    """Drop the cached identity of this tab's cookie: what it shows was changed just now."""
    _cache.pop(hashlib.sha256(read_cookie(state, COOKIE).encode()).hexdigest(), None)


def allows(principal: Principal, role: str) -> bool:
    """Whether the principal's role is at least `role`."""
    return principal.may(Role(role))


def login_address(path: str) -> str:
    """Where to send somebody who isn't signed in, so that they come back to `path` (same-site paths only)."""
    safe = path if path.startswith("/") and path[1:2] not in {"/", "\\"} else "/"
    return f"/login?next={quote(safe, safe='')}"


def _to_login(state: rx.State) -> rx.event.EventSpec:
    # A full navigation: cookies are read once, when the socket connects.
    url = state.router.url
    return rx.redirect(login_address(f"{url.path}?{url.query}" if url.query else url.path), is_external=False)


def protected(role: str = "viewer", *, permission: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a handler its `who: Principal` (first after `self`), and refuse callers below `role`.

    Parameters:
        permission: one that the caller must have besides, e.g. `flows.edit`.

    Somebody without a session is sent to the sign-in page; somebody without the right gets a toast. In both
    cases the handler's body doesn't run. A state that holds work of the person says it itself: its
    `_refused("signed_out" | "forbidden")` is called instead, and gives the event to answer with, if any.
    """
    Role(role)  # a wrong word fails when the page is imported
    wanted = Permission(permission) if permission else None

    def admits(principal: Principal) -> bool:
        return allows(principal, role) and (wanted is None or principal.has(wanted))

    def decorate(fn: Callable[..., Any]) -> Callable[..., Any]:
        async def admitted(state: rx.State) -> tuple[Principal | None, rx.event.EventSpec | None]:
            principal = await identify(state)
            refused = getattr(state, "_refused", None)
            if principal is not None and not admits(principal):
                log.warning(
                    "event_refused", handler=fn.__qualname__, user_id=str(principal.user_id),
                    organization_id=str(principal.organization_id), address=address_of(state),
                )  # fmt: skip
            if refused is not None and (principal is None or not admits(principal)):
                return None, refused("signed_out" if principal is None else "forbidden")
            if principal is None:
                return None, _to_login(state)
            if not admits(principal):
                from pytake_app.ui.feedback import say

                return None, say(state, "common.no_permission", kind="error")
            acting.set(Actor("user", principal.user_id, principal.name, address_of(state)))
            return principal, None

        if inspect.isasyncgenfunction(fn):

            @functools.wraps(fn)
            async def generator(self: rx.State, *args: Any, **kwargs: Any) -> Any:
                principal, refusal = await admitted(self)
                if principal is None:
                    yield refusal
                    return
                async for step in fn(self, principal, *args, **kwargs):
                    yield step

            wrapper: Callable[..., Any] = generator
        elif inspect.iscoroutinefunction(fn):

            @functools.wraps(fn)
            async def coroutine(self: rx.State, *args: Any, **kwargs: Any) -> Any:
                principal, refusal = await admitted(self)
                return refusal if principal is None else await fn(self, principal, *args, **kwargs)

            wrapper = coroutine
        else:
            raise TypeError(f"{fn.__qualname__} must be async: a sync handler stops every user of the process")
        # Reflex binds the client's payload by signature: it must not see `who`.
        signature = inspect.signature(fn)
        parameters = list(signature.parameters.values())
        if len(parameters) < 2 or parameters[1].name != "who":
            raise TypeError(f"{fn.__qualname__} must take `who` right after `self`")
        wrapper.__signature__ = signature.replace(parameters=[parameters[0], *parameters[2:]])  # type: ignore[attr-defined]
        wrapper.__annotations__ = {k: v for k, v in fn.__annotations__.items() if k != "who"}
        wrapper.__protected__ = role  # type: ignore[attr-defined]
        wrapper.__permission__ = permission  # type: ignore[attr-defined]
        return wrapper

    return decorate


class SessionState(rx.State):
    """Who is signed in, for the shell. Only what the person may see about themselves."""

    user_id: str = ""
    user_name: str = ""
    user_email: str = ""
    initials: str = ""
    avatar: str = ""
    time_zone: str = ""
    role: str = ""
    organization_name: str = ""
    organization_id: str = ""
    locale: str = ""
    email_unconfirmed: bool = False
    """Whether a mailed link waits to be used; only where mails are sent at all."""
    permissions: list[str] = []
    """What the person may do: pages hide or close the rest. Handlers and services ask for themselves."""

    @rx.event
    async def guard(self) -> rx.event.EventSpec | None:
        """`on_load` of every page behind the sign-in: fills the shell or leads to the sign-in page."""
        who = await identify(self)
        if who is None:
            self.reset()
            return _to_login(self)
        self.user_id = str(who.user_id)
        self.user_name, self.user_email = who.name, who.email
        self.initials, self.role, self.avatar = initials(who.name), who.role.value, who.avatar_url
        self.organization_name, self.locale, self.time_zone = who.organization_name, who.locale, who.time_zone
        self.organization_id = str(who.organization_id)
        self.email_unconfirmed = not who.email_confirmed and bool(settings().smtp_url.get_secret_value())
        self.permissions = sorted(who.permissions)
        return None

    @rx.event
    async def guard_guest(self) -> rx.event.EventSpec | None:
        """`on_load` of the sign-in pages: who is signed in already goes on."""
        if await identify(self) is not None:
            return rx.redirect("/")
        return None


def is_development() -> bool:
    """Whether this installation may show hints meant for developers."""
    return settings().environment != "production"
