"""What the API and the pages say and hear about privacy."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from pytake_app.core.schemas import RequestModel, View

MOST_DAYS = 3650
LEAST_DAYS = 30


class PrivacySettings(View):
    """How an organization treats people's data.

    `mask_phones`: viewers see only the last four digits of phones. `keep_messages_days`: messages, their files and
    what flows noted of them are deleted after so many days; None: kept. `keep_contacts_days`: people with whom nothing
    was said for so long are forgotten; None: kept.
    """

    mask_phones: bool = False
    keep_messages_days: int | None = None
    keep_contacts_days: int | None = None


class PrivacySettingsUpdate(RequestModel):
    """Change how people's data is treated; what is absent stays, null keeps for ever."""

    mask_phones: bool | None = None
    keep_messages_days: int | None = Field(default=None, ge=LEAST_DAYS, le=MOST_DAYS)
    keep_contacts_days: int | None = Field(default=None, ge=LEAST_DAYS, le=MOST_DAYS)


class RetentionPreview(View):
    """What would be deleted tonight with these times, counted up to `most` each."""

    messages: int
    contacts: int
    most: int


class ErasureRequest(RequestModel):
    """Forgetting somebody can't be undone: `confirm` must be true."""

    confirm: bool = False


class ErasureView(View):
    """That a contact was forgotten. `counts`: rows that went or were emptied, by kind."""

    id: UUID
    contact_id: UUID
    reason: Literal["request", "retention"]
    requested_by: UUID | None
    requested_by_name: str = ""
    counts: dict[str, int]
    at: datetime
