"""Statements of the sandbox phone's messages."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import Session, col

from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.sandbox.models import SandboxMessage


def add(session: Session, message: SandboxMessage) -> SandboxMessage:
    """Keep a message."""
    session.add(message)
    session.flush()
    return message


def messages(session: Session, account_id: UUID, phone: str, after: UUID | None, limit: int) -> list[SandboxMessage]:
    """The newest `limit` messages of a phone, oldest first."""
    statement = scoped(session, SandboxMessage).where(
        SandboxMessage.channel_account_id == account_id, SandboxMessage.phone == phone
    )
    if after is not None:
        statement = statement.where(col(SandboxMessage.id) > after)
    rows = session.exec(statement.order_by(col(SandboxMessage.id).desc()).limit(limit)).all()
    return list(reversed(rows))


def by_external_id(session: Session, account_id: UUID, external_id: str) -> SandboxMessage | None:
    """A message by its wamid."""
    found: SandboxMessage | None = session.exec(
        scoped(session, SandboxMessage).where(
            SandboxMessage.channel_account_id == account_id, SandboxMessage.external_id == external_id
        )
    ).first()
    return found


def last_from_phone(session: Session, account_id: UUID, phone: str) -> SandboxMessage | None:
    """The person's last message."""
    found: SandboxMessage | None = session.exec(
        scoped(session, SandboxMessage)
        .where(
            SandboxMessage.channel_account_id == account_id,
            SandboxMessage.phone == phone,
            SandboxMessage.direction == "from_phone",
        )
        .order_by(col(SandboxMessage.id).desc())
        .limit(1)
    ).first()
    return found


def take_unread(session: Session, account_id: UUID, phone: str) -> list[SandboxMessage]:
    """Mark what reached the phone as read; each message is taken once."""
    statement = (
        scoped(session, SandboxMessage)
        .where(
            SandboxMessage.channel_account_id == account_id,
            SandboxMessage.phone == phone,
            SandboxMessage.direction == "to_phone",
            col(SandboxMessage.status).in_(("sent", "delivered")),
        )
        .order_by(col(SandboxMessage.id))
        .with_for_update()
    )
    rows = list(session.exec(statement).all())
    for row in rows:
        row.status = "read"
        session.add(row)
    return rows


def delete_messages(session: Session, account_id: UUID, phones: Collection[str]) -> int:
    """Delete what these phones said and heard; answers how much."""
    result = session.execute(
        delete(SandboxMessage).where(
            col(SandboxMessage.organization_id) == organization_of(session),
            col(SandboxMessage.channel_account_id) == account_id,
            col(SandboxMessage.phone).in_(phones),
        )
    )
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it


def advance(session: Session, message_id: UUID, status: str, only_from: tuple[str, ...]) -> bool:
    """Move a message's status forward; False when it has gone further already."""
    result = session.execute(
        update(SandboxMessage)
        .where(
            col(SandboxMessage.organization_id) == organization_of(session),
            col(SandboxMessage.id) == message_id,
            col(SandboxMessage.status).in_(only_from),
        )
        .values(status=status)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has it
