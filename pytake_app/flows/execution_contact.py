"""One contact's events, in order: decide what each one means and hand it to the engine. Nothing is written here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from pytake_app.conversations import threads
from pytake_app.conversations.threads import Thread
from pytake_app.core.ids import at_time
from pytake_app.engine.session import (
    CancelResume,
    DelayResume,
    HandoffResume,
    InboundInput,
    MessageResume,
    RequestResume,
    Resume,
    TimeoutResume,
    Trigger,
)
from pytake_app.flows import execution_delays, requests, routing
from pytake_app.flows.execution_amendments import Amendments
from pytake_app.flows.execution_input import inbound_input, inbound_message
from pytake_app.flows.execution_sprint import BatchContext, ContactState
from pytake_app.flows.execution_state import StoredSession
from pytake_app.messaging.commands import Command
from pytake_app.messaging.inbound import Event
from pytake_app.messaging.payloads import SenderKeys, parse_time
from pytake_app.queues import ratings

__all__ = ["BatchContext", "ContactRun"]

MAX_QUEUED = 20
"""Messages kept for a session that waits for an outside call; what comes on top of that is for people only."""

DOUBLE_TAP = timedelta(minutes=1)
"""A choice made again within this time is a tap too many, not a wish to begin anew."""


_REOPENED = {"before": "closed", "after": "open", "reason": "contact_wrote"}
_ABOUT_OTHERS = frozenset({"edit", "revoke", "reaction", "system"})


class ContactRun(ContactState):
    """Takes the events of one contact on one channel account. See `ContactState`."""

    _greeted = False

    def handle(self, event: Event) -> None:
        """Take one event. An exception means that nothing of this run may be written."""
        self._from_event = False
        match event.kind:
            case "message":
                self._message(event)
            case "timer":
                self._timer(event)
            case "command":
                self._command(event)
            case "echo":
                self._echo(event)
            case "request":
                self._request(event)
            case "history":
                self._history(event)
            case "notice":
                self._identity_change(event.payload)
        self._take_up_queued()
        self.start_by_events()

    # -- events -----------------------------------------------------------------------------------------------------

    def _message(self, event: Event) -> None:
        context, payload, person = self.context, event.payload, self.person
        person.learn(SenderKeys.of(payload, event.contact_key))
        self._identity_change(payload)
        if self._rates(event):
            return
        opened = self.thread is None
        thread = self._thread_for(payload)
        at = min(parse_time(payload.get("at")) or event.received_at, context.now)
        message, asset = inbound_message(thread, event, at, context.now, context.new_id)
        amendments = Amendments(context.connection, self.effects, context.now)
        late = thread.last_inbound_at is not None and at < thread.last_inbound_at
        if late:
            # It stands in the thread where it belongs by the platform's time.
            message["id"] = at_time(message["id"], at, event.id)
            amendments.catch_up(thread, message)
        changed = amendments.take(thread, message) if message["type"] in ("edit", "revoke", "reaction") else None
        if asset is not None:
            self.effects.media.append(asset)
        self.effects.messages.append(message)
        if changed is not None:
            self._poke(thread, "message_status_updated", changed["id"])
        if message["content"].get("hidden"):
            return
        if not late:
            thread.said(message["id"], context.now, threads.preview_of(message["text"], message["type"]), "in")
        self._poke(thread, "message_received", message["id"])
        if payload.get("type") == "system":
            return
        if not thread.is_open:
            thread.listened(at)
            return
        thread.heard(event.external_id, at)
        if payload.get("automates"):
            self._automate(thread, inbound_input(payload, event.external_id, message["media"], at))
            if self.person.new_contact and not self._greeted:
                self._greeted = True
                self.happened("contact_created", "")
            if opened:
                self.happened("conversation_opened", "")

    def _rates(self, event: Event) -> bool:
        """Whether the message says how the contact was served, as they were asked after the close: it belongs there,
        opens no conversation and starts nothing. Looked up only when it could be one: an option of that question was
        chosen, or nothing goes on and the words are a rating."""
        payload, context = event.payload, self.context
        selection = payload.get("selection_id")
        chosen = bool(selection and selection.startswith(ratings.PREFIX))
        if not chosen and (self.thread is not None or selection or payload.get("type") != "text"):
            return False
        rating = ratings.read(payload.get("text") or "", selection)
        asked = None
        if rating is not None and payload.get("automates"):
            asked = ratings.find_asked(context.connection, self.person.id, self.account.id, rating.item_id, context.now)
        if rating is None or asked is None:
            return False
        # It may go on again: who says thank you first opens it, and rates then.
        again = self.thread is not None and self.thread.id == asked.conversation_id
        thread = self.thread if again else self.others.get(asked.conversation_id)
        if thread is None:
            thread = threads.find_by_id(context.connection, [asked.conversation_id])[asked.conversation_id]
            self.others[thread.id] = thread
        at = min(parse_time(payload.get("at")) or event.received_at, context.now)
        message, _ = inbound_message(thread, event, at, context.now, context.new_id)
        self.effects.messages.append(message)
        thread.said(message["id"], context.now, threads.preview_of(message["text"], message["type"]), "in")
        thread.listened(at)
        self._poke(thread, "message_received", message["id"])
        self.effects.places.rate(thread.organization_id, asked.item_id, rating.score, rating.comment)
        self._log(thread, routing.Decision("nothing", "rated", detail={"score": rating.score}), None)
        return True

    def _thread_for(self, payload: dict[str, Any]) -> Thread:
        """Where a message belongs: what was closed lately goes on, unless it only says something about what was said
        there (a reaction to the farewell)."""
        before = self.closed_thread
        if self.thread is not None or before is None:
            return self._open_thread()
        if payload.get("type") not in _ABOUT_OTHERS:
            self._reopen(before)
        return before

    def _reopen(self, thread: Thread) -> None:
        thread.reopen()
        self.thread, self.closed_thread = thread, None
        # What closed it within this batch is written after it.
        self.effects.outside.threads = [row for row in self.effects.outside.threads if row["id"] != thread.id]
        self.log_decision(thread, "status_changed", dict(_REOPENED))
        self._poke(thread, "conversation_updated", None)

    def _take_up_queued(self) -> None:
        """What the contact wrote while a session waited for an outside call has its turn, in order, once that is over:
        as the answer that the session now waits for, or, when it is over, like any message."""
        for stored in [stored for stored in self.sessions.values() if stored.queued]:
            while stored.queued and not stored.waits_outside:
                message, stored.dirty = stored.queued.pop(0), True
                self._automate(self._open_thread(), message, again=True)

    def _automate(self, thread: Thread, message: InboundInput, *, again: bool = False) -> None:
        """Parameters:
        again: it was queued; whether its choice still counts was looked at when it came.
        """
        running = self.running_session()
        situation = routing.Situation(
            handling=thread.handling,
            blocked=self.person.blocked,
            session_waits_for=running.session.wait.kind if running and running.session.wait else None,
            template_of=lambda: threads.template_of(
                self.context.connection, self.account.id, message.context_external_id or "", self.context.now
            ),
            outdated_choice=lambda: None if again else self._outdated_choice(thread, message, running),
        )
        decision = routing.decide(message, situation, self.account, self.flows)
        if decision.action == "start" or decision.kind in ("session_busy", "no_flow"):
            broken = execution_delays.broken_off_by(self, thread, message)
            if broken is not None:
                running, decision = broken, routing.Decision("resume", "session_resumed")
        if decision.action == "queue" and running is not None:
            self._queue(running, thread, message, decision)
            return
        if decision.action == "resume" and running is not None:
            self._log(thread, decision, running)
            self._signal(message.external_id)
            self.resume(running, thread, MessageResume(message=message))
            if not (running.session.status == "interrupted" and (running.session.outcome or "").startswith("keyword:")):
                return
            # The word broke off the session; it may be the keyword of another flow.
            situation = routing.Situation(thread.handling, self.person.blocked, None, situation.template_of)
            decision = routing.decide(message, situation, self.account, self.flows)
            if decision.trigger == "universal" and str(decision.flow_id) == running.session.root_flow_id:
                # What it broke off doesn't begin again only because every message begins it.
                return
        self._log(thread, decision, running if decision.action == "resume" else None)
        if decision.action == "opt_out":
            self.person.consent, self.person.consent_at, self.person.dirty = "opted_out", self.context.now, True
            if thread.handling == "waiting":
                self.effects.places.leave(thread.organization_id, thread.id, "abandoned", "opted_out")
                self._give_to_bot(thread)
            for stored in [stored for stored in self.sessions.values() if stored.alive]:
                self.resume(stored, thread, CancelResume(reason="opted_out"))
        elif decision.action == "start" and decision.flow_id is not None:
            self._signal(message.external_id)
            trigger = Trigger(kind=decision.trigger, node_id=decision.node_id, message=message)
            self._start(thread, decision.flow_id, trigger)

    def _queue(
        self,
        running: StoredSession,
        thread: Thread,
        message: InboundInput,
        decision: routing.Decision,
        actor_id: UUID | None = None,
    ) -> None:
        if len(running.queued) < MAX_QUEUED:
            running.queued.append(message)
            running.dirty = True
        else:
            decision = routing.Decision(
                "nothing", "session_busy", detail={"waits_for": "request", "queued": MAX_QUEUED}
            )
        self._log(thread, decision, running, actor_id)

    def _outdated_choice(self, thread: Thread, message: InboundInput, running: StoredSession | None) -> str | None:
        context, quoted = self.context, message.context_external_id or ""
        if running is not None and running.session.wait is not None:
            asked = threads.asked_by(context.connection, self.account.id, quoted, context.now)
            if asked is None or asked[0] is None:
                return None
            return None if asked == (running.id, running.session.wait.node_id) else "stale_selection"
        since = (message.at or context.now) - DOUBLE_TAP
        # The message itself stands at the end of the effects.
        repeated = any(
            row["context_external_id"] == quoted and row["selection_id"] == message.selection_id
            and row["sent_at"] >= since
            for row in self.effects.messages[:-1] if row["direction"] == "in" and row.get("context_external_id")
        ) or threads.chosen_since(context.connection, thread.id, quoted, message.selection_id or "", since)  # fmt: skip
        return "repeated_selection" if repeated else None

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
        wait = stored.session.wait
        if thread.handling == "person" and not stored.with_person and wait is not None and wait.id == wait_id:
            # A person has taken over meanwhile: automation must not speak into the conversation.
            taken = HandoffResume(wait_id=wait_id, result="transferred")
            resume = taken if waiting_for_person else CancelResume(reason="with_person")
        elif payload.get("kind") == "delay" and execution_delays.postponed(self, stored, wait_id):
            return
        elif waiting_for_person and thread.handling == "waiting":
            self.effects.places.leave(thread.organization_id, thread.id, "timeout", "flow")
            self.resume(stored, thread, resume)
            # Another queue may have it now; else nobody comes any more, and automation has it again.
            if stored.alive or thread.id not in self.effects.places.entered:
                self._give_to_bot(thread)
            return
        self.resume(stored, thread, resume)

    def _request(self, event: Event) -> None:
        """The answer to a request that a session waits for."""
        payload = event.payload
        stored = self.sessions.get(UUID(payload["session_id"]))
        thread = self._thread_of(stored) if stored else None
        result = requests.result_of(self.context.connection, UUID(payload["request_id"])) if stored else None
        if stored is None or thread is None or result is None:
            return
        wait = stored.session.wait
        beside = thread.handling == "person" and not stored.with_person
        if beside and wait is not None and wait.id == payload["request_id"]:
            # A person has taken over meanwhile: automation must not speak into the conversation.
            self.resume(stored, thread, CancelResume(reason="with_person"))
            return
        self.resume(stored, thread, RequestResume(request_id=payload["request_id"], result=result))

    def _command(self, event: Event) -> None:
        command = Command.model_validate(event.payload)
        stored = self.sessions.get(command.session_id) if command.session_id else self.running_session()
        if command.action == "start" and command.flow_id is not None:
            reason = self.busy(with_person=command.with_person) if command.polite else None
            if reason is not None:
                if self.thread is not None:
                    detail = {"reason": reason, "by": command.trigger}
                    self._log(self.thread, routing.Decision("nothing", "start_skipped", command.flow_id, detail=detail),
                              None, command.actor_id)  # fmt: skip
                return
            thread = self._open_thread()
            running = self.running_session()
            if running is not None:
                self.resume(running, thread, CancelResume(reason=command.reason or "replaced"))
            if command.trigger == "event":
                happening: dict[str, Any] = {
                    "event": command.params.get("event"), "value": command.params.get("event_value")
                }  # fmt: skip
                decision = routing.Decision("start", "event", command.flow_id, detail=happening)
            else:
                kind = "started_by_person" if command.actor_id else "started"
                decision = routing.Decision("start", kind, command.flow_id)
            self._log(thread, decision, None, command.actor_id)
            if not command.with_person:
                self._give_to_bot(thread)
            trigger = Trigger(kind=command.trigger, node_id=command.node_id, params=command.params)
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
            self.resume(stored, thread, CancelResume(reason=command.reason))
        elif command.action == "handoff" and command.result and stored.session.wait is not None:
            self.resume(stored, thread, HandoffResume(wait_id=stored.session.wait.id, result=command.result))
        elif command.action == "input":
            text, selection = command.text, command.selection_id
            message = InboundInput(
                type="interactive" if selection else "text", text=text, selection_id=selection, at=self.context.now
            )
            if stored.waits_outside:
                self._queue(stored, thread, message, routing.Decision("queue", "session_queued"), command.actor_id)
                return
            self._log(thread, routing.Decision("resume", "answered_by_api"), stored, command.actor_id)
            self.resume(stored, thread, MessageResume(message=message))

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

    def _history(self, event: Event) -> None:
        """A message exchanged before the number was connected: shown where it belongs in time, never automated."""
        past, thread, context = event.payload.get("past") or {}, self._open_thread(), self.context
        at = min(parse_time(event.payload.get("at")) or event.received_at, context.now)
        message, asset = inbound_message(thread, event, at, context.now, context.new_id)
        external_id = message["external_id"] = event.external_id.removesuffix(":media_placeholder")
        known = Amendments(context.connection, self.effects, context.now).find(thread, external_id)
        if known is not None:
            if not known["content"].pop("placeholder", False):
                return
            # Now the file comes whose place was held.
            known.update({name: message[name] for name in ("type", "text", "media", "location")})
        else:
            message["id"] = at_time(message["id"], at, event.id)
            message["content"] |= {"history": True} | ({"placeholder": True} if past.get("placeholder") else {})
            if past.get("out"):
                message.update(direction="out", status=past.get("status") or "sent", author_kind="agent")
            else:
                thread.listened(at)
            self.effects.messages.append(message)
            if thread.last_message_at is None or at > thread.last_message_at:
                preview = threads.preview_of(message["text"], message["type"])
                thread.said(message["id"], at, preview, message["direction"])
        if asset is not None:
            self.effects.media.append(asset)
        self._poke(thread, "conversation_updated", None)

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
