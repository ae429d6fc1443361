"""The outbox: every outbound message is a committed row before anything leaves the building."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Literal
from uuid import UUID

import redis
import structlog
from sqlmodel import Session

from pytake_app.contacts.models import Contact
from pytake_app.conversations.models import Conversation, Message
from pytake_app.core import tracing
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.db import after_commit
from pytake_app.core.ids import NewId, new_id
from pytake_app.core.live import poke
from pytake_app.core.services import process_services
from pytake_app.jobs import enqueue as jobs
from pytake_app.messaging import outbox_store
from pytake_app.messaging.sql import driver_of
from pytake_app.whatsapp.models import ChannelAccount

AuthorKind = Literal["bot", "agent", "system", "api"]
PREVIEW_LENGTH = 160

log = structlog.get_logger(__name__)


class OutboxPriority(IntEnum):
    """What goes first; lower is sooner."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundDraft:
    """A message somebody wants sent.

    Parameters:
        conversation, contact, channel_account: rows of the caller's session.
        recipient: the platform's address (`contact_identities.external_id`, else its BSUID as `bsuid:…`).
        content: `channels.content` JSON.
        text: a readable rendering, for lists and search.
        client_id: the sender's own id of the message; the caller refuses repeats.
        scheduled_at: not before this time (UTC).
        context_external_id: the platform's id of the message this one quotes.
        media: the file of it, as messages show theirs.
    """

    conversation: Conversation
    contact: Contact
    channel_account: ChannelAccount
    recipient: str
    content: dict[str, Any]
    text: str
    author_kind: AuthorKind
    author_id: UUID | None = None
    flow_session_id: UUID | None = None
    node_id: str | None = None
    priority: OutboxPriority = OutboxPriority.HIGH
    max_attempts: int = 8
    client_id: str | None = None
    scheduled_at: datetime | None = None
    context_external_id: str | None = None
    media: dict[str, Any] | None = None


def message_type(content: dict[str, Any]) -> str:
    """The API's message type of outbound content."""
    kind = str(content.get("type", "text"))
    if kind == "media":
        return str(content.get("kind", "document"))
    return {"buttons": "interactive", "list": "interactive", "cta_url": "interactive", "form": "interactive",
            "location_request": "interactive"}.get(kind, kind)  # fmt: skip


def preview_of(text: str, content_type: str) -> str:
    """The line a list shows for a message."""
    return text[:PREVIEW_LENGTH] if text else f"[{content_type}]"


def enqueue(session: Session, draft: OutboundDraft, *, clock: Clock | None = None, make_id: NewId = new_id) -> Message:
    """Put a message on its way: message and outbox rows in the caller's transaction, senders woken after its commit.

    Parameters:
        session: a transaction of the tenant or of the pipeline.
        draft: what to send.

    Returns:
        the message, status `queued`.
    """
    now = (clock or SystemClock()).now()
    conversation = draft.conversation
    kind = message_type(draft.content)
    message = Message(
        id=make_id(),
        created_at=now,
        organization_id=conversation.organization_id,
        conversation_id=conversation.id,
        contact_id=draft.contact.id,
        channel_account_id=draft.channel_account.id,
        channel=draft.channel_account.channel,
        direction="out",
        type=kind,
        text=draft.text,
        content=draft.content,
        media=draft.media,
        context_external_id=draft.context_external_id,
        client_id=draft.client_id,
        status="queued",
        author_kind=draft.author_kind,
        author_id=draft.author_id,
        flow_session_id=draft.flow_session_id,
        node_id=draft.node_id,
    )
    about = {"pytake.author": draft.author_kind, "pytake.organization_id": str(conversation.organization_id)}
    span = tracing.begin("enqueue", "producer", about)
    session.add(message)
    conversation.last_message_id = message.id
    conversation.last_message_at = now
    conversation.last_message_preview = preview_of(draft.text, kind)
    conversation.last_message_direction = "out"
    conversation.updated_at = now
    session.add(conversation)
    session.flush()
    waiting = outbox_store.row(
        outbox_id=make_id(),
        thread_id=conversation.id,
        organization_id=conversation.organization_id,
        account_id=draft.channel_account.id,
        contact_id=draft.contact.id,
        message_id=message.id,
        recipient=draft.recipient,
        content=draft.content,
        priority=int(draft.priority),
        due=draft.scheduled_at or now,
        now=now,
        max_attempts=draft.max_attempts,
        context_external_id=draft.context_external_id,
        trace=tracing.carried(span),
    )
    outbox_store.insert(driver_of(session), [waiting])
    details = {"conversation_id": str(conversation.id), "message_ids": [str(message.id)]}
    poke(session, f"conversation:{conversation.id}", {"event": "message_sent", **details})
    poke(session, f"org:{conversation.organization_id}:conversations", {"event": "message_sent", **details})
    after_commit(session, wake_senders)
    if span is not None:
        after_commit(session, lambda: tracing.end(span))
    return message


def wake_senders() -> None:
    """Tell the senders that something is due; they also look once a second."""
    try:
        jobs.poke_outbox(process_services().redis)
    except redis.RedisError as error:
        # Senders also poll once a second.
        log.warning("outbox_poke_failed", error=type(error).__name__)
