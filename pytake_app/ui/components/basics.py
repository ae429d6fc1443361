"""Small parts used on every page. All texts are Vars from `t(...)`; all looks come from `ui/styles/00-base.css`."""

from typing import Literal

import reflex as rx

from pytake_app.ui.i18n import t

Tone = Literal["jade", "red", "amber", "blue", "violet", "cyan", "plum", "line", ""]
Text = str | rx.Var


class NativeForm(rx.el.Div):
    """A form the browser itself posts: `rx.form` always prevents that, and cookies are set by a real answer.

    Give `action` and `method` in `custom_attrs`.
    """

    tag = "form"


def icon(name: str, size: Literal["", "s", "xs", "l"] = "") -> rx.Component:
    """A lucide icon at 16 px, or small, extra small, large; hidden from screen readers."""
    return rx.icon(name, class_name=f"i-{size}" if size else "", custom_attrs={"aria-hidden": True})


def letters(initials: rx.Var) -> rx.Component:
    """What stands in a face: initials, or a sign for who has no name."""
    return rx.cond(initials != "", initials, icon("user-round", "s"))


def logo(*, large: bool = False) -> rx.Component:
    """The product's mark."""
    path = "M7.4 6H11a3 3 0 0 1 3 3v0a3 3 0 0 0 2.6 3M7.4 18H11a3 3 0 0 0 3-3v0a3 3 0 0 1 2.6-3"
    dots = [rx.el.svg.circle(cx=x, cy=y, r="2.4") for x, y in (("5", "6"), ("19", "12"), ("5", "18"))]
    drawing = rx.el.svg(
        *dots,
        rx.el.svg.path(d=path),
        view_box="0 0 24 24",
        fill="none",
        stroke="currentColor",
        stroke_width="2.4",
        stroke_linecap="round",
        custom_attrs={"aria-hidden": True},
    )
    return rx.el.span(drawing, class_name="logo l" if large else "logo")


def button(
    *children: rx.Component | Text,
    kind: Literal["solid", "line", "soft", "gray", "ghost", "dang", "danger"] = "line",
    small: bool = False,
    busy: rx.Var | bool = False,
    class_name: str = "",
    **props: object,
) -> rx.Component:
    """A button. One `solid` a view; `dang` opens a destructive dialog, `danger` confirms it. `busy` shows a spinner."""
    attrs = {"data-busy": rx.cond(busy, "true", "false"), **props.pop("custom_attrs", {})}
    props.setdefault("type", "button")
    names = " ".join(filter(None, ["btn", kind, "sm" if small else "", class_name]))
    return rx.el.button(*children, class_name=names, custom_attrs=attrs, **props)


def icon_button(name: str, label: Text, *, small: bool = False, class_name: str = "", **props: object) -> rx.Component:
    """A square button with an icon; `label` is its tooltip and its name for readers."""
    names = " ".join(filter(None, ["ib", "sm" if small else "", class_name]))
    attrs = {"aria-label": label, **props.pop("custom_attrs", {})}
    return rx.el.button(icon(name), class_name=names, title=label, type="button", custom_attrs=attrs, **props)


def link_button(
    *children: rx.Component | Text, href: Text, kind: str = "line", class_name: str = "", **props: object
) -> rx.Component:
    """A link that looks like a button; inside the app it navigates without a reload."""
    return rx.link(
        *children, href=href, class_name=f"btn {kind} {class_name}".strip(), underline="none", unstyled=True, **props
    )


def badge(label: Text | rx.Component, tone: Tone | rx.Var = "", *, dot: bool = False) -> rx.Component:
    """A sign with a word; `dot` puts a coloured dot before it."""
    names = f"bdg {tone}" if isinstance(tone, str) else "bdg " + tone
    parts = [rx.el.span(class_name=f"dot {tone}" if isinstance(tone, str) else "dot " + tone)] if dot else []
    return rx.el.span(*parts, label, class_name=names)


def kbd(*keys: str) -> rx.Component:
    """Key hints; hidden on touch screens by the style sheet."""
    return rx.fragment(*[rx.el.span(key, class_name="kbd", custom_attrs={"aria-hidden": True}) for key in keys])


def avatar(initials: Text, hue: str | rx.Var = "jade", size: Literal["", "s", "l"] = "") -> rx.Component:
    """Initials in a tinted circle."""
    base = "av l a-" if size == "l" else ("av s a-" if size == "s" else "av a-")
    return rx.el.span(initials, class_name=base + hue, custom_attrs={"aria-hidden": True})


def skeleton(width: str = "100%", class_name: str = "") -> rx.Component:
    """A placeholder bar; `width` as a percentage or a `var(--d-N)`."""
    return rx.el.span(class_name=f"sk {class_name}".strip(), width=width, custom_attrs={"aria-hidden": True})


