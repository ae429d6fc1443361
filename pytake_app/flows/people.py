"""Who has a flow open: a tab that closes is forgotten at once, not after its silence."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from pytake_app.core.live import Live
from pytake_app.core.presence import Presence
from pytake_app.core.tenancy import Principal, Role
from pytake_app.flows import repository


def leave(session: Session, principal: Principal, ref: UUID | str, tab: str, *, presence: Presence, live: Live) -> None:
    """The caller's tab no longer shows the flow: the others hear it. Nothing happens for a tab that isn't theirs.

    Raises:
        NotFoundError: no such flow.
    """
    principal.require(Role.VIEWER)
    thing = f"flow:{repository.find(session, ref).id}"
    said = presence.said(thing, tab)
    if said is None or said.get("user_id") != str(principal.user_id):
        return
    presence.drop(thing, tab)
    live.publish(thing, {"event": "flow_here", **said, "nodes": [], "gone": True})
