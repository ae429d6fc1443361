"""Sessions: looked at, started, answered and cancelled from outside.

Starting and answering go through the pipeline as commands, serial with the contact's own messages: the command is
committed first (`begin_start`, `begin_process`, `cancel`), then its effect can be waited for (`await_command`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from pydantic import JsonValue
from sqlmodel import Session, col

from pytake_app.contacts import service as contacts
from pytake_app.conversations import sight
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.db import Database
from pytake_app.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page, decode_cursor, encode_cursor
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, scoped
from pytake_app.engine import session as engine
from pytake_app.flows import repository, running
from pytake_app.flows.models import FlowSession, SessionStep
from pytake_app.flows.session_schemas import FlowSessionView, SessionStats, SessionSummary, StepView
from pytake_app.messaging.commands import Command, submit_command
from pytake_app.messaging.models import InboundEvent

_CLOCK = SystemClock()
MAX_STEPS = 500
"""Steps shown with a session, the latest ones."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A command on its way: wait for it with `await_command`, then read the session."""

    command_id: UUID
    channel_account_id: UUID
    contact_id: UUID


def list_active(
    session: Session,
    principal: Principal,
    *,
    flow: UUID | str | None = None,
    contact_id: UUID | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[SessionSummary]:
    """Sessions in progress, newest first."""
    principal.require(Role.VIEWER)
    limit = min(max(limit, 1), MAX_LIMIT)
    statement = scoped(session, FlowSession).where(col(FlowSession.status).in_(repository.RUNNING))
    if flow is not None:
        statement = statement.where(FlowSession.flow_id == repository.find(session, flow).id)
    if contact_id is not None:
        statement = statement.where(FlowSession.contact_id == contact_id)
    seen = _seen(session, principal)
    if seen is not None:
        statement = statement.where(seen)
    if cursor is not None:
        statement = statement.where(col(FlowSession.id) < _session_cursor(cursor))
    rows = list(session.exec(statement.order_by(col(FlowSession.id).desc()).limit(limit + 1)))
    names = repository.names(session, (row.flow_id for row in rows))
    return Page(
        items=[_summary(row, names) for row in rows[:limit]],
        next_cursor=encode_cursor(str(rows[limit - 1].id)) if len(rows) > limit else None,
    )


def _session_cursor(cursor: str) -> UUID:
    (key,) = decode_cursor(cursor, 1)
    try:
        return UUID(str(key))
    except ValueError as error:
        raise InvalidError("The cursor is not one that this list gave.") from error


def session_stats(session: Session, principal: Principal, *, clock: Clock = _CLOCK) -> SessionStats:
    """Counts over all sessions; today begins at midnight UTC."""
    principal.require(Role.VIEWER)
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    statement = (
        sa.select(
            col(FlowSession.status),
            sa.func.count(),
            sa.func.count().filter(col(FlowSession.started_at) >= midnight),
        )
        .where(col(FlowSession.organization_id) == organization_of(session))
        .group_by(col(FlowSession.status))
    )
    rows = [(row[0], row[1], row[2]) for row in session.execute(statement)]
    by_status = {status: count for status, count, _today in rows}
    return SessionStats(
        running=sum(by_status.get(status, 0) for status in repository.RUNNING),
        waiting=by_status.get("waiting", 0),
        started_today=sum(today for _status, _count, today in rows),
        by_status=by_status,
    )


def get_session(session: Session, principal: Principal, session_id: UUID) -> FlowSessionView:
    """A session with variables and step log.

    Raises:
        NotFoundError: none here.
    """
    principal.require(Role.VIEWER)
    return _detail(session, _find(session, session_id, principal))


def account_of(session: Session, session_id: UUID) -> UUID:
    """The channel account that a session runs on.

    Raises:
        NotFoundError: none here.
    """
    return _find(session, session_id).channel_account_id


def latest_of_contact(
    session: Session, principal: Principal, contact_id: UUID, channel_account_id: UUID
) -> FlowSessionView | None:
    """The contact's newest session on the account."""
    principal.require(Role.VIEWER)
    statement = (
        scoped(session, FlowSession)
        .where(FlowSession.contact_id == contact_id, FlowSession.channel_account_id == channel_account_id)
        .order_by(col(FlowSession.id).desc())
        .limit(1)
    )
    seen = _seen(session, principal)
    row = cast("FlowSession | None", session.exec(statement if seen is None else statement.where(seen)).one_or_none())
    return _detail(session, row) if row is not None else None


def begin_start(
    session: Session,
    principal: Principal,
    *,
    flow: UUID | str,
    contact: str,
    trigger_data: dict[str, JsonValue] | None = None,
    clock: Clock = _CLOCK,
) -> Submitted:
    """Start a flow for a contact, after commit. A running session of the contact is interrupted by it.

    Parameters:
        contact: an id, or a phone number; an unknown number becomes a contact on the default WhatsApp account.
        trigger_data: become session variables.

    Raises:
        ConflictError: `not_published`, `contact_blocked`, `contact_opted_out`, `no_address`, `no_channel_account`.
        InvalidError: `contact` is neither an id nor a phone number.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    found = repository.find(session, flow)
    if found.live_version is None:
        raise ConflictError("The flow has no published version yet.", code="not_published")
    person, new = contacts.resolve(session, principal, contact, clock=clock)
    contacts.refuse_unreachable(person)
    address = contacts.reach(session, person, clock=clock)
    command = Command(
        action="start", flow_id=found.id, params=trigger_data or {}, reason="api", actor_id=principal.user_id
    )
    command_id = submit_command(
        session,
        organization_id=organization_of(session),
        channel_account_id=address.channel_account_id,
        contact_key=address.key,
        command=command,
        clock=clock,
    )
    if new:
        contacts.tell_created(session, person.id, by=principal.user_id, clock=clock)
    return Submitted(command_id, address.channel_account_id, person.id)


def begin_process(
    session: Session,
    principal: Principal,
    session_id: UUID,
    *,
    user_input: str | None,
    selection_id: str | None,
    clock: Clock = _CLOCK,
) -> Submitted:
    """Answer a waiting session as if the contact had written, after commit.

    Raises:
        ConflictError: code `session_ended`: it isn't active or waiting.
        InvalidError: neither a text nor a selection.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    if user_input is None and selection_id is None:
        error = FieldError("/user_input", "give user_input or selection_id", "missing")
        raise InvalidError("There is nothing to process.", errors=[error])
    row = _find(session, session_id, principal)
    if row.status not in repository.RUNNING:
        raise ConflictError(f"The session is {row.status}.", code="session_ended")
    command = Command(
        action="input",
        session_id=row.id,
        text=user_input or "",
        selection_id=selection_id,
        reason="api",
        actor_id=principal.user_id,
    )
    return Submitted(running.submit(session, row, command, clock=clock), row.channel_account_id, row.contact_id)


def cancel(session: Session, principal: Principal, session_id: UUID, *, clock: Clock = _CLOCK) -> FlowSessionView:
    """End a session at once: `interrupted`. One that is over stays as it is.

    Raises:
        NotFoundError: none here.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    row = _find(session, session_id, principal)
    contacts.lock(session, row.contact_id)
    session.refresh(row)
    if row.status in repository.RUNNING:
        running.interrupt(session, row, clock=clock)
    return _detail(session, row)


def await_command(database: Database, organization_id: UUID, command_id: UUID, *, timeout: float = 5.0) -> bool:
    """Wait, outside any transaction, until the pipeline has carried a command out.

    Parameters:
        timeout: seconds.

    Returns:
        whether it has; False: still on its way (it is durable and will happen).
    """
    deadline = time.monotonic() + timeout
    pause = 0.01
    while True:
        with database.tenant(organization_id) as session:
            state = session.execute(
                sa.select(col(InboundEvent.state)).where(
                    col(InboundEvent.organization_id) == organization_id,
                    col(InboundEvent.kind) == "command",
                    col(InboundEvent.external_id) == str(command_id),
                )
            ).scalar()
        if state != "pending":
            return state == "done"
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def _seen(session: Session, principal: Principal) -> Any | None:
    """A condition on `FlowSession`: of conversations that the caller sees; None: all."""
    ids = sight.ids_seen(session, principal)
    return None if ids is None else col(FlowSession.conversation_id).in_(ids)


def _find(session: Session, session_id: UUID, principal: Principal | None = None) -> FlowSession:
    statement = scoped(session, FlowSession).where(FlowSession.id == session_id)
    seen = _seen(session, principal) if principal is not None else None
    row = cast("FlowSession | None", session.exec(statement if seen is None else statement.where(seen)).one_or_none())
    if row is None:
        raise NotFoundError("There is no such session.", code="session_not_found")
    return row


def _summary_fields(row: FlowSession, names: dict[UUID, str]) -> dict[str, object]:
    fields: dict[str, object] = {
        name: getattr(row, name) for name in SessionSummary.model_fields if name != "flow_name"
    }
    return {**fields, "flow_name": names.get(row.flow_id, "")}


def _summary(row: FlowSession, names: dict[UUID, str]) -> SessionSummary:
    return SessionSummary.model_validate(_summary_fields(row, names))


def _detail(session: Session, row: FlowSession) -> FlowSessionView:
    names = repository.names(session, [row.flow_id])
    state = engine.Session.model_validate(row.state) if row.state else None
    steps = session.exec(
        scoped(session, SessionStep)
        .where(SessionStep.session_id == row.id)
        .order_by(col(SessionStep.sequence).desc())
        .limit(MAX_STEPS)
    )
    return FlowSessionView.model_validate(
        {
            **_summary_fields(row, names),
            "variables": state.variables if state else {},
            "wait": state.wait if state else None,
            "steps": [_step(step) for step in reversed(list(steps))],
        }
    )


def _step(step: SessionStep) -> StepView:
    return StepView(
        sequence=step.sequence,
        node_id=step.node_id,
        node_type=step.node_type,
        port=step.port,
        at=step.created_at,
        why=step.why,
        reads=step.reads,
        writes=step.writes,
        duration_us=step.duration_us,
        message_ids=step.message_ids,
    )
