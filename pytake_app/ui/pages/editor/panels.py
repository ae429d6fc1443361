"""The other tabs of the inspector: Check, Preview, Versions; and the dialogs."""

import reflex as rx

from pytake_app.ui.canvas.components import (
    Item,
    Overlay,
    PreviewInput,
    PreviewScroll,
    PublishNote,
    RichText,
    do,
    flag,
    items_of,
    number,
    relative,
    slice_view,
    text_of,
)
from pytake_app.ui.components.basics import badge, button, empty_state, error_state, icon, icon_button, skeleton
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.editor.palette import type_icon

LINE_ICONS = ("hourglass", "ban", "headset", "flag", "circle-alert", "timer", "corner-down-right", "tag", "user-pen")


def _finding(finding: rx.Var) -> rx.Component:
    tone = rx.match(text_of(finding, "severity"), ("error", "fdot red"), ("warning", "fdot amber"), "fdot")
    return rx.el.button(
        rx.el.span(class_name=tone),
        rx.el.span(
            rx.el.span(text_of(finding, "text"), class_name="dense"),
            rx.el.span(rx.el.span(type_icon(text_of(finding, "icon"), "xs"), class_name="tile s"), rx.el.span(text_of(finding, "name"), class_name="ell"), class_name="meta muted row g6 g-" + text_of(finding, "group")),
            class_name="col g4 grow",
        ),
        type="button",
        class_name="fnd",
        disabled=text_of(finding, "node") == "",
        on_click=do(f"editor.jump({text_of(finding, 'node')!s})", finding),
        custom_attrs={"data-testid": "finding", "data-severity": text_of(finding, "severity")},
    )


def _finding_groups(item: Item) -> rx.Component:
    def group(one: rx.Var) -> rx.Component:
        items = items_of(one, "items")
        return rx.el.div(
            rx.el.div(text_of(one, "label"), rx.el.span(items.length().to_string(), class_name="muted tn"), class_name="h-sec row g6 fgh"),
            rx.foreach(items, _finding),
            class_name="fgroup",
        )

    return rx.foreach(items_of(item, "groups"), group)


@rx.memo
def check_view(item: rx.Var[dict]) -> rx.Component:
    """The verifier's findings."""
    loading = rx.el.div(skeleton("60%"), skeleton(), skeleton("80%"), class_name="sec col g12", custom_attrs={"aria-busy": True})
    clean = empty_state("circle-check", t("editor.all_good"), t("editor.all_good_detail"))
    return rx.cond(flag(item, "verified"), rx.cond(flag(item, "clean"), clean, _finding_groups(item)), loading)


def check_panel() -> rx.Component:
    """The Check tab."""
    return rx.el.div(slice_view("check", check_view), class_name="ibody")


def _pair(pair: rx.Var) -> rx.Component:
    return rx.el.div(rx.el.span(text_of(pair, "name"), class_name="var ell"), rx.el.span(text_of(pair, "value"), class_name="ell"), class_name="row g6 meta")


def _why(bubble: rx.Var) -> rx.Component:
    about = bubble["about"].to(dict)
    return rx.el.div(
        rx.el.div(icon("map-pin", "xs"), rx.el.button(text_of(about, "node"), type="button", class_name="link", on_click=do(f"preview.show({text_of(about, 'node_id')!s})", bubble)), class_name="row g4"),
        rx.cond(text_of(about, "port") != "", rx.el.div(t("editor.left_by", port=text_of(about, "port")), class_name="muted")),
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
        rx.cond(text_of(bubble, "image") != "", rx.el.div(icon("image", "l"), rx.el.span(text_of(bubble, "image"), class_name="ell micro"), class_name="pvimg")),
        rx.cond(text_of(bubble, "header") != "", rx.el.div(text_of(bubble, "header"), class_name="hdr")),
        RichText.create(text=text_of(bubble, "text"), limit=0),
        rx.cond(text_of(bubble, "footer") != "", rx.el.div(text_of(bubble, "footer"), class_name="foot")),
        rx.el.span(
            rx.el.button(t("editor.why"), type="button", class_name="why", on_click=do(f"preview.why({text_of(bubble, 'key')!s})", bubble), custom_attrs={"aria-expanded": flag(bubble, "open")}),
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
            rx.el.button(icon("list", "s"), text_of(bubble, "list"), type="button", disabled=~flag(bubble, "live"), on_click=do(f"preview.sheet({bubble!s})", bubble), custom_attrs={"data-testid": "preview-list"}),
        ),
        rx.cond(text_of(bubble, "url") != "", rx.el.button(icon("external-link", "s"), text_of(bubble, "url_text"), type="button", disabled=True)),
        class_name="pbt",
    )
    has_more = (buttons.length() > 0) | (text_of(bubble, "list") != "") | (text_of(bubble, "url") != "")
    return rx.fragment(body, rx.cond(flag(bubble, "open"), _why(bubble)), rx.cond(has_more, more))


