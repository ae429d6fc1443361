"""Panels of several selected blocks, and of a connection."""

import reflex as rx

from pytake_app.ui.canvas.components import Item, do, flag, items_of, number, text_of
from pytake_app.ui.components.basics import icon
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.editor.palette import type_icon


def _kind(kind: rx.Var) -> rx.Component:
    return rx.el.div(
        rx.el.span(type_icon(text_of(kind, "icon"), "xs"), class_name="tile s"),
        rx.el.span(text_of(kind, "label"), class_name="dense ell grow"),
        rx.el.span(number(kind, "count").to_string(), class_name="meta muted tn"),
        class_name="row g6 g-" + text_of(kind, "group"),
    )


def _wrong(node: rx.Var) -> rx.Component:
    return rx.el.button(
        rx.el.span(class_name=rx.cond(number(node, "errors") > 0, "fdot red", "fdot amber")),
        rx.el.span(text_of(node, "title"), class_name="dense ell"),
        type="button",
        class_name="nx",
        on_click=do(f"editor.jump({text_of(node, 'id')!s})", node),
    )


def many_panel(item: Item) -> rx.Component:
    """Several blocks: what they are, what is wrong among them, and what can be done with them together."""

    def act(picture: str, label: str, call: str) -> rx.Component:
        return rx.el.button(icon(picture, "s"), t(label), type="button", class_name="btn line", on_click=do(call))

    wrong = items_of(item, "wrong")
    return rx.el.div(
        rx.el.div(
            rx.el.div(t("editor.selected", count=number(item, "count")), class_name="str"),
            rx.el.div(text_of(item, "links"), class_name="meta muted"),
            class_name="col g4",
        ),
        rx.el.div(
            act("align-start-vertical", "editor.align_left", "actions.align('left')"),
            act("align-start-horizontal", "editor.align_top", "actions.align('top')"),
            act("between-horizontal-start", "editor.spread_across", "actions.align('across')"),
            act("between-vertical-start", "editor.spread_down", "actions.align('down')"),
            act("layout-grid", "editor.arrange", "actions.arrange()"),
            act("copy", "editor.duplicate", "actions.duplicate()"),
            act("trash-2", "common.delete", "actions.remove()"),
            class_name="acts",
        ),
        rx.el.div(rx.foreach(items_of(item, "kinds"), _kind), class_name="kinds"),
        rx.cond(
            wrong.length() > 0,
            rx.el.div(
                rx.el.div(t("inspector.many_wrong"), class_name="h-sec"),
                rx.foreach(wrong, _wrong),
                class_name="col g4",
            ),
        ),
        class_name="sec col g12",
    )


def edge_panel(item: Item) -> rx.Component:
    """One connection."""
    return rx.el.div(
        rx.el.div(t("editor.connection"), class_name="str"),
        rx.el.div(
            rx.el.button(
                text_of(item, "from"),
                type="button",
                class_name="link ell",
                on_click=do(f"editor.jump({text_of(item, 'from_id')!s})", item),
            ),
            rx.el.span(text_of(item, "port"), class_name="bdg"),
            icon("arrow-right", "s"),
            rx.el.button(
                text_of(item, "to"),
                type="button",
                class_name="link ell",
                on_click=do(f"editor.jump({text_of(item, 'to_id')!s})", item),
            ),
            class_name="row g6 wrap dense",
        ),
        rx.cond(
            flag(item, "locked"),
            rx.fragment(),
            rx.el.button(
                icon("unlink", "s"),
                t("editor.disconnect"),
                type="button",
                class_name="btn line",
                on_click=do("actions.remove()"),
            ),
        ),
        class_name="sec col g12",
    )
