"""Above and below the table: search, filters, totals, and what can be done with the marked rows."""

import reflex as rx

from pytake_app.ui.components.basics import button, icon, kbd
from pytake_app.ui.components.store import flag, number, text_of
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.flows.store import FlowsSearch, do, slice_view


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
    side = rx.el.button(
        icon("folder-tree", "s"),
        t("flows.folders"),
        type="button",
        class_name=rx.cond(flag(item, "side"), "btn line on", "btn line"),
        on_click=do("flows.side()"),
        custom_attrs={"aria-pressed": rx.cond(flag(item, "side"), "true", "false"), "data-testid": "flow-side"},
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
    pictures = [("folder", icon("folder", "s")), ("tag", icon("tag", "s")), ("archive", icon("archive", "s"))]

    def chip(entry: rx.Var[dict[str, str]]) -> rx.Component:
        return rx.el.button(
            rx.match(entry["icon"], *pictures, icon("circle-alert", "s")),
            rx.el.span(entry["label"], class_name="ell"),
            icon("x", "xs"),
            type="button",
            class_name="fl-chip",
            on_click=do(f"flows.drop({entry['key']!s})", entry["key"]),
            custom_attrs={"aria-label": t("flows.drop_filter", name=entry["label"]), "data-testid": "flow-chip"},
        )

    return rx.fragment(
        find,
        states,
        side,
        rx.foreach(item["chips"].to(list[dict[str, str]]), chip),
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
    wrong = rx.cond(
        number(item, "errors") > 0,
        rx.el.button(
            icon("circle-alert", "s"),
            t("flows.total_errors", count=number(item, "errors")),
            type="button",
            class_name="fl-errs",
            on_click=do("flows.errors()"),
            custom_attrs={"data-testid": "flow-errors"},
        ),
    )
    return rx.cond(flag(item, "show"), rx.el.div(line, wrong, class_name="row wrap dense muted fl-totals"))


@rx.memo
def bulk_view(item: rx.Var[dict]) -> rx.Component:
    """What can be done with the marked rows."""

    def act(picture: str, label: str, verb: str, *, danger: bool = False) -> rx.Component:
        return button(
            icon(picture, "s"),
            rx.el.span(t(label)),
            kind="dang" if danger else "ghost",
            small=True,
            on_click=do(f"flows.{verb}()"),
            custom_attrs={"data-testid": f"bulk-{verb}", "aria-label": t(label)},
        )

    bar = rx.el.div(
        rx.el.span(t("flows.marked", count=number(item, "count")), class_name="med dense", role="status"),
        act("folder-input", "flows.move", "move"),
        act("tag", "flows.tag", "tag"),
        rx.cond(flag(item, "can_start"), act("power", "flows.turn_on", "start")),
        rx.cond(flag(item, "can_stop"), act("power-off", "flows.turn_off", "stop")),
        act("download", "flows.export", "save"),
        rx.cond(
            flag(item, "archived"),
            act("archive-restore", "flows.unarchive", "unarchive"),
            act("archive", "flows.archive", "archive"),
        ),
        act("trash-2", "flows.delete", "remove", danger=True),
        rx.el.button(
            icon("x", "s"),
            type="button",
            class_name="ib sm",
            on_click=do("flows.unselect()"),
            custom_attrs={"aria-label": t("flows.unmark")},
        ),
        class_name="fl-bulk",
        role="toolbar",
        custom_attrs={"aria-label": t("flows.bulk"), "data-testid": "flow-bulk"},
    )
    return rx.cond(flag(item, "open") & flag(item, "edit"), bar)


def tools() -> rx.Component:
    """The toolbar and the totals."""
    return rx.fragment(
        rx.el.div(slice_view("tools", tools_view), class_name="tools fl-tools"), slice_view("totals", totals_view)
    )
