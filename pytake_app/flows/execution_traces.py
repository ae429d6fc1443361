"""The worker's part of a message's trace (see `core.tracing`): what was decided, and what became of what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from pytake_app.core import tracing
from pytake_app.flows.execution_contact import ContactRun
from pytake_app.messaging import statuses
from pytake_app.messaging.inbound import Event
from pytake_app.messaging.sql import Connection

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_SENT = "SELECT id, trace FROM outbox WHERE id = ANY(%s) AND trace IS NOT NULL"


BEGINNERS = frozenset({"timer", "command"})
"""Kinds of events that come by no webhook: a sprint for one of them begins a trace of its own."""
LINK = "trace_link"
"""In an event's payload: the span that brought it about, of another trace."""


def handle(run: ContactRun, event: Event) -> list[Span]:
    """Have a contact's event taken; if it is traced, what it sends and asks for carries the trace on, and a timer that
    it sets will name it.

    Returns:
        spans that end with the commit.
    """
    link = event.payload.pop(LINK, None)
    parent = event.payload.get("trace")
    if not tracing.on() or (parent is None and event.kind not in BEGINNERS):
        run.handle(event)
        return []
    about: tracing.Attributes = {
        "pytake.kind": event.kind,
        "pytake.attempt": event.attempts + 1,
        "pytake.organization_id": str(event.organization_id),
    }
    if parent is None:
        span = tracing.begin("sprint", "consumer", about, link=link)
    else:
        span = tracing.go_on("sprint", "consumer", parent, about)
    effects = run.effects
    first, asked, set_ = len(effects.outbox), len(effects.outside.requests), len(effects.timers)
    try:
        run.handle(event)
    except Exception as error:
        tracing.end(span, failed=type(error).__name__)
        raise
    if span is None:
        return []
    carried = tracing.carried(span)
    for row in (*effects.outbox[first:], *effects.outside.requests[asked:]):
        row["trace"] = carried
    effects.timers[set_:] = [replace(timer, trace=carried) for timer in effects.timers[set_:]]
    return [span]


def tell_statuses(connection: Connection, receipts: Sequence[Event]) -> None:
    """A report on a message belongs to the trace in which the message was sent, and names the one that it came by."""
    if not tracing.on():
        return
    ours = {UUID(event.payload["callback"]): event for event in receipts if statuses.is_ours(event.payload)}
    if not ours:
        return
    for outbox_id, trace in connection.execute(_SENT, (list(ours),)):
        event = ours[outbox_id]
        about = {"pytake.status": statuses.word_of(event.payload), "pytake.organization_id": str(event.organization_id)}
        tracing.end(tracing.go_on("status", "consumer", trace, about, link=event.payload.get("trace")))
