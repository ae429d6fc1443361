"""Accounts: registering, signing in and out, and who is behind a token.

Unlike other services this one opens its own transactions: before a sign-in the organization isn't known, and
hashing a password must not hold a transaction open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from pytake_app.accounts import audit, challenges, email_links, keys, notices, passwords, repository
from pytake_app.accounts.attempts import Attempts
from pytake_app.accounts.departments import create_department, department_choices, department_names_select
from pytake_app.accounts.emails import normalize_email
from pytake_app.accounts.inbox_settings import check_closing_reason, reopens_for
from pytake_app.accounts.lifecycle import new_organization, refuse_at_rest
from pytake_app.accounts.models import AuthSession, Organization, RefreshToken, User
from pytake_app.accounts.organization import organization_of_session
from pytake_app.accounts.people import (
    admin_ids,
    answerers,
    department_members,
    departments_of,
    locale_of,
    locales_of,
    principal_for,
    roles_with,
    time_zone_of,
    user_choices,
    user_names,
)
from pytake_app.accounts.privacy_settings import privacy_of
from pytake_app.accounts.schemas import MeAnswer, OrganizationView, RegisterRequest, TokenAnswer, UserView
from pytake_app.accounts.sign_ins import is_live, principal_of
from pytake_app.accounts.tokens import AccessClaims, TokenSigner, hash_token, new_token
from pytake_app.accounts.turns import KNOWN, STRANGERS
from pytake_app.config import Settings
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.db import Database
from pytake_app.core.errors import ConflictError, FieldError, ForbiddenError, NotFoundError, UnauthorizedError
from pytake_app.core.ratelimit import Limiter, network_of
from pytake_app.core.tenancy import Actor, Principal, Role

__all__ = [
    "Accounts", "Client", "Principal", "WebSession", "admin_ids", "answerers", "check_closing_reason",
    "create_department", "department_choices", "department_members", "departments_of", "get_user", "locale_of",
    "locales_of", "organization_of_session", "principal_for", "privacy_of", "purge_expired", "record_event",
    "reference_names", "reopens_for", "resolve_web_session", "roles_with", "time_zone_of", "user_choices",
    "user_names",
]  # fmt: skip

log = structlog.get_logger(__name__)
record_event = audit.record

TOUCH_EVERY = timedelta(minutes=1)
"""A session's last use is written at most this often."""
WEB_SESSION_AT_MOST = timedelta(days=90)
"""However much it is used, a browser signs in again after this time."""

KEEP_ENDED_SESSIONS = timedelta(days=30)
KEEP_ANSWERS = timedelta(hours=48)
"""Answers under an `Idempotency-Key`; they are given for 24 hours."""


@dataclass(frozen=True, slots=True)
class Client:
    """Where a sign-in comes from, for the list of devices and for rate limits; `device`: its cookie."""

    address: str = ""
    user_agent: str = ""
    device: str = ""


_NOWHERE = Client()


@dataclass(frozen=True, slots=True)
class WebSession:
    """A browser's new session: the cookie's token and how long it may live."""

    token: str
    max_age: int
    principal: Principal


def resolve_web_session(session: Session, token: str, *, clock: Clock | None = None) -> Principal | None:
    """Who a `pytake_session` cookie belongs to, or None when it is unknown, expired or revoked.

    Parameters:
        session: of `Database.auth`. The session's last use is written (at most once a minute).
    """
    now = (clock or SystemClock()).now()
    found = repository.session_by_token(session, hash_token(token))
    if found is None or not is_live(found, now):
        return None
    signed_in = found.session
    if now - signed_in.last_used_at >= TOUCH_EVERY:
        extension = signed_in.expires_at - signed_in.last_used_at
        signed_in.last_used_at = now
        signed_in.expires_at = min(now + extension, signed_in.created_at + WEB_SESSION_AT_MOST)
        session.add(signed_in)
    return principal_of(found)


def get_user(session: Session, principal: Principal, user_id: UUID) -> UserView:
    """One of the organization's people.

    Raises:
        NotFoundError: nobody here has this id.
    """
    principal.require(Role.VIEWER)
    user = repository.user(session, user_id)
    if user is None or user.removed_at is not None:
        raise NotFoundError("There is no such user.")
    return UserView.model_validate(user)


def reference_names(session: Session) -> list[Select[Any]]:
    """(kind, id, name, more) of people (more: e-mail) and departments, to be asked for with others' at once."""
    return [repository.user_names_select(session), department_names_select(session)]


def purge_expired(database: Database, now: datetime) -> int:
    """Forget sign-ins that ended, and kept answers nobody asks for again; for the scheduler, once an hour or so.

    Returns: how many rows went.
    """
    with database.auth() as session:
        gone = repository.delete_ended_sessions(session, now - KEEP_ENDED_SESSIONS)
        gone += repository.delete_old_links(session, now - KEEP_ANSWERS)
    with database.system() as session:
        return gone + repository.delete_old_answers(session, now - KEEP_ANSWERS)


