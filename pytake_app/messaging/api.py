"""Endpoints of the message queue."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from pytake_app.api.deps import CurrentPrincipal, Once, ServicesDep, TenantSession
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page
from pytake_app.messaging import desk, service
from pytake_app.messaging.desk_schemas import (
    AccountLimits,
    Canceled,
    Changed,
    Choice,
    InboundChoice,
    InboundDead,
    PipelineHealth,
    QueueRow,
)
from pytake_app.messaging.schemas import PriorityWord, QueueMessage, QueueSend, QueueState, QueueStats

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
    return service.stats(session, who, clock=services.clock, client=services.redis)


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


@router.get("/messages")
def messages(
    who: CurrentPrincipal,
    session: TenantSession,
    state: Annotated[list[QueueState] | None, Query(description="may be named more than once")] = None,
    priority: PriorityWord | None = None,
    channel_account_id: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[QueueRow]:
    """Messages of the outbox, newest first."""
    return desk.messages(
        session,
        who,
        states=state or (),
        priority=priority,
        channel_account_id=channel_account_id,
        limit=limit,
        cursor=cursor,
    )


@router.post("/retry", response_model_exclude_none=True)
def retry_many(body: Choice, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Changed:
    """Try many messages again that were given up on."""
    return desk.retry(session, who, body, clock=services.clock)


@router.post("/cancel", response_model_exclude_none=True)
def cancel_many(body: Choice, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Changed:
    """Take many waiting messages out of the queue."""
    return desk.cancel(session, who, body, clock=services.clock)


@router.post("/restore", response_model_exclude_none=True)
def restore_many(body: Canceled, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Changed:
    """Undo a cancellation of the last half minute."""
    return desk.restore(session, who, body, clock=services.clock)


@router.get("/limits")
def limits(who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> list[AccountLimits]:
    """What each number may send, and how much of that is used."""
    return desk.limits(session, who, services)


@router.get("/health")
def health(who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> PipelineHealth:
    """Who is at work, what waits, and the last half hour."""
    return desk.health(session, who, services)


@router.get("/inbound/dead-letter")
def inbound_dead_letter(
    who: CurrentPrincipal,
    session: TenantSession,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[InboundDead]:
    """Inbound events that were given up on, newest first, with the reason."""
    return desk.dead_events(session, who, limit=limit, cursor=cursor)


@router.post("/inbound/retry", response_model_exclude_none=True)
def inbound_retry(body: InboundChoice, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Changed:
    """Have inbound events handled again that were given up on."""
    return Changed(changed=service.replay_events(session, who, body.ids, clock=services.clock))
