"""Doctor finds what does not move, and puts it right."""

from datetime import timedelta

from pytake_app.core.clock import FrozenClock
from pytake_app.messaging.doctor import find_stuck, mend
from tests.support.pipeline import ECHO, Pipeline, add_flow


async def test_rows_nobody_looks_after_are_found_and_mended(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    phone = pipeline.phone()
    await pipeline.hear(phone.text("1", at=frozen_clock.now()))
    pipeline.execute("UPDATE outbox SET state = 'sending', attempts = 1, claimed_at = :at", at=frozen_clock.now())
    await pipeline.receive(phone.text("2", at=frozen_clock.now()))
    assert find_stuck(pipeline.services).healthy
    frozen_clock.advance(timedelta(minutes=5))
    found = find_stuck(pipeline.services)
    assert (found.inbound_stuck, found.sends_silent, found.healthy) == (1, 1, False)
    assert mend(pipeline.services).silent_sends == 1
    assert pipeline.services.redis.scard("pytake:lanes:dirty") == 1
    pipeline.drain()
    frozen_clock.advance(timedelta(minutes=5))
    assert mend(pipeline.services).retried_sends == 1
    assert pipeline.rows("SELECT state FROM outbox ORDER BY sequence") == [("queued",), ("queued",)]
