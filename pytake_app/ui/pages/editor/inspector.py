"""The inspector: the selected block's form, made from the fields that its config model declares."""

import reflex as rx

from pytake_app.ui.canvas.components import (
    FieldControl,
    Item,
    SortableRow,
    TitleField,
    do,
    flag,
    items_of,
    number,
    slice_view,
    text_of,
)
from pytake_app.ui.components.basics import icon, icon_button, kbd, menu_item
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.editor.palette import type_icon

LIST_WIDGETS = (
    "buttons",
    "sections",
    "cases",
    "branches",
    "intents",
    "conditions",
    "assignments",
    "keyvalue",
    "weekhours",
)


def _issue(field: rx.Var) -> rx.Component:
    issue = text_of(field, "issue")
    return rx.cond(
        issue != "",
        rx.el.div(
            icon("circle-alert", "xs"),
            rx.el.span(issue),
            class_name="err",
            id=text_of(field, "key") + "-issue",
            role="alert",
        ),
    )


def _label(field: rx.Var) -> rx.Component:
    return rx.el.span(
        text_of(field, "label"),
        rx.cond(flag(field, "required"), rx.el.span(" *", class_name="t-red", custom_attrs={"aria-hidden": True}), ""),
        class_name="lbl",
    )


def _plain_field(field: rx.Var) -> rx.Component:
    hint = rx.cond(text_of(field, "help") != "", rx.el.div(text_of(field, "help"), class_name="hint"))
    typed = rx.cond(
        (text_of(field, "widget") == "textarea") & flag(field, "variables"),
        rx.el.span(t("editor.type_braces"), class_name="micro muted right"),
    )
    return rx.el.div(
        rx.el.div(_label(field), typed, class_name="row"),
        FieldControl.create(item=field),
        _issue(field),
        hint,
        class_name="ff",
    )


def _switch_field(field: rx.Var) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span(text_of(field, "label"), class_name="grow dense"),
            FieldControl.create(item=field),
            class_name="row",
        ),
        rx.cond(text_of(field, "help") != "", rx.el.div(text_of(field, "help"), class_name="hint")),
        class_name="ff",
    )


def _cell(cell: rx.Var) -> rx.Component:
    return rx.el.div(
        rx.el.span(text_of(cell, "label"), class_name="micro muted cl"),
        FieldControl.create(item=cell),
        _issue(cell),
        class_name="cell",
        custom_attrs={"data-cell": text_of(cell, "name"), "data-widget": text_of(cell, "widget")},
    )


def _remove(field: rx.Var, row: rx.Var) -> rx.Component:
    call = f"form.removeRow({text_of(field, 'node')!s}, {text_of(field, 'path')!s}, {number(row, 'index')!s})"
    return rx.cond(
        flag(field, "disabled"),
        rx.fragment(),
        icon_button(
            "x",
            t("editor.remove_row"),
            small=True,
            on_click=do(call, field, row),
            custom_attrs={"data-testid": "remove-row"},
        ),
    )


def _add(field: rx.Var) -> rx.Component:
    call = f"form.addRow({text_of(field, 'node')!s}, {text_of(field, 'path')!s})"
    return rx.el.button(
        icon("plus", "s"),
        text_of(field, "add"),
        rx.el.span(text_of(field, "tally"), class_name="right micro muted tn"),
        type="button",
        class_name="btn ghost sm full add",
        disabled=flag(field, "full") | flag(field, "disabled"),
        on_click=do(call, field),
        custom_attrs={"data-testid": "add-row"},
    )


def _row(field: rx.Var, row: rx.Var, nested: bool) -> rx.Component:
    cells = rx.el.div(
        rx.foreach(items_of(row, "cells"), _cell),
        rx.foreach(items_of(row, "nested"), _list) if nested else rx.fragment(),
        class_name="cells",
    )
    return SortableRow.create(
        cells,
        _remove(field, row),
        node=text_of(field, "node"),
        path=text_of(field, "path"),
        index=number(row, "index"),
        disabled=flag(field, "disabled"),
        key=text_of(row, "key"),
    )


def _list(field: rx.Var) -> rx.Component:
    """A list inside a row: the rows of a section."""
    rows = rx.foreach(items_of(field, "rows"), lambda row: _row(field, row, nested=False))
    return rx.el.div(rows, _issue(field), _add(field), class_name="rws inner")


def _list_field(field: rx.Var) -> rx.Component:
    rows = rx.foreach(items_of(field, "rows"), lambda row: _row(field, row, nested=True))
    hint = rx.cond(text_of(field, "help") != "", rx.el.div(text_of(field, "help"), class_name="hint"))
    return rx.el.div(
        _label(field), rx.el.div(rows, class_name="rws"), _issue(field), _add(field), hint, class_name="ff"
    )


