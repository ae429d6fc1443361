"""Every route × everybody who may call it: the answers of `matrix.txt`, section `api`.

What the words mean stands in the file. A new route needs a row; the failing test prints one to begin with.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import select

from pytake_app.accounts.models import User
from pytake_app.accounts.service import Client
from pytake_app.api.deps import COOKIE
from pytake_app.api.services import Services
from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from tests.api.fixtures import HOST, Caller, NewCaller
from tests.api.test_fuzz import OUTSIDE, ends_things
from tests.api.test_tenancy import call, populate
from tests.security.isolation.matrix import ROLES, api_routes, rows, written

ENDS_THE_SIGN_IN = ("/api/v1/auth/logout", "/api/v1/auth/logout-everywhere")
Operation = tuple[str, str, Any]


@pytest.fixture
def document(live_client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = live_client.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> list[Operation]:
    """Every operation; what takes things away last, inner things first."""
    found = [(m, path, operation) for path, methods in document["paths"].items() for m, operation in methods.items()]
    return sorted(found, key=lambda one: (ends_things(one), -one[1].count("/") if ends_things(one) else 0))


def row_name(method: str, path: str) -> str:
    return f"{method.upper()} {path}"


def word_for(answer: Any) -> str:
    """The matrix's word for an answer."""
    if answer.status_code in (401, 403, 404):
        return str(answer.status_code)
    outside = answer.status_code == 503 and answer.json().get("code") in OUTSIDE
    return "ok" if answer.status_code < 500 or outside else str(answer.status_code)


def signed_in_again(caller: Caller, services: Services) -> dict[str, str]:
    found = services.accounts.open_api_session(caller.user_id, caller.organization_id, Client())
    return {"Authorization": f"Bearer {found.access_token}"}


def asked(
    caller: Caller, document: dict[str, Any], ids: dict[str, Any], services: Services
) -> Iterator[tuple[str, Any]]:
    """Call everything once; the name of the row and the answer."""
    for method, path, operation in operations(document):
        yield row_name(method, path), call(caller, method, path, operation, document, ids)
        if path in ENDS_THE_SIGN_IN:
            caller.headers = signed_in_again(caller, services)


def compare(seen: dict[str, tuple[str, str]], who: str) -> None:
    """Each answer is the decided one."""
    decided = rows("api")
    wrong = [
        f"{name}: {word} instead of {decided[name].answers[who]} ({answer[:300]})"
        for name, (word, answer) in seen.items()
        if name in decided and word != decided[name].answers[who]
    ]
    assert not wrong, "\n".join(wrong)
    assert len(seen) > 200


def test_every_route_has_a_row_and_every_row_a_route(app: FastAPI) -> None:
    routes, decided = api_routes(app), rows("api") | rows("outside the document")
    usual = {"nobody": "401", "ended": "401", "other": "404", "viewer": "403", "agent": "ok", "admin": "ok"}
    routes = {name: told for name, told in routes.items() if not name.startswith("WS ")}  # `test_sockets.py`
    missing = [written(name, {**usual, "super": "ok"}) for name in sorted(set(routes) - set(decided))]
    assert not missing, "decide what these answer, and add them to matrix.txt:\n" + "\n".join(missing)
    assert sorted(set(decided) - set(routes)) == [], "rows of routes that are gone"
    assert {name for name, told in routes.items() if told} == set(rows("api"))


@pytest.mark.parametrize("who", ["nobody", "ended"])
def test_who_is_not_signed_in(
    who: str, live_client: TestClient, register: NewCaller, services: Services, document: dict[str, Any]
) -> None:
    """A sign-in that ended is nobody; asked for things that exist."""
    owner = register()
    ids = populate(services, owner)
    caller = Caller(live_client, owner.answer, owner.email)
    if who == "ended":
        caller.headers = owner.headers
        assert owner.post("/api/v1/auth/logout").status_code == 204
    seen = {}
    for method, path, operation in operations(document):
        answer = call(caller, method, path, operation, document, ids)
        seen[row_name(method, path)] = (word_for(answer), answer.text)
    compare(seen, who)


def test_an_old_token_and_an_ended_cookie_are_nobody(
    live_client: TestClient, register: NewCaller, services: Services, frozen_clock: FrozenClock
) -> None:
    """One route stands for all here: which kind of sign-in ended is decided in one place, `api.deps.principal`."""
    caller = register()
    session = services.accounts.open_web_session(caller.user_id, caller.organization_id, Client())
    cookie = {"Cookie": f"{COOKIE}={session.token}"}
    assert live_client.get("/api/v1/auth/me", headers=cookie).status_code == 200
    services.accounts.logout(session.principal)
    assert live_client.get("/api/v1/auth/me", headers=cookie).status_code == 401
    frozen_clock.advance(timedelta(minutes=services.settings.access_token_expire_minutes + 1))
    assert caller.get("/api/v1/auth/me").status_code == 401


