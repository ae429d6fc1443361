"""Views of the Check tab: paths through the flow, and how messages look on each channel."""

import reflex as rx

from pytake_app.ui.canvas.components import RichText, do, flag, items_of, number, text_of
from pytake_app.ui.components.basics import empty_state, error_state, icon, icon_button, skeleton
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.editor.palette import type_icon


def small_button(
    picture: str, label: rx.Var, call: str, *data: rx.Var, kind: str = "soft", **attrs: object
) -> rx.Component:
    """A small button with a picture; `call` is done in the browser's store."""
    return rx.el.button(
        icon(picture, "xs"),
        label,
        type="button",
        class_name=f"btn {kind} sm",
        on_click=do(call, *data),
        custom_attrs=attrs,
    )


def loading() -> rx.Component:
    """Stands in until there is something to show."""
    return rx.el.div(
        skeleton("60%"), skeleton(), skeleton("80%"), class_name="sec col g12", custom_attrs={"aria-busy": True}
    )


# -- paths -----------------------------------------------------------------------------------------------------------


def _path(path: rx.Var) -> rx.Component:
    index = number(path, "index")
    title = rx.el.button(
        rx.el.span(
            rx.el.span(text_of(path, "from"), class_name="med ell"),
            icon("arrow-right", "xs"),
            rx.el.span(text_of(path, "to"), class_name="med ell"),
            class_name="row g6 dense",
        ),
        rx.cond(text_of(path, "via") != "", rx.el.span(text_of(path, "via"), class_name="meta muted")),
        rx.cond(text_of(path, "said") != "", rx.el.span(text_of(path, "said"), class_name="meta ell")),
        rx.el.span(
            rx.el.span(text_of(path, "ends"), class_name=rx.cond(flag(path, "odd"), "t-amber", "")),
            " · ",
            text_of(path, "messages"),
            " · ",
            rx.el.span(text_of(path, "cost"), class_name=rx.cond(flag(path, "paid"), "t-amber", "")),
            class_name="meta muted",
        ),
        rx.cond(text_of(path, "reason") != "", rx.el.span(text_of(path, "reason"), class_name="meta t-amber")),
        type="button",
        class_name="pth",
        on_click=do(f"check.showPath({index!s})", path),
        custom_attrs={"aria-pressed": flag(path, "on"), "title": t("check.show_path"), "data-testid": "path"},
    )
    play = icon_button(
        "play",
        t("check.play_path"),
        small=True,
        on_click=do(f"check.playPath({index!s})", path),
        custom_attrs={"data-testid": "play-path"},
    )
    return rx.el.div(title, rx.cond(text_of(path, "reason") == "", play), class_name="pthrow")


@rx.memo
def paths_view(item: rx.Var[dict]) -> rx.Component:
    """Every way through the flow, what it costs, and a button that plays it."""
    head = rx.el.div(
        rx.el.div(
            rx.el.span(t("check.path_count", count=number(item, "count")), class_name="med dense grow"),
            rx.cond(flag(item, "again"), rx.el.span(t("common.loading"), class_name="meta muted")),
            class_name="row g6",
        ),
        rx.el.div(
            t("check.coverage", nodes=text_of(item, "nodes"), ports=text_of(item, "ports")),
            class_name="meta muted",
            custom_attrs={"data-testid": "coverage"},
        ),
        class_name="sec col g4",
    )
    more = rx.cond(
        flag(item, "truncated"),
        rx.el.div(
            small_button("chevron-down", t("check.more_paths"), "check.morePaths()", kind="line"), class_name="sec"
        ),
    )
    return rx.match(
        text_of(item, "phase"),
        ("loading", loading()),
        ("error", error_state(t("check.paths_failed"), t("common.failed_detail"), do("check.loadPaths()"))),
        ("empty", empty_state("route", t("check.no_paths"), t("check.no_paths_detail"))),
        rx.fragment(head, rx.foreach(items_of(item, "items"), _path), more),
    )


# -- channels --------------------------------------------------------------------------------------------------------


def _seen(content: rx.Var) -> rx.Component:
    options = rx.foreach(
        content["options"].to(list[str]), lambda title: rx.el.span(title.to(str), class_name="lkopt ell")
    )
    return rx.el.div(
        rx.cond(text_of(content, "image") != "", rx.el.div(text_of(content, "image"), class_name="meta muted ell")),
        rx.cond(text_of(content, "header") != "", rx.el.div(text_of(content, "header"), class_name="str")),
        rx.el.div(RichText.create(text=text_of(content, "text"), limit=400)),
        rx.cond(text_of(content, "footer") != "", rx.el.div(text_of(content, "footer"), class_name="meta muted")),
        options,
        class_name="lk",
    )


def _looked(node: rx.Var) -> rx.Component:
    return rx.el.div(
        rx.el.button(
            rx.el.span(type_icon(text_of(node, "icon"), "xs"), class_name="tile s"),
            rx.el.span(text_of(node, "name"), class_name="med dense ell grow"),
            type="button",
            class_name="row g6 lkh g-" + text_of(node, "group"),
            on_click=do(f"editor.jump({text_of(node, 'id')!s})", node),
        ),
        rx.foreach(node["changes"].to(list[str]), lambda change: rx.el.div(change.to(str), class_name="meta muted")),
        rx.cond(
            text_of(node, "problem") != "",
            rx.el.div(icon("circle-alert", "xs"), text_of(node, "problem"), class_name="meta t-red row g4"),
        ),
        rx.el.div(
            rx.el.div(
                rx.el.div(t("check.drawn"), class_name="micro muted"), rx.foreach(items_of(node, "native"), _seen)
            ),
            rx.cond(
                text_of(node, "problem") == "",
                rx.el.div(
                    rx.el.div(t("check.arrives"), class_name="micro muted"),
                    rx.cond(
                        flag(node, "dropped"),
                        rx.el.div(t("check.dropped"), class_name="lk muted"),
                        rx.foreach(items_of(node, "looks"), _seen),
                    ),
                ),
            ),
            class_name="lks",
        ),
        class_name="sec col g6",
        custom_attrs={"data-testid": "look"},
    )


@rx.memo
def looks_view(item: rx.Var[dict]) -> rx.Component:
    """How messages reach the contact on each channel."""

    def chip(channel: rx.Var) -> rx.Component:
        return rx.el.button(
            rx.cond(flag(channel, "attached"), rx.el.span(class_name="dot jade")),
            text_of(channel, "label"),
            type="button",
            class_name="fchip",
            on_click=do(f"check.channel({text_of(channel, 'kind')!s})", channel),
            custom_attrs={"aria-pressed": flag(channel, "on"), "data-testid": "look-channel"},
        )

    head = rx.el.div(
        rx.el.div(rx.foreach(items_of(item, "channels"), chip), class_name="fchips"),
        rx.el.div(
            icon("circle-check", "xs"),
            t("check.same_looks", count=number(item, "same")),
            class_name="meta muted row g4",
        ),
        class_name="fhead",
    )
    return rx.match(
        text_of(item, "phase"),
        ("loading", loading()),
        ("error", error_state(t("check.looks_failed"), t("common.failed_detail"), do("check.loadLooks()"))),
        rx.fragment(head, rx.foreach(items_of(item, "nodes"), _looked)),
    )