def _state(
    picture: str, title: Text, detail: Text | None, actions: tuple[rx.Component, ...], names: str, role: str
) -> rx.Component:
    return rx.el.div(
        rx.el.div(icon(picture), class_name="pic"),
        rx.el.div(title, class_name="str"),
        rx.el.div(detail, class_name="txt dense") if detail is not None else rx.fragment(),
        rx.el.div(*actions, class_name="act") if actions else rx.fragment(),
        class_name=names,
        role=role,
    )


def empty_state(picture: str, title: Text, detail: Text | None = None, *actions: rx.Component) -> rx.Component:
    """Nothing here yet: an icon, one sentence, one action."""
    return _state(picture, title, detail, actions, "state", "status")


def error_state(title: Text, detail: Text, retry: rx.event.EventType | None = None) -> rx.Component:
    """What happened, what to do, and a way to try again."""
    actions = (button(icon("rotate-cw", "s"), t("common.retry"), on_click=retry),) if retry is not None else ()
    return _state("triangle-alert", title, detail, actions, "state bad", "alert")


def no_permission() -> rx.Component:
    """The person is known but may not see this page."""
    return _state("lock", t("common.no_permission"), t("common.no_permission_detail"), (), "state", "alert")


def notice(tone: Literal["red", "amber", "jade", ""], picture: str, *children: rx.Component | Text) -> rx.Component:
    """A tinted line inside a page or dialog."""
    return rx.el.div(
        icon(picture), rx.el.div(*children, class_name="grow"), class_name=f"notice {tone}".strip(), role="status"
    )


def segmented(*options: tuple[str, Text], value: rx.Var, on_choose: rx.event.EventType, label: Text) -> rx.Component:
    """A segmented filter: `(value, label)` pairs; `on_choose` receives the value."""
    return rx.el.div(
        *[
            rx.el.button(
                text,
                type="button",
                on_click=on_choose(option),
                custom_attrs={"aria-pressed": rx.cond(value == option, "true", "false")},
            )
            for option, text in options
        ],
        class_name="seg",
        role="group",
        custom_attrs={"aria-label": label},
    )


def search_field(placeholder: Text, value: rx.Var, on_change: rx.event.EventType, *, hint: str = "/") -> rx.Component:
    """A search box; `/` focuses it (see `focus_search_keys`). Typing is debounced by Reflex: one event a pause."""
    return rx.el.label(
        icon("search", "s"),
        rx.el.input(
            value=value,
            on_change=on_change,
            placeholder=placeholder,
            type="search",
            custom_attrs={"aria-label": placeholder, "data-search": "true"},
        ),
        kbd(hint),
        class_name="field",
    )


def form_field(
    label: Text,
    control: rx.Component,
    *,
    error: Text | rx.Var = "",
    hint: Text | None = None,
    optional: bool = False,
) -> rx.Component:
    """A labelled control with its hint and inline error. The control needs no id: the label wraps it."""
    head = rx.el.span(
        label, rx.el.span(" · ", t("common.optional"), class_name="muted") if optional else "", class_name="lbl"
    )
    return rx.el.label(
        head,
        control,
        rx.el.span(hint, class_name="hint") if hint is not None else rx.fragment(),
        rx.el.span(error, class_name="err", role="alert"),
        class_name="ff",
    )


def text_input(**props: object) -> rx.Component:
    """A single-line control in our style; takes what `rx.el.input` takes."""
    props["class_name"] = f"input {props.get('class_name', '')}".strip()
    return rx.el.input(**props)


def dialog(
    *children: rx.Component,
    title: Text,
    open: rx.Var,
    on_open_change: rx.event.EventType,
    detail: Text | None = None,
    wide: bool = False,
) -> rx.Component:
    """A modal dialog; put its buttons in `dialog_foot(...)` as the last child. Escape and the scrim close it."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(title, class_name="title", margin="0"),
            rx.dialog.description(detail, class_name="muted dense") if detail is not None else rx.fragment(),
            rx.el.div(*children, class_name="pt-dialog", margin_top="var(--d-12)"),
            max_width="var(--d-560)" if wide else "var(--d-440)",
            custom_attrs={} if detail is not None else {"aria-describedby": None},
        ),
        open=open,
        on_open_change=on_open_change,
    )


def dialog_foot(*buttons: rx.Component) -> rx.Component:
    """The row of buttons that ends a dialog: the way back first, the verb last."""
    return rx.el.div(*buttons, class_name="foot")


def menu_item(picture: str, label: Text, *, danger: bool = False, **props: object) -> rx.Component:
    """An entry of a drop-down menu."""
    if danger:
        props["color_scheme"] = "red"
    return rx.dropdown_menu.item(icon(picture, "s"), label, **props)
