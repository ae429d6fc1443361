"""Departments and who belongs to them."""

from __future__ import annotations

import reflex as rx

from pytake_app.ui.pages.settings.frame import settings_shell
from pytake_app.ui.session import SessionState

ROUTE = "/settings/departments"
ON_LOAD = [SessionState.guard]


class DepartmentsRoot(rx.Component):
    """The page's content; `me` is `{id, role, permissions}` of who is signed in."""

    library = "$/public/pt_departments_page.js"
    tag = "DepartmentsRoot"
    me: rx.Var[dict[str, object]]


def page() -> rx.Component:
    """The page."""
    me = {"id": SessionState.user_id, "role": SessionState.role, "permissions": SessionState.permissions}
    return settings_shell(
        "departments", "members.departments_title", "members.departments_lead", DepartmentsRoot.create(me=me)
    )
