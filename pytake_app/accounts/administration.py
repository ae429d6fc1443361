"""Organizations as super admins administer them, and as their own people see them. Nothing commits.

Sessions are of `Database.administration`, whose role sees nothing that belongs to an organization's people; somebody's
own organization is also reached by a session of `Database.tenant`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

import sqlalchemy as sa
import structlog
from pydantic import JsonValue
from sqlmodel import Session, col, select

from pytake_app.accounts import audit, plans
from pytake_app.accounts.administration_views import detail, usage_view
from pytake_app.accounts.administration_views import row as row_of
from pytake_app.accounts.lifecycle import ACTIVE, DELETING, SUSPENDED
from pytake_app.accounts.models import Organization, Plan, User
from pytake_app.accounts.organization_schemas import (
    LimitsUpdate,
    LimitsView,
    OrganizationDetail,
    OrganizationRow,
    OrganizationUpdate,
    PlanChange,
    PlanView,
    UsageView,
)
from pytake_app.config import Settings
from pytake_app.core.clock import Clock
from pytake_app.core.db import Database
from pytake_app.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from pytake_app.core.pagination import Page, decode_cursor, encode_cursor
from pytake_app.core.tenancy import Permission, Principal, Role
from pytake_app.messaging import resting

log = structlog.get_logger(__name__)


@contextmanager
def reach(database: Database, principal: Principal, organization_id: UUID) -> Iterator[Session]:
    """A transaction that reaches an organization: as one of its people, else as a super admin.

    Raises:
        NotFoundError: neither one's own nor is the caller a super admin.
    """
    if principal.role is Role.SUPER_ADMIN:
        with database.administration() as session:
            yield session
    elif principal.organization_id == organization_id:
        with database.tenant(organization_id) as session:
            yield session
    else:
        raise NotFoundError("There is no such organization.", code="organization_not_found")


# -- plans ---------------------------------------------------------------------------------------------------------


def list_plans(session: Session, principal: Principal) -> list[PlanView]:
    """This installation's plans, the smallest first."""
    principal.require(Role.VIEWER)
    return [_plan_view(plan) for plan in plans.plans(session)]


def change_plan_limits(
    session: Session, principal: Principal, name: str, request: LimitsUpdate, *, clock: Clock
) -> PlanView:
    """Change what a plan allows, for every organization that has it, at once.

    Raises:
        NotFoundError: no such plan.
    """
    _require_super_admin(principal)
    plan = session.get(Plan, name, with_for_update=True)
    if plan is None:
        raise NotFoundError("There is no such plan.", code="plan_not_found")
    changed = request.model_dump(exclude_unset=True)
    before = {resource: getattr(plan, resource) for resource in changed}
    for resource, limit in changed.items():
        setattr(plan, resource, limit)
    plan.updated_at = clock.now()
    session.add(plan)
    session.flush()
    audit.record(
        session, principal, "updated", "plan", name, changed, before=before, object_name=name,
        organization_id=principal.organization_id, clock=clock,
    )  # fmt: skip
    log.info("plan_changed", plan=name, by=str(principal.user_id))
    return _plan_view(plan)


def _plan_view(plan: Plan) -> PlanView:
    return PlanView(name=plan.name, limits=LimitsView.model_validate(plan))


# -- looking -------------------------------------------------------------------------------------------------------


def usage_of(session: Session, principal: Principal, organization_id: UUID, *, clock: Clock) -> UsageView:
    """What an organization's plan allows and how much of it is used.

    Raises:
        NotFoundError: no such organization.
    """
    principal.require(Role.VIEWER)
    now = clock.now()
    found = plans.usage(session, [organization_id], now).get(organization_id)
    if found is None:
        raise NotFoundError("There is no such organization.", code="organization_not_found")
    return usage_view(organization_id, *found, now)


def list_organizations(
    session: Session,
    principal: Principal,
    *,
    q: str = "",
    status: str | None = None,
    plan: str | None = None,
    cursor: str | None = None,
    limit: int,
    clock: Clock,
) -> Page[OrganizationRow]:
    """Every organization of the installation, the newest first.

    Parameters:
        q: part of its name, its slug or the e-mail of one of its people.
    """
    principal.require(Role.SUPER_ADMIN)
    now = clock.now()
    wanted = select(Organization).order_by(col(Organization.id).desc()).limit(limit + 1)
    if q.strip():
        pattern = "%" + q.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        people = sa.select(col(User.organization_id)).where(col(User.email).ilike(pattern))
        wanted = wanted.where(
            sa.or_(
                col(Organization.name).ilike(pattern),
                col(Organization.slug).ilike(pattern),
                col(Organization.id).in_(people),
            )
        )
    if status is not None:
        wanted = wanted.where(Organization.status == status)
    if plan is not None:
        over = sa.and_(col(Organization.trial_ends_at).is_not(None), col(Organization.trial_ends_at) <= now)
        wanted = wanted.where(sa.case((over, plans.FREE), else_=col(Organization.plan)) == plan)
    if cursor:
        wanted = wanted.where(col(Organization.id) < _last(cursor))
    rows = list(session.exec(wanted))
    shown = rows[:limit]
    used = plans.usage(session, [row.id for row in shown], now)
    items = [OrganizationRow(**row_of(row, *used[row.id], now)) for row in shown]
    return Page(items=items, next_cursor=encode_cursor(str(shown[-1].id)) if len(rows) > limit else None)


