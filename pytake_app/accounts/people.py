"""What the organization's people may do, for work that is done without them: later, or by itself."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlmodel import Session, col, select

from pytake_app.accounts import repository
from pytake_app.accounts.models import DepartmentMember, Organization, RolePermission, User
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, permissions_of, scoped


def principal_for(session: Session, user_id: UUID | None) -> Principal | None:
    """Somebody with what they may do now, to do in their name what they asked for earlier; None: gone or inactive.

    The principal has no sign-in behind it: `session_id` is the user's own id.
    """
    user = repository.user(session, user_id) if user_id is not None else None
    if user is None or not user.is_active:
        return None
    role = Role(user.role)
    return Principal(
        user_id=user.id, organization_id=user.organization_id, role=role, session_id=user.id, name=user.full_name,
        email=user.email, locale=user.locale, permissions=permissions_of(role, changes(session).get(role)),
        email_confirmed=user.email_confirmed_at is not None,
    )  # fmt: skip


def changes(session: Session) -> dict[Role, dict[str, bool]]:
    """What the organization decided about the permissions of its roles."""
    found: dict[Role, dict[str, bool]] = {}
    for row in session.exec(scoped(session, RolePermission)):
        found.setdefault(Role(row.role), {})[row.permission] = row.allowed
    return found


def roles_with(session: Session, permission: Permission) -> list[Role]:
    """The roles that may do this in the organization."""
    decided = changes(session)
    return [role for role in Role if permission in permissions_of(role, decided.get(role))]


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
    roles = roles_with(session, Permission.CONVERSATIONS_HANDLE)
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


def user_names(session: Session, user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Names of these people of the transaction's organization, in one query; for other rooms' lists."""
    wanted = set(user_ids)
    if not wanted:
        return {}
    found = session.exec(scoped(session, User).where(col(User.id).in_(wanted)))
    return {user.id: user.full_name for user in found}


def avatar_urls(session: Session, user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Where the pictures of these people are; only of those who have one."""
    found = scoped(session, User).where(col(User.id).in_(set(user_ids)), col(User.avatar) != "")
    return {user.id: user.avatar_url for user in session.exec(found)}


def user_choices(session: Session) -> list[tuple[UUID, str, str]]:
    """(id, name, e-mail) of the organization's active people, for the verifier and pickers."""
    return repository.user_choices(session)


def time_zone_of(session: Session) -> str:
    """The time zone of the transaction's organization, as an IANA name."""
    found = session.exec(select(Organization.time_zone).where(Organization.id == organization_of(session)))
    return found.one_or_none() or "UTC"


def locale_of(session: Session, user_id: UUID | None) -> str:
    """The language in which somebody reads the interface; the organization's when it is nobody's."""
    if user_id is not None:
        user = repository.user(session, user_id)
        if user is not None:
            return user.locale
    found = session.exec(select(Organization.locale).where(Organization.id == organization_of(session)))
    return found.one_or_none() or "pt_BR"