def _bubble(bubble: rx.Var) -> rx.Component:
    out = rx.el.div(text_of(bubble, "text"), rx.el.span(text_of(bubble, "time"), class_name="t"), class_name="pb o", custom_attrs={"data-testid": "preview-out"})
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
        return rx.fragment(rx.cond(text_of(one, "title") != "", rx.el.h6(text_of(one, "title"))), rx.foreach(items_of(one, "rows"), row))

    return rx.el.div(
        rx.el.div(text_of(bubble, "list"), rx.el.span(class_name="grow"), icon_button("x", t("common.close"), small=True, on_click=do("preview.sheet(null)")), class_name="sh"),
        rx.el.div(rx.foreach(items_of(bubble, "sections"), section), class_name="sb"),
        class_name="sheet",
        role="dialog",
    )


@rx.memo
def preview_view(item: rx.Var[dict]) -> rx.Component:
    """The phone and what surrounds it."""

    def hint(word: rx.Var) -> rx.Component:
        return rx.el.button(word.to(str), type="button", class_name="btn soft sm", on_click=do(f"preview.text({word!s})", word), custom_attrs={"data-testid": "preview-hint"})

    hints = rx.el.div(rx.el.div(t("editor.say_something"), class_name="muted dense"), rx.el.div(rx.foreach(item["hints"].to(list[str]), hint), class_name="row g6 wrap ctr"), class_name="pvhints")
    loading = rx.el.div(skeleton("70%", "l"), skeleton("50%", "l"), class_name="col g8", custom_attrs={"aria-busy": True})
    failed = error_state(t("editor.preview_failed"), t("common.failed_detail"), do("preview.restart()"))
    where = rx.cond(
        text_of(item, "at") != "",
        rx.el.button(text_of(item, "at"), type="button", class_name="link ell", on_click=do(f"preview.show({text_of(item, 'at_id')!s})", item)),
    )
    tools = rx.el.div(
        rx.el.div(rx.el.div(text_of(item, "status"), class_name="med dense", custom_attrs={"data-testid": "preview-status"}), where, class_name="grow col"),
        icon_button("hourglass", t("editor.let_time_pass"), small=True, disabled=~flag(item, "can_wait"), on_click=do("preview.wait()"), custom_attrs={"data-testid": "preview-wait"}),
        icon_button("step-back", t("editor.step_back"), small=True, disabled=number(item, "steps") == 0, on_click=do("preview.back()"), custom_attrs={"data-testid": "preview-back"}),
        icon_button("rotate-ccw", t("editor.restart"), small=True, on_click=do("preview.restart()"), custom_attrs={"data-testid": "preview-restart"}),
        class_name="pvbar",
    )
    attach = rx.el.div(
        icon_button("image", t("editor.send_photo"), small=True, on_click=do("preview.media()")),
        icon_button("map-pin", t("editor.send_location"), small=True, on_click=do("preview.location()")),
        class_name="row g2",
    )
    messages = PreviewScroll.create(
        rx.cond(text_of(item, "error") != "", failed, rx.cond(flag(item, "first"), loading, rx.foreach(items_of(item, "list"), _bubble))),
        rx.cond(flag(item, "empty") | ((number(item, "steps") == 0) & ~flag(item, "can_wait") & ~flag(item, "first")), hints),
        rx.cond(flag(item, "busy") & ~flag(item, "first"), rx.el.div(rx.el.i(), rx.el.i(), rx.el.i(), class_name="typing", custom_attrs={"aria-label": t("common.loading")})),
        class_name="ms",
        label=t("editor.preview"),
    )
    variables = items_of(item, "variables")
    drawer = rx.el.details(
        rx.el.summary(icon("chevron-right", "xs"), t("editor.variables"), rx.el.span(variables.length().to_string(), class_name="muted tn")),
        rx.el.div(rx.foreach(variables, _pair), rx.cond(variables.length() == 0, rx.el.span(t("editor.no_values"), class_name="meta muted")), class_name="col g6"),
        class_name="adv vd",
        custom_attrs={"data-testid": "preview-variables"},
    )
    phone = rx.el.div(
        messages,
        rx.cond(item["sheet"], _sheet(item)),
        rx.el.div(attach, PreviewInput.create(icon("send", "s"), placeholder=t("editor.write_message"), label=t("editor.send")), class_name="pvin"),
        class_name="pv phone-like",
    )
    return rx.fragment(tools, phone, drawer)


