"""The adapters, by channel. Explicit on purpose: to add one, write it here."""

from __future__ import annotations

from collections.abc import Mapping

from pytake_app.channels.base import MessagingPlatform
from pytake_app.channels.whatsapp.platform import WhatsAppPlatform

PLATFORMS: Mapping[str, MessagingPlatform] = {
    "whatsapp": WhatsAppPlatform(),
}


def platform(kind: str) -> MessagingPlatform:
    """The adapter of a channel. Raises ``KeyError`` for one that is not built in."""
    return PLATFORMS[kind]
