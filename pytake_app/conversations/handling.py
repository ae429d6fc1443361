"""Who answers: the bot, nobody yet, or a person. Taking over, giving back, assigning, closing.

Everything here holds the contact's row first, as the pipeline does: a sprint of the contact's session is either over
or has not begun, never in the middle.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlmodel import Session

from pytake_app.accounts import service as accounts
from pytake_app.contacts import service as contacts
from pytake_app.conversations import repository
from pytake_app.conversations.models import AutomationLog, Conversation
from pytake_app.conversations.schemas import ConversationStatus, Priority
from pytake_app.core.clock import Clock
from pytake_app.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.live import poke
from pytake_app.core.tenancy import Permission, Principal, Role
from pytake_app.engine.nodes.entries import EventName
from pytake_app.flows import service as flows
from pytake_app.flows.schemas import Happening
from pytake_app.messaging.commands import Command, submit_command
from pytake_app.queues import service as queues
from pytake_app.queues.models import ServiceQueue


def announce(session: Session, conversation: Conversation, event: str, **ids: Any) -> None:
    """Tell whoever looks at the conversation or at the list, after commit."""
    payload = {"event": event, "conversation_id": str(conversation.id), **ids}
    poke(session, f"conversation:{conversation.id}", payload)
    poke(session, f"org:{conversation.organization_id}:conversations", payload)


def record(
    session: Session,
    conversation: Conversation,
    kind: str,
    *,
    by: UUID | None,
    clock: Clock,
    flow_id: UUID | None = None,
    flow_session_id: UUID | None = None,
    **detail: Any,
) -> None:
    """Write a line of the conversation's automation log."""
    session.add(
        AutomationLog(
            id=new_id(),
            organization_id=conversation.organization_id,
            conversation_id=conversation.id,
            at=clock.now(),
            kind=kind,
            flow_id=flow_id,
            flow_session_id=flow_session_id,
            actor_id=by,
            detail=detail,
        )
    )


def take_over(session: Session, principal: Principal, conversation_id: UUID, *, clock: Clock) -> Conversation:
    """The caller answers from now on; automation's running session is interrupted at once.

    Raises:
        ConflictError: code `conversation_closed`.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    conversation = repository.lock(session, principal, conversation_id)
    refuse_closed(conversation)
    if not _is_mine(conversation, principal):
        _give_to_person(session, conversation, principal.user_id, by=principal.user_id, clock=clock)
        record(session, conversation, "person_took_over", by=principal.user_id, clock=clock)
    return changed(session, conversation, clock)


def ensure_mine(session: Session, principal: Principal, conversation: Conversation, *, clock: Clock) -> None:
    """Who writes takes over, unless a person answers already. The caller holds the rows."""
    if conversation.handling != "person":
        _give_to_person(session, conversation, principal.user_id, by=principal.user_id, clock=clock)
        record(session, conversation, "person_took_over", by=principal.user_id, clock=clock, reason="wrote")


def _tell(
    session: Session, conversation: Conversation, event: EventName, value: str = "", *, by: UUID, clock: Clock
) -> None:
    """Let flows that begin with this begin, after commit."""
    flows.happened(
        session, conversation.contact_id, [Happening(event, value)], clock=clock,
        channel_account_id=conversation.channel_account_id, by=by,
    )  # fmt: skip


def _is_mine(conversation: Conversation, principal: Principal) -> bool:
    return conversation.handling == "person" and conversation.assignee_id == principal.user_id


def _give_to_person(session: Session, conversation: Conversation, user_id: UUID, *, by: UUID, clock: Clock) -> None:
    _stop_automation(session, conversation, handoff="transferred", by=by, clock=clock)
    conversation.handling = "person"
    conversation.assignee_id = user_id
    conversation.status, conversation.snoozed_until = "open", None
    conversation.waiting_since = None
    queues.leave_for_person(session, conversation, user_id, by=by, clock=clock)
    name = accounts.user_names(session, [user_id]).get(user_id, "")
    _tell(session, conversation, "conversation_assigned", name, by=by, clock=clock)


def _stop_automation(
    session: Session, conversation: Conversation, *, handoff: str | None, by: UUID, clock: Clock
) -> None:
    """Interrupt the running session; tell one that waits for its hand-off what became of it (None: nothing did)."""
    contact_id, account_id = conversation.contact_id, conversation.channel_account_id
    running = flows.running_session(session, contact_id, account_id)
    if running is not None:
        flows.interrupt_session(session, running, clock=clock)
        record(
            session, conversation, "session_interrupted", by=by, clock=clock,
            flow_id=running.flow_id, flow_session_id=running.id,
        )  # fmt: skip
        if not running.state.get("with_person"):
            return
    waiting = flows.handed_off_session(session, contact_id, account_id)
    if waiting is None:
        return
    if handoff is None:
        flows.forget_wait(session, waiting, clock=clock)
    else:
        flows.tell_handoff(session, waiting, handoff, by=by, clock=clock)


def give_back(
    session: Session, principal: Principal, conversation_id: UUID, *, flow_id: str | None, clock: Clock
) -> Conversation:
    """Automation answers again, from the contact's next message on, or at once with the flow named.

    Parameters:
        flow_id: id or slug of a published flow to start now.

    Raises:
        ConflictError: `conversation_closed`, `not_published`.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    conversation = repository.lock(session, principal, conversation_id)
    refuse_closed(conversation)
    _stop_automation(session, conversation, handoff=None, by=principal.user_id, clock=clock)
    queues.given_back(session, conversation, by=principal.user_id, clock=clock)
    conversation.handling = "bot"
    conversation.assignee_id = None
    conversation.queue_id, conversation.queue_name = None, ""
    conversation.waiting_since = None
    conversation.handoff = {}
    conversation.status = "open"
    started = _start(session, conversation, flow_id, by=principal.user_id, clock=clock) if flow_id else None
    record(session, conversation, "given_back", by=principal.user_id, clock=clock, flow_id=started)
    return changed(session, conversation, clock)


