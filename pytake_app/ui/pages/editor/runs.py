"""The Runs tab: figures of a period, what happens at a block, and one past run step by step."""

import reflex as rx

from pytake_app.ui.canvas.components import Item, do, flag, items_of, number, relative, slice_view, text_of
from pytake_app.ui.canvas.marks import RunFilter
from pytake_app.ui.components.basics import button, empty_state, error_state, icon, icon_button, letters, skeleton
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.editor.palette import type_icon


def _tile(item: rx.Var) -> rx.Component:
    return rx.el.span(
        rx.el.span(type_icon(text_of(item, "icon"), "xs"), class_name="tile s"),
        class_name="g-" + text_of(item, "group"),
    )


def _filters(item: Item) -> rx.Component:
    def choice(name: str, choices: str, label: str) -> rx.Component:
        return RunFilter.create(name=name, value=text_of(item, name), choices=item[choices], label=t(label))

    return rx.el.div(
        rx.el.div(
            choice("days", "periods", "runs.filter_period"),
            choice("version", "versions", "runs.filter_version"),
            class_name="rfilters",
        ),
        rx.cond(
            items_of(item, "channels").length() > 0,
            choice("channel", "channels", "runs.filter_channel"),
            rx.cond(flag(item, "sandbox"), rx.el.div(t("runs.sandbox_only"), class_name="meta muted")),
        ),
        class_name="sec col g8",
    )


def _figure(label: str, value: rx.Var, test: str) -> rx.Component:
    return rx.el.div(
        rx.el.div(t(label), class_name="meta muted"),
        rx.el.div(value, class_name="rfig tn", custom_attrs={"data-testid": test}),
    )


def _figures(item: Item) -> rx.Component:
    outcome = rx.foreach(
        items_of(item, "outcomes"),
        lambda one: rx.el.span(text_of(one, "label"), " ", rx.el.b(text_of(one, "count")), class_name="bdg"),
    )
    return rx.el.div(
        rx.el.div(
            _figure("runs.started", text_of(item, "started"), "run-started"),
            _figure("runs.completed", text_of(item, "completed"), "run-completed"),
            _figure("runs.people", text_of(item, "people"), "run-people"),
            class_name="rfigs",
        ),
        rx.cond(text_of(item, "progress") != "", rx.el.div(text_of(item, "progress"), class_name="meta muted")),
        rx.cond(
            items_of(item, "outcomes").length() > 0,
            rx.el.div(rx.el.span(t("runs.outcomes"), class_name="meta muted"), outcome, class_name="row g6 rout"),
        ),
        class_name="sec col g8",
    )


def _loss(one: rx.Var) -> rx.Component:
    return rx.el.button(
        rx.el.div(
            _tile(one),
            rx.el.span(text_of(one, "title"), class_name="ell grow"),
            rx.el.span(
                text_of(one, "share"), class_name="med tn rshare", custom_attrs={"data-heat": text_of(one, "heat")}
            ),
            class_name="row g8",
        ),
        rx.el.div(
            rx.el.i(style={"width": text_of(one, "width")}),
            class_name="bar rbar",
            custom_attrs={"data-heat": text_of(one, "heat")},
        ),
        rx.el.div(text_of(one, "text"), class_name="meta muted"),
        type="button",
        class_name="rloss",
        on_click=do(f"runs.pick({text_of(one, 'node')!s})", one),
        custom_attrs={"data-testid": "loss"},
    )


def _losses(item: Item) -> rx.Component:
    found = items_of(item, "losses")
    return rx.el.div(
        rx.el.div(
            rx.el.span(t("runs.where_stop"), class_name="h-sec grow"),
            rx.el.span(t("runs.of_arrivals"), class_name="meta muted"),
            class_name="row g8",
        ),
        rx.cond(
            found.length() > 0, rx.foreach(found, _loss), rx.el.div(t("runs.nobody_stops"), class_name="meta muted")
        ),
        class_name="sec col g8",
    )


def _run(one: rx.Var) -> rx.Component:
    return rx.el.div(
        rx.el.button(
            rx.el.span(letters(text_of(one, "initials")), class_name="av a-" + text_of(one, "hue")),
            rx.el.span(
                rx.el.span(text_of(one, "name"), class_name="dense ell"),
                rx.el.span(text_of(one, "text"), class_name="meta muted ell"),
                class_name="col grow",
            ),
            rx.el.span(
                rx.el.span(text_of(one, "end"), class_name="bdg " + text_of(one, "tone")),
                rx.el.span(relative(text_of(one, "at")), class_name="meta muted"),
                class_name="col rright",
            ),
            type="button",
            class_name="rrun",
            on_click=do(f"runs.open({text_of(one, 'id')!s})", one),
            custom_attrs={"data-testid": "run"},
        ),
        rx.link(
            icon("message-circle", "s"),
            href=text_of(one, "conversation"),
            class_name="ib sm",
            unstyled=True,
            custom_attrs={"aria-label": t("runs.to_conversation"), "title": t("runs.to_conversation")},
        ),
        class_name="row rrow",
    )


