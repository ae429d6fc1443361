"""What stands in a thread: days, messages of every kind, notes, and what automation did."""

import reflex as rx

from pytake_app.ui.components.basics import icon, skeleton
from pytake_app.ui.components.store import Item, view
from pytake_app.ui.i18n import t, t_dynamic
from pytake_app.ui.pages.inbox.rows import field
from pytake_app.ui.pages.inbox.store import WhyBox, clock_time, day_text, do


def _ticks(item: Item) -> rx.Component:
    status = field(item, "status")
    picture = rx.match(
        status,
        ("sending", icon("clock")),
        ("queued", icon("clock")),
        ("sent", icon("check")),
        ("delivered", icon("check-check")),
        ("read", icon("check-check")),
        ("failed", icon("circle-alert")),
        ("unsent", icon("circle-alert")),
        rx.fragment(),
    )
    words = t_dynamic("inbox.status", status, "inbox.status.sent")
    return rx.el.span(
        picture,
        rx.el.span(words, class_name="sr"),
        class_name="tick",
        title=words,
        custom_attrs={"data-status": status, "data-testid": "status"},
    )


def _who(item: Item) -> rx.Component:
    robot = rx.el.div(icon("bot"), t("inbox.robot"), _why(item), class_name="who")
    api = rx.el.div(icon("plug"), "API", class_name="who")
    return rx.match(field(item, "author"), ("bot", robot), ("api", api), rx.fragment())


@rx.memo
def why_view(item: rx.Var[dict]) -> rx.Component:
    """Which flow and block said it, and with which values."""
    values = item["values"].to(list[dict])
    rows = rx.el.dl(
        rx.el.dt(t("inbox.why_flow")),
        rx.el.dd(field(item, "flow"), rx.cond(item["version"], rx.el.span(" · v", item["version"].to(str)), "")),
        rx.el.dt(t("inbox.why_block")),
        rx.el.dd(field(item, "node"), class_name="break"),
        rx.cond(field(item, "why") != "", rx.fragment(rx.el.dt(t("inbox.why_reason")), rx.el.dd(field(item, "why")))),
        rx.foreach(
            values,
            lambda one: rx.fragment(rx.el.dt(one["name"].to(str), class_name="mono"), rx.el.dd(one["value"].to(str))),
        ),
        class_name="kv",
    )
    body = rx.match(
        field(item, "phase"),
        ("loading", rx.el.div(skeleton("80%"), skeleton("60%"), class_name="col g8", custom_attrs={"aria-busy": True})),
        ("error", rx.el.div(t("inbox.why_unknown"), class_name="dense muted")),
        rows,
    )
    return rx.el.div(
        rx.el.div(t("inbox.why_title"), class_name="h-sec"),
        body,
        class_name="col g8",
        custom_attrs={"data-testid": "why"},
    )


def _why(item: Item) -> rx.Component:
    trigger = rx.el.button(t("inbox.why"), class_name="why", type="button", custom_attrs={"data-testid": "why-open"})
    box = WhyBox.create(
        session=field(item, "session"), node=field(item, "node_id"), message=field(item, "id"), view=view(why_view)
    )
    popover = rx.popover.root(rx.popover.trigger(trigger), rx.popover.content(box, width="var(--d-320)"))
    return rx.cond((field(item, "node_id") != "") & (field(item, "session") != ""), popover)


def _media(item: Item) -> rx.Component:
    url = field(item, "media_url")
    name = field(item, "media_name")
    download = rx.el.a(
        icon("file-text"),
        rx.el.span(name, class_name="ell grow"),
        icon("download", "s"),
        href=url,
        class_name="file",
        target="_blank",
        rel="noopener",
    )
    picture = rx.el.a(
        rx.el.img(
            src=url,
            alt=rx.cond(field(item, "text") != "", field(item, "text"), t("inbox.kind.image")),
            class_name="pic",
            loading="lazy",
        ),
        href=url,
        target="_blank",
        rel="noopener",
    )
    return rx.match(
        field(item, "media"),
        ("image", picture),
        ("video", rx.el.video(src=url, controls=True, class_name="pic", preload="metadata")),
        ("audio", rx.el.audio(src=url, controls=True, preload="metadata")),
        ("file", download),
        rx.fragment(),
    )


def _place(item: Item) -> rx.Component:
    return rx.cond(
        field(item, "place") != "",
        rx.el.div(icon("map-pin"), rx.el.span(field(item, "place"), class_name="grow break"), class_name="file"),
    )


