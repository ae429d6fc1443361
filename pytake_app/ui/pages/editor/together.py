"""Working together: avatars, whose view is followed, choices between two versions, why nothing is saved any more."""

from typing import Any

import reflex as rx

from pytake_app.ui.canvas.components import Arrival, RichText, TogetherSlice, do, flag, items_of, number, text_of, view
from pytake_app.ui.components.basics import button, icon, menu_item
from pytake_app.ui.i18n import t


def _slice(name: str, memo: Any) -> rx.Component:
    return TogetherSlice.create(slice=name, view=view(memo))


@rx.memo
def faces_view(item: rx.Var[dict]) -> rx.Component:
    """Who else is here; pressing somebody follows their view."""

    def face(peer: rx.Var) -> rx.Component:
        return rx.el.button(
            text_of(peer, "initials"),
            type="button",
            class_name="av a-" + text_of(peer, "hue") + rx.cond(flag(peer, "on"), " on", ""),
            title=text_of(peer, "title"),
            on_click=do(f"editor.follow({text_of(peer, 'tab')!s})", peer),
            custom_attrs={
                "aria-label": t("together.follow", name=text_of(peer, "name")),
                "aria-pressed": rx.cond(flag(peer, "on"), "true", "false"),
                "data-testid": "peer-face",
            },
        )

    more = rx.el.span("+", number(item, "more").to_string(), class_name="av a-slate tn", title=text_of(item, "rest"))
    return rx.cond(
        flag(item, "any"),
        rx.el.span(
            rx.el.span(class_name="vr only-wide"),
            rx.el.span(
                rx.foreach(items_of(item, "faces"), face),
                rx.cond(number(item, "more") > 0, more),
                class_name="avs",
                role="group",
                custom_attrs={"aria-label": t("editor.also_here"), "data-testid": "peers"},
            ),
            class_name="row g4",
        ),
    )


@rx.memo
def following_view(item: rx.Var[dict]) -> rx.Component:
    """Whose view this is."""
    return rx.cond(
        flag(item, "on"),
        rx.el.div(
            rx.el.span(t("together.following", name=text_of(item, "name"))),
            rx.el.button(
                icon("x", "s"),
                type="button",
                class_name="ib sm",
                on_click=do("editor.follow('')"),
                custom_attrs={"aria-label": t("together.unfollow"), "data-testid": "unfollow"},
            ),
            class_name="folpill dense p-" + text_of(item, "hue"),
            role="status",
            custom_attrs={"data-testid": "following"},
        ),
    )


@rx.memo
def clash_view(item: rx.Var[dict]) -> rx.Component:
    """Two versions of one field, side by side; the page goes on behind it."""
    name = text_of(item, "name")

    def side(title: rx.Var, value: str, verb: rx.Var, own: str, kind: str) -> rx.Component:
        return rx.el.div(
            rx.el.div(title, class_name="meta muted"),
            rx.el.div(
                RichText.create(text=text_of(item, value), limit=600),
                class_name="clv dense",
                custom_attrs={"data-testid": f"clash-{value}"},
            ),
            button(
                verb,
                kind=kind,
                small=True,
                on_click=do(f"together.choose({text_of(item, 'id')!s}, {own})", item),
                custom_attrs={"data-testid": f"keep-{value}"},
            ),
            class_name="col g6",
        )

    where = rx.el.div(
        rx.cond(
            text_of(item, "node") != "",
            rx.el.button(
                text_of(item, "block"),
                type="button",
                class_name="lnk med",
                on_click=do(f"together.show({text_of(item, 'node')!s})", item),
            ),
        ),
        rx.el.span(text_of(item, "where"), class_name="muted"),
        rx.cond(
            number(item, "count") > 1,
            rx.el.span(t("together.more_clashes", count=number(item, "count") - 1), class_name="meta muted"),
        ),
        class_name="row g8 wrap dense",
    )
    return rx.cond(
        flag(item, "open"),
        rx.el.div(
            rx.el.div(
                icon("git-merge", "s"),
                rx.el.span(t("together.clash", name=name), class_name="med"),
                class_name="row g8",
            ),
            where,
            rx.el.div(
                side(t("together.theirs", name=name), "theirs", t("together.keep_theirs"), "false", "line"),
                side(t("together.mine"), "mine", t("together.keep_mine"), "true", "soft"),
                class_name="cls",
            ),
            class_name="clash",
            role="alertdialog",
            custom_attrs={"aria-label": t("together.clash", name=name), "data-testid": "clash"},
        ),
    )


@rx.memo
def halted_view(item: rx.Var[dict]) -> rx.Component:
    """Why nothing is saved any more, and the way on."""

    def line(why: str, picture: str, *actions: rx.Component) -> tuple[str, rx.Component]:
        waiting = rx.cond(
            number(item, "waiting") > 0,
            rx.el.span(t("together.kept", count=number(item, "waiting")), class_name="muted"),
        )
        return why, rx.el.div(
            icon(picture, "s"),
            rx.el.span(t(f"together.{why}"), class_name="med"),
            waiting,
            rx.el.span(class_name="grow"),
            *actions,
            class_name="oldv dense wrap",
            role="alert",
            custom_attrs={"data-testid": "halted", "data-why": why},
        )

    save = button(t("together.save_copy"), small=True, on_click=do("picture.file()"))
    restore = rx.cond(
        flag(item, "may_restore"),
        button(
            t("together.restore"),
            kind="soft",
            small=True,
            on_click=do("together.restore()"),
            custom_attrs={"data-testid": "restore-flow"},
        ),
    )
    sign_in = button(
        t("together.sign_in"),
        kind="soft",
        small=True,
        on_click=do("together.signIn()"),
        custom_attrs={"data-testid": "sign-in-again"},
    )
    reload = button(t("together.reload"), kind="soft", small=True, on_click=do("together.reload()"))
    unkept = rx.el.div(
        icon("triangle-alert", "s"), rx.el.span(t("together.unkept"), class_name="med"), class_name="oldv dense"
    )
    return rx.fragment(
        rx.match(
            text_of(item, "why"),
            line("signed_out", "log-in", sign_in),
            line("forbidden", "eye", save),
            line("unreadable", "refresh-cw", reload),
            line("deleted", "trash-2", save, restore),
            rx.fragment(),
        ),
        rx.cond(flag(item, "unkept"), unkept),
    )


def people_faces() -> rx.Component:
    """Avatars for the top bar."""
    return _slice("people", faces_view)


def following_pill() -> rx.Component:
    """On the canvas, while somebody is followed."""
    return _slice("following", following_view)


def halted_bar() -> rx.Component:
    """Under the top bar."""
    return _slice("halted", halted_view)


def together_views() -> rx.Component:
    """What floats over the page."""
    return rx.fragment(_slice("clash", clash_view), Arrival.create())


def save_menu() -> rx.Component:
    """The flow as a file or a picture."""

    def entry(picture: str, label: str, call: str) -> rx.Component:
        return menu_item(
            picture,
            t(label),
            on_select=do(call),
            custom_attrs={"data-testid": "save-" + label.rsplit("_", 1)[-1]},
        )

    trigger = rx.el.button(
        icon("download", "s"),
        type="button",
        class_name="ib only-wide",
        title=t("together.save_as"),
        custom_attrs={"aria-label": t("together.save_as"), "data-testid": "save-as"},
    )
    return rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(trigger),
        rx.dropdown_menu.content(
            entry("file-json", "together.as_json", "picture.file()"),
            entry("image", "together.as_png", "picture.save('png')"),
            entry("shapes", "together.as_svg", "picture.save('svg')"),
            variant="soft",
        ),
    )
