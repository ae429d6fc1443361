"""How an organization's inbox works: when a contact's reply reopens, and how conversations are closed.

Kept as the member `inbox` of `organizations.settings`; what was never set is the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator
from sqlmodel import Session, select

from pytake_app.accounts.models import Organization
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.schemas import RequestModel, View
from pytake_app.core.tenancy import organization_of

INBOX = "inbox"
REOPEN_HOURS = 24
MAX_REOPEN_HOURS = 24 * 30
MAX_REASONS = 50

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class InboxSettings(View):
    """`reopen_hours`: a contact who writes within so many hours after closing goes on with the same conversation, 0:
    always begins a new one. `closing_reasons`: the words that a conversation may be closed with; none: any words."""

    reopen_hours: int = REOPEN_HOURS
    closing_reasons: list[str] = Field(default_factory=list)
    closing_reason_required: bool = False


class InboxSettingsUpdate(RequestModel):
    """Change how the inbox works; what is absent stays."""

    reopen_hours: int | None = Field(default=None, ge=0, le=MAX_REOPEN_HOURS)
    closing_reasons: list[Reason] | None = Field(default=None, max_length=MAX_REASONS)
    closing_reason_required: bool | None = None

    @field_validator("closing_reasons")
    @classmethod
    def _each_once(cls, reasons: list[str] | None) -> list[str] | None:
        if reasons is not None and len({reason.casefold() for reason in reasons}) != len(reasons):
            raise ValueError("A reason stands in the list twice.")
        return reasons


def inbox_settings(settings: Mapping[str, Any]) -> InboxSettings:
    """From `organizations.settings`."""
    return InboxSettings.model_validate(settings.get(INBOX) or {})


def reopens_for(settings: Mapping[str, Any]) -> timedelta | None:
    """From `organizations.settings`: for how long after closing a reply reopens; None: it doesn't."""
    hours = (settings.get(INBOX) or {}).get("reopen_hours", REOPEN_HOURS)
    return timedelta(hours=hours) if hours else None


def check_closing_reason(session: Session, outcome: str) -> str:
    """The reason a person closes with, as the organization writes it.

    Raises:
        InvalidError: `outcome_required`; `outcome_unknown`: none of the organization's.
    """
    stored = session.exec(select(Organization.settings).where(Organization.id == organization_of(session))).one()
    own = inbox_settings(stored)
    outcome = outcome.strip()
    if not outcome:
        if not own.closing_reason_required:
            return ""
        raise InvalidError(
            "Say how the conversation ended.",
            errors=[FieldError("/outcome", "required here", "outcome_required")],
            code="outcome_required",
        )
    if not own.closing_reasons:
        return outcome
    known = {reason.casefold(): reason for reason in own.closing_reasons}
    found = known.get(outcome.casefold())
    if found is None:
        raise InvalidError(
            "The organization doesn't close conversations with this reason.",
            errors=[FieldError("/outcome", "not one of the closing reasons", "outcome_unknown")],
            code="outcome_unknown",
        )
    return found
