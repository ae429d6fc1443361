"""Start and resume sessions: one loop from a trigger or a resume to the next wait or the end."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import JsonValue

from pytake_app.engine.compiled import CompiledFlow, CompiledNode, compile_flow
from pytake_app.engine.entering import GlobalWord, breaks_off, entry_of, global_word
from pytake_app.engine.events import (
    EndStatus,
    ErrorRaised,
    FlowEntered,
    RequestMade,
    SessionEnded,
    WaitCleared,
    WaitSet,
)
from pytake_app.engine.jsontext import storable, storable_text
from pytake_app.engine.limits import (
    MAX_CALLS_IN_A_ROW,
    MAX_INPUT_CHARS,
    MAX_LOGGED_CHARS,
    MAX_STACK_DEPTH,
    MAX_VARIABLE_BYTES,
    MAX_VARIABLES,
    MAX_VARIABLES_BYTES,
    MAX_VISITS_PER_NODE,
    MAX_VISITS_PER_SPRINT,
)
from pytake_app.engine.nodes.base import Enter, Finish, Go, Outcome, Return, WaitFor
from pytake_app.engine.scope import Scope
from pytake_app.engine.session import (
    CancelResume,
    DelayResume,
    ExpiryResume,
    FlowRef,
    Frame,
    HandoffResume,
    InboundInput,
    LastInput,
    MessageResume,
    RequestResume,
    Resume,
    RunContext,
    Session,
    Sprint,
    Step,
    TimeoutResume,
    Trigger,
    Wait,
)
from pytake_app.engine.templating import plain_json
from pytake_app.engine.visit import SprintLimit, Visit, value_size

__all__ = ["CompiledFlow", "breaks_off", "compile_flow", "resume", "start"]

_NODE_ERRORS = (ArithmeticError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
_PLAIN = (bool, int, float)
_OF_A_WAIT = (TimeoutResume, DelayResume, HandoffResume)
_TIMED_OUT = (TimeoutResume, ExpiryResume)


def start(flow: CompiledFlow, trigger: Trigger, ctx: RunContext) -> Sprint:
    """Begin a session of ``flow``. Never raises for anything a flow author or a contact can do:
    errors are events, a flow without a usable entry gives a failed session."""
    flow = flow.spoken(ctx.contact.language)
    session = Session(
        id=ctx.new_id(),
        root_flow_id=flow.flow_id,
        root_version=flow.version,
        flow_id=flow.flow_id,
        flow_version=flow.version,
        started_at=ctx.now,
        trigger=trigger.kind,
        last_input=_last_input(trigger.message),
        last_selection=storable_text((trigger.message.selection_id or "")[:300]) or None if trigger.message else None,
    )
    run = _Run(flow, session, ctx)
    run.events.append(FlowEntered(flow_id=flow.flow_id, version=flow.version, via="start"))
    run.take(trigger.params)
    entry = trigger.node_id if trigger.node_id in flow.nodes else entry_of(flow, trigger.kind)
    if entry is None:
        return run.fail(None, "no_entry", "the flow has no trigger or start")
    return run.go(entry)


def resume(session: Session, flow: CompiledFlow, event: Resume, ctx: RunContext) -> Sprint:
    """Wake ``session``. ``flow`` is the version it stands in (``session.flow_id``); when it is
    another one, the right one is asked of ``ctx.load_flow``. ``session`` itself isn't changed. A stale
    resume (older ``wait_id``, ended session) gives ``Sprint.ignored``."""
    wait, given = session.wait, session
    if wait is None or _stale(event, wait):
        return Sprint(session=session, events=[], steps=[], ignored=True)
    standing: CompiledFlow | None = flow
    if (flow.flow_id, flow.version) != (session.flow_id, session.flow_version):
        standing = ctx.load_flow(FlowRef(session.flow_id, session.flow_version))
    language = ctx.contact.language
    flow, standing = flow.spoken(language), standing.spoken(language) if standing is not None else None
    session = session.model_copy(
        update={"variables": dict(session.variables), "stack": list(session.stack), "draws": dict(session.draws)}
    )
    if isinstance(event, MessageResume):
        session.last_input = _last_input(event.message)
        if event.message.selection_id:
            session.last_selection = storable_text(event.message.selection_id[:300])
    run = _Run(standing or flow, session, ctx)
    if isinstance(event, CancelResume):
        run.clear_wait(wait)
        return run.end("interrupted", event.reason or None)
    if standing is None:
        run.clear_wait(wait)
        return run.fail(wait.node_id, "session_mismatch", "the flow version of this session is gone")
    if isinstance(event, MessageResume):
        spoken = global_word(given, standing, event.message.text, ctx)
        if spoken is not None:
            run.clear_wait(wait)
            return run.end("interrupted", f"keyword:{spoken.word}") if spoken.ends else run.restart(spoken)
        if wait.kind != "message":
            return Sprint(session=given, events=[], steps=[], ignored=True)
    node = standing.nodes.get(wait.node_id)
    if node is None:
        run.clear_wait(wait)
        return run.fail(wait.node_id, "missing_node", "the node this session waited at is gone")
    return run.wake(node, event, wait)


def _stale(event: Resume, wait: Wait) -> bool:
    """Does this resume not concern the present wait?"""
    if isinstance(event, MessageResume):
        # A message during a hand-off is for people. It doesn't shorten a delay, but a global keyword breaks that off.
        return wait.kind not in ("message", "delay")
    if isinstance(event, RequestResume):
        return event.request_id != wait.id or wait.kind != "request"
    if isinstance(event, _OF_A_WAIT):
        if event.wait_id != wait.id:
            return True
        if isinstance(event, HandoffResume):
            return wait.kind != "handoff"
        return isinstance(event, DelayResume) and wait.kind != "delay"
    return False


def _last_input(message: InboundInput | None) -> LastInput | None:
    if message is None:
        return None
    media, location = message.media, message.location
    return LastInput(
        type=message.type,
        text=storable_text((message.text or (media.caption if media else ""))[:MAX_INPUT_CHARS]),
        selection_id=storable_text(message.selection_id[:300]) if message.selection_id else None,
        media_url=media.url if media else None,
        media_id=media.id if media else None,
        latitude=location.latitude if location else None,
        longitude=location.longitude if location else None,
        external_id=message.external_id,
        form=_kept_form(message.form),
    )


def _kept_form(form: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
    try:
        kept = storable(form) if form else None
    except ValueError:
        return None
    return kept if isinstance(kept, dict) and value_size(kept) <= MAX_VARIABLE_BYTES else None


def _logged(value: Any) -> JsonValue:
    if isinstance(value, str):
        return value if len(value) <= MAX_LOGGED_CHARS else value[: MAX_LOGGED_CHARS - 1] + "…"
    if value is None or isinstance(value, _PLAIN):
        return value
    plain = plain_json(value)
    text = str(plain)
    return plain if len(text) <= MAX_LOGGED_CHARS else text[: MAX_LOGGED_CHARS - 1] + "…"


class _Run:
    """The state of one sprint."""

    __slots__ = ("ctx", "current", "events", "flow", "per_node", "scope", "session", "steps", "visit", "visits")

    def __init__(self, flow: CompiledFlow, session: Session, ctx: RunContext) -> None:
        self.flow = flow
        self.session = session
        self.ctx = ctx
        self.scope = Scope(ctx, session, (flow.flow_id, flow.name, flow.version), flow.settings.locale)
        self.visit = Visit(flow, session, self.scope, ctx)
        self.events = self.visit.events
        self.steps: list[Step] = []
        self.visits = 0
        self.current = session.current_node
        self.per_node: dict[tuple[str, str], int] = {}

    def sprint(self) -> Sprint:
        # Written once a sprint: assignments to a model's fields cost more than all else of a visit.
        self.session.current_node = self.current
        self.session.visits += self.visits
        return Sprint(session=self.session, events=self.events, steps=self.steps)

    def take(self, params: dict[str, JsonValue]) -> None:
        """The trigger's parameters as variables, within the limits for variables."""
        try:
            params = {storable_text(name): storable(value) for name, value in params.items()}
        except ValueError:
            message = "the trigger's parameters are nested too deeply; none was taken"
            self.events.append(ErrorRaised(node_id=None, code="variable_limit", message=message))
            return
        sizes = [value_size(value) for value in params.values()]
        if len(sizes) > MAX_VARIABLES or sum(sizes) > MAX_VARIABLES_BYTES or max(sizes, default=0) > MAX_VARIABLE_BYTES:
            message = "the trigger's parameters are too large or too many; none was taken"
            self.events.append(ErrorRaised(node_id=None, code="variable_limit", message=message))
            return
        self.session.variables.update(params)

    def clear_wait(self, wait: Wait) -> None:
        self.session.wait = None
        self.session.status = "active"
        self.events.append(WaitCleared(wait_id=wait.id))

    def end(self, status: EndStatus, outcome: str | None) -> Sprint:
        session = self.session
        session.status = status
        session.outcome = outcome
        session.wait = None
        session.stack = []
        self.events.append(SessionEnded(status=status, outcome=outcome))
        return self.sprint()

    def fail(self, node_id: str | None, code: str, message: str) -> Sprint:
        self.events.append(ErrorRaised(node_id=node_id, code=code, message=message))
        return self.end("failed", code)

    def wake(self, node: CompiledNode, event: Resume, wait: Wait) -> Sprint:
        """Resume at the node that waited, then run on."""
        self.current = node.id
        outcome: Outcome
        handler = node.type.resume
        if wait.kind != "request":
            self.session.calls = 0
        timed_out = isinstance(event, _TIMED_OUT)
        # A hand-off and a request know themselves what to do when nothing came in time.
        own = wait.kind in ("handoff", "request") and not isinstance(event, ExpiryResume)
        if (timed_out and not own) or handler is None:
            if isinstance(event, TimeoutResume) and wait.kind == "delay":
                outcome = Go("next", "the delay is over")
            elif "timeout" in node.edges:
                outcome = Go("timeout", "the flow's expiry passed" if wait.expiry else "no answer in time")
            else:
                outcome = Finish("expired", None, "no answer in time")
            self._log(node, outcome, 0)
        else:
            began = self.ctx.timer_ns()
            self.visit.begin(node)
            try:
                outcome = handler(self.visit, node.prepared, event)
            except SprintLimit as limit:
                self.clear_wait(wait)
                return self.fail(node.id, limit.code, str(limit))
            except _NODE_ERRORS as error:
                self.clear_wait(wait)
                return self.fail(node.id, "internal", f"{type(error).__name__} in {node.type.type}")
            self._log(node, outcome, began)
        same = isinstance(outcome, WaitFor) and outcome.request is None and outcome.kind == wait.kind
        if isinstance(outcome, WaitFor) and same and outcome.timeout_at == wait.timeout_at:
            # Still the same wait: its id and timer stay.
            self.session.wait = wait.model_copy(update={"attempts": outcome.attempts})
            return self.sprint()
        # The wait's end precedes what the visit did, as it happened.
        self.session.wait = None
        self.session.status = "active"
        self.events.insert(0, WaitCleared(wait_id=wait.id))
        return self._loop(node, outcome)

    def go(self, node_id: str) -> Sprint:
        """Run from a node."""
        return self._loop(None, Go(node_id))

    def restart(self, spoken: GlobalWord) -> Sprint:
        """Begin a flow anew: this one, or one that called it, to which the session comes back."""
        for _ in range(spoken.depth):
            frame = self.session.stack.pop()
            if frame.variables is not None:
                self.visit.use_variables(dict(frame.variables))
        if spoken.depth:
            self._stand_in(spoken.flow, "return")
        return self.go(spoken.entry or "")

    def _loop(self, node: CompiledNode | None, outcome: Outcome) -> Sprint:
        target: str | None = outcome.port if node is None and isinstance(outcome, Go) else None
        while True:
            if node is not None:
                stop = self._follow(node, outcome)
                if isinstance(stop, Sprint):
                    return stop
                target = stop
            node = self.flow.nodes.get(target or "")
            if node is None:
                return self.fail(target, "missing_node", "the next node does not exist")
            self.visits += 1
            key = (self.flow.flow_id, node.id)
            count = self.per_node.get(key, 0) + 1
            self.per_node[key] = count
            self.current = node.id
            if self.visits > MAX_VISITS_PER_SPRINT:
                return self.fail(node.id, "visit_limit", f"more than {MAX_VISITS_PER_SPRINT} nodes without a wait")
            if count > MAX_VISITS_PER_NODE:
                return self.fail(node.id, "loop_limit", f"visited more than {MAX_VISITS_PER_NODE} times without a wait")
            began = self.ctx.timer_ns()
            self.visit.begin(node)
            try:
                if node.problem is not None:
                    outcome = self._broken(node, node.problem)
                else:
                    outcome = node.type.run(self.visit, node.prepared)
            except SprintLimit as limit:
                self._log(node, Finish("failed", None, str(limit)), began)
                return self.fail(node.id, limit.code, str(limit))
            except _NODE_ERRORS as error:
                self._log(node, Finish("failed", None, "internal error"), began)
                return self.fail(node.id, "internal", f"{type(error).__name__} in {node.type.type}")
            self._log(node, outcome, began)
            if self.visit.flow is not self.flow:
                # The contact's language has changed: from here on in the new one.
                self.flow = self.visit.flow
                self.scope.locale = self.flow.settings.locale

    def _broken(self, node: CompiledNode, problem: str) -> Outcome:
        code = "unsupported_type" if problem == "unsupported" else "invalid_config"
        self.visit.error(code, f"{node.type.type} can't run: {problem}")
        return Go("error", "the node can't run")

    def _log(self, node: CompiledNode, outcome: Outcome, began: int) -> None:
        reads, writes = self.scope.reads, self.visit.writes
        self.steps.append(
            Step(
                node_id=node.id,
                node_type=node.type.type,
                flow_id=self.flow.flow_id,
                port=outcome.port if isinstance(outcome, Go) else None,
                at=self.ctx.now,
                reads={k: _logged(v) for k, v in reads.items()} if reads else {},
                writes={k: _logged(v) for k, v in writes.items()} if writes else {},
                why=outcome.why,
                duration_us=(self.ctx.timer_ns() - began) // 1000 if began else 0,
                flow_version=self.flow.version,
            )
        )

    def _follow(self, node: CompiledNode, outcome: Outcome) -> str | Sprint:
        """The next node's id, or the finished sprint."""
        if isinstance(outcome, Go):
            target = node.edges.get(outcome.port)
            if target is not None:
                return target
            if outcome.port == "error":
                return self.end("failed", "error")
            return self._leave(None)
        if isinstance(outcome, WaitFor):
            return self._wait(node, outcome)
        if isinstance(outcome, Return):
            return self._leave(outcome.outcome)
        if isinstance(outcome, Enter):
            return self._enter(node, outcome)
        return self.end(outcome.status, outcome.outcome)

    def _wait(self, node: CompiledNode, outcome: WaitFor) -> Sprint:
        if outcome.request is not None and self.session.calls >= MAX_CALLS_IN_A_ROW:
            return self.fail(node.id, "loop_limit", f"more than {MAX_CALLS_IN_A_ROW} outside calls without a wait")
        timeout_at, expiry = outcome.timeout_at, False
        if timeout_at is None and outcome.kind == "message":
            timeout_at, expiry = self.visit.minutes_from_now(self.flow.settings.expiry_minutes), True
        wait = Wait(
            id=self.ctx.new_id(),
            kind=outcome.kind,
            node_id=node.id,
            since=self.ctx.now,
            timeout_at=timeout_at,
            expiry=expiry,
            attempts=outcome.attempts,
        )
        self.session.wait = wait
        self.session.status = "handed_off" if outcome.kind == "handoff" else "waiting"
        self.events.append(WaitSet(wait_id=wait.id, kind=wait.kind, node_id=node.id, timeout_at=timeout_at))
        made = outcome.request
        self.session.calls += made is not None
        if made is not None:
            self.events.append(RequestMade(request_id=wait.id, node_id=node.id, kind=made.kind, request=made))
        return self.sprint()

    def _stand_in(self, flow: CompiledFlow, via: Literal["go", "call", "return"]) -> None:
        flow = flow.spoken(self.visit.language)
        self.flow = flow
        self.session.flow_id, self.session.flow_version = flow.flow_id, flow.version
        self.scope.enter_flow((flow.flow_id, flow.name, flow.version), flow.settings.locale)
        self.visit.flow = flow
        self.visit.strict = flow.settings.undefined == "error"
        self.events.append(FlowEntered(flow_id=flow.flow_id, version=flow.version, via=via))

    def _enter(self, node: CompiledNode, outcome: Enter) -> str | Sprint:
        flow = self.ctx.load_flow(outcome.ref)
        entry = entry_of(flow, "jump") if flow is not None else None
        if flow is None or entry is None:
            problem = "is not live" if flow is None else "has no entry"
            return self._jump_failed(node, "missing_flow", f"the flow to jump to {problem}")
        if outcome.call:
            if len(self.session.stack) >= MAX_STACK_DEPTH:
                return self._jump_failed(node, "stack_limit", f"more than {MAX_STACK_DEPTH} flows call each other")
            frame = Frame(
                flow_id=self.flow.flow_id,
                flow_version=self.flow.version,
                node_id=node.id,
                variables=self.session.variables if outcome.isolated else None,
                outputs=outcome.outputs or {},
            )
            self.session.stack.append(frame)
        if outcome.isolated:
            self.visit.use_variables(dict(outcome.inputs or {}))
        else:
            for name, value in (outcome.inputs or {}).items():
                self.visit.set_variable(name, value)
        self._stand_in(flow, "call" if outcome.call else "go")
        return entry

    def _jump_failed(self, node: CompiledNode, code: str, message: str) -> str | Sprint:
        target = node.edges.get("error")
        if target is None:
            return self.fail(node.id, code, message)
        self.events.append(ErrorRaised(node_id=node.id, code=code, message=message))
        return target

    def _leave(self, outcome: str | None) -> str | Sprint:
        """The flow is over: back to the caller's ``next``, or the session completes."""
        while self.session.stack:
            frame = self.session.stack.pop()
            flow = self.ctx.load_flow(FlowRef(frame.flow_id, frame.flow_version))
            if flow is None:
                return self.fail(frame.node_id, "missing_flow", "the calling flow's version is gone")
            if frame.variables is not None:
                called = self.session.variables
                self.visit.use_variables(dict(frame.variables))
                self.visit.writes = {}
                for name, source in frame.outputs.items():
                    if source in called:
                        self.visit.set_variable(name, called[source])
            self._stand_in(flow, "return")
            caller = self.flow.nodes.get(frame.node_id)
            target = caller.edges.get("next") if caller else None
            if target is not None:
                return target
        return self.end("completed", outcome)
