"""Invitations: somebody is asked by mail to join, and chooses a name and a password. Nothing commits but `Joining`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from pytake_app.accounts import email_links, members, passwords, repository
from pytake_app.accounts.emails import normalize_email
from pytake_app.accounts.limits import Resource, require_room
from pytake_app.accounts.models import DepartmentMember, Organization, User
from pytake_app.accounts.organization import organization_of_session
from pytake_app.accounts.people import user_names
from pytake_app.accounts.security_models import Invitation
from pytake_app.accounts.security_schemas import InvitationAccept, InvitationCreate, InvitationOffer, InvitationView
from pytake_app.accounts.service import Client
from pytake_app.accounts.tokens import hash_token, new_token
from pytake_app.config import Settings
from pytake_app.core.clock import Clock
from pytake_app.core.crypto import SecretBox
from pytake_app.core.db import Database
from pytake_app.core.errors import ConflictError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Actor, Permission, Principal, Role, organization_of, scoped
from pytake_app.core.texts import text
from pytake_app.outgoing import mail

log = structlog.get_logger(__name__)

LIFETIME = timedelta(days=7)
MAX_OPEN = 500


def list_invitations(session: Session, principal: Principal, *, clock: Clock) -> list[InvitationView]:
    """Open and expired invitations, newest first."""
    principal.needs(Permission.USERS_MANAGE)
    rows = session.exec(_waiting(session).order_by(col(Invitation.created_at).desc()).limit(MAX_OPEN)).all()
    names = user_names(session, [row.invited_by for row in rows if row.invited_by])
    return [_view(row, names, clock.now()) for row in rows]


def invite(
    session: Session,
    principal: Principal,
    request: InvitationCreate,
    *,
    database: Database,
    settings: Settings,
    clock: Clock,
) -> InvitationView:
    """Ask somebody to join; an expired invitation of the same address is replaced.

    Raises:
        ConflictError: there is an account (`email_taken`) or an open invitation (`invitation_open`) with this address.
        ForbiddenError: a role above the caller's own; the caller's address isn't confirmed (`email_unconfirmed`).
        InvalidError: no such department.
        LimitError: the plan has no room for one more, those counted who are invited already.
    """
    principal.needs(Permission.USERS_MANAGE)
    email_links.require_confirmed(principal, settings)
    members.require_rank(principal, Role(request.role))
    members.check_departments(session, request.departments)
    email, now = normalize_email(request.email), clock.now()
    if members.is_taken(database, email):
        raise members.email_taken()
    _require_seat(session, clock)
    earlier = session.exec(_waiting(session).where(col(Invitation.email) == email).with_for_update()).first()
    if isinstance(earlier, Invitation):
        if earlier.expires_at > now:
            raise ConflictError("This address is invited already.", code="invitation_open")
        earlier.revoked_at = now
        session.add(earlier)
        session.flush()
    row = Invitation(
        id=new_id(), organization_id=organization_of(session), email=email, role=request.role,
        departments=[str(department) for department in request.departments],
        locale=request.locale or principal.locale, token_hash="", invited_by=principal.user_id, created_at=now,
        sent_at=now, expires_at=now + LIFETIME,
    )  # fmt: skip
    return _send(session, principal, row, settings, now)


def resend(
    session: Session, principal: Principal, invitation_id: UUID, *, settings: Settings, clock: Clock
) -> InvitationView:
    """Send a new link, good for a whole week again; the earlier one stops working.

    Raises:
        ForbiddenError: as `invite`.
        NotFoundError: no such invitation waits here.
        LimitError: it was too old, and meanwhile the plan has no room.
    """
    principal.needs(Permission.USERS_MANAGE)
    email_links.require_confirmed(principal, settings)
    row = _find(session, invitation_id)
    members.require_rank(principal, Role(row.role))
    now = clock.now()
    if row.expires_at <= now:
        _require_seat(session, clock)
    row.sent_at, row.expires_at, row.invited_by = now, now + LIFETIME, principal.user_id
    return _send(session, principal, row, settings, now)


def open_for(session: Session, email: str, *, role: Role) -> UUID | None:
    """The invitation to this role that waits for an address, expired or not; None without one."""
    asked = _waiting(session).where(col(Invitation.email) == normalize_email(email), col(Invitation.role) == role)
    found = session.exec(asked).first()
    return found.id if isinstance(found, Invitation) else None


def revoke(session: Session, principal: Principal, invitation_id: UUID, *, clock: Clock) -> None:
    """Take an invitation back.

    Raises:
        NotFoundError: no such invitation waits here.
    """
    principal.needs(Permission.USERS_MANAGE)
    row = _find(session, invitation_id)
    row.revoked_at = clock.now()
    session.add(row)
    session.flush()


def _send(session: Session, principal: Principal, row: Invitation, settings: Settings, now: datetime) -> InvitationView:
    token = new_token()
    row.token_hash = hash_token(token)
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:  # two invited the same address at once
        raise ConflictError("This address is invited already.", code="invitation_open") from error
    mailed = email_links.are_mailed(settings)
    link = f"{settings.link_base}/invite/{token}"
    mail.enqueue(
        session, SecretBox.from_settings(settings), to=row.email, template="invitation", locale=row.locale,
        values={
            "inviter": principal.name, "organization": organization_of_session(session).name, "link": link,
            "days": str(LIFETIME.days),
        },
        now=now,
    )  # fmt: skip
    view = _view(row, {principal.user_id: principal.name}, now)
    # Without a mail server the link is handed over by whoever invites.
    return view.model_copy(update={"mailed": mailed, "link": "" if mailed else link})


def _require_seat(session: Session, clock: Clock) -> None:
    """Nobody is invited to find that there is no room for them.

    Raises:
        LimitError: as `invite`.
    """

    def invited() -> int:
        still = _waiting(session).where(col(Invitation.expires_at) > clock.now()).subquery()
        return session.scalar(select(func.count()).select_from(still)) or 0

    require_room(session, Resource.USERS, promised=invited, clock=clock)


def _waiting(session: Session) -> SelectOfScalar[Any]:
    return scoped(session, Invitation).where(
        col(Invitation.accepted_at).is_(None), col(Invitation.revoked_at).is_(None)
    )


def _find(session: Session, invitation_id: UUID) -> Invitation:
    row = session.exec(_waiting(session).where(col(Invitation.id) == invitation_id).with_for_update()).first()
    if not isinstance(row, Invitation):
        raise NotFoundError("There is no such invitation.")
    return row


def _view(row: Invitation, names: dict[UUID, str], now: datetime) -> InvitationView:
    return InvitationView(
        id=row.id,
        email=row.email,
        role=row.role,
        departments=[UUID(department) for department in row.departments],
        invited_by=names.get(row.invited_by, "") if row.invited_by else "",
        created_at=row.created_at,
        sent_at=row.sent_at,
        expires_at=row.expires_at,
        state="open" if row.expires_at > now else "expired",
    )


class Joining:
    """What an invited person does, before there is an account."""

    def __init__(self, *, settings: Settings, database: Database, clock: Clock) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock

    def offer(self, token: str) -> InvitationOffer:
        """Who invites whom, and where to.

        Raises:
            NotFoundError: the invitation is unknown, used, taken back or too old (`invitation_invalid`).
        """
        with self._database.auth() as session:
            row, organization = self._open(session, token)
            inviter = session.get(User, row.invited_by) if row.invited_by else None
        return InvitationOffer(
            email=row.email,
            organization_name=organization.name,
            invited_by=inviter.full_name if inviter else "",
            role=row.role,
            locale=row.locale,
        )

    def accept(self, request: InvitationAccept, client: Client) -> str:
        """Join. The invitation is used up.

        Returns: the new account's e-mail.

        Raises:
            NotFoundError: as `offer`.
            InvalidError: the password is not accepted.
            ConflictError: meanwhile there is an account with this address.
            LimitError: the plan has no room any more.
        """
        with self._database.auth() as session:
            row, _ = self._open(session, request.token)
        passwords.check(request.password, email=row.email, name=request.full_name)
        hashed = passwords.hash_password(request.password)
        now, user_id = self._clock.now(), new_id()
        joins = Actor("user", user_id, request.full_name, client.address)
        try:
            with self._database.tenant(row.organization_id, actor=joins) as session:
                # Locked: of two who use the link at once one is told that it is used.
                held = session.exec(
                    scoped(session, Invitation).where(col(Invitation.id) == row.id).with_for_update()
                ).one()
                if held.accepted_at is not None or held.revoked_at is not None:
                    raise _invalid()
                user = User(
                    id=user_id, organization_id=row.organization_id, email=row.email, password_hash=hashed,
                    full_name=request.full_name, role=row.role, locale=request.locale or row.locale, created_at=now,
                    password_changed_at=now, email_confirmed_at=now,
                )  # fmt: skip
                require_room(session, Resource.USERS, clock=self._clock)
                session.add(user)
                session.flush()
                known = set(members.existing_departments(session, [UUID(one) for one in row.departments]))
                session.add_all(
                    DepartmentMember(organization_id=row.organization_id, department_id=department, user_id=user.id)
                    for department in sorted(known)
                )
                held.accepted_at, held.user_id = now, user.id
                session.add(held)
                _tell_inviter(session, held, user, self._clock)
        except IntegrityError as error:
            if "users_email" in str(error.orig):
                raise members.email_taken() from error
            raise
        log.info("invitation_accepted", invitation_id=str(row.id), user_id=str(user.id))
        return row.email

    def _open(self, session: Session, token: str) -> tuple[Invitation, Organization]:
        found = session.exec(
            select(Invitation, Organization)
            .join(Organization, col(Organization.id) == Invitation.organization_id)
            .where(Invitation.token_hash == hash_token(token))
        ).first()
        if found is None or found[1].status != "active":
            raise _invalid()
        row = found[0]
        if row.accepted_at is not None or row.revoked_at is not None or row.expires_at <= self._clock.now():
            raise _invalid()
        # It is worth as much as who stands behind it: not more than they could give today.
        inviter = session.get(User, row.invited_by) if row.invited_by else None
        if inviter is None or not inviter.is_active or not Role(inviter.role).includes(Role(row.role)):
            raise _invalid()
        return found


def _tell_inviter(session: Session, row: Invitation, joined: User, clock: Clock) -> None:
    """Somebody came: who asked them, if it is one of the organization's people, hears of it."""
    from pytake_app.notifications import service as notifications

    inviter = repository.user(session, row.invited_by) if row.invited_by is not None else None
    if inviter is not None and inviter.is_active:
        notifications.notify(
            session, inviter.id, kind="team", title=text(inviter.locale, "members.told_joined", name=joined.full_name),
            body=joined.email, clock=clock,
        )  # fmt: skip


def _invalid() -> NotFoundError:
    return NotFoundError("The invitation was used, taken back or is too old.", code="invitation_invalid")
