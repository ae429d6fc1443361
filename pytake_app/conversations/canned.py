"""Canned responses: saved replies with a `/shortcut`, for oneself, a department or everybody."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel, Field, field_validator, model_validator
from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.conversations.desk_models import CannedResponse
from pytake_app.conversations.message_schemas import Request
from pytake_app.core.clock import Clock
from pytake_app.core.errors import ConflictError, FieldError, ForbiddenError, InvalidError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, scoped
from pytake_app.messaging.models import MediaAsset

MAX_RESPONSES = 2000
Scope = Literal["person", "department", "all"]
Shortcut = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^/?[\w.-]+$")]


class CannedCreate(Request):
    """A saved reply. Variables stand in its text as in flows (`{{contact.name}}`, `{{agent.name}}`); the page fills
    them in before it is sent. `media_ids`: files that go with it, of the media library."""

    shortcut: Shortcut
    title: str = Field(default="", max_length=120)
    text: str = Field(default="", max_length=4096)
    media_ids: list[UUID] = Field(default_factory=list, max_length=10)
    scope: Scope = "all"
    department_id: UUID | None = None

    @field_validator("shortcut")
    @classmethod
    def _bare(cls, value: str) -> str:
        return value.removeprefix("/").lower()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.text.strip() and not self.media_ids:
            raise ValueError("give a text or files")
        if (self.scope == "department") != (self.department_id is not None):
            raise ValueError("a department's reply names its department, others none")
        return self


class CannedUpdate(CannedCreate):
    """The whole reply, changed."""


class CannedView(BaseModel):
    """A saved reply; `mine`: the caller may change it. `shortcut` is without its slash."""

    id: UUID
    shortcut: str
    title: str
    text: str
    media_ids: list[UUID]
    scope: Scope
    owner_id: UUID | None
    department_id: UUID | None
    uses: int
    last_used_at: datetime | None
    mine: bool
    updated_at: datetime


def _visible(session: Session, principal: Principal) -> Any:
    departments = accounts.departments_of(session, principal.user_id)
    conditions = [
        col(CannedResponse.scope) == "all",
        sa.and_(col(CannedResponse.scope) == "person", col(CannedResponse.owner_id) == principal.user_id),
    ]
    if principal.has(Permission.SETTINGS_MANAGE):
        conditions.append(col(CannedResponse.scope) == "department")
    elif departments:
        conditions.append(
            sa.and_(col(CannedResponse.scope) == "department", col(CannedResponse.department_id).in_(departments))
        )
    return scoped(session, CannedResponse).where(sa.or_(*conditions))


def list_responses(session: Session, principal: Principal, *, q: str, limit: int) -> list[CannedView]:
    """Those the caller may use: by shortcut, title or text; shortcuts that begin so first, then the most used."""
    principal.require(Role.VIEWER)
    statement = _visible(session, principal)
    wanted = q.strip().removeprefix("/")
    order: list[Any] = [col(CannedResponse.uses).desc(), col(CannedResponse.shortcut), col(CannedResponse.id)]
    if wanted:
        folded = sa.func.pytake_fold(wanted)
        at = sa.func.strpos(sa.func.pytake_fold(col(CannedResponse.shortcut)), folded)
        text = col(CannedResponse.title) + " " + col(CannedResponse.text)
        statement = statement.where(sa.or_(at > 0, sa.func.strpos(sa.func.pytake_fold(text), folded) > 0))
        order.insert(0, sa.case((at == 1, 0), (at > 1, 1), else_=2))
    return [_view(row, principal) for row in session.exec(statement.order_by(*order).limit(limit))]


def create(session: Session, principal: Principal, request: CannedCreate, *, clock: Clock) -> CannedView:
    """A new reply. One for everybody or a department needs `org_admin`, or belonging to the department.

    Raises:
        ConflictError: `shortcut_taken` in the same scope, `too_many_responses`.
        InvalidError: no such department or file.
        ForbiddenError: not the caller's to make.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    count = sa.select(sa.func.count()).where(col(CannedResponse.organization_id) == organization_of(session))
    if session.execute(count).scalar_one() >= MAX_RESPONSES:
        raise ConflictError(f"An organization has at most {MAX_RESPONSES} replies.", code="too_many_responses")
    row = CannedResponse(id=new_id(), organization_id=organization_of(session), shortcut="", created_at=clock.now())
    return _write(session, principal, row, request, clock)


