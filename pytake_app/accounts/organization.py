"""The organization's settings. Reading needs `viewer`, changing `org_admin`. Nothing commits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from sqlmodel import Session, select

from pytake_app.accounts.audit import RETENTION, kept_days
from pytake_app.accounts.inbox_settings import INBOX, inbox_settings
from pytake_app.accounts.models import Organization
from pytake_app.accounts.settings_schemas import SECURITY, PricesView, SecuritySettings, SettingsUpdate, SettingsView
from pytake_app.config import Settings
from pytake_app.core.errors import FieldError, ForbiddenError, InvalidError
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of

MILLION = Decimal(1_000_000)
COUNTRY, PRICES = "country", "prices"
"""Members of `organizations.settings`: ISO 3166 code; prices by category in millionths of the currency."""


def organization_of_session(session: Session) -> Organization:
    """The organization of the transaction."""
    return session.exec(select(Organization).where(Organization.id == organization_of(session))).one()


def get_settings_view(session: Session, principal: Principal, settings: Settings) -> SettingsView:
    """The organization's settings."""
    principal.require(Role.VIEWER)
    return _view(session, organization_of_session(session), settings)


def update_settings(
    session: Session, principal: Principal, request: SettingsUpdate, settings: Settings
) -> SettingsView:
    """Change what the request names; a price of null is the list price again.

    Raises:
        InvalidError: no such time zone.
        ForbiddenError: without `settings.manage`; `security` or a shorter audit log by anybody but an administrator, or
            by a key.
    """
    principal.needs(Permission.SETTINGS_MANAGE)
    organization = organization_of_session(session)
    changes = request.model_dump(exclude_unset=True)
    if changes.get("security") is not None:
        # Who may be let in with a password alone is for people in charge, whatever permissions say.
        principal.require(Role.ORG_ADMIN)
        if principal.api_key_id is not None:
            raise ForbiddenError("API keys can't change how people sign in.", code="person_only")
    if request.audit_days is not None and request.audit_days < kept_days(organization.settings):
        # Shorter times delete entries: who did something must not take away what tells of it.
        principal.require(Role.ORG_ADMIN)
        if principal.api_key_id is not None:
            raise ForbiddenError("API keys can't shorten the audit log.", code="person_only")
    if request.time_zone is not None and request.time_zone not in available_timezones():
        raise InvalidError(
            "There is no such time zone.",
            errors=[FieldError("/time_zone", "not a time zone, e.g. America/Sao_Paulo", "invalid_timezone")],
        )
    for name in ("name", "time_zone", "locale", "currency"):
        if changes.get(name) is not None:
            setattr(organization, name, changes[name])
    own: dict[str, Any] = {**organization.settings}
    if "country" in changes:
        own[COUNTRY] = changes["country"] or ""
    if changes.get("prices") is not None:
        prices = {**(own.get(PRICES) or {})}
        for category, price in changes["prices"].items():
            prices.pop(category, None)
            if price is not None:
                prices[category] = int(price * MILLION)
        own[PRICES] = prices
    if changes.get("inbox") is not None:
        changed = {name: value for name, value in changes["inbox"].items() if value is not None}
        own[INBOX] = {**(own.get(INBOX) or {}), **changed}
    if request.audit_days is not None:
        own[RETENTION] = request.audit_days
    if changes.get("security") is not None:
        changed = {name: value for name, value in changes["security"].items() if value is not None}
        own[SECURITY] = {**(own.get(SECURITY) or {}), **changed}
    organization.settings = own
    session.add(organization)
    session.flush()
    return _view(session, organization, settings)


def _view(session: Session, organization: Organization, settings: Settings) -> SettingsView:
    from pytake_app.whatsapp import service as whatsapp

    found = whatsapp.organization_prices(session, organization, settings)
    shown = PricesView(
        service=found.service / MILLION,
        marketing=found.marketing / MILLION,
        utility=found.utility / MILLION,
        authentication=found.authentication / MILLION,
        currency=found.currency,
        own=list(found.own),
    )
    return SettingsView(
        name=organization.name,
        time_zone=organization.time_zone,
        locale=organization.locale,
        currency=organization.currency,
        country=organization.settings.get(COUNTRY) or "",
        effective_country=found.country,
        prices=shown,
        inbox=inbox_settings(organization.settings),
        audit_days=kept_days(organization.settings),
        security=SecuritySettings.model_validate(organization.settings.get(SECURITY) or {}),
    )
