"""Tells flows what people and the API did to a contact, so that those may begin that wait for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import Session

from pytake_app.contacts.models import Contact
from pytake_app.core.clock import Clock

_COLUMNS = {
    "name": "name", "email": "email", "phone": "phone", "locale": "language", "lifecycle": "lifecycle_stage",
    "lead_score": "lead_score",
}  # fmt: skip
"""Columns and what flows call them."""


@dataclass(frozen=True, slots=True)
class State:
    """What may change of a contact, by the names that flows know."""

    fields: dict[str, Any]
    tags: tuple[str, ...]


def state_of(contact: Contact) -> State:
    """How things stand now."""
    columns = {name: getattr(contact, column) for column, name in _COLUMNS.items()}
    return State({**contact.fields, **columns}, tuple(contact.tags))


def created(session: Session, contact_id: UUID, *, by: UUID | None, clock: Clock) -> None:
    """There is a new contact."""
    from pytake_app.flows import service as flows
    from pytake_app.flows.schemas import Happening

    flows.happened(session, contact_id, [Happening("contact_created")], clock=clock, by=by)


def changed_names(before: State, after: State) -> list[str]:
    """What isn't as it was: names of fields, and `tags`."""
    names = sorted(before.fields.keys() | after.fields.keys())
    changed = [name for name in names if before.fields.get(name) != after.fields.get(name)]
    return changed + ["tags"] * (before.tags != after.tags)


def changed(session: Session, contact: Contact, before: State, *, by: UUID | None, clock: Clock) -> None:
    """A contact isn't what it was before: its tags first, then its fields, in the order of their names."""
    from pytake_app.flows import service as flows
    from pytake_app.flows.schemas import Happening

    after = state_of(contact)
    if after == before:
        return
    found = [Happening("tag_added", tag) for tag in after.tags if tag not in before.tags]
    found += [Happening("tag_removed", tag) for tag in before.tags if tag not in after.tags]
    names = sorted(before.fields.keys() | after.fields.keys())
    found += [Happening("field_changed", name) for name in names if before.fields.get(name) != after.fields.get(name)]
    flows.happened(session, contact.id, found, clock=clock, by=by)
