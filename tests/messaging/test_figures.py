"""Every stage of the pipeline leaves its figures, and nothing of a person is in them."""

import asyncio
from datetime import timedelta

from prometheus_client import REGISTRY, generate_latest

from pytake_app.core.clock import FrozenClock
from pytake_app.messaging.measuring import lane_group, measure, measure_redis
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.messaging.sql import hot
from tests.support.pipeline import ECHO, Pipeline, add_flow


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_each_stage_counts(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    watched = [
        ("pytake_ingest_batch_count", {}),
        ("pytake_ingest_seconds_count", {}),
        ("pytake_pokes_total", {"target": "lanes"}),
        ("pytake_inbound_processed_total", {"kind": "message", "outcome": "done"}),
        ("pytake_inbound_seconds_count", {}),
        ("pytake_batch_seconds_count", {}),
        ("pytake_sprints_total", {"result": "completed"}),
        ("pytake_sprint_seconds_count", {}),
        ("pytake_engine_visits_total", {}),
        ("pytake_pokes_total", {"target": "outbox"}),
        ("pytake_graph_answers_total", {"channel": "whatsapp", "answer": "retryable"}),
        ("pytake_graph_seconds_count", {"channel": "whatsapp"}),
        ("pytake_outbox_sent_total", {"channel": "whatsapp", "result": "again"}),
        ("pytake_outbox_retries_total", {"kind": "retryable"}),
        ("pytake_rate_wait_seconds_count", {}),
    ]
    before = [value(name, **labels) for name, labels in watched]
    phone = pipeline.phone()
    await pipeline.hear(phone.text("segredo 123", at=frozen_clock.now()))

    async def tried() -> bool:
        states = await asyncio.to_thread(
            pipeline.rows, "SELECT 1 FROM outbox WHERE state = 'queued' AND attempts = 1 AND last_error IS NOT NULL"
        )
        return bool(states)

    # Nobody listens at the platform's address.
    await pipeline.send(tried)
    still = [item for item, old in zip(watched, before, strict=True) if value(item[0], **item[1]) <= old]
    assert still == []
    text = generate_latest(REGISTRY).decode()
    for private in ("5511987654321", "segredo", str(pipeline.tenant.organization_id), str(pipeline.tenant.account.id)):
        assert private not in text


async def test_the_installation_is_measured(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    phone = pipeline.phone()
    await pipeline.hear(phone.text("1", at=frozen_clock.now()))
    await pipeline.receive(phone.text("2", at=frozen_clock.now()))
    frozen_clock.advance(timedelta(seconds=90))
    settings = pipeline.services.settings
    with hot(pipeline.services.database) as connection:
        measure(connection, frozen_clock.now(), settings.lanes)
    measure_redis(pipeline.services.redis)
    groups = sorted({lane_group(lane, settings.lanes) for lane in range(settings.lanes)})
    assert len(groups) == min(8, settings.lanes)
    assert sum(value("pytake_inbound_pending", lanes=group) for group in groups) == 1
    assert max(value("pytake_inbound_oldest_seconds", lanes=group) for group in groups) == 90
    assert value("pytake_outbox_depth", state="queued", priority="normal") == 1
    assert value("pytake_outbox_oldest_seconds", priority="normal") == 90
    assert value("pytake_redis_up") == 1
    assert value("pytake_rq_jobs", state="lanes_poked") >= 1
    Scheduler(pipeline.services).measure()
    assert value("pytake_roles_alive", role="scheduler") == 1
