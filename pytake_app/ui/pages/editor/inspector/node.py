"""The panel of one selected block: head, findings, form, tools, and where it leads."""

import reflex as rx

from pytake_app.ui.canvas.components import HelpButton, Item, NodeTools, TitleField, do, flag, items_of, number, text_of
from pytake_app.ui.components.basics import icon, icon_button, menu_item
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.editor.inspector.fields import field_list
from pytake_app.ui.pages.editor.palette import type_icon


def _finding(finding: rx.Var) -> rx.Component:
    picture = rx.cond(text_of(finding, "severity") == "error", icon("circle-alert", "s"), icon("triangle-alert", "s"))
    tone = rx.cond(text_of(finding, "severity") == "error", "notice red", "notice amber")
    return rx.el.div(picture, rx.el.span(text_of(finding, "text")), class_name=tone)


def _next(target: rx.Var) -> rx.Component:
    return rx.el.button(
        rx.el.span(text_of(target, "port"), class_name="muted ell"),
        rx.el.span(class_name="grow"),
        rx.el.span(
            rx.el.span(type_icon(text_of(target, "icon"), "xs"), class_name="tile s"),
            rx.el.span(text_of(target, "title"), class_name="med ell"),
            class_name="row g6 g-" + text_of(target, "group"),
        ),
        type="button",
        class_name="nx dense",
        on_click=do(f"editor.jump({text_of(target, 'id')!s})", target),
    )


def _head(item: Item) -> rx.Component:
    menu = rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(icon_button("ellipsis", t("common.more"), small=True)),
        rx.dropdown_menu.content(
            menu_item(
                "corner-up-right",
                t("editor.select_after"),
                on_select=do(f"actions.selectAfter({text_of(item, 'id')!s}, true)", item),
            ),
            menu_item(
                "corner-up-left",
                t("editor.select_before"),
                on_select=do(f"actions.selectAfter({text_of(item, 'id')!s}, false)", item),
            ),
            rx.cond(
                flag(item, "has_error") & ~flag(item, "error_wired"),
                rx.cond(
                    flag(item, "error_shown"),
                    menu_item(
                        "eye-off",
                        t("editor.hide_error_exit"),
                        on_select=do(f"editor.showError({text_of(item, 'id')!s}, false)", item),
                    ),
                    menu_item(
                        "eye",
                        t("editor.show_error_exit"),
                        on_select=do(f"editor.showError({text_of(item, 'id')!s}, true)", item),
                    ),
                ),
            ),
            rx.dropdown_menu.separator(),
            menu_item("trash-2", t("editor.delete_block"), danger=True, on_select=do("actions.remove()")),
            align="end",
            variant="soft",
        ),
    )
    return rx.el.div(
        rx.el.span(type_icon(text_of(item, "icon"), ""), class_name="tile l"),
        rx.el.div(
            TitleField.create(
                node=text_of(item, "id"),
                text=text_of(item, "title"),
                placeholder=text_of(item, "name"),
                disabled=flag(item, "locked"),
            ),
            rx.el.div(text_of(item, "kind"), class_name="meta muted ell"),
            class_name="grow",
        ),
        HelpButton.create(icon("circle-help"), node=text_of(item, "id"), label=t("inspector.help"), class_name="ib sm"),
        rx.cond(
            flag(item, "locked"),
            rx.fragment(),
            rx.fragment(
                icon_button("copy", t("editor.duplicate"), small=True, on_click=do("actions.duplicate()")), menu
            ),
        ),
        class_name="ihead g-" + text_of(item, "group"),
    )


def _elsewhere(degrades: rx.vars.ArrayVar) -> rx.Component:
    """How the block looks on attached channels that can't show it as it is."""

    def line(one: rx.Var) -> rx.Component:
        return rx.el.li(text_of(one, "text"), class_name="dense")

    return rx.el.div(
        rx.el.div(t("inspector.on_channels"), class_name="h-sec"),
        rx.el.ul(rx.foreach(degrades, line), class_name="elsewhere"),
        class_name="sec col g6",
    )


def _translations(item: Item) -> rx.Component:
    """What is to be done about this block's texts in other languages, with the way to them."""
    return rx.el.div(
        rx.el.div(icon("languages", "s"), rx.el.span(text_of(item, "behind")), class_name="row g6 dense t-amber"),
        rx.el.button(
            t("rows.open_table"),
            type="button",
            class_name="btn line sm",
            on_click=do(f"check.jump({number(item, 'behind_at')!s})", item),
            custom_attrs={"data-testid": "texts-behind"},
        ),
        class_name="sec col g6 behind",
    )


def node_panel(item: Item) -> rx.Component:
    """The form of one block."""
    findings, further = items_of(item, "findings"), items_of(item, "further")
    degrades = items_of(item, "degrades")
    main, more, following = items_of(item, "main"), items_of(item, "more"), items_of(item, "next")
    advanced = rx.el.details(
        rx.el.summary(
            icon("chevron-right", "xs"),
            t("editor.more_options"),
            rx.cond(flag(item, "more_wrong"), rx.el.span(class_name="dot red")),
        ),
        rx.el.div(field_list(item, "more"), class_name="col g16"),
        class_name="sec adv",
    )
    return rx.fragment(
        _head(item),
        rx.cond(
            findings.length() > 0,
            rx.el.div(
                rx.foreach(findings, _finding),
                rx.cond(
                    further.length() > 0,
                    rx.el.details(
                        rx.el.summary(text_of(item, "further_label"), class_name="link meta"),
                        rx.el.div(rx.foreach(further, _finding), class_name="col g6"),
                        class_name="further",
                    ),
                ),
                class_name="sec col g6",
            ),
        ),
        rx.cond(
            main.length() > 0,
            rx.el.div(field_list(item, "main"), class_name="sec col g16"),
            rx.el.div(text_of(item, "help"), class_name="sec dense muted"),
        ),
        NodeTools.create(node=text_of(item, "id"), type=text_of(item, "type"), locked=flag(item, "locked")),
        rx.cond(more.length() > 0, advanced),
        rx.cond(text_of(item, "behind") != "", _translations(item)),
        rx.cond(degrades.length() > 0, _elsewhere(degrades)),
        rx.cond(
            following.length() > 0,
            rx.el.div(
                rx.el.div(t("editor.after_this"), class_name="h-sec"),
                rx.foreach(following, _next),
                class_name="sec col g6",
            ),
        ),
    )
