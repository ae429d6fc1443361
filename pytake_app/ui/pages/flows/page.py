"""The list of flows: find one, see its state, make, copy, import, take away."""

import reflex as rx

from pytake_app.core.tenancy import Principal
from pytake_app.ui import push
from pytake_app.ui.layout.shell import page_shell
from pytake_app.ui.pages.flows.dialogs import dialogs
from pytake_app.ui.pages.flows.rows import table
from pytake_app.ui.pages.flows.side import side
from pytake_app.ui.pages.flows.store import FlowsRoot
from pytake_app.ui.pages.flows.tools import tools
from pytake_app.ui.session import SessionState, protected

ROUTE = "/flows"


class FlowsState(rx.State):
    """Only a subscription: the list lives in the browser and comes by REST."""

    @rx.event
    @protected(role="viewer")
    async def watch(self, who: Principal) -> None:
        """`on_load`: this tab hears of changes of its organization's flows."""
        push.watch(self, who, "flows", f"org:{who.organization_id}:flows")


ON_LOAD = [SessionState.guard, FlowsState.watch]


def page() -> rx.Component:
    """The page."""
    body = rx.el.div(side(), table(), class_name="fl-body")
    me = {"id": SessionState.user_id, "role": SessionState.role, "permissions": SessionState.permissions}
    return page_shell("flows.title", FlowsRoot.create(tools(), body, dialogs(), me=me), active="flows")
