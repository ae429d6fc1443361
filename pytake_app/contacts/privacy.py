"""A contact's consent history, what is known of them in one piece, and forgetting them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.contacts import repository
from pytake_app.contacts.models import ConsentEvent, Contact
from pytake_app.contacts.schemas import ConsentChange
from pytake_app.core.clock import Clock
from pytake_app.core.tenancy import Principal, Role, organization_of, scoped

_PROFILE = (
    "id", "name", "phone", "email", "locale", "fields", "tags", "lifecycle", "lead_score", "consent", "consent_at",
    "blocked", "created_at", "updated_at",
)  # fmt: skip
_IDENTITY = ("channel_account_id", "key", "external_id", "bsuid", "username", "display_name", "created_at")


def say_source(session: Session, source: str, user_id: UUID | None = None) -> None:
    """Tell the database why consent is about to change, for the history it writes. Holds for the transaction."""
    word = f"{source} {user_id or ''}"
    session.execute(sa.text("SELECT set_config('app.consent', :word, true)"), {"word": word})


def consent_history(session: Session, principal: Principal, contact_id: UUID) -> list[ConsentChange]:
    """Every change of the contact's consent, newest first.

    Raises:
        NotFoundError: no such contact.
    """
    principal.require(Role.VIEWER)
    repository.find(session, contact_id)
    statement = scoped(session, ConsentEvent).where(ConsentEvent.contact_id == contact_id)
    rows = session.exec(statement.order_by(col(ConsentEvent.id).desc()).limit(500))
    return [ConsentChange.model_validate(row, from_attributes=True) for row in rows]


def export_contact(session: Session, contact_id: UUID) -> dict[str, Any]:
    """The contact's profile, identities and consent history, for handing out.

    Raises:
        NotFoundError: no such contact.
    """
    contact = repository.find(session, contact_id)
    history = scoped(session, ConsentEvent).where(ConsentEvent.contact_id == contact_id).order_by(col(ConsentEvent.id))
    return {
        "contact": {name: getattr(contact, name) for name in _PROFILE},
        "identities": [
            {name: getattr(row, name) for name in _IDENTITY} for row in repository.identities(session, contact_id)
        ],
        "consent_history": [
            {"consent": row.consent, "source": row.source, "at": row.at} for row in session.exec(history)
        ],
    }


def known_as(session: Session, contact: Contact) -> list[tuple[UUID, set[str]]]:
    """By channel account, the keys and addresses by which the contact is known there."""
    return [
        (row.channel_account_id, {text for text in (row.key, row.external_id, row.bsuid, contact.phone) if text})
        for row in repository.identities(session, contact.id)
    ]


def forget(session: Session, contact: Contact, *, name: str, clock: Clock) -> None:
    """Leave a row without a person: conversations and figures still point at it.

    Parameters:
        name: what is shown in place of the name.
    """
    repository.delete_identities(session, contact.id)
    now = clock.now()
    contact.name, contact.phone, contact.email, contact.locale = name, None, None, None
    contact.fields, contact.tags = {}, []
    contact.lifecycle, contact.lead_score = "new", 0
    contact.consent, contact.consent_at, contact.blocked = "unknown", None, True
    contact.erased_at = contact.updated_at = now
    session.add(contact)
    session.flush()
    repository.delete_history(session, contact.id)  # after the change that the database noted just now


def silent_since(session: Session, before: datetime, limit: int) -> Sequence[UUID]:
    """Contacts nobody has heard of nor written to since `before`, with no open conversation."""
    values = {"organization": organization_of(session), "before": before, "limit": limit}
    return session.execute(_SILENT, values).scalars().all()


_SILENT = sa.text(
    """
    SELECT c.id FROM contacts c
    WHERE c.organization_id = :organization AND c.erased_at IS NULL AND c.updated_at < :before
      AND NOT EXISTS (SELECT FROM conversations v WHERE v.contact_id = c.id
                      AND (v.status <> 'closed' OR v.last_message_at >= :before OR v.created_at >= :before))
    ORDER BY c.id LIMIT :limit
    """
)


def move_history(session: Session, keep: UUID, gone: UUID) -> None:
    """Two contacts become one: the history of both is the kept one's."""
    own = col(ConsentEvent.organization_id) == organization_of(session)
    session.execute(sa.update(ConsentEvent).where(own, col(ConsentEvent.contact_id) == gone).values(contact_id=keep))
