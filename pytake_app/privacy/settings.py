"""How an organization treats people's data: the member `privacy` of `organizations.settings`."""

from __future__ import annotations

from sqlmodel import Session

from pytake_app.accounts.service import organization_of_session, privacy_of
from pytake_app.core.tenancy import Permission, Principal, Role
from pytake_app.privacy.schemas import PrivacySettings, PrivacySettingsUpdate

PRIVACY = "privacy"


def get_settings(session: Session, principal: Principal) -> PrivacySettings:
    """The organization's settings."""
    principal.require(Role.VIEWER)
    return PrivacySettings.model_validate(privacy_of(organization_of_session(session).settings))


def update_settings(session: Session, principal: Principal, request: PrivacySettingsUpdate) -> PrivacySettings:
    """Change what the request names. Shorter times take effect with the next night's deletion."""
    principal.needs(Permission.SETTINGS_MANAGE)
    organization = organization_of_session(session)
    changes = request.model_dump(exclude_unset=True)
    if changes.get("mask_phones", False) is None:
        del changes["mask_phones"]
    merged = {**privacy_of(organization.settings), **changes}
    organization.settings = {**organization.settings, PRIVACY: merged}
    session.add(organization)
    session.flush()
    return PrivacySettings.model_validate(merged)
