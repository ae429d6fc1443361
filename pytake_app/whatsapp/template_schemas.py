"""What the API hears and says about message templates."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

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
