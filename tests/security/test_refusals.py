"""Who asks for what they may not do is seen by the operator: in the log, with who and from where, and nothing else."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import structlog
from starlette.websockets import WebSocketDisconnect
from structlog.testing import capture_logs

from pytake_app.accounts import service
from pytake_app.accounts.models import User
from pytake_app.api import problems, realtime
from pytake_app.api.services import Services
from pytake_app.core.tenancy import Role
from tests.api.fixtures import Caller


@pytest.fixture(autouse=True)
def fresh_logger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loggers that have written before keep where they wrote to, and `capture_logs` would hear nothing of them."""
    for module in (problems, realtime, service):
        monkeypatch.setattr(module, "log", structlog.get_logger())


def told(logs: Any, event: str) -> list[dict[str, Any]]:
    return [line for line in logs if line["event"] == event]


def test_a_request_beyond_ones_rights(caller: Caller, services: Services) -> None:
    with services.database.tenant(caller.organization_id) as session:
        user = session.get(User, caller.user_id)
        assert user is not None
        user.role = Role.VIEWER
        session.add(user)
    with capture_logs() as logs:
        assert caller.delete(f"/api/v1/contacts/{uuid4()}").status_code == 403
    (line,) = told(logs, "request_refused")
    assert (line["code"], line["method"], line["user_id"]) == ("permission_missing", "DELETE", str(caller.user_id))
    assert line["route"].endswith("/{contact_id}")  # the pattern: nothing of what was asked for
    assert (line["organization_id"], line["address"]) == (str(caller.organization_id), "testclient")


def test_a_key_beyond_its_scopes(caller: Caller) -> None:
    made = caller.post("/api/v1/api-keys", json={"name": "ERP", "scopes": []}).json()
    with capture_logs() as logs:
        asked = caller.client.get("/api/v1/api-keys", headers={"Authorization": f"Bearer {made['key']}"})
    assert asked.json()["code"] == "person_only"
    (line,) = told(logs, "request_refused")
    assert line["key_id"] == made["id"]
    assert made["key"] not in str(logs)


def test_another_sites_write(caller: Caller) -> None:
    caller.client.cookies.set("pytake_session", "x")
    with capture_logs() as logs:
        answer = caller.client.post(
            "/api/v1/departments", json={"name": "x"}, headers={"Origin": "https://evil.example"}
        )
    assert answer.json()["code"] == "csrf"
    (line,) = told(logs, "request_refused")
    assert "user_id" not in line


@pytest.mark.parametrize("email", ["", "nobody@example.com"])
def test_wrong_passwords_of_known_and_unknown_accounts(caller: Caller, email: str) -> None:
    body = {"email": email or caller.email, "password": "wrong"}
    with capture_logs() as logs:
        assert caller.client.post("/api/v1/auth/login", json=body).status_code == 401
    (line,) = told(logs, "sign_in_failed")
    assert line["user_id"] == (None if email else str(caller.user_id))
    assert body["email"] not in str(logs)


def test_a_socket_without_a_sign_in(caller: Caller) -> None:
    address = "/api/v1/ws?token=nonsense"
    with capture_logs() as logs, pytest.raises(WebSocketDisconnect), caller.client.websocket_connect(address) as socket:
        socket.receive_text()
    assert told(logs, "socket_refused")[0]["code"] == "token_invalid"
    assert "nonsense" not in str(logs)
