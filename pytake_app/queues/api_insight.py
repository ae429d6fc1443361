"""Endpoints of what queues have to tell: the live dashboard."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.queues import dashboard
from pytake_app.queues.insight_schemas import Dashboard, Period

router = APIRouter(tags=["queues"])


@router.get("/queues/dashboard")
def get_dashboard(
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    queue: Annotated[UUID | None, Query(description="only this queue; absent: all")] = None,
    period: Annotated[Period, Query(description="whose ended items `recent` tells")] = "today",
) -> Dashboard:
    """What the monitor shows now: figures, agents, who waits and why, who is served, what has just ended."""
    return dashboard.dashboard(session, who, queue_id=queue, period=period, clock=services.clock)
