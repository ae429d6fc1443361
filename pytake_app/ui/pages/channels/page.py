"""WhatsApp numbers: what is connected, how it is, and how to connect one more. For administrators.

Who isn't one sees that they may not; the API refuses their changes in any case.
"""

import reflex as rx

from pytake_app.ui.pages.channels.cards import cards
from pytake_app.ui.pages.channels.dialogs import dialogs
from pytake_app.ui.pages.channels.store import ChannelsRoot
from pytake_app.ui.pages.settings.frame import settings_shell
from pytake_app.ui.session import SessionState

ROUTE = "/settings/channels"
ON_LOAD = [SessionState.guard]


def page() -> rx.Component:
    """The page."""
    me = {"id": SessionState.user_id, "role": SessionState.role, "permissions": SessionState.permissions}
    return settings_shell("channels", "channels.title", "", ChannelsRoot.create(cards(), dialogs(), me=me), wide=True)
