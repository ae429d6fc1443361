"""The figures at the top, the last half hour, and a gauge for each number."""

import reflex as rx

from pytake_app.ui.components.basics import badge, icon, link_button, notice, skeleton
from pytake_app.ui.components.store import Item, flag, number, text_of
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.message_queue.store import QueueChart, do

Part = rx.Var[dict[str, str]]


def lost_line(item: Item) -> rx.Component:
    """Says that what is shown is from before the connection went."""
    line = notice("amber", "wifi-off", t("message_queue.lost", time=text_of(item, "since")))
    return rx.cond(flag(item, "lost"), rx.el.div(line, custom_attrs={"data-testid": "queue-lost"}))


def _figure(label: str, value: rx.Component, *below: rx.Component, test: str, wide: bool = False) -> rx.Component:
    return rx.el.div(
        rx.el.div(t(label), class_name="meta muted"),
        value,
        *below,
        class_name="mq-fig wide" if wide else "mq-fig",
        custom_attrs={"data-testid": test},
    )


def _sub(words: rx.Var) -> rx.Component:
    return rx.el.div(words, class_name="meta muted")


def _waiting(item: Item) -> rx.Component:
    def part(entry: Part) -> rx.Component:
        return rx.el.span(class_name="p-" + entry["key"], width=entry["width"])

    def named(entry: Part) -> rx.Component:
        return rx.el.span(
            rx.el.i(class_name="p-" + entry["key"], custom_attrs={"aria-hidden": True}),
            entry["label"],
            " ",
            rx.el.b(entry["count"], class_name="tn"),
            class_name="mq-pk",
        )

    parts = item["parts"].to(list[dict[str, str]])
    bar = rx.el.div(rx.foreach(parts, part), class_name="mq-stack", custom_attrs={"aria-hidden": True})
    words = rx.el.span(
        text_of(item, "due"), rx.cond(number(item, "later") > 0, " · " + text_of(item, "later_words"), "")
    )
    value = rx.el.div(
        rx.el.span(text_of(item, "waiting"), class_name="figure"),
        rx.el.span(words, class_name="meta muted"),
        class_name="mq-val",
    )
    legend = rx.el.div(rx.foreach(parts, named), class_name="mq-pks meta")
    return _figure("message_queue.waiting", value, bar, legend, test="figure-waiting", wide=True)


def _rate(item: Item) -> rx.Component:
    def way(picture: str, name: str, label: str) -> rx.Component:
        return rx.el.span(
            icon(picture, "s"),
            rx.el.span(text_of(item, name), class_name="figure"),
            rx.el.span(t(label), class_name="meta muted"),
            class_name="mq-way",
        )

    value = rx.el.div(
        way("arrow-down-left", "received", "message_queue.in"),
        way("arrow-up-right", "sent", "message_queue.out"),
        class_name="mq-val",
    )
    return _figure("message_queue.rate", value, _sub(text_of(item, "hour")), test="figure-rate")


def _oldest(item: Item) -> rx.Component:
    tone = rx.cond(flag(item, "very_old"), "figure t-red", rx.cond(flag(item, "old"), "figure t-amber", "figure"))
    value = rx.cond(
        text_of(item, "oldest") != "",
        rx.el.div(text_of(item, "oldest"), class_name=tone),
        rx.el.div("–", class_name="figure muted"),
    )
    words = rx.cond(text_of(item, "oldest") != "", t("message_queue.oldest_detail"), t("message_queue.oldest_none"))
    return _figure("message_queue.oldest", value, _sub(words), test="figure-oldest")


def _dead(item: Item) -> rx.Component:
    value = rx.el.div(text_of(item, "dead"), class_name=rx.cond(flag(item, "any_dead"), "figure t-red", "figure"))
    return _figure("message_queue.given_up", value, _sub(text_of(item, "dead_words")), test="figure-dead")


def _roles(item: Item) -> rx.Component:
    def role(entry: Part) -> rx.Component:
        tone = rx.cond(entry["down"].to(bool), "dot red", rx.cond(entry["unknown"].to(bool), "dot amber", "dot jade"))
        return rx.el.span(
            rx.el.span(class_name=tone),
            rx.el.b(entry["count"], class_name="tn"),
            rx.el.span(entry["label"], class_name="muted"),
            class_name=rx.cond(entry["down"].to(bool), "mq-role t-red", "mq-role"),
            custom_attrs={"data-testid": "role-" + entry["key"]},
        )

    value = rx.el.div(rx.foreach(item["roles"].to(list[dict[str, str]]), role), class_name="mq-roles dense")
    return _figure("message_queue.at_work", value, _sub(text_of(item, "lanes")), test="figure-roles")


@rx.memo
def head_view(item: rx.Var[dict]) -> rx.Component:
    """The figures; red lines above them when nobody does a job."""

    def silent(entry: Part) -> rx.Component:
        return notice("red", "octagon-alert", entry["words"])

    alarms = rx.el.div(
        rx.foreach(item["silent"].to(list[dict[str, str]]), silent),
        rx.cond(flag(item, "unknown"), notice("amber", "circle-help", t("message_queue.roles_unknown"))),
        class_name="mq-alarms",
        custom_attrs={"data-testid": "queue-alarms"},
    )
    one = rx.el.div(
        skeleton("var(--d-72)"), skeleton("var(--d-96)", "l"), skeleton("var(--d-120)"), class_name="mq-fig"
    )
    waiting = rx.el.div(
        *[one] * 5, class_name="card mq-head", custom_attrs={"aria-busy": True, "aria-label": t("common.loading")}
    )
    figures = rx.el.div(
        _waiting(item), _rate(item), _oldest(item), _dead(item), _roles(item), class_name="card mq-head"
    )
    return rx.cond(flag(item, "ready"), rx.fragment(alarms, figures), waiting)


