"""Uploaded files on their way out: each is given to the platform once per number and month, and then sent by its id."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from pytake_app.channels.errors import MediaError
from pytake_app.channels.whatsapp.client import WhatsAppClient
from pytake_app.core.ids import new_id
from pytake_app.core.services import Services
from pytake_app.messaging.sql import hot
from pytake_app.whatsapp.runtime import AccountRuntime

Row = dict[str, Any]

VALID_FOR = timedelta(days=29)
"""Meta keeps uploads for 30 days (Cloud API, Media)."""

_FIND = """
SELECT a.path, a.mime_type, a.filename, c.platform_media_id, c.expires_at
FROM media_assets a
LEFT JOIN media_copies c ON c.asset_id = a.id AND c.channel_account_id = %s AND c.expires_at > %s
WHERE a.id = %s AND a.organization_id = %s
"""
_KEEP = """
INSERT INTO media_copies (id, organization_id, asset_id, channel_account_id, platform_media_id, expires_at)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (asset_id, channel_account_id)
DO UPDATE SET platform_media_id = excluded.platform_media_id, expires_at = excluded.expires_at
"""


class _Asset(NamedTuple):
    path: str
    mime_type: str
    filename: str
    platform_media_id: str | None
    expires_at: datetime | None


def uploaded_ids(content: Any) -> list[UUID]:
    """Our own media ids anywhere in a message's content; the platform's ids are no UUIDs."""
    found: list[UUID] = []
    rest = [content]
    while rest:
        item = rest.pop()
        if isinstance(item, list):
            rest += item
        elif isinstance(item, dict):
            value = item.get("media_id")
            if isinstance(value, str) and len(value) == 36:
                with contextlib.suppress(ValueError):
                    found.append(UUID(value))
            rest += [inner for inner in item.values() if isinstance(inner, dict | list)]
    return found


def with_ids(content: Any, ids: dict[UUID, str]) -> Any:
    """The content with the platform's media ids in place of ours."""
    names = {str(ours): theirs for ours, theirs in ids.items()}

    def changed(item: Any) -> Any:
        if isinstance(item, list):
            return [changed(one) for one in item]
        if not isinstance(item, dict):
            return item
        return {key: names.get(one, one) if key == "media_id" else changed(one) for key, one in item.items()}

    return changed(content)


class MediaUploader:
    """Gives uploaded files to the platform. One a sender process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[tuple[UUID, UUID], tuple[str, datetime]] = {}
        self._locks: dict[tuple[UUID, UUID], asyncio.Lock] = {}

    async def ready(self, account: AccountRuntime, client: WhatsAppClient, organization_id: UUID, content: Row) -> Row:
        """The content as the platform can send it.

        Raises:
            MediaError: `missing`: there is no such file (any more); `too_large`.
            SendError: the upload failed.
        """
        ids = {asset: await self._id(account, client, organization_id, asset) for asset in uploaded_ids(content)}
        sendable: Row = with_ids(content, ids) if ids else content
        return sendable

    async def _id(self, account: AccountRuntime, client: WhatsAppClient, organization_id: UUID, asset: UUID) -> str:
        key = (account.id, asset)
        # A campaign to thousands uploads its picture once.
        async with self._locks.setdefault(key, asyncio.Lock()):
            now = self._services.clock.now()
            known = self._known.get(key)
            if known is not None and known[1] > now:
                return known[0]
            found = await asyncio.to_thread(self._find, account.id, organization_id, asset, now)
            path = self._path(found)
            media_id, expires = (found.platform_media_id, found.expires_at) if found else (None, None)
            if media_id is None or expires is None:
                if found is None or path is None:
                    raise MediaError("missing")
                media_id = await client.upload_media(
                    account.credentials, path, mime_type=found.mime_type, filename=found.filename or None
                )
                expires = now + VALID_FOR
                await asyncio.to_thread(self._keep, organization_id, asset, account.id, media_id, expires)
            self._known[key] = (media_id, expires)
            return media_id

    def _path(self, found: _Asset | None) -> Path | None:
        if found is None or not found.path:
            return None
        root = self._services.settings.data_dir.resolve()
        path = (root / found.path).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None

    def _find(self, account_id: UUID, organization_id: UUID, asset: UUID, now: datetime) -> _Asset | None:
        with hot(self._services.database) as connection:
            row = connection.execute(_FIND, (account_id, now, asset, organization_id)).fetchone()
        return _Asset(*row) if row else None

    def _keep(self, organization_id: UUID, asset: UUID, account_id: UUID, media_id: str, expires: datetime) -> None:
        with hot(self._services.database) as connection:
            connection.execute(_KEEP, (new_id(), organization_id, asset, account_id, media_id, expires))
