"""The client against a loopback Graph API: what it sends, and what it says when things go wrong."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from pytake_app.channels.base import AccountCredentials, OutboundRequest, Recipient
from pytake_app.channels.content import parse_content
from pytake_app.channels.errors import MediaError, SendError, SendErrorKind, Withdrawn
from pytake_app.channels.lean.transport import LeanTransport
from pytake_app.channels.whatsapp.client import WhatsAppClient
from pytake_app.channels.whatsapp.media import may_fetch
from pytake_app.channels.whatsapp.render import render
from tests.support.graph_stub import GraphStub, Planned, error_body
from tests.support.other_side import OtherSide, Visit, answer

TOKEN = "EAAB-very-secret-token"
QUICK = httpx.Timeout(connect=1.0, read=0.3, write=1.0, pool=1.0)


def account(stub: GraphStub, **changes: Any) -> AccountCredentials:
    values = {"external_id": "106540352242922", "access_token": TOKEN, "base_url": stub.base_url, **changes}
    return AccountCredentials(**values)


def hello(to: str = "5511987650001") -> OutboundRequest:
    return render(parse_content({"type": "text", "body": "Olá"}), Recipient(external_id=to), callback_data="m-1")


async def test_sends_to_the_number_with_the_token_and_reads_the_answer(graph_stub: GraphStub) -> None:
    async with WhatsAppClient() as client:
        result = await client.send(account(graph_stub), hello("+55 11 98765-0001"))
    call = graph_stub.calls[0]
    assert call.path == "/v23.0/106540352242922/messages"
    assert call.token == TOKEN
    assert call.body == hello("+55 11 98765-0001").body
    assert call.complaints == []
    assert result.external_id == call.message_id
    assert result.recipient == "5511987650001"


async def test_what_may_not_leave_any_more_does_not(graph_stub: GraphStub) -> None:
    asked: list[bool] = []

    def may_leave(answer: bool) -> bool:
        asked.append(answer)
        return answer

    async with WhatsAppClient() as client:
        with pytest.raises(Withdrawn):
            await client.send(account(graph_stub), hello(), may_leave=lambda: may_leave(False))
        assert graph_stub.calls == []
        # The same client, and a connection that is used again.
        for n in range(3):
            result = await client.send(account(graph_stub), hello(), may_leave=lambda: may_leave(True))
            assert result.external_id == graph_stub.calls[n].message_id
            assert graph_stub.calls[n].body == hello().body
        with pytest.raises(Withdrawn):
            await client.send(account(graph_stub), hello(), may_leave=lambda: may_leave(False))
    assert (len(graph_stub.calls), asked) == (3, [False, True, True, True, False])


def one_of_aiohttp() -> httpx.AsyncBaseTransport:
    return AiohttpTransport(limits=httpx.Limits(max_connections=1))


def one_of_ours() -> httpx.AsyncBaseTransport:
    return LeanTransport(max_connections=1)


ONE_CONNECTION = pytest.mark.parametrize("one_connection", [one_of_ours, one_of_aiohttp])


@ONE_CONNECTION
async def test_the_question_comes_after_the_wait_for_a_connection(
    graph_stub: GraphStub, one_connection: Callable[[], httpx.AsyncBaseTransport]
) -> None:
    graph_stub.delay = 0.2
    transport = one_connection()
    asked: list[float] = []

    def may_leave() -> bool:
        asked.append(time.monotonic())
        return False

    began = time.monotonic()
    async with WhatsAppClient(transport=transport) as client:
        first = asyncio.create_task(client.send(account(graph_stub), hello()))
        second = asyncio.create_task(client.send(account(graph_stub), hello(), may_leave=may_leave))
        await first
        with pytest.raises(Withdrawn):
            await second
    assert len(graph_stub.calls) == len(asked) == 1
    assert asked[0] - began >= 0.2


async def test_answers_a_bsuid_and_the_accounts_own_version(graph_stub: GraphStub) -> None:
    request = render(parse_content({"type": "text", "body": "Oi"}), Recipient(bsuid="BR.10000000000000000001"))
    async with WhatsAppClient(base_url="http://127.0.0.1:9") as client:
        result = await client.send(account(graph_stub, api_version="v24.0"), request)
    assert graph_stub.calls[0].path.startswith("/v24.0/")
    assert result.recipient_bsuid == "BR.10000000000000000001"
    assert result.recipient is None


async def test_one_client_keeps_many_requests_in_flight() -> None:
    all_there = asyncio.Event()

    async def play(visit: Visit) -> None:
        await visit.request()
        if len(visit.side.bodies) == 60:
            all_there.set()
        # None is answered before the last has come.
        await all_there.wait()
        visit.say(answer(b'{"messages":[{"id":"wamid.%d"}]}' % visit.number))

    async with OtherSide(play) as side, WhatsAppClient() as client:
        where = AccountCredentials("1", TOKEN, base_url=f"http://127.0.0.1:{side.port}")
        results = await asyncio.gather(*(client.send(where, hello()) for _ in range(60)))
    assert len({result.external_id for result in results}) == 60


@pytest.mark.parametrize(
    ("status", "body", "kind", "retry_after"),
    [
        (400, error_body(131047), SendErrorKind.REENGAGEMENT, None),
        (400, error_body(130429), SendErrorKind.RATE, 1),
        (400, error_body(131056), SendErrorKind.PAIR_RATE, 6),
        (401, error_body(190), SendErrorKind.AUTH, None),
        (403, error_body(299), SendErrorKind.AUTH, None),
        (400, error_body(131026), SendErrorKind.UNDELIVERABLE, None),
        (400, error_body(100), SendErrorKind.PERMANENT, None),
        (500, error_body(131000), SendErrorKind.RETRYABLE, None),
        (503, b"<html>unavailable</html>", SendErrorKind.RETRYABLE, None),
        (504, b"", SendErrorKind.UNSURE, None),
        (404, b"\xff\xfe nonsense", SendErrorKind.PERMANENT, None),
        (400, ["a", 1, None], SendErrorKind.PERMANENT, None),
        (400, {"error": {"code": "131047", "message": None}}, SendErrorKind.REENGAGEMENT, None),
        (429, b"", SendErrorKind.RATE, 30),
    ],
)
async def test_error_answers_say_what_they_mean(
    graph_stub: GraphStub, status: int, body: Any, kind: SendErrorKind, retry_after: float | None
) -> None:
    graph_stub.plan(Planned(status=status, body=body))
    async with WhatsAppClient() as client:
        with pytest.raises(SendError) as caught:
            await client.send(account(graph_stub), hello())
    assert caught.value.kind is kind
    assert caught.value.http_status == status
    assert caught.value.retry_after == retry_after


async def test_retry_after_of_the_answer_wins(graph_stub: GraphStub) -> None:
    graph_stub.plan(Planned(status=429, body=error_body(4), headers={"Retry-After": "17"}))
    async with WhatsAppClient() as client:
        with pytest.raises(SendError) as caught:
            await client.send(account(graph_stub), hello())
    assert caught.value.retry_after == 17


async def test_an_answer_without_an_id_is_unsure(graph_stub: GraphStub) -> None:
    graph_stub.plan(Planned(body={"messages": []}), Planned(body=b"not json"), Planned(body=[1]))
    async with WhatsAppClient() as client:
        for _ in range(3):
            with pytest.raises(SendError) as caught:
                await client.send(account(graph_stub), hello())
            assert caught.value.kind is SendErrorKind.UNSURE


async def test_nobody_listening_means_it_was_not_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with WhatsAppClient() as client:
        with pytest.raises(SendError) as caught:
            await client.send(AccountCredentials("1", TOKEN, base_url=f"http://127.0.0.1:{port}"), hello())
    assert caught.value.kind is SendErrorKind.RETRYABLE
    assert caught.value.reason == "not_sent"


@pytest.mark.parametrize("drop", ["before", "after"])
async def test_a_connection_lost_after_the_request_left_is_unsure(graph_stub: GraphStub, drop: str) -> None:
    graph_stub.plan(Planned(drop=drop))
    async with WhatsAppClient() as client:
        with pytest.raises(SendError) as caught:
            await client.send(account(graph_stub), hello())
    assert caught.value.kind is SendErrorKind.UNSURE


async def test_an_answer_that_takes_too_long_is_unsure(graph_stub: GraphStub) -> None:
    graph_stub.plan(Planned(delay=5.0), Planned(), Planned(delay=5.0))
    async with WhatsAppClient(timeout=QUICK) as client:
        with pytest.raises(SendError) as by_read:
            await client.send(account(graph_stub), hello())
    async with WhatsAppClient() as client:
        # Its time shall not run out before there is a connection: then nothing would have left.
        await client.send(account(graph_stub), hello())
        client._timeouts = client._timeouts._replace(total=0.3)
        with pytest.raises(SendError) as by_total:
            await client.send(account(graph_stub), hello())
    assert by_read.value.kind is by_total.value.kind is SendErrorKind.UNSURE


@ONE_CONNECTION
async def test_waiting_for_a_free_connection_too_long_means_it_was_not_sent(
    graph_stub: GraphStub, one_connection: Callable[[], httpx.AsyncBaseTransport]
) -> None:
    graph_stub.plan(Planned(delay=1.0))
    one_only = one_connection()
    async with WhatsAppClient(
        transport=one_only, timeout=httpx.Timeout(connect=1.0, read=5.0, write=1.0, pool=0.2)
    ) as client:
        first = asyncio.create_task(client.send(account(graph_stub), hello()))
        async with asyncio.timeout(5):
            while not graph_stub.calls:
                await asyncio.sleep(0)
        with pytest.raises(SendError) as caught:
            await client.send(account(graph_stub), hello())
        assert (await first).external_id
    assert (caught.value.kind, caught.value.reason) == (SendErrorKind.RETRYABLE, "not_sent")
    assert len(graph_stub.calls) == 1


async def test_an_answer_nested_without_end_is_no_answer(graph_stub: GraphStub) -> None:
    deep = b'{"error":' + b"[" * 900 + b"]" * 900 + b"}"
    graph_stub.plan(Planned(body=deep), Planned(status=400, body=deep))
    async with WhatsAppClient() as client:
        for kind in (SendErrorKind.UNSURE, SendErrorKind.PERMANENT):
            with pytest.raises(SendError) as caught:
                await client.send(account(graph_stub), hello())
            assert caught.value.kind is kind


async def test_the_token_shows_nowhere(graph_stub: GraphStub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = error_body(190, message=f"Malformed access token {TOKEN}", details=f"token {TOKEN}")
    graph_stub.plan(Planned(status=401, body=echo), Planned(drop="after"))
    credentials = account(graph_stub)
    assert TOKEN not in repr(credentials)
    async with WhatsAppClient() as client:
        for _ in range(2):
            with pytest.raises(SendError) as caught:
                await client.send(credentials, hello())
            error: BaseException | None = caught.value
            while error is not None:
                assert TOKEN not in f"{error!s}{error!r}{vars(error)}"
                error = error.__cause__
    assert TOKEN not in caplog.text
    assert "5511987650001" not in caplog.text


async def test_marks_read_and_types(graph_stub: GraphStub) -> None:
    async with WhatsAppClient() as client:
        await client.mark_read(account(graph_stub), "wamid.A", typing=True)
        await client.mark_read(account(graph_stub), "wamid.B")
    assert graph_stub.reads == [
        {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": "wamid.A",
            "typing_indicator": {"type": "text"},
        },
        {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.B"},
    ]
    assert all(call.complaints == [] for call in graph_stub.calls)


async def test_uploads_and_downloads_the_same_bytes(graph_stub: GraphStub, tmp_path: Path) -> None:
    source = tmp_path / "foto.jpg"
    source.write_bytes(bytes(range(256)) * 3000)
    async with WhatsAppClient() as client:
        media_id = await client.upload_media(account(graph_stub), source, mime_type="image/jpeg")
        got = await client.download_media(account(graph_stub), media_id, tmp_path / "copy")
    assert graph_stub.calls[0].body == {"type": "image/jpeg", "filename": "foto.jpg", "size": 768_000}
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()
    assert got.size == 768_000
    assert got.mime_type == "image/jpeg"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "foto.jpg"]


async def test_media_over_the_limit_or_changed_on_the_way_leaves_no_file(graph_stub: GraphStub, tmp_path: Path) -> None:
    graph_stub.add_media("big", b"x" * 5000, "image/png")
    graph_stub.add_media("liar", b"x" * 5000, "image/png", announced_size=10)
    graph_stub.add_media("changed", b"x" * 500, "image/png", sha256="0" * 64)
    async with WhatsAppClient() as client:
        for media_id, reason in (("big", "too_large"), ("liar", "too_large"), ("changed", "corrupt")):
            with pytest.raises(MediaError) as caught:
                await client.download_media(account(graph_stub), media_id, tmp_path / "file", max_bytes=1000)
            assert caught.value.reason == reason
        huge = tmp_path / "huge.webp"
        huge.write_bytes(b"x" * (500 * 1024 + 1))
        with pytest.raises(MediaError):
            await client.upload_media(account(graph_stub), huge, mime_type="image/webp")
    assert [path.name for path in tmp_path.iterdir()] == ["huge.webp"]


def test_the_token_is_only_sent_to_meta() -> None:
    graph = "https://graph.facebook.com"
    assert may_fetch("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1", graph)
    assert may_fetch("http://127.0.0.1:900/stored/1", "http://127.0.0.1:900")
    for address in (
        "http://lookaside.fbsbx.com/x",
        "https://fbsbx.com.evil.example/x",
        "https://evil.example/?fbsbx.com",
        "https://notfbsbx.com/x",
        "http://127.0.0.1:901/stored/1",
        "file:///etc/passwd",
    ):
        assert not may_fetch(address, graph), address


async def test_asks_about_the_number_and_its_subscription(graph_stub: GraphStub) -> None:
    credentials = account(graph_stub, business_account_id="102290129340398")
    async with WhatsAppClient() as client:
        number = await client.verify_number(credentials)
        assert await client.subscribed(credentials)
        await client.subscribe(credentials)
        with pytest.raises(SendError):
            await client.subscribed(account(graph_stub))
    assert (number.id, number.verified_name, number.quality_rating, number.throughput_level) == (
        "106540352242922",
        "PyTake Tests",
        "GREEN",
        "STANDARD",
    )
    assert graph_stub.calls[1].path == "/v23.0/102290129340398/subscribed_apps"


async def test_an_unknown_media_id_is_a_send_error(graph_stub: GraphStub, tmp_path: Path) -> None:
    async with WhatsAppClient() as client:
        with pytest.raises(SendError) as caught:
            await client.download_media(account(graph_stub), "../etc/passwd", tmp_path / "file")
    assert caught.value.kind is SendErrorKind.PERMANENT
    assert list(tmp_path.iterdir()) == []
