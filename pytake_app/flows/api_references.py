"""Endpoints of what a flow names, and of what it costs. Included by `flows.api`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from pytake_app.api.deps import CurrentPrincipal, Once, ServicesDep, TenantSession
from pytake_app.flows import costs, references
from pytake_app.flows.cost_schemas import CostRequest, CostView, Source
from pytake_app.flows.references import NewReference, References

router = APIRouter(tags=["flows"])


@router.get("/flows/{flow_id}/references")
def flow_references(flow_id: str, who: CurrentPrincipal, session: TenantSession) -> References:
    """What the flow can name: templates, queues, people, tags, fields, secrets, calendars, flows, channels."""
    return references.references(session, who, flow_id)


@router.post("/flows/{flow_id}/references", status_code=201, response_model=References)
def create_reference(
    flow_id: str,
    body: NewReference,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    once: Once,
) -> Any:
    """Make what a finding's `creates` names: a tag, a contact field, a queue or a department."""

    def make() -> References:
        references.create(session, who, flow_id, body, clock=services.clock)
        return references.references(session, who, flow_id)

    return once.run(201, make)


@router.get("/flows/{flow_id}/cost")
def flow_cost(
    flow_id: str,
    who: CurrentPrincipal,
    session: TenantSession,
    source: Source = "draft",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> CostView:
    """What one conversation costs: fewest and most charged messages and their price, by trigger and by path."""
    return costs.flow_cost(session, who, flow_id, CostRequest(source=source, limit=limit))


@router.post("/flows/{flow_id}/cost")
def supposed_cost(flow_id: str, body: CostRequest, who: CurrentPrincipal, session: TenantSession) -> CostView:
    """The same with supposed prices: what if a template were utility, or Meta raised its rates? Nothing is kept."""
    return costs.flow_cost(session, who, flow_id, body)
