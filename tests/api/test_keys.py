"""API keys: what they can, what they never can, and when they stop."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select
from starlette.websockets import WebSocketDisconnect

from pytake_app.accounts.key_models import ApiKey
from pytake_app.accounts.models import Organization, User
from pytake_app.api.services import Services
from pytake_app.core.clock import FrozenClock
from tests.api.fixtures import Caller, NewCaller
from tests.api.test_realtime import WS, until

KEYS = "/api/v1/api-keys"
ALL = "conversations.see_all"


def new_key(caller: Caller, *scopes: str, **more: Any) -> dict[str, Any]:
    answer = caller.post(KEYS, json={"name": "ERP", "scopes": list(scopes), **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def by(client: TestClient, key: str, method: str, path: str, **more: Any) -> Any:
    return client.request(method, path, headers={"Authorization": f"Bearer {key}"}, **more)


def test_told_once_kept_as_a_hash(caller: Caller, services: Services) -> None:
    made = new_key(caller, ALL)
    assert made["key"].startswith("pk_")
    assert len(made["key"].removeprefix("pk_").partition("_")[2]) >= 43
    assert made["key"].endswith(made["hint"])
    listed = caller.get(KEYS).json()["items"]
    assert [row["name"] for row in listed] == ["ERP"]
    assert made["key"] not in str(listed)
    with services.database.tenant(caller.organization_id) as session:
        row = session.exec(select(ApiKey)).one()
    assert made["key"] not in str(row.model_dump())
    assert made["key"].removeprefix("pk_").partition("_")[2] not in caller.get("/api/v1/audit-log").text


def test_it_may_do_what_its_scopes_say(caller: Caller) -> None:
    client = caller.client
    reading = new_key(caller, ALL, "analytics.read")["key"]
    assert by(client, reading, "GET", "/api/v1/conversations").status_code == 200
    refused = by(client, reading, "POST", "/api/v1/contacts", json={"phone": "+5511987654321"})
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_missing")
    writing = new_key(caller, "contacts.edit")["key"]
    assert by(client, writing, "POST", "/api/v1/contacts", json={"phone": "+5511987654321"}).status_code == 201
    assert by(client, writing, "POST", "/api/v1/flows", json={"name": "x"}).status_code == 403
    told = caller.get("/api/v1/audit-log", params={"action": "key_first_used"}).json()["items"]
    assert [row["actor_kind"] for row in told] == ["api_key", "api_key"]


def test_it_never_manages_accounts_sessions_or_keys(caller: Caller) -> None:
    everything = [
        name for name in caller.get("/api/v1/roles").json()["items"][0]["permissions"]
        if name not in ("users.manage", "api_keys.manage")
    ]  # fmt: skip
    key = new_key(caller, *everything)["key"]
    document = caller.get("/openapi.json").json()
    closed = 0
    for path, operations in document["paths"].items():
        if not path.startswith(("/api/v1/auth/", KEYS, "/api/v1/roles", "/api/v1/notifications")):
            continue
        if path.rpartition("/")[2] in ("login", "register", "refresh") or (path, "get") == ("/api/v1/auth/me", "get"):
            continue
        for method, operation in operations.items():
            if not operation.get("security"):
                continue
            answer = by(caller.client, key, method.upper(), path.replace("{role}", "agent"), json={})
            closed += answer.status_code in (403, 422)
            assert answer.status_code in (403, 422), (method, path, answer.text)
    assert closed > 8
    assert by(caller.client, key, "POST", "/api/v1/auth/logout-everywhere").json()["code"] == "person_only"
    assert by(caller.client, key, "POST", "/api/v1/departments", json={"name": "x"}).status_code == 403
    assert caller.get("/api/v1/auth/me").status_code == 200
    for scope in ("users.manage", "api_keys.manage"):
        answer = caller.post(KEYS, json={"name": "x", "scopes": [scope]})
        assert answer.json()["errors"][0]["code"] == "not_grantable"


def test_it_stops_at_once(caller: Caller, services: Services, frozen_clock: FrozenClock) -> None:
    client = caller.client

    def works(key: str) -> bool:
        answer = by(client, key, "GET", "/api/v1/conversations")
        assert answer.status_code in (200, 401)
        return bool(answer.status_code == 200)

    revoked, orphaned = new_key(caller, ALL), new_key(caller, ALL)
    assert works(revoked["key"])
    assert caller.delete(f"{KEYS}/{revoked['id']}").status_code == 204
    assert not works(revoked["key"])
    soon = (frozen_clock.now() + timedelta(minutes=5)).isoformat()
    expiring = new_key(caller, ALL, expires_at=soon)
    assert works(expiring["key"])
    frozen_clock.advance(timedelta(minutes=5))
    assert not works(expiring["key"])
    assert works(orphaned["key"])
    assert not works(orphaned["key"][:-1] + ("A" if orphaned["key"][-1] != "A" else "B"))
    for nonsense in ("pk_", "pk_x_y", f"pk_{'0' * 32}_x", "pk_" + "a" * 500):
        assert not works(nonsense)
    with services.database.auth() as session:
        session.exec(select(User).where(User.id == caller.user_id)).one().is_active = False
    assert not works(orphaned["key"])
    assert caller.post(KEYS, json={"name": "x", "expires_at": "2000-01-01T00:00:00Z"}).status_code in (401, 422)


def test_it_follows_what_its_maker_may_do(register: NewCaller, services: Services) -> None:
    caller = register()
    key = new_key(caller, "flows.edit", ALL)["key"]
    assert by(caller.client, key, "POST", "/api/v1/flows", json={"name": "Um"}).status_code == 201
    with services.database.auth() as session:
        session.exec(select(User).where(User.id == caller.user_id)).one().role = "agent"
    assert by(caller.client, key, "POST", "/api/v1/flows", json={"name": "Dois"}).status_code == 403
    assert by(caller.client, key, "GET", "/api/v1/conversations").status_code == 200


def test_it_has_its_organizations_plan_and_hides_what_its_maker_may_not_see(caller: Caller, services: Services) -> None:
    made = new_key(caller)["key"]
    with services.database.tenant(caller.organization_id) as session:
        organization = session.exec(select(Organization)).one()
        organization.settings = {**organization.settings, "privacy": {"mask_phones": True}}
    person = services.accounts.resolve_bearer(caller.answer["access_token"])
    program = services.accounts.resolve_bearer(made)
    assert (program.plan, program.masks_phones) == (person.plan, False)
    assert program.plan
    with services.database.auth() as session:
        session.exec(select(User).where(User.id == caller.user_id)).one().role = "viewer"
    assert services.accounts.resolve_bearer(made).masks_phones


def test_last_use_is_written_once_a_minute(caller: Caller, services: Services, frozen_clock: FrozenClock) -> None:
    made = new_key(caller, ALL)

    def used() -> Any:
        (row,) = caller.get(KEYS).json()["items"]
        return row["last_used_at"]

    assert used() is None
    by(caller.client, made["key"], "GET", "/api/v1/conversations")
    first = used()
    frozen_clock.advance(timedelta(seconds=59))
    by(caller.client, made["key"], "GET", "/api/v1/conversations")
    assert used() == first is not None
    frozen_clock.advance(timedelta(seconds=2))
    by(caller.client, made["key"], "GET", "/api/v1/conversations")
    assert used() > first
    assert caller.get(KEYS).json()["items"][0]["last_used_address"] == "testclient"


def test_another_organization_has_its_own_keys(register: NewCaller) -> None:
    ours, theirs = register(), register()
    made = new_key(ours, "contacts.edit", ALL)
    assert theirs.get(KEYS).json()["items"] == []
    assert theirs.delete(f"{KEYS}/{made['id']}").status_code == 404
    assert by(ours.client, made["key"], "GET", "/api/v1/conversations").status_code == 200
    renamed = ours.patch(f"{KEYS}/{made['id']}", json={"name": "Loja virtual"})
    assert renamed.json()["name"] == "Loja virtual"


def test_live_events_need_a_scope_of_conversations(live_client: TestClient, caller: Caller) -> None:
    key = new_key(caller, ALL)["key"]
    with live_client.websocket_connect(f"{WS}?token={key}") as socket:
        assert until(socket, "connected")["user_id"] == str(caller.user_id)
    bare = new_key(caller, "analytics.read")["key"]
    with pytest.raises(WebSocketDisconnect), live_client.websocket_connect(f"{WS}?token={bare}") as socket:
        until(socket, "connected")
