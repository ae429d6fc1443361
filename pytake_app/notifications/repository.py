"""Statements over notifications; every one scoped to the organization and the person."""

from __future__ import annotations

from datetime import datetime
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.core.errors import NotFoundError
from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.notifications.models import Notification


def page(session: Session, user_id: UUID, *, before: UUID | None, limit: int, unread: bool) -> list[Notification]:
    """A person's notifications, newest first, older than `before`."""
    statement = scoped(session, Notification).where(Notification.user_id == user_id)
    if before is not None:
        statement = statement.where(col(Notification.id) < before)
    if unread:
        statement = statement.where(col(Notification.read_at).is_(None))
    return list(session.exec(statement.order_by(col(Notification.id).desc()).limit(limit)))


def count_unread(session: Session, user_id: UUID, *, limit: int) -> int:
    """How many a person hasn't read; counts to `limit` only."""
    unread = (
        sa.select(col(Notification.id))
        .where(
            col(Notification.organization_id) == organization_of(session),
            col(Notification.user_id) == user_id,
            col(Notification.read_at).is_(None),
        )
        .limit(limit)
        .subquery()
    )
    return session.scalar(sa.select(sa.func.count()).select_from(unread)) or 0


def find(session: Session, user_id: UUID, notification_id: UUID) -> Notification:
    """One of a person's notifications.

    Raises:
        NotFoundError: none of theirs.
    """
    statement = scoped(session, Notification).where(Notification.id == notification_id, Notification.user_id == user_id)
    found = session.exec(statement).one_or_none()
    if found is None:
        raise NotFoundError("There is no such notification.", code="notification_not_found")
    return cast("Notification", found)


def read_all(session: Session, user_id: UUID, now: datetime) -> int:
    """Mark everything as read; answers how many were not."""
    result = session.connection().execute(
        sa.update(Notification)
        .where(
            col(Notification.organization_id) == organization_of(session),
            col(Notification.user_id) == user_id,
            col(Notification.read_at).is_(None),
        )
        .values(read_at=now)
    )
    return result.rowcount
