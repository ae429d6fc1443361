"""API keys × every route: what their scopes don't name is refused, and what belongs to people is closed to them."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from pytake_app.accounts.keys import NEVER
from pytake_app.api import rights
from pytake_app.api.services import Services
from pytake_app.core.tenancy import Permission
from tests.api.fixtures import Caller, NewCaller
from tests.api.test_keys import new_key
from tests.api.test_tenancy import call, populate
from tests.security.isolation.test_api import fingerprint

OWN_MARKS = {"api_keys", "audit_log"}
"""A key's first use is told, and its last is kept."""

REFUSALS = {"permission_missing", "forbidden"}
"""`forbidden`: a key that only reads is a viewer, and the route asks for the role first."""


@pytest.fixture
def house(live_client: TestClient, register: NewCaller) -> Caller:
    caller = register()
    caller.client = live_client
    return caller


def by_key(house: Caller, *scopes: str) -> Caller:
    key = new_key(house, *scopes)["key"]
    return Caller(house.client, house.answer, house.email, {"Authorization": f"Bearer {key}"})


def guarded(document: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """The operations that ask who is there."""
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if operation.get("security")
    ]


def test_a_key_without_scopes_does_nothing_that_needs_one(house: Caller, services: Services) -> None:
    """And no key is let in where only people may be; not one row has changed afterwards."""
    ids = populate(services, house)
    document = house.client.get("/openapi.json").json()
    bare = by_key(house)
    before = fingerprint(services.database, house.organization_id)
    wrong, refused = {}, 0
    for method, path, operation in guarded(document):
        route = (method.upper(), path)
        personal = path.startswith(rights.PERSONAL) and route != ("GET", "/api/v1/auth/me")
        if not personal and route not in rights.NEEDS:
            continue
        answer = call(bare, method, path, operation, document, ids)
        wanted = {"person_only"} if personal else REFUSALS
        refused += 1
        if answer.status_code != 403 or answer.json()["code"] not in wanted:
            wrong[f"{route[0]} {path}"] = (answer.status_code, answer.text[:200])
    assert not wrong
    assert refused > 150
    after = fingerprint(services.database, house.organization_id)
    assert {table for table in before if after[table] != before[table]} <= OWN_MARKS


def test_a_key_with_every_scope_but_one(house: Caller, services: Services) -> None:
    """Is refused by the routes that need this one, whatever else it may."""
    ids = populate(services, house)
    document = house.client.get("/openapi.json").json()
    wrong, refused = {}, 0
    for missing in sorted(set(Permission) - NEVER):
        rest = set(Permission) - NEVER - {missing}
        key = by_key(house, *sorted(rest))
        for (method, path), needed in rights.NEEDS.items():
            if missing in needed and not rest.intersection(needed):
                answer = call(key, method.lower(), path, document["paths"][path][method.lower()], document, ids)
                refused += 1
                if answer.status_code != 403 or answer.json()["code"] not in {*REFUSALS, "person_only"}:
                    wrong[f"{method} {path} without {missing}"] = (answer.status_code, answer.text[:200])
    assert not wrong
    assert refused > 100


def test_a_key_with_every_scope_stays_a_program(house: Caller, services: Services) -> None:
    """Closed to it: every route of people, and those that need what no key can have."""
    ids = populate(services, house)
    document = house.client.get("/openapi.json").json()
    key = by_key(house, *sorted(set(Permission) - NEVER))
    wrong, admitted = {}, 0
    for method, path, operation in guarded(document):
        route = (method.upper(), path)
        personal = path.startswith(rights.PERSONAL) and route != ("GET", "/api/v1/auth/me")
        never = route in rights.NEEDS and set(rights.NEEDS[route]) <= NEVER
        if method == "delete" or (not personal and not never and method != "get"):
            continue  # writes that it may do stand in `tests/api/test_keys.py`
        answer = call(key, method, path, operation, document, ids)
        if personal or never:
            if answer.status_code != 403:
                wrong[f"{route[0]} {path}"] = (answer.status_code, answer.text[:200])
        else:
            admitted += answer.status_code == 200
    assert not wrong
    assert admitted > 40
