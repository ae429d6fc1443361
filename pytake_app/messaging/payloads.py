"""What an inbound event carries from ingest to the worker: the parsed form plus the raw fragment. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pytake_app.channels.base import AccountNotice, InboundMessage, Sender, StatusUpdate

JsonObject = dict[str, Any]

NOBODY = "-"
"""Contact key of events that name no contact (account notices)."""


# Cloud API, Webhooks, "history": the words of `history_context.status`.
_PAST_STATUSES = {"sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "error": "failed"}


def _lean(value: JsonObject) -> JsonObject:
    return {key: item for key, item in value.items() if item not in (None, "", [], {})}


def _sender(sender: Sender) -> JsonObject:
    return _lean(
        {
            "external_id": sender.external_id,
            "bsuid": sender.bsuid,
            "username": sender.username,
            "name": sender.name,
            "phone": sender.phone,
        }
    )


def message_payload(message: InboundMessage) -> JsonObject:
    """JSON of an inbound message (or of an echo: its peer stands in `sender`)."""
    return _lean(
        {
            "type": message.type,
            "text": message.text,
            "selection_id": message.selection_id,
            "sender": _sender(message.peer or message.sender),
            "at": message.at,
            "media": message.media,
            "location": message.location,
            "contacts": message.contacts,
            "order": message.order,
            "form": message.form,
            "reaction": message.reaction,
            "target": message.target_external_id,
            "context": message.context_external_id,
            "referral": message.referral,
            "identity_change": message.identity_change,
            "group_id": message.group_id,
            "errors": message.errors,
            "automates": message.automates,
            "raw": message.raw,
        }
    )


def is_placeholder(message: InboundMessage) -> bool:
    """Whether a past message only holds the place of a file that follows (Cloud API, Webhooks, "history")."""
    return message.platform_type == "media_placeholder"


def history_payload(message: InboundMessage) -> JsonObject:
    """JSON of a message exchanged before the number was connected; `out`: the business wrote it."""
    status = (message.raw.get("history_context") or {}).get("status") if isinstance(message.raw, dict) else None
    word = status.lower() if isinstance(status, str) else None
    past = {
        "out": message.peer is not None,
        "status": _PAST_STATUSES.get(word or ""),
        "placeholder": is_placeholder(message),
    }
    return {**message_payload(message), "automates": False, "past": _lean(past)}


def status_payload(status: StatusUpdate) -> JsonObject:
    """JSON of a delivery status."""
    return _lean(
        {
            "id": status.external_id,
            "status": status.status,
            "at": status.at,
            "errors": status.errors,
            "pricing": status.pricing,
            "conversation": status.conversation_id,
            "callback": status.biz_opaque_callback_data,
        }
    )


def notice_payload(notice: AccountNotice) -> JsonObject:
    """JSON of a notice."""
    return _lean(
        {
            "kind": notice.kind,
            "at": notice.at,
            "sender": _sender(notice.sender) if notice.sender else None,
            "identity_change": notice.identity_change,
            "errors": notice.errors,
            "details": notice.details,
        }
    )


def contact_key_of(message: InboundMessage) -> str:
    """The serial key of the contact a message is about."""
    return (message.peer or message.sender).contact_key or NOBODY


def status_key_of(status: StatusUpdate) -> str:
    """The serial key of the contact a status is about."""
    return status.recipient_phone or status.recipient_bsuid or status.recipient or NOBODY


def parse_time(value: object) -> datetime | None:
    """A time as `orjson` wrote it into a payload."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SenderKeys:
    """By what a contact may be recognised."""

    key: str | None
    bsuid: str | None
    external_id: str | None
    username: str | None
    name: str

    @classmethod
    def unknown(cls, contact_key: str) -> SenderKeys:
        """Of an event that names nobody (a timer, a command): its contact key may be either kind."""
        return cls(contact_key, contact_key, None, None, "")

    @classmethod
    def joined(cls, spoken: Sequence[SenderKeys]) -> SenderKeys:
        """Of one person's messages in order: the earliest name of each kind, by which a contact may exist."""
        names = {name: next((v for keys in spoken if (v := getattr(keys, name))), None)
                 for name in ("key", "bsuid", "external_id", "username", "name")}  # fmt: skip
        return cls(names["key"], names["bsuid"], names["external_id"], names["username"], names["name"] or "")

    @classmethod
    def of(cls, payload: JsonObject, contact_key: str) -> SenderKeys:
        """From an event's payload; an event without a sender (a timer) is known by its contact key alone."""
        sender = payload.get("sender") or {}
        phone, bsuid, external_id = sender.get("phone"), sender.get("bsuid"), sender.get("external_id")
        key = phone or external_id
        if key is None and bsuid is None and contact_key != NOBODY:
            key = contact_key
        return cls(key, bsuid, external_id, sender.get("username"), sender.get("name") or "")