def _runs(item: Item, *, of_node: bool) -> rx.Component:
    found = items_of(item, "items")
    loading = rx.el.div(skeleton(), skeleton("80%"), class_name="col g8", custom_attrs={"aria-busy": True})
    more = rx.cond(
        flag(item, "more"),
        button(t("runs.more"), kind="gray", on_click=do("runs.list(true)"), custom_attrs={"data-testid": "more-runs"}),
    )
    only = rx.el.button(
        t("runs.only_stopped"),
        type="button",
        class_name="btn line sm",
        on_click=do(f"runs.onlyDropped(!{flag(item, 'only_dropped')!s})", item),
        custom_attrs={"aria-pressed": flag(item, "only_dropped"), "data-testid": "only-dropped"},
    )
    retry = rx.el.button(t("common.retry"), type="button", class_name="link", on_click=do("runs.list()"))
    return rx.el.div(
        rx.el.div(
            rx.el.span(t("runs.last_contacts" if of_node else "runs.recent"), class_name="h-sec grow"),
            only,
            class_name="row g8",
        ),
        rx.cond(flag(item, "list_failed"), rx.el.div(t("runs.list_failed"), " ", retry, class_name="notice red")),
        rx.cond(
            flag(item, "listed"),
            rx.cond(
                found.length() > 0, rx.foreach(found, _run), rx.el.div(t("runs.none_here"), class_name="meta muted")
            ),
            loading,
        ),
        more,
        class_name="sec col g6",
    )


def _exit(one: rx.Var) -> rx.Component:
    return rx.el.div(
        rx.el.span(
            text_of(one, "label"), rx.el.span(" → ", text_of(one, "to"), class_name="muted"), class_name="ell grow"
        ),
        rx.el.span(text_of(one, "count"), class_name="tn"),
        rx.el.span(text_of(one, "share"), class_name="tn muted rpc"),
        class_name="row g8 dense",
    )


def _node(item: Item) -> rx.Component:
    node = item["node"].to(dict)
    extra = [
        rx.cond(text_of(node, name) != "", rx.el.div(text_of(node, name), class_name="meta muted"))
        for name in ("text", "again", "retries", "here")
    ]
    exits = items_of(node, "exits")
    return rx.fragment(
        rx.el.div(
            rx.el.button(
                icon("arrow-left", "s"),
                t("runs.all_blocks"),
                type="button",
                class_name="btn ghost sm",
                on_click=do("runs.pick('')"),
                custom_attrs={"data-testid": "all-blocks"},
            ),
            class_name="row sec",
        ),
        rx.el.div(
            rx.el.div(
                _tile(node),
                rx.el.span(text_of(node, "title"), class_name="str ell grow"),
                rx.el.span(text_of(node, "kind"), class_name="meta muted"),
                class_name="row g8",
            ),
            rx.el.div(
                _figure("runs.reached", text_of(node, "reached"), "node-reached"),
                _figure("runs.left", text_of(node, "leave"), "node-left"),
                _figure("runs.median", text_of(node, "median"), "node-median"),
                class_name="rfigs",
            ),
            *extra,
            class_name="sec col g8",
            custom_attrs={"data-testid": "run-node"},
        ),
        rx.cond(
            exits.length() > 0,
            rx.el.div(
                rx.el.span(t("runs.exits"), class_name="h-sec"), rx.foreach(exits, _exit), class_name="sec col g6"
            ),
        ),
        _runs(item, of_node=True),
    )


def _said(line: rx.Var) -> rx.Component:
    return rx.el.div(text_of(line, "text"), class_name=rx.cond(flag(line, "mine"), "rsay mine break", "rsay break"))


def _pair(one: rx.Var) -> rx.Component:
    return rx.el.div(
        rx.el.span(text_of(one, "name"), class_name="var"), " ", text_of(one, "value"), class_name="meta break"
    )


