"""What an unknown address shows."""

import reflex as rx

from pytake_app.ui.components.basics import icon, link_button
from pytake_app.ui.i18n import t
from pytake_app.ui.layout.shell import hydrated_mark

ROUTE = "404"


def page() -> rx.Component:
    """A sentence and the way out. Not the shell: whoever comes here need not be signed in."""
    return rx.el.main(
        rx.el.div(icon("map-pin-off"), class_name="pic"),
        rx.el.h1(t("common.not_found"), class_name="title"),
        rx.el.div(t("common.not_found_detail"), class_name="txt"),
        rx.el.div(link_button(t("common.go_home"), href="/", kind="solid"), class_name="act"),
        hydrated_mark(),
        class_name="state",
        min_height="100dvh",
        id="content",
    )
