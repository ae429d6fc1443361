"""Endpoints of places in queues."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from pytake_app.api.deps import CurrentPrincipal, Once, ServicesDep, TenantSession
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page
from pytake_app.queues import operations
from pytake_app.queues.item_schemas import (
    ItemAbandon,
    ItemAssign,
    ItemComplete,
    ItemEnter,
    ItemPriorityWrite,
    ItemStatus,
    ItemTransfer,
    ItemView,
)

router = APIRouter(tags=["queues"])
_LIVE: list[ItemStatus] = ["waiting", "offered", "in_service"]


@router.get("/queues/{queue_id}/items")
def list_items(
    queue_id: UUID,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    status: Annotated[list[ItemStatus] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[ItemView]:
    """Who waits, rings and is served, in the order of being served; with `status` others, the latest first."""
    return operations.list_items(
        session, who, queue_id, statuses=status or _LIVE, limit=limit, cursor=cursor, clock=services.clock
    )


@router.post("/queues/{queue_id}/items", status_code=201, response_model=ItemView)
def enter(
    queue_id: UUID, body: ItemEnter, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> Any:
    """Put a conversation in line; hours and size are looked at, and the contact greeted, a moment later."""
    return once.run(201, lambda: operations.enter(session, who, queue_id, body, clock=services.clock))


@router.get("/queues/{queue_id}/items/{queue_item_id}")
def get_item(
    queue_id: UUID, queue_item_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ItemView:
    """One item."""
    return operations.get_item(session, who, queue_id, queue_item_id, clock=services.clock)


@router.post("/queues/{queue_id}/items/{queue_item_id}/accept")
def accept(
    queue_id: UUID, queue_item_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ItemView:
    """Take what rings at the caller. 409 `item_not_offered` when it doesn't any more."""
    return operations.accept(session, who, queue_id, queue_item_id, clock=services.clock)


@router.post("/queues/{queue_id}/items/{queue_item_id}/decline")
def decline(
    queue_id: UUID, queue_item_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ItemView:
    """Leave what rings at the caller to the next agent."""
    return operations.decline(session, who, queue_id, queue_item_id, clock=services.clock)


@router.post("/queues/{queue_id}/items/{queue_item_id}/complete")
def complete(
    queue_id: UUID,
    queue_item_id: UUID,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    body: ItemComplete | None = None,
) -> ItemView:
    """It is settled: the conversation is closed."""
    outcome = body.outcome if body is not None else ""
    return operations.complete(session, who, queue_id, queue_item_id, outcome, clock=services.clock)


@router.post("/queues/{queue_id}/items/{queue_item_id}/abandon")
def abandon(
    queue_id: UUID,
    queue_item_id: UUID,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    body: ItemAbandon | None = None,
) -> ItemView:
    """It leaves the queue without having been served."""
    reason = body.reason if body is not None else ""
    return operations.abandon(session, who, queue_id, queue_item_id, reason, clock=services.clock)


@router.post("/queues/{queue_id}/items/{queue_item_id}/transfer")
def transfer(
    queue_id: UUID,
    queue_item_id: UUID,
    body: ItemTransfer,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
) -> ItemView:
    """Pass it on to a queue, an agent, a department's queue or a flow."""
    return operations.transfer(session, who, queue_id, queue_item_id, body, clock=services.clock)


@router.post("/queues/{queue_id}/items/{queue_item_id}/priority")
def set_priority(
    queue_id: UUID,
    queue_item_id: UUID,
    body: ItemPriorityWrite,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
) -> ItemView:
    """How urgent it is; its place changes at once."""
    return operations.set_priority(session, who, queue_id, queue_item_id, body.priority, clock=services.clock)


@router.post("/queues/{queue_id}/assign")
def assign(
    queue_id: UUID, body: ItemAssign, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ItemView:
    """Give an item to an agent, whatever they have already."""
    return operations.assign(session, who, queue_id, body.item_id, body.agent_id, clock=services.clock)


@router.post("/queues/{queue_id}/next", response_model=ItemView, responses={204: {"description": "Nobody waits."}})
def take_next(queue_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Any:
    """The caller takes who is next; 204 when nobody waits, 409 `at_capacity`."""
    item = operations.take_next(session, who, queue_id, clock=services.clock)
    return item if item is not None else Response(status_code=204)
