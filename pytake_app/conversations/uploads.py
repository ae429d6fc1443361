"""Files for one conversation: judged by their content, by what its channel takes, and turned into voice notes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from sqlmodel import Session

from pytake_app.channels.capabilities import Capabilities, capabilities_of
from pytake_app.channels.whatsapp.client import upload_limit
from pytake_app.conversations import repository, voice
from pytake_app.conversations.contents import VOICE_TYPE
from pytake_app.conversations.message_schemas import UploadView
from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, InvalidError, TooLargeError
from pytake_app.core.tenancy import Permission, Principal
from pytake_app.messaging import library


def upload(
    session: Session,
    principal: Principal,
    conversation_id: UUID,
    source: BinaryIO,
    *,
    filename: str,
    as_voice: bool,
    data_dir: Path,
    quota: int,
    clock: Clock,
) -> UploadView:
    """Keep a file to be sent in this conversation; it doesn't show in the library.

    Parameters:
        as_voice: a recording, to be sent as a voice note: whatever the browser recorded becomes Ogg with Opus.
        quota: bytes that an organization may upload for messages in a day.

    Raises:
        NotFoundError: no such conversation.
        InvalidError: `media_type`, `media_empty`, `kind_not_supported`, `voice_unreadable`, `voice_too_long`.
        TooLargeError: `media_too_large`, `media_quota`.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    conversation = repository.find(session, principal, conversation_id)
    if as_voice:
        source, filename = _recorded(source), f"{Path(filename).stem or 'voice'}.ogg"
    kept = library.store(
        session, principal, source, filename=filename, data_dir=data_dir, clock=clock, quota=quota, in_library=False
    )
    row = capabilities_of(conversation.channel) or Capabilities()
    if not row.shows_media(kept.kind):
        raise InvalidError(
            f"Files of this kind can't be sent on {conversation.channel}.",
            errors=[FieldError("/file", kept.kind, "kind_not_supported")],
            code="kind_not_supported",
        )
    return UploadView(
        id=kept.id,
        kind=kept.kind,
        mime_type=kept.mime_type,
        filename=kept.filename,
        size=kept.size,
        url=kept.url,
        voice=as_voice,
    )


def _recorded(source: BinaryIO) -> BinaryIO:
    limit = upload_limit(VOICE_TYPE)
    source.seek(0, io.SEEK_END)
    if source.tell() > limit:
        raise TooLargeError(f"A recording may have at most {limit} bytes.", code="media_too_large")
    if not source.tell():
        raise InvalidError("The file is empty.", code="media_empty")
    source.seek(0)
    return io.BytesIO(voice.to_voice_note(source))
