"""Asking contacts how they were served, and thanking them. Answers come in by the pipeline (`ratings`).

Who was served in a queue that wants to know is asked once the conversation is closed, `csat_minutes` later: five
options in a list where the channel has lists, else buttons, else numbers. Nobody is asked who has begun a new
conversation meanwhile, nor outside the service window.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.channels.capabilities import capabilities_of
from pytake_app.channels.content import ButtonsContent, ListContent, ListRow, ListSection, ReplyButton
from pytake_app.contacts import service as contacts
from pytake_app.conversations import queueing as conversations
from pytake_app.conversations.models import Conversation
from pytake_app.core.clock import Clock
from pytake_app.core.tenancy import scoped
from pytake_app.core.texts import text
from pytake_app.queues import messages, ratings, repository, telling
from pytake_app.queues.models import QueueItem, ServiceQueue

BATCH = 100
LATE_AT_MOST = timedelta(hours=2)
"""Who could not be asked for so long (nothing ran, say) is not asked any more."""
SCORES = (5, 4, 3, 2, 1)


def ask(session: Session, *, clock: Clock) -> int:
    """Ask whom it is time to ask.

    Returns:
        how many items were looked at.
    """
    now = clock.now()
    asking = {
        queue.id: queue for queue in session.exec(scoped(session, ServiceQueue).where(col(ServiceQueue.csat_enabled)))
    }
    if not asking:
        return 0
    due = sa.or_(
        *(
            sa.and_(
                col(QueueItem.queue_id) == queue.id,
                col(QueueItem.ended_at) <= now - timedelta(minutes=queue.csat_minutes),
                col(QueueItem.ended_at) > now - timedelta(minutes=queue.csat_minutes) - LATE_AT_MOST,
            )
            for queue in asking.values()
        )
    )
    statement = scoped(session, QueueItem).where(
        due, QueueItem.status == "completed", QueueItem.csat_state == "", col(QueueItem.agent_id).is_not(None)
    )
    found = list(session.exec(statement.order_by(col(QueueItem.ended_at)).limit(BATCH)))
    held = conversations.lock_many(session, [item.conversation_id for item in found])
    rows = [one.id for one in found if one.conversation_id in held]
    for item in repository.hold_items(session, rows, ("completed",)):
        if item.csat_state or item.queue_id is None:
            continue
        asked = _ask(session, asking[item.queue_id], item, held[item.conversation_id], clock)
        item.csat_state = "asked" if asked else "skipped"
        item.csat_asked_at = now if asked else None
        session.add(item)
    session.flush()
    return len(rows)


def _ask(session: Session, queue: ServiceQueue, item: QueueItem, conversation: Conversation, clock: Clock) -> bool:
    if conversation.status in ("open", "pending") or conversations.has_open(session, conversation):
        return False
    locale = _locale(session, conversation)
    question = messages.rendered(
        session, queue, conversation, queue.csat_question or text(locale, "csat.question"), {}, clock
    )
    titles = {score: text(locale, f"csat.score_{score}") for score in SCORES}
    capabilities = capabilities_of(conversation.channel)
    content: dict[str, Any]
    if capabilities is not None and capabilities.lists:
        rows = [
            ListRow(id=ratings.option_id(item.id, score), title="⭐" * score, description=titles[score])
            for score in SCORES
        ]
        listed = ListContent(body=question, button=text(locale, "csat.button"), sections=[ListSection(rows=rows)])
        content = listed.model_dump(mode="json", exclude_none=True)
    elif capabilities is not None and capabilities.buttons != "no" and capabilities.max_buttons >= len(SCORES):
        buttons = [ReplyButton(id=ratings.option_id(item.id, score), title="⭐" * score) for score in SCORES]
        content = ButtonsContent(body=question, buttons=buttons).model_dump(mode="json", exclude_none=True)
    else:
        lines = "\n".join(f"{score} - {titles[score]}" for score in SCORES)
        question = f"{question}\n\n{lines}"
        content = {"type": "text", "body": question, "preview_url": False}
    return conversations.say(
        session, conversation, question, content=content, after_close=True, clock=clock
    )  # fmt: skip


def _locale(session: Session, conversation: Conversation) -> str:
    person = contacts.lock(session, conversation.contact_id)
    return (person.locale or accounts.organization_of_session(session).locale).replace("-", "_")


def thank(session: Session, *, clock: Clock) -> int:
    """Thank who has answered.

    Returns:
        how many.
    """
    statement = scoped(session, QueueItem).where(QueueItem.csat_state == "answered")
    found = list(session.exec(statement.limit(BATCH)))
    held = conversations.lock_many(session, [item.conversation_id for item in found])
    rows = repository.hold_items(session, [one.id for one in found if one.conversation_id in held], ("completed",))
    queues = {queue.id: queue for queue in repository.all_of(session, ServiceQueue)} if rows else {}
    for item in rows:
        if item.csat_state != "answered":
            continue
        item.csat_state = "thanked"
        session.add(item)
        conversation = held[item.conversation_id]
        queue = queues.get(item.queue_id) if item.queue_id is not None else None
        if queue is not None:
            said = queue.csat_thanks or text(_locale(session, conversation), "csat.thanks")
            said = messages.rendered(session, queue, conversation, said, {}, clock)
            conversations.say(session, conversation, said, after_close=True, clock=clock)
    session.flush()
    telling.changed(session, rows, "rated")
    return len(rows)
