"""Messages and notes written by people and by the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlmodel import Session

from pytake_app.channels.content import parse_content
from pytake_app.contacts import service as contacts
from pytake_app.conversations import handling, policy, repository
from pytake_app.conversations.models import Conversation, Message
from pytake_app.conversations.schemas import SendMessage, TemplateBody, TextBody
from pytake_app.core.clock import Clock
from pytake_app.core.errors import ConflictError, FieldError, InvalidError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Principal, Role
from pytake_app.messaging.outbox import OutboundDraft, enqueue
from pytake_app.whatsapp.models import ChannelAccount


def send_message(
    session: Session, principal: Principal, conversation_id: UUID, request: SendMessage, *, clock: Clock
) -> Message:
    """Send a message as the caller. A conversation that a bot handles becomes the caller's: two must not answer.

    Raises:
        ConflictError: `window_closed`, `conversation_closed`, `contact_blocked`, `contact_opted_out`, `no_address`.
        InvalidError: the message can't be sent on this channel, or quotes one that isn't in the conversation.
    """
    principal.require(Role.AGENT)
    conversation = repository.lock(session, conversation_id)
    if request.client_id is not None:
        sent = repository.message_by_client_id(session, conversation.id, request.client_id)
        if sent is not None:
            return sent
    body = request.body()
    person = contacts.lock(session, conversation.contact_id)
    is_open = isinstance(body, TemplateBody) or policy.window_open(conversation, clock.now())
    reason = policy.cannot_send(conversation, person, window_open=is_open)
    if reason is not None:
        raise ConflictError(policy.REASONS[reason], code=reason)
    address = contacts.address_of(session, person.id, conversation.channel_account_id)
    account = session.get_one(ChannelAccount, conversation.channel_account_id)
    content = _content(body)
    quoted = _quoted(session, conversation, request.reply_to)
    handling.ensure_mine(session, principal, conversation, clock=clock)
    draft = OutboundDraft(
        conversation=conversation,
        contact=person,
        channel_account=account,
        recipient=address.recipient,
        content=content,
        text=_readable(body),
        author_kind="agent",
        author_id=principal.user_id,
        client_id=request.client_id,
        context_external_id=quoted,
    )
    return enqueue(session, draft, clock=clock)


def _content(body: TextBody | TemplateBody) -> dict[str, Any]:
    """The channels' content, checked by the channels' own model before anything is stored."""
    if isinstance(body, TextBody):
        content: dict[str, Any] = {"type": "text", "body": body.text, "preview_url": body.preview_url}
    else:
        content = {"type": "template", "name": body.name, "language": body.language, "body": body.body}
    try:
        parse_content(content)
    except (ValidationError, ValueError) as error:
        raise InvalidError(
            "The message can't be sent like this.", errors=[FieldError("/message", "not valid for the channel")]
        ) from error
    return content


def _readable(body: TextBody | TemplateBody) -> str:
    if isinstance(body, TextBody):
        return body.text
    return body.name if not body.body else f"{body.name}: {', '.join(body.body)}"


def _quoted(session: Session, conversation: Conversation, message_id: UUID | None) -> str | None:
    if message_id is None:
        return None
    found = repository.messages_by_id(session, [message_id])
    if not found or found[0].conversation_id != conversation.id:
        error = FieldError("/reply_to", "not a message of this conversation", "unknown")
        raise InvalidError("The quoted message is not in this conversation.", errors=[error])
    return found[0].external_id


def add_note(
    session: Session, principal: Principal, conversation_id: UUID, text: str, *, client_id: str | None, clock: Clock
) -> Message:
    """A note for colleagues, in the thread; never sent."""
    principal.require(Role.AGENT)
    conversation = repository.lock(session, conversation_id)
    if client_id is not None:
        kept = repository.message_by_client_id(session, conversation.id, client_id)
        if kept is not None:
            return kept
    note = Message(
        id=new_id(),
        created_at=clock.now(),
        organization_id=conversation.organization_id,
        conversation_id=conversation.id,
        contact_id=conversation.contact_id,
        channel_account_id=conversation.channel_account_id,
        channel=conversation.channel,
        direction="note",
        type="note",
        text=text,
        client_id=client_id,
        status="sent",
        author_kind="agent",
        author_id=principal.user_id,
    )
    session.add(note)
    session.flush()
    handling.announce(session, conversation, "message_sent", message_ids=[str(note.id)])
    return note
