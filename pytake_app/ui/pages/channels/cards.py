"""The numbers, a card each, and what stands there when there are none."""

import reflex as rx

from pytake_app.ui.components.basics import (
    badge,
    button,
    empty_state,
    error_state,
    icon,
    link_button,
    menu_item,
    no_permission,
    notice,
    skeleton,
)
from pytake_app.ui.components.client import relative_time
from pytake_app.ui.components.store import Item, flag, text_of, view
from pytake_app.ui.i18n import t, t_dynamic
from pytake_app.ui.pages.channels.store import ChannelCards, do, slice_view


def _act(item: Item, verb: str) -> rx.event.EventSpec:
    return do(f"channels.{verb}({item!s}.id)", item)


def _signs(item: Item) -> rx.Component:
    state = rx.match(
        text_of(item, "sign"),
        ("paused", badge(t("channels.status_paused"), "amber", dot=True)),
        ("error", badge(t("channels.status_error"), "red", dot=True)),
        ("incomplete", badge(t("channels.status_incomplete"), "amber", dot=True)),
        ("unchecked", badge(t("channels.never_checked"))),
        ("doubtful", badge(t("channels.status_doubtful"), "amber", dot=True)),
        badge(t("channels.status_active"), "jade", dot=True),
    )
    return rx.el.div(
        rx.cond(flag(item, "sandbox"), badge(t("channels.sandbox"), "violet")), state, class_name="row g6 ch-signs"
    )


def _menu(item: Item) -> rx.Component:
    def entry(picture: str, label: str, verb: str, *, danger: bool = False) -> rx.Component:
        return menu_item(
            picture,
            t(label),
            danger=danger,
            on_select=_act(item, verb),
            custom_attrs={"data-testid": f"menu-{verb}"},
        )

    trigger = rx.el.button(
        icon("ellipsis", "s"),
        type="button",
        class_name="ib sm",
        custom_attrs={"aria-label": t("channels.actions", name=text_of(item, "name")), "data-testid": "channel-menu"},
    )
    content = rx.dropdown_menu.content(
        rx.cond(
            text_of(item, "status") == "paused",
            entry("play", "channels.resume", "resume"),
            entry("pause", "channels.pause", "pause"),
        ),
        rx.dropdown_menu.separator(),
        entry("trash-2", "channels.delete", "remove", danger=True),
        align="end",
        variant="soft",
    )
    return rx.cond(
        flag(item, "sandbox"), rx.fragment(), rx.dropdown_menu.root(rx.dropdown_menu.trigger(trigger), content)
    )


def _secret(item: Item, name: str) -> rx.Component:
    kept = rx.el.span(icon("check", "xs"), t("channels.stored"), class_name="row g4 t-jade")
    missing = rx.el.span(icon("minus", "xs"), t("channels.missing"), class_name="row g4 t-amber")
    return rx.el.div(
        rx.el.dt(t(f"channels.{name}")),
        rx.el.dd(rx.cond(flag(item, f"has_{name}"), kept, missing), custom_attrs={"data-testid": f"stored-{name}"}),
    )


def _facts(item: Item) -> rx.Component:
    def plain(label: str, name: str) -> rx.Component:
        value = text_of(item, name)
        return rx.el.div(
            rx.el.dt(t(label)),
            rx.el.dd(rx.cond(value != "", value, "–"), class_name="tn break"),
        )

    checked = rx.cond(
        text_of(item, "checked") == "",
        rx.el.span(t("channels.never_checked"), class_name="muted"),
        rx.el.span(
            rx.cond(
                text_of(item, "last_code") == "",
                rx.el.span(t("channels.check_fine")),
                rx.el.span(t("channels.check_wrong"), class_name="t-red"),
            ),
            " · ",
            relative_time(text_of(item, "checked"), class_name="muted"),
        ),
    )
    when = text_of(item, "templates")
    templates = rx.cond(
        text_of(item, "templates_code") == "",
        rx.cond(
            when == "",
            rx.el.span(t("channels.templates_never"), class_name="muted"),
            relative_time(when, class_name="muted"),
        ),
        rx.el.span(t("channels.check_wrong"), class_name="t-red"),
    )
    return rx.el.dl(
        plain("channels.phone_number_id", "phone_number_id"),
        plain("channels.business_account_id", "business_account_id"),
        rx.el.div(rx.el.dt(t("channels.last_check")), rx.el.dd(checked)),
        rx.cond(
            flag(item, "sandbox"),
            rx.fragment(),
            rx.el.div(rx.el.dt(t("channels.templates")), rx.el.dd(templates)),
        ),
        _secret(item, "access_token"),
        _secret(item, "app_secret"),
        _secret(item, "verify_token"),
        class_name="ch-facts",
    )


