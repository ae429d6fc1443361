"""What holds for every endpoint: problem documents, headers, limits, documentation."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import pytest
import redis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel
from sqlmodel import select

from pytake_app.accounts.models import IdempotencyKey, User
from pytake_app.api import guards
from pytake_app.api.app import create_app
from pytake_app.api.deps import CurrentPrincipal, Once, OrgAdmin, TenantSession
from pytake_app.api.services import Services, build_services
from pytake_app.config import Settings
from pytake_app.core.addresses import forwarded_address
from pytake_app.core.db import after_commit
from pytake_app.core.errors import ConflictError
from pytake_app.core.schemas import RequestModel
from tests.api.fixtures import HOST, Caller, NewCaller


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["code"] == code
    assert {"type", "title", "detail"} <= set(body)
    assert body["request_id"] == response.headers["x-request-id"]
    return body


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/nothing", "/api/v2/flows", "/nowhere"])
def test_unknown_paths_are_problems(client: TestClient, path: str) -> None:
    assert_problem(client.get(path), 404, "not_found")


def test_a_wrong_method_says_which_are_right(client: TestClient) -> None:
    response = client.get("/api/v1/auth/login")
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "POST"


def test_no_caller_is_401(client: TestClient) -> None:
    response = client.get("/api/v1/auth/me")
    assert_problem(response, 401, "unauthorized")
    assert response.headers["www-authenticate"] == "Bearer"


def test_malformed_json_is_400(client: TestClient) -> None:
    response = client.post("/api/v1/auth/login", content=b"{", headers={"content-type": "application/json"})
    assert_problem(response, 400, "malformed")


def test_unknown_and_wrong_members_have_pointers(client: TestClient) -> None:
    response = client.post("/api/v1/auth/login", json={"email": 7, "password": "x", "remember/me": True})
    errors = assert_problem(response, 422, "invalid")["errors"]
    assert {error["pointer"] for error in errors} == {"/email", "/remember~1me"}


def test_text_that_postgresql_cannot_hold_is_the_callers_fault(client: TestClient) -> None:
    body = {"email": "nul@example.com", "password": "a long enough one", "full_name": "A\x00B"}
    assert_problem(client.post("/api/v1/auth/register", json=body), 422, "not_storable")


def test_large_bodies_are_refused_announced_or_not(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "STRANGER_LIMIT", 1000)
    assert_problem(client.post("/api/v1/auth/login", content=b"x" * 1001), 413, "too_large")

    def chunks() -> Any:
        for _ in range(11):
            yield b"x" * 100

    assert_problem(client.post("/api/v1/auth/login", content=chunks()), 413, "too_large")


def test_bugs_show_nothing_of_our_insides(app: FastAPI, client: TestClient) -> None:
    @app.get("/api/v1-test/bug")
    def bug() -> None:
        raise RuntimeError("secret detail")

    app.router.routes.insert(0, app.router.routes.pop())
    response = client.get("/api/v1-test/bug")
    body = assert_problem(response, 500, "internal")
    assert "secret detail" not in response.text
    assert body["request_id"]


def test_request_ids_are_taken_over_only_when_they_look_like_ids(client: TestClient) -> None:
    assert client.get("/health", headers={"X-Request-ID": "caller-id-1"}).headers["x-request-id"] == "caller-id-1"
    for bad in ("short", "x" * 65, "has space in it"):
        assert client.get("/health", headers={"X-Request-ID": bad}).headers["x-request-id"] != bad


def test_security_headers(caller: Caller) -> None:
    headers = caller.get("/api/v1/auth/me").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers


def test_cors_is_off_unless_set(caller: Caller, services: Services) -> None:
    answer = caller.get("/api/v1/auth/me", headers={"Origin": "https://else.example"})
    assert "access-control-allow-origin" not in answer.headers
    opened = services.settings.model_copy(update={"cors_allowed_origins": ["https://app.example"]})
    client = TestClient(create_app(opened, services=build_services(opened, database=services.database)), base_url=HOST)
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    allowed = client.options("/api/v1/auth/login", headers=preflight)
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-credentials" not in allowed.headers
    refused = client.options("/api/v1/auth/login", headers={**preflight, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in refused.headers


def test_limits_go_on_in_memory_while_redis_is_away(settings: Settings, services: Services) -> None:
    from pytake_app.core.ratelimit import Limiter

    limiter = Limiter(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))
    assert [limiter.hit("2 per minute", "x", "y").allowed for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "address"),
    [
        ("9.9.9.9", "1.1.1.1", [], "9.9.9.9"),
        ("9.9.9.9", "1.1.1.1", ["10.0.0.0/8"], "9.9.9.9"),
        ("10.0.0.1", "1.1.1.1", ["10.0.0.0/8"], "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1", ["10.0.0.0/8"], "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", ["10.0.0.0/8"], "1.1.1.1"),
        ("10.0.0.1", "nonsense", ["10.0.0.0/8"], "10.0.0.1"),
        ("::1", "2001:db8::1", ["::1/128"], "2001:db8::1"),
        ("testclient", "1.1.1.1", ["10.0.0.0/8"], "testclient"),
    ],
)
def test_a_forwarded_address_is_believed_of_our_proxies_only(
    peer: str, forwarded: str, trusted: list[str], address: str
) -> None:
    assert forwarded_address(peer, forwarded, trusted) == address


# -- system -----------------------------------------------------------------------------------------------------------


def test_health_ready_info_and_metrics(client: TestClient) -> None:
    health = client.get("/health").json()
    assert health["status"] == "ok"
    assert health["components"] == {"postgresql": "ok", "redis": "ok"}
    assert client.get("/ready").status_code == 200
    assert client.get("/").json()["documentation"] == "/docs"
    client.get("/api/v1/auth/me")
    assert 'route="/api/v1/auth/me"' in client.get("/metrics").text


def test_a_service_that_is_away(settings: Settings, redis_client: redis.Redis) -> None:
    broken = settings.model_copy(
        update={"database_url": "postgresql://nobody@127.0.0.1:1/none", "redis_url": "redis://127.0.0.1:1/0"}
    )
    client = TestClient(
        create_app(broken, services=build_services(broken)), base_url=HOST, raise_server_exceptions=False
    )
    health = client.get("/health")
    assert health.status_code == 200
    assert health.json()["components"] == {"postgresql": "away", "redis": "away"}
    ready = client.get("/ready")
    assert (ready.status_code, ready.headers["retry-after"]) == (503, "2")
    login = client.post("/api/v1/auth/login", json={"email": "a@b.co", "password": "whatever"})
    assert_problem(login, 503, "unavailable")
    assert login.headers["retry-after"] == "2"


def test_documentation_names_no_outside_host(client: TestClient) -> None:
    for page in ("/docs", "/redoc"):
        response = client.get(page)
        assert response.status_code == 200
        sources = re.findall(r'(?:src|href)="([^"]+)"', response.text)
        assert sources
        assert all(source.startswith("/") for source in sources), sources
        assert "default-src 'none'" in response.headers["content-security-policy"]
        for source in sources:
            if source.startswith("/static/docs"):
                assert client.get(source).status_code == 200


def test_openapi_names_every_operation_once(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    assert {"/api/v1/auth/login", "/api/v1/channel-accounts", "/health"} <= set(document["paths"])


# -- what endpoints are given ------------------------------------------------------------------------------------------


class Rename(RequestModel):
    name: str


class Renamed(BaseModel):
    name: str
    times: int


@pytest.fixture
def probe(app: FastAPI) -> dict[str, list[str]]:
    """Endpoints that use the dependencies, and what they did."""
    seen: dict[str, list[str]] = {"hooks": [], "writes": []}

    def rename(body: Rename, who: OrgAdmin, session: TenantSession, once: Once) -> Renamed:
        def write() -> Renamed:
            user = session.exec(select(User).where(User.id == who.user_id)).one()
            user.full_name = body.name
            session.add(user)
            after_commit(session, lambda: seen["hooks"].append(body.name))
            seen["writes"].append(body.name)
            if body.name == "conflict":
                session.flush()
                raise ConflictError("no")
            return Renamed(name=body.name, times=len(seen["writes"]))

        return once.run(201, write)

    def look(who: CurrentPrincipal, session: TenantSession, limit: Annotated[int, "n"] = 1) -> list[str]:
        return [user.full_name for user in session.exec(select(User)).all()]

    app.add_api_route("/probe", rename, methods=["POST"], status_code=201)
    app.add_api_route("/probe", look, methods=["GET"])
    return seen


def test_one_transaction_committed_before_the_answer(caller: Caller, probe: dict[str, list[str]]) -> None:
    assert caller.post("/probe", json={"name": "Bia"}).status_code == 201
    assert probe["hooks"] == ["Bia"]
    assert caller.get("/probe").json() == ["Bia"]


def test_an_error_rolls_back_and_drops_hooks(caller: Caller, probe: dict[str, list[str]]) -> None:
    assert caller.post("/probe", json={"name": "conflict"}).status_code == 409
    assert probe["hooks"] == []
    assert caller.get("/probe").json() == ["Ana Souza"]


def test_rows_without_a_where_are_the_callers_own(register: NewCaller, probe: dict[str, list[str]]) -> None:
    """`look` forgets to scope its query: row-level security answers for it."""
    one, two = register(full_name="One"), register(full_name="Two")
    assert one.get("/probe").json() == ["One"]
    assert two.get("/probe").json() == ["Two"]


def test_idempotency_key_answers_the_same_once(caller: Caller, probe: dict[str, list[str]], services: Services) -> None:
    headers = {"Idempotency-Key": "key-1"}
    first = caller.post("/probe", json={"name": "Bia"}, headers=headers)
    again = caller.post("/probe", json={"name": "Bia"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json() == {"name": "Bia", "times": 1}
    assert again.headers["idempotency-replayed"] == "true"
    assert probe["writes"] == ["Bia"]
    other = caller.post("/probe", json={"name": "Caio"}, headers=headers)
    assert_problem(other, 422, "idempotency_key_reused")


def test_an_idempotency_key_of_a_failed_write_is_free(
    caller: Caller, probe: dict[str, list[str]], services: Services
) -> None:
    headers = {"Idempotency-Key": "key-2"}
    assert caller.post("/probe", json={"name": "conflict"}, headers=headers).status_code == 409
    with services.database.tenant(caller.organization_id) as session:
        assert session.exec(select(IdempotencyKey)).all() == []
    assert caller.post("/probe", json={"name": "Bia"}, headers=headers).status_code == 201


def test_idempotency_keys_are_each_organizations_own(register: NewCaller, probe: dict[str, list[str]]) -> None:
    headers = {"Idempotency-Key": "key-3"}
    for person in (register(), register()):
        assert person.post("/probe", json={"name": person.email}, headers=headers).json()["name"] == person.email


def test_a_repeat_that_comes_meanwhile_waits_for_the_answer(
    caller: Caller, probe: dict[str, list[str]], services: Services
) -> None:
    headers = {"Idempotency-Key": "key-4"}
    with ThreadPoolExecutor(4) as pool:
        posts = [pool.submit(caller.post, "/probe", json={"name": "Bia"}, headers=headers) for _ in range(4)]
        answers = [post.result() for post in posts]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert {answer.text for answer in answers} == {answers[0].text}
    assert probe["writes"] == ["Bia"]


def test_weaker_roles_are_refused(caller: Caller, probe: dict[str, list[str]], services: Services) -> None:
    for role, status in (("viewer", 403), ("agent", 403), ("org_admin", 201), ("super_admin", 201)):
        with services.database.auth() as session:
            session.exec(select(User)).one().role = role
        assert caller.post("/probe", json={"name": role}).status_code == status


def test_the_process_keeps_one_set_of_connections(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytake_app.api import services as module
    from pytake_app.core import services as core

    for cached in (module.process_services, core.process_services):
        cached.cache_clear()
    try:
        own, shared = module.process_services(), core.process_services()
        assert own.database is shared.database
        assert own.redis is shared.redis
    finally:
        for cached in (module.process_services, core.process_services):
            cached.cache_clear()


def test_https_installations_ask_browsers_to_stay_there(services: Services) -> None:
    settings = services.settings.model_copy(update={"public_url": "https://pytake.example"})
    client = TestClient(
        create_app(settings, services=build_services(settings, database=services.database)), base_url=HOST
    )
    assert client.get("/health").headers["strict-transport-security"].startswith("max-age=31536000")
