"""The test cases: their view in the Check tab, and what of them stands in the publish dialog."""

import reflex as rx

from pytake_app.ui.canvas.components import do, flag, items_of, number, text_of
from pytake_app.ui.components.basics import badge, empty_state, error_state, icon, icon_button
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.editor.check_ways import loading, small_button

# -- test cases ------------------------------------------------------------------------------------------------------


def _difference(one: rx.Var) -> rx.Component:
    def side(name: str, label: str) -> rx.Component:
        return rx.el.div(
            rx.el.div(t(label), class_name="micro muted"),
            rx.el.div(rx.cond(text_of(one, name) != "", text_of(one, name), t("check.nothing")), class_name="lk"),
        )

    return rx.el.div(
        rx.el.div(
            rx.el.span(text_of(one, "label"), class_name="med"),
            rx.cond(text_of(one, "after") != "", rx.el.span(" · ", text_of(one, "after"), class_name="muted")),
            class_name="meta",
        ),
        rx.el.div(side("expected", "check.expected"), side("got", "check.got"), class_name="lks"),
        rx.cond(
            text_of(one, "node") != "",
            rx.el.button(
                text_of(one, "node_name"),
                type="button",
                class_name="link meta",
                on_click=do(f"tests.show({text_of(one, 'node')!s})", one),
            ),
        ),
        class_name="col g4 diff",
        custom_attrs={"data-testid": "difference"},
    )


def _state(case: rx.Var) -> rx.Component:
    return rx.match(
        text_of(case, "state"),
        ("passed", rx.el.span(icon("circle-check", "s"), class_name="t-jade")),
        ("failed", rx.el.span(icon("circle-x", "s"), class_name="t-red")),
        rx.el.span(icon("circle-dashed", "s"), class_name="muted"),
    )


def _case(case: rx.Var, *, acts: bool = True) -> rx.Component:
    key = text_of(case, "id")
    line = rx.el.button(
        _state(case),
        rx.el.span(
            rx.el.span(text_of(case, "name"), class_name="med dense ell"),
            rx.el.span(
                rx.match(
                    text_of(case, "state"),
                    ("failed", t("check.differences", count=number(case, "count"))),
                    ("passed", t("check.passed")),
                    t("check.not_run"),
                ),
                class_name="meta muted",
            ),
            class_name="col grow",
        ),
        type="button",
        class_name="fnd",
        disabled=text_of(case, "state") != "failed",
        on_click=do(f"tests.toggle({key!s})", case),
        custom_attrs={
            "aria-expanded": flag(case, "open"),
            "data-testid": "test-case",
            "data-state": text_of(case, "state"),
        },
    )
    opened = rx.el.div(
        rx.foreach(items_of(case, "differences"), _difference),
        rx.el.div(
            small_button("check", t("check.accept"), f"tests.accept({key!s})", case, **{"data-testid": "test-accept"}),
            class_name="row g6 wrap",
        )
        if acts
        else rx.fragment(),
        class_name="col g12 diffs",
    )
    tools = (
        rx.el.div(
            icon_button(
                "play",
                t("check.play_test"),
                small=True,
                on_click=do(f"check.playTest({key!s})", case),
                custom_attrs={"data-testid": "test-play"},
            ),
            icon_button(
                "trash-2",
                t("check.delete_test"),
                small=True,
                on_click=do(f"tests.remove({key!s})", case),
                custom_attrs={"data-testid": "test-remove"},
            ),
            class_name="row g2 nw",
        )
        if acts
        else rx.fragment()
    )
    return rx.el.div(rx.el.div(line, tools, class_name="pthrow"), rx.cond(flag(case, "open"), opened))


@rx.memo
def tests_view(item: rx.Var[dict]) -> rx.Component:
    """The flow's test cases and what they say of the draft."""
    figures = rx.el.div(
        rx.cond(
            flag(item, "ran"),
            rx.fragment(
                badge(t("check.passed_count", count=number(item, "passed")), "jade"),
                rx.cond(
                    number(item, "failed") > 0,
                    badge(t("check.failed_count", count=number(item, "failed")), "red"),
                ),
            ),
        ),
        rx.el.span(class_name="grow"),
        rx.el.button(
            icon("rotate-ccw", "xs"),
            t("check.run_tests"),
            type="button",
            class_name="btn line sm",
            disabled=flag(item, "busy"),
            on_click=do("tests.run()"),
            custom_attrs={"data-testid": "run-tests"},
        ),
        class_name="row g6 sec",
    )
    none = empty_state(
        "flask-conical",
        t("check.no_tests"),
        t("check.no_tests_detail"),
        small_button("smartphone", t("editor.tab_preview"), "editor.tab('preview')"),
    )
    return rx.match(
        text_of(item, "phase"),
        ("loading", loading()),
        ("error", error_state(t("check.tests_failed"), t("common.failed_detail"), do("tests.load()"))),
        ("empty", none),
        rx.fragment(figures, rx.el.div(rx.foreach(items_of(item, "items"), _case), class_name="fgroup")),
    )


@rx.memo
def publish_tests(item: rx.Var[dict]) -> rx.Component:
    """Test cases in the publish dialog; with failures it takes a tick to go on."""
    failed = number(item, "failed")
    good = rx.el.div(
        icon("circle-check"),
        rx.el.div(t("check.all_passed", count=number(item, "passed")), class_name="grow"),
        class_name="notice jade",
    )
    bad = rx.el.div(
        rx.el.div(
            icon("circle-x"),
            rx.el.div(t("check.some_failed", count=failed), class_name="grow med"),
            class_name="row g8",
        ),
        rx.el.div(
            rx.foreach(
                items_of(item, "items"),
                lambda case: rx.cond(text_of(case, "state") == "failed", _case(case, acts=False)),
            ),
            class_name="pubtests",
        ),
        rx.el.label(
            rx.el.input(
                type="checkbox",
                checked=flag(item, "override"),
                on_change=do("tests.flip()"),
                custom_attrs={"data-testid": "publish-anyway"},
            ),
            t("check.publish_anyway"),
            class_name="row g6 dense",
        ),
        class_name="col g8 notice amber",
    )
    running = rx.el.div(icon("flask-conical"), t("check.running_tests"), class_name="notice")
    return rx.el.div(
        rx.cond(flag(item, "ran"), rx.cond(failed > 0, bad, good), running),
        custom_attrs={"data-testid": "publish-tests"},
    )
