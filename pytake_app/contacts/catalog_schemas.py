"""What the API hears and says about tags and custom fields."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from pytake_app.contacts.schemas import Request

TagName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Color = Annotated[str, StringConstraints(pattern=r"^(#[0-9a-fA-F]{6})?$")]
FieldType = Literal["text", "number", "date", "boolean", "select", "url", "email", "phone"]
Option = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class TagCreate(Request):
    """A new tag. `color`: #rrggbb, or empty."""

    name: TagName
    color: Color = ""


class TagUpdate(Request):
    """Change a tag; a new name also reaches the contacts that carry it."""

    name: TagName | None = None
    color: Color | None = None


class TagView(BaseModel):
    """A tag. `contacts`: how many carry it."""

    id: UUID
    name: str
    color: str
    contacts: int
    created_at: datetime


class FieldCreate(Request):
    """A new custom field. `key` is its name in flows: `{{ contact.fields.KEY }}`."""

    key: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    label: str = Field(min_length=1, max_length=120)
    type: FieldType = "text"
    options: list[Option] = Field(default_factory=list, max_length=100)
    description: str = Field(default="", max_length=300)

    @model_validator(mode="after")
    def _options_belong(self) -> Self:
        if self.type == "select" and not self.options:
            raise ValueError("a field to select from needs options")
        return self


class FieldUpdate(Request):
    """Change a custom field; key and type stay what they are."""

    label: str | None = Field(default=None, min_length=1, max_length=120)
    options: list[Option] | None = Field(default=None, min_length=1, max_length=100)
    description: str | None = Field(default=None, max_length=300)


class FieldView(BaseModel):
    """A custom field of contacts."""

    id: UUID
    key: str
    label: str
    type: FieldType
    options: list[str]
    description: str
    created_at: datetime
    updated_at: datetime
