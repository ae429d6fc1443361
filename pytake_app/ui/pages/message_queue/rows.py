"""The list: tabs and filters, the rows, what stands there when there are none, and the bar of the marked ones."""

import reflex as rx

from pytake_app.ui.components.basics import (
    badge,
    button,
    empty_state,
    error_state,
    icon,
    icon_button,
    kbd,
    letters,
    no_permission,
    skeleton,
)
from pytake_app.ui.components.store import Item, flag, text_of, view
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.message_queue.store import (
    QueueFilter,
    QueueMark,
    QueueRows,
    QueueWhen,
    do,
    slice_view,
)

TABS = ("queued", "moving", "dead", "inbound")


@rx.memo
def tools_view(item: rx.Var[dict]) -> rx.Component:
    """The tabs with their counts, and the filters."""

    def tab(name: str) -> rx.Component:
        on = text_of(item, "tab") == name
        return rx.el.button(
            t(f"message_queue.tab.{name}"),
            rx.cond(flag(item, "ready"), rx.el.span(text_of(item, name), class_name="n")),
            type="button",
            on_click=do(f"queue.tab('{name}')"),
            custom_attrs={"aria-pressed": rx.cond(on, "true", "false"), "data-testid": f"tab-{name}"},
        )

    tabs = rx.el.div(
        *[tab(name) for name in TABS],
        class_name="seg",
        role="group",
        custom_attrs={"aria-label": t("message_queue.tabs")},
    )
    read_only = rx.el.span(icon("eye", "s"), t("message_queue.read_only"), class_name="row g6 meta muted")
    return rx.fragment(
        tabs,
        rx.el.span(class_name="grow"),
        rx.cond(flag(item, "read_only"), read_only),
        QueueFilter.create(name="priority", label=t("message_queue.by_priority")),
        QueueFilter.create(name="account", label=t("message_queue.by_number")),
    )


def _who(item: Item) -> rx.Component:
    picture = rx.cond(
        flag(item, "inbound"),
        rx.el.span(icon("message-square-warning"), class_name="tile l g-canvas"),
        rx.el.span(
            letters(text_of(item, "initials")),
            class_name="av a-" + text_of(item, "hue"),
            custom_attrs={"aria-hidden": True},
        ),
    )
    name = rx.cond(
        text_of(item, "href") != "",
        rx.link(
            text_of(item, "name"),
            href=text_of(item, "href"),
            class_name="mq-link str ell",
            unstyled=True,
            title=t("message_queue.open_conversation"),
        ),
        rx.el.span(text_of(item, "name"), class_name="str ell"),
    )
    below = rx.el.span(text_of(item, "preview"), class_name="meta muted ell", title=text_of(item, "preview"))
    return rx.el.td(
        rx.el.div(picture, rx.el.div(name, below, class_name="fl-name"), class_name="row fl-head"), class_name="c-who"
    )


def _act(item: Item) -> rx.Component:
    identity = f"{item!s}.id"

    def act(picture: str, label: str, test: str) -> rx.Component:
        return icon_button(
            picture,
            t(label),
            on_click=do(f"queue.act({identity})", item),
            custom_attrs={"data-testid": test},
        )

    return rx.el.td(
        rx.cond(
            flag(item, "edit"),
            rx.match(
                text_of(item, "can"),
                ("retry", act("rotate-cw", "message_queue.retry", "row-retry")),
                ("cancel", act("x", "message_queue.cancel", "row-cancel")),
                rx.fragment(),
            ),
        ),
        class_name="c-act",
    )


@rx.memo
def queue_cells(item: rx.Var[dict]) -> rx.Component:
    """A row's cells; on a phone they are the parts of a card."""
    label = t("message_queue.mark", name=text_of(item, "name"))
    box = QueueMark.create(id=text_of(item, "id"), on=flag(item, "on"), label=label)
    priority = rx.cond(text_of(item, "priority") != "", badge(text_of(item, "priority_words"), text_of(item, "tone")))
    reason = rx.el.span(
        text_of(item, "reason"),
        class_name=rx.cond(flag(item, "failed"), "mq-reason t-red", "mq-reason"),
        title=rx.cond(
            text_of(item, "detail") != "",
            text_of(item, "reason") + "\n" + text_of(item, "detail"),
            text_of(item, "reason"),
        ),
    )
    return rx.fragment(
        rx.el.td(rx.cond(flag(item, "edit"), rx.el.label(box, class_name="fl-mark")), class_name="c-mark"),
        _who(item),
        rx.el.td(priority, class_name="c-priority"),
        rx.el.td(
            rx.cond(text_of(item, "reason") != "", reason, rx.el.span("–", class_name="muted fl-none")),
            class_name="c-reason",
        ),
        rx.el.td(
            rx.el.span(
                rx.el.span(t("message_queue.col_attempts"), " ", class_name="only-card"),
                text_of(item, "attempts"),
                class_name="muted tn",
            ),
            class_name="c-attempts",
        ),
        rx.el.td(QueueWhen.create(value=text_of(item, "at"), coming=flag(item, "coming")), class_name="c-when tn"),
        rx.el.td(rx.el.span(text_of(item, "number"), class_name="muted ell"), class_name="c-number"),
        _act(item),
    )


