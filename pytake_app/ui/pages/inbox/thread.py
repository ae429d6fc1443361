"""The thread's pane: header, messages, composer; and the contact's panel."""

import reflex as rx

from pytake_app.ui.components.basics import button, empty_state, error_state, icon, icon_button, kbd, skeleton
from pytake_app.ui.components.store import Item, view
from pytake_app.ui.i18n import t, t_dynamic
from pytake_app.ui.pages.inbox.bubbles import log_words, new_pill, thread_item
from pytake_app.ui.pages.inbox.rows import field
from pytake_app.ui.pages.inbox.store import ComposerBox, ThreadList, clock_time, do, short_time, slice_view

EMOJI = (
    "😀",
    "😊",
    "😉",
    "😍",
    "🙏",
    "👍",
    "👏",
    "🎉",
    "❤️",
    "💚",
    "✅",
    "⚠️",
    "📦",
    "🚚",
    "🛒",
    "💳",
    "📍",
    "📅",
    "⏰",
    "📞",
    "🌿",
    "🌟",
    "😅",
    "😔",
)


def _face(item: Item, size: str = "l") -> rx.Component:
    return rx.el.span(
        field(item, "initials"), class_name=f"av {size} a-" + field(item, "hue"), custom_attrs={"aria-hidden": True}
    )


def _acts(item: Item) -> rx.Component:
    busy = field(item, "busy")
    take = button(
        icon("hand", "s"),
        t("inbox.take_over"),
        kind="solid",
        busy=busy == "take_over",
        on_click=do("inbox.takeOver()"),
        custom_attrs={"data-testid": "take-over"},
    )
    give = button(
        icon("bot", "s"),
        rx.el.span(t("inbox.give_back"), class_name="only-wide"),
        busy=busy == "give_back",
        on_click=do("inbox.giveBack()"),
        custom_attrs={"data-testid": "give-back", "title": t("inbox.give_back")},
    )
    close = button(
        icon("check", "s"),
        rx.el.span(t("inbox.close"), class_name="only-wide"),
        kind="soft",
        busy=busy == "close",
        on_click=do("inbox.close()"),
        custom_attrs={"data-testid": "close", "title": t("inbox.close")},
    )
    reopen = button(
        icon("rotate-ccw", "s"),
        t("inbox.reopen"),
        kind="soft",
        busy=busy == "reopen",
        on_click=do("inbox.reopen()"),
        custom_attrs={"data-testid": "reopen"},
    )
    open_acts = rx.cond(
        field(item, "handling") == "person",
        rx.fragment(rx.cond(field(item, "mine", bool), "", take), give, close),
        rx.fragment(take, close),
    )
    finished = (field(item, "status") == "closed") | (field(item, "status") == "archived")
    return rx.cond(field(item, "may_write", bool), rx.cond(finished, reopen, open_acts))


@rx.memo
def head_view(item: rx.Var[dict]) -> rx.Component:
    """Who it is, who answers, and what can be done."""
    sign = rx.cond(
        field(item, "status") == "closed",
        rx.el.span(rx.el.span(t("inbox.closed"), class_name="ell"), class_name="bdg"),
        rx.match(
            field(item, "handling"),
            (
                "bot",
                rx.el.span(
                    icon("bot", "xs"), rx.el.span(t("inbox.robot_answers"), class_name="ell"), class_name="bdg jade"
                ),
            ),
            (
                "waiting",
                rx.el.span(
                    icon("clock", "xs"), rx.el.span(t("inbox.waiting_person"), class_name="ell"), class_name="bdg amber"
                ),
            ),
            rx.el.span(
                icon("user", "xs"),
                rx.el.span(
                    rx.cond(field(item, "mine", bool), t("inbox.you"), field(item, "assignee")), class_name="ell"
                ),
                class_name="bdg blue",
            ),
        ),
    )
    names = rx.el.div(
        rx.el.div(rx.el.span(field(item, "name"), class_name="str ell"), sign, class_name="row g6 who"),
        rx.el.div(
            field(item, "phone"),
            rx.cond(field(item, "account") != "", " · " + field(item, "account"), ""),
            class_name="meta muted ell",
        ),
        class_name="grow",
    )
    return rx.fragment(
        icon_button("arrow-left", t("inbox.back"), class_name="ix-back", on_click=do("inbox.back()")),
        _face(item),
        names,
        _acts(item),
        icon_button("panel-right", t("inbox.contact_panel"), class_name="ix-info", on_click=do("inbox.panel()")),
    )


