"""WhatsApp as a :class:`~pytake_app.channels.base.MessagingPlatform`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytake_app.channels.base import OutboundRequest, ParsedWebhook, Recipient
from pytake_app.channels.capabilities import MATRIX, Capabilities
from pytake_app.channels.content import OutboundContent
from pytake_app.channels.whatsapp.parse import parse
from pytake_app.channels.whatsapp.render import render
from pytake_app.channels.whatsapp.signature import header_value, verify


class WhatsAppPlatform:
    """Cloud API webhooks and requests. Stateless and pure."""

    kind: str = "whatsapp"
    capabilities: Capabilities = MATRIX["whatsapp"]

    def verify_signature(self, body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> bool:
        """Whether Meta signed ``body`` with one of the app secrets."""
        return verify(body, header_value(headers), secrets)

    def parse(self, body: bytes | Any) -> ParsedWebhook:
        """Read a webhook. Raises ``MalformedBody`` when bytes are not JSON."""
        return parse(body)

    def render(
        self,
        content: OutboundContent,
        to: Recipient,
        *,
        reply_to: str | None = None,
        callback_data: str | None = None,
    ) -> OutboundRequest:
        """The call that sends ``content``. Raises ``RenderError``."""
        return render(content, to, reply_to=reply_to, callback_data=callback_data)
