"""Settings of the inbox: closing and reopening, canned replies, one's own signs of news."""

from __future__ import annotations

import reflex as rx

from pytake_app.ui.components.client import VIRTUOSO
from pytake_app.ui.pages.settings.frame import settings_shell
from pytake_app.ui.session import SessionState

ROUTE = "/settings/inbox"
ON_LOAD = [SessionState.guard]


class InboxSettingsRoot(rx.Component):
    """The page's content; `me` is `{id, role, permissions}` of who is signed in."""

    library = "$/public/pt_inbox_settings.js"
    tag = "InboxSettingsRoot"
    lib_dependencies: list[str] = [VIRTUOSO]
    me: rx.Var[dict[str, object]]


def page() -> rx.Component:
    """The page."""
    me = {"id": SessionState.user_id, "role": SessionState.role, "permissions": SessionState.permissions}
    return settings_shell("inbox", "inbox_settings.title", "inbox_settings.lead", InboxSettingsRoot.create(me=me))
