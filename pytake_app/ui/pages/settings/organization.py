"""The organization's name, time zone, language and currency."""

from __future__ import annotations

import reflex as rx

from pytake_app.core.tenancy import Principal
from pytake_app.ui.pages.settings.frame import settings_shell
from pytake_app.ui.session import SessionState, forget, protected

ROUTE = "/settings/organization"
ON_LOAD = [SessionState.guard]


class OrganizationState(rx.State):
    """Only a bell: the organization is read and written by REST."""

    @rx.event
    @protected(role="org_admin")
    async def changed(self, who: Principal) -> rx.event.EventSpec:
        """Show the new name in the shell."""
        forget(self)
        return SessionState.guard


class OrganizationRoot(rx.Component):
    """The page's content."""

    library = "$/public/pt_organization_page.js"
    tag = "OrganizationRoot"
    organization: rx.Var[str]
    on_changed: rx.EventHandler[rx.event.no_args_event_spec]


def page() -> rx.Component:
    """The page."""
    root = OrganizationRoot.create(organization=SessionState.organization_id, on_changed=OrganizationState.changed)
    return settings_shell("organization", "plans.organization_title", "plans.organization_lead", root)
