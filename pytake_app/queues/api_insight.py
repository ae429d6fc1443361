"""Endpoints of what queues have to tell: the live dashboard, history, figures."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page
from pytake_app.queues import dashboard, history
from pytake_app.queues.dashboard_rows import MOST_SHOWN, SHOWN
from pytake_app.queues.insight_schemas import Dashboard, HistoryEntry, Period, QueueMetrics
from pytake_app.queues.item_schemas import ItemStatus

router = APIRouter(tags=["queues"])

_From = Annotated[datetime | None, Query(alias="from", description="seven days before `to` by default")]
_To = Annotated[datetime | None, Query(alias="to", description="now by default")]


@router.get("/queues/dashboard")
def get_dashboard(
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    queue: Annotated[UUID | None, Query(description="only this queue; absent: all")] = None,
    period: Annotated[Period, Query(description="whose ended items `recent` tells")] = "today",
    shown: Annotated[
        int, Query(ge=10, le=MOST_SHOWN, description="cards of each column at most; half as many of `recent`")
    ] = SHOWN,
) -> Dashboard:
    """What the monitor shows now: figures, agents, who waits and why, who is served, what has just ended."""
    return dashboard.dashboard(session, who, queue_id=queue, period=period, shown=shown, clock=services.clock)


@router.get("/queues/{queue_id}/history")
def get_history(
    queue_id: UUID,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    first: _From = None,
    last: _To = None,
    outcome: Annotated[list[ItemStatus] | None, Query(description="only these ends")] = None,
    agent: Annotated[UUID | None, Query(description="only what this agent answered")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[HistoryEntry]:
    """Who was in the queue and what became of them, the latest end first: times, agent, outcome, rating."""
    return history.history(
        session, who, queue_id, first=first, last=last, outcomes=outcome or (), agent_id=agent, limit=limit,
        cursor=cursor, clock=services.clock,
    )  # fmt: skip


@router.get("/queues/{queue_id}/metrics")
def get_metrics(
    queue_id: UUID,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    first: _From = None,
    last: _To = None,
    by: Literal["hour", "day"] = "hour",
) -> QueueMetrics:
    """Figures of a queue by hour or day, and by agent; some seconds behind."""
    return history.metrics(session, who, queue_id, first=first, last=last, by=by, clock=services.clock)
