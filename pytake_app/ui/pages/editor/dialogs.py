"""What opens over the page: the publish dialog."""

import reflex as rx

from pytake_app.ui.canvas.components import Overlay, PublishNote, PublishTests, do, flag, number, text_of, view
from pytake_app.ui.components.basics import button, icon
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.editor.check_tests import publish_tests


@rx.memo
def publish_view(item: rx.Var[dict]) -> rx.Component:
    """The dialog before a draft goes live: findings, impact, note."""
    errors, warnings = number(item, "errors"), number(item, "warnings")
    blocked = rx.el.div(
        icon("circle-alert"),
        rx.el.div(
            rx.el.div(t("editor.blocked", count=errors), class_name="med"),
            rx.el.button(
                t("editor.open_check"), type="button", class_name="link", on_click=do("editor.reviewFindings()")
            ),
            class_name="grow",
        ),
        class_name="notice red",
    )
    warned = rx.el.div(
        icon("triangle-alert"),
        rx.el.div(t("editor.warned", count=warnings), class_name="grow"),
        class_name="notice amber",
    )
    good = rx.el.div(
        icon("circle-check"), rx.el.div(t("editor.check_passed"), class_name="grow"), class_name="notice jade"
    )
    impact = rx.el.div(
        rx.el.div(
            icon("git-commit-horizontal", "s"), t("editor.becomes", version=number(item, "next")), class_name="row g8"
        ),
        rx.cond(
            number(item, "running") > 0,
            rx.el.div(icon("users", "s"), t("editor.impact", count=number(item, "running")), class_name="row g8"),
        ),
        rx.cond(
            (number(item, "live") > 0) & (number(item, "changes") > 0),
            rx.el.div(icon("pencil", "s"), t("editor.changes", count=number(item, "changes")), class_name="row g8"),
        ),
        class_name="col g6 dense",
    )
    return Overlay.create(
        rx.el.h2(t("editor.publish_title"), class_name="title"),
        rx.cond(errors > 0, blocked, rx.cond(warnings > 0, warned, good)),
        impact,
        PublishTests.create(view=view(publish_tests)),
        rx.el.label(
            rx.el.span(t("editor.note"), rx.el.span(" · ", t("common.optional"), class_name="muted"), class_name="lbl"),
            PublishNote.create(value=text_of(item, "note"), placeholder=t("editor.note_hint")),
            class_name="ff",
        ),
        rx.cond(
            text_of(item, "error") != "",
            rx.el.div(icon("circle-alert"), text_of(item, "error"), class_name="notice red", role="alert"),
        ),
        rx.el.div(
            button(t("common.cancel"), on_click=do("editor.closePublish()")),
            button(
                t("editor.publish"),
                kind="solid",
                busy=flag(item, "busy"),
                disabled=errors > 0,
                on_click=do("editor.doPublish()"),
                custom_attrs={"data-testid": "confirm-publish"},
            ),
            class_name="ovfoot",
        ),
        open=flag(item, "open"),
        label=t("editor.publish_title"),
        on_close=do("editor.closePublish()"),
    )
