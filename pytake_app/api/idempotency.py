"""Answers kept under an `Idempotency-Key`, in the same transaction as the write they answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from pytake_app.accounts.models import IdempotencyKey
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.tenancy import organization_of, scoped

KEEP = timedelta(hours=24)


def claim(session: Session, key: str, request_hash: str, now: datetime) -> IdempotencyKey | None:
    """Take the key for this transaction, or find the answer given under it before.

    A second request with the same key waits here until the first has committed or rolled back.

    Raises:
        InvalidError: the key was used with another request.
    """
    organization_id = organization_of(session)
    mine = (col(IdempotencyKey.organization_id) == organization_id, col(IdempotencyKey.key) == key)
    session.execute(delete(IdempotencyKey).where(*mine, col(IdempotencyKey.created_at) < now - KEEP))
    inserted = session.execute(
        insert(IdempotencyKey)
        .values(organization_id=organization_id, key=key, request_hash=request_hash, status=0, created_at=now)
        .on_conflict_do_nothing()
        .returning(col(IdempotencyKey.key))
    ).first()
    if inserted is not None:
        return None
    earlier: IdempotencyKey = session.exec(scoped(session, IdempotencyKey).where(IdempotencyKey.key == key)).one()
    if earlier.request_hash != request_hash:
        raise InvalidError(
            "This Idempotency-Key was used with another request.",
            code="idempotency_key_reused",
            errors=[FieldError("/header/idempotency-key", "used with another request", "idempotency_key_reused")],
        )
    return earlier


def keep(session: Session, key: str, status: int, body: Any) -> None:
    """Store the answer beside what was written."""
    session.execute(
        update(IdempotencyKey)
        .where(col(IdempotencyKey.organization_id) == organization_of(session), col(IdempotencyKey.key) == key)
        .values(status=status, response={"body": body})
    )
