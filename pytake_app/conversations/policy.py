"""When a message may be sent. Pure."""

from __future__ import annotations

from datetime import datetime

from pytake_app.contacts.models import Contact
from pytake_app.contacts.schemas import ContactBrief
from pytake_app.conversations.models import Conversation

WINDOWED_CHANNELS = frozenset({"whatsapp"})
"""Free-form messages only for 24 hours after the contact's last one (Meta, "customer service window")."""

REASONS = {
    "conversation_closed": "The conversation is closed; reopen it to write.",
    "contact_blocked": "The contact is blocked.",
    "contact_opted_out": "The contact does not want to be written to.",
    "window_closed": "The contact's last message is more than 24 hours old; send a template.",
}


def window_open(conversation: Conversation, now: datetime) -> bool:
    """Whether free-form messages may be sent."""
    if conversation.channel not in WINDOWED_CHANNELS:
        return True
    return conversation.window_expires_at is not None and conversation.window_expires_at > now


def cannot_send(
    conversation: Conversation, contact: Contact | ContactBrief, *, window_open: bool, after_close: bool = False
) -> str | None:
    """Why free text can't be sent, the strongest reason first; None: it can. A template needs no window.

    Parameters:
        after_close: it belongs to the end of a conversation.
    """
    if conversation.status not in {"open", "pending"} and not after_close:
        return "conversation_closed"
    if contact.blocked:
        return "contact_blocked"
    if contact.consent == "opted_out":
        return "contact_opted_out"
    return None if window_open else "window_closed"
