"""The pool of the transport of message sends, and what it says over the wire, on both event loops."""

import asyncio
import socket
import threading

import httpx
import pytest
import uvloop

from pytake_app.channels.errors import Withdrawn
from pytake_app.channels.lean.answer import Answer
from tests.channels.lean_support import SHORT, call, lean, numbers, serve
from tests.support.other_side import OtherSide, Visit, answer


@pytest.fixture(params=["asyncio", "uvloop"], autouse=True)
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    return uvloop.EventLoopPolicy() if request.param == "uvloop" else asyncio.DefaultEventLoopPolicy()


async def test_what_goes_over_the_wire() -> None:
    async with OtherSide(serve) as side, lean() as transport:
        assert await call(transport, side, b'{"a":1}') == Answer(200, [(b"Content-Length", b"2")], b"{}")
    host = f"127.0.0.1:{side.port}".encode()
    assert side.heads == [
        b"POST /v1/messages?a=b HTTP/1.1\r\nHost: " + host + b"\r\nX-Token: secret\r\nContent-Length: 7\r\n\r\n"
    ]
    assert side.bodies == [(0, b'{"a":1}')]


@pytest.mark.parametrize(
    ("wire", "ends", "kept"),
    [
        (answer(), False, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", False, True),
        (b"HTTP/1.1 102 Processing\r\n\r\n" + answer(), False, True),
        (answer(headers="Connection: close\r\n"), False, False),
        (answer() + answer(), False, False),
        (answer() + b"garbage", False, False),
        (answer(), True, False),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", True, False),
    ],
)
async def test_a_connection_is_used_again_only_when_nothing_speaks_against_it(
    wire: bytes, ends: bool, kept: bool
) -> None:
    async def play(visit: Visit) -> None:
        while True:
            await visit.request()
            visit.say(wire)
            if ends:
                return

    async with OtherSide(play) as side, lean() as transport:
        for _ in range(3):
            assert (await call(transport, side)).body == b"{}"
            while transport._open and not kept:
                await asyncio.sleep(0)
        assert numbers(side) == ([0, 0, 0] if kept else [0, 1, 2])


async def test_what_comes_unasked_while_it_rests_is_not_the_next_answer() -> None:
    async def play(visit: Visit) -> None:
        await visit.request()
        visit.say(answer(b"1"))
        await visit.request()

    async def second(visit: Visit) -> None:
        if visit.number:
            await visit.serve(b"2")
        await play(visit)

    async with OtherSide(second) as side, lean() as transport:
        assert (await call(transport, side)).body == b"1"
        side.visits[0].say(answer(b"wrong"))
        await side.until(lambda: side.over == {0})
        assert (await call(transport, side)).body == b"2"


async def test_an_end_seen_while_it_rests_costs_no_message() -> None:
    async def play(visit: Visit) -> None:
        await visit.request()
        visit.say(answer())

    async with OtherSide(play) as side, lean() as transport:
        for n in range(4):
            await call(transport, side)
            async with asyncio.timeout(60):
                while transport._open:
                    await asyncio.sleep(0)
            assert len(side.visits) == n + 1


async def test_an_end_that_the_loop_has_not_come_to_is_seen() -> None:
    """A process that stood still finds connections that ended meanwhile."""
    taken: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"

        def answers(end: threading.Event) -> None:
            connection, _ = server.accept()
            with connection:
                taken.append(connection.recv(65536))
                connection.sendall(answer())
                end.wait(60)

        async with lean() as transport:
            for n in range(3):
                end = threading.Event()
                thread = threading.Thread(target=answers, args=(end,), daemon=True)
                thread.start()
                await call(transport, url)
                # The loop does not run between the end of the connection and the next request.
                end.set()
                thread.join(60)
                assert len(taken) == n + 1


async def test_the_most_recently_used_goes_first_and_none_rests_for_ever() -> None:
    both = asyncio.Event()

    async def play(visit: Visit) -> None:
        if visit.number == 1:
            both.set()
        if visit.number < 2:
            await visit.request()
            await both.wait()
            visit.say(answer())
        await visit.serve()

    async with OtherSide(play) as side, lean(keepalive=3600) as transport:
        await asyncio.gather(call(transport, side), call(transport, side))
        for _ in range(5):
            await call(transport, side)
        assert len(set(numbers(side)[2:])) == 1
        # Over its time it isn't used, whether or not it was swept away yet.
        transport._keepalive = 0.0
        await call(transport, side)
        assert numbers(side)[-1] == 2
        await side.until(lambda: side.over >= {0, 1})
    async with OtherSide(serve) as side, lean(keepalive=SHORT) as transport:
        await asyncio.gather(call(transport, side), call(transport, side))
        await side.until(lambda: len(side.over) == len(side.visits))
        assert transport._resting == {}
        assert transport._sweeper is None


async def test_two_hundred_at_once_over_ten_connections_in_turn() -> None:
    async with OtherSide(serve) as side, lean(max_connections=10) as transport:
        bodies = [b"%d" % n for n in range(200)]
        answers = await asyncio.gather(*(call(transport, side, body) for body in bodies))
        assert all(one.status == 200 for one in answers)
        assert len(side.visits) == 10
        came = [int(body) for _, body in side.bodies]
        assert sorted(came) == list(range(200))
        # None is overtaken by more than those that are under way with it.
        assert all(abs(place - number) < 20 for place, number in enumerate(came))
        assert transport._leased == 0


async def test_a_resting_connection_of_another_host_makes_room() -> None:
    async with OtherSide(serve) as one, OtherSide(serve) as two, lean(max_connections=1) as transport:
        await call(transport, one)
        await call(transport, two)
        await one.until(lambda: one.over == {0})
        assert len(transport._open) == 1


async def test_what_may_not_leave_leaves_its_connection_as_it_was() -> None:
    def broken() -> bool:
        raise RuntimeError("asked and failed")

    async with OtherSide(serve) as side, lean(max_connections=1) as transport:
        with pytest.raises(Withdrawn):
            await call(transport, side, b"no", may_leave=lambda: False)
        await call(transport, side, b"yes", may_leave=lambda: True)
        with pytest.raises(Withdrawn):
            await call(transport, side, b"no", may_leave=lambda: False)
        with pytest.raises(RuntimeError):
            await call(transport, side, b"no", may_leave=broken)
        await call(transport, side, b"yes")
        assert side.bodies == [(0, b"yes"), (0, b"yes")]


async def test_the_question_is_asked_when_there_is_a_connection() -> None:
    go = asyncio.Event()
    asked: list[bool] = []

    async def play(visit: Visit) -> None:
        await visit.request()
        await go.wait()
        visit.say(answer())
        await visit.serve()

    def may_leave() -> bool:
        asked.append(go.is_set())
        return False

    async with OtherSide(play) as side, lean(max_connections=1) as transport:
        first = asyncio.create_task(call(transport, side))
        await side.until(lambda: len(side.bodies) == 1)
        second = asyncio.create_task(call(transport, side, may_leave=may_leave))
        await asyncio.sleep(0)
        assert asked == []
        go.set()
        await first
        with pytest.raises(Withdrawn):
            await second
        assert asked == [True]
        assert len(side.bodies) == 1


async def test_it_holds_the_interface_of_httpx() -> None:
    async with OtherSide(serve) as side, lean() as transport:
        client = httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{side.port}")
        reply = await client.post("/x", json={"a": 1}, params={"q": "1 2"})
        assert (reply.status_code, reply.json(), reply.http_version) == (200, {}, "HTTP/1.1")
        assert side.bodies == [(0, b'{"a":1}')]
        assert side.heads[0].startswith(b"POST /x?q=1+2 HTTP/1.1\r\n")
        assert side.heads[0].lower().count(b"host:") == side.heads[0].lower().count(b"content-length:") == 1
        with pytest.raises(Withdrawn):
            await client.get("/x", extensions={"may_leave": lambda: False})
        with pytest.raises(httpx.LocalProtocolError):
            await client.get("/x", headers={"X-A": "1\r\nX-B: 2"})
        for refused in (client.head("/x"), client.get("ftp://127.0.0.1/x")):
            with pytest.raises(httpx.UnsupportedProtocol):
                await refused
        assert (await client.get("/x", timeout=None)).status_code == 200
        assert numbers(side) == [0, 0]
