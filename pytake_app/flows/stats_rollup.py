"""Figures of flows: sessions that are over are counted once, by the hour in which they began.

A session that is over never changes again, so its share of every figure can be added to `flow_figures` and the session
marked as counted, in one transaction. What isn't counted yet (sessions in progress, and those that ended a moment ago)
is looked at when somebody asks: figures are exact at any time, and cost the same for a million visits as for a hundred.

A visit is a node's consecutive steps: the one that entered it and those that answered its wait. Measures, each by flow,
version, channel account and node:

* `session`, key = how the session stands in this flow: its status, or `left` (it went on in another flow);
* `outcome`, key = outcome label · `handoff`, key as of `session`: those that were handed to people;
* `entry`: sessions that came into the flow by this node · `reach`: sessions that came to the node · `visit`: visits;
* `port`, key = exit: visits that left by it · `stop`, key = `status:exit`: sessions whose last node in the flow it is;
* `retry`: answers that the node asked again for · `stay`, key = bucket: how long people stayed (see `bucket_seconds`).
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import LiteralString

from pytake_app.messaging.sql import Connection

BATCH = 1000
"""Sessions counted in one transaction."""

STAY_BASE = 1.1
"""Each bucket of `stay` reaches a tenth further than the one before, so a median is within 5 %."""

# `{runs}`: a condition on `flow_sessions s`. Parameters besides the condition's: since (steps before it are of none).
CONTRIBUTIONS: LiteralString = """
WITH runs AS MATERIALIZED (
    SELECT s.id, s.organization_id, s.flow_id, s.version, s.channel_account_id, s.status, s.outcome,
           date_trunc('hour', s.started_at) AS hour, s.ended_at
    FROM flow_sessions s WHERE {runs}
), steps AS (
    SELECT st.session_id, st.flow_id,
           coalesce(st.flow_version, CASE WHEN st.flow_id = r.flow_id THEN r.version END, 0) AS version,
           st.node_id, st.node_type, st.port, st.sequence, st.created_at,
           lag(st.flow_id) OVER w AS from_flow, lag(st.node_id) OVER w AS from_node, lag(st.port) OVER w AS from_port
    -- Run by run through the index: after a burst the statistics still tell of thousands of runs that are not
    -- counted, and a plan made for those reads every step there is. OFFSET keeps the planner from joining otherwise.
    FROM runs r CROSS JOIN LATERAL (
        SELECT l.session_id, l.flow_id, l.flow_version, l.node_id, l.node_type, l.port, l.sequence, l.created_at
        FROM session_steps l WHERE l.session_id = r.id AND l.created_at >= %(since)s OFFSET 0
    ) st
    WINDOW w AS (PARTITION BY st.session_id ORDER BY st.sequence)
), numbered AS (
    SELECT *, sum(CASE WHEN from_flow = flow_id AND from_node = node_id AND from_port IS NULL THEN 0 ELSE 1 END)
              OVER (PARTITION BY session_id ORDER BY sequence) AS visit
    FROM steps
), visits AS (
    SELECT session_id, flow_id, version, node_id, min(node_type) AS node_type, min(sequence) AS first,
           max(sequence) AS last, count(*) AS steps, max(port) AS port,
           min(from_flow::text) FILTER (WHERE from_flow <> flow_id) AS came_from,
           extract(epoch FROM max(created_at) - min(created_at)) AS seconds
    FROM numbered GROUP BY session_id, flow_id, version, node_id, visit
), placed AS (
    SELECT v.*, r.organization_id, r.channel_account_id, r.hour, r.status, r.outcome, r.ended_at,
           row_number() OVER (PARTITION BY v.session_id, v.flow_id ORDER BY v.first) AS nth_in_flow,
           row_number() OVER (PARTITION BY v.session_id, v.flow_id ORDER BY v.last DESC) AS to_end_of_flow,
           row_number() OVER (PARTITION BY v.session_id ORDER BY v.last DESC) AS to_end,
           row_number() OVER (PARTITION BY v.session_id, v.flow_id, v.version, v.node_id ORDER BY v.first) AS nth_here,
           lag(v.node_id) OVER f AS before_node, lag(v.node_type) OVER f AS before_type,
           lag(v.port) OVER f AS before_port
    FROM visits v JOIN runs r ON r.id = v.session_id
    WINDOW f AS (PARTITION BY v.session_id, v.flow_id ORDER BY v.first)
), ended AS (
    SELECT *, CASE WHEN to_end = 1 THEN status ELSE 'left' END AS stands FROM placed WHERE to_end_of_flow = 1
), found (organization_id, flow_id, version, channel_account_id, hour, node_id, measure, key, value) AS (
    SELECT organization_id, flow_id, version, channel_account_id, hour, '', 'session', stands, 1 FROM ended
    UNION ALL
    SELECT organization_id, flow_id, version, channel_account_id, hour, '', 'session', status, 1 FROM runs r
    WHERE NOT EXISTS (SELECT 1 FROM visits v WHERE v.session_id = r.id)
    UNION ALL
    SELECT organization_id, flow_id, version, channel_account_id, hour, '', 'outcome', outcome, 1 FROM ended
    WHERE to_end = 1 AND outcome IS NOT NULL
    UNION ALL
    SELECT organization_id, flow_id, version, channel_account_id, hour, '', 'outcome', outcome, 1 FROM runs r
    WHERE outcome IS NOT NULL AND NOT EXISTS (SELECT 1 FROM visits v WHERE v.session_id = r.id)
    UNION ALL
    SELECT organization_id, flow_id, version, channel_account_id, hour, node_id, 'stop',
           stands || ':' || coalesce(port, ''), 1 FROM ended
    UNION ALL
    SELECT organization_id, flow_id, version, channel_account_id, hour, node_id, 'entry', '', 1 FROM placed
    WHERE nth_in_flow = 1
    UNION ALL
    SELECT organization_id, flow_id, version, channel_account_id, hour, node_id, 'reach', '', 1 FROM placed
    WHERE nth_here = 1
    UNION ALL
    SELECT organization_id, flow_id, version, channel_account_id, hour, node_id, 'visit', '', 1 FROM placed
    UNION ALL
    SELECT organization_id, flow_id, version, channel_account_id, hour, node_id, 'port', port, 1 FROM placed
    WHERE port IS NOT NULL
    UNION ALL  -- back from a called flow: the calling node is left by `next`
    SELECT organization_id, flow_id, version, channel_account_id, hour, before_node, 'port', 'next', 1 FROM placed
    WHERE before_type = 'jump' AND before_port IS NULL AND came_from IS NOT NULL
    UNION ALL
    SELECT organization_id, flow_id, version, channel_account_id, hour, node_id, 'retry', '',
           steps - 1 - (CASE WHEN port IS NOT NULL OR (to_end = 1 AND ended_at IS NOT NULL) THEN 1 ELSE 0 END)
    FROM placed
    WHERE steps - 1 > (CASE WHEN port IS NOT NULL OR (to_end = 1 AND ended_at IS NOT NULL) THEN 1 ELSE 0 END)
    UNION ALL
    SELECT organization_id, flow_id, version, channel_account_id, hour, node_id, 'stay',
           floor(ln(1 + seconds) / ln(1.1))::int::text, 1 FROM placed
    WHERE port IS NOT NULL AND steps > 1
    UNION ALL
    SELECT organization_id, flow_id, version, channel_account_id, hour, '', 'handoff', stands, 1 FROM ended e
    WHERE EXISTS (SELECT 1 FROM visits v WHERE v.session_id = e.session_id AND v.flow_id = e.flow_id
                  AND v.node_type IN ('action_transfer_to_queue', 'assign_agent'))
)
"""

ANY_ENDED: LiteralString = (
    "SELECT 1 FROM flow_sessions WHERE NOT counted AND ended_at IS NOT NULL AND ended_at <= %(now)s"
)
"""Rows: a session is over and not counted."""
_TO_COUNT = """
SELECT id, started_at FROM flow_sessions WHERE NOT counted AND ended_at IS NOT NULL AND ended_at <= %s
ORDER BY ended_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
_ADD: LiteralString = (
    CONTRIBUTIONS.replace("{runs}", "s.id = ANY(%(ids)s)")
    + """
INSERT INTO flow_figures (organization_id, flow_id, version, channel_account_id, hour, node_id, measure, key, value)
SELECT organization_id, flow_id, version, channel_account_id, hour, node_id, measure, key, sum(value)
FROM found GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
ORDER BY 2, 7, 5, 3, 4, 6, 8
ON CONFLICT (flow_id, measure, hour, version, channel_account_id, node_id, key)
DO UPDATE SET value = flow_figures.value + excluded.value
"""
)
_MARK = "UPDATE flow_sessions SET counted = true WHERE id = ANY(%s)"
_SLACK = timedelta(days=1)
"""Clocks of several machines differ a little: a session's first step may be dated before the session."""


def count_ended(connection: Connection, now: datetime, limit: int = BATCH) -> int:
    """Add sessions that are over to the figures, once each.

    Returns:
        how many; `limit` means that there are more.
    """
    rows = connection.execute(_TO_COUNT, (now, limit)).fetchall()
    if not rows:
        return 0
    ids = [row[0] for row in rows]
    connection.execute(_ADD, {"ids": ids, "since": min(row[1] for row in rows) - _SLACK})
    connection.execute(_MARK, (ids,))
    return len(ids)


def bucket_seconds(bucket: int) -> tuple[float, float]:
    """The lengths of time, in seconds, that a bucket of `stay` stands for."""
    return STAY_BASE**bucket - 1, STAY_BASE ** (bucket + 1) - 1


def median_of(buckets: dict[int, int]) -> float | None:
    """The median length of time in seconds, interpolated within its bucket; None without any."""
    total = sum(buckets.values())
    if not total:
        return None
    wanted, seen = total / 2, 0
    for bucket in sorted(buckets):
        count = buckets[bucket]
        if seen + count >= wanted:
            low, high = bucket_seconds(bucket)
            return math.fsum((low, (high - low) * (wanted - seen) / count))
        seen += count
    return None
