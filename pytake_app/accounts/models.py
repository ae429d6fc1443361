"""Tables of accounts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from pytake_app.core.models import id_field, json_field, organization_field, time_field


class Organization(SQLModel, table=True):
    """A tenant."""

    __tablename__ = "organizations"

    id: UUID = id_field()
    name: str
    slug: str = Field(unique=True)
    plan: str = "free"
    status: str = "active"
    time_zone: str = "America/Sao_Paulo"
    locale: str = "pt_BR"
    currency: str = "BRL"
    settings: dict[str, Any] = json_field()
    created_at: datetime = time_field()


class User(SQLModel, table=True):
    """A person who signs in; the e-mail is stored lower-cased and unique over the installation."""

    __tablename__ = "users"

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    email: str = Field(unique=True)
    password_hash: str
    full_name: str
    role: str = "org_admin"
    locale: str = "pt_BR"
    is_active: bool = True
    created_at: datetime = time_field()
    last_login_at: datetime | None = time_field(nullable=True)
    time_zone: str = Field(default="", description="IANA name; empty: the organization's")
    avatar: str = Field(default="", description="changes with the picture; empty: none")
    password_changed_at: datetime | None = time_field(nullable=True)
    removed_at: datetime | None = time_field(nullable=True)

    @property
    def avatar_url(self) -> str:
        """Where the picture is; empty without one."""
        return f"/api/v1/users/{self.id}/avatar?v={self.avatar}" if self.avatar else ""


class RolePermission(SQLModel, table=True):
    """The organization gives a permission to a role or takes it away; else it is as `tenancy.DEFAULTS` has it."""

    __tablename__ = "role_permissions"

    organization_id: UUID = Field(foreign_key="organizations.id", primary_key=True)
    role: str = Field(primary_key=True)
    permission: str = Field(primary_key=True)
    allowed: bool
    updated_at: datetime = time_field()
    updated_by: UUID | None = None


class AuthSession(SQLModel, table=True):
    """One sign-in on one device: a browser's cookie (`kind` web) or an API client's token family (`kind` api)."""

    __tablename__ = "auth_sessions"

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    user_id: UUID = Field(foreign_key="users.id", index=True)
    kind: str = "api"
    token_hash: str | None = Field(default=None, unique=True, description="SHA-256 of the cookie's token")
    user_agent: str = ""
    address: str = ""
    created_at: datetime = time_field()
    last_used_at: datetime = time_field()
    expires_at: datetime = time_field()
    revoked_at: datetime | None = time_field(nullable=True)
    revoked_reason: str | None = None


class RefreshToken(SQLModel, table=True):
    """One refresh token of a session; used once, then replaced. A second use revokes the whole session."""

    __tablename__ = "refresh_tokens"

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    session_id: UUID = Field(foreign_key="auth_sessions.id", index=True)
    token_hash: str = Field(unique=True)
    created_at: datetime = time_field()
    expires_at: datetime = time_field()
    used_at: datetime | None = time_field(nullable=True)


class IdempotencyKey(SQLModel, table=True):
    """The answer given to a write that carried an `Idempotency-Key`."""

    __tablename__ = "idempotency_keys"

    organization_id: UUID = Field(foreign_key="organizations.id", primary_key=True)
    key: str = Field(primary_key=True)
    request_hash: str
    status: int = 0
    response: dict[str, Any] | None = json_field(None)
    created_at: datetime = time_field(index=True)


class Department(SQLModel, table=True):
    """A group of the organization's people."""

    __tablename__ = "departments"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    name: str
    description: str = ""
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class DepartmentMember(SQLModel, table=True):
    """Somebody belongs to a department."""

    __tablename__ = "department_members"

    department_id: UUID = Field(foreign_key="departments.id", primary_key=True, ondelete="CASCADE")
    user_id: UUID = Field(foreign_key="users.id", primary_key=True, index=True, ondelete="CASCADE")
    organization_id: UUID = organization_field()
