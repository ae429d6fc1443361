"""Conversations: what other rooms call. Every function runs in the caller's transaction and never commits.

Reading needs `viewer`, everything else `agent`. Raised throughout: `NotFoundError`, `ForbiddenError`. What each
function raises besides stands at the function it calls.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from pytake_app.contacts import service as contacts
from pytake_app.contacts.schemas import ContactStats
from pytake_app.conversations import (
    contact_data,
    handling,
    listing,
    merging,
    policy,
    repository,
    scheduled,
    sending,
    sight,
    views,
)
from pytake_app.conversations.message_schemas import ScheduledView
from pytake_app.conversations.models import Conversation, Message
from pytake_app.conversations.schemas import (
    AutomationLogView,
    ConversationDetail,
    ConversationFilter,
    ConversationStats,
    ConversationStatus,
    ConversationView,
    MessagePage,
    MessageView,
    Priority,
    RawMessage,
    SendMessage,
)
from pytake_app.conversations.threads import RAW
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.errors import InvalidError, NotFoundError
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page, decode_cursor, encode_cursor
from pytake_app.core.tenancy import Principal, Role
from pytake_app.flows import service as flows

_CLOCK = SystemClock()

conversations_of = contact_data.conversations_of
delete_messages_before = contact_data.delete_messages_before
erase_contact = contact_data.erase_contact
export_conversations = contact_data.export_conversations
export_messages = contact_data.export_messages


def list_conversations(
    session: Session,
    principal: Principal,
    where: ConversationFilter | None = None,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    clock: Clock = _CLOCK,
) -> Page[ConversationView]:
    """Conversations by their last message, newest first."""
    principal.require(Role.VIEWER)
    limit = min(max(limit, 1), MAX_LIMIT)
    wanted = where or ConversationFilter()
    rows = listing.page(session, wanted, principal=principal, limit=limit + 1, after=listing.position(cursor))
    return Page(
        items=views.conversations(session, rows[:limit], clock=clock),
        next_cursor=listing.cursor_of(rows[limit - 1], wanted.sort) if len(rows) > limit else None,
    )


def _id_cursor(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    (key,) = decode_cursor(cursor, 1)
    try:
        return UUID(str(key))
    except ValueError as error:
        raise InvalidError("The cursor is not one that this list gave.") from error


def get_conversation(
    session: Session, principal: Principal, conversation_id: UUID, *, clock: Clock = _CLOCK
) -> ConversationDetail:
    """A conversation with what its header needs."""
    principal.require(Role.VIEWER)
    return views.conversation(session, repository.find(session, principal, conversation_id), clock=clock)


def list_messages(
    session: Session,
    principal: Principal,
    conversation_id: UUID,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    newer: str | None = None,
    around: UUID | None = None,
) -> MessagePage:
    """Newest first; `next_cursor` leads to older ones, `newer_cursor` to newer ones.

    Parameters:
        cursor, newer: where an earlier page ended, downwards or upwards.
        around: a message to have in the middle, to jump to it.

    Raises:
        NotFoundError: code `message_not_found`: `around` is not in this conversation.
    """
    principal.require(Role.VIEWER)
    limit = min(max(limit, 1), MAX_LIMIT)
    repository.find(session, principal, conversation_id)
    if newer is not None:
        rows = repository.messages_after(
            session, conversation_id, limit=limit + 1, after=_id_cursor(newer) or UUID(int=0)
        )
        more, rows = len(rows) > limit, rows[:limit][::-1]
        return MessagePage(
            items=views.messages(session, rows),
            next_cursor=encode_cursor(str(rows[-1].id)) if rows else None,
            newer_cursor=encode_cursor(str(rows[0].id)) if more else None,
        )
    above: list[Message] = []
    before = _id_cursor(cursor)
    if around is not None:
        found = repository.messages_by_id(session, [around])
        if not found or found[0].conversation_id != conversation_id:
            raise NotFoundError("There is no such message in the conversation.", code="message_not_found")
        above = repository.messages_after(session, conversation_id, limit=limit // 2 + 1, after=around)
        before = UUID(int=around.int + 1)
    below = limit - min(len(above), limit // 2)
    rows = repository.messages(session, conversation_id, limit=below + 1, before=before)
    more_above, above = len(above) > limit // 2, above[: limit // 2][::-1]
    shown = [*above, *rows[:below]]
    return MessagePage(
        items=views.messages(session, shown),
        next_cursor=encode_cursor(str(shown[-1].id)) if len(rows) > below else None,
        newer_cursor=encode_cursor(str(shown[0].id)) if more_above else None,
    )


def messages_by_id(session: Session, principal: Principal, message_ids: list[UUID]) -> list[MessageView]:
    """Those of the ids that exist, oldest first: to answer a live poke."""
    principal.require(Role.VIEWER)
    return views.messages(
        session, _seen(session, principal, repository.messages_by_id(session, message_ids[:MAX_LIMIT]))
    )


def seen_among(session: Session, principal: Principal, conversation_ids: Collection[UUID]) -> set[UUID]:
    """Those of the conversations that the caller sees."""
    return sight.among(session, principal, conversation_ids)


def _seen(session: Session, principal: Principal, rows: list[Message]) -> list[Message]:
    known = sight.among(session, principal, {row.conversation_id for row in rows})
    return [row for row in rows if row.conversation_id in known]


def messages_between(
    session: Session, principal: Principal, conversation_id: UUID, *, first: datetime, last: datetime, limit: int
) -> list[MessageView]:
    """A conversation's messages of a span of time, oldest first: what was said during a flow's run.

    Of one that the caller doesn't see: none.
    """
    principal.require(Role.VIEWER)
    if conversation_id not in sight.among(session, principal, [conversation_id]):
        return []
    found = repository.messages_between(session, conversation_id, first=first, last=last, limit=limit)
    return views.messages(session, found)


def conversations_by_id(session: Session, principal: Principal, conversation_ids: list[UUID]) -> list[ConversationView]:
    """Rows of the list, to answer a live poke; in no particular order."""
    principal.require(Role.VIEWER)
    return views.conversations(session, repository.many(session, principal, conversation_ids[:MAX_LIMIT]))


def get_message(session: Session, principal: Principal, message_id: UUID) -> MessageView:
    """One message.

    Raises:
        NotFoundError: none here.
    """
    found = messages_by_id(session, principal, [message_id])
    if not found:
        raise NotFoundError("There is no such message.", code="message_not_found")
    return found[0]


def raw_message(session: Session, principal: Principal, conversation_id: UUID, message_id: UUID) -> RawMessage:
    """What the platform sent, of a message of a kind that can't be shown.

    Raises:
        NotFoundError: no such message here, or nothing was kept of it (code `raw_not_kept`).
    """
    principal.require(Role.AGENT)
    thread = repository.find(session, principal, conversation_id)
    found = repository.messages_by_id(session, [message_id])
    if not found or found[0].conversation_id != thread.id:
        raise NotFoundError("There is no such message.", code="message_not_found")
    raw = found[0].content.get(RAW)
    if not isinstance(raw, dict):
        raise NotFoundError("What the platform sent was not kept.", code="raw_not_kept")
    return RawMessage(message_id=message_id, type=found[0].type, raw=raw)


def find_messages(session: Session, principal: Principal, *, external_id: str) -> list[MessageView]:
    """Messages by the platform's id."""
    principal.require(Role.VIEWER)
    return views.messages(session, _seen(session, principal, repository.message_by_external_id(session, external_id)))


