"""Tables of contacts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from pytake_app.core.models import id_field, json_field, organization_field, time_field


class Contact(SQLModel, table=True):
    """A person. `phone` holds digits only (E.164 without the plus). `erased_at`: all about them was forgotten then."""

    __tablename__ = "contacts"
    __table_args__ = (Index("contacts_by_creation", "organization_id", "id"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    name: str = ""
    phone: str | None = Field(default=None, index=True)
    email: str | None = None
    locale: str | None = None
    fields: dict[str, Any] = json_field()
    tags: list[str] = json_field(list)
    lifecycle: str = "new"
    lead_score: int = 0
    consent: str = Field(default="unknown", description="unknown, opted_in, opted_out")
    consent_at: datetime | None = time_field(nullable=True)
    blocked: bool = False
    erased_at: datetime | None = time_field(nullable=True)
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class ConsentEvent(SQLModel, table=True):
    """A contact's consent changed; written by the database whoever changed it, never by this class.

    `source`: person (`user_id`), api, automation (a flow or a key word), merge, before (known when histories began).
    """

    __tablename__ = "consent_events"
    __table_args__ = (Index("consent_events_of_contact", "contact_id", "id"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    contact_id: UUID
    consent: str
    source: str
    user_id: UUID | None = None
    at: datetime = time_field()


class ContactIdentity(SQLModel, table=True):
    """How a contact is known on one channel account.

    `key` is the canonical platform id (WhatsApp: the phone with Brazil's ninth digit settled), `external_id` the id as
    the platform writes it and wants to be answered at, `bsuid` WhatsApp's business-scoped user id.
    """

    __tablename__ = "contact_identities"
    __table_args__ = (UniqueConstraint("channel_account_id", "key"), UniqueConstraint("channel_account_id", "bsuid"))

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    contact_id: UUID = Field(foreign_key="contacts.id", index=True)
    channel_account_id: UUID = Field(foreign_key="channel_accounts.id")
    key: str | None = None
    external_id: str | None = None
    bsuid: str | None = None
    username: str | None = None
    display_name: str = ""
    created_at: datetime = time_field()


class Tag(SQLModel, table=True):
    """A label for contacts, known by its name. Contacts carry names; its first use makes a tag."""

    __tablename__ = "contact_tags"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    name: str
    color: str = ""
    created_at: datetime = time_field()


class CustomField(SQLModel, table=True):
    """A field of contacts beyond the standard ones. `key` is its name in `contacts.fields` and in flows."""

    __tablename__ = "custom_fields"
    __table_args__ = (UniqueConstraint("organization_id", "key"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    key: str
    label: str
    type: str = "text"
    options: list[str] = json_field(list)
    description: str = ""
    created_at: datetime = time_field()
    updated_at: datetime = time_field()