def update(
    session: Session, principal: Principal, response_id: UUID, request: CannedUpdate, *, clock: Clock
) -> CannedView:
    """Change a reply.

    Raises:
        NotFoundError: none that the caller sees; otherwise as `create`.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    row = _find(session, principal, response_id)
    _refuse(session, principal, row.scope, row.department_id)
    return _write(session, principal, row, request, clock)


def delete(session: Session, principal: Principal, response_id: UUID) -> None:
    """Take a reply away.

    Raises:
        NotFoundError, ForbiddenError: as `update`.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    row = _find(session, principal, response_id)
    _refuse(session, principal, row.scope, row.department_id)
    session.delete(row)
    session.flush()


def used(session: Session, principal: Principal, response_id: UUID, *, clock: Clock) -> CannedView:
    """Count a use, so that the most used come first."""
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    row = _find(session, principal, response_id)
    row.uses, row.last_used_at = row.uses + 1, clock.now()
    session.add(row)
    session.flush()
    return _view(row, principal)


def _write(
    session: Session, principal: Principal, row: CannedResponse, request: CannedCreate, clock: Clock
) -> CannedView:
    _refuse(session, principal, request.scope, request.department_id)
    owner = principal.user_id if request.scope == "person" else None
    same = scoped(session, CannedResponse).where(
        CannedResponse.shortcut == request.shortcut,
        CannedResponse.scope == request.scope,
        col(CannedResponse.owner_id).is_not_distinct_from(owner),
        col(CannedResponse.department_id).is_not_distinct_from(request.department_id),
        CannedResponse.id != row.id,
    )
    if session.exec(same).first() is not None:
        error = FieldError("/shortcut", "taken", "shortcut_taken")
        raise ConflictError("There is a reply with this shortcut.", code="shortcut_taken", errors=[error])
    if request.media_ids:
        files = scoped(session, MediaAsset).where(col(MediaAsset.id).in_(request.media_ids))
        known = {file.id for file in session.exec(files)}
        missing = next((n for n, one in enumerate(request.media_ids) if one not in known), None)
        if missing is not None:
            error = FieldError(f"/media_ids/{missing}", "no such file", "unknown")
            raise InvalidError("There is no such file.", errors=[error], code="media_unknown")
    for name in ("shortcut", "title", "text", "scope", "department_id"):
        setattr(row, name, getattr(request, name))
    row.media_ids = [str(one) for one in request.media_ids]
    row.owner_id, row.updated_at = owner, clock.now()
    session.add(row)
    session.flush()
    return _view(row, principal)


def _refuse(session: Session, principal: Principal, scope: str, department_id: UUID | None) -> None:
    if scope == "person" or principal.has(Permission.SETTINGS_MANAGE):
        if department_id is not None and department_id not in dict(accounts.department_choices(session)):
            error = FieldError("/department_id", "no such department", "unknown")
            raise InvalidError("There is no such department.", errors=[error])
        return
    if scope == "department" and department_id in accounts.departments_of(session, principal.user_id):
        return
    raise ForbiddenError("Only administrators make replies for everybody.")


def _find(session: Session, principal: Principal, response_id: UUID) -> CannedResponse:
    row: CannedResponse | None = session.exec(
        _visible(session, principal).where(CannedResponse.id == response_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError("There is no such reply.", code="response_not_found")
    return row


def _view(row: CannedResponse, principal: Principal) -> CannedView:
    given = {name: getattr(row, name) for name in CannedView.model_fields if name != "mine"}
    mine = row.scope == "person" or principal.has(Permission.SETTINGS_MANAGE)
    return CannedView.model_validate({**given, "mine": mine})
