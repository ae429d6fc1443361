"""What the API hears and says about the organization's settings."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, StringConstraints

from pytake_app.accounts.audit import LEAST_DAYS, MOST_DAYS
from pytake_app.accounts.inbox_settings import InboxSettings, InboxSettingsUpdate
from pytake_app.accounts.schemas import Locale, Name
from pytake_app.core.schemas import RequestModel, View

Price = Annotated[Decimal, Field(ge=0, le=1_000, max_digits=10, decimal_places=6)]
Shown = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]


class PricesUpdate(RequestModel):
    """What one message costs, in the organization's currency; null: the list price again."""

    service: Price | None = None
    marketing: Price | None = None
    utility: Price | None = None
    authentication: Price | None = None


SECURITY = "security"
"""Member of `organizations.settings`."""
SecondFactorFor = Literal["nobody", "admins", "everyone"]


class SecuritySettings(View):
    """`second_factor`: who must have one; without it they are led to set one up when they sign in."""

    second_factor: SecondFactorFor = "nobody"


class SecuritySettingsUpdate(RequestModel):
    """Change what signing in asks for; what is absent stays."""

    second_factor: SecondFactorFor | None = None


class SettingsUpdate(RequestModel):
    """Change the organization's settings; what is absent stays."""

    name: Name | None = None
    time_zone: Annotated[str, StringConstraints(max_length=60)] | None = None
    locale: Locale | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    country: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")] | None = None
    prices: PricesUpdate | None = None
    inbox: InboxSettingsUpdate | None = None
    audit_days: Annotated[int, Field(ge=LEAST_DAYS, le=MOST_DAYS)] | None = Field(
        default=None, description="how long entries of the audit log are kept"
    )
    security: SecuritySettingsUpdate | None = None


class PricesView(View):
    """What one message costs. `own`: categories the organization set itself; the others are list prices."""

    service: Shown
    marketing: Shown
    utility: Shown
    authentication: Shown
    currency: str
    own: list[str]


class SettingsView(View):
    """The organization's settings. `effective_country`: whose list prices count."""

    name: str
    time_zone: str
    locale: str
    currency: str
    country: str
    effective_country: str
    prices: PricesView
    inbox: InboxSettings
    audit_days: int
    security: SecuritySettings