def _skeletons() -> rx.Component:
    shapes = (("in", "46%"), ("out", "38%"), ("in", "30%"), ("out", "44%"))
    bars = [
        rx.el.div(skeleton("100%", "l"), skeleton("60%"), class_name=f"bub {side}", width=width)
        for side, width in shapes
    ]
    return rx.el.div(
        *[rx.el.div(bar, class_name="ix-item") for bar in bars], class_name="ix-msgs", custom_attrs={"aria-busy": True}
    )


@rx.memo
def messages_view(item: rx.Var[dict]) -> rx.Component:
    """The messages, or why there are none."""
    return rx.match(
        field(item, "phase"),
        (
            "idle",
            rx.el.div(
                empty_state("messages-square", t("inbox.choose"), t("inbox.choose_detail")),
                class_name="ix-msgs",
                display="grid",
            ),
        ),
        ("loading", _skeletons()),
        (
            "missing",
            rx.el.div(
                empty_state("search-x", t("inbox.missing"), t("inbox.missing_detail")),
                class_name="ix-msgs",
                display="grid",
            ),
        ),
        (
            "error",
            rx.el.div(
                error_state(t("inbox.thread_error"), t("inbox.try_again_detail"), do("inbox.reloadThread()")),
                class_name="ix-msgs",
                display="grid",
            ),
        ),
        ThreadList.create(view=view(thread_item), pill=view(new_pill), label=t("inbox.messages")),
    )


def _emoji() -> rx.Component:
    choices = [rx.el.button(sign, type="button", on_click=do(f"inbox.insert('{sign}')")) for sign in EMOJI]
    return rx.popover.root(
        rx.popover.trigger(icon_button("smile", t("inbox.emoji"))),
        rx.popover.content(rx.el.div(*choices, class_name="emo"), side="top", align="start"),
    )


def _window_hint(item: Item) -> rx.Component:
    text = t("inbox.window_closes_in", span=field(item, "left"))
    return rx.cond(
        field(item, "mode") == "reply",
        rx.el.span(
            icon("hourglass", "s"),
            rx.el.span(text, class_name="ell"),
            class_name=rx.cond(field(item, "soon", bool), "hint t-amber", "hint"),
        ),
        rx.el.span(icon("lock", "s"), rx.el.span(t("inbox.note_hint"), class_name="ell"), class_name="hint"),
    )


def _writing(item: Item) -> rx.Component:
    def mode(name: str, label: str, key: str) -> rx.Component:
        on = field(item, "mode") == name
        return rx.el.button(
            t(label),
            kbd(key),
            type="button",
            class_name=rx.cond(on, "btn sm gray", "btn sm ghost"),
            on_click=do(f"inbox.mode('{name}')"),
            custom_attrs={"aria-pressed": on, "data-testid": f"mode-{name}"},
        )

    placeholder = rx.cond(
        field(item, "mode") == "note", t("inbox.note_placeholder"), t("inbox.placeholder", name=field(item, "name"))
    )
    send = button(
        icon("send", "s"),
        rx.el.span(
            rx.cond(field(item, "mode") == "note", t("inbox.save_note"), t("inbox.send")), class_name="only-wide"
        ),
        kind="solid",
        on_click=do("inbox.send()"),
        custom_attrs={"data-testid": "send", "aria-label": t("inbox.send")},
    )
    problem = rx.cond(
        field(item, "error") != "",
        rx.el.div(
            icon("circle-alert", "s"),
            t_dynamic("inbox.problem", field(item, "error"), "inbox.problem.unknown"),
            class_name="row g6 meta t-red",
            padding="0 var(--d-14) var(--d-4)",
            role="alert",
        ),
    )
    return rx.el.div(
        rx.el.div(mode("reply", "inbox.reply", "R"), mode("note", "inbox.note", "N"), class_name="modes"),
        ComposerBox.create(conversation=field(item, "id"), placeholder=placeholder),
        problem,
        rx.el.div(
            _emoji(), _window_hint(item), rx.el.span(kbd("Enter"), class_name="only-wide"), send, class_name="bar2"
        ),
        class_name="comp",
        custom_attrs={"data-mode": field(item, "mode")},
    )


