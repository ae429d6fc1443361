"""Each route's permission: the table is whole, roles may do what the organization says, and nobody more."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from pytake_app.accounts.models import User
from pytake_app.api import rights
from pytake_app.api.services import Services
from pytake_app.core.tenancy import DEFAULTS, READING, Permission, Principal, Role, fixed, grantable, permissions_of
from tests.api.fixtures import Caller, NewCaller
from tests.api.test_tenancy import call, populate


def routes(client: TestClient) -> set[tuple[str, str]]:
    """Those that ask who is there."""
    document = client.get("/openapi.json").json()
    return {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if operation.get("security")
    }


def become(services: Services, caller: Caller, role: str) -> None:
    with services.database.auth() as session:
        session.exec(select(User).where(User.id == caller.user_id)).one().role = role


def test_every_write_stands_in_the_table(client: TestClient) -> None:
    known = routes(client)
    named = set(rights.NEEDS) | rights.WITHOUT
    assert named - known == set(), "rows for routes that are gone"
    # Under /auth/ there is nothing but one's own account.
    writes = {route for route in known if route[0] != "GET" and not route[1].startswith("/api/v1/auth/")}
    assert writes - named == set()
    assert set(rights.NEEDS) & rights.WITHOUT == set()


@pytest.mark.parametrize("role", list(Role))
def test_what_a_role_can_be(role: Role) -> None:
    """Viewers never get what changes something; administrators can always give a permission back."""
    everything = permissions_of(role, dict.fromkeys(Permission, True))
    nothing = permissions_of(role, dict.fromkeys(Permission, False))
    assert everything == grantable(role)
    assert nothing == fixed(role)
    assert permissions_of(role) == DEFAULTS[role] == permissions_of(role, {"no.such": True})
    assert (everything <= READING) == (role is Role.VIEWER)


def test_a_role_loses_and_gets_permissions(caller: Caller, services: Services) -> None:
    first = {row["role"]: row for row in caller.get("/api/v1/roles").json()["items"]}
    assert list(first) == ["org_admin", "agent", "viewer"]
    assert first["org_admin"]["people"] == 1
    wanted = [name for name in first["agent"]["permissions"] if name != "contacts.edit"] + ["flows.edit"]
    changed = caller.request("PUT", "/api/v1/roles/agent", json={"permissions": wanted})
    assert changed.status_code == 200
    assert set(changed.json()["permissions"]) == set(wanted)
    assert not changed.json()["is_default"]
    become(services, caller, "agent")
    refused = caller.post("/api/v1/contacts", json={"phone": "+5511987654321"})
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_missing")
    assert caller.post("/api/v1/flows", json={"name": "Novo"}).status_code == 201
    slug = caller.get("/api/v1/flows").json()["items"][0]["id"]
    assert caller.post(f"/api/v1/flows/{slug}/publish", json={}).json()["code"] == "permission_missing"
    # An agent doesn't decide about roles, not even with users.manage.
    assert caller.request("PUT", "/api/v1/roles/agent", json={"permissions": []}).status_code == 403
    become(services, caller, "org_admin")
    again = caller.delete("/api/v1/roles/agent").json()
    assert again["is_default"]
    assert "contacts.edit" in again["permissions"]


def test_what_a_role_can_not_be_given(caller: Caller) -> None:
    answer = caller.request("PUT", "/api/v1/roles/viewer", json={"permissions": ["flows.edit"]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "not_grantable"
    answer = caller.request("PUT", "/api/v1/roles/org_admin", json={"permissions": ["users.manage"]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "not_removable"
    assert caller.request("PUT", "/api/v1/roles/super_admin", json={"permissions": []}).status_code == 422


def test_decisions_stay_in_their_organization(register: NewCaller, services: Services) -> None:
    ours, theirs = register(), register()
    assert ours.request("PUT", "/api/v1/roles/agent", json={"permissions": []}).status_code == 200
    become(services, theirs, "agent")
    assert theirs.post("/api/v1/contacts", json={"phone": "+5511987654321"}).status_code == 201


def test_without_its_permission_no_route_does_anything(
    live_client: TestClient, register: NewCaller, services: Services
) -> None:
    """An administrator who lost everything that can be lost is refused by every route of the table."""
    caller = register()
    own = populate(services, caller)
    kept = sorted(fixed(Role.ORG_ADMIN))
    assert caller.request("PUT", "/api/v1/roles/org_admin", json={"permissions": kept}).status_code == 200
    document = live_client.get("/openapi.json").json()
    wrong = {}
    for (method, path), permissions in rights.NEEDS.items():
        if fixed(Role.ORG_ADMIN).intersection(permissions):
            continue
        operation = document["paths"][path][method.lower()]
        response = call(caller, method.lower(), path, operation, document, own)
        if response.status_code != 403 or response.json()["code"] != "permission_missing":
            wrong[f"{method} {path}"] = (response.status_code, response.text[:200])
    assert wrong == {}


def test_a_principal_has_what_the_role_has_by_itself() -> None:
    from uuid import uuid4

    plain = Principal(uuid4(), uuid4(), Role.AGENT, uuid4())
    assert plain.permissions == DEFAULTS[Role.AGENT]
    bare = Principal(uuid4(), uuid4(), Role.AGENT, uuid4(), permissions=frozenset())
    assert bare.permissions == frozenset()
    assert not bare.has(Permission.CONVERSATIONS_HANDLE)