def get_organization(
    session: Session, principal: Principal, organization_id: UUID, *, clock: Clock
) -> OrganizationDetail:
    """One organization.

    Raises:
        NotFoundError: no such organization.
    """
    principal.require(Role.VIEWER)
    return detail(session, principal, _find(session, organization_id), clock.now())


# -- changing ------------------------------------------------------------------------------------------------------


def update_organization(
    session: Session,
    principal: Principal,
    organization_id: UUID,
    request: OrganizationUpdate,
    *,
    settings: Settings,
    clock: Clock,
) -> OrganizationDetail:
    """Change what the request names: its own administrators may, except for the status.

    Raises:
        ConflictError: `own_organization`: nobody suspends their own; `organization_deleting`: restore it first.
        InvalidError: no such time zone.
    """
    principal.require(Role.ORG_ADMIN)
    principal.needs(Permission.SETTINGS_MANAGE)
    if request.status is not None:
        _require_super_admin(principal)
    if request.time_zone is not None and request.time_zone not in available_timezones():
        raise InvalidError(
            "There is no such time zone.",
            errors=[FieldError("/time_zone", "not a time zone, e.g. America/Sao_Paulo", "invalid_timezone")],
        )
    organization = _find(session, organization_id)
    with _noted(session, principal, organization, clock):
        for name in ("name", "time_zone", "locale", "currency"):
            value = getattr(request, name)
            if value is not None:
                setattr(organization, name, value)
        session.add(organization)
        session.flush()
        if request.status == SUSPENDED:
            _suspend(session, principal, organization, request.suspension_reason or "", clock.now())
        elif request.status == ACTIVE and organization.status == SUSPENDED:
            organization.suspended_at, organization.suspended_by, organization.suspension_reason = None, None, ""
            _wake(session, principal, organization, settings, clock.now())
        elif request.status == ACTIVE and organization.status == DELETING:
            raise _deleting()
    return detail(session, principal, organization, clock.now())


def change_plan(
    session: Session, principal: Principal, organization_id: UUID, request: PlanChange, *, clock: Clock
) -> OrganizationDetail:
    """Give an organization another plan or limits of its own, at once. What is beyond them stays; nothing is added.

    Raises:
        NotFoundError: no such organization.
        InvalidError: the trial would be over already.
    """
    _require_super_admin(principal)
    now = clock.now()
    if request.trial_ends_at is not None and (request.trial_ends_at.tzinfo is None or request.trial_ends_at <= now):
        raise InvalidError(
            "A trial ends in the future.", errors=[FieldError("/trial_ends_at", "not in the future", "past")]
        )
    organization = _find(session, organization_id, lock=True)
    with _noted(session, principal, organization, clock):
        organization.plan, organization.trial_ends_at = request.plan, request.trial_ends_at
        own: dict[str, Any] = {} if request.reset_limits else {**organization.limits}
        if request.limits is not None:
            own |= request.limits.model_dump(exclude_unset=True)
        organization.limits = own
        session.add(organization)
        session.flush()
    log.info(
        "organization_plan_changed", organization_id=str(organization_id), plan=request.plan, by=str(principal.user_id)
    )
    return detail(session, principal, organization, now)


def delete_organization(
    session: Session, principal: Principal, organization_id: UUID, *, settings: Settings, clock: Clock
) -> OrganizationDetail:
    """Put an organization to rest and have it erased after the days of grace. Asked again, the day stays.

    Raises:
        NotFoundError: no such organization.
        ConflictError: `own_organization`.
    """
    _require_super_admin(principal)
    organization = _find(session, organization_id, lock=True)
    _refuse_own(principal, organization)
    now = clock.now()
    if organization.status != DELETING:
        with _noted(session, principal, organization, clock):
            organization.status = DELETING
            organization.deletion_requested_at, organization.deletion_requested_by = now, principal.user_id
            organization.delete_after = now + timedelta(days=settings.delete_grace_days)
            session.add(organization)
            session.flush()
        log.warning("organization_deleted", organization_id=str(organization.id), by=str(principal.user_id))
    return detail(session, principal, organization, now)


