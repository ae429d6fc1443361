"""The inbox: list, thread, contact."""

import reflex as rx

from pytake_app.core.tenancy import Principal
from pytake_app.ui import push
from pytake_app.ui.layout.shell import page_shell
from pytake_app.ui.pages.inbox.store import InboxRoot
from pytake_app.ui.session import SessionState, protected

ROUTE = "/inbox"


class InboxState(rx.State):
    """Only a subscription: what the inbox shows lives in the browser and comes by REST."""

    @rx.event
    @protected(role="viewer")
    async def watch(self, who: Principal) -> None:
        """`on_load`: this tab hears of changes in its organization's conversations and queues."""
        push.watch(self, who, "inbox", f"org:{who.organization_id}:conversations", f"org:{who.organization_id}:queues")


ON_LOAD = [SessionState.guard, InboxState.watch]


def page() -> rx.Component:
    """The page."""
    me = {
        "id": SessionState.user_id,
        "name": SessionState.user_name,
        "role": SessionState.role,
        "permissions": SessionState.permissions,
        "organization": SessionState.organization_name,
    }
    return page_shell("inbox.title", InboxRoot.create(me=me), active="inbox", bare=True)
