"""Endpoints of conversations, messages and their files."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from pytake_app.api.deps import CurrentPrincipal, Once, ServicesDep, TenantSession
from pytake_app.api.problem_docs import refusals
from pytake_app.conversations import saved_views, service
from pytake_app.conversations.attendance import Attendance
from pytake_app.conversations.message_schemas import ScheduledView
from pytake_app.conversations.schemas import (
    AssigneeFilter,
    AssignRequest,
    AutomationLogView,
    ConversationDetail,
    ConversationFilter,
    ConversationStats,
    ConversationStatus,
    ConversationView,
    GiveBack,
    Handling,
    MessagePage,
    MessageView,
    NoteCreate,
    Period,
    Priority,
    PriorityUpdate,
    RawMessage,
    SendMessage,
    SortOrder,
    StatusUpdate,
)
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page

router = APIRouter(tags=["conversations"], responses=refusals(403, 404, 409, 422, 429))

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Cursor = Annotated[str | None, Query(max_length=500)]

_ASSIGNEES: dict[str, AssigneeFilter] = {"me": "mine", "none": "unassigned"}


@router.get("/conversations")
def list_conversations(
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    status: Annotated[list[ConversationStatus] | None, Query()] = None,
    assignee: Annotated[AssigneeFilter | UUID, Query(description="mine, unassigned, all, or a user's id")] = "all",
    agent: Annotated[
        Literal["me", "none"] | UUID | None, Query(description="the same as `assignee`: me, none, or a user's id")
    ] = None,
    handling: Annotated[list[Handling] | None, Query()] = None,
    channel: Annotated[str | None, Query(max_length=30)] = None,
    queue: Annotated[str | None, Query(max_length=120)] = None,
    queue_id: UUID | None = None,
    channel_account_id: UUID | None = None,
    tag: Annotated[list[str] | None, Query(max_length=20, description="all of these")] = None,
    priority: Annotated[list[Priority] | None, Query()] = None,
    snoozed: Annotated[bool | None, Query(description="put off, or not")] = None,
    mentions_me: Annotated[bool, Query(description="a note names the caller")] = False,
    sort: Annotated[
        SortOrder,
        Query(
            description="by the last message (newest, oldest), longest waiting; most urgent or unread first (open ones)"
        ),
    ] = "newest",
    view: Annotated[UUID | None, Query(description="a saved view, in place of the filters")] = None,
    contact_id: UUID | None = None,
    ids: Annotated[
        list[UUID] | None, Query(max_length=100, description="only these: what changed, read again at once")
    ] = None,
    unread: bool | None = None,
    period: Annotated[Period | None, Query(description="by the last message: today, or the last days")] = None,
    since: datetime | None = None,
    until: datetime | None = None,
    q: Annotated[str, Query(max_length=200)] = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[ConversationView]:
    """Conversations, newest first if not asked otherwise. `q` looks in names, phones and what was said."""
    if view is not None:
        where = saved_views.where_of(session, who, view, now=services.clock.now())
        return service.list_conversations(session, who, where, limit=limit, cursor=cursor, clock=services.clock)
    where = ConversationFilter(
        status=status or [],
        assignee=assignee if agent is None else _ASSIGNEES[agent] if isinstance(agent, str) else agent,
        handling=handling or [],
        channel=channel,
        queue=queue,
        queue_id=queue_id,
        channel_account_id=channel_account_id,
        tags=tag or [],
        priority=priority or [],
        snoozed=snoozed,
        mentions_me=mentions_me,
        sort=sort,
        contact_id=contact_id,
        ids=ids or [],
        unread=unread,
        since=since or (saved_views.beginning(period, services.clock.now()) if period else None),
        until=until,
        q=q,
    )
    return service.list_conversations(session, who, where, limit=limit, cursor=cursor, clock=services.clock)


@router.get("/conversations/stats")
def conversation_stats(who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> ConversationStats:
    """Counts for the inbox's tabs."""
    return service.conversation_stats(session, who, clock=services.clock)


