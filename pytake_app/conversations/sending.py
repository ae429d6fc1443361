"""Messages and notes written by people and by the API."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session

from pytake_app.accounts.limits import Resource, require_room
from pytake_app.contacts import service as contacts
from pytake_app.contacts.models import Contact
from pytake_app.conversations import contents, drafts, handling, mentions, policy, repository, sight
from pytake_app.conversations.message_schemas import MessageBody, SendMessage, TemplateBody, TextBody
from pytake_app.conversations.models import Conversation, Message
from pytake_app.core.clock import Clock
from pytake_app.core.errors import ConflictError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Permission, Principal
from pytake_app.messaging import service as queue
from pytake_app.messaging.outbox import OutboundDraft, enqueue
from pytake_app.whatsapp.models import ChannelAccount


def send_message(
    session: Session, principal: Principal, conversation_id: UUID, request: SendMessage, *, clock: Clock
) -> Message:
    """Send a message as the caller. A conversation that a bot handles becomes the caller's: two must not answer.

    Raises:
        ConflictError: `window_closed`, `conversation_closed`, `contact_blocked`, `contact_opted_out`, `no_address`.
        InvalidError: the message can't be sent on this channel, or quotes one that isn't in the conversation.
        LimitError: the plan's messages of this month are used up.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    conversation = repository.lock(session, principal, conversation_id)
    if request.client_id is not None:
        sent = repository.message_by_client_id(session, conversation.id, request.client_id)
        if sent is not None:
            return sent
    body = request.body()
    person = contacts.lock(session, conversation.contact_id)
    refuse(conversation, person, body, clock=clock)
    require_room(session, Resource.MESSAGES, clock=clock)
    address = contacts.address_of(session, person.id, conversation.channel_account_id)
    account = session.get_one(ChannelAccount, conversation.channel_account_id)
    made = contents.sendable(session, conversation, body, address.recipient)
    quoted = contents.external_id_of(session, conversation, request.reply_to, "/reply_to") if request.reply_to else None
    handling.ensure_mine(session, principal, conversation, clock=clock)
    draft = OutboundDraft(
        conversation=conversation,
        contact=person,
        channel_account=account,
        recipient=address.recipient,
        content=made.content,
        text=made.text,
        author_kind="agent",
        author_id=principal.user_id,
        client_id=request.client_id,
        context_external_id=quoted,
        media=made.media,
    )
    message = enqueue(session, draft, clock=clock)
    drafts.forget(session, conversation.id, principal.user_id)
    return message


def refuse(conversation: Conversation, person: Contact, body: MessageBody, *, clock: Clock) -> None:
    """Refuse what may not be sent now.

    Raises:
        ConflictError: `window_closed`, `conversation_closed`, `contact_blocked`, `contact_opted_out`.
    """
    is_open = isinstance(body, TemplateBody) or policy.window_open(conversation, clock.now())
    reason = policy.cannot_send(conversation, person, window_open=is_open)
    if reason is not None:
        raise ConflictError(policy.REASONS[reason], code=reason)


def retry(session: Session, principal: Principal, conversation_id: UUID, message_id: UUID, *, clock: Clock) -> Message:
    """Send a message again that failed, with all its attempts.

    Raises:
        NotFoundError: no such message in this conversation.
        ConflictError: `not_dead`: it has not failed; otherwise as `send_message`.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    conversation = repository.lock(session, principal, conversation_id)
    found = repository.messages_by_id(session, [message_id])
    if not found or found[0].conversation_id != conversation.id or found[0].direction != "out":
        raise NotFoundError("There is no such message.", code="message_not_found")
    [message] = found
    person = contacts.lock(session, conversation.contact_id)
    if message.type != "template":
        refuse(conversation, person, TextBody(text="x"), clock=clock)
    queue.retry(session, principal, message.id, clock=clock)
    session.refresh(message)
    handling.announce(session, conversation, "message_status_updated", message_ids=[str(message.id)])
    return message


def add_note(
    session: Session,
    principal: Principal,
    conversation_id: UUID,
    text: str,
    *,
    client_id: str | None,
    clock: Clock,
    mentioned: Sequence[UUID] = (),
) -> Message:
    """A note for colleagues, in the thread; never sent. Who is mentioned is notified.

    Raises:
        InvalidError: somebody mentioned is not of the organization.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    conversation = repository.lock(session, principal, conversation_id)
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
        content={"mentions": [str(one) for one in dict.fromkeys(mentioned)]} if mentioned else {},
    )
    session.add(note)
    session.flush()
    sight.take_part(session, conversation, principal.user_id, clock=clock)
    mentions.tell(session, principal, conversation, note, mentioned, clock=clock)
    handling.announce(session, conversation, "message_sent", message_ids=[str(note.id)])
    return note
