"""The bell in the top bar: what a person should know."""

import reflex as rx

from pytake_app.core.tenancy import Principal
from pytake_app.ui import push
from pytake_app.ui.session import SessionState, protected


class BellState(rx.State):
    """Only a subscription: notifications come by REST."""

    @rx.event
    @protected(role="viewer")
    async def watch(self, who: Principal) -> None:
        """This tab hears of its organization's notifications; whose each one is, the poke says."""
        push.watch(self, who, "notifications", f"org:{who.organization_id}:notifications")


class Bell(rx.Component):
    """The bell; `me` is the id of who is signed in."""

    library = "$/public/pt_bell.js"
    tag = "TopBell"
    me: rx.Var[str]
    on_watch: rx.EventHandler[rx.event.no_args_event_spec]


def bell() -> rx.Component:
    """The bell of the shell."""
    return Bell.create(me=SessionState.user_id, on_watch=BellState.watch)
