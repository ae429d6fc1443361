"""What the organization's people may do, for work that is done without them: later, or by itself."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlmodel import Session, col

from pytake_app.accounts import repository
from pytake_app.accounts.models import DepartmentMember, Organization, User
from pytake_app.core.tenancy import Role, organization_of, scoped


def may(session: Session, user_id: UUID | None, role: Role) -> bool:
    """Whether somebody is one of the organization's active people and has at least this role, now."""
    user = repository.user(session, user_id) if user_id is not None else None
    return user is not None and user.is_active and Role(user.role).includes(role)


def admin_ids(session: Session) -> list[UUID]:
    """The organization's active administrators."""
    roles = [role for role in Role if role.includes(Role.ORG_ADMIN)]
    found = scoped(session, User).where(col(User.is_active), col(User.role).in_(roles)).order_by(col(User.id))
    return [user.id for user in session.exec(found)]


def departments_of(session: Session, user_id: UUID) -> list[UUID]:
    """The departments somebody belongs to."""
    found = scoped(session, DepartmentMember).where(DepartmentMember.user_id == user_id)
    return [row.department_id for row in session.exec(found)]


def answerers(session: Session) -> list[User]:
    """The organization's active people who may answer contacts, by name."""
    roles = [role for role in Role if role.includes(Role.AGENT)]
    found = scoped(session, User).where(col(User.is_active), col(User.role).in_(roles))
    return list(session.exec(found.order_by(col(User.full_name), col(User.id))))


def department_members(session: Session) -> dict[UUID, set[UUID]]:
    """Who belongs to each department."""
    members: dict[UUID, set[UUID]] = {}
    for row in session.exec(scoped(session, DepartmentMember)):
        members.setdefault(row.department_id, set()).add(row.user_id)
    return members


def locales_of(session: Session, user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The languages in which people read the interface, in one query; the organization's for who isn't there."""
    wanted = set(user_ids)
    found = {user.id: user.locale for user in session.exec(scoped(session, User).where(col(User.id).in_(wanted)))}
    if wanted <= found.keys():
        return found
    organization = session.get_one(Organization, organization_of(session))
    return dict.fromkeys(wanted, organization.locale) | found
