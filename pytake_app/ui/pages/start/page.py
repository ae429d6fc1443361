"""First steps: the account is made, choose a starter flow, talk to it on the sandbox phone."""

from typing import Any

import reflex as rx

from pytake_app.ui.components.basics import error_state, icon, link_button, notice, skeleton
from pytake_app.ui.components.phone import PhoneProgress, PhoneState, sandbox_phone
from pytake_app.ui.components.store import call, view
from pytake_app.ui.i18n import t, t_dynamic
from pytake_app.ui.layout.shell import page_shell
from pytake_app.ui.pages.gallery.page import starter_icon
from pytake_app.ui.session import SessionState

ROUTE = "/start"
ON_LOAD = [SessionState.guard, PhoneState.watch]
STORE = "$/public/pt_start.js"


class StartSlice(rx.Component):
    """`view` with the guide's store."""

    library = STORE
    tag = "StartSlice"
    view: rx.Var[Any]


def _do(source: str, *data: rx.Var) -> rx.event.EventSpec:
    return call(STORE, source, *data)


def _tile(one: rx.Var[dict], item: rx.Var[dict]) -> rx.Component:
    key = one["key"].to(str)
    on = item["chosen"].to(str) == key
    picture = starter_icon(one["icon"].to(str), one["category"].to(str))
    sign = rx.cond(
        item["busy"].to(str) == key,
        rx.el.span(icon("loader-circle"), class_name="spin t-accent"),
        rx.cond(on, rx.el.span(icon("circle-check"), class_name="t-accent"), ""),
    )
    words = rx.el.span(
        rx.el.span(one["name"].to(str), class_name="med dense ell"),
        rx.el.span(t("start.blocks", count=one["count"].to(int)), class_name="meta muted"),
        class_name="col grow",
    )
    return rx.el.button(
        picture,
        words,
        sign,
        type="button",
        class_name="tp",
        on_click=_do(f"start.choose({one!s})", one),
        title=one["detail"].to(str),
        disabled=item["busy"].to(str) != "",
        custom_attrs={"aria-pressed": on, "data-testid": "starter", "data-key": key},
    )


def _step(number: str, done: rx.Var | bool, current: rx.Var | bool, *children: rx.Component) -> rx.Component:
    mark = rx.cond(done, icon("check", "s"), rx.el.span(number))
    state = rx.cond(current, "card step on", rx.cond(done, "card step done", "card step"))
    return rx.el.section(
        rx.el.span(mark, class_name="no"), rx.el.div(*children, class_name="col grow"), class_name=state
    )


@rx.memo
def steps_view(item: rx.Var[dict]) -> rx.Component:
    """The second step, and what to say in the third."""
    loading = rx.el.div(
        *[skeleton("100%", "tp-sk") for _ in range(4)], class_name="tps", custom_attrs={"aria-busy": True}
    )
    tiles = rx.el.div(rx.foreach(item["starters"].to(list[dict]), lambda one: _tile(one, item)), class_name="tps")
    body = rx.match(
        item["phase"].to(str),
        ("loading", loading),
        ("error", error_state(t("start.error"), t("common.failed_detail"), _do("start.load()"))),
        tiles,
    )
    problem = rx.cond(
        item["problem"].to(str) != "",
        notice("red", "circle-alert", t_dynamic("start.problem", item["problem"].to(str), "start.problem.unknown")),
    )
    chosen = item["chosen"].to(str) != ""
    choose = _step(
        "2",
        chosen,
        ~chosen,
        rx.el.div(
            rx.el.h2(t("start.choose"), class_name="str grow"),
            rx.link(
                t("start.gallery", count=item["more"].to(int)),
                href="/gallery",
                class_name="link meta",
                unstyled=True,
                custom_attrs={"data-testid": "start-gallery"},
            ),
            class_name="row",
        ),
        body,
        problem,
    )
    talk = _step(
        "3",
        False,
        chosen,
        rx.el.h2(t("start.talk"), class_name="str"),
        rx.el.p(
            rx.cond(chosen, t("start.talk_detail", word=item["word"].to(str)), t("start.talk_before")),
            class_name="muted dense",
        ),
        PhoneProgress.create(view=view(progress_view)),
        rx.cond(
            chosen,
            rx.el.div(
                link_button(
                    t("start.open_editor"),
                    href="/flows/" + item["flow"].to(str),
                    kind="solid",
                    custom_attrs={"data-testid": "open-editor"},
                ),
                link_button(t("start.connect"), href="/settings/channels", kind="gray"),
                rx.cond(
                    SessionState.permissions.contains("users.manage"),
                    link_button(t("start.invite"), href="/settings/users", kind="gray"),
                ),
                class_name="row wrap",
            ),
        ),
    )
    return rx.fragment(choose, talk)


def _mark(done: rx.Var, words: rx.Var) -> rx.Component:
    return rx.cond(
        done,
        rx.el.span(rx.el.span(icon("circle-check"), class_name="t-jade"), words, class_name="row g6"),
        rx.el.span(icon("circle"), words, class_name="row g6 muted"),
    )


@rx.memo
def progress_view(item: rx.Var[dict]) -> rx.Component:
    """What the person has tried on the phone; ticks by itself."""
    return rx.el.div(
        _mark(item["sent"].to(bool), t("start.sent")),
        _mark(item["received"].to(bool), t("start.received")),
        _mark(item["pressed"].to(bool), t("start.pressed")),
        class_name="row wrap dense g16",
        custom_attrs={"aria-live": "polite"},
    )


def page() -> rx.Component:
    """The page."""
    made = _step(
        "1",
        True,
        False,
        rx.el.div(
            rx.el.h2(t("start.made"), class_name="str grow"),
            rx.el.span(SessionState.organization_name, class_name="meta muted ell"),
            class_name="row",
        ),
    )
    left = rx.el.div(
        rx.el.div(
            rx.el.div(t("start.headline"), class_name="figure"),
            rx.el.p(t("start.lead"), class_name="lead muted"),
            class_name="col g4",
        ),
        made,
        StartSlice.create(view=view(steps_view)),
        rx.el.div(icon("info", "s"), rx.el.span(t("start.again")), class_name="row meta muted g6"),
        class_name="st-left",
    )
    return page_shell(
        "start.title",
        rx.el.div(left, rx.el.div(sandbox_phone(), class_name="st-right"), class_name="st"),
        active="start",
        bare=True,
    )
