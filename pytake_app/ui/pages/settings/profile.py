"""One's own account: picture, name, language, time zone, looks."""

from __future__ import annotations

import reflex as rx

from pytake_app.core.tenancy import Principal
from pytake_app.ui.pages.settings.frame import settings_shell
from pytake_app.ui.session import SessionState, forget, protected

ROUTE = "/settings/profile"
ON_LOAD = [SessionState.guard]


class ProfileState(rx.State):
    """Only a bell: the account is read and written by REST."""

    @rx.event
    @protected(role="viewer")
    async def changed(self, who: Principal) -> rx.event.EventSpec:
        """Show the new name and picture in the shell."""
        forget(self)
        return SessionState.guard


class ProfileRoot(rx.Component):
    """The page's content."""

    library = "$/public/pt_account_profile.js"
    tag = "ProfileRoot"
    on_changed: rx.EventHandler[rx.event.no_args_event_spec]


def page() -> rx.Component:
    """The page."""
    return settings_shell(
        "profile", "account.profile_title", "account.profile_lead", ProfileRoot.create(on_changed=ProfileState.changed)
    )
