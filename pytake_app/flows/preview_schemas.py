"""What the API and the editor say and hear about trying a flow out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from pytake_app.channels.capabilities import ChannelKind
from pytake_app.engine.events import Event
from pytake_app.engine.requests import OutsideRequest
from pytake_app.engine.session import SessionStatus, Wait
from pytake_app.engine.verify import Finding
from pytake_app.flows.schemas import Request

JsonObject = dict[str, Any]
MAX_INPUTS = 200
MAX_MINUTES = 60 * 24 * 400
"""The furthest that one step sets the clock, in minutes."""
NodeId = Annotated[str, StringConstraints(min_length=1, max_length=100)]
InputType = Literal[
    "text", "selection", "media", "location", "form", "contacts", "reaction",
    "timeout", "clock", "start", "set", "answer", "handoff",
]  # fmt: skip


class PreviewMedia(Request):
    """A file the contact sends in a preview; nothing is fetched."""

    kind: Literal["image", "video", "audio", "document", "sticker"] = "image"
    filename: str = Field(default="", max_length=240)
    mime_type: str = Field(default="", max_length=120)
    caption: str = Field(default="", max_length=1024)


class PreviewLocation(Request):
    """A place the contact sends in a preview."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: str = Field(default="", max_length=200)
    address: str = Field(default="", max_length=500)


class PreviewResponse(Request):
    """What a call to the outside is to answer in a preview, where nothing is called. `text` is a language model's."""

    status: int = Field(default=200, ge=0, le=599)
    body: str = Field(default="{}", max_length=100_000)
    text: str = Field(default="", max_length=10_000)
    error: str | None = Field(default=None, max_length=60)


class PreviewValue(Request):
    """A value that the tester writes: a session variable, or a field of the contact."""

    scope: Literal["session", "contact"] = "session"
    name: str = Field(min_length=1, max_length=100)
    value: JsonValue = None


class PreviewInput(Request):
    """One thing that happens.

    The contact: `text`, `selection` (of a button, a row), `media`, `location`, `form` (its answers), `contacts`,
    `reaction` (never answered by a flow). The world: `timeout` (nothing comes until the pending timer is due), `clock`
    (`minutes` pass, or it becomes `to`; timers that are due on the way fire), `answer` (`response` of the call that is
    waited for), `handoff` (`result`: what became of it). The tester: `start` (begin at `node_id`, keeping the
    variables, with `text` or `selection_id` as the message that triggers it), `set` (write `value`).

    `after_minutes`: the input comes this long after the one before, without any timer firing meanwhile.
    """

    type: InputType
    text: str = Field(default="", max_length=4096)
    selection_id: str | None = Field(default=None, max_length=256)
    media: PreviewMedia | None = None
    location: PreviewLocation | None = None
    form: dict[str, JsonValue] | None = None
    minutes: int | None = Field(default=None, ge=1, le=MAX_MINUTES)
    to: datetime | None = None
    node_id: NodeId | None = None
    value: PreviewValue | None = None
    response: PreviewResponse | None = None
    result: Literal["transferred", "closed", "timeout"] | None = None
    after_minutes: int | None = Field(default=None, ge=0, le=MAX_MINUTES)


class PreviewContact(Request):
    """Who the preview plays. `language` is a tag such as pt_BR."""

    id: str = Field(default="preview", max_length=60)
    name: str = Field(default="Maria", max_length=200)
    phone: str = Field(default="5511987654321", max_length=30)
    email: str = Field(default="", max_length=200)
    language: str = Field(default="", max_length=20)
    lifecycle_stage: str = Field(default="", max_length=60)
    lead_score: int = Field(default=0, ge=-1_000_000, le=1_000_000)
    tags: list[Annotated[str, StringConstraints(max_length=100)]] = Field(default_factory=list, max_length=50)
    fields: dict[str, JsonValue] = Field(default_factory=dict, max_length=100)


