"""Registering, signing in and out by API."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from pytake_app.accounts.models import AuthSession, RefreshToken, User
from pytake_app.accounts.service import purge_expired
from pytake_app.accounts.tokens import hash_token
from pytake_app.api.app import create_app
from pytake_app.api.services import Services, build_services
from pytake_app.core.clock import FrozenClock
from tests.api.fixtures import HOST, PASSWORD, Caller, NewCaller

LOGIN = "/api/v1/auth/login"
REFRESH = "/api/v1/auth/refresh"


def login(client: TestClient, email: str, password: str = PASSWORD, **kwargs: Any) -> Any:
    return client.post(LOGIN, json={"email": email, "password": password}, **kwargs)


def test_registering_answers_tokens_user_and_organization(client: TestClient, services: Services) -> None:
    body = {
        "email": "Ana@Example.com",
        "password": PASSWORD,
        "full_name": "Ana Souza",
        "organization_name": "Loja Açaí",
    }
    response = client.post("/api/v1/auth/register", json=body)
    assert response.status_code == 201
    answer = response.json()
    assert set(answer) == {"access_token", "refresh_token", "token_type", "expires_in", "user", "organization"}
    assert answer["token_type"] == "bearer"
    assert answer["expires_in"] == 900
    assert answer["user"]["email"] == "ana@example.com"
    assert answer["user"]["role"] == "org_admin"
    assert answer["organization"]["name"] == "Loja Açaí"
    assert answer["organization"]["slug"].startswith("loja-acai-")
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert {"sub", "org", "role", "sid", "iat", "exp", "jti"} <= set(claims)
    assert claims["exp"] - claims["iat"] == 900
    assert PASSWORD not in response.text


def test_secrets_are_stored_as_hashes(caller: Caller, services: Services) -> None:
    with services.database.auth() as session:
        user = session.exec(select(User)).one()
        token = session.exec(select(RefreshToken)).one()
    assert user.password_hash.startswith("$argon2id$")
    assert token.token_hash == hash_token(caller.answer["refresh_token"])


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("email", "not an address", "/email"),
        # What would be kept is another mailbox, whose owner would get this one's mails.
        ("email", "straße@example.com", "/email"),
        ("email", "\N{FULLWIDTH LATIN SMALL LETTER A}na@example.com", "/email"),
        ("full_name", "   ", "/full_name"),
        ("password", "short", "/password"),
        ("password", "senha123456", "/password"),
        ("password", "1234567890", "/password"),
        ("password", "aaaaaaaaaaaaaa", "/password"),
        ("password", "new@example.com", "/password"),
        ("password", "x" * 300, "/password"),
        ("surprise", "field", "/surprise"),
    ],
)
def test_bad_registrations_are_refused(
    client: TestClient, services: Services, field: str, value: str, pointer: str
) -> None:
    body = {"email": "new@example.com", "password": PASSWORD, "full_name": "Ana", field: value}
    response = client.post("/api/v1/auth/register", json=body)
    assert response.status_code == 422
    assert pointer in {error["pointer"] for error in response.json()["errors"]}
    with services.database.auth() as session:
        assert session.exec(select(User)).first() is None


def test_an_email_registers_once_whatever_its_case(caller: Caller) -> None:
    body = {"email": caller.email.upper(), "password": PASSWORD, "full_name": "Eve"}
    response = caller.client.post("/api/v1/auth/register", json=body)
    assert response.status_code == 409
    assert response.json()["code"] == "email_taken"


def test_signing_in(caller: Caller, client: TestClient) -> None:
    response = login(client, f"  {caller.email.upper()} ")
    assert response.status_code == 200
    access = response.json()["access_token"]
    me = client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {access}"})
    assert me.json()["user"]["email"] == caller.email


def test_unknown_email_and_wrong_password_look_the_same(caller: Caller, client: TestClient) -> None:
    answers = []
    for email in (caller.email, "nobody@example.com"):
        response = login(client, email, "not the password")
        body = response.json()
        body.pop("request_id")
        answers.append((response.status_code, body))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401


def test_unknown_email_costs_a_verification_too(
    services: Services, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytake_app.accounts import passwords

    started = time.perf_counter()
    passwords.verify_password(None, "whatever")
    absent = time.perf_counter() - started
    started = time.perf_counter()
    passwords.verify_password(passwords.hash_password("x" * 12), "whatever")
    present = time.perf_counter() - started
    assert absent > 0.002
    assert absent > present / 10


def test_a_disabled_user_cannot_sign_in_nor_go_on(caller: Caller, client: TestClient, services: Services) -> None:
    with services.database.auth() as session:
        session.exec(select(User)).one().is_active = False
    assert login(client, caller.email).status_code == 401
    assert caller.get("/api/v1/auth/me").status_code == 401


def test_access_tokens_expire(caller: Caller, frozen_clock: FrozenClock) -> None:
    frozen_clock.advance(timedelta(minutes=14))
    assert caller.get("/api/v1/auth/me").status_code == 200
    frozen_clock.advance(timedelta(minutes=2))
    response = caller.get("/api/v1/auth/me")
    assert response.status_code == 401
    assert response.json()["code"] == "token_expired"
    assert response.headers["www-authenticate"] == "Bearer"


def test_tokens_of_others_are_refused(caller: Caller, client: TestClient) -> None:
    claims = jwt.decode(caller.answer["access_token"], options={"verify_signature": False})
    forged = [
        jwt.encode(claims, "x" * 40, algorithm="HS256"),
        jwt.encode(claims, "", algorithm="none"),
        caller.answer["access_token"][:-4] + "AAAA",
        caller.answer["refresh_token"],
        "",
        "a.b.c",
    ]
    for token in forged:
        response = client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 401, token


def test_refreshing_rotates(caller: Caller, client: TestClient) -> None:
    first = caller.answer["refresh_token"]
    answer = client.post(REFRESH, json={"refresh_token": first}).json()
    assert answer["refresh_token"] != first
    assert (
        client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {answer['access_token']}"}).status_code == 200
    )
    again = client.post(REFRESH, json={"refresh_token": answer["refresh_token"]})
    assert again.status_code == 200


def test_reusing_a_refresh_token_ends_the_session(caller: Caller, client: TestClient, services: Services) -> None:
    first = caller.answer["refresh_token"]
    second = client.post(REFRESH, json={"refresh_token": first}).json()
    stolen = client.post(REFRESH, json={"refresh_token": first})
    assert (stolen.status_code, stolen.json()["code"]) == (401, "token_reused")
    # Everything of that session is dead: the newest refresh token and every access token.
    assert client.post(REFRESH, json={"refresh_token": second["refresh_token"]}).status_code == 401
    for access in (second["access_token"], caller.answer["access_token"]):
        assert client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {access}"}).status_code == 401
    with services.database.auth() as session:
        assert session.exec(select(AuthSession)).one().revoked_reason == "refresh_token_reused"


def test_a_refresh_token_that_two_use_at_once_is_good_once(caller: Caller, services: Services) -> None:
    """Each in a thread of its own: one gets a pair, the other is a reuse, and ends the session for both."""
    body = {"refresh_token": caller.answer["refresh_token"]}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: caller.client.post(REFRESH, json=body), range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    pair = next(answer.json() for answer in answers if answer.status_code == 200)
    assert caller.client.post(REFRESH, json={"refresh_token": pair["refresh_token"]}).status_code == 401
    with services.database.auth() as session:
        assert session.exec(select(AuthSession)).one().revoked_reason == "refresh_token_reused"
        assert len(session.exec(select(RefreshToken)).all()) == 2  # the first, and the one pair that was given


def test_reuse_leaves_other_sessions_alone(caller: Caller, client: TestClient) -> None:
    other = login(client, caller.email).json()
    client.post(REFRESH, json={"refresh_token": caller.answer["refresh_token"]})
    client.post(REFRESH, json={"refresh_token": caller.answer["refresh_token"]})
    assert (
        client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {other['access_token']}"}).status_code == 200
    )


def test_refresh_tokens_expire(caller: Caller, client: TestClient, frozen_clock: FrozenClock) -> None:
    frozen_clock.advance(timedelta(days=7, seconds=1))
    response = client.post(REFRESH, json={"refresh_token": caller.answer["refresh_token"]})
    assert response.status_code == 401


def test_signing_out_ends_access_at_once(caller: Caller, client: TestClient) -> None:
    assert caller.post("/api/v1/auth/logout").status_code == 204
    assert caller.get("/api/v1/auth/me").status_code == 401
    assert client.post(REFRESH, json={"refresh_token": caller.answer["refresh_token"]}).status_code == 401


def test_signing_out_everywhere(caller: Caller, client: TestClient, register: NewCaller) -> None:
    others = [login(client, caller.email).json() for _ in range(2)]
    stranger = register()
    assert caller.post("/api/v1/auth/logout-everywhere").status_code == 204
    for answer in (*others, caller.answer):
        headers = {"Authorization": f"Bearer {answer['access_token']}"}
        assert client.get("/api/v1/auth/me", headers=headers).status_code == 401
    assert stranger.get("/api/v1/auth/me").status_code == 200


def test_guessing_is_limited_per_account_and_address(caller: Caller, client: TestClient) -> None:
    statuses = [login(client, caller.email, f"guess number {n}").status_code for n in range(9)]
    assert statuses == [401] * 8 + [429]
    # Also the right password has to wait now…
    refused = login(client, caller.email)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    # …but not that of somebody else.
    assert login(client, "else@example.com").status_code == 401


def test_a_success_forgets_the_failures_before_it(caller: Caller, client: TestClient) -> None:
    for _ in range(3):
        assert [login(client, caller.email, "wrong password").status_code for _ in range(5)] == [401] * 5
        assert login(client, caller.email).status_code == 200


def test_guessing_over_many_accounts_is_limited_per_address(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytake_app.accounts import attempts

    monkeypatch.setattr(attempts, "LOGINS_PER_ADDRESS", "5 per 5 minute")
    statuses = [login(client, f"person{n}@example.com").status_code for n in range(6)]
    assert statuses == [401] * 5 + [429]


def test_ended_sessions_are_forgotten_in_the_end(
    caller: Caller, client: TestClient, services: Services, frozen_clock: FrozenClock
) -> None:
    login(client, caller.email)
    caller.post("/api/v1/auth/logout")
    frozen_clock.advance(timedelta(days=31))
    live = login(client, caller.email).json()
    assert purge_expired(services.database, frozen_clock.now()) == 1  # the other expired a week after its sign-in
    frozen_clock.advance(timedelta(days=6, hours=23))
    assert purge_expired(services.database, frozen_clock.now()) == 1
    with services.database.auth() as session:
        assert len(session.exec(select(AuthSession)).all()) == 1
    assert client.post(REFRESH, json={"refresh_token": live["refresh_token"]}).status_code == 200


def test_two_registrations_at_once_make_one_account(
    caller: Caller, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytake_app.accounts import repository

    monkeypatch.setattr(repository, "user_by_email", lambda _session, _email: None)
    body = {"email": caller.email, "password": PASSWORD, "full_name": "Late"}
    response = client.post("/api/v1/auth/register", json=body)
    assert (response.status_code, response.json()["code"]) == (409, "email_taken")


def test_registration_can_be_closed(caller: Caller, services: Services) -> None:
    settings = services.settings.model_copy(update={"registration_open": False})
    app = create_app(settings, services=build_services(settings, clock=services.clock, database=services.database))
    client = TestClient(app, base_url=HOST)
    body = {"email": "new@example.com", "password": PASSWORD, "full_name": "Ana"}
    response = client.post("/api/v1/auth/register", json=body)
    assert (response.status_code, response.json()["code"]) == (403, "registration_closed")
    assert login(client, caller.email).status_code == 200
