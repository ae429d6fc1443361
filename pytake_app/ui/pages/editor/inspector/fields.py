"""One field of the form, by its widget: single controls, switches, lists of rows."""

import reflex as rx

from pytake_app.ui.canvas.components import FieldControl, Item, SortableRow, do, flag, items_of, number, text_of
from pytake_app.ui.components.basics import icon, icon_button
from pytake_app.ui.i18n import t

LIST_WIDGETS = (
    "buttons",
    "sections",
    "conditions",
    "assignments",
    "keyvalue",
    "weekhours",
)
"""Lists drawn here; cases, branches and intents have editors of their own (`ui/js/editor_rows.js`)."""


def issue_of(field: rx.Var) -> rx.Component:
    """What is wrong with a field, told where it is."""
    issue = text_of(field, "issue")
    return rx.cond(
        issue != "",
        rx.el.div(
            icon("circle-alert", "xs"),
            rx.el.span(issue),
            class_name=rx.cond(flag(field, "mild"), "err mild", "err"),
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


def hint_of(field: rx.Var) -> rx.Component:
    """The help text under a field."""
    return rx.cond(text_of(field, "help") != "", rx.el.div(text_of(field, "help"), class_name="hint"))


def plain_field(field: rx.Var) -> rx.Component:
    """A control under its label."""
    typed = rx.cond(
        (text_of(field, "widget") == "textarea") & flag(field, "variables"),
        rx.el.span(t("editor.type_braces"), class_name="micro muted right"),
    )
    return rx.el.div(
        rx.el.div(_label(field), typed, class_name="row"),
        FieldControl.create(item=field),
        issue_of(field),
        hint_of(field),
        class_name="ff",
        custom_attrs={"data-widget": text_of(field, "widget")},
    )


def _switch_field(field: rx.Var) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span(text_of(field, "label"), class_name="grow dense"),
            FieldControl.create(item=field),
            class_name="row",
        ),
        hint_of(field),
        class_name="ff",
    )


def _cell(cell: rx.Var) -> rx.Component:
    return rx.el.div(
        rx.el.span(text_of(cell, "label"), class_name="micro muted cl"),
        FieldControl.create(item=cell),
        issue_of(cell),
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
        rx.foreach(items_of(row, "nested"), _inner_list) if nested else rx.fragment(),
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


def _inner_list(field: rx.Var) -> rx.Component:
    """A list inside a row: the rows of a section."""
    rows = rx.foreach(items_of(field, "rows"), lambda row: _row(field, row, nested=False))
    places = {"data-path": text_of(field, "path")}
    return rx.el.div(rows, issue_of(field), _add(field), class_name="rws inner", custom_attrs=places)


def _list_field(field: rx.Var) -> rx.Component:
    rows = rx.foreach(items_of(field, "rows"), lambda row: _row(field, row, nested=True))
    names = rx.el.div(rows, class_name="rws", custom_attrs={"data-list": text_of(field, "name")})
    return rx.el.div(
        _label(field),
        names,
        issue_of(field),
        rx.cond(text_of(field, "fewer") != "", rx.el.div(text_of(field, "fewer"), class_name="micro t-amber")),
        _add(field),
        hint_of(field),
        class_name="ff",
        custom_attrs={"data-widget": text_of(field, "widget")},
    )


@rx.memo
def field_view(item: rx.Var[dict]) -> rx.Component:
    """One field of the form, by its widget."""
    return rx.match(
        text_of(item, "widget"),
        *[(name, _list_field(item)) for name in LIST_WIDGETS],
        ("switch", _switch_field(item)),
        plain_field(item),
    )


def field_list(item: Item, name: str) -> rx.Component:
    """Several fields, one under the other."""
    return rx.foreach(items_of(item, name), lambda field: field_view(item=field))
