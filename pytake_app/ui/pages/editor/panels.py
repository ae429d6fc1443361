"""The Versions tab of the inspector."""

import reflex as rx

from pytake_app.ui.canvas.components import Item, Overlay, do, flag, items_of, number, relative, slice_view, text_of
from pytake_app.ui.components.basics import badge, button, empty_state, error_state, skeleton
from pytake_app.ui.i18n import t


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
