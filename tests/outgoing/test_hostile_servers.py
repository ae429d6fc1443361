"""Servers that mean harm: answers that grow when unpacked, headers that are none, cookies for somebody else, echoes."""

from __future__ import annotations

import base64
import gzip
import html
import json
import zlib
from collections.abc import AsyncIterator
from urllib.parse import quote, quote_plus

import pytest
import pytest_asyncio

from pytake_app.core.egress import EgressGuard
from pytake_app.engine.requests import BasicAuth, HeaderLine, HttpRequest, Part
from pytake_app.outgoing.answers import scrubbed, text_of
from pytake_app.outgoing.http import HttpCaller
from tests.support.echo_server import EchoServer, Reply

SECRET = 'k/7f "a+ç<&%'


@pytest_asyncio.fixture
async def server() -> AsyncIterator[EchoServer]:
    async with EchoServer() as made:
        yield made


@pytest_asyncio.fixture
async def caller(server: EchoServer) -> AsyncIterator[HttpCaller]:
    made = HttpCaller(EgressGuard(f"127.0.0.1:{server.port}"), pause=0.01)
    yield made
    await made.aclose()


async def test_no_tenant_brings_back_anothers_cookie(server: EchoServer, caller: HttpCaller) -> None:
    """One client makes everybody's calls: what a server says to one must not be sent for another."""
    server.plan(Reply(headers={"Set-Cookie": "session=of-tenant-one; Path=/"}))
    await caller.perform(HttpRequest(url=server.url), {}, key="1")
    await caller.perform(HttpRequest(url=server.url), {}, key="2")
    assert [seen.headers.get("cookie") for seen in server.seen] == [None, None]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "bare"])
async def test_packed_answers_are_read(server: EchoServer, caller: HttpCaller, coding: str) -> None:
    text = '{"name": "Conceição"}' * 20
    bare = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = {
        "gzip": gzip.compress(text.encode()),
        "deflate": zlib.compress(text.encode()),
        "bare": bare.compress(text.encode()) + bare.flush(),
    }[coding]
    server.plan(Reply(raw=body, headers={"Content-Encoding": coding.replace("bare", "deflate")}))
    assert (await caller.perform(HttpRequest(url=server.url), {}, key="k")).text == text
    assert server.seen[0].headers["accept-encoding"] == "gzip, deflate"


async def test_a_bomb_is_not_unpacked(server: EchoServer, caller: HttpCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    """50 KB that would be 50 MB."""
    most = 0
    real = zlib.decompressobj

    class Watched:
        def __init__(self, wbits: int) -> None:
            self._real = real(wbits)

        def decompress(self, chunk: bytes, room: int) -> bytes:
            nonlocal most
            out = self._real.decompress(chunk, room)
            most = max(most, len(out))
            return out

    monkeypatch.setattr("pytake_app.outgoing.answers.zlib.decompressobj", Watched)
    server.plan(Reply(raw=gzip.compress(b"\0" * 50_000_000), headers={"Content-Encoding": "gzip"}))
    result = await caller.perform(HttpRequest(url=server.url, max_bytes=100_000), {}, key="k")
    assert (result.error, result.text) == ("too_large", "")
    assert 0 < most <= 100_001


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(raw=b"not packed", headers={"Content-Encoding": "gzip"}), "unreadable"),
        (Reply(raw=b"x", headers={"Content-Encoding": "br"}), "unreadable"),
        (Reply(raw=b"x", headers={"Content-Encoding": "gzip, gzip, gzip"}), "unreadable"),
        (Reply(status=302, headers={"Location": "http://[::1"}), "connection"),
        (Reply(status=302, headers={"Location": "http://a:99999999/"}), "invalid_url"),
        (Reply(status=429, headers={"Retry-After": "\u00b2"}), None),
        (Reply(raw=b"x", headers={"Content-Type": "text/plain; charset=punycode"}), None),
        (Reply(raw=b"x", headers={"Content-Type": "text/plain; charset=no-such-thing"}), None),
        (Reply(raw=b"x", headers={"Content-Type": "text/plain; charset=hex"}), None),
    ],
    ids=lambda value: None if isinstance(value, Reply) else str(value),
)
async def test_answers_that_are_none_are_told_as_such(
    server: EchoServer, caller: HttpCaller, reply: Reply, error: str | None
) -> None:
    server.plan(reply)
    result = await caller.perform(HttpRequest(url=server.url, retries=0), {}, key="k")
    assert (result.error or "").replace("refused_", "") == (error or "")


def test_character_sets_are_those_of_texts() -> None:
    assert text_of("ação".encode("latin-1"), "iso-8859-1") == "ação"
    assert text_of("ação".encode("cp1252"), "windows-1252") == "ação"
    assert text_of(b"abc-", "punycode") == "abc-"
    assert text_of(b"a\x00b", None) == "a\ufffdb"


@pytest.mark.parametrize(
    "echo",
    [
        SECRET,
        json.dumps({"k": SECRET}),
        json.dumps({"k": SECRET}, ensure_ascii=False),
        json.dumps({"k": SECRET}).replace("/", "\\/"),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote_plus(SECRET).replace("%2F", "%2f").replace("%22", "%22").replace("%2B", "%2b").replace("%C3%A7", "%c3%a7")
        .replace("%3C", "%3c"),
        html.escape(SECRET),
        SECRET.encode().hex(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        "Basic " + base64.b64encode(f"ana:{SECRET}".encode()).decode(),
        "Basic " + base64.b64encode(f"maria:{SECRET}:x".encode()).decode(),
    ],
)  # fmt: skip
def test_a_secret_is_blanked_however_it_is_repeated(echo: str) -> None:
    left = scrubbed(f"before {echo} after", {"KEY": SECRET})
    assert "***" in left
    assert left.startswith("before ")
    assert left.endswith(" after")
    for form in (SECRET, "7f", quote("7f "), "N2Yg", b"7f".hex()):
        assert form not in left.replace("before", "").replace("after", ""), left


async def test_an_echo_of_basic_brings_no_secret(server: EchoServer, caller: HttpCaller) -> None:
    header = "Basic " + base64.b64encode(b"ana:s3cr3t-value").decode()
    server.plan(Reply(body=json.dumps({"authorization": header})))
    request = HttpRequest(
        url=server.url,
        basic=BasicAuth(username=[Part(text="ana")], password=[Part(secret="TOKEN")]),
        headers=[HeaderLine(name="X-Other", value=[Part(text="1")])],
    )
    result = await caller.perform(request, {"TOKEN": "s3cr3t-value"}, key="k")
    assert server.seen[0].headers["authorization"] == header
    shown = json.loads(result.text)["authorization"].removeprefix("Basic ").replace("***", "")
    assert len(shown) <= len("YW5hOnQ==")  # the name, and what of the last group is not the secret's alone
