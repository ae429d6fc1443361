"""What the API and the pages say and hear about contacts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from pytake_app.core.masking import Phone

Consent = Literal["unknown", "opted_in", "opted_out"]


class Request(BaseModel):
    """Base of request bodies: unknown fields are an error."""

    model_config = ConfigDict(extra="forbid")


class ContactBrief(BaseModel):
    """What other resources show of a contact. `phone` is digits only, E.164 without the plus."""

    id: UUID
    name: str
    phone: Phone
    blocked: bool = False
    consent: Consent = "unknown"


class MergeRequest(Request):
    """Another contact who is the same person. It becomes part of the one addressed, which can't be undone."""

    contact_id: UUID
    confirm: bool = Field(default=False, description="must be true")


class IdentityView(BaseModel):
    """How the contact is known on one channel account."""

    channel_account_id: UUID
    external_id: Phone
    bsuid: str | None
    username: str | None
    display_name: str


class ContactView(BaseModel):
    """A contact."""

    id: UUID
    name: str
    phone: Phone
    email: str | None
    locale: str | None
    fields: dict[str, JsonValue]
    tags: list[str]
    lifecycle: str
    lead_score: int
    consent: Consent
    consent_at: datetime | None
    blocked: bool
    created_at: datetime
    updated_at: datetime


class ConsentChange(BaseModel):
    """A contact's consent became this. `source`: person (`user_id`), api, automation (a flow or a key word), merge,
    before (known when histories began)."""

    consent: Consent
    source: str
    user_id: UUID | None
    at: datetime


class ContactDetail(ContactView):
    """A contact with its identities."""

    identities: list[IdentityView]


class ContactCreate(Request):
    """A new contact; `phone` as people write it (a number without country code is read as Brazilian)."""

    name: str = Field(default="", max_length=200)
    phone: str | None = Field(default=None, max_length=40)
    email: str | None = Field(default=None, max_length=320)
    locale: str | None = Field(default=None, max_length=20)
    fields: dict[str, JsonValue] = Field(default_factory=dict, max_length=100)
    tags: list[str] = Field(default_factory=list, max_length=50)


class ContactUpdate(Request):
    """Change a contact: what is absent stays; `fields` is merged key by key, null deletes a key."""

    name: str | None = Field(default=None, max_length=200)
    phone: str | None = Field(default=None, max_length=40)
    email: str | None = Field(default=None, max_length=320)
    locale: str | None = Field(default=None, max_length=20)
    fields: dict[str, JsonValue] | None = Field(default=None, max_length=100)
    tags: list[str] | None = Field(default=None, max_length=50)
    lifecycle: str | None = Field(default=None, max_length=50)
    lead_score: int | None = Field(default=None, ge=-1_000_000, le=1_000_000)


class ContactFilter(BaseModel):
    """Which contacts a list shows. `q` is looked for in name, phone and e-mail, accents and case aside."""

    q: str = ""
    tag: str | None = None
    consent: Consent | None = None
    blocked: bool | None = None


class ContactStats(BaseModel):
    """How much was said with a contact."""

    contact_id: UUID
    conversations: int
    open_conversations: int
    messages_in: int
    messages_out: int
    first_message_at: datetime | None
    last_message_at: datetime | None
    flow_sessions: int
