"""Node cards: one Python component per node type, showing what the contact will see, with every exit on its row.

A card gets one `item`, computed in the browser by `cardModel` (`ui/js/editor_cards.js`): `title`, `kind`, `options`
(exits that stand for a button, row, case…), `exits` (the others), problem counts, and `f`, what each config field
shows.
"""

from typing import Any

import reflex as rx

from pytake_app.ui.canvas.card_bodies import BODIES, generic_body
from pytake_app.ui.canvas.card_parts import exit_row, meta, shown
from pytake_app.ui.canvas.components import Item, RichText, TargetHandle, flag, items_of, number, text_of
from pytake_app.ui.canvas.parts import CardTitle, FrameParts, NoteText
from pytake_app.ui.canvas.specs import NodeSpec, node_specs
from pytake_app.ui.components.basics import icon
from pytake_app.ui.i18n import t


def _frame(item: Item, spec_icon: str, group: str, body: list[rx.Component], *, target: bool) -> rx.Component:
    problems = rx.cond(
        number(item, "errors") > 0,
        rx.el.span(
            number(item, "errors").to_string(),
            class_name="prob",
            title=t("editor.errors", count=number(item, "errors")),
        ),
        rx.cond(
            number(item, "warnings") > 0,
            rx.el.span(
                number(item, "warnings").to_string(),
                class_name="prob am",
                title=t("editor.warnings", count=number(item, "warnings")),
            ),
        ),
    )
    head = rx.el.div(
        rx.el.span(
            rx.el.span(icon(spec_icon, "s"), class_name="tile"),
            CardTitle.create(node=text_of(item, "id"), text=text_of(item, "title")),
            class_name="hl",
        ),
        rx.el.span(text_of(item, "kind"), class_name="k ell"),
        class_name="hd",
    )
    exits = items_of(item, "exits")
    foot = rx.cond(exits.length() > 0, rx.el.div(rx.foreach(exits, exit_row), class_name="foot"))
    state = rx.cond(flag(item, "current"), " here", rx.cond(flag(item, "visited"), " lit", ""))
    return rx.el.div(
        TargetHandle.create() if target else rx.fragment(),
        problems,
        rx.cond(
            text_of(item, "peer") != "",
            rx.el.span(text_of(item, "peer"), class_name="ptag", custom_attrs={"data-testid": "peer-tag"}),
        ),
        head,
        *body,
        foot,
        class_name=f"nd g-{group}"
        + rx.cond(flag(item, "selected"), " sel", "")
        + state
        + rx.cond(text_of(item, "peer") != "", " peer p-" + text_of(item, "peer_hue"), ""),
        custom_attrs={"data-node": text_of(item, "id"), "data-errors": number(item, "errors").to_string()},
    )


def _note(item: Item) -> rx.Component:
    """A note for people: no exits, no head."""
    text = shown(item, "text")
    words = rx.cond(
        text != "", RichText.create(text=text, limit=1200), rx.el.span(t("editor.empty_note"), class_name="muted")
    )
    return rx.el.div(
        NoteText.create(words, node=text_of(item, "id")),
        class_name="sticky" + rx.cond(flag(item, "selected"), " sel", ""),
        custom_attrs={"data-node": text_of(item, "id"), "data-color": shown(item, "color")},
    )


def _group_frame(item: Item) -> rx.Component:
    """A named frame behind other blocks; React Flow gives it its size."""
    return rx.el.div(
        FrameParts.create(node=text_of(item, "id"), text=shown(item, "text"), selected=flag(item, "selected")),
        class_name="gframe" + rx.cond(flag(item, "selected"), " sel", ""),
        custom_attrs={"data-node": text_of(item, "id"), "data-color": shown(item, "color")},
    )


def card_of(spec: NodeSpec) -> Any:
    """The card of one node type, as a memo that takes `item`."""

    def card(item: rx.Var[dict]) -> rx.Component:
        if spec.type == "note":
            return _note(item)
        if spec.type == "group":
            return _group_frame(item)
        return _frame(item, spec.icon, spec.group, BODIES.get(spec.type, generic_body)(item, spec), target=spec.target)

    card.__name__ = card.__qualname__ = f"card_{spec.type}"
    return rx.memo(card)


@rx.memo
def card_unknown(item: rx.Var[dict]) -> rx.Component:
    """A block of a type that this version doesn't know; it is kept as it is."""
    return _frame(
        item, "circle-help", "canvas", [rx.el.div(meta(t("editor.unknown_block")), class_name="bd")], target=True
    )


def all_cards() -> dict[str, Any]:
    """Node type → card, and `unknown` for the rest."""
    return {**{name: card_of(spec) for name, spec in node_specs().items()}, "unknown": card_unknown}
