"""Prometheus metrics: one list of all of them. Names start with `pytake_`.

On one machine every process adds to files of one directory (`PROMETHEUS_MULTIPROC_DIR`, set by `./pytake up`), and
`/metrics` answers for all of them; a role that runs alone serves its own (`METRICS_PORT`). Labels are words of closed
lists: never a person, a number, a text or an organization, so that the count of series is bounded. What is true of the
whole installation (`MEASURED`) is read from the database by the scheduler.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LONG = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_TINY = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1)
_COUNTS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)

# -- web ---------------------------------------------------------------------------------------------------------------
http_requests = Counter("pytake_http_requests", "HTTP requests", ["method", "route", "status"])
http_seconds = Histogram("pytake_http_request_seconds", "time to answer", ["method", "route"], buckets=_FAST)
webhook_received = Counter("pytake_webhook_received", "webhook requests", ["channel", "outcome"])
webhook_seconds = Histogram(
    "pytake_webhook_seconds", "from a signed delivery's arrival to its acknowledgement", buckets=_FAST
)
webhook_unknown = Counter("pytake_webhook_unknown", "well-formed webhook fragments kept raw", ["channel"])
ingest_batch = Histogram("pytake_ingest_batch", "deliveries that shared one commit", buckets=_COUNTS)
ingest_seconds = Histogram("pytake_ingest_seconds", "one commit of deliveries", buckets=_FAST)
ingest_failed = Counter("pytake_ingest_failed", "deliveries refused because they could not be stored", ["error"])

# -- worker ------------------------------------------------------------------------------------------------------------
inbound_seconds = Histogram("pytake_inbound_seconds", "from ingest to sprint committed", buckets=_LONG)
inbound_processed = Counter("pytake_inbound_processed", "inbound events handled", ["kind", "outcome"])
batch_seconds = Histogram("pytake_batch_seconds", "one transaction of a worker, claim to commit", buckets=_FAST)
batch_events = Histogram("pytake_batch_events", "events in one transaction of a worker", buckets=_COUNTS)
sprints = Counter("pytake_sprints", "engine sprints", ["result"])
sprint_seconds = Histogram("pytake_sprint_seconds", "the engine's own time for one sprint", buckets=_TINY)
engine_visits = Counter("pytake_engine_visits", "nodes visited")
engine_errors = Counter("pytake_engine_errors", "errors raised at nodes", ["code"])
statuses_applied = Counter("pytake_statuses_applied", "delivery statuses handled", ["status"])
pokes = Counter("pytake_pokes", "wake-ups put into Redis", ["target"])

# -- outbox ------------------------------------------------------------------------------------------------------------
outbox_sent = Counter("pytake_outbox_sent", "outbound messages by result", ["channel", "result"])
outbox_seconds = Histogram("pytake_outbox_seconds", "from enqueue to the platform's answer", buckets=_LONG)
outbox_retries = Counter("pytake_outbox_retries", "sends that will be tried again", ["kind"])
outbox_held = Counter("pytake_outbox_held", "sends put off before they were tried", ["reason"])
outbox_in_flight = Gauge("pytake_outbox_in_flight", "sends under way", multiprocess_mode="livesum")
rate_wait_seconds = Histogram("pytake_rate_wait_seconds", "wait of a batch for its number's rate", buckets=_LONG)
circuits_open = Gauge("pytake_circuits_open", "numbers that a sender leaves alone", multiprocess_mode="livemax")
circuit_changes = Counter("pytake_circuit_changes", "circuit breakers that opened or closed", ["state"])
graph_seconds = Histogram("pytake_graph_seconds", "calls that send a message", ["channel"], buckets=_LONG)
graph_answers = Counter(
    "pytake_graph_answers", "calls that send a message, by what was answered", ["channel", "answer"]
)

# -- scheduler ---------------------------------------------------------------------------------------------------------
timers_fired = Counter("pytake_timers_fired", "timers that became events")
sends_mended = Counter("pytake_sends_mended", "sends settled in their sender's place", ["outcome"])
web_unheard = Gauge(
    "pytake_web_unheard_seconds", "how long unsure sends have waited for a web role", multiprocess_mode="mostrecent"
)
duty_seconds = Histogram("pytake_duty_seconds", "one round of a scheduler's duty", ["duty"], buckets=_LONG)

# -- the installation, measured by the scheduler -----------------------------------------------------------------------
_LATEST: Final = "mostrecent"
inbound_pending = Gauge("pytake_inbound_pending", "events that wait", ["lanes"], multiprocess_mode=_LATEST)
inbound_oldest = Gauge(
    "pytake_inbound_oldest_seconds", "age of the oldest event that waits", ["lanes"], multiprocess_mode=_LATEST
)
inbound_dead = Gauge("pytake_inbound_dead", "events given up on", multiprocess_mode=_LATEST)
outbox_depth = Gauge(
    "pytake_outbox_depth", "outbound rows not finished", ["state", "priority"], multiprocess_mode=_LATEST
)
outbox_oldest = Gauge(
    "pytake_outbox_oldest_seconds", "how long the oldest message has been due", ["priority"], multiprocess_mode=_LATEST
)
outbox_dead = Gauge("pytake_outbox_dead", "messages given up on", multiprocess_mode=_LATEST)
timers_due = Gauge("pytake_timers_due", "timers that are due and have not fired", multiprocess_mode=_LATEST)
timers_lag = Gauge("pytake_timers_lag_seconds", "how long the oldest timer has been due", multiprocess_mode=_LATEST)
requests_open = Gauge("pytake_flow_requests_open", "requests of flows not finished", multiprocess_mode=_LATEST)
statuses_waiting = Gauge(
    "pytake_statuses_waiting", "statuses of messages that are not known yet", multiprocess_mode=_LATEST
)
accounts_stopped = Gauge(
    "pytake_accounts_stopped", "numbers that stopped because of an error", multiprocess_mode=_LATEST
)
rq_jobs = Gauge("pytake_rq_jobs", "jobs of the lanes' queue", ["state"], multiprocess_mode=_LATEST)
roles_alive = Gauge(
    "pytake_roles_alive", "processes that told of themselves lately", ["role"], multiprocess_mode=_LATEST
)
redis_up = Gauge("pytake_redis_up", "1 while Redis answers the scheduler", multiprocess_mode=_LATEST)
measured_at = Gauge("pytake_measured_timestamp_seconds", "when the scheduler measured last", multiprocess_mode=_LATEST)

# -- every process -----------------------------------------------------------------------------------------------------
process_memory = Gauge(
    "pytake_process_resident_bytes", "memory held by a process", ["role"], multiprocess_mode="liveall"
)
process_cpu = Gauge(
    "pytake_process_cpu_seconds", "processor time of a process since it began", ["role"], multiprocess_mode="liveall"
)
process_files = Gauge("pytake_process_open_files", "open files of a process", ["role"], multiprocess_mode="liveall")
database_connections = Gauge(
    "pytake_database_connections",
    "pooled connections of a role's processes",
    ["role", "pool", "state"],
    multiprocess_mode="livesum",
)


@cache
def counter(metric: Counter, *labels: str) -> Counter:
    """The metric with its labels; remembered, as finding it costs more than counting."""
    return metric.labels(*labels)


@cache
def histogram(metric: Histogram, *labels: str) -> Histogram:
    """As `counter`."""
    return metric.labels(*labels)


# An alert on an increase doesn't see a series that begins with its first fault.
for _outcome in ("stored", "unavailable", "failed", "signature_missing", "signature_invalid"):
    counter(webhook_received, "whatsapp", _outcome)
for _kind in ("message", "status", "timer", "command", "request", "echo", "history", "notice"):
    counter(inbound_processed, _kind, "dead")
for _result in ("sent", "again", "unsure", "dead"):
    counter(outbox_sent, "whatsapp", _result)
