"""Long delays: what a session in one means for the contact's other flows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from pytake_app.engine.runner import breaks_off
from pytake_app.engine.session import CancelResume, InboundInput
from pytake_app.flows.execution_state import StoredSession
from pytake_app.flows.timers import NewTimer
from pytake_app.messaging.lanes import lane_of

if TYPE_CHECKING:
    from pytake_app.conversations.threads import Thread
    from pytake_app.flows.execution_sprint import ContactState

AGAIN = timedelta(minutes=2)
"""How long a delay that is over waits for the contact's other session, before it looks again."""


def set_timer(state: ContactState, stored: StoredSession, kind: str, wait_id: str, due_at: datetime) -> None:
    """Have the contact's session looked at again.

    Parameters:
        kind: of the timer: `timeout`, `delay` and so on.
        wait_id: of the session's wait; the timer of another one is out of date.
        due_at: when (UTC).
    """
    key = state.person.key or state.person.bsuid or ""
    state.effects.timers.append(
        NewTimer(
            id=state.context.new_id(),
            organization_id=stored.organization_id,
            session_id=stored.id,
            channel_account_id=state.account.id,
            contact_key=key,
            lane=lane_of(state.account.id, key, state.context.lanes),
            kind=kind,
            wait_id=wait_id,
            due_at=due_at,
        )
    )


def replace(state: ContactState, thread: Thread, flow_id: UUID) -> None:
    """A flow begins anew: what an earlier run of it still meant to say after a delay is out of date."""
    for stored in list(state.sessions.values()):
        if stored.alive and stored.session.delayed and stored.session.root_flow_id == str(flow_id):
            state.resume(stored, thread, CancelResume(reason="replaced"))


def broken_off_by(state: ContactState, thread: Thread, message: InboundInput) -> StoredSession | None:
    """The session in a delay that this message ends or begins anew: by a global keyword of its flow."""
    for stored in state.sessions.values():
        session = stored.session
        if stored.alive and session.wait is not None and session.wait.kind == "delay":
            flow = state.context.catalog.compiled(state.context.connection, session.flow_id, session.flow_version)
            if flow is not None and breaks_off(session, flow, message, state.run_context(thread)):
                return stored
    return None


def postponed(state: ContactState, stored: StoredSession, wait_id: str) -> bool:
    """The delay is over, but the contact is in the middle of something else: look again later."""
    wait, open_ = stored.session.wait, state.thread
    if not stored.session.delayed or wait is None or wait.id != wait_id:
        return False
    elsewhere = open_ is not None and open_.id != stored.conversation_id and open_.handling == "person"
    in_line = open_ is not None and open_.handling == "waiting"
    if state.running_session() is None and not elsewhere and not in_line:
        return False
    set_timer(state, stored, "delay", wait_id, state.context.now + AGAIN)
    return True
