"""Signing in, step two: who gave a right password gives a code, or sets a second factor up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlmodel import Session

from pytake_app.accounts import challenges, notices, second_factor
from pytake_app.accounts.models import User
from pytake_app.accounts.schemas import TokenAnswer
from pytake_app.accounts.second_factor import Passed, Setup
from pytake_app.accounts.service import Accounts, Client, WebSession
from pytake_app.config import Settings
from pytake_app.core.clock import Clock
from pytake_app.core.crypto import SecretBox
from pytake_app.core.db import Database
from pytake_app.core.errors import InvalidError

T = TypeVar("T")


class SecondSteps:
    """The second step of signing in.

    Parameters:
        accounts: opens the session in the end.
    """

    def __init__(self, *, settings: Settings, database: Database, clock: Clock, accounts: Accounts) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._accounts = accounts
        self._box = SecretBox.from_settings(settings)

    def verify(self, token: str, code: str, client: Client) -> TokenAnswer:
        """Sign an API client in by its code.

        Raises:
            UnauthorizedError: the challenge is used, too old or tried too often (`challenge_invalid`).
            InvalidError: `code_invalid`.
            TooManyRequestsError: too many codes for this account.
        """
        user = self._verified(token, code, client)
        return self._accounts.open_api_session(user.id, user.organization_id, client)

    def verify_web(self, token: str, code: str, client: Client) -> WebSession:
        """As `verify`, for a browser."""
        user = self._verified(token, code, client)
        return self._accounts.open_web_session(user.id, user.organization_id, client)

    def begin(self, token: str) -> Setup:
        """Begin to set a second factor up, for somebody who can't sign in without one.

        Raises:
            UnauthorizedError: as `verify`.
        """
        now = self._clock.now()
        with self._database.auth() as session:
            _, user = challenges.hold(session, token, "enroll", now)
            return second_factor.begin(session, self._box, user, now)

    def enroll(self, token: str, code: str, client: Client) -> tuple[list[str], TokenAnswer]:
        """Turn the second factor on by a first code, and sign in; the recovery codes are told this once.

        Raises: as `verify`.
        """
        user, codes = self._enrolled(token, code, client)
        return codes, self._accounts.open_api_session(user.id, user.organization_id, client)

    def enroll_web(self, token: str, code: str, client: Client) -> tuple[list[str], WebSession]:
        """As `enroll`, for a browser."""
        user, codes = self._enrolled(token, code, client)
        return codes, self._accounts.open_web_session(user.id, user.organization_id, client)

    def _verified(self, token: str, code: str, client: Client) -> User:
        now = self._clock.now()

        def check(session: Session, user: User) -> Passed:
            passed = second_factor.check(session, self._box, user.id, code, now)
            if passed.codes_left is not None:
                left = str(passed.codes_left)
                notices.tell(session, self._settings, user, "recovery_code_used", now, left=left)
            return passed

        return self._try(token, "verify", client, check)[0]

    def _enrolled(self, token: str, code: str, client: Client) -> tuple[User, list[str]]:
        now = self._clock.now()

        def confirm(session: Session, user: User) -> list[str]:
            codes = second_factor.confirm(session, self._box, user, code, now)
            notices.tell(session, self._settings, user, "second_factor_on", now)
            return codes

        return self._try(token, "enroll", client, confirm)

    def _try(
        self, token: str, purpose: challenges.Purpose, client: Client, work: Callable[[Session, User], T]
    ) -> tuple[User, T]:
        """Use a challenge up; a wrong code leaves it, and is counted."""
        now = self._clock.now()
        with self._database.auth() as session:
            challenge, user = challenges.hold(session, token, purpose, now)
            challenge_id, email = challenge.id, user.email
        self._accounts.attempts.count_code(email, client)
        try:
            with self._database.auth() as session:
                challenge, user = challenges.hold(session, token, purpose, now)
                done = work(session, user)
                challenge.used_at = now
                session.add(challenge)
        except InvalidError:
            challenges.count_try(self._database, challenge_id, client.address, self._clock)
            raise
        return user, done
