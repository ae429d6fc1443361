"""Forgets a contact in the pipeline: what came from them, what is on its way to them, and their files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.core.clock import Clock
from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.messaging.models import MediaAsset

ERASED = "erased"

# Rows of done events stay for deduplication until they are thirty days old: a webhook that the platform repeats must
# not bring the contact back. The platform's id of the message is all that is left in them.
_EVENTS = sa.text(
    """
    UPDATE inbound_events SET contact_key = :erased, payload = '{}', error = NULL, state = 'done',
           processed_at = COALESCE(processed_at, :now)
    WHERE organization_id = :organization AND channel_account_id = :account AND contact_key = ANY(:keys)
    """
)
_OUTBOX = sa.text("DELETE FROM outbox WHERE organization_id = :organization AND contact_id = :contact")
_STATUSES = sa.text(
    "DELETE FROM pending_statuses WHERE organization_id = :organization AND payload::text LIKE ANY(:patterns)"
)
_RAW = sa.text(
    """
    DELETE FROM raw_webhooks WHERE organization_id = :organization
      AND EXISTS (SELECT FROM unnest(CAST(:keys AS text[])) k WHERE position(convert_to(k, 'UTF8') IN body) > 0)
    """
)
_ANSWERS = sa.text(
    "DELETE FROM idempotency_keys WHERE organization_id = :organization AND response::text LIKE :pattern"
)


def erase_contact(
    session: Session,
    contact_id: UUID,
    identities: Sequence[tuple[UUID, Collection[str]]],
    *,
    clock: Clock,
) -> dict[str, int]:
    """Forget what the pipeline keeps of a contact. What is at this moment being sent may still arrive.

    Parameters:
        identities: by channel account, the keys and addresses by which the contact is known there.

    Returns:
        rows that went or were emptied, by kind.
    """
    organization = {"organization": organization_of(session)}
    heard = 0
    every: set[str] = set()
    for account, keys in identities:
        every.update(keys)
        values = {**organization, "account": account, "keys": list(keys), "erased": ERASED, "now": clock.now()}
        heard += _count(session, _EVENTS, values)
    counts = {"heard": heard, "outbox": _count(session, _OUTBOX, {**organization, "contact": contact_id})}
    if every:
        patterns = [f'%"{key}"%' for key in every]
        counts["statuses"] = _count(session, _STATUSES, {**organization, "patterns": patterns})
        counts["webhooks"] = _count(session, _RAW, {**organization, "keys": list(every)})
    counts["answers"] = _count(session, _ANSWERS, {**organization, "pattern": f"%{contact_id}%"})
    return counts


def forget_files(session: Session, ids: Collection[UUID], *, clock: Clock) -> int:
    """Have files looked at that a message named which is gone: what nothing else uses leaves the disk within minutes
    (an hour, when it is as fresh as that); one in the library stays.

    Returns:
        how many will be looked at.
    """
    if not ids:
        return 0
    which = (col(MediaAsset.organization_id) == organization_of(session), col(MediaAsset.id).in_(ids))
    values = {"look_at": clock.now(), "fetch_after": None, "filename": ""}
    found = session.execute(sa.update(MediaAsset).where(*which, col(MediaAsset.uploaded_at).is_(None)).values(**values))
    return int(found.rowcount)  # type: ignore[attr-defined]


def stored_file(session: Session, media_id: UUID, data_dir: Path) -> Path | None:
    """Where a file of the organization lies; None: it never arrived, is gone, or isn't here."""
    asset = session.exec(scoped(session, MediaAsset).where(col(MediaAsset.id) == media_id)).one_or_none()
    root = data_dir.resolve()
    if asset is None or not asset.path:
        return None
    path = (root / asset.path).resolve()
    return path if path.is_relative_to(root) and path.is_file() else None


def _count(session: Session, statement: sa.TextClause, values: dict[str, object]) -> int:
    return int(session.execute(statement, values).rowcount)  # type: ignore[attr-defined]
