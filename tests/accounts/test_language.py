"""A person's language belongs to their account."""

from __future__ import annotations

import pytest

from tests.api.fixtures import HOST, Caller, NewCaller


def test_language_is_kept_and_told(caller: Caller) -> None:
    assert caller.get("/api/v1/auth/me").json()["user"]["locale"] == "pt_BR"
    answer = caller.patch("/api/v1/auth/me", json={"locale": "es"})
    assert (answer.status_code, answer.json()["locale"]) == (200, "es")
    assert caller.get("/api/v1/auth/me").json()["user"]["locale"] == "es"


@pytest.mark.parametrize("body", [{"locale": "de"}, {}, {"locale": "en", "role": "super_admin"}])
def test_only_a_language_we_have_and_nothing_else(caller: Caller, body: dict[str, str]) -> None:
    answer = caller.patch("/api/v1/auth/me", json=body)
    assert answer.status_code == 422
    me = caller.get("/api/v1/auth/me").json()["user"]
    assert (me["locale"], me["role"]) == ("pt_BR", "org_admin")


def test_another_persons_language_stays(register: NewCaller) -> None:
    mine, theirs = register(), register()
    mine.patch("/api/v1/auth/me", json={"locale": "en"})
    assert theirs.get("/api/v1/auth/me").json()["user"]["locale"] == "pt_BR"


def test_nobody_and_other_sites_are_refused(caller: Caller) -> None:
    assert caller.client.patch("/api/v1/auth/me", json={"locale": "en"}).status_code == 401
    form = {"email": caller.email, "password": "correct horse battery staple"}
    caller.client.post("/auth/web/login", data=form, headers={"Origin": HOST, "Sec-Fetch-Site": "same-origin"})
    assert caller.client.cookies.get("pytake_session")
    assert caller.client.patch("/api/v1/auth/me", json={"locale": "en"}).status_code == 403  # no CSRF header
    written = caller.client.patch(
        "/api/v1/auth/me", json={"locale": "en"}, headers={"X-PyTake-CSRF": "1", "Origin": HOST}
    )
    assert written.status_code == 200
