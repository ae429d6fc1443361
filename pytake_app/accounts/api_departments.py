"""Endpoints of departments and of the organization's settings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from pytake_app.accounts import departments, organization
from pytake_app.accounts.schemas import DepartmentCreate, DepartmentMembers, DepartmentUpdate, DepartmentView
from pytake_app.accounts.settings_schemas import SettingsUpdate, SettingsView
from pytake_app.api.deps import CurrentPrincipal, Once, ServicesDep, TenantSession
from pytake_app.core.pagination import Page

router = APIRouter(prefix="/departments", tags=["users"])
settings_router = APIRouter(prefix="/settings", tags=["settings"])


@router.get("")
def list_departments(who: CurrentPrincipal, session: TenantSession) -> Page[DepartmentView]:
    """Departments with their members."""
    return Page[DepartmentView](items=departments.list_departments(session, who))


@router.post("", status_code=201, response_model=DepartmentView)
def create_department(
    body: DepartmentCreate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> Any:
    """A new department."""
    return once.run(201, lambda: departments.create_department(session, who, body, clock=services.clock))


@router.get("/{department_id}")
def get_department(department_id: UUID, who: CurrentPrincipal, session: TenantSession) -> DepartmentView:
    """One department."""
    return departments.get_department(session, who, department_id)


@router.patch("/{department_id}")
def update_department(
    department_id: UUID, body: DepartmentUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> DepartmentView:
    """Change a department; absent members stay."""
    return departments.update_department(session, who, department_id, body, clock=services.clock)


@router.delete("/{department_id}", status_code=204)
def delete_department(department_id: UUID, who: CurrentPrincipal, session: TenantSession) -> Response:
    """Take a department away; its people stay."""
    departments.delete_department(session, who, department_id)
    return Response(status_code=204)


@router.put("/{department_id}/members")
def put_members(
    department_id: UUID, body: DepartmentMembers, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> DepartmentView:
    """Make these people, and no others, its members."""
    return departments.put_members(session, who, department_id, body.members, clock=services.clock)


@settings_router.get("")
def get_settings(who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> SettingsView:
    """The organization's settings, prices included."""
    return organization.get_settings_view(session, who, services.settings)


@settings_router.patch("")
def update_settings(
    body: SettingsUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> SettingsView:
    """Change the organization's settings; absent members stay, a price of null is the list price again."""
    return organization.update_settings(session, who, body, services.settings)
