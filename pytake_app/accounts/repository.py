"""Statements of accounts. Those on `auth` transactions see every organization: they look up by secret or id only."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, Text, cast, delete, func, literal, or_, tuple_, update
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from pytake_app.accounts.models import (
    AuthSession,
    IdempotencyKey,
    Organization,
    RefreshToken,
    RolePermission,
    User,
)
from pytake_app.accounts.security_models import EmailConfirmation, PasswordReset, SignInChallenge
from pytake_app.core.tenancy import organization_of, scoped


class SignedIn(NamedTuple):
    """A sign-in, who it is, their organization, and what that decided about their role's permissions."""

    session: AuthSession
    user: User
    organization: Organization
    changes: dict[str, bool]


def user_by_email(session: Session, email: str) -> User | None:
    """The user with this (lower-cased) e-mail."""
    if "\0" in email:  # PostgreSQL knows no such text
        return None
    return session.exec(select(User).where(User.email == email)).first()


def put_rehashed(session: Session, user_id: UUID, old: str, new: str) -> None:
    """Keep the same password's new hash, unless another password was set meanwhile."""
    statement = update(User).where(col(User.id) == user_id, col(User.password_hash) == old)
    session.execute(statement.values(password_hash=new))


def user_with_organization(session: Session, user_id: UUID) -> tuple[User, Organization] | None:
    """A user and their organization."""
    statement = (
        select(User, Organization)
        .join(Organization, col(Organization.id) == User.organization_id)
        .where(User.id == user_id)
    )
    return session.exec(statement).first()


def session_with_user(session: Session, session_id: UUID) -> SignedIn | None:
    """A sign-in with its user and organization."""
    statement = _joined().where(col(AuthSession.id) == session_id)
    return _first(session, statement)


def session_by_token(session: Session, token_hash: str) -> SignedIn | None:
    """A browser's sign-in by the hash of its cookie."""
    statement = _joined().where(col(AuthSession.token_hash) == token_hash, col(AuthSession.kind) == "web")
    return _first(session, statement)


def role_changes() -> Any:
    """What the organization of a selected `User` decided about their role's permissions, as one more column."""
    return (
        sa_select(func.jsonb_object_agg(col(RolePermission.permission), col(RolePermission.allowed)))
        .where(
            col(RolePermission.organization_id) == col(User.organization_id),
            col(RolePermission.role) == col(User.role),
        )
        .correlate(User)
        .scalar_subquery()
    )


def _joined() -> Select[Any]:
    return (
        sa_select(AuthSession, User, Organization, role_changes())
        .join(User, col(User.id) == col(AuthSession.user_id))
        .join(Organization, col(Organization.id) == col(AuthSession.organization_id))
    )


def _first(session: Session, statement: Select[Any]) -> SignedIn | None:
    row = session.execute(statement).first()
    return None if row is None else SignedIn(row[0], row[1], row[2], row[3] or {})


def locked_refresh_token(session: Session, token_hash: str) -> RefreshToken | None:
    """A refresh token, locked so that two uses at once see each other."""
    return session.exec(select(RefreshToken).where(RefreshToken.token_hash == token_hash).with_for_update()).first()


def revoke_session(session: Session, session_id: UUID, now: datetime, reason: str) -> None:
    """End one sign-in."""
    session.execute(
        update(AuthSession)
        .where(col(AuthSession.id) == session_id, col(AuthSession.revoked_at).is_(None))
        .values(revoked_at=now, revoked_reason=reason)
    )


def revoke_sessions_of(session: Session, user_id: UUID, now: datetime, reason: str, *, but: UUID | None = None) -> int:
    """End every sign-in of a user, or all `but` one; returns how many were open."""
    result = session.execute(
        update(AuthSession)
        .where(col(AuthSession.user_id) == user_id, col(AuthSession.revoked_at).is_(None))
        .where(col(AuthSession.id) != (but or UUID(int=0)), col(AuthSession.expires_at) > now)
        .values(revoked_at=now, revoked_reason=reason)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has it


def delete_ended_sessions(session: Session, before: datetime) -> int:
    """Delete sign-ins that expired or were revoked before a time, with their refresh tokens."""
    ended = sa_select(col(AuthSession.id)).where(
        or_(col(AuthSession.expires_at) < before, col(AuthSession.revoked_at) < before)
    )
    session.execute(delete(RefreshToken).where(col(RefreshToken.session_id).in_(ended)))
    result = session.execute(delete(AuthSession).where(col(AuthSession.id).in_(ended)))
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it


def delete_old_links(session: Session, before: datetime) -> int:
    """Delete mailed links and second steps of signing in that ran out before a time."""
    gone = 0
    for model in (PasswordReset, EmailConfirmation, SignInChallenge):
        result = session.execute(delete(model).where(col(model.expires_at) < before))
        gone += int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it
    return gone


def delete_old_answers(session: Session, before: datetime) -> int:
    """Delete answers kept under an `Idempotency-Key` before a time."""
    result = session.execute(delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < before))
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it


def users(session: Session, limit: int, *, after: tuple[str, UUID] | None = None, words: str = "") -> list[User]:
    """The organization's people, by name; without those who were removed.

    Parameters:
        after: name and id of the last one before these.
        words: part of a name or an e-mail, accents and case aside.
    """
    present = scoped(session, User).where(col(User.removed_at).is_(None))
    if words.strip():
        escaped = words.strip().replace("\0", "").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        like = func.pytake_fold(f"%{escaped}%")
        present = present.where(or_(*(func.pytake_fold(col(part)).like(like) for part in (User.full_name, User.email))))
    if after is not None:
        key = tuple_(col(User.full_name), col(User.id))
        present = present.where(key > tuple_(literal(after[0]), literal(after[1])))
    return list(session.exec(present.order_by(col(User.full_name), col(User.id)).limit(limit)).all())


def user(session: Session, user_id: UUID) -> User | None:
    """One of the organization's people."""
    return session.exec(scoped(session, User).where(User.id == user_id)).first()


def user_choices(session: Session) -> list[tuple[UUID, str, str]]:
    """(id, name, e-mail) of the organization's active people, by name."""
    statement = (
        sa_select(col(User.id), col(User.full_name), col(User.email))
        .where(col(User.organization_id) == organization_of(session), col(User.is_active))
        .order_by(col(User.full_name), col(User.id))
    )
    return [(row[0], row[1], row[2]) for row in session.execute(statement)]


def user_names_select(session: Session) -> Select[Any]:
    """(kind, id, name, more) of the organization's active people; more: the e-mail."""
    return sa_select(literal("agent"), cast(col(User.id), Text), col(User.full_name), col(User.email)).where(
        col(User.organization_id) == organization_of(session), col(User.is_active)
    )
