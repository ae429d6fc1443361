"""The queue monitor: who waits, who is served, what was settled.

Whoever is signed in may look; agents take what waits in their queues, administrators move everything. The API refuses
the rest.
"""

import reflex as rx

from pytake_app.core.tenancy import Principal
from pytake_app.ui import push
from pytake_app.ui.layout.shell import page_shell
from pytake_app.ui.pages.queues.store import MonitorRoot
from pytake_app.ui.session import SessionState, protected

ROUTE = "/queues"


class QueuesState(rx.State):
    """Only a subscription: what the monitor shows lives in the browser and comes by REST."""

    @rx.event
    @protected(role="viewer")
    async def watch(self, who: Principal) -> None:
        """`on_load`: this tab hears of messages, which change who spoke last; of queues the shell hears everywhere."""
        push.watch(self, who, "queue_talks", f"org:{who.organization_id}:conversations")


ON_LOAD = [SessionState.guard, QueuesState.watch]


def page() -> rx.Component:
    """The page."""
    me = {"id": SessionState.user_id, "role": SessionState.role, "permissions": SessionState.permissions}
    return page_shell("monitor.title", MonitorRoot.create(me=me), active="queues", bare=True)
