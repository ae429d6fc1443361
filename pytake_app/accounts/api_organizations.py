"""Endpoints of organizations and plans: the super admin's, and what an organization's own people see of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from sqlmodel import Session

from pytake_app.accounts import administration, founding
from pytake_app.accounts.api_people import count_mail
from pytake_app.accounts.organization_schemas import (
    AdministratorInvite,
    LimitsUpdate,
    OrganizationCreate,
    OrganizationDetail,
    OrganizationMade,
    OrganizationRow,
    OrganizationUpdate,
    PlanChange,
    PlanView,
    Status,
    UsageView,
)
from pytake_app.accounts.schemas import RegisterRequest
from pytake_app.accounts.security_schemas import InvitationView
from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.api.problem_docs import refusals
from pytake_app.config import PlanName
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page
from pytake_app.core.tenancy import Role

router = APIRouter(tags=["organizations"])
plans_router = APIRouter(prefix="/plans", tags=["organizations"])


def administration_session(who: CurrentPrincipal, services: ServicesDep) -> Iterator[Session]:
    """One transaction of the administration, for super admins only."""
    who.require(Role.SUPER_ADMIN)
    with services.database.administration() as session:
        yield session


def organization_session(organization_id: UUID, who: CurrentPrincipal, services: ServicesDep) -> Iterator[Session]:
    """One transaction that reaches the organization of the path; another's is 404, as if it weren't there."""
    with administration.reach(services.database, who, organization_id) as session:
        yield session


Administration = Annotated[Session, Depends(administration_session, scope="function")]
Reaching = Annotated[Session, Depends(organization_session, scope="function")]


@plans_router.get("")
def list_plans(who: CurrentPrincipal, session: TenantSession) -> Page[PlanView]:
    """The plans of this installation, the smallest first."""
    return Page[PlanView](items=administration.list_plans(session, who))


@plans_router.patch("/{plan_name}", responses=refusals(403, 404, 422))
def change_plan_limits(
    plan_name: Annotated[str, Path(max_length=40)],
    body: LimitsUpdate,
    who: CurrentPrincipal,
    session: Administration,
    services: ServicesDep,
) -> PlanView:
    """Change what a plan allows (super admin)."""
    return administration.change_plan_limits(session, who, plan_name, body, clock=services.clock)


@router.get("/organizations", responses=refusals(403, 422))
def list_organizations(
    who: CurrentPrincipal,
    session: Administration,
    services: ServicesDep,
    q: Annotated[str, Query(max_length=200)] = "",
    status: Status | None = None,
    plan: PlanName | None = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
) -> Page[OrganizationRow]:
    """Every organization with its plan and usage, the newest first (super admin). `q`: name, slug or e-mail."""
    return administration.list_organizations(
        session, who, q=q, status=status, plan=plan, cursor=cursor, limit=limit, clock=services.clock
    )


@router.post("/organizations", status_code=201, responses=refusals(403, 409, 422))
def create_organization(body: OrganizationCreate, who: CurrentPrincipal, services: ServicesDep) -> OrganizationMade:
    """A new organization (super admin). Its first administrator is invited by mail; where no mail is sent, the link of
    `invitation` is to be handed over. With `admin_name` and `admin_password` there is an account at once."""
    who.require(Role.SUPER_ADMIN)
    made: InvitationView | None = None
    if body.admin_name is None or body.admin_password is None:
        count_mail(services, who)
        organization_id, made = founding.found(
            services.database, who, body, settings=services.settings, clock=services.clock
        )
    else:
        request = RegisterRequest(
            email=body.admin_email,
            password=body.admin_password,
            full_name=body.admin_name,
            organization_name=body.name,
            locale=body.locale,
            time_zone=body.time_zone,
        )
        _, organization_id = services.accounts.create_organization(request, role=Role.ORG_ADMIN)
    with services.database.administration() as session:
        if made is None and body.plan is not None:
            administration.change_plan(session, who, organization_id, PlanChange(plan=body.plan), clock=services.clock)
        administration.note_made(session, who, organization_id, clock=services.clock)
        shown = administration.get_organization(session, who, organization_id, clock=services.clock)
    return OrganizationMade(**shown.model_dump(), invitation=made)


@router.get("/organizations/{organization_id}", responses=refusals(404))
def get_organization(
    organization_id: UUID, who: CurrentPrincipal, session: Reaching, services: ServicesDep
) -> OrganizationDetail:
    """An organization: one's own, or any (super admin)."""
    return administration.get_organization(session, who, organization_id, clock=services.clock)


@router.get("/organizations/{organization_id}/usage", responses=refusals(404))
def usage(organization_id: UUID, who: CurrentPrincipal, session: Reaching, services: ServicesDep) -> UsageView:
    """What the plan allows and how much of it is used: one's own organization, or any (super admin)."""
    return administration.usage_of(session, who, organization_id, clock=services.clock)


@router.patch("/organizations/{organization_id}", responses=refusals(403, 404, 409, 422))
def update_organization(
    organization_id: UUID,
    body: OrganizationUpdate,
    who: CurrentPrincipal,
    session: Reaching,
    services: ServicesDep,
) -> OrganizationDetail:
    """Change an organization (its administrators); suspend it or let it go on (super admin)."""
    return administration.update_organization(
        session, who, organization_id, body, settings=services.settings, clock=services.clock
    )


@router.put("/organizations/{organization_id}/plan", responses=refusals(403, 404, 422))
def change_plan(
    organization_id: UUID, body: PlanChange, who: CurrentPrincipal, session: Reaching, services: ServicesDep
) -> OrganizationDetail:
    """Give an organization another plan, or limits of its own (super admin)."""
    return administration.change_plan(session, who, organization_id, body, clock=services.clock)


# Without `Idempotency-Key`: answers under a key are kept, and this one may hold a credential.
@router.post(
    "/organizations/{organization_id}/administrators", status_code=201, responses=refusals(403, 404, 409, 422, 429)
)
def invite_administrator(
    organization_id: UUID, body: AdministratorInvite, who: CurrentPrincipal, session: Reaching, services: ServicesDep
) -> InvitationView:
    """Ask somebody to administer an organization; who was asked before gets a new link (super admin)."""
    who.require(Role.SUPER_ADMIN)
    count_mail(services, who)
    administration.note_invited(session, who, organization_id, body.email, clock=services.clock)
    return founding.invite_administrator(
        services.database, who, organization_id, body, settings=services.settings, clock=services.clock
    )


@router.delete("/organizations/{organization_id}", responses=refusals(403, 404, 409))
def delete_organization(
    organization_id: UUID, who: CurrentPrincipal, session: Reaching, services: ServicesDep
) -> OrganizationDetail:
    """Put an organization to rest and have it erased after the days of grace (super admin)."""
    return administration.delete_organization(
        session, who, organization_id, settings=services.settings, clock=services.clock
    )


@router.post("/organizations/{organization_id}/restore", responses=refusals(403, 404, 409))
def restore_organization(
    organization_id: UUID, who: CurrentPrincipal, session: Reaching, services: ServicesDep
) -> OrganizationDetail:
    """Take a deletion back while the days of grace last (super admin)."""
    return administration.restore_organization(
        session, who, organization_id, settings=services.settings, clock=services.clock
    )
