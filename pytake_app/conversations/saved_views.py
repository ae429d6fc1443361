"""Saved views of the inbox: a choice of filters under a name, one's own or everybody's."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.conversations.desk_models import InboxView
from pytake_app.conversations.desk_schemas import InboxViewCreate, InboxViewUpdate, InboxViewView, ViewWhere
from pytake_app.conversations.schemas import AssigneeFilter, ConversationFilter, Period
from pytake_app.core.clock import Clock
from pytake_app.core.errors import ConflictError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, scoped

MAX_VIEWS = 100
_ASSIGNEES: dict[str, AssigneeFilter] = {"me": "mine", "none": "unassigned"}


def beginning(period: Period, now: datetime) -> datetime:
    """When a period began; today at midnight UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if period == "today" else now - timedelta(days=int(period.removesuffix("d")))


def list_views(session: Session, principal: Principal) -> list[InboxViewView]:
    """The caller's own and the shared ones, in their order."""
    principal.require(Role.VIEWER)
    statement = (
        scoped(session, InboxView)
        .where(sa.or_(col(InboxView.shared), col(InboxView.owner_id) == principal.user_id))
        .order_by(col(InboxView.position), col(InboxView.name), col(InboxView.id))
    )
    return [_view(row, principal) for row in session.exec(statement)]


def create(session: Session, principal: Principal, request: InboxViewCreate, *, clock: Clock) -> InboxViewView:
    """A new view.

    Raises:
        ForbiddenError: sharing with everybody needs `settings.manage`.
        ConflictError: code `too_many_views`.
    """
    principal.require(Role.VIEWER)
    if request.shared:
        principal.needs(Permission.SETTINGS_MANAGE)
    count = sa.select(sa.func.count()).where(
        col(InboxView.organization_id) == organization_of(session), col(InboxView.owner_id) == principal.user_id
    )
    if session.execute(count).scalar_one() >= MAX_VIEWS:
        raise ConflictError(f"A person has at most {MAX_VIEWS} views.", code="too_many_views")
    now = clock.now()
    row = InboxView(
        id=new_id(),
        organization_id=organization_of(session),
        owner_id=principal.user_id,
        name=request.name.strip(),
        shared=request.shared,
        where=request.where.model_dump(mode="json", exclude_defaults=True),
        position=request.position,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    return _view(row, principal)


def update(
    session: Session, principal: Principal, view_id: UUID, request: InboxViewUpdate, *, clock: Clock
) -> InboxViewView:
    """Change a view of one's own; a shared one needs `org_admin`.

    Raises:
        NotFoundError: none that the caller sees.
        ForbiddenError: not the caller's to change.
    """
    row = _find(session, principal, view_id)
    _refuse(row, principal, shared=request.shared)
    for name in ("name", "shared", "position"):
        if getattr(request, name) is not None:
            setattr(row, name, getattr(request, name))
    if request.where is not None:
        row.where = request.where.model_dump(mode="json", exclude_defaults=True)
    row.updated_at = clock.now()
    session.add(row)
    session.flush()
    return _view(row, principal)


def delete(session: Session, principal: Principal, view_id: UUID) -> None:
    """Forget a view.

    Raises:
        NotFoundError, ForbiddenError: as `update`.
    """
    row = _find(session, principal, view_id)
    _refuse(row, principal, shared=None)
    session.delete(row)
    session.flush()


def where_of(session: Session, principal: Principal, view_id: UUID, *, now: datetime) -> ConversationFilter:
    """The filters of a view, for the caller: `me` is whoever looks.

    Raises:
        NotFoundError: none that the caller sees.
    """
    given = ViewWhere.model_validate(_find(session, principal, view_id).where)
    assignee: AssigneeFilter | UUID = "all"
    if given.agent is not None:
        assignee = _ASSIGNEES[given.agent] if given.agent in _ASSIGNEES else UUID(given.agent)
    return ConversationFilter(
        **given.model_dump(exclude={"agent", "tag", "period"}),
        assignee=assignee,
        tags=given.tag,
        since=beginning(given.period, now) if given.period else None,
    )


def _find(session: Session, principal: Principal, view_id: UUID) -> InboxView:
    principal.require(Role.VIEWER)
    row: InboxView | None = session.exec(scoped(session, InboxView).where(InboxView.id == view_id)).one_or_none()
    if row is None or not (row.shared or row.owner_id == principal.user_id):
        raise NotFoundError("There is no such view.", code="view_not_found")
    return row


def _refuse(row: InboxView, principal: Principal, *, shared: bool | None) -> None:
    if row.shared or shared or row.owner_id != principal.user_id:
        principal.needs(Permission.SETTINGS_MANAGE)


def _view(row: InboxView, principal: Principal) -> InboxViewView:
    mine = principal.has(Permission.SETTINGS_MANAGE) if row.shared else row.owner_id == principal.user_id
    return InboxViewView(
        id=row.id,
        name=row.name,
        shared=row.shared,
        mine=mine,
        owner_id=row.owner_id,
        where=ViewWhere.model_validate(row.where),
        position=row.position,
        updated_at=row.updated_at,
    )
