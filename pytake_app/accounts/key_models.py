"""Table of API keys."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from pytake_app.core.models import id_field, json_field, organization_field, time_field


class ApiKey(SQLModel, table=True):
    """A program's key. `hint`: the last letters of the key, to tell it by; `scopes`: words of `Permission`."""

    __tablename__ = "api_keys"

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    created_by: UUID = Field(foreign_key="users.id", index=True)
    name: str
    hint: str
    token_hash: str = Field(description="SHA-256 of the whole key")
    scopes: list[str] = json_field(list)
    expires_at: datetime | None = time_field(nullable=True)
    revoked_at: datetime | None = time_field(nullable=True)
    last_used_at: datetime | None = time_field(nullable=True)
    last_used_address: str = ""
    created_at: datetime = time_field()