def preview_panel() -> rx.Component:
    """The Preview tab."""
    return rx.el.div(slice_view("preview", preview_view), class_name="ibody pvwrap")


def _version(item: Item, version: rx.Var) -> rx.Component:
    live = rx.cond(flag(version, "live"), badge(t("editor.live_short"), "jade", dot=True))
    author = rx.cond(text_of(version, "author") != "", rx.el.span(" · ", text_of(version, "author")))
    acts = rx.el.div(
        rx.el.button(t("editor.view"), type="button", class_name="btn line sm", on_click=do(f"editor.showVersion({number(version, 'version')!s})", version), custom_attrs={"data-testid": "view-version"}),
        rx.cond(
            flag(version, "live") | flag(item, "locked"),
            rx.fragment(),
            rx.el.button(
                t("editor.roll_back"),
                type="button",
                class_name="btn line sm",
                on_click=do(f"editor.ask({{kind: 'rollback', version: {number(version, 'version')!s}}})", version),
                custom_attrs={"data-testid": "roll-back"},
            ),
        ),
        class_name="row g6",
    )
    return rx.el.div(
        rx.el.div(
            rx.el.span("v", number(version, "version").to_string(), class_name="str tn"),
            live,
            rx.el.span(class_name="grow"),
            rx.el.span(relative(text_of(version, "published_at")), class_name="meta muted"),
            class_name="row g6",
        ),
        rx.cond(text_of(version, "note") != "", rx.el.div(text_of(version, "note"), class_name="dense break")),
        rx.el.div(t("editor.block_count", count=number(version, "node_count")), author, rx.cond(number(version, "running") > 0, rx.el.span(" · ", t("editor.running", count=number(version, "running")))), class_name="meta muted"),
        acts,
        class_name=rx.cond(flag(version, "on"), "ver on", "ver"),
        custom_attrs={"data-testid": "version"},
    )


@rx.memo
def versions_view(item: rx.Var[dict]) -> rx.Component:
    """What was published when and by whom."""
    loading = rx.el.div(skeleton("40%"), skeleton(), skeleton("70%"), class_name="sec col g12", custom_attrs={"aria-busy": True})
    confirm = Overlay.create(
        rx.el.h2(t("editor.roll_back_title", version=number(item, "confirm")), class_name="title"),
        rx.el.p(t("editor.roll_back_detail"), class_name="muted dense"),
        rx.el.div(
            button(t("common.cancel"), on_click=do("editor.ask(null)")),
            button(t("editor.roll_back"), kind="solid", on_click=do(f"editor.rollback({number(item, 'confirm')!s})", item), custom_attrs={"data-testid": "confirm-roll-back", "data-autofocus": True}),
            class_name="ovfoot",
        ),
        open=number(item, "confirm") > 0,
        label=t("editor.roll_back"),
        on_close=do("editor.ask(null)"),
        class_name="small",
    )
    return rx.fragment(
        rx.match(
            text_of(item, "phase"),
            ("loading", loading),
            ("empty", empty_state("git-commit-horizontal", t("editor.no_versions"), t("editor.no_versions_detail"))),
            ("error", error_state(t("editor.versions_failed"), t("common.failed_detail"), do("editor.loadVersions()"))),
            rx.foreach(items_of(item, "items"), lambda version: _version(item, version)),
        ),
        confirm,
    )


def versions_panel() -> rx.Component:
    """The Versions tab."""
    return rx.el.div(slice_view("versions", versions_view), class_name="ibody")


