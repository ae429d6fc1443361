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
from pytake_app.ui.pages.flows.store import FlowRows, FlowsSearch, do, slice_view

NOTHING = "–"
_KINDS = (
    ("keyword", "key-round", "g-trigger"),
    ("universal", "message-circle", "g-message"),
    ("template", "file-text", "g-input"),
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
    sub = rx.el.div(t("flows.blocks", count=number(item, "blocks")), class_name="meta muted ell")
    return rx.el.td(
        rx.el.div(_tile(item), rx.el.div(link, sub, class_name="fl-name"), class_name="row fl-head"),
        class_name="c-name",
    )


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
    return rx.el.td(rx.el.div(sign, version, changes, class_name="row"), class_name="c-state")


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


def _week(item: Item) -> rx.Component:
    some = rx.el.span(
        number(item, "week").to_string(),
        rx.el.span(" ", t("flows.week_unit"), class_name="muted only-card"),
        class_name="med",
    )
    return rx.el.td(
        rx.cond(
            (number(item, "week") > 0) | (text_of(item, "status") == "active"),
            some,
            _nothing(),
        ),
        class_name="r c-week",
    )


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
                rx.match(
                    status,
                    ("active", entry("power-off", "flows.turn_off", "turn", extra=", false", test="off")),
                    ("inactive", entry("power", "flows.turn_on", "turn", extra=", true", test="on")),
                    rx.fragment(),
                ),
            ),
        ),
        entry("download", "flows.export", "save"),
        rx.cond(
            edit, rx.fragment(rx.dropdown_menu.separator(), entry("trash-2", "flows.delete", "remove", danger=True))
        ),
        align="end",
        variant="soft",
    )
    return rx.el.td(rx.dropdown_menu.root(rx.dropdown_menu.trigger(trigger), content), class_name="c-menu")


@rx.memo
def flow_cells(item: rx.Var[dict]) -> rx.Component:
    """A row's cells; on a phone they are the parts of a card."""
    edited = rx.el.td(relative_time(text_of(item, "updated"), class_name="muted"), class_name="c-edited")
    return rx.fragment(_name(item), _state(item), _begins(item), _running(item), _week(item), edited, _menu(item))


def _head() -> rx.Component:
    def column(label: str, name: str = "") -> rx.Component:
        return rx.el.th(t(label), scope="col", class_name=name)

    return rx.el.thead(
        rx.el.tr(
            column("flows.col_flow"),
            column("flows.col_state", "c-state"),
            column("flows.col_begins", "c-begins"),
            column("flows.col_now", "r c-now"),
            column("flows.col_week", "r c-week"),
            column("flows.col_edited", "c-edited"),
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
        rx.cond(flag(item, "edit"), rx.el.span(kbd("N"), t("flows.key_new"))),
        class_name="keys",
    )
    more = rx.cond(flag(item, "more"), button(t("flows.show_more"), small=True, on_click=do("flows.more()")))
    return rx.el.div(
        rx.el.table(
            _head(),
            FlowRows.create(view=view(flow_cells)),
            class_name="tbl fl-tbl",
            custom_attrs={"aria-label": t("flows.title")},
        ),
        rx.el.div(
            rx.el.span(t("flows.count", count=number(item, "count")), role="status"), more, hints, class_name="tbl-foot"
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


@rx.memo
def tools_view(item: rx.Var[dict]) -> rx.Component:
    """Search, filter by state with counts, import, new."""
    chosen = text_of(item, "status")

    def tab(value: str, label: str, count: str) -> rx.Component:
        return rx.el.button(
            t(label),
            rx.cond(flag(item, "ready"), rx.el.span(number(item, count).to_string(), class_name="n")),
            type="button",
            on_click=do(f"flows.filter('{value}')"),
            custom_attrs={
                "aria-pressed": rx.cond(chosen == value, "true", "false"),
                "data-testid": f"filter-{value or 'all'}",
            },
        )

    find = rx.el.label(
        icon("search", "s"), FlowsSearch.create(placeholder=t("flows.search")), kbd("/"), class_name="field"
    )
    states = rx.el.div(
        tab("", "flows.filter_all", "all"),
        tab("active", "flows.filter_active", "active"),
        tab("draft", "flows.filter_draft", "draft"),
        tab("inactive", "flows.filter_inactive", "inactive"),
        class_name="seg",
        role="group",
        custom_attrs={"aria-label": t("flows.filter")},
    )
    write = rx.fragment(
        button(
            icon("upload", "s"),
            t("flows.import"),
            on_click=do("flows.upload()"),
            custom_attrs={"data-testid": "flow-import"},
        ),
        button(
            icon("plus", "s"),
            t("flows.new"),
            kind="solid",
            on_click=do("flows.create()"),
            custom_attrs={"data-testid": "flow-new"},
        ),
    )
    read = rx.cond(
        flag(item, "known"), rx.el.span(icon("eye", "s"), t("flows.read_only"), class_name="row g6 meta muted")
    )
    return rx.fragment(
        find,
        states,
        rx.el.span(class_name="grow"),
        rx.cond(flag(item, "edit"), rx.el.div(write, class_name="row fl-do"), read),
    )


@rx.memo
def totals_view(item: rx.Var[dict]) -> rx.Component:
    """Figures over all flows."""

    running, week = number(item, "running"), number(item, "week")

    def figure(count: rx.vars.NumberVar, key: str) -> rx.Component:
        return rx.el.span(rx.el.b(count.to_string(), class_name="tn"), " ", t(key, count=count))

    now = rx.cond(running > 0, figure(running, "flows.total_running"), rx.el.span(t("flows.total_running_none")))
    line = rx.cond(
        running + week > 0,
        rx.fragment(now, rx.cond(week > 0, figure(week, "flows.total_week"))),
        rx.el.span(t("flows.total_none")),
    )
    return rx.cond(flag(item, "show"), rx.el.div(line, class_name="row wrap dense muted fl-totals"))


def tools() -> rx.Component:
    """The toolbar and the totals."""
    return rx.fragment(
        rx.el.div(slice_view("tools", tools_view), class_name="tools fl-tools"), slice_view("totals", totals_view)
    )


def table() -> rx.Component:
    """The table."""
    return slice_view("table", table_view)
