"""The transport of message sends against servers that misbehave, on both event loops."""

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pytake_app.channels.errors import Withdrawn
from pytake_app.channels.lean.answer import Answer, TooLong
from pytake_app.channels.lean.transport import LeanTransport, Timeouts, head_of
from tests.support.other_side import OtherSide, Visit, answer

PATIENT = Timeouts(5, 5, 5, 5, 10)
SHORT = 0.05


@pytest.fixture(params=["asyncio", "uvloop"], autouse=True)
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    return uvloop.EventLoopPolicy() if request.param == "uvloop" else asyncio.DefaultEventLoopPolicy()


@asynccontextmanager
async def lean(**options: Any) -> AsyncIterator[LeanTransport]:
    """A transport that leaves no task and no connection behind."""
    before = asyncio.all_tasks()
    transport = LeanTransport(**options)
    try:
        yield transport
    finally:
        await transport.aclose()
    assert transport._open == set()
    of_the_other_side = ("_come", "_accept_connection2")
    left = [repr(task) for task in asyncio.all_tasks() - before]
    assert [one for one in left if not any(name in one for name in of_the_other_side)] == []


async def call(
    transport: LeanTransport, to: OtherSide | str, body: bytes = b"{}", timeouts: Timeouts = PATIENT, **options: Any
) -> Answer:
    url = to if isinstance(to, str) else f"http://127.0.0.1:{to.port}"
    origin, head = head_of("POST", httpx.URL(f"{url}/v1/messages?a=b"), [(b"X-Token", b"secret")])
    return await transport.exchange(origin, head, body, timeouts, **options)


async def serve(visit: Visit) -> None:
    await visit.serve()


async def silent(visit: Visit) -> None:
    await visit.request()
    await visit.reader.read()


def numbers(side: OtherSide) -> list[int]:
    """The connection of each request."""
    return [number for number, _ in side.bodies]


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
            async with asyncio.timeout(5):
                while transport._open:
                    await asyncio.sleep(0)
            assert len(side.visits) == n + 1


async def test_an_end_that_the_loop_has_not_come_to_is_seen() -> None:
    """A process that stood still finds connections that ended meanwhile."""
    taken: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"

        def answers(end: threading.Event) -> None:
            connection, _ = server.accept()
            with connection:
                taken.append(connection.recv(65536))
                connection.sendall(answer())
                end.wait(10)

        async with lean() as transport:
            for n in range(3):
                end = threading.Event()
                thread = threading.Thread(target=answers, args=(end,), daemon=True)
                thread.start()
                await call(transport, url)
                # The loop does not run between the end of the connection and the next request.
                end.set()
                thread.join(10)
                assert len(taken) == n + 1


async def test_the_most_recently_used_rests_last_and_the_others_are_closed() -> None:
    both = asyncio.Event()

    async def play(visit: Visit) -> None:
        if visit.number == 1:
            both.set()
        await visit.request()
        await both.wait()
        visit.say(answer())
        await visit.serve()

    async with OtherSide(play) as side, lean(keepalive=0.2) as transport:
        await asyncio.gather(call(transport, side), call(transport, side))
        last = numbers(side)[-1]
        async with asyncio.timeout(10):
            # Used all the time, one stays; the other's time runs out.
            while not side.over:
                await call(transport, side)
        assert set(numbers(side)[3:]) <= {0, 1}
        assert len(set(numbers(side)[2:])) == 1
        assert side.over == {0, 1} - {numbers(side)[-1]}
        assert last in {0, 1}
        await side.until(lambda: side.over == {0, 1})


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


@pytest.mark.parametrize("phase", ["turn", "connect", "answer", "body"])
async def test_a_cancelled_call_leaves_nothing_behind(phase: str) -> None:
    async def play(visit: Visit) -> None:
        if visit.number:
            await visit.serve()
        await visit.request()
        if phase == "body":
            visit.say(answer(b"{}" * 100)[:-5])
        await visit.reader.read()
        side.over.add(visit.number)

    async with OtherSide(play) as side, lean(max_connections=1) as transport:
        first = asyncio.create_task(call(transport, side))
        if phase == "connect":
            await asyncio.sleep(0)
        else:
            await side.until(lambda: len(side.bodies) == 1)
        if phase == "turn":
            second = asyncio.create_task(call(transport, side))
            third = asyncio.create_task(call(transport, side))
            while len(transport._waiting) < 2:
                await asyncio.sleep(0)
            second.cancel()
            first.cancel()
            assert (await third).status == 200
            with pytest.raises(asyncio.CancelledError):
                await second
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        if phase != "connect":
            await side.until(lambda: side.over == {0})
            # The cancelled one's connection is not used again.
            assert (await call(transport, side)).status == 200
            assert numbers(side)[1:] == [1] * (len(side.bodies) - 1)
        assert transport._leased == 0
        assert not transport._waiting


