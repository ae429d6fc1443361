"""The message queue for people and programs: send, look, cancel, try again. Services never commit.

Reading needs `viewer`, everything else `agent`. Raised throughout: `NotFoundError`, `ForbiddenError`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import redis
from pydantic import ValidationError
from sqlalchemy import or_, update
from sqlmodel import Session, col

from pytake_app.accounts.limits import Resource, require_room
from pytake_app.accounts.service import record_event
from pytake_app.channels.content import parse_content, plain_text
from pytake_app.contacts import service as contacts
from pytake_app.conversations.models import Conversation, Message
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.db import after_commit
from pytake_app.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page, decode_cursor, encode_cursor
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, scoped
from pytake_app.messaging import contact_data, figures
from pytake_app.messaging.content import channel_content
from pytake_app.messaging.models import InboundEvent, OutboxItem
from pytake_app.messaging.outbox import OutboundDraft, OutboxPriority, enqueue, wake_senders
from pytake_app.messaging.schemas import PriorityDepth, QueueMessage, QueueSend, QueueStats
from pytake_app.whatsapp.models import ChannelAccount

_CLOCK = SystemClock()

erase_contact = contact_data.erase_contact
forget_files = contact_data.forget_files
stored_file = contact_data.stored_file
_MEDIA = ("image", "video", "audio", "document", "sticker")


def send(session: Session, principal: Principal, request: QueueSend, *, clock: Clock = _CLOCK) -> QueueMessage:
    """Queue a message to a phone number; an unknown number becomes a contact.

    Raises:
        InvalidError: the content can't be sent, or `to` is no phone number.
        ConflictError: `no_channel_account`, `no_address`, `window_closed`, `contact_blocked`, `contact_opted_out`.
        LimitError: the plan's messages of this month, or its contacts, are used up.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE, Permission.CAMPAIGNS_SEND)
    content = _content(request)
    # The contact's row first, as everywhere: the pipeline may be at work on the same conversation.
    reached, new = contacts.resolve(session, principal, request.to, clock=clock)
    contact = contacts.lock(session, reached.id)
    contacts.refuse_unreachable(contact)
    address = contacts.reach(session, contact, clock=clock)
    if request.sender is not None and request.sender not in _names(session, address.channel_account_id):
        raise InvalidError(
            "The contact is not reached from this account.", errors=[FieldError("/from", "another account")]
        )
    account = session.get_one(ChannelAccount, address.channel_account_id)
    conversation = _conversation(session, contact.id, account, clock)
    now = clock.now()
    is_open = conversation.window_expires_at is not None and conversation.window_expires_at > now
    if not is_open and content["type"] != "template":
        raise ConflictError("The service window is closed: only a template may be sent.", code="window_closed")
    require_room(session, Resource.MESSAGES, clock=clock)
    draft = OutboundDraft(
        conversation=conversation,
        contact=contact,
        channel_account=account,
        recipient=address.recipient,
        content=content,
        text=plain_text(parse_content(content)),
        author_kind="api",
        author_id=principal.user_id,
        priority=request.outbox_priority,
        max_attempts=request.max_attempts,
        scheduled_at=request.scheduled_at,
    )
    message = enqueue(session, draft, clock=clock)
    if new:
        contacts.tell_created(session, contact.id, by=principal.user_id, clock=clock)
    item = session.exec(scoped(session, OutboxItem).where(col(OutboxItem.message_id) == message.id)).one()
    return view(item)


def _content(request: QueueSend) -> dict[str, Any]:
    given = {"body": request.content} if isinstance(request.content, str) else dict(request.content)
    kind: str = request.message_type
    if kind == "interactive":
        kind = str(given.get("type", "buttons"))
    if kind in _MEDIA:
        given["kind"], kind = kind, "media"
        if "link" in given:
            given["url"] = given.pop("link")
    if kind == "text" and "text" in given:
        given["body"] = given.pop("text")
    content = channel_content({**given, "type": kind})
    try:
        parse_content(content)
    except ValidationError as error:
        problems = [
            FieldError(
                "/content/" + "/".join(str(part) for part in problem["loc"][1:]), problem["msg"], problem["type"]
            )
            for problem in error.errors()
        ]
        raise InvalidError("The content can't be sent.", errors=problems) from error
    return content


