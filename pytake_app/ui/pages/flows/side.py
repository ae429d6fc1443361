"""Beside the table: folders, tags, saved views, the archive."""

import reflex as rx

from pytake_app.ui.components.basics import icon, menu_item
from pytake_app.ui.components.store import flag, number, text_of
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.flows.store import FolderDrop, do, slice_view

# Padding of a folder by its depth; deeper ones stay at the last step.
_STEPS = ("var(--d-4)", "var(--d-16)", "var(--d-28)", "var(--d-40)", "var(--d-48)", "var(--d-56)")


def _entry(
    picture: rx.Component, label: rx.Var | str, count: rx.Var, on: rx.Var, click: rx.event.EventSpec, **more: object
) -> rx.Component:
    return rx.el.button(
        picture,
        rx.el.span(label, class_name="ell grow"),
        rx.el.span(count, class_name="n tn"),
        type="button",
        class_name=rx.cond(on, "fl-sd on", "fl-sd"),
        on_click=click,
        custom_attrs={"aria-pressed": rx.cond(on, "true", "false"), **more},
    )


def _title(label: str, *actions: rx.Component) -> rx.Component:
    return rx.el.div(rx.el.span(t(label)), rx.el.span(class_name="grow"), *actions, class_name="fl-sdt")


def _folder(edit: rx.Var) -> "rx.Component":
    def entry(folder: rx.Var) -> rx.Component:
        identity = f"{folder!s}.id"

        def act(picture: str, label: str, verb: str, *, danger: bool = False) -> rx.Component:
            return menu_item(
                picture,
                t(label),
                danger=danger,
                on_select=do(f"flows.{verb}({identity})", folder),
                custom_attrs={"data-testid": f"folder-{verb}"},
            )

        trigger = rx.el.button(
            icon("ellipsis", "xs"),
            type="button",
            class_name="ib sm fl-sdm",
            custom_attrs={
                "aria-label": t("flows.folder_actions", name=text_of(folder, "name")),
                "data-testid": "folder-menu",
            },
        )
        menu = rx.dropdown_menu.root(
            rx.dropdown_menu.trigger(trigger),
            rx.dropdown_menu.content(
                act("folder-plus", "flows.folder_new_inside", "newFolder"),
                act("pencil", "flows.rename", "renameFolder"),
                act("folder-input", "flows.move", "moveFolder"),
                rx.dropdown_menu.separator(),
                act("trash-2", "flows.folder_delete", "removeFolder", danger=True),
                variant="soft",
            ),
        )
        fold = rx.cond(
            flag(folder, "inside"),
            rx.el.button(
                rx.cond(flag(folder, "open"), icon("chevron-down", "xs"), icon("chevron-right", "xs")),
                type="button",
                class_name="fl-fold",
                on_click=do(f"flows.fold({identity})", folder),
                custom_attrs={
                    "aria-label": t("flows.fold", name=text_of(folder, "name")),
                    "aria-expanded": rx.cond(flag(folder, "open"), "true", "false"),
                },
            ),
            rx.el.span(class_name="fl-fold"),
        )
        steps = [(number_, width) for number_, width in enumerate(_STEPS[:-1])]
        return FolderDrop.create(
            rx.el.div(
                fold,
                _entry(
                    rx.cond(flag(folder, "on"), icon("folder-open", "s"), icon("folder", "s")),
                    text_of(folder, "name"),
                    number(folder, "count").to_string(),
                    flag(folder, "on"),
                    do(f"flows.folder({identity})", folder),
                    **{"data-testid": "folder"},
                ),
                rx.cond(edit, menu),
                class_name="fl-sdr",
                padding_left=rx.match(number(folder, "depth"), *steps, _STEPS[-1]),
            ),
            folder=text_of(folder, "id"),
            class_name="fl-drp",
        )

    return entry


