"""The Preview tab: a phone that talks to the draft on the real engine."""

import reflex as rx

from pytake_app.ui.canvas.components import (
    Item,
    PreviewInput,
    PreviewScroll,
    RichText,
    do,
    flag,
    items_of,
    number,
    slice_view,
    text_of,
)
from pytake_app.ui.canvas.parts import PreviewLanguage
from pytake_app.ui.components.basics import error_state, icon, icon_button, skeleton
from pytake_app.ui.i18n import t

LINE_ICONS = ("hourglass", "ban", "headset", "flag", "circle-alert", "timer", "corner-down-right", "tag", "user-pen")


def _pair(pair: rx.Var) -> rx.Component:
    return rx.el.div(
        rx.el.span(text_of(pair, "name"), class_name="var ell"),
        rx.el.span(text_of(pair, "value"), class_name="ell"),
        class_name="row g6 meta",
    )


def _why(bubble: rx.Var) -> rx.Component:
    about = bubble["about"].to(dict)
    return rx.el.div(
        rx.el.div(
            icon("map-pin", "xs"),
            rx.el.button(
                text_of(about, "node"),
                type="button",
                class_name="link",
                on_click=do(f"preview.show({text_of(about, 'node_id')!s})", bubble),
            ),
            class_name="row g4",
        ),
        rx.cond(
            text_of(about, "port") != "",
            rx.el.div(t("editor.left_by", port=text_of(about, "port")), class_name="muted"),
        ),
        rx.cond(text_of(about, "why") != "", rx.el.div(text_of(about, "why"), class_name="muted")),
        rx.foreach(items_of(about, "reads"), _pair),
        rx.foreach(items_of(about, "writes"), _pair),
        class_name="whybox meta",
    )


def _option(bubble: rx.Var, option: rx.Var) -> rx.Component:
    return rx.el.button(
        text_of(option, "title"),
        type="button",
        disabled=~flag(bubble, "live"),
        on_click=do(f"preview.press({bubble!s}, {option!s})", bubble, option),
        custom_attrs={"data-testid": "preview-button"},
    )


def _in_bubble(bubble: rx.Var) -> rx.Component:
    body = rx.el.div(
        rx.cond(
            text_of(bubble, "image") != "",
            rx.el.div(
                icon("image", "l"), rx.el.span(text_of(bubble, "image"), class_name="ell micro"), class_name="pvimg"
            ),
        ),
        rx.cond(text_of(bubble, "header") != "", rx.el.div(text_of(bubble, "header"), class_name="hdr")),
        RichText.create(text=text_of(bubble, "text"), limit=0),
        rx.cond(text_of(bubble, "footer") != "", rx.el.div(text_of(bubble, "footer"), class_name="foot")),
        rx.el.span(
            rx.el.button(
                t("editor.why"),
                type="button",
                class_name="why",
                on_click=do(f"preview.why({text_of(bubble, 'key')!s})", bubble),
                custom_attrs={"aria-expanded": flag(bubble, "open")},
            ),
            text_of(bubble, "time"),
            class_name="t",
        ),
        class_name="pb i",
        custom_attrs={"data-testid": "preview-in"},
    )
    buttons = items_of(bubble, "buttons")
    more = rx.el.div(
        rx.foreach(buttons, lambda option: _option(bubble, option)),
        rx.cond(
            text_of(bubble, "list") != "",
            rx.el.button(
                icon("list", "s"),
                text_of(bubble, "list"),
                type="button",
                disabled=~flag(bubble, "live"),
                on_click=do(f"preview.sheet({bubble!s})", bubble),
                custom_attrs={"data-testid": "preview-list"},
            ),
        ),
        rx.cond(
            text_of(bubble, "url") != "",
            rx.el.button(icon("external-link", "s"), text_of(bubble, "url_text"), type="button", disabled=True),
        ),
        class_name="pbt",
    )
    has_more = (buttons.length() > 0) | (text_of(bubble, "list") != "") | (text_of(bubble, "url") != "")
    return rx.fragment(body, rx.cond(flag(bubble, "open"), _why(bubble)), rx.cond(has_more, more))


def _bubble(bubble: rx.Var) -> rx.Component:
    out = rx.el.div(
        text_of(bubble, "text"),
        rx.el.span(text_of(bubble, "time"), class_name="t"),
        class_name="pb o",
        custom_attrs={"data-testid": "preview-out"},
    )
    line = rx.el.div(
        rx.match(text_of(bubble, "icon"), *[(name, icon(name, "xs")) for name in LINE_ICONS], rx.fragment()),
        rx.el.span(text_of(bubble, "text")),
        class_name=rx.cond(text_of(bubble, "tone") == "red", "pvline t-red", "pvline"),
        custom_attrs={"data-testid": "preview-line"},
    )
    return rx.match(text_of(bubble, "kind"), ("in", _in_bubble(bubble)), ("out", out), line)


