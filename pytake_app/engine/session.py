"""Session, triggers, resumes and the context a sprint runs in.

``Session`` is the only state between two sprints: the host stores ``model_dump_json()`` and gives it
back. Everything else (contact, organization, clock, ids, other flows) comes in ``RunContext``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from pytake_app.engine.events import Event, WaitKind
from pytake_app.engine.limits import LONG_DELAY_MINUTES
from pytake_app.engine.requests import RequestResult

if TYPE_CHECKING:
    from pytake_app.engine.compiled import CompiledFlow

SessionStatus = Literal["active", "waiting", "completed", "expired", "failed", "handed_off", "interrupted"]
TriggerKind = Literal["universal", "keyword", "template", "webhook", "schedule", "event", "api", "jump", "test"]


class InboundMedia(BaseModel):
    """A received file; ``url`` is ours (never the platform's signed one)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str | None = None
    kind: str = "document"
    mime_type: str | None = None
    filename: str | None = None
    url: str | None = None
    caption: str = ""


class InboundLocation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


class InboundInput(BaseModel):
    """One inbound message as the engine sees it (``type`` as in the API's message.type)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: str = "text"
    text: str = ""
    selection_id: str | None = None
    media: InboundMedia | None = None
    location: InboundLocation | None = None
    form: dict[str, JsonValue] | None = None
    """Answers of a submitted WhatsApp Flows form."""
    external_id: str | None = None
    context_external_id: str | None = None
    at: datetime | None = None


class Trigger(BaseModel):
    """Why a session starts. ``node_id`` names the trigger node; without it the flow's first trigger
    of this kind (or its ``start``) is entered. ``params`` become session variables."""

    model_config = ConfigDict(frozen=True)

    kind: TriggerKind
    node_id: str | None = None
    message: InboundInput | None = None
    params: dict[str, JsonValue] = Field(default_factory=dict)


class MessageResume(BaseModel):
    """The contact wrote, pressed or sent something."""

    model_config = ConfigDict(frozen=True)

    type: Literal["message"] = "message"
    message: InboundInput


class TimeoutResume(BaseModel):
    """The timer of wait ``wait_id`` is due. Of an older wait: nothing happens."""

    model_config = ConfigDict(frozen=True)

    type: Literal["timeout"] = "timeout"
    wait_id: str


class DelayResume(BaseModel):
    """The delay ``wait_id`` is over."""

    model_config = ConfigDict(frozen=True)

    type: Literal["delay"] = "delay"
    wait_id: str


class HandoffResume(BaseModel):
    """What became of a hand-off: ``transferred`` (a person took it), ``timeout`` (nobody did in
    time) or ``closed`` (a person closed the conversation, or the queue refused it)."""

    model_config = ConfigDict(frozen=True)

    type: Literal["handoff"] = "handoff"
    wait_id: str
    result: Literal["transferred", "timeout", "closed"]


class RequestResume(BaseModel):
    """What came of the request ``request_id`` (the id of its wait)."""

    model_config = ConfigDict(frozen=True)

    type: Literal["request"] = "request"
    request_id: str
    result: RequestResult


class ExpiryResume(BaseModel):
    """The host expires the session whatever its wait: timeout port if wired, else ended quietly."""

    model_config = ConfigDict(frozen=True)

    type: Literal["expiry"] = "expiry"


class CancelResume(BaseModel):
    """The session is stopped from outside (a person took over, opt-out, API): ``interrupted``."""

    model_config = ConfigDict(frozen=True)

    type: Literal["cancel"] = "cancel"
    reason: str = ""


Resume = Annotated[
    MessageResume | TimeoutResume | DelayResume | HandoffResume | RequestResume | ExpiryResume | CancelResume,
    Field(discriminator="type"),
]


class Wait(BaseModel):
    """What a session waits for. ``expiry``: ``timeout_at`` is the flow's expiry, not the node's own
    timeout. ``attempts``: answers refused so far."""

    id: str
    kind: WaitKind
    node_id: str
    since: datetime
    timeout_at: datetime | None = None
    expiry: bool = False
    attempts: int = 0


class Frame(BaseModel):
    """A flow that called another one and waits for it at ``node_id``. ``variables``: its own, kept while the
    called flow has others (None: shared). ``outputs``: its variable → the called flow's, taken at the return."""

    flow_id: str
    flow_version: int
    node_id: str
    variables: dict[str, JsonValue] | None = None
    outputs: dict[str, str] = Field(default_factory=dict)


class LastInput(BaseModel):
    """The part of the last inbound message that expressions can read."""

    type: str = "text"
    text: str = ""
    selection_id: str | None = None
    media_url: str | None = None
    media_id: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    external_id: str | None = None
    form: dict[str, JsonValue] | None = None


class Session(BaseModel):
    """One contact's run through a flow version.

    ``flow_id``/``flow_version`` is where it stands now, ``root_flow_id``/``root_version`` where it
    began, ``stack`` the calling flows, outermost first. Serialise with ``model_dump_json``.
    """

    id: str
    root_flow_id: str
    root_version: int
    flow_id: str
    flow_version: int
    status: SessionStatus = "active"
    current_node: str | None = None
    wait: Wait | None = None
    stack: list[Frame] = Field(default_factory=list)
    variables: dict[str, JsonValue] = Field(default_factory=dict)
    last_input: LastInput | None = None
    last_selection: str | None = None
    outcome: str | None = None
    started_at: datetime
    visits: int = 0
    trigger: TriggerKind = "api"
    calls: int = 0
    """Outside requests since the contact last wrote or a delay passed."""
    draws: dict[str, int] = Field(default_factory=dict)
    """How often each split that isn't sticky has drawn."""

    if not TYPE_CHECKING:
        # The engine writes plain fields, many a sprint, and nothing is checked on assignment.
        __setattr__ = object.__setattr__

    @property
    def ended(self) -> bool:
        """True when no resume can change it any more."""
        return self.wait is None and self.status not in ("active", "waiting")

    @property
    def delayed(self) -> bool:
        """It is in a delay so long that other flows may answer the contact meanwhile."""
        wait = self.wait
        if wait is None or wait.kind != "delay" or wait.timeout_at is None:
            return False
        return wait.timeout_at - wait.since > timedelta(minutes=LONG_DELAY_MINUTES)


@dataclass(slots=True)
class ContactView:
    """What expressions may read of the contact. ``fields`` are custom fields by key."""

    id: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""
    language: str = ""
    lifecycle_stage: str = ""
    lead_score: int = 0
    tags: list[str] = field(default_factory=list)
    fields: dict[str, JsonValue] = field(default_factory=dict)


@dataclass(slots=True)
class OrgView:
    """What a sprint may know of the organization. ``timezone`` is an IANA name, ``hours`` its default
    calendar in the form of a ``business_hours`` config (periods, holidays), ``calendars`` the others; each with its
    ``id`` and ``name``."""

    id: str = ""
    name: str = ""
    timezone: str = "America/Sao_Paulo"
    locale: str = "pt_BR"
    hours: dict[str, JsonValue] = field(default_factory=dict)
    calendars: list[dict[str, JsonValue]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FlowRef:
    """Another flow: its id or slug, and a pinned version (None: the live one)."""

    flow: str
    version: int | None = None


def _no_flow(_ref: FlowRef) -> CompiledFlow | None:
    return None


def _no_timer() -> int:
    return 0


def _no_history(_count: int) -> list[tuple[Literal["user", "assistant"], str]]:
    return []


@dataclass(slots=True)
class RunContext:
    """All a sprint may know of the world, handed in by the host.

    ``now`` is aware UTC and stands still during the sprint. ``new_id`` makes ids (session, waits).
    ``window_expires_at``: end of the 24 hour service window, None when it never opened.
    ``load_flow`` gives other flows (jump, return). ``timer_ns`` is a monotonic counter for the step
    log's durations only; the default leaves them 0. ``ai``: is a provider of language models there?
    ``history`` gives the last messages of the conversation, oldest first, as (role, text).
    """

    now: datetime
    new_id: Callable[[], str]
    contact: ContactView = field(default_factory=ContactView)
    org: OrgView = field(default_factory=OrgView)
    channel: str = "whatsapp"
    window_expires_at: datetime | None = None
    load_flow: Callable[[FlowRef], CompiledFlow | None] = _no_flow
    timer_ns: Callable[[], int] = _no_timer
    ai: bool = False
    history: Callable[[int], list[tuple[Literal["user", "assistant"], str]]] = _no_history


@dataclass(slots=True)
class Step:
    """One visit of a node. ``port`` None: it waits, or the session ended there. ``reads`` and
    ``writes`` map names to (shortened) values; ``why`` says in English why this port was taken."""

    node_id: str
    node_type: str
    flow_id: str
    port: str | None
    at: datetime
    reads: dict[str, JsonValue]
    writes: dict[str, JsonValue]
    why: str
    duration_us: int = 0
    flow_version: int | None = None


@dataclass(slots=True)
class Sprint:
    """One uninterrupted run: the session after it, what happened, and the step log. ``ignored`` is
    set when the resume was stale and nothing happened (no event, session unchanged)."""

    session: Session
    events: list[Event]
    steps: list[Step]
    ignored: bool = False
