"""One trace from the webhook to the platform's report, as a collector receives it."""

import asyncio
import gzip
import itertools
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pytake_app.api.ingest_asgi import WebhookApp
from pytake_app.api.services import build_services
from pytake_app.channels.whatsapp.signature import sign
from pytake_app.config import Settings
from pytake_app.core import tracing
from pytake_app.core.clock import FrozenClock
from pytake_app.core.egress import EgressGuard
from pytake_app.core.services import Services
from pytake_app.flows.requester import Requester
from pytake_app.messaging import service as queue
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.messaging.schemas import QueueSend
from tests.support.echo_server import EchoServer
from tests.support.graph_stub import GraphStub
from tests.support.pipeline import APP_SECRET, ECHO, Pipeline, add_flow


class Collector:
    """Takes OTLP over HTTP on a loopback port."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                request = ExportTraceServiceRequest.FromString(body)
                assert self.path == "/v1/traces"
                collector.spans += [
                    span for group in request.resource_spans for scope in group.scope_spans for span in scope.spans
                ]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    tracing.stop()
    made.server.shutdown()
    made.server.server_close()


def traced(settings: Settings, collector: Collector, ratio: float = 1.0) -> Settings:
    return settings.model_copy(
        update={"otel_exporter_otlp_endpoint": collector.url, "trace_sample_ratio": ratio}
    )  # fmt: skip


async def post(services: Services, pipeline: Pipeline, *bodies: dict[str, Any]) -> None:
    app = WebhookApp(build_services(services.settings, clock=services.clock, database=services.database))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        for body in bodies:
            raw = orjson.dumps(body)
            headers = {"x-hub-signature-256": sign(raw, APP_SECRET)}
            path = f"/webhook/whatsapp/{pipeline.tenant.account.id}"
            response = await client.post(path, content=raw, headers=headers)
            assert response.status_code == 200, response.text
    await app.aclose()


async def test_one_trace_from_webhook_to_report(
    services: Services, graph_stub: GraphStub, frozen_clock: FrozenClock, collector: Collector
) -> None:
    pipeline = Pipeline.make(services, graph_stub.base_url)
    add_flow(services.database, pipeline.tenant.organization_id, ECHO)
    tracing.start(traced(services.settings, collector), "test")
    phone = pipeline.phone()
    await post(services, pipeline, phone.text("segredo", at=frozen_clock.now()))
    pipeline.drain()
    await pipeline.send()
    ((outbox_id, external_id),) = pipeline.rows("SELECT id, external_id FROM outbox")
    frozen_clock.advance(timedelta(seconds=1))
    report = phone.status(external_id, "delivered", at=frozen_clock.now(), callback_data=str(outbox_id))
    await post(services, pipeline, report)
    pipeline.drain()
    tracing.stop()

    by_id = {span.span_id: span for span in collector.spans}
    status = next(span for span in collector.spans if span.name == "status")
    way = [status]
    while way[-1].parent_span_id:
        way.append(by_id[way[-1].parent_span_id])
    assert [span.name for span in way] == ["status", "send", "sprint", "ingest", "webhook"]
    assert {span.trace_id for span in way} == {status.trace_id}
    graph = next(span for span in collector.spans if span.name == "graph")
    assert by_id[graph.parent_span_id].name == "send"
    assert graph.trace_id == status.trace_id
    # The report came by a webhook of its own, which the span names.
    (link,) = status.links
    assert by_id[link.span_id].name == "ingest"
    assert link.trace_id != status.trace_id
    kinds = {attribute.key: attribute.value.string_value for span in way for attribute in span.attributes}
    assert (kinds["pytake.kind"], kinds["pytake.status"], kinds["pytake.outcome"]) == ("message", "delivered", "sent")
    said = " ".join(str(span) for span in collector.spans)
    assert "segredo" not in said
    assert "5511987654321" not in said


async def test_what_is_not_in_the_sample_leaves_no_trace(
    services: Services, frozen_clock: FrozenClock, collector: Collector
) -> None:
    pipeline = Pipeline.make(services)
    add_flow(services.database, pipeline.tenant.organization_id, ECHO)
    tracing.start(traced(services.settings, collector, ratio=0.0), "test")
    await post(services, pipeline, pipeline.phone().text("oi", at=frozen_clock.now()))
    pipeline.drain()
    assert pipeline.rows("SELECT trace FROM outbox") == [(None,)]
    assert pipeline.scalar("SELECT count(*) FROM inbound_events WHERE payload ? 'trace'") == 0
    tracing.stop()
    assert collector.spans == []


def test_off_means_off(settings: Settings) -> None:
    tracing.start(settings, "test")
    assert not tracing.on()
    assert tracing.begin("webhook", "server") is None
    assert tracing.go_on("send", "client", "00-" + "1" * 32 + "-" + "2" * 16 + "-01") is None
    rounds = 100_000
    began = time.process_time()
    for _ in range(rounds):
        tracing.on()
    assert (time.process_time() - began) / rounds < 5e-6


def test_a_collector_that_is_away_holds_nobody_up(settings: Settings) -> None:
    away = settings.model_copy(
        update={"otel_exporter_otlp_endpoint": "http://127.0.0.1:9", "trace_sample_ratio": 1.0}
    )  # fmt: skip
    tracing.start(away, "test")
    tracing.end(tracing.begin("webhook", "server"))
    began = time.monotonic()
    tracing.stop()
    assert time.monotonic() - began < 4.0


def nodes(*made: dict[str, Any]) -> dict[str, Any]:
    """A flow of these blocks, one after the other."""
    ports = {"api_call": "success"}
    edges = [
        {"id": str(n), "source": a["id"], "port": ports.get(a["type"], "next"), "target": b["id"]}
        for n, (a, b) in enumerate(itertools.pairwise(made))
    ]
    return {"name": "Flow", "nodes": list(made), "edges": edges}


def say(body: str) -> dict[str, Any]:
    return {"id": "say", "type": "msg_text", "config": {"body": body}}


def way_of(collector: Collector, name: str) -> list[Any]:
    """The one span of that name, and all above it."""
    by_id = {span.span_id: span for span in collector.spans}
    (span,) = (span for span in collector.spans if span.name == name)
    way = [span]
    while way[-1].parent_span_id:
        way.append(by_id[way[-1].parent_span_id])
    assert {span.trace_id for span in way} == {way[0].trace_id}
    return way


async def test_a_request_of_a_flow_is_part_of_its_messages_trace(
    services: Services, graph_stub: GraphStub, frozen_clock: FrozenClock, collector: Collector
) -> None:
    pipeline = Pipeline.make(services, graph_stub.base_url)
    async with EchoServer() as server:
        call = {"method": "GET", "url": f"{server.url}/x?key=geheim", "retries": 0}
        document = nodes(
            {"id": "in", "type": "trigger_universal", "config": {}},
            {"id": "call", "type": "api_call", "config": call},
            say("ok"),
        )
        add_flow(services.database, pipeline.tenant.organization_id, document)
        tracing.start(traced(services.settings, collector), "test")
        await post(services, pipeline, pipeline.phone().text("oi", at=frozen_clock.now()))
        await asyncio.to_thread(pipeline.drain)
        requester = Requester(services, guard=EgressGuard(f"127.0.0.1:{server.port}"))
        await requester.begin()
        await requester.finish(10)
        await asyncio.to_thread(pipeline.drain)
        await pipeline.send()
    tracing.stop()
    way = [span.name for span in way_of(collector, "graph")]
    assert way == ["graph", "send", "sprint", "request", "sprint", "ingest", "webhook"]
    assert "geheim" not in " ".join(str(span) for span in collector.spans)


async def test_a_timer_begins_a_trace_that_names_the_one_in_which_it_was_set(
    services: Services, graph_stub: GraphStub, frozen_clock: FrozenClock, collector: Collector
) -> None:
    pipeline = Pipeline.make(services, graph_stub.base_url)
    document = nodes(
        {"id": "in", "type": "trigger_universal", "config": {}},
        {"id": "wait", "type": "delay", "config": {"amount": 5, "unit": "minutes"}},
        say("later"),
    )
    add_flow(services.database, pipeline.tenant.organization_id, document)
    tracing.start(traced(services.settings, collector), "test")
    await post(services, pipeline, pipeline.phone().text("oi", at=frozen_clock.now()))
    await asyncio.to_thread(pipeline.drain)
    frozen_clock.advance(timedelta(minutes=6))
    Scheduler(services).fire_timers()
    await asyncio.to_thread(pipeline.drain)
    await pipeline.send()
    tracing.stop()
    way = way_of(collector, "graph")
    assert [span.name for span in way] == ["graph", "send", "sprint"]
    (link,) = way[-1].links
    set_by = next(span for span in collector.spans if span.span_id == link.span_id)
    assert (set_by.name, set_by.trace_id) == ("sprint", link.trace_id)
    assert link.trace_id != way[0].trace_id


async def test_what_a_schedule_starts_names_it(
    services: Services, graph_stub: GraphStub, frozen_clock: FrozenClock, collector: Collector
) -> None:
    pipeline = Pipeline.make(services, graph_stub.base_url)
    organization_id = pipeline.tenant.organization_id
    hourly = {"cron": "0 * * * *", "timezone": "UTC", "audience": "all"}
    document = nodes({"id": "in", "type": "trigger_schedule", "config": hourly}, say("bom dia"))
    add_flow(services.database, organization_id, document)
    people = [pipeline.phone(f"551198765432{n}") for n in range(3)]
    await pipeline.hear(*(phone.text("oi", at=frozen_clock.now()) for phone in people))
    scheduler = Scheduler(services)
    scheduler.fire_schedules()
    tracing.start(traced(services.settings, collector), "test")
    frozen_clock.advance(timedelta(hours=1))
    scheduler.fire_schedules()
    await asyncio.to_thread(pipeline.drain)
    await pipeline.send()
    tracing.stop()
    (schedule,) = (span for span in collector.spans if span.name == "schedule")
    sprints = [span for span in collector.spans if span.name == "sprint"]
    assert len({span.trace_id for span in sprints}) == 3
    assert {span.links[0].span_id for span in sprints} == {schedule.span_id}
    assert sum(span.name == "graph" for span in collector.spans) == 3


async def test_a_message_of_the_api_begins_a_trace(
    services: Services, graph_stub: GraphStub, frozen_clock: FrozenClock, collector: Collector
) -> None:
    pipeline = Pipeline.make(services, graph_stub.base_url)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    tracing.start(traced(services.settings, collector), "test")
    with services.database.tenant(pipeline.tenant.organization_id) as session:
        request = QueueSend(to="5511987654321", content="olá")
        queue.send(session, pipeline.tenant.agent, request, clock=frozen_clock)
    await pipeline.send()
    tracing.stop()
    way = way_of(collector, "graph")
    assert [span.name for span in way] == ["graph", "send", "enqueue"]
    assert "5511987654321" not in " ".join(str(span) for span in collector.spans)
