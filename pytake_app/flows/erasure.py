"""Forgets what flows know of one contact: answers, inputs, what was read and written, what other systems said.

What remains says that there were sessions, when, and which way they went; nothing of it says who the contact is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from pytake_app.contacts import service as contacts
from pytake_app.core.clock import Clock
from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.engine import session as engine
from pytake_app.flows import running, tapes
from pytake_app.flows.models import EmittedEvent, FlowRequest, FlowSession, SessionStep
from pytake_app.flows.repository import RUNNING

ERASED = "erased"
"""Stands where the step log said why, and for whom a request was."""
_FORGOTTEN_TAPES = ('[0, "", true]', "null")


def erase_contact(session: Session, contact_id: UUID, *, clock: Clock) -> int:
    """Clear variables, inputs, queued messages and tapes of the contact's sessions, the values of their step logs, the
    requests they made and the answers, and the payloads of events they emitted. What still runs is interrupted first.

    Returns:
        how many sessions there were. Doing it twice is the same.

    Raises:
        NotFoundError: no such contact.
    """
    contacts.lock(session, contact_id)
    rows = list(
        session.exec(scoped(session, FlowSession).where(FlowSession.contact_id == contact_id).with_for_update())
    )
    for row in rows:
        if row.status in RUNNING:
            running.interrupt(session, row, clock=clock)
        elif row.status == "handed_off" and row.state.get("wait"):
            running.forget_wait(session, row, clock=clock)
        row.state = _emptied(row.state)
        row.tape = []
        session.add(row)
    session.flush()
    ids = [row.id for row in rows]
    _forget_told(session, ids)
    _clear(session, EmittedEvent, col(EmittedEvent.contact_id) == contact_id, payload={})
    return len(rows)


def forget_notes_before(session: Session, before: datetime, limit: int) -> int:
    """Clear as much of sessions that ended before a time, a batch at a time.

    Returns:
        how many there were; `limit` means that there are more.
    """
    which = (col(FlowSession.ended_at) < before, col(FlowSession.status).not_in(RUNNING))
    told = sa.or_(
        col(FlowSession.state)["variables"].astext.not_in(("{}", "null")),
        sa.cast(col(FlowSession.tape), sa.Text) != "[]",
        col(FlowSession.state)["tape"].astext.not_in(_FORGOTTEN_TAPES),
    )
    statement = scoped(session, FlowSession).where(*which, told).limit(limit).with_for_update(skip_locked=True)
    rows = list(session.exec(statement))
    for row in rows:
        row.state = _emptied(row.state)
        row.tape = []
        session.add(row)
    session.flush()
    _forget_told(session, [row.id for row in rows])
    return len(rows)


def export_contact(session: Session, contact_id: UUID) -> Iterator[dict[str, Any]]:
    """What flows know of the contact, session by session, for handing out."""
    statement = scoped(session, FlowSession).where(FlowSession.contact_id == contact_id).order_by(col(FlowSession.id))
    for row in session.exec(statement):
        yield {
            "id": row.id,
            "flow_id": row.flow_id,
            "status": row.status,
            "outcome": row.outcome,
            "started_at": row.started_at,
            "ended_at": row.ended_at,
            "variables": row.state.get("variables") or {},
        }


def _forget_told(session: Session, ids: Sequence[UUID]) -> None:
    """Tapes, the values of the step log, requests with their answers, and payloads of events."""
    tapes.erase(session, ids)
    _clear(session, SessionStep, col(SessionStep.session_id).in_(ids), reads={}, writes={}, why=ERASED)
    pending = sa.case((col(FlowRequest.state).in_(("pending", "running")), "canceled"), else_=col(FlowRequest.state))
    which = col(FlowRequest.session_id).in_(ids)
    _clear(session, FlowRequest, which, request={}, result=None, state=pending, contact_key=ERASED)
    _clear(session, EmittedEvent, col(EmittedEvent.session_id).in_(ids), payload={})


def _emptied(state: dict[str, Any]) -> dict[str, Any]:
    """The session's shape without anything that was said; what the pipeline counts beside it stays."""
    held = engine.Session.model_validate(state)
    stack = [frame.model_copy(update={"variables": None, "outputs": {}}) for frame in held.stack]
    empty = held.model_copy(
        update={"variables": {}, "last_input": None, "last_selection": None, "stack": stack, "outcome": None}
    )
    # The tape's end is marked: nothing is appended to what is gone.
    return {**state, **empty.model_dump(mode="json"), "queued": [], "tape": [0, "", True]}


def _clear(session: Session, table: type[SQLModel], which: Any, **values: Any) -> None:
    organization = col(table.organization_id) == organization_of(session)  # type: ignore[attr-defined]
    session.execute(sa.update(table).where(organization, which).values(**values))