def send_message(
    session: Session, principal: Principal, conversation_id: UUID, request: SendMessage, *, clock: Clock = _CLOCK
) -> MessageView | ScheduledView:
    """Send as the caller, now or at `send_at`; the same `client_id` twice sends once and gives the first message."""
    if request.send_at is not None:
        kept = scheduled.schedule(session, principal, conversation_id, request, clock=clock)
        return scheduled.views(session, [kept])[0]
    row = sending.send_message(session, principal, conversation_id, request, clock=clock)
    return views.messages(session, [row])[0]


def add_note(
    session: Session,
    principal: Principal,
    conversation_id: UUID,
    text: str,
    *,
    client_id: str | None = None,
    mentioned: Sequence[UUID] = (),
    clock: Clock = _CLOCK,
) -> MessageView:
    """A note for colleagues; never sent. Who is mentioned is notified."""
    row = sending.add_note(
        session, principal, conversation_id, text, client_id=client_id, clock=clock, mentioned=mentioned
    )
    return views.messages(session, [row])[0]


def last_heard(session: Session, conversation_id: UUID) -> str | None:
    """The platform's id of the contact's last message: typing signs are shown below it."""
    return repository.find(session, None, conversation_id).last_inbound_external_id


def may_write(session: Session, row: Conversation, *, clock: Clock = _CLOCK) -> bool:
    """Whether free text could be sent in a conversation now."""
    person = contacts.briefs(session, [row.contact_id])[row.contact_id]
    return policy.cannot_send(row, person, window_open=policy.window_open(row, clock.now())) is None


