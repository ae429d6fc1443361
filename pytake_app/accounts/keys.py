"""API keys: programs act in somebody's name, with a part of what that person may do. Only `resolve` commits.

A key is `pk_<id>_<secret>`: the id finds its row, the secret (256 random bits) is compared as SHA-256 in constant time.
It is told once. It stops at once when it is revoked, has expired, or who made it is no longer active; what its maker
may no longer do it can't do either. Managing needs `api_keys.manage`, and a person: no key manages keys.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field, StringConstraints
from sqlmodel import Session, col

from pytake_app.accounts import audit, repository
from pytake_app.accounts.key_models import ApiKey
from pytake_app.accounts.models import Organization, User
from pytake_app.accounts.people import user_names
from pytake_app.accounts.privacy_settings import masks_phones
from pytake_app.accounts.tokens import hash_token, new_token
from pytake_app.core.clock import Clock
from pytake_app.core.db import Database
from pytake_app.core.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnauthorizedError,
)
from pytake_app.core.ids import new_id
from pytake_app.core.schemas import RequestModel, View
from pytake_app.core.tenancy import READING, Permission, Principal, Role, organization_of, permissions_of, scoped

PREFIX = "pk_"
TOUCH_EVERY = timedelta(minutes=1)
"""A key's last use is written at most this often."""
MAX_KEYS = 100
NEVER = frozenset({Permission.API_KEYS_MANAGE, Permission.USERS_MANAGE})
"""What no key may do: it could make itself another one, or somebody."""
_LONGEST = 200

Title = Annotated[str, StringConstraints(min_length=1, max_length=80)]


class KeyCreate(RequestModel):
    """A new key. `scopes`: none means that it reads what every role may read, and nothing else."""

    name: Title
    scopes: list[Permission] = Field(default_factory=list, max_length=len(Permission))
    expires_at: datetime | None = None


class KeyUpdate(RequestModel):
    """Another name."""

    name: Title


class KeyView(View):
    """A key, without the key. `state`: active, expired, revoked, orphaned (who made it is no longer active)."""

    id: UUID
    name: str
    hint: str
    scopes: list[str]
    state: str
    created_by: UUID
    created_by_name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    last_used_address: str


class KeyCreated(KeyView):
    """A new key, told this once."""

    key: str = Field(description="send it as `Authorization: Bearer …`; it is never shown again")


def list_keys(session: Session, principal: Principal, *, clock: Clock) -> list[KeyView]:
    """The organization's keys, those in use first, then the newest."""
    _refuse(principal)
    rows = session.exec(
        scoped(session, ApiKey).order_by(col(ApiKey.revoked_at).is_not(None), col(ApiKey.id).desc()).limit(500)
    ).all()
    return _views(session, list(rows), clock.now())


