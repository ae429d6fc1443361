"""Endpoints of agents. `me` stands for the caller."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.core.errors import NotFoundError
from pytake_app.core.pagination import Page
from pytake_app.core.tenancy import Permission, Principal
from pytake_app.queues import agents
from pytake_app.queues import history as reports
from pytake_app.queues.agent_schemas import (
    AgentCapacityWrite,
    AgentQueuesWrite,
    AgentQueueView,
    AgentStatusWrite,
    AgentView,
    Heartbeat,
    StatusChangeView,
)
from pytake_app.queues.insight_schemas import AgentDetail

router = APIRouter(tags=["agents"])

AgentId = UUID | Literal["me"]


def _id(agent_id: AgentId, who: Principal) -> UUID:
    return who.user_id if agent_id == "me" else UUID(str(agent_id))


@router.get("/agents")
def list_agents(who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Page[AgentView]:
    """Everybody who may answer: status, load, queues."""
    return Page[AgentView](items=agents.list_agents(session, who, clock=services.clock))


@router.post("/agents/me/heartbeat")
def heartbeat(who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Heartbeat:
    """The caller's browser or program is there; expected every 25 seconds of agents at work.

    404 `agent_not_found` for who has never been at work.
    """
    who.needs(Permission.CONVERSATIONS_HANDLE)
    beat = agents.seen(session, who.user_id, clock=services.clock)
    if beat is None:
        raise NotFoundError("There is no such agent.", code="agent_not_found")
    return beat


@router.get("/agents/{agent_id}")
def get_agent(agent_id: AgentId, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> AgentDetail:
    """One agent, with today's figures."""
    return reports.agent_detail(session, who, _id(agent_id, who), clock=services.clock)


@router.put("/agents/{agent_id}/status")
def set_status(
    agent_id: AgentId, body: AgentStatusWrite, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> AgentView:
    """At work or not, and why: one's own; administrators everybody's."""
    return agents.set_status(session, who, _id(agent_id, who), body.status, body.reason, clock=services.clock)


@router.put("/agents/{agent_id}/capacity")
def set_capacity(
    agent_id: AgentId, body: AgentCapacityWrite, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> AgentView:
    """How many conversations at a time, and skills."""
    return agents.set_capacity(session, who, _id(agent_id, who), body, clock=services.clock)


@router.get("/agents/{agent_id}/queues")
def agent_queues(
    agent_id: AgentId, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> Page[AgentQueueView]:
    """The queues an agent answers."""
    return Page[AgentQueueView](items=agents.agent_queues(session, who, _id(agent_id, who), clock=services.clock))


@router.put("/agents/{agent_id}/queues")
def set_queues(
    agent_id: AgentId, body: AgentQueuesWrite, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> Page[AgentQueueView]:
    """Give an agent these queues and no others."""
    given = agents.set_queues(session, who, _id(agent_id, who), body, clock=services.clock)
    return Page[AgentQueueView](items=given)


@router.get("/agents/{agent_id}/history")
def history(
    agent_id: AgentId,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    first: Annotated[datetime | None, Query(alias="from")] = None,
    last: Annotated[datetime | None, Query(alias="to")] = None,
) -> Page[StatusChangeView]:
    """Statuses an agent had, newest first."""
    shown = agents.history(session, who, _id(agent_id, who), first=first, last=last, clock=services.clock)
    return Page[StatusChangeView](items=shown)
