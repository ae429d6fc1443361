"""The body of each node type's card: what the contact will see, or what happens, in a few lines."""

from collections.abc import Callable

import reflex as rx

from pytake_app.engine.inspector import FieldSpec
from pytake_app.ui.canvas.card_parts import (
    bubble,
    button_row,
    case_row,
    chips,
    conditions,
    list_row,
    meta,
    option_rows,
    shown,
    shown_list,
    value_line,
)
from pytake_app.ui.canvas.components import Item, RichText, text_of
from pytake_app.ui.canvas.parts import Thumbnail
from pytake_app.ui.canvas.specs import NodeSpec
from pytake_app.ui.components.basics import icon
from pytake_app.ui.i18n import t

Body = Callable[[Item, NodeSpec], list[rx.Component]]


def _text_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(bubble(item), class_name="bd")]


def _buttons_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [
        rx.el.div(bubble(item, header="header", footer="footer"), class_name="bd tight"),
        option_rows(item, button_row),
    ]


def _list_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(bubble(item, header="header", footer="footer"), class_name="bd"), option_rows(item, list_row)]


def _link_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    press = rx.el.div(
        icon("external-link", "s"), rx.el.span(shown(item, "display_text"), class_name="ell"), class_name="pr bt"
    )
    return [rx.el.div(bubble(item, header="header", footer="footer"), class_name="bd tight"), press]


def _media_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    picture = Thumbnail.create(
        rx.el.span(shown(item, "kind"), class_name="micro"),
        kind=shown(item, "kind", "raw"),
        media=shown(item, "media_id"),
        class_name="pic",
    )
    link = rx.cond(shown(item, "url") != "", rx.el.div(shown(item, "url"), class_name="ft mono ell"))
    file = rx.cond(shown(item, "filename") != "", rx.el.div(shown(item, "filename"), class_name="ft ell"))
    caption = rx.cond(
        shown(item, "caption") != "",
        rx.el.div(RichText.create(text=shown(item, "caption"), limit=200), class_name="cap"),
    )
    return [rx.el.div(rx.el.div(picture, caption, file, link, class_name="bub"), class_name="bd")]


def _location_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    place = rx.el.div(icon("map-pin", "l"), class_name="pic")
    name = rx.el.div(rx.cond(shown(item, "name") != "", shown(item, "name"), t("canvas.no_place")), class_name="cap")
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
        shown_list(item, "body", "words"),
        lambda word: rx.el.div(RichText.create(text=word.to(str), limit=60), class_name="mt"),
    )
    return [rx.el.div(line, words, class_name="bd tight"), option_rows(item, button_row)]


def _question_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    keeps = rx.el.div(
        rx.cond(
            shown(item, "variable") != "",
            rx.fragment(t("editor.keeps_in"), " ", rx.el.span(shown(item, "variable"), class_name="var")),
        ),
        rx.el.span(shown(item, "kind"), class_name="right"),
        class_name="mt row",
    )
    return [rx.el.div(bubble(item), keeps, class_name="bd")]


def _keyword_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(chips(item, "words", "editor.empty_words"), meta(shown(item, "match_type")), class_name="bd")]


def _help_body(_item: Item, spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(meta(t(spec.help)), class_name="bd")]


def _trigger_template_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    name = rx.cond(
        shown(item, "template") != "",
        rx.el.span(shown(item, "template"), class_name="mono"),
        t("editor.empty_template"),
    )
    return [rx.el.div(meta(name), class_name="bd tight"), option_rows(item, button_row)]


def _condition_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(conditions(item, "rows"), meta(shown(item, "match")), class_name="bd")]


def _switch_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    value = rx.cond(
        shown(item, "value") != "", RichText.create(text=shown(item, "value"), limit=80), t("canvas.no_value")
    )
    return [rx.el.div(rx.el.div(value, class_name="mt"), class_name="bd tight"), option_rows(item, case_row)]


def _branches_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [option_rows(item, case_row)]


def _intents_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    about = meta(shown(item, "provider"), " · ", shown(item, "intents"))
    return [rx.el.div(about, class_name="bd"), option_rows(item, case_row)]


def _hours_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    rows = shown_list(item, "periods", "rows")
    shared = rx.cond(shown(item, "calendar_name") != "", shown(item, "calendar_name"), shown(item, "calendar"))
    week = rx.cond(rows.length() > 0, conditions(item, "periods"), meta(shared))
    zone = rx.cond((rows.length() > 0) & (shown(item, "timezone") != ""), meta(shown(item, "timezone")))
    return [rx.el.div(week, zone, class_name="bd")]


