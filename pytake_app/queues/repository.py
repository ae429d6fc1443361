"""Statements over queues and calendars; every one scoped to the transaction's organization."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.core.errors import NotFoundError
from pytake_app.core.tenancy import Principal, organization_of, scoped
from pytake_app.queues.models import BusinessCalendar, QueueItem, ServiceQueue

Row = TypeVar("Row", BusinessCalendar, ServiceQueue)


def all_of(session: Session, model: type[Row]) -> list[Row]:
    """Every row, the default first, then by name."""
    statement = scoped(session, model).order_by(col(model.is_default).desc(), col(model.name), col(model.id))
    return list(session.exec(statement))


def find(session: Session, model: type[Row], row_id: UUID, *, lock: bool = False) -> Row:
    """One row.

    Raises:
        NotFoundError: none here.
    """
    statement = scoped(session, model).where(model.id == row_id)
    found: Row | None = session.exec(statement.with_for_update() if lock else statement).one_or_none()
    if found is None:
        what = "queue" if model is ServiceQueue else "calendar"
        raise NotFoundError(f"There is no such {what}.", code=f"{what}_not_found")
    return found


_OWN_QUEUES = sa.text("""
SELECT q.id FROM service_queues q WHERE q.organization_id = :organization AND (
    EXISTS (SELECT 1 FROM agent_queues a WHERE a.queue_id = q.id AND a.user_id = :user_id)
    OR EXISTS (SELECT 1 FROM department_members m WHERE m.department_id = q.department_id AND m.user_id = :user_id)
    OR NOT EXISTS (SELECT 1 FROM agent_queues a WHERE a.queue_id = q.id)
       AND NOT EXISTS (SELECT 1 FROM department_members m WHERE m.department_id = q.department_id))
""")


def own_queue_ids(session: Session, user_id: UUID) -> list[UUID]:
    """The queues somebody answers: those they were given, those of their departments, and those that nobody in
    particular answers."""
    values = {"organization": organization_of(session), "user_id": user_id}
    return list(session.execute(_OWN_QUEUES, values).scalars())


def seen(session: Session, principal: Principal) -> Any | None:
    """A condition on `QueueItem`: of conversations that the caller sees, or that they answered; None: all."""
    from pytake_app.conversations import sight  # it calls queues as it is loaded

    ids = sight.ids_seen(session, principal)
    if ids is None:
        return None
    return sa.or_(col(QueueItem.agent_id) == principal.user_id, col(QueueItem.conversation_id).in_(ids))


def count(session: Session, model: type[Row]) -> int:
    """How many there are."""
    statement = sa.select(sa.func.count()).where(col(model.organization_id) == organization_of(session))
    return int(session.execute(statement).scalar_one())


def clear_default(session: Session, model: type[Row]) -> None:
    """No row is the default any more."""
    organization = col(model.organization_id) == organization_of(session)
    statement: Any = sa.update(model).where(organization, col(model.is_default)).values(is_default=False)
    session.execute(statement)


def choices(session: Session, model: type[Row]) -> list[tuple[UUID, str]]:
    """(id, name) of every row, the default first."""
    statement = (
        sa.select(col(model.id), col(model.name))
        .where(col(model.organization_id) == organization_of(session))
        .order_by(col(model.is_default).desc(), col(model.name))
    )
    if model is ServiceQueue:
        statement = statement.where(col(ServiceQueue.is_active))
    return [(row[0], row[1]) for row in session.execute(statement)]


def names_selects(session: Session) -> list[sa.Select[Any]]:
    """(kind, id, name, more) of queues in use and of calendars; more: "default" for the default one, of calendars only
    while it has hours."""
    here = organization_of(session)
    default, nothing = sa.literal("default"), sa.literal("")
    queues = sa.select(
        sa.literal("queue"),
        sa.cast(col(ServiceQueue.id), sa.Text),
        col(ServiceQueue.name),
        sa.case((col(ServiceQueue.is_default), default), else_=nothing),
    ).where(col(ServiceQueue.organization_id) == here, col(ServiceQueue.is_active))
    hours = sa.and_(col(BusinessCalendar.is_default), sa.func.jsonb_array_length(col(BusinessCalendar.periods)) > 0)
    calendars = sa.select(
        sa.literal("calendar"),
        sa.cast(col(BusinessCalendar.id), sa.Text),
        col(BusinessCalendar.name),
        sa.case((hours, default), else_=nothing),
    ).where(col(BusinessCalendar.organization_id) == here)
    return [queues, calendars]


_ALONE = sa.text("SELECT pg_advisory_xact_lock(1347441493, hashtext(CAST(:organization AS text)))")
"""1347441493: "PQUU"."""


def alone(session: Session) -> None:
    """Be the only transaction that receives and distributes in this organization until it ends. Taken before any row:
    who holds it never waits for a row that others hold."""
    session.execute(_ALONE, {"organization": str(organization_of(session))})


def hold_items(session: Session, ids: Collection[UUID], statuses: Sequence[str]) -> list[QueueItem]:
    """Those of the items that are in one of these states and that nobody else holds, held."""
    if not ids:
        return []
    statement = (
        scoped(session, QueueItem)
        .where(col(QueueItem.id).in_(ids), col(QueueItem.status).in_(statuses))
        .order_by(col(QueueItem.entered_at), col(QueueItem.id))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return list(session.exec(statement))
