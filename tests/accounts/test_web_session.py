"""The pages' cookie session, and writes by cookie."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from pytake_app.accounts.models import AuthSession, Organization, User
from pytake_app.accounts.service import resolve_web_session
from pytake_app.accounts.tokens import hash_token
from pytake_app.api.app import create_app
from pytake_app.api.services import Services, build_services
from pytake_app.core.clock import FrozenClock
from pytake_app.ui.pages.auth.page import typed_before
from pytake_app.ui.session import FORM_COOKIE
from tests.api.fixtures import HOST, PASSWORD, Caller

OURS = {"Origin": HOST, "Sec-Fetch-Site": "same-origin"}
FORM = {"email": "web@example.com", "password": PASSWORD, "full_name": "Ana Souza", "organization_name": "Loja"}


def register(client: TestClient, headers: dict[str, str] | None = None, **changes: str) -> Any:
    return client.post("/auth/web/register", data={**FORM, **changes}, headers=OURS if headers is None else headers)


def sign_in(client: TestClient, headers: dict[str, str] | None = None, **changes: str) -> Any:
    data = {"email": FORM["email"], "password": PASSWORD, **changes}
    return client.post("/auth/web/login", data=data, headers=OURS if headers is None else headers)


def query(response: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}


def test_registering_signs_in_and_goes_to_the_first_steps(client: TestClient, services: Services) -> None:
    response = register(client)
    assert (response.status_code, response.headers["location"]) == (303, "/start")
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie
    token = client.cookies["pytake_session"]
    with services.database.auth() as session:
        stored = session.exec(select(AuthSession)).one()
        assert stored.token_hash == hash_token(token)
        principal = resolve_web_session(session, token, clock=services.clock)
    assert principal is not None
    assert principal.email == FORM["email"]
    assert principal.organization_name == "Loja"
    assert principal.time_zone == "America/Sao_Paulo"


@pytest.mark.parametrize(("told", "kept"), [("Europe/Lisbon", "Europe/Lisbon"), ("Mars/Olympus", "America/Sao_Paulo")])
def test_an_organization_begins_in_the_browsers_time_zone(client: TestClient, told: str, kept: str) -> None:
    """Pages show every moment in it, until the person chooses another for themselves."""
    assert register(client, time_zone=told).status_code == 303
    me = client.get("/api/v1/auth/me").json()
    assert (me["organization"]["time_zone"], me["user"]["time_zone"]) == (kept, "")
    own = {**OURS, "X-PyTake-CSRF": "1"}
    assert client.patch("/api/v1/auth/me", json={"time_zone": "Asia/Tokyo"}, headers=own).status_code == 200
    assert client.get("/api/v1/auth/me").json()["user"]["time_zone"] == "Asia/Tokyo"


@pytest.mark.parametrize("forwarded", [True, False])
def test_the_cookie_is_secure_over_https(services: Services, forwarded: bool) -> None:
    settings = (
        services.settings
        if forwarded
        else services.settings.model_copy(update={"public_url": "https://pytake.example"})
    )
    app = create_app(settings, services=build_services(settings, clock=services.clock, database=services.database))
    client = TestClient(app, base_url=HOST, follow_redirects=False)
    headers = {**OURS, **({"X-Forwarded-Proto": "https"} if forwarded else {})}
    assert "Secure" in register(client, headers).headers["set-cookie"]


def test_signing_in_goes_where_the_person_was_heading(client: TestClient) -> None:
    register(client)
    assert sign_in(client).headers["location"] == "/inbox"
    assert sign_in(client, next="/flows/7?tab=stats").headers["location"] == "/flows/7?tab=stats"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "flows",
    ],
)
def test_next_never_leaves_the_site(client: TestClient, target: str) -> None:
    register(client)
    assert sign_in(client, next=target).headers["location"] == "/inbox"


def test_the_second_step_forgets_where_another_site_would_be(client: TestClient, services: Services) -> None:
    register(client)
    with services.database.auth() as session:
        organization_id = session.exec(select(User)).one().organization_id
    with services.database.tenant(organization_id) as session:
        organization = session.exec(select(Organization)).one()
        organization.settings = {**organization.settings, "security": {"second_factor": "everyone"}}
    assert sign_in(client, next="/\t/evil.example").headers["location"] == "/login/setup"
    assert query(sign_in(client, next="/flows")) == {"next": "/flows"}


def test_a_wrong_password_leads_back_without_it(client: TestClient) -> None:
    register(client)
    response = sign_in(client, password="not the right one", next="/flows")
    assert response.status_code == 303
    assert urlsplit(response.headers["location"]).path == "/login"
    # Addresses stand in logs of proxies and in histories: neither the e-mail nor anything else of a person is in one.
    assert query(response) == {"error": "credentials_invalid", "next": "/flows"}
    assert typed(response) == {"email": FORM["email"]}
    (cookie,) = response.headers.get_list("set-cookie")
    assert {"HttpOnly", "SameSite=strict", "Max-Age=60"} <= set(cookie.split("; "))


def typed(response: Any) -> dict[str, str]:
    """What goes back into the form's fields."""
    found = [line for line in response.headers.get_list("set-cookie") if line.startswith(f"{FORM_COOKIE}=")]
    return typed_before(found[0].partition("=")[2].partition(";")[0]) if found else {}


