"""The root address leads to the work: the inbox, or the sign-in page."""

import reflex as rx

from pytake_app.ui.components.basics import logo
from pytake_app.ui.session import identify

ROUTE = "/"


class HomeState(rx.State):
    """Only a signpost."""

    @rx.event
    async def lead_on(self) -> rx.event.EventSpec:
        """`on_load`: where to go."""
        who = await identify(self)
        return rx.redirect("/login" if who is None else "/inbox", replace=True)


ON_LOAD = [HomeState.lead_on]


def page() -> rx.Component:
    """Shown for the moment before the redirect."""
    return rx.el.main(logo(large=True), class_name="state", min_height="100dvh")
