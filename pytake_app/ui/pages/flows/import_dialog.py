"""Files becoming flows: where they are given, what is wrong in them, and the report of what became of each thing."""

import reflex as rx

from pytake_app.ui.components.basics import badge, button, dialog, dialog_foot, icon
from pytake_app.ui.components.store import flag, number, text_of
from pytake_app.ui.i18n import t, t_dynamic
from pytake_app.ui.pages.flows.store import FlowFile, do


def _error(error: rx.Var[dict[str, str]]) -> rx.Component:
    text = t_dynamic(
        "flows.problem", error["code"], "flows.problem.other", message=error["message"], node=error["node"]
    )
    return rx.el.li(
        rx.cond(error["pointer"] != "", rx.el.span(error["pointer"], class_name="mono muted break")),
        rx.el.span(text),
        class_name="dense",
    )


def _line(line: rx.Var) -> rx.Component:
    sign = rx.match(
        text_of(line, "outcome"),
        ("left_out", badge(t("flows.left_out"), "red")),
        badge(t("flows.approximated"), "amber"),
    )
    title = rx.cond(
        text_of(line, "href") != "",
        rx.link(text_of(line, "title"), href=text_of(line, "href"), class_name="med lnk", unstyled=True),
        rx.el.span(text_of(line, "title"), class_name="med"),
    )
    return rx.el.li(
        rx.el.div(
            sign,
            title,
            rx.el.span(text_of(line, "type"), class_name="mono muted"),
            rx.el.span(text_of(line, "flow"), class_name="muted"),
            class_name="row g8 wrap",
        ),
        rx.cond(text_of(line, "note") != "", rx.el.span(text_of(line, "note"), class_name="muted")),
        class_name="dense",
        custom_attrs={"data-testid": "report-line"},
    )


def _report(report: rx.Var) -> rx.Component:
    """What became of one file."""

    def made(flow: rx.Var) -> rx.Component:
        return rx.link(
            icon("workflow", "s"),
            text_of(flow, "name"),
            href=text_of(flow, "href"),
            class_name="fl-made",
            unstyled=True,
            custom_attrs={"data-testid": "report-flow"},
        )

    def figure(key: str, tone: str) -> rx.Component:
        count = number(report, key)
        return rx.el.span(
            rx.el.b(count.to_string(), class_name="tn"),
            " ",
            t(f"flows.report_{key}", count=count),
            class_name=tone,
        )

    lines = report["lines"].to(list[dict[str, object]])
    return rx.el.section(
        rx.el.div(
            icon("file-json", "s"),
            rx.el.span(text_of(report, "file"), class_name="med ell"),
            rx.el.span(text_of(report, "kind"), " ", text_of(report, "version"), class_name="meta muted"),
            class_name="row g8",
        ),
        rx.el.div(rx.foreach(report["flows"].to(list[dict[str, object]]), made), class_name="row g6 wrap"),
        rx.el.div(
            figure("translated", "t-jade"),
            rx.cond(number(report, "approximated") > 0, figure("approximated", "t-amber")),
            rx.cond(number(report, "left_out") > 0, figure("left_out", "t-red")),
            class_name="row g12 wrap dense",
            custom_attrs={"data-testid": "report-figures"},
        ),
        rx.cond(lines.length() > 0, rx.el.ul(rx.foreach(lines, _line), class_name="fl-errors")),
        rx.cond(
            number(report, "hidden") > 0,
            rx.el.span(t("flows.report_more", count=number(report, "hidden")), class_name="meta muted"),
        ),
        class_name="col g8",
        custom_attrs={"data-testid": "import-report"},
    )


@rx.memo
def import_view(item: rx.Var[dict]) -> rx.Component:
    """Files in, report out."""
    errors = item["errors"].to(list[dict[str, str]])
    wrong = rx.el.div(
        rx.el.div(
            icon("triangle-alert", "s"),
            rx.el.span(
                t("flows.import_wrong", count=number(item, "count"), file=text_of(item, "file")), class_name="med"
            ),
            class_name="row g6 t-red dense",
        ),
        rx.el.ul(rx.foreach(errors, _error), class_name="fl-errors"),
        class_name="col g8",
        role="alert",
        custom_attrs={"data-testid": "import-errors"},
    )
    place = FlowFile.create(
        rx.el.span(icon("file-json"), class_name="tile l g-canvas"),
        rx.el.span(t("flows.import_choose"), class_name="med dense"),
        rx.el.span(
            rx.cond(flag(item, "busy"), t("flows.import_reading", file=text_of(item, "file")), t("flows.import_hint")),
            class_name="meta muted",
        ),
        label=t("flows.import_choose"),
    )
    return dialog(
        place,
        rx.cond(number(item, "count") > 0, wrong),
        rx.foreach(item["reports"].to(list[dict[str, object]]), _report),
        dialog_foot(button(t("common.close"), kind="ghost", on_click=do("flows.close()"))),
        title=rx.cond(flag(item, "done"), t("flows.report_title"), t("flows.import_title")),
        detail=t("flows.import_detail"),
        open=flag(item, "open"),
        on_open_change=do("flows.close()"),
        wide=True,
    )
