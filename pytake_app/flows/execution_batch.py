"""One batch: many contacts' events in one transaction, read and written in sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from pytake_app.contacts import identities
from pytake_app.contacts.identities import Person, Wanted
from pytake_app.conversations import threads
from pytake_app.core.metrics import counter, statuses_applied
from pytake_app.core.services import Services
from pytake_app.flows import execution_traces
from pytake_app.flows.execution_catalog import FlowCatalog
from pytake_app.flows.execution_contact import BatchContext, ContactRun
from pytake_app.flows.execution_state import (
    Effects,
    StoredSession,
    ask_sessions,
    touched,
    write_effects,
    write_sessions,
)
from pytake_app.messaging import inbound, resting, statuses
from pytake_app.messaging.inbound import Event
from pytake_app.messaging.payloads import NOBODY, SenderKeys
from pytake_app.messaging.sql import Connection, Later, together
from pytake_app.messaging.statuses import Changed, Status
from pytake_app.outgoing import ai as outgoing
from pytake_app.whatsapp import template_news as templates

if TYPE_CHECKING:
    from opentelemetry.trace import Span

log = structlog.get_logger(__name__)

ContactKey = tuple[UUID, str]


@dataclass(slots=True)
class Outcome:
    """What a batch did. `failed`: events of contacts that must be tried alone; nothing of them was written."""

    effects: Effects = field(default_factory=Effects)
    statuses: list[Changed] = field(default_factory=list)
    done: list[Event] = field(default_factory=list)
    failed: list[list[Event]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    """Spans to end with the commit."""


def run(
    connection: Connection, services: Services, catalog: FlowCatalog, events: Sequence[Event], *, isolate: bool = True
) -> Outcome:
    """Handle `events` (in order per contact) within the transaction of `connection`.

    Parameters:
        isolate: set aside a contact whose handling raises (`Outcome.failed`); else let it raise.

    Raises:
        ConcurrentChangeError: start again.
        psycopg.Error: the database refused something: try the contacts one by one.
    """
    now = services.clock.now()
    outcome = Outcome()
    receipts = [event for event in events if event.kind == "status"]
    if receipts:
        outcome.statuses = statuses.apply(
            connection,
            [Status(e.organization_id, e.channel_account_id, e.payload, e.received_at) for e in receipts],
            now,
            services.new_id,
        )
        execution_traces.tell_statuses(connection, receipts)
        inbound.forget(connection, [event.id for event in receipts])
        outcome.done += receipts
        for word, count in Counter(statuses.word_of(event.payload) for event in receipts).items():
            counter(statuses_applied, word).inc(count)
    others = [event for event in events if event.kind != "status"]
    nobody = [event for event in others if event.contact_key == NOBODY]
    _run_contacts(connection, services, catalog, [e for e in others if e.contact_key != NOBODY], outcome, isolate)
    templates.take_news(connection, [(e.channel_account_id, e.payload) for e in nobody if e.kind == "notice"], now)
    outcome.done += nobody
    inbound.mark_done(connection, [event.id for event in outcome.done if event.kind != "status"], now)
    return outcome


def group(events: Sequence[Event]) -> list[list[Event]]:
    """Events by contact key, each in order."""
    groups: dict[ContactKey, list[Event]] = {}
    for event in events:
        groups.setdefault((event.channel_account_id, event.contact_key), []).append(event)
    return list(groups.values())


def _run_contacts(
    connection: Connection,
    services: Services,
    catalog: FlowCatalog,
    events: list[Event],
    outcome: Outcome,
    isolate: bool,
) -> None:
    if not events:
        return
    # Asked together, and read afterwards.
    accounts_of = catalog.ask_accounts(connection, sorted({event.channel_account_id for event in events}))
    flows_of = catalog.ask_live(connection, sorted({event.organization_id for event in events}))
    senders = _senders(connection, events)
    accounts = accounts_of()
    at_rest = {account.id for account in accounts.values() if account.at_rest}
    if at_rest:
        resting.hold(connection, [event.id for event in events if event.channel_account_id in at_rest])
        events = [event for event in events if event.channel_account_id not in at_rest]
        if not events:
            return
        senders = _senders(connection, events)
    context = BatchContext(
        connection,
        catalog,
        accounts,
        flows_of(),
        services.clock.now(),
        services.new_id,
        services.settings.lanes,
        ai=outgoing.available(services.settings),
    )
    people = _people(connection, services, senders, outcome)
    if not people:
        return
    pairs = list({(person.id, person.channel_account_id) for person, _ in people})
    threads_of = threads.ask_open(connection, _wanted(context, people))
    session_ids = {
        UUID(str(e.payload["session_id"])) for _, group_ in people for e in group_ if e.payload.get("session_id")
    }
    sessions_of = ask_sessions(connection, pairs, list(session_ids))
    current = threads_of()
    open_threads = {pair: thread for pair, thread in current.items() if thread.is_open}
    closed = {pair: thread for pair, thread in current.items() if not thread.is_open}
    sessions: dict[tuple[UUID, UUID], list[StoredSession]] = {}
    for stored in sessions_of():
        sessions.setdefault((stored.contact_id, stored.channel_account_id), []).append(stored)
    elsewhere = {thread.id: thread for thread in closed.values()}
    elsewhere |= _other_threads(connection, sessions, current)
    runs: list[ContactRun] = []
    for person, group_ in people:
        pair = (person.id, person.channel_account_id)
        contact_run = ContactRun(context, person, open_threads.get(pair), sessions.get(pair, []), elsewhere)
        contact_run.closed_thread = closed.get(pair)
        spans: list[Span] = []
        try:
            for event in group_:
                spans += execution_traces.handle(contact_run, event)
        except Exception:
            if not isolate:
                raise
            # Whatever it is, it must not take the other contacts down; it is tried alone, and counted.
            log.exception("contact_failed", events=len(group_), organization_id=str(person.organization_id))
            outcome.failed.append(group_)
            continue
        runs.append(contact_run)
        outcome.spans += spans
        outcome.done += group_
    _write(connection, context, runs, outcome)


@dataclass(frozen=True, slots=True)
class _Senders:
    """Who a batch's events come from, as asked of the database. `makers`: whom to make a contact if need be."""

    groups: list[list[Event]]
    wanted: list[Wanted]
    makers: set[int]
    found: Later[list[Person | None]]


