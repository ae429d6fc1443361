"""Around the preview phone: where it stands, its world (clock, channel, contact…), a path that plays by itself."""

import reflex as rx

from pytake_app.ui.canvas.components import Item, PreviewPane, do, flag, items_of, number, text_of
from pytake_app.ui.canvas.parts import PreviewLanguage
from pytake_app.ui.components.basics import icon, icon_button
from pytake_app.ui.i18n import t

PANES = (
    ("clock", "clock", "preview.clock"),
    ("channel", "radio", "preview.channel"),
    ("contact", "user", "preview.contact"),
    ("mocks", "globe", "preview.mocks"),
    ("save", "flask-conical", "preview.save_test"),
)


def bar(item: Item) -> rx.Component:
    """Where the conversation stands, and what can be done with it as a whole."""
    where = rx.cond(
        text_of(item, "at") != "",
        rx.el.button(
            text_of(item, "at"),
            type="button",
            class_name="link ell",
            on_click=do(f"preview.show({text_of(item, 'at_id')!s})", item),
        ),
    )
    start = rx.cond(
        text_of(item, "start_id") != "",
        icon_button(
            "play",
            t("preview.start_at", name=text_of(item, "start_name")),
            small=True,
            on_click=do(f"preview.startAt({text_of(item, 'start_id')!s})", item),
            custom_attrs={"data-testid": "preview-start-here"},
        ),
    )
    return rx.el.div(
        rx.el.div(
            rx.el.div(text_of(item, "status"), class_name="med dense", custom_attrs={"data-testid": "preview-status"}),
            where,
            class_name="grow col",
        ),
        start,
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


def world(item: Item) -> rx.Component:
    """Clock, channel, contact, answers from outside, saving: each opens below."""

    def choice(name: str, picture: str, label: str) -> rx.Component:
        said = {
            "clock": text_of(item, "now"),
            "channel": text_of(item, "channel_name"),
            "contact": text_of(item, "contact_name"),
        }.get(name)
        made = rx.el.button(
            icon(picture, "xs"),
            rx.el.span(said, class_name="ell") if said is not None else rx.fragment(),
            type="button",
            class_name="pvw" if said is not None else "pvw only",
            on_click=do(f"preview.pane('{name}')"),
            custom_attrs={
                "aria-label": t(label),
                "title": t(label),
                "aria-expanded": text_of(item, "pane") == name,
                "data-testid": f"preview-{name}",
            },
        )
        if name == "mocks":
            return rx.cond(items_of(item, "mocks").length() > 0, made)
        if name == "save":
            return rx.cond(flag(item, "locked") | (number(item, "steps") == 0), rx.fragment(), made)
        return made

    window = rx.cond(
        (text_of(item, "pane") == "clock") & (text_of(item, "window") != ""),
        rx.el.div(
            text_of(item, "window"),
            class_name=rx.cond(flag(item, "window_open"), "meta muted pvwin", "meta t-red pvwin"),
        ),
    )
    return rx.fragment(
        rx.el.div(*[choice(*pane) for pane in PANES], class_name="pvworld"), PreviewPane.create(), window
    )


def walk(item: Item) -> rx.Component:
    walk = item["walk"].to(dict)
    return rx.el.div(
        rx.cond(
            flag(walk, "done"),
            rx.el.span(text_of(walk, "verdict"), class_name=rx.cond(flag(walk, "faithful"), "grow", "grow t-amber")),
            rx.el.span(t("preview.walking", turn=number(walk, "turn"), of=number(walk, "of")), class_name="grow tn"),
        ),
        rx.cond(
            ~flag(walk, "done"),
            rx.fragment(
                rx.el.button(
                    rx.cond(flag(walk, "auto"), icon("pause", "s"), icon("play", "s")),
                    type="button",
                    class_name="ib sm",
                    on_click=do("preview.pause()"),
                    custom_attrs={"aria-label": t("preview.pause"), "data-testid": "walk-pause"},
                ),
                icon_button(
                    "step-forward",
                    t("preview.next"),
                    small=True,
                    on_click=do("preview.step()"),
                    custom_attrs={"data-testid": "walk-step"},
                ),
            ),
        ),
        rx.el.button(
            t("preview.go_on"),
            type="button",
            class_name="btn line sm",
            on_click=do("preview.endWalk()"),
            custom_attrs={"data-testid": "walk-end"},
        ),
        class_name="pvwalk dense",
        custom_attrs={"data-testid": "preview-walk"},
    )
