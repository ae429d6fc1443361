"""Files that were taken out of the media library leave the disk when nothing names them any more."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col

from pytake_app.conversations import files as conversation_files
from pytake_app.core.services import Services
from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.flows import files as flow_files
from pytake_app.messaging.library import quota_lock
from pytake_app.messaging.models import MediaAsset, MediaCopy
from pytake_app.messaging.sql import hot

log = structlog.get_logger(__name__)

BATCH = 50
"""Files looked at in one go."""
USED = timedelta(days=30)
"""Until a file that is still used is looked at again."""
FRESH = timedelta(hours=1)
"""Content written so lately may belong to an upload or a contact's file whose row isn't there yet."""

_DUE = """
SELECT organization_id, id FROM media_assets WHERE look_at <= %s ORDER BY organization_id, look_at LIMIT %s
"""


def remove_unused(services: Services, now: datetime) -> int:
    """Look at the files whose turn it is: each leaves with its row, or is put off.

    Returns:
        how many were looked at; `BATCH` means that there are more.
    """
    with hot(services.database) as connection:
        due = connection.execute(_DUE, (now, BATCH)).fetchall()
    for organization_id, rows in groupby(due, key=lambda row: row[0]):
        with services.database.tenant(organization_id) as session:
            removed = _look(session, [row[1] for row in rows], services.settings.data_dir.resolve(), now)
        if removed:
            log.info("unused_files_removed", organization_id=str(organization_id), files=removed)
    return len(due)


def _look(session: Session, ids: list[UUID], root: Path, now: datetime) -> int:
    wanted = scoped(session, MediaAsset).where(col(MediaAsset.id).in_(ids), col(MediaAsset.look_at) <= now)
    oldest = min((row.created_at for row in session.exec(wanted).all()), default=now)
    # A clock that was set in between may date a message before its file.
    used = flow_files.named(session, ids) | conversation_files.named(session, ids, oldest - timedelta(days=1))
    lock = quota_lock(organization_of(session))
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(lock))))
    removed = 0
    for row in session.exec(wanted.with_for_update(skip_locked=True).execution_options(populate_existing=True)).all():
        if row.uploaded_at is not None:
            row.look_at = None
        elif row.id in used:
            row.look_at = now + USED
        elif not _unlink(session, row, root, now):
            row.look_at = now + FRESH
        else:
            session.execute(sa.delete(MediaCopy).where(col(MediaCopy.asset_id) == row.id))
            session.delete(row)
            removed += 1
            continue
        session.add(row)
    session.flush()
    return removed


def _unlink(session: Session, row: MediaAsset, root: Path, now: datetime) -> bool:
    """Delete the row's file unless another row has the same content; False while it is too fresh."""
    others = scoped(session, MediaAsset).where(col(MediaAsset.sha256) == row.sha256, col(MediaAsset.id) != row.id)
    path = (root / row.path).resolve()
    if not row.path or not path.is_relative_to(root) or session.exec(others.limit(1)).first() is not None:
        return True
    try:
        if path.stat().st_mtime > (now - FRESH).timestamp():
            return False
    except FileNotFoundError:
        return True
    path.unlink(missing_ok=True)
    return True