def take_over(
    session: Session, principal: Principal, conversation_id: UUID, *, clock: Clock = _CLOCK
) -> ConversationDetail:
    """The caller answers from now on."""
    row = handling.take_over(session, principal, conversation_id, clock=clock)
    return views.conversation(session, row, clock=clock)


def give_back(
    session: Session, principal: Principal, conversation_id: UUID, *, flow_id: str | None = None, clock: Clock = _CLOCK
) -> ConversationDetail:
    """Automation answers again; with `flow_id` (id or slug) that flow starts at once."""
    row = handling.give_back(session, principal, conversation_id, flow_id=flow_id, clock=clock)
    return views.conversation(session, row, clock=clock)


def assign(
    session: Session, principal: Principal, conversation_id: UUID, user_id: UUID | None, *, clock: Clock = _CLOCK
) -> ConversationDetail:
    """Give the conversation to a user; with None it waits for one."""
    row = handling.assign(session, principal, conversation_id, user_id, clock=clock)
    return views.conversation(session, row, clock=clock)


def set_status(
    session: Session,
    principal: Principal,
    conversation_id: UUID,
    status: ConversationStatus,
    *,
    outcome: str = "",
    expected: ConversationStatus | None = None,
    clock: Clock = _CLOCK,
) -> ConversationDetail:
    """Close (with how it ended), archive, reopen, put off."""
    row = handling.set_status(
        session, principal, conversation_id, status, outcome=outcome, expected=expected, clock=clock
    )
    return views.conversation(session, row, clock=clock)


def set_priority(
    session: Session, principal: Principal, conversation_id: UUID, priority: Priority, *, clock: Clock = _CLOCK
) -> ConversationDetail:
    """How urgent it is."""
    row = handling.set_priority(session, principal, conversation_id, priority, clock=clock)
    return views.conversation(session, row, clock=clock)


def mark_read(
    session: Session, principal: Principal, conversation_id: UUID, *, clock: Clock = _CLOCK
) -> ConversationDetail:
    """Nothing is unread any more."""
    row = handling.mark_read(session, principal, conversation_id)
    return views.conversation(session, row, clock=clock)


def conversation_stats(session: Session, principal: Principal, *, clock: Clock = _CLOCK) -> ConversationStats:
    """Counts for the inbox's tabs; today begins at midnight UTC."""
    principal.require(Role.VIEWER)
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    row = repository.counts(session, principal, midnight)
    return ConversationStats(
        open=row[0], mine=row[1], unassigned=row[2], waiting=row[3], bot=row[4], unread=row[5], closed_today=row[6],
        snoozed=row[7], mentions=row[8],
    )  # fmt: skip


def automation_log(
    session: Session,
    principal: Principal,
    conversation_id: UUID,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[AutomationLogView]:
    """Decisions about the conversation, newest first."""
    principal.require(Role.VIEWER)
    limit = min(max(limit, 1), MAX_LIMIT)
    repository.find(session, principal, conversation_id)
    rows = repository.log_page(session, conversation_id, limit=limit + 1, before=_id_cursor(cursor))
    return Page(
        items=views.log_entries(session, rows[:limit]),
        next_cursor=encode_cursor(str(rows[limit - 1].id)) if len(rows) > limit else None,
    )


def count_of_contact(session: Session, contact_id: UUID) -> int:
    """How many conversations a contact has had."""
    return repository.count_of_contact(session, contact_id)


def contact_stats(session: Session, principal: Principal, contact_id: UUID) -> ContactStats:
    """How much was said with a contact."""
    principal.require(Role.VIEWER)
    threads, is_open, said_in, said_out, first, last = repository.contact_totals(session, contact_id)
    return ContactStats(
        contact_id=contact_id,
        conversations=threads,
        open_conversations=is_open,
        messages_in=said_in,
        messages_out=said_out,
        first_message_at=first,
        last_message_at=last,
        flow_sessions=flows.count_sessions_of_contact(session, contact_id),
    )


def merge_contact(session: Session, principal: Principal, *, keep: UUID, gone: UUID, clock: Clock = _CLOCK) -> int:
    """What was said with one contact becomes another's; answers how many conversations moved."""
    return merging.take_over(session, principal, keep=keep, gone=gone, clock=clock)


def leave_queue(session: Session, queue_id: UUID) -> None:
    """A queue is taken away: its conversations wait in none in particular, and keep its name."""
    repository.leave_queue(session, queue_id)


def replace_tag(session: Session, name: str, new: str | None) -> None:
    """Another name, or none, for the conversations that carry the tag `name`."""
    repository.replace_tag(session, name, new)
