"""Prometheus metrics. Each process serves or writes its own registry; names start with `pytake_`."""

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

http_requests = Counter("pytake_http_requests", "HTTP requests", ["method", "route", "status"])
http_seconds = Histogram("pytake_http_request_seconds", "time to answer", ["method", "route"], buckets=_FAST)
webhook_received = Counter("pytake_webhook_received", "webhook requests", ["channel", "outcome"])
webhook_unknown = Counter("pytake_webhook_unknown", "well-formed webhook fragments kept raw", ["channel"])
inbound_seconds = Histogram("pytake_inbound_seconds", "from ingest to sprint committed", buckets=_FAST)
inbound_processed = Counter("pytake_inbound_processed", "inbound events handled", ["kind", "outcome"])
outbox_sent = Counter("pytake_outbox_sent", "outbound messages by result", ["channel", "result"])
outbox_seconds = Histogram("pytake_outbox_seconds", "from enqueue to the platform's answer", buckets=_FAST)
outbox_held = Counter("pytake_outbox_held", "sends put off before they were tried", ["reason"])
outbox_depth = Gauge("pytake_outbox_depth", "outbound rows not finished", ["state"])
sprints = Counter("pytake_sprints", "engine sprints", ["result"])
