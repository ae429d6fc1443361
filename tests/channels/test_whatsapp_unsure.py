"""Nobody gets a message twice: what the client says of a send when the other side ends in each phase of it.

Only what certainly did not leave may be tried again (``retryable``, ``not_sent``); all else is ``unsure``.
"""

import asyncio
import socket
import ssl

import httpx
import pytest
import uvloop

from pytake_app.channels.base import AccountCredentials, OutboundRequest, Recipient
from pytake_app.channels.content import parse_content
from pytake_app.channels.errors import SendError, SendErrorKind
from pytake_app.channels.whatsapp.client import WhatsAppClient
from pytake_app.channels.whatsapp.render import render
from tests.support.other_side import OtherSide, Visit, answer

TOKEN = "EAAB-very-secret-token"
SENT = b'{"messages":[{"id":"wamid.A"}]}'
QUICK = httpx.Timeout(connect=0.2, read=0.2, write=0.2, pool=0.2)
NOT_SENT = (SendErrorKind.RETRYABLE, "not_sent")
UNSURE = (SendErrorKind.UNSURE, "unsure")
NO_ANSWER = (SendErrorKind.UNSURE, "bad_answer")


@pytest.fixture(params=["asyncio", "uvloop"], autouse=True)
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    return uvloop.EventLoopPolicy() if request.param == "uvloop" else asyncio.DefaultEventLoopPolicy()


def hello() -> OutboundRequest:
    return render(parse_content({"type": "text", "body": "Olá"}), Recipient(external_id="5511987650001"))


def to(where: OtherSide | int, scheme: str = "http", token: str = TOKEN) -> AccountCredentials:
    port = where if isinstance(where, int) else where.port
    return AccountCredentials("106540352242922", token, base_url=f"{scheme}://127.0.0.1:{port}")


async def failure(client: WhatsAppClient, account: AccountCredentials) -> tuple[SendErrorKind, str]:
    with pytest.raises(SendError) as caught:
        await client.send(account, hello())
    assert caught.value.__cause__ is caught.value.__context__ is None
    return caught.value.kind, caught.value.reason


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("rested", [False, True])
@pytest.mark.parametrize(
    ("said", "what"),
    [
        (b"", UNSURE),
        (b"HTT", UNSURE),
        (b"HTTP/1.1 200 OK\r\nContent-Le", UNSURE),
        (answer(SENT)[:-1], UNSURE),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", UNSURE),
        (b"HTTP/1.1 100 Continue\r\n\r\n", UNSURE),
        (b"nonsense\r\n\r\n", UNSURE),
        (b"HTTP/1.1 200 OK\r\n\r\n" + SENT[:-1], NO_ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b"x" * (1024 * 1024 + 1), NO_ANSWER),
        (answer(SENT, headers="Content-Encoding: gzip\r\n"), UNSURE),
    ],
)
async def test_once_the_request_left_it_is_unsure(
    said: bytes, what: tuple[SendErrorKind, str], rested: bool, end: str
) -> None:
    async def play(visit: Visit) -> None:
        if rested:
            await visit.request()
            visit.say(answer(SENT))
        await visit.request()
        visit.say(said)
        await visit.writer.drain()
        if end == "reset":
            # What was said goes out before.
            sock = visit.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            visit.break_off()

    async with OtherSide(play) as side, WhatsAppClient() as client:
        if rested:
            await client.send(to(side), hello())
        happened = await failure(client, to(side))
        # A reset may overtake what was said before it.
        assert happened == what or (end == "reset" and happened == UNSURE)
        assert len(side.bodies) == 1 + rested


async def test_a_half_read_request_is_unsure() -> None:
    async def play(visit: Visit) -> None:
        await visit.reader.readuntil(b"\r\n")
        visit.break_off()

    async with OtherSide(play) as side, WhatsAppClient() as client:
        assert await failure(client, to(side)) == UNSURE


async def test_no_answer_in_time_is_unsure() -> None:
    async def play(visit: Visit) -> None:
        await visit.request()
        await visit.reader.read()

    async def then_silent(visit: Visit) -> None:
        await visit.request()
        visit.say(answer(SENT))
        await play(visit)

    async with OtherSide(play) as side:
        async with WhatsAppClient(timeout=httpx.Timeout(10, read=0.1)) as client:
            assert await failure(client, to(side)) == UNSURE
        assert len(side.bodies) == 1
    async with OtherSide(then_silent) as side, WhatsAppClient() as client:
        await client.send(to(side), hello())
        # Of the whole of a send, with a connection that stands.
        client._timeouts = client._timeouts._replace(total=0.1)
        assert await failure(client, to(side)) == UNSURE


async def test_without_a_connection_nothing_left() -> None:
    async def mute(visit: Visit) -> None:
        await visit.reader.read()

    async def rude(visit: Visit) -> None:
        await visit.reader.read(10)
        visit.break_off()

    async with WhatsAppClient(timeout=QUICK) as client:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            assert await failure(client, to(taken.getsockname()[1])) == NOT_SENT
        for play in (mute, rude):
            async with OtherSide(play) as side:
                assert await failure(client, to(side, "https")) == NOT_SENT
        no_name = AccountCredentials("1", TOKEN, base_url="http://no-such-name.invalid")
        assert await failure(client, no_name) == NOT_SENT
        assert await failure(client, AccountCredentials("1", TOKEN, base_url="ftp://127.0.0.1")) == NOT_SENT
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        async with OtherSide(mute, tls=context) as side:
            # A server without a certificate: no common cipher.
            assert await failure(client, to(side, "https")) == NOT_SENT


async def test_a_connection_that_ended_while_it_rested_costs_nothing() -> None:
    async def play(visit: Visit) -> None:
        await visit.request()
        visit.say(answer(SENT))

    async with OtherSide(play) as side, WhatsAppClient() as client:
        for n in range(6):
            assert (await client.send(to(side), hello())).external_id == "wamid.A"
            lean = client._lean
            assert lean is not None
            async with asyncio.timeout(60):
                while lean._open:
                    await asyncio.sleep(0)
            assert len(side.bodies) == n + 1


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "a\nb", "a\0b", "tokén"])
async def test_a_token_that_is_no_header_never_leaves(token: str) -> None:
    async def play(visit: Visit) -> None:
        await visit.serve(SENT)

    async with OtherSide(play) as side, WhatsAppClient() as client:
        assert await failure(client, to(side, token=token)) == (SendErrorKind.PERMANENT, "invalid_parameter")
        assert side.visits == []
        await client.send(to(side), hello())
        assert f"authorization: bearer {TOKEN}\r\n".encode() in side.heads[0].lower() or TOKEN.encode() in side.heads[0]