@rx.memo
def chart_view(item: rx.Var[dict]) -> rx.Component:
    """The last half hour."""

    def choice(table: bool, picture: str, label: str, test: str) -> rx.Component:
        on = flag(item, "table") if table else ~flag(item, "table")
        return rx.el.button(
            icon(picture, "s"),
            type="button",
            title=t(label),
            on_click=do(f"queue.chart({'true' if table else 'false'})"),
            custom_attrs={"aria-label": t(label), "aria-pressed": rx.cond(on, "true", "false"), "data-testid": test},
        )

    head = rx.el.div(
        rx.el.h2(t("message_queue.chart"), class_name="h-sec grow"),
        rx.el.div(
            choice(False, "chart-line", "message_queue.as_chart", "chart-lines"),
            choice(True, "table-2", "message_queue.as_table", "chart-as-table"),
            class_name="seg",
            role="group",
            custom_attrs={"aria-label": t("message_queue.show_as")},
        ),
        class_name="row",
    )
    waiting = rx.el.div(skeleton("100%", "mq-chart-sk"), custom_attrs={"aria-busy": True})
    return rx.el.section(
        head, rx.cond(flag(item, "ready"), QueueChart.create(), waiting), class_name="card mq-card mq-over"
    )


def _gauge(entry: rx.Var[dict[str, str]]) -> rx.Component:
    def bar(width: str, tone: rx.Var | str, words: rx.Var, label: str) -> rx.Component:
        return rx.el.div(
            rx.el.div(
                rx.el.span(t(label), class_name="muted"),
                rx.el.span(words, class_name="med tn"),
                class_name="mq-gl meta",
            ),
            rx.el.div(rx.el.span(width=entry[width]), class_name=tone, custom_attrs={"aria-hidden": True}),
        )

    sign = rx.cond(
        entry["trouble"] == "",
        badge(t("message_queue.sending_ok"), "jade", dot=True),
        rx.cond(
            entry["bad"].to(bool),
            badge(t("message_queue.stopped"), "red", dot=True),
            badge(t("message_queue.held"), "amber", dot=True),
        ),
    )
    head = rx.el.div(
        rx.el.span(entry["name"], class_name="str dense ell"),
        rx.cond(entry["sandbox"].to(bool), badge(t("message_queue.sandbox"))),
        rx.el.span(class_name="grow"),
        sign,
        class_name="row",
    )
    why = rx.cond(
        entry["why"] != "",
        rx.el.div(
            rx.el.span(entry["why"]),
            rx.cond(
                entry["mend"].to(bool),
                rx.link(t("message_queue.open_channels"), href="/settings/channels", class_name="link", unstyled=True),
            ),
            class_name=rx.cond(entry["bad"].to(bool), "mq-why red", "mq-why amber"),
            custom_attrs={"data-testid": "gauge-why"},
        ),
    )
    counts = rx.el.div(
        rx.cond(entry["waiting"] != "", rx.el.span(entry["waiting"])),
        rx.cond(entry["dead"] != "", rx.el.span(entry["dead"], class_name="t-red")),
        class_name="row meta muted tn",
    )
    people = rx.cond(
        entry["limited"].to(bool),
        bar(
            "people_width",
            rx.cond(entry["full"].to(bool), "bar mq-full", "bar"),
            entry["people"],
            "message_queue.people",
        ),
        rx.el.div(
            rx.el.span(t("message_queue.people"), class_name="muted"),
            rx.el.span(entry["people"], class_name="med"),
            class_name="mq-gl meta",
        ),
    )
    return rx.el.li(
        head,
        why,
        bar("rate_width", "bar", entry["rate"], "message_queue.speed"),
        people,
        rx.cond((entry["waiting"] != "") | (entry["dead"] != ""), counts),
        class_name="mq-gauge",
        custom_attrs={"data-testid": "queue-gauge", "data-trouble": entry["trouble"]},
    )


@rx.memo
def gauges_view(item: rx.Var[dict]) -> rx.Component:
    """Each number: its speed, whom it may still write to first, and why it doesn't send."""
    items = item["items"].to(list[dict[str, str]])
    waiting = rx.el.div(skeleton("100%", "mq-gauge-sk"), custom_attrs={"aria-busy": True})
    none = rx.el.div(
        rx.el.span(t("message_queue.no_numbers"), class_name="muted dense"),
        link_button(t("message_queue.open_channels"), href="/settings/channels"),
        class_name="col g8",
        align_items="flex-start",
    )
    listed = rx.el.ul(rx.foreach(items, _gauge), class_name="mq-gauges", custom_attrs={"tabIndex": 0})
    return rx.el.section(
        rx.el.h2(t("message_queue.numbers"), class_name="h-sec"),
        rx.cond(flag(item, "ready"), rx.cond(items.length() > 0, listed, none), waiting),
        class_name="card mq-card",
    )
