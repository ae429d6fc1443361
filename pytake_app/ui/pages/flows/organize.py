"""Dialogs that put flows in order: folders, places, tags, saved views; and the page's keys."""

import reflex as rx

from pytake_app.ui.components.basics import button, dialog, dialog_foot, form_field, icon, kbd
from pytake_app.ui.components.store import Item, flag, number, text_of
from pytake_app.ui.i18n import t, t_dynamic
from pytake_app.ui.pages.flows.store import FlowsField, do

_STEPS = ("var(--d-8)", "var(--d-20)", "var(--d-32)", "var(--d-44)", "var(--d-56)", "var(--d-72)")


def _cancel(label: str = "common.cancel") -> rx.Component:
    return button(t(label), kind="ghost", on_click=do("flows.close()"))


def _save(item: Item, label: str) -> rx.Component:
    return button(
        t(label),
        kind="solid",
        busy=flag(item, "busy"),
        on_click=do("flows.submit()"),
        custom_attrs={"data-testid": "dialog-save"},
    )


def _field(item: Item, label: str, hint: str, limit: int) -> rx.Component:
    problem = text_of(item, "problem")
    return form_field(
        t(label),
        FlowsField.create(name="name", label=t(label), placeholder=t(hint), first=True, limit=limit),
        error=rx.cond(problem != "", t_dynamic("flows.problem", problem, "flows.error.other"), ""),
    )


@rx.memo
def folder_view(item: rx.Var[dict]) -> rx.Component:
    """A new folder, or another name."""
    inside = text_of(item, "parent")
    return dialog(
        rx.cond(inside != "", rx.el.div(icon("folder", "s"), inside, class_name="row g6 muted dense")),
        _field(item, "flows.folder_name", "flows.folder_hint", 80),
        dialog_foot(_cancel(), _save(item, "common.save")),
        title=rx.cond(flag(item, "fresh"), t("flows.folder_new"), t("flows.folder_rename")),
        open=flag(item, "open"),
        on_open_change=do("flows.close()"),
    )


@rx.memo
def move_view(item: rx.Var[dict]) -> rx.Component:
    """Where to."""

    def place(entry: rx.Var) -> rx.Component:
        steps = [(number_, width) for number_, width in enumerate(_STEPS[:-1])]
        return rx.el.button(
            rx.cond(text_of(entry, "id") == "", icon("folder-x", "s"), icon("folder", "s")),
            rx.el.span(text_of(entry, "name"), class_name="ell grow"),
            rx.cond(flag(entry, "on"), icon("check", "s")),
            type="button",
            role="radio",
            class_name=rx.cond(flag(entry, "on"), "fl-sd on", "fl-sd"),
            on_click=do(f"flows.place({entry!s}.id)", entry),
            padding_left=rx.match(number(entry, "depth"), *steps, _STEPS[-1]),
            custom_attrs={
                "aria-checked": rx.cond(flag(entry, "on"), "true", "false"),
                "data-testid": "place",
            },
        )

    return dialog(
        rx.el.div(
            rx.foreach(item["places"].to(list[dict[str, object]]), place),
            class_name="fl-places",
            role="radiogroup",
            custom_attrs={"aria-label": t("flows.move")},
        ),
        dialog_foot(
            _cancel(),
            button(
                t("flows.move_here"),
                kind="solid",
                on_click=do("flows.moveHere()"),
                custom_attrs={"data-testid": "move-here"},
            ),
        ),
        title=t("flows.move_title"),
        open=flag(item, "open"),
        on_open_change=do("flows.close()"),
    )


@rx.memo
def tag_view(item: rx.Var[dict]) -> rx.Component:
    """Tags of one flow or of several."""

    def mine(name: rx.Var[str]) -> rx.Component:
        return rx.el.button(
            rx.el.span(name, class_name="ell"),
            icon("x", "xs"),
            type="button",
            class_name="fl-chip",
            on_click=do(f"flows.untag({name!s})", name),
            custom_attrs={"aria-label": t("flows.untag", name=name), "data-testid": "tag-off"},
        )

    def known(name: rx.Var[str]) -> rx.Component:
        return rx.el.button(
            icon("plus", "xs"),
            rx.el.span(name, class_name="ell"),
            type="button",
            class_name="fl-chip off",
            on_click=do(f"flows.addTag({name!s})", name),
        )

    here = item["here"].to(list[str])
    others = item["known"].to(list[str])
    return dialog(
        rx.cond(here.length() > 0, rx.el.div(rx.foreach(here, mine), class_name="row g6 wrap")),
        _field(item, "flows.tag_name", "flows.tag_hint", 40),
        rx.cond(others.length() > 0, rx.el.div(rx.foreach(others, known), class_name="row g6 wrap")),
        dialog_foot(_cancel("common.close"), _save(item, "flows.tag_add")),
        title=t("flows.tag_title"),
        open=flag(item, "open"),
        on_open_change=do("flows.close()"),
    )


@rx.memo
def view_view(item: rx.Var[dict]) -> rx.Component:
    """A name for the filters as they are."""
    return dialog(
        _field(item, "flows.view_name", "flows.view_hint", 60),
        dialog_foot(_cancel(), _save(item, "common.save")),
        title=t("flows.view_save"),
        detail=t("flows.view_detail"),
        open=flag(item, "open"),
        on_open_change=do("flows.close()"),
    )


@rx.memo
def keys_view(item: rx.Var[dict]) -> rx.Component:
    """What the keyboard does here."""

    def line(label: str, *keys: str) -> rx.Component:
        return rx.el.div(rx.el.span(t(label), class_name="grow"), kbd(*keys), class_name="row dense fl-keyrow")

    return dialog(
        line("flows.keys_search", "/"),
        line("flows.keys_move", "J", "K"),
        line("flows.keys_open", "Enter"),
        rx.cond(
            flag(item, "edit"),
            rx.fragment(
                line("flows.keys_mark", "X"),
                line("flows.keys_place", "M"),
                line("flows.keys_new", "N"),
                line("flows.keys_import", "I"),
            ),
        ),
        line("flows.keys_sheet", "?"),
        dialog_foot(button(t("common.close"), kind="ghost", on_click=do("flows.keys(false)"))),
        title=t("flows.keys_title"),
        open=flag(item, "open"),
        on_open_change=do("flows.keys(false)"),
    )