class PreviewScript(Request):
    """A conversation to play through a flow in memory; nothing is sent or stored.

    `trigger` names the trigger node to enter at; by default the first input decides as in production (keyword, else
    universal, else start). `responses` answer calls to the outside, by node id; what isn't there is answered by 200
    with an empty object and a bracketed text (`outside: simulate`), or the conversation stops until an `answer` comes
    (`ask`). `now` (UTC) fixes the clock, by default 2026-01-05 12:00. `channel`: messages are shown as it would show
    them. `other_flows: stub` lets flows that are entered end at once (those in `missing_flows` aren't there). `seed`
    decides whom splits send where. `ai`: whether a provider of language models is there; by default as it is.
    """

    inputs: list[PreviewInput] = Field(default_factory=list, max_length=MAX_INPUTS)
    trigger: NodeId | None = None
    contact: PreviewContact = Field(default_factory=PreviewContact)
    variables: dict[str, JsonValue] = Field(default_factory=dict, max_length=200)
    responses: dict[NodeId, PreviewResponse] = Field(default_factory=dict, max_length=50)
    outside: Literal["simulate", "ask"] = "simulate"
    now: datetime | None = None
    channel: ChannelKind = "whatsapp"
    other_flows: Literal["live", "stub"] = "live"
    missing_flows: list[str] = Field(default_factory=list, max_length=50)
    seed: str = Field(default="", max_length=60)
    ai: bool | None = None


class PreviewRequest(PreviewScript):
    """A script for the draft or the live version.

    The whole script is played each time: a step back is the same script without its last input.
    """

    source: Literal["draft", "live"] = "draft"


class PreviewStep(BaseModel):
    """One visit of a node during the preview. `flow_version` 0: the draft."""

    node_id: str
    node_type: str
    flow_id: str
    flow_version: int = 0
    port: str | None
    at: datetime
    why: str
    reads: dict[str, JsonValue]
    writes: dict[str, JsonValue]


class ShownMessage(BaseModel):
    """How a message reaches the contact when not as the flow says it. `event`: its index among the turn's events.

    `contents` are sent instead (none: it is dropped). `changes` are stable words (`buttons_as_numbers`…). `problem`:
    why it can't be sent at all (`field: code`), empty when it can.
    """

    event: int
    contents: list[JsonObject] = Field(default_factory=list)
    changes: list[str] = Field(default_factory=list)
    problem: str = ""
    problem_code: str = ""


class PreviewTurn(BaseModel):
    """What one input caused. `input` is null for a flow that begins by itself (entered at `start`).

    `ignored` says why the flow did not take an input: `session_ended`, `no_trigger`, `no_timer`, `session_busy` (it
    waits for a delay or an answer from outside), `with_person` (handed over), `opted_out` (an opt-out word; ends the
    session), `silent` (reactions never reach a flow), `no_node`, `no_request`, `no_handoff`, `no_session`.
    `outside_window`: indexes of free-form messages that the channel would refuse, the service window being closed.
    """

    input: PreviewInput | None
    at: datetime
    events: list[Event]
    steps: list[PreviewStep]
    ignored: str | None = None
    shown: list[ShownMessage] = Field(default_factory=list)
    outside_window: list[int] = Field(default_factory=list)


class PreviewSession(BaseModel):
    """Where the session stands after the last input. `stack`: ids of the flows that called this one, outermost
    first."""

    status: SessionStatus
    flow_id: str
    current_node: str | None
    wait: Wait | None
    variables: dict[str, JsonValue]
    outcome: str | None = None
    stack: list[str] = Field(default_factory=list)


class PendingRequest(BaseModel):
    """A call that waits for its `answer`. Secrets stand in `request` by name only."""

    node_id: str
    flow_id: str
    kind: Literal["http", "ai"]
    request: OutsideRequest


class PathStep(BaseModel):
    """A node that was passed and the port it was left by; the canvas lights these."""

    model_config = ConfigDict(frozen=True)

    flow_id: str
    node_id: str
    port: str | None


class PreviewResult(BaseModel):
    """The whole conversation as the engine plays it. `revision` is the draft's, or null for the live version.

    `flows` names the flows that the session stood in. `window_expires_at`: null where a channel has no window.
    """

    turns: list[PreviewTurn]
    session: PreviewSession | None
    path: list[PathStep]
    revision: int | None
    version: int | None
    findings: list[Finding] | None = None
    now: datetime
    channel: ChannelKind
    contact: PreviewContact
    window_expires_at: datetime | None = None
    pending: PendingRequest | None = None
    flows: dict[str, str] = Field(default_factory=dict)


class CallResult(BaseModel):
    """What the outside really answered: the `response` to put into the script. `duration_ms` is the whole call's."""

    node_id: str
    response: PreviewResponse
    duration_ms: int = 0
    truncated: bool = False
