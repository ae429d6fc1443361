"""Endpoints of roles and their permissions."""

from __future__ import annotations

from fastapi import APIRouter

from pytake_app.accounts import roles
from pytake_app.accounts.roles import OrganizationRole, RoleUpdate, RoleView
from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.core.pagination import Page

router = APIRouter(prefix="/roles", tags=["users"])


@router.get("")
def list_roles(who: CurrentPrincipal, session: TenantSession) -> Page[RoleView]:
    """The organization's roles, what each may do, and how many people have it."""
    return Page[RoleView](items=roles.list_roles(session, who))


@router.put("/{role}")
def set_role(
    role: OrganizationRole, body: RoleUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> RoleView:
    """Make these, and no others, the role's permissions."""
    return roles.set_role(session, who, role, body, clock=services.clock)


@router.delete("/{role}")
def reset_role(
    role: OrganizationRole, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> RoleView:
    """The role may do again what it may by itself."""
    return roles.reset_role(session, who, role, clock=services.clock)
