"""What colleagues are told: pokes for the pages, notifications for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.conversations import queueing as conversations
from pytake_app.core.clock import Clock
from pytake_app.core.ids import new_id
from pytake_app.core.live import poke
from pytake_app.core.tenancy import organization_of
from pytake_app.core.texts import text
from pytake_app.notifications.models import Notification
from pytake_app.queues.models import QueueItem, ServiceQueue

ALERT_EVERY = timedelta(minutes=10)
SHOWN_POKES = 50
"""More changed items than this in one transaction are told as one change of their queue."""


def topic(organization_id: UUID) -> str:
    """Where changes of queues and agents are told."""
    return f"org:{organization_id}:queues"


def changed(session: Session, items: Iterable[QueueItem], change: str) -> None:
    """Tell pages what happened to items, after commit."""
    rows = list(items)
    pokes: list[tuple[str, dict[str, str | None]]] = []
    if len(rows) <= SHOWN_POKES:
        for item in rows:
            queue_id = str(item.queue_id) if item.queue_id else None
            said = {"event": "queue_updated", "queue_id": queue_id, "item_id": str(item.id), "change": change}
            pokes.append((topic(item.organization_id), said))
    else:
        here = organization_of(session)
        for queue_id in sorted({str(item.queue_id) for item in rows if item.queue_id}):
            said = {"event": "queue_updated", "queue_id": queue_id, "item_id": None, "change": change}
            pokes.append((topic(here), said))
    if pokes:
        conversations.publish(session, pokes)


def agent_changed(session: Session, agent_ids: Iterable[UUID]) -> None:
    """Tell pages that agents' status or load changed, after commit."""
    here = organization_of(session)
    pokes = [
        (topic(here), {"event": "agent_status_updated", "agent_id": str(agent_id)})
        for agent_id in dict.fromkeys(agent_ids)
    ]
    if pokes:
        conversations.publish(session, pokes)


def _locales(session: Session, user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Languages of people, looked up once a transaction: hundreds may be told at once, and each look-up would write
    what was added before."""
    known: dict[UUID, str] = session.info.setdefault("queue_locales", {})
    missing = {one for one in user_ids if one not in known}
    if missing:
        with session.no_autoflush:
            known |= accounts.locales_of(session, missing)
    return known


def expect(session: Session, user_ids: Iterable[UUID]) -> None:
    """These will be notified in this transaction: their languages are looked up in one statement."""
    _locales(session, user_ids)


def notify(
    session: Session,
    user_id: UUID,
    kind: str,
    *,
    level: str = "info",
    conversation_id: UUID | None = None,
    contact_id: UUID | None = None,
    clock: Clock,
    **params: object,
) -> None:
    """Notify one person in their own language: `handover.<kind>_title` and `…_body`."""
    locale = _locales(session, [user_id])[user_id]
    here = organization_of(session)
    session.add(
        Notification(
            id=new_id(),
            organization_id=here,
            user_id=user_id,
            kind=f"queue_{kind}",
            level=level,
            title=text(locale, f"handover.{kind}_title", **params),
            body=text(locale, f"handover.{kind}_body", **params),
            conversation_id=conversation_id,
            contact_id=contact_id,
            created_at=clock.now(),
        )
    )
    poke(session, f"org:{here}:notifications", {"event": "notification", "user_id": str(user_id)})


def alert(session: Session, queue: ServiceQueue, kind: str, *, count: int = 1, clock: Clock) -> bool:
    """Tell administrators and the queue's department that the queue needs them, once in ten minutes whatever happens.

    Parameters:
        kind: full, waiting (too long), late (than promised), nobody (is at work).

    Returns:
        whether they were told; who counts on it asks again.
    """
    now = clock.now()
    turn = (
        sa.update(ServiceQueue)
        .where(
            col(ServiceQueue.organization_id) == organization_of(session),
            col(ServiceQueue.id) == queue.id,
            sa.or_(col(ServiceQueue.alerted_at).is_(None), col(ServiceQueue.alerted_at) <= now - ALERT_EVERY),
        )
        .values(alerted_at=now)
        .returning(col(ServiceQueue.id))
        .execution_options(synchronize_session=False)
    )
    if session.execute(turn).first() is None:
        return False
    people = set(accounts.admin_ids(session))
    if queue.department_id is not None:
        able = {user.id for user in accounts.answerers(session)}
        people |= able & accounts.department_members(session).get(queue.department_id, set())
    for user_id in sorted(people):
        notify(session, user_id, kind, level="urgent", clock=clock, queue=queue.name, count=count)
    return True
