"""Tables of connected channel accounts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import SQLModel

from pytake_app.core.models import id_field, json_field, organization_field, time_field


class ChannelAccount(SQLModel, table=True):
    """One connected identity on a channel.

    `external_id` is the platform's id (WhatsApp: the phone number id). `credentials` is a SecretBox ciphertext of
    JSON: access_token, app_secret, verify_token. `settings`: api_base_url, api_version, messages_per_second, tier.
    """

    __tablename__ = "channel_accounts"
    __table_args__ = (UniqueConstraint("channel", "external_id"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    channel: str = "whatsapp"
    name: str
    external_id: str
    business_account_id: str = ""
    phone: str = ""
    credentials: str = ""
    settings: dict[str, Any] = json_field()
    sandbox: bool = False
    status: str = "active"
    status_detail: str = ""
    default_flow_id: UUID | None = None
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class MessageTemplate(SQLModel, table=True):
    """A message template of a WhatsApp business account, one row a language, as Meta last told it.

    `status` and `category` are Meta's words (APPROVED, PENDING, REJECTED, PAUSED, DISABLED…; MARKETING, UTILITY,
    AUTHENTICATION). `components` are the template's parts in Meta's form.
    """

    __tablename__ = "message_templates"
    __table_args__ = (UniqueConstraint("organization_id", "business_account_id", "name", "language"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    business_account_id: str
    external_id: str = ""
    name: str
    language: str
    category: str = "MARKETING"
    status: str = "PENDING"
    reason: str = ""
    quality: str = ""
    parameter_format: str = "POSITIONAL"
    components: list[dict[str, Any]] = json_field(list)
    created_at: datetime = time_field()
    updated_at: datetime = time_field()
