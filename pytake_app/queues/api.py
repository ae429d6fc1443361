"""Endpoints of service queues and business hours."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from pytake_app.api.deps import CurrentPrincipal, Once, ServicesDep, TenantSession
from pytake_app.core.pagination import Page
from pytake_app.queues import service
from pytake_app.queues.schemas import CalendarCreate, CalendarUpdate, CalendarView, QueueView, QueueWrite

router = APIRouter()


@router.get("/queues", tags=["queues"])
def list_queues(who: CurrentPrincipal, session: TenantSession) -> Page[QueueView]:
    """Service queues, the default first."""
    return Page[QueueView](items=service.list_queues(session, who))


@router.post("/queues", tags=["queues"], status_code=201, response_model=QueueView)
def create_queue(
    body: QueueWrite, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> Any:
    """A new queue."""
    return once.run(201, lambda: service.create_queue(session, who, body, clock=services.clock))


@router.get("/queues/{queue_id}", tags=["queues"])
def get_queue(queue_id: UUID, who: CurrentPrincipal, session: TenantSession) -> QueueView:
    """One queue."""
    return service.get_queue(session, who, queue_id)


@router.put("/queues/{queue_id}", tags=["queues"])
def replace_queue(
    queue_id: UUID, body: QueueWrite, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> QueueView:
    """Make a queue what the body says. `is_default` makes it the one that takes what names no other."""
    return service.replace_queue(session, who, queue_id, body, clock=services.clock)


@router.delete("/queues/{queue_id}", tags=["queues"], status_code=204)
def delete_queue(
    queue_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, move_to: UUID | None = None
) -> Response:
    """Take a queue away. 409 `default_needed` for the default one; 409 `people_waiting` when somebody waits in it,
    unless `move_to` names the queue where they go on waiting."""
    service.delete_queue(session, who, queue_id, move_to=move_to, clock=services.clock)
    return Response(status_code=204)


@router.get("/business-hours", tags=["settings"])
def list_calendars(who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Page[CalendarView]:
    """Calendars of business hours, the default first."""
    return Page[CalendarView](items=service.list_calendars(session, who, clock=services.clock))


@router.post("/business-hours", tags=["settings"], status_code=201, response_model=CalendarView)
def create_calendar(
    body: CalendarCreate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> Any:
    """A new calendar."""
    return once.run(201, lambda: service.create_calendar(session, who, body, clock=services.clock))


@router.get("/business-hours/{calendar_id}", tags=["settings"])
def get_calendar(
    calendar_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> CalendarView:
    """One calendar."""
    return service.get_calendar(session, who, calendar_id, clock=services.clock)


@router.patch("/business-hours/{calendar_id}", tags=["settings"])
def update_calendar(
    calendar_id: UUID, body: CalendarUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> CalendarView:
    """Change a calendar: what is absent stays, lists are replaced."""
    return service.update_calendar(session, who, calendar_id, body, clock=services.clock)


@router.delete("/business-hours/{calendar_id}", tags=["settings"], status_code=204)
def delete_calendar(calendar_id: UUID, who: CurrentPrincipal, session: TenantSession) -> Response:
    """Take a calendar away. 409 `default_needed` for the default one."""
    service.delete_calendar(session, who, calendar_id)
    return Response(status_code=204)
