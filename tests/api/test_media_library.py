"""Uploaded files: judged by content, kept once, the organization's own, and sent by the platform's id."""

from __future__ import annotations

import errno
import hashlib
import os
import struct
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Self

import pytest

from pytake_app.api.services import Services
from pytake_app.messaging.library import type_of
from pytake_app.messaging.library_upkeep import remove_unused
from pytake_app.messaging.media_send import uploaded_ids, with_ids
from tests.api.fixtures import Caller, NewCaller


def png(width: int = 2) -> bytes:
    """A real picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\x00" + b"\x10\x80\x60" * width for _ in range(width))
    header = struct.pack(">IIBBBBB", width, width, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def upload(caller: Caller, content: bytes, name: str, mime: str = "application/octet-stream") -> Any:
    return caller.post("/api/v1/media", files={"file": (name, content, mime)})


@pytest.mark.parametrize(
    ("content", "name", "wanted"),
    [
        (png(), "a.png", "image/png"),
        (png(), "a.pdf", "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01", "a.jpg", "image/jpeg"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "a.webp", "image/webp"),
        (b"%PDF-1.7\n%", "a.pdf", "application/pdf"),
        (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00", "a.mp4", "video/mp4"),
        (b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00", "a.m4a", "audio/mp4"),
        (b"OggS\x00\x02", "a.ogg", "audio/ogg"),
        (b"ID3\x04\x00", "a.mp3", "audio/mpeg"),
        (b"PK\x03\x04\x14", "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"PK\x03\x04\x14", "a.zip", None),
        ("Olá, ç".encode(), "a.txt", "text/plain"),
        (b"<html><script>alert(1)</script>", "a.png", None),
        (b"MZ\x90\x00\x03", "a.jpg", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "a.svg", None),
        (b"\x00\x01\x02", "a.txt", None),
    ],
)
def test_the_content_says_what_a_file_is(content: bytes, name: str, wanted: str | None) -> None:
    assert type_of(content, name) == wanted


def test_a_file_is_kept_once_and_shown_to_its_organization_only(caller: Caller, register: NewCaller) -> None:
    first = upload(caller, png(), "../../logo.png", "text/html")
    assert first.status_code == 201, first.text
    file = first.json()
    assert (file["kind"], file["mime_type"], file["filename"]) == ("image", "image/png", "....logo.png")
    assert upload(caller, png(), "again.png").json()["id"] == file["id"]
    second = upload(caller, b"%PDF-1.7\n%x", "menu.pdf").json()
    shown = caller.get(file["url"])
    assert (shown.content, shown.headers["content-type"]) == (png(), "image/png")
    assert [item["id"] for item in caller.get("/api/v1/media").json()["items"]] == [second["id"], file["id"]]
    assert [i["id"] for i in caller.get("/api/v1/media", params={"kind": "image"}).json()["items"]] == [file["id"]]
    assert [i["id"] for i in caller.get("/api/v1/media", params={"q": "MENU"}).json()["items"]] == [second["id"]]
    page = caller.get("/api/v1/media", params={"limit": 1}).json()
    rest = caller.get("/api/v1/media", params={"limit": 1, "cursor": page["next_cursor"]}).json()
    assert (page["items"][0]["id"], rest["items"][0]["id"]) == (second["id"], file["id"])
    other = register()
    assert other.get("/api/v1/media").json()["items"] == []
    assert other.get(file["url"]).status_code == 404
    assert other.delete(f"/api/v1/media/{file['id']}").status_code == 404
    assert caller.delete(f"/api/v1/media/{file['id']}").status_code == 204
    assert len(caller.get("/api/v1/media").json()["items"]) == 1
    assert caller.get(file["url"]).status_code == 200  # flows that use it keep it


def test_what_cannot_be_sent_is_refused(caller: Caller) -> None:
    assert upload(caller, b"", "a.png").json()["code"] == "media_empty"
    wrong = upload(caller, b"MZ\x90\x00", "photo.png", "image/png")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "media_type")
    large = upload(caller, png() + b"\x00" * (5 * 1024 * 1024), "big.png")
    assert (large.status_code, large.json()["code"]) == (413, "media_too_large")
    assert caller.get("/api/v1/media").json()["items"] == []


def test_the_library_has_an_end(caller: Caller, register: NewCaller, services: Services) -> None:
    services.settings = services.settings.model_copy(update={"media_quota_mb": 1})

    def pdf(number: int) -> bytes:
        return b"%PDF-1.7\n%" + bytes([number]) * (600 * 1024)

    first = upload(caller, pdf(1), "1.pdf")
    assert first.status_code == 201
    assert upload(caller, pdf(1), "1.pdf").status_code == 201  # the same file takes no more room
    full = upload(caller, pdf(2), "2.pdf")
    assert (full.status_code, full.json()["code"]) == (413, "media_quota")
    assert full.headers["content-type"].startswith("application/problem+json")
    assert upload(register(), pdf(2), "2.pdf").status_code == 201  # another organization has its own
    # Taking a file out makes room, but not for ever: what was taken out is still on the disk.
    for number, wanted in ((2, 201), (3, 201), (4, 413)):
        caller.delete(f"/api/v1/media/{first.json()['id']}")
        first = upload(caller, pdf(number), f"{number}.pdf") if number > 2 else upload(caller, pdf(2), "2.pdf")
        assert first.status_code == wanted, number


def test_a_full_disk_is_a_problem_and_leaves_nothing(
    caller: Caller, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open

    class Full:
        """A file on a disk that has room for a beginning only."""

        def __init__(self, file: BinaryIO) -> None:
            self.file = file

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: bytes) -> int:
            self.file.write(data[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

    def opened(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        file = real(path, mode, *rest, **more)
        return Full(file) if path.suffix == ".arriving" else file

    monkeypatch.setattr(Path, "open", opened)
    answer = upload(caller, png(), "a.png")
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    assert answer.headers["content-type"].startswith("application/problem+json")
    folder = services.settings.data_dir / "media" / str(caller.organization_id)
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    assert caller.get("/api/v1/media").json()["items"] == []
    monkeypatch.undo()
    assert upload(caller, png(), "a.png").status_code == 201


def test_our_ids_are_told_from_the_platforms() -> None:
    ours = "01940000-0000-7000-8000-000000000001"
    content = {"type": "buttons", "header": {"type": "image", "media_id": ours}, "media_id": "1234567890"}
    (found,) = uploaded_ids(content)
    assert str(found) == ours
    changed = with_ids(content, {found: "987"})
    assert changed["header"]["media_id"] == "987"
    assert changed["media_id"] == "1234567890"
    assert content["header"] == {"type": "image", "media_id": ours}
    template = {"components": [{"parameters": [{"media": {"media_id": ours}}]}]}
    assert uploaded_ids(template) == [found]
    assert with_ids(template, {found: "9"})["components"][0]["parameters"][0]["media"] == {"media_id": "9"}


def test_what_was_taken_out_leaves_the_disk_when_nothing_uses_it(
    caller: Caller, register: NewCaller, services: Services
) -> None:
    def pdf(number: int) -> bytes:
        return b"%PDF-1.7\n%" + bytes([number]) * 100

    def path(content: bytes, of: Caller) -> Path:
        digest = hashlib.sha256(content).hexdigest()
        found = services.settings.data_dir / "media" / str(of.organization_id) / digest[:2] / digest
        if found.exists():
            os.utime(found, (now.timestamp(), now.timestamp()))
        return found

    now = services.clock.now()
    names = ("drafted", "undone", "saved", "unused", "again", "kept")
    files = {name: upload(caller, pdf(number), f"{name}.pdf").json()["id"] for number, name in enumerate(names)}
    where = {name: path(pdf(number), caller) for number, name in enumerate(names)}
    other = register()
    upload(other, pdf(3), "theirs.pdf")
    nodes = [
        {"id": name, "type": "msg_media", "config": {"kind": "document", "media_id": files[name]}}
        for name in ("drafted", "undone")
    ]
    flow = caller.post("/api/v1/flows", json={"name": "F", "document": {"nodes": nodes, "edges": []}}).json()["id"]
    saved = {"shortcut": "tabela", "text": "Segue", "media_ids": [files["saved"]]}
    assert caller.post("/api/v1/canned-responses", json=saved).status_code == 201
    removal = {"operations": [{"op": "delete_nodes", "ids": ["undone"]}]}
    assert caller.post(f"/api/v1/flows/{flow}/operations", json=removal).status_code == 200
    for name in names[:-1]:
        assert caller.delete(f"/api/v1/media/{files[name]}").status_code == 204
    again = upload(caller, pdf(4), "again.pdf").json()["id"]  # the same content comes back to the library
    where["again"] = path(pdf(4), caller)
    assert remove_unused(services, now + timedelta(days=6)) == 0

    assert remove_unused(services, now + timedelta(days=8)) == 5
    assert {name for name in names if not where[name].exists()} == {"unused"}
    assert path(pdf(3), other).exists()
    gone = [name for name in names if caller.get(f"/api/v1/media/{files[name]}").status_code == 404]
    assert gone == ["unused", "again"]
    assert caller.get(f"/api/v1/media/{again}").content == pdf(4)
    assert remove_unused(services, now + timedelta(days=9)) == 0

    assert caller.post("/api/v1/media", files={"file": ("u.pdf", pdf(3), "")}).status_code == 201  # and may come back
    # What used a file is gone: it leaves at the next look.
    assert caller.delete(f"/api/v1/flows/{flow}").status_code == 204
    assert remove_unused(services, now + timedelta(days=39)) == 3
    assert where["saved"].exists()


def test_a_file_that_has_just_been_written_is_left_alone(caller: Caller, services: Services) -> None:
    file = upload(caller, png(), "a.png").json()["id"]
    caller.delete(f"/api/v1/media/{file}")
    later = services.clock.now() + timedelta(days=8)
    path = next((services.settings.data_dir / "media" / str(caller.organization_id)).rglob("??/*"))
    os.utime(path, (later.timestamp(), later.timestamp()))  # a contact sends the same at this moment
    assert remove_unused(services, later) == 1
    assert path.exists()
    assert remove_unused(services, later + timedelta(hours=2)) == 1
    assert not path.exists()
