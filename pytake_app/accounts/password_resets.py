"""Forgotten passwords: a mail with a link that sets a new one, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlmodel import Session, col, select

from pytake_app.accounts import audit, email_links, keys, notices, passwords, repository
from pytake_app.accounts.emails import normalize_email
from pytake_app.accounts.models import User
from pytake_app.accounts.security_models import PasswordReset
from pytake_app.accounts.service import Accounts, Client
from pytake_app.accounts.tokens import hash_token, new_token
from pytake_app.config import Settings
from pytake_app.core.clock import Clock
from pytake_app.core.db import Database
from pytake_app.core.errors import ConflictError
from pytake_app.core.tenancy import Actor

log = structlog.get_logger(__name__)

LIFETIME = timedelta(minutes=60)


class PasswordResets:
    """Links that set a new password.

    Parameters:
        accounts: counts the requests.
    """

    def __init__(self, *, settings: Settings, database: Database, clock: Clock, accounts: Accounts) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._accounts = accounts

    def count(self, email: str, client: Client) -> None:
        """Count a request for a link, whether there is such an account or not.

        Raises:
            TooManyRequestsError: too many for this account or from this address.
        """
        self._accounts.attempts.count_reset(normalize_email(email), client)

    def send(self, email: str, client: Client) -> None:
        """Mail a link to somebody, if there is an account. Runs after the answer, whose time must not tell."""
        now = self._clock.now()
        with self._database.auth() as session:
            user = repository.user_by_email(session, normalize_email(email))
            if user is None or not user.is_active:
                log.info("reset_for_nobody")
                return
            link = make_link(session, user, now)
            minutes = str(int(LIFETIME.total_seconds()) // 60)
            notices.tell(session, self._settings, user, "password_reset", now, link=link, minutes=minutes)
            audit.record(
                session, Actor("visitor", address=client.address), "password_reset_sent", "user", user.id,
                object_name=user.full_name, organization_id=user.organization_id, clock=self._clock,
            )  # fmt: skip

    def is_good(self, token: str) -> bool:
        """Whether a link can still be used."""
        with self._database.auth() as session:
            return _find(session, token, self._clock.now()) is not None

    def reset(self, token: str, password: str, client: Client) -> str:
        """Set a new password by a link; every session ends.

        Returns: the account's e-mail.

        Raises:
            ConflictError: the link is used, too old or unknown (`reset_invalid`).
            InvalidError: the password is not accepted.
        """
        now = self._clock.now()
        with self._database.auth() as session:
            found = _find(session, token, now)
        if found is None:
            raise _invalid()
        user = found[1]
        passwords.check(password, email=user.email, name=user.full_name)
        hashed = passwords.hash_password(password)
        with self._database.auth() as session:
            found = _find(session, token, now, lock=True)
            if found is None:
                raise _invalid()
            reset, user = found
            reset.used_at = now
            # Other links that are under way must not undo this one.
            for other in session.exec(select(PasswordReset).where(PasswordReset.user_id == user.id)):
                other.used_at = other.used_at or now
                session.add(other)
            if email_links.are_mailed(self._settings) and user.email_confirmed_at is None:
                # The mailbox's owner is here for the first time: whoever registered in their name keeps no way in.
                user.email_confirmed_at = now
                keys.end_those_of(session, user.id, now)
            by = Actor("user", user.id, user.full_name, client.address)
            store(session, self._settings, user, hashed, now, by=by)
            repository.revoke_sessions_of(session, user.id, now, "password_reset")
        return user.email


def make_link(session: Session, user: User, now: datetime) -> str:
    """A new link (a path) for somebody; its token is kept as a hash only."""
    token = new_token()
    session.add(
        PasswordReset(
            organization_id=user.organization_id,
            user_id=user.id,
            token_hash=hash_token(token),
            created_at=now,
            expires_at=now + LIFETIME,
        )
    )
    session.flush()
    return f"/reset/{token}"


def store(
    session: Session, settings: Settings, user: User, hashed: str, now: datetime, *, by: Actor | None = None
) -> None:
    """Keep a new password's hash, and mail the person.

    Parameters:
        by: as the audit log names who did it; None: whoever makes the request.
    """
    user.password_hash, user.password_changed_at = hashed, now
    session.add(user)
    email_links.forget(session, user, now, present=False)  # asked for by whoever knew the earlier password
    notices.tell(session, settings, user, "password_changed", now, by=by)
    session.flush()


def _find(session: Session, token: str, now: datetime, *, lock: bool = False) -> tuple[PasswordReset, User] | None:
    statement = (
        select(PasswordReset, User)
        .join(User, col(User.id) == PasswordReset.user_id)
        .where(PasswordReset.token_hash == hash_token(token))
    )
    if lock:
        statement = statement.with_for_update(of=PasswordReset)
    found = session.exec(statement).first()
    if found is None or found[0].used_at is not None or found[0].expires_at <= now or not found[1].is_active:
        return None
    if found[1].changed_password_after(found[0].created_at):
        return None
    return found


def _invalid() -> ConflictError:
    return ConflictError("The link was used or is too old; ask for a new one.", code="reset_invalid")


def user_link(session: Session, user_id: UUID, now: datetime) -> str | None:
    """A link for somebody of the transaction's organization; None: nobody here has this id."""
    user = repository.user(session, user_id)
    return make_link(session, user, now) if user is not None else None
