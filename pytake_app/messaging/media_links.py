"""Addresses that open one file for some minutes without a cookie or token: for players, other programs, previews.

A link is of one file, one organization, one person and their sign-in or API key: it ends with any of them, or with its
time.
It is signed (HMAC-SHA256) with a key of its own derived from SECRET_KEY, and kept nowhere.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from pytake_app.config import Settings
from pytake_app.core.crypto import derived_keys
from pytake_app.core.errors import NotFoundError
from pytake_app.core.tenancy import Principal

LIFETIME = timedelta(minutes=5)
LONGEST = timedelta(hours=1)
_PURPOSE = "media links v1"
_FIELDS = 4 * 16 + 8
_SIGNATURE = 32


@dataclass(frozen=True, slots=True)
class MediaLink:
    """What a link says; `session_id` is of the sign-in, or of the API key, that it was made with."""

    media_id: UUID
    organization_id: UUID
    user_id: UUID
    session_id: UUID
    expires_at: datetime


def make_token(settings: Settings, who: Principal, media_id: UUID, expires_at: datetime) -> str:
    """The signed token of a link that `who` may hand on."""
    ids = (media_id, who.organization_id, who.user_id, who.api_key_id or who.session_id)
    fields = b"".join(one.bytes for one in ids) + int(expires_at.timestamp()).to_bytes(8, "big")
    return base64.urlsafe_b64encode(fields + _sign(derived_keys(settings, _PURPOSE)[0], fields)).decode().rstrip("=")


def read_token(settings: Settings, token: str, now: datetime) -> MediaLink:
    """What a token says, if we signed it and its time isn't over.

    Raises:
        NotFoundError: it says nothing to us (`link_invalid`) or nothing any more (`link_expired`).
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid() from error
    fields, signature = raw[:_FIELDS], raw[_FIELDS:]
    keys = derived_keys(settings, _PURPOSE)
    if len(signature) != _SIGNATURE or not any(hmac.compare_digest(_sign(key, fields), signature) for key in keys):
        raise _invalid()
    expires_at = datetime.fromtimestamp(int.from_bytes(fields[64:], "big"), UTC)
    if now >= expires_at:
        raise NotFoundError("This link has expired; ask for a new one.", code="link_expired")
    media_id, organization_id, user_id, session_id = (UUID(bytes=fields[at : at + 16]) for at in range(0, 64, 16))
    return MediaLink(media_id, organization_id, user_id, session_id, expires_at)


def _sign(key: bytes, fields: bytes) -> bytes:
    return hmac.new(key, fields, "sha256").digest()


def _invalid() -> NotFoundError:
    return NotFoundError("There is no such link.", code="link_invalid")
