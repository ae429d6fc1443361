"""What service queues do to conversations: put them in line, give them to people, speak to who waits.

The caller (`queues`) keeps its own rows; here the conversation's columns, its log, and what flows hear of it, in the
same transaction. Sets are locked in the pipeline's order: contacts by id, then conversations by id. Flows are imported
where they are used: they know queues, and so this, as they are loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.contacts import service as contacts
from pytake_app.contacts.models import Contact
from pytake_app.conversations import policy, repository
from pytake_app.conversations.models import AutomationLog, Conversation, Message
from pytake_app.core.clock import Clock
from pytake_app.core.db import after_commit
from pytake_app.core.errors import NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.live import Live, process_live
from pytake_app.core.tenancy import Principal, organization_of
from pytake_app.flows.schemas import Happening
from pytake_app.messaging.outbox import OutboundDraft, enqueue
from pytake_app.whatsapp.models import ChannelAccount

LATE_AT_MOST = repository.LATE_AT_MOST
PRIORITIES = ("low", "medium", "high", "urgent")


@dataclass(frozen=True, slots=True)
class Given:
    """A conversation goes to a user. `session_id`: the flow's session that may wait to hear of it."""

    conversation: Conversation
    user_id: UUID
    session_id: UUID | None = None


def lock_many(session: Session, conversation_ids: Collection[UUID]) -> dict[UUID, Conversation]:
    """Hold those of the conversations that nobody else holds now, until the transaction ends."""
    if not conversation_ids:
        return {}
    here = organization_of(session)
    of_contacts = sa.select(col(Conversation.contact_id)).where(
        col(Conversation.organization_id) == here, col(Conversation.id).in_(conversation_ids)
    )
    held = (
        sa.select(col(Contact.id))
        .where(col(Contact.organization_id) == here, col(Contact.id).in_(of_contacts))
        .order_by(col(Contact.id))
        .with_for_update(skip_locked=True, key_share=True)
    )
    free = [row[0] for row in session.execute(held)]
    rows = (
        sa.select(Conversation)
        .where(
            col(Conversation.organization_id) == here,
            col(Conversation.id).in_(conversation_ids),
            col(Conversation.contact_id).in_(free),
        )
        .order_by(col(Conversation.id))
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in session.execute(rows).scalars()}


def hold(session: Session, conversation_id: UUID, principal: Principal | None = None) -> Conversation:
    """Hold one conversation, its contact's row first; waits for who holds it.

    Parameters:
        principal: who must see it; None: the product itself.

    Raises:
        NotFoundError: none here.
    """
    return repository.lock(session, principal, conversation_id)


def give(session: Session, given: Sequence[Given], *, by: UUID | None, clock: Clock, **detail: Any) -> None:
    """Conversations, held by the caller, go to users: a set, in a fixed number of statements unless flows listen."""
    from pytake_app.flows import service as flows

    if not given:
        return
    now = clock.now()
    names = accounts.user_names(session, {one.user_id for one in given})
    for one in given:
        row = one.conversation
        row.handling, row.assignee_id, row.status, row.waiting_since = "person", one.user_id, "open", None
        row.closed_at, row.snoozed_until, row.updated_at = None, None, now
        session.add(row)
        session.add(_line(row, "assigned", by, now, {**detail, "assignee_id": str(one.user_id)}))
    session.flush()
    sessions = flows.waiting_handoffs(session, [one.session_id for one in given if one.session_id is not None])
    for waiting in sessions:
        flows.tell_handoff(session, waiting, "transferred", by=by, clock=clock)
    if flows.begins_with(session, "conversation_assigned"):
        for one in given:
            flows.happened(
                session, one.conversation.contact_id,
                [Happening("conversation_assigned", names.get(one.user_id, ""))],
                clock=clock, channel_account_id=one.conversation.channel_account_id, by=by,
            )  # fmt: skip
    announce(session, [one.conversation for one in given])


def _line(row: Conversation, kind: str, by: UUID | None, now: datetime, detail: Mapping[str, Any]) -> AutomationLog:
    return AutomationLog(
        id=new_id(), organization_id=row.organization_id, conversation_id=row.id, at=now, kind=kind, actor_id=by,
        detail=dict(detail),
    )  # fmt: skip


