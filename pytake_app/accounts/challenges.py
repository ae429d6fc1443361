"""The step between a right password and a session: a code of the second factor, or setting one up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlmodel import Session, col, select

from pytake_app.accounts import audit, repository, second_factor
from pytake_app.accounts.models import Organization, User
from pytake_app.accounts.security_models import SignInChallenge
from pytake_app.accounts.tokens import hash_token, new_token
from pytake_app.core.clock import Clock
from pytake_app.core.db import Database
from pytake_app.core.errors import UnauthorizedError
from pytake_app.core.tenancy import Actor

Purpose = Literal["verify", "enroll"]

LIFETIME = timedelta(minutes=10)
TRIES = 5
_CODES: dict[Purpose, str] = {"verify": "totp_required", "enroll": "totp_setup_required"}


class SecondStepError(UnauthorizedError):
    """The password is right; the sign-in goes on with `token`.

    Parameters:
        purpose: `verify` asks for a code, `enroll` for a second factor to be set up.
    """

    def __init__(self, purpose: Purpose, token: str) -> None:
        sentence = (
            "Send the code of your second factor."
            if purpose == "verify"
            else "Your organization asks for a second factor."
        )
        seconds = int(LIFETIME.total_seconds())
        super().__init__(
            sentence, code=_CODES[purpose], members={"challenge_token": token, "challenge_expires_in": seconds}
        )
        self.purpose: Purpose = purpose
        self.token = token


def demand(database: Database, user: User, now: datetime) -> None:
    """Let somebody whose password was right go on only by a second step, where there is one to go.

    Raises:
        SecondStepError: there is.
    """
    token = new_token()
    with database.auth() as session:
        found = repository.user_with_organization(session, user.id)
        purpose = _purpose(session, *found) if found else None
        if purpose is None:
            return
        session.add(
            SignInChallenge(
                organization_id=user.organization_id,
                user_id=user.id,
                purpose=purpose,
                token_hash=hash_token(token),
                created_at=now,
                expires_at=now + LIFETIME,
            )
        )
    raise SecondStepError(purpose, token)


def _purpose(session: Session, user: User, organization: Organization) -> Purpose | None:
    if second_factor.is_on(session, user.id):
        return "verify"
    return "enroll" if second_factor.is_required(organization, user) else None


def hold(session: Session, token: str, purpose: Purpose, now: datetime) -> tuple[SignInChallenge, User]:
    """The challenge behind a token, locked, with its person.

    Raises:
        UnauthorizedError: unknown, used, too old, tried too often or of an earlier password (`challenge_invalid`).
    """
    found = session.exec(
        select(SignInChallenge, User)
        .join(User, col(User.id) == SignInChallenge.user_id)
        .where(SignInChallenge.token_hash == hash_token(token), SignInChallenge.purpose == purpose)
        .with_for_update(of=SignInChallenge)
    ).first()
    if found is None or found[0].used_at is not None or found[0].expires_at <= now or found[0].tries >= TRIES:
        raise gone()
    # Whoever has changed the password since must not be undone by somebody who knew the old one.
    if not found[1].is_active or found[1].changed_password_after(found[0].created_at):
        raise gone()
    return found


def count_try(database: Database, challenge_id: UUID, address: str, clock: Clock) -> None:
    """Remember a wrong code, also in the audit log, in a transaction of its own.

    Parameters:
        address: where it came from.
    """
    with database.auth() as session:
        found = session.exec(
            select(SignInChallenge, User)
            .join(User, col(User.id) == SignInChallenge.user_id)
            .where(SignInChallenge.id == challenge_id)
            .with_for_update(of=SignInChallenge)
        ).first()
        if found is not None:
            challenge, user = found
            challenge.tries += 1
            session.add(challenge)
            audit.record(
                session, Actor("visitor", address=address), "second_step_failed", "user", user.id,
                object_name=user.full_name, organization_id=user.organization_id, clock=clock,
            )  # fmt: skip


def gone() -> UnauthorizedError:
    """The challenge can't be used (any more)."""
    return UnauthorizedError("Sign in again from the start.", code="challenge_invalid")