def _line(picture: str, text: rx.Var, *, mono: bool = False) -> rx.Component:
    """One thing with its picture; muted while there is nothing."""
    words = rx.cond(
        text != "",
        rx.el.span(text, class_name="mono ell" if mono else "ell med"),
        rx.el.span(t("editor.empty_rows"), class_name="muted ell"),
    )
    return rx.el.div(icon(picture, "s"), words, class_name="cond")


def _webhook_body(item: Item, spec: NodeSpec) -> list[rx.Component]:
    rows = shown_list(item, "mapping", "rows")
    fills = rx.cond(rows.length() > 0, conditions(item, "mapping"), meta(t(spec.help)))
    return [rx.el.div(_line("smartphone", shown(item, "phone_path"), mono=True), fills, class_name="bd stack")]


def _schedule_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    who = rx.el.div(
        shown(item, "audience"),
        rx.cond(shown(item, "tag") != "", rx.el.span(shown(item, "tag"), class_name="bdg jade")),
        class_name="mt row",
    )
    return [rx.el.div(_line("calendar-days", shown(item, "cron")), who, class_name="bd")]


def _event_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    tag = rx.cond(shown(item, "tag") != "", rx.el.div(rx.el.span(shown(item, "tag")), class_name="kw"))
    return [rx.el.div(rx.el.div(shown(item, "event"), class_name="med"), tag, class_name="bd stack")]


def _contacts_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    def card(row: rx.Var) -> rx.Component:
        return rx.el.div(
            icon("circle-user-round", "l"),
            rx.el.span(
                rx.el.span(text_of(row, "left"), class_name="ell str"),
                rx.el.span(text_of(row, "right"), class_name="ell ft"),
                class_name="col",
            ),
            class_name="row g8",
        )

    rows = shown_list(item, "contacts", "rows")
    empty = rx.el.span(t("editor.empty_rows"), class_name="muted")
    return [
        rx.el.div(
            rx.el.div(rx.cond(rows.length() > 0, rx.foreach(rows, card), empty), class_name="bub stack"),
            class_name="bd",
        )
    ]


def _event_out_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    rows = shown_list(item, "values", "rows")
    return [
        rx.el.div(
            _line("radio", shown(item, "name"), mono=True),
            rx.cond(rows.length() > 0, conditions(item, "values")),
            class_name="bd stack",
        )
    ]


def _notify_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    to = rx.el.div(
        icon("bell", "s"),
        rx.el.span(shown(item, "audience"), class_name="ell"),
        rx.cond(shown(item, "target") != "", rx.el.b(shown(item, "target"), class_name="ell")),
        rx.el.span(shown(item, "level"), class_name="bdg right"),
        class_name="row g6",
    )
    said = rx.el.div(
        rx.cond(shown(item, "title") != "", rx.el.div(shown(item, "title"), class_name="med ell")),
        rx.cond(shown(item, "body") != "", rx.el.div(RichText.create(text=shown(item, "body"), limit=160))),
        class_name="ask",
    )
    some = (shown(item, "title") != "") | (shown(item, "body") != "")
    return [rx.el.div(to, rx.cond(some, said), class_name="bd stack")]


def _assignee_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(_line("user-round", shown(item, "user")), class_name="bd")]


def _close_body(item: Item, spec: NodeSpec) -> list[rx.Component]:
    named = rx.el.span(shown(item, "reason"), class_name="bdg")
    return [rx.el.div(rx.cond(shown(item, "reason") != "", named, meta(t(spec.help))), class_name="bd")]


def _extract_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(conditions(item, "fields"), class_name="bd")]


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
        meta(t("editor.waits_for", time=shown(item, "timeout_minutes"))),
        meta(t(spec.help)),
    )
    return [
        rx.el.div(
            limit,
            value_line(item, "variable", t("editor.keeps_in")) if _has(spec, "variable") else rx.fragment(),
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
            rx.el.div(icon("workflow", "s"), where, class_name="cond"), meta(shown(item, "mode")), class_name="bd"
        )
    ]


def _end_body(item: Item, spec: NodeSpec) -> list[rx.Component]:
    named = rx.el.div(rx.el.span(shown(item, "outcome"), class_name="bdg"), class_name="bd")
    return [rx.cond(shown(item, "outcome") != "", named, rx.el.div(meta(t(spec.help)), class_name="bd"))]