@router.get("/conversations/{conversation_id}")
def get_conversation(
    conversation_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ConversationDetail:
    """One conversation, with whether and why not one may write."""
    return service.get_conversation(session, who, conversation_id, clock=services.clock)


@router.get("/conversations/{conversation_id}/messages")
def list_messages(
    conversation_id: UUID,
    who: CurrentPrincipal,
    session: TenantSession,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    newer: Annotated[str | None, Query(max_length=500, description="a `newer_cursor`: the page above")] = None,
    around: Annotated[UUID | None, Query(description="a message to jump to: it stands in the middle")] = None,
) -> MessagePage:
    """Newest first."""
    return service.list_messages(session, who, conversation_id, limit=limit, cursor=cursor, newer=newer, around=around)


@router.get("/conversations/{conversation_id}/messages/{message_id}/raw")
def raw_message(conversation_id: UUID, message_id: UUID, who: CurrentPrincipal, session: TenantSession) -> RawMessage:
    """What the platform sent, of messages whose kind can't be shown (`unsupported`, `unknown`). For agents."""
    return service.raw_message(session, who, conversation_id, message_id)


@router.post("/conversations/{conversation_id}/messages", status_code=201, response_model=MessageView | ScheduledView)
def send_message(
    conversation_id: UUID,
    body: SendMessage,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    once: Once,
) -> Any:
    """Send as the caller, any kind of message; with `send_at` keep it for then (the answer has `status` scheduled).

    409 with `code` window_closed, conversation_closed, contact_blocked, contact_opted_out, or someone_writing (a
    colleague is writing an answer; send `anyway`). 422: kind_not_supported, not_renderable, media_unknown, voice_type.
    """
    attendance = Attendance(services)
    attendance.refuse(who, conversation_id, anyway=body.anyway or body.send_at is not None)
    answer = once.run(201, lambda: service.send_message(session, who, conversation_id, body, clock=services.clock))
    attendance.sent(who, conversation_id)
    return answer


@router.post("/conversations/{conversation_id}/notes", status_code=201, response_model=MessageView)
def add_note(
    conversation_id: UUID,
    body: NoteCreate,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    once: Once,
) -> Any:
    """A note for colleagues; never sent."""
    return once.run(
        201,
        lambda: service.add_note(
            session,
            who,
            conversation_id,
            body.text,
            client_id=body.client_id,
            mentioned=body.mentions,
            clock=services.clock,
        ),
    )


@router.post("/conversations/{conversation_id}/take-over")
def take_over(
    conversation_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ConversationDetail:
    """The caller answers from now on; the running flow session is interrupted."""
    return service.take_over(session, who, conversation_id, clock=services.clock)


@router.post("/conversations/{conversation_id}/give-back")
def give_back(
    conversation_id: UUID, body: GiveBack, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ConversationDetail:
    """Automation answers again; with `flow_id` that flow starts at once."""
    return service.give_back(session, who, conversation_id, flow_id=body.flow_id, clock=services.clock)


@router.post("/conversations/{conversation_id}/assign")
def assign(
    conversation_id: UUID, body: AssignRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ConversationDetail:
    """Give the conversation to a user, or with null to nobody: it then waits."""
    return service.assign(session, who, conversation_id, body.user_id, clock=services.clock)


@router.patch("/conversations/{conversation_id}/status")
def set_status(
    conversation_id: UUID, body: StatusUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ConversationDetail:
    """Close (with `outcome`), archive, reopen, put off. 409 `changed_meanwhile`: it isn't in the status expected."""
    return service.set_status(
        session, who, conversation_id, body.status, outcome=body.outcome, expected=body.expected, clock=services.clock
    )


@router.patch("/conversations/{conversation_id}/priority")
def set_priority(
    conversation_id: UUID, body: PriorityUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ConversationDetail:
    """How urgent it is."""
    return service.set_priority(session, who, conversation_id, body.priority, clock=services.clock)


@router.patch("/conversations/{conversation_id}/read")
def mark_read(
    conversation_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ConversationDetail:
    """Nothing is unread any more."""
    return service.mark_read(session, who, conversation_id, clock=services.clock)


@router.get("/conversations/{conversation_id}/automation-log")
def automation_log(
    conversation_id: UUID,
    who: CurrentPrincipal,
    session: TenantSession,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[AutomationLogView]:
    """Why automation did, or did not, answer; newest first."""
    return service.automation_log(session, who, conversation_id, limit=limit, cursor=cursor)


@router.get("/messages")
def find_messages(
    who: CurrentPrincipal, session: TenantSession, external_id: Annotated[str, Query(min_length=1, max_length=300)]
) -> Page[MessageView]:
    """Messages by the platform's id."""
    return Page(items=service.find_messages(session, who, external_id=external_id))


@router.get("/messages/{message_id}")
def get_message(message_id: UUID, who: CurrentPrincipal, session: TenantSession) -> MessageView:
    """One message."""
    return service.get_message(session, who, message_id)
