"""The gallery: starter flows to look at, try by eye and use."""

from typing import Any

import reflex as rx

from pytake_app.ui.components.basics import (
    badge,
    button,
    dialog,
    dialog_foot,
    empty_state,
    error_state,
    icon,
    kbd,
    link_button,
    notice,
    skeleton,
)
from pytake_app.ui.components.store import Item, flag, number, text_of
from pytake_app.ui.i18n import LANGUAGES, t, t_dynamic
from pytake_app.ui.layout.shell import page_shell
from pytake_app.ui.pages.gallery.store import (
    FlowPicture,
    GalleryLanguage,
    GalleryRoot,
    GallerySearch,
    SampleText,
    do,
    slice_view,
)
from pytake_app.ui.session import SessionState

ROUTE = "/gallery"
ON_LOAD = [SessionState.guard]
CATEGORIES = ("service", "sales", "notices", "team")
LOCALES = {locale: f"common.language_{locale[:2]}" for locale in LANGUAGES}
STARTER_ICONS = (
    "hand",
    "life-buoy",
    "package",
    "calendar-check",
    "user-plus",
    "circle-help",
    "truck",
    "star",
    "utensils",
    "ticket",
    "package-check",
    "banknote",
    "briefcase-business",
)
_HUES = (("service", "g-message"), ("sales", "g-trigger"), ("notices", "g-logic"), ("team", "g-input"))
_NEEDS = (
    ("queue", "headset"),
    ("template", "layout-template"),
    ("url", "globe"),
    ("secret", "key-round"),
    ("tag", "tag"),
    ("webhook", "webhook"),
)


def starter_icon(name: rx.Var, category: rx.Var) -> rx.Component:
    """A starter's sign, in its category's colour."""
    signs = [(sign, icon(sign)) for sign in STARTER_ICONS]
    hue = rx.match(category, *_HUES, "g-action")
    return rx.el.span(rx.match(name, *signs, icon("workflow")), class_name="tile l " + hue.to(str))


def _category(item: Item) -> rx.Component:
    names = [(name, t(f"gallery.category_{name}")) for name in CATEGORIES]
    return badge(rx.match(text_of(item, "category"), *names, ""))


def _bubble(bubble: rx.Var) -> rx.Component:
    options = bubble["options"].to(list[str])
    body = rx.el.div(
        rx.match(
            text_of(bubble, "kind"),
            ("file", rx.el.span(icon("paperclip", "s"), class_name="ga-sign")),
            ("location", rx.el.span(icon("map-pin", "s"), class_name="ga-sign")),
            ("template", rx.el.span(icon("layout-template", "s"), class_name="ga-sign")),
            rx.fragment(),
        ),
        SampleText.create(text=text_of(bubble, "text")),
        class_name=rx.cond(flag(bubble, "mine"), "pb i", "pb o"),
    )
    buttons = rx.el.div(
        rx.foreach(options, lambda title: rx.el.span(title, class_name="ga-option")), class_name="pbt ga-options"
    )
    return rx.fragment(body, rx.cond(options.length() > 0, buttons))


def _card(item: rx.Var) -> rx.Component:
    sample = rx.el.div(
        rx.foreach(item["sample"].to(list[dict[str, Any]]), _bubble),
        class_name="ga-talk",
        custom_attrs={"aria-hidden": True},
    )
    return rx.el.li(
        rx.el.button(
            rx.el.span(
                FlowPicture.create(drawing=item["drawing"], label=t("gallery.picture", name=text_of(item, "name"))),
                sample,
                class_name="ga-pic",
            ),
            rx.el.span(
                starter_icon(text_of(item, "icon"), text_of(item, "category")),
                rx.el.span(
                    rx.el.span(text_of(item, "name"), class_name="str"),
                    rx.el.span(text_of(item, "description"), class_name="dense muted"),
                    rx.el.span(
                        _category(item),
                        rx.el.span(t("gallery.blocks", count=number(item, "blocks")), class_name="meta muted"),
                        class_name="row g8 ga-foot",
                    ),
                    class_name="col g4 grow",
                ),
                class_name="ga-words",
            ),
            type="button",
            class_name="ga-card card",
            on_click=do(f"gallery.open({text_of(item, 'key')!s})", item),
            custom_attrs={"data-testid": "gallery-card", "data-key": text_of(item, "key")},
        )
    )


