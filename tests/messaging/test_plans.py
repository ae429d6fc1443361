"""What the pipeline's statements cost and how they are planned: facts that hold at any size of the tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from pytake_app.bench.pipeline import FLOW
from pytake_app.conversations import threads
from pytake_app.core.clock import FrozenClock
from pytake_app.flows import execution_state
from pytake_app.messaging import outbox_store, results, statuses, upkeep
from pytake_app.messaging.sql import dumps, hot
from tests.support.pipeline import MENU, Pipeline, add_flow
from tests.waiting import wait_until

MONTHS = 24


@pytest.fixture
def years(pipeline: Pipeline, frozen_clock: FrozenClock) -> Iterator[Pipeline]:
    """A database with the partitions of two years before now."""
    names = "SELECT relid::regclass::text FROM pg_partition_tree('{0}') WHERE level = 1"
    before = {name for table in ("messages", "session_steps") for (name,) in pipeline.rows(names.format(table))}
    first = (frozen_clock.now() - timedelta(days=30 * MONTHS)).date()
    pipeline.rows("SELECT pytake_make_partitions(:first, :months)", first=first, months=MONTHS)
    yield pipeline
    for table in ("messages", "session_steps"):
        for (name,) in pipeline.rows(names.format(table)):
            if name not in before:
                pipeline.execute(f"DROP TABLE {name}")


def plan(pipeline: Pipeline, statement: str, parameters: Any) -> str:
    """The generic plan that a prepared statement comes to in the pipeline's connections."""
    with hot(pipeline.services.database) as connection:
        connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor = connection.execute("EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF, BUFFERS OFF) " + statement,
                                    parameters, prepare=True)  # type: ignore[arg-type]  # fmt: skip
        text = "\n".join(row[0] for row in cursor.fetchall())
        connection.rollback()
    return text


def scans(text: str, table: str) -> list[str]:
    """Which partitions a plan reads."""
    executed = [line for line in text.splitlines() if f" on {table}" in line and "never executed" not in line]
    return [line for line in executed if "Scan" in line]


async def test_no_statement_reads_old_months(years: Pipeline, frozen_clock: FrozenClock) -> None:
    now = frozen_clock.now()
    add_flow(years.services.database, years.tenant.organization_id, MENU)
    await years.hear(years.phone().text("oi", at=now))
    ((account, message, created, external),) = years.rows(
        "SELECT channel_account_id, id, created_at, external_id FROM messages WHERE direction = 'in'"
    )
    report = [{"n": 0, "account": account, "id": external, "status": "read", "rank": 5}]
    row = [{"id": message, "created_at": created, "external_id": "wamid.x"}]
    since = now - timedelta(days=32)
    of_month = {
        "a status": plan(years, statuses._APPLY, {"rows": dumps(report), "since": since}),
        "a send": plan(years, results._SENT_MESSAGES, {"rows": dumps(row), "now": now}),
        "a quoted message": plan(years, threads._FIND_MESSAGE, (account, external, since)),
    }
    for name, text in of_month.items():
        assert "Seq Scan" not in text, f"{name}\n{text}"
        read = scans(text, "messages_")
        assert read, f"{name}\n{text}"
        # Months ahead, of which other tests have made some, are empty and cost a look each.
        months = re.findall(r" on messages_p(\d{4}_\d{2}) ", "\n".join(read))
        assert all(month >= f"{since:%Y_%m}" for month in months), f"{name}: some of {MONTHS} old months\n{text}"


async def test_rows_that_change_with_every_message_are_found_by_index(
    pipeline: Pipeline, frozen_clock: FrozenClock
) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, MENU)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    now = frozen_clock.now()
    claim = {"order": [0, 1, 2, 3], "now": now, "hold": now, "limit": 10, "resting": [], "by": "x", "after": now}
    for statement, parameters in (
        (execution_state._UPDATE, ("[]",)),
        (threads._UPDATE, ("[]",)),
        (outbox_store._CLAIM, claim),
        (outbox_store._SENT, {"rows": "[]", "now": now}),
    ):
        text = plan(pipeline, statement, parameters)
        assert "Seq Scan" not in text, text
    # A claim reads the index from its lower bound to what is due, whosever clock says so, and no further.
    (bounds,) = [
        line for line in plan(pipeline, outbox_store._CLAIM, claim).splitlines() if "Index Cond: ((priority" in line
    ]
    assert "next_attempt_at <= GREATEST(" in bounds
    assert "next_attempt_at > " in bounds


