"""The editor's own top bar."""

import reflex as rx

from pytake_app.ui.canvas.components import FlowName, Item, do, flag, number, relative, slice_view, text_of
from pytake_app.ui.components.basics import badge, icon, icon_button, logo
from pytake_app.ui.components.client import toggle_side
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.editor.together import people_faces, save_menu


def _badge(item: Item) -> rx.Component:
    live = rx.cond(
        text_of(item, "status") == "active",
        badge(t("editor.live", version=number(item, "live")), "jade", dot=True),
        badge(t("editor.paused", version=number(item, "live")), "amber"),
    )
    return rx.el.span(
        rx.cond(number(item, "live") > 0, live, badge(t("editor.draft"))),
        class_name="none",
        custom_attrs={"data-testid": "flow-badge"},
    )


def _saved(item: Item) -> rx.Component:
    saved_at = text_of(item, "saved_at")
    words = rx.match(
        text_of(item, "saving"),
        ("saving", rx.el.span(icon("cloud-upload", "s"), t("editor.saving"))),
        ("offline", rx.el.span(icon("cloud-off", "s"), t("editor.kept_here"), class_name="t-amber")),
        (
            "saved",
            rx.el.span(icon("cloud", "s"), rx.cond(saved_at != "", t("editor.saved", when=relative(saved_at)), "")),
        ),
        rx.fragment(),
    )
    return rx.el.span(
        words,
        class_name="saved meta muted only-wide",
        role="status",
        custom_attrs={"data-testid": "saved-state", "data-state": text_of(item, "saving")},
    )


def _changes(item: Item) -> rx.Component:
    return rx.cond(
        (number(item, "changes") > 0) & (number(item, "live") > 0),
        rx.el.span(
            rx.el.span(class_name="dot amber"),
            rx.cond(
                flag(item, "layout_only"),
                t("versions.only_layout"),
                t("editor.changes", count=number(item, "changes")),
            ),
            class_name="chg dense only-wide",
            custom_attrs={"data-testid": "changes"},
        ),
    )


def _edit_actions(item: Item) -> rx.Component:
    return rx.fragment(
        icon_button(
            "undo-2",
            t("editor.undo"),
            on_click=do("editor.undo()"),
            disabled=~flag(item, "can_undo") | flag(item, "locked"),
            custom_attrs={"data-testid": "undo"},
        ),
        icon_button(
            "redo-2",
            t("editor.redo"),
            on_click=do("editor.redo()"),
            disabled=~flag(item, "can_redo") | flag(item, "locked"),
            custom_attrs={"data-testid": "redo"},
        ),
    )


def _mode(item: Item) -> rx.Component:
    """Build, or see what happened."""
    running = text_of(item, "tab") == "runs"

    def side(picture: str, label: str, call: str, on: rx.Var, test: str) -> rx.Component:
        return rx.el.button(
            icon(picture, "s"),
            t(label),
            type="button",
            on_click=do(call),
            custom_attrs={"aria-pressed": on, "data-testid": test},
        )

    return rx.el.div(
        side("square-pen", "runs.mode_build", "editor.tab('block')", ~running, "mode-build"),
        side("chart-no-axes-column", "runs.mode_runs", "editor.tab('runs')", running, "mode-runs"),
        class_name="seg edmode only-wide",
        role="group",
        custom_attrs={"aria-label": t("runs.mode")},
    )


def _publish(item: Item) -> rx.Component:
    return rx.el.button(
        t("editor.publish"),
        class_name="btn solid",
        type="button",
        on_click=do("editor.openPublish()"),
        disabled=(text_of(item, "phase") != "ready"),
        custom_attrs={"data-testid": "publish"},
    )


def _old_version(item: Item) -> rx.Component:
    return rx.el.div(
        icon("history", "s"),
        rx.el.span(t("editor.looking_at", version=number(item, "version")), class_name="grow"),
        rx.cond(
            ~flag(item, "viewer"),
            rx.el.button(t("editor.restore"), class_name="btn line sm", type="button", on_click=do("editor.restore()")),
        ),
        rx.el.button(
            t("editor.back_to_draft"),
            class_name="btn soft sm",
            type="button",
            on_click=do("editor.showVersion(null)"),
            custom_attrs={"data-testid": "back-to-draft"},
        ),
        class_name="oldv dense",
        role="status",
    )


@rx.memo
def top_view(item: rx.Var[dict]) -> rx.Component:
    """Name, state, undo, test, publish."""
    ready = text_of(item, "phase") == "ready"
    bar = rx.el.header(
        rx.link(
            icon("arrow-left"),
            href="/flows",
            class_name="ib",
            unstyled=True,
            custom_attrs={"aria-label": t("editor.back"), "title": t("editor.back")},
        ),
        rx.el.button(
            logo(),
            type="button",
            on_click=toggle_side(),
            class_name="only-wide",
            custom_attrs={"aria-label": t("common.menu"), "title": t("editor.menu_hint")},
        ),
        rx.link(t("editor.flows"), href="/flows", class_name="muted crumb only-wide", unstyled=True),
        rx.el.span("/", class_name="muted only-wide"),
        rx.cond(
            text_of(item, "name") != "",
            FlowName.create(name=text_of(item, "name"), disabled=flag(item, "locked")),
            rx.cond(
                text_of(item, "phase") == "loading", rx.el.span(class_name="sk", width="var(--d-128)"), rx.fragment()
            ),
        ),
        rx.cond(ready, rx.fragment(_badge(item), _saved(item))),
        rx.el.div(class_name="grow"),
        rx.cond(ready, _mode(item)),
        rx.el.div(class_name="grow"),
        rx.cond(
            ready,
            rx.fragment(
                rx.cond(
                    flag(item, "viewer"),
                    badge(t("editor.read_only"), "line"),
                    _edit_actions(item),
                ),
                icon_button(
                    "languages",
                    t("translations.title"),
                    on_click=do("translate.open()"),
                    class_name="only-wide",
                    custom_attrs={"data-testid": "translate"},
                ),
                people_faces(),
                save_menu(),
                rx.el.span(class_name="vr only-wide"),
                rx.el.button(
                    icon("smartphone", "s"),
                    rx.el.span(t("editor.test"), class_name="only-wide"),
                    class_name="btn gray only-wide",
                    type="button",
                    on_click=do("preview.open()"),
                    custom_attrs={"data-testid": "test", "aria-label": t("editor.test")},
                ),
                _changes(item),
                rx.cond(flag(item, "may_publish") & (number(item, "version") == 0), _publish(item)),
            ),
        ),
        class_name="top edtop",
    )
    return rx.fragment(bar, rx.cond(number(item, "version") > 0, _old_version(item)))


def top_bar() -> rx.Component:
    """The bar, fed by the store."""
    return slice_view("top", top_view)
