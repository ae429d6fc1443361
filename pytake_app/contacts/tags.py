"""Tags: what contacts can be labelled with. Contacts carry names; a name that is new becomes a tag at its first use.

Reading needs `viewer`, making and changing `agent`, deleting `org_admin`. Nothing commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from pytake_app.contacts.catalog_schemas import TagCreate, TagUpdate, TagView
from pytake_app.contacts.models import Contact, Tag
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.errors import ConflictError, FieldError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, scoped
from pytake_app.messaging.sql import Connection, dumps

__all__ = [
    "create_tag", "delete_tag", "ensure_tags", "list_tags", "make_tags", "replaced", "tag_name", "tag_names",
    "update_tag",
]  # fmt: skip

MAX_TAGS = 2_000
_CLOCK = SystemClock()
_MAKE = """
INSERT INTO contact_tags (id, organization_id, name, color, created_at)
SELECT gen_random_uuid(), w.organization, w.name, '', %(now)s
FROM json_to_recordset(%(wanted)s) AS w(organization uuid, name text) ON CONFLICT DO NOTHING
"""


def list_tags(session: Session, principal: Principal) -> list[TagView]:
    """Every tag by name, with how many contacts carry it."""
    principal.require(Role.VIEWER)
    rows = session.exec(scoped(session, Tag).order_by(sa.func.pytake_fold(col(Tag.name)), col(Tag.id))).all()
    counts = _counts(session)
    return [_view(row, counts.get(row.name, 0)) for row in rows]


def _counts(session: Session) -> dict[str, int]:
    name = sa.func.jsonb_array_elements_text(col(Contact.tags)).table_valued("value")
    statement = (
        sa.select(name.c.value, sa.func.count())
        .select_from(Contact)
        .join(name, sa.true())
        .where(col(Contact.organization_id) == organization_of(session))
        .group_by(name.c.value)
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def create_tag(session: Session, principal: Principal, request: TagCreate, *, clock: Clock = _CLOCK) -> TagView:
    """A new tag.

    Raises:
        ConflictError: `name_taken`, `too_many_tags`.
    """
    principal.needs(Permission.CONTACTS_EDIT, Permission.CONVERSATIONS_HANDLE)
    known = session.execute(
        sa.select(sa.func.count()).where(col(Tag.organization_id) == organization_of(session))
    ).scalar_one()
    if known >= MAX_TAGS:
        raise ConflictError(f"An organization has at most {MAX_TAGS} tags.", code="too_many_tags")
    tag = Tag(
        id=new_id(), organization_id=organization_of(session), name=request.name, color=request.color,
        created_at=clock.now(),
    )  # fmt: skip
    _keep(session, tag)
    return _view(tag, 0)


def update_tag(session: Session, principal: Principal, tag_id: UUID, request: TagUpdate) -> TagView:
    """Rename or recolour a tag. Contacts and conversations that carry it carry the new name; flows that name it are
    not changed.

    Raises:
        NotFoundError: none here.
        ConflictError: `name_taken`.
    """
    principal.needs(Permission.CONTACTS_EDIT, Permission.CONVERSATIONS_HANDLE)
    tag = _find(session, tag_id)
    before = tag.name
    if request.color is not None:
        tag.color = request.color
    if request.name is not None and request.name != before:
        tag.name = request.name
    _keep(session, tag)
    if tag.name != before:
        _replace(session, before, tag.name)
    return _view(tag, _counts(session).get(tag.name, 0))


def delete_tag(session: Session, principal: Principal, tag_id: UUID) -> None:
    """Take a tag away, from contacts and conversations too.

    Raises:
        NotFoundError: none here.
    """
    principal.needs(Permission.SETTINGS_MANAGE)
    tag = _find(session, tag_id)
    _replace(session, tag.name, None)
    session.delete(tag)
    session.flush()


def _replace(session: Session, name: str, new: str | None) -> None:
    """Another name, or none, for the contacts and conversations that carry `name`."""
    from pytake_app.conversations import service as conversations

    tags = col(Contact.tags)
    session.execute(
        sa.update(Contact)
        .where(col(Contact.organization_id) == organization_of(session), tags.contains([name]))
        .values(tags=replaced(tags, name, new))
        .execution_options(synchronize_session=False)
    )
    conversations.replace_tag(session, name, new)
    session.expire_all()


def replaced(tags: Any, name: str, new: str | None) -> Any:
    """A list of tags with `name` under another name (at the end), or without it. In SQL."""
    names = [name] if new is None else [name, new]
    without = tags
    for one in names:  # who carries both carries the new one once
        without = without.op("-")(one)
    return without if new is None else without.op("||")(sa.func.jsonb_build_array(sa.cast(new, sa.Text)))


def tag_names(session: Session) -> list[str]:
    """Names of every tag, for the verifier and pickers."""
    statement = sa.select(col(Tag.name)).where(col(Tag.organization_id) == organization_of(session))
    return [row[0] for row in session.execute(statement.order_by(sa.func.pytake_fold(col(Tag.name))))]


def tag_name(session: Session, ref: str) -> str:
    """The name that is meant by a tag's name or id; a name needn't be known."""
    try:
        tag_id = UUID(ref)
    except ValueError:
        return ref
    found = session.exec(scoped(session, Tag).where(Tag.id == tag_id)).one_or_none()
    return ref if found is None else str(found.name)


def ensure_tags(session: Session, names: Iterable[str], *, clock: Clock = _CLOCK) -> None:
    """Make the tags that aren't there yet."""
    now, organization_id = clock.now(), organization_of(session)
    rows = [
        {"id": new_id(), "organization_id": organization_id, "name": name, "color": "", "created_at": now}
        for name in dict.fromkeys(names)
    ]
    if rows:
        session.execute(insert(Tag).values(rows).on_conflict_do_nothing())


def make_tags(connection: Connection, wanted: Sequence[tuple[UUID, str]], now: datetime) -> None:
    """The same for the pipeline: (organization, name) of tags that flows used."""
    if wanted:
        rows = [{"organization": organization, "name": name} for organization, name in sorted(set(wanted))]
        connection.execute(_MAKE, {"wanted": dumps(rows), "now": now})


def _find(session: Session, tag_id: UUID) -> Tag:
    found: Tag | None = session.exec(scoped(session, Tag).where(Tag.id == tag_id)).one_or_none()
    if found is None:
        raise NotFoundError("There is no such tag.", code="tag_not_found")
    return found


def _keep(session: Session, tag: Tag) -> None:
    try:
        with session.begin_nested():
            session.add(tag)
    except IntegrityError as error:
        raise ConflictError(
            "There is a tag of this name already.",
            code="name_taken",
            errors=[FieldError("/name", "taken", "name_taken")],
        ) from error


def _view(tag: Tag, contacts: int) -> TagView:
    return TagView(id=tag.id, name=tag.name, color=tag.color, contacts=contacts, created_at=tag.created_at)
