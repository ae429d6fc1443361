"""What the cards of the canvas are put together from: bubbles, rows with exits, chips, small lines."""

from collections.abc import Callable
from typing import Any

import reflex as rx

from pytake_app.ui.canvas.components import Item, PortHandle, RichText, flag, items_of, text_of
from pytake_app.ui.i18n import t

TEXT_LIMIT = 420


def shown(item: Item, field: str, part: str = "text") -> rx.vars.StringVar:
    """What a config field shows: a text."""
    return item["f"].to(dict)[field].to(dict)[part].to(str)


def shown_list(item: Item, field: str, part: str) -> rx.vars.ArrayVar:
    """What a config field shows: rows or words."""
    return item["f"].to(dict)[field].to(dict)[part].to(list[dict[str, Any]] if part == "rows" else list[str])


def handle(port: rx.Var) -> rx.Component:
    """The round end of an exit."""
    return PortHandle.create(
        port=text_of(port, "id"),
        wired=flag(port, "wired"),
        bad=flag(port, "bad"),
        lit=flag(port, "lit"),
        label=text_of(port, "label"),
    )


def button_row(port: rx.Var) -> rx.Component:
    """A button as the contact will see it."""
    label = rx.el.span(text_of(port, "label"), class_name=rx.cond(flag(port, "blank"), "ell muted", "ell"))
    return rx.el.div(label, handle(port), class_name="pr bt")


def list_row(port: rx.Var) -> rx.Component:
    """A row of a list message."""
    return rx.el.div(
        rx.el.span(text_of(port, "label"), class_name=rx.cond(flag(port, "blank"), "ell muted", "ell")),
        rx.el.span(class_name="o"),
        handle(port),
        class_name="pr lr",
    )


def case_row(port: rx.Var) -> rx.Component:
    """An exit that stands for a case, branch or intent; what is known of it at the right."""
    label = rx.el.span(text_of(port, "label"), class_name=rx.cond(flag(port, "blank"), "ell muted", "ell"))
    note = rx.cond(text_of(port, "note") != "", rx.el.span(text_of(port, "note"), class_name="meta muted right tn"))
    return rx.el.div(label, note, handle(port), class_name="pr lr")


def exit_row(port: rx.Var) -> rx.Component:
    """An exit of every node of the type."""
    names = rx.cond(flag(port, "bad"), "pr ot red", "pr ot")
    return rx.el.div(rx.el.span(text_of(port, "label"), class_name="ell"), handle(port), class_name=names)


def option_rows(item: Item, row: Callable[[rx.Var], rx.Component]) -> rx.Component:
    """The exits that stand for items of the config."""
    return rx.foreach(items_of(item, "options"), row)


def bubble(item: Item, field: str = "body", header: str = "", footer: str = "") -> rx.Component:
    """A message as the contact will see it."""
    text = shown(item, field)
    parts = [
        rx.cond(shown(item, header) != "", rx.el.div(shown(item, header), class_name="str ell")) if header else None,
        rx.cond(
            text != "",
            RichText.create(text=text, limit=TEXT_LIMIT),
            rx.el.span(t("editor.empty_text"), class_name="muted"),
        ),
        rx.cond(shown(item, footer) != "", rx.el.div(shown(item, footer), class_name="ft")) if footer else None,
    ]
    return rx.el.div(*[part for part in parts if part is not None], class_name="bub")


def meta(*parts: rx.Component | rx.Var | str) -> rx.Component:
    """A small line."""
    return rx.el.div(*parts, class_name="mt")


def chips(item: Item, field: str, empty: str) -> rx.Component:
    """Words of a list."""
    words = shown_list(item, field, "words")
    return rx.cond(
        words.length() > 0,
        rx.el.div(rx.foreach(words, lambda word: rx.el.span(word.to(str))), class_name="kw"),
        rx.el.div(t(empty), class_name="mt"),
    )


def conditions(item: Item, field: str) -> rx.Component:
    """A list of the config, a line each."""

    def line(row: rx.Var) -> rx.Component:
        return rx.el.div(
            rx.el.span(text_of(row, "left"), class_name="var ell"),
            rx.el.span(text_of(row, "middle"), class_name="muted nw"),
            rx.el.b(text_of(row, "right"), class_name="ell"),
            class_name="cond",
        )

    rows = shown_list(item, field, "rows")
    return rx.cond(
        rows.length() > 0,
        rx.el.div(
            rx.foreach(rows, line),
            rx.cond(shown(item, field, "more") != "", rx.el.div(shown(item, field, "more"), class_name="mt")),
            class_name="conds",
        ),
        rx.el.div(t("editor.empty_rows"), class_name="mt"),
    )


def value_line(item: Item, field: str, label: rx.Var) -> rx.Component:
    """A named value."""
    return rx.cond(shown(item, field) != "", meta(label, " ", rx.el.span(shown(item, field), class_name="var")))
