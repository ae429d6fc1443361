"""A whole API in this process, and people who use it; imported by the conftest of every room that speaks HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pytake_app.api.app import create_app
from pytake_app.api.services import Services, build_services
from pytake_app.config import Settings
from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database

PASSWORD = "correct horse battery staple"
HOST = "http://testserver"


@dataclass
class Caller:
    """Somebody signed in at the API."""

    client: TestClient
    answer: dict[str, Any]
    email: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def organization_id(self) -> UUID:
        return UUID(self.answer["organization"]["id"])

    @property
    def user_id(self) -> UUID:
        return UUID(self.answer["user"]["id"])

    def request(self, method: str, path: str, **kwargs: Any) -> Any:
        headers = {**self.headers, **kwargs.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **kwargs)

    def get(self, path: str, **kwargs: Any) -> Any:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> Any:
        return self.request("POST", path, **kwargs)

    def put(self, path: str, **kwargs: Any) -> Any:
        return self.request("PUT", path, **kwargs)

    def patch(self, path: str, **kwargs: Any) -> Any:
        return self.request("PATCH", path, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> Any:
        return self.request("DELETE", path, **kwargs)


NewCaller = Callable[..., Caller]


@pytest.fixture
def services(
    settings: Settings, clean_db: Database, redis_client: redis.Redis, frozen_clock: FrozenClock
) -> Iterator[Services]:
    """The process's services with a clock that stands still, empty tables and an empty Redis."""
    services = build_services(settings, clock=frozen_clock, database=clean_db)
    yield services
    services.redis.close()


@pytest.fixture
def app(services: Services) -> FastAPI:
    """The API."""
    return create_app(services=services)


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    """Nobody in particular. Without the app's lifespan, which would close the run's database."""
    return TestClient(app, base_url=HOST, follow_redirects=False, raise_server_exceptions=False)


@pytest.fixture
def register(app: FastAPI) -> NewCaller:
    """Make an organization with its administrator, signed in by access token."""

    def make(email: str = "", **fields: Any) -> Caller:
        client = TestClient(app, base_url=HOST, follow_redirects=False, raise_server_exceptions=False)
        email = email or f"{uuid4().hex[:10]}@example.com"
        body = {"email": email, "password": PASSWORD, "full_name": "Ana Souza", **fields}
        response = client.post("/api/v1/auth/register", json=body)
        assert response.status_code == 201, response.text
        answer = response.json()
        return Caller(client, answer, email, {"Authorization": f"Bearer {answer['access_token']}"})

    return make


@pytest.fixture
def caller(register: NewCaller) -> Caller:
    """One administrator."""
    return register()


@pytest.fixture
def live_client(app: FastAPI) -> Iterator[TestClient]:
    """Nobody in particular, with one event loop for all requests and the app's own start and stop."""
    with TestClient(app, base_url=HOST, follow_redirects=False, raise_server_exceptions=False) as client:
        yield client
