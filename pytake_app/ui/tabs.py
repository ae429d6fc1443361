"""Which state a tab's socket gets: named by the tab's own token together with whose session cookie came with it.

Reflex keeps a tab's state under a token that the browser makes up and puts into the socket's address. By itself that
token would open the state of whoever used it last, and what is pushed to it: somebody who read it in a proxy's log, or
the next person at the same browser. Bound to the cookie it opens nothing for anybody else.
"""

import hashlib
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from pytake_app.ui.serving import Scope
from pytake_app.ui.session import COOKIE

_TAB = "token"


def bound_token(token: str, cookie: str) -> str:
    """The name of the state of this tab of this sign-in; the same for the same pair, in the form of a UUID."""
    digest = hashlib.sha256(f"{len(token)}:{token}{cookie}".encode()).digest()
    return str(UUID(bytes=digest[:16], version=4))


def with_bound_token(scope: Scope) -> Scope:
    """The connection with its tab's token bound to its cookie; as it is when it names no tab."""
    query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    token = next((value for name, value in query if name == _TAB), "")
    if not token:
        return scope
    others = [(name, value) for name, value in query if name != _TAB]
    bound = bound_token(token, _session_cookie(scope))
    return {**scope, "query_string": urlencode([*others, (_TAB, bound)]).encode()}


def _session_cookie(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                morsel = SimpleCookie(value.decode("latin-1")).get(COOKIE)
            except CookieError:
                return ""
            if morsel is not None:
                return str(morsel.value)
    return ""