@rx.memo
def publish_view(item: rx.Var[dict]) -> rx.Component:
    """The dialog before a draft goes live: findings, impact, note."""
    errors, warnings = number(item, "errors"), number(item, "warnings")
    blocked = rx.el.div(
        icon("circle-alert"),
        rx.el.div(
            rx.el.div(t("editor.blocked", count=errors), class_name="med"),
            rx.el.button(t("editor.open_check"), type="button", class_name="link", on_click=do("editor.reviewFindings()")),
            class_name="grow",
        ),
        class_name="notice red",
    )
    warned = rx.el.div(icon("triangle-alert"), rx.el.div(t("editor.warned", count=warnings), class_name="grow"), class_name="notice amber")
    good = rx.el.div(icon("circle-check"), rx.el.div(t("editor.check_passed"), class_name="grow"), class_name="notice jade")
    impact = rx.el.div(
        rx.el.div(icon("git-commit-horizontal", "s"), t("editor.becomes", version=number(item, "next")), class_name="row g8"),
        rx.cond(number(item, "running") > 0, rx.el.div(icon("users", "s"), t("editor.impact", count=number(item, "running")), class_name="row g8")),
        rx.cond((number(item, "live") > 0) & (number(item, "changes") > 0), rx.el.div(icon("pencil", "s"), t("editor.changes", count=number(item, "changes")), class_name="row g8")),
        class_name="col g6 dense",
    )
    return Overlay.create(
        rx.el.h2(t("editor.publish_title"), class_name="title"),
        rx.cond(errors > 0, blocked, rx.cond(warnings > 0, warned, good)),
        impact,
        rx.el.label(rx.el.span(t("editor.note"), rx.el.span(" · ", t("common.optional"), class_name="muted"), class_name="lbl"), PublishNote.create(value=text_of(item, "note"), placeholder=t("editor.note_hint")), class_name="ff"),
        rx.cond(text_of(item, "error") != "", rx.el.div(icon("circle-alert"), text_of(item, "error"), class_name="notice red", role="alert")),
        rx.el.div(
            button(t("common.cancel"), on_click=do("editor.closePublish()")),
            button(t("editor.publish"), kind="solid", busy=flag(item, "busy"), disabled=errors > 0, on_click=do("editor.doPublish()"), custom_attrs={"data-testid": "confirm-publish"}),
            class_name="ovfoot",
        ),
        open=flag(item, "open"),
        label=t("editor.publish_title"),
        on_close=do("editor.closePublish()"),
    )


KEYS = (
    ("editor.keys_edit", (("Ctrl Z", "editor.undo"), ("Ctrl Y", "editor.redo"), ("Enter", "editor.k_fields"), ("Del", "editor.delete_block"), ("Ctrl D", "editor.duplicate"), ("Ctrl C · X · V", "editor.k_clipboard"))),
    ("editor.keys_select", (("Ctrl A", "editor.k_all"), ("Shift", "editor.k_box"), ("Alt", "editor.select_after"), ("Alt Shift", "editor.select_before"), ("Esc", "editor.k_escape"))),
    ("editor.keys_canvas", (("/", "editor.k_find"), ("← ↑ → ↓", "editor.k_move"), ("Ctrl Shift L", "editor.arrange"), ("F", "editor.fit"), ("+ −", "editor.k_zoom"), ("[", "common.menu"))),
    ("editor.keys_flow", (("T", "editor.test"), ("Ctrl Enter", "editor.publish"), ("?", "editor.keys"))),
)


@rx.memo
def keys_view(item: rx.Var[dict]) -> rx.Component:
    """All keys of the editor."""

    def line(key: str, label: str) -> rx.Component:
        return rx.el.div(rx.el.span(t(label), class_name="grow"), rx.el.span(key, class_name="kbd"), class_name="row dense")

    groups = [rx.el.div(rx.el.div(t(name), class_name="h-sec"), *[line(key, label) for key, label in lines], class_name="col g8") for name, lines in KEYS]
    return rx.fragment(
        rx.el.div(rx.el.h2(t("editor.keys"), class_name="title grow"), icon_button("x", t("common.close"), on_click=do("editor.keys(false)")), class_name="row"),
        rx.el.div(*groups, class_name="kgrid", custom_attrs={"data-open": flag(item, "open").to_string()}),
    )
