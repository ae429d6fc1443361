"""A person's notifications: the list, and what was read. Who makes them writes rows of `models.Notification`."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.live import poke
from pytake_app.core.pagination import decode_cursor, encode_cursor
from pytake_app.core.tenancy import Principal, organization_of
from pytake_app.notifications import repository
from pytake_app.notifications.models import Notification
from pytake_app.notifications.schemas import NotificationPage, NotificationView, ReadResult

COUNTED = 100


def list_notifications(
    session: Session, principal: Principal, *, cursor: str | None, limit: int, unread: bool = False
) -> NotificationPage:
    """The caller's own, newest first."""
    user_id = principal.user_id
    rows = repository.page(session, user_id, before=_before(cursor), limit=limit + 1, unread=unread)
    more = rows[limit - 1] if len(rows) > limit else None
    return NotificationPage(
        items=[view(row) for row in rows[:limit]],
        next_cursor=encode_cursor(str(more.id)) if more is not None else None,
        unread=repository.count_unread(session, user_id, limit=COUNTED),
    )


def mark_read(session: Session, principal: Principal, notification_id: UUID, *, clock: Clock) -> NotificationView:
    """Mark one of the caller's own as read; again changes nothing.

    Raises:
        NotFoundError: none of theirs.
    """
    user_id = principal.user_id
    row = repository.find(session, user_id, notification_id)
    if row.read_at is None:
        row.read_at = clock.now()
        session.add(row)
        session.flush()
        _tell(session, principal)
    return view(row)


def mark_all_read(session: Session, principal: Principal, *, clock: Clock) -> ReadResult:
    """Mark all of the caller's own as read."""
    marked = repository.read_all(session, principal.user_id, clock.now())
    if marked:
        _tell(session, principal)
    return ReadResult(marked=marked, unread=0)


def notify(
    session: Session,
    user_id: UUID,
    *,
    kind: str,
    title: str,
    body: str = "",
    level: str = "info",
    conversation_id: UUID | None = None,
    contact_id: UUID | None = None,
    clock: Clock,
) -> None:
    """Tell somebody of the transaction's organization something, in their language (the caller's business)."""
    organization_id = organization_of(session)
    session.add(
        Notification(
            organization_id=organization_id,
            user_id=user_id,
            kind=kind,
            level=level,
            title=title,
            body=body,
            conversation_id=conversation_id,
            contact_id=contact_id,
            created_at=clock.now(),
        )
    )
    poke(session, f"org:{organization_id}:notifications", {"event": "notification", "user_id": str(user_id)})


def erase_contact(session: Session, contact_id: UUID, conversation_ids: Sequence[UUID]) -> int:
    """Delete what was told of a contact and of their conversations; answers how much."""
    about = sa.or_(col(Notification.contact_id) == contact_id, col(Notification.conversation_id).in_(conversation_ids))
    own = col(Notification.organization_id) == organization_of(session)
    return int(session.execute(sa.delete(Notification).where(own, about)).rowcount)  # type: ignore[attr-defined]


def view(row: Notification) -> NotificationView:
    """A row for the API."""
    return NotificationView.model_validate(row, from_attributes=True)


def _tell(session: Session, principal: Principal) -> None:
    """The person's other tabs."""
    payload = {"event": "notification", "user_id": str(principal.user_id)}
    poke(session, f"org:{principal.organization_id}:notifications", payload)


def _before(cursor: str | None) -> UUID | None:
    if not cursor:
        return None
    [last] = decode_cursor(cursor, 1)
    try:
        return UUID(str(last))
    except ValueError as error:
        raise InvalidError(
            "The cursor is not one of ours.", errors=[FieldError("/cursor", "unknown cursor")]
        ) from error
