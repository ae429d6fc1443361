"""What the API and the pages say and hear about sessions and about trying a flow out."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from pytake_app.engine.events import Event
from pytake_app.engine.session import SessionStatus, Wait
from pytake_app.engine.verify import Finding
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


class PreviewMedia(Request):
    """A file the contact sends in a preview; nothing is fetched."""

    kind: Literal["image", "video", "audio", "document", "sticker"] = "image"
    filename: str = ""
    mime_type: str = ""
    caption: str = ""


class PreviewLocation(Request):
    """A place the contact sends in a preview."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: str = ""
    address: str = ""


class PreviewInput(Request):
    """One thing the contact does. `timeout`: nothing comes until the pending timer (wait, delay or expiry) is due."""

    type: Literal["text", "selection", "timeout", "media", "location"]
    text: str = Field(default="", max_length=4096)
    selection_id: str | None = Field(default=None, max_length=256)
    media: PreviewMedia | None = None
    location: PreviewLocation | None = None


class PreviewContact(Request):
    """Who the preview plays."""

    name: str = Field(default="Maria", max_length=200)
    phone: str = Field(default="5511987654321", max_length=30)
    language: str = Field(default="", max_length=20)
    """A locale such as `es` or `pt_BR`; empty: the flow speaks its own language."""
    fields: dict[str, JsonValue] = Field(default_factory=dict)


class PreviewResponse(Request):
    """What a call to the outside is to answer in a preview, where nothing is called. `text` is a language model's."""

    status: int = Field(default=200, ge=0, le=599)
    body: str = Field(default="{}", max_length=100_000)
    text: str = Field(default="", max_length=10_000)
    error: str | None = Field(default=None, max_length=60)


class PreviewRequest(Request):
    """A script of inputs to play through a flow in memory; nothing is sent or stored.

    The whole script is played each time: a step back is the same script without its last input. `trigger` names the
    trigger node to enter at; by default the first input decides as in production (keyword, else universal, else start).
    `responses` answer calls to the outside, by node id; others get 200 with an empty object, models a bracketed text.
    `now` (UTC) fixes the clock, by default 2026-01-05 12:00.
    """

    inputs: list[PreviewInput] = Field(default_factory=list, max_length=200)
    source: Literal["draft", "live"] = "draft"
    trigger: str | None = None
    contact: PreviewContact = Field(default_factory=PreviewContact)
    variables: dict[str, JsonValue] = Field(default_factory=dict)
    responses: dict[str, PreviewResponse] = Field(default_factory=dict, max_length=50)
    now: datetime | None = None


class PreviewStep(BaseModel):
    """One visit of a node during the preview."""

    node_id: str
    node_type: str
    flow_id: str
    port: str | None
    at: datetime
    why: str
    reads: dict[str, JsonValue]
    writes: dict[str, JsonValue]


class PreviewTurn(BaseModel):
    """What one input caused. `input` is null for a flow that begins by itself (entered at `start`).

    `ignored` says why the flow did not take an input: `session_ended`, `no_trigger`, `no_timer`, `session_busy` (it
    waits for a delay), `with_person` (handed over), `opted_out` (an opt-out word; ends the session).
    """

    input: PreviewInput | None
    at: datetime
    events: list[Event]
    steps: list[PreviewStep]
    ignored: str | None = None


class PreviewSession(BaseModel):
    """Where the session stands after the last input."""

    status: SessionStatus
    flow_id: str
    current_node: str | None
    wait: Wait | None
    variables: dict[str, JsonValue]
    outcome: str | None = None


class PathStep(BaseModel):
    """A node that was passed and the port it was left by; the canvas lights these."""

    model_config = ConfigDict(frozen=True)

    flow_id: str
    node_id: str
    port: str | None


class PreviewResult(BaseModel):
    """The whole conversation as the engine plays it. `revision` is the draft's, or null for the live version."""

    turns: list[PreviewTurn]
    session: PreviewSession | None
    path: list[PathStep]
    revision: int | None
    version: int | None
    findings: list[Finding] | None = None
