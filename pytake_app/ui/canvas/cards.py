"""Node cards: one Python component per node type, showing what the contact will see, with every exit on its row.

A card gets one `item`, computed in the browser by `cardModel` (`ui/js/editor_model.js`): `title`, `kind`, `options`
(exits that stand for a button, row, case…), `exits` (the others), problem counts, and `f`, what each config field
shows.
"""

from collections.abc import Callable
from typing import Any

import reflex as rx

from pytake_app.engine.inspector import FieldSpec
from pytake_app.ui.canvas.components import Item, PortHandle, RichText, TargetHandle, flag, items_of, number, text_of
from pytake_app.ui.canvas.parts import CardTitle, FrameParts, NoteText
from pytake_app.ui.canvas.specs import NodeSpec, node_specs
from pytake_app.ui.components.basics import icon
from pytake_app.ui.i18n import t

Body = Callable[[Item, NodeSpec], list[rx.Component]]
TEXT_LIMIT = 420


def shown(item: Item, field: str, part: str = "text") -> rx.vars.StringVar:
    """What a config field shows: a text."""
    return item["f"].to(dict)[field].to(dict)[part].to(str)


def _shown_list(item: Item, field: str, part: str) -> rx.vars.ArrayVar:
    return item["f"].to(dict)[field].to(dict)[part].to(list[dict[str, Any]] if part == "rows" else list[str])


def _handle(port: rx.Var) -> rx.Component:
    return PortHandle.create(
        port=text_of(port, "id"),
        wired=flag(port, "wired"),
        bad=flag(port, "bad"),
        lit=flag(port, "lit"),
        label=text_of(port, "label"),
    )


def _button_row(port: rx.Var) -> rx.Component:
    label = rx.el.span(text_of(port, "label"), class_name=rx.cond(flag(port, "blank"), "ell muted", "ell"))
    return rx.el.div(label, _handle(port), class_name="pr bt")


def _list_row(port: rx.Var) -> rx.Component:
    return rx.el.div(
        rx.el.span(text_of(port, "label"), class_name=rx.cond(flag(port, "blank"), "ell muted", "ell")),
        rx.el.span(class_name="o"),
        _handle(port),
        class_name="pr lr",
    )


def _case_row(port: rx.Var) -> rx.Component:
    label = rx.el.span(text_of(port, "label"), class_name=rx.cond(flag(port, "blank"), "ell muted", "ell"))
    return rx.el.div(label, _handle(port), class_name="pr lr")


def _exit_row(port: rx.Var) -> rx.Component:
    names = rx.cond(flag(port, "bad"), "pr ot red", "pr ot")
    return rx.el.div(rx.el.span(text_of(port, "label"), class_name="ell"), _handle(port), class_name=names)


def _rows(item: Item, row: Callable[[rx.Var], rx.Component]) -> rx.Component:
    return rx.foreach(items_of(item, "options"), row)


def _bubble(item: Item, field: str = "body", header: str = "", footer: str = "") -> rx.Component:
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


def _meta(*parts: rx.Component | rx.Var | str) -> rx.Component:
    return rx.el.div(*parts, class_name="mt")


def _chips(item: Item, field: str, empty: str) -> rx.Component:
    words = _shown_list(item, field, "words")
    return rx.cond(
        words.length() > 0,
        rx.el.div(rx.foreach(words, lambda word: rx.el.span(word.to(str))), class_name="kw"),
        rx.el.div(t(empty), class_name="mt"),
    )


def _conditions(item: Item, field: str) -> rx.Component:
    def line(row: rx.Var) -> rx.Component:
        return rx.el.div(
            rx.el.span(text_of(row, "left"), class_name="var ell"),
            rx.el.span(text_of(row, "middle"), class_name="muted nw"),
            rx.el.b(text_of(row, "right"), class_name="ell"),
            class_name="cond",
        )

    rows = _shown_list(item, field, "rows")
    return rx.cond(
        rows.length() > 0,
        rx.el.div(rx.foreach(rows, line), class_name="conds"),
        rx.el.div(t("editor.empty_rows"), class_name="mt"),
    )


def _value(item: Item, field: str, label: rx.Var) -> rx.Component:
    return rx.cond(shown(item, field) != "", _meta(label, " ", rx.el.span(shown(item, field), class_name="var")))


def _text_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(_bubble(item), class_name="bd")]


def _buttons_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(_bubble(item, header="header", footer="footer"), class_name="bd tight"), _rows(item, _button_row)]


def _list_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(_bubble(item, header="header", footer="footer"), class_name="bd"), _rows(item, _list_row)]


def _link_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    press = rx.el.div(
        icon("external-link", "s"), rx.el.span(shown(item, "display_text"), class_name="ell"), class_name="pr bt"
    )
    return [rx.el.div(_bubble(item, header="header", footer="footer"), class_name="bd tight"), press]