@rx.memo
def composer_view(item: rx.Var[dict]) -> rx.Component:
    """Where one writes, or the reason why one can't now with its remedy."""
    note = button(icon("sticky-note", "s"), t("inbox.note"), on_click=do("inbox.mode('note')"))

    def off(picture: str, words: rx.Var, *acts: rx.Component) -> rx.Component:
        return rx.el.div(
            icon(picture),
            rx.el.div(words, class_name="txt"),
            *acts,
            class_name="comp-off",
            role="status",
            custom_attrs={"data-testid": "composer-off"},
        )

    take = button(
        icon("hand", "s"),
        t("inbox.take_over"),
        kind="soft",
        busy=field(item, "busy") == "take_over",
        on_click=do("inbox.takeOver()"),
    )
    return rx.match(
        field(item, "off"),
        ("bot", off("bot", t("inbox.off_bot"), note, take)),
        ("window_closed", off("hourglass", t("inbox.off_window"), note)),
        (
            "conversation_closed",
            off("check", t("inbox.off_closed"), note, button(t("inbox.reopen"), on_click=do("inbox.reopen()"))),
        ),
        ("contact_blocked", off("ban", t("inbox.off_blocked"), note)),
        ("contact_opted_out", off("bell-off", t("inbox.off_opted_out"), note)),
        ("viewer", off("eye", t("inbox.off_viewer"))),
        _writing(item),
    )


def _pair(label: rx.Var, value: rx.Var | rx.Component, shown: rx.Var | None = None) -> rx.Component:
    pair = rx.fragment(rx.el.dt(label), rx.el.dd(value))
    return pair if shown is None else rx.cond(shown, pair)


def _log_line(entry: rx.Var[dict]) -> rx.Component:
    return rx.el.li(log_words(entry), " ", rx.el.span("· ", clock_time(field(entry, "at")), class_name="muted nw"))


@rx.memo
def panel_view(item: rx.Var[dict]) -> rx.Component:
    """Who the contact is, and what happened before."""
    tags = item["tags"].to(list[str])
    who = rx.el.div(
        _face(item, "l"),
        rx.el.div(
            rx.el.div(field(item, "name"), class_name="str ell"),
            rx.el.div(t("inbox.since"), " ", short_time(field(item, "since")), class_name="meta muted"),
            class_name="grow",
        ),
        icon_button("x", t("common.close"), class_name="ix-info", on_click=do("inbox.panel()")),
        class_name="row g12",
    )
    fields = rx.el.dl(
        _pair(t("inbox.phone"), rx.el.span(field(item, "phone"), class_name="tn"), field(item, "phone") != ""),
        _pair(t("inbox.email"), field(item, "email"), field(item, "email") != ""),
        _pair(t("inbox.consent"), t_dynamic("inbox.consent", field(item, "consent"), "inbox.consent.unknown")),
        _pair(t("inbox.queue"), field(item, "queue"), field(item, "queue") != ""),
        rx.foreach(
            item["fields"].to(list[dict]),
            lambda one: rx.fragment(rx.el.dt(one["name"].to(str)), rx.el.dd(one["value"].to(str))),
        ),
        class_name="kv",
    )
    log = rx.cond(
        item["log"].to(list[dict]).length() > 0,
        rx.el.ul(rx.foreach(item["log"].to(list[dict]), _log_line), class_name="logs"),
        rx.el.div(t("inbox.no_log"), class_name="dense muted"),
    )
    previous = item["previous"].to(list[dict])
    return rx.fragment(
        rx.el.div(who, class_name="sec"),
        rx.cond(
            tags.length() > 0,
            rx.el.div(
                rx.el.div(
                    rx.foreach(tags, lambda tag: rx.el.span(tag, class_name="bdg violet")), class_name="row wrap g6"
                ),
                class_name="sec",
            ),
        ),
        rx.el.div(fields, class_name="sec"),
        rx.el.div(rx.el.div(t("inbox.what_robot_did"), class_name="h-sec"), log, class_name="sec"),
        rx.cond(
            previous.length() > 0,
            rx.el.div(
                rx.el.div(t("inbox.previous"), class_name="h-sec"),
                rx.foreach(
                    previous,
                    lambda one: rx.el.button(
                        rx.el.span(one["text"].to(str), class_name="ell grow"),
                        rx.el.span(short_time(one["at"].to(str)), class_name="meta muted nw"),
                        type="button",
                        class_name="row dense",
                        on_click=do(f"inbox.select({one!s}.id)", one),
                    ),
                ),
                class_name="sec",
            ),
        ),
    )


def thread_pane() -> rx.Component:
    """The middle pane."""
    return rx.el.section(
        rx.el.div(slice_view("head", head_view), class_name="ix-head"),
        slice_view("thread", messages_view),
        slice_view("composer", composer_view),
        class_name="ix-thread",
        custom_attrs={"aria-label": t("inbox.conversation")},
    )


def contact_pane() -> rx.Component:
    """The right pane."""
    return rx.el.aside(
        slice_view("panel", panel_view), class_name="ix-panel", custom_attrs={"aria-label": t("inbox.contact_panel")}
    )
