"""Before a body is read: who sends it, how large it is, whom the request is addressed to, and its outer shape."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, MutableMapping
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import Request as StarletteRequest
from starlette.websockets import WebSocketDisconnect

from pytake_app.api import guards
from pytake_app.api.app import create_app
from pytake_app.api.rates import UPLOAD_PATHS
from pytake_app.api.services import Services, build_services
from pytake_app.config import Settings
from pytake_app.core.db import Database
from pytake_app.core.errors import UnavailableError
from pytake_app.embedded.up import web_command
from pytake_app.ui import serving
from tests.api.fixtures import HOST, PASSWORD, Caller

UPLOADS = [
    "/api/v1/media",
    "/api/v1/flow-archive",
    "/api/v1/conversations/00000000-0000-4000-8000-000000000000/uploads",
    "/api/v1/sandbox/00000000-0000-4000-8000-000000000000/media",
    "/sandbox/graph/v23.0/15550001/media",
]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of requests whose form was parsed."""
    paths: list[str] = []
    real = StarletteRequest._get_form

    async def watched(self: StarletteRequest, **limits: Any) -> Any:
        paths.append(self.url.path)
        return await real(self, **limits)

    monkeypatch.setattr(StarletteRequest, "_get_form", watched)
    return paths


def send(client: TestClient, path: str, **kwargs: Any) -> httpx.Response:
    return client.post(path, files={"file": ("a.txt", b"hello", "text/plain")}, **kwargs)


# -- who sends a file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", UPLOADS)
def test_nobodys_file_is_not_parsed(client: TestClient, parsed: list[str], path: str) -> None:
    wrong: list[dict[str, Any]] = [
        {},
        {"headers": {"Authorization": "Bearer wrong"}},
        {"cookies": {"pytake_session": "wrong"}, "headers": {"X-PyTake-CSRF": "1", "Origin": HOST}},
    ]
    for credentials in wrong:
        answer = send(TestClient(client.app, base_url=HOST), path, **credentials)
        assert answer.status_code in (401, 400), answer.text  # Graph's own refusals are 400 or 401
    assert parsed == []


def test_every_route_that_takes_a_file_is_known(client: TestClient) -> None:
    """A new one stands in `rates.UPLOAD_PATHS`, or its form would be parsed before anybody is asked."""
    document = client.get("/openapi.json").json()
    taking = {
        re.sub(r"\{\w+\}", "00000000-0000-4000-8000-000000000000", path)
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if "multipart/form-data" in operation.get("requestBody", {}).get("content", {})
    }
    assert len(taking) >= 5
    assert {path for path in taking if not UPLOAD_PATHS.match(path)} == set()


def test_a_cookies_file_needs_our_own_page(client: TestClient, caller: Caller, parsed: list[str]) -> None:
    own = {"Origin": HOST, "Sec-Fetch-Site": "same-origin"}
    form = {"email": caller.email, "password": PASSWORD}
    client.post("/auth/web/login", data=form, headers=own)
    parsed.clear()
    assert send(client, "/api/v1/media", headers={"Origin": "https://evil.example"}).status_code == 403
    assert send(client, "/api/v1/media", headers=own).status_code == 403  # no header of ours
    assert parsed == []
    assert send(client, "/api/v1/media", headers={**own, "X-PyTake-CSRF": "1"}).status_code == 201
    assert parsed == ["/api/v1/media"]


def test_a_viewers_file_is_not_parsed(caller: Caller, services: Services, parsed: list[str]) -> None:
    with services.database.auth() as session:
        session.execute(sa.text("UPDATE users SET role = 'viewer' WHERE id = :id"), {"id": caller.user_id})
    assert send(caller.client, "/api/v1/media", headers=caller.headers).status_code == 403
    assert parsed == []


def test_a_file_is_sent_once_it_may_be_and_is_asked_about_once(
    caller: Caller, services: Services, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = services.accounts.resolve_bearer
    monkeypatch.setattr(services.accounts, "resolve_bearer", lambda *given: asked.append(1) or real(*given))
    assert send(caller.client, "/api/v1/media", headers=caller.headers).status_code == 201
    assert (len(parsed), len(asked)) == (1, 1)


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/api/v1/flow-archive", guards.ARCHIVE_LIMIT + 200_000, 413),
        ("/api/v1/media", 101 * 1024 * 1024, 413),
        ("/api/v1/contacts", guards.BODY_LIMIT + 1, 413),
    ],
)
def test_what_is_announced_too_large_is_not_received(caller: Caller, path: str, size: int, status: int) -> None:
    async def ask() -> int:
        asked: list[MutableMapping[str, Any]] = []
        bearer = caller.headers["Authorization"].encode()
        headers = [(b"content-length", str(size).encode()), (b"authorization", bearer)]
        scope = {
            "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": [(b"host", b"testserver"), *headers], "client": ("127.0.0.1", 1), "scheme": "http",
            "server": ("testserver", 80), "http_version": "1.1", "app": caller.client.app, "state": {},
        }  # fmt: skip

        async def receive() -> MutableMapping[str, Any]:
            raise AssertionError("the body was read")

        async def answer(message: MutableMapping[str, Any]) -> None:
            asked.append(message)

        await caller.client.app(scope, receive, answer)  # type: ignore[arg-type]
        return int(asked[0]["status"])

    assert asyncio.run(ask()) == status