def _names(session: Session, account_id: UUID) -> tuple[str, ...]:
    account = session.get_one(ChannelAccount, account_id)
    return (str(account.id), account.external_id, account.phone)


def _conversation(session: Session, contact_id: UUID, account: ChannelAccount, clock: Clock) -> Conversation:
    statement = scoped(session, Conversation).where(
        col(Conversation.contact_id) == contact_id,
        col(Conversation.channel_account_id) == account.id,
        col(Conversation.status).in_(("open", "pending")),
    )
    found: Conversation | None = session.exec(statement.with_for_update(key_share=True)).first()
    if found is not None:
        return found
    conversation = Conversation(
        id=new_id(),
        organization_id=organization_of(session),
        contact_id=contact_id,
        channel_account_id=account.id,
        channel=account.channel,
        created_at=clock.now(),
        updated_at=clock.now(),
    )
    session.add(conversation)
    session.flush()
    _tell_opened(session, conversation, clock)
    return conversation


def _tell_opened(session: Session, conversation: Conversation, clock: Clock) -> None:
    from pytake_app.flows import service as flows
    from pytake_app.flows.schemas import Happening

    flows.happened(
        session, conversation.contact_id, [Happening("conversation_opened")], clock=clock,
        channel_account_id=conversation.channel_account_id,
    )  # fmt: skip


def view(item: OutboxItem) -> QueueMessage:
    """A row as the API shows it."""
    return QueueMessage(
        id=item.id,
        message_id=item.message_id,
        conversation_id=item.conversation_id,
        contact_id=item.contact_id,
        channel_account_id=item.channel_account_id,
        state=item.state,
        priority=OutboxPriority(item.priority).name.lower(),
        attempts=item.attempts,
        max_attempts=item.max_attempts,
        next_attempt_at=item.next_attempt_at,
        created_at=item.created_at,
        finished_at=item.finished_at,
        external_id=item.external_id,
        error=item.last_error,
    )


def _find(session: Session, item_id: UUID, *, lock: bool = False) -> OutboxItem:
    """By the outbox's id or by the message's."""
    statement = scoped(session, OutboxItem).where(
        or_(col(OutboxItem.id) == item_id, col(OutboxItem.message_id) == item_id)
    )
    item: OutboxItem | None = session.exec(statement.with_for_update() if lock else statement).first()
    if item is None:
        raise NotFoundError("There is no such message in the queue.")
    return item


def get_message(session: Session, principal: Principal, item_id: UUID) -> QueueMessage:
    """One message, by its queue id or its message id."""
    principal.require(Role.VIEWER)
    return view(_find(session, item_id))


def cancel(session: Session, principal: Principal, item_id: UUID, *, clock: Clock = _CLOCK) -> QueueMessage:
    """Take a message out of the queue.

    Raises:
        ConflictError: it is on its way or finished (`not_cancelable`).
    """
    principal.needs(Permission.PIPELINE_MANAGE)
    item = _find(session, item_id, lock=True)
    if item.state != "queued":
        raise ConflictError(f"The message is {item.state}.", code="not_cancelable")
    item.state, item.finished_at = "canceled", clock.now()
    session.add(item)
    _set_message(session, item, "canceled")
    record(session, principal, "canceled", 1, item.id, clock=clock)
    return view(item)


def retry(session: Session, principal: Principal, item_id: UUID, *, clock: Clock = _CLOCK) -> QueueMessage:
    """Try a dead letter again, with all its attempts.

    Raises:
        ConflictError: it was not given up on (`not_dead`).
    """
    principal.needs(Permission.PIPELINE_MANAGE)
    item = _find(session, item_id, lock=True)
    if item.state != "dead":
        raise ConflictError(f"The message is {item.state}.", code="not_dead")
    item.state, item.attempts, item.finished_at = "queued", 0, None
    item.next_attempt_at = item.claimed_at = clock.now()
    session.add(item)
    _set_message(session, item, "queued")
    record(session, principal, "retried", 1, item.id, clock=clock)
    after_commit(session, wake_senders)
    return view(item)


