"""An organization's life: what it begins with, and what it means that it rests (suspended, or to be erased)."""

from __future__ import annotations

import re
import secrets as random
import unicodedata
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, select

from pytake_app.accounts.models import Organization
from pytake_app.accounts.plans import FULLEST
from pytake_app.config import Settings
from pytake_app.core.errors import ForbiddenError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Role

ACTIVE, SUSPENDED, DELETING = "active", "suspended", "deleting"
"""`organizations.status`. Everything but active is at rest: nobody signs in, nothing runs, nothing is sent."""

_SENTENCES = {
    SUSPENDED: "This organization is suspended.",
    DELETING: "This organization was deleted; it can still be brought back by whoever runs this installation.",
}


def new_organization(
    settings: Settings, name: str, locale: str, role: Role, now: datetime, *, time_zone: str | None = None
) -> Organization:
    """The row of a new organization: the installation's own has everything, others begin with a trial.

    Parameters:
        role: of the organization's first user.
        time_zone: an IANA name; None: São Paulo's.
    """
    made = Organization(id=new_id(), name=name, slug=_slug(name), locale=locale, created_at=now)
    if time_zone is not None:
        made.time_zone = time_zone
    if role is Role.SUPER_ADMIN:
        made.plan = FULLEST
    elif settings.trial_days:
        made.plan, made.trial_ends_at = settings.trial_plan, now + timedelta(days=settings.trial_days)
    else:
        made.plan = settings.default_plan
    return made


def refuse_at_rest(session: Session, organization_id: UUID) -> None:
    """Let nobody in whose organization is at rest; asked once the password was right, so that nobody else learns of it.

    Raises:
        ForbiddenError: code `organization_suspended` or `organization_deleting`.
    """
    status = session.exec(select(Organization.status).where(Organization.id == organization_id)).one_or_none() or ""
    if status in _SENTENCES:
        raise ForbiddenError(_SENTENCES[status], code=f"organization_{status}")


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return f"{re.sub(r'[^a-z0-9]+', '-', plain).strip('-')[:40] or 'org'}-{random.token_hex(3)}"