@pytest.mark.parametrize("who", list(ROLES))
def test_each_role(
    who: str, live_client: TestClient, register: NewCaller, services: Services, document: dict[str, Any]
) -> None:
    caller = register()
    caller.client = live_client
    own = populate(services, caller)
    with services.database.auth() as session:
        session.exec(select(User).where(User.id == caller.user_id)).one().role = ROLES[who]
    seen = {name: (word_for(answer), answer.text) for name, answer in asked(caller, document, own, services)}
    compare(seen, who)


def test_writes_by_cookie_need_our_own_page(
    live_client: TestClient, register: NewCaller, services: Services, document: dict[str, Any]
) -> None:
    """A cookie alone, as another site's form would send it, changes nothing: on every route."""
    caller = register()
    own = populate(services, caller)
    session = services.accounts.open_web_session(caller.user_id, caller.organization_id, Client())
    forged = Caller(live_client, caller.answer, caller.email, {"Cookie": f"{COOKIE}={session.token}"})
    decided, wrong = rows("api"), {}
    for method, path, operation in operations(document):
        answers = decided[row_name(method, path)].answers
        if method == "get" or answers["nobody"] == answers["admin"]:  # open, or answered by what the body brings
            continue
        answer = call(forged, method, path, operation, document, own)
        if answer.status_code != 403 or answer.json()["code"] != "csrf":
            wrong[row_name(method, path)] = (answer.status_code, answer.text[:200])
    assert not wrong


# -- the other tenant ---------------------------------------------------------------------------------------------


def fingerprint(database: Database, organization_id: UUID) -> dict[str, tuple[int, str]]:
    """Rows and a hash of each table's, as the organization sees its own."""
    found = {}
    with database.tenant(organization_id) as session:
        tables = session.execute(
            text(
                """
                SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                  AND has_table_privilege('pytake_app', c.oid, 'SELECT')
                """
            )
        ).scalars()
        for table in sorted(tables):
            lines = session.execute(text(f'SELECT t::text FROM "{table}" t ORDER BY 1')).scalars().all()
            found[table] = (len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest())
    return found


def test_the_other_tenants_things(
    live_client: TestClient, register: NewCaller, services: Services, document: dict[str, Any]
) -> None:
    """Ids of another tenant's: not found, nothing of theirs told, and not one of their rows has changed."""
    one, two = register(), register()
    one.client = live_client
    theirs = populate(services, two)
    populate(services, one)
    before = fingerprint(services.database, two.organization_id)
    assert sum(1 for rows_, _ in before.values() if rows_) >= 35
    marks = [str(value) for value in (*theirs.values(), two.organization_id) if isinstance(value, UUID)]
    decided, seen = rows("api"), {}
    for method, path, operation in operations(document):
        answer = call(one, method, path, operation, document, theirs)
        name, word = row_name(method, path), word_for(answer)
        asked_for = str(answer.request.url) + answer.request.content.decode(errors="replace")
        told = [mark for mark in marks if mark in answer.text and mark not in asked_for]
        assert not told, (name, answer.text)
        seen[name] = ("own" if word == "ok" and decided[name].answers["other"] == "own" else word, answer.text)
        if path in ENDS_THE_SIGN_IN:
            one.headers = signed_in_again(one, services)
    compare(seen, "other")
    after = fingerprint(services.database, two.organization_id)
    assert {table: after[table] for table in before if after[table] != before[table]} == {}


# -- what the document doesn't tell of ----------------------------------------------------------------------------


def test_routes_outside_the_document(app: FastAPI, caller: Caller, services: Services) -> None:
    """Who calls makes no difference to them, or they know their own kind of caller: a bare request shows it."""
    ids = populate(services, caller)
    plain = {"version": "v23.0", "business_account_id": "1", "object_id": "1", "path": "swagger-ui.css"}
    stranger = TestClient(app, base_url=HOST, follow_redirects=False, raise_server_exceptions=False)
    wrong = {}
    for name, row in rows("outside the document").items():
        method, path = name.split()
        for part in re.findall(r"{(\w+)}", path):
            path = path.replace(f"{{{part}}}", str(plain.get(part) or ids[part]))
        for who, headers in (("nobody", {}), ("admin", caller.headers)):
            status = stranger.request(method, path, headers=headers, content=b"" if method == "GET" else b"{}")
            if str(status.status_code) != row.answers[who]:
                wrong[f"{name} as {who}"] = (status.status_code, status.text[:200])
    assert not wrong
