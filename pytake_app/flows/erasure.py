"""Forgets what flows know of one contact: answers, inputs, what was read and written, what other systems said.

What remains says that there were sessions, when, and which way they went; nothing of it says who the contact is.
"""

from __future__ import annotations

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
"""Stands where the step log said why."""


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
    tapes.erase(session, ids)
    _clear(session, SessionStep, col(SessionStep.session_id).in_(ids), reads={}, writes={}, why=ERASED)
    pending = sa.case((col(FlowRequest.state).in_(("pending", "running")), "canceled"), else_=col(FlowRequest.state))
    _clear(session, FlowRequest, col(FlowRequest.session_id).in_(ids), request={}, result=None, state=pending)
    of_contact = sa.or_(col(EmittedEvent.contact_id) == contact_id, col(EmittedEvent.session_id).in_(ids))
    _clear(session, EmittedEvent, of_contact, payload={})
    return len(rows)


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
