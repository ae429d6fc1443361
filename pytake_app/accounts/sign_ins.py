"""What an open sign-in says: whether it still counts, and who is behind it."""

from __future__ import annotations

from datetime import datetime

from pytake_app.accounts import repository
from pytake_app.accounts.privacy_settings import masks_phones
from pytake_app.core.tenancy import Principal, Role, permissions_of


def is_live(found: repository.SignedIn, now: datetime) -> bool:
    """Whether a sign-in still counts: open, of somebody active, in an active organization."""
    return (
        found.session.revoked_at is None
        and found.session.expires_at > now
        and found.user.is_active
        and found.organization.status == "active"
    )


def principal_of(found: repository.SignedIn) -> Principal:
    """Who is signed in, with what they may do now."""
    signed_in, user, organization, changes = found
    return Principal(
        user_id=user.id,
        organization_id=organization.id,
        role=Role(user.role),
        session_id=signed_in.id,
        name=user.full_name,
        email=user.email,
        locale=user.locale,
        organization_name=organization.name,
        permissions=permissions_of(Role(user.role), changes),
        plan=organization.plan,
        avatar_url=user.avatar_url,
        time_zone=user.time_zone or organization.time_zone,
        masks_phones=masks_phones(organization.settings, Role(user.role)),
        email_confirmed=user.email_confirmed_at is not None,
    )
