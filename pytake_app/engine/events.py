"""What a sprint says happened. The host applies events in order; the engine never does I/O.

``TypeAdapter(Event)`` reads and writes the discriminated union by its ``type``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from pytake_app.engine.content import Content
from pytake_app.engine.requests import OutsideRequest

WaitKind = Literal["message", "delay", "handoff", "request"]
EndStatus = Literal["completed", "expired", "failed", "handed_off", "interrupted"]
FallbackAction = Literal["abandon", "flow", "message", "queue"]


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)


class MessageOut(_Event):
    """Send this to the contact, after the messages before it."""

    type: Literal["message_out"] = "message_out"
    node_id: str
    content: Content


class VariableSet(_Event):
    """A session variable was written (it is already in the session)."""

    type: Literal["variable_set"] = "variable_set"
    node_id: str
    name: str
    value: JsonValue


class ContactFieldSet(_Event):
    """Set a field of the contact: ``name``, ``email``, ``language``, ``lifecycle_stage``,
    ``lead_score``, ``opted_in``, or a custom field by its key. ``value`` None clears it."""

    type: Literal["contact_field_set"] = "contact_field_set"
    node_id: str
    field: str
    value: JsonValue


class ContactTagged(_Event):
    """Add (or with ``removed`` take off) a tag of the contact, by name."""

    type: Literal["contact_tagged"] = "contact_tagged"
    node_id: str
    tag: str
    removed: bool = False


class Handoff(_Event):
    """Give the conversation to people.

    ``priority``: 0 normal, 1 high, 2 urgent. ``message`` was already sent as a MessageOut; it is
    repeated for the log. ``fallback_action`` is applied by the engine when the wait times out.
    """

    type: Literal["handoff"] = "handoff"
    node_id: str
    queue_id: str | None = None
    queue_name: str | None = None
    priority: Literal[0, 1, 2] = 0
    message: str = ""
    wait_timeout_minutes: int | None = None
    fallback_action: FallbackAction = "abandon"
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class WaitSet(_Event):
    """The session waits. ``timeout_at`` (UTC) is when the host must resume it with
    ``TimeoutResume(wait_id)`` (``DelayResume`` when ``kind`` is ``delay``); None: no timer. With ``kind``
    ``request`` a RequestMade follows."""

    type: Literal["wait_set"] = "wait_set"
    wait_id: str
    kind: WaitKind
    node_id: str
    timeout_at: datetime | None = None


class WaitCleared(_Event):
    """The wait is over; its timer can go."""

    type: Literal["wait_cleared"] = "wait_cleared"
    wait_id: str


class RequestMade(_Event):
    """Perform this outside the transaction, after commit, and resume with ``RequestResume(request_id)``.
    ``request_id`` is the wait's id, so an answer that comes too late is recognised."""

    type: Literal["request_made"] = "request_made"
    request_id: str
    node_id: str
    kind: Literal["http", "ai"]
    request: OutsideRequest


class EventEmitted(_Event):
    """Tell whoever subscribed (webhook endpoints) that ``name`` happened, with these values."""

    type: Literal["event_emitted"] = "event_emitted"
    node_id: str
    name: str
    payload: dict[str, JsonValue] = Field(default_factory=dict)


class NotificationAsked(_Event):
    """Notify people: ``audience`` everyone, assignee, or the user/department named by ``target``."""

    type: Literal["notification_asked"] = "notification_asked"
    node_id: str
    audience: Literal["everyone", "assignee", "user", "department"]
    target: str = ""
    title: str
    body: str = ""
    level: Literal["info", "warning", "urgent"] = "info"


class AgentAssigned(_Event):
    """Give the conversation to a person: ``user`` is an id or an e-mail address."""

    type: Literal["agent_assigned"] = "agent_assigned"
    node_id: str
    user: str


class ConversationClosed(_Event):
    """Close the conversation."""

    type: Literal["conversation_closed"] = "conversation_closed"
    node_id: str
    reason: str = ""


class FlowEntered(_Event):
    """The session now stands in this flow. ``via``: start, go, call or return."""

    type: Literal["flow_entered"] = "flow_entered"
    flow_id: str
    version: int
    via: Literal["start", "go", "call", "return"]


class SessionEnded(_Event):
    """The session is over. ``outcome`` is the label of the ``end`` node, if any."""

    type: Literal["session_ended"] = "session_ended"
    status: EndStatus
    outcome: str | None = None


class ErrorRaised(_Event):
    """Something went wrong at a node. ``code`` is stable (``engine.limits.ERROR_CODES``); ``message``
    is English for developers and holds no message bodies."""

    type: Literal["error_raised"] = "error_raised"
    node_id: str | None
    code: str
    message: str


Event = Annotated[
    MessageOut
    | VariableSet
    | ContactFieldSet
    | ContactTagged
    | Handoff
    | WaitSet
    | WaitCleared
    | RequestMade
    | EventEmitted
    | NotificationAsked
    | AgentAssigned
    | ConversationClosed
    | FlowEntered
    | SessionEnded
    | ErrorRaised,
    Field(discriminator="type"),
]
