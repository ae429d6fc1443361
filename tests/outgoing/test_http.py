"""The client for calls of flows, against a loopback server."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pytake_app.core.egress import EgressGuard
from pytake_app.engine.requests import BasicAuth, HeaderLine, HttpRequest, Part
from pytake_app.outgoing.http import HttpCaller
from tests.support.echo_server import EchoServer, Reply

SECRETS = {"TOKEN": "s3cr3t-value", "QUOTED": 'a"b\\c&d'}


@pytest_asyncio.fixture
async def server() -> AsyncIterator[EchoServer]:
    async with EchoServer() as made:
        yield made


@pytest_asyncio.fixture
async def caller(server: EchoServer) -> AsyncIterator[HttpCaller]:
    made = HttpCaller(EgressGuard(f"127.0.0.1:{server.port}"), pause=0.01)
    yield made
    await made.aclose()


async def test_method_headers_secrets_and_body_arrive(server: EchoServer, caller: HttpCaller) -> None:
    request = HttpRequest(
        method="POST",
        url=f"{server.url}/orders/a b?q=1",
        headers=[HeaderLine(name="Authorization", value=[Part(text="Bearer "), Part(secret="TOKEN")])],
        body=[Part(text='{"k": "'), Part(secret="QUOTED", encode="json"), Part(text='", "n": "ção"}')],
        content_type="application/json",
    )
    result = await caller.perform(request, SECRETS, key="key-1")
    assert (result.status, result.error, result.attempts) == (200, None, 1)
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.query) == ("POST", "/orders/a b", {"q": "1"})
    assert seen.headers["authorization"] == "Bearer s3cr3t-value"
    assert seen.headers["idempotency-key"] == "key-1"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["host"] == f"127.0.0.1:{server.port}"
    assert seen.body == '{"k": "a\\"b\\\\c&d", "n": "ção"}'


async def test_basic_and_form(server: EchoServer, caller: HttpCaller) -> None:
    request = HttpRequest(
        method="PUT",
        url=server.url,
        basic=BasicAuth(username=[Part(text="ana")], password=[Part(secret="TOKEN")]),
        body=[Part(text="a="), Part(secret="QUOTED", encode="form")],
        content_type="application/x-www-form-urlencoded",
    )
    await caller.perform(request, SECRETS, key="k")
    assert server.seen[0].headers["authorization"] == "Basic YW5hOnMzY3IzdC12YWx1ZQ=="
    assert server.seen[0].body == "a=a%22b%5Cc%26d"


async def test_a_missing_secret_calls_nobody(server: EchoServer, caller: HttpCaller) -> None:
    request = HttpRequest(url=server.url, headers=[HeaderLine(name="X", value=[Part(secret="NONE")])])
    assert (await caller.perform(request, SECRETS, key="k")).error == "secret_missing"
    assert server.seen == []


async def test_an_answer_that_repeats_a_secret_is_scrubbed(server: EchoServer, caller: HttpCaller) -> None:
    server.plan(Reply(body='{"you_sent": "Bearer s3cr3t-value"}'))
    request = HttpRequest(url=server.url, headers=[HeaderLine(name="X", value=[Part(secret="TOKEN")])])
    result = await caller.perform(request, SECRETS, key="k")
    assert result.text == '{"you_sent": "Bearer ***"}'


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_busy_server_is_asked_again(server: EchoServer, caller: HttpCaller, status: int) -> None:
    server.plan(Reply(status=status), Reply(drop=True), Reply(body="[1]"))
    result = await caller.perform(HttpRequest(url=server.url, retries=2), {}, key="k")
    assert (result.status, result.text, result.attempts) == (200, "[1]", 3)


async def test_when_attempts_are_used_up_the_last_answer_stands(server: EchoServer, caller: HttpCaller) -> None:
    server.default = Reply(status=503, body="busy")
    result = await caller.perform(HttpRequest(url=server.url, retries=1), {}, key="k")
    assert (result.status, result.text, result.error, result.attempts) == (503, "busy", None, 2)


async def test_a_refusal_is_not_repeated(server: EchoServer, caller: HttpCaller) -> None:
    server.default = Reply(status=404, body="{}")
    result = await caller.perform(HttpRequest(url=server.url, retries=5), {}, key="k")
    assert (result.status, result.attempts, len(server.seen)) == (404, 1, 1)


async def test_a_silent_server_is_a_timeout_on_every_attempt(server: EchoServer, caller: HttpCaller) -> None:
    server.default = Reply(delay=5)
    result = await caller.perform(HttpRequest(url=server.url, retries=1, timeout_seconds=0.1), {}, key="k")
    assert (result.error, result.attempts, len(server.seen)) == ("timeout", 2, 2)


async def test_an_answer_over_the_limit_is_not_taken(server: EchoServer, caller: HttpCaller) -> None:
    server.default = Reply(body="x" * 2000)
    result = await caller.perform(HttpRequest(url=server.url, max_bytes=1000), {}, key="k")
    assert (result.error, result.text) == ("too_large", "")


@pytest.mark.parametrize(
    "where", ["http://127.0.0.1:1/", "http://169.254.169.254/latest/meta-data", "http://[::1]/", "file:///etc/passwd"]
)
async def test_a_redirect_to_a_private_place_is_refused(server: EchoServer, caller: HttpCaller, where: str) -> None:
    server.plan(Reply(status=302, headers={"Location": where}))
    result = await caller.perform(HttpRequest(url=server.url), {}, key="k")
    assert (result.error or "").startswith("refused_")
    assert len(server.seen) == 1


async def test_redirects_are_followed_and_counted(server: EchoServer, caller: HttpCaller) -> None:
    server.plan(Reply(status=307, headers={"Location": "/next"}), Reply(status=303, headers={"Location": "/get"}))
    request = HttpRequest(method="POST", url=server.url, body=[Part(text="x")], content_type="text/plain")
    assert (await caller.perform(request, {}, key="k")).status == 200
    assert [(s.method, s.path, s.body) for s in server.seen] == [
        ("POST", "/", "x"), ("POST", "/next", "x"), ("GET", "/get", ""),
    ]  # fmt: skip
    server.default = Reply(status=302, headers={"Location": "/again"})
    assert (await caller.perform(HttpRequest(url=server.url), {}, key="k")).error == "refused_redirects"


async def test_another_origin_gets_no_secret(server: EchoServer) -> None:
    async with EchoServer() as other:
        allowed = EgressGuard(f"127.0.0.1:{server.port} 127.0.0.1:{other.port}")
        caller = HttpCaller(allowed, pause=0.01)
        header = HeaderLine(name="X-Api-Key", value=[Part(secret="TOKEN")])
        server.plan(Reply(status=302, headers={"Location": other.url}))
        assert (await caller.perform(HttpRequest(url=server.url, headers=[header]), SECRETS, key="k")).status == 200
        assert "x-api-key" not in other.seen[0].headers
        server.plan(Reply(status=307, headers={"Location": other.url}))
        request = HttpRequest(method="POST", url=server.url, headers=[header], body=[Part(secret="TOKEN")])
        assert (await caller.perform(request, SECRETS, key="k")).error == "refused_redirect"
        assert len(other.seen) == 1
        await caller.aclose()


async def test_a_name_is_spoken_to_at_its_checked_address(server: EchoServer) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    caller = HttpCaller(EgressGuard(f"shop.example:{server.port}", resolve=resolve), pause=0.01)
    result = await caller.perform(HttpRequest(url=f"http://shop.example:{server.port}/x"), {}, key="k")
    assert result.status == 200
    assert server.seen[0].headers["host"] == f"shop.example:{server.port}"
    assert (await caller.perform(HttpRequest(url=f"http://other.example:{server.port}/x"), {}, key="k")).error == (
        "refused_private_address"
    )
    await caller.aclose()


async def test_headers_can_not_be_smuggled(server: EchoServer, caller: HttpCaller) -> None:
    value = [Part(text="a"), Part(secret="LINES")]
    request = HttpRequest(url=server.url, headers=[HeaderLine(name="X-A", value=value)])
    await caller.perform(request, {"LINES": "b\r\nX-Evil: 1"}, key="k")
    assert "x-evil" not in server.seen[0].headers
