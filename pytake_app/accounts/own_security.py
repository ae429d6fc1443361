"""One's own security: password, second factor, where one is signed in. Opens its own transactions: hashing is slow."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session, col, select

from pytake_app.accounts import audit, notices, password_resets, passwords, repository, second_factor
from pytake_app.accounts.models import AuthSession, User
from pytake_app.accounts.second_factor import Setup
from pytake_app.accounts.security_schemas import SecurityView, SignInView
from pytake_app.accounts.service import Accounts, Client
from pytake_app.config import Settings
from pytake_app.core.clock import Clock
from pytake_app.core.crypto import SecretBox
from pytake_app.core.db import Database
from pytake_app.core.errors import FieldError, InvalidError, NotFoundError
from pytake_app.core.tenancy import Principal, scoped


class OwnSecurity:
    """What people do about their own sign-in.

    Parameters:
        accounts: counts wrong passwords.
    """

    def __init__(self, *, settings: Settings, database: Database, clock: Clock, accounts: Accounts) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._accounts = accounts
        self._box = SecretBox.from_settings(settings)

    def view(self, who: Principal) -> SecurityView:
        """The state of the caller's password and second factor."""
        with self._database.tenant(who.organization_id) as session:
            user = self._own(session, who)
            found = repository.user_with_organization(session, user.id)
            factor = second_factor.factor_of(session, user.id)
            on = factor is not None and factor.confirmed_at is not None
            return SecurityView(
                second_factor=on,
                second_factor_since=factor.confirmed_at if factor else None,
                second_factor_required=found is not None and second_factor.is_required(found[1], user),
                recovery_codes_left=second_factor.recovery_codes_left(session, user.id) if on else 0,
                password_changed_at=user.password_changed_at,
                tell_new_device=user.tell_new_device,
            )

    def set_notices(self, who: Principal, *, tell_new_device: bool) -> SecurityView:
        """Whether the caller hears of sign-ins from new devices."""
        with self._database.tenant(who.organization_id) as session:
            user = self._own(session, who)
            user.tell_new_device = tell_new_device
            session.add(user)
        return self.view(who)

    # -- password ---------------------------------------------------------------------------------------------------

    def change_password(self, who: Principal, present: str, wanted: str, client: Client) -> None:
        """A new password; every other session ends.

        Raises:
            InvalidError: the present one is wrong (`password_wrong`), or the new one is not accepted.
            TooManyRequestsError: too many wrong passwords.
        """
        user = self.confirmed(who, present, client)
        passwords.check(wanted, email=user.email, name=user.full_name, pointer="/new_password")
        hashed = passwords.hash_password(wanted)
        now = self._clock.now()
        with self._database.tenant(who.organization_id) as session:
            password_resets.store(session, self._settings, self._own(session, who), hashed, now)
            repository.revoke_sessions_of(session, who.user_id, now, "password_changed", but=who.session_id)

    def confirmed(self, who: Principal, password: str, client: Client) -> User:
        """The caller, who knows their password.

        Raises:
            InvalidError: they don't (`password_wrong`).
            TooManyRequestsError: too many wrong passwords.
        """
        with self._database.tenant(who.organization_id) as session:
            user = self._own(session, who)
        self._accounts.attempts.count_login(user.email, client)
        if not passwords.verify_password(user.password_hash, password, address=client.address):
            audit.record_failed_sign_in(
                self._database, user.organization_id, user.id, user.full_name, client.address, clock=self._clock
            )
            raise InvalidError(
                "The present password is wrong.",
                code="password_wrong",
                errors=[FieldError("/password", "not your present password", "password_wrong")],
            )
        self._accounts.attempts.login_succeeded(user.email, client)
        return user

    # -- second factor ----------------------------------------------------------------------------------------------

    def begin(self, who: Principal, password: str, client: Client) -> Setup:
        """Begin to set a second factor up.

        Raises:
            InvalidError: `password_wrong`.
            ConflictError: it is on already.
        """
        self.confirmed(who, password, client)
        with self._database.tenant(who.organization_id) as session:
            return second_factor.begin(session, self._box, self._own(session, who), self._clock.now())

    def confirm(self, who: Principal, code: str, client: Client) -> list[str]:
        """Turn the second factor on by a first code; the recovery codes are told this once. Other sessions end.

        Raises:
            InvalidError: `code_invalid`.
            ConflictError: none was begun, or it is on already.
        """
        self._accounts.attempts.count_code(who.email, client)
        now = self._clock.now()
        with self._database.tenant(who.organization_id) as session:
            user = self._own(session, who)
            codes = second_factor.confirm(session, self._box, user, code, now)
            notices.tell(session, self._settings, user, "second_factor_on", now)
            repository.revoke_sessions_of(session, who.user_id, now, "second_factor_on", but=who.session_id)
        return codes

    def turn_off(self, who: Principal, password: str, code: str, client: Client) -> None:
        """Turn the second factor off, by password and code.

        Raises:
            InvalidError: `password_wrong`, `code_invalid`.
        """
        self.confirmed(who, password, client)
        self._accounts.attempts.count_code(who.email, client)
        now = self._clock.now()
        with self._database.tenant(who.organization_id) as session:
            second_factor.check(session, self._box, who.user_id, code, now)
            second_factor.turn_off(session, who.user_id)
            notices.tell(session, self._settings, self._own(session, who), "second_factor_off", now)

    def new_recovery_codes(self, who: Principal, password: str, code: str, client: Client) -> list[str]:
        """New recovery codes, told this once; the earlier ones stop working.

        Raises: as `turn_off`.
        """
        self.confirmed(who, password, client)
        self._accounts.attempts.count_code(who.email, client)
        now = self._clock.now()
        with self._database.tenant(who.organization_id) as session:
            second_factor.check(session, self._box, who.user_id, code, now)
            return second_factor.new_recovery_codes(session, self._own(session, who), now)

    # -- sessions ---------------------------------------------------------------------------------------------------

    def sign_ins(self, who: Principal) -> list[SignInView]:
        """Where the caller is signed in, the present one first, then by last use."""
        now = self._clock.now()
        with self._database.tenant(who.organization_id) as session:
            rows = session.exec(
                scoped(session, AuthSession)
                .where(AuthSession.user_id == who.user_id, col(AuthSession.revoked_at).is_(None))
                .where(col(AuthSession.expires_at) > now)
                .order_by(col(AuthSession.last_used_at).desc())
                .limit(100)
            ).all()
        views = []
        for row in rows:
            browser, system = notices.device_of(row.user_agent)
            views.append(
                SignInView(
                    id=row.id, kind=row.kind, browser=browser, system=system, address=row.address,
                    created_at=row.created_at, last_used_at=row.last_used_at, is_current=row.id == who.session_id,
                )
            )  # fmt: skip
        return sorted(views, key=lambda view: not view.is_current)

    def end_sign_in(self, who: Principal, session_id: UUID) -> None:
        """Sign one of the caller's devices out.

        Raises:
            NotFoundError: none of theirs.
        """
        with self._database.tenant(who.organization_id) as session:
            mine = select(AuthSession.id).where(AuthSession.id == session_id, AuthSession.user_id == who.user_id)
            if session.exec(mine).first() is None:
                raise NotFoundError("There is no such sign-in.")
            repository.revoke_session(session, session_id, self._clock.now(), "revoked")
            self._ended(session, who, 1)

    def end_others(self, who: Principal) -> int:
        """Sign every other device of the caller out; how many there were."""
        with self._database.tenant(who.organization_id) as session:
            ended = repository.revoke_sessions_of(
                session, who.user_id, self._clock.now(), "revoked", but=who.session_id
            )
            self._ended(session, who, ended)
            return ended

    def _ended(self, session: Session, who: Principal, count: int) -> None:
        audit.record(
            session, who, "session_revoked", "user", who.user_id, {"count": count}, object_name=who.name,
            clock=self._clock,
        )  # fmt: skip

    def _own(self, session: Session, who: Principal) -> User:
        user = repository.user(session, who.user_id)
        if user is None:
            raise NotFoundError("There is no such user.")
        return user
