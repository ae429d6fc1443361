"""The Preview tab: a phone that talks to the draft on the real engine."""

import reflex as rx

from pytake_app.ui.canvas.components import (
    Item,
    PreviewFile,
    PreviewForm,
    PreviewInput,
    PreviewPending,
    PreviewScroll,
    PreviewValues,
    RichText,
    do,
    flag,
    items_of,
    number,
    slice_view,
    text_of,
)
from pytake_app.ui.components.basics import error_state, icon, icon_button, skeleton
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.editor.preview_tools import bar, walk, world

LINE_ICONS = (
    "hourglass", "ban", "headset", "flag", "circle-alert", "timer", "corner-down-right", "tag", "user-pen", "clock",
    "pencil", "play", "globe", "send", "bell",
)  # fmt: skip
FILE_ICONS = ("image", "film", "mic", "file-text", "smile", "map-pin")
_ATTACHMENTS = (
    ("image", "editor.send_photo", "preview.media('image')", "preview-send-image"),
    ("mic", "preview.send_audio", "preview.media('audio')", "preview-send-audio"),
    ("film", "preview.send_video", "preview.media('video')", "preview-send-video"),
    ("file-text", "preview.send_document", "preview.media('document')", "preview-send-document"),
    ("map-pin", "editor.send_location", "preview.location()", "preview-send-location"),
    ("contact", "preview.send_card", "preview.card()", "preview-send-card"),
    ("smile", "preview.send_reaction", "preview.react('👍')", "preview-send-reaction"),
)
_CLOSE_MENU = rx.Var("() => document.querySelectorAll('.pvatt[open]').forEach((menu) => menu.removeAttribute('open'))")


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
        rx.cond(text_of(about, "flow") != "", rx.el.div(t("preview.in_flow"), " ", text_of(about, "flow"))),
        rx.cond(items_of(about, "reads").length() > 0, rx.el.div(t("preview.read"), class_name="muted")),
        rx.foreach(items_of(about, "reads"), _pair),
        rx.cond(items_of(about, "writes").length() > 0, rx.el.div(t("preview.wrote"), class_name="muted")),
        rx.foreach(items_of(about, "writes"), _pair),
        rx.cond(
            text_of(about, "node_id") != "",
            rx.el.button(
                icon("play", "xs"),
                t("preview.start_here"),
                type="button",
                class_name="link row g4",
                on_click=do(f"preview.startAt({text_of(about, 'node_id')!s})", bubble),
            ),
        ),
        class_name="whybox meta",
        custom_attrs={"data-testid": "preview-why"},
    )


def _option(bubble: rx.Var, option: rx.Var) -> rx.Component:
    return rx.el.button(
        rx.match(
            text_of(option, "icon"),
            *[(name, icon(name, "s")) for name in ("external-link", "phone", "copy")],
            rx.fragment(),
        ),
        text_of(option, "title"),
        type="button",
        disabled=~flag(bubble, "live") | flag(option, "inert"),
        on_click=do(f"preview.press({bubble!s}, {option!s})", bubble, option),
        custom_attrs={"data-testid": "preview-button"},
    )


