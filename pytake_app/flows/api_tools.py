"""Endpoints of the editor's tools."""

from __future__ import annotations

import asyncio

import structlog
from fastapi import APIRouter

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.core.egress import EgressGuard
from pytake_app.flows import tools
from pytake_app.flows.tool_schemas import (
    ClassifyResult,
    ClassifyTest,
    ExpressionResult,
    ExpressionTest,
    RequestTried,
    RequestTry,
    ScheduleRuns,
    ScheduleTest,
)
from pytake_app.outgoing.http import HttpCaller

router = APIRouter(tags=["flows"])
log = structlog.get_logger(__name__)

TRIES = "20 per minute"
"""Of one organization: a try calls somebody else's server."""
TRAININGS = "240 per minute"
"""Of one organization: the classifier is trained anew each time."""


@router.post("/flows/{flow_id}/try-request")
async def try_request(flow_id: str, body: RequestTry, who: CurrentPrincipal, services: ServicesDep) -> RequestTried:
    """Make an HTTP call block's request once, with sample values. Admins only; guarded as in production."""

    def prepare() -> tools.PreparedTry:
        with services.database.tenant(who.organization_id) as session:
            prepared = tools.prepare_try(session, who, services.secrets, flow_id, body, clock=services.clock)
            services.limiter.require(TRIES, "try-request", str(who.organization_id))
            return prepared

    prepared = await asyncio.to_thread(prepare)
    caller = HttpCaller(EgressGuard(services.settings.allow_private_http))
    try:
        tried = await tools.perform_try(prepared, caller)
    finally:
        await caller.aclose()
    log.info("request_tried", host=tools.host_of(prepared), status=tried.status, error=tried.error)
    return tried


@router.post("/flow-tools/classify")
def classify(body: ClassifyTest, who: CurrentPrincipal, services: ServicesDep) -> ClassifyResult:
    """Sort a sentence by the intents as they are being edited, with the built-in classifier."""
    services.limiter.require(TRAININGS, "classify", str(who.organization_id))
    return tools.classify(who, body)


@router.post("/flow-tools/schedule")
def schedule(body: ScheduleTest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> ScheduleRuns:
    """The next moments of a cron expression, in the organization's time zone unless another is given."""
    return tools.upcoming(session, who, body, clock=services.clock)


@router.post("/flow-tools/expression")
def expression(
    body: ExpressionTest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ExpressionResult:
    """Render a text with expressions, with sample values."""
    return tools.evaluate(session, who, body, clock=services.clock)
