"""Files that people upload for flows and messages: kept once per organization, judged by their content."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final, Literal
from uuid import UUID

import puremagic
import sqlalchemy as sa
from PIL import Image, UnidentifiedImageError
from sqlmodel import Session, col

from pytake_app.accounts.service import record_event
from pytake_app.channels.whatsapp.client import upload_limit
from pytake_app.core.clock import Clock
from pytake_app.core.errors import InvalidError, NotFoundError, TooLargeError
from pytake_app.core.ids import new_id
from pytake_app.core.pagination import Page, decode_cursor, encode_cursor
from pytake_app.core.tenancy import Permission, Principal, organization_of, scoped
from pytake_app.messaging.models import MediaAsset
from pytake_app.messaging.schemas import LibraryFile

_CHUNK = 1024 * 1024
_HEAD = 4096
GRACE = timedelta(days=7)
"""For which a file taken out of the library stays whatever happens: an editor that was offline may still name it."""
UNSENT = timedelta(days=1)
"""For which a file uploaded for a message stays though nothing names it yet."""
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f/\\\\\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Not in names: controls, paths, and marks that turn letters around (`exe.gpj` shown as a picture)."""
MOST_PIXELS = 80_000_000
"""Of a picture: more is no photo, and unpacked it takes hundreds of megabytes of whoever looks at it."""

MediaKind = Literal["image", "video", "audio", "document", "sticker"]

TYPES: Final[dict[str, MediaKind]] = {
    "image/jpeg": "image",
    "image/png": "image",
    "image/webp": "sticker",
    "video/mp4": "video",
    "video/3gpp": "video",
    "audio/aac": "audio",
    "audio/amr": "audio",
    "audio/mpeg": "audio",
    "audio/mp4": "audio",
    "audio/ogg": "audio",
    "application/pdf": "document",
    "text/plain": "document",
    "application/msword": "document",
    "application/vnd.ms-excel": "document",
    "application/vnd.ms-powerpoint": "document",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "document",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "document",
}
"""What Meta takes (Cloud API, Media, supported types) → the kind it is sent as."""

_OFFICE: Final = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".doc": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
}
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BRANDS: Final = {b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"3gp": "video/3gpp"}


def type_of(head: bytes, filename: str) -> str | None:
    """The media type that a file's beginning shows, None when it is none that can be sent.

    The name only decides what the content can't tell: which kind of office document, and that a text is one.
    """
    suffix = Path(filename.lower()).suffix
    if head.startswith((_ZIP, _OLE)):
        found = _OFFICE.get(suffix)
        office_2007 = found is not None and found.startswith("application/vnd.openxml")
        return found if found is not None and office_2007 == head.startswith(_ZIP) else None
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return next((kind for mark, kind in _BRANDS.items() if brand.startswith(mark)), "video/mp4")
    if head.startswith(b"#!AMR"):
        return "audio/amr"
    if head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6)):
        return "audio/mpeg"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    try:
        found = puremagic.from_string(head, mime=True) if head else None
    except puremagic.PureError:
        found = None
    found = {"image/jpg": "image/jpeg", "application/ogg": "audio/ogg", "video/ogg": "audio/ogg"}.get(
        found or "", found
    )
    if found in TYPES and found != "text/plain":
        return found
    return "text/plain" if suffix in (".txt", ".csv") and _is_text(head) else None


ENDINGS: Final[dict[str, tuple[str, ...]]] = {
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/webp": (".webp",),
    "video/mp4": (".mp4", ".m4v", ".mov"),
    "video/3gpp": (".3gp", ".3gpp"),
    "audio/aac": (".aac",),
    "audio/amr": (".amr",),
    "audio/mpeg": (".mp3", ".mpga"),
    "audio/mp4": (".m4a", ".m4b", ".mp4"),
    "audio/ogg": (".ogg", ".oga", ".opus"),
    "application/pdf": (".pdf",),
    "text/plain": (".txt", ".csv"),
    **{mime: (ending,) for ending, mime in _OFFICE.items()},
}


def fitting_name(name: str, mime_type: str) -> str:
    """The name with an ending of its content's type: a picture that is called a page would be opened as one."""
    endings = ENDINGS.get(mime_type, ())
    if not name or not endings or Path(name.lower()).suffix in endings:
        return name
    return f"{name[: 240 - len(endings[0])]}{endings[0]}"


