"""What the API of organizations and plans hears and says."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from pytake_app.accounts.emails import Email
from pytake_app.accounts.schemas import Locale, Name, OrganizationView, Password, TimeZone
from pytake_app.accounts.security_schemas import InvitationView
from pytake_app.config import PlanName
from pytake_app.core.schemas import RequestModel, View

Status = Literal["active", "suspended", "deleting"]
ResourceName = Literal["users", "numbers", "contacts", "messages", "flows"]
Limit = Annotated[int, Field(ge=0, le=2_000_000_000)]


class LimitsView(View):
    """How much there may be; null: no limit. `messages`: sent in a calendar month, UTC."""

    users: int | None
    numbers: int | None
    contacts: int | None
    messages: int | None
    flows: int | None


class PlanView(View):
    """A plan of this installation."""

    name: str
    limits: LimitsView


class LimitsUpdate(RequestModel):
    """Change limits; null: no limit, absent: as it is."""

    users: Limit | None = None
    numbers: Limit | None = None
    contacts: Limit | None = None
    messages: Limit | None = None
    flows: Limit | None = None


class UsedView(View):
    """How much of a resource is used. `percent`: of the limit, null without one; may be above 100."""

    resource: ResourceName
    used: int
    limit: int | None
    percent: int | None


class UsageView(View):
    """What an organization's plan allows and how much of it is used. `trial_ends_at`: while the trial lasts."""

    organization_id: UUID
    plan: str
    trial_ends_at: datetime | None
    trial_days_left: int | None = Field(description="days of the trial that are left, a begun one counts")
    messages_reset_at: datetime = Field(description="when the month's count of messages begins anew")
    resources: list[UsedView]


class PlanChange(RequestModel):
    """Another plan, from now on and without a trial; `trial_ends_at`: as a trial until then.

    `limits`: this organization's own instead of the plan's (null: none). Absent: they stay as they are. `{}` with
    `reset_limits`: the plan's own again.
    """

    plan: PlanName
    limits: LimitsUpdate | None = None
    reset_limits: bool = False
    trial_ends_at: datetime | None = None


class OrganizationCreate(RequestModel):
    """A new organization. Its first administrator is invited; with name and password there is an account at once."""

    name: Name
    admin_email: Email
    admin_name: Name | None = None
    admin_password: Password | None = Field(default=None, repr=False)
    locale: Locale = "pt_BR"
    time_zone: TimeZone | None = Field(default=None, description="absent: America/Sao_Paulo")
    plan: PlanName | None = Field(default=None, description="absent: as whoever registers, with a trial")

    @model_validator(mode="after")
    def _name_with_password(self) -> OrganizationCreate:
        if (self.admin_name is None) != (self.admin_password is None):
            raise ValueError("admin_name and admin_password go together.")
        return self


class AdministratorInvite(RequestModel):
    """Ask somebody to administer an organization. `locale`: of the mail; the caller's when absent."""

    email: Email
    locale: Locale | None = None


class OrganizationUpdate(RequestModel):
    """Change an organization; what is absent stays. `suspension_reason` belongs to the status suspended."""

    name: Name | None = None
    time_zone: Annotated[str, StringConstraints(max_length=60)] | None = None
    locale: Locale | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    status: Literal["active", "suspended"] | None = None
    suspension_reason: Annotated[str, StringConstraints(max_length=500)] | None = None

    @model_validator(mode="after")
    def _reason_with_status(self) -> OrganizationUpdate:
        if self.suspension_reason is not None and self.status != "suspended":
            raise ValueError("A reason belongs to the status suspended.")
        return self


class AdminBrief(View):
    """Somebody who administers an organization."""

    id: UUID
    name: str
    email: str


class InvitedBrief(View):
    """Somebody who is asked to administer an organization."""

    email: str
    expires_at: datetime
    state: Literal["open", "expired"]


class OrganizationRow(OrganizationView):
    """An organization as the super admin sees it."""

    trial_ends_at: datetime | None
    suspended_at: datetime | None
    suspension_reason: str
    delete_after: datetime | None
    own_limits: dict[str, int | None] = Field(description="limits of its own instead of its plan's")
    usage: UsageView


class OrganizationDetail(OrganizationRow):
    """With whom to write to, and who did what."""

    admins: list[AdminBrief]
    invited: list[InvitedBrief] = Field(description="who is asked to administer it")
    suspended_by: str = Field(description="name of who suspended it; empty: nobody, or gone")
    deletion_requested_at: datetime | None
    deletion_requested_by: str
    is_own: bool = Field(description="whether it is the caller's own")


class OrganizationMade(OrganizationDetail):
    """A new organization. `invitation`: of its first administrator; absent where there is an account at once."""

    invitation: InvitationView | None = None
