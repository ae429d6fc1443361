"""A tab that was signed in when it began to listen doesn't go on listening once its sign-in has ended."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from pytake_app.core.errors import UnavailableError
from pytake_app.core.tenancy import Principal, Role
from pytake_app.ui import push
from pytake_app.ui.push import Bridge

TOPIC = "org:1:conversations"
WHO = Principal(uuid4(), uuid4(), Role.AGENT, uuid4())


async def test_a_tab_whose_sign_in_ended_hears_nothing_more() -> None:
    bridge, open_tabs = Bridge(), {"ended": None, "stays": WHO}

    def asks(name: str) -> Any:
        async def present() -> Principal | None:
            return open_tabs[name]

        return present

    for name in open_tabs:
        bridge.watch(name, "inbox", (TOPIC,))
        bridge.ask(name, WHO, asks(name))
    assert bridge.watchers(TOPIC) == {"ended", "stays"}
    await bridge.drop_signed_out()
    assert bridge.watchers(TOPIC) == {"stays"}


async def test_nobody_is_dropped_while_the_database_is_away() -> None:
    bridge = Bridge()

    async def away() -> Principal | None:
        raise UnavailableError("away")

    bridge.watch("tab", "inbox", (TOPIC,))
    bridge.ask("tab", WHO, away)
    await bridge.drop_signed_out()
    assert bridge.watchers(TOPIC) == {"tab"}


async def test_watching_remembers_whose_cookie_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    bridge, asked = Bridge(), []

    async def principal_of(token: str) -> None:
        asked.append(token)

    monkeypatch.setattr(push, "bridge", bridge)
    monkeypatch.setattr(push, "principal_of", principal_of)
    router = SimpleNamespace(
        session=SimpleNamespace(client_token="tab"), headers=SimpleNamespace(cookie="a=b; pytake_session=mine")
    )
    push.watch(SimpleNamespace(router=router), WHO, "inbox", TOPIC)  # type: ignore[arg-type]
    await bridge.drop_signed_out()
    assert asked == ["mine"]
    assert bridge.watchers(TOPIC) == frozenset()
