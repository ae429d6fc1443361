"""The transport of message sends when a call ends early: cancelled, out of time, broken, refused; and TLS."""

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
from pathlib import Path

import httpx
import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pytake_app.channels.lean.answer import TooLong
from tests.channels.lean_support import PATIENT, SHORT, call, lean, numbers, serve, silent
from tests.support.other_side import OtherSide, Visit, answer


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return any(info[4][0] == "::1" for info in socket.getaddrinfo("localhost", 1))
    except OSError:
        return False


@pytest.fixture(params=["asyncio", "uvloop"], autouse=True)
def event_loop_policy(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoopPolicy:
    return uvloop.EventLoopPolicy() if request.param == "uvloop" else asyncio.DefaultEventLoopPolicy()


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
        first = asyncio.create_task(call(transport, side, b"first"))
        await side.until(lambda: b"first" in [body for _, body in side.bodies])
        for bound in (PATIENT._replace(pool=SHORT), PATIENT._replace(total=SHORT)):
            with pytest.raises(httpx.PoolTimeout):
                await call(transport, side, b"never", timeouts=bound)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        # It takes the connection and never greets.
        for bound in (PATIENT._replace(connect=SHORT), PATIENT._replace(total=SHORT)):
            with pytest.raises(httpx.ConnectTimeout):
                await call(transport, f"https://127.0.0.1:{side.port}", b"never", timeouts=bound)
        assert b"never" not in [body for _, body in side.bodies]
        assert transport._leased == 0
    async with OtherSide(deaf) as side, lean() as transport:
        with pytest.raises(httpx.WriteTimeout):
            await call(transport, side, b"x" * 30_000_000, timeouts=PATIENT._replace(write=SHORT))


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


async def test_names() -> None:
    async with OtherSide(serve) as side, lean() as transport:
        assert (await call(transport, f"http://localhost:{side.port}")).status == 200
        with pytest.raises(httpx.ConnectError):
            await call(transport, "http://no-such-name.invalid")


@pytest.mark.skipif(not _has_ipv6(), reason="no IPv6 on this machine")
async def test_both_families() -> None:
    async with OtherSide(serve, host="::1") as side, lean() as transport:
        assert (await call(transport, f"http://[::1]:{side.port}")).status == 200
        assert f"Host: [::1]:{side.port}".encode() in side.heads[0]
        assert (await call(transport, f"http://localhost:{side.port}")).status == 200


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


@pytest.mark.parametrize("break_off", [True, False])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-", answer(b"{}" * 9)[:-1]])
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
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await call(transport, side)
        assert (await call(transport, side)).status == 200
        assert numbers(side) == [0, 1]
