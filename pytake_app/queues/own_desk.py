"""What every page's frame shows: the caller's own status, what rings at them, how many wait."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel, Field
from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.core.clock import Clock
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, scoped
from pytake_app.queues import agents, item_views
from pytake_app.queues.agent_schemas import AgentView
from pytake_app.queues.item_schemas import ItemView
from pytake_app.queues.models import QueueItem, ServiceQueue


class OwnDesk(BaseModel):
    """The caller as an agent; None for viewers and who has never been at work. `offers`: what rings at them."""

    agent: AgentView | None = None
    offers: list[ItemView] = Field(default_factory=list)


class QueueWaiting(BaseModel):
    """How many wait in a queue, those that ring included."""

    id: UUID
    waiting: int


class WaitingView(BaseModel):
    """How many wait altogether and in each queue in use."""

    waiting: int
    queues: list[QueueWaiting]


def own_desk(session: Session, principal: Principal, *, clock: Clock) -> OwnDesk:
    """The caller's status and offers. Nothing is written: it is asked for on every page."""
    if not principal.has(Permission.CONVERSATIONS_HANDLE):
        return OwnDesk()
    me = [user for user in accounts.answerers(session) if user.id == principal.user_id]
    rows = session.exec(
        scoped(session, QueueItem)
        .where(QueueItem.status == "offered", QueueItem.offered_to == principal.user_id)
        .order_by(col(QueueItem.offered_until), col(QueueItem.id))
    )
    found = agents.views(session, me, clock=clock)
    return OwnDesk(agent=found[0] if found else None, offers=item_views.views(session, list(rows), clock=clock))


def waiting(session: Session, principal: Principal) -> WaitingView:
    """How many wait for a person."""
    principal.require(Role.VIEWER)
    here = organization_of(session)
    counted = sa.and_(
        col(QueueItem.organization_id) == here,
        col(QueueItem.queue_id) == col(ServiceQueue.id),
        col(QueueItem.status).in_(("waiting", "offered")),
    )
    statement = (
        sa.select(col(ServiceQueue.id), sa.func.count(col(QueueItem.id)))
        .outerjoin(QueueItem, counted)
        .where(col(ServiceQueue.organization_id) == here, col(ServiceQueue.is_active))
        .group_by(col(ServiceQueue.id), col(ServiceQueue.is_default), col(ServiceQueue.name))
        .order_by(col(ServiceQueue.is_default).desc(), col(ServiceQueue.name))
    )
    queues = [QueueWaiting(id=row[0], waiting=row[1]) for row in session.execute(statement)]
    return WaitingView(waiting=sum(one.waiting for one in queues), queues=queues)
