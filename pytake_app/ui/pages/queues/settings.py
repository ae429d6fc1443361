"""What holds in each service queue. Administrators change it; others read it."""

import reflex as rx

from pytake_app.ui.layout.shell import page_shell
from pytake_app.ui.pages.queues.store import QueueSettingsRoot
from pytake_app.ui.session import SessionState

ROUTE = "/queues/settings"
ON_LOAD = [SessionState.guard]


def page() -> rx.Component:
    """The page."""
    me = {"id": SessionState.user_id, "role": SessionState.role, "permissions": SessionState.permissions}
    return page_shell("monitor.settings_title", QueueSettingsRoot.create(me=me), active="queues", bare=True)
