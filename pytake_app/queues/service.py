"""Service queues: what other rooms call. Functions run in the caller's transaction and never commit.

Settings live in `settings`, business hours in `calendars`; their functions are offered here too. The rest is what the
inbox, rules and pages need of people's places in queues (`entering`, `operations`, `inbox`) and of agents.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session

from pytake_app.conversations.models import Conversation
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.tenancy import Permission, Principal
from pytake_app.queues import agents, entering, inbox, items, operations, sweeping
from pytake_app.queues.agent_schemas import AgentStatus, AgentView, Heartbeat
from pytake_app.queues.calendars import (
    calendar_choices,
    create_calendar,
    delete_calendar,
    engine_calendars,
    engine_hours,
    get_calendar,
    list_calendars,
    seed_calendar,
    update_calendar,
)
from pytake_app.queues.contact_data import erase_contact, export_contact
from pytake_app.queues.conversation_places import colors, place, places
from pytake_app.queues.item_schemas import ItemTransfer, ItemView
from pytake_app.queues.models import QueueItem
from pytake_app.queues.repository import own_queue_ids
from pytake_app.queues.settings import (
    create_queue,
    delete_queue,
    get_queue,
    list_queues,
    queue_choices,
    reference_names,
    replace_queue,
    seed_organization,
)

__all__ = [
    "abandon", "agent_status", "agents_by_id", "assign", "calendar_choices", "closed", "colors", "complete",
    "contact_left", "create_calendar", "create_queue", "delete_calendar", "delete_queue", "engine_calendars",
    "engine_hours", "enter", "erase_contact", "export_contact", "get_calendar", "get_queue", "given_back", "heartbeat",
    "items_by_id",
    "leave_for_person", "list_calendars", "list_queues", "live_item", "own_queue_ids", "people_left", "place", "places",
    "prioritised",
    "queue_choices", "reference_names", "reopened", "replace_queue", "seed_calendar", "seed_organization", "transfer",
    "update_calendar", "wait_again",
]  # fmt: skip

_CLOCK = SystemClock()


def enter(
    session: Session,
    conversation_id: UUID,
    queue_id: UUID | None,
    *,
    source: str,
    priority: int | None = None,
    skills: Sequence[str] = (),
    note: str = "",
    wait_minutes: int | None = None,
    by: UUID | None = None,
    clock: Clock = _CLOCK,
) -> QueueItem:
    """Put a conversation in line. See `entering.enter`."""
    return entering.enter(
        session, conversation_id, queue_id, source=source, priority=priority, skills=skills, note=note,
        wait_minutes=wait_minutes, by=by, clock=clock,
    )  # fmt: skip


def live_item(session: Session, conversation_id: UUID) -> QueueItem | None:
    """The conversation's place in a queue (waiting, ringing or in service), held; the caller holds the conversation."""
    return items.live_of(session, conversation_id)


def assign(session: Session, principal: Principal, item_id: UUID, agent_id: UUID, *, clock: Clock = _CLOCK) -> ItemView:
    """Give an item to an agent. See `operations.assign`."""
    queue_id = items.find(session, item_id).queue_id
    return operations.assign(session, principal, queue_id, item_id, agent_id, clock=clock)


def complete(
    session: Session, principal: Principal, item_id: UUID, outcome: str = "", *, clock: Clock = _CLOCK
) -> ItemView:
    """It is settled. See `operations.complete`."""
    return operations.complete(session, principal, items.find(session, item_id).queue_id, item_id, outcome, clock=clock)


def abandon(
    session: Session, principal: Principal, item_id: UUID, reason: str = "", *, clock: Clock = _CLOCK
) -> ItemView:
    """It leaves without having been served. See `operations.abandon`."""
    return operations.abandon(session, principal, items.find(session, item_id).queue_id, item_id, reason, clock=clock)


def transfer(
    session: Session, principal: Principal, item_id: UUID, request: ItemTransfer, *, clock: Clock = _CLOCK
) -> ItemView:
    """Pass an item on. See `operations.transfer`."""
    return operations.transfer(session, principal, items.find(session, item_id).queue_id, item_id, request, clock=clock)


def leave_for_person(
    session: Session, conversation: Conversation, user_id: UUID, *, by: UUID, clock: Clock = _CLOCK
) -> None:
    """A person answers from now on; the caller holds the conversation and writes its columns."""
    inbox.leave_for_person(session, conversation, user_id, by=by, clock=clock)


def wait_again(session: Session, conversation: Conversation, *, by: UUID, clock: Clock = _CLOCK) -> QueueItem:
    """Nobody answers any more: it waits in its queue, or the default one; the caller holds the conversation."""
    return inbox.wait_again(session, conversation, by=by, clock=clock)


def closed(session: Session, conversation: Conversation, *, outcome: str = "", by: UUID, clock: Clock = _CLOCK) -> None:
    """The conversation is closed; the caller holds it."""
    inbox.closed(session, conversation, outcome=outcome, by=by, clock=clock)


def reopened(session: Session, conversation: Conversation, *, by: UUID, clock: Clock = _CLOCK) -> None:
    """The conversation goes on after it was closed; the caller holds it and keeps it."""
    inbox.reopened(session, conversation, by=by, clock=clock)


def given_back(session: Session, conversation: Conversation, *, by: UUID, clock: Clock = _CLOCK) -> None:
    """Automation answers again; the caller holds the conversation."""
    inbox.given_back(session, conversation, by=by, clock=clock)


def prioritised(session: Session, conversation: Conversation) -> None:
    """The conversation's priority changed; the caller holds it."""
    inbox.prioritised(session, conversation)


def people_left(session: Session, *, clock: Clock = _CLOCK) -> None:
    """Somebody may not answer any more: what they were serving waits for others, what was offered is offered anew."""
    while sweeping.orphans(session, clock=clock) >= sweeping.BATCH:
        session.flush()
    sweeping.unanswered(session, clock=clock)
    items.tend_soon(session)


def contact_left(
    session: Session, contact_id: UUID, reason: str, *, by: UUID | None = None, clock: Clock = _CLOCK
) -> None:
    """The contact is blocked or wants nothing more; the caller holds the contact."""
    inbox.contact_left(session, contact_id, reason, by=by, clock=clock)


def agent_status(
    session: Session, principal: Principal, user_id: UUID, status: AgentStatus, reason: str = "", *,
    clock: Clock = _CLOCK,
) -> AgentView:  # fmt: skip
    """Say whether an agent is at work. See `agents.set_status`."""
    return agents.set_status(session, principal, user_id, status, reason, clock=clock)


def heartbeat(session: Session, principal: Principal, *, clock: Clock = _CLOCK) -> Heartbeat | None:
    """The caller's browser or program is there; None for who is no agent."""
    if not principal.has(Permission.CONVERSATIONS_HANDLE):
        return None
    return agents.seen(session, principal.user_id, clock=clock)


def items_by_id(
    session: Session, principal: Principal, item_ids: Sequence[UUID], *, clock: Clock = _CLOCK
) -> list[ItemView]:
    """Those of the items that exist, to answer a live poke."""
    return operations.items_by_id(session, principal, item_ids, clock=clock)


def agents_by_id(
    session: Session, principal: Principal, agent_ids: Sequence[UUID], *, clock: Clock = _CLOCK
) -> list[AgentView]:
    """Those of the agents that exist, to answer a live poke."""
    return [one for one in agents.list_agents(session, principal, clock=clock) if one.id in set(agent_ids)]
