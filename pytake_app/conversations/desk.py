"""What people do with a conversation beside answering: give it on, put it off, label it, many at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.contacts import service as contacts
from pytake_app.conversations import handling, repository, sending
from pytake_app.conversations.desk_schemas import BulkItem, BulkRequest, BulkResult, TagsRequest, TransferRequest
from pytake_app.conversations.models import Conversation
from pytake_app.core.clock import Clock
from pytake_app.core.errors import ConflictError, FieldError, InvalidError, ProblemError, UnavailableError
from pytake_app.core.tenancy import Permission, Principal, scoped
from pytake_app.core.texts import text
from pytake_app.notifications import service as notifications
from pytake_app.queues.models import ServiceQueue

SNOOZE_DAYS = 365
MAX_TAGS = 50


def transfer(
    session: Session, principal: Principal, conversation_id: UUID, request: TransferRequest, *, clock: Clock
) -> Conversation:
    """Give the conversation on: to a colleague (who is notified), a service queue, a department's queue, or a flow.

    Raises:
        InvalidError: no such user, queue or department, or the department has no queue in use.
        ConflictError: `conversation_closed`, `not_published`.
        NotFoundError: no such flow.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    if request.note.strip():
        sending.add_note(session, principal, conversation_id, request.note, client_id=None, clock=clock)
    if request.agent_id is not None:
        row = handling.assign(session, principal, conversation_id, request.agent_id, clock=clock)
        _tell_agent(session, principal, row, request.agent_id, request.note, clock)
        target: dict[str, Any] = {"agent_id": str(request.agent_id)}
    elif request.flow_id is not None:
        row = handling.give_back(session, principal, conversation_id, flow_id=request.flow_id, clock=clock)
        target = {"flow": request.flow_id}
    else:
        row = handling.wait_in_queue(session, principal, conversation_id, _queue(session, request), clock=clock)
        target = {"queue_id": str(row.queue_id), "queue": row.queue_name}
    handling.record(session, row, "transferred", by=principal.user_id, clock=clock, **target)
    return row


def _queue(session: Session, request: TransferRequest) -> ServiceQueue:
    statement = scoped(session, ServiceQueue).where(col(ServiceQueue.is_active))
    if request.queue_id is not None:
        statement = statement.where(ServiceQueue.id == request.queue_id)
        pointer, problem = "/queue_id", "no such queue in use"
    else:
        statement = statement.where(ServiceQueue.department_id == request.department_id)
        pointer, problem = "/department_id", "no queue of this department in use"
    order = (col(ServiceQueue.is_default).desc(), col(ServiceQueue.priority).desc(), col(ServiceQueue.id))
    queue: ServiceQueue | None = session.exec(statement.order_by(*order).limit(1)).first()
    if queue is None:
        error = FieldError(pointer, problem, "unknown")
        raise InvalidError("The conversation can't be given there.", errors=[error], code="no_such_queue")
    return queue


def _tell_agent(
    session: Session, principal: Principal, conversation: Conversation, user_id: UUID, note: str, clock: Clock
) -> None:
    if user_id == principal.user_id:
        return
    person = contacts.briefs(session, [conversation.contact_id]).get(conversation.contact_id)
    about = (person.name or person.phone or "") if person is not None else ""
    notifications.notify(
        session,
        user_id,
        kind="assigned",
        title=text(accounts.locale_of(session, user_id), "desk.assigned", who=principal.name, contact=about),
        body=note[:200],
        conversation_id=conversation.id,
        contact_id=conversation.contact_id,
        clock=clock,
    )


