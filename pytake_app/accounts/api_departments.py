"""Endpoints of departments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from pytake_app.accounts import service
from pytake_app.accounts.schemas import DepartmentCreate, DepartmentMembers, DepartmentUpdate, DepartmentView
from pytake_app.api.deps import CurrentPrincipal, Once, ServicesDep, TenantSession
from pytake_app.core.pagination import Page

router = APIRouter(prefix="/departments", tags=["users"])


@router.get("")
def list_departments(who: CurrentPrincipal, session: TenantSession) -> Page[DepartmentView]:
    """Departments with their members."""
    return Page[DepartmentView](items=service.list_departments(session, who))


@router.post("", status_code=201, response_model=DepartmentView)
def create_department(
    body: DepartmentCreate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> Any:
    """A new department."""
    return once.run(201, lambda: service.create_department(session, who, body, clock=services.clock))


@router.get("/{department_id}")
def get_department(department_id: UUID, who: CurrentPrincipal, session: TenantSession) -> DepartmentView:
    """One department."""
    return service.get_department(session, who, department_id)


@router.patch("/{department_id}")
def update_department(
    department_id: UUID, body: DepartmentUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> DepartmentView:
    """Change a department; absent members stay."""
    return service.update_department(session, who, department_id, body, clock=services.clock)


@router.delete("/{department_id}", status_code=204)
def delete_department(department_id: UUID, who: CurrentPrincipal, session: TenantSession) -> Response:
    """Take a department away; its people stay."""
    service.delete_department(session, who, department_id)
    return Response(status_code=204)


@router.put("/{department_id}/members")
def put_members(
    department_id: UUID, body: DepartmentMembers, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> DepartmentView:
    """Make these people, and no others, its members."""
    return service.put_members(session, who, department_id, body.members, clock=services.clock)
