"""Links that show that an e-mail address is somebody's own, and what waits until they have been used. Nothing commits.

Only a mail server can carry such a link: where none is set (`SMTP_URL`), nothing is asked of anybody.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from pytake_app.accounts import notices
from pytake_app.accounts.models import User
from pytake_app.accounts.security_models import EmailConfirmation
from pytake_app.accounts.tokens import hash_token, new_token
from pytake_app.config import Settings
from pytake_app.core.errors import ForbiddenError
from pytake_app.core.tenancy import Principal

LIFETIME = timedelta(days=2)


def are_mailed(settings: Settings) -> bool:
    """Whether this installation can write to an address at all."""
    return bool(settings.smtp_url.get_secret_value())


def require_confirmed(principal: Principal, settings: Settings) -> None:
    """Refuse what reaches others by mail or costs money, for as long as nobody knows whose address it is.

    Raises:
        ForbiddenError: code `email_unconfirmed`.
    """
    if are_mailed(settings) and not principal.email_confirmed:
        raise ForbiddenError(
            "Confirm your e-mail address first, by the link that we mailed to it.", code="email_unconfirmed"
        )


def send(session: Session, settings: Settings, user: User, email: str, now: datetime, *, mailed: bool = True) -> None:
    """Mail a link to an address; earlier ones to the same end stop working.

    Parameters:
        email: normalized: the person's present address, or the one that it is to become.
        mailed: False keeps the link from everybody: the address has another account, and who asked must not tell.
    """
    forget(session, user, now, present=email == user.email, changes=email != user.email)
    token = new_token()
    session.add(
        EmailConfirmation(
            organization_id=user.organization_id, user_id=user.id, email=email, token_hash=hash_token(token),
            created_at=now, expires_at=now + LIFETIME,
        )
    )  # fmt: skip
    session.flush()
    if not mailed:
        return
    template = "confirm_email" if email == user.email else "confirm_new_email"
    hours = str(int(LIFETIME.total_seconds()) // 3600)
    notices.tell(session, settings, user, template, now, link=f"/confirm/{token}", to=email, address=email, hours=hours)


def send_first(session: Session, settings: Settings, user: User, now: datetime) -> None:
    """Ask somebody new to confirm the address that they gave; nothing where no mail is sent."""
    if are_mailed(settings) and user.email_confirmed_at is None:
        send(session, settings, user, user.email, now)


def pending(session: Session, user: User, now: datetime) -> str:
    """The other address that somebody has still to confirm; empty without one."""
    found = session.exec(
        select(EmailConfirmation.email)
        .where(EmailConfirmation.user_id == user.id, EmailConfirmation.email != user.email)
        .where(col(EmailConfirmation.used_at).is_(None), col(EmailConfirmation.expires_at) > now)
    ).first()
    return found or ""


def is_used(session: Session, link: EmailConfirmation) -> bool:
    """Whether a link was used or ended meanwhile."""
    return session.exec(select(EmailConfirmation.used_at).where(EmailConfirmation.id == link.id)).one() is not None


def forget(session: Session, user: User, now: datetime, *, present: bool = True, changes: bool = True) -> None:
    """End the links of somebody that are under way.

    Parameters:
        present: those that confirm the present address.
        changes: those that would give the account another one.
    """
    open_ones = select(EmailConfirmation).where(
        EmailConfirmation.user_id == user.id, col(EmailConfirmation.used_at).is_(None)
    )
    for row in session.exec(open_ones):
        if present if row.email == user.email else changes:
            row.used_at = now
            session.add(row)
    session.flush()
