"""Traces: one message's way from webhook to the platform's report, over all processes, for an OpenTelemetry collector.

Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` is set: then the library is not even imported. The context travels in the rows
as a W3C `traceparent`, so that a trace goes on in whichever process takes the row up. What comes from outside or of
itself (webhooks, people's and programs' messages and commands, schedules, timers) begins traces, and only as many as
`TRACE_SAMPLE_RATIO` says. Attributes are ids and words of closed lists: no texts, no numbers.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Tracer

    from pytake_app.config import Settings

Kind = Literal["server", "internal", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | float | bool]

_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-01$")
_SECONDS = 2
"""Of waiting for a collector that doesn't answer; a process that stops must not wait for it longer."""

_state: dict[str, Tracer] = {}
_providers: list[TracerProvider] = []


def start(settings: Settings, role: str, *, exporter: SpanExporter | None = None) -> None:
    """Begin tracing, if a collector is named. Once a process.

    Parameters:
        role: web, worker, outbox or scheduler.
        exporter: in place of OTLP over HTTP.
    """
    if _state or not (settings.otel_exporter_otlp_endpoint or exporter):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    resource = Resource.create(
        {
            "service.name": os.environ.get("OTEL_SERVICE_NAME", "pytake"),
            "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
            "pytake.role": role,
        }
    )
    # Not the library's global one: other libraries' spans would name addresses.
    provider = TracerProvider(
        resource=resource, sampler=ParentBased(TraceIdRatioBased(settings.trace_sample_ratio)), shutdown_on_exit=False
    )
    if exporter is None:
        address = settings.otel_exporter_otlp_endpoint.rstrip("/") + "/v1/traces"
        exporter = OTLPSpanExporter(endpoint=address, timeout=_SECONDS)
    provider.add_span_processor(
        BatchSpanProcessor(exporter, schedule_delay_millis=1000, export_timeout_millis=_SECONDS * 1000)
    )
    _providers.append(provider)
    _state["tracer"] = provider.get_tracer("pytake")


def stop() -> None:
    """Hand over what is left, and trace no more."""
    _state.clear()
    while _providers:
        _providers.pop().shutdown()


def on() -> bool:
    """Whether anything is traced."""
    return bool(_state)


def begin(name: str, kind: Kind, attributes: Attributes | None = None, *, link: str | None = None) -> Span | None:
    """The first span of a trace; None when tracing is off or this one is not in the sample.

    Parameters:
        link: what `carried` said of a span of another trace that brought it about.
    """
    tracer = _state.get("tracer")
    if tracer is None:
        return None
    from opentelemetry.context import Context

    span = tracer.start_span(name, Context(), kind=_kind(kind), attributes=attributes, links=_links(link))
    return span if span.is_recording() else None


def go_on(
    name: str, kind: Kind, parent: str | None, attributes: Attributes | None = None, *, link: str | None = None
) -> Span | None:
    """A span below another, perhaps of another process.

    Parameters:
        parent: what `carried` said of that span; without it there is nothing to go on with.
        link: what `carried` said of a span that it also has to do with.

    Returns:
        None when tracing is off, or nothing was carried.
    """
    tracer = _state.get("tracer")
    if tracer is None or parent is None:
        return None
    above = _context(parent)
    if above is None:
        return None
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    span = tracer.start_span(
        name,
        set_span_in_context(NonRecordingSpan(above), Context()),
        kind=_kind(kind),
        attributes=attributes,
        links=_links(link),
    )
    return span if span.is_recording() else None


def carried(span: Span | None) -> str | None:
    """What a row carries of a span: a W3C traceparent (W3C Trace Context, section 3.2)."""
    if span is None:
        return None
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"


def end(span: Span | None, *, failed: str | None = None, **attributes: str | float | bool) -> None:
    """It is over.

    Parameters:
        failed: why, in a word, if it failed.
    """
    if span is None:
        return
    for name, value in attributes.items():
        span.set_attribute(f"pytake.{name}", value)
    if failed is not None:
        from opentelemetry.trace import Status, StatusCode

        span.set_status(Status(StatusCode.ERROR, failed))
    span.end()


def _links(carried_: str | None) -> list[Link] | None:
    other = _context(carried_) if carried_ else None
    if other is None:
        return None
    from opentelemetry.trace import Link

    return [Link(other)]


def _context(carried_: str) -> SpanContext | None:
    match = _TRACEPARENT.match(carried_)
    if match is None:
        return None
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=TraceFlags(1))


def _kind(kind: Kind) -> SpanKind:
    from opentelemetry.trace import SpanKind

    return SpanKind[kind.upper()]
