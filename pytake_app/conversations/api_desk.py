"""Endpoints of the inbox as a desk: files, messages for later, transfer, snooze, tags, bulk, drafts, presence."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Query, Response, UploadFile

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.api.problem_docs import refusals
from pytake_app.conversations import desk, drafts, repository, scheduled, sending, service, uploads, views
from pytake_app.conversations.attendance import Attendance
from pytake_app.conversations.desk_schemas import (
    BulkRequest,
    BulkResult,
    DraftUpdate,
    DraftView,
    PresenceUpdate,
    PresenceView,
    SnoozeRequest,
    TagsRequest,
    TransferRequest,
)
from pytake_app.conversations.message_schemas import ScheduledUpdate, ScheduledView, UploadView
from pytake_app.conversations.schemas import ConversationDetail, MessageView
from pytake_app.core.pagination import Page
from pytake_app.core.tenancy import Permission, Role

router = APIRouter(tags=["conversations"], responses=refusals(403, 404, 409, 422, 429))


@router.post("/conversations/bulk")
def bulk(body: BulkRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> BulkResult:
    """One action on up to 200 conversations. Answers 200 with what became of each: `items[].ok`, `code`, `detail`."""
    return desk.bulk(session, who, body, clock=services.clock)


@router.post("/conversations/{conversation_id}/uploads", status_code=201, responses=refusals(413))
def upload(
    conversation_id: UUID,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    file: Annotated[UploadFile, File()],
    voice: Annotated[bool, Query(description="a recording, to become a voice note")] = False,
) -> UploadView:
    """Keep a file to be sent here as `{"type": "media", "media_id": …}`. 422 `media_type`, `kind_not_supported`,
    `voice_unreadable`; 413 `media_too_large`, `media_quota`."""
    return uploads.upload(
        session,
        who,
        conversation_id,
        file.file,
        filename=file.filename or "",
        as_voice=voice,
        data_dir=services.settings.data_dir,
        quota=services.settings.media_quota_mb * 1024**2,
        clock=services.clock,
    )


@router.post("/conversations/{conversation_id}/messages/{message_id}/retry")
def retry(
    conversation_id: UUID, message_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> MessageView:
    """Send a failed message again. 409 `not_dead`, `window_closed`, `conversation_closed`, `contact_blocked`…"""
    row = sending.retry(session, who, conversation_id, message_id, clock=services.clock)
    return views.messages(session, [row])[0]


@router.get("/conversations/{conversation_id}/scheduled")
def list_scheduled(conversation_id: UUID, who: CurrentPrincipal, session: TenantSession) -> Page[ScheduledView]:
    """Messages for later, soonest first; with those that could not be sent."""
    return Page(items=scheduled.list_scheduled(session, who, conversation_id))


@router.patch("/conversations/{conversation_id}/scheduled/{scheduled_id}")
def change_scheduled(
    conversation_id: UUID,
    scheduled_id: UUID,
    body: ScheduledUpdate,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
) -> ScheduledView:
    """Another time or another message. 409 `scheduled_sent`, `scheduled_canceled`."""
    return scheduled.change(session, who, conversation_id, scheduled_id, body, clock=services.clock)


@router.delete("/conversations/{conversation_id}/scheduled/{scheduled_id}", status_code=204, response_class=Response)
def cancel_scheduled(
    conversation_id: UUID, scheduled_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> Response:
    """It is not sent. 409 `scheduled_sent`, `scheduled_canceled`."""
    scheduled.cancel(session, who, conversation_id, scheduled_id, clock=services.clock)
    return Response(status_code=204)


@router.post("/conversations/{conversation_id}/transfer")
def transfer(
    conversation_id: UUID, body: TransferRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ConversationDetail:
    """Give the conversation on to a colleague, a queue, a department or a flow, with a note for them."""
    row = desk.transfer(session, who, conversation_id, body, clock=services.clock)
    return views.conversation(session, row, clock=services.clock)


@router.post("/conversations/{conversation_id}/snooze")
def snooze(
    conversation_id: UUID, body: SnoozeRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ConversationDetail:
    """Put it off until then, or wake it with null; the contact's next message wakes it too."""
    row = desk.snooze(session, who, conversation_id, body.until, clock=services.clock)
    return views.conversation(session, row, clock=services.clock)


@router.post("/conversations/{conversation_id}/tags")
def set_tags(
    conversation_id: UUID, body: TagsRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ConversationDetail:
    """Add and take off tags of the conversation."""
    row = desk.set_tags(session, who, conversation_id, body, clock=services.clock)
    return views.conversation(session, row, clock=services.clock)


@router.patch("/conversations/{conversation_id}/unread")
def mark_unread(
    conversation_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> ConversationDetail:
    """As if its last message had not been read."""
    row = desk.mark_unread(session, who, conversation_id, clock=services.clock)
    return views.conversation(session, row, clock=services.clock)


@router.get("/conversations/{conversation_id}/draft")
def get_draft(conversation_id: UUID, who: CurrentPrincipal, session: TenantSession) -> DraftView:
    """What the caller has begun to write here."""
    return drafts.get(session, who, conversation_id)


@router.put("/conversations/{conversation_id}/draft")
def put_draft(
    conversation_id: UUID, body: DraftUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> DraftView:
    """Keep what the caller has begun to write; an empty text forgets it. Sending a message forgets it too."""
    return drafts.put(session, who, conversation_id, body.text, clock=services.clock)


@router.get("/conversations/{conversation_id}/presence")
def get_presence(
    conversation_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> PresenceView:
    """Who looks at the conversation, and who is writing an answer."""
    who.require(Role.VIEWER)
    repository.find(session, who, conversation_id)
    return Attendance(services).view(conversation_id)


@router.put("/conversations/{conversation_id}/presence")
def put_presence(
    conversation_id: UUID, body: PresenceUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> PresenceView:
    """The caller's tab is at the conversation, writing or not; to be told every 20 seconds, and with `left` at the end.
    Writing by an agent also lets the contact see it, where the channel can."""
    who.require(Role.VIEWER)
    row = repository.find(session, who, conversation_id)
    attendance = Attendance(services)
    works = body.writing and who.has(Permission.CONVERSATIONS_HANDLE)
    if works and service.may_write(session, row, clock=services.clock):
        attendance.show_typing(row.id, row.channel_account_id, row.last_inbound_external_id)
    return attendance.tell(who, conversation_id, body)
