"""The flow list's server side: who may listen, and to what."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from pytake_app.core.tenancy import Principal, Role
from pytake_app.ui import push
from pytake_app.ui import session as ui_session
from pytake_app.ui.pages.flows.page import ON_LOAD, FlowsState
from pytake_app.ui.session import SessionState


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What tabs asked to hear."""
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(push, "watch", lambda _state, slot, *topics: asked.append((slot, *topics)))
    return asked


def _watch(monkeypatch: pytest.MonkeyPatch, who: Principal | None) -> Any:
    async def identify(_state: object) -> Principal | None:
        return who

    async def run() -> Any:
        return await FlowsState.event_handlers["watch"].fn(FlowsState())

    monkeypatch.setattr(ui_session, "identify", identify)
    return asyncio.run(run())


def test_a_stranger_is_sent_to_sign_in_and_hears_nothing(
    monkeypatch: pytest.MonkeyPatch, watched: list[tuple[str, ...]]
) -> None:
    refusal = _watch(monkeypatch, None)
    assert "/login" in str(refusal)
    assert watched == []


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT, Role.ORG_ADMIN])
def test_a_member_hears_only_of_their_own_organization(
    role: Role, monkeypatch: pytest.MonkeyPatch, watched: list[tuple[str, ...]]
) -> None:
    who = Principal(user_id=uuid4(), organization_id=uuid4(), role=role, session_id=uuid4())
    assert _watch(monkeypatch, who) is None
    assert watched == [(who, "flows", f"org:{who.organization_id}:flows")]


def test_the_page_is_guarded_before_anything_else() -> None:
    assert [handler.fn.__qualname__ for handler in ON_LOAD] == [
        SessionState.guard.fn.__qualname__,
        FlowsState.watch.fn.__qualname__,
    ]
