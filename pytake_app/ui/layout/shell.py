"""The frame around every signed-in page."""

from collections.abc import Sequence

import reflex as rx
from reflex.style import set_color_mode

from pytake_app.ui.components.basics import Text, icon, icon_button, kbd, logo, menu_item, skeleton
from pytake_app.ui.components.client import (
    AccountLanguage,
    CommandPalette,
    Drawer,
    LiveBridge,
    ShellKeys,
    open_drawer,
    open_palette,
    toggle_side,
)
from pytake_app.ui.i18n import LANG, LANGUAGES, set_language, t
from pytake_app.ui.layout.agent import WaitingCount, agent_menu
from pytake_app.ui.layout.bell import bell
from pytake_app.ui.layout.confirmation import EmailBanner
from pytake_app.ui.layout.nav import NAVIGATION
from pytake_app.ui.layout.plan import PlanBanner, PlanRefusals
from pytake_app.ui.layout.sections import SECTIONS
from pytake_app.ui.push import LiveState
from pytake_app.ui.session import SessionState


def _nav_links(active: str) -> list[rx.Component]:
    parts: list[rx.Component] = []
    for group, items in NAVIGATION:
        parts.append(rx.el.div(rx.el.span(t(group), class_name="grp-text"), class_name="grp"))
        for item in items:
            on = item.key == active
            link = rx.link(
                icon(item.icon),
                rx.el.span(t(item.label), class_name="lbl-nav ell"),
                WaitingCount.create() if item.key == "queues" else rx.fragment(),
                href=item.href,
                class_name="nav on" if on else "nav",
                unstyled=True,
                custom_attrs={"aria-current": "page" if on else None, "title": t(item.label)},
            )
            parts.append(link)
    return parts


def _organization() -> rx.Component:
    name = rx.cond(
        SessionState.organization_name != "",
        rx.el.span(SessionState.organization_name, class_name="org-name ell"),
        rx.el.span(skeleton("var(--d-96)"), class_name="org-name"),
    )
    return rx.el.div(logo(), name, class_name="org")


def _sidebar(active: str) -> rx.Component:
    fold = rx.el.button(
        icon("panel-left"),
        rx.el.span(t("common.fold_menu"), class_name="lbl-nav"),
        rx.el.span(kbd("["), class_name="n"),
        class_name="nav fold",
        type="button",
        on_click=toggle_side(),
        custom_attrs={"title": t("common.fold_menu")},
    )
    return rx.el.nav(
        _organization(),
        *_nav_links(active),
        rx.el.div(fold, class_name="foot"),
        class_name="side",
        custom_attrs={"aria-label": t("common.menu")},
    )


def language_menu() -> rx.Component:
    """The language switch; works without a server."""
    names = {tag: t(f"common.language_{tag[:2]}") for tag in LANGUAGES.values()}
    items = [
        rx.dropdown_menu.item(
            rx.el.span(rx.cond(tag == LANG, icon("check", "s"), ""), width="var(--d-16)", display="inline-grid"),
            names[tag],
            on_select=set_language(tag),
            custom_attrs={"lang": tag},
        )
        for tag in LANGUAGES.values()
    ]
    return rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(icon_button("languages", t("common.language"))),
        rx.dropdown_menu.content(*items, align="end", variant="soft"),
        modal=False,
    )


def theme_menu() -> rx.Component:
    """Light, dark or as the system; works without a server."""
    modes = (("light", "sun"), ("dark", "moon"), ("system", "monitor"))
    items = [menu_item(picture, t(f"common.theme_{mode}"), on_select=set_color_mode(mode)) for mode, picture in modes]
    trigger = icon_button("moon", t("common.theme"))
    return rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(trigger),
        rx.dropdown_menu.content(*items, align="end", variant="soft"),
        modal=False,
    )


def _top_bar(title: Text | rx.Component, actions: Sequence[rx.Component], lead: rx.Component | None) -> rx.Component:
    search = rx.el.button(
        icon("search", "s"),
        rx.el.span(t("common.palette_button"), class_name="cmd-text"),
        kbd("Ctrl K"),
        class_name="cmd",
        type="button",
        on_click=open_palette(),
        custom_attrs={"aria-label": t("common.palette")},
    )
    return rx.el.header(
        rx.el.button(
            icon("menu"),
            class_name="ib burger",
            type="button",
            on_click=open_drawer(),
            custom_attrs={"aria-label": t("common.menu")},
        ),
        lead if lead is not None else rx.fragment(),
        rx.el.h1(title) if not isinstance(title, rx.Component) else title,
        rx.el.div(class_name="grow"),
        *actions,
        search,
        bell(),
        rx.el.span(language_menu(), class_name="only-wide"),
        rx.el.span(theme_menu(), class_name="only-wide"),
        agent_menu(),
        class_name="top",
    )


def hydrated_mark() -> rx.Component:
    """A mark that appears when the page talks to the server; browser tests wait for it."""
    return rx.cond(rx.State.is_hydrated, rx.el.i(custom_attrs={"data-testid": "hydrated", "hidden": True}))


def page_shell(
    title: str | rx.Component,
    *children: rx.Component,
    actions: Sequence[rx.Component] = (),
    active: str = "",
    bare: bool = False,
    sidebar: bool = True,
    lead: rx.Component | None = None,
) -> rx.Component:
    """A signed-in page.

    Parameters:
        title: a text key, or a component that takes the title's place.
        children: the page's content; it scrolls as one, with 16 px around, unless `bare`.
        actions: what stands in the top bar before the search.
        active: the `NavItem.key` to mark.
        bare: no padding and no scrolling: the page lays out its own panes (inbox, editor).
        sidebar: False hides it (flow editor); `[` shows it for a while.
        lead: something before the title, such as a way back.

    The page's `on_load` must name `SessionState.guard` (see `ui/session.py`).
    """
    heading = title if isinstance(title, rx.Component) else t(title)
    return frame(
        _top_bar(heading, actions, lead),
        EmailBanner.create(wanted=SessionState.email_unconfirmed, email=SessionState.user_email),
        PlanBanner.create(organization=SessionState.organization_id, role=SessionState.role),
        rx.el.main(*children, class_name="pg bare" if bare else "pg", id="content", custom_attrs={"tabIndex": -1}),
        active=active,
        sidebar=sidebar,
    )


def frame(*children: rx.Component, active: str = "", sidebar: bool = True) -> rx.Component:
    """The shell without a top bar: sidebar, keys, command palette, live bridge.

    A page with its own bar (the flow editor) uses it directly; one of the children must be the `main` with id
    `content`.
    """
    pages = [{"href": i.href, "icon": i.icon, "label": i.label} for _, items in NAVIGATION for i in items]
    pages.append({"href": "/help/blocks", "icon": "workflow", "label": "blocks.title"})
    pages += [{"href": one.href, "icon": "settings", "label": one.label} for one in SECTIONS]
    return rx.el.div(
        rx.el.a(t("common.skip"), href="#content", class_name="skip"),
        _sidebar(active),
        Drawer.create(_organization(), *_nav_links(active), label=t("common.menu")),
        rx.el.div(*children, class_name="main"),
        ShellKeys.create(),
        PlanRefusals.create(),
        AccountLanguage.create(locale=SessionState.locale, zone=SessionState.time_zone),
        CommandPalette.create(pages=pages),
        LiveBridge.create(pokes=LiveState.pokes),
        hydrated_mark(),
        class_name="app" if sidebar else "app no-side",
    )