def _text(item: Item) -> rx.Component:
    parts = (
        rx.cond(field(item, "header") != "", rx.el.div(field(item, "header"), class_name="hdr")),
        rx.cond(field(item, "text") != "", rx.el.span(field(item, "text"), class_name="body"), _kind(item)),
    )
    return rx.fragment(*parts)


def _kind(item: Item) -> rx.Component:
    words = rx.el.span(t_dynamic("inbox.kind", field(item, "type"), "inbox.kind.unsupported"), class_name="muted")
    return rx.cond((field(item, "media") == "") & (field(item, "place") == ""), words)


def _option(option: rx.Var[dict]) -> rx.Component:
    picked = option["picked"].to(bool)
    return rx.el.span(
        rx.cond(picked, icon("check", "s"), ""),
        option["title"].to(str),
        custom_attrs={"data-picked": picked.to_string()},
    )


def _options(item: Item) -> rx.Component:
    options = item["options"].to(list[dict])
    return rx.cond(
        options.length() > 0,
        rx.el.div(rx.foreach(options, _option), class_name=rx.cond(field(item, "dir") == "in", "opts in", "opts")),
    )


def _failure(item: Item) -> rx.Component:
    retry = rx.cond(
        field(item, "unsent", bool),
        rx.el.button(
            t("common.retry"), class_name="link", type="button", on_click=do(f"inbox.retry({item!s}.key)", item)
        ),
    )
    reason = rx.cond(
        field(item, "unsent", bool),
        t_dynamic("inbox.problem", field(item, "problem"), "inbox.problem.unknown"),
        rx.cond(
            field(item, "problem") != "",
            t("inbox.failed_because", reason=field(item, "problem")),
            t("inbox.status.failed"),
        ),
    )
    return rx.cond(
        field(item, "failed", bool),
        rx.el.div(icon("circle-alert", "s"), rx.el.span(reason), retry, class_name="ix-fail", role="alert"),
    )


def _message(item: Item) -> rx.Component:
    time = rx.el.span(
        rx.cond(
            (field(item, "author") == "agent") & (field(item, "author_name") != ""),
            field(item, "author_name") + " · ",
            "",
        ),
        clock_time(field(item, "at")),
        rx.cond(field(item, "dir") == "out", _ticks(item)),
        class_name="t",
    )
    bubble = rx.el.div(
        _who(item),
        rx.cond(field(item, "quote") != "", rx.el.div(field(item, "quote"), class_name="quote")),
        _media(item),
        _place(item),
        _text(item),
        rx.cond(field(item, "footer") != "", rx.el.div(field(item, "footer"), class_name="foot")),
        time,
        class_name="bub " + field(item, "dir"),
        custom_attrs={
            "data-failed": field(item, "failed", bool).to_string(),
            "data-testid": "bubble",
            "data-author": field(item, "author"),
        },
    )
    return rx.fragment(bubble, _options(item), _failure(item))


def _note(item: Item) -> rx.Component:
    who = rx.el.div(
        icon("sticky-note"),
        t("inbox.note_by", name=field(item, "author_name"), time=clock_time(field(item, "at"))),
        class_name="who",
    )
    return rx.fragment(
        rx.el.div(who, field(item, "text"), class_name="note-b", custom_attrs={"data-testid": "note"}), _failure(item)
    )


def log_words(item: Item) -> rx.vars.StringVar:
    """What automation did, in words."""
    return t_dynamic(
        "inbox.log",
        field(item, "code"),
        "inbox.log.other",
        flow=item["flow"],
        word=item["word"],
        name=item["person"],
        queue=item["queue"],
    )


@rx.memo
def thread_item(item: rx.Var[dict]) -> rx.Component:
    """One item of a thread, whatever its kind."""
    log = rx.el.div(icon("zap"), rx.el.span(log_words(item)), class_name="ix-sys", custom_attrs={"data-testid": "log"})
    return rx.match(
        field(item, "kind"),
        ("day", rx.el.div(day_text(field(item, "at")), class_name="ix-day")),
        ("log", log),
        ("system", rx.el.div(icon("info"), rx.el.span(field(item, "text")), class_name="ix-sys")),
        ("note", _note(item)),
        _message(item),
    )


@rx.memo
def new_pill(item: rx.Var[dict]) -> rx.Component:
    """How many messages wait below."""
    return rx.fragment(icon("arrow-down", "xs"), t("inbox.new_messages", count=item["count"].to(int)))
