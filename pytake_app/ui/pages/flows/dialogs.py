"""The page's dialogs: new flow, import, rename, delete."""

import reflex as rx

from pytake_app.ui.components.basics import button, dialog, dialog_foot, form_field, icon, link_button, notice, skeleton
from pytake_app.ui.components.store import Item, flag, text_of, view
from pytake_app.ui.i18n import t, t_dynamic
from pytake_app.ui.pages.flows.import_dialog import import_view
from pytake_app.ui.pages.flows.organize import folder_view, keys_view, move_view, tag_view, view_view
from pytake_app.ui.pages.flows.store import FlowsField, StarterTiles, do, slice_view
from pytake_app.ui.pages.gallery.page import STARTER_ICONS

# Icons that starters name; others get the general one.
_PICTURES = ("plus", *STARTER_ICONS)


def _cancel() -> rx.Component:
    return button(t("common.cancel"), kind="ghost", on_click=do("flows.close()"))


def _name_field(item: Item, placeholder: rx.Var, *, first: bool) -> rx.Component:
    box = FlowsField.create(name="name", label=t("flows.name"), placeholder=placeholder, first=first, limit=200)
    return form_field(
        t("flows.name"),
        box,
        error=rx.cond(
            text_of(item, "problem") != "",
            t_dynamic("flows.problem", text_of(item, "problem"), "flows.error.other"),
            "",
        ),
    )


@rx.memo
def starter_tile(item: rx.Var[dict]) -> rx.Component:
    """One thing to begin with."""
    pictures = [(name, icon(name)) for name in _PICTURES]
    return rx.fragment(
        rx.el.span(
            rx.match(text_of(item, "icon"), *pictures, icon("workflow")),
            class_name=rx.cond(text_of(item, "key") == "", "tile l g-canvas", "tile l g-trigger"),
        ),
        rx.el.span(
            rx.el.span(text_of(item, "name"), class_name="str dense"),
            rx.el.span(text_of(item, "description"), class_name="meta muted"),
            class_name="col g2",
        ),
    )


@rx.memo
def create_view(item: rx.Var[dict]) -> rx.Component:
    """A new flow, blank or from a starter."""
    waiting = rx.el.div(
        skeleton("100%", "fl-tile-sk"),
        skeleton("100%", "fl-tile-sk"),
        class_name="fl-tiles",
        custom_attrs={"aria-busy": True},
    )
    return dialog(
        StarterTiles.create(view=view(starter_tile), label=t("flows.begin_with")),
        rx.cond(flag(item, "loading"), waiting),
        rx.cond(flag(item, "failed"), notice("amber", "triangle-alert", t("flows.starters_failed"))),
        _name_field(item, t("flows.name_hint"), first=True),
        dialog_foot(
            link_button(t("gallery.browse"), href="/gallery", kind="ghost", custom_attrs={"data-testid": "to-gallery"}),
            rx.el.span(class_name="grow"),
            _cancel(),
            button(
                t("flows.create"),
                kind="solid",
                busy=flag(item, "busy"),
                on_click=do("flows.submit()"),
                custom_attrs={"data-testid": "flow-create"},
            ),
        ),
        title=t("flows.new"),
        detail=t("flows.new_detail"),
        open=flag(item, "open"),
        on_open_change=do("flows.close()"),
        wide=True,
    )


@rx.memo
def rename_view(item: rx.Var[dict]) -> rx.Component:
    """Another name."""
    return dialog(
        _name_field(item, t("flows.name_hint"), first=True),
        dialog_foot(
            _cancel(),
            button(
                t("flows.rename"),
                kind="solid",
                on_click=do("flows.submit()"),
                custom_attrs={"data-testid": "rename-save"},
            ),
        ),
        title=t("flows.rename_title"),
        open=flag(item, "open"),
        on_open_change=do("flows.close()"),
    )


@rx.memo
def delete_view(item: rx.Var[dict]) -> rx.Component:
    """The last question; it names the flow, and says when people are talking to it."""
    running = flag(item, "running")
    return dialog(
        rx.cond(running, notice("amber", "triangle-alert", t("flows.delete_running"))),
        dialog_foot(
            _cancel(),
            button(
                rx.cond(running, t("flows.delete_interrupt"), t("flows.delete_confirm")),
                kind="danger",
                busy=flag(item, "busy"),
                on_click=do("flows.confirm()"),
                custom_attrs={"data-testid": "delete-confirm"},
            ),
        ),
        title=t("flows.delete_title", name=text_of(item, "name")),
        detail=t("flows.delete_detail"),
        open=flag(item, "open"),
        on_open_change=do("flows.close()"),
    )


def dialogs() -> rx.Component:
    """All of them, closed."""
    return rx.fragment(
        slice_view("create", create_view),
        slice_view("upload", import_view),
        slice_view("rename", rename_view),
        slice_view("remove", delete_view),
        slice_view("folder", folder_view),
        slice_view("move", move_view),
        slice_view("tag", tag_view),
        slice_view("view", view_view),
        slice_view("keys", keys_view),
    )
