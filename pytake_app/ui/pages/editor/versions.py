"""The Versions tab: history, publications for later, and two versions beside each other."""

import reflex as rx

from pytake_app.ui.canvas.components import Item, Overlay, do, flag, items_of, number, relative, slice_view, text_of
from pytake_app.ui.canvas.marks import CompareSide
from pytake_app.ui.components.basics import badge, button, empty_state, error_state, icon, icon_button, skeleton
from pytake_app.ui.i18n import t
from pytake_app.ui.pages.editor.palette import type_icon


def _small(label: str, call: str, item: rx.Var, test: str, kind: str = "line") -> rx.Component:
    return rx.el.button(
        t(label),
        type="button",
        class_name=f"btn {kind} sm",
        on_click=do(call, item),
        custom_attrs={"data-testid": test},
    )


def _version(item: Item, version: rx.Var) -> rx.Component:
    key = number(version, "version")
    live = rx.cond(flag(version, "live"), badge(t("editor.live_short"), "jade", dot=True))
    author = rx.cond(text_of(version, "author") != "", rx.el.span(text_of(version, "author"), " · "))
    back = rx.cond(
        flag(version, "live") | flag(item, "locked"),
        rx.fragment(),
        _small("editor.roll_back", f"versions.ask({{kind: 'rollback', version: {key!s}}})", version, "roll-back"),
    )
    restore = rx.cond(
        flag(item, "locked"),
        rx.fragment(),
        icon_button(
            "undo-dot",
            t("editor.restore"),
            small=True,
            on_click=do(f"versions.restore({key!s})", version),
            custom_attrs={"data-testid": "restore-version"},
        ),
    )
    running = rx.cond(
        number(version, "running") > 0, rx.el.span(" · ", t("editor.running", count=number(version, "running")))
    )
    return rx.el.div(
        rx.el.div(
            rx.el.span("v", key.to_string(), class_name="str tn"),
            live,
            rx.el.span(class_name="grow"),
            rx.el.span(
                relative(text_of(version, "published_at")), class_name="meta muted", title=version["exact"].to(str)
            ),
            class_name="row g6",
        ),
        rx.cond(text_of(version, "note") != "", rx.el.div(text_of(version, "note"), class_name="dense break")),
        rx.cond(text_of(version, "size") != "", rx.el.div(text_of(version, "size"), class_name="meta")),
        rx.el.div(
            author, t("editor.block_count", count=number(version, "node_count")), running, class_name="meta muted"
        ),
        rx.el.div(
            _small("editor.view", f"editor.showVersion({key!s})", version, "view-version"),
            _small("versions.compare", f"versions.compare({key!s})", version, "compare-version"),
            back,
            restore,
            class_name="row g6",
        ),
        class_name=rx.cond(flag(version, "on"), "ver on", "ver"),
        custom_attrs={"data-testid": "version", "data-version": key.to_string()},
    )


def _folded(version: rx.Var) -> rx.Component:
    return rx.el.button(
        icon("move", "s"),
        rx.el.span(t("versions.folded", count=number(version, "count")), class_name="grow"),
        rx.cond(flag(version, "open"), icon("chevron-up", "s"), icon("chevron-down", "s")),
        type="button",
        class_name="verfold meta muted",
        on_click=do(f"versions.toggleLayout({number(version, 'version')!s})", version),
        custom_attrs={"aria-expanded": flag(version, "open"), "data-testid": "layout-versions"},
    )


def _draft(item: Item) -> rx.Component:
    words = rx.cond(text_of(item, "draft_size") != "", text_of(item, "draft_size"), t("versions.draft_same"))
    compare = rx.cond(
        number(item, "changes") > 0,
        rx.el.div(
            _small("versions.see_changes", f"versions.compare({number(item, 'live')!s})", item, "see-changes", "soft"),
            class_name="row g6",
        ),
    )
    return rx.cond(
        number(item, "live") > 0,
        rx.el.div(
            rx.el.div(rx.el.span(t("versions.draft"), class_name="str"), class_name="row g6"),
            rx.el.div(words, class_name="meta", custom_attrs={"data-testid": "draft-size"}),
            compare,
            class_name="ver",
        ),
    )


