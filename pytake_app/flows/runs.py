"""Runs of a flow for the editor: the latest ones, those that came to a node, and one step by step."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from sqlmodel import Session, col

from pytake_app.contacts import service as contacts
from pytake_app.contacts.schemas import ContactBrief
from pytake_app.conversations import service as conversations
from pytake_app.conversations import sight
from pytake_app.core.clock import Clock
from pytake_app.core.errors import InvalidError
from pytake_app.core.pagination import MAX_LIMIT, Page, decode_cursor, encode_cursor
from pytake_app.core.tenancy import Principal, Role, organization_of, scoped
from pytake_app.flows import repository, sessions_service
from pytake_app.flows.models import SessionStep
from pytake_app.flows.runs_schemas import RunDetail, RunEnd, RunMessage, RunView
from pytake_app.flows.session_schemas import FlowSessionView
from pytake_app.flows.stats import channel_scope, hour_before

MAX_MESSAGES = 300
"""Messages shown with one run."""

# The newest visit of the node by each session; `session_steps_node` gives them in order of time.
_OF_NODE: LiteralString = """
SELECT s.id, s.version, s.status, s.outcome, s.current_node, s.contact_id, s.conversation_id, s.channel_account_id,
       s.started_at, s.updated_at, s.ended_at, st.created_at AS at, st.id AS place
FROM session_steps st JOIN flow_sessions s ON s.id = st.session_id
WHERE st.organization_id = %(organization)s AND st.flow_id = %(flow)s AND st.node_id = %(node)s
  AND st.created_at >= %(since)s AND s.started_at >= %(since)s AND s.channel_account_id = ANY(%(accounts)s)
  AND (%(version)s::int IS NULL OR coalesce(st.flow_version, s.version) = %(version)s)
  AND (NOT %(dropped)s OR (s.current_node = st.node_id AND s.status IN ('expired', 'failed', 'interrupted')))
  AND (%(before_at)s::timestamptz IS NULL OR (st.created_at, st.id) < (%(before_at)s, %(before_id)s::uuid))
  AND NOT EXISTS (SELECT 1 FROM session_steps later WHERE later.session_id = st.session_id
                  AND later.created_at >= st.created_at AND later.flow_id = st.flow_id AND later.node_id = st.node_id
                  AND later.sequence > st.sequence)
ORDER BY st.created_at DESC, st.id DESC LIMIT %(limit)s
"""
_OF_FLOW: LiteralString = """
SELECT s.id, s.version, s.status, s.outcome, s.current_node, s.contact_id, s.conversation_id, s.channel_account_id,
       s.started_at, s.updated_at, s.ended_at, s.started_at AS at, s.id AS place
FROM flow_sessions s
WHERE s.organization_id = %(organization)s AND s.flow_id = %(flow)s AND s.started_at >= %(since)s
  AND s.channel_account_id = ANY(%(accounts)s) AND (%(version)s::int IS NULL OR s.version = %(version)s)
  AND (NOT %(dropped)s OR s.status IN ('expired', 'failed', 'interrupted'))
  AND (%(before_id)s::uuid IS NULL OR s.id < %(before_id)s::uuid)
