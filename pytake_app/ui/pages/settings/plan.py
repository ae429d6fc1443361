"""The organization's plan: what it allows, how much of it is used, what the other plans allow."""

from __future__ import annotations

import reflex as rx

from pytake_app.ui.pages.settings.frame import settings_shell
from pytake_app.ui.session import SessionState

ROUTE = "/settings/plan"
ON_LOAD = [SessionState.guard]


class PlanRoot(rx.Component):
    """The page's content, read by REST."""

    library = "$/public/pt_plan_page.js"
    tag = "PlanRoot"
    organization: rx.Var[str]


def page() -> rx.Component:
    """The page."""
    root = PlanRoot.create(organization=SessionState.organization_id)
    return settings_shell("plan", "plans.title", "plans.lead", root)
