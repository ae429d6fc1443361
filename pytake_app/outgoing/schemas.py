"""Shapes of the organization's secrets."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, SecretStr

NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"


class NewSecret(BaseModel):
    """A secret to keep. An existing one of the same name gets the new value."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=NAME, description="as flows write it: {{ secret.NAME }}")
    value: SecretStr = Field(min_length=1, max_length=8_000)


class SecretView(BaseModel):
    """A secret without its value, which is never shown again."""

    name: str
    created_at: datetime
    updated_at: datetime
    used_at: datetime | None = None
