"""Whole journeys with marked secrets, phones, e-mails and texts: none of them is where operators and strangers look."""

from __future__ import annotations

import asyncio
import io
import logging
import re
import zlib
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import redis
import structlog
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pytake_app.api.app import create_app
from pytake_app.api.services import Services
from pytake_app.channels.whatsapp.signature import sign
from pytake_app.config import Settings
from pytake_app.core import tracing
from pytake_app.core.clock import FrozenClock
from pytake_app.core.logging import configure_logging
from pytake_app.jobs.enqueue import poke_lanes
from tests.api.fixtures import HOST, PASSWORD, Caller, NewCaller
from tests.support.graph_stub import GraphStub, Planned, error_body
from tests.support.pipeline import APP_SECRET, ECHO, Pipeline, add_flow

PHONE = "5511955554321"
MARKS = {
    "phone": PHONE,
    "e-mail": "marked.person@private.example",
    "password": "marked-passphrase-tapir-71",
    "message": "markedmessagetapir",
    "contact's name": "Markedname Tapirova",
    "secret": "markedsecretvalue0815",
    "token": "EAAMarkedAccessToken0815",
    "app secret": "markedappsecret0815",
    "file": "marked-file-tapir.txt",
}
LEAKS = re.compile("|".join(re.escape(mark) for mark in MARKS.values()), re.IGNORECASE)
INSIDES = re.compile(r"Traceback|File \"|sqlalchemy|psycopg|pytake_app[./]|line \d+, in ", re.IGNORECASE)


def leaks(text: str) -> list[str]:
    return sorted(set(LEAKS.findall(text)))


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, at the finest level, as in a server."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    kept = structlog.get_config()
    stream = io.StringIO()
    configure_logging("DEBUG", json_lines=True)
    structlog.configure(cache_logger_on_first_use=False)  # or loggers would go on writing here after the test
    # Loggers that were used before keep what they were made with.
    for handler in root.handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(stream)
    for client in ("httpx", "httpx2", "httpcore"):  # the test's own client
        logging.getLogger(client).setLevel(logging.WARNING)
    yield stream
    structlog.configure(**kept)
    root.handlers[:] = before
    root.setLevel(level)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    yield exporter
    tracing.stop()


def everything_in(client: redis.Redis) -> str:
    """Every key of Redis with its value: jobs, counters, pokes, presence."""
    found: list[Any] = []
    for key in client.scan_iter(count=500):
        kind = client.type(key)
        kind = kind.decode() if isinstance(kind, bytes) else kind
        value: Any = {
            "string": lambda key=key: client.get(key),
            "hash": lambda key=key: client.hgetall(key),
            "list": lambda key=key: client.lrange(key, 0, -1),
            "set": lambda key=key: client.smembers(key),
            "zset": lambda key=key: client.zrange(key, 0, -1),
            "stream": lambda key=key: client.xrange(key),
        }[kind]()
        found.append((key, value))
    return repr(found)


def test_jobs_are_data_that_runs_nothing_when_it_is_read(settings: Settings, redis_client: redis.Redis) -> None:
    assert poke_lanes(redis_client, settings, (1,))
    (key,) = redis_client.scan_iter("rq:job:*")
    data: Any = redis_client.hget(key, "data")
    function, _, arguments, _ = orjson.loads(zlib.decompress(data))
    assert function.startswith("pytake_app.")
    assert all(isinstance(one, int) for one in arguments)


def test_the_reader_sees_marks() -> None:
    assert leaks(f"x {PHONE} y MARKEDMESSAGETAPIR") == sorted([PHONE, "MARKEDMESSAGETAPIR"])


async def test_a_conversation_leaves_no_texts_or_numbers_behind(
    services: Services,
    graph_stub: GraphStub,
    frozen_clock: FrozenClock,
    redis_client: redis.Redis,
    log: io.StringIO,
    spans: InMemorySpanExporter,
) -> None:
    pipeline = Pipeline.make(services, graph_stub.base_url)
    add_flow(services.database, pipeline.tenant.organization_id, ECHO)
    settings = services.settings.model_copy(update={"trace_sample_ratio": 1.0})
    tracing.start(settings, "test", exporter=spans)
    phone, path = pipeline.phone(PHONE, MARKS["contact's name"]), f"/webhook/whatsapp/{pipeline.tenant.account.id}"

    def deliver() -> list[int]:
        client = TestClient(create_app(services=services), base_url=HOST, raise_server_exceptions=False)
        body = orjson.dumps(phone.text(MARKS["message"], at=frozen_clock.now()))
        good = client.post(path, content=body, headers={"X-Hub-Signature-256": sign(body, APP_SECRET)})
        forged = client.post(path, content=body, headers={"X-Hub-Signature-256": "sha256=" + "0" * 64})
        broken = client.post(path, content=body[:-5], headers={"X-Hub-Signature-256": sign(body[:-5], APP_SECRET)})
        return [good.status_code, forged.status_code, broken.status_code]

    assert (await asyncio.to_thread(deliver))[:2] == [200, 401]
    jobs = everything_in(redis_client)
    graph_stub.plan(
        Planned(400, error_body(131026, f"({MARKS['message']}) to {PHONE}", details=f"{PHONE} is not on WhatsApp"))
    )
    await asyncio.to_thread(pipeline.drain)
    await pipeline.send()
    assert pipeline.scalar("SELECT count(*) FROM messages") == 2
    tracing.stop()
    kept = jobs + everything_in(redis_client)
    assert leaks(kept) == [], [line for line in kept.split("(b'") if leaks(line)][:3]
    assert leaks(log.getvalue()) == []
    assert len(log.getvalue()) > 100
    told = spans.get_finished_spans()
    assert len(told) >= 3
    assert leaks(" ".join(span.to_json() for span in told)) == []