def _require_sane_picture(source: BinaryIO) -> None:
    """Refuse a picture that is a bomb or none; only its header is read."""
    source.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(source, formats=("JPEG", "PNG", "WEBP")) as picture:
                pixels = picture.width * picture.height
    except Image.DecompressionBombError:
        pixels = MOST_PIXELS + 1
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:  # what Pillow raises for broken files
        raise InvalidError("The picture is damaged.", code="media_type") from error
    if pixels > MOST_PIXELS:
        raise TooLargeError(f"A picture may have at most {MOST_PIXELS} pixels.", code="media_too_large")


def _is_text(head: bytes) -> bool:
    if b"\x00" in head:
        return False
    for cut in range(4):
        try:
            head[: len(head) - cut].decode()
        except UnicodeDecodeError:
            continue
        return True
    return False


@contextmanager
def _arriving(root: Path, organization_id: UUID, asset_id: UUID) -> Iterator[Path]:
    path = root / "media" / str(organization_id) / f"{asset_id}.arriving"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def quota_lock(organization_id: UUID) -> str:
    """The name of the advisory lock under which an organization's files come to the library or go for good."""
    return f"media quota {organization_id}"


def _require_room(session: Session, quota: int, size: int) -> None:
    """Refuse what doesn't fit any more.

    A removed file stays on disk for the flows and messages that use it: removing makes room in the library, but no
    more than the quota once again is kept for removed ones, so that nobody fills the disk by coming and going.

    Parameters:
        quota, size: in bytes.
    """
    rows = sa.select(sa.func.max(MediaAsset.size), sa.func.bool_or(col(MediaAsset.uploaded_at).is_not(None))).where(
        col(MediaAsset.organization_id) == organization_of(session), col(MediaAsset.uploaded_by).is_not(None)
    )
    files = rows.group_by(col(MediaAsset.sha256)).subquery()
    total = sa.func.coalesce(sa.func.sum(files.c[0]), 0)
    kept, shown = session.execute(
        sa.select(total, sa.func.coalesce(sa.func.sum(files.c[0]).filter(files.c[1]), 0))
    ).one()
    if shown + size > quota or kept + size > 2 * quota:
        megabytes = quota // 1024**2
        raise TooLargeError(f"The library has room for {megabytes} MB; remove files from it.", code="media_quota")


def _require_room_for_messages(session: Session, quota: int, size: int, now: datetime) -> None:
    """Refuse files for messages beyond the quota within `UNSENT`: those that are never sent leave the disk after it."""
    lately = sa.select(sa.func.coalesce(sa.func.sum(MediaAsset.size), 0)).where(
        col(MediaAsset.organization_id) == organization_of(session),
        col(MediaAsset.uploaded_by).is_(None),
        col(MediaAsset.look_at).is_not(None),
        col(MediaAsset.created_at) > now - UNSENT,
    )
    if session.execute(lately).scalar_one() + size > quota:
        megabytes = quota // 1024**2
        raise TooLargeError(f"Messages may have {megabytes} MB of new files a day.", code="media_quota")