def _step(one: rx.Var) -> rx.Component:
    detail = rx.el.div(
        rx.cond(text_of(one, "why") != "", rx.el.div(text_of(one, "why"), class_name="meta muted")),
        rx.cond(
            items_of(one, "reads").length() > 0,
            rx.el.div(rx.el.div(t("runs.reads"), class_name="micro muted"), rx.foreach(items_of(one, "reads"), _pair)),
        ),
        rx.cond(
            items_of(one, "writes").length() > 0,
            rx.el.div(
                rx.el.div(t("runs.writes"), class_name="micro muted"), rx.foreach(items_of(one, "writes"), _pair)
            ),
        ),
        class_name="col g4 rdetail",
    )
    return rx.fragment(
        rx.foreach(items_of(one, "before"), _said),
        rx.el.button(
            rx.el.div(
                _tile(one),
                rx.el.span(text_of(one, "title"), class_name="dense ell grow"),
                rx.cond(text_of(one, "foreign") != "", rx.el.span(text_of(one, "foreign"), class_name="bdg")),
                rx.cond(text_of(one, "exit") != "", rx.el.span(text_of(one, "exit"), class_name="bdg line ell rexit")),
                class_name="row g8",
            ),
            rx.cond(flag(one, "on"), detail),
            type="button",
            class_name=rx.cond(flag(one, "on"), "rst on", "rst"),
            on_click=do(f"runs.to({number(one, 'index')!s})", one),
            custom_attrs={
                "data-testid": "run-step",
                "data-index": number(one, "index").to_string(),
                "aria-current": rx.cond(flag(one, "on"), "step", "false"),
            },
        ),
        rx.foreach(items_of(one, "after"), _said),
    )


def _one_run(item: Item) -> rx.Component:
    run = item["run"].to(dict)
    at, last = number(run, "at"), number(run, "last")
    return rx.fragment(
        rx.el.div(
            rx.el.div(
                rx.el.button(
                    icon("arrow-left", "s"),
                    t("runs.back"),
                    type="button",
                    class_name="btn ghost sm",
                    on_click=do("runs.close()"),
                    custom_attrs={"data-testid": "close-run"},
                ),
                rx.el.span(class_name="grow"),
                rx.link(
                    icon("message-circle", "s"),
                    t("runs.to_conversation"),
                    href=text_of(run, "conversation"),
                    class_name="btn line sm",
                    unstyled=True,
                ),
                class_name="row g6",
            ),
            rx.el.div(
                rx.el.span(text_of(run, "name"), class_name="str ell grow", custom_attrs={"data-testid": "run-name"}),
                rx.el.span(text_of(run, "end"), class_name="bdg " + text_of(run, "tone")),
                class_name="row g8",
            ),
            rx.el.div(
                t("versions.number", version=number(run, "version")),
                " · ",
                relative(text_of(run, "started")),
                class_name="meta muted",
            ),
            rx.el.div(
                icon_button(
                    "chevron-left",
                    t("runs.previous"),
                    small=True,
                    disabled=at == 0,
                    on_click=do("runs.step(-1)"),
                    custom_attrs={"data-testid": "run-previous"},
                ),
                rx.el.span(text_of(run, "position"), class_name="dense tn", role="status"),
                icon_button(
                    "chevron-right",
                    t("runs.next"),
                    small=True,
                    disabled=at >= last,
                    on_click=do("runs.step(1)"),
                    custom_attrs={"data-testid": "run-next"},
                ),
                rx.el.span(class_name="grow"),
                rx.el.span("← →", class_name="kbd only-wide"),
                class_name="row g6",
            ),
            class_name="sec col g8 cmphead",
        ),
        rx.el.div(rx.foreach(items_of(run, "steps"), _step), class_name="rsteps"),
    )


@rx.memo
def runs_view(item: rx.Var[dict]) -> rx.Component:
    """What happened when people talked to the flow."""
    loading = rx.el.div(
        skeleton("40%"), skeleton(), skeleton("70%"), class_name="sec col g12", custom_attrs={"aria-busy": True}
    )
    never = empty_state("chart-no-axes-column", t("runs.not_published"), t("runs.not_published_detail"))
    nothing = empty_state("chart-no-axes-column", t("runs.empty"), t("runs.empty_detail"))
    body = rx.match(
        text_of(item, "phase"),
        ("loading", loading),
        ("error", error_state(t("runs.failed"), t("common.failed_detail"), do("runs.again()"))),
        ("empty", rx.cond(flag(item, "published"), nothing, never)),
        rx.cond(
            flag(item, "has_node"), _node(item), rx.fragment(_figures(item), _losses(item), _runs(item, of_node=False))
        ),
    )
    return rx.cond(flag(item["run"].to(dict), "shown"), _one_run(item), rx.fragment(_filters(item), body))


def runs_panel() -> rx.Component:
    """The Runs tab."""
    return rx.el.div(slice_view("runs", runs_view), class_name="ibody", custom_attrs={"data-testid": "runs-panel"})
