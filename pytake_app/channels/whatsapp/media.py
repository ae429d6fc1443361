"""What the client says about media and numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pytake_app.channels.base import JsonObject

# Where Meta serves media from; the access token is sent nowhere else.
_META_HOSTS = ("fbsbx.com", "facebook.com", "fbcdn.net", "whatsapp.net")


@dataclass(slots=True, frozen=True)
class MediaDescription:
    """Where media can be fetched for five minutes; ``size`` in bytes when Meta says it."""

    id: str
    url: str = field(repr=False)
    mime_type: str | None = None
    sha256: str | None = None
    size: int | None = None


@dataclass(slots=True, frozen=True)
class DownloadedMedia:
    """Media on disk. ``sha256`` is the digest of what was written, in lower-case hex; ``size`` in bytes."""

    path: Path
    size: int
    sha256: str
    mime_type: str | None = None


@dataclass(slots=True, frozen=True)
class NumberInfo:
    """A business number as Meta knows it."""

    id: str
    display_phone_number: str | None = None
    verified_name: str | None = None
    quality_rating: str | None = None
    name_status: str | None = None
    messaging_limit_tier: str | None = None
    throughput_level: str | None = None
    raw: JsonObject = field(default_factory=dict)


def may_fetch(url: str, base_url: str) -> bool:
    """Whether the account's token may be sent to ``url``: Meta's media hosts over https, or the Graph stand-in."""
    parts, base = urlsplit(url), urlsplit(base_url)
    if (parts.scheme, parts.netloc) == (base.scheme, base.netloc):
        return True
    host = parts.hostname or ""
    return parts.scheme == "https" and any(host == name or host.endswith("." + name) for name in _META_HOSTS)