class Counted:
    """Counts the statements of the pipeline's connections."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements: list[str] = []
        execute = psycopg.Connection.execute

        def counting(connection: Any, query: Any, *args: Any, **options: Any) -> Any:
            self.statements.append(str(query))
            return execute(connection, query, *args, **options)

        monkeypatch.setattr(psycopg.Connection, "execute", counting)


async def test_a_batch_takes_as_many_statements_as_one_message(
    pipeline: Pipeline, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, MENU)
    now = frozen_clock.now()
    people = [pipeline.phone(f"55119{n:08d}") for n in range(40)]
    await pipeline.hear(*(phone.text("oi", at=now) for phone in people))
    counted = Counted(monkeypatch)
    await pipeline.receive(people[0].text("nada", at=now))
    counted.statements.clear()
    pipeline.drain()
    alone = len(counted.statements)
    await pipeline.receive(*(phone.text("nada", at=now) for phone in people))
    counted.statements.clear()
    pipeline.drain()
    assert len(counted.statements) == alone
    assert alone <= 26, counted.statements


class Updates:
    """Updates of a table by this test's own connections. A connection tells what it counted when it ends."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        pipeline.services.database.dispose()
        self._since = pipeline.scalar("SELECT clock_timestamp()")
        pipeline.services.database.dispose()

    def of(self, table: str) -> tuple[int, int]:
        """How many so far, and how many of them in place."""
        self._pipeline.services.database.dispose()
        open_ones = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND application_name LIKE 'pytake%' AND backend_start > :since"
        )
        wait_until(lambda: int(self._pipeline.rows(open_ones, since=self._since)[0][0]) == 0)
        ((updated, in_place),) = self._pipeline.rows(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = :table", table=table
        )
        return int(updated), int(in_place)


async def test_sessions_and_conversations_are_written_in_place_and_tapes_only_appended(
    pipeline: Pipeline, frozen_clock: FrozenClock
) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, FLOW)
    phone = pipeline.phone()
    await pipeline.hear(phone.text("oi", at=frozen_clock.now()))
    updates = Updates(pipeline)
    tables = ("flow_sessions", "conversations")
    before = {table: updates.of(table) for table in tables}
    for number in range(20):
        # Each message has its own time, as it has in life.
        frozen_clock.advance(timedelta(seconds=1))
        await pipeline.hear(phone.text(f"nada {number}", at=frozen_clock.now()))
    for table in tables:
        updated, in_place = (now - was for now, was in zip(updates.of(table), before[table], strict=True))
        assert updated == 20, table
        # One may meet a new minute, one a page that is full.
        assert in_place >= 18, table
    assert pipeline.rows("SELECT tape FROM flow_sessions") == [([],)]
    assert pipeline.scalar("SELECT count(*) FROM session_records") == 21


def test_no_index_has_what_changes_with_every_message(pipeline: Pipeline) -> None:
    changing = {"last_message_at", "last_message_id", "last_message_preview", "unread_count", "last_inbound_at",
                "window_expires_at", "updated_at", "state"}  # fmt: skip
    for table in ("conversations", "flow_sessions"):
        indexed = pipeline.rows(
            "SELECT DISTINCT a.attname FROM pg_index i JOIN pg_depend d ON d.objid = i.indexrelid "
            "AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid "
            "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid "
            "WHERE i.indrelid = CAST(:table AS regclass)",
            table=table,
        )
        names = {row[0] for row in indexed}
        assert "organization_id" in names
        assert not names & changing, table


async def test_what_is_under_way_is_found_among_years_of_messages(
    pipeline: Pipeline, frozen_clock: FrozenClock
) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, MENU)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    # The planner is told of a table that is long, and of states as they are in one.
    pipeline.execute(
        "INSERT INTO outbox (id, organization_id, channel_account_id, conversation_id, contact_id, message_id, "
        "recipient, content, priority, state, attempts, max_attempts, next_attempt_at, claimed_at, created_at) "
        "SELECT gen_random_uuid(), organization_id, channel_account_id, gen_random_uuid(), contact_id, "
        "gen_random_uuid(), recipient, '{}', 2, CASE WHEN n % 1000 = 0 THEN 'unsure' ELSE 'sent' END, 1, 8, "
        "next_attempt_at, created_at, created_at FROM outbox, generate_series(1, 20000) n"
    )
    pipeline.execute("ANALYZE outbox")
    now = frozen_clock.now()
    values = {"now": now, "late": now, "old": now, "watched": [1]}
    for statement in (upkeep._UNDER_WAY, upkeep._SILENT, upkeep._UNSURE):
        text = plan(pipeline, statement, values if "%(" in statement else None)
        assert "outbox_sending" in text or "Index Cond: (sequence = ANY" in text, text
        assert "Seq Scan on outbox" not in text, text
