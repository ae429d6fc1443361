"""The table: toolbar, totals, rows, and what stands there when there are none."""

import reflex as rx

from pytake_app.ui.components.basics import (
    badge,
    button,
    empty_state,
    error_state,
    icon,
    kbd,
    menu_item,
    no_permission,
    skeleton,
)
from pytake_app.ui.components.client import relative_time
from pytake_app.ui.components.store import Item, flag, number, text_of, view
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.flows.store import FlowMark, FlowRows, FlowSpark, do, slice_view
from pytake_app.ui.pages.flows.tools import bulk_view

NOTHING = "–"
_KINDS = (
    ("keyword", "key-round", "g-trigger"),
    ("universal", "message-circle", "g-message"),
    ("template", "file-text", "g-input"),
    ("event", "zap", "g-logic"),
    ("schedule", "calendar-clock", "g-logic"),
    ("webhook", "webhook", "g-action"),
    ("start", "corner-down-right", "g-action"),
)


def _nothing() -> rx.Component:
    """No data; not the same as 0. On a phone it takes no place."""
    return rx.el.span(NOTHING, class_name="muted fl-none")


def _tile(item: Item) -> rx.Component:
    kinds = [(kind, rx.el.span(icon(picture), class_name=f"tile l {group}")) for kind, picture, group in _KINDS]
    return rx.match(text_of(item, "kind"), *kinds, rx.el.span(icon("workflow"), class_name="tile l g-canvas"))


def _name(item: Item) -> rx.Component:
    link = rx.link(
        text_of(item, "name"),
        href=text_of(item, "href"),
        class_name="fl-link str ell",
        unstyled=True,
        title=text_of(item, "name"),
    )
    tag = rx.foreach(item["tags"].to(list[str]), lambda name: rx.el.span(name, class_name="fl-tag"))
    sub = rx.el.div(
        rx.cond(
            text_of(item, "folder") != "",
            rx.el.span(icon("folder", "xs"), text_of(item, "folder"), class_name="fl-in ell"),
        ),
        tag,
        rx.cond(
            number(item, "more_tags") > 0, rx.el.span("+", number(item, "more_tags").to_string(), class_name="fl-tag")
        ),
        rx.el.span(t("flows.blocks", count=number(item, "blocks")), class_name="ell"),
        class_name="meta muted fl-sub",
    )
    return rx.el.td(
        rx.el.div(_tile(item), rx.el.div(link, sub, class_name="fl-name"), class_name="row fl-head"),
        class_name="c-name",
    )


def _mark(item: Item) -> rx.Component:
    box = FlowMark.create(
        id=text_of(item, "id"), on=flag(item, "on"), label=t("flows.mark", name=text_of(item, "name"))
    )
    return rx.el.td(rx.cond(flag(item, "edit"), rx.el.label(box, class_name="fl-mark")), class_name="c-mark")


def _state(item: Item) -> rx.Component:
    sign = rx.match(
        text_of(item, "status"),
        ("active", badge(t("flows.status_active"), "jade", dot=True)),
        ("inactive", badge(t("flows.status_inactive"), "line")),
        badge(t("flows.status_draft")),
    )
    version = rx.cond(
        number(item, "version") > 0,
        rx.el.span(
            t("flows.version", number=number(item, "version")),
            class_name="micro muted tn",
            title=t("flows.version_title", number=number(item, "version")),
        ),
    )
    changes = rx.cond(
        number(item, "changes") > 0,
        rx.el.span(
            rx.el.span(class_name="dot amber"),
            rx.el.span(t("flows.changes_short", count=number(item, "changes"))),
            class_name="fl-changes",
            title=t("flows.changes", count=number(item, "changes")),
            custom_attrs={"data-testid": "flow-changes"},
        ),
    )
    wrong = rx.cond(
        number(item, "errors") > 0,
        rx.el.span(
            icon("circle-alert", "xs"),
            number(item, "errors").to_string(),
            class_name="fl-wrong tn",
            title=t("flows.errors", count=number(item, "errors")),
            custom_attrs={"aria-label": t("flows.errors", count=number(item, "errors"))},
        ),
    )
    shelved = rx.cond(flag(item, "archived"), badge(t("flows.shelved")), sign)
    return rx.el.td(rx.el.div(shelved, version, changes, wrong, class_name="row"), class_name="c-state")


def _begins(item: Item) -> rx.Component:
    def line(picture: str, words: rx.Var, title: rx.Var | None = None) -> rx.Component:
        return rx.el.span(
            icon(picture, "s"),
            rx.el.span(words, class_name="ell"),
            class_name="fl-begins",
            title=title if title is not None else words,
        )

    words, every = text_of(item, "words"), text_of(item, "all_words")
    return rx.el.td(
        rx.match(
            text_of(item, "kind"),
            ("keyword", line("key-round", words, every)),
            ("template", line("file-text", words, every)),
            ("universal", line("message-circle", t("flows.any_message"))),
            ("start", line("corner-down-right", t("flows.called"))),
            ("event", line("zap", t("flows.begins_event"))),
            ("schedule", line("calendar-clock", t("flows.begins_schedule"))),
            ("webhook", line("webhook", t("flows.begins_webhook"))),
            _nothing(),
        ),
        class_name="c-begins muted",
    )


