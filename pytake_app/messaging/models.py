"""Tables of the pipeline."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from pytake_app.core.models import id_field, json_field, organization_field, time_field

OPEN_STATES = ("queued", "sending", "unsure")
"""States of an outbound message that is not finished."""


def sequence_column() -> Any:
    """A bigint identity primary key: arrival order."""
    return Column(BigInteger, Identity(always=False), primary_key=True)


class InboundEvent(SQLModel, table=True):
    """Something that happened to a contact, in arrival order; unique per account, kind and external id.

    `kind`: message, status, timer, command (a person's or the API's act on the session). `state`: pending, done, dead,
    held (its organization is at rest). `payload` is the parsed form of the channel plus its raw fragment, until it is
    done. Done rows are kept 30 days for deduplication (Meta retries for up to 7).
    """

    __tablename__ = "inbound_events"
    __table_args__ = (
        UniqueConstraint("channel_account_id", "kind", "external_id"),
        Index("inbound_events_pending", "lane", "organization_id", "id", postgresql_where=text("state = 'pending'")),
        Index("inbound_events_retrying", "lane", postgresql_where=text("state = 'pending' AND attempts > 0")),
        Index("inbound_events_received", "organization_id", "received_at", postgresql_where=text("kind = 'message'")),
        Index("inbound_events_dead", "organization_id", "id", postgresql_where=text("state = 'dead'")),
        Index("inbound_events_held", "organization_id", postgresql_where=text("state = 'held'")),
    )

    id: int | None = Field(default=None, sa_column=sequence_column())
    organization_id: UUID = organization_field(index=False, foreign_key=False)
    channel_account_id: UUID
    lane: int
    contact_key: str
    kind: str
    external_id: str
    payload: dict[str, Any] = json_field()
    state: str = "pending"
    attempts: int = 0
    next_attempt_at: datetime = time_field()
    error: str | None = None
    received_at: datetime = time_field()
    processed_at: datetime | None = time_field(nullable=True)


class RawWebhook(SQLModel, table=True):
    """A well-formed webhook fragment that we don't understand yet, kept as it came."""

    __tablename__ = "raw_webhooks"

    id: UUID = id_field()
    organization_id: UUID | None = Field(default=None, foreign_key="organizations.id", index=True)
    channel_account_id: UUID | None = None
    channel: str = "whatsapp"
    reason: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    received_at: datetime = time_field(index=True)


class OutboxItem(SQLModel, table=True):
    """One outbound message on its way.

    `sequence` gives the order within `conversation_id`. `state`: queued (a failed attempt is queued again with a later
    `next_attempt_at`), sending, sent, dead (given up on), canceled, unsure (the request left, no answer came).
    `initiates`: it went to somebody whose service window was closed (counts for the number's tier). `trace`: a
    traceparent while tracing is on.
    `content` is OutboundContent JSON; `recipient` the platform's address. Lower `priority` goes first (0 critical …
    3 low).
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "outbox_due",
            "priority",
            "next_attempt_at",
            "sequence",
            # For the counts of the message queue's page, which ask nothing else.
            postgresql_include=["organization_id", "channel_account_id"],
            postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "outbox_in_order",
            "conversation_id",
            "sequence",
            postgresql_where=text("state IN ('queued', 'sending', 'unsure')"),
        ),
        Index("outbox_sending", "claimed_at", postgresql_where=text("state IN ('sending', 'unsure')")),
        Index("outbox_message", "message_id"),
        Index("outbox_initiated", "channel_account_id", "finished_at", postgresql_where=text("initiates")),
        Index(
            "outbox_dead",
            "organization_id",
            "sequence",
            postgresql_include=["channel_account_id"],
            postgresql_where=text("state = 'dead'"),
        ),
        Index(
            "outbox_finished",
            "organization_id",
            "finished_at",
            postgresql_include=["state", "channel_account_id"],
            postgresql_where=text("state IN ('sent', 'dead')"),
        ),
    )

    sequence: int | None = Field(default=None, sa_column=sequence_column())
    id: UUID = Field(unique=True)
    organization_id: UUID = organization_field(index=False, foreign_key=False)
    channel_account_id: UUID
    conversation_id: UUID
    contact_id: UUID
    message_id: UUID
    recipient: str
    content: dict[str, Any] = json_field()
    context_external_id: str | None = None
    priority: int = 2
    state: str = "queued"
    attempts: int = 0
    max_attempts: int = 8
    next_attempt_at: datetime = time_field()
    claimed_by: str | None = None
    claimed_at: datetime | None = time_field(nullable=True)
    last_error: dict[str, Any] | None = json_field(None)
    external_id: str | None = None
    initiates: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    trace: str | None = None
    created_at: datetime = time_field()
    finished_at: datetime | None = time_field(nullable=True)


class PendingStatus(SQLModel, table=True):
    """A delivery status that arrived before we knew the message's external id."""

    __tablename__ = "pending_statuses"
    __table_args__ = (Index("pending_statuses_external", "channel_account_id", "external_id"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    channel_account_id: UUID
    external_id: str
    payload: dict[str, Any] = json_field()
    received_at: datetime = time_field(index=True)


class MediaAsset(SQLModel, table=True):
    """A media file, stored once per organization under its SHA-256; `path` is relative to the data directory.

    An inbound file has no `path` until it was fetched; `fetch_after` is set while it is still to be. `uploaded_at`
    is set while a file that somebody uploaded is in the library; `look_at` is when it is next looked whether one taken
    out of it is still used (see `library_upkeep`)."""

    __tablename__ = "media_assets"
    __table_args__ = (
        Index("media_assets_hash", "organization_id", "sha256"),
        Index("media_assets_uploads", "organization_id", "id", postgresql_where=text("uploaded_at IS NOT NULL")),
        Index("media_assets_to_fetch", "fetch_after", postgresql_where=text("fetch_after IS NOT NULL")),
        Index("media_assets_taken_out", "look_at", postgresql_where=text("look_at IS NOT NULL")),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    channel_account_id: UUID | None = None
    sha256: str
    mime_type: str
    filename: str = ""
    size: int = 0
    path: str = ""
    platform_media_id: str | None = None
    platform_expires_at: datetime | None = time_field(nullable=True)
    fetch_attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    fetch_after: datetime | None = time_field(nullable=True)
    fetch_error: str | None = None
    uploaded_by: UUID | None = None
    uploaded_at: datetime | None = time_field(nullable=True)
    look_at: datetime | None = time_field(nullable=True)
    created_at: datetime = time_field()


class MediaCopy(SQLModel, table=True):
    """The platform's own id of an uploaded file on one number, until it expires there."""

    __tablename__ = "media_copies"
    __table_args__ = (UniqueConstraint("asset_id", "channel_account_id"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    asset_id: UUID
    channel_account_id: UUID
    platform_media_id: str
    expires_at: datetime = time_field()
