"""Tables of accounts."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Date, Index, String, Table, UniqueConstraint, Uuid, text
from sqlmodel import Field, SQLModel

from pytake_app.core.models import id_field, json_field, organization_field, time_field


class Organization(SQLModel, table=True):
    """A tenant.

    `status` is active, suspended or deleting. `plan` counts until `trial_ends_at`, if that is set (then: free).
    `limits` are the organization's own instead of its plan's (null: no limit). `delete_after`: when it is erased.
    """

    __tablename__ = "organizations"
    __table_args__ = (Index("organizations_at_rest", "id", postgresql_where=text("status <> 'active'")),)

    id: UUID = id_field()
    name: str
    slug: str = Field(unique=True)
    plan: str = "enterprise"
    status: str = "active"
    time_zone: str = "America/Sao_Paulo"
    locale: str = "pt_BR"
    currency: str = "BRL"
    settings: dict[str, Any] = json_field()
    limits: dict[str, Any] = json_field()
    trial_ends_at: datetime | None = time_field(nullable=True)
    suspended_at: datetime | None = time_field(nullable=True)
    suspended_by: UUID | None = None
    suspension_reason: str = ""
    deletion_requested_at: datetime | None = time_field(nullable=True)
    deletion_requested_by: UUID | None = None
    delete_after: datetime | None = time_field(nullable=True)
    created_at: datetime = time_field()


class Plan(SQLModel, table=True):
    """What an organization may have; None: as much as it likes. The same for the whole installation."""

    __tablename__ = "plans"

    name: str = Field(primary_key=True)
    position: int
    users: int | None = None
    numbers: int | None = None
    contacts: int | None = None
    messages: int | None = Field(default=None, description="sent in a calendar month (UTC)")
    flows: int | None = None
    updated_at: datetime = time_field()


usage_counts = Table(
    "usage_counts",
    SQLModel.metadata,
    Column("organization_id", Uuid, nullable=False),
    Column("resource", String, nullable=False),
    Column("period", Date, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Index("usage_counts_of", "organization_id", "resource", "period"),
)
"""What there is of contacts, and messages by month: the sum of rows. Triggers add them, the scheduler adds them up."""


class UsageWarning(SQLModel, table=True):
    """An organization was told that it has used so many percent of a resource, in this period."""

    __tablename__ = "usage_warnings"

    organization_id: UUID = Field(foreign_key="organizations.id", primary_key=True)
    resource: str = Field(primary_key=True)
    period: date = Field(primary_key=True)
    percent: int = Field(primary_key=True)
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
    tell_new_device: bool = Field(default=True, description="a mail at each sign-in from a device that isn't known")
    password_changed_at: datetime | None = time_field(nullable=True)
    removed_at: datetime | None = time_field(nullable=True)
    email_confirmed_at: datetime | None = time_field(nullable=True)

    def changed_password_after(self, moment: datetime) -> bool:
        """Whether what began at `moment` was of an earlier password."""
        return self.password_changed_at is not None and self.password_changed_at > moment

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