def _senders(connection: Connection, events: list[Event]) -> _Senders:
    groups = group(events)
    wanted: list[Wanted] = []
    makers: list[int] = []
    for n, events_ in enumerate(groups):
        first = events_[0]
        spoken = [SenderKeys.of(e.payload, first.contact_key) for e in events_ if e.payload.get("sender")]
        keys = SenderKeys.joined(spoken) if spoken else SenderKeys.unknown(first.contact_key)
        wanted.append(Wanted(first.organization_id, first.channel_account_id, keys))
        if any(e.kind in ("message", "echo", "history") for e in events_):
            makers.append(n)
    return _Senders(groups, wanted, set(makers), identities.ask(connection, wanted))


def _people(
    connection: Connection, services: Services, senders: _Senders, outcome: Outcome
) -> list[tuple[Person, list[Event]]]:
    """Each contact once, locked, with its events in order, whatever key they came under."""
    found = identities.make_missing(
        connection, senders.wanted, senders.found(), services.new_id, makers=senders.makers
    )
    merged: dict[UUID, tuple[Person, list[Event]]] = {}
    for person, events_ in zip(found, senders.groups, strict=True):
        if person is None:
            outcome.done += events_
            continue
        merged.setdefault(person.identity_id, (person, []))[1].extend(events_)
    for _, events_ in merged.values():
        events_.sort(key=lambda event: event.id)
    return list(merged.values())


def _wanted(
    context: BatchContext, people: list[tuple[Person, list[Event]]]
) -> dict[tuple[UUID, UUID], datetime | None]:
    """Whose conversation is wanted; where the contact writes, one that was closed lately would go on."""
    wanted: dict[tuple[UUID, UUID], datetime | None] = {}
    for person, group_ in people:
        writes = any(event.kind == "message" for event in group_)
        reopens = context.accounts[person.channel_account_id].reopens_for if writes else None
        wanted[person.id, person.channel_account_id] = context.now - reopens if reopens else None
    return wanted


def _other_threads(
    connection: Connection,
    sessions: dict[tuple[UUID, UUID], list[StoredSession]],
    current: dict[tuple[UUID, UUID], threads.Thread],
) -> dict[UUID, threads.Thread]:
    known = {thread.id for thread in current.values()}
    missing = {s.conversation_id for stored in sessions.values() for s in stored} - known
    return threads.find_by_id(connection, sorted(missing))


def _write(connection: Connection, context: BatchContext, runs: list[ContactRun], outcome: Outcome) -> None:
    for contact_run in runs:
        outcome.effects.extend(contact_run.effects)
    changed = [
        thread for r in runs for thread in (r.thread, *r.others.values()) if thread and (thread.dirty or thread.new)
    ]
    sessions = [stored for r in runs for stored in r.sessions.values() if stored.dirty or stored.new]
    identities.write(connection, [r.person for r in runs], context.now)
    changed = touched(changed)
    threads.insert_new(connection, changed, context.now)
    # From here on nothing is read back: the statements go out together.
    with together(connection):
        threads.write_changed(connection, changed, context.now)
        write_sessions(connection, sessions, context.now)
        write_effects(connection, outcome.effects, context.now)