def _media_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    picture = rx.el.div(icon("image", "l"), rx.el.span(shown(item, "kind"), class_name="micro"), class_name="pic")
    link = rx.cond(shown(item, "url") != "", rx.el.div(shown(item, "url"), class_name="ft mono ell"))
    caption = rx.cond(
        shown(item, "caption") != "",
        rx.el.div(RichText.create(text=shown(item, "caption"), limit=200), class_name="cap"),
    )
    return [rx.el.div(rx.el.div(picture, caption, link, class_name="bub"), class_name="bd")]


def _location_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    place = rx.el.div(icon("map-pin", "l"), class_name="pic")
    name = rx.el.div(rx.cond(shown(item, "name") != "", shown(item, "name"), t("editor.empty_text")), class_name="cap")
    return [
        rx.el.div(
            rx.el.div(place, name, rx.el.div(shown(item, "address"), class_name="ft"), class_name="bub"),
            class_name="bd",
        )
    ]


def _template_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    name = rx.cond(shown(item, "name") != "", shown(item, "name"), t("editor.empty_template"))
    line = rx.el.div(
        rx.el.span(name, class_name="mono ell grow"),
        rx.el.span(shown(item, "language"), class_name="muted"),
        class_name="cond",
    )
    words = rx.foreach(
        _shown_list(item, "body", "words"),
        lambda word: rx.el.div(RichText.create(text=word.to(str), limit=60), class_name="mt"),
    )
    return [rx.el.div(line, words, class_name="bd tight"), _rows(item, _button_row)]


def _question_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    keeps = rx.el.div(
        rx.cond(
            shown(item, "variable") != "",
            rx.fragment(t("editor.keeps_in"), " ", rx.el.span(shown(item, "variable"), class_name="var")),
        ),
        rx.el.span(shown(item, "kind"), class_name="right"),
        class_name="mt row",
    )
    return [rx.el.div(_bubble(item), keeps, class_name="bd")]


def _keyword_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(_chips(item, "words", "editor.empty_words"), _meta(shown(item, "match_type")), class_name="bd")]


def _help_body(_item: Item, spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(_meta(t(spec.help)), class_name="bd")]


def _trigger_template_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    name = rx.cond(
        shown(item, "template") != "",
        rx.el.span(shown(item, "template"), class_name="mono"),
        t("editor.empty_template"),
    )
    return [rx.el.div(_meta(name), class_name="bd tight"), _rows(item, _button_row)]


def _condition_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(_conditions(item, "rows"), _meta(shown(item, "match")), class_name="bd")]


def _switch_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    value = rx.cond(
        shown(item, "value") != "", RichText.create(text=shown(item, "value"), limit=80), t("editor.empty_text")
    )
    return [rx.el.div(rx.el.div(value, class_name="mt"), class_name="bd tight"), _rows(item, _case_row)]


def _branches_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [_rows(item, _case_row)]


def _delay_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [
        rx.el.div(
            rx.el.div(icon("timer", "s"), shown(item, "amount"), " ", shown(item, "unit"), class_name="cond"),
            class_name="bd",
        )
    ]


def _wait_body(item: Item, spec: NodeSpec) -> list[rx.Component]:
    limit = rx.cond(
        shown(item, "timeout_minutes") != "",
        _meta(t("editor.waits_for", time=shown(item, "timeout_minutes"))),
        _meta(t(spec.help)),
    )
    return [
        rx.el.div(
            limit,
            _value(item, "variable", t("editor.keeps_in")) if _has(spec, "variable") else rx.fragment(),
            class_name="bd",
        )
    ]


def _jump_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    where = rx.cond(
        shown(item, "flow") != "",
        rx.el.b(shown(item, "flow"), class_name="ell"),
        rx.el.span(t("editor.empty_flow"), class_name="muted"),
    )
    return [
        rx.el.div(
            rx.el.div(icon("workflow", "s"), where, class_name="cond"), _meta(shown(item, "mode")), class_name="bd"
        )
    ]


def _end_body(item: Item, spec: NodeSpec) -> list[rx.Component]:
    named = rx.el.div(rx.el.span(shown(item, "outcome"), class_name="bdg"), class_name="bd")
    return [rx.cond(shown(item, "outcome") != "", named, rx.el.div(_meta(t(spec.help)), class_name="bd"))]


def _assign_body(item: Item, spec: NodeSpec) -> list[rx.Component]:
    field = next(field.name for field in spec.fields if field.widget == "assignments")
    return [rx.el.div(_conditions(item, field), class_name="bd")]


def _tags_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    removed = _shown_list(item, "remove", "words")
    gone = rx.cond(
        removed.length() > 0, rx.el.div(rx.foreach(removed, lambda word: rx.el.s(word.to(str))), class_name="kw off")
    )
    return [rx.el.div(_chips(item, "add", "editor.empty_tags"), gone, class_name="bd")]


