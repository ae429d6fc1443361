"""What opens before a draft goes live: findings, impact on sessions in progress, note, now or later."""

import reflex as rx

from pytake_app.ui.canvas.components import (
    Item,
    Overlay,
    PublishNote,
    PublishTests,
    do,
    flag,
    items_of,
    number,
    text_of,
    view,
)
from pytake_app.ui.canvas.marks import ParkedChoice, PublishTime
from pytake_app.ui.components.basics import button, icon, skeleton
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.editor.check_tests import publish_tests


def _findings(item: Item) -> rx.Component:
    errors, warnings = number(item, "errors"), number(item, "warnings")
    look = rx.el.button(
        t("editor.open_check"), type="button", class_name="link", on_click=do("editor.reviewFindings()")
    )
    blocked = rx.el.div(
        icon("circle-alert"),
        rx.el.div(rx.el.div(t("editor.blocked", count=errors), class_name="med"), look, class_name="grow"),
        class_name="notice red",
    )
    warned = rx.el.div(
        icon("triangle-alert"),
        rx.el.div(t("editor.warned", count=warnings), " ", look, class_name="grow"),
        class_name="notice amber",
    )
    good = rx.el.div(
        icon("circle-check"), rx.el.div(t("editor.check_passed"), class_name="grow"), class_name="notice jade"
    )
    return rx.cond(errors > 0, blocked, rx.cond(warnings > 0, warned, good))


def _what(item: Item) -> rx.Component:
    size = rx.cond(
        (number(item, "live") > 0) & (text_of(item, "size") != ""),
        rx.el.div(
            icon("diff", "s"),
            text_of(item, "size"),
            class_name="row g8",
            custom_attrs={"data-testid": "publish-size"},
        ),
    )
    return rx.el.div(
        rx.el.div(
            icon("git-commit-horizontal", "s"),
            rx.cond(
                flag(item, "later"),
                t("versions.becomes_later"),
                t("editor.becomes", version=number(item, "next")),
            ),
            class_name="row g8",
        ),
        size,
        rx.cond(
            number(item, "ahead") > 0,
            rx.el.div(
                icon("calendar-clock", "s"), t("versions.also_ahead", count=number(item, "ahead")), class_name="row g8"
            ),
        ),
        class_name="col g6 dense",
    )


def _parked(one: rx.Var) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span(text_of(one, "title"), class_name="med ell"),
            rx.el.span(text_of(one, "why"), class_name="meta muted"),
            class_name="col grow",
        ),
        ParkedChoice.create(
            node=text_of(one, "id"),
            value=text_of(one, "choice"),
            choices=one["choices"],
            label=t("versions.parked_label", block=text_of(one, "title")),
        ),
        class_name="row g8 parked",
        custom_attrs={"data-testid": "parked"},
    )


def _impact(item: Item) -> rx.Component:
    def rest(name: str, label: str) -> rx.Component:
        return rx.el.button(
            t(label),
            type="button",
            on_click=do(f"versions.rest('{name}')"),
            custom_attrs={"aria-pressed": text_of(item, "rest") == name, "data-testid": f"rest-{name}"},
        )

    parked = items_of(item, "parked")
    people = rx.el.div(
        rx.el.div(
            icon("users", "s"),
            rx.el.span(t("versions.running", count=number(item, "running")), class_name="grow"),
            class_name="row g8 dense",
        ),
        rx.el.div(
            rest("finish", "versions.rest_finish"),
            rest("end", "versions.rest_end"),
            class_name="seg",
            role="group",
            custom_attrs={"aria-label": t("versions.rest")},
        ),
        rx.cond(
            parked.length() > 0,
            rx.el.div(
                rx.el.div(t("versions.parked_title"), class_name="meta muted"),
                rx.foreach(parked, _parked),
                class_name="col g8",
            ),
        ),
        class_name="col g8 impact",
        custom_attrs={"data-testid": "impact"},
    )
    return rx.cond(flag(item, "looked"), rx.cond(number(item, "running") > 0, people), skeleton("60%"))


def _time(item: Item) -> rx.Component:
    def choice(value: str, label: str, on: rx.Var) -> rx.Component:
        return rx.el.button(
            t(label),
            type="button",
            on_click=do(f"versions.later({value})"),
            custom_attrs={"aria-pressed": on, "data-testid": f"publish-later-{value}"},
        )

    pick = rx.el.div(
        PublishTime.create(value=text_of(item, "at"), label=t("versions.at")),
        rx.el.span(t("versions.at_zone", zone=text_of(item, "zone")), class_name="hint"),
        class_name="ff",
    )
    return rx.el.div(
        rx.el.div(
            choice("false", "versions.now", ~flag(item, "later")),
            choice("true", "versions.later", flag(item, "later")),
            class_name="seg",
            role="group",
            custom_attrs={"aria-label": t("versions.when")},
        ),
        rx.cond(flag(item, "later"), pick),
        class_name="col g8",
    )


@rx.memo
def publish_view(item: rx.Var[dict]) -> rx.Component:
    """The dialog before a draft goes live."""
    return Overlay.create(
        rx.el.h2(t("editor.publish_title"), class_name="title"),
        _findings(item),
        _what(item),
        rx.cond(
            flag(item, "layout_only"),
            rx.el.div(icon("move"), t("versions.layout_only_detail"), class_name="notice", role="status"),
        ),
        _impact(item),
        PublishTests.create(view=view(publish_tests)),
        rx.el.label(
            rx.el.span(t("editor.note"), rx.el.span(" · ", t("common.optional"), class_name="muted"), class_name="lbl"),
            PublishNote.create(value=text_of(item, "note"), placeholder=t("editor.note_hint")),
            class_name="ff",
        ),
        _time(item),
        rx.cond(
            text_of(item, "error") != "",
            rx.el.div(
                icon("circle-alert"),
                text_of(item, "error"),
                class_name="notice red",
                role="alert",
                custom_attrs={"data-testid": "publish-error"},
            ),
        ),
        rx.el.div(
            button(t("common.cancel"), on_click=do("editor.closePublish()")),
            button(
                rx.cond(flag(item, "later"), t("versions.schedule"), t("editor.publish")),
                kind="solid",
                busy=flag(item, "busy"),
                disabled=number(item, "errors") > 0,
                on_click=do("editor.doPublish()"),
                custom_attrs={"data-testid": "confirm-publish"},
            ),
            class_name="ovfoot",
        ),
        open=flag(item, "open"),
        label=t("editor.publish_title"),
        on_close=do("editor.closePublish()"),
        class_name="publish",
    )
