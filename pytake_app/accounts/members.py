"""The organization's people, as administrators manage them. Nothing commits.

Who leaves is either deactivated (and may come back) or removed: the address is free again, the name stays in what they
wrote. In both cases their sign-ins end and what they were serving waits for others.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from pytake_app.accounts import audit, email_links, notices, password_resets, passwords, repository, second_factor
from pytake_app.accounts.emails import normalize_email
from pytake_app.accounts.limits import Resource, require_room
from pytake_app.accounts.models import Department, DepartmentMember, Organization, User
from pytake_app.accounts.security_models import TotpFactor, UserAvatar
from pytake_app.accounts.security_schemas import MemberView, ResetLink, UserCreate, UserUpdate
from pytake_app.config import Settings
from pytake_app.core.clock import Clock
from pytake_app.core.db import Database
from pytake_app.core.errors import ConflictError, FieldError, ForbiddenError, InvalidError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page, decode_cursor, encode_cursor
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, scoped


def list_members(
    session: Session, principal: Principal, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None, q: str = ""
) -> Page[MemberView]:
    """The organization's people by name, deactivated ones among them.

    Parameters:
        q: part of a name or an e-mail.

    Raises:
        InvalidError: the cursor is not one of this list.
    """
    principal.require(Role.VIEWER)
    limit = min(limit, MAX_LIMIT)
    rows = repository.users(session, limit + 1, after=_position(cursor), words=q)
    shown = rows[:limit]
    ids = [row.id for row in shown]
    places = _departments(session, ids)
    factors = _factors(session, ids) if principal.has(Permission.USERS_MANAGE) else None
    following = encode_cursor(shown[-1].full_name, str(shown[-1].id)) if len(rows) > limit else None
    return Page[MemberView](items=[_view(row, places, factors) for row in shown], next_cursor=following)


def _position(cursor: str | None) -> tuple[str, UUID] | None:
    if cursor is None:
        return None
    name, user_id = decode_cursor(cursor, 2)
    try:
        return str(name).replace("\0", ""), UUID(str(user_id))  # PostgreSQL knows no text with such a letter
    except ValueError as error:
        raise InvalidError(
            "The cursor is not one that this list gave.", errors=[FieldError("/cursor", "unknown cursor")]
        ) from error


def get_member(session: Session, principal: Principal, user_id: UUID) -> MemberView:
    """One of the organization's people.

    Raises:
        NotFoundError: nobody here has this id.
    """
    principal.require(Role.VIEWER)
    factors = _factors(session, [user_id]) if principal.has(Permission.USERS_MANAGE) else None
    return _view(_find(session, user_id), _departments(session, [user_id]), factors)


def create_member(
    session: Session, principal: Principal, request: UserCreate, hashed: str, *, database: Database,
    settings: Settings, clock: Clock,
) -> MemberView:
    """Somebody new, with a first password; `invitations.invite` is the better way where mails are sent.

    Parameters:
        hashed: the first password, checked by `check_new` and hashed before this transaction began.

    Raises:
        ConflictError: `email_taken`.
        ForbiddenError: a role above the caller's own; the caller's address isn't confirmed (`email_unconfirmed`).
        InvalidError: no such department.
    """
    principal.needs(Permission.USERS_MANAGE)
    email_links.require_confirmed(principal, settings)
    require_rank(principal, Role(request.role))
    check_departments(session, request.departments)
    email = normalize_email(request.email)
    if is_taken(database, email):
        raise email_taken()
    require_room(session, Resource.USERS, clock=clock)
    user = User(
        id=new_id(), organization_id=organization_of(session), email=email, password_hash=hashed,
        full_name=request.full_name, role=request.role, locale=request.locale or principal.locale,
        created_at=clock.now(),
    )  # fmt: skip
    session.add(user)
    try:
        session.flush()
    except IntegrityError as error:
        raise email_taken() from error
    _put_departments(session, user.id, request.departments)
    email_links.send_first(session, settings, user, clock.now())
    return get_member(session, principal, user.id)


def check_new(principal: Principal, request: UserCreate) -> str:
    """The hash of a new person's first password. Slow on purpose: outside of any transaction.

    Raises:
        ForbiddenError: the caller may not add people.
        InvalidError: the password is not accepted.
    """
    principal.needs(Permission.USERS_MANAGE)
    passwords.check(request.password, email=normalize_email(request.email), name=request.full_name)
    return passwords.hash_password(request.password)


def update_member(
    session: Session, principal: Principal, user_id: UUID, request: UserUpdate, *, clock: Clock
) -> MemberView:
    """Change somebody's name, role, departments, or whether they may sign in.

    Raises:
        NotFoundError: nobody here has this id.
        ForbiddenError: their role, or the new one, is above the caller's own.
        ConflictError: the organization would have no administrator (`last_admin`), or it is oneself (`not_yourself`).
        InvalidError: no such department.
    """
    principal.needs(Permission.USERS_MANAGE)
    user, now = _find(session, user_id), clock.now()
    require_rank(principal, Role(user.role))
    role = Role(request.role) if request.role is not None else Role(user.role)
    require_rank(principal, role)
    is_active = request.is_active if request.is_active is not None else user.is_active
    if user.id == principal.user_id and not is_active:
        raise ConflictError("You can't deactivate yourself.", code="not_yourself")
    if not (is_active and role.includes(Role.ORG_ADMIN)):
        _keep_an_admin(session, user)
    if is_active and not user.is_active:
        require_room(session, Resource.USERS, clock=clock)
    if request.departments is not None:
        check_departments(session, request.departments)
        _put_departments(session, user.id, request.departments)
    if request.full_name is not None:
        user.full_name = request.full_name
    leaves_work = (user.is_active and not is_active) or (role is Role.VIEWER and user.role != role)
    ends = user.is_active and not is_active
    user.role, user.is_active = role, is_active
    session.add(user)
    session.flush()
    if ends:
        repository.revoke_sessions_of(session, user.id, now, "deactivated")
    if leaves_work:
        _hand_back(session, clock)
    return get_member(session, principal, user.id)


def remove_member(session: Session, principal: Principal, user_id: UUID, *, clock: Clock) -> None:
    """Remove somebody for good: the address is free again, the name stays in what they wrote.

    Raises:
        NotFoundError, ForbiddenError, ConflictError: as `update_member`.
    """
    principal.needs(Permission.USERS_MANAGE)
    user, now = _find(session, user_id), clock.now()
    require_rank(principal, Role(user.role))
    if user.id == principal.user_id:
        raise ConflictError("You can't remove yourself.", code="not_yourself")
    _keep_an_admin(session, user)
    repository.revoke_sessions_of(session, user.id, now, "removed")
    second_factor.turn_off(session, user.id)
    session.execute(delete(UserAvatar).where(col(UserAvatar.user_id) == user.id))
    _put_departments(session, user.id, [])
    user.is_active, user.removed_at, user.avatar = False, now, ""
    user.email, user.password_hash = f"removed-{user.id}@users.invalid", "removed"
    session.add(user)
    session.flush()
    _hand_back(session, clock)


def send_reset(session: Session, principal: Principal, user_id: UUID, *, settings: Settings, clock: Clock) -> ResetLink:
    """Help somebody who can't sign in to a new password: a mail, or the link to hand over where no mail is sent.

    Raises:
        NotFoundError: nobody here has this id.
        ForbiddenError: their role is above the caller's own.
        ConflictError: they are deactivated (`user_inactive`).
    """
    principal.needs(Permission.USERS_MANAGE)
    user = _find(session, user_id)
    require_rank(principal, Role(user.role))
    if not user.is_active:
        raise ConflictError("This person may not sign in at all.", code="user_inactive")
    now = clock.now()
    link = password_resets.make_link(session, user, now)
    minutes = str(int(password_resets.LIFETIME.total_seconds()) // 60)
    notices.tell(session, settings, user, "password_reset", now, link=link, minutes=minutes)
    # Whoever gets the link can sign in as this person: that it was asked for must be seen.
    audit.record(session, principal, "password_reset_sent", "user", user.id, object_name=user.full_name, clock=clock)
    mailed = email_links.are_mailed(settings)
    return ResetLink(mailed=mailed, link="" if mailed else settings.link_base + link)


def end_second_factor(
    session: Session, principal: Principal, user_id: UUID, *, settings: Settings, clock: Clock
) -> MemberView:
    """Help somebody who lost their phone and their recovery codes: they sign in by password, and are told.

    Raises: as `send_reset`; one's own factor is turned off by its own code only (`not_yourself`).
    """
    principal.needs(Permission.USERS_MANAGE)
    user = _find(session, user_id)
    require_rank(principal, Role(user.role))
    if user.id == principal.user_id:
        raise ConflictError("Turn your own second factor off with its code.", code="not_yourself")
    now = clock.now()
    if second_factor.turn_off(session, user.id):
        repository.revoke_sessions_of(session, user.id, now, "second_factor_off")
        notices.tell(session, settings, user, "second_factor_off", now)
    return get_member(session, principal, user.id)


def end_sign_ins(session: Session, principal: Principal, user_id: UUID, *, clock: Clock) -> None:
    """Sign somebody out everywhere; the caller, if it is them, everywhere else.

    Raises: as `send_reset`.
    """
    principal.needs(Permission.USERS_MANAGE)
    user = _find(session, user_id)
    require_rank(principal, Role(user.role))
    ended = repository.revoke_sessions_of(session, user.id, clock.now(), "ended_by_admin", but=principal.session_id)
    audit.record(
        session, principal, "session_revoked", "user", user.id, {"count": ended}, object_name=user.full_name,
        clock=clock,
    )  # fmt: skip


# -- shared with invitations ----------------------------------------------------------------------------------------


def require_rank(principal: Principal, role: Role) -> None:
    """Refuse to deal with a role above the caller's own.

    Raises:
        ForbiddenError: `role_too_high`.
    """
    if not principal.role.includes(role):
        raise ForbiddenError("This role is above your own.", code="role_too_high")


def is_taken(database: Database, email: str) -> bool:
    """Whether there is an account with this address, in any organization."""
    with database.auth() as session:
        return repository.user_by_email(session, email) is not None


def email_taken() -> ConflictError:
    """An address has an account already."""
    return ConflictError(
        "There is an account with this e-mail already.",
        code="email_taken",
        errors=[FieldError("/email", "already registered", "email_taken")],
    )


def existing_departments(session: Session, department_ids: Iterable[UUID]) -> list[UUID]:
    """Those of these departments that are there."""
    found = scoped(session, Department).where(col(Department.id).in_(list(department_ids)))
    return [row.id for row in session.exec(found)]


def check_departments(session: Session, department_ids: list[UUID]) -> None:
    """Refuse departments that aren't there.

    Raises:
        InvalidError: with a pointer to the first one.
    """
    known = set(existing_departments(session, department_ids))
    for index, department_id in enumerate(department_ids):
        if department_id not in known:
            raise InvalidError(
                "There is no such department.",
                errors=[FieldError(f"/departments/{index}", "no such department", "not_found")],
            )


def _find(session: Session, user_id: UUID) -> User:
    user = repository.user(session, user_id)
    if user is None or user.removed_at is not None:
        raise NotFoundError("There is no such user.")
    return user


def _keep_an_admin(session: Session, leaving: User) -> None:
    """Refuse to leave the organization without an administrator; two who try at once wait for each other."""
    if not (leaving.is_active and Role(leaving.role).includes(Role.ORG_ADMIN)):
        return
    session.exec(select(Organization.id).where(Organization.id == organization_of(session)).with_for_update()).one()
    roles = [role for role in Role if role.includes(Role.ORG_ADMIN)]
    others = scoped(session, User).where(col(User.is_active), col(User.role).in_(roles), col(User.id) != leaving.id)
    if session.exec(others.with_for_update()).first() is None:
        raise ConflictError("The organization needs an administrator.", code="last_admin")


def _put_departments(session: Session, user_id: UUID, department_ids: list[UUID]) -> None:
    own = DepartmentMember.user_id == user_id
    session.execute(
        delete(DepartmentMember).where(col(DepartmentMember.organization_id) == organization_of(session), own)
    )
    session.add_all(
        DepartmentMember(organization_id=organization_of(session), department_id=department_id, user_id=user_id)
        for department_id in dict.fromkeys(department_ids)
    )
    session.flush()


def _hand_back(session: Session, clock: Clock) -> None:
    from pytake_app.queues import service as queues

    queues.people_left(session, clock=clock)


def _departments(session: Session, user_ids: list[UUID]) -> dict[UUID, list[UUID]]:
    places: dict[UUID, list[UUID]] = {}
    for row in session.exec(scoped(session, DepartmentMember).where(col(DepartmentMember.user_id).in_(user_ids))):
        places.setdefault(row.user_id, []).append(row.department_id)
    return places


def _factors(session: Session, user_ids: list[UUID]) -> set[UUID]:
    theirs = scoped(session, TotpFactor).where(col(TotpFactor.user_id).in_(user_ids))
    return {row.user_id for row in session.exec(theirs) if row.confirmed_at is not None}


def _view(user: User, places: dict[UUID, list[UUID]], factors: set[UUID] | None) -> MemberView:
    view = MemberView.model_validate(user, from_attributes=True)
    return view.model_copy(
        update={
            "departments": sorted(places.get(user.id, [])),
            "second_factor": None if factors is None else user.id in factors,
        }
    )
