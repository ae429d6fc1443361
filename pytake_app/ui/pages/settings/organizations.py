"""Every organization of the installation, for super admins. The API refuses everybody else."""

from __future__ import annotations

import reflex as rx

from pytake_app.ui.pages.settings.frame import settings_shell
from pytake_app.ui.session import SessionState

ROUTE = "/admin/organizations"
ON_LOAD = [SessionState.guard]


class AdminOrganizations(rx.Component):
    """The page's content, read and written by REST."""

    library = "$/public/pt_admin_organizations.js"
    tag = "AdminOrganizations"


def page() -> rx.Component:
    """The page."""
    root = AdminOrganizations.create()
    return settings_shell("organizations", "plans.organizations", "plans.organizations_lead", root, wide=True)
