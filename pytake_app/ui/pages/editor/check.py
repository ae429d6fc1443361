"""The Check tab of the inspector: findings and the views behind it, and what is said over the canvas."""

import reflex as rx

from pytake_app.ui.canvas.components import (
    CheckWatch,
    Item,
    do,
    flag,
    items_of,
    number,
    slice_view,
    text_of,
)
from pytake_app.ui.components.basics import empty_state, icon, icon_button
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.editor.check_tests import tests_view
from pytake_app.ui.pages.editor.check_ways import loading, looks_view, paths_view
from pytake_app.ui.pages.editor.palette import type_icon

VIEWS = (
    ("findings", "check.view_findings"),
    ("paths", "check.view_paths"),
    ("channels", "check.view_channels"),
    ("tests", "check.view_tests"),
)


# -- findings --------------------------------------------------------------------------------------------------------


def _finding(finding: rx.Var) -> rx.Component:
    tone = rx.match(text_of(finding, "severity"), ("error", "fdot red"), ("warning", "fdot amber"), "fdot")
    index = number(finding, "index")
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
        on_click=do(f"check.jump({index!s})", finding),
        custom_attrs={"data-testid": "finding", "data-severity": text_of(finding, "severity")},
    )
    mend = rx.el.button(
        icon("wand-sparkles", "xs"),
        text_of(finding, "mend"),
        type="button",
        class_name="btn soft sm",
        on_click=do(f"check.mend({index!s})", finding),
        custom_attrs={"data-testid": "mend"},
    )
    example = rx.el.button(
        icon("route", "xs"),
        rx.cond(flag(finding, "open"), t("check.hide_example"), t("check.show_example")),
        type="button",
        class_name="btn line sm",
        on_click=do(f"check.example({index!s})", finding),
        custom_attrs={"data-testid": "example", "aria-pressed": flag(finding, "open")},
    )
    has_mend = text_of(finding, "mend") != ""
    acts = rx.el.div(rx.cond(has_mend, mend), rx.cond(flag(finding, "path"), example), class_name="mend row g6 wrap")
    return rx.el.div(jump, rx.cond(has_mend | flag(finding, "path"), acts))


def _kinds(item: Item) -> rx.Component:
    def chip(kind: rx.Var) -> rx.Component:
        return rx.el.button(
            text_of(kind, "label"),
            rx.el.span(number(kind, "count").to_string(), class_name="tn muted"),
            type="button",
            class_name="fchip",
            on_click=do(f"check.kind({text_of(kind, 'name')!s})", kind),
            custom_attrs={"aria-pressed": flag(kind, "on"), "data-testid": "finding-kind"},
        )

    return rx.el.div(rx.foreach(items_of(item, "kinds"), chip), class_name="fchips")


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

    safe = number(item, "safe")
    all_safe = rx.el.button(
        icon("wand-sparkles", "xs"),
        t("check.mend_all", count=safe),
        type="button",
        class_name="btn soft sm",
        disabled=flag(item, "mending"),
        on_click=do("check.mendAll()"),
        custom_attrs={"data-testid": "mend-all"},
    )
    head = rx.el.div(
        rx.cond(items_of(item, "kinds").length() > 1, _kinds(item)),
        rx.cond(safe > 1, rx.el.div(all_safe)),
        class_name="fhead",
    )
    return rx.fragment(head, rx.foreach(items_of(item, "groups"), group))


def _findings(item: Item) -> rx.Component:
    clean = empty_state("circle-check", t("editor.all_good"), t("editor.all_good_detail"))
    return rx.cond(flag(item, "verified"), rx.cond(flag(item, "clean"), clean, _finding_groups(item)), loading())


# -- the whole -------------------------------------------------------------------------------------------------------


@rx.memo
def check_view(item: rx.Var[dict]) -> rx.Component:
    """Four views behind one row of buttons."""
    current = text_of(item, "view")

    def choice(name: str, label: str) -> rx.Component:
        figure = {"findings": number(item, "total"), "tests": number(item, "failed")}.get(name)
        return rx.el.button(
            t(label),
            rx.cond(figure > 0, rx.el.span(figure.to_string(), class_name="tn muted")) if figure is not None else "",
            type="button",
            role="tab",
            on_click=do(f"check.view('{name}')"),
            custom_attrs={"aria-selected": current == name, "data-testid": f"check-{name}"},
        )

    return rx.fragment(
        rx.el.div(
            *[choice(name, label) for name, label in VIEWS],
            class_name="cktabs",
            role="tablist",
            custom_attrs={"aria-label": t("editor.tab_check")},
        ),
        rx.el.div(
            rx.match(
                current,
                ("paths", slice_view("checkpaths", paths_view)),
                ("channels", slice_view("checklooks", looks_view)),
                ("tests", slice_view("tests", tests_view)),
                _findings(item),
            ),
            class_name="ibody",
            custom_attrs={"data-testid": "check-body"},
        ),
    )


@rx.memo
def canvas_note(item: rx.Var[dict]) -> rx.Component:
    """What is said over the canvas: a finding's example, or the flow that the preview stands in."""

    def crumb(one: rx.Var) -> rx.Component:
        name = rx.cond(
            flag(one, "own"),
            rx.el.span(text_of(one, "name"), class_name="ell"),
            rx.el.a(
                text_of(one, "name"),
                icon("external-link", "xs"),
                href=text_of(one, "href"),
                target="_blank",
                class_name="link row g4",
            ),
        )
        return rx.el.span(name, rx.cond(flag(one, "here"), "", icon("chevron-right", "xs")), class_name="row g4 cr")

    note = rx.fragment(
        icon("route", "s"),
        rx.el.span(text_of(item, "text"), class_name="grow"),
        icon_button("x", t("common.close"), small=True, on_click=do("check.closeNote()")),
    )
    inside = rx.fragment(
        icon("corner-down-right", "s"),
        rx.el.span(t("preview.in_flow"), class_name="muted nw"),
        rx.foreach(items_of(item, "crumbs"), crumb),
        rx.cond(
            flag(item, "drawn"),
            rx.el.button(
                icon("undo-2", "s"),
                t("preview.own_flow"),
                type="button",
                class_name="btn line sm",
                on_click=do("preview.ownFlow()"),
                custom_attrs={"data-testid": "own-flow"},
            ),
        ),
    )
    return rx.el.div(
        rx.cond(text_of(item, "kind") == "note", note, inside),
        class_name="cvnote " + text_of(item, "tone"),
        role="status",
        custom_attrs={"data-testid": "canvas-note"},
    )


def check_panel() -> rx.Component:
    """The Check tab."""
    return CheckWatch.create(slice_view("checkpanel", check_view))
