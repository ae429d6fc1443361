"""Files of flows as people hand them in: one by one, or many in a ZIP archive. Nothing is read past its limits."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

from pytake_app.core.errors import FieldError, InvalidError

MAX_ARCHIVE_BYTES = 10_000_000
"""Bytes of a file that is handed in, archive or not. One flow may take 2 MB of it."""
MAX_UNPACKED_BYTES = 60_000_000
"""Bytes of an archive's files together, unpacked: a small archive can hold a very large file."""
MAX_FILES = 200
_ENDINGS = (".json", ".flow")


def files_of(content: bytes, filename: str) -> list[tuple[str, bytes]]:
    """The files of flows in an archive, by name; or the one file that it is.

    Raises:
        InvalidError: code `too_large`: it is, or what it holds would be; `invalid_archive`: it can't be opened, or
            holds no or too many files of flows.
    """
    if len(content) > MAX_ARCHIVE_BYTES:
        raise _refused("too_large", f"A file may have at most {MAX_ARCHIVE_BYTES} bytes.")
    if not content.startswith(b"PK"):
        return [(filename, content)]
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return list(_unpacked(archive))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise _refused("invalid_archive", "The archive can't be opened: it is damaged or locked.") from error


def _unpacked(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    wanted = [
        entry
        for entry in archive.infolist()
        if not entry.is_dir()
        and entry.filename.lower().endswith(_ENDINGS)
        and not entry.filename.startswith("__MACOSX/")
    ]
    if not wanted:
        raise _refused("invalid_archive", "The archive holds no file of flows.")
    if len(wanted) > MAX_FILES:
        raise _refused("invalid_archive", f"The archive holds more than {MAX_FILES} files of flows.")
    left = MAX_UNPACKED_BYTES
    for entry in sorted(wanted, key=lambda entry: entry.filename):
        with archive.open(entry) as file:
            content = file.read(min(left, MAX_ARCHIVE_BYTES) + 1)  # what the entry says of its size may be a lie
        left -= len(content)
        if left < 0 or len(content) > MAX_ARCHIVE_BYTES:
            raise _refused("too_large", "What the archive holds is too large.")
        yield entry.filename.rsplit("/", 1)[-1], content


def parsed(content: bytes) -> Any:
    """A file's JSON.

    Raises:
        InvalidError: code `not_json`.
    """
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise _refused("not_json", "The file is not valid JSON.") from error


def _refused(code: str, message: str) -> InvalidError:
    return InvalidError(message, errors=[FieldError("", message, code)], code=code)
