"""What the API hears and says about message templates."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator

from pytake_app.whatsapp.template_parts import TemplateParts

Category = Literal["MARKETING", "UTILITY", "AUTHENTICATION"]


class TemplateView(TemplateParts):
    """A message template in one language. `status` and `category` are Meta's words; `reason`: why it was rejected."""

    id: UUID
    business_account_id: str
    external_id: str
    name: str
    language: str
    category: str
    status: str
    reason: str
    quality: str
    parameter_format: str
    created_at: datetime
    updated_at: datetime


class TemplateCreate(BaseModel):
    """A new template, submitted to Meta for approval. `components` in Meta's form."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9_]{1,512}$")
    language: str = Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")
    category: Category
    components: list[dict[str, Any]] = Field(min_length=1, max_length=10)
    parameter_format: Literal["POSITIONAL", "NAMED"] = "POSITIONAL"
    account_id: UUID | None = Field(default=None, description="the number whose business account it is for")

    @field_validator("components")
    @classmethod
    def _can_be_sent(cls, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """JSON that Meta can be sent: numbers of 64 bits at most."""
        try:
            orjson.dumps(value)
        except orjson.JSONEncodeError as error:
            raise ValueError("components hold what can't be sent as JSON") from error
        return value


class AccountSync(BaseModel):
    """What Meta said of one business account. `code`: why it could not be asked; empty when all is well."""

    business_account_id: str
    templates: int = 0
    removed: int = 0
    code: str = ""
    message: str = ""


class SyncResult(BaseModel):
    """What a sync found."""

    templates: int
    removed: int
    accounts: list[AccountSync]