class Accounts:
    """Sign-in and registration.

    Parameters:
        settings: lifetimes and the signing key.
        limiter: counts attempts.
    """

    def __init__(self, *, settings: Settings, database: Database, clock: Clock, limiter: Limiter) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._limiter = limiter
        self.attempts = Attempts(settings, limiter, clock)
        self._signer_: TokenSigner | None = None

    @property
    def _signer(self) -> TokenSigner:
        if self._signer_ is None:
            self._signer_ = TokenSigner(self._settings)
        return self._signer_

    # -- registering and signing in ---------------------------------------------------------------------------------

    def register(self, request: RegisterRequest, client: Client) -> TokenAnswer:
        """A new organization with its first administrator, signed in.

        Raises:
            ConflictError: the e-mail is taken (`email_taken`).
            InvalidError: the password is not accepted.
            ForbiddenError: this installation takes no registrations (`registration_closed`).
            TooManyRequestsError: too many registrations from this address.
            UnavailableError: `too_busy`.
        """
        user_id, organization_id = self._register(request, client)
        return self.open_api_session(user_id, organization_id, client)

    def register_web(self, request: RegisterRequest, client: Client) -> WebSession:
        """As `register`, for a browser."""
        user_id, organization_id = self._register(request, client)
        return self.open_web_session(user_id, organization_id, client)

    def _register(self, request: RegisterRequest, client: Client) -> tuple[UUID, UUID]:
        if not self._settings.registration_open:
            raise ForbiddenError("New organizations can't be registered here.", code="registration_closed")
        limit = f"{self._settings.registrations_per_hour} per hour"
        self._limiter.require(limit, "register-address", network_of(client.address))
        return self.create_organization(request, role=Role.ORG_ADMIN, stranger=client.address)

    def create_organization(
        self, request: RegisterRequest, *, role: Role, stranger: str | None = None
    ) -> tuple[UUID, UUID]:
        """Make an organization, its first user, its starter flows and its sandbox number, in one transaction.

        Parameters:
            stranger: as `passwords.hash_password`'s.

        Returns: the ids of the user and of the organization.

        Raises:
            ConflictError, InvalidError, UnavailableError: as `register`.
        """
        from pytake_app.accounts.founding import furnish

        email = normalize_email(request.email)
        passwords.check(request.password, email=email, name=request.full_name)
        with self._database.auth() as session:
            if repository.user_by_email(session, email) is not None:
                raise _email_taken()
        password_hash = passwords.hash_password(request.password, stranger=stranger)
        now = self._clock.now()
        name = (request.organization_name or "").strip() or request.full_name
        organization = new_organization(self._settings, name, request.locale, role, now, time_zone=request.time_zone)
        user = User(
            organization_id=organization.id,
            email=email,
            password_hash=password_hash,
            full_name=request.full_name,
            role=role,
            locale=request.locale,
            created_at=now,
            email_confirmed_at=now if role is Role.SUPER_ADMIN else None,
        )
        try:
            first = Actor("user", user.id, user.full_name)
            with self._database.tenant(organization.id, actor=first) as session:
                session.add(organization)
                session.flush()
                session.add(user)
                session.flush()
                furnish(session, organization, settings=self._settings, clock=self._clock)
                email_links.send_first(session, self._settings, user, now)
        except IntegrityError as error:
            if "users_email" in str(error.orig):
                raise _email_taken() from error
            raise
        log.info("organization_created", organization_id=str(organization.id))
        return user.id, organization.id

    def login(self, email: str, password: str, client: Client) -> TokenAnswer:
        """Sign an API client in.

        Raises:
            UnauthorizedError: `credentials_invalid`, the same for an unknown e-mail and a wrong password;
                `totp_required` or `totp_setup_required` with a `challenge_token` (`challenges.SecondStepError`).
            TooManyRequestsError: too many attempts for this account or from this address.
            UnavailableError: too many sign in at once (`too_busy`); a known device doesn't wait for strangers.
        """
        user = self._authenticate(email, password, client)
        challenges.demand(self._database, user, self._clock.now())
        return self.open_api_session(user.id, user.organization_id, client)

    def login_web(self, email: str, password: str, client: Client) -> WebSession:
        """As `login`, for a browser."""
        user = self._authenticate(email, password, client)
        challenges.demand(self._database, user, self._clock.now())
        return self.open_web_session(user.id, user.organization_id, client)

    def _authenticate(self, email: str, password: str, client: Client) -> User:
        email = normalize_email(email)
        self.attempts.count_login(email, client)
        lane = KNOWN if self.attempts.knows(email, client) else STRANGERS
        with lane.turn(client.address):  # whose turn doesn't come costs no look into the database either
            with self._database.auth() as session:
                user = repository.user_by_email(session, email)
            # An unknown e-mail costs a verification too: the answer's time must not tell who has an account.
            matches = passwords.matches(user.password_hash if user else None, password)
        if user is None or not matches or not user.is_active:
            log.warning("sign_in_failed", user_id=str(user.id) if user else None, address=client.address)
            if user is not None:
                audit.record_failed_sign_in(
                    self._database, user.organization_id, user.id, user.full_name, client.address, clock=self._clock
                )
            raise UnauthorizedError("E-mail or password is wrong.", code="credentials_invalid")
        with self._database.auth() as session:
            refuse_at_rest(session, user.organization_id)
        self.attempts.login_succeeded(email, client)
        lane.right(client.address)
        if passwords.needs_rehash(user.password_hash):
            rehashed = passwords.hash_password(password)
            with self._database.auth() as session:
                repository.put_rehashed(session, user.id, user.password_hash, rehashed)
        return user

    # -- sessions ---------------------------------------------------------------------------------------------------

    def open_api_session(self, user_id: UUID, organization_id: UUID, client: Client) -> TokenAnswer:
        """Sign an API client in, whose person is known for sure by now."""
        now = self._clock.now()
        expires = now + timedelta(days=self._settings.refresh_token_expire_days)
        with self._database.auth() as session:
            signed_in = self._add_session(session, user_id, organization_id, client, kind="api", expires=expires)
            return self._issue(session, signed_in, now)

    def open_web_session(self, user_id: UUID, organization_id: UUID, client: Client) -> WebSession:
        """As `open_api_session`, for a browser."""
        token = new_token()
        lifetime = timedelta(days=self._settings.web_session_days)
        with self._database.auth() as session:
            signed_in = self._add_session(
                session, user_id, organization_id, client, kind="web", expires=self._clock.now() + lifetime
            )
            signed_in.token_hash = hash_token(token)
            found = repository.session_with_user(session, signed_in.id)
            if found is None:
                raise UnauthorizedError("This account no longer exists.")
            principal = principal_of(found)
        return WebSession(token=token, max_age=int(lifetime.total_seconds()), principal=principal)

    def _add_session(
        self, session: Session, user_id: UUID, organization_id: UUID, client: Client, *, kind: str, expires: datetime
    ) -> AuthSession:
        now = self._clock.now()
        signed_in = AuthSession(
            organization_id=organization_id,
            user_id=user_id,
            kind=kind,
            user_agent=client.user_agent[:300],
            address=client.address[:64],
            created_at=now,
            last_used_at=now,
            expires_at=expires,
        )
        session.add(signed_in)
        user = session.get(User, user_id)
        if user is not None:
            first, user.last_login_at = user.last_login_at is None, now
            who = Actor("user", user.id, user.full_name, client.address)
            audit.record(
                session, who, "signed_in", "user", user.id, {"kind": kind}, object_name=user.full_name,
                organization_id=organization_id, clock=self._clock,
            )  # fmt: skip
            known = self.attempts.knows(user.email, client)
            notices.tell_of_new_device(session, self._settings, user, signed_in, now, known=known or first)
        session.flush()
        return signed_in

    def _issue(self, session: Session, signed_in: AuthSession, now: datetime) -> TokenAnswer:
        """A new pair of tokens for an open session."""
        refresh = new_token()
        session.add(
            RefreshToken(
                organization_id=signed_in.organization_id,
                session_id=signed_in.id,
                token_hash=hash_token(refresh),
                created_at=now,
                expires_at=now + timedelta(days=self._settings.refresh_token_expire_days),
            )
        )
        user, organization = self._people(session, signed_in)
        access = self._signer.sign(
            user_id=user.id, organization_id=organization.id, role=user.role, session_id=signed_in.id, now=now
        )
        return TokenAnswer(
            access_token=access,
            refresh_token=refresh,
            expires_in=int(self._signer.lifetime.total_seconds()),
            user=UserView.model_validate(user),
            organization=OrganizationView.model_validate(organization),
        )

    def _people(self, session: Session, signed_in: AuthSession) -> tuple[User, Organization]:
        found = repository.user_with_organization(session, signed_in.user_id)
        if found is None:
            raise UnauthorizedError("This account no longer exists.")
        return found

    def refresh(self, refresh_token: str, client: Client = _NOWHERE) -> TokenAnswer:
        """Exchange a refresh token for a new pair; each one is good once.

        A second use means that somebody else has the token too: the whole session ends (RFC 9700, section 4.14.2).

        Raises:
            UnauthorizedError: unknown, expired, revoked (`token_invalid`) or used before (`token_reused`).
        """
        now = self._clock.now()
        with self._database.auth() as session:
            stored = repository.locked_refresh_token(session, hash_token(refresh_token))
            found = repository.session_with_user(session, stored.session_id) if stored else None
            if stored is None or found is None or not is_live(found, now) or stored.expires_at <= now:
                raise UnauthorizedError("The refresh token is not valid.", code="token_invalid")
            if stored.used_at is None:
                stored.used_at = now
                signed_in = found[0]
                signed_in.last_used_at = now
                signed_in.expires_at = now + timedelta(days=self._settings.refresh_token_expire_days)
                return self._issue(session, signed_in, now)
            repository.revoke_session(session, stored.session_id, now, "refresh_token_reused")
            audit.record(
                session, Actor("visitor", address=client.address), "refresh_token_reused", "user", found.user.id,
                object_name=found.user.full_name, organization_id=found.user.organization_id, clock=self._clock,
            )  # fmt: skip
        log.warning("refresh_token_reused", session_id=str(stored.session_id))
        raise UnauthorizedError("The refresh token was used before; sign in again.", code="token_reused")

    def logout(self, who: Principal, client: Client = _NOWHERE) -> None:
        """End the caller's sign-in."""
        with self._database.auth() as session:
            repository.revoke_session(session, who.session_id, self._clock.now(), "logout")
            self._left(session, who, client, "signed_out")

    def logout_by_refresh_token(self, refresh_token: str) -> None:
        """End the sign-in that a refresh token belongs to; an unknown one is no error."""
        with self._database.auth() as session:
            stored = repository.locked_refresh_token(session, hash_token(refresh_token))
            if stored is not None:
                repository.revoke_session(session, stored.session_id, self._clock.now(), "logout")

    def logout_everywhere(self, who: Principal, client: Client = _NOWHERE) -> int:
        """End every sign-in of the caller; returns how many were open."""
        with self._database.auth() as session:
            ended = repository.revoke_sessions_of(session, who.user_id, self._clock.now(), "logout_everywhere")
            self._left(session, who, client, "session_revoked", count=ended)
            return ended

    def _left(self, session: Session, who: Principal, client: Client, action: str, **detail: int) -> None:
        audit.record(
            session, who.actor(client.address), action, "user", who.user_id, detail, object_name=who.name,
            organization_id=who.organization_id, clock=self._clock,
        )  # fmt: skip

    # -- who is asking ----------------------------------------------------------------------------------------------

    def resolve_cookie(self, token: str) -> Principal | None:
        """Who a session cookie belongs to, or None when it is unknown, expired or revoked."""
        if not token or len(token) > 200:
            return None
        with self._database.auth() as session:
            return resolve_web_session(session, token, clock=self._clock)

    def resolve_bearer(self, token: str, address: str = "") -> Principal:
        """Who an access token or an API key belongs to; the role is the user's present one.

        Raises:
            UnauthorizedError: not valid, expired, or its session was revoked.
        """
        if token.startswith(keys.PREFIX):
            return keys.resolve(self._database, token, address, clock=self._clock)
        now = self._clock.now()
        claims: AccessClaims = self._signer.read(token, now)
        with self._database.auth() as session:
            found = repository.session_with_user(session, claims.session_id)
        if found is None or not is_live(found, now) or found.user.id != claims.user_id:
            raise UnauthorizedError("The session has ended; sign in again.", code="session_ended")
        return principal_of(found)

    def present(self, principal: Principal) -> Principal | None:
        """The same caller with what they may do now; None: their sign-in has ended. For connections that stay open."""
        if principal.api_key_id is not None:
            return keys.present(self._database, principal, clock=self._clock)
        with self._database.auth() as session:
            found = repository.session_with_user(session, principal.session_id)
        return principal_of(found) if found is not None and is_live(found, self._clock.now()) else None

    def still_there(self, user_id: UUID, organization_id: UUID, session_id: UUID) -> bool:
        """Whether somebody may still read what they were given an address for.

        Parameters:
            session_id: the sign-in or the API key with which they got it.
        """
        now = self._clock.now()
        with self._database.auth() as session:
            found = repository.session_with_user(session, session_id)
            if found is not None:
                live = principal_of(found) if is_live(found, now) else None
            else:
                live = keys.live(session, session_id, now)
        return live is not None and (live.user_id, live.organization_id) == (user_id, organization_id)

    def me(self, principal: Principal) -> MeAnswer:
        """The caller and their organization."""
        with self._database.auth() as session:
            found = repository.user_with_organization(session, principal.user_id)
        if found is None:
            raise UnauthorizedError("This account no longer exists.")
        return MeAnswer(user=UserView.model_validate(found[0]), organization=OrganizationView.model_validate(found[1]))


def _email_taken() -> ConflictError:
    return ConflictError(
        "There is an account with this e-mail already.",
        code="email_taken",
        errors=[FieldError("/email", "already registered", "email_taken")],
    )
