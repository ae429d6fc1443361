"""All that is known of a contact as a ZIP file: `contact.json` and the files that were exchanged.

LGPD art. 18 II and V, GDPR art. 15 and 20: in a structured, commonly used and machine-readable form.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session

from pytake_app.contacts import service as contacts
from pytake_app.conversations import service as conversations
from pytake_app.core.clock import Clock
from pytake_app.flows import service as flows
from pytake_app.messaging import service as messaging
from pytake_app.queues import service as queues

VERSION = 1
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_ ")


def export(session: Session, contact_id: UUID, target: Path, *, data_dir: Path, clock: Clock) -> None:
    """Write the file. Messages are written as they are read, so that a long history needs no memory.

    Parameters:
        target: where the file is made.
        data_dir: where the organization's files are.

    Raises:
        NotFoundError: no such contact.
    """
    about = contacts.export_contact(session, contact_id)
    files: dict[UUID, str] = {}
    with (
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive,
        tempfile.TemporaryFile() as document,
    ):
        document.write(b'{"format":"pytake-contact","version":%d,"exported_at":' % VERSION)
        document.write(_json(clock.now()))
        for name, value in about.items():
            document.write(b"," + _json(name) + b":" + _json(value))
        lists: tuple[tuple[str, Iterable[dict[str, Any]]], ...] = (
            ("conversations", conversations.export_conversations(session, contact_id)),
            ("flow_sessions", flows.export_contact(session, contact_id)),
            ("service", queues.export_contact(session, contact_id)),
            ("messages", conversations.export_messages(session, contact_id)),
        )
        for name, rows in lists:
            document.write(b"," + _json(name) + b":[")
            for number, row in enumerate(rows):
                document.write((b"," if number else b"") + b"\n" + _json(row))
                if name == "messages":
                    _note_file(row, files)
            document.write(b"]")
        document.write(b"}\n")
        document.seek(0)
        with archive.open("contact.json", "w", force_zip64=True) as out:
            while piece := document.read(1 << 16):
                out.write(piece)
        for file_id, name in files.items():
            opened = messaging.stored_file(session, file_id, data_dir)
            if opened is not None:
                archive.write(opened, f"files/{file_id}{_ending(name) or opened.suffix}")


def _note_file(row: dict[str, Any], files: dict[UUID, str]) -> None:
    media = row["media"] or {}
    named = media.get("id") or (row["content"] or {}).get("media_id")
    if named:
        files[UUID(str(named))] = str(media.get("filename") or "")


def _ending(name: str) -> str:
    ending = Path(name).suffix
    return ending if len(ending) <= 10 and set(ending) <= _SAFE else ""


def _json(value: object) -> bytes:
    def other(one: object) -> object:
        if isinstance(one, datetime):
            return one.isoformat()
        return str(one)

    return orjson.dumps(value, default=other)