@rx.memo
def field_view(item: rx.Var[dict]) -> rx.Component:
    """One field of the form, by its widget."""
    widget = text_of(item, "widget")
    media = rx.cond(
        flag(item, "on"),
        rx.el.div(
            icon("paperclip", "s"),
            rx.el.span(t("editor.uploaded"), class_name="grow dense"),
            icon_button(
                "x",
                t("editor.remove_row"),
                small=True,
                on_click=do(f"form.set({text_of(item, 'node')!s}, {text_of(item, 'path')!s}, null)", item),
            ),
            class_name="row",
        ),
    )
    return rx.match(
        widget,
        *[(name, _list_field(item)) for name in LIST_WIDGETS],
        ("switch", _switch_field(item)),
        ("media", media),
        ("queue", rx.fragment()),
        _plain_field(item),
    )


def _fields(item: Item, name: str) -> rx.Component:
    return rx.foreach(items_of(item, name), lambda field: field_view(item=field))


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
        rx.cond(
            flag(item, "locked"),
            rx.fragment(),
            rx.fragment(
                icon_button("copy", t("editor.duplicate"), small=True, on_click=do("actions.duplicate()")), menu
            ),
        ),
        class_name="ihead g-" + text_of(item, "group"),
    )


def _node(item: Item) -> rx.Component:
    findings = items_of(item, "findings")
    main, more, following = items_of(item, "main"), items_of(item, "more"), items_of(item, "next")
    advanced = rx.el.details(
        rx.el.summary(
            icon("chevron-right", "xs"),
            t("editor.more_options"),
            rx.cond(flag(item, "more_wrong"), rx.el.span(class_name="dot red")),
        ),
        rx.el.div(_fields(item, "more"), class_name="col g16"),
        class_name="sec adv",
    )
    return rx.fragment(
        _head(item),
        rx.cond(findings.length() > 0, rx.el.div(rx.foreach(findings, _finding), class_name="sec col g6")),
        rx.cond(
            main.length() > 0,
            rx.el.div(_fields(item, "main"), class_name="sec col g16"),
            rx.el.div(text_of(item, "help"), class_name="sec dense muted"),
        ),
        rx.cond(more.length() > 0, advanced),
        rx.cond(
            following.length() > 0,
            rx.el.div(
                rx.el.div(t("editor.after_this"), class_name="h-sec"),
                rx.foreach(following, _next),
                class_name="sec col g6",
            ),
        ),
    )


def _many(item: Item) -> rx.Component:
    def act(picture: str, label: str, call: str) -> rx.Component:
        return rx.el.button(icon(picture, "s"), t(label), type="button", class_name="btn line", on_click=do(call))

    return rx.el.div(
        rx.el.div(t("editor.selected", count=number(item, "count")), class_name="str"),
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
        class_name="sec col g12",
    )


def _edge(item: Item) -> rx.Component:
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


def _nothing(item: Item) -> rx.Component:
    hint = rx.el.div(
        rx.el.div(icon("mouse-pointer-click"), class_name="pic"),
        rx.el.div(t("editor.nothing_selected"), class_name="str"),
        rx.el.div(t("editor.nothing_selected_detail"), class_name="txt dense"),
        class_name="state",
    )
    expiry = FieldControl.create(item=item["expiry_field"])
    words = FieldControl.create(item=item["words_field"])
    settings = rx.el.div(
        rx.el.div(t("editor.flow_settings"), class_name="h-sec"),
        rx.el.div(
            rx.el.span(t("editor.expiry"), class_name="lbl"),
            expiry,
            rx.el.div(t("editor.expiry_hint"), class_name="hint"),
            class_name="ff",
        ),
        rx.el.div(
            rx.el.span(t("editor.interrupt"), class_name="lbl"),
            words,
            rx.el.div(t("editor.interrupt_hint"), class_name="hint"),
            class_name="ff",
        ),
        class_name="sec col g16",
    )
    return rx.fragment(hint, settings)


@rx.memo
def inspector_view(item: rx.Var[dict]) -> rx.Component:
    """What is selected."""
    return rx.match(
        text_of(item, "mode"),
        ("node", _node(item)),
        ("many", _many(item)),
        ("edge", _edge(item)),
        rx.cond(item["expiry_field"], _nothing(item)),
    )


def block_panel() -> rx.Component:
    """The Block tab."""
    hints = rx.el.div(
        kbd("Enter"),
        t("editor.key_edit"),
        kbd("Del"),
        t("editor.key_delete"),
        kbd("?"),
        rx.el.button(t("editor.keys_short"), type="button", on_click=do("editor.keys(true)"), class_name="link muted"),
        class_name="ifoot micro muted only-wide",
    )
    return rx.fragment(rx.el.div(slice_view("inspector", inspector_view), class_name="ibody"), hints)
