"""The frame of every settings page: the list of sections at the side, above the page on phones."""

from __future__ import annotations

import reflex as rx

from pytake_app.core.tenancy import Role
from pytake_app.ui.components.basics import icon
from pytake_app.ui.i18n import t
from pytake_app.ui.layout.sections import GROUPS, SECTIONS, Section
from pytake_app.ui.layout.shell import page_shell
from pytake_app.ui.session import SessionState

__all__ = ["SECTIONS", "Section", "settings_shell"]


class SettingsPick(rx.Component):
    """The sections as one native list, for phones; `sections` are `{key, href, label, group, roles, permission}`."""

    library = "$/public/pt_settings_frame.js"
    tag = "SettingsPick"
    sections: rx.Var[list[dict[str, str]]]
    role: rx.Var[str]
    permissions: rx.Var[list[str]]
    active: rx.Var[str]


def seen(section: Section) -> rx.Var[bool]:
    """Whether the signed-in person is shown this section; nothing but the own account until the role is known."""
    if section.needs == "viewer" and section.group == "account":
        return rx.Var.create(True)
    roles = [role.value for role in Role if role.includes(Role(section.needs))]
    shown = rx.Var.create(roles).contains(SessionState.role)
    if section.permission:
        shown = shown & SessionState.permissions.contains(section.permission)
    return shown


def _link(section: Section, active: str) -> rx.Component:
    on = section.key == active
    return rx.link(
        icon(section.icon),
        rx.el.span(t(section.label), class_name="ell"),
        href=section.href,
        class_name="nav on" if on else "nav",
        unstyled=True,
        custom_attrs={"aria-current": "page" if on else None, "data-testid": f"section-{section.key}"},
    )


def _list(active: str) -> rx.Component:
    parts: list[rx.Component] = []
    for group in GROUPS:
        rows = [section for section in SECTIONS if section.group == group]
        if not rows:
            continue
        title = rx.el.div(t(f"account.group_{group}"), class_name="sg-group")
        shown = seen(rows[0])
        for row in rows[1:]:
            shown = shown | seen(row)
        parts.append(rx.cond(shown, title))
        parts.extend(rx.cond(seen(row), _link(row, active)) for row in rows)
    return rx.el.nav(*parts, class_name="sg-list", custom_attrs={"aria-label": t("account.settings")})


def _pick(active: str) -> rx.Component:
    rows = [
        {
            "key": section.key,
            "href": section.href,
            "label": section.label,
            "group": f"account.group_{section.group}",
            "permission": section.permission,
            "roles": " ".join(role.value for role in Role if role.includes(Role(section.needs))),
        }
        for section in SECTIONS
    ]
    return SettingsPick.create(
        sections=rows, role=SessionState.role, permissions=SessionState.permissions, active=active
    )


def settings_shell(active: str, title: str, lead: str, *children: rx.Component, wide: bool = False) -> rx.Component:
    """A settings page.

    Parameters:
        active: the `Section.key` to mark.
        title, lead: text keys: the page's heading, and one sentence below it that says what it is for; the sentence
            may be empty.
        children: the page's content, in a column of reading width.
        wide: the column takes all the room, for tables.

    The page's `on_load` must name `SessionState.guard`.
    """
    head = rx.el.div(
        rx.el.h2(t(title), class_name="title"),
        rx.el.p(t(lead), class_name="muted") if lead else rx.fragment(),
        class_name="sg-head",
    )
    return page_shell(
        "account.settings",
        rx.el.div(
            _list(active),
            rx.el.div(
                _pick(active),
                rx.el.div(head, *children, class_name="sg-page wide" if wide else "sg-page"),
                class_name="sg-main",
            ),
            class_name="sg",
        ),
        active="settings",
        bare=True,
    )
