"""The page: top bar, palette, canvas, inspector."""

import reflex as rx

from pytake_app.ui.canvas.cards import all_cards
from pytake_app.ui.canvas.components import (
    EditorPanes,
    EditorRoot,
    FlowCanvas,
    Item,
    do,
    flag,
    number,
    slice_view,
    text_of,
    view,
    views,
)
from pytake_app.ui.canvas.marks import RunLegend
from pytake_app.ui.canvas.parts import AdaptList, KeysSheet, TranslateSheet
from pytake_app.ui.canvas.specs import browser_specs
from pytake_app.ui.components.basics import error_state, icon, link_button, no_permission, skeleton
from pytake_app.ui.i18n import t
from pytake_app.ui.layout.shell import frame
from pytake_app.ui.pages.editor.check import canvas_note, check_panel
from pytake_app.ui.pages.editor.dialogs import publish_view
from pytake_app.ui.pages.editor.inspector import block_panel
from pytake_app.ui.pages.editor.palette import palette_pane, quick_view
from pytake_app.ui.pages.editor.preview import preview_panel
from pytake_app.ui.pages.editor.runs import runs_panel
from pytake_app.ui.pages.editor.state import EditorState
from pytake_app.ui.pages.editor.together import following_pill, halted_bar, together_views
from pytake_app.ui.pages.editor.topbar import top_bar
from pytake_app.ui.pages.editor.versions import versions_panel
from pytake_app.ui.session import SessionState

ROUTE = "/flows/[flow_id]"
ON_LOAD = [SessionState.guard, EditorState.open]
TABS = (
    ("block", "editor.tab_block"),
    ("check", "editor.tab_check"),
    ("preview", "editor.tab_preview"),
    ("versions", "editor.tab_versions"),
    ("runs", "runs.tab"),
)


@rx.memo
def inspector_pane(item: rx.Var[dict]) -> rx.Component:
    """Tabs and the chosen panel. On a phone it is a sheet over the canvas."""
    current = text_of(item, "tab")

    def tab(name: str, label: str) -> rx.Component:
        count = (
            rx.cond(number(item, "errors") > 0, rx.el.span(number(item, "errors").to_string(), class_name="cnt bad"))
            if name == "check"
            else rx.fragment()
        )
        return rx.el.button(
            t(label),
            count,
            type="button",
            role="tab",
            id=f"tab-{name}",
            on_click=do(f"editor.tab('{name}')"),
            custom_attrs={
                "aria-selected": current == name,
                "data-testid": f"tab-{name}",
                "aria-controls": "editor-panel",
            },
        )

    panel = rx.match(
        current,
        ("check", check_panel()),
        ("preview", preview_panel()),
        ("versions", versions_panel()),
        ("runs", runs_panel()),
        block_panel(),
    )
    close = rx.el.button(
        icon("chevron-down"),
        type="button",
        class_name="ib sm shclose",
        on_click=do("editor.sheet(false)"),
        custom_attrs={"aria-label": t("common.close")},
    )
    return rx.fragment(
        rx.el.div(
            *[tab(name, label) for name, label in TABS],
            rx.el.span(class_name="grow"),
            close,
            class_name="tabs",
            role="tablist",
            custom_attrs={"aria-label": t("editor.panel")},
        ),
        rx.el.div(
            panel,
            class_name="ipanel",
            id="editor-panel",
            role="tabpanel",
            custom_attrs={"aria-labelledby": "tab-" + current},
        ),
    )


def _phone_bar(item: Item) -> rx.Component:
    def tab(name: str, label: str, picture: str) -> rx.Component:
        on = flag(item, "sheet") & (text_of(item, "tab") == name)
        return rx.el.button(
            icon(picture),
            rx.el.span(t(label), class_name="micro"),
            type="button",
            on_click=do(f"editor.tab('{name}')"),
            custom_attrs={"aria-pressed": on},
        )

    return rx.el.nav(
        tab("block", "editor.tab_block", "square-pen"),
        tab("check", "editor.tab_check", "list-checks"),
        tab("preview", "editor.tab_preview", "smartphone"),
        tab("versions", "editor.tab_versions", "history"),
        tab("runs", "runs.tab", "chart-no-axes-column"),
        class_name="edbar",
        custom_attrs={"aria-label": t("editor.panel")},
    )


@rx.memo
def phase_view(item: rx.Var[dict]) -> rx.Component:
    """What stands in for the canvas until there is one."""
    card = rx.el.div(skeleton("60%"), skeleton("100%", "l"), skeleton("40%"), class_name="nd sknd")
    loading = rx.el.div(
        card, card, card, class_name="sks", custom_attrs={"aria-busy": True, "aria-label": t("common.loading")}
    )
    missing = rx.el.div(
        rx.el.div(icon("workflow"), class_name="pic"),
        rx.el.div(t("editor.missing"), class_name="str"),
        rx.el.div(t("editor.missing_detail"), class_name="txt dense"),
        rx.el.div(link_button(t("editor.to_flows"), href="/flows"), class_name="act"),
        class_name="state",
        role="alert",
        custom_attrs={"data-testid": "editor-missing"},
    )
    name = rx.cond(text_of(item, "name") != "", rx.el.h1(text_of(item, "name"), class_name="sr"), rx.fragment())
    state = rx.match(
        text_of(item, "phase"),
        ("loading", loading),
        ("missing", missing),
        ("forbidden", no_permission()),
        (
            "error",
            rx.cond(
                text_of(item, "name") != "",
                rx.fragment(),
                error_state(t("editor.load_failed"), t("common.failed_detail"), do("editor.load()")),
            ),
        ),
        rx.fragment(),
    )
    return rx.fragment(name, state)


@rx.memo
def phone_bar(item: rx.Var[dict]) -> rx.Component:
    """Tabs at the bottom, on a phone."""
    return _phone_bar(item)


def page() -> rx.Component:
    """The flow editor. The document comes by REST into the browser's store; see `ui/js/editor.js`."""
    canvas = FlowCanvas.create(cards=views(all_cards()), quick=view(quick_view), label=t("editor.canvas"))
    body = EditorPanes.create(
        palette_pane(),
        rx.el.main(
            slice_view("top", phase_view),
            canvas,
            following_pill(),
            AdaptList.create(icon("list-checks", "s")),
            slice_view("canvasnote", canvas_note),
            RunLegend.create(),
            class_name="cvwrap",
            id="content",
            custom_attrs={"tabIndex": -1},
        ),
        rx.el.aside(
            slice_view("top", inspector_pane), class_name="ins", custom_attrs={"aria-label": t("editor.panel")}
        ),
        slice_view("top", phone_bar),
    )
    root = EditorRoot.create(
        top_bar(),
        halted_bar(),
        body,
        together_views(),
        slice_view("publish", publish_view),
        KeysSheet.create(),
        TranslateSheet.create(),
        specs=rx.Var.create(browser_specs()),
        me=rx.Var.create(
            {
                "id": SessionState.user_id,
                "name": SessionState.user_name,
                "role": SessionState.role,
                "permissions": SessionState.permissions,
            }
        ),
        reply=EditorState.reply,
        on_submit=EditorState.submit,
        on_catch_up=EditorState.catch_up,
        on_here=EditorState.here,
    )
    return frame(root, active="flows", sidebar=False)
