"""The engine for one contact: run it, turn what it says happened into rows. Nothing is written here."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from pytake_app.contacts.identities import Person
from pytake_app.conversations import threads
from pytake_app.conversations.threads import Thread
from pytake_app.core.ids import NewId
from pytake_app.core.metrics import counter, engine_errors, engine_visits, sprint_seconds, sprints
from pytake_app.engine import runner
from pytake_app.engine.compiled import CompiledFlow
from pytake_app.engine.events import (
    AgentAssigned,
    ContactFieldSet,
    ContactTagged,
    ConversationClosed,
    ErrorRaised,
    EventEmitted,
    Handoff,
    MessageOut,
    NotificationAsked,
    RequestMade,
    SessionEnded,
    WaitCleared,
    WaitSet,
)
from pytake_app.engine.events import (
    Event as EngineEvent,
)
from pytake_app.engine.nodes.entries import EventName
from pytake_app.engine.session import (
    CancelResume,
    ContactView,
    FlowRef,
    RequestResume,
    Resume,
    RunContext,
    Sprint,
    Trigger,
)
from pytake_app.engine.triggers import match_event
from pytake_app.flows import execution_delays, execution_outside, routing
from pytake_app.flows.execution_catalog import AccountView, FlowCatalog, OrgFlows
from pytake_app.flows.execution_state import Effects, StoredSession, step_rows
from pytake_app.flows.happenings import MAX_AT_ONCE, parameters
from pytake_app.flows.schemas import Happening
from pytake_app.flows.tape import Recording, surroundings
from pytake_app.messaging import outbox_store
from pytake_app.messaging.content import channel_content, readable
from pytake_app.messaging.outbox import OutboxPriority, message_type
from pytake_app.messaging.sql import Connection
from pytake_app.queues import places
from pytake_app.queues import routing as queue_routing

_HANDOFF_PRIORITY = {0: "medium", 1: "high", 2: "urgent"}
EVENT_LOOP_STARTS = 5
EVENT_LOOP_TIME = timedelta(minutes=1)
"""An event starts the same flow for the same contact no more often than this: what it does may, by way of another
system and our API, be the event again."""
# Longer than this the outbox wouldn't let what is said later wait for them.
_LONGEST_TYPING = timedelta(seconds=outbox_store.HOLD_SECONDS - 5)
_STARTED_BY_EVENT = """
SELECT count(*) FROM flow_sessions
WHERE contact_id = %s AND flow_id = %s AND started_at > %s AND state->>'trigger' = 'event'
"""
_CONTACT_FIELDS = {"name": "name", "email": "email", "language": "locale", "lifecycle_stage": "lifecycle"}


@dataclass(frozen=True, slots=True)
class BatchContext:
    """What all contacts of a batch share."""

    connection: Connection
    catalog: FlowCatalog
    accounts: dict[UUID, AccountView]
    flows: dict[UUID, OrgFlows]
    now: datetime
    new_id: NewId
    lanes: int
    ai: bool = False


class ContactState:
    """The events of one contact on one channel account.

    Parameters:
        context: shared by the batch.
        person: the contact, locked.
        thread: its open conversation, or None.
        sessions: its running session, those in long delays, and those its timers speak of.
        others: conversations of those sessions that are no longer open.
    """

    def __init__(
        self,
        context: BatchContext,
        person: Person,
        thread: Thread | None,
        sessions: list[StoredSession],
        others: dict[UUID, Thread],
    ) -> None:
        self.context = context
        self.person = person
        self.thread = thread
        # The one that was closed lately enough to go on when the contact writes.
        self.closed_thread: Thread | None = None
        self.sessions = {stored.id: stored for stored in sessions}
        self.others = others
        self.account = context.accounts[person.channel_account_id]
        self.flows = context.flows[person.organization_id]
        self.effects = Effects()
        # Later messages of the same moment wait for a typing delay before them.
        self._not_before: datetime | None = None
        # What happened to the contact that other flows may begin with.
        self._happenings: list[Happening] = []
        self._from_event = False

    # -- the engine -------------------------------------------------------------------------------------------------

    def _start(self, thread: Thread, flow_id: UUID, trigger: Trigger) -> None:
        if trigger.kind == "event" and self._goes_in_circles(flow_id):
            self._log(thread, routing.Decision("nothing", "event_loop", flow_id, detail=dict(trigger.params)), None)
            return
        execution_delays.replace(self, thread, flow_id)
        version = self.flows.live.get(flow_id)
        flow: CompiledFlow | None = None
        if version is not None:
            flow = self.context.catalog.compiled(self.context.connection, str(flow_id), version)
        else:
            flow = self.context.catalog.referenced(
                self.context.connection, self.person.organization_id, FlowRef(str(flow_id))
            )
        if flow is None:
            self._log(thread, routing.Decision("nothing", "flow_missing", flow_id), None)
            return
        recording = Recording.of(self.run_context(thread))
        recording.flows[""] = (flow.flow_id, flow.version)
        before = surroundings(recording.context)
        began = time.perf_counter()
        sprint = runner.start(flow, trigger, recording.context)
        sprint_seconds.observe(time.perf_counter() - began)
        stored = StoredSession(
            id=UUID(sprint.session.id),
            organization_id=self.person.organization_id,
            contact_id=self.person.id,
            conversation_id=thread.id,
            channel_account_id=self.account.id,
            started_at=sprint.session.started_at,
            session=sprint.session,
            new=True,
            with_person=thread.handling != "bot",
        )
        stored.tape.add(recording, trigger, before, sprint)
        recording.let_go()
        self.sessions[stored.id] = stored
        self._apply(stored, thread, sprint)

    def resume(self, stored: StoredSession, thread: Thread, event: Resume) -> None:
        """Wake a session and apply what it does."""
        session = stored.session
        flow = self.context.catalog.compiled(self.context.connection, session.flow_id, session.flow_version)
        if flow is None:
            raise LookupError(f"flow version {session.flow_id} {session.flow_version} is gone")
        recording = Recording.of(self.run_context(thread))
        before = surroundings(recording.context)
        began = time.perf_counter()
        sprint = runner.resume(session, flow, event, recording.context)
        sprint_seconds.observe(time.perf_counter() - began)
        if sprint.ignored:
            counter(sprints, "ignored").inc()
            return
        if isinstance(event, CancelResume):
            # Who breaks a session off has seen to what the contact said meanwhile.
            stored.queued = []
        if session.wait is not None and session.wait.kind == "request" and not isinstance(event, RequestResume):
            self.effects.outside.canceled.append(UUID(session.wait.id))
        stored.session = sprint.session
        stored.dirty = True
        stored.tape.add(recording, event, before, sprint)
        recording.let_go()
        self._apply(stored, thread, sprint)

    def run_context(self, thread: Thread) -> RunContext:
        """What the engine may know of the world."""
        person, context = self.person, self.context
        return RunContext(
            now=context.now,
            new_id=lambda: str(context.new_id()),
            contact=ContactView(
                id=str(person.id),
                name=person.name,
                phone=person.phone or "",
                email=person.email or "",
                language=person.locale or "",
                lifecycle_stage=person.lifecycle,
                lead_score=person.lead_score,
                tags=person.tags,
                fields=person.fields,
            ),
            org=self.account.org,
            channel=self.account.channel,
            window_expires_at=thread.window_expires_at,
            load_flow=lambda ref: context.catalog.referenced(context.connection, person.organization_id, ref),
            timer_ns=time.perf_counter_ns,
            ai=context.ai,
            history=lambda count: execution_outside.history(self, thread, count),
        )

    def _apply(self, stored: StoredSession, thread: Thread, sprint: Sprint) -> None:
        sent: dict[str, list[str]] = {}
        self._from_event = stored.session.trigger == "event"
        for event in sprint.events:
            self._apply_event(stored, thread, event, sent)
        self.effects.steps += step_rows(stored, sprint.steps, sent, self.context.new_id)
        counter(sprints, stored.session.status).inc()
        engine_visits.inc(len(sprint.steps))

    def _apply_event(
        self, stored: StoredSession, thread: Thread, event: EngineEvent, sent: dict[str, list[str]]
    ) -> None:
        match event:
            case MessageOut():
                message_id = self._send(stored, thread, event)
                sent.setdefault(event.node_id, []).append(str(message_id))
            case WaitSet() if event.timeout_at is not None:
                kind = {"message": "timeout"}.get(event.kind, event.kind)
                execution_delays.set_timer(self, stored, kind, event.wait_id, event.timeout_at)
            case WaitCleared():
                self._clear_timer(stored, event.wait_id)
            case ContactFieldSet():
                self._set_field(event)
            case ContactTagged():
                self._tag(event)
            case Handoff():
                self._hand_off(stored, thread, event)
            case RequestMade() | EventEmitted() | NotificationAsked() | AgentAssigned() | ConversationClosed():
                execution_outside.apply(self, stored, thread, event)
            case ErrorRaised():
                counter(engine_errors, event.code).inc()
                detail = {"node_id": event.node_id, "code": event.code, "message": event.message}
                self._log(thread, routing.Decision("nothing", "error", detail=detail), stored)
            case SessionEnded():
                detail = {"status": event.status, "outcome": event.outcome}
                self._log(thread, routing.Decision("nothing", "session_ended", detail=detail), stored)
            case _:
                pass

    def _send(self, stored: StoredSession, thread: Thread, event: MessageOut) -> UUID:
        context = self.context
        content = channel_content(event.content.model_dump(mode="json"))
        text = readable(event.content.model_dump(mode="json")) if content["type"] != "text" else content["body"]
        kind = message_type(content)
        message_id = context.new_id()
        due = self._not_before or context.now
        typing = int(content.pop("typing_ms", 0))
        if typing:
            due = self._not_before = min(due + timedelta(milliseconds=typing), context.now + _LONGEST_TYPING)
        self.effects.messages.append(
            threads.message_row(
                thread,
                message_id,
                context.now,
                direction="out",
                type=kind,
                text=text,
                content=content,
                status="queued",
                author_kind="bot",
                flow_session_id=stored.id,
                node_id=event.node_id,
            )
        )
        self.effects.outbox.append(
            outbox_store.row(
                thread_id=thread.id,
                organization_id=thread.organization_id,
                account_id=self.account.id,
                contact_id=self.person.id,
                message_id=message_id,
                recipient=self.person.recipient or "",
                content=content,
                priority=int(OutboxPriority.NORMAL),
                due=due,
                now=context.now,
                outbox_id=context.new_id(),
            )
        )
        thread.said(message_id, context.now, threads.preview_of(text, kind), "out")
        self._poke(thread, "message_sent", message_id)
        return message_id

    def _clear_timer(self, stored: StoredSession, wait_id: str) -> None:
        pending = len(self.effects.timers)
        self.effects.timers = [timer for timer in self.effects.timers if timer.wait_id != wait_id]
        if len(self.effects.timers) == pending:
            self.effects.cleared.append((stored.id, wait_id))

    def _set_field(self, event: ContactFieldSet) -> None:
        person, value = self.person, event.value
        column = _CONTACT_FIELDS.get(event.field)
        if column is not None:
            blank = None if column in ("email", "locale") else "" if column == "name" else "new"
            setattr(person, column, blank if value is None else str(value))
        elif event.field == "lead_score":
            person.lead_score = value if isinstance(value, int) else 0
        elif event.field == "opted_in":
            person.consent, person.consent_at = ("opted_in" if value else "opted_out"), self.context.now
        elif value is None:
            person.fields = {key: item for key, item in person.fields.items() if key != event.field}
        else:
            person.fields = {**person.fields, event.field: value}
        person.dirty = True
        self.happened("field_changed", event.field)

    def _tag(self, event: ContactTagged) -> None:
        tags = [tag for tag in self.person.tags if tag != event.tag]
        if not event.removed and len(tags) == len(self.person.tags):
            self.effects.tags.append((self.person.organization_id, event.tag))
            self.happened("tag_added", event.tag)
        elif event.removed and len(tags) < len(self.person.tags):
            self.happened("tag_removed", event.tag)
        self.person.tags = tags if event.removed else [*tags, event.tag]
        self.person.dirty = True

    def _hand_off(self, stored: StoredSession, thread: Thread, event: Handoff) -> None:
        queue = queue_routing.resolve(
            self.context.connection, thread.organization_id, event.queue_id or "", event.queue_name or ""
        )
        detail = event.model_dump(mode="json", exclude={"type"})
        thread.handoff = {**detail, "at": self.context.now.isoformat()}
        thread.dirty = True
        if thread.handling != "person":
            thread.handling, thread.status = "waiting", "pending"
            thread.waiting_since = self.context.now
            thread.queue_id = queue.id if queue else None
            # A name that is no queue's is kept: people see what the flow meant.
            thread.queue_name = (
                queue.name if queue and queue.named else event.queue_name or (queue.name if queue else "")
            )
            thread.priority = _HANDOFF_PRIORITY[event.priority]
            self.effects.places.enter(
                places.row(
                    item_id=self.context.new_id(), organization_id=thread.organization_id, queue_id=thread.queue_id,
                    queue_name=thread.queue_name, conversation_id=thread.id, contact_id=self.person.id,
                    channel=thread.channel, priority=event.priority + 1, flow_session_id=stored.id,
                    metadata=event.metadata, now=self.context.now,
                )
            )  # fmt: skip
        log = {"queue": thread.queue_name, "priority": event.priority, "node_id": event.node_id}
        self._log(thread, routing.Decision("nothing", "handed_off", detail=log), None)
        self._poke(thread, "conversation_updated", None)

    def _give_to_bot(self, thread: Thread) -> None:
        if thread.handling != "bot":
            thread.handling, thread.status, thread.waiting_since = "bot", "open", None
            thread.dirty = True
            self._poke(thread, "conversation_updated", None)

    # -- what other flows may begin with -------------------------------------------------------------------------------

    def happened(self, event: EventName, value: str, data: dict[str, JsonValue] | None = None) -> None:
        """Something that a flow may begin with. What a flow of that kind does itself starts no further one."""
        if not self._from_event:
            self._happenings.append(Happening(event, value, data or {}))

    def start_by_events(self) -> None:
        """Begin the flows that wait for what happened, unless the contact is busy."""
        happenings, self._happenings = self._happenings, []
        for happening in happenings[:MAX_AT_ONCE]:
            candidate = match_event(happening.event, happening.value, self.flows.events)
            if candidate is None:
                continue
            flow_id = UUID(candidate.flow_id)
            detail = {"event": happening.event, "value": happening.value}
            reason = self.busy(with_person=candidate.spec.with_person)
            if reason is not None:
                if self.thread is not None:
                    decision = routing.Decision(
                        "nothing", "start_skipped", flow_id, detail={**detail, "reason": reason}
                    )
                    self._log(self.thread, decision, None)
                continue
            thread = self._open_thread()
            self._log(thread, routing.Decision("start", "event", flow_id, detail=detail), None)
            trigger = Trigger(kind="event", node_id=candidate.spec.node_id, params=parameters(happening))
            self._start(thread, flow_id, trigger)

    def _goes_in_circles(self, flow_id: UUID) -> bool:
        """Whether events have started this flow for this contact again and again, by way of another system, say."""
        since = self.context.now - EVENT_LOOP_TIME
        fresh = sum(
            stored.new and stored.session.trigger == "event" and stored.session.root_flow_id == str(flow_id)
            for stored in self.sessions.values()
        )
        if fresh >= EVENT_LOOP_STARTS:
            return True
        row = self.context.connection.execute(_STARTED_BY_EVENT, (self.person.id, flow_id, since)).fetchone()
        return row is not None and row[0] + fresh >= EVENT_LOOP_STARTS

    def busy(self, *, with_person: bool = False) -> str | None:
        """Why nothing may begin by itself with this contact now, if so.

        Parameters:
            with_person: a person who answers is no reason.
        """
        if self.person.blocked:
            return "contact_blocked"
        if self.person.consent == "opted_out":
            return "opted_out"
        if self.thread is not None and self.thread.handling != "bot" and not with_person:
            return "with_person"
        return "session_busy" if self.running_session() is not None else None

    def closed(self, thread: Thread) -> None:
        """This conversation is over; the next message opens another."""
        self.others[thread.id] = thread
        if self.thread is thread:
            self.thread = None
            self.closed_thread = thread if self.account.reopens_for else None

    def log_decision(self, thread: Thread, kind: str, detail: dict[str, Any]) -> None:
        """A line of the automation log."""
        self._log(thread, routing.Decision("nothing", kind, detail=detail), None)

    def poke_thread(self, thread: Thread) -> None:
        """The conversation itself changed."""
        self._poke(thread, "conversation_updated", None)

    # -- helpers ----------------------------------------------------------------------------------------------------

    def running_session(self) -> StoredSession | None:
        """The session that keeps the contact busy."""
        return next((stored for stored in self.sessions.values() if stored.running), None)

    def _open_thread(self) -> Thread:
        if self.thread is None:
            self.thread = Thread(
                id=self.context.new_id(),
                organization_id=self.person.organization_id,
                contact_id=self.person.id,
                channel_account_id=self.account.id,
                channel=self.account.channel,
                new=True,
                dirty=True,
            )
        return self.thread

    def _thread_of(self, stored: StoredSession) -> Thread | None:
        if self.thread is not None and self.thread.id == stored.conversation_id:
            return self.thread
        return self.others.get(stored.conversation_id) or self.thread

    def _log(
        self, thread: Thread, decision: routing.Decision, stored: StoredSession | None, actor_id: UUID | None = None
    ) -> None:
        flow_id = decision.flow_id or (UUID(stored.session.root_flow_id) if stored else None)
        self.effects.log.append(
            {
                "id": self.context.new_id(),
                "organization_id": thread.organization_id,
                "conversation_id": thread.id,
                "at": self.context.now,
                "kind": decision.kind,
                "flow_id": flow_id,
                "flow_session_id": stored.id if stored else None,
                "actor_id": actor_id,
                "detail": decision.detail,
            }
        )

    def _poke(self, thread: Thread, event: str, message_id: UUID | None) -> None:
        self.effects.pokes.append((thread.organization_id, thread.id, event, message_id))

    def _signal(self, external_id: str | None) -> None:
        if external_id and self.account.settings.get("mark_read", True):
            self.effects.signals.append({"account": str(self.account.id), "id": external_id, "typing": True})
