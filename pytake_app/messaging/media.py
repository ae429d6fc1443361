"""Media: what contacts send is fetched once into the data directory under its SHA-256; no file has a public URL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlmodel import Session, col

from pytake_app.core.errors import NotFoundError
from pytake_app.core.services import process_services
from pytake_app.core.tenancy import scoped
from pytake_app.messaging.models import MediaAsset
from pytake_app.messaging.sql import Connection, insert_rows, insert_statement

Row = dict[str, Any]

_INSERT = insert_statement(
    "media_assets",
    ("id", "organization_id", "channel_account_id", "sha256", "mime_type", "filename", "size", "path",
     "platform_media_id", "created_at", "fetch_attempts", "fetch_after"),
)  # fmt: skip


def asset_row(media: Row, organization_id: UUID, account_id: UUID, asset_id: UUID, now: datetime) -> Row | None:
    """The row of a file to be fetched; None when the platform gave no id to fetch it by."""
    if not media.get("id"):
        return None
    return {
        "id": asset_id,
        "organization_id": organization_id,
        "channel_account_id": account_id,
        "sha256": "",
        "mime_type": media.get("mime_type") or "application/octet-stream",
        "filename": media.get("filename") or "",
        "size": 0,
        "path": "",
        "platform_media_id": media["id"],
        "created_at": now,
        "fetch_attempts": 0,
        "fetch_after": now,
    }


def media_view(media: Row, asset: Row | None) -> Row:
    """The message's `media` as the API shows it."""
    asset_id = str(asset["id"]) if asset else None
    return {
        "id": asset_id,
        "mime_type": media.get("mime_type"),
        "filename": media.get("filename"),
        "sha256": media.get("sha256"),
        "url": f"/api/v1/media/{asset_id}" if asset_id else media.get("url"),
        "voice": bool(media.get("voice")),
    }


def insert_assets(connection: Connection, rows: Sequence[Row]) -> None:
    """Note files to be fetched."""
    insert_rows(connection, _INSERT, rows)


@dataclass(frozen=True, slots=True)
class OpenedMedia:
    """A stored file. Serve it as an attachment unless `mime_type` is an image, audio or video type."""

    path: Path
    mime_type: str
    filename: str
    size: int
    sha256: str


def open_media(session: Session, media_id: UUID) -> OpenedMedia:
    """The stored file of a media id, of this transaction's organization.

    Raises:
        NotFoundError: unknown, another tenant's, or not fetched yet (`code` `media_pending`).
    """
    asset = session.exec(scoped(session, MediaAsset).where(col(MediaAsset.id) == media_id)).first()
    if asset is None:
        raise NotFoundError("There is no such file.")
    root = process_services().settings.data_dir.resolve()
    path = (root / asset.path).resolve()
    if not asset.path or not path.is_relative_to(root) or not path.is_file():
        raise NotFoundError("The file has not arrived yet.", code="media_pending")
    return OpenedMedia(path, asset.mime_type, asset.filename, asset.size, asset.sha256)
