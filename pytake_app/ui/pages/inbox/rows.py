"""The list's pane: tabs, search and rows of three lines."""

import reflex as rx

from pytake_app.ui.components.basics import empty_state, error_state, icon, no_permission, skeleton
from pytake_app.ui.components.store import Item, view
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.inbox.store import ConversationList, InboxSearch, do, short_time, slice_view


def field(item: Item, name: str, kind: type = str) -> rx.Var:
    """One value of an item, typed."""
    return item[name].to(kind)


def _handling(item: Item) -> rx.Component:
    waiting = rx.el.span(
        icon("clock"), t("inbox.waiting_for", span=field(item, "waited")), class_name=field(item, "wait_tone")
    )
    return rx.match(
        field(item, "handling"),
        ("waiting", waiting),
        ("bot", rx.el.span(icon("bot"), t("inbox.robot_answers"))),
        ("closed", rx.el.span(icon("check"), t("inbox.closed"))),
        rx.el.span(icon("user"), t("inbox.person_answers")),
    )


def _window(item: Item) -> rx.Component:
    tone = rx.cond(field(item, "window_soon", bool), "t-amber", "")
    text = rx.cond(
        field(item, "window_soon", bool),
        t("inbox.window_closes_in", span=field(item, "window_left")),
        field(item, "window_left"),
    )
    return rx.cond(
        field(item, "window_open", bool),
        rx.el.span(icon("hourglass"), text, class_name=tone, title=t("inbox.window_title")),
        rx.el.span(icon("hourglass"), t("inbox.window_over"), title=t("inbox.window_title")),
    )


@rx.memo
def conversation_row(item: rx.Var[dict]) -> rx.Component:
    """A conversation in three lines: who and when; the last words; wait, queue and window."""
    face = rx.el.span(
        field(item, "initials"),
        rx.el.span(icon("message-circle"), class_name="ch"),
        class_name="av l a-" + field(item, "hue"),
        custom_attrs={"aria-hidden": True},
    )
    first = rx.el.span(
        rx.el.span(field(item, "name"), class_name="nm ell"),
        rx.el.span(short_time(field(item, "at")), class_name="tm"),
        class_name="ln",
    )
    second = rx.el.span(
        rx.cond(field(item, "outgoing", bool), rx.el.span(icon("reply"), class_name="tick"), ""),
        rx.el.span(
            rx.cond(field(item, "preview") != "", field(item, "preview"), t("inbox.no_text")), class_name="ms ell"
        ),
        rx.cond(
            field(item, "unread", int) > 0, rx.el.span(field(item, "unread", int).to_string(), class_name="cnt"), ""
        ),
        class_name="ln",
    )
    third = rx.el.span(
        _handling(item),
        rx.cond(
            field(item, "queue") != "",
            rx.el.span(
                rx.el.span(class_name="dot blue"),
                rx.el.span(field(item, "queue"), class_name="ell"),
                class_name="shrink",
            ),
            "",
        ),
        rx.cond(field(item, "handling") == "closed", "", _window(item)),
        class_name="f",
    )
    return rx.el.button(
        face,
        rx.el.span(first, second, third, class_name="col", min_width="0"),
        type="button",
        role="option",
        class_name="ix-row",
        on_click=do(f"inbox.select({item!s}.id)", item),
        custom_attrs={
            "data-on": field(item, "on", bool).to_string(),
            "aria-selected": field(item, "on", bool),
            "data-unread": (field(item, "unread", int) > 0).to_string(),
            "data-testid": "conversation",
            "data-id": field(item, "id"),
        },
    )


def _row_skeleton() -> rx.Component:
    lines = rx.el.span(skeleton("60%"), skeleton("85%"), skeleton("40%"), class_name="col g8")
    return rx.el.div(
        rx.el.span(class_name="sk c", width="var(--d-36)", height="var(--d-36)"), lines, class_name="ix-row"
    )


@rx.memo
def tabs_view(item: rx.Var[dict]) -> rx.Component:
    """Mine, unassigned, all, with counts; search and state."""

    def tab(name: str) -> rx.Component:
        on = field(item, "tab") == name
        return rx.el.button(
            t(f"inbox.tab_{name}"),
            rx.el.span(field(item, name, int).to_string(), class_name=rx.cond(on, "cnt", "cnt gray")),
            type="button",
            role="tab",
            on_click=do(f"inbox.tab('{name}')"),
            custom_attrs={"aria-selected": on, "data-testid": f"tab-{name}"},
        )

    def status(name: str, label: str) -> rx.Component:
        return rx.dropdown_menu.item(
            rx.el.span(
                rx.cond(field(item, "status") == name, icon("check", "s"), ""),
                width="var(--d-16)",
                display="inline-grid",
            ),
            t(label),
            on_select=do(f"inbox.status('{name}')"),
        )

    find = rx.el.label(
        icon("search", "s"),
        InboxSearch.create(placeholder=t("inbox.search")),
        class_name="field",
    )
    menu = rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(
            rx.el.button(
                icon("sliders-horizontal", "s"),
                rx.el.span(
                    rx.match(
                        field(item, "status"),
                        ("closed", t("inbox.filter_closed")),
                        ("", t("inbox.filter_any")),
                        t("inbox.filter_open"),
                    )
                ),
                class_name="btn line",
                type="button",
                custom_attrs={"aria-label": t("inbox.filter")},
            )
        ),
        rx.dropdown_menu.content(
            status("open", "inbox.filter_open"),
            status("closed", "inbox.filter_closed"),
            status("", "inbox.filter_any"),
            align="end",
            variant="soft",
        ),
    )
    return rx.fragment(
        rx.el.div(
            tab("mine"),
            tab("unassigned"),
            tab("all"),
            class_name="tabs",
            role="tablist",
            custom_attrs={"aria-label": t("inbox.tabs")},
        ),
        rx.el.div(find, menu, class_name="ix-find"),
    )


@rx.memo
def list_view(item: rx.Var[dict]) -> rx.Component:
    """The rows, or why there are none."""
    rows = ConversationList.create(view=view(conversation_row), label=t("inbox.title"))
    nothing = rx.cond(
        field(item, "query") != "",
        empty_state("search-x", t("inbox.nothing_found"), t("inbox.nothing_found_detail")),
        empty_state(
            "inbox",
            t("inbox.empty"),
            t("inbox.empty_detail"),
            rx.link(
                icon("smartphone", "s"), t("inbox.open_sandbox"), href="/sandbox", class_name="btn line", unstyled=True
            ),
        ),
    )
    loading = rx.el.div(*[_row_skeleton() for _ in range(7)], custom_attrs={"aria-busy": True})
    return rx.match(
        field(item, "phase"),
        ("loading", loading),
        ("forbidden", no_permission()),
        ("error", error_state(t("inbox.list_error"), t("inbox.try_again_detail"), do("inbox.reload()"))),
        ("offline", error_state(t("inbox.offline"), t("inbox.offline_detail"), do("inbox.reload()"))),
        rx.cond(field(item, "empty", bool), nothing, rows),
    )


def list_pane() -> rx.Component:
    """The left pane."""
    return rx.el.section(
        slice_view("tabs", tabs_view),
        rx.el.div(slice_view("list", list_view), class_name="ix-rows"),
        class_name="ix-list",
        custom_attrs={"aria-label": t("inbox.title")},
    )
