"""A crowd of timers that fall due at once leaves room for people who write."""

from __future__ import annotations

from pytake_app.core.clock import FrozenClock
from pytake_app.messaging.scheduler import TIMERS_AHEAD, TIMERS_AT_LEAST, Scheduler
from tests.support.pipeline import ECHO, Pipeline, add_flow

DUE = """
INSERT INTO timers (id, organization_id, session_id, channel_account_id, contact_key, lane, kind, wait_id, due_at)
SELECT gen_random_uuid(), s.organization_id, s.id, s.channel_account_id, n::text, n % 32, 'timeout', 'w', s.started_at
FROM flow_sessions s, generate_series(1, :count) n
"""


async def test_timers_become_events_only_as_workers_keep_up(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    count = 2 * TIMERS_AHEAD + 100
    pipeline.execute(DUE, count=count)
    pending = "SELECT count(*) FROM inbound_events WHERE state = 'pending'"
    scheduler = Scheduler(pipeline.services)
    assert scheduler.fire_timers() is True, "there are more"
    assert pipeline.scalar(pending) == TIMERS_AHEAD
    assert scheduler.fire_timers() is True
    assert pipeline.scalar(pending) == TIMERS_AHEAD + TIMERS_AT_LEAST, "a backlog delays timers, it doesn't stop them"
    assert scheduler.fire_timers() is True
    assert pipeline.scalar(pending) == TIMERS_AHEAD + TIMERS_AT_LEAST, "four times a second, not at once again"
    left = True
    while left:
        while pipeline.drain().events:
            pass
        left = scheduler.fire_timers()
    while pipeline.drain().events:
        pass
    assert (pipeline.scalar(pending), pipeline.scalar("SELECT count(*) FROM timers")) == (0, 0)
    assert pipeline.scalar("SELECT count(*) FROM inbound_events WHERE kind = 'timer' AND state = 'done'") == count
