"""One's own status in the top bar, what rings at one, and how many wait: on every page."""

import reflex as rx

from pytake_app.core.tenancy import Principal
from pytake_app.ui import push
from pytake_app.ui.session import SessionState, protected

_LIBRARY = "$/public/pt_agent_status.js"


class AgentState(rx.State):
    """Only a subscription: statuses and offers come by REST."""

    @rx.event
    @protected(role="viewer")
    async def watch(self, who: Principal) -> None:
        """This tab hears of its organization's queues and agents."""
        push.watch(self, who, "queues", f"org:{who.organization_id}:queues")


class AgentMenu(rx.Component):
    """Account and own status; `me` is `{id, role, name, email, initials, avatar}`. Rings when somebody is offered."""

    library = _LIBRARY
    tag = "AgentMenu"
    me: rx.Var[dict[str, object]]
    on_watch: rx.EventHandler[rx.event.no_args_event_spec]


class WaitingCount(rx.Component):
    """How many wait for a person, after a link's name."""

    library = _LIBRARY
    tag = "WaitingCount"


def agent_menu() -> rx.Component:
    """The menu at the right end of the top bar."""
    me = {
        "id": SessionState.user_id,
        "role": SessionState.role,
        "permissions": SessionState.permissions,
        "name": SessionState.user_name,
        "email": SessionState.user_email,
        "initials": SessionState.initials,
        "avatar": SessionState.avatar,
    }
    return AgentMenu.create(me=me, on_watch=AgentState.watch)
