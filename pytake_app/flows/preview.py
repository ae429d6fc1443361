"""Trying a flow out in memory: a script of inputs on the production engine; nothing is sent, nothing is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from pytake_app.config import get_settings
from pytake_app.core.tenancy import Principal, Role, organization_of
from pytake_app.engine import runner
from pytake_app.engine import session as engine
from pytake_app.engine.compiled import CompiledFlow
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.events import ContactFieldSet, ContactTagged, RequestMade
from pytake_app.engine.requests import AiRequest, AiResult, HttpResult
from pytake_app.engine.triggers import (
    TriggerCandidate,
    TriggerSpec,
    flow_triggers,
    is_opt_out,
    match_template_reply,
    match_triggers,
)
from pytake_app.flows import editing, repository
from pytake_app.flows.models import Flow
from pytake_app.flows.session_schemas import (
    PathStep,
    PreviewInput,
    PreviewRequest,
    PreviewResponse,
    PreviewResult,
    PreviewSession,
    PreviewStep,
    PreviewTurn,
)
from pytake_app.outgoing import ai as outgoing

SIMULATED_TEXT = "[…]"
"""What a language model says in a preview, where none is asked."""
FIXED_NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
BETWEEN_INPUTS = timedelta(seconds=1)
WINDOW = timedelta(hours=24)
LoadFlow = Callable[[engine.FlowRef], CompiledFlow | None]


def preview(session: Session, principal: Principal, ref: UUID | str, request: PreviewRequest) -> PreviewResult:
    """Play the whole script through the draft or the live version.

    Ids and clock are fixed, so the same script gives the same answer. The service window counts as open from the
    beginning and again after each thing the contact does.

    Raises:
        NotFoundError: no such flow, or `source` is live and nothing is live.
    """
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    live = request.source == "live"
    raw = repository.version(session, flow.id, flow.live_version or 0).document if live else flow.draft_document
    document = FlowDocument.model_validate(raw)
    version = flow.live_version if live else None
    phone = Phone(
        document=document,
        flow=runner.compile_flow(document, str(flow.id), version or 0),
        request=request,
        load_flow=_loader(session, flow, document),
        organization=engine.OrgView(id=str(organization_of(session)), locale=document.settings.locale),
        ai=outgoing.available(get_settings()),
    )
    phone.play()
    return PreviewResult(
        turns=phone.turns,
        session=phone.summary(),
        path=phone.path(),
        revision=None if live else flow.draft_revision,
        version=version,
        findings=None if live else editing.findings_of(session, flow),
    )


def _loader(session: Session, flow: Flow, document: FlowDocument) -> LoadFlow:
    """Other flows come as they are live; a jump to the flow itself stays in what is being tried."""
    cache: dict[str, CompiledFlow | None] = {}

    def load(wanted: engine.FlowRef) -> CompiledFlow | None:
        if wanted.flow in {str(flow.id), flow.slug}:
            return runner.compile_flow(document, str(flow.id), wanted.version or 0)
        if wanted.flow not in cache:
            cache[wanted.flow] = _load_live(session, wanted)
        return cache[wanted.flow]

    return load


def _load_live(session: Session, wanted: engine.FlowRef) -> CompiledFlow | None:
    found = repository.find_live(session, wanted.flow, wanted.version)
    if found is None:
        return None
    return runner.compile_flow(FlowDocument.model_validate(found.document), str(found.flow_id), found.version)


def _counted_ids() -> Callable[[], str]:
    number = 0

    def make() -> str:
        nonlocal number
        number += 1
        return str(UUID(int=(7 << 76) | (2 << 62) | number))

    return make


@dataclass(slots=True)
class Phone:
    """One conversation in memory."""

    document: FlowDocument
    flow: CompiledFlow
    request: PreviewRequest
    load_flow: LoadFlow
    organization: engine.OrgView
    ai: bool = False
    turns: list[PreviewTurn] = field(default_factory=list)
    session: engine.Session | None = None
    _now: datetime = FIXED_NOW
    _window: datetime = FIXED_NOW + WINDOW
    _new_id: Callable[[], str] = field(default_factory=_counted_ids)
    _contact: engine.ContactView = field(default_factory=engine.ContactView)
    _triggers: list[TriggerSpec] = field(default_factory=list)

    def play(self) -> None:
        """Run the script from its beginning."""
        asked = self.request.now or FIXED_NOW
        self._now = asked if asked.tzinfo else asked.replace(tzinfo=UTC)
        self._window = self._now + WINDOW
        person = self.request.contact
        self._contact = engine.ContactView(
            id="preview",
            name=person.name,
            phone=person.phone,
            language=person.language,
            fields=dict(person.fields),
        )
        self._triggers = flow_triggers(self.document)
        answers = any(t.kind in {"universal", "keyword", "template"} for t in self._triggers)
        if self.request.trigger is not None or not answers:
            trigger = engine.Trigger(kind="test", node_id=self.request.trigger, params=self.request.variables)
            self._keep(None, runner.start(self.flow, trigger, self._context()))
        for item in self.request.inputs:
            self._turn(item)

    def _turn(self, item: PreviewInput) -> None:
        if item.type == "timeout":
            self._time_out(item)
            return
        self._now += BETWEEN_INPUTS
        self._window = self._now + WINDOW
        message = inbound(item, self._now)
        status = self.session.status if self.session is not None else None
        waits_for = self.session.wait.kind if self.session is not None and self.session.wait is not None else None
        if item.type in {"text", "selection"} and is_opt_out(message.text):
            running = status in {"active", "waiting"}
            self._keep(item, self._resume(engine.CancelResume(reason="opted_out")) if running else None)
            self.turns[-1].ignored = "opted_out"
        elif status == "handed_off":
            self._keep(item, None, stale="with_person")
        elif status == "waiting" and waits_for != "message":
            self._keep(item, None, stale="session_busy")
        elif status == "waiting":
            self._keep(item, self._resume(engine.MessageResume(message=message)), stale="session_busy")
            assert self.session is not None
            if self.session.status == "interrupted" and (self.session.outcome or "").startswith("keyword:"):
                # The word broke off the session; it may begin another one.
                self._begin(item, message, same_turn=True)
        else:
            self._begin(item, message)

    def _begin(self, item: PreviewInput, message: engine.InboundInput, *, same_turn: bool = False) -> None:
        trigger = self._trigger_for(message)
        if trigger is not None:
            self._keep(item, runner.start(self.flow, trigger, self._context()), same_turn=same_turn)
        elif not same_turn:
            self._keep(item, None, stale="no_trigger" if self.session is None else "session_ended")

    def _trigger_for(self, message: engine.InboundInput) -> engine.Trigger | None:
        """As in production: a template's reply, a keyword, a universal trigger; a bare `start` begins only once."""
        candidates = [TriggerCandidate(flow_id=self.flow.flow_id, spec=spec) for spec in self._triggers]
        match = match_template_reply(message, None, candidates) or match_triggers(message.text, candidates)
        variables = self.request.variables
        if match is not None:
            return engine.Trigger(kind=match.kind, node_id=match.node_id, message=message, params=variables)
        universal = next((spec for spec in self._triggers if spec.kind == "universal"), None)
        if universal is not None:
            return engine.Trigger(kind="universal", node_id=universal.node_id, message=message, params=variables)
        if self.session is None and any(spec.kind == "start" for spec in self._triggers):
            return engine.Trigger(kind="test", message=message, params=variables)
        return None

    def _time_out(self, item: PreviewInput) -> None:
        wait = self.session.wait if self.session is not None else None
        if wait is None or wait.timeout_at is None:
            self._keep(item, None, stale="no_timer")
            return
        self._now = max(self._now, wait.timeout_at)
        event: engine.Resume = engine.TimeoutResume(wait_id=wait.id)
        if wait.kind == "delay":
            event = engine.DelayResume(wait_id=wait.id)
        self._keep(item, self._resume(event), stale="no_timer")

    def _resume(self, event: engine.Resume) -> engine.Sprint:
        assert self.session is not None
        standing = engine.FlowRef(self.session.flow_id, self.session.flow_version)
        flow = self.flow if self.session.flow_id == self.flow.flow_id else self.load_flow(standing) or self.flow
        return runner.resume(self.session, flow, event, self._context())

    def _context(self) -> engine.RunContext:
        return engine.RunContext(
            now=self._now,
            new_id=self._new_id,
            contact=self._contact,
            org=self.organization,
            window_expires_at=self._window,
            load_flow=self.load_flow,
            ai=self.ai,
        )

    def _keep(
        self,
        item: PreviewInput | None,
        sprint: engine.Sprint | None,
        *,
        stale: str = "session_ended",
        same_turn: bool = False,
    ) -> None:
        """Note what an input caused; `same_turn` adds a second sprint to the input's turn."""
        if not same_turn:
            self.turns.append(PreviewTurn(input=item, at=self._now, events=[], steps=[]))
        turn = self.turns[-1]
        if sprint is None or sprint.ignored:
            turn.ignored = stale
            return
        self.session = sprint.session
        self._update_contact(sprint)
        turn.events += sprint.events
        turn.steps += [_step(step) for step in sprint.steps]
        made = next((event for event in sprint.events if isinstance(event, RequestMade)), None)
        if made is not None:
            resume = engine.RequestResume(request_id=made.request_id, result=self._answer(made))
            self._keep(item, self._resume(resume), same_turn=True)

    def _answer(self, made: RequestMade) -> HttpResult | AiResult:
        """Nothing is called in a preview: what the script says, else a plain success."""
        planned = self.request.responses.get(made.node_id)
        if made.kind == "http":
            given = planned or PreviewResponse()
            return HttpResult(status=0 if given.error else given.status, text=given.body, error=given.error)
        if planned is not None:
            return AiResult(text=planned.text, error=planned.error, model="preview")
        asked = made.request
        if isinstance(asked, AiRequest) and asked.json_schema is not None:
            return AiResult(error="not_called", model="preview")
        return AiResult(text=SIMULATED_TEXT, model="preview")

    def _update_contact(self, sprint: engine.Sprint) -> None:
        """Later turns read what this one wrote, as they would from the database."""
        for event in sprint.events:
            if isinstance(event, ContactTagged):
                tags = [tag for tag in self._contact.tags if tag != event.tag]
                self._contact.tags = tags if event.removed else [*tags, event.tag]
            elif isinstance(event, ContactFieldSet):
                if event.field in {"name", "email", "language", "lifecycle_stage"}:
                    setattr(self._contact, event.field, "" if event.value is None else str(event.value))
                elif event.field == "lead_score" and isinstance(event.value, int | float):
                    self._contact.lead_score = int(event.value)
                else:
                    self._contact.fields[event.field] = event.value

    def summary(self) -> PreviewSession | None:
        """Where the session stands."""
        if self.session is None:
            return None
        return PreviewSession(
            status=self.session.status,
            flow_id=self.session.flow_id,
            current_node=self.session.current_node,
            wait=self.session.wait,
            variables=self.session.variables,
            outcome=self.session.outcome,
        )

    def path(self) -> list[PathStep]:
        """Every node passed, in order."""
        return [
            PathStep(flow_id=step.flow_id, node_id=step.node_id, port=step.port)
            for turn in self.turns
            for step in turn.steps
        ]


def inbound(item: PreviewInput, at: datetime) -> engine.InboundInput:
    """The message that a phone would have sent."""
    if item.type == "selection":
        return engine.InboundInput(type="interactive", text=item.text, selection_id=item.selection_id, at=at)
    if item.type == "media":
        media = item.media
        kind = media.kind if media else "image"
        return engine.InboundInput(
            type=kind,
            text=media.caption if media else "",
            media=engine.InboundMedia(
                id="preview",
                kind=kind,
                mime_type=(media.mime_type or None) if media else None,
                filename=(media.filename or None) if media else None,
                url="preview:media",
                caption=media.caption if media else "",
            ),
            at=at,
        )
    if item.type == "location":
        place = item.location
        location = (
            engine.InboundLocation(**place.model_dump()) if place else engine.InboundLocation(latitude=0, longitude=0)
        )
        return engine.InboundInput(type="location", location=location, at=at)
    return engine.InboundInput(type="text", text=item.text, at=at)


def _step(step: engine.Step) -> PreviewStep:
    return PreviewStep(
        node_id=step.node_id,
        node_type=step.node_type,
        flow_id=step.flow_id,
        port=step.port,
        at=step.at,
        why=step.why,
        reads=step.reads,
        writes=step.writes,
    )
