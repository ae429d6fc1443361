"""The palette: blocks to drag or press, at the left and as a pop-up on the canvas."""

import reflex as rx

from pytake_app.ui.canvas.components import (
    Item,
    PaletteItem,
    PaletteSearch,
    QuickSearch,
    do,
    flag,
    items_of,
    number,
    slice_view,
    text_of,
)
from pytake_app.ui.canvas.specs import node_specs
from pytake_app.ui.components.basics import icon, kbd
from pytake_app.ui.i18n import t


def type_icon(name: rx.Var, size: str = "s") -> rx.Component:
    """The lucide icon of a node type, chosen in the browser from those that the catalogue uses."""
    names = sorted({spec.icon for spec in node_specs().values()} | {"workflow", "circle"})
    return rx.match(name, *[(one, icon(one, size)) for one in names], icon("circle", size))  # type: ignore[arg-type]


def _entry(entry: rx.Var, locked: rx.Var[bool]) -> rx.Component:
    return PaletteItem.create(
        rx.el.span(type_icon(text_of(entry, "icon"), "xs"), class_name="tile s"),
        rx.el.span(text_of(entry, "label"), class_name="ell"),
        rx.el.span(icon("grip-vertical", "xs"), class_name="gripdots"),
        type=text_of(entry, "type"),
        label=text_of(entry, "label"),
        about=text_of(entry, "about"),
        disabled=locked,
        class_name="pi g-" + text_of(entry, "group"),
    )


def _group(group: rx.Var, locked: rx.Var[bool]) -> rx.Component:
    is_open = flag(group, "open")
    head = rx.el.button(
        text_of(group, "label"),
        rx.cond(
            is_open,
            icon("chevron-down", "xs"),
            rx.el.span(number(group, "count").to_string(), icon("chevron-right", "xs"), class_name="row g4 tn"),
        ),
        type="button",
        class_name="ph6",
        on_click=do(f"editor.group({text_of(group, 'group')!s})", group),
        custom_attrs={"aria-expanded": is_open},
    )
    return rx.fragment(
        head, rx.cond(is_open, rx.foreach(items_of(group, "items"), lambda entry: _entry(entry, locked)))
    )


@rx.memo
def palette_view(item: rx.Var[dict]) -> rx.Component:
    """Search, what was used lately, groups."""
    locked = flag(item, "locked")
    recents = items_of(item, "recents")
    return rx.fragment(
        rx.el.label(
            icon("search", "s"), PaletteSearch.create(placeholder=t("editor.find_block")), kbd("/"), class_name="field"
        ),
        rx.cond(
            recents.length() > 0,
            rx.fragment(
                rx.el.div(t("editor.recent"), class_name="ph6"),
                rx.foreach(recents, lambda entry: _entry(entry, locked)),
            ),
        ),
        rx.foreach(items_of(item, "groups"), lambda group: _group(group, locked)),
        rx.cond(flag(item, "none"), rx.el.div(t("editor.no_block"), class_name="meta muted pnone")),
    )


def palette_pane() -> rx.Component:
    """The left pane."""
    return rx.el.nav(
        slice_view("palette", palette_view), class_name="pal", custom_attrs={"aria-label": t("editor.blocks")}
    )


def _quick_entry(entry: rx.Var) -> rx.Component:
    return rx.el.button(
        rx.el.span(type_icon(text_of(entry, "icon"), "xs"), class_name="tile s"),
        rx.el.span(text_of(entry, "label"), class_name="ell"),
        type="button",
        class_name="pi g-" + text_of(entry, "group"),
        on_click=do(f"actions.quickAdd({text_of(entry, 'type')!s})", entry),
        custom_attrs={"data-testid": "quick-" + text_of(entry, "type")},
    )


@rx.memo
def quick_view(item: rx.Var[dict]) -> rx.Component:
    """The palette where a connection was let go."""

    def group(one: rx.Var) -> rx.Component:
        return rx.fragment(
            rx.el.div(text_of(one, "label"), class_name="ph6"), rx.foreach(items_of(one, "items"), _quick_entry)
        )

    groups = items_of(item, "groups")
    return rx.el.div(
        rx.el.label(icon("search", "s"), QuickSearch.create(placeholder=t("editor.find_block")), class_name="field"),
        rx.el.div(
            rx.foreach(groups, group),
            rx.cond(groups.length() == 0, rx.el.div(t("editor.no_block"), class_name="meta muted pnone")),
            class_name="ql",
        ),
        class_name="quick",
        role="dialog",
        custom_attrs={"aria-label": t("editor.add_block"), "data-testid": "quick"},
    )


__all__ = ["Item", "palette_pane", "quick_view", "type_icon"]