def announce(session: Session, rows: Sequence[Conversation]) -> None:
    """Tell pages that these changed, after commit, in one round trip."""
    pokes: list[tuple[str, dict[str, Any]]] = []
    for row in rows:
        payload = {"event": "conversation_updated", "conversation_id": str(row.id)}
        pokes += [(f"conversation:{row.id}", payload), (f"org:{row.organization_id}:conversations", payload)]
    publish(session, pokes)


def publish(session: Session, pokes: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Publish pokes after commit, in one round trip."""
    live = session.info.get("live") or process_live()

    def send() -> None:
        if isinstance(live, Live):
            live.publish_many(pokes)
        else:
            for topic, payload in pokes:
                live.publish(topic, dict(payload))

    after_commit(session, send)


def line_up(
    session: Session,
    conversation: Conversation,
    *,
    queue_id: UUID | None,
    queue_name: str,
    priority: int | None,
    by: UUID | None,
    clock: Clock,
    stop: bool = True,
    since: datetime | None = None,
    **detail: Any,
) -> None:
    """The conversation, held by the caller, waits for a person from now on.

    Parameters:
        priority: 0 low … 3 urgent; None: as it was.
        since: when its wait began, for one that goes on.
        stop: interrupt the session in progress; a hand-off that waits to be told goes on waiting.
    """
    from pytake_app.flows import service as flows

    now = clock.now()
    if stop:
        running = flows.running_session(session, conversation.contact_id, conversation.channel_account_id)
        if running is not None:
            flows.interrupt_session(session, running, clock=clock)
    if since is not None:
        conversation.waiting_since = since
    elif conversation.handling != "waiting" or conversation.waiting_since is None:
        conversation.waiting_since = now
    conversation.handling, conversation.status, conversation.assignee_id = "waiting", "pending", None
    conversation.closed_at, conversation.snoozed_until = None, None
    conversation.queue_id, conversation.queue_name = queue_id, queue_name
    if priority is not None:
        conversation.priority = PRIORITIES[priority]
    conversation.updated_at = now
    session.add(conversation)
    session.add(_line(conversation, "queued", by, now, {**detail, "queue": queue_name}))
    session.flush()
    announce(session, [conversation])


def leave_line(
    session: Session,
    conversation: Conversation,
    *,
    session_id: UUID | None,
    result: str,
    clock: Clock,
    **detail: Any,
) -> bool:
    """Nobody will take the conversation, held by the caller: automation has it again, and a flow that waits hears
    `result` (timeout, closed).

    Returns:
        whether a flow waited.
    """
    from pytake_app.flows import service as flows

    now = clock.now()
    conversation.handling, conversation.status, conversation.waiting_since = "bot", "open", None
    conversation.queue_id, conversation.queue_name, conversation.assignee_id = None, "", None
    conversation.updated_at = now
    session.add(conversation)
    session.add(_line(conversation, "queue_left", None, now, {**detail, "result": result}))
    session.flush()
    waiting = flows.waiting_handoffs(session, [session_id] if session_id is not None else [])
    for one in waiting:
        flows.tell_handoff(session, one, result, by=None, clock=clock)
    announce(session, [conversation])
    return bool(waiting)


def prioritise(session: Session, conversation: Conversation, priority: int, *, by: UUID | None, clock: Clock) -> None:
    """How urgent it is: 0 low … 3 urgent."""
    now, before = clock.now(), conversation.priority
    conversation.priority, conversation.updated_at = PRIORITIES[priority], now
    session.add(conversation)
    if before != conversation.priority:
        said = {"before": before, "after": conversation.priority}
        session.add(_line(conversation, "priority_changed", by, now, said))
    session.flush()
    announce(session, [conversation])


def say(
    session: Session,
    conversation: Conversation,
    text: str,
    *,
    content: Mapping[str, Any] | None = None,
    after_close: bool = False,
    clock: Clock,
) -> bool:
    """Tell the contact something by the system, through the outbox.

    Parameters:
        content: `channels.content` JSON; None: the text alone.
        after_close: it belongs to the end of the conversation, which may be closed.

    Returns:
        whether it may be said: not to blocked contacts, to who opted out, nor outside the service window.
    """
    if not text.strip():
        return False
    person = contacts.lock(session, conversation.contact_id)
    window_open = policy.window_open(conversation, clock.now())
    reason = policy.cannot_send(conversation, person, window_open=window_open, after_close=after_close)
    if reason is None:
        try:
            address = contacts.address_of(session, conversation.contact_id, conversation.channel_account_id)
        except NotFoundError as error:
            reason = error.code
    if reason is not None:
        session.add(_line(conversation, "queue_message_held", None, clock.now(), {"reason": reason}))
        return False
    enqueue(
        session,
        OutboundDraft(
            conversation=conversation,
            contact=person,
            channel_account=session.get_one(ChannelAccount, conversation.channel_account_id),
            recipient=address.recipient,
            content=dict(content) if content is not None else {"type": "text", "body": text, "preview_url": False},
            text=text,
            author_kind="system",
        ),
        clock=clock,
    )
    return True


def has_open(session: Session, conversation: Conversation) -> bool:
    """Whether the contact has another conversation going on with this channel account."""
    return repository.other_open(session, conversation)


def waits_to_hear(session: Session, session_id: UUID | None) -> bool:
    """Whether this session of a flow waits to hear what became of its hand-off."""
    from pytake_app.flows import service as flows

    return bool(session_id is not None and flows.waiting_handoffs(session, [session_id]))


def orphans(session: Session, answering: Collection[UUID], limit: int) -> list[UUID]:
    """Open conversations of users other than those who may answer."""
    statement = (
        sa.select(col(Conversation.id))
        .where(
            col(Conversation.organization_id) == organization_of(session),
            col(Conversation.handling) == "person",
            col(Conversation.status).in_(repository.OPEN),
            col(Conversation.assignee_id).not_in(answering),
        )
        .order_by(col(Conversation.id))
        .limit(limit)
    )
    return [row[0] for row in session.execute(statement)]


def loads(session: Session) -> dict[UUID, int]:
    """How many open conversations each user answers now."""
    statement = (
        sa.select(col(Conversation.assignee_id), sa.func.count())
        .where(
            col(Conversation.organization_id) == organization_of(session),
            col(Conversation.handling) == "person",
            col(Conversation.status) == "open",
            col(Conversation.assignee_id).is_not(None),
        )
        .group_by(col(Conversation.assignee_id))
    )
    return {row[0]: int(row[1]) for row in session.execute(statement)}


def answered_since(session: Session, conversation_id: UUID, at: datetime) -> bool:
    """Whether a person has written to the contact since."""
    statement = sa.select(col(Message.id)).where(
        col(Message.organization_id) == organization_of(session),
        col(Message.conversation_id) == conversation_id,
        col(Message.created_at) >= at,
        col(Message.direction) == "out",
        col(Message.author_kind) == "agent",
    )
    return session.execute(statement.limit(1)).first() is not None


def last_words(
    session: Session, conversation_ids: Collection[UUID]
) -> dict[UUID, tuple[Literal["contact", "agent", "bot"], datetime | None]]:
    """Who spoke last in each conversation, and when."""
    if not conversation_ids:
        return {}
    statement = (
        sa.select(
            col(Conversation.id), col(Conversation.last_message_direction), col(Conversation.last_message_at),
            col(Message.author_kind),
        )
        .outerjoin(
            Message,
            sa.and_(
                col(Message.id) == col(Conversation.last_message_id),
                # A message's partition is that of its own time.
                col(Message.created_at) >= col(Conversation.last_message_at) - LATE_AT_MOST,
            ),
        )
        .where(
            col(Conversation.organization_id) == organization_of(session), col(Conversation.id).in_(conversation_ids)
        )
    )  # fmt: skip
    words: dict[UUID, tuple[Literal["contact", "agent", "bot"], datetime | None]] = {}
    for conversation_id, direction, at, author in session.execute(statement):
        by: Literal["contact", "agent", "bot"] = "contact"
        if direction != "in":
            by = "agent" if author == "agent" else "bot"
        words[conversation_id] = (by, at)
    return words
