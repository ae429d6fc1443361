"""The sandbox phone: a WhatsApp look-alike that talks to the real webhook (`ui/js/phone.js`)."""

from typing import Any

import reflex as rx

from pytake_app.core.tenancy import Principal
from pytake_app.ui import push
from pytake_app.ui.components.basics import button, empty_state, error_state, icon, icon_button, skeleton
from pytake_app.ui.components.store import Item, call, view
from pytake_app.ui.i18n import t, t_dynamic
from pytake_app.ui.session import protected

PHONE = "$/public/pt_phone.js"


class PhoneState(rx.State):
    """Only a subscription: the phone's messages live in the browser and come by REST."""

    @rx.event
    @protected(role="viewer")
    async def watch(self, who: Principal) -> None:
        """`on_load` of pages with a phone: hear of messages that reach this organization's phones."""
        push.watch(self, who, "phone", f"org:{who.organization_id}:sandbox")


class PhonePart(rx.Component):
    """Base of the pieces exported by `phone.js`."""

    library = PHONE


class PhoneScreen(PhonePart):
    """Head, messages and list sheet, each rendered by a memo; children show before the first message."""

    tag = "PhoneScreen"
    account: rx.Var[str]
    view: rx.Var[Any]
    sheet: rx.Var[Any]
    head: rx.Var[Any]


class PhonePhase(PhonePart):
    """Children while the phone is loading, ready, empty, none or error."""

    tag = "PhonePhase"
    phase: rx.Var[str]


class PhoneProblem(PhonePart):
    """`view` with `{problem}` when a message couldn't be sent."""

    tag = "PhoneProblem"
    view: rx.Var[Any]


class PhoneInput(PhonePart):
    """The text box and its button."""

    tag = "PhoneInput"
    placeholder: rx.Var[str]
    label: rx.Var[str]


class WireLog(PhonePart):
    """The JSON that went each way; `view` renders a line's head."""

    tag = "WireLog"
    view: rx.Var[Any]


class PhoneProgress(PhonePart):
    """`view` with `{sent, received, pressed}`: what the person has tried so far."""

    tag = "PhoneProgress"
    view: rx.Var[Any]


def do(source: str, *data: rx.Var) -> rx.event.EventSpec:
    """An event that calls the phone's store."""
    return call(PHONE, source, *data)


def _text(item: Item, name: str) -> rx.vars.StringVar:
    return item[name].to(str)


@rx.memo
def phone_head(item: rx.Var[dict]) -> rx.Component:
    """Whom one is talking to."""
    return rx.el.div(
        rx.el.span(icon("store"), class_name="av a-jade", width="var(--d-34)", height="var(--d-34)"),
        rx.el.div(
            rx.el.div(_text(item, "name"), class_name="str dense ell"),
            rx.el.div(t("sandbox.online"), class_name="micro muted"),
            class_name="grow",
        ),
        icon_button("map-pin", t("sandbox.send_location"), small=True, on_click=do("phone.location()")),
        icon_button(
            "repeat",
            t("sandbox.reset"),
            small=True,
            on_click=do("phone.reset()"),
            custom_attrs={"data-testid": "phone-reset"},
        ),
        class_name="ph",
    )


def _ticks(item: Item) -> rx.Component:
    read = _text(item, "status") == "read"
    picture = rx.cond(_text(item, "status") == "sent", icon("check", "xs"), icon("check-check", "xs"))
    return rx.el.span(
        picture, class_name="tick", custom_attrs={"data-status": rx.cond(read, "read", _text(item, "status"))}
    )


def _reply_button(item: Item, one: rx.Var[dict]) -> rx.Component:
    on = one["on"].to(bool)
    return rx.el.button(
        rx.cond(on, icon("check", "s"), icon("reply", "s")),
        one["title"].to(str),
        type="button",
        disabled=on,
        on_click=do(f"phone.press({item!s}, {one!s})", item, one),
        custom_attrs={"data-testid": "phone-button"},
    )