def snooze(
    session: Session, principal: Principal, conversation_id: UUID, until: datetime | None, *, clock: Clock
) -> Conversation:
    """Put the conversation off until then (status pending); None wakes it. The contact's next message wakes it too.

    Raises:
        InvalidError: the time is past or more than a year ahead.
        ConflictError: `conversation_closed`.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    row = repository.lock(session, principal, conversation_id)
    now = clock.now()
    if until is not None and not now < until <= now + timedelta(days=SNOOZE_DAYS):
        error = FieldError("/until", "in the future, within a year", "until")
        raise InvalidError("A conversation is put off into the future.", errors=[error], code="until")
    handling.refuse_closed(row)
    if until is None:
        if row.snoozed_until is None:
            return row
        handling.wake(session, row, by=principal.user_id, clock=clock)
    else:
        row.snoozed_until, row.status = until, "pending"
        handling.record(session, row, "snoozed", by=principal.user_id, clock=clock, until=until.isoformat())
    return handling.changed(session, row, clock)


def set_tags(
    session: Session, principal: Principal, conversation_id: UUID, request: TagsRequest, *, clock: Clock
) -> Conversation:
    """Add and take off tags of the conversation (not of its contact). A name not known yet becomes a tag.

    Raises:
        InvalidError: code `too_many_tags`.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    row = repository.lock(session, principal, conversation_id)
    off = {tag.strip() for tag in request.remove}
    on = [tag.strip() for tag in request.add if tag.strip()]
    tags = list(dict.fromkeys([*(tag for tag in row.tags if tag not in off), *on]))
    if len(tags) > MAX_TAGS:
        raise InvalidError(f"A conversation has at most {MAX_TAGS} tags.", code="too_many_tags")
    contacts.ensure_tags(session, on, clock=clock)
    added, removed = [tag for tag in tags if tag not in row.tags], [tag for tag in row.tags if tag not in tags]
    if added or removed:
        handling.record(session, row, "tagged", by=principal.user_id, clock=clock, added=added, removed=removed)
    row.tags = tags
    return handling.changed(session, row, clock)


def mark_unread(session: Session, principal: Principal, conversation_id: UUID, *, clock: Clock) -> Conversation:
    """As if its last message had not been read."""
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    row = repository.lock(session, principal, conversation_id)
    row.unread_count = max(row.unread_count, 1)
    return handling.changed(session, row, clock)


def bulk(session: Session, principal: Principal, request: BulkRequest, *, clock: Clock) -> BulkResult:
    """One action on many conversations, each in a savepoint of its own: what is refused leaves the others alone.

    They are taken in the order of their ids, so that two people who act on the same ones don't wait for each other.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    act = _action(session, principal, request, clock)
    results: dict[UUID, BulkItem] = {}
    ids = list(dict.fromkeys(request.ids))
    known = {row.id: row.contact_id for row in repository.many(session, principal, ids)}
    for conversation_id in sorted(ids, key=lambda one: (str(known.get(one, "")), str(one))):
        try:
            with session.begin_nested():
                act(conversation_id)
            results[conversation_id] = BulkItem(id=conversation_id, ok=True)
        except UnavailableError:
            raise
        except ProblemError as error:
            results[conversation_id] = BulkItem(id=conversation_id, ok=False, code=error.code, detail=error.detail)
    items = [results[one] for one in ids]
    done = sum(item.ok for item in items)
    return BulkResult(done=done, failed=len(items) - done, items=items)


def _action(session: Session, principal: Principal, request: BulkRequest, clock: Clock) -> Callable[[UUID], object]:
    match request.action:
        case "assign":
            return lambda one: handling.assign(session, principal, one, request.user_id, clock=clock)
        case "transfer" if request.transfer is not None:
            given = request.transfer
            return lambda one: transfer(session, principal, one, given, clock=clock)
        case "close":
            return lambda one: handling.set_status(
                session, principal, one, "closed", outcome=request.outcome, clock=clock
            )
        case "archive":
            return lambda one: handling.set_status(session, principal, one, "archived", clock=clock)
        case "reopen":
            return lambda one: handling.set_status(session, principal, one, "open", clock=clock)
        case "snooze":
            return lambda one: snooze(session, principal, one, request.until, clock=clock)
        case "priority" if request.priority is not None:
            wanted = request.priority
            return lambda one: handling.set_priority(session, principal, one, wanted, clock=clock)
        case "tag":
            return lambda one: set_tags(session, principal, one, TagsRequest(add=request.tags), clock=clock)
        case "untag":
            return lambda one: set_tags(session, principal, one, TagsRequest(remove=request.tags), clock=clock)
        case "read":
            return lambda one: handling.mark_read(session, principal, one)
        case "unread":
            return lambda one: mark_unread(session, principal, one, clock=clock)
        case "give_back":
            return lambda one: handling.give_back(session, principal, one, flow_id=None, clock=clock)
        case _:
            raise ConflictError("This can't be done with many at once.", code="unknown_action")
