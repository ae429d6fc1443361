"""How organizations are shown to who administers them. Nothing commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from pytake_app.accounts import plans
from pytake_app.accounts.models import Organization, User
from pytake_app.accounts.organization_schemas import (
    AdminBrief,
    InvitedBrief,
    OrganizationDetail,
    UsageView,
    UsedView,
)
from pytake_app.accounts.plans import Standing, Used
from pytake_app.accounts.schemas import OrganizationView
from pytake_app.accounts.security_models import Invitation
from pytake_app.core.tenancy import Permission, Principal, Role

_DAY = timedelta(days=1)
_ROLES = [role for role in Role if role.includes(Role.ORG_ADMIN)]


def usage_view(organization_id: UUID, standing: Standing, used: Sequence[Used], now: datetime) -> UsageView:
    """What an organization may have, and how much of it is used."""
    ends = standing.trial_ends_at
    return UsageView(
        organization_id=organization_id,
        plan=standing.plan,
        trial_ends_at=ends,
        trial_days_left=None if ends is None else -(-(ends - now) // _DAY),
        messages_reset_at=plans.next_month(now),
        resources=[
            UsedView(
                resource=each.resource.value,
                used=each.used,
                limit=each.limit,
                percent=None if each.limit is None else each.percent,
            )
            for each in used
        ],
    )


def row(organization: Organization, standing: Standing, used: Sequence[Used], now: datetime) -> dict[str, Any]:
    """The members of an `OrganizationRow`."""
    return {
        **OrganizationView.model_validate(organization).model_dump(),
        "plan": standing.plan,
        "trial_ends_at": standing.trial_ends_at,
        "suspended_at": organization.suspended_at,
        "suspension_reason": organization.suspension_reason,
        "delete_after": organization.delete_after,
        "own_limits": organization.limits,
        "usage": usage_view(organization.id, standing, used, now),
    }


def detail(session: Session, principal: Principal, organization: Organization, now: datetime) -> OrganizationDetail:
    """One organization; who is invited is shown to who may invite."""
    used = plans.usage(session, [organization.id], now)[organization.id]
    people = select(User.id, User.full_name, User.email).where(
        User.organization_id == organization.id, col(User.is_active), col(User.role).in_(_ROLES)
    )
    admins = [AdminBrief(id=one[0], name=one[1], email=one[2]) for one in session.exec(people.order_by(User.email))]
    invited = _invited(session, organization, now) if principal.has(Permission.USERS_MANAGE) else []
    return OrganizationDetail(
        **row(organization, *used, now),
        admins=admins,
        invited=invited,
        suspended_by=_name(session, organization.suspended_by),
        deletion_requested_at=organization.deletion_requested_at,
        deletion_requested_by=_name(session, organization.deletion_requested_by),
        is_own=organization.id == principal.organization_id,
    )


def _invited(session: Session, organization: Organization, now: datetime) -> list[InvitedBrief]:
    asked = select(Invitation.email, Invitation.expires_at).where(
        Invitation.organization_id == organization.id, col(Invitation.role).in_(_ROLES),
        col(Invitation.accepted_at).is_(None), col(Invitation.revoked_at).is_(None),
    )  # fmt: skip
    return [
        InvitedBrief(email=one[0], expires_at=one[1], state="open" if one[1] > now else "expired")
        for one in session.exec(asked.order_by(Invitation.email))
    ]


def _name(session: Session, user_id: UUID | None) -> str:
    if user_id is None:
        return ""
    return session.exec(select(User.full_name).where(User.id == user_id)).one_or_none() or ""
