"""From a webhook's parsed message to the stored message and to what the engine sees. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pytake_app.conversations import threads
from pytake_app.conversations.threads import Thread
from pytake_app.core.ids import NewId
from pytake_app.engine.session import InboundInput, InboundLocation, InboundMedia
from pytake_app.messaging.inbound import Event
from pytake_app.messaging.media import asset_row, media_view
from pytake_app.messaging.sql import dumps

Row = dict[str, Any]

_EXTRAS = ("contacts", "order", "form", "reaction", "target", "referral", "errors", "group_id", "identity_change")


# What nobody can show is kept as it came, for people to look at.
_OPAQUE = frozenset({"unsupported", "unknown"})
_RAW_BYTES = 16_384
_WHO = ("from", "from_user_id", "from_username")


def _as_received(raw: Row) -> Row:
    """The platform's JSON without who sent it (the contact says that), bounded."""
    kept = {key: value for key, value in raw.items() if key not in _WHO}
    size = len(dumps(kept))
    return kept if size <= _RAW_BYTES else {"type": raw.get("type"), "members": sorted(kept)[:50], "characters": size}


def inbound_message(thread: Thread, event: Event, at: datetime, now: datetime, new_id: NewId) -> tuple[Row, Row | None]:
    """The message's row, and the row of its file that is to be fetched, if it has one.

    Parameters:
        at: the platform's time.
        now: the time of handling.
    """
    payload = event.payload
    message_id: UUID = new_id()
    media, asset = None, None
    if payload.get("media"):
        asset = asset_row(payload["media"], thread.organization_id, thread.channel_account_id, new_id(), now)
        media = media_view(payload["media"], asset)
    content = {key: payload[key] for key in _EXTRAS if key in payload}
    if payload.get("type") in _OPAQUE and isinstance(payload.get("raw"), dict):
        content[threads.RAW] = _as_received(payload["raw"])
    row = threads.message_row(
        thread,
        message_id,
        now,
        type=payload.get("type", "unknown"),
        text=payload.get("text") or "",
        selection_id=payload.get("selection_id"),
        content=content,
        media=media,
        location=payload.get("location"),
        context_external_id=payload.get("context"),
        external_id=event.external_id,
        errors=payload.get("errors", []),
        sent_at=at,
    )
    return row, asset


def inbound_input(payload: Row, external_id: str, media: Row | None, at: datetime) -> InboundInput:
    """What the engine sees of a message."""
    location = payload.get("location")
    place = None
    if location and location.get("latitude") is not None and location.get("longitude") is not None:
        place = InboundLocation(
            latitude=location["latitude"],
            longitude=location["longitude"],
            name=location.get("name") or "",
            address=location.get("address") or "",
        )
    file = None
    if media is not None:
        file = InboundMedia(
            id=media.get("id"),
            kind=payload.get("type", "document"),
            mime_type=media.get("mime_type"),
            filename=media.get("filename"),
            url=media.get("url"),
            caption=(payload.get("media") or {}).get("caption") or "",
        )
    return InboundInput(
        type=payload.get("type", "text"),
        text=payload.get("text") or "",
        selection_id=payload.get("selection_id"),
        media=file,
        location=place,
        form=(payload.get("form") or {}).get("answers") or None,
        external_id=external_id,
        context_external_id=payload.get("context"),
        at=at,
    )
