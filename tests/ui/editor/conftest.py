"""A signed-in person's editor state on the real database, without a browser."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.core.tenancy import Principal
from pytake_app.ui import session as ui_session
from pytake_app.ui.pages.editor.state import EditorState
from tests.support.tenants import Tenant, make_tenant


class Editor:
    """One tab. `call("submit", {...})` runs the handler as the framework would; `reply` is its latest answer."""

    def __init__(self, who: Principal | None) -> None:
        self.who = who
        self.state = EditorState()

    def call(self, handler: str, message: object) -> Any:
        """Run one handler with the payload a socket frame would carry."""
        outcome: Awaitable[Any] = EditorState.event_handlers[handler].fn(self.state, message)
        return asyncio.run(_finish(outcome))

    @property
    def reply(self) -> dict[str, Any]:
        """What the browser would receive."""
        return dict(self.state.reply)


async def _finish(outcome: Awaitable[Any]) -> Any:
    return await outcome


@pytest.fixture
def tenant(clean_db: Database, redis_client: object, frozen_clock: FrozenClock) -> Tenant:
    """An organization with people and a number."""
    return make_tenant(clean_db, frozen_clock)


@pytest.fixture
def open_editor(clean_db: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[[Principal | None], Editor]:
    """Opens tabs; identity comes from the session in the product, here from the tab's `who`."""
    tabs: list[Editor] = []

    async def identify(state: Any) -> Principal | None:
        return next(tab.who for tab in tabs if tab.state is state)

    monkeypatch.setattr(ui_session, "identify", identify)
    monkeypatch.setattr("pytake_app.ui.backend.database", lambda: clean_db)

    def opened(who: Principal | None) -> Editor:
        tab = Editor(who)
        tabs.append(tab)
        return tab

    return opened
