"""The Block tab: what is selected, or the settings of the flow."""

import reflex as rx

from pytake_app.ui.canvas.components import AllHooks, Item, do, flag, slice_view, text_of
from pytake_app.ui.components.basics import icon, kbd
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.editor.inspector.fields import field_list
from pytake_app.ui.pages.editor.inspector.node import node_panel
from pytake_app.ui.pages.editor.inspector.selection import edge_panel, many_panel


def flow_panel(item: Item) -> rx.Component:
    """Nothing is selected: the settings of the flow."""
    hint = rx.el.div(
        icon("mouse-pointer-click", "s"),
        rx.el.span(t("editor.nothing_selected_detail"), class_name="only-wide"),
        rx.el.span(t("editor.nothing_selected_touch"), class_name="only-touch"),
        class_name="nosel dense muted",
    )
    hooks = rx.el.div(
        rx.el.div(t("inspector.hooks"), class_name="h-sec"),
        AllHooks.create(),
        class_name="sec col g12",
    )
    # What the top bar has no room for on a phone.
    tools = rx.el.div(
        rx.el.button(
            icon("languages", "s"),
            t("translations.title"),
            type="button",
            class_name="btn line",
            on_click=do("translate.open()"),
            custom_attrs={"data-testid": "phone-translate"},
        ),
        rx.el.button(
            icon("file-json", "s"),
            t("together.as_json"),
            type="button",
            class_name="btn line",
            on_click=do("picture.file()"),
        ),
        rx.el.button(
            icon("image", "s"),
            t("together.as_png"),
            type="button",
            class_name="btn line",
            on_click=do("picture.save('png')"),
        ),
        class_name="phtools only-phone",
    )
    return rx.fragment(
        hint,
        tools,
        rx.el.div(
            rx.el.div(t("editor.flow_settings"), class_name="h-sec"),
            field_list(item, "fields"),
            class_name="sec col g16",
            custom_attrs={"data-testid": "flow-settings"},
        ),
        rx.cond(flag(item, "hooks"), hooks),
    )


@rx.memo
def inspector_view(item: rx.Var[dict]) -> rx.Component:
    """What is selected."""
    return rx.match(
        text_of(item, "mode"),
        ("node", node_panel(item)),
        ("many", many_panel(item)),
        ("edge", edge_panel(item)),
        flow_panel(item),
    )


def block_panel() -> rx.Component:
    """The Block tab."""
    hints = rx.el.div(
        kbd("Enter"),
        t("editor.key_edit"),
        kbd("Del"),
        t("editor.key_delete"),
        kbd("?"),
        rx.el.button(t("editor.keys_short"), type="button", on_click=do("editor.keys(true)"), class_name="link muted"),
        class_name="ifoot micro muted only-wide",
    )
    return rx.fragment(rx.el.div(slice_view("inspector", inspector_view), class_name="ibody"), hints)