def test_accounts_secrets_and_refusals_tell_nothing(
    app: FastAPI,
    client: TestClient,
    register: NewCaller,
    redis_client: redis.Redis,
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ana: Caller = register(email=MARKS["e-mail"])
    answers: list[Any] = []

    def ask(method: str, where: str, **kwargs: Any) -> Any:
        answer = ana.request(method, where, **kwargs)
        answers.append(answer)
        return answer

    wrong = {"email": MARKS["e-mail"], "password": MARKS["password"]}
    answers.append(client.post("/api/v1/auth/login", json=wrong))
    answers.append(client.post("/api/v1/auth/login", json={**wrong, "password": PASSWORD, "extra": MARKS["password"]}))
    answers.append(client.post("/auth/web/login", data={"email": "x", "password": MARKS["password"]}))
    answers.append(client.post("/api/v1/auth/refresh", json={"refresh_token": MARKS["token"]}))
    answers.append(client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {MARKS['token']}"}))
    answers.append(client.get("/api/v1/auth/me", cookies={"pytake_session": MARKS["secret"]}))
    answers.append(client.post(f"/hooks/{MARKS['secret']}", json={"phone": PHONE}))
    answers.append(client.get(f"/api/v1/media-links/{MARKS['secret']}"))
    assert ask("POST", "/api/v1/secrets", json={"name": "TOKEN", "value": MARKS["secret"]}).status_code == 201
    ask("POST", "/api/v1/secrets", json={"name": "not a name!", "value": MARKS["secret"]})
    account = {
        "name": "Loja", "phone_number_id": "109000000000001", "access_token": MARKS["token"],
        "app_secret": MARKS["app secret"],
    }  # fmt: skip
    ask("POST", "/api/v1/whatsapp/numbers", json=account)
    ask("POST", "/api/v1/whatsapp/numbers", json={**account, "nonsense": MARKS["token"]})
    ask("GET", "/api/v1/whatsapp/numbers")
    ask("POST", "/api/v1/media", files={"file": (MARKS["file"], b"MZ\x00\x90", "text/plain")})
    ask("POST", "/api/v1/contacts", content=b'{"phone": "' + PHONE.encode() + b'"')
    # A bug in the middle of a request that carries all of it.
    from pytake_app.contacts import api as contacts_api

    def burst(*_args: Any, **_kwargs: Any) -> Any:
        held = {"phone": PHONE, "token": MARKS["token"]}
        raise RuntimeError(f"failed with {held} and password={MARKS['password']} of {MARKS['e-mail']}")

    monkeypatch.setattr(contacts_api.service, "create_contact", burst)
    created = ask("POST", "/api/v1/contacts", json={"phone": PHONE, "name": MARKS["contact's name"]})
    assert created.status_code == 500, created.text
    metrics = client.get("/metrics").text

    assert leaks(log.getvalue()) == []
    assert "RuntimeError" in log.getvalue()  # it is told to operators, without what it held
    assert leaks(metrics) == []
    assert leaks(everything_in(redis_client)) == []
    for answer in answers:
        own = {MARKS["e-mail"]} if "/auth/web/" in str(answer.request.url) else set()
        assert set(leaks(answer.text)) - own == set(), (answer.request.url.path, answer.text[:300])
        assert not INSIDES.search(answer.text), (answer.request.url.path, answer.text[:300])
        assert MARKS["password"] not in str(answer.headers)


def test_bugs_show_clients_no_insides_anywhere(app: FastAPI, monkeypatch: pytest.MonkeyPatch, caller: Caller) -> None:
    """API, forms, webhooks, the sandbox's Graph and sockets: a request id, and nothing of the error."""

    def burst(*_args: Any, **_kwargs: Any) -> Any:
        raise RuntimeError("the inside of pytake_app/x.py, line 5, in secret")

    services = app.state.services
    client = TestClient(app, base_url=HOST, follow_redirects=False, raise_server_exceptions=False)
    monkeypatch.setattr(services.accounts, "resolve_bearer", burst)
    monkeypatch.setattr(services.accounts, "login_web", burst)
    monkeypatch.setattr(type(services.database), "system_connection", burst)
    headers = {"Authorization": "Bearer x", "Origin": HOST, "Sec-Fetch-Site": "same-origin"}
    asked = [
        client.get("/api/v1/auth/me", headers=headers),
        client.post("/api/v1/media", files={"file": ("a", b"x")}, headers=headers),
        client.post("/auth/web/login", data={"email": "a@example.com", "password": "x"}, headers=headers),
        client.get("/sandbox/graph/v23.0/1234567", headers=headers),
        client.post("/webhook/whatsapp", content=b"{}", headers={"X-Hub-Signature-256": "sha256=" + "0" * 64}),
    ]
    for answer in asked:
        assert answer.status_code >= 400, (answer.request.url.path, answer.status_code)
        assert not INSIDES.search(answer.text), (answer.request.url.path, answer.text[:300])
        assert "the inside" not in answer.text
    with client.websocket_connect("/api/v1/ws?token=x") as socket:
        closed = socket.receive()
    assert (closed["code"], closed["reason"]) == (1011, "internal")
