"""What is true of the whole installation, for the gauges: backlog, depth, age, lag. By the scheduler, from indexes."""

from __future__ import annotations

import time
from datetime import datetime

import redis
import structlog

from pytake_app.core import metrics
from pytake_app.jobs import enqueue
from pytake_app.messaging import heartbeat
from pytake_app.messaging.models import OPEN_STATES
from pytake_app.messaging.outbox import OutboxPriority
from pytake_app.messaging.sql import Connection

log = structlog.get_logger(__name__)

LANE_GROUPS = 8
"""Lanes are told in this many groups, so that their number doesn't multiply the series."""

# Counted from the partial index alone; the oldest of a lane is the one that came first.
_PENDING = """
SELECT w.lane, w.waiting, e.received_at FROM (
    SELECT lane, count(*) AS waiting, min(id) AS first FROM inbound_events WHERE state = 'pending' GROUP BY lane
) w JOIN inbound_events e ON e.id = w.first
"""
_DEPTH = """
SELECT 'queued', priority, count(*), min(next_attempt_at) FROM outbox WHERE state = 'queued' GROUP BY priority
UNION ALL
SELECT state, priority, count(*), NULL FROM outbox WHERE state IN ('sending', 'unsure') GROUP BY state, priority
"""
_REST = """
SELECT (SELECT count(*) FROM inbound_events WHERE state = 'dead'),
       (SELECT count(*) FROM outbox WHERE state = 'dead'),
       (SELECT count(*) FROM timers WHERE fired_at IS NULL AND due_at <= %(now)s),
       (SELECT min(due_at) FROM timers WHERE fired_at IS NULL AND due_at <= %(now)s),
       (SELECT count(*) FROM flow_requests WHERE state = 'pending')
           + (SELECT count(*) FROM flow_requests WHERE state = 'running'),
       (SELECT count(*) FROM pending_statuses),
       (SELECT count(*) FROM channel_accounts WHERE status = 'error')
"""


def lane_group(lane: int, lanes: int) -> str:
    """The label of a lane's group, as `8-11`."""
    size = max(1, -(-lanes // LANE_GROUPS))
    first = lane // size * size
    return f"{first}-{min(first + size, lanes) - 1}"


def measure(connection: Connection, now: datetime, lanes: int) -> None:
    """Set the gauges that come from the database."""
    pending = {lane_group(lane, lanes): [0, 0.0] for lane in range(lanes)}
    for lane, waiting, received_at in connection.execute(_PENDING):
        group = pending[lane_group(min(lane, lanes - 1), lanes)]
        group[0] += waiting
        group[1] = max(group[1], (now - received_at).total_seconds())
    for label, (waiting, age) in pending.items():
        metrics.inbound_pending.labels(label).set(waiting)
        metrics.inbound_oldest.labels(label).set(age)
    depth = {(state, priority): 0 for state in OPEN_STATES for priority in OutboxPriority}
    oldest = dict.fromkeys(OutboxPriority, 0.0)
    for state, number, count, due_at in connection.execute(_DEPTH):
        priority = OutboxPriority(number)
        depth[state, priority] = count
        if due_at is not None:
            oldest[priority] = max(0.0, (now - due_at).total_seconds())
    for (state, priority), count in depth.items():
        metrics.outbox_depth.labels(state, priority.name.lower()).set(count)
    for priority, age in oldest.items():
        metrics.outbox_oldest.labels(priority.name.lower()).set(age)
    row = connection.execute(_REST, {"now": now}).fetchone()
    assert row is not None
    metrics.inbound_dead.set(row[0])
    metrics.outbox_dead.set(row[1])
    metrics.timers_due.set(row[2])
    metrics.timers_lag.set((now - row[3]).total_seconds() if row[3] else 0.0)
    metrics.requests_open.set(row[4])
    metrics.statuses_waiting.set(row[5])
    metrics.accounts_stopped.set(row[6])
    metrics.measured_at.set(time.time())


def measure_redis(client: redis.Redis) -> None:
    """Set the gauges that come from Redis; while it is away, say so."""
    try:
        sizes = enqueue.lanes_queue_sizes(client)
        alive = {
            "worker": enqueue.workers_alive(client),
            "outbox": heartbeat.count(client, "outbox"),
            "scheduler": heartbeat.count(client, "scheduler"),
            "web": heartbeat.count(client, "web"),
        }
    except (redis.RedisError, OSError) as error:
        log.info("redis_not_measured", error=type(error).__name__)
        metrics.redis_up.set(0)
        return
    metrics.redis_up.set(1)
    for state, count in sizes.items():
        metrics.rq_jobs.labels(state).set(count)
    for role, count in alive.items():
        metrics.roles_alive.labels(role).set(count)
