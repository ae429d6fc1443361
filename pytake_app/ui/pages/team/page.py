"""The team: everybody's status, places, skills and queues, and the history of their statuses.

Everybody sees it; agents change their own status, administrators everything. The API refuses the rest.
"""

import reflex as rx

from pytake_app.ui.layout.shell import page_shell
from pytake_app.ui.session import SessionState

ROUTE = "/team"
ON_LOAD = [SessionState.guard]


class TeamRoot(rx.Component):
    """The list of agents and the one that is open; `me` is `{id, role}` of who is signed in."""

    library = "$/public/pt_team_page.js"
    tag = "TeamRoot"
    me: rx.Var[dict[str, object]]


def page() -> rx.Component:
    """The page."""
    me = {"id": SessionState.user_id, "role": SessionState.role, "permissions": SessionState.permissions}
    return page_shell("monitor.team_title", TeamRoot.create(me=me), active="team", bare=True)
