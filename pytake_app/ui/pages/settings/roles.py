"""What each role may do."""

import reflex as rx

from pytake_app.ui.pages.settings.frame import settings_shell
from pytake_app.ui.session import SessionState

ROUTE = "/settings/roles"
ON_LOAD = [SessionState.guard]


class RolesRoot(rx.Component):
    """The page's content; reads and writes by REST."""

    library = "$/public/pt_roles_page.js"
    tag = "RolesRoot"
    me: rx.Var[dict[str, object]]


def page() -> rx.Component:
    """The page."""
    me = {"id": SessionState.user_id, "role": SessionState.role, "permissions": SessionState.permissions}
    return settings_shell("roles", "roles.title", "roles.lead", RolesRoot.create(me=me), wide=True)