def _answer(item: Item) -> rx.Component:
    """What the platform said, in words."""
    good = notice(
        "jade",
        "circle-check",
        rx.el.div(
            rx.cond(
                flag(item, "sandbox"),
                t("channels.answer_sandbox"),
                t("channels.answer_ok", name=text_of(item, "check_name"), phone=text_of(item, "check_phone")),
            ),
            class_name="med",
        ),
        rx.cond(
            (text_of(item, "quality") != "") & ~flag(item, "sandbox"),
            t_dynamic("channels.quality", text_of(item, "quality"), "channels.quality.unknown"),
            "",
        ),
        rx.match(
            text_of(item, "subscribed"),
            ("yes", rx.fragment(" ", t("channels.subscribed"))),
            ("no", rx.fragment(" ", t("channels.not_subscribed"))),
            rx.fragment(),
        ),
    )
    bad = notice(
        "red", "triangle-alert", t_dynamic("channels.answer", text_of(item, "check_code"), "channels.answer.other")
    )
    return rx.el.div(
        rx.match(text_of(item, "check"), ("ok", good), ("bad", bad), rx.fragment()),
        rx.cond(
            (text_of(item, "check") == "") & (text_of(item, "status") == "error"),
            notice("red", "triangle-alert", t("channels.error_detail")),
        ),
        rx.cond(text_of(item, "status") == "paused", notice("amber", "pause", t("channels.paused_detail"))),
        class_name="ch-answer",
        custom_attrs={"aria-live": "polite", "data-testid": "check-answer"},
    )


@rx.memo
def channel_card(item: rx.Var[dict]) -> rx.Component:
    """A number: who it is, how it is, what can be done."""
    head = rx.el.div(
        rx.el.span(
            rx.cond(flag(item, "sandbox"), icon("smartphone"), icon("message-circle")),
            class_name=rx.cond(flag(item, "sandbox"), "tile l g-input", "tile l g-trigger"),
        ),
        rx.el.div(
            rx.el.h2(
                rx.cond(flag(item, "sandbox"), t("channels.sandbox_name"), text_of(item, "name")),
                class_name="str ell",
            ),
            rx.el.div(
                rx.cond(text_of(item, "phone") != "", text_of(item, "phone"), t("channels.no_phone")),
                class_name="meta muted tn ell",
            ),
            class_name="grow",
        ),
        _signs(item),
        _menu(item),
        class_name="row ch-head",
    )
    test = button(
        icon("plug-zap", "s"),
        t("channels.test"),
        busy=text_of(item, "check") == "running",
        class_name="ch-test",
        on_click=_act(item, "test"),
        custom_attrs={"data-testid": "channel-test"},
    )
    own = rx.fragment(
        test,
        button(
            icon("webhook", "s"),
            t("channels.meta"),
            on_click=_act(item, "meta"),
            custom_attrs={"data-testid": "channel-meta"},
        ),
        button(
            icon("pencil", "s"),
            t("channels.edit"),
            kind="ghost",
            on_click=_act(item, "edit"),
            custom_attrs={"data-testid": "channel-edit"},
        ),
    )
    play = rx.fragment(
        test, link_button(icon("smartphone", "s"), t("channels.open_sandbox"), href="/sandbox", kind="line")
    )
    about = rx.el.p(t("channels.sandbox_detail"), class_name="dense muted")
    return rx.fragment(
        head,
        _answer(item),
        rx.cond(flag(item, "sandbox"), about, _facts(item)),
        rx.el.div(rx.cond(flag(item, "sandbox"), play, own), class_name="row wrap"),
    )


def _loading() -> rx.Component:
    def card() -> rx.Component:
        head = rx.el.div(
            rx.el.span(class_name="sk", width="var(--d-30)", height="var(--d-30)"),
            rx.el.div(skeleton("var(--d-160)"), skeleton("var(--d-96)"), class_name="col g6 grow"),
            skeleton("var(--d-72)"),
            class_name="row ch-head",
        )
        return rx.el.div(head, skeleton("80%"), skeleton("60%"), class_name="card ch-card")

    return rx.el.div(
        card(), card(), class_name="ch-cards", custom_attrs={"aria-busy": True, "aria-label": t("common.loading")}
    )


def _add(kind: str) -> rx.Component:
    return button(
        icon("plus", "s"),
        t("channels.add"),
        kind=kind,
        on_click=do("channels.add()"),
        custom_attrs={"data-testid": "channel-add"},
    )


@rx.memo
def list_view(item: rx.Var[dict]) -> rx.Component:
    """The cards, or one of the states."""
    retry = do("channels.retry()")
    invite = rx.cond(
        flag(item, "real"),
        rx.fragment(),
        rx.el.div(
            empty_state("radio", t("channels.empty"), t("channels.empty_detail"), _add("solid")), class_name="card"
        ),
    )
    return rx.match(
        text_of(item, "phase"),
        ("loading", _loading()),
        ("forbidden", rx.el.div(no_permission(), class_name="card")),
        (
            "error",
            rx.el.div(error_state(t("channels.load_failed"), t("common.failed_detail"), retry), class_name="card"),
        ),
        (
            "offline",
            rx.el.div(error_state(t("channels.load_failed"), t("channels.error.offline"), retry), class_name="card"),
        ),
        rx.el.div(invite, ChannelCards.create(view=view(channel_card)), class_name="ch-cards"),
    )


@rx.memo
def tools_view(item: rx.Var[dict]) -> rx.Component:
    """What the page is for, and the way to add a number."""
    return rx.cond(
        flag(item, "show"),
        rx.el.div(
            rx.el.p(t("channels.about"), class_name="dense muted grow"),
            rx.cond(flag(item, "real"), _add("solid")),
            class_name="row ch-tools",
        ),
    )


def cards() -> rx.Component:
    """Everything but the dialogs."""
    return rx.fragment(slice_view("tools", tools_view), slice_view("list", list_view))
