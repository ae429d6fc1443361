"""The FastAPI application: `create_app(settings)`. Importable without Reflex."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute

from pytake_app import __version__
from pytake_app.accounts import api as accounts
from pytake_app.accounts import api_audit as audit_log
from pytake_app.accounts import api_departments as departments
from pytake_app.accounts import api_keys
from pytake_app.accounts import api_organizations as organizations
from pytake_app.accounts import api_people as people
from pytake_app.accounts import api_profile as profile
from pytake_app.accounts import api_roles as roles
from pytake_app.accounts import api_security as own_security
from pytake_app.api import docs, problem_docs, problems, realtime, system, warming, web, web_account
from pytake_app.api.guards import BeforeBody, Shape
from pytake_app.api.ingest_asgi import WebhookApp, WebhookFirst
from pytake_app.api.middleware import RequestContext, is_api_path
from pytake_app.api.rates import AddressLimits
from pytake_app.api.services import Services, build_services, process_services
from pytake_app.config import Settings, get_settings
from pytake_app.contacts import api as contacts
from pytake_app.contacts import api_catalog as contact_catalog
from pytake_app.conversations import api as conversations
from pytake_app.conversations import api_desk as desk
from pytake_app.conversations import api_views as inbox_views
from pytake_app.core import tracing
from pytake_app.core.exposition import Pulse
from pytake_app.flows import api as flows
from pytake_app.flows import api_hooks as hooks
from pytake_app.flows import api_tools as flow_tools
from pytake_app.messaging import api as messaging
from pytake_app.messaging import api_files as files
from pytake_app.messaging import api_library as media_library
from pytake_app.messaging import heartbeat
from pytake_app.notifications import api as notifications
from pytake_app.outgoing import api as outgoing
from pytake_app.privacy import api as privacy
from pytake_app.queues import api as queues
from pytake_app.queues import api_agents, api_insight, api_items, api_own_desk
from pytake_app.sandbox import api as sandbox
from pytake_app.sandbox import api_templates as sandbox_templates
from pytake_app.sandbox.courier import Courier
from pytake_app.whatsapp import api as whatsapp
from pytake_app.whatsapp import api_templates as whatsapp_templates

BASE = "/api/v1"

# Every domain's router, in the order of the documentation.
DOMAINS: tuple[APIRouter, ...] = (
    accounts.router,
    profile.router,
    own_security.router,
    people.router,
    people.joining_router,
    departments.router,
    departments.settings_router,
    roles.router,
    organizations.plans_router,
    organizations.router,
    audit_log.router,
    api_keys.router,
    contacts.router,
    contact_catalog.router,
    inbox_views.router,
    desk.router,  # first: `/conversations/bulk` must not be read as a conversation's id
    conversations.router,
    flows.router,
    hooks.router,
    flow_tools.router,
    messaging.router,
    notifications.router,
    privacy.router,
    media_library.router,
    files.router,
    outgoing.router,
    api_insight.router,  # first: `/queues/dashboard` must not be read as a queue's id
    api_own_desk.router,  # first: `/queues/waiting` must not be read as a queue's id
    queues.router,
    api_items.router,
    api_agents.router,
    whatsapp.router,
    whatsapp_templates.router,
    sandbox.router,
)

_DESCRIPTION = """Self-hosted, WhatsApp-first conversational automation.

Errors are problem documents (RFC 9457). Lists take `limit` and `cursor` and answer `items` and `next_cursor`.
Writes that create or send accept `Idempotency-Key`. Every answer is scoped to the caller's organization.
"""


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """All operations. They are the same for every application of a process (what differs is in `app.state`), and
    FastAPI works out what an included router takes and answers only once per inclusion: most of a second."""
    api = APIRouter(redirect_slashes=False)
    api.include_router(system.router)
    api.include_router(web.router)
    api.include_router(web_account.router)
    # Before the domains: `/conversations/ws` must not be read as a conversation's id.
    api.include_router(realtime.router, prefix=BASE)
    for router in DOMAINS:
        api.include_router(router, prefix=BASE)
    api.include_router(sandbox_templates.router)
    api.include_router(sandbox.graph_router)
    api.include_router(hooks.public)
    return tuple(api.routes)


def create_app(settings: Settings | None = None, *, services: Services | None = None) -> FastAPI:
    """Assemble the API.

    Parameters:
        settings: the process's own by default.
        services: share a container that exists already (tests: with a frozen clock).
    """
    settings = settings or (services.settings if services else get_settings())
    if services is None:
        services = process_services() if settings is get_settings() else build_services(settings)
    services.database.statement_seconds = settings.statement_seconds
    webhook, courier = WebhookApp(services), Courier(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        pulse = Pulse("web", services.database)
        pulse.start()
        beating = heartbeat.Beating(services.redis, "web")
        beating.start()
        tracing.start(settings, "web")
        warmed = asyncio.create_task(asyncio.to_thread(warming.warm, services, app.router.routes))
        yield
        await warmed
        pulse.stop()
        await asyncio.to_thread(beating.stop)
        await courier.aclose()
        if (hub := getattr(app.state, "hub", None)) is not None:
            await hub.aclose()
        await webhook.aclose()
        tracing.stop()
        services.close()

    app = FastAPI(
        title="PyTake",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        lifespan=lifespan,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        routes=[*_routes()],
    )
    app.state.services = services
    app.state.courier = courier
    problems.install(app)
    problem_docs.install(app)
    docs.install(app)

    # The last one added is the outermost.
    app.add_middleware(BeforeBody, settings=settings, applies=is_api_path)
    app.add_middleware(AddressLimits, settings=settings)
    app.add_middleware(Shape, settings=settings)
    if settings.cors_allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_allowed_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-ID"],
            expose_headers=[
                "Retry-After",
                "RateLimit-Limit",
                "RateLimit-Remaining",
                "RateLimit-Reset",
                "RateLimit-Policy",
                "X-Request-ID",
            ],
            allow_credentials=False,  # other origins use access tokens; the pages' cookie is for our own
            max_age=600,
        )
    app.add_middleware(RequestContext, settings=settings)
    app.add_middleware(WebhookFirst, webhook=webhook)
    return app