def _sheet(item: Item) -> rx.Component:
    bubble = item["sheet"].to(dict)

    def row(one: rx.Var) -> rx.Component:
        return rx.el.button(
            rx.el.div(text_of(one, "title"), class_name="med"),
            rx.cond(text_of(one, "description") != "", rx.el.div(text_of(one, "description"), class_name="meta muted")),
            type="button",
            on_click=do(f"preview.press({bubble!s}, {one!s})", bubble, one),
            custom_attrs={"data-testid": "preview-row"},
        )

    def section(one: rx.Var) -> rx.Component:
        return rx.fragment(
            rx.cond(text_of(one, "title") != "", rx.el.h6(text_of(one, "title"))),
            rx.foreach(items_of(one, "rows"), row),
        )

    return rx.el.div(
        rx.el.div(
            text_of(bubble, "list"),
            rx.el.span(class_name="grow"),
            icon_button("x", t("common.close"), small=True, on_click=do("preview.sheet(null)")),
            class_name="sh",
        ),
        rx.el.div(rx.foreach(items_of(bubble, "sections"), section), class_name="sb"),
        class_name="sheet",
        role="dialog",
    )


@rx.memo
def preview_view(item: rx.Var[dict]) -> rx.Component:
    """The phone and what surrounds it."""

    def hint(word: rx.Var) -> rx.Component:
        return rx.el.button(
            word.to(str),
            type="button",
            class_name="btn soft sm",
            on_click=do(f"preview.text({word!s})", word),
            custom_attrs={"data-testid": "preview-hint"},
        )

    hints = rx.el.div(
        rx.el.div(t("editor.say_something"), class_name="muted dense"),
        rx.el.div(rx.foreach(item["hints"].to(list[str]), hint), class_name="row g6 wrap ctr"),
        class_name="pvhints",
    )
    loading = rx.el.div(
        skeleton("70%", "l"), skeleton("50%", "l"), class_name="col g8", custom_attrs={"aria-busy": True}
    )
    failed = error_state(t("editor.preview_failed"), t("common.failed_detail"), do("preview.restart()"))
    where = rx.cond(
        text_of(item, "at") != "",
        rx.el.button(
            text_of(item, "at"),
            type="button",
            class_name="link ell",
            on_click=do(f"preview.show({text_of(item, 'at_id')!s})", item),
        ),
    )
    tools = rx.el.div(
        rx.el.div(
            rx.el.div(text_of(item, "status"), class_name="med dense", custom_attrs={"data-testid": "preview-status"}),
            where,
            class_name="grow col",
        ),
        icon_button(
            "hourglass",
            t("editor.let_time_pass"),
            small=True,
            disabled=~flag(item, "can_wait"),
            on_click=do("preview.wait()"),
            custom_attrs={"data-testid": "preview-wait"},
        ),
        icon_button(
            "step-back",
            t("editor.step_back"),
            small=True,
            disabled=number(item, "steps") == 0,
            on_click=do("preview.back()"),
            custom_attrs={"data-testid": "preview-back"},
        ),
        PreviewLanguage.create(),
        icon_button(
            "rotate-ccw",
            t("editor.restart"),
            small=True,
            on_click=do("preview.restart()"),
            custom_attrs={"data-testid": "preview-restart"},
        ),
        class_name="pvbar",
    )
    attach = rx.el.div(
        icon_button("image", t("editor.send_photo"), small=True, on_click=do("preview.media()")),
        icon_button("map-pin", t("editor.send_location"), small=True, on_click=do("preview.location()")),
        class_name="row g2",
    )
    messages = PreviewScroll.create(
        rx.cond(
            text_of(item, "error") != "",
            failed,
            rx.cond(flag(item, "first"), loading, rx.foreach(items_of(item, "list"), _bubble)),
        ),
        rx.cond(
            flag(item, "empty") | ((number(item, "steps") == 0) & ~flag(item, "can_wait") & ~flag(item, "first")), hints
        ),
        rx.cond(
            flag(item, "busy") & ~flag(item, "first"),
            rx.el.div(
                rx.el.i(), rx.el.i(), rx.el.i(), class_name="typing", custom_attrs={"aria-label": t("common.loading")}
            ),
        ),
        class_name="ms",
        label=t("editor.preview"),
    )
    variables = items_of(item, "variables")
    drawer = rx.el.details(
        rx.el.summary(
            icon("chevron-right", "xs"),
            t("editor.variables"),
            rx.el.span(variables.length().to_string(), class_name="muted tn"),
        ),
        rx.el.div(
            rx.foreach(variables, _pair),
            rx.cond(variables.length() == 0, rx.el.span(t("editor.no_values"), class_name="meta muted")),
            class_name="col g6",
        ),
        class_name="adv vd",
        custom_attrs={"data-testid": "preview-variables"},
    )
    phone = rx.el.div(
        messages,
        rx.cond(item["sheet"], _sheet(item)),
        rx.el.div(
            attach,
            PreviewInput.create(icon("send", "s"), placeholder=t("editor.write_message"), label=t("editor.send")),
            class_name="pvin",
        ),
        class_name="pv phone-like",
    )
    return rx.fragment(tools, phone, drawer)


def preview_panel() -> rx.Component:
    """The Preview tab."""
    return rx.el.div(slice_view("preview", preview_view), class_name="ibody pvwrap")
