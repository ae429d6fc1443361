"""The sandbox over real HTTP: the API in a server process of its own delivers webhooks to itself."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis
from sqlmodel import select

from pytake_app.config import Settings
from pytake_app.core.db import Database
from pytake_app.messaging.models import InboundEvent
from tests.api.fixtures import PASSWORD
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(settings: Settings, clean_db: Database, redis_client: redis.Redis, tmp_path: Path) -> Iterator[str]:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "PORT": str(port), "HOST": "127.0.0.1", "PYTAKE_DATA_DIR": str(tmp_path)}
    command = [
        sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port),
        "--loop", "uvloop", "--factory", "--no-access-log", "pytake_app.api.app:create_app",
    ]  # fmt: skip
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def ready() -> bool:
        assert process.poll() is None, (tmp_path / "server.log").read_text()
        try:
            with urllib.request.urlopen(f"{address}/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    try:
        wait_until(ready, timeout=40, message="the server is ready")
        yield address
    finally:
        process.terminate()
        process.wait(15)


def test_the_phone_and_graph_speak_over_http(server: str, clean_db: Database) -> None:
    with httpx.Client(base_url=server, timeout=20, trust_env=False) as client:
        body = {"email": "ana@example.com", "password": PASSWORD, "full_name": "Ana"}
        answer = client.post("/api/v1/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        account = client.get("/api/v1/sandbox").json()["items"][0]
        said = client.post(f"/api/v1/sandbox/{account['id']}/messages", json={"type": "text", "text": "oi"})
        assert said.status_code == 201, said.text
        with clean_db.system() as session:
            event = session.exec(select(InboundEvent)).one()
        assert (event.kind, event.external_id) == ("message", said.json()["external_id"])
        assert client.get("/docs").status_code == 200
        assert client.get("/health").json()["status"] == "ok"