def test_strangers_send_small_bodies_only(client: TestClient) -> None:
    assert client.post("/api/v1/auth/login", content=b" " * 70_000).status_code == 413
    assert client.post("/api/v1/contacts", content=b" " * 70_000).status_code == 413
    assert client.post("/hooks/nobody", json={"a": "x" * 70_000}).status_code == 404


def test_a_large_document_is_parsed_for_its_sender_only(client: TestClient, caller: Caller) -> None:
    large = b'{"name": "' + b"x" * 100_000 + b'"}'
    wrong = client.post("/api/v1/flows", content=large, headers={"Authorization": "Bearer wrong"})
    assert wrong.status_code == 401
    assert caller.post("/api/v1/flows", content=large).status_code == 422

    def chunks() -> Any:
        yield b"{"
        raise AssertionError("the body was read")

    assert client.post("/api/v1/flows", content=chunks(), headers={"Authorization": "Bearer x"}).status_code == 401


# -- shape ------------------------------------------------------------------------------------------------------------


def test_endless_addresses_headers_and_queries_are_refused(client: TestClient, caller: Caller) -> None:
    assert caller.get("/api/v1/contacts", params={"q": "x" * 20_000}).status_code == 414
    assert caller.get("/api/v1/contacts?" + "&".join(["a=1"] * 500)).status_code == 400
    assert caller.get("/api/v1/contacts", headers={"X-Long": "x" * 40_000}).status_code == 431
    assert caller.get("/api/v1/contacts", headers={f"X-{n}": "1" for n in range(150)}).status_code == 431
    refused = caller.get("/health", headers={"X-Long": "x" * 40_000})
    assert refused.json()["code"] == "headers_too_large"
    assert refused.headers["x-content-type-options"] == "nosniff"


def test_packed_bodies_are_not_unpacked(caller: Caller) -> None:
    answer = caller.post("/api/v1/contacts", content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


@pytest.mark.parametrize("depth", [900, 20_000, 1_000_000])
@pytest.mark.parametrize("path", ["/api/v1/flows/import", "/api/v1/flow-tools/expression", "/api/v1/contacts"])
def test_deep_documents_are_a_refusal_not_an_error(caller: Caller, path: str, depth: int) -> None:
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    answer = caller.post(path, content=deep, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 413, 422), answer.text


def test_the_server_waits_ten_seconds_for_headers() -> None:
    command = web_command(Settings(_env_file=None))  # type: ignore[call-arg]
    assert int(command[command.index("--http1-header-read-timeout") + 1]) <= 10_000
    assert int(command[command.index("--http1-buffer-size") + 1]) <= 65_536


# -- whom it is addressed to ------------------------------------------------------------------------------------------


@pytest.fixture
def named(services: Services) -> FastAPI:
    """An installation that knows its names."""
    known = {"allowed_hosts": ["chat.example.com", "*.shops.example"], "public_url": "https://pytake.example.com"}
    settings = services.settings.model_copy(update=known)
    return create_app(settings, services=build_services(settings, database=services.database))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("chat.example.com", 200),
        ("CHAT.example.com:8443", 200),
        ("pytake.example.com", 200),
        ("a.shops.example", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("shops.example", 421),
        ("evil.example", 421),
        ("chat.example.com.evil.example", 421),
        ("evilshops.example", 421),
        ("chat.example.com@evil.example", 421),
        ("", 421),
    ],
)
def test_only_our_own_names_are_answered(named: FastAPI, host: str, status: int) -> None:
    answer = TestClient(named, base_url=HOST).get("/health", headers={"Host": host})
    assert answer.status_code == status


def test_a_socket_for_another_name_is_refused(named: FastAPI) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        TestClient(named).websocket_connect("/api/v1/ws", headers={"Host": "evil.example"}),
    ):
        pass
    assert closed.value.code == 1008


def test_without_settings_any_name_is_answered(client: TestClient) -> None:
    assert client.get("/health", headers={"Host": "somewhere.example"}).status_code == 200


# -- other origins ----------------------------------------------------------------------------------------------------


