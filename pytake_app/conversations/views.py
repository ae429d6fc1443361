"""From rows to what the API and the pages show, with a fixed number of queries whatever the number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session

from pytake_app.accounts import service as accounts
from pytake_app.contacts import service as contacts
from pytake_app.contacts.schemas import ContactBrief
from pytake_app.conversations import policy, repository
from pytake_app.conversations.models import AutomationLog, Conversation, Message
from pytake_app.conversations.schemas import (
    AutomationLogView,
    ConversationDetail,
    ConversationView,
    LastMessage,
    MediaView,
    MessageView,
    UserBrief,
)
from pytake_app.conversations.threads import RAW
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.flows import service as flows
from pytake_app.queues import service as queues
from pytake_app.queues.item_schemas import QueuePlace
from pytake_app.whatsapp.models import ChannelAccount

_CLOCK = SystemClock()


def conversations(session: Session, rows: Sequence[Conversation], *, clock: Clock = _CLOCK) -> list[ConversationView]:
    """Rows of a list: one query each for contacts, users, fates of last messages, and places in queues."""
    people = contacts.briefs(session, (row.contact_id for row in rows))
    names = accounts.user_names(session, {row.assignee_id for row in rows if row.assignee_id is not None})
    fates = repository.fates(session, rows)
    hues = queues.colors(session, {row.queue_id for row in rows if row.queue_id is not None})
    attended = [row.id for row in rows if row.handling != "bot" and row.status in repository.OPEN]
    places = queues.places(session, attended, clock=clock)
    return [
        _conversation(
            row, people[row.contact_id], names, status=fates.get(row.id), place=places.get(row.id),
            color=hues.get(row.queue_id) if row.queue_id is not None else None,
        )
        for row in rows
    ]  # fmt: skip


def _conversation(
    row: Conversation,
    contact: ContactBrief,
    names: dict[UUID, str],
    *,
    status: str | None,
    place: QueuePlace | None,
    color: str | None,
) -> ConversationView:
    last = LastMessage(
        id=row.last_message_id,
        preview=row.last_message_preview,
        direction=row.last_message_direction,
        at=row.last_message_at,
        status=status,
    )
    assignee = UserBrief(id=row.assignee_id, name=names.get(row.assignee_id, "")) if row.assignee_id else None
    copied = {
        name: getattr(row, name)
        for name in ConversationView.model_fields
        if name not in {"contact", "assignee", "queue", "queue_color", "queue_item", "last_message"}
    }
    return ConversationView.model_validate(
        {
            **copied,
            "contact": contact,
            "assignee": assignee,
            "queue": row.queue_name or None,
            "queue_color": color,
            "queue_item": place,
            "last_message": last,
        }
    )


def conversation(session: Session, row: Conversation, *, clock: Clock) -> ConversationDetail:
    """A conversation with what its header needs."""
    (view,) = conversations(session, [row], clock=clock)
    if view.queue_item is not None and view.queue_item.status != "in_service":
        view.queue_item = queues.place(session, row.id, clock=clock)
    running = flows.running_session(session, row.contact_id, row.channel_account_id)
    flow_name = flows.flow_names(session, [running.flow_id]).get(running.flow_id) if running is not None else None
    account = session.get(ChannelAccount, row.channel_account_id)
    window_open = policy.window_open(row, clock.now())
    reason = policy.cannot_send(row, view.contact, window_open=window_open)
    return ConversationDetail(
        **view.model_dump(),
        handoff=row.handoff,
        window_open=window_open,
        can_send=reason is None,
        cannot_send_reason=reason,
        flow_session_id=running.id if running is not None else None,
        flow_name=flow_name,
        account_name=account.name if account is not None else "",
        sandbox=account.sandbox if account is not None else False,
    )


def messages(session: Session, rows: Sequence[Message]) -> list[MessageView]:
    """Messages in the order given; one query for the authors' names."""
    names = accounts.user_names(session, {row.author_id for row in rows if row.author_id is not None})
    return [_message(row, names) for row in rows]


def _message(row: Message, names: dict[UUID, str]) -> MessageView:
    copied = {
        name: getattr(row, name) for name in MessageView.model_fields if name not in {"media", "author", "author_name"}
    }
    author = str(row.author_id) if row.author_kind == "agent" and row.author_id else row.author_kind
    return MessageView.model_validate(
        {
            **copied,
            "content": {name: value for name, value in row.content.items() if name != RAW},
            "media": _media(row),
            "author": author,
            "author_name": names.get(row.author_id) if row.author_id else None,
        }
    )


def _media(row: Message) -> MediaView | None:
    """The file; its address is ours, because the platform's expire and need its token."""
    if not row.media:
        return None
    return MediaView.model_validate({**row.media, "voice": bool(row.media.get("voice"))})


def log_entries(session: Session, rows: Sequence[AutomationLog]) -> list[AutomationLogView]:
    """The automation log in the order given; one query for flows' names, one for people's."""
    flow_names = flows.flow_names(session, [row.flow_id for row in rows if row.flow_id is not None])
    names = accounts.user_names(session, {row.actor_id for row in rows if row.actor_id is not None})
    return [
        AutomationLogView(
            id=row.id,
            at=row.at,
            kind=row.kind,
            flow_id=row.flow_id,
            flow_name=flow_names.get(row.flow_id) if row.flow_id else None,
            flow_session_id=row.flow_session_id,
            actor_id=row.actor_id,
            actor_name=names.get(row.actor_id) if row.actor_id else None,
            detail=row.detail,
        )
        for row in rows
    ]
