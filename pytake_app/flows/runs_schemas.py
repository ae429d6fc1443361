"""What the API says of a flow's runs."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from pytake_app.engine.session import SessionStatus
from pytake_app.flows.session_schemas import FlowSessionView

RunEnd = Literal["completed", "handed_off", "dropped", "in_progress"]


class RunView(BaseModel):
    """A row of a list of runs. `at`: when it came to the node asked for, else when it began."""

    id: UUID
    version: int
    status: SessionStatus
    end: RunEnd
    outcome: str | None
    current_node: str | None
    contact_id: UUID
    contact_name: str
    contact_phone: str | None = Field(description="only its last four digits for viewers")
    conversation_id: UUID
    channel_account_id: UUID
    sandbox: bool
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    at: datetime


class RunMessage(BaseModel):
    """A message of the conversation, as a run's steps are shown beside it."""

    id: UUID
    direction: Literal["in", "out"]
    type: str
    text: str
    selection_id: str | None
    node_id: str | None
    at: datetime


class RunDetail(BaseModel):
    """One run, step by step. `session.steps` name the nodes; `messages` are those of its time, oldest first."""

    session: FlowSessionView
    contact_name: str
    contact_phone: str | None
    sandbox: bool
    flow_versions: list[int | None] = Field(description="version of the flow that each step belongs to")
    flow_ids: list[UUID] = Field(description="flow that each step belongs to: a called one is another")
    messages: list[RunMessage]
