"""The shell around the engine: lock the contact, load, run, apply the events in one commit, then act on them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from uuid import UUID

import orjson
import psycopg
import redis
import structlog

from pytake_app.contacts.identities import ConcurrentChangeError
from pytake_app.core import tracing
from pytake_app.core.errors import UnavailableError
from pytake_app.core.memory import undisturbed
from pytake_app.core.metrics import batch_events, batch_seconds, counter, inbound_processed, inbound_seconds
from pytake_app.core.services import Services
from pytake_app.flows import execution_batch
from pytake_app.flows.execution_batch import Outcome
from pytake_app.flows.execution_catalog import FlowCatalog
from pytake_app.jobs import enqueue
from pytake_app.messaging import inbound
from pytake_app.messaging.at_work import AtWork
from pytake_app.messaging.inbound import Claim, Event
from pytake_app.messaging.sql import hot

log = structlog.get_logger(__name__)

MAX_DRAIN_SECONDS = 2.0
"""A job hands over to the next one after this long, so that the worker can look after itself."""

_BUSY_PAUSE = 0.005
_WAIT_SLICE = 0.25
_CROWD = 10
_GATHER_PAUSE = 0.003
"""After a batch of so many events the next one is given a moment to gather: a batch costs as much as ten messages."""
_CONCURRENT_TRIES = 3

Verdict = Literal["done", "failed", "dead", "wait", "gone"]
"""On an event tried alone; `wait` and `gone` as `inbound.Turn`."""


@dataclass(frozen=True, slots=True)
class DrainResult:
    """What a drain did. `dead`: events given up on; `busy`: lanes held by another worker."""

    events: int = 0
    failed: int = 0
    dead: int = 0
    busy: tuple[int, ...] = ()
    more: bool = False


class Executor:
    """Drains lanes. One a process: it keeps compiled flows.

    Parameters:
        services: the process's services.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._catalog = FlowCatalog()
        self._at_work = AtWork(services.redis)

    def drain(self, lanes: Sequence[int]) -> DrainResult:
        """Handle one batch of what is pending on `lanes`.

        Raises:
            UnavailableError: the database is away.
        """
        claim: Claim | None = None
        committed = False
        began = time.perf_counter()
        for attempt in range(_CONCURRENT_TRIES):
            try:
                with hot(self._services.database, pipelined=True) as connection:
                    claim = inbound.claim(connection, lanes, self._services.clock.now())
                    if not claim.events:
                        return DrainResult(busy=tuple(claim.busy))
                    batch, careful, suspects = self._sort_out(claim.events)
                    outcome = execution_batch.run(connection, self._services, self._catalog, batch)
                committed = True
            except ConcurrentChangeError:
                log.info("batch_repeated", attempt=attempt)
                continue
            except UnavailableError as error:
                # A person acted on the same conversation at the same moment, and PostgreSQL chose this transaction.
                if isinstance(error.__cause__, psycopg.errors.DeadlockDetected) and attempt + 1 < _CONCURRENT_TRIES:
                    log.info("batch_repeated", attempt=attempt)
                    continue
                raise
            except psycopg.Error as error:
                # The database refused somebody's data: find out whose.
                log.warning("batch_refused", error=type(error).__name__)
                break
            except Exception:
                if claim is None:
                    raise
                # A fault in what is done for all contacts together: one of them brought it. Find out whose, or the
                # lane would be stuck.
                log.exception("batch_failed", events=len(claim.events))
                break
            finally:
                if claim is not None and claim.events and not committed:
                    self._at_work.wipe(claim.lanes)
            batch_seconds.observe(time.perf_counter() - began)
            batch_events.observe(len(batch))
            self._after_commit(outcome, claim.lanes)
            failed, dead = self._one_by_one([*careful, *outcome.failed], suspects)
            tried = sum(len(events) for events in careful)
            return DrainResult(len(outcome.done) + tried + failed, failed, dead, tuple(claim.busy), claim.more)
        assert claim is not None
        failed, dead = self._one_by_one(execution_batch.group(claim.events), set())
        return DrainResult(len(claim.events), failed, dead, tuple(claim.busy), claim.more)

    def _sort_out(self, events: list[Event]) -> tuple[list[Event], list[list[Event]], set[int]]:
        """What may go together; the contacts to be taken alone; and ids of events that a worker may have died over."""
        by_lane: dict[int, list[int]] = {}
        for event in events:
            by_lane.setdefault(event.lane, []).append(event.id)
        suspects = self._at_work.note(by_lane)
        if not suspects and not any(event.attempts for event in events):
            return events, [], suspects
        careful = [
            group
            for group in execution_batch.group(events)
            if any(event.attempts or event.id in suspects for event in group)
        ]
        alone = {event.id for group in careful for event in group}
        return [event for event in events if event.id not in alone], careful, suspects

    def _one_by_one(self, groups: list[list[Event]], suspects: set[int]) -> tuple[int, int]:
        """Try contacts alone, event by event: what came before the fault stays, what comes after it waits."""
        failed = dead = 0
        for events in groups:
            for event in events:
                verdict = self._try(event, counted=event.attempts > 0 or event.id in suspects)
                failed += verdict in ("failed", "dead")
                dead += verdict == "dead"
                if verdict in ("failed", "wait"):
                    break
        return failed, dead

    def _try(self, event: Event, *, counted: bool) -> Verdict:
        if counted:
            allowed = self._may_try(event)
            if allowed != "now":
                return allowed
        verdict: Verdict = "done"
        try:
            with hot(self._services.database) as connection:
                turn = inbound.lock_turn(connection, event)
                if turn != "now":
                    return turn
                self._at_work.note({event.lane: [event.id]})
                outcome = execution_batch.run(connection, self._services, self._catalog, [event], isolate=False)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  # recorded on the event; the contact's turn ends here
            verdict = self._failed(event, error, counted=counted)
        finally:
            self._at_work.wipe([event.lane])
        if verdict == "done":
            self._after_commit(outcome)
        return verdict

    def _may_try(self, event: Event) -> Verdict | Literal["now"]:
        """Count the attempt in a commit of its own, in case this process does not outlive it."""
        with hot(self._services.database) as connection:
            turn = inbound.lock_turn(connection, event)
            if turn != "now":
                return turn
            allowed = inbound.count_attempt(connection, event, self._services.clock.now())
        if allowed:
            return "now"
        log.error("event_killed_workers", event_id=event.id, organization_id=str(event.organization_id))
        counter(inbound_processed, event.kind, "dead").inc()
        return "dead"

    def _failed(self, event: Event, error: BaseException, *, counted: bool) -> Verdict:
        with hot(self._services.database) as connection:
            given_up = inbound.mark_failed(connection, event, error, self._services.clock.now(), counted=counted)
        counter(inbound_processed, event.kind, "dead" if given_up else "failed").inc()
        return "dead" if given_up else "failed"

    def _after_commit(self, outcome: Outcome, lanes: Sequence[int] = ()) -> None:
        """Tell who is to know, in one step, and wipe the note of `lanes`."""
        now = self._services.clock.now()
        for span in outcome.spans:
            tracing.end(span)
        for event in outcome.done:
            inbound_seconds.observe(max(0.0, (now - event.received_at).total_seconds()))
        for kind, count in Counter(event.kind for event in outcome.done).items():
            counter(inbound_processed, kind, "done").inc(count)
        pipeline = self._services.redis.pipeline(transaction=False)
        if outcome.effects.outbox:
            enqueue.tell_outbox(pipeline)
        self._at_work.add_wipe(pipeline, lanes)
        self._services.live.add(pipeline, _pokes(outcome))
        try:
            pipeline.execute()
            if outcome.effects.outside.requests:
                enqueue.poke_requests(self._services.redis)
            signals = outcome.effects.signals
            if signals:
                enqueue.push_signals(self._services.redis, [orjson.dumps(signal) for signal in signals])
            enqueue.poke_queues(self._services.redis, outcome.effects.places.organizations)
        except redis.RedisError as error:
            log.warning("outbox_poke_failed", error=type(error).__name__)