@rx.memo
def tools_view(item: rx.Var[dict]) -> rx.Component:
    """Search, category, language."""
    chosen = text_of(item, "category")

    def choice(value: str, label: rx.Var, count: rx.Var) -> rx.Component:
        return rx.el.button(
            label,
            rx.el.span(count, class_name="n"),
            type="button",
            on_click=do(f"gallery.category('{value}')"),
            custom_attrs={
                "aria-pressed": rx.cond(chosen == value, "true", "false"),
                "data-testid": f"category-{value}",
            },
        )

    counts = item["counts"].to(dict[str, int])
    return rx.el.div(
        rx.el.label(
            icon("search", "s"), GallerySearch.create(placeholder=t("gallery.search")), kbd("/"), class_name="field"
        ),
        rx.el.div(
            choice("", t("gallery.category_all"), number(item, "all")),
            *[choice(name, t(f"gallery.category_{name}"), counts[name]) for name in CATEGORIES],
            class_name="seg ga-cats",
            role="group",
            custom_attrs={"aria-label": t("gallery.category")},
        ),
        rx.el.span(class_name="grow"),
        GalleryLanguage.create(label=t("gallery.language"), names=LOCALES),
        class_name="row wrap ga-tools",
    )


@rx.memo
def list_view(item: rx.Var[dict]) -> rx.Component:
    """The cards, or what stands in for them."""
    waiting = rx.el.div(
        *[
            rx.el.div(skeleton("100%", "ga-sk"), skeleton("60%"), skeleton("90%"), class_name="ga-card card wait")
            for _ in range(6)
        ],
        class_name="ga-grid",
        custom_attrs={"aria-busy": True, "aria-label": t("common.loading")},
    )
    none = empty_state(
        "search-x",
        t("gallery.none"),
        t("gallery.none_detail"),
        button(t("gallery.clear"), on_click=do("gallery.clear()")),
    )
    cards = rx.el.ul(
        rx.foreach(item["items"].to(list[dict[str, Any]]), _card),
        class_name="ga-grid",
        custom_attrs={"data-testid": "gallery"},
    )
    return rx.match(
        text_of(item, "phase"),
        ("loading", waiting),
        ("error", error_state(t("gallery.failed"), t("common.failed_detail"), do("gallery.load()"))),
        ("none", none),
        cards,
    )


def _needs(item: Item) -> rx.Component:
    def line(need: rx.Var) -> rx.Component:
        kind = text_of(need, "kind")
        signs = [(name, icon(sign, "s")) for name, sign in _NEEDS]
        words = [(name, t(f"gallery.need_{name}")) for name, _ in _NEEDS]
        return rx.el.li(
            rx.match(kind, *signs, rx.fragment()),
            rx.el.span(rx.match(kind, *words, ""), class_name="muted nw"),
            rx.el.span(text_of(need, "name"), class_name="break"),
        )

    needs = item["needs"].to(list[dict[str, Any]])
    return rx.cond(
        needs.length() > 0,
        rx.el.section(
            rx.el.h3(t("gallery.needs"), class_name="h-sec"),
            rx.el.ul(rx.foreach(needs, line), class_name="ga-list dense"),
            class_name="col g6",
        ),
    )


def _adapt(item: Item) -> rx.Component:
    def line(step: rx.Var) -> rx.Component:
        return rx.el.li(icon("pencil", "s"), rx.el.span(text_of(step, "text")))

    return rx.el.section(
        rx.el.h3(t("gallery.adapt"), class_name="h-sec"),
        rx.el.ul(rx.foreach(item["adapt"].to(list[dict[str, Any]]), line), class_name="ga-list dense"),
        class_name="col g6",
    )


