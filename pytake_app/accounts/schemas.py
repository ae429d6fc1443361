"""What the accounts API hears and says."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from pytake_app.accounts.emails import Email
from pytake_app.core.schemas import RequestModel, View

Password = Annotated[str, StringConstraints(strip_whitespace=False, min_length=1, max_length=1024)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=120)]
Locale = Literal["pt_BR", "en", "es"]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not a time zone, e.g. America/Sao_Paulo")
    return name


TimeZone = Annotated[str, StringConstraints(max_length=60), AfterValidator(_known_zone)]


class RegisterRequest(RequestModel):
    """A new person with a new organization."""

    email: Email
    password: Password = Field(repr=False)
    full_name: Name
    organization_name: Annotated[str, StringConstraints(max_length=120)] | None = None
    locale: Locale = "pt_BR"
    time_zone: TimeZone | None = Field(default=None, description="of the organization; absent: America/Sao_Paulo")


class LoginRequest(RequestModel):
    """E-mail and password."""

    email: Annotated[str, StringConstraints(min_length=1, max_length=320)]
    password: Password = Field(repr=False)


class RefreshRequest(RequestModel):
    """The newest refresh token of a session."""

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class LogoutRequest(RequestModel):
    """Optionally the refresh token, for clients whose access token has expired."""

    refresh_token: Annotated[str, StringConstraints(max_length=200)] | None = None


class MeUpdate(RequestModel):
    """What people may change about themselves; what is absent stays. `time_zone`: empty for the organization's."""

    full_name: Name | None = None
    locale: Locale | None = None
    time_zone: Annotated[str, StringConstraints(max_length=60)] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name what shall change")
        return self


class OrganizationView(View):
    """A tenant as its people see it."""

    id: UUID
    name: str
    slug: str
    plan: str
    status: str
    time_zone: str
    locale: str
    currency: str
    created_at: datetime


class UserView(View):
    """A person, without anything secret."""

    id: UUID
    organization_id: UUID
    email: str
    full_name: str
    role: str
    locale: str
    is_active: bool
    created_at: datetime
    last_login_at: datetime | None = None
    time_zone: str = ""
    avatar_url: str = ""


class TokenAnswer(View):
    """The answer to register, login and refresh."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  # RFC 6750's word
    expires_in: int = Field(description="seconds until the access token expires")
    user: UserView
    organization: OrganizationView


class MeAnswer(View):
    """Who is asking."""

    user: UserView
    organization: OrganizationView


class DepartmentCreate(RequestModel):
    """A new department."""

    name: Name
    description: Annotated[str, StringConstraints(max_length=300)] = ""
    members: list[UUID] = Field(default_factory=list, max_length=1_000)


class DepartmentUpdate(RequestModel):
    """Change a department; what is absent stays."""

    name: Name | None = None
    description: Annotated[str, StringConstraints(max_length=300)] | None = None


class DepartmentMembers(RequestModel):
    """Who shall belong to it."""

    members: list[UUID] = Field(max_length=1_000)


class DepartmentView(View):
    """A department. `members`: ids of its people."""

    id: UUID
    name: str
    description: str
    members: list[UUID]
    created_at: datetime
    updated_at: datetime