def _in_bubble(bubble: rx.Var) -> rx.Component:
    body = rx.el.div(
        rx.cond(
            text_of(bubble, "image") != "",
            PreviewFile.create(
                rx.el.div(
                    rx.match(
                        text_of(bubble, "icon"), *[(name, icon(name, "l")) for name in FILE_ICONS], icon("image", "l")
                    ),
                    rx.el.span(text_of(bubble, "image"), class_name="ell micro"),
                    class_name="pvimg",
                ),
                kind=text_of(bubble, "file_kind"),
                src=text_of(bubble, "file"),
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
        _reaction(bubble),
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
        rx.cond(
            text_of(bubble, "form") != "",
            rx.el.button(
                text_of(bubble, "form"),
                type="button",
                disabled=~flag(bubble, "live"),
                on_click=do(f"preview.sheet({bubble!s})", bubble),
                custom_attrs={"data-testid": "preview-form"},
            ),
        ),
        rx.cond(
            flag(bubble, "share"),
            rx.el.button(
                icon("map-pin", "s"),
                t("editor.send_location"),
                type="button",
                disabled=~flag(bubble, "live"),
                on_click=do("preview.location()"),
                custom_attrs={"data-testid": "preview-share"},
            ),
        ),
        class_name="pbt",
    )
    has_more = (
        (buttons.length() > 0)
        | (text_of(bubble, "list") != "")
        | (text_of(bubble, "url") != "")
        | (text_of(bubble, "form") != "")
        | flag(bubble, "share")
    )
    notes = rx.foreach(
        bubble["notes"].to(list[str]),
        lambda note: rx.el.div(
            icon("info", "xs"), note.to(str), class_name="pvnote", custom_attrs={"data-testid": "preview-note"}
        ),
    )
    warning = rx.cond(
        text_of(bubble, "warning") != "",
        rx.el.div(
            icon("circle-alert", "xs"),
            text_of(bubble, "warning"),
            class_name="pvnote t-red",
            custom_attrs={"data-testid": "preview-warning"},
        ),
    )
    return rx.fragment(body, notes, warning, rx.cond(flag(bubble, "open"), _why(bubble)), rx.cond(has_more, more))


def _reaction(bubble: rx.Var) -> rx.Component:
    return rx.cond(text_of(bubble, "reaction") != "", rx.el.span(text_of(bubble, "reaction"), class_name="pvreact"))


def _bubble(bubble: rx.Var) -> rx.Component:
    out = rx.el.div(
        text_of(bubble, "text"),
        rx.el.span(text_of(bubble, "time"), class_name="t"),
        _reaction(bubble),
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
            rx.cond(text_of(bubble, "form") != "", text_of(bubble, "form"), text_of(bubble, "list")),
            rx.el.span(class_name="grow"),
            icon_button("x", t("common.close"), small=True, on_click=do("preview.sheet(null)")),
            class_name="sh",
        ),
        rx.el.div(
            rx.cond(
                text_of(bubble, "form") != "",
                PreviewForm.create(),
                rx.foreach(items_of(bubble, "sections"), section),
            ),
            class_name="sb",
        ),
        class_name="sheet",
        role="dialog",
        custom_attrs={
            "aria-label": rx.cond(text_of(bubble, "form") != "", text_of(bubble, "form"), text_of(bubble, "list"))
        },
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
    failed = error_state(t("editor.preview_failed"), text_of(item, "error_text"), do("preview.again()"))
    attach = rx.el.details(
        rx.el.summary(
            icon("plus", "s"),
            class_name="ib sm",
            on_click=do("preview.pane('')"),  # the menu needs the room
            custom_attrs={
                "aria-label": t("preview.attach"),
                "title": t("preview.attach"),
                "data-testid": "preview-attach",
            },
        ),
        rx.el.div(
            *[
                rx.el.button(
                    icon(picture, "s"),
                    t(label),
                    type="button",
                    on_click=[do(call), rx.call_function(_CLOSE_MENU)],
                    custom_attrs={"data-testid": testid},
                )
                for picture, label, call, testid in _ATTACHMENTS
            ],
            class_name="pvmenu",
        ),
        class_name="pvatt",
    )
    person = rx.cond(
        flag(item, "with_person"),
        rx.el.div(
            *[
                rx.el.button(
                    t(f"preview.act_{result}"),
                    type="button",
                    class_name="btn soft sm",
                    on_click=do(f"preview.hand('{result}')"),
                    custom_attrs={"data-testid": f"preview-hand-{result}"},
                )
                for result in ("transferred", "closed", "timeout")
            ],
            class_name="row g6 wrap ctr pvhand",
        ),
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
            flag(item, "busy") & ~flag(item, "first") & (text_of(item, "error") == ""),
            rx.el.div(
                rx.el.i(), rx.el.i(), rx.el.i(), class_name="typing", custom_attrs={"aria-label": t("common.loading")}
            ),
        ),
        person,
        class_name="ms",
        label=t("editor.preview"),
    )
    drawer = rx.el.details(
        rx.el.summary(
            icon("chevron-right", "xs"),
            t("editor.variables"),
            rx.el.span(number(item, "count").to_string(), class_name="muted tn"),
        ),
        PreviewValues.create(),
        class_name="adv vd",
        custom_attrs={"data-testid": "preview-variables"},
    )
    changed = rx.cond(
        text_of(item, "notice") != "",
        rx.el.div(
            rx.el.span(text_of(item, "notice"), class_name="grow"),
            rx.el.button(t("editor.restart"), type="button", class_name="link", on_click=do("preview.restart()")),
            icon_button("x", t("common.close"), small=True, on_click=do("preview.dismiss()")),
            class_name="pvwalk amber dense",
            role="status",
            custom_attrs={"data-testid": "preview-changed"},
        ),
    )
    phone = rx.el.div(
        messages,
        rx.cond(item["sheet"], _sheet(item)),
        rx.cond(item["pending"], PreviewPending.create()),
        rx.el.div(
            attach,
            PreviewInput.create(icon("send", "s"), placeholder=t("editor.write_message"), label=t("editor.send")),
            class_name="pvin",
        ),
        class_name="pv phone-like",
    )
    return rx.fragment(bar(item), world(item), changed, rx.cond(item["walk"], walk(item)), phone, drawer)


def preview_panel() -> rx.Component:
    """The Preview tab."""
    return rx.el.div(slice_view("preview", preview_view), class_name="ibody pvwrap")