def _running(item: Item) -> rx.Component:
    some = rx.el.span(
        rx.el.span(class_name="dot jade"),
        rx.el.b(number(item, "running").to_string()),
        rx.el.span(t("flows.now_unit"), class_name="muted only-card"),
        class_name="row g6 fl-now",
        title=t("flows.running", count=number(item, "running")),
    )
    return rx.el.td(rx.cond(number(item, "running") > 0, some, _nothing()), class_name="r c-now")


def _days(item: Item) -> rx.Component:
    change = rx.cond(
        text_of(item, "change") != "",
        rx.el.span(
            rx.cond(flag(item, "rising"), icon("trending-up", "xs"), icon("trending-down", "xs")),
            text_of(item, "change"),
            class_name=rx.cond(flag(item, "rising"), "fl-change up", "fl-change down"),
            title=t("flows.vs_last_week"),
        ),
    )
    label = t("flows.days_label", count=number(item, "sessions"))
    some = rx.el.div(
        FlowSpark.create(points=text_of(item, "spark"), label=label),
        rx.el.span(
            rx.el.span(
                number(item, "today").to_string(),
                rx.el.span(" ", t("flows.today_unit"), class_name="muted only-card"),
                class_name="med",
            ),
            change,
            class_name="fl-today",
        ),
        class_name="fl-days",
        title=label,
    )
    return rx.el.td(rx.cond(flag(item, "any"), some, _nothing()), class_name="r c-week")


def _done(item: Item) -> rx.Component:
    some = rx.el.div(
        rx.el.span(rx.el.span(width=text_of(item, "done_width")), class_name="fl-bar"),
        rx.el.span(text_of(item, "done"), class_name="med"),
        class_name="row g8",
    )
    return rx.el.td(rx.cond(text_of(item, "done") != "", some, _nothing()), class_name="c-done")


def _handed(item: Item) -> rx.Component:
    some = rx.el.span(text_of(item, "handed"))
    return rx.el.td(rx.cond(text_of(item, "handed") != "", some, _nothing()), class_name="r c-handed")


def _menu(item: Item) -> rx.Component:
    identity = f"{item!s}.id"

    def entry(
        picture: str, label: str, verb: str, *, extra: str = "", danger: bool = False, test: str = ""
    ) -> rx.Component:
        return menu_item(
            picture,
            t(label),
            danger=danger,
            on_select=do(f"flows.{verb}({identity}{extra})", item),
            custom_attrs={"data-testid": f"menu-{test or verb}"},
        )

    edit, status = flag(item, "edit"), text_of(item, "status")
    trigger = rx.el.button(
        icon("ellipsis", "s"),
        type="button",
        class_name="ib sm",
        title=t("common.more"),
        custom_attrs={"aria-label": t("flows.actions", name=text_of(item, "name")), "data-testid": "flow-menu"},
    )
    content = rx.dropdown_menu.content(
        entry("square-pen", "flows.open", "open"),
        rx.cond(
            edit,
            rx.fragment(
                entry("pencil", "flows.rename", "rename"),
                entry("copy", "flows.duplicate", "duplicate"),
                entry("folder-input", "flows.move", "move"),
                entry("tag", "flows.tag", "tag"),
                rx.match(
                    status,
                    ("active", entry("power-off", "flows.turn_off", "turn", extra=", false", test="off")),
                    ("inactive", entry("power", "flows.turn_on", "turn", extra=", true", test="on")),
                    rx.fragment(),
                ),
            ),
        ),
        entry("download", "flows.export", "save"),
        entry("image", "flows.export_picture", "picture"),
        rx.cond(
            edit,
            rx.fragment(
                rx.dropdown_menu.separator(),
                rx.cond(
                    flag(item, "archived"),
                    entry("archive-restore", "flows.unarchive", "unarchive"),
                    entry("archive", "flows.archive", "archive"),
                ),
                entry("trash-2", "flows.delete", "remove", danger=True),
            ),
        ),
        align="end",
        variant="soft",
    )
    return rx.el.td(rx.dropdown_menu.root(rx.dropdown_menu.trigger(trigger), content), class_name="c-menu")


@rx.memo
def flow_cells(item: rx.Var[dict]) -> rx.Component:
    """A row's cells; on a phone they are the parts of a card."""
    by = rx.cond(
        text_of(item, "by") != "",
        rx.el.span(
            text_of(item, "by_initials"), class_name="av s a-" + text_of(item, "by_hue"), title=text_of(item, "by")
        ),
    )
    edited = rx.el.td(
        rx.el.div(by, relative_time(text_of(item, "updated"), class_name="muted"), class_name="row g6"),
        class_name="c-edited",
    )
    return rx.fragment(
        _mark(item),
        _name(item),
        _state(item),
        _begins(item),
        _running(item),
        _days(item),
        _done(item),
        _handed(item),
        edited,
        _menu(item),
    )


