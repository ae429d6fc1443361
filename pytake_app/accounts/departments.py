"""Departments: groups of the organization's people. Reading needs `viewer`, changing `org_admin`. Nothing commits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from pytake_app.accounts.models import Department, DepartmentMember, User
from pytake_app.accounts.schemas import DepartmentCreate, DepartmentUpdate, DepartmentView
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, scoped

MAX_DEPARTMENTS = 200
_CLOCK = SystemClock()


def list_departments(session: Session, principal: Principal) -> list[DepartmentView]:
    """Every department by name, with its members."""
    principal.require(Role.VIEWER)
    rows = session.exec(scoped(session, Department).order_by(col(Department.name), col(Department.id))).all()
    members = _members(session)
    return [_view(row, members[row.id]) for row in rows]


def get_department(session: Session, principal: Principal, department_id: UUID) -> DepartmentView:
    """One department.

    Raises:
        NotFoundError: none here.
    """
    principal.require(Role.VIEWER)
    return _view(_find(session, department_id), _members(session)[department_id])


def create_department(
    session: Session, principal: Principal, request: DepartmentCreate, *, clock: Clock = _CLOCK
) -> DepartmentView:
    """A new department.

    Raises:
        ConflictError: `name_taken`, `too_many_departments`.
        InvalidError: a member who isn't one of the organization's people.
    """
    principal.needs(Permission.USERS_MANAGE)
    if len(department_choices(session)) >= MAX_DEPARTMENTS:
        raise ConflictError(f"An organization has at most {MAX_DEPARTMENTS} departments.", code="too_many_departments")
    now = clock.now()
    row = Department(
        id=new_id(), organization_id=organization_of(session), name=request.name, description=request.description,
        created_at=now, updated_at=now,
    )  # fmt: skip
    _keep(session, row)
    return _view(row, _put_members(session, row.id, request.members))


def update_department(
    session: Session, principal: Principal, department_id: UUID, request: DepartmentUpdate, *, clock: Clock = _CLOCK
) -> DepartmentView:
    """Change what the request names.

    Raises:
        NotFoundError: none here.
        ConflictError: `name_taken`.
    """
    principal.needs(Permission.USERS_MANAGE)
    row = _find(session, department_id)
    if request.name is not None:
        row.name = request.name
    if request.description is not None:
        row.description = request.description
    row.updated_at = clock.now()
    _keep(session, row)
    return _view(row, _members(session)[row.id])


def put_members(
    session: Session, principal: Principal, department_id: UUID, user_ids: list[UUID], *, clock: Clock = _CLOCK
) -> DepartmentView:
    """Make these people, and no others, the department's members.

    Raises:
        NotFoundError: no such department.
        InvalidError: somebody isn't one of the organization's people.
    """
    principal.needs(Permission.USERS_MANAGE)
    row = _find(session, department_id)
    row.updated_at = clock.now()
    session.add(row)
    return _view(row, _put_members(session, row.id, user_ids))


def delete_department(session: Session, principal: Principal, department_id: UUID) -> None:
    """Take a department away; its people stay.

    Raises:
        NotFoundError: none here.
    """
    principal.needs(Permission.USERS_MANAGE)
    session.delete(_find(session, department_id))
    session.flush()


def department_choices(session: Session) -> list[tuple[UUID, str]]:
    """(id, name) of every department, for the verifier and pickers."""
    statement = (
        sa.select(col(Department.id), col(Department.name))
        .where(col(Department.organization_id) == organization_of(session))
        .order_by(col(Department.name))
    )
    return [(row[0], row[1]) for row in session.execute(statement)]


def department_names_select(session: Session) -> sa.Select[Any]:
    """(kind, id, name, more) of departments."""
    kind, nothing = sa.literal("department"), sa.literal("")
    return sa.select(kind, sa.cast(col(Department.id), sa.Text), col(Department.name), nothing).where(
        col(Department.organization_id) == organization_of(session)
    )


def _put_members(session: Session, department_id: UUID, user_ids: Iterable[UUID]) -> list[UUID]:
    wanted = list(dict.fromkeys(user_ids))
    known = {user.id for user in session.exec(scoped(session, User).where(col(User.id).in_(wanted)))} if wanted else ()
    for index, user_id in enumerate(wanted):
        if user_id not in known:
            raise InvalidError(
                "Somebody is not one of the organization's people.",
                errors=[FieldError(f"/members/{index}", "no such user", "not_found")],
            )
    organization_id = organization_of(session)
    # Only who comes and who goes is written: each is an entry of the audit log.
    here = scoped(session, DepartmentMember).where(DepartmentMember.department_id == department_id)
    before = {row.user_id: row for row in session.exec(here)}
    for user_id, row in before.items():
        if user_id not in wanted:
            session.delete(row)
    session.add_all(
        DepartmentMember(department_id=department_id, user_id=user_id, organization_id=organization_id)
        for user_id in wanted
        if user_id not in before
    )
    session.flush()
    return wanted


def _members(session: Session) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for row in session.exec(scoped(session, DepartmentMember).order_by(col(DepartmentMember.user_id))):
        found[row.department_id].append(row.user_id)
    return found


def _find(session: Session, department_id: UUID) -> Department:
    found: Department | None = session.exec(scoped(session, Department).where(Department.id == department_id)).first()
    if found is None:
        raise NotFoundError("There is no such department.", code="department_not_found")
    return found


def _keep(session: Session, row: Department) -> None:
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise ConflictError(
            "There is a department of this name already.",
            code="name_taken",
            errors=[FieldError("/name", "taken", "name_taken")],
        ) from error


def _view(row: Department, members: list[UUID]) -> DepartmentView:
    return DepartmentView(
        id=row.id, name=row.name, description=row.description, members=members, created_at=row.created_at,
        updated_at=row.updated_at,
    )  # fmt: skip
