"""How the organization treats people's data: how long it is kept, who sees phones, who was forgotten."""

from __future__ import annotations

import reflex as rx

from pytake_app.ui.pages.settings.frame import settings_shell
from pytake_app.ui.session import SessionState

ROUTE = "/settings/privacy"
ON_LOAD = [SessionState.guard]


class PrivacyRoot(rx.Component):
    """The page's content, read and written by REST."""

    library = "$/public/pt_privacy_page.js"
    tag = "PrivacyRoot"


def page() -> rx.Component:
    """The page."""
    return settings_shell("privacy", "privacy.title", "privacy.lead", PrivacyRoot.create())