def record(
    session: Session,
    principal: Principal,
    action: str,
    count: int,
    item_id: UUID | str = "",
    *,
    kind: str = "queue_message",
    clock: Clock,
) -> None:
    """Write down what somebody did to messages that wait or were given up on; nothing when it was done to none."""
    if count:
        record_event(session, principal, action, kind, item_id, {"count": count}, clock=clock)


def _set_message(session: Session, item: OutboxItem, status: str) -> None:
    session.execute(
        update(Message)
        .where(col(Message.id) == item.message_id, col(Message.created_at) == item.created_at)
        .values(status=status, errors=[])
    )


def dead_letters(
    session: Session, principal: Principal, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[QueueMessage]:
    """What was given up on, newest first."""
    principal.require(Role.VIEWER)
    limit = min(limit, MAX_LIMIT)
    statement = scoped(session, OutboxItem).where(col(OutboxItem.state) == "dead")
    if cursor:
        (after,) = decode_cursor(cursor, 1)
        if not isinstance(after, int):
            raise InvalidError("The cursor is not one that this list gave.")
        statement = statement.where(col(OutboxItem.sequence) < after)
    found = list(session.exec(statement.order_by(col(OutboxItem.sequence).desc()).limit(limit + 1)))
    following = encode_cursor(found[limit - 1].sequence) if len(found) > limit else None
    return Page[QueueMessage](items=[view(item) for item in found[:limit]], next_cursor=following)


def stats(
    session: Session, principal: Principal, *, clock: Clock = _CLOCK, client: redis.Redis | None = None
) -> QueueStats:
    """Depth, age and rate of the organization's queue.

    Parameters:
        client: keeps the counts of a long queue, and those of past minutes.
    """
    principal.require(Role.VIEWER)
    now = clock.now()
    depth = figures.depth(session, client, now)
    waiting = dict.fromkeys(OutboxPriority, (0, 0))
    for item in depth.waiting:
        queued, due = waiting[OutboxPriority(item.priority)]
        waiting[OutboxPriority(item.priority)] = (queued + item.queued, due + item.due)
    oldest = min((item.first for item in depth.waiting), default=now.timestamp())
    return QueueStats(
        queued=sum(item.queued for item in depth.waiting),
        sending=depth.sending,
        unsure=depth.unsure,
        dead=sum(depth.dead.values()),
        sent_last_hour=sum(minute.sent for _, minute in figures.minutes(session, client, now, 60)),
        oldest_seconds=now.timestamp() - oldest if any(item.due for item in depth.waiting) else None,
        priorities=[
            PriorityDepth(priority=priority.name.lower(), queued=queued, due=ready)
            for priority, (queued, ready) in waiting.items()
        ],
        inbound_pending=depth.inbound_pending,
        inbound_dead=depth.inbound_dead,
    )


def replay_events(session: Session, principal: Principal, event_ids: list[int], *, clock: Clock = _CLOCK) -> int:
    """Have inbound events that were given up on handled again; the sweeper finds them within a second.

    Returns:
        how many.
    """
    principal.require(Role.ORG_ADMIN)
    principal.needs(Permission.PIPELINE_MANAGE)
    result = session.execute(
        update(InboundEvent)
        .where(
            col(InboundEvent.organization_id) == organization_of(session),
            col(InboundEvent.id).in_(event_ids),
            col(InboundEvent.state) == "dead",
        )
        .values(state="pending", attempts=0, next_attempt_at=clock.now(), error=None, processed_at=None)
        .returning(col(InboundEvent.id))
    )
    count = len(result.all())
    record(session, principal, "retried", count, kind="inbound_event", clock=clock)
    return count
