"""What the API hears and says about places in queues."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, JsonValue, model_validator

from pytake_app.core.masking import Phone
from pytake_app.queues.schemas import Request

ItemStatus = Literal["waiting", "offered", "in_service", "completed", "abandoned", "transferred", "timeout", "overflow"]
ItemPriority = Literal["low", "medium", "high", "urgent"]
PRIORITIES: tuple[ItemPriority, ...] = ("low", "medium", "high", "urgent")


class ItemEnter(Request):
    """Put a conversation in line. `priority` absent: the conversation's own."""

    conversation_id: UUID
    priority: ItemPriority | None = None
    skills: list[str] = Field(default_factory=list, max_length=30)
    note: str = Field(default="", max_length=500)
    wait_minutes: int | None = Field(default=None, ge=1, le=43_200)


class ItemAssign(Request):
    """Who gets it."""

    item_id: UUID
    agent_id: UUID


class ItemComplete(Request):
    """It is settled; the conversation is closed."""

    outcome: str = Field(default="", max_length=120)


class ItemAbandon(Request):
    """It leaves the queue without having been served; automation has the conversation again."""

    reason: str = Field(default="", max_length=120)


class ItemTransfer(Request):
    """Where to: exactly one of an agent, a queue, a department, a flow."""

    queue_id: UUID | None = None
    agent_id: UUID | None = None
    department_id: UUID | None = None
    flow_id: str | None = Field(default=None, max_length=120)
    note: str = Field(default="", max_length=500)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.queue_id, self.agent_id, self.department_id, self.flow_id)) != 1:
            raise ValueError("name exactly one of queue_id, agent_id, department_id, flow_id")
        return self


class ItemPriorityWrite(Request):
    """How urgent it is."""

    priority: ItemPriority


class QueueBrief(BaseModel):
    """A queue as items show it."""

    id: UUID
    name: str
    color: str


class ContactRef(BaseModel):
    """Who waits."""

    id: UUID
    name: str
    phone: Phone


class AgentRef(BaseModel):
    """Who answers."""

    id: UUID
    name: str


class LastWord(BaseModel):
    """Who spoke last."""

    by: Literal["contact", "agent", "bot"]
    at: datetime | None


class Why(BaseModel):
    """Why it isn't assigned: `code` is the suffix of a catalogue key."""

    code: str
    params: dict[str, JsonValue] = Field(default_factory=dict)


class Suggestion(BaseModel):
    """What would help."""

    action: Literal["assign", "raise_capacity"]
    agent_id: UUID
    load: int
    capacity: int


class QueuePlace(BaseModel):
    """A conversation's live place in a queue, for the inbox: waiting, offered (rings at an agent) or in service.

    `waited_seconds` up to when it was assigned, else up to now. `position` from 1 while it waits; lists leave it out.
    """

    id: UUID
    queue: QueueBrief | None
    conversation_id: UUID
    status: ItemStatus
    position: int | None = None
    entered_at: datetime
    waited_seconds: int
    sla_seconds: int | None
    sla_due_at: datetime | None
    sla_state: Literal["ok", "soon", "late"]
    offered_until: datetime | None
    assigned_at: datetime | None


class ItemView(BaseModel):
    """A conversation's place in a queue. Times in seconds; `position` from 1 while it waits."""

    id: UUID
    queue: QueueBrief | None
    conversation_id: UUID
    contact: ContactRef
    channel: str
    status: ItemStatus
    priority: ItemPriority
    source: str
    skills: list[str]
    note: str
    position: int | None
    entered_at: datetime
    waited_seconds: int
    wait_until: datetime | None
    sla_seconds: int | None
    sla_due_at: datetime | None
    sla_state: Literal["ok", "soon", "late"]
    predicted_wait_seconds: int | None
    agent: AgentRef | None
    offered_to: AgentRef | None
    offered_until: datetime | None
    assigned_at: datetime | None
    handled_seconds: int | None
    last_word: LastWord
    ended_at: datetime | None
    outcome: str
    csat_score: int | None
    why: Why | None = None
    suggestions: list[Suggestion] = Field(default_factory=list)
