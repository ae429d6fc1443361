"""One's own account: name, language, time zone, picture."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from tests.api.fixtures import Caller, NewCaller

ME, AVATAR = "/api/v1/auth/me", "/api/v1/auth/me/avatar"


def picture(kind: str = "JPEG", size: tuple[int, int] = (900, 500), **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (20, 120, 80)).save(out, kind, **options)
    return out.getvalue()


def test_name_and_time_zone_change_and_what_is_absent_stays(caller: Caller) -> None:
    changed = caller.patch(ME, json={"full_name": "  Ana B. Souza ", "time_zone": "America/Manaus"}).json()
    assert (changed["full_name"], changed["time_zone"], changed["locale"]) == (
        "Ana B. Souza",
        "America/Manaus",
        "pt_BR",
    )
    assert caller.patch(ME, json={"time_zone": ""}).json()["time_zone"] == ""
    assert caller.get(ME).json()["user"]["full_name"] == "Ana B. Souza"


@pytest.mark.parametrize("body", [{"time_zone": "Mars/Base"}, {"full_name": ""}, {"email": "x@example.com"}, {}])
def test_nothing_else_changes(caller: Caller, body: dict[str, str]) -> None:
    before = caller.get(ME).json()
    assert caller.patch(ME, json=body).status_code == 422
    assert caller.get(ME).json() == before


def test_a_picture_becomes_a_small_square_without_its_metadata(caller: Caller) -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    answer = caller.request("PUT", AVATAR, files={"file": ("a.jpg", picture(exif=exif), "image/jpeg")})
    assert answer.status_code == 200, answer.text
    url = answer.json()["avatar_url"]
    shown = caller.get(url)
    assert shown.headers["content-type"] == "image/webp"
    image = Image.open(io.BytesIO(shown.content))
    assert (image.size, image.format) == ((256, 256), "WEBP")
    assert b"taken at home" not in shown.content
    again = caller.request("PUT", AVATAR, files={"file": ("a.png", picture("PNG"), "text/html")}).json()["avatar_url"]
    assert again != url  # what a browser keeps is left behind
    assert caller.delete(AVATAR).json()["avatar_url"] == ""
    assert caller.get(url).status_code == 404


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", 422, "image_unreadable"),
        (b"", 422, "image_unreadable"),
        (picture()[:300], 422, "image_unreadable"),
        (picture("PNG", (9000, 9000)), 413, "image_too_large"),  # 81 million pixels in a small file
        (picture("BMP", (20, 20)), 422, "image_unreadable"),
    ],
)
def test_what_is_no_picture_is_refused(caller: Caller, content: bytes, status: int, code: str) -> None:
    answer = caller.request("PUT", AVATAR, files={"file": ("a.png", content, "image/png")})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert caller.get(ME).json()["user"]["avatar_url"] == ""


def test_pictures_stay_in_their_organization(register: NewCaller) -> None:
    mine, theirs = register(), register()
    url = mine.request("PUT", AVATAR, files={"file": ("a.jpg", picture(), "image/jpeg")}).json()["avatar_url"]
    assert mine.get(url).status_code == 200
    assert theirs.get(url).status_code == 404
    assert mine.client.get(url).status_code == 401
