"""Counting a long queue: once for everybody, and what is over once for ever."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from pytake_app.core.clock import FrozenClock
from pytake_app.messaging import desk, figures, service
from pytake_app.messaging.desk_schemas import Choice
from tests.support.pipeline import Pipeline
from tests.waiting import wait_until

_FILL = """
INSERT INTO outbox (id, organization_id, channel_account_id, conversation_id, contact_id, message_id, recipient,
       content,
                    priority, state, attempts, max_attempts, next_attempt_at, created_at, finished_at)
SELECT gen_random_uuid(), :organization, :account, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
       '5511', '{"type": "text", "body": "oi"}', n % 4, CASE WHEN n % 5 = 0 THEN 'sent' ELSE 'queued' END, 0, 8,
       :now + ((n % 20) - 10) * interval '1 minute', :now,
       CASE WHEN n % 5 = 0 THEN :now - (n % 50) * interval '1 minute' END
FROM generate_series(1, :rows) n
"""


def fill(pipeline: Pipeline, rows: int) -> None:
    pipeline.execute(
        _FILL, rows=rows, now=pipeline.services.clock.now(), organization=pipeline.tenant.organization_id,
        account=pipeline.tenant.account.id,
    )  # fmt: skip


class Asked:
    """Questions about the tables of the queue, while it is entered."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.statements: list[str] = []
        self._engine = pipeline.services.database.engine("pytake_app")

    def __enter__(self) -> list[str]:
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self.statements

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "FROM outbox" in statement or "FROM inbound_events" in statement:
            self.statements.append(statement)


def page(pipeline: Pipeline) -> tuple[int, int, int]:
    """What the page asks for: waiting by the figures, waiting by the numbers, sent in the last hour."""
    services, who = pipeline.services, pipeline.tenant.viewer
    with services.database.tenant(pipeline.tenant.organization_id) as session:
        stats = service.stats(session, who, clock=services.clock, client=services.redis)
        limits = desk.limits(session, who, services)
        desk.health(session, who, services)
    return stats.queued, sum(account.queued for account in limits), stats.sent_last_hour


def test_a_long_queue_is_counted_once_for_everybody(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    rows = figures.LONG * 2
    fill(pipeline, rows)
    waiting = rows * 4 // 5
    assert page(pipeline) == (waiting, waiting, rows // 5)
    with Asked(pipeline) as asked:
        assert page(pipeline) == (waiting, waiting, rows // 5)
    # The minute that runs, the last one, and each number's sent messages: nothing that grows with the queue.
    assert not [statement for statement in asked if "state = 'queued'" in statement or "'pending'" in statement]
    pipeline.execute("UPDATE outbox SET state = 'canceled' WHERE state = 'queued' AND priority = 0")
    assert page(pipeline)[0] == waiting
    frozen_clock.advance(timedelta(seconds=4))
    assert page(pipeline)[0] < waiting


def test_a_short_queue_is_counted_each_time(pipeline: Pipeline) -> None:
    fill(pipeline, 100)
    assert page(pipeline) == (80, 80, 20)
    fill(pipeline, 100)
    assert page(pipeline)[:2] == (160, 160)


def test_many_changed_at_once_are_seen_at_once(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "LONG", 10)
    monkeypatch.setattr(desk, "process_services", lambda: pipeline.services)
    fill(pipeline, 100)
    assert page(pipeline)[0] == 80
    with pipeline.services.database.tenant(pipeline.tenant.organization_id) as session:
        desk.cancel(session, pipeline.tenant.agent, Choice(everything=True), clock=pipeline.services.clock)
    assert page(pipeline)[0] == 0


def test_while_one_counts_the_others_make_do(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    fill(pipeline, figures.LONG * 2)
    page(pipeline)
    frozen_clock.advance(timedelta(seconds=4))
    key = f"pytake:depth:{pipeline.tenant.organization_id}:counting"
    pipeline.services.redis.set(key, 1)
    with Asked(pipeline) as asked:
        page(pipeline)
    assert not [statement for statement in asked if "state = 'queued'" in statement]


def test_past_minutes_are_counted_once(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    fill(pipeline, 200)
    before = page(pipeline)
    pipeline.execute(
        "DELETE FROM outbox WHERE state = 'sent' AND finished_at < :at", at=frozen_clock.now() - timedelta(minutes=3)
    )
    assert page(pipeline) == before
    pipeline.services.redis.flushdb()
    assert page(pipeline)[2] < before[2]


def test_what_waits_is_counted_from_the_index(pipeline: Pipeline) -> None:
    fill(pipeline, 20_000)
    url = pipeline.services.settings.sqlalchemy_url.replace("postgresql+psycopg", "postgresql")
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:

        def counted_from_the_index() -> bool:
            # Whoever reads since before the rows came keeps VACUUM from calling their pages seen by all: an automatic
            # ANALYZE, which on a busy machine takes long.
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE backend_type = 'autovacuum worker' AND datname = current_database()"
            )
            connection.execute("VACUUM ANALYZE outbox")
            plan = connection.execute(
                "EXPLAIN SELECT channel_account_id, priority, count(*), min(next_attempt_at) FROM outbox "
                "WHERE organization_id = %s AND state = 'queued' GROUP BY 1, 2",
                (pipeline.tenant.organization_id,),
            ).fetchall()
            return any("Index Only Scan using outbox_due" in row[0] for row in plan)

        try:
            wait_until(counted_from_the_index, timeout=30, interval=0.2, message="the count needs no table")
        except AssertionError as error:
            reading = connection.execute(
                "SELECT backend_type, application_name, state, xact_start, query FROM pg_stat_activity "
                "WHERE backend_xmin IS NOT NULL AND datname = current_database()"
            ).fetchall()
            raise AssertionError(f"these read since before: {reading}") from error
