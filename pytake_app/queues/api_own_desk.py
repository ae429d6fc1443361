"""Endpoints behind every page's frame. Included before `/queues/{queue_id}`, which would take `waiting` for an id."""

from __future__ import annotations

from fastapi import APIRouter

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.queues import own_desk
from pytake_app.queues.own_desk import OwnDesk, WaitingView

router = APIRouter()


@router.get("/agents/me/desk", tags=["agents"])
def desk(who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> OwnDesk:
    """The caller's status, load and queues, and the conversations that ring at them."""
    return own_desk.own_desk(session, who, clock=services.clock)


@router.get("/queues/waiting", tags=["queues"])
def waiting(who: CurrentPrincipal, session: TenantSession) -> WaitingView:
    """How many wait for a person, in all and in each queue in use."""
    return own_desk.waiting(session, who)
