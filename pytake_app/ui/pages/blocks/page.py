"""Every block of the flow editor with its fields and exits, written from the same models as the inspector.

All of it is known when the pages are built: the page is plain text in the three languages, and `/help/blocks#msg_text`
leads to one block.
"""

from itertools import groupby

import reflex as rx

from pytake_app.ui.canvas.specs import BrowserField, NodeSpec, PortList, PortSpec, node_specs
from pytake_app.ui.components.basics import icon
from pytake_app.ui.i18n import DEFAULT_LANGUAGE, catalogues, t
from pytake_app.ui.layout.shell import page_shell
from pytake_app.ui.session import SessionState

ROUTE = "/help/blocks"
ON_LOAD = [SessionState.guard]


def _known(key: str | None) -> bool:
    return key in catalogues()[DEFAULT_LANGUAGE]


def _joined(texts: list[rx.Var]) -> rx.Component:
    parts = [part for text in texts for part in (" · ", text)]
    return rx.fragment(*parts[1:])


def _field(field: BrowserField) -> rx.Component:
    columns = [column for column in field.fields if _known(column.label_key)]
    options = [option for option in field.options if _known(option.label_key)]
    return rx.el.li(
        rx.el.span(t(field.label_key), class_name="med"),
        rx.el.span(t("inspector.required"), class_name="micro t-red") if field.required else rx.fragment(),
        rx.el.span(t("inspector.at_most", count=field.max), class_name="micro muted tn")
        if field.max
        else rx.fragment(),
        rx.el.div(t(field.help_key), class_name="meta muted")
        if field.help_key and _known(field.help_key)
        else rx.fragment(),
        rx.el.div(_joined([t(option.label_key) for option in options]), class_name="meta muted")
        if options
        else rx.fragment(),
        rx.el.div(_joined([t(column.label_key) for column in columns]), class_name="meta muted")
        if columns
        else rx.fragment(),
        class_name="dense",
    )


def _exit(port: PortSpec) -> rx.Component:
    name = t(port.key) if port.key and _known(port.key) else port.id
    return rx.el.span(name, class_name="bdg")


def _many(ports: PortList, spec: NodeSpec) -> rx.Component:
    field = next(field for field in spec.fields if field.name == ports.field)
    return rx.el.span(t("blocks.one_per", what=t(field.label_key)), class_name="bdg")


def _block(spec: NodeSpec) -> rx.Component:
    fields = [field for field in spec.fields if not field.beside and _known(field.label_key)]
    tip = f"inspector.tip.{spec.type}"
    exits = [*[_many(ports, spec) for ports in spec.lists], *[_exit(port) for port in spec.ports]]
    return rx.el.section(
        rx.el.div(
            rx.el.span(icon(spec.icon, "s"), class_name="tile"),
            rx.el.h3(t(spec.name), class_name="str grow"),
            rx.el.span(spec.type, class_name="mono micro muted"),
            class_name=f"row g8 g-{spec.group}",
        ),
        rx.el.p(t(spec.help), class_name="dense"),
        rx.el.p(t(tip), class_name="notice blue") if _known(tip) else rx.fragment(),
        rx.fragment(
            rx.el.h4(t("inspector.fields"), class_name="h-sec"),
            rx.el.ul(*[_field(field) for field in fields], class_name="bk-fields"),
        )
        if fields
        else rx.fragment(),
        rx.fragment(rx.el.h4(t("inspector.exits"), class_name="h-sec"), rx.el.div(*exits, class_name="row g6 wrap"))
        if exits
        else rx.fragment(),
        id=spec.type,
        class_name="card bk-block",
    )


def page() -> rx.Component:
    """The page."""
    specs = [spec for spec in node_specs().values() if spec.palette or spec.type == "start"]
    specs.sort(key=lambda spec: [*dict.fromkeys(one.group for one in node_specs().values())].index(spec.group))
    groups = [(group, list(found)) for group, found in groupby(specs, key=lambda spec: spec.group)]
    contents = rx.el.nav(
        *[
            rx.el.div(
                rx.el.div(t(f"node.group.{group}"), class_name="h-sec"),
                *[
                    rx.el.a(
                        rx.el.span(icon(spec.icon, "xs"), class_name="tile s"),
                        rx.el.span(t(spec.name), class_name="ell"),
                        href=f"#{spec.type}",
                        class_name=f"row g8 dense bk-link g-{spec.group}",
                    )
                    for spec in found
                ],
            )
            for group, found in groups
        ],
        class_name="bk-nav",
        custom_attrs={"aria-label": t("blocks.contents")},
    )
    texts = rx.el.div(
        rx.el.p(t("blocks.lead"), class_name="lead muted"),
        *[
            rx.fragment(rx.el.h2(t(f"node.group.{group}"), class_name="title"), *[_block(spec) for spec in found])
            for group, found in groups
        ],
        class_name="bk-texts",
    )
    return page_shell("blocks.title", rx.el.div(contents, texts, class_name="bk"), active="flows")