def _ahead(item: Item, one: rx.Var) -> rx.Component:
    identity = f"{text_of(one, 'id')!s}"
    ask = _small("versions.cancel", f"versions.ask({{kind: 'publication', id: {identity}}})", one, "cancel-publication")
    # What was kept for it can't be had back from here, so it is asked about.
    sure = rx.el.div(
        rx.el.span(t("versions.cancel_sure"), class_name="dense"),
        rx.el.div(
            _small("versions.cancel", f"versions.cancel({identity})", one, "cancel-publication-sure", "soft"),
            _small("versions.keep", "versions.ask(null)", one, "keep-publication"),
            class_name="row g6 wrap",
        ),
        class_name="notice amber col g6",
        role="alert",
    )
    cancel = rx.cond(flag(one, "asked"), sure, rx.el.div(ask, class_name="row g6"))
    return rx.el.div(
        rx.el.div(
            icon("calendar-clock", "s"), rx.el.span(text_of(one, "when"), class_name="str tn"), class_name="row g6"
        ),
        rx.cond(text_of(one, "note") != "", rx.el.div(text_of(one, "note"), class_name="dense break")),
        rx.el.div(t("versions.ahead_by", name=text_of(one, "author")), class_name="meta muted"),
        rx.cond(
            number(one, "overtaken") > 0,
            rx.el.div(t("versions.ahead_overtaken", version=number(one, "overtaken")), class_name="meta t-amber"),
            rx.cond(flag(one, "draft_moved_on"), rx.el.div(t("versions.ahead_moved_on"), class_name="meta muted")),
        ),
        rx.cond(flag(item, "locked"), rx.fragment(), cancel),
        class_name="ver ahead",
        custom_attrs={"data-testid": "publication"},
    )


def _failed(one: rx.Var) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            icon("circle-alert"),
            rx.el.div(
                rx.el.div(t("versions.failed_title", when=text_of(one, "when")), class_name="med"),
                rx.el.div(text_of(one, "why")),
                class_name="col g4 grow",
            ),
            class_name="notice red",
            role="status",
        ),
        class_name="sec",
        custom_attrs={"data-testid": "publication-failed"},
    )


def _history(item: Item) -> rx.Component:
    loading = rx.el.div(
        skeleton("40%"), skeleton(), skeleton("70%"), class_name="sec col g12", custom_attrs={"aria-busy": True}
    )
    rows = rx.foreach(
        items_of(item, "items"),
        lambda version: rx.cond(text_of(version, "row") == "layout", _folded(version), _version(item, version)),
    )
    return rx.fragment(
        rx.foreach(items_of(item, "failed"), _failed),
        rx.foreach(items_of(item, "ahead"), lambda one: _ahead(item, one)),
        rx.match(
            text_of(item, "phase"),
            ("loading", loading),
            ("empty", empty_state("git-commit-horizontal", t("editor.no_versions"), t("editor.no_versions_detail"))),
            ("error", error_state(t("editor.versions_failed"), t("common.failed_detail"), do("versions.load()"))),
            rx.fragment(_draft(item), rows),
        ),
    )


def _field(line: rx.Var) -> rx.Component:
    before = rx.cond(text_of(line, "before") != "", rx.el.del_(text_of(line, "before"), class_name="vold break"))
    after = rx.cond(text_of(line, "after") != "", rx.el.ins(text_of(line, "after"), class_name="vnew break"))
    return rx.el.div(rx.el.div(text_of(line, "label"), class_name="meta muted"), before, after, class_name="vfield")


