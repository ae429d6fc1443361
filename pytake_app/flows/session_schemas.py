"""What the API and the pages say and hear about sessions and about trying a flow out."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field, JsonValue

from pytake_app.engine.session import SessionStatus, Wait
from pytake_app.flows.schemas import Request

JsonObject = dict[str, Any]


class StepView(BaseModel):
    """One visit of a node: which port was taken and why, what was read and written."""

    sequence: int
    node_id: str
    node_type: str
    port: str | None
    at: datetime
    why: str
    reads: dict[str, JsonValue]
    writes: dict[str, JsonValue]
    duration_us: int = 0
    message_ids: list[str] = Field(default_factory=list, description="What this visit sent")


class SessionSummary(BaseModel):
    """A row of a list of sessions."""

    id: UUID
    flow_id: UUID
    flow_name: str
    version: int
    contact_id: UUID
    conversation_id: UUID
    status: SessionStatus
    current_node: str | None
    outcome: str | None
    started_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None


class FlowSessionView(SessionSummary):
    """A session with its variables, what it waits for, and its step log."""

    variables: dict[str, JsonValue]
    wait: Wait | None
    steps: list[StepView]


class SessionStats(BaseModel):
    """Counts over the organization's sessions."""

    running: int
    waiting: int
    started_today: int
    by_status: dict[str, int]


class SessionStart(Request):
    """Start a flow for a contact. `contact_id` is an id or a phone number; an unknown number becomes a contact."""

    flow_id: str
    contact_id: str
    trigger_data: dict[str, JsonValue] = Field(default_factory=dict)


class SessionProcess(Request):
    """Answer a waiting session as if the contact had written."""

    session_id: UUID
    user_input: str | None = Field(default=None, max_length=4096)
    selection_id: str | None = Field(default=None, max_length=256)
