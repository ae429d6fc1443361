"""What waiting contacts are told: the queue's texts, as templates, through the outbox.

Texts may use `{{position}}`, `{{ahead}}` (how many are before), `{{queue}}`, `{{wait}}` (minutes, empty when nobody can
tell), `{{contact.first_name}}`, `{{org.name}}`. A text that can't be rendered is sent as it stands, without its braces
being read: a slip in a template must not leave people untold.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.contacts import service as contacts
from pytake_app.conversations import queueing as conversations
from pytake_app.conversations.models import Conversation
from pytake_app.core.clock import Clock
from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.engine.scope import Scope
from pytake_app.engine.session import ContactView, OrgView, RunContext
from pytake_app.engine.session import Session as EngineSession
from pytake_app.engine.templating import Template, TemplateFailure
from pytake_app.queues import distributing, predicting, repository
from pytake_app.queues.distribution import HEAD_START
from pytake_app.queues.models import QueueItem, ServiceQueue

log = structlog.get_logger(__name__)

NOT_SOONER = timedelta(minutes=1)
"""A place in the queue is told no more often than this."""
CLOSED_NOT_SOONER = timedelta(minutes=30)
"""Who writes while the queue is closed hears so again no sooner than this."""
TOLD_AT_ONCE = 200
_BRACES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def check(text: str) -> str | None:
    """What is wrong with a text as a template; None: nothing."""
    try:
        Template(text).render(_scope("", {}, ContactView(), OrgView(), datetime.now().astimezone()), strict=False)
    except TemplateFailure as failure:
        return str(failure)
    return None


def _scope(name: str, values: dict[str, str | int], contact: ContactView, org: OrgView, now: datetime) -> Scope:
    context = RunContext(now=now, new_id=lambda: "", contact=contact, org=org)
    session = EngineSession(
        id="", root_flow_id="", root_version=0, flow_id="", flow_version=0, started_at=now,
        variables={"queue": name, **values},
    )  # fmt: skip
    return Scope(context, session, ("", "", 0), org.locale)


def positions(session: Session, queue_id: UUID) -> dict[UUID, int]:
    """Who stands where in a queue, from 1; an item that rings is still in its place."""
    rank = col(QueueItem.entered_at) - col(QueueItem.priority) * sa.literal(HEAD_START)
    statement = (
        sa.select(col(QueueItem.id))
        .where(
            col(QueueItem.organization_id) == organization_of(session),
            col(QueueItem.queue_id) == queue_id,
            col(QueueItem.status).in_(("waiting", "offered")),
        )
        .order_by(rank, col(QueueItem.id))
    )
    return {row[0]: n for n, row in enumerate(session.execute(statement), 1)}


def speak(
    session: Session,
    queue: ServiceQueue,
    conversation: Conversation,
    text: str,
    *,
    position: int | None = None,
    clock: Clock,
) -> bool:
    """Tell the contact a text of the queue.

    Parameters:
        position: where they stand, for the template.

    Returns:
        whether it was sent (not outside the service window, to who opted out, or when it is empty).
    """
    if not text.strip():
        return False
    values: dict[str, str | int] = {"position": position or "", "ahead": position - 1 if position else ""}
    wait = None
    if position and "wait" in text and queue.id in distributing.attended(session):
        wait = predicting.wait_seconds(session, queue.id, position, clock.now())
    values["wait"] = max(1, math.ceil(wait / 60)) if wait is not None else ""
    return conversations.say(session, conversation, rendered(session, queue, conversation, text, values, clock),
                             clock=clock)  # fmt: skip


def rendered(
    session: Session,
    queue: ServiceQueue,
    conversation: Conversation,
    text: str,
    values: dict[str, str | int],
    clock: Clock,
) -> str:
    """A text of the queue as this contact reads it."""
    if "{" not in text:
        return text
    brief = contacts.briefs(session, [conversation.contact_id])[conversation.contact_id]
    organization = accounts.organization_of_session(session)
    org = OrgView(
        id=str(organization.id), name=organization.name, timezone=organization.time_zone, locale=organization.locale
    )
    contact = ContactView(id=str(brief.id), name=brief.name, phone=brief.phone or "")
    try:
        return Template(text).render(_scope(queue.name, values, contact, org, clock.now()), strict=False)
    except TemplateFailure as failure:
        log.warning("queue_text_failed", code=failure.code, queue_id=str(queue.id))
        return " ".join(_BRACES.sub("", text).split())


def greet(session: Session, queue: ServiceQueue, item: QueueItem, conversation: Conversation, *, clock: Clock) -> None:
    """Welcome somebody who has just joined, and say where they stand."""
    position = positions(session, queue.id).get(item.id, 1)
    speak(session, queue, conversation, queue.welcome_message, position=position, clock=clock)
    # Who comes first is not told to wait behind nobody when the welcome speaks already.
    if queue.position_message and not (position == 1 and queue.welcome_message):
        speak(session, queue, conversation, queue.position_message, position=position, clock=clock)
    item.position_told, item.position_told_at = position, clock.now()
    session.add(item)


def tell_positions(session: Session, *, clock: Clock) -> int:
    """Tell who waits where they stand when they have come nearer or write, and from time to time that they are not
    forgotten; who writes while the queue is closed, that it is.

    Returns:
        how many were told.
    """
    texts = (ServiceQueue.position_message, ServiceQueue.waiting_message, ServiceQueue.closed_message)
    speaking = sa.or_(*(col(text) != "" for text in texts))
    told = 0
    for queue in session.exec(scoped(session, ServiceQueue).where(speaking)):
        told += _tell_queue(session, queue, clock)
    return told


def _tell_queue(session: Session, queue: ServiceQueue, clock: Clock) -> int:
    now, places = clock.now(), positions(session, queue.id)
    if not places:
        return 0
    statement = (
        sa.select(
            col(QueueItem.id), col(QueueItem.conversation_id), col(QueueItem.position_told),
            col(QueueItem.position_told_at), col(QueueItem.told_closed_at), col(Conversation.last_inbound_at),
        )
        .join(Conversation, col(Conversation.id) == col(QueueItem.conversation_id))
        .where(
            col(QueueItem.organization_id) == organization_of(session),
            col(QueueItem.queue_id) == queue.id,
            col(QueueItem.status) == "waiting",
            col(QueueItem.position_told_at) <= now - NOT_SOONER,
        )
    )  # fmt: skip
    due: dict[UUID, UUID] = {}
    for item_id, conversation_id, *told in session.execute(statement):
        if _text(queue, places.get(item_id), _Told(*told), now):
            due[item_id] = conversation_id
            if len(due) == TOLD_AT_ONCE:
                break
    held = conversations.lock_many(session, list(due.values()))
    count = 0
    for item in repository.hold_items(session, [one for one, where in due.items() if where in held], ("waiting",)):
        conversation, position = held[item.conversation_id], places.get(item.id)
        known = _Told(item.position_told, item.position_told_at, item.told_closed_at, conversation.last_inbound_at)
        text = _text(queue, position, known, now)
        if text:
            speak(session, queue, conversation, text, position=position, clock=clock)
            item.position_told, item.position_told_at = position, now
            session.add(item)
            count += 1
    return count


@dataclass(frozen=True, slots=True)
class _Told:
    """What somebody was told, and when they wrote last."""

    position: int | None
    at: datetime | None
    closed_at: datetime | None
    wrote_at: datetime | None


def _text(queue: ServiceQueue, position: int | None, told: _Told, now: datetime) -> str:
    """What somebody at this place should be told now; empty: nothing."""
    if position is None or told.at is None:
        return ""
    if told.closed_at is not None:
        again = told.wrote_at is not None and told.wrote_at >= max(told.at, told.closed_at) + CLOSED_NOT_SOONER
        return queue.closed_message if again else ""
    asks = told.wrote_at is not None and told.wrote_at >= told.at + NOT_SOONER
    nearer = told.position is not None and position < told.position
    if queue.position_message and (nearer or asks):
        return queue.position_message
    every = queue.position_every_minutes
    if every is not None and now - told.at >= timedelta(minutes=every):
        return queue.waiting_message or queue.position_message
    return ""
