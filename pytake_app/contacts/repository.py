"""Statements over the tables of contacts; every one scoped to the transaction's organization."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.contacts.models import ConsentEvent, Contact, ContactIdentity
from pytake_app.contacts.schemas import ContactFilter
from pytake_app.core.errors import NotFoundError
from pytake_app.core.masking import phones_masked
from pytake_app.core.tenancy import organization_of, scoped


def find(session: Session, contact_id: UUID, *, lock: bool = False) -> Contact:
    """One contact.

    Parameters:
        lock: hold its row until the transaction ends; everything that happens to a contact takes this lock first.

    Raises:
        NotFoundError: none here.
    """
    statement = scoped(session, Contact).where(Contact.id == contact_id)
    if lock:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    contact = session.exec(statement).one_or_none()
    if contact is None:
        raise NotFoundError("There is no such contact.", code="contact_not_found")
    return cast("Contact", contact)


def many(session: Session, ids: Iterable[UUID]) -> dict[UUID, Contact]:
    """Contacts by id."""
    wanted = set(ids)
    if not wanted:
        return {}
    return {row.id: row for row in session.exec(scoped(session, Contact).where(col(Contact.id).in_(wanted)))}


def _matches(q: str) -> Any:
    folded = sa.func.pytake_fold(q.strip())
    conditions = [
        sa.func.strpos(sa.func.pytake_fold(col(Contact.name)), folded) > 0,
        sa.func.strpos(sa.func.pytake_fold(sa.func.coalesce(col(Contact.email), "")), folded) > 0,
    ]
    digits = "".join(character for character in q if character.isdigit())
    # Who sees no phones doesn't find people by guessing them either.
    if len(digits) >= 3 and not phones_masked.get():
        conditions.append(col(Contact.phone).contains(digits))
    return sa.or_(*conditions)


def matching_ids(session: Session, q: str) -> Any:
    """A sub-select of the ids of contacts that match `q` in name, phone or e-mail."""
    return sa.select(col(Contact.id)).where(col(Contact.organization_id) == organization_of(session), _matches(q))


def page(session: Session, where: ContactFilter, *, limit: int, before: UUID | None) -> list[Contact]:
    """Contacts, newest first."""
    statement = scoped(session, Contact).where(col(Contact.erased_at).is_(None))
    if where.q.strip():
        statement = statement.where(_matches(where.q))
    if where.tag is not None:
        statement = statement.where(col(Contact.tags).contains([where.tag]))
    if where.consent is not None:
        statement = statement.where(Contact.consent == where.consent)
    if where.blocked is not None:
        statement = statement.where(Contact.blocked == where.blocked)
    if before is not None:
        statement = statement.where(col(Contact.id) < before)
    return list(session.exec(statement.order_by(col(Contact.id).desc()).limit(limit)))


def identities(session: Session, contact_id: UUID) -> list[ContactIdentity]:
    """How the contact is known, oldest first."""
    statement = scoped(session, ContactIdentity).where(ContactIdentity.contact_id == contact_id)
    return list(session.exec(statement.order_by(col(ContactIdentity.id))))


def delete_identities(session: Session, contact_id: UUID) -> None:
    """Forget how the contact is known."""
    session.execute(
        sa.delete(ContactIdentity).where(
            col(ContactIdentity.organization_id) == organization_of(session),
            col(ContactIdentity.contact_id) == contact_id,
        )
    )


def delete_history(session: Session, contact_id: UUID) -> None:
    """Forget how the contact's consent changed."""
    session.execute(
        sa.delete(ConsentEvent).where(
            col(ConsentEvent.organization_id) == organization_of(session), col(ConsentEvent.contact_id) == contact_id
        )
    )
