"""One conversation in memory, on the production engine: inputs in, events out, the clock in our hands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from pytake_app.core.budget import Budget
from pytake_app.engine import runner
from pytake_app.engine import session as engine
from pytake_app.engine.analysis.conversation import ids as seeded_ids
from pytake_app.engine.compiled import CompiledFlow
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.events import ContactFieldSet, ContactTagged, MessageOut, RequestMade
from pytake_app.engine.requests import AiRequest, AiResult, HttpResult
from pytake_app.engine.triggers import (
    TriggerCandidate,
    TriggerSpec,
    flow_triggers,
    is_opt_out,
    match_template_reply,
    match_triggers,
)
from pytake_app.flows.preview_schemas import (
    PathStep,
    PendingRequest,
    PreviewContact,
    PreviewInput,
    PreviewResponse,
    PreviewScript,
    PreviewSession,
    PreviewStep,
    PreviewTurn,
    PreviewValue,
)
from pytake_app.flows.preview_shown import shown, window_hours

SIMULATED_TEXT = "[…]"
"""What a language model says in a preview, where none is asked."""
FIXED_NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
BETWEEN_INPUTS = timedelta(seconds=1)
MAX_TIMERS = 50
"""Timers that one step of the clock may fire."""
STANDARD = frozenset({"name", "email", "language", "lifecycle_stage"})
RUN_SECONDS = 4.0
"""Processor time of one request's conversations. A preview takes some milliseconds."""
LoadFlow = Callable[[engine.FlowRef], CompiledFlow | None]


def _counted_ids() -> Callable[[], str]:
    number = 0

    def make() -> str:
        nonlocal number
        number += 1
        return str(UUID(int=(7 << 76) | (2 << 62) | number))

    return make


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


