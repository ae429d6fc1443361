"""Tables of calls to other systems."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import SQLModel

from pytake_app.core.models import id_field, organization_field, time_field


class OrganizationSecret(SQLModel, table=True):
    """A secret that flows may name. `cipher` is encrypted and never leaves the server."""

    __tablename__ = "organization_secrets"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    name: str
    cipher: str
    created_by: UUID | None = None
    created_at: datetime = time_field()
    updated_at: datetime = time_field()
    used_at: datetime | None = time_field(nullable=True)
