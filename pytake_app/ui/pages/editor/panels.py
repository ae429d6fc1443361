"""The Check and Versions tabs of the inspector."""

import reflex as rx

from pytake_app.ui.canvas.components import Item, Overlay, do, flag, items_of, number, relative, slice_view, text_of
from pytake_app.ui.components.basics import badge, button, empty_state, error_state, icon, skeleton
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.editor.palette import type_icon


def _finding(finding: rx.Var) -> rx.Component:
    tone = rx.match(text_of(finding, "severity"), ("error", "fdot red"), ("warning", "fdot amber"), "fdot")
    jump = rx.el.button(
        rx.el.span(class_name=tone),
        rx.el.span(
            rx.el.span(text_of(finding, "text"), class_name="dense"),
            rx.el.span(
                rx.el.span(type_icon(text_of(finding, "icon"), "xs"), class_name="tile s"),
                rx.el.span(text_of(finding, "name"), class_name="ell"),
                class_name="meta muted row g6 g-" + text_of(finding, "group"),
            ),
            class_name="col g4 grow",
        ),
        type="button",
        class_name="fnd",
        disabled=text_of(finding, "node") == "",
        on_click=do(f"editor.jump({text_of(finding, 'node')!s})", finding),
        custom_attrs={"data-testid": "finding", "data-severity": text_of(finding, "severity")},
    )
    call = f"editor.mend({number(finding, 'index')!s})"
    mend = rx.el.button(
        icon("wand-sparkles", "xs"),
        text_of(finding, "mend"),
        type="button",
        class_name="btn soft sm mend",
        on_click=do(call, finding),
        custom_attrs={"data-testid": "mend"},
    )
    return rx.el.div(jump, rx.cond(text_of(finding, "mend") != "", mend))


def _finding_groups(item: Item) -> rx.Component:
    def group(one: rx.Var) -> rx.Component:
        items = items_of(one, "items")
        return rx.el.div(
            rx.el.div(
                text_of(one, "label"),
                rx.el.span(items.length().to_string(), class_name="muted tn"),
                class_name="h-sec row g6 fgh",
            ),
            rx.foreach(items, _finding),
            class_name="fgroup",
        )

    return rx.foreach(items_of(item, "groups"), group)


@rx.memo
def check_view(item: rx.Var[dict]) -> rx.Component:
    """The verifier's findings."""
    loading = rx.el.div(
        skeleton("60%"), skeleton(), skeleton("80%"), class_name="sec col g12", custom_attrs={"aria-busy": True}
    )
    clean = empty_state("circle-check", t("editor.all_good"), t("editor.all_good_detail"))
    return rx.cond(flag(item, "verified"), rx.cond(flag(item, "clean"), clean, _finding_groups(item)), loading)


def check_panel() -> rx.Component:
    """The Check tab."""
    return rx.el.div(slice_view("check", check_view), class_name="ibody")


def _version(item: Item, version: rx.Var) -> rx.Component:
    live = rx.cond(flag(version, "live"), badge(t("editor.live_short"), "jade", dot=True))
    author = rx.cond(text_of(version, "author") != "", rx.el.span(" · ", text_of(version, "author")))
    acts = rx.el.div(
        rx.el.button(
            t("editor.view"),
            type="button",
            class_name="btn line sm",
            on_click=do(f"editor.showVersion({number(version, 'version')!s})", version),
            custom_attrs={"data-testid": "view-version"},
        ),
        rx.cond(
            flag(version, "live") | flag(item, "locked"),
            rx.fragment(),
            rx.el.button(
                t("editor.roll_back"),
                type="button",
                class_name="btn line sm",
                on_click=do(f"editor.ask({{kind: 'rollback', version: {number(version, 'version')!s}}})", version),
                custom_attrs={"data-testid": "roll-back"},
            ),
        ),
        class_name="row g6",
    )
    return rx.el.div(
        rx.el.div(
            rx.el.span("v", number(version, "version").to_string(), class_name="str tn"),
            live,
            rx.el.span(class_name="grow"),
            rx.el.span(relative(text_of(version, "published_at")), class_name="meta muted"),
            class_name="row g6",
        ),
        rx.cond(text_of(version, "note") != "", rx.el.div(text_of(version, "note"), class_name="dense break")),
        rx.el.div(
            t("editor.block_count", count=number(version, "node_count")),
            author,
            rx.cond(
                number(version, "running") > 0, rx.el.span(" · ", t("editor.running", count=number(version, "running")))
            ),
            class_name="meta muted",
        ),
        acts,
        class_name=rx.cond(flag(version, "on"), "ver on", "ver"),
        custom_attrs={"data-testid": "version"},
    )


@rx.memo
def versions_view(item: rx.Var[dict]) -> rx.Component:
    """What was published when and by whom."""
    loading = rx.el.div(
        skeleton("40%"), skeleton(), skeleton("70%"), class_name="sec col g12", custom_attrs={"aria-busy": True}
    )
    confirm = Overlay.create(
        rx.el.h2(t("editor.roll_back_title", version=number(item, "confirm")), class_name="title"),
        rx.el.p(t("editor.roll_back_detail"), class_name="muted dense"),
        rx.el.div(
            button(t("common.cancel"), on_click=do("editor.ask(null)")),
            button(
                t("editor.roll_back"),
                kind="solid",
                on_click=do(f"editor.rollback({number(item, 'confirm')!s})", item),
                custom_attrs={"data-testid": "confirm-roll-back", "data-autofocus": True},
            ),
            class_name="ovfoot",
        ),
        open=number(item, "confirm") > 0,
        label=t("editor.roll_back"),
        on_close=do("editor.ask(null)"),
        class_name="small",
    )
    return rx.fragment(
        rx.match(
            text_of(item, "phase"),
            ("loading", loading),
            ("empty", empty_state("git-commit-horizontal", t("editor.no_versions"), t("editor.no_versions_detail"))),
            ("error", error_state(t("editor.versions_failed"), t("common.failed_detail"), do("editor.loadVersions()"))),
            rx.foreach(items_of(item, "items"), lambda version: _version(item, version)),
        ),
        confirm,
    )


def versions_panel() -> rx.Component:
    """The Versions tab."""
    return rx.el.div(slice_view("versions", versions_view), class_name="ibody")
