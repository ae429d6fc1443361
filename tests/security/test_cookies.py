"""Cookies behind https: by their names no other host can have set them, and what others set is nobody's."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pytake_app.api.app import create_app
from pytake_app.api.cookies import PREFIXES, under_host_names
from pytake_app.api.services import Services
from tests.api.fixtures import PASSWORD, Caller, NewCaller

HOST = "https://pytake.example"
ME = "/api/v1/auth/me"


class Https:
    """The API as the composition root serves it to an installation with `PUBLIC_URL=https://…`."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            scope, send = under_host_names(scope, send)
        await self._app(scope, receive, send)


@pytest.fixture
def browser(services: Services) -> TestClient:
    settings = services.settings.model_copy(update={"public_url": HOST})
    app = create_app(settings, services=services)
    return TestClient(Https(app), base_url=HOST, follow_redirects=False)


def sign_in(browser: TestClient, caller: Caller) -> Any:
    form = {"email": caller.email, "password": PASSWORD}
    return browser.post("/auth/web/login", data=form, headers={"Origin": HOST})


def test_cookies_are_the_hosts_own(browser: TestClient, register: NewCaller) -> None:
    answer = sign_in(browser, register())
    set_ = {line.partition("=")[0]: line.lower() for line in answer.headers.get_list("set-cookie")}
    assert set(set_) == {"__Host-pytake_session", "__Host-pytake_device"}
    for line in set_.values():
        # What a browser asks of the prefix (RFC 6265bis), or it would drop the cookie.
        assert "; secure" in line
        assert "; path=/;" in f"{line};"
        assert "domain" not in line
        assert "httponly" in line
    assert browser.get(ME).status_code == 200  # and it comes back in
    left = browser.post("/auth/web/logout", headers={"Origin": HOST})
    assert left.headers["set-cookie"].startswith('__Host-pytake_session=""')
    assert browser.get(ME).status_code == 401


def test_a_neighbours_cookie_is_nobodys(browser: TestClient, register: NewCaller) -> None:
    """A page of another subdomain may set `pytake_session` for the whole domain: its own, so that somebody works in
    the wrong organization without noticing."""
    mine, thief = register(), register()
    stolen = {}
    for one in (thief, mine):
        browser.cookies.clear()
        sign_in(browser, one)
        stolen[one.email] = browser.cookies["__Host-pytake_session"]
    browser.cookies.clear()
    planted = f"pytake_session={stolen[thief.email]}"
    assert browser.get(ME, headers={"Cookie": planted}).status_code == 401
    both = f"{planted}; __Host-pytake_session={stolen[mine.email]}; pytake_lang=en; {planted}"
    assert browser.get(ME, headers={"Cookie": both}).json()["user"]["email"] == mine.email


async def test_nothing_else_is_touched() -> None:
    header = b'pytake_lang=en;a="b; c"; __Host-other=1;; x'
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope, renamed = under_host_names(
        {"type": "http", "headers": [(b"cookie", header), (b"x", b"pytake_step=1")]}, send
    )
    assert scope["headers"] == [(b"cookie", b'pytake_lang=en; a="b; c"; __Host-other=1; ; x'), (b"x", b"pytake_step=1")]
    lines = [
        (b"Set-Cookie", b"pytake_lang=en"),
        (b"set-cookie", b"pytake_step=1; Path=/auth/web"),
        (b"x", b"pytake_step=2"),
    ]
    await renamed({"type": "http.response.start", "status": 200, "headers": lines})
    await renamed({"type": "http.response.body", "body": b"pytake_session=1"})
    assert sent[0]["headers"] == [lines[0], (b"set-cookie", b"__Secure-pytake_step=1; Path=/auth/web"), lines[2]]
    assert sent[1]["body"] == b"pytake_session=1"


def test_every_cookie_of_ours_has_a_prefix() -> None:
    from pytake_app.api.deps import COOKIE, DEVICE_COOKIE
    from pytake_app.api.web import FORM_COOKIE, STEP_COOKIE
    from pytake_app.ui import session

    names = (COOKIE, DEVICE_COOKIE, STEP_COOKIE, FORM_COOKIE)
    assert {name.encode() for name in names} == set(PREFIXES)
    assert (session.COOKIE, session.FORM_COOKIE) == (COOKIE, FORM_COOKIE)
