"""Files of the sandbox: what Meta would keep, in the data directory."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import orjson

from pytake_app.channels.whatsapp.client import upload_limit
from pytake_app.core.errors import NotFoundError, TooLargeError

_ID = re.compile(r"^[0-9]{10,20}$")
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredMedia:
    """A file and what is known of it; `size` in bytes."""

    id: str
    path: Path
    mime_type: str
    filename: str
    sha256: str
    size: int


def store(data_dir: Path, account_id: UUID, source: BinaryIO, *, mime_type: str, filename: str) -> StoredMedia:
    """Keep a file under a new id.

    Raises:
        TooLargeError: larger than WhatsApp takes for its kind.
        OSError: the disk is full, for one; nothing of the file is left then.
    """
    folder = data_dir / "sandbox" / str(account_id)
    folder.mkdir(parents=True, exist_ok=True)
    media_id = str(10**15 + secrets.randbelow(9 * 10**15))
    path = folder / media_id
    limit = upload_limit(mime_type)
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("xb") as target:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise TooLargeError(f"WhatsApp takes at most {limit} bytes of {mime_type}.", code="media_too_large")
                digest.update(chunk)
                target.write(chunk)
    except (TooLargeError, OSError):
        path.unlink(missing_ok=True)
        raise
    stored = StoredMedia(media_id, path, mime_type, filename[:240], digest.hexdigest(), size)
    known = {"mime_type": mime_type, "filename": stored.filename, "sha256": stored.sha256, "size": size}
    path.with_suffix(".json").write_bytes(orjson.dumps(known))
    return stored


def find(data_dir: Path, account_id: UUID, media_id: str) -> StoredMedia:
    """A file by its id.

    Raises:
        NotFoundError: this account has none with it.
    """
    path = data_dir / "sandbox" / str(account_id) / media_id
    if not _ID.match(media_id) or not path.is_file():
        raise NotFoundError("There is no such media.")
    known = orjson.loads(path.with_suffix(".json").read_bytes())
    return StoredMedia(media_id, path, known["mime_type"], known["filename"], known["sha256"], known["size"])