def _assign_body(item: Item, spec: NodeSpec) -> list[rx.Component]:
    field = next(field.name for field in spec.fields if field.widget == "assignments")
    return [rx.el.div(conditions(item, field), class_name="bd")]


def _tags_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    removed = shown_list(item, "remove", "words")
    gone = rx.cond(
        removed.length() > 0, rx.el.div(rx.foreach(removed, lambda word: rx.el.s(word.to(str))), class_name="kw off")
    )
    return [rx.el.div(chips(item, "add", "editor.empty_tags"), gone, class_name="bd")]


def _queue_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    name = rx.cond(shown(item, "queue_name") != "", shown(item, "queue_name"), t("editor.any_queue"))
    head = rx.el.div(
        rx.el.span(class_name="dot jade"),
        rx.el.b(name, class_name="ell"),
        rx.el.span(
            shown(item, "priority"),
            class_name=rx.cond(shown(item, "priority", "raw") == "0", "bdg", "bdg amber"),
        ),
        class_name="row g6 dense",
    )
    wait = rx.cond(
        shown(item, "wait_timeout_minutes") != "",
        meta(t("editor.waits_for", time=shown(item, "wait_timeout_minutes"))),
    )
    said = rx.cond(shown(item, "message") != "", bubble(item, "message"))
    return [rx.el.div(head, wait, said, class_name="bd stack")]


def _request_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    url = rx.cond(shown(item, "url") != "", shown(item, "url"), t("canvas.no_address"))
    line = rx.el.div(
        rx.el.b(shown(item, "method"), class_name="mono t-blue"),
        rx.el.span(url, class_name="mono ell"),
        class_name="cond",
    )
    rows = shown_list(item, "mapping", "rows")
    fills = rx.el.div(
        t("editor.fills"),
        rx.foreach(rows, lambda row: rx.el.span(text_of(row, "left"), class_name="var")),
        class_name="mt row wrap",
    )
    return [rx.el.div(line, rx.cond(rows.length() > 0, fills), class_name="bd")]


def _form_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    press = rx.el.div(rx.el.span(shown(item, "cta"), class_name="ell"), class_name="pr bt")
    return [rx.el.div(bubble(item, header="header", footer="footer"), class_name="bd tight"), press]


def _prompt_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    told = rx.cond(
        shown(item, "prompt") != "",
        RichText.create(text=shown(item, "prompt"), limit=240),
        rx.el.span(t("editor.empty_rows"), class_name="muted"),
    )
    kept = value_line(item, "output", t("editor.keeps_in"))
    return [rx.el.div(rx.el.div(told, class_name="ask"), kept, class_name="bd")]


def _reaction_body(item: Item, _spec: NodeSpec) -> list[rx.Component]:
    return [rx.el.div(rx.el.span(shown(item, "emoji"), class_name="figure"), class_name="bd")]


def generic_body(item: Item, spec: NodeSpec) -> list[rx.Component]:
    """For a type without a body of its own: its summary as a bubble, and what its lists say."""
    parts: list[rx.Component] = []
    for field in spec.fields:
        part = _generic_field(item, field, spec)
        if part is not None:
            parts.append(part)
    return [rx.el.div(*parts, class_name="bd") if parts else _help_body(item, spec)[0], option_rows(item, case_row)]


def _generic_field(item: Item, field: FieldSpec, spec: NodeSpec) -> rx.Component | None:
    if field.name == spec.summary and field.widget == "textarea":
        return bubble(item, field.name)
    if field.widget in ("words", "tags"):
        return chips(item, field.name, "editor.empty_words")
    if field.widget in ("conditions", "assignments", "keyvalue"):
        return conditions(item, field.name)
    if field.name == spec.summary:
        return rx.cond(shown(item, field.name) != "", meta(shown(item, field.name)))
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
    "business_hours": _hours_body,
    "random_split": _branches_body,
    "ai_classifier": _intents_body,
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
    "trigger_webhook": _webhook_body,
    "trigger_schedule": _schedule_body,
    "trigger_event": _event_body,
    "msg_contacts": _contacts_body,
    "send_event": _event_out_body,
    "notify": _notify_body,
    "assign_agent": _assignee_body,
    "close_conversation": _close_body,
    "ai_extract": _extract_body,
    "ai_prompt": _prompt_body,
}