@rx.memo
def side_view(item: rx.Var[dict]) -> rx.Component:
    """The panel, when it is open."""
    edit = flag(item, "edit")
    add = rx.cond(
        edit,
        rx.el.button(
            icon("folder-plus", "s"),
            type="button",
            class_name="ib sm",
            on_click=do("flows.newFolder()"),
            title=t("flows.folder_new"),
            custom_attrs={"aria-label": t("flows.folder_new"), "data-testid": "folder-new"},
        ),
    )
    keep = rx.cond(
        flag(item, "can_save"),
        rx.el.button(
            icon("bookmark-plus", "s"),
            type="button",
            class_name="ib sm",
            on_click=do("flows.saveView()"),
            title=t("flows.view_save"),
            custom_attrs={"aria-label": t("flows.view_save"), "data-testid": "view-save"},
        ),
    )

    def tag(entry: rx.Var) -> rx.Component:
        return _entry(
            icon("tag", "s"),
            text_of(entry, "tag"),
            number(entry, "count").to_string(),
            flag(entry, "on"),
            do(f"flows.byTag({entry!s}.tag)", entry),
            **{"data-testid": "tag"},
        )

    def saved(entry: rx.Var) -> rx.Component:
        return rx.el.div(
            rx.el.button(
                icon("bookmark", "s"),
                rx.el.span(text_of(entry, "name"), class_name="ell grow"),
                type="button",
                class_name="fl-sd",
                on_click=do(f"flows.view({entry!s}.id)", entry),
                custom_attrs={"data-testid": "saved-view"},
            ),
            rx.el.button(
                icon("x", "xs"),
                type="button",
                class_name="ib sm fl-sdm",
                on_click=do(f"flows.forgetView({entry!s}.id)", entry),
                custom_attrs={
                    "aria-label": t("flows.view_forget", name=text_of(entry, "name")),
                    "data-testid": "view-forget",
                },
            ),
            class_name="fl-sdr",
        )

    tags = item["tags"].to(list[dict[str, object]])
    views = item["views"].to(list[dict[str, object]])
    panel = rx.el.nav(
        _entry(
            icon("layers", "s"),
            t("flows.everything"),
            number(item, "all").to_string(),
            flag(item, "plain"),
            do("flows.everything()"),
        ),
        _title("flows.folders", add),
        rx.foreach(item["folders"].to(list[dict[str, object]]), _folder(edit)),
        rx.cond(
            flag(item, "has_folders"),
            FolderDrop.create(
                rx.el.div(
                    rx.el.span(class_name="fl-fold"),
                    _entry(
                        icon("folder-x", "s"),
                        t("flows.unfiled"),
                        number(item, "unfiled").to_string(),
                        text_of(item, "folder") == "none",
                        do("flows.folder('none')"),
                    ),
                    class_name="fl-sdr",
                    padding_left=_STEPS[0],
                ),
                folder="",
                class_name="fl-drp",
            ),
            rx.el.div(t("flows.no_folders"), class_name="meta muted fl-hint"),
        ),
        rx.cond(tags.length() > 0, rx.fragment(_title("flows.tags"), rx.foreach(tags, tag))),
        rx.cond(
            (views.length() > 0) | flag(item, "can_save"),
            rx.fragment(_title("flows.views", keep), rx.foreach(views, saved)),
        ),
        rx.cond(
            (number(item, "archive") > 0) | flag(item, "archived"),
            rx.el.div(
                _entry(
                    icon("archive", "s"),
                    t("flows.archived"),
                    number(item, "archive").to_string(),
                    flag(item, "archived"),
                    do("flows.archived()"),
                    **{"data-testid": "archived"},
                ),
                class_name="fl-sda",
            ),
        ),
        class_name="card fl-side",
        custom_attrs={"aria-label": t("flows.folders"), "data-testid": "flow-folders"},
    )
    return rx.cond(flag(item, "open"), panel)


def side() -> rx.Component:
    """The panel."""
    return slice_view("side", side_view)
