"""The worker's part of a message's trace (see `core.tracing`): what was decided, and what became of what was sent."""

from __future__ import annotations

from collections.abc import Sequence
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


def handle(run: ContactRun, event: Event) -> list[Span]:
    """Have a contact's event taken; if it is traced, what it sends carries the trace on.

    Returns:
        spans that end with the commit.
    """
    parent = event.payload.get("trace") if tracing.on() else None
    if parent is None:
        run.handle(event)
        return []
    about: tracing.Attributes = {
        "pytake.kind": event.kind,
        "pytake.attempt": event.attempts + 1,
        "pytake.organization_id": str(event.organization_id),
    }
    span = tracing.go_on("sprint", "consumer", parent, about)
    first = len(run.effects.outbox)
    try:
        run.handle(event)
    except Exception as error:
        tracing.end(span, failed=type(error).__name__)
        raise
    for row in run.effects.outbox[first:]:
        row["trace"] = tracing.carried(span)
    return [span] if span is not None else []


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
