"""The adapters behind the outbox, one explicit registry."""

from __future__ import annotations

from pytake_app.channels.base import MessagingPlatform, Recipient
from pytake_app.channels.whatsapp.client import WhatsAppClient
from pytake_app.channels.whatsapp.platform import WhatsAppPlatform
from pytake_app.config import Settings

BSUID_PREFIX = "bsuid:"

PLATFORMS: dict[str, MessagingPlatform] = {"whatsapp": WhatsAppPlatform()}


def make_clients(settings: Settings) -> dict[str, WhatsAppClient]:
    """One client a channel; make them inside the event loop, close them at its end."""
    return {
        "whatsapp": WhatsAppClient(
            base_url=settings.whatsapp_api_base_url,
            api_version=settings.whatsapp_api_version,
            total=settings.send_timeout_seconds,
        )
    }


def recipient_of(address: str) -> Recipient:
    """An outbox row's `recipient` as the adapters take it."""
    if address.startswith(BSUID_PREFIX):
        return Recipient(bsuid=address.removeprefix(BSUID_PREFIX))
    return Recipient(external_id=address)
