"""What the API hears and says about channel accounts. Credentials go in and never come out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from pytake_app.core.schemas import RequestModel, View

Secret = Annotated[str, StringConstraints(max_length=2000)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=120)]
PlatformId = Annotated[str, StringConstraints(pattern=r"^[0-9]{5,20}$")]
OptionalPlatformId = Annotated[str, StringConstraints(pattern=r"^([0-9]{5,20})?$")]
Phone = Annotated[str, StringConstraints(max_length=32, pattern=r"^\+?[0-9 ().-]*$")]
ApiVersion = Annotated[str, StringConstraints(pattern=r"^v[0-9]{1,2}\.[0-9]$")]
PerSecond = Annotated[float, Field(ge=0.1, le=1000)]


class FallbackTemplate(RequestModel):
    """A template without variables that goes instead of a message for which the service window turned out closed."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[a-z0-9_]+$")]
    language: Annotated[str, StringConstraints(min_length=2, max_length=32)]


class NewAccount(RequestModel):
    """A WhatsApp number to connect: the ids and secrets of Meta's app dashboard."""

    channel: Literal["whatsapp"] = "whatsapp"
    name: Name
    phone_number_id: PlatformId
    business_account_id: OptionalPlatformId = ""
    phone: Phone = ""
    access_token: Secret = Field("", repr=False)
    app_secret: Secret = Field("", repr=False)
    verify_token: Secret = Field("", repr=False)
    api_version: ApiVersion | None = None
    messages_per_second: PerSecond | None = None
    default_flow_id: UUID | None = None


class AccountChange(RequestModel):
    """What changes; absent members stay as they are, an empty secret is removed."""

    name: Name | None = None
    business_account_id: OptionalPlatformId | None = None
    phone: Phone | None = None
    access_token: Secret | None = Field(None, repr=False)
    app_secret: Secret | None = Field(None, repr=False)
    verify_token: Secret | None = Field(None, repr=False)
    api_version: ApiVersion | None = None
    messages_per_second: PerSecond | None = None
    default_flow_id: UUID | None = None
    reengagement_template: FallbackTemplate | None = Field(None, description="null removes it")
    status: Literal["active", "paused"] | None = Field(
        None, description="paused: nothing is sent, messages wait in the queue; what customers write still arrives"
    )


class AccountView(View):
    """A connected identity on a channel."""

    id: UUID
    channel: str
    name: str
    external_id: str = Field(description="the platform's id; WhatsApp: the phone number id")
    phone_number_id: str
    business_account_id: str
    phone: str
    sandbox: bool
    status: str
    status_detail: str
    has_access_token: bool
    has_app_secret: bool
    has_verify_token: bool
    api_version: str
    messages_per_second: float
    daily_first_contacts: int | None = Field(
        description="people outside a service window who may be written to in 24 hours; null: no limit"
    )
    reengagement_template: FallbackTemplate | None
    default_flow_id: UUID | None
    webhook_path: str
    webhook_url: str = Field(description="what to enter at Meta; empty while no public address is configured")
    last_check_at: datetime | None = Field(None, description="when the platform was last asked about the account")
    last_check_code: str = Field("", description="what it said: empty = all well, else a code of the check")
    templates_synced_at: datetime | None = Field(None, description="when its templates were last fetched")
    templates_sync_code: str = Field("", description="what the last fetch said: empty = all well, else why not")
    created_at: datetime
    updated_at: datetime


class AccountCheck(BaseModel):
    """What the platform said about the account."""

    ok: bool
    code: str = Field("", description="a stable word when it is not ok: auth, permanent, retryable, not_configured…")
    message: str = ""
    display_phone_number: str | None = None
    verified_name: str | None = None
    quality_rating: str | None = None
    messaging_limit_tier: str | None = None
    webhook_subscribed: bool | None = None


class ChannelView(BaseModel):
    """A kind of channel and what it can show."""

    kind: str
    available: bool = Field(description="whether accounts of this kind can be connected in this version")
    capabilities: dict[str, bool | int | str | None]
