"""What the message queue's page and its API say beyond single messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from pytake_app.core.schemas import RequestModel
from pytake_app.messaging.schemas import PriorityWord, QueueMessage

Circuit = Literal["closed", "open"]


class QueueRow(QueueMessage):
    """A message on its way, as a list shows it."""

    contact_name: str = Field(description="or the address, for who may see it")
    preview: str = Field(description="the beginning of its text; empty for viewers")


class Choice(RequestModel):
    """Which messages: some by their ids, or all in a state that can be acted on."""

    ids: list[UUID] = Field(default_factory=list, max_length=500)
    everything: bool = Field(False, description="all of the organization's; `ids` must be empty")
    channel_account_id: UUID | None = Field(None, description="with `everything`: of this number only")
    priority: PriorityWord | None = Field(None, description="with `everything`: of this priority only")


class Canceled(RequestModel):
    """Messages that were canceled a moment ago: by their ids, or all that one cancellation took."""

    ids: list[UUID] = Field(default_factory=list, max_length=500)
    undo: str | None = Field(None, max_length=200, description="what that cancellation answered; `ids` must be empty")


class Changed(BaseModel):
    """How many messages an act changed; the others had moved on meanwhile."""

    changed: int
    undo: str | None = Field(None, description="of a cancellation: takes all of it back for half a minute")


class AccountLimits(BaseModel):
    """What one number may send and what is used of it."""

    channel_account_id: UUID
    name: str
    channel: str
    sandbox: bool
    status: str
    status_detail: str
    circuit: Circuit = Field(description="open: the platform doesn't answer, messages wait without using up attempts")
    messages_per_second: float
    sent_last_minute: int
    queued: int
    due: int
    dead: int
    daily_limit: int | None = Field(description="people outside a service window in 24 hours; null: no limit")
    daily_used: int | None = Field(description="null: not known while Redis is away")


class Rate(BaseModel):
    """One minute."""

    at: datetime
    sent: int
    failed: int
    received: int


class PipelineHealth(BaseModel):
    """How the installation's pipeline does for this organization."""

    workers: int | None = Field(description="lane workers that live; null: not known while Redis is away")
    senders: int | None
    schedulers: int | None
    lanes: int
    lanes_waiting: int = Field(description="lanes on which messages of the organization wait")
    inbound_lag_seconds: float = Field(description="age of the oldest inbound event that waits")
    sent_last_minute: int = Field(description="in the last 60 seconds, as `received_last_minute`")
    received_last_minute: int
    minutes: list[Rate] = Field(description="the last half hour, a minute each, oldest first")


class InboundDead(BaseModel):
    """An inbound event that was given up on."""

    id: int
    channel_account_id: UUID
    kind: str
    external_id: str
    attempts: int
    error: str
    received_at: datetime


class InboundChoice(RequestModel):
    """Which inbound events."""

    ids: Annotated[list[int], Field(min_length=1, max_length=500)]
