"""Hourly figures of queues, kept by the scheduler. Hours are counted anew from the items, never added to: counting the
same hour again changes nothing, and what changes late (a rating, say) has its hours counted again.

Hours in which ended items joined, were assigned and ended are counted when they end; the present hour and the one
before always, so that figures of who is still waiting or served are seconds old at most.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import LiteralString

from pytake_app.messaging.sql import Connection, dumps

BATCH = 500
"""Ended items counted in one transaction."""
HOUR = timedelta(hours=1)

ANY: LiteralString = """
SELECT 1 FROM queue_items WHERE rolled_up_at IS NULL AND ended_at IS NOT NULL
UNION ALL SELECT 1 FROM queue_items WHERE status IN ('waiting', 'offered', 'in_service')
"""
"""Rows: `count` has something to count."""
# Marked first: the rows are held, so a rating that comes meanwhile marks its item as not counted again.
_MARK = """
UPDATE queue_items SET rolled_up_at = %(now)s WHERE id IN (
    SELECT id FROM queue_items WHERE rolled_up_at IS NULL AND ended_at IS NOT NULL
    ORDER BY ended_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) RETURNING organization_id, queue_id, entered_at, assigned_at, ended_at
"""
_LIVE = """
SELECT DISTINCT organization_id, queue_id, unnest(ARRAY[entered_at, assigned_at]) FROM queue_items
WHERE status IN ('waiting', 'offered', 'in_service') AND queue_id IS NOT NULL
"""
_COUNT = """
WITH dirty AS (
    SELECT DISTINCT organization_id, queue_id, hour FROM json_to_recordset(%(hours)s)
        AS d(organization_id uuid, queue_id uuid, hour timestamptz)
), happened AS (
    SELECT d.*, NULL::uuid AS agent_id, (i.source <> 'handover')::int AS entered,
           0 AS assigned, 0 AS completed, 0 AS abandoned, 0 AS transferred,
           0 AS timeouts, 0 AS overflows, 0 AS served, 0 AS sla_due, 0 AS sla_met, 0::bigint AS waited,
           0::bigint AS handled, 0 AS score, 0 AS scored, 0 AS got
    FROM dirty d JOIN queue_items i ON i.organization_id = d.organization_id AND i.queue_id = d.queue_id
         AND i.entered_at >= d.hour AND i.entered_at < d.hour + interval '1 hour'
    UNION ALL
    SELECT d.*, i.agent_id, 0, (i.source <> 'handover')::int, 0, 0, 0, 0, 0, 0, (i.sla_due_at IS NOT NULL)::int,
           (i.assigned_at <= i.sla_due_at)::int,
           CASE WHEN i.source = 'handover' THEN 0 ELSE extract(epoch FROM i.assigned_at - i.entered_at)::bigint END,
           0, 0, 0, 1
    FROM dirty d JOIN queue_items i ON i.organization_id = d.organization_id AND i.queue_id = d.queue_id
         AND i.assigned_at >= d.hour AND i.assigned_at < d.hour + interval '1 hour'
    UNION ALL
    SELECT d.*, i.agent_id, 0, 0, (i.status = 'completed')::int, (i.status = 'abandoned')::int,
           (i.status = 'transferred')::int, (i.status = 'timeout')::int, (i.status = 'overflow')::int,
           (i.assigned_at IS NOT NULL)::int,
           (i.assigned_at IS NULL AND i.sla_due_at < i.ended_at)::int, 0, 0,
           coalesce(extract(epoch FROM i.ended_at - i.assigned_at), 0)::bigint,
           coalesce(i.csat_score, 0), (i.csat_score IS NOT NULL)::int, 0
    FROM dirty d JOIN queue_items i ON i.organization_id = d.organization_id AND i.queue_id = d.queue_id
         AND i.ended_at >= d.hour AND i.ended_at < d.hour + interval '1 hour'
    UNION ALL -- who has nothing left in an hour (what they had was put back) is counted with nothing
    SELECT d.*, h.agent_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM dirty d JOIN queue_hours h ON h.queue_id = d.queue_id AND h.hour = d.hour AND h.agent_id IS NOT NULL
), sums AS (
    SELECT organization_id, queue_id, hour, agent_id, grouping(agent_id) AS everybody, sum(entered) AS entered,
           -- an agent has been given what another handed on; the queue has not been asked for it again
           CASE WHEN grouping(agent_id) = 1 THEN sum(assigned) ELSE sum(got) END AS assigned,
           sum(completed) AS completed, sum(abandoned) AS abandoned,
           sum(transferred) AS transferred, sum(timeouts) AS timeouts, sum(overflows) AS overflows,
           sum(served) AS served, sum(coalesce(sla_due, 0)) AS sla_due, sum(coalesce(sla_met, 0)) AS sla_met,
           sum(waited) AS waited, coalesce(max(waited), 0) AS longest, sum(handled) AS handled, sum(score) AS score,
           sum(scored) AS scored
    FROM happened
    GROUP BY GROUPING SETS ((organization_id, queue_id, hour), (organization_id, queue_id, hour, agent_id))
)
INSERT INTO queue_hours (id, organization_id, queue_id, agent_id, hour, entered, assigned, completed, abandoned,
                         transferred, timeouts, overflows, served, sla_due, sla_met, wait_total_seconds, wait_max,
                         handle_total_seconds, csat_sum, csat_count)
SELECT gen_random_uuid(), s.organization_id, s.queue_id, s.agent_id, s.hour, s.entered, s.assigned, s.completed,
       s.abandoned, s.transferred, s.timeouts, s.overflows, s.served, s.sla_due, s.sla_met, s.waited, s.longest,
       s.handled, s.score, s.scored
FROM sums s JOIN service_queues q ON q.id = s.queue_id
WHERE s.everybody = 1 OR s.agent_id IS NOT NULL
ORDER BY s.queue_id, s.hour, s.agent_id
ON CONFLICT (queue_id, agent_id, hour) DO UPDATE SET
    entered = excluded.entered, assigned = excluded.assigned, completed = excluded.completed,
    abandoned = excluded.abandoned, transferred = excluded.transferred, timeouts = excluded.timeouts,
    overflows = excluded.overflows, served = excluded.served, sla_due = excluded.sla_due, sla_met = excluded.sla_met,
    wait_total_seconds = excluded.wait_total_seconds, wait_max = excluded.wait_max,
    handle_total_seconds = excluded.handle_total_seconds, csat_sum = excluded.csat_sum,
    csat_count = excluded.csat_count
"""


def count(connection: Connection, now: datetime) -> int:
    """Count the hours of what has ended or changed since, and the latest hours of what goes on.

    Returns:
        how many ended items were counted; call again at once while it is `BATCH`.
    """
    ended = connection.execute(_MARK, {"now": now, "limit": BATCH}).fetchall()
    hours = {
        (row[0], row[1], _hour(at)) for row in ended if row[1] is not None for at in row[2:] if at is not None
    }  # fmt: skip
    latest = _hour(now) - HOUR
    for organization_id, queue_id, at in connection.execute(_LIVE).fetchall():
        if at is not None and at >= latest:
            hours.add((organization_id, queue_id, _hour(at)))
        hours.add((organization_id, queue_id, _hour(now)))  # what was assigned in it and put back
    if hours:
        dirty = [{"organization_id": one[0], "queue_id": one[1], "hour": one[2]} for one in sorted(hours, key=str)]
        connection.execute(_COUNT, {"hours": dumps(dirty)})
    return len(ended)


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
