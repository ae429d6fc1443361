"""What each channel can show (product's matrix, as data) and how content degrades where it can't."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Support = Literal["no", "yes", "quick_replies"]
StatusSupport = Literal["no", "sent_only", "full"]

ChannelKind = Literal[
    "whatsapp",
    "instagram",
    "messenger",
    "telegram",
    "webchat",
    "sms",
    "email",
    "discord",
    "slack",
    "rcs",
    "teams",
    "linkedin",
]


@dataclass(slots=True, frozen=True)
class Capabilities:
    """What a channel shows natively."""

    text: bool = True
    image: bool = True
    video: bool = True
    audio: bool = True
    document: bool = True
    sticker: bool = False
    location: bool = True
    contacts: bool = True
    buttons: Support = "yes"
    lists: bool = False
    templates: bool = True
    reactions: bool = False
    delivery_status: StatusSupport = "full"
    typing: bool = True
    forms: bool = False
    service_window_hours: int | None = None