def _pokes(outcome: Outcome) -> list[tuple[str, dict[str, object]]]:
    """One poke a conversation and kind of event, for its own topic and for its organization's list."""
    grouped: dict[tuple[UUID, UUID, str], list[str]] = {}
    for organization_id, conversation_id, kind, message_id in outcome.effects.pokes:
        ids = grouped.setdefault((organization_id, conversation_id, kind), [])
        if message_id is not None:
            ids.append(str(message_id))
    for change in outcome.statuses:
        key = (change.organization_id, change.conversation_id, "message_status_updated")
        grouped.setdefault(key, []).append(str(change.message_id))
    pokes: list[tuple[str, dict[str, object]]] = []
    for (organization_id, conversation_id, kind), ids in grouped.items():
        payload: dict[str, object] = {"event": kind, "conversation_id": str(conversation_id), "message_ids": ids}
        pokes.append((f"conversation:{conversation_id}", payload))
        pokes.append((f"org:{organization_id}:conversations", payload))
    for organization_id, user_id in dict.fromkeys(outcome.effects.told):
        notice: dict[str, object] = {"event": "notification", "user_id": str(user_id)}
        pokes.append((f"org:{organization_id}:notifications", notice))
    pokes += outcome.effects.places.pokes()
    return pokes


@lru_cache(maxsize=8)
def executor(services: Services) -> Executor:
    """The process's executor for these services."""
    return Executor(services)


def drain_lane(
    services: Services, lane: int, *, stay: float = 0.0, stopping: Callable[[], bool] = lambda: False
) -> DrainResult:
    """Handle everything pending on `lane`, and, while at it, on other lanes that were poked.

    Parameters:
        stay: seconds to be on duty for lanes that are poked meanwhile; a poke then costs no job.
        stopping: whether the process is to end.

    Raises:
        UnavailableError: the database is away; the sweeper will have the lane looked at again.
    """
    worker = executor(services)
    settings, client = services.settings, services.redis
    share = enqueue.lanes_each(client, settings)
    began = time.monotonic()
    duty = enqueue.Duty(client)
    events = failed = dead = 0
    try:
        lanes = list(dict.fromkeys([lane, *duty.take(share, 0.0)]))
        while True:
            with undisturbed():
                result = worker.drain(lanes) if lanes else DrainResult()
            events, failed, dead = events + result.events, failed + result.failed, dead + result.dead
            again = [*(lanes if result.more else ()), *result.busy]
            if result.failed and not result.dead:
                # Looked at again by the sweeper when the failed event's next attempt is due.
                log.info("events_failed", count=result.failed)
            if again:
                enqueue.give_back_lanes(client, set(again))
            passed = time.monotonic() - began
            if passed > MAX_DRAIN_SECONDS or stopping():
                break
            if result.events >= _CROWD and not result.more:
                time.sleep(_GATHER_PAUSE)
            elif result.busy and not result.events:
                time.sleep(_BUSY_PAUSE)
            lanes = duty.take(share, 0.0 if again else min(_WAIT_SLICE, max(0.0, stay - passed)))
            if not lanes and passed >= stay:
                break
    finally:
        # Also when the database is away: nobody must count on this worker.
        enqueue.poke_lanes(client, settings, duty.leave())
    return DrainResult(events, failed, dead)