@pytest.mark.parametrize("cookie", ["", "x", "%7B", "[]", "%5B1%5D", "null", '"a"', "%00", "{"])
def test_a_forged_cookie_fills_nothing_in(cookie: str) -> None:
    assert typed_before(cookie) == {}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"email": "nonsense"}, "email_invalid"),
        ({"password": "short"}, "password_too_short"),
        ({"password": ""}, "password_invalid"),
        ({"full_name": ""}, "full_name_invalid"),
    ],
)
def test_a_bad_registration_leads_back(client: TestClient, change: dict[str, str], error: str) -> None:
    response = register(client, **change)
    assert response.status_code == 303
    assert urlsplit(response.headers["location"]).path == "/register"
    assert query(response) == {"error": error}
    wanted = {name: value for name, value in {**FORM, **change}.items() if value and name != "password"}
    assert typed(response) == wanted


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": HOST},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_forms_of_other_sites_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    response = register(client, headers)
    assert response.status_code == 403
    assert response.json()["code"] == "csrf"
    assert "set-cookie" not in response.headers


def test_the_public_address_counts_as_our_origin(services: Services) -> None:
    settings = services.settings.model_copy(update={"public_url": "https://pytake.example"})
    app = create_app(settings, services=build_services(settings, clock=services.clock, database=services.database))
    client = TestClient(app, base_url=HOST, follow_redirects=False)
    assert register(client, {"Origin": "https://pytake.example"}).status_code == 303


def test_reading_by_cookie(client: TestClient) -> None:
    register(client)
    assert client.get("/api/v1/auth/me").json()["user"]["email"] == FORM["email"]


def test_writing_by_cookie_needs_header_and_origin(client: TestClient) -> None:
    register(client)
    path = "/api/v1/auth/logout-everywhere"
    for headers in ({}, OURS, {"X-PyTake-CSRF": "1"}, {"X-PyTake-CSRF": "1", "Origin": "https://evil.example"}):
        response = client.post(path, headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "csrf"), headers
    assert client.post(path, headers={**OURS, "X-PyTake-CSRF": "1"}).status_code == 204


def test_bearer_writes_need_neither(caller: Caller) -> None:
    assert caller.post("/api/v1/auth/logout", headers={"Origin": "https://app.example"}).status_code == 204


def test_signing_out_ends_the_session_at_the_server(client: TestClient) -> None:
    register(client)
    token = client.cookies["pytake_session"]
    response = client.post("/auth/web/logout", headers=OURS)
    assert (response.status_code, response.headers["location"]) == (303, "/login")
    assert "pytake_session" not in client.cookies
    client.cookies.set("pytake_session", token)
    assert client.get("/api/v1/auth/me").status_code == 401


def test_signing_out_everywhere_ends_the_other_browsers(client: TestClient, app: Any) -> None:
    register(client)
    other = TestClient(app, base_url=HOST, follow_redirects=False)
    sign_in(other)
    assert client.post("/auth/web/logout-everywhere", headers=OURS).status_code == 303
    assert other.get("/api/v1/auth/me").status_code == 401


def test_sessions_slide_and_end(client: TestClient, services: Services, frozen_clock: FrozenClock) -> None:
    register(client)
    for _ in range(3):
        frozen_clock.advance(timedelta(days=10))
        assert client.get("/api/v1/auth/me").status_code == 200
    frozen_clock.advance(timedelta(days=15))
    assert client.get("/api/v1/auth/me").status_code == 401


def test_no_use_keeps_a_session_for_ever(client: TestClient, frozen_clock: FrozenClock) -> None:
    register(client)
    statuses = []
    for _ in range(10):
        frozen_clock.advance(timedelta(days=10))
        statuses.append(client.get("/api/v1/auth/me").status_code)
    assert statuses[:8] == [200] * 8
    assert statuses[-1] == 401


def test_an_api_sessions_token_is_no_cookie(caller: Caller, client: TestClient) -> None:
    for token in (caller.answer["access_token"], caller.answer["refresh_token"], "", "x" * 5000):
        client.cookies.set("pytake_session", token)
        assert client.get("/api/v1/auth/me").status_code == 401


def test_a_changed_role_counts_at_once(client: TestClient, services: Services) -> None:
    register(client)
    with services.database.auth() as session:
        session.exec(select(User)).one().role = "viewer"
    principal = services.accounts.resolve_cookie(client.cookies["pytake_session"])
    assert principal is not None
    assert principal.role == "viewer"