def _start(session: Session, conversation: Conversation, ref: str, *, by: UUID, clock: Clock) -> UUID:
    flow_id, is_live = flows.find_flow_id(session, ref)
    if not is_live:
        raise ConflictError("The flow has no published version yet.", code="not_published")
    address = contacts.address_of(session, conversation.contact_id, conversation.channel_account_id)
    submit_command(
        session,
        organization_id=conversation.organization_id,
        channel_account_id=conversation.channel_account_id,
        contact_key=address.key,
        command=Command(action="start", flow_id=flow_id, actor_id=by, reason="given back"),
        clock=clock,
    )
    return flow_id


def assign(
    session: Session, principal: Principal, conversation_id: UUID, user_id: UUID | None, *, clock: Clock
) -> Conversation:
    """Give the conversation to a user; with None it waits for one.

    Raises:
        InvalidError: no such active user.
        ConflictError: code `conversation_closed`.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    conversation = repository.lock(session, principal, conversation_id)
    refuse_closed(conversation)
    if user_id is None:
        conversation.assignee_id = None
        if conversation.handling == "person":
            conversation.handling = "waiting"
            conversation.waiting_since = clock.now()
            queues.wait_again(session, conversation, by=principal.user_id, clock=clock)
    else:
        _require_user(session, principal, user_id)
        if conversation.handling == "person":
            if conversation.assignee_id != user_id:
                conversation.assignee_id = user_id
                queues.leave_for_person(session, conversation, user_id, by=principal.user_id, clock=clock)
                name = accounts.user_names(session, [user_id]).get(user_id, "")
                _tell(session, conversation, "conversation_assigned", name, by=principal.user_id, clock=clock)
        else:
            _give_to_person(session, conversation, user_id, by=principal.user_id, clock=clock)
    assignee = str(user_id) if user_id else None
    record(session, conversation, "assigned", by=principal.user_id, clock=clock, assignee_id=assignee)
    return changed(session, conversation, clock)


def _require_user(session: Session, principal: Principal, user_id: UUID) -> None:
    error = FieldError("/user_id", "not somebody who can answer", "unknown")
    try:
        user = accounts.get_user(session, principal, user_id)
    except NotFoundError:
        raise InvalidError("The conversation can't be given to this user.", errors=[error]) from None
    if not user.is_active or user.role == Role.VIEWER:
        raise InvalidError("The conversation can't be given to this user.", errors=[error])


def wait_in_queue(
    session: Session, principal: Principal, conversation_id: UUID, queue: ServiceQueue, *, clock: Clock
) -> Conversation:
    """Have the conversation wait in a service queue for whoever is next.

    Raises:
        ConflictError: code `conversation_closed`.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    conversation = repository.lock(session, principal, conversation_id)
    refuse_closed(conversation)
    if conversation.handling == "bot":
        _stop_automation(session, conversation, handoff="transferred", by=principal.user_id, clock=clock)
    conversation.snoozed_until = None
    session.add(conversation)
    session.flush()
    queues.enter(session, conversation.id, queue.id, source="agent", by=principal.user_id, clock=clock)
    return changed(session, conversation, clock)