def create_key(session: Session, principal: Principal, request: KeyCreate, *, clock: Clock) -> KeyCreated:
    """A new key, with at most what the caller may do.

    Raises:
        ForbiddenError: without `api_keys.manage`, or by a key.
        InvalidError: a scope that the caller doesn't have or that no key may have; a time that has passed.
        ConflictError: `too_many_keys`.
    """
    _refuse(principal)
    now = clock.now()
    errors = [
        FieldError(f"/scopes/{index}", "not yours to give, or none for keys", "not_grantable")
        for index, scope in enumerate(request.scopes)
        if scope in NEVER or not principal.has(scope)
    ]
    if request.expires_at is not None and (request.expires_at.tzinfo is None or request.expires_at <= now):
        errors.append(FieldError("/expires_at", "not a time to come", "not_in_future"))
    if errors:
        raise InvalidError("The key can't be made like this.", errors=errors)
    live = sa.select(sa.func.count()).where(
        col(ApiKey.organization_id) == organization_of(session), col(ApiKey.revoked_at).is_(None)
    )
    if session.execute(live).scalar_one() >= MAX_KEYS:
        raise ConflictError(f"An organization has at most {MAX_KEYS} keys; revoke some.", code="too_many_keys")
    key_id = new_id()
    key = f"{PREFIX}{key_id.hex}_{new_token()}"
    row = ApiKey(
        id=key_id, organization_id=organization_of(session), created_by=principal.user_id, name=request.name,
        hint=key[-4:], token_hash=hash_token(key), scopes=sorted(set(request.scopes)), expires_at=request.expires_at,
        created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return KeyCreated(**_views(session, [row], now)[0].model_dump(), key=key)


def rename_key(session: Session, principal: Principal, key_id: UUID, request: KeyUpdate, *, clock: Clock) -> KeyView:
    """Call it something else.

    Raises:
        NotFoundError: no such key.
    """
    _refuse(principal)
    row = _find(session, key_id)
    row.name = request.name
    session.add(row)
    session.flush()
    return _views(session, [row], clock.now())[0]


def revoke_key(session: Session, principal: Principal, key_id: UUID, *, clock: Clock) -> None:
    """From now on it is refused; a second time changes nothing.

    Raises:
        NotFoundError: no such key.
    """
    _refuse(principal)
    row = _find(session, key_id)
    row.revoked_at = row.revoked_at or clock.now()
    session.add(row)
    session.flush()


def resolve(database: Database, key: str, address: str, *, clock: Clock) -> Principal:
    """Who a key belongs to; its last use is written, at most once a minute.

    Raises:
        UnauthorizedError: `key_invalid`: unknown, revoked, expired, or its maker or organization is inactive.
    """
    now = clock.now()
    key_id = _id_of(key)
    with database.auth() as session:
        found = _with_people(session, key_id) if key_id is not None else None
        # Compared before anything is said of the row, and as long for a wrong secret as for a right one.
        right = hmac.compare_digest(found[0].token_hash if found else "", hash_token(key))
        principal = _principal(found, now) if found is not None and right else None
        if found is None or principal is None:
            raise UnauthorizedError("The API key is not valid.", code="key_invalid")
        row = found[0]
        if row.last_used_at is None:
            audit.record(
                session, principal.actor(address), "key_first_used", "api_key", row.id, object_name=row.name,
                organization_id=row.organization_id, clock=clock,
            )  # fmt: skip
        if row.last_used_at is None or now - row.last_used_at >= TOUCH_EVERY:
            row.last_used_at, row.last_used_address = now, address[:64]
            session.add(row)
    return principal


def present(database: Database, principal: Principal, *, clock: Clock) -> Principal | None:
    """The same key with what it may do now; None: it has stopped. For connections that stay open."""
    if principal.api_key_id is None:
        return None
    with database.auth() as session:
        return live(session, principal.api_key_id, clock.now())


def live(session: Session, key_id: UUID, now: datetime) -> Principal | None:
    """Who a key acts as; None: there is none, or it has stopped."""
    found = _with_people(session, key_id)
    return _principal(found, now) if found is not None else None


def end_those_of(session: Session, user_id: UUID, now: datetime) -> None:
    """End every key that somebody made.

    Parameters:
        session: of `Database.auth`, too.
    """
    made = (col(ApiKey.created_by) == user_id, col(ApiKey.revoked_at).is_(None))
    session.execute(sa.update(ApiKey).where(*made).values(revoked_at=now))


def _id_of(key: str) -> UUID | None:
    if len(key) > _LONGEST or not key.startswith(PREFIX):
        return None
    try:
        return UUID(hex=key[len(PREFIX) :].partition("_")[0])
    except ValueError:
        return None


_Found = tuple[ApiKey, User, Organization, dict[str, bool]]


def _with_people(session: Session, key_id: UUID) -> _Found | None:
    statement: Any = (
        sa.select(ApiKey, User, Organization, repository.role_changes())
        .join(User, col(User.id) == col(ApiKey.created_by))
        .join(Organization, col(Organization.id) == col(ApiKey.organization_id))
        .where(col(ApiKey.id) == key_id)
    )
    row = session.execute(statement).first()
    return None if row is None else (row[0], row[1], row[2], row[3] or {})


def _principal(found: _Found, now: datetime) -> Principal | None:
    row, user, organization, changes = found
    expired = row.expires_at is not None and row.expires_at <= now
    if row.revoked_at is not None or expired or not user.is_active or organization.status != "active":
        return None
    permissions = (permissions_of(Role(user.role), changes) & set(row.scopes)) - NEVER
    # A key that only reads is a viewer; one of a super administrator stays in its organization.
    role = Role(user.role) if permissions - READING else Role.VIEWER
    return Principal(
        user_id=user.id, organization_id=organization.id, role=Role.ORG_ADMIN if role is Role.SUPER_ADMIN else role,
        session_id=row.id, name=user.full_name, email=user.email, locale=user.locale,
        organization_name=organization.name, permissions=frozenset(permissions), api_key_id=row.id,
        api_key_name=row.name, plan=organization.plan,
        masks_phones=masks_phones(organization.settings, Role(user.role)),
        email_confirmed=user.email_confirmed_at is not None,
    )  # fmt: skip


def _refuse(principal: Principal) -> None:
    if principal.api_key_id is not None:
        raise ForbiddenError("API keys can't be used here; sign in as a person.", code="person_only")
    principal.needs(Permission.API_KEYS_MANAGE)


def _find(session: Session, key_id: UUID) -> ApiKey:
    row: ApiKey | None = session.exec(scoped(session, ApiKey).where(ApiKey.id == key_id)).one_or_none()
    if row is None:
        raise NotFoundError("There is no such API key.", code="key_not_found")
    return row


def _views(session: Session, rows: list[ApiKey], now: datetime) -> list[KeyView]:
    names = user_names(session, [row.created_by for row in rows])
    active = set(
        session.execute(
            sa.select(col(User.id)).where(
                col(User.organization_id) == organization_of(session), col(User.is_active),
                col(User.id).in_({row.created_by for row in rows}),
            )
        ).scalars()
    )  # fmt: skip
    shown = []
    for row in rows:
        state = "active"
        if row.revoked_at is not None:
            state = "revoked"
        elif row.expires_at is not None and row.expires_at <= now:
            state = "expired"
        elif row.created_by not in active:
            state = "orphaned"
        values = row.model_dump(exclude={"organization_id", "token_hash"})
        shown.append(KeyView(**values, state=state, created_by_name=names.get(row.created_by, "")))
    return shown
