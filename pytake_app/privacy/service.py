"""Privacy: what other rooms and the API call. Every function runs in the caller's transaction and never commits."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.contacts import service as contacts
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page, decode_cursor, encode_cursor
from pytake_app.core.tenancy import Permission, Principal, scoped
from pytake_app.privacy import erasing, exporting, retention
from pytake_app.privacy.models import ContactErasure
from pytake_app.privacy.schemas import ErasureRequest, ErasureView, PrivacySettings, RetentionPreview
from pytake_app.privacy.settings import get_settings, update_settings

__all__ = ["erase_contact", "export_contact", "get_settings", "list_erasures", "preview", "update_settings"]

_CLOCK = SystemClock()


def export_contact(
    session: Session, principal: Principal, contact_id: UUID, target: Path, *, data_dir: Path, clock: Clock = _CLOCK
) -> None:
    """Write all that is known of a contact to `target`; the audit log says who did. See `exporting.export`.

    Raises:
        NotFoundError: no such contact.
    """
    principal.needs(Permission.DATA_EXPORT)
    exporting.export(session, contact_id, target, data_dir=data_dir, clock=clock)
    accounts.record_event(session, principal, "exported", "contact", contact_id, clock=clock)


def erase_contact(
    session: Session, principal: Principal, contact_id: UUID, request: ErasureRequest, *, clock: Clock = _CLOCK
) -> ErasureView:
    """Forget a contact for ever. See `erasing.erase`.

    Raises:
        NotFoundError: no such contact.
        InvalidError: `confirm_needed`.
    """
    principal.needs(Permission.CONTACTS_DELETE)
    contacts.lock(session, contact_id)
    if not request.confirm:
        error = FieldError("/confirm", "must be true", "confirm_needed")
        raise InvalidError("Erasing can't be undone: confirm it.", errors=[error], code="confirm_needed")
    row = erasing.erase(session, contact_id, reason="request", by=principal.user_id, clock=clock)
    accounts.record_event(session, principal, "erased", "contact", contact_id, clock=clock)
    return _view(row, {principal.user_id: principal.name})


def list_erasures(
    session: Session, principal: Principal, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[ErasureView]:
    """Who was forgotten when and why, newest first; not who they were."""
    principal.needs(Permission.AUDIT_READ)
    limit = min(max(limit, 1), MAX_LIMIT)
    statement = scoped(session, ContactErasure)
    if cursor is not None:
        statement = statement.where(col(ContactErasure.id) < _before(cursor))
    rows: list[Any] = list(session.exec(statement.order_by(col(ContactErasure.id).desc()).limit(limit + 1)))
    names = accounts.user_names(session, [row.requested_by for row in rows if row.requested_by])
    return Page(
        items=[_view(row, names) for row in rows[:limit]],
        next_cursor=encode_cursor(str(rows[limit - 1].id)) if len(rows) > limit else None,
    )


def preview(
    session: Session, principal: Principal, settings: PrivacySettings, *, clock: Clock = _CLOCK
) -> RetentionPreview:
    """What these times would delete now."""
    now: datetime = clock.now()
    return retention.preview(session, principal, settings, now)


def _before(cursor: str) -> UUID:
    (key,) = decode_cursor(cursor, 1)
    try:
        return UUID(str(key))
    except ValueError as error:
        raise InvalidError("The cursor is not one that this list gave.") from error


def _view(row: ContactErasure, names: dict[UUID, str]) -> ErasureView:
    view = ErasureView.model_validate(row)
    return view.model_copy(update={"requested_by_name": names.get(row.requested_by, "") if row.requested_by else ""})