def store(
    session: Session,
    principal: Principal,
    source: BinaryIO,
    *,
    filename: str,
    data_dir: Path,
    quota: int,
    clock: Clock,
    in_library: bool = True,
) -> LibraryFile:
    """Keep an uploaded file. The same content again is the same file.

    Parameters:
        filename: as the person's device calls it; shown, and sent with documents.
        data_dir: where files are kept.
        quota: bytes that the organization's library may have, and that it may upload for messages in a day.
        in_library: show it to others who look for a file; else it is for one message only,
            takes none of the library's room, and leaves the disk when nothing names it after a day.

    Raises:
        OSError: the disk is full, for one; nothing of the file is left then.
        ForbiddenError: viewers may not.
        InvalidError: code `media_type`: the content is none that can be sent; `media_empty`.
        TooLargeError: code `media_too_large`, larger than WhatsApp takes for its kind; `media_quota`: the library is
            full.
    """
    principal.needs(Permission.FLOWS_EDIT, Permission.CONVERSATIONS_HANDLE)
    name = _UNSAFE.sub("", filename).strip()[:240]
    head = source.read(_HEAD)
    if not head:
        raise InvalidError("The file is empty.", code="media_empty")
    mime_type = type_of(head, name)
    if mime_type is None:
        raise InvalidError("Files of this type can't be sent over WhatsApp.", code="media_type")
    name = fitting_name(name, mime_type)
    if mime_type.startswith("image/"):
        _require_sane_picture(source)
        source.seek(len(head))
    limit = upload_limit(mime_type)
    root, organization_id, asset_id = data_dir.resolve(), organization_of(session), new_id()
    digest, size = hashlib.sha256(), 0
    with _arriving(root, organization_id, asset_id) as arriving:
        with arriving.open("xb") as target:
            chunk = head
            while chunk:
                size += len(chunk)
                if size > limit:
                    raise TooLargeError(f"WhatsApp takes at most {limit} bytes of {mime_type}.", code="media_too_large")
                digest.update(chunk)
                target.write(chunk)
                chunk = source.read(_CHUNK)
        sha256 = digest.hexdigest()
        known = _uploaded(session, sha256)
        if known is None:
            # Uploads of one organization that end at the same time: one after the other.
            session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(quota_lock(organization_id)))))
            if in_library:
                _require_room(session, quota, size)
            else:
                _require_room_for_messages(session, quota, size, clock.now())
        path = Path("media") / str(organization_id) / sha256[:2] / sha256
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        arriving.replace(root / path)
    if known is None:
        known = MediaAsset(
            id=asset_id,
            organization_id=organization_id,
            sha256=sha256,
            mime_type=mime_type,
            filename=name,
            size=size,
            path=str(path),
            created_at=clock.now(),
            look_at=None if in_library else clock.now() + UNSENT,
        )
    if in_library:
        known.uploaded_by, known.uploaded_at = principal.user_id, clock.now()
    known.filename = name or known.filename
    session.add(known)
    session.flush()
    return _view(known)


def _uploaded(session: Session, sha256: str) -> MediaAsset | None:
    mine = scoped(session, MediaAsset).where(col(MediaAsset.sha256) == sha256, col(MediaAsset.uploaded_at).is_not(None))
    row: MediaAsset | None = session.exec(mine).first()
    return row


def list_uploads(
    session: Session, principal: Principal, *, kind: MediaKind | None, q: str, limit: int, cursor: str | None
) -> Page[LibraryFile]:
    """Uploaded files, newest first.

    Parameters:
        kind: only those that can be sent as this.
        q: part of the file's name.
    """
    principal.needs(Permission.FLOWS_EDIT, Permission.CONVERSATIONS_HANDLE)
    statement = scoped(session, MediaAsset).where(col(MediaAsset.uploaded_at).is_not(None))
    if kind is not None:
        wanted = [mime for mime, sent_as in TYPES.items() if sent_as == kind]
        statement = statement.where(col(MediaAsset.mime_type).in_(wanted))
    if q.strip():
        statement = statement.where(col(MediaAsset.filename).icontains(q.strip(), autoescape=True))
    if cursor is not None:
        (last,) = decode_cursor(cursor, 1)
        try:
            statement = statement.where(col(MediaAsset.id) < UUID(str(last)))
        except ValueError as error:
            raise InvalidError("The cursor is not one that this list gave.") from error
    rows = session.exec(statement.order_by(col(MediaAsset.id).desc()).limit(limit + 1)).all()
    items = [_view(row) for row in rows[:limit]]
    return Page(items=items, next_cursor=encode_cursor(str(items[-1].id)) if len(rows) > limit else None)


def delete_upload(session: Session, principal: Principal, media_id: UUID, *, clock: Clock) -> None:
    """Take a file out of the library. Flows and messages that use it keep it; one that nothing uses leaves the disk
    a week later (`library_upkeep`).

    Raises:
        NotFoundError: no such upload.
    """
    principal.needs(Permission.FLOWS_EDIT)
    row = session.exec(scoped(session, MediaAsset).where(col(MediaAsset.id) == media_id)).first()
    if row is None or row.uploaded_at is None:
        raise NotFoundError("There is no such file in the library.")
    row.uploaded_at, row.look_at = None, clock.now() + GRACE
    session.add(row)
    session.flush()
    record_event(session, principal, "deleted", "media", row.id, object_name=row.filename, clock=clock)


def _view(row: MediaAsset) -> LibraryFile:
    return LibraryFile(
        id=row.id,
        kind=TYPES.get(row.mime_type, "document"),
        mime_type=row.mime_type,
        filename=row.filename,
        size=row.size,
        url=f"/api/v1/media/{row.id}",
        created_at=row.created_at,
    )