@rx.memo
def phone_item(item: rx.Var[dict]) -> rx.Component:
    """A message as the contact sees it."""
    mine = item["mine"].to(bool)
    buttons = item["buttons"].to(list[dict])
    words = rx.cond(
        _text(item, "text") != "",
        _text(item, "text"),
        rx.cond(
            _text(item, "image") == "",
            rx.el.span(t_dynamic("inbox.kind", _text(item, "type"), "inbox.kind.unsupported"), class_name="muted"),
        ),
    )
    bubble = rx.el.div(
        rx.cond(_text(item, "image") != "", rx.el.img(src=_text(item, "image"), alt="", loading="lazy")),
        rx.cond(_text(item, "header") != "", rx.el.div(_text(item, "header"), class_name="hdr")),
        words,
        rx.cond(
            _text(item, "link") != "",
            rx.el.div(
                rx.el.a(
                    _text(item, "link_name"),
                    href=_text(item, "link"),
                    class_name="link",
                    target="_blank",
                    rel="noopener",
                )
            ),
        ),
        rx.cond(_text(item, "footer") != "", rx.el.div(_text(item, "footer"), class_name="foot")),
        rx.el.span(_text(item, "time"), rx.cond(mine, _ticks(item)), class_name="t"),
        class_name=rx.cond(mine, "pb o", "pb i"),
        custom_attrs={"data-testid": rx.cond(mine, "phone-out", "phone-in")},
    )
    more = rx.fragment(
        rx.foreach(buttons, lambda one: _reply_button(item, one)),
        rx.cond(
            _text(item, "list") != "",
            rx.el.button(
                icon("list", "s"),
                _text(item, "list"),
                type="button",
                on_click=do(f"phone.sheet({item!s})", item),
                custom_attrs={"data-testid": "phone-list"},
            ),
        ),
        rx.cond(
            _text(item, "url") != "",
            rx.el.a(
                rx.el.button(icon("external-link", "s"), _text(item, "url_text"), type="button"),
                href=_text(item, "url"),
                target="_blank",
                rel="noopener noreferrer",
            ),
        ),
    )
    has_more = (buttons.length() > 0) | (_text(item, "list") != "") | (_text(item, "url") != "")
    return rx.fragment(bubble, rx.cond(has_more, rx.el.div(more, class_name="pbt")))


def _list_row(item: Item, row: rx.Var[dict]) -> rx.Component:
    return rx.el.button(
        rx.el.div(row["title"].to(str), class_name="med"),
        rx.cond(row["description"], rx.el.div(row["description"].to(str), class_name="meta muted")),
        type="button",
        on_click=do(f"phone.pick({item!s}, {row!s})", item, row),
        custom_attrs={"data-testid": "phone-row"},
    )


def _section(item: Item, section: rx.Var[dict]) -> rx.Component:
    rows = rx.foreach(section["rows"].to(list[dict]), lambda row: _list_row(item, row))
    return rx.fragment(rx.cond(section["title"] != "", rx.el.h6(section["title"].to(str))), rows)


@rx.memo
def phone_sheet(item: rx.Var[dict]) -> rx.Component:
    """The rows of a list message."""
    head = rx.el.div(
        _text(item, "list"),
        rx.el.span(class_name="grow"),
        icon_button("x", t("common.close"), small=True, on_click=do("phone.close()")),
        class_name="sh",
    )
    body = rx.el.div(
        rx.foreach(item["sections"].to(list[dict]), lambda section: _section(item, section)), class_name="sb"
    )
    return rx.el.div(head, body, class_name="sheet", role="dialog")


@rx.memo
def phone_problem(item: rx.Var[dict]) -> rx.Component:
    """Why the phone's message didn't leave."""
    return rx.el.div(
        icon("circle-alert", "s"),
        t_dynamic("sandbox.problem", _text(item, "problem"), "sandbox.problem.unknown"),
        class_name="notice red err",
        role="alert",
    )


def sandbox_phone(account: rx.Var | str = "") -> rx.Component:
    """The phone. Pages that show it put `PhoneState.watch` into their `on_load`.

    Parameters:
        account: id of the sandbox channel account; empty = the organization's first.
    """
    loading = rx.el.div(
        skeleton("70%", "l"), skeleton("50%", "l"), class_name="col g8", custom_attrs={"aria-busy": True}
    )
    before = (
        PhonePhase.create(loading, phase="loading"),
        PhonePhase.create(
            empty_state(
                "message-circle",
                t("sandbox.say_hello"),
                t("sandbox.say_hello_detail"),
                button(
                    t("sandbox.hello"),
                    kind="soft",
                    on_click=do("phone.text('oi')"),
                    custom_attrs={"data-testid": "phone-hello"},
                ),
            ),
            phase="empty",
        ),
        PhonePhase.create(empty_state("smartphone", t("sandbox.none"), t("sandbox.none_detail")), phase="none"),
        PhonePhase.create(
            error_state(t("sandbox.error"), t("sandbox.error_detail"), do("phone.reload()")), phase="error"
        ),
    )
    screen = PhoneScreen.create(
        *before, account=account, view=view(phone_item), sheet=view(phone_sheet), head=view(phone_head)
    )
    return rx.el.div(
        rx.el.div(
            screen,
            PhoneProblem.create(view=view(phone_problem)),
            PhoneInput.create(icon("send", "s"), placeholder=t("sandbox.message"), label=t("sandbox.send")),
            class_name="sc",
        ),
        class_name="phone",
        role="group",
        custom_attrs={"data-testid": "phone", "aria-label": t("sandbox.title")},
    )
