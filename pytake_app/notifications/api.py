"""Endpoints of a person's notifications."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.notifications import service
from pytake_app.notifications.schemas import NotificationPage, NotificationView, ReadResult

router = APIRouter(prefix="/notifications", tags=["notifications"])


@router.get("")
def list_notifications(
    who: CurrentPrincipal,
    session: TenantSession,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 30,
    unread: bool = False,
) -> NotificationPage:
    """What the caller should know, newest first."""
    return service.list_notifications(session, who, cursor=cursor, limit=limit, unread=unread)


@router.patch("/{notification_id}/read")
def mark_read(
    notification_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> NotificationView:
    """Mark one as read."""
    return service.mark_read(session, who, notification_id, clock=services.clock)


@router.post("/read-all")
def mark_all_read(who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> ReadResult:
    """Mark all as read."""
    return service.mark_all_read(session, who, clock=services.clock)
