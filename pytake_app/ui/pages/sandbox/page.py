"""The sandbox: the phone, and what went over the wire."""

import reflex as rx

from pytake_app.ui.components.basics import icon
from pytake_app.ui.components.phone import PhoneState, WireLog, sandbox_phone
from pytake_app.ui.components.store import view
from pytake_app.ui.i18n import t, t_dynamic
from pytake_app.ui.layout.shell import page_shell
from pytake_app.ui.pages.inbox.store import clock_time
from pytake_app.ui.session import SessionState

ROUTE = "/sandbox"
ON_LOAD = [SessionState.guard, PhoneState.watch]


@rx.memo
def wire_head(item: rx.Var[dict]) -> rx.Component:
    """One message on the wire: which way, what kind, when."""
    out = item["out"].to(bool)
    return rx.fragment(
        rx.cond(
            out,
            rx.el.span(icon("arrow-down-left", "s"), class_name="t-blue"),
            rx.el.span(icon("arrow-up-right", "s"), class_name="t-jade"),
        ),
        rx.el.span(rx.cond(out, t("sandbox.graph_call"), t("sandbox.webhook")), class_name="med"),
        rx.el.span(
            t_dynamic("inbox.kind", item["type"].to(str), "inbox.kind.unsupported"), class_name="muted ell grow"
        ),
        rx.el.span(clock_time(item["at"].to(str)), class_name="meta muted tn"),
    )


def _tip(picture: str, text: rx.Var) -> rx.Component:
    return rx.el.div(icon(picture, "s"), rx.el.span(text), class_name="row dense", align_items="center")


def page() -> rx.Component:
    """The page."""
    tips = rx.el.div(
        rx.el.div(t("sandbox.how"), class_name="h-sec"),
        _tip("message-circle", t("sandbox.tip_talk")),
        _tip("hand", t("sandbox.tip_person")),
        _tip("repeat", t("sandbox.tip_reset")),
        rx.el.div(
            rx.link(icon("inbox", "s"), t("sandbox.open_inbox"), href="/inbox", class_name="btn line", unstyled=True),
            rx.link(
                icon("workflow", "s"), t("sandbox.open_flows"), href="/flows", class_name="btn line", unstyled=True
            ),
            class_name="row wrap",
        ),
        class_name="card pad col g8",
    )
    wire = rx.el.div(
        rx.el.div(
            rx.el.span(t("sandbox.wire"), class_name="h-sec"),
            rx.el.div(t("sandbox.wire_detail"), class_name="meta muted"),
            padding="var(--d-12) var(--d-14)",
        ),
        WireLog.create(view=view(wire_head)),
        class_name="card col grow",
        min_height="0",
        overflow="hidden",
    )
    side = rx.el.div(tips, wire, class_name="sbx-side")
    return page_shell("sandbox.title", rx.el.div(sandbox_phone(), side, class_name="sbx"), active="sandbox", bare=True)