def wake(session: Session, conversation: Conversation, *, by: UUID | None, clock: Clock) -> None:
    """It is put off no longer. The caller holds the rows and keeps them."""
    conversation.snoozed_until = None
    if conversation.status == "pending":
        conversation.status = "open"
    record(session, conversation, "snooze_over", by=by, clock=clock)


def set_status(
    session: Session,
    principal: Principal,
    conversation_id: UUID,
    status: ConversationStatus,
    *,
    clock: Clock,
    outcome: str = "",
    expected: ConversationStatus | None = None,
    by_hand: bool = True,
) -> Conversation:
    """Close, archive, reopen or put off. Closing ends automation; reopening leaves it to the caller who answers.

    Parameters:
        outcome: how it ended, in the organization's words; kept when it is closed.
        expected: the status that the caller saw.
        by_hand: somebody closes it, with one of the organization's reasons if it keeps any.

    Raises:
        InvalidError: `outcome_required`, `outcome_unknown`.
        ConflictError: `other_conversation_open`: the contact has begun a new one since; `changed_meanwhile`: it isn't
            in the status expected.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    conversation = repository.lock(session, principal, conversation_id)
    before = conversation.status
    if expected is not None and before != expected:
        raise ConflictError(f"The conversation is {before} by now.", code="changed_meanwhile")
    if status == before:
        return conversation
    conversation.snoozed_until = None
    if status in repository.OPEN and before not in repository.OPEN:
        if repository.other_open(session, conversation):
            raise ConflictError("The contact has another open conversation.", code="other_conversation_open")
        conversation.closed_at, conversation.closed_by, conversation.outcome = None, None, ""
    elif status not in repository.OPEN and before in repository.OPEN:
        outcome = accounts.check_closing_reason(session, outcome) if by_hand else outcome.strip()
        _stop_automation(session, conversation, handoff="closed", by=principal.user_id, clock=clock)
        queues.closed(session, conversation, outcome=outcome, by=principal.user_id, clock=clock)
        conversation.closed_at, conversation.closed_by = clock.now(), principal.user_id
        conversation.outcome = outcome
        conversation.unread_count = 0
        conversation.waiting_since = None
    was_open, is_open = before in repository.OPEN, status in repository.OPEN
    conversation.status = status
    if is_open and not was_open:
        queues.reopened(session, conversation, by=principal.user_id, clock=clock)
    if was_open != is_open:
        event: EventName = "conversation_opened" if is_open else "conversation_closed"
        _tell(session, conversation, event, by=principal.user_id, clock=clock)
    record(session, conversation, "status_changed", by=principal.user_id, clock=clock, before=before, after=status,
           **_ended(conversation))  # fmt: skip
    return changed(session, conversation, clock)


def _ended(conversation: Conversation) -> dict[str, Any]:
    return {"outcome": conversation.outcome} if conversation.outcome else {}


def set_priority(
    session: Session, principal: Principal, conversation_id: UUID, priority: Priority, *, clock: Clock
) -> Conversation:
    """How urgent it is."""
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    conversation = repository.lock(session, principal, conversation_id)
    before, conversation.priority = conversation.priority, priority
    if before != priority:
        record(session, conversation, "priority_changed", by=principal.user_id, clock=clock, before=before,
               after=priority)  # fmt: skip
    queues.prioritised(session, conversation)
    return changed(session, conversation, clock)


def mark_read(session: Session, principal: Principal, conversation_id: UUID) -> Conversation:
    """Nothing is unread any more. Viewers look without leaving a trace: for them nothing changes."""
    principal.require(Role.VIEWER)
    conversation = repository.find(session, principal, conversation_id)
    if conversation.unread_count and principal.has(Permission.CONVERSATIONS_HANDLE):
        conversation = repository.lock(session, principal, conversation_id)
        conversation.unread_count = 0
        session.add(conversation)
        session.flush()
        announce(session, conversation, "conversation_updated")
    return conversation


def refuse_closed(conversation: Conversation) -> None:
    """Refuse what makes sense only while the conversation goes on.

    Raises:
        ConflictError: code `conversation_closed`.
    """
    if conversation.status not in repository.OPEN:
        raise ConflictError("The conversation is closed; reopen it first.", code="conversation_closed")


def changed(session: Session, conversation: Conversation, clock: Clock) -> Conversation:
    """Keep a changed conversation and tell who looks at it."""
    conversation.updated_at = clock.now()
    session.add(conversation)
    session.flush()
    announce(session, conversation, "conversation_updated")
    return conversation
