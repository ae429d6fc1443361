"""Business hours and holidays, which queues and flows follow."""

from __future__ import annotations

import reflex as rx

from pytake_app.ui.pages.settings.frame import settings_shell
from pytake_app.ui.session import SessionState

ROUTE = "/settings/hours"
ON_LOAD = [SessionState.guard]


class HoursRoot(rx.Component):
    """The page's content; `me` is `{id, role, permissions}` of who is signed in."""

    library = "$/public/pt_hours_settings.js"
    tag = "HoursRoot"
    me: rx.Var[dict[str, object]]


def page() -> rx.Component:
    """The page."""
    me = {"id": SessionState.user_id, "role": SessionState.role, "permissions": SessionState.permissions}
    return settings_shell("hours", "inbox_settings.hours_title", "inbox_settings.hours_lead", HoursRoot.create(me=me))
