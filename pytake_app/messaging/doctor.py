"""What `doctor` asks and does about the pipeline's rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pytake_app.core.services import Services
from pytake_app.jobs import enqueue
from pytake_app.messaging import upkeep
from pytake_app.messaging.sql import hot
from pytake_app.messaging.upkeep import Mended

STUCK_AFTER = timedelta(minutes=2)
"""Longer than anything waits while the roles run."""

_COUNTS = """
SELECT (SELECT count(*) FROM inbound_events WHERE state = 'pending' AND next_attempt_at < %(old)s
        AND received_at < %(old)s),
       (SELECT count(*) FROM inbound_events WHERE state = 'dead'),
       (SELECT count(*) FROM outbox WHERE state = 'sending' AND claimed_at < %(silent)s),
       (SELECT count(*) FROM outbox WHERE state = 'unsure'),
       (SELECT count(*) FROM outbox o JOIN channel_accounts a ON a.id = o.channel_account_id
        WHERE o.state = 'queued' AND o.next_attempt_at < %(old)s AND a.status = 'active'),
       (SELECT count(*) FROM outbox WHERE state = 'dead'),
       (SELECT count(*) FROM timers WHERE fired_at IS NULL AND due_at < %(old)s)
"""


@dataclass(frozen=True, slots=True)
class Findings:
    """Rows that nobody looks after (`stuck`: a role is not running, or rows wait for mending) and dead letters."""

    inbound_stuck: int
    inbound_dead: int
    sends_silent: int
    sends_unsure: int
    sends_overdue: int
    sends_dead: int
    timers_overdue: int

    @property
    def healthy(self) -> bool:
        """Whether everything moves. Dead letters are for people to look at, they hold up nothing."""
        return not (self.inbound_stuck or self.sends_silent or self.sends_overdue or self.timers_overdue)


def find_stuck(services: Services) -> Findings:
    """Count what does not move.

    Raises:
        UnavailableError: the database is away.
    """
    now = services.clock.now()
    lease = timedelta(seconds=services.settings.outbox_lease_seconds)
    with hot(services.database) as connection:
        row = connection.execute(_COUNTS, {"old": now - STUCK_AFTER, "silent": now - lease}).fetchone()
    assert row is not None
    return Findings(*(int(value) for value in row))


def mend(services: Services) -> Mended:
    """Put right what can be: silent and unsure sends are settled or queued again, lanes and senders woken.

    Raises:
        UnavailableError: the database is away.
        redis.RedisError: Redis is away.
    """
    settings, now = services.settings, services.clock.now()
    lease = timedelta(seconds=settings.outbox_lease_seconds)
    grace = timedelta(seconds=settings.outbox_unsure_grace_seconds)
    with hot(services.database) as connection:
        mended = upkeep.mend_sends(connection, now, lease, grace)
        lanes = upkeep.lost_lanes(connection, settings.lanes, now, timedelta(0))
    enqueue.poke_lanes(services.redis, settings, lanes, sure=True)
    enqueue.poke_outbox(services.redis)
    return mended
