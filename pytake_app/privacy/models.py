"""Tables of privacy."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import SQLModel

from pytake_app.core.models import id_field, json_field, organization_field, time_field


class ContactErasure(SQLModel, table=True):
    """That, when and why a contact was forgotten; nothing of who it was. `counts`: rows that went, by kind.

    `reason`: request (the contact asked, LGPD art. 18 VI, GDPR art. 17) or retention (silent for as long as the
    organization keeps people).
    """

    __tablename__ = "contact_erasures"
    __table_args__ = (Index("contact_erasures_recent", "organization_id", "id"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field(index=False)
    contact_id: UUID
    reason: str
    requested_by: UUID | None = None
    counts: dict[str, int] = json_field()
    at: datetime = time_field()