def _head(item: Item) -> rx.Component:
    def column(words: rx.Var, name: str) -> rx.Component:
        return rx.el.th(words, scope="col", class_name=name)

    every = QueueMark.create(id="", on=flag(item, "every"), label=t("message_queue.mark_all"))
    words = rx.el.span(t("message_queue.mark_all"), class_name="only-card")
    inbound = flag(item, "inbound")
    when = rx.match(
        text_of(item, "tab"),
        ("queued", t("message_queue.col_next")),
        ("moving", t("message_queue.col_since")),
        ("inbound", t("message_queue.col_received")),
        t("message_queue.col_given_up"),
    )
    return rx.el.thead(
        rx.el.tr(
            rx.el.th(rx.cond(flag(item, "edit"), rx.el.label(every, words, class_name="fl-mark")), class_name="c-mark"),
            column(rx.cond(inbound, t("message_queue.col_event"), t("message_queue.col_contact")), "c-who"),
            column(rx.cond(inbound, "", t("message_queue.col_priority")), "c-priority"),
            column(t("message_queue.col_reason"), "c-reason"),
            column(t("message_queue.col_attempts"), "c-attempts"),
            column(when, "c-when"),
            column(t("message_queue.col_number"), "c-number"),
            rx.el.th(rx.el.span(t("common.more"), class_name="sr"), scope="col", class_name="c-act"),
        )
    )


def _loading() -> rx.Component:
    def row(width: str) -> rx.Component:
        who = rx.el.div(
            rx.el.span(class_name="sk c", width="var(--d-28)", height="var(--d-28)"),
            rx.el.div(skeleton(width), skeleton("var(--d-96)"), class_name="col g6"),
            class_name="row fl-head",
        )
        return rx.el.tr(
            rx.el.td(who),
            rx.el.td(skeleton("var(--d-56)")),
            rx.el.td(skeleton("var(--d-160)"), class_name="c-reason"),
            rx.el.td(skeleton("var(--d-72)"), class_name="c-number"),
        )

    rows = [row(f"var(--d-{width})") for width in (144, 180, 128, 160, 120)]
    table = rx.el.table(rx.el.tbody(*rows), class_name="tbl", custom_attrs={"aria-hidden": True})
    return rx.el.div(table, custom_attrs={"aria-busy": True, "aria-label": t("common.loading")})


def _rows(item: Item) -> rx.Component:
    hints = rx.el.span(
        rx.el.span(kbd("J", "K"), t("common.key_move")),
        rx.el.span(kbd("Enter"), t("common.key_open")),
        rx.cond(flag(item, "edit"), rx.el.span(kbd("X"), t("message_queue.key_mark"))),
        rx.el.span(kbd("?"), t("message_queue.key_all")),
        class_name="keys",
    )
    more = rx.cond(flag(item, "more"), button(t("message_queue.more"), small=True, on_click=do("queue.more()")))
    return rx.fragment(
        rx.el.table(
            _head(item),
            QueueRows.create(view=view(queue_cells)),
            class_name="tbl mq-tbl",
            custom_attrs={"aria-label": t("message_queue.title")},
        ),
        rx.el.div(rx.el.span(text_of(item, "shown")), more, hints, class_name="tbl-foot"),
    )


def _empty(item: Item) -> rx.Component:
    def none(picture: str, name: str) -> rx.Component:
        return empty_state(picture, t(f"message_queue.empty.{name}"), t(f"message_queue.empty_detail.{name}"))

    return rx.match(
        text_of(item, "tab"),
        ("queued", none("send", "queued")),
        ("moving", none("plane-takeoff", "moving")),
        ("dead", none("circle-check", "dead")),
        none("circle-check", "inbound"),
    )


@rx.memo
def table_view(item: rx.Var[dict]) -> rx.Component:
    """The rows, or one of the states."""
    clear = button(t("message_queue.clear"), on_click=do("queue.clear()"))
    retry = do("queue.retry()")
    return rx.match(
        text_of(item, "phase"),
        ("loading", _loading()),
        ("forbidden", no_permission()),
        ("error", error_state(t("message_queue.load_failed"), t("common.failed_detail"), retry)),
        ("empty", _empty(item)),
        ("none", empty_state("search-x", t("message_queue.none_found"), t("message_queue.none_found_detail"), clear)),
        _rows(item),
    )


@rx.memo
def bulk_view(item: rx.Var[dict]) -> rx.Component:
    """What can be done with the marked rows."""
    wider = button(
        text_of(item, "wider_words"),
        kind="ghost",
        small=True,
        on_click=do("queue.everything()"),
        custom_attrs={"data-testid": "bulk-everything"},
    )
    retry = button(
        icon("rotate-cw", "s"),
        t("message_queue.retry"),
        kind="soft",
        small=True,
        on_click=do("queue.act()"),
        custom_attrs={"data-testid": "bulk-retry"},
    )
    cancel = button(
        icon("x", "s"),
        t("message_queue.cancel"),
        kind="dang",
        small=True,
        on_click=do("queue.act()"),
        custom_attrs={"data-testid": "bulk-cancel"},
    )
    bar = rx.el.div(
        rx.el.span(text_of(item, "words"), class_name="med dense", role="status"),
        rx.cond(flag(item, "wider"), wider),
        rx.cond(text_of(item, "act") == "retry", retry, cancel),
        icon_button("x", t("message_queue.unmark"), small=True, on_click=do("queue.unselect()")),
        class_name="fl-bulk",
        role="toolbar",
        custom_attrs={"aria-label": t("message_queue.bulk"), "data-testid": "queue-bulk"},
    )
    return rx.cond(flag(item, "open"), bar)


def table() -> rx.Component:
    """Tabs, rows, and the bar of the marked ones."""
    return rx.el.div(
        rx.el.div(slice_view("tools", tools_view), class_name="tools mq-tools"),
        rx.el.div(slice_view("table", table_view), class_name="card tbl-wrap"),
        slice_view("bulk", bulk_view),
        class_name="mq-list",
    )