@rx.memo
def detail_view(item: rx.Var[dict]) -> rx.Component:
    """One starter: picture, conversation, what it needs, and the button."""
    switch = rx.el.label(
        rx.el.button(
            type="button",
            role="switch",
            class_name="sw",
            on_click=do("gallery.translations()"),
            custom_attrs={
                "aria-checked": rx.cond(flag(item, "translations"), "true", "false"),
                "aria-label": t("gallery.translations"),
                "data-testid": "gallery-translations",
            },
        ),
        rx.el.span(
            rx.el.span(t("gallery.translations"), class_name="dense med"),
            rx.el.span(t("gallery.translations_detail"), class_name="meta muted"),
            class_name="col",
        ),
        class_name="row g12",
    )
    use = rx.cond(
        flag(item, "edit"),
        button(
            icon("plus", "s"),
            t("gallery.use"),
            kind="solid",
            busy=flag(item, "busy"),
            on_click=do("gallery.use()"),
            custom_attrs={"data-testid": "gallery-use"},
        ),
        notice("", "lock", t("gallery.only_admins")),
    )
    phone = rx.el.div(
        rx.el.div(
            rx.foreach(item["bubbles"].to(list[dict[str, Any]]), _bubble),
            class_name="ga-phone-talk",
            role="log",
            custom_attrs={"aria-label": t("gallery.sample"), "tabIndex": 0},
        ),
        class_name="ga-phone",
    )
    words = rx.el.div(
        rx.el.div(
            starter_icon(text_of(item, "icon"), text_of(item, "category")),
            rx.el.div(
                rx.dialog.title(text_of(item, "name"), class_name="title", margin="0"),
                rx.el.div(
                    _category(item),
                    rx.el.span(t("gallery.blocks", count=number(item, "blocks")), class_name="meta muted"),
                    class_name="row g8",
                ),
                class_name="col g4 grow",
            ),
            rx.dialog.close(
                rx.el.button(icon("x"), type="button", class_name="ib", custom_attrs={"aria-label": t("common.close")})
            ),
            class_name="row g12 ga-title",
        ),
        rx.dialog.description(text_of(item, "description"), class_name="lead"),
        rx.el.div(
            rx.cond(
                flag(item, "open"),
                FlowPicture.create(
                    drawing=item["drawing"], label=t("gallery.picture", name=text_of(item, "name")), words=True
                ),
            ),
            class_name="ga-big",
        ),
        rx.el.div(_adapt(item), _needs(item), class_name="ga-facts"),
        switch,
        rx.cond(
            text_of(item, "problem") != "",
            notice(
                "red", "circle-alert", t_dynamic("gallery.problem", text_of(item, "problem"), "gallery.problem.unknown")
            ),
        ),
        rx.el.div(use, class_name="ga-do"),
        class_name="ga-about",
    )
    return rx.dialog.root(
        rx.dialog.content(words, phone, class_name="ga-dialog", max_width="var(--d-1040)"),
        open=flag(item, "open"),
        on_open_change=do("gallery.close()"),
    )


@rx.memo
def keys_view(item: rx.Var[dict]) -> rx.Component:
    """What the keyboard does here."""

    def line(label: str, key: str) -> rx.Component:
        return rx.el.div(rx.el.span(t(label), class_name="grow"), kbd(key), class_name="row dense fl-keyrow")

    return dialog(
        line("flows.keys_search", "/"),
        line("gallery.keys_next", "Tab"),
        line("gallery.keys_open", "Enter"),
        line("flows.keys_sheet", "?"),
        dialog_foot(button(t("common.close"), kind="ghost", on_click=do("gallery.keys(false)"))),
        title=t("flows.keys_title"),
        open=flag(item, "open"),
        on_open_change=do("gallery.keys(false)"),
    )


def page() -> rx.Component:
    """The page."""
    me = {"id": SessionState.user_id, "role": SessionState.role, "permissions": SessionState.permissions}
    head = rx.el.p(t("gallery.lead"), class_name="lead muted")
    return page_shell(
        "gallery.title",
        GalleryRoot.create(
            head,
            slice_view("tools", tools_view),
            slice_view("list", list_view),
            slice_view("detail", detail_view),
            slice_view("keys", keys_view),
            me=me,
        ),
        active="gallery",
        actions=[link_button(t("gallery.to_flows"), href="/flows", kind="ghost", class_name="only-wide")],
    )
