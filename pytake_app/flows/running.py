"""Sessions in progress, seen from outside the pipeline: found, interrupted, told what became of a hand-off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.contacts import service as contacts
from pytake_app.core.clock import Clock
from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.engine import session as engine
from pytake_app.flows.models import FlowSession, Timer
from pytake_app.flows.repository import RUNNING
from pytake_app.messaging.commands import Command, submit_command


def current(session: Session, contact_id: UUID, channel_account_id: UUID) -> FlowSession | None:
    """The one session of the contact on the account that is active or waiting; in a long delay is another matter."""
    statement = scoped(session, FlowSession).where(
        FlowSession.contact_id == contact_id,
        FlowSession.channel_account_id == channel_account_id,
        col(FlowSession.status).in_(RUNNING),
        ~col(FlowSession.delayed),
    )
    return cast("FlowSession | None", session.exec(statement).one_or_none())


def delayed(session: Session, contact_id: UUID, channel_account_id: UUID) -> list[FlowSession]:
    """The contact's sessions on the account that are in long delays."""
    statement = scoped(session, FlowSession).where(
        FlowSession.contact_id == contact_id,
        FlowSession.channel_account_id == channel_account_id,
        col(FlowSession.delayed),
    )
    return list(session.exec(statement))


def handed_off(session: Session, contact_id: UUID, channel_account_id: UUID) -> FlowSession | None:
    """The latest session of the contact on the account, if it waits to hear what became of its hand-off."""
    statement = (
        scoped(session, FlowSession)
        .where(FlowSession.contact_id == contact_id, FlowSession.channel_account_id == channel_account_id)
        # What events began beside it is no end of it.
        .where(col(FlowSession.state)["with_person"].astext.is_(None))
        .order_by(col(FlowSession.id).desc())
        .limit(1)
    )
    found = cast("FlowSession | None", session.exec(statement).one_or_none())
    if found is None or found.status != "handed_off" or not found.state.get("wait"):
        return None
    return found


def waiting_handoffs(session: Session, session_ids: Sequence[UUID]) -> list[FlowSession]:
    """Those of the sessions that wait to hear what became of their hand-off."""
    if not session_ids:
        return []
    statement = scoped(session, FlowSession).where(
        col(FlowSession.id).in_(session_ids), FlowSession.status == "handed_off"
    )
    return [row for row in session.exec(statement) if row.state.get("wait")]


def _drop_timers(session: Session, row: FlowSession) -> None:
    session.execute(
        sa.delete(Timer).where(
            col(Timer.organization_id) == row.organization_id,
            col(Timer.session_id) == row.id,
            col(Timer.fired_at).is_(None),
        )
    )


def forget_wait(session: Session, waiting: FlowSession, *, clock: Clock) -> None:
    """A handed-off session no longer waits to hear of it: it is over. The caller holds the contact's row."""
    state = engine.Session.model_validate(waiting.state)
    waiting.state = {**waiting.state, **state.model_copy(update={"wait": None}).model_dump(mode="json")}
    waiting.updated_at = clock.now()
    waiting.ended_at = waiting.ended_at or waiting.updated_at
    session.add(waiting)
    _drop_timers(session, waiting)
    session.flush()


def interrupt(session: Session, running: FlowSession, *, clock: Clock) -> None:
    """End a session at once: `interrupted`, its timers gone. The caller holds the contact's row.

    Equivalent to the engine's `CancelResume`, which emits nothing but this end; done here so that the person who
    takes over never waits for a worker.
    """
    now = clock.now()
    state = engine.Session.model_validate(running.state)
    ended = state.model_copy(update={"status": "interrupted", "wait": None})
    # What the pipeline keeps beside the engine's own members stays.
    running.state = {**running.state, **ended.model_dump(mode="json"), "queued": []}
    running.status, running.delayed = "interrupted", False
    running.ended_at = running.updated_at = now
    running.expires_at = None
    session.add(running)
    _drop_timers(session, running)
    session.flush()


def tell_handoff(session: Session, waiting: FlowSession, result: str, *, by: UUID | None, clock: Clock) -> None:
    """Resume a handed-off session with `transferred` or `closed`, after commit, in the contact's turn."""
    command = Command.model_validate(
        {"action": "handoff", "session_id": waiting.id, "result": result, "actor_id": by, "reason": "inbox"}
    )
    _submit(session, waiting, command, clock=clock)


def cancel_all_of_flow(session: Session, flow_id: UUID, *, reason: str, by: UUID | None, clock: Clock) -> int:
    """Have every running session of a flow interrupted, each in its contact's turn, after commit.

    Returns:
        how many.
    """
    statement = scoped(session, FlowSession).where(FlowSession.flow_id == flow_id, col(FlowSession.status).in_(RUNNING))
    found = list(session.exec(statement))
    for row in found:
        command = Command(action="cancel", session_id=row.id, reason=reason, actor_id=by)
        _submit(session, row, command, clock=clock)
    return len(found)


def submit(session: Session, row: FlowSession, command: Command, *, clock: Clock) -> UUID:
    """Have `command` carried out on the session's contact; answers the command's id."""
    return _submit(session, row, command, clock=clock)


def _submit(session: Session, row: FlowSession, command: Command, *, clock: Clock) -> UUID:
    return submit_command(
        session,
        organization_id=organization_of(session),
        channel_account_id=row.channel_account_id,
        contact_key=contacts.address_of(session, row.contact_id, row.channel_account_id).key,
        command=command,
        clock=clock,
    )
