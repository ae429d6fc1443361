"""The organization's people: roles, departments, invitations. The API refuses who may not."""

from __future__ import annotations

import reflex as rx

from pytake_app.ui.pages.settings.frame import settings_shell
from pytake_app.ui.session import SessionState

ROUTE = "/settings/users"
ON_LOAD = [SessionState.guard]


class UsersRoot(rx.Component):
    """The page's content; `me` is `{id, role}` of who is signed in."""

    library = "$/public/pt_members_page.js"
    tag = "UsersRoot"
    me: rx.Var[dict[str, str]]


def page() -> rx.Component:
    """The page."""
    me = {"id": SessionState.user_id, "role": SessionState.role}
    return settings_shell("users", "members.users_title", "members.users_lead", UsersRoot.create(me=me), wide=True)