def _head(item: Item) -> rx.Component:
    def column(label: str, name: str = "") -> rx.Component:
        return rx.el.th(t(label), scope="col", class_name=name)

    def sorted_by(key: str, label: str, name: str) -> rx.Component:
        on = text_of(item, "sort") == key
        arrow = rx.cond(flag(item, "descending"), icon("arrow-down", "xs"), icon("arrow-up", "xs"))
        return rx.el.th(
            rx.el.button(
                t(label),
                rx.cond(on, arrow),
                type="button",
                class_name="fl-sort",
                on_click=do(f"flows.sort('{key}')"),
                custom_attrs={"data-testid": f"sort-{key}"},
            ),
            scope="col",
            class_name=name,
            custom_attrs={
                "aria-sort": rx.cond(on, rx.cond(flag(item, "descending"), "descending", "ascending"), "none")
            },
        )

    every = FlowMark.create(id="", on=flag(item, "every"), label=t("flows.mark_all"))
    return rx.el.thead(
        rx.el.tr(
            rx.el.th(rx.cond(flag(item, "edit"), rx.el.label(every, class_name="fl-mark")), class_name="c-mark"),
            sorted_by("name", "flows.col_flow", ""),
            column("flows.col_state", "c-state"),
            column("flows.col_begins", "c-begins"),
            column("flows.col_now", "r c-now"),
            sorted_by("sessions", "flows.col_days", "r c-week"),
            sorted_by("completion", "flows.col_done", "c-done"),
            column("flows.col_handed", "r c-handed"),
            sorted_by("updated", "flows.col_edited", "c-edited"),
            rx.el.th(rx.el.span(t("common.more"), class_name="sr"), scope="col", class_name="c-menu"),
        )
    )


def _loading() -> rx.Component:
    def row(width: str) -> rx.Component:
        name = rx.el.div(
            rx.el.span(class_name="sk", width="var(--d-30)", height="var(--d-30)"),
            rx.el.div(skeleton(width), skeleton("var(--d-72)"), class_name="col g6"),
            class_name="row fl-head",
        )
        return rx.el.tr(
            rx.el.td(name),
            rx.el.td(skeleton("var(--d-72)")),
            rx.el.td(skeleton("var(--d-120)"), class_name="c-begins"),
            rx.el.td(skeleton("var(--d-48)"), class_name="c-edited"),
        )

    rows = [row(f"var(--d-{width})") for width in (160, 208, 144, 180, 128, 192)]
    table = rx.el.table(rx.el.tbody(*rows), class_name="tbl", custom_attrs={"aria-hidden": True})
    return rx.el.div(
        table, class_name="card tbl-wrap", custom_attrs={"aria-busy": True, "aria-label": t("common.loading")}
    )


def _table(item: Item) -> rx.Component:
    hints = rx.el.span(
        rx.el.span(kbd("J", "K"), t("common.key_move")),
        rx.el.span(kbd("Enter"), t("common.key_open")),
        rx.cond(flag(item, "edit"), rx.el.span(kbd("X"), t("flows.key_mark"))),
        rx.cond(flag(item, "edit"), rx.el.span(kbd("N"), t("flows.key_new"))),
        class_name="keys",
    )
    more = rx.cond(flag(item, "more"), button(t("flows.show_more"), small=True, on_click=do("flows.more()")))
    return rx.el.div(
        rx.el.table(
            _head(item),
            FlowRows.create(view=view(flow_cells)),
            class_name="tbl fl-tbl",
            custom_attrs={"aria-label": t("flows.title")},
        ),
        rx.el.div(
            rx.el.span(
                t("flows.count", count=number(item, "count")), rx.cond(flag(item, "more"), "+", ""), role="status"
            ),
            more,
            hints,
            class_name="tbl-foot",
        ),
        class_name="card tbl-wrap",
    )


@rx.memo
def table_view(item: rx.Var[dict]) -> rx.Component:
    """The rows, or one of the states."""
    edit = flag(item, "edit")
    new = rx.cond(edit, button(icon("plus", "s"), t("flows.new"), kind="soft", on_click=do("flows.create()")))
    clear = button(t("flows.clear"), on_click=do("flows.clear()"))
    retry = do("flows.retry()")
    empty = empty_state(
        "workflow", t("flows.empty"), rx.cond(edit, t("flows.empty_detail"), t("flows.empty_reader")), new
    )
    return rx.match(
        text_of(item, "phase"),
        ("loading", _loading()),
        ("forbidden", rx.el.div(no_permission(), class_name="card")),
        ("error", rx.el.div(error_state(t("flows.load_failed"), t("common.failed_detail"), retry), class_name="card")),
        ("offline", rx.el.div(error_state(t("flows.load_failed"), t("flows.error.offline"), retry), class_name="card")),
        ("empty", rx.el.div(empty, class_name="card")),
        (
            "none",
            rx.el.div(
                empty_state("search-x", t("flows.none_found"), t("flows.none_found_detail"), clear), class_name="card"
            ),
        ),
        _table(item),
    )


def table() -> rx.Component:
    """The table, and the bar of the marked rows."""
    return rx.el.div(slice_view("table", table_view), slice_view("bulk", bulk_view), class_name="fl-main")