async def test_a_turn_that_comes_as_its_caller_gives_up_is_handed_on() -> None:
    go = asyncio.Event()

    async def play(visit: Visit) -> None:
        await visit.request()
        await go.wait()
        visit.say(answer())
        await visit.serve()

    async with OtherSide(play) as side, lean(max_connections=1) as transport:
        first = asyncio.create_task(call(transport, side))
        await side.until(lambda: len(side.bodies) == 1)
        second = asyncio.create_task(call(transport, side))
        third = asyncio.create_task(call(transport, side))
        while len(transport._waiting) < 2:
            await asyncio.sleep(0)
        waiter = transport._waiting[0]
        # In the same step in which its turn comes, before it can run.
        waiter.add_done_callback(lambda _: second.cancel())
        go.set()
        assert (await first).status == (await third).status == 200
        with pytest.raises(asyncio.CancelledError):
            await second
        assert transport._leased == 0


async def test_closing_ends_what_is_under_way() -> None:
    async with OtherSide(silent) as side, lean(max_connections=1) as transport:
        first = asyncio.create_task(call(transport, side))
        await side.until(lambda: len(side.bodies) == 1)
        second = asyncio.create_task(call(transport, side))
        while not transport._waiting:
            await asyncio.sleep(0)
        await asyncio.gather(transport.aclose(), transport.aclose())
        with pytest.raises(httpx.ReadError):
            await first
        with pytest.raises(httpx.ConnectError):
            await second
        with pytest.raises(httpx.ConnectError):
            await call(transport, side)
        assert len(side.bodies) == 1


async def test_each_phase_has_its_time() -> None:
    async def deaf(visit: Visit) -> None:
        visit.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async with OtherSide(silent) as side, lean(max_connections=1) as transport:
        with pytest.raises(httpx.ReadTimeout):
            await call(transport, side, timeouts=PATIENT._replace(read=SHORT))
        with pytest.raises(httpx.ReadTimeout):
            await call(transport, side, timeouts=PATIENT._replace(total=SHORT))
        first = asyncio.create_task(call(transport, side))
        await side.until(lambda: len(side.bodies) == 3)
        for bound in (PATIENT._replace(pool=SHORT), PATIENT._replace(total=SHORT)):
            with pytest.raises(httpx.PoolTimeout):
                await call(transport, side, timeouts=bound)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        # It takes the connection and never greets.
        with pytest.raises(httpx.ConnectTimeout):
            await call(transport, f"https://127.0.0.1:{side.port}", timeouts=PATIENT._replace(connect=SHORT))
        assert len(side.bodies) == 3
    async with OtherSide(deaf) as side, lean() as transport:
        with pytest.raises(httpx.WriteTimeout):
            await call(transport, side, b"x" * 30_000_000, timeouts=PATIENT._replace(write=SHORT))


async def test_time_runs_anew_with_each_progress() -> None:
    async def slow(visit: Visit) -> None:
        await visit.request()
        for byte in answer(b"{}"):
            visit.say(bytes([byte]))
            await asyncio.sleep(0.01)
        await visit.serve()

    async with OtherSide(slow) as side, lean() as transport:
        assert (await call(transport, side, timeouts=PATIENT._replace(read=0.3))).body == b"{}"
        with pytest.raises(httpx.ReadTimeout):
            await call(transport, f"http://localhost:{side.port}", timeouts=PATIENT._replace(read=0.3, total=0.1))
        # A shorter time than the one before counts, too.
        assert (await call(transport, side, timeouts=PATIENT._replace(read=0.2))).body == b"{}"