def test_cors_answers_exact_origins_without_credentials(services: Services) -> None:
    settings = services.settings.model_copy(update={"cors_allowed_origins": ["https://app.example"]})
    client = TestClient(create_app(settings, services=build_services(settings, database=services.database)))
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    own = client.options("/api/v1/contacts", headers={"Origin": "https://app.example", **asked})
    assert own.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-credentials" not in own.headers
    assert "origin" in own.headers["vary"].lower()
    for origin in ("https://app.example.evil.example", "http://app.example", "null", "https://APP.example"):
        answer = client.options("/api/v1/contacts", headers={"Origin": origin, **asked})
        assert "access-control-allow-origin" not in answer.headers, origin
    header = {**asked, "Access-Control-Request-Headers": "x-pytake-csrf"}
    # The header that proves our own pages can't be sent by another origin's.
    assert client.options("/api/v1/contacts", headers={"Origin": "https://app.example", **header}).status_code == 400


@pytest.mark.parametrize(
    "wrong", ["*", "https://*.example", "app.example", "https://app.example/", "null", "https://a/b"]
)
def test_cors_takes_exact_origins_only(wrong: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        Settings(_env_file=None, cors_allowed_origins=[wrong])  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("origin", "site", "public_url", "foreign"),
    [
        ("http://testserver", "same-origin", "", False),
        ("", "", "", False),  # no browser
        ("https://evil.example", "", "", True),
        ("https://evil.example", "cross-site", "", True),
        ("", "cross-site", "", True),
        ("http://testserver", "same-site", "", True),
        ("null", "", "", True),
        ("https://pytake.example", "", "https://pytake.example", False),
        ("https://pytake.example.evil", "", "https://pytake.example", True),
    ],
)
def test_origins_of_the_pages_socket(origin: str, site: str, public_url: str, *, foreign: bool) -> None:
    given = ((b"origin", origin), (b"sec-fetch-site", site), (b"host", "testserver"))
    headers = [(name, value.encode()) for name, value in given if value]
    assert serving.foreign_origin({"headers": headers}, public_url) is foreign


def test_a_socket_by_cookie_needs_our_own_origin(client: TestClient, caller: Caller) -> None:
    own = {"Origin": HOST, "Sec-Fetch-Site": "same-origin"}
    client.post("/auth/web/login", data={"email": caller.email, "password": PASSWORD}, headers=own)
    with client.websocket_connect("/api/v1/ws", headers={"Origin": HOST}) as socket:
        assert socket.receive_json()["type"] == "connected"
    with client.websocket_connect("/api/v1/ws", headers={"Origin": "https://evil.example"}) as socket:
        socket.send_json({"type": "auth", "token": ""})
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


# -- sockets ----------------------------------------------------------------------------------------------------------


async def _drain(messages: list[MutableMapping[str, Any]]) -> tuple[int, list[MutableMapping[str, Any]]]:
    sent: list[MutableMapping[str, Any]] = []

    async def stream() -> AsyncIterator[MutableMapping[str, Any]]:
        for message in messages:
            yield message

    source = stream()

    async def tell(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    receive = serving.within_socket_limits(lambda: anext(source), tell)  # type: ignore[arg-type,return-value]
    count = 0
    for _ in messages:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            break
        count += 1
    return count, sent


async def test_a_socket_that_talks_without_end_is_closed() -> None:
    count, sent = await _drain([{"type": "websocket.receive", "text": "x"}] * (serving.SOCKET_BURST + 300))
    assert serving.SOCKET_BURST <= count < serving.SOCKET_BURST + 200
    assert sent[0]["code"] == 1008


@pytest.mark.parametrize("part", ["text", "bytes"])
async def test_a_socket_with_a_huge_message_is_closed(part: str) -> None:
    huge = "x" * (serving.SOCKET_MESSAGE_LIMIT + 1)
    message = {"type": "websocket.receive", part: huge if part == "text" else huge.encode()}
    count, sent = await _drain([{"type": "websocket.connect"}, message])
    assert (count, sent[0]["code"]) == (1, 1009)


# -- time -------------------------------------------------------------------------------------------------------------


def test_a_statement_of_a_request_is_given_up(settings: Settings) -> None:
    database = Database(settings)
    database.statement_seconds = 0.2
    try:
        for role in (database.auth, lambda: database.tenant(uuid4())):
            with pytest.raises(UnavailableError), role() as session:
                session.execute(sa.text("SELECT pg_sleep(20)"))
        with database.system() as session:  # the pipeline has limits of its own
            assert session.execute(sa.text("SHOW statement_timeout")).scalar_one() == "0"
    finally:
        database.dispose()


def test_the_api_gives_statements_their_time(app: FastAPI, services: Services) -> None:
    assert services.database.statement_seconds == services.settings.statement_seconds