def _change(line: rx.Var) -> rx.Component:
    head = rx.el.div(
        rx.el.span(type_icon(text_of(line, "icon"), "xs"), class_name="tile s"),
        rx.el.span(text_of(line, "title"), class_name="med ell grow"),
        rx.el.span(text_of(line, "word"), class_name="bdg vkind", custom_attrs={"data-kind": text_of(line, "kind")}),
        class_name="row g8 g-" + text_of(line, "group"),
    )
    return rx.el.button(
        head,
        rx.foreach(items_of(line, "fields"), _field),
        type="button",
        class_name=rx.cond(flag(line, "on"), "chl on", "chl"),
        on_click=do(f"versions.go({number(line, 'index')!s})", line),
        custom_attrs={
            "data-testid": "change",
            "data-index": number(line, "index").to_string(),
            "data-kind": text_of(line, "kind"),
            "aria-pressed": flag(line, "on"),
        },
    )


def _comparison(item: Item) -> rx.Component:
    sides = rx.el.div(
        CompareSide.create(
            side="base", value=text_of(item, "base"), choices=item["sides"], label=t("versions.side_before")
        ),
        icon("arrow-right", "s"),
        CompareSide.create(
            side="target", value=text_of(item, "target"), choices=item["sides"], label=t("versions.side_after")
        ),
        class_name="row g6",
    )
    walk = rx.el.div(
        rx.el.span(text_of(item, "compare_size"), class_name="meta grow", custom_attrs={"data-testid": "change-size"}),
        rx.el.span(text_of(item, "position"), class_name="meta muted tn", role="status"),
        icon_button(
            "chevron-up",
            t("versions.previous"),
            small=True,
            on_click=do("versions.step(-1)"),
            custom_attrs={"data-testid": "change-previous"},
        ),
        icon_button(
            "chevron-down",
            t("versions.next"),
            small=True,
            on_click=do("versions.step(1)"),
            custom_attrs={"data-testid": "change-next"},
        ),
        class_name="row g4",
    )
    none = empty_state("equal", t("versions.same"), t("versions.same_detail"))
    found = items_of(item, "lines")
    return rx.fragment(
        rx.el.div(
            rx.el.div(
                rx.el.button(
                    icon("arrow-left", "s"),
                    t("versions.back"),
                    type="button",
                    class_name="btn ghost sm",
                    on_click=do("versions.leave()"),
                    custom_attrs={"data-testid": "leave-comparison"},
                ),
                class_name="row",
            ),
            sides,
            walk,
            class_name="sec col g8 cmphead",
        ),
        rx.cond(
            text_of(item, "compare_phase") == "loading",
            rx.el.div(skeleton("60%"), skeleton(), class_name="sec col g12", custom_attrs={"aria-busy": True}),
            rx.cond(found.length() > 0, rx.el.div(rx.foreach(found, _change), class_name="chls"), none),
        ),
        rx.el.div(
            rx.el.span(rx.el.span("J", class_name="kbd"), " ", t("versions.next"), class_name="meta muted"),
            rx.el.span(rx.el.span("K", class_name="kbd"), " ", t("versions.previous"), class_name="meta muted"),
            class_name="row g12 sec only-wide",
        ),
    )


@rx.memo
def versions_view(item: rx.Var[dict]) -> rx.Component:
    """What was published when and by whom, and what changed."""
    confirm = Overlay.create(
        rx.el.h2(t("editor.roll_back_title", version=number(item, "confirm")), class_name="title"),
        rx.el.p(t("editor.roll_back_detail"), class_name="muted dense"),
        rx.el.div(
            button(t("common.cancel"), on_click=do("versions.ask(null)")),
            button(
                t("editor.roll_back"),
                kind="solid",
                on_click=do(f"versions.rollback({number(item, 'confirm')!s})", item),
                custom_attrs={"data-testid": "confirm-roll-back", "data-autofocus": True},
            ),
            class_name="ovfoot",
        ),
        open=number(item, "confirm") > 0,
        label=t("editor.roll_back"),
        on_close=do("versions.ask(null)"),
        class_name="small",
    )
    return rx.fragment(rx.cond(flag(item, "comparing"), _comparison(item), _history(item)), confirm)


def versions_panel() -> rx.Component:
    """The Versions tab."""
    return rx.el.div(slice_view("versions", versions_view), class_name="ibody")