def restore_organization(
    session: Session, principal: Principal, organization_id: UUID, *, settings: Settings, clock: Clock
) -> OrganizationDetail:
    """Take a deletion back; who was suspended before it is suspended again.

    Raises:
        NotFoundError: no such organization, or no more.
        ConflictError: `not_deleted`; `erasing`: the days of grace are over.
    """
    _require_super_admin(principal)
    organization, now = _find(session, organization_id, lock=True), clock.now()
    if organization.status != DELETING:
        raise ConflictError("This organization was not deleted.", code="not_deleted")
    if organization.delete_after is not None and organization.delete_after <= now:
        raise ConflictError("The organization is being erased.", code="erasing")
    with _noted(session, principal, organization, clock):
        organization.deletion_requested_at = organization.deletion_requested_by = organization.delete_after = None
        if organization.suspended_at is not None:
            organization.status = SUSPENDED
            session.add(organization)
            session.flush()
        else:
            _wake(session, principal, organization, settings, now)
    return detail(session, principal, organization, now)


def _suspend(session: Session, principal: Principal, organization: Organization, reason: str, now: datetime) -> None:
    _refuse_own(principal, organization)
    if organization.status == DELETING:
        raise _deleting()
    if organization.status != SUSPENDED:
        organization.suspended_at, organization.suspended_by = now, principal.user_id
        log.warning("organization_suspended", organization_id=str(organization.id), by=str(principal.user_id))
    organization.status, organization.suspension_reason = SUSPENDED, reason
    session.add(organization)
    session.flush()


def _wake(
    session: Session, principal: Principal, organization: Organization, settings: Settings, now: datetime
) -> None:
    resting.lock_lanes(session, settings.lanes)
    organization.status = ACTIVE
    session.add(organization)
    session.flush()
    events = resting.release(session, organization.id, now)
    log.info("organization_active", organization_id=str(organization.id), events=events, by=str(principal.user_id))


# -- the super admins' own log ---------------------------------------------------------------------------------------


def note_made(session: Session, principal: Principal, organization_id: UUID, *, clock: Clock) -> None:
    """Write down in the caller's own log that they made an organization."""
    organization = _find(session, organization_id)
    _note(session, principal, "created", organization, None, {"plan": organization.plan}, clock)


def note_invited(session: Session, principal: Principal, organization_id: UUID, email: str, *, clock: Clock) -> None:
    """Write down in the caller's own log whom they asked to administer an organization.

    Raises:
        NotFoundError: no such organization.
        ConflictError: `organization_inactive`: nobody could join it now.
    """
    organization = _find(session, organization_id)
    if organization.status != ACTIVE:
        raise ConflictError("Nobody can join this organization now.", code="organization_inactive")
    _note(session, principal, "invited", organization, None, {"email": email}, clock)


@contextmanager
def _noted(session: Session, principal: Principal, organization: Organization, clock: Clock) -> Iterator[None]:
    """Write down what changes meanwhile, if it is another organization's.

    Its own log belongs to its people and is erased with it; who runs the installation finds what they did in theirs.
    """
    before = _shown(organization)
    yield
    after = _shown(organization)
    changed = [name for name in after if before[name] != after[name]]
    if changed:
        was, is_now = ({name: state[name] for name in changed} for state in (before, after))
        _note(session, principal, "updated", organization, was, is_now, clock)


def _note(
    session: Session,
    principal: Principal,
    action: str,
    organization: Organization,
    before: dict[str, JsonValue] | None,
    after: dict[str, JsonValue],
    clock: Clock,
) -> None:
    if organization.id != principal.organization_id:
        audit.record(
            session, principal, action, "organization", organization.id, after, before=before,
            object_name=organization.name, organization_id=principal.organization_id, clock=clock,
        )  # fmt: skip


def _shown(organization: Organization) -> dict[str, JsonValue]:
    ends = organization.trial_ends_at
    return {
        "name": organization.name, "time_zone": organization.time_zone, "locale": organization.locale,
        "currency": organization.currency, "plan": organization.plan, "limits": {**organization.limits},
        "trial_ends_at": ends.isoformat() if ends is not None else None, "status": organization.status,
        "suspension_reason": organization.suspension_reason,
    }  # fmt: skip


# -- helpers -------------------------------------------------------------------------------------------------------


def _find(session: Session, organization_id: UUID, *, lock: bool = False) -> Organization:
    statement = select(Organization).where(Organization.id == organization_id)
    found = session.exec(statement.with_for_update(key_share=True) if lock else statement).one_or_none()
    if found is None:
        raise NotFoundError("There is no such organization.", code="organization_not_found")
    return found


def _require_super_admin(principal: Principal) -> None:
    principal.require(Role.SUPER_ADMIN)
    principal.needs(Permission.SETTINGS_MANAGE)


def _refuse_own(principal: Principal, organization: Organization) -> None:
    if organization.id == principal.organization_id:
        raise ConflictError("This is your own organization: nobody could bring it back.", code="own_organization")


def _deleting() -> ConflictError:
    return ConflictError("The organization was deleted: restore it first.", code="organization_deleting")


def _last(cursor: str) -> UUID:
    [last] = decode_cursor(cursor, 1)
    try:
        return UUID(str(last))
    except ValueError as error:
        raise InvalidError(
            "The cursor is not one of ours.", errors=[FieldError("/cursor", "unknown cursor")]
        ) from error
