"""Files: judged by content, served so that nothing in them runs, opened without a sign-in by expiring links only."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from PIL import Image
from PIL.ExifTags import IFD, Base

from pytake_app.api.services import Services
from pytake_app.core.clock import FrozenClock
from pytake_app.core.crypto import derived_key, derived_keys
from pytake_app.flows import archives
from pytake_app.messaging.api_files import INLINE_TYPES
from pytake_app.messaging.library import ENDINGS, TYPES, fitting_name
from tests.api.fixtures import Caller, NewCaller

HTML = b"<!doctype html><script>parent.postMessage(document.cookie,'*')</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


def picture(kind: str = "PNG", size: tuple[int, int] = (4, 4), **saved: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, kind, **saved)
    return out.getvalue()


def upload(caller: Caller, content: bytes, name: str, declared: str) -> Any:
    return caller.post("/api/v1/media", files={"file": (name, content, declared)})


def kept(caller: Caller, content: bytes, name: str = "a.png", declared: str = "image/png") -> dict[str, Any]:
    answer = upload(caller, content, name, declared)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


# -- what comes in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "name", "declared"),
    [
        (HTML, "a.html", "text/html"),
        (HTML, "a.png", "image/png"),
        (SVG, "a.svg", "image/svg+xml"),
        (SVG, "a.jpg", "image/jpeg"),
        (b"<?xml version='1.0'?>" + SVG, "a.webp", "image/webp"),
        (b"MZ\x90\x00" + b"\x00" * 60, "a.pdf", "application/pdf"),
        (b"#!/bin/sh\nrm -rf /\n", "a.sh", "text/plain"),
        (b"\x89PNG\r\n\x1a\n" + HTML, "a.png", "image/png"),  # a beginning alone is no picture
    ],
)
def test_what_is_no_file_for_messages_is_refused(caller: Caller, content: bytes, name: str, declared: str) -> None:
    answer = upload(caller, content, name, declared)
    assert (answer.status_code, answer.json()["code"]) == (422, "media_type")


@pytest.mark.parametrize(
    ("name", "declared", "shown"),
    [
        ("page.html", "text/html", "page.html.png"),
        ("setup.exe", "application/octet-stream", "setup.exe.png"),
        ("photo.jpg", "image/jpeg", "photo.jpg.png"),
        ("photo.PNG", "text/html", "photo.PNG"),
        ("photo\u202egnp.exe", "image/png", "photognp.exe.png"),
        ("../../etc/passwd.png", "image/png", "....etcpasswd.png"),
    ],
)
def test_the_content_decides_and_the_name_follows(caller: Caller, name: str, declared: str, shown: str) -> None:
    file = kept(caller, picture(), name, declared)
    assert (file["mime_type"], file["filename"]) == ("image/png", shown)


def test_every_type_has_an_ending() -> None:
    assert set(ENDINGS) == set(TYPES)
    assert fitting_name("", "image/png") == ""
    assert len(fitting_name("x" * 240, "image/png")) == 240


def bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes that says it has this many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 99)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("size", [(20_000, 20_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_that_unpacks_without_end_is_refused(caller: Caller, size: tuple[int, int]) -> None:
    answer = upload(caller, bomb(*size), "a.png", "image/png")
    assert answer.status_code in (413, 422)
    assert caller.get("/api/v1/media").json()["items"] == []


def test_an_archive_that_unpacks_without_end_is_refused(caller: Caller) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(8):
            archive.writestr(f"{n}.json", b"[" + b" " * (archives.MAX_ARCHIVE_BYTES - 2) + b"]")
    assert len(out.getvalue()) < 200_000
    answer = caller.post("/api/v1/flow-archive", files={"file": ("flows.zip", out.getvalue())})
    assert (answer.status_code, answer.json()["code"]) == (422, "too_large")


def test_an_avatar_says_nothing_of_where_it_was_taken(caller: Caller) -> None:
    exif = Image.Exif()
    exif[Base.Make] = "Secret Camera"
    exif.get_ifd(IFD.GPSInfo)[1] = "S"
    answer = caller.request("PUT", "/api/v1/auth/me/avatar", files={"file": ("a.jpg", picture("JPEG", exif=exif))})
    assert answer.status_code == 200, answer.text
    stored = caller.get(f"/api/v1/users/{caller.user_id}/avatar")
    assert b"Secret Camera" not in stored.content
    assert not Image.open(io.BytesIO(stored.content)).getexif()
    bombed = caller.request("PUT", "/api/v1/auth/me/avatar", files={"file": ("a.png", bomb(50_000, 50_000))})
    assert bombed.status_code == 413


# -- what goes out ----------------------------------------------------------------------------------------------------


def test_files_are_served_so_that_nothing_runs(caller: Caller, services: Services) -> None:
    polyglot = picture() + HTML
    file = kept(caller, polyglot, "page.html", "text/html")
    answer = caller.get(file["url"])
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "private" in answer.headers["cache-control"]
    assert answer.headers["content-disposition"] == "inline; filename*=UTF-8''page.html.png"
    assert "attachment" in caller.get(file["url"], params={"download": True}).headers["content-disposition"]
    # What a contact sent under whatever name and type: a download without a type.
    for kind in ("text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/pdf", "text/plain"):
        with services.database.system() as session:
            session.execute(sa.text("UPDATE media_assets SET mime_type = :kind"), {"kind": kind})
        served = caller.get(file["url"])
        assert served.headers["content-type"] == "application/octet-stream"
        assert served.headers["content-disposition"].startswith("attachment")
    assert not any(mark in kind for kind in INLINE_TYPES for mark in ("svg", "html", "xml", "text", "pdf"))


def test_players_may_jump(caller: Caller) -> None:
    content = picture(size=(64, 64))
    file = kept(caller, content)
    part = caller.get(file["url"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(content)}"
    assert "sandbox" in part.headers["content-security-policy"]
    assert caller.get(file["url"], headers={"Range": f"bytes={len(content) + 5}-"}).status_code == 416


# -- links ------------------------------------------------------------------------------------------------------------


def link_of(caller: Caller, **query: int) -> str:
    file = kept(caller, picture())
    answer = caller.get(f"{file['url']}/link", params=query)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


def test_a_link_opens_one_file_for_some_minutes(caller: Caller, client: TestClient, frozen_clock: FrozenClock) -> None:
    url = link_of(caller)
    opened = client.get(url)
    assert (opened.status_code, opened.content) == (200, picture())
    assert opened.headers["cache-control"] == "private, no-store"
    assert opened.headers["x-content-type-options"] == "nosniff"
    assert opened.headers["cross-origin-resource-policy"] == "cross-origin"
    assert client.get(url, headers={"Range": "bytes=0-3"}).status_code == 206
    frozen_clock.advance(timedelta(minutes=4, seconds=58))
    assert client.get(url).status_code == 200
    frozen_clock.advance(timedelta(seconds=2))
    late = client.get(url)
    assert (late.status_code, late.json()["code"]) == (404, "link_expired")


def test_a_link_that_we_did_not_sign_opens_nothing(caller: Caller, client: TestClient, services: Services) -> None:
    url = link_of(caller)
    base, _, token = url.rpartition("/")
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    forged = []
    for at in (0, 20, 40, 60, 71, 80, len(raw) - 1):
        changed = bytearray(raw)
        changed[at] ^= 1
        forged.append(base64.urlsafe_b64encode(bytes(changed)).decode().rstrip("="))
    for wrong in [*forged, "", "x", token[:-4], token + "AAAA", "é", "." * 500]:
        assert client.get(f"{base}/{wrong}").status_code == 404, wrong
    # The key is the links' own: what else is signed with SECRET_KEY's children doesn't open files.
    key = services.settings.signing_key
    purposes = ("media links v1", "access tokens v1", "credentials v1", "known devices v1")
    assert len({derived_key(key, purpose) for purpose in purposes}) == 4


def test_a_link_ends_with_its_sign_in(caller: Caller, client: TestClient) -> None:
    url = link_of(caller)
    caller.post("/api/v1/auth/logout")
    assert client.get(url).json()["code"] == "link_expired"


def test_a_link_ends_with_its_person(caller: Caller, client: TestClient, services: Services) -> None:
    url = link_of(caller)
    with services.database.auth() as session:
        session.execute(sa.text("UPDATE users SET is_active = false"))
    assert client.get(url).json()["code"] == "link_expired"


def test_a_link_ends_with_its_key(caller: Caller, client: TestClient) -> None:
    file = kept(caller, picture())
    made = caller.post("/api/v1/api-keys", json={"name": "ERP", "scopes": ["conversations.see_all"]}).json()
    answer = client.get(f"{file['url']}/link", headers={"Authorization": f"Bearer {made['key']}"})
    url = answer.json()["url"]
    assert client.get(url).status_code == 200
    assert caller.delete(f"/api/v1/api-keys/{made['id']}").status_code == 204
    assert client.get(url).json()["code"] == "link_expired"


def test_links_of_another_organizations_file_are_not_made(caller: Caller, register: NewCaller) -> None:
    file = kept(caller, picture())
    assert register().get(f"{file['url']}/link").status_code == 404
    assert caller.get(f"/api/v1/media/{uuid4()}/link").status_code == 404
    assert caller.get(f"{file['url']}/link", params={"seconds": 7_200}).status_code == 422


def test_links_outlive_a_change_of_the_key(caller: Caller, client: TestClient, services: Services) -> None:
    from pydantic import SecretStr

    from pytake_app.messaging import media_links

    url = link_of(caller)
    changed = services.settings.model_copy(
        update={"secret_key": SecretStr("n" * 40), "previous_secret_keys": [services.settings.secret_key]}
    )
    assert len(derived_keys(changed, "x")) == 2
    said = media_links.read_token(changed, url.rpartition("/")[2], services.clock.now())
    assert said.organization_id == caller.organization_id