def _queue_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    name = rx.cond(shown(item, "queue_name") != "", shown(item, "queue_name"), t("editor.any_queue"))
    head = rx.el.div(
        rx.el.span(class_name="dot jade"),
        rx.el.b(name, class_name="ell"),
        rx.el.span(shown(item, "priority"), class_name="bdg amber"),
        class_name="row g6 dense",
    )
    wait = rx.cond(
        shown(item, "wait_timeout_minutes") != "",
        _meta(t("editor.waits_for", time=shown(item, "wait_timeout_minutes"))),
    )
    said = rx.cond(shown(item, "message") != "", _bubble(item, "message"))
    return [rx.el.div(head, wait, said, class_name="bd stack")]


def _request_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    url = rx.cond(shown(item, "url") != "", shown(item, "url"), t("editor.empty_text"))
    line = rx.el.div(
        rx.el.b(shown(item, "method"), class_name="mono t-blue"),
        rx.el.span(url, class_name="mono ell"),
        class_name="cond",
    )
    rows = _shown_list(item, "mapping", "rows")
    fills = rx.el.div(
        t("editor.fills"),
        rx.foreach(rows, lambda row: rx.el.span(text_of(row, "left"), class_name="var")),
        class_name="mt row wrap",
    )
    return [rx.el.div(line, rx.cond(rows.length() > 0, fills), class_name="bd")]


def _form_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    press = rx.el.div(rx.el.span(shown(item, "cta"), class_name="ell"), class_name="pr bt")
    return [rx.el.div(_bubble(item, header="header", footer="footer"), class_name="bd tight"), press]


def _prompt_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(_bubble(item, "prompt"), _value(item, "output", t("editor.keeps_in")), class_name="bd")]


def _reaction_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(rx.el.span(shown(item, "emoji"), class_name="figure"), class_name="bd")]


def _generic_body(item: Item, spec: NodeSpec) -> list[rx.Component]:
    """For a type without a body of its own: its summary as a bubble, and what its lists say."""
    parts: list[rx.Component] = []
    for field in spec.fields:
        part = _generic_field(item, field, spec)
        if part is not None:
            parts.append(part)
    return [rx.el.div(*parts, class_name="bd") if parts else _help_body(item, spec)[0], _rows(item, _case_row)]


def _generic_field(item: Item, field: FieldSpec, spec: NodeSpec) -> rx.Component | None:
    if field.name == spec.summary and field.widget == "textarea":
        return _bubble(item, field.name)
    if field.widget in ("words", "tags"):
        return _chips(item, field.name, "editor.empty_words")
    if field.widget in ("conditions", "assignments", "keyvalue"):
        return _conditions(item, field.name)
    if field.name == spec.summary:
        return rx.cond(shown(item, field.name) != "", _meta(shown(item, field.name)))
    return None


def _has(spec: NodeSpec, field: str) -> bool:
    return any(item.name == field for item in spec.fields)


BODIES: dict[str, Body] = {
    "start": _help_body,
    "trigger_universal": _help_body,
    "trigger_keyword": _keyword_body,
    "trigger_template": _trigger_template_body,
    "msg_text": _text_body,
    "msg_media": _media_body,
    "msg_buttons": _buttons_body,
    "msg_list": _list_body,
    "msg_template": _template_body,
    "msg_location": _location_body,
    "msg_cta_url": _link_body,
    "question": _question_body,
    "wait_for_reply": _wait_body,
    "condition": _condition_body,
    "switch": _switch_body,
    "logic_window_check": _help_body,
    "business_hours": _help_body,
    "random_split": _branches_body,
    "ai_classifier": _branches_body,
    "delay": _delay_body,
    "jump": _jump_body,
    "end": _end_body,
    "set_variable": _assign_body,
    "update_contact": _assign_body,
    "tag_contact": _tags_body,
    "action_transfer_to_queue": _queue_body,
    "api_call": _request_body,
    "msg_form": _form_body,
    "msg_location_request": _text_body,
    "msg_reaction": _reaction_body,
    "ai_prompt": _prompt_body,
}


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
    foot = rx.cond(exits.length() > 0, rx.el.div(rx.foreach(exits, _exit_row), class_name="foot"))
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
        return _frame(item, spec.icon, spec.group, BODIES.get(spec.type, _generic_body)(item, spec), target=spec.target)

    card.__name__ = card.__qualname__ = f"card_{spec.type}"
    return rx.memo(card)


@rx.memo
def card_unknown(item: rx.Var[dict]) -> rx.Component:
    """A block of a type that this version doesn't know; it is kept as it is."""
    return _frame(
        item, "circle-help", "canvas", [rx.el.div(_meta(t("editor.unknown_block")), class_name="bd")], target=True
    )


def all_cards() -> dict[str, Any]:
    """Node type → card, and `unknown` for the rest."""
    return {**{name: card_of(spec) for name, spec in node_specs().items()}, "unknown": card_unknown}
