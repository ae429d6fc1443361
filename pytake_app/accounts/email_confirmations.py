"""Whose an e-mail address is: confirmed by a mailed link, once; a new address counts when it is."""

from __future__ import annotations

import structlog
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select, update

from pytake_app.accounts import audit, email_links, members, notices, repository
from pytake_app.accounts.emails import normalize_email
from pytake_app.accounts.models import User
from pytake_app.accounts.own_security import OwnSecurity
from pytake_app.accounts.security_models import EmailConfirmation, PasswordReset
from pytake_app.accounts.security_schemas import EmailState
from pytake_app.accounts.service import Client
from pytake_app.accounts.tokens import hash_token
from pytake_app.config import Settings
from pytake_app.core.clock import Clock
from pytake_app.core.db import Database
from pytake_app.core.errors import ConflictError, NotFoundError
from pytake_app.core.ratelimit import Bucket, Limiter, network_of
from pytake_app.core.tenancy import Actor, Principal

log = structlog.get_logger(__name__)

PER_PERSON = "5 per hour"
PER_ADDRESS = "5 per hour"
"""Of mails to one mailbox, whoever asks for them: nobody is flooded."""
TRIES = "60 per 5 minute"
"""Of links, from one network address."""


class EmailConfirmations:
    """Confirming an address, and changing it.

    Parameters:
        own_security: asks for the password.
    """

    def __init__(
        self, *, settings: Settings, database: Database, clock: Clock, limiter: Limiter, own_security: OwnSecurity
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._limiter = limiter
        self._own_security = own_security

    def state(self, who: Principal) -> EmailState:
        """The caller's address, and whether something is still to be done about it."""
        with self._database.tenant(who.organization_id) as session:
            return self._state(session, _own(session, who))

    def send_again(self, who: Principal) -> EmailState:
        """Mail the links that wait to be used once more; nothing is sent where none does.

        Raises:
            TooManyRequestsError: too many such mails.
        """
        with self._database.tenant(who.organization_id) as session:
            user = _own(session, who)
            state = self._state(session, user)
            waiting = [user.email] if state.confirmation_wanted else []
            for email in [*waiting, state.pending_email]:
                if email and state.mails:
                    self._count(who, email)
                    self._mail(session, who, user, email)
            return self._state(session, user)

    def change(self, who: Principal, password: str, email: str, client: Client) -> EmailState:
        """Another address for the caller. It counts once its link was used; at once where no mail is sent.

        An address that has an account gets a mail that says so, and the caller the same answer.

        Raises:
            InvalidError: the password is wrong (`password_wrong`).
            ConflictError: there is an account with this address (`email_taken`), where no mail is sent.
            TooManyRequestsError: too many wrong passwords, or such mails.
        """
        email = normalize_email(email)
        user = self._own_security.confirmed(who, password, client)
        if email != user.email:
            self._count(who, email)
            if not email_links.are_mailed(self._settings):
                self._put(who.actor(client.address), user, email, confirmed=False)
                return self.state(who)
        with self._database.tenant(who.organization_id) as session:
            user = _own(session, who)
            if email == user.email:  # thought better of it
                email_links.forget(session, user, self._clock.now(), present=False)
            else:
                self._mail(session, who, user, email)
            return self._state(session, user)

    def confirm(self, token: str, client: Client) -> str:
        """Use a link.

        Returns: the address, which counts as confirmed from now on.

        Raises:
            ConflictError: the link is used, too old or unknown, or the address has another account by now
                (`confirmation_invalid`).
            TooManyRequestsError: too many links tried from this address.
        """
        self._limiter.require(TRIES, "confirm-email-address", network_of(client.address))
        now = self._clock.now()
        with self._database.auth() as session:
            found = session.exec(
                select(EmailConfirmation, User)
                .join(User, col(User.id) == EmailConfirmation.user_id)
                .where(EmailConfirmation.token_hash == hash_token(token))
            ).first()
        if found is None:
            raise _invalid()
        row, user = found
        if row.used_at is not None or row.expires_at <= now or not user.is_active:
            raise _invalid()
        try:
            self._put(Actor("user", user.id, user.full_name, client.address), user, row.email, confirmed=True, by=row)
        except ConflictError as error:
            raise _invalid() from error
        return row.email

    def _put(
        self, actor: Actor, user: User, email: str, *, confirmed: bool, by: EmailConfirmation | None = None
    ) -> None:
        now = self._clock.now()
        try:
            with self._database.tenant(user.organization_id, actor=actor) as session:
                # Locked: of two who use a link at once one is told that it is used.
                held = session.exec(select(User).where(User.id == user.id).with_for_update()).one()
                if by is not None and email_links.is_used(session, by):
                    raise _invalid()
                was = held.email
                email_links.forget(session, held, now, changes=email != was)
                if email != was:
                    notices.tell(session, self._settings, held, "email_changed", now, to=was, address=email)
                    # What is under way to the former mailbox must not open the account any more.
                    session.execute(
                        update(PasswordReset)
                        .where(col(PasswordReset.user_id) == held.id, col(PasswordReset.used_at).is_(None))
                        .values(used_at=now)
                    )
                held.email, held.email_confirmed_at = email, (now if confirmed else None)
                session.add(held)
                session.flush()
        except IntegrityError as error:
            if "users_email" in str(error.orig):
                raise members.email_taken() from error
            raise
        log.info("email_confirmed" if confirmed else "email_changed", user_id=str(user.id))

    def _mail(self, session: Session, who: Principal, user: User, email: str) -> None:
        now = self._clock.now()
        taken = None
        if email != user.email:
            with self._database.auth() as elsewhere:
                taken = repository.user_by_email(elsewhere, email)
                if taken is not None:
                    notices.tell(elsewhere, self._settings, taken, "email_in_use", now)
        email_links.send(session, self._settings, user, email, now, mailed=taken is None)
        audit.record(session, who, "email_link_sent", "user", user.id, object_name=user.full_name, clock=self._clock)

    def _count(self, who: Principal, email: str) -> None:
        self._limiter.require_all(
            [
                Bucket(PER_PERSON, ("confirm-email", str(who.user_id))),
                Bucket(PER_ADDRESS, ("confirm-email-to", hash_token(email))),
            ]
        )

    def _state(self, session: Session, user: User) -> EmailState:
        mails, confirmed = email_links.are_mailed(self._settings), user.email_confirmed_at is not None
        return EmailState(
            email=user.email,
            confirmed=confirmed,
            confirmation_wanted=mails and not confirmed,
            mails=mails,
            pending_email=email_links.pending(session, user, self._clock.now()),
        )


def _own(session: Session, who: Principal) -> User:
    user = repository.user(session, who.user_id)
    if user is None:
        raise NotFoundError("There is no such user.")
    return user


def _invalid() -> ConflictError:
    return ConflictError("The link was used or is too old; ask for a new one.", code="confirmation_invalid")
