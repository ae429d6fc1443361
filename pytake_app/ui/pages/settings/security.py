"""One's own security: password, second factor, where one is signed in; what the organization asks for."""

from __future__ import annotations

import reflex as rx

from pytake_app.ui.pages.settings.frame import settings_shell
from pytake_app.ui.session import SessionState

ROUTE = "/settings/security"
ON_LOAD = [SessionState.guard]


class SecurityRoot(rx.Component):
    """The page's content; `me` is `{id, role}` of who is signed in."""

    library = "$/public/pt_account_security.js"
    tag = "SecurityRoot"
    me: rx.Var[dict[str, str]]


def page() -> rx.Component:
    """The page."""
    me = {"id": SessionState.user_id, "role": SessionState.role}
    return settings_shell("security", "account.security_title", "account.security_lead", SecurityRoot.create(me=me))
