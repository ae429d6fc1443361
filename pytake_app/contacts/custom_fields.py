"""Custom fields of contacts: their keys, labels and types.

Reading needs `viewer`, changing `org_admin`. A field that is deleted leaves contacts' values where they are. Nothing
commits.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from pytake_app.contacts.catalog_schemas import FieldCreate, FieldUpdate, FieldView
from pytake_app.contacts.models import CustomField, Tag
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, scoped

__all__ = [
    "create_field",
    "delete_field",
    "field_choices",
    "get_field",
    "list_fields",
    "reference_names",
    "update_field",
]

MAX_FIELDS = 200
STANDARD = frozenset({"name", "phone", "email", "language", "lifecycle_stage", "lead_score", "opted_in", "tags", "id"})
"""Keys that contacts have anyway."""
_CLOCK = SystemClock()


def list_fields(session: Session, principal: Principal) -> list[FieldView]:
    """Every custom field, by label."""
    principal.require(Role.VIEWER)
    statement = scoped(session, CustomField).order_by(sa.func.pytake_fold(col(CustomField.label)), col(CustomField.key))
    return [_view(row) for row in session.exec(statement)]


def get_field(session: Session, principal: Principal, field_id: UUID) -> FieldView:
    """One custom field.

    Raises:
        NotFoundError: none here.
    """
    principal.require(Role.VIEWER)
    return _view(_find(session, field_id))


def create_field(session: Session, principal: Principal, request: FieldCreate, *, clock: Clock = _CLOCK) -> FieldView:
    """A new custom field.

    Raises:
        ConflictError: `key_taken`, `too_many_fields`.
    """
    principal.needs(Permission.SETTINGS_MANAGE)
    known = session.execute(
        sa.select(sa.func.count()).where(col(CustomField.organization_id) == organization_of(session))
    ).scalar_one()
    if known >= MAX_FIELDS:
        raise ConflictError(f"An organization has at most {MAX_FIELDS} custom fields.", code="too_many_fields")
    now = clock.now()
    row = CustomField(
        id=new_id(), organization_id=organization_of(session), created_at=now, updated_at=now, **request.model_dump()
    )
    taken = ConflictError(
        "There is a field of this key already.",
        code="key_taken",
        errors=[FieldError("/key", "taken", "key_taken")],
    )
    if request.key in STANDARD:
        raise taken
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise taken from error
    return _view(row)


def update_field(
    session: Session, principal: Principal, field_id: UUID, request: FieldUpdate, *, clock: Clock = _CLOCK
) -> FieldView:
    """Change label, description or options.

    Raises:
        NotFoundError: none here.
        InvalidError: options for a field that isn't selected from.
    """
    principal.needs(Permission.SETTINGS_MANAGE)
    row = _find(session, field_id)
    if request.options is not None and row.type != "select":
        raise InvalidError(
            "Only fields to select from have options.", errors=[FieldError("/options", "not a select field")]
        )
    for name, value in request.model_dump(exclude_none=True).items():
        setattr(row, name, value)
    row.updated_at = clock.now()
    session.add(row)
    session.flush()
    return _view(row)


def delete_field(session: Session, principal: Principal, field_id: UUID) -> None:
    """Take a custom field away.

    Raises:
        NotFoundError: none here.
    """
    principal.needs(Permission.SETTINGS_MANAGE)
    session.delete(_find(session, field_id))
    session.flush()


def field_choices(session: Session) -> list[tuple[str, str, str]]:
    """(key, label, type) of every custom field, for the verifier and pickers."""
    statement = (
        sa.select(col(CustomField.key), col(CustomField.label), col(CustomField.type))
        .where(col(CustomField.organization_id) == organization_of(session))
        .order_by(sa.func.pytake_fold(col(CustomField.label)))
    )
    return [(row[0], row[1], row[2]) for row in session.execute(statement)]


def reference_names(session: Session) -> list[sa.Select[Any]]:
    """(kind, id, name, more) of tags and custom fields (id: the key), to be asked for with others' in one statement."""
    here, nothing = organization_of(session), sa.literal("")
    tags = sa.select(sa.literal("tag"), sa.cast(col(Tag.id), sa.Text), col(Tag.name), nothing)
    fields = sa.select(sa.literal("field"), col(CustomField.key), col(CustomField.label), col(CustomField.type))
    return [
        tags.where(col(Tag.organization_id) == here),
        fields.where(col(CustomField.organization_id) == here),
    ]


def _find(session: Session, field_id: UUID) -> CustomField:
    found: CustomField | None = session.exec(scoped(session, CustomField).where(CustomField.id == field_id)).first()
    if found is None:
        raise NotFoundError("There is no such custom field.", code="field_not_found")
    return found


def _view(row: CustomField) -> FieldView:
    return FieldView.model_validate({name: getattr(row, name) for name in FieldView.model_fields})