async def test_an_answer_that_lies_in_the_socket_is_read_before_time_is_called() -> None:
    """A loop that was held up finds its timers before its sockets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        held, answered, done = threading.Event(), threading.Event(), threading.Event()

        def answers() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                held.wait(10)
                connection.sendall(answer(b"late"))
                answered.set()
                done.wait(10)

        class HoldsUp(asyncio.Protocol):
            def data_received(self, _data: bytes) -> None:
                held.set()
                answered.wait(10)
                until = time.monotonic() + 2 * SHORT
                while time.monotonic() < until:
                    pass

        def may_leave() -> bool:
            # Read in the turn of the loop after the one in which the request leaves.
            outside.send(b"x")
            return True

        outside, inside = socket.socketpair()
        disturber, _ = await asyncio.get_running_loop().create_connection(HoldsUp, sock=inside)
        thread = threading.Thread(target=answers, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        async with lean() as transport:
            bound = PATIENT._replace(read=SHORT)
            assert (await call(transport, url, timeouts=bound, may_leave=may_leave)).body == b"late"
        done.set()
        disturber.abort()
        outside.close()
        thread.join(10)


async def test_too_long_an_answer_is_not_read_on() -> None:
    async def play(visit: Visit) -> None:
        await visit.request()
        visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while True:
            visit.say(b"x" * 65536)
            await visit.writer.drain()

    async with OtherSide(play) as side, lean(max_answer=100_000) as transport:
        with pytest.raises(TooLong):
            await call(transport, side)
        await side.until(lambda: side.over == {0})


async def test_an_answer_before_the_request_has_left_is_taken_and_the_connection_not() -> None:
    async def play(visit: Visit) -> None:
        if visit.number:
            await visit.serve()
        await visit.reader.readuntil(b"\r\n\r\n")
        visit.writer.transport.pause_reading()  # type: ignore[attr-defined]
        visit.say(answer(status="413 Too Large"))
        await asyncio.Event().wait()

    async with OtherSide(play) as side, lean() as transport:
        assert (await call(transport, side, b"x" * 30_000_000)).status == 413
        assert (await call(transport, side)).status == 200


async def test_names_and_both_families() -> None:
    async with OtherSide(serve) as side, lean() as transport:
        assert (await call(transport, f"http://localhost:{side.port}")).status == 200
        with pytest.raises(httpx.ConnectError):
            await call(transport, "http://no-such-name.invalid")
    if not _has_ipv6():
        pytest.skip("no IPv6 on this machine")
    async with OtherSide(serve, host="::1") as side, lean() as transport:
        assert (await call(transport, f"http://[::1]:{side.port}")).status == 200
        assert f"Host: [::1]:{side.port}".encode() in side.heads[0]
        assert (await call(transport, f"http://localhost:{side.port}")).status == 200


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return any(info[4][0] == "::1" for info in socket.getaddrinfo("localhost", 1))
    except OSError:
        return False


def certificate(directory: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server called ``name`` and of a client that believes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    file = directory / "certificate.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(file)
    server.set_alpn_protocols(["h2", "http/1.1"])
    client = ssl.create_default_context(cafile=str(file))
    client.set_alpn_protocols(["http/1.1"])
    return server, client


async def test_tls(tmp_path: Path) -> None:
    server, client = certificate(tmp_path, "localhost")
    asked_for: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: asked_for.append(name)

    async def play(visit: Visit) -> None:
        for _ in range(3):
            await visit.request()
            visit.say(answer())

    async with OtherSide(play, tls=server) as side, lean(tls=client) as transport:
        url = f"https://localhost:{side.port}"
        for _ in range(5):
            assert (await call(transport, url)).status == 200
        assert numbers(side) == [0, 0, 0, 1, 1]
        spoken = side.visits[0].writer.get_extra_info("ssl_object")
        assert spoken.selected_alpn_protocol() == "http/1.1"
        assert asked_for == ["localhost", "localhost"]
        assert (await call(transport, f"https://127.0.0.1:{side.port}")).status == 200
    async with OtherSide(play, tls=server) as side, lean() as doubtful:
        with pytest.raises(httpx.ConnectError) as caught:
            await call(doubtful, f"https://localhost:{side.port}")
        assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
        assert side.bodies == []
    wrong, client = certificate(tmp_path, "elsewhere.example")
    async with OtherSide(play, tls=wrong) as side, lean(tls=client) as transport:
        with pytest.raises(httpx.ConnectError):
            await call(transport, f"https://localhost:{side.port}")
        assert side.bodies == []


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


@pytest.mark.parametrize("break_off", [True, False])
@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\nContent-", answer(b"{}" * 9)[:-1], b"HTTP/1.1 200 OK\r\n\r\n{"]
)
async def test_a_connection_that_breaks_takes_only_its_own_call_with_it(said: bytes, break_off: bool) -> None:
    async def play(visit: Visit) -> None:
        if visit.number:
            await visit.serve()
        await visit.request()
        visit.say(said)
        await visit.writer.drain()
        if break_off:
            visit.break_off()

    async with OtherSide(play) as side, lean(max_connections=1) as transport:
        if said.endswith(b"\r\n\r\n{"):
            # Of no announced length: its end can't be told from a break.
            assert (await call(transport, side)).body == b"{"
        else:
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await call(transport, side)
        assert (await call(transport, side)).status == 200
        assert numbers(side) == [0, 1]
