"""Composition root: the pages, the API and the webhook route behind one ASGI entry, `asgi`.

`granian --interface asgi pytake_app.pytake_app:asgi` serves everything on one port:

* webhook routes → `api.ingest_asgi` (no framework in between);
* REST, documentation, health, forms, the sandbox's Graph API and the API's WebSockets → the FastAPI app;
* `/_event` → Reflex; everything else → the built front end.
"""

import contextlib
import resource
from collections.abc import AsyncIterator, Callable
from typing import Any

from pytake_app.core.memory import loading, settle_heap

with loading():
    import reflex as rx
    import structlog

    from pytake_app.api.cookies import under_host_names
    from pytake_app.core.logging import configure_logging
    from pytake_app.ui.app import make_app
    from pytake_app.ui.backend import live, settings
    from pytake_app.ui.build import built_frontend
    from pytake_app.ui.push import bridge
    from pytake_app.ui.serving import (
        Frontend,
        Receive,
        Scope,
        Send,
        foreign_origin,
        plain,
        wants_json,
        with_security_headers,
        within_socket_limits,
        within_time,
    )
    from pytake_app.ui.tabs import with_bound_token

log = structlog.get_logger(__name__)

app = make_app()

_WEBHOOK = ("/webhook", "/whatsapp/webhook", "/api/webhooks/whatsapp", "/api/v1/webhook")
_WEBHOOK_BY_API = ("/api/v1/webhook/simulate-interactive", "/api/v1/webhooks")
_API = (
    "/api",
    "/auth/web",
    "/docs",
    "/redoc",
    "/openapi.json",
    "/health",
    "/ready",
    "/metrics",
    "/hooks",
    "/sandbox/graph",
    "/static/docs",
)
_REFLEX = ("/_event", "/ping", "/_health")
OPEN_FILES = 32_768


def _under(path: str, prefixes: tuple[str, ...]) -> bool:
    return any(path == prefix or path.startswith(prefix + "/") for prefix in prefixes)


def _allow_many_sockets() -> None:
    """The usual soft limit of 1,024 open files would be the limit of visitors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _listen_to_pokes(app: rx.App) -> None:
    bridge.attach(app)
    await bridge.run(live())


app.register_lifespan_task(_listen_to_pokes)


class Composite:
    """The one ASGI application. Its parts are made when the server starts, not when the module is imported."""

    def __init__(self) -> None:
        self._ingest: Any = None
        self._api: Any = None
        self._reflex: Any = None
        self._frontend: Frontend | None = None
        self._is_ours: Callable[[Scope], bool] | None = None

    def _assemble(self) -> None:
        from pytake_app.api.app import create_app
        from pytake_app.api.ingest_asgi import app as ingest

        # Without it errors are printed with all local variables, people's data among them.
        configure_logging(settings().log_level)
        _allow_many_sockets()
        self._ingest = ingest
        self._api = create_app(settings())
        self._reflex = app()
        build = built_frontend()
        if build is None:
            log.error("front_end_missing", hint="run `./pytake up`, or build it with pytake_app.ui.build.ensure_built")
        else:
            self._frontend = Frontend(build, lambda path: app.router(path) is not None)

    @contextlib.asynccontextmanager
    async def _lifespan(self) -> AsyncIterator[None]:
        self._assemble()
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._api.router.lifespan_context(self._api))
            await stack.enter_async_context(self._reflex.router.lifespan_context(self._reflex))
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route one connection."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
            return
        path: str = scope["path"]
        https = settings().public_url.startswith("https://")
        if https:
            scope, send = under_host_names(scope, send)
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        receive = within_time(receive)
        if _under(path, _WEBHOOK) and not _under(path, _WEBHOOK_BY_API):
            await self._ingest(scope, receive, send)
            return
        send = with_security_headers(send, https=https)
        if _under(path, _API) or (path == "/" and wants_json(scope)):
            await self._api(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        receive = within_socket_limits(receive, send)
        if _under(scope["path"], _API):
            await self._api(scope, receive, send)
        elif foreign_origin(scope, settings().public_url) or self._refusal(scope) is not None:
            await send({"type": "websocket.close", "code": 1008, "reason": "foreign origin"})
        else:
            await self._reflex(with_bound_token(scope), receive, send)

    async def _pages(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refusal(scope)
        if refused is not None:
            await plain(send, *refused)
        elif _under(scope["path"], _REFLEX):
            if foreign_origin(scope, settings().public_url):
                await plain(send, 403, b"Another site's page may not ask this")
            else:
                await self._reflex(scope, receive, send)
        elif self._frontend is None:
            await plain(send, 503, b"The front end is not built; start with ./pytake up")
        else:
            await self._frontend(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, bytes] | None:
        from pytake_app.api.guards import host_rule, shape_problem

        if self._is_ours is None:
            self._is_ours = host_rule(settings())
        problem = shape_problem(scope)
        if problem is not None:
            return problem.status, problem.detail.encode()
        return None if self._is_ours(scope) else (421, b"This server is not the one that the Host header names")

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with contextlib.AsyncExitStack() as stack:
                try:
                    await stack.enter_async_context(self._lifespan())
                except Exception as error:
                    log.exception("start_failed")
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                settle_heap()
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except Exception:
            # The server waits for an answer, whatever went wrong.
            log.exception("stop_failed")
            await send({"type": "lifespan.shutdown.failed", "message": "see the log"})
            return
        await send({"type": "lifespan.shutdown.complete"})


asgi = Composite()