ORDER BY s.id DESC LIMIT %(limit)s
"""


def list_runs(
    session: Session,
    principal: Principal,
    ref: UUID | str,
    *,
    node_id: str | None,
    dropped: bool,
    days: int,
    version: int | None,
    channel: str | None,
    limit: int,
    cursor: str | None,
    clock: Clock,
) -> Page[RunView]:
    """Runs that began in the last `days` days, newest first; with `node_id` those that came there, by when they did.

    Parameters:
        dropped: only those that ended there (or anywhere) without reaching an end of the flow.
        channel: see `stats.channel_scope`.
    """
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    limit = min(max(limit, 1), MAX_LIMIT)
    scope = channel_scope(session, channel)
    before_at, before_id = _position(cursor)
    parameters: dict[str, Any] = {
        "organization": organization_of(session), "flow": flow.id, "node": node_id, "dropped": dropped,
        "since": hour_before(clock.now(), days), "accounts": scope.accounts, "version": version, "limit": limit + 1,
        "before_at": before_at, "before_id": before_id,
    }  # fmt: skip
    statement = _OF_FLOW if node_id is None else _OF_NODE
    rows = session.connection().exec_driver_sql(statement, parameters).mappings().all()
    # Figures are for everybody who may read the flow; whose run it was only for who sees the conversation.
    seen = sight.among(session, principal, {row["conversation_id"] for row in rows[:limit]})
    people = contacts.briefs(session, {row["contact_id"] for row in rows[:limit] if row["conversation_id"] in seen})
    sandboxes = {choice.id for choice in scope.choices if choice.sandbox}
    items = [_view(row, people, sandboxes, principal) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(items=items, next_cursor=encode_cursor(last["at"].isoformat(), str(last["place"])) if last else None)


def _position(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    if cursor is None:
        return None, None
    at, key = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(str(at)), UUID(str(key))
    except ValueError as error:
        raise InvalidError("The cursor is not one that this list gave.") from error


def _view(row: Any, people: dict[UUID, ContactBrief], sandboxes: set[UUID], principal: Principal) -> RunView:
    person = people.get(row["contact_id"])
    return RunView(
        **{name: row[name] for name in RunView.model_fields if name in row},
        end=_end(row["status"]),
        contact_name=person.name if person else "",
        contact_phone=_phone(person, principal),
        sandbox=row["channel_account_id"] in sandboxes,
    )


def _end(status: str) -> RunEnd:
    if status in repository.RUNNING:
        return "in_progress"
    if status == "completed":
        return "completed"
    return "handed_off" if status == "handed_off" else "dropped"


def _phone(person: ContactBrief | None, principal: Principal) -> str | None:
    """A viewer reads figures, not address books: of a number only its end."""
    if person is None or not person.phone:
        return None
    return person.phone if principal.may(Role.AGENT) else f"•••• {person.phone[-4:]}"


def get_run(session: Session, principal: Principal, session_id: UUID) -> RunDetail:
    """One run with its steps and the conversation's messages of its time.

    Raises:
        NotFoundError: none here.
    """
    view = sessions_service.get_session(session, principal, session_id)
    person = contacts.briefs(session, [view.contact_id]).get(view.contact_id)
    scope = channel_scope(session, "all")
    account = sessions_service.account_of(session, session_id)
    numbers = {step.sequence for step in view.steps}
    statement = (
        scoped(session, SessionStep)
        .where(SessionStep.session_id == session_id, col(SessionStep.created_at) >= view.started_at - timedelta(days=1))
        .order_by(col(SessionStep.sequence))
    )
    rows = [row for row in session.exec(statement) if row.sequence in numbers]
    return RunDetail(
        session=view,
        contact_name=person.name if person else "",
        contact_phone=_phone(person, principal),
        sandbox=any(choice.id == account and choice.sandbox for choice in scope.choices),
        flow_versions=[row.flow_version or (view.version if row.flow_id == view.flow_id else None) for row in rows],
        flow_ids=[row.flow_id for row in rows],
        messages=_messages(session, principal, view),
    )


def _messages(session: Session, principal: Principal, view: FlowSessionView) -> list[RunMessage]:
    """What was said from the message that began the run until it was over."""
    first = view.started_at - timedelta(seconds=2)
    last = (view.ended_at or view.updated_at) + timedelta(seconds=5)
    found = conversations.messages_between(
        session, principal, view.conversation_id, first=first, last=last, limit=MAX_MESSAGES
    )
    return [
        RunMessage(
            id=message.id,
            direction="in" if message.direction == "in" else "out",
            type=message.type,
            text=message.text,
            selection_id=message.selection_id,
            node_id=message.node_id,
            at=message.created_at,
        )
        for message in found
        if message.direction != "note" and (message.direction == "in" or message.flow_session_id in (None, view.id))
    ]
