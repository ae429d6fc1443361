"""What each role may do in the organization. Reading needs `viewer`, changing `org_admin` and `users.manage`.

Nothing commits. What people may do is read with every request; a tab's pages and sockets follow within seconds.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import sqlalchemy as sa
from pydantic import Field
from sqlmodel import Session, col

from pytake_app.accounts import people
from pytake_app.accounts.models import RolePermission, User
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.errors import FieldError, ForbiddenError, InvalidError
from pytake_app.core.schemas import RequestModel, View
from pytake_app.core.tenancy import (
    DEFAULTS,
    Permission,
    Principal,
    Role,
    fixed,
    grantable,
    organization_of,
    permissions_of,
    scoped,
)

OrganizationRole = Literal["org_admin", "agent", "viewer"]
ROLES = (Role.ORG_ADMIN, Role.AGENT, Role.VIEWER)
"""Those that an organization decides about; a super administrator may do everything everywhere."""
_CLOCK = SystemClock()


class RoleUpdate(RequestModel):
    """What people of the role may do from now on: these, and nothing else."""

    permissions: list[Permission] = Field(max_length=len(Permission))


class RoleView(View):
    """A role. `grantable`: what it can be given; `fixed`: what it can't lose; `people`: how many have it."""

    role: OrganizationRole
    permissions: list[Permission]
    defaults: list[Permission]
    grantable: list[Permission]
    fixed: list[Permission]
    is_default: bool
    people: int


def list_roles(session: Session, principal: Principal) -> list[RoleView]:
    """The organization's roles, strongest first."""
    principal.require(Role.VIEWER)
    counted = sa.select(col(User.role), sa.func.count()).where(
        col(User.organization_id) == organization_of(session), col(User.is_active)
    )
    counts = {row[0]: row[1] for row in session.execute(counted.group_by(col(User.role)))}
    decided = people.changes(session)
    return [_view(role, permissions_of(role, decided.get(role)), counts.get(role, 0)) for role in ROLES]


def set_role(
    session: Session, principal: Principal, role: OrganizationRole, request: RoleUpdate, *, clock: Clock = _CLOCK
) -> RoleView:
    """Make these, and no others, the role's permissions.

    Raises:
        ForbiddenError: only administrators who may manage users decide this.
        InvalidError: a permission that the role can't have (`not_grantable`) or must keep (`not_removable`).
    """
    _refuse(principal)
    target, wanted = Role(role), frozenset(request.permissions)
    errors = [
        FieldError(f"/permissions/{index}", "this role can't have it", "not_grantable")
        for index, permission in enumerate(request.permissions)
        if permission not in grantable(target)
    ]
    errors += [
        FieldError("/permissions", f"{kept} can't be taken away", "not_removable") for kept in fixed(target) - wanted
    ]
    if errors:
        raise InvalidError("The role can't have exactly these permissions.", errors=errors)
    _keep(session, principal, target, wanted, clock)
    return next(view for view in list_roles(session, principal) if view.role == role)


def reset_role(session: Session, principal: Principal, role: OrganizationRole, *, clock: Clock = _CLOCK) -> RoleView:
    """The role may do again what it may by itself."""
    _refuse(principal)
    _keep(session, principal, Role(role), DEFAULTS[Role(role)], clock)
    return next(view for view in list_roles(session, principal) if view.role == role)


def _refuse(principal: Principal) -> None:
    # Who only manages users could otherwise give their own role everything.
    principal.require(Role.ORG_ADMIN)
    principal.needs(Permission.USERS_MANAGE)
    if principal.api_key_id is not None:
        raise ForbiddenError("API keys can't be used here; sign in as a person.", code="person_only")


def _keep(session: Session, principal: Principal, role: Role, wanted: Collection[Permission], clock: Clock) -> None:
    """Write down where the role differs from what it may by itself."""
    kept = {
        row.permission: row
        for row in session.exec(scoped(session, RolePermission).where(RolePermission.role == role).with_for_update())
    }
    for permission in Permission:
        given, row = permission in wanted, kept.get(permission)
        if given == (permission in DEFAULTS[role]):
            if row is not None:
                session.delete(row)
        elif row is None:
            session.add(
                RolePermission(
                    organization_id=organization_of(session), role=role, permission=permission, allowed=given,
                    updated_at=clock.now(), updated_by=principal.user_id,
                )
            )  # fmt: skip
        elif row.allowed != given:
            row.allowed, row.updated_at, row.updated_by = given, clock.now(), principal.user_id
            session.add(row)
    session.flush()


def _view(role: Role, permissions: Collection[Permission], count: int) -> RoleView:
    def listed(some: Collection[Permission]) -> list[Permission]:
        return [permission for permission in Permission if permission in some]

    return RoleView(
        role=role.value,  # type: ignore[arg-type]  # one of ROLES
        permissions=listed(permissions),
        defaults=listed(DEFAULTS[role]),
        grantable=listed(grantable(role)),
        fixed=listed(fixed(role)),
        is_default=set(permissions) == DEFAULTS[role],
        people=count,
    )
