"""One contact's events, in order: decide, run the engine, turn what it says into rows. Nothing is written here."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pytake_app.contacts.identities import Person
from pytake_app.conversations import threads
from pytake_app.conversations.threads import Thread
from pytake_app.core.ids import NewId
from pytake_app.core.metrics import sprints
from pytake_app.engine import runner
from pytake_app.engine.compiled import CompiledFlow
from pytake_app.engine.events import (
    ContactFieldSet,
    ContactTagged,
    ErrorRaised,
    Handoff,
    MessageOut,
    SessionEnded,
    WaitCleared,
    WaitSet,
)
from pytake_app.engine.events import (
    Event as EngineEvent,
)
from pytake_app.engine.session import (
    CancelResume,
    ContactView,
    DelayResume,
    FlowRef,
    HandoffResume,
    InboundInput,
    MessageResume,
    Resume,
    RunContext,
    Sprint,
    TimeoutResume,
    Trigger,
)
from pytake_app.flows import routing
from pytake_app.flows.execution_catalog import AccountView, FlowCatalog, OrgFlows
from pytake_app.flows.execution_input import inbound_input, inbound_message
from pytake_app.flows.execution_state import Effects, StoredSession, step_rows
from pytake_app.flows.timers import NewTimer
from pytake_app.messaging import outbox_store
from pytake_app.messaging.commands import Command
from pytake_app.messaging.content import channel_content, readable
from pytake_app.messaging.inbound import Event
from pytake_app.messaging.lanes import lane_of
from pytake_app.messaging.outbox import OutboxPriority, message_type
from pytake_app.messaging.payloads import SenderKeys, parse_time
from pytake_app.messaging.sql import Connection

_HANDOFF_PRIORITY = {0: "medium", 1: "high", 2: "urgent"}
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


class ContactRun:
    """The events of one contact on one channel account.

    Parameters:
        context: shared by the batch.
        person: the contact, locked.
        thread: its open conversation, or None.
        sessions: its running session and those its timers speak of.
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
        self.sessions = {stored.id: stored for stored in sessions}
        self.others = others
        self.account = context.accounts[person.channel_account_id]
        self.flows = context.flows[person.organization_id]
        self.effects = Effects()
        # Later messages of the same moment wait for a typing delay before them.
        self._not_before: datetime | None = None

    def handle(self, event: Event) -> None:
        """Take one event. An exception means that nothing of this run may be written."""
        match event.kind:
            case "message":
                self._message(event)
            case "timer":
                self._timer(event)
            case "command":
                self._command(event)
            case "echo":
                self._echo(event)
            case "notice":
                self._identity_change(event.payload)

    # -- events -----------------------------------------------------------------------------------------------------

    def _message(self, event: Event) -> None:
        context, payload, person = self.context, event.payload, self.person
        person.learn(SenderKeys.of(payload, event.contact_key))
        self._identity_change(payload)
        thread = self._open_thread()
        at = min(parse_time(payload.get("at")) or event.received_at, context.now)
        message, asset = inbound_message(thread, event, at, context.now, context.new_id)
        if asset is not None:
            self.effects.media.append(asset)
        self.effects.messages.append(message)
        thread.said(message["id"], context.now, threads.preview_of(message["text"], message["type"]), "in")
        self._poke(thread, "message_received", message["id"])
        if payload.get("type") == "system":
            return
        thread.heard(event.external_id, at)
        if payload.get("automates"):
            self._automate(thread, event, inbound_input(payload, event.external_id, message["media"], at))

    def _automate(self, thread: Thread, event: Event, message: InboundInput) -> None:
        running = self._running()
        situation = routing.Situation(
            handling=thread.handling,
            blocked=self.person.blocked,
            session_waits_for=running.session.wait.kind if running and running.session.wait else None,
            template_of=lambda: threads.template_of(
                self.context.connection, self.account.id, message.context_external_id or "", self.context.now
            ),
        )
        decision = routing.decide(message, situation, self.account, self.flows)
        if decision.action == "resume" and running is not None:
            self._log(thread, decision, running)
            self._signal(event)
            self._resume(running, thread, MessageResume(message=message))
            if not (running.session.status == "interrupted" and (running.session.outcome or "").startswith("keyword:")):
                return
            # The word broke off the session; it may be the keyword of another flow.
            situation = routing.Situation(thread.handling, self.person.blocked, None, situation.template_of)
            decision = routing.decide(message, situation, self.account, self.flows)
        self._log(thread, decision, running if decision.action == "resume" else None)
        if decision.action == "opt_out":
            self.person.consent, self.person.consent_at, self.person.dirty = "opted_out", self.context.now, True
            if running is not None and running.running:
                self._resume(running, thread, CancelResume(reason="opted_out"))
        elif decision.action == "start" and decision.flow_id is not None:
            self._signal(event)
            trigger = Trigger(kind=decision.trigger, node_id=decision.node_id, message=message)
            self._start(thread, decision.flow_id, trigger)

    def _timer(self, event: Event) -> None:
        payload = event.payload
        stored = self.sessions.get(UUID(payload["session_id"]))
        thread = self._thread_of(stored) if stored else None
        if stored is None or thread is None:
            return
        wait_id = str(payload["wait_id"])
        resume: Resume = TimeoutResume(wait_id=wait_id)
        if payload.get("kind") == "delay":
            resume = DelayResume(wait_id=wait_id)
        waiting_for_person = payload.get("kind") == "handoff"
        if thread.handling == "person" and stored.session.wait is not None and stored.session.wait.id == wait_id:
            # A person has taken over meanwhile: automation must not speak into the conversation.
            taken = HandoffResume(wait_id=wait_id, result="transferred")
            resume = taken if waiting_for_person else CancelResume(reason="with_person")
        elif waiting_for_person and thread.handling == "waiting":
            self._resume(stored, thread, resume)
            if stored.running:
                self._give_to_bot(thread)
            return
        self._resume(stored, thread, resume)

    def _command(self, event: Event) -> None:
        command = Command.model_validate(event.payload)
        stored = self.sessions.get(command.session_id) if command.session_id else self._running()
        if command.action == "start" and command.flow_id is not None:
            thread = self._open_thread()
            running = self._running()
            if running is not None:
                self._resume(running, thread, CancelResume(reason=command.reason or "replaced"))
            decision = routing.Decision(
                "start", "started_by_person" if command.actor_id else "started", command.flow_id
            )
            self._log(thread, decision, None, command.actor_id)
            self._give_to_bot(thread)
            trigger = Trigger(kind="api", params=command.params)
            self._start(thread, command.flow_id, trigger)
            return
        self._command_to(stored, command)

    def _command_to(self, stored: StoredSession | None, command: Command) -> None:
        thread = self._thread_of(stored) if stored else None
        if stored is None or thread is None:
            return
        if command.action == "cancel":
            self._log(thread, routing.Decision("nothing", "canceled", detail={"reason": command.reason}), stored,
                      command.actor_id)  # fmt: skip
            self._resume(stored, thread, CancelResume(reason=command.reason))
        elif command.action == "handoff" and command.result and stored.session.wait is not None:
            self._resume(stored, thread, HandoffResume(wait_id=stored.session.wait.id, result=command.result))
        elif command.action == "input":
            text, selection = command.text, command.selection_id
            message = InboundInput(
                type="interactive" if selection else "text", text=text, selection_id=selection, at=self.context.now
            )
            self._log(thread, routing.Decision("resume", "answered_by_api"), stored, command.actor_id)
            self._resume(stored, thread, MessageResume(message=message))

    def _echo(self, event: Event) -> None:
        thread = self._open_thread()
        at = parse_time(event.payload.get("at")) or event.received_at
        message, asset = inbound_message(thread, event, at, self.context.now, self.context.new_id)
        message.update(direction="out", status="sent", author_kind="agent")
        if asset is not None:
            self.effects.media.append(asset)
        self.effects.messages.append(message)
        thread.said(message["id"], self.context.now, threads.preview_of(message["text"], message["type"]), "out")
        self._poke(thread, "message_sent", message["id"])

    def _identity_change(self, payload: dict[str, Any]) -> None:
        change = payload.get("identity_change")
        if not change:
            return
        person = self.person
        person.key = change.get("new_phone") or change.get("new_external_id") or person.key
        person.external_id = change.get("new_external_id") or person.external_id
        person.bsuid = change.get("new_bsuid") or person.bsuid
        person.identity_dirty = True
        if person.key and person.key.isdigit() and person.phone != person.key:
            person.phone, person.dirty = person.key, True

    # -- the engine -------------------------------------------------------------------------------------------------

    def _start(self, thread: Thread, flow_id: UUID, trigger: Trigger) -> None:
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
        sprint = runner.start(flow, trigger, self._run_context(thread))
        stored = StoredSession(
            id=UUID(sprint.session.id),
            organization_id=self.person.organization_id,
            contact_id=self.person.id,
            conversation_id=thread.id,
            channel_account_id=self.account.id,
            started_at=sprint.session.started_at,
            session=sprint.session,
            new=True,
        )
        self.sessions[stored.id] = stored
        self._apply(stored, thread, sprint)

    def _resume(self, stored: StoredSession, thread: Thread, event: Resume) -> None:
        session = stored.session
        flow = self.context.catalog.compiled(self.context.connection, session.flow_id, session.flow_version)
        if flow is None:
            raise LookupError(f"flow version {session.flow_id} {session.flow_version} is gone")
        sprint = runner.resume(session, flow, event, self._run_context(thread))
        if sprint.ignored:
            sprints.labels(result="ignored").inc()
            return
        stored.session = sprint.session
        stored.dirty = True
        self._apply(stored, thread, sprint)

    def _run_context(self, thread: Thread) -> RunContext:
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
        )

    def _apply(self, stored: StoredSession, thread: Thread, sprint: Sprint) -> None:
        sent: dict[str, list[str]] = {}
        for event in sprint.events:
            self._apply_event(stored, thread, event, sent)
        self.effects.steps += step_rows(stored, sprint.steps, sent, self.context.new_id)
        sprints.labels(result=stored.session.status).inc()

    def _apply_event(
        self, stored: StoredSession, thread: Thread, event: EngineEvent, sent: dict[str, list[str]]
    ) -> None:
        match event:
            case MessageOut():
                message_id = self._send(stored, thread, event)
                sent.setdefault(event.node_id, []).append(str(message_id))
            case WaitSet() if event.timeout_at is not None:
                self._set_timer(stored, event)
            case WaitCleared():
                self._clear_timer(stored, event.wait_id)
            case ContactFieldSet():
                self._set_field(event)
            case ContactTagged():
                self._tag(event)
            case Handoff():
                self._hand_off(thread, event)
            case ErrorRaised():
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
            due = self._not_before = due + timedelta(milliseconds=typing)
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

    def _set_timer(self, stored: StoredSession, event: WaitSet) -> None:
        assert event.timeout_at is not None
        key = self.person.key or self.person.bsuid or ""
        self.effects.timers.append(
            NewTimer(
                id=self.context.new_id(),
                organization_id=stored.organization_id,
                session_id=stored.id,
                channel_account_id=self.account.id,
                contact_key=key,
                lane=lane_of(self.account.id, key, self.context.lanes),
                kind={"message": "timeout"}.get(event.kind, event.kind),
                wait_id=event.wait_id,
                due_at=event.timeout_at,
            )
        )

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
            person.lead_score = int(value) if isinstance(value, (int, float, str)) and str(value).strip() else 0
        elif event.field == "opted_in":
            person.consent, person.consent_at = ("opted_in" if value else "opted_out"), self.context.now
        elif value is None:
            person.fields = {key: item for key, item in person.fields.items() if key != event.field}
        else:
            person.fields = {**person.fields, event.field: value}
        person.dirty = True

    def _tag(self, event: ContactTagged) -> None:
        tags = [tag for tag in self.person.tags if tag != event.tag]
        self.person.tags = tags if event.removed else [*tags, event.tag]
        self.person.dirty = True

    def _hand_off(self, thread: Thread, event: Handoff) -> None:
        detail = event.model_dump(mode="json", exclude={"type"})
        thread.handoff = {**detail, "at": self.context.now.isoformat()}
        thread.dirty = True
        if thread.handling != "person":
            thread.handling, thread.status = "waiting", "pending"
            thread.waiting_since = self.context.now
            thread.queue_name = event.queue_name or ""
            thread.priority = _HANDOFF_PRIORITY[event.priority]
        log = {"queue": event.queue_name, "priority": event.priority, "node_id": event.node_id}
        self._log(thread, routing.Decision("nothing", "handed_off", detail=log), None)
        self._poke(thread, "conversation_updated", None)

    def _give_to_bot(self, thread: Thread) -> None:
        if thread.handling != "bot":
            thread.handling, thread.status, thread.waiting_since = "bot", "open", None
            thread.dirty = True
            self._poke(thread, "conversation_updated", None)

    # -- helpers ----------------------------------------------------------------------------------------------------

    def _running(self) -> StoredSession | None:
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

    def _signal(self, event: Event) -> None:
        if self.account.settings.get("mark_read", True):
            self.effects.signals.append({"account": str(self.account.id), "id": event.external_id, "typing": True})
