"""Endpoints of the message queue."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from pytake_app.api.deps import CurrentPrincipal, Once, ServicesDep, TenantSession
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page
from pytake_app.messaging import service
from pytake_app.messaging.schemas import QueueMessage, QueueSend, QueueStats

router = APIRouter(prefix="/queue", tags=["message queue"])


@router.post("/send", status_code=202)
def send(
    body: QueueSend, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> QueueMessage:
    """Queue a message to a phone number."""
    return once.run(202, lambda: service.send(session, who, body, clock=services.clock))


@router.get("/stats")
def stats(who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> QueueStats:
    """Depth by priority, age of the oldest, what was given up on."""
    return service.stats(session, who, clock=services.clock)


@router.get("/message/{item_id}")
def message(item_id: UUID, who: CurrentPrincipal, session: TenantSession) -> QueueMessage:
    """One message, by its queue id or its message id."""
    return service.get_message(session, who, item_id)


@router.post("/message/{item_id}/cancel")
def cancel(item_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> QueueMessage:
    """Take a message out of the queue before it is sent."""
    return service.cancel(session, who, item_id, clock=services.clock)


@router.post("/message/{item_id}/retry")
def retry(item_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> QueueMessage:
    """Try a message that was given up on again."""
    return service.retry(session, who, item_id, clock=services.clock)


@router.get("/dead-letter")
def dead_letter(
    who: CurrentPrincipal,
    session: TenantSession,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[QueueMessage]:
    """What was given up on, newest first, with the reason."""
    return service.dead_letters(session, who, limit=limit, cursor=cursor)