@dataclass(slots=True)
class Phone:
    """One conversation in memory. `play` it, then read `turns`, `summary`, `path`, `pending`, `person`."""

    document: FlowDocument
    flow: CompiledFlow
    script: PreviewScript
    load_flow: LoadFlow
    organization: engine.OrgView
    ai: bool = False
    budget: Budget = field(default_factory=lambda: Budget(RUN_SECONDS))
    turns: list[PreviewTurn] = field(default_factory=list)
    session: engine.Session | None = None
    now: datetime = FIXED_NOW
    window: datetime | None = None
    waiting_call: PendingRequest | None = None
    _new_id: Callable[[], str] = field(default_factory=_counted_ids)
    _contact: engine.ContactView = field(default_factory=engine.ContactView)
    _triggers: list[TriggerSpec] = field(default_factory=list)
    _preset: dict[str, object] = field(default_factory=dict)

    def play(self) -> None:
        """Run the script from its beginning.

        Raises:
            SpentError: code `run_too_long`: it takes more than its budget.
        """
        script = self.script
        self.now = _aware(script.now or FIXED_NOW)
        if script.seed:
            self._new_id = seeded_ids(script.seed)
        self._open_window()
        person = script.contact
        self._contact = engine.ContactView(
            **person.model_dump(exclude={"fields", "tags"}), fields=dict(person.fields), tags=list(person.tags)
        )
        self._preset = dict(script.variables)
        self._triggers = flow_triggers(self.document)
        answers = any(t.kind in {"universal", "keyword", "template"} for t in self._triggers)
        begins = script.inputs[0].type if script.inputs else None
        if begins != "start" and (script.trigger is not None or not answers):
            trigger = engine.Trigger.model_validate({"kind": "test", "node_id": script.trigger, "params": self._preset})
            self._keep(None, runner.start(self.flow, trigger, self._context()))
        for item in script.inputs:
            self._turn(item)

    # -- inputs ------------------------------------------------------------------------------------------------------

    def _turn(self, item: PreviewInput) -> None:
        match item.type:
            case "timeout":
                self._time_out(item)
            case "clock":
                self._pass_time(item)
            case "set":
                self._write(item, item.value)
            case "start":
                self._start_at(item)
            case "answer":
                self._answered(item)
            case "handoff":
                self._handed(item)
            case "reaction":
                self._step_on(item)
                self._open_window()
                self._keep(item, None, stale="silent")
            case _:
                self._said(item)

    def _step_on(self, item: PreviewInput) -> None:
        self.now += timedelta(minutes=item.after_minutes) if item.after_minutes is not None else BETWEEN_INPUTS

    def _open_window(self) -> None:
        hours = window_hours(self.script.channel)
        self.window = None if hours is None else self.now + timedelta(hours=hours)

    def _said(self, item: PreviewInput) -> None:
        self._step_on(item)
        self._open_window()
        message = inbound(item, self.now)
        status = self.session.status if self.session is not None else None
        waits_for = self.session.wait.kind if self.session is not None and self.session.wait is not None else None
        if item.type in {"text", "selection"} and is_opt_out(message.text):
            running = status in {"active", "waiting"}
            self._keep(item, self._resume(engine.CancelResume(reason="opted_out")) if running else None)
            self.turns[-1].ignored = "opted_out"
        elif status == "handed_off":
            self._keep(item, None, stale="with_person")
        elif status == "waiting" and waits_for not in {"message", "delay"}:
            self._keep(item, None, stale="session_busy")
        elif status == "waiting":
            assert self.session is not None
            sprint = self._resume(engine.MessageResume(message=message))
            if sprint.ignored and self.session.delayed and self._trigger_for(message) is not None:
                # As in production: the flow begins anew, and what it still meant to say is out of date.
                self._begin(item, message)
                return
            self._keep(item, sprint, stale="session_busy")
            if self.session.status == "interrupted" and (self.session.outcome or "").startswith("keyword:"):
                # The word broke off the session; it may begin another one.
                self._begin(item, message, same_turn=True)
        else:
            self._begin(item, message)

    def _begin(self, item: PreviewInput, message: engine.InboundInput, *, same_turn: bool = False) -> None:
        trigger = self._trigger_for(message)
        if same_turn and trigger is not None and trigger.kind == "universal":
            # What a word broke off doesn't begin again only because every message begins it.
            return
        if trigger is not None:
            self._keep(item, runner.start(self.flow, trigger, self._context()), same_turn=same_turn)
        elif not same_turn:
            self._keep(item, None, stale="no_trigger" if self.session is None else "session_ended")

    def _trigger_for(self, message: engine.InboundInput) -> engine.Trigger | None:
        """As in production: a template's reply, a keyword, a universal trigger; a bare `start` begins only once."""
        candidates = [TriggerCandidate(flow_id=self.flow.flow_id, spec=spec) for spec in self._triggers]
        match = match_template_reply(message, None, candidates) or match_triggers(message.text, candidates)
        kind, node_id = (match.kind, match.node_id) if match is not None else (None, None)
        if match is None:
            universal = next((spec for spec in self._triggers if spec.kind == "universal"), None)
            if universal is not None:
                kind, node_id = "universal", universal.node_id
            elif self.session is None and any(spec.kind == "start" for spec in self._triggers):
                kind = "test"  # type: ignore[assignment]  # the engine's word for a flow begun by hand
        if kind is None:
            return None
        return engine.Trigger.model_validate(
            {"kind": kind, "node_id": node_id, "message": message, "params": self._preset}
        )

    def _start_at(self, item: PreviewInput) -> None:
        """Begin at a node, whatever went before; the variables stay."""
        self._step_on(item)
        if item.node_id is None or self.document.node(item.node_id) is None:
            self._keep(item, None, stale="no_node")
            return
        spec = next((one for one in self._triggers if one.node_id == item.node_id), None)
        kind = spec.kind if spec is not None and spec.kind != "start" else "test"
        message = None
        if item.text or item.selection_id:
            self._open_window()
            shape = "interactive" if item.selection_id else "text"
            message = engine.InboundInput(type=shape, text=item.text, selection_id=item.selection_id, at=self.now)
        kept = self.session.variables if self.session is not None else {}
        trigger = engine.Trigger.model_validate(
            {"kind": kind, "node_id": item.node_id, "message": message, "params": {**self._preset, **kept}}
        )
        self._keep(item, runner.start(self.flow, trigger, self._context()))

    def _write(self, item: PreviewInput, value: PreviewValue | None) -> None:
        self.turns.append(PreviewTurn(input=item, at=self.now, events=[], steps=[]))
        if value is None:
            return
        if value.scope == "contact":
            self._set_contact(value.name, value.value)
        elif self.session is not None:
            variables = {**self.session.variables, value.name: value.value}
            self.session = self.session.model_copy(update={"variables": variables})
        else:
            self._preset[value.name] = value.value

    def _answered(self, item: PreviewInput) -> None:
        made, wait = self.waiting_call, self.session.wait if self.session is not None else None
        if made is None or wait is None or wait.kind != "request":
            self._keep(item, None, stale="no_request")
            return
        result = _result(made.kind, item.response or PreviewResponse())
        self._keep(item, self._resume(engine.RequestResume(request_id=wait.id, result=result)), stale="no_request")

    def _handed(self, item: PreviewInput) -> None:
        wait = self.session.wait if self.session is not None else None
        if wait is None or wait.kind != "handoff":
            self._keep(item, None, stale="no_handoff")
            return
        if item.after_minutes is not None:
            self._step_on(item)
        resume = engine.HandoffResume(wait_id=wait.id, result=item.result or "transferred")
        self._keep(item, self._resume(resume), stale="no_handoff")

    # -- time --------------------------------------------------------------------------------------------------------

    def _time_out(self, item: PreviewInput) -> None:
        if not self._fire(item, None):
            self._keep(item, None, stale="no_timer")

    def _pass_time(self, item: PreviewInput) -> None:
        """Let time pass; timers that are due on the way fire, in order, each at its own moment."""
        target = self.now + timedelta(minutes=item.minutes or 0)
        if item.to is not None:
            target = max(self.now, _aware(item.to))
        self.turns.append(PreviewTurn(input=item, at=target, events=[], steps=[]))
        for _ in range(MAX_TIMERS):
            if not self._fire(item, target, same_turn=True):
                break
        self.now = target

    def _fire(self, item: PreviewInput, until: datetime | None, *, same_turn: bool = False) -> bool:
        wait = self.session.wait if self.session is not None else None
        if wait is None or wait.timeout_at is None or (until is not None and wait.timeout_at > until):
            return False
        self.now = max(self.now, wait.timeout_at)
        event: engine.Resume = engine.TimeoutResume(wait_id=wait.id)
        if wait.kind == "delay":
            event = engine.DelayResume(wait_id=wait.id)
        self._keep(item, self._resume(event), stale="no_timer", same_turn=same_turn)
        return self.turns[-1].ignored is None

    # -- the engine --------------------------------------------------------------------------------------------------

    def _resume(self, event: engine.Resume) -> engine.Sprint:
        assert self.session is not None
        standing = engine.FlowRef(self.session.flow_id, self.session.flow_version)
        flow = self.flow if self.session.flow_id == self.flow.flow_id else self.load_flow(standing) or self.flow
        return runner.resume(self.session, flow, event, self._context())

    def _context(self) -> engine.RunContext:
        self.budget.check()
        # A channel without a service window is always open.
        window = self.window or self.now + timedelta(days=365)
        return engine.RunContext(
            now=self.now,
            new_id=self._new_id,
            contact=self._contact,
            org=self.organization,
            channel=self.script.channel,
            window_expires_at=window,
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
            self.turns.append(PreviewTurn(input=item, at=self.now, events=[], steps=[]))
        turn = self.turns[-1]
        if sprint is None or sprint.ignored:
            turn.ignored = stale
            return
        self.session = sprint.session
        self.waiting_call = None
        self._update_contact(sprint)
        first = len(turn.events)
        turn.events += sprint.events
        turn.steps += [_step(step) for step in sprint.steps]
        turn.shown += shown(sprint.events, self.script.channel, first=first)
        if self.window is not None and self.now >= self.window:
            turn.outside_window += [
                index
                for index, event in enumerate(sprint.events, first)
                if isinstance(event, MessageOut) and event.content.type != "template"
            ]
        made = next((event for event in sprint.events if isinstance(event, RequestMade)), None)
        if made is not None:
            self._call(item, made)

    def _call(self, item: PreviewInput | None, made: RequestMade) -> None:
        """Nothing is called in a preview: what the script says, else the tester is asked, else a plain success."""
        planned = self.script.responses.get(made.node_id)
        if planned is None and self.script.outside == "ask":
            assert self.session is not None
            self.waiting_call = PendingRequest(
                node_id=made.node_id, flow_id=self.session.flow_id, kind=made.kind, request=made.request
            )
            return
        result = _result(made.kind, planned) if planned is not None else _simulated(made)
        resume = engine.RequestResume(request_id=made.request_id, result=result)
        self._keep(item, self._resume(resume), same_turn=True)

    def _update_contact(self, sprint: engine.Sprint) -> None:
        """Later turns read what this one wrote, as they would from the database."""
        for event in sprint.events:
            if isinstance(event, ContactTagged):
                tags = [tag for tag in self._contact.tags if tag != event.tag]
                self._contact.tags = tags if event.removed else [*tags, event.tag]
            elif isinstance(event, ContactFieldSet):
                self._set_contact(event.field, event.value)

    def _set_contact(self, name: str, value: object) -> None:
        if name in STANDARD or name == "phone":
            setattr(self._contact, name, "" if value is None else str(value))
        elif name == "lead_score":
            self._contact.lead_score = int(value) if isinstance(value, int | float) else self._contact.lead_score
        elif name == "tags":
            self._contact.tags = [str(tag) for tag in value] if isinstance(value, list) else self._contact.tags
        else:
            self._contact.fields[name] = value  # type: ignore[assignment]  # JSON, as it came

    # -- what came of it ---------------------------------------------------------------------------------------------

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
            stack=[frame.flow_id for frame in self.session.stack],
        )

    def path(self) -> list[PathStep]:
        """Every node passed, in order."""
        return [
            PathStep(flow_id=step.flow_id, node_id=step.node_id, port=step.port)
            for turn in self.turns
            for step in turn.steps
        ]

    def person(self) -> PreviewContact:
        """The contact as the flow has left it."""
        view = self._contact
        return PreviewContact.model_construct(
            id=view.id, name=view.name, phone=view.phone, email=view.email, language=view.language,
            lifecycle_stage=view.lifecycle_stage, lead_score=view.lead_score, tags=view.tags, fields=view.fields,
        )  # fmt: skip


def _result(kind: str, given: PreviewResponse) -> HttpResult | AiResult:
    if kind == "http":
        return HttpResult(status=0 if given.error else given.status, text=given.body, error=given.error)
    return AiResult(text=given.text, error=given.error, model="preview")


def _simulated(made: RequestMade) -> HttpResult | AiResult:
    if made.kind == "http":
        return _result("http", PreviewResponse())
    if isinstance(made.request, AiRequest) and made.request.json_schema is not None:
        return AiResult(error="not_called", model="preview")
    return AiResult(text=SIMULATED_TEXT, model="preview")


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
    if item.type == "form":
        return engine.InboundInput(type="form", form=item.form or {}, at=at)
    if item.type == "contacts":
        return engine.InboundInput(type="contacts", text=item.text, at=at)
    return engine.InboundInput(type="text", text=item.text, at=at)


def _step(step: engine.Step) -> PreviewStep:
    return PreviewStep(
        node_id=step.node_id,
        node_type=step.node_type,
        flow_id=step.flow_id,
        flow_version=step.flow_version,
        port=step.port,
        at=step.at,
        why=step.why,
        reads=step.reads,
        writes=step.writes,
    )
