"""The organization's secrets: kept, named, never shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select
from sqlmodel import Session, col

from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.crypto import SecretBox
from pytake_app.core.errors import ConflictError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, scoped
from pytake_app.outgoing.models import OrganizationSecret
from pytake_app.outgoing.schemas import NewSecret, SecretView

_CLOCK = SystemClock()
MAX_SECRETS = 200


def list_secrets(session: Session, principal: Principal) -> list[SecretView]:
    """Names, in order. Who builds flows may know them."""
    principal.require(Role.AGENT)
    rows = session.exec(scoped(session, OrganizationSecret).order_by(col(OrganizationSecret.name))).all()
    return [_view(row) for row in rows]


def put_secret(
    session: Session, principal: Principal, box: SecretBox, request: NewSecret, *, clock: Clock = _CLOCK
) -> SecretView:
    """Keep a secret; one of the same name gets the new value.

    Raises:
        ForbiddenError: admins only.
        ConflictError: code `too_many_secrets`.
    """
    principal.needs(Permission.SETTINGS_MANAGE)
    now = clock.now()
    # One at a time in an organization: two who keep the same name at once both mean the same row.
    lock = sa.func.hashtextextended(f"secrets:{organization_of(session)}", 0)
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
    row = _find(session, request.name)
    if row is None:
        if len(session.exec(scoped(session, OrganizationSecret)).all()) >= MAX_SECRETS:
            raise ConflictError(f"An organization has at most {MAX_SECRETS} secrets.", code="too_many_secrets")
        row = OrganizationSecret(
            id=new_id(), organization_id=organization_of(session), name=request.name, cipher="",
            created_by=principal.user_id, created_at=now,
        )  # fmt: skip
    row.cipher = box.encrypt(request.value.get_secret_value())
    row.updated_at = now
    session.add(row)
    session.flush()
    return _view(row)


def delete_secret(session: Session, principal: Principal, name: str) -> None:
    """Forget a secret.

    Raises:
        ForbiddenError: admins only.
        NotFoundError: code `secret_not_found`.
    """
    principal.needs(Permission.SETTINGS_MANAGE)
    row = _find(session, name)
    if row is None:
        raise NotFoundError("There is no such secret.", code="secret_not_found")
    session.delete(row)
    session.flush()


def secret_names(session: Session) -> frozenset[str]:
    """Names of the transaction's organization, for the verifier."""
    return frozenset(row.name for row in session.exec(scoped(session, OrganizationSecret)).all())


def reference_names(session: Session) -> list[Select[Any]]:
    """(kind, id, name, more) of secrets, without their values, to be asked for with others' in one statement."""
    columns = (sa.literal("secret"), sa.cast(col(OrganizationSecret.id), sa.Text), col(OrganizationSecret.name))
    here = col(OrganizationSecret.organization_id) == organization_of(session)
    return [sa.select(*columns, sa.literal("")).where(here)]


def secret_values(session: Session, box: SecretBox, names: Iterable[str], *, clock: Clock = _CLOCK) -> dict[str, str]:
    """Values of those of `names` that exist; for the performer of a request, at the moment it is made.

    Raises:
        DecryptionError: encrypted under a key that is gone.
    """
    wanted = set(names)
    if not wanted:
        return {}
    statement = scoped(session, OrganizationSecret).where(col(OrganizationSecret.name).in_(wanted))
    found: dict[str, str] = {}
    for row in session.exec(statement).all():
        found[row.name] = box.decrypt(row.cipher)
        row.used_at = clock.now()
        session.add(row)
    return found


def _find(session: Session, name: str) -> OrganizationSecret | None:
    statement = scoped(session, OrganizationSecret).where(OrganizationSecret.name == name)
    row: OrganizationSecret | None = session.exec(statement).one_or_none()
    return row


def _view(row: OrganizationSecret) -> SecretView:
    return SecretView(name=row.name, created_at=row.created_at, updated_at=row.updated_at, used_at=row.used_at)


__all__ = ["delete_secret", "list_secrets", "put_secret", "reference_names", "secret_names", "secret_values"]
