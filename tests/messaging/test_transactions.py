"""Transactions of the hot paths (`messaging.sql.hot`): what is kept, what is told, and what a rest costs."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from pytake_app.core import db
from pytake_app.core.db import Database
from pytake_app.core.errors import UnavailableError
from pytake_app.messaging.sql import hot, insert_and_count, insert_statement, together

_KEEP = insert_statement("search_progress", ("name", "position"), "ON CONFLICT DO NOTHING RETURNING 1")
_POSITION = "00000000-0000-0000-0000-000000000000"


def keep(connection: Any, *names: str) -> int:
    return insert_and_count(connection, _KEEP, [{"name": name, "position": _POSITION} for name in names])


def kept(database: Database) -> set[str]:
    with hot(database) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM search_progress").fetchall()}


@pytest.fixture(params=[False, True], ids=["one by one", "pipelined"])
def pipelined(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_what_ends_well_is_kept_and_only_that(clean_db: Database, pipelined: bool) -> None:
    with hot(clean_db, pipelined=pipelined) as connection:
        assert keep(connection, "first", "second") == 2
        assert keep(connection, "second", "third") == 1

    def fail() -> None:
        with hot(clean_db, pipelined=pipelined) as connection:
            keep(connection, "fourth")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    with hot(clean_db, pipelined=pipelined):
        pass
    assert kept(clean_db) == {"first", "second", "third"}


def test_statements_that_are_not_read_are_kept_too(clean_db: Database) -> None:
    with hot(clean_db, pipelined=True) as connection, together(connection):
        connection.execute("INSERT INTO search_progress VALUES ('one', %s)", (_POSITION,))
        connection.execute("INSERT INTO search_progress VALUES ('two', %s)", (_POSITION,))
    assert kept(clean_db) == {"one", "two"}


def test_what_was_refused_first_is_told(clean_db: Database, pipelined: bool) -> None:
    def work() -> None:
        with hot(clean_db, pipelined=pipelined) as connection:
            keep(connection, "before")
            connection.execute("SELECT 1/(SELECT 0)")
            for _ in range(3):
                connection.execute("SELECT 1")
            keep(connection, "after")

    for _ in range(4):  # statements are prepared after a few times
        with pytest.raises(psycopg.errors.DivisionByZero):
            work()
    assert kept(clean_db) == set()


def test_who_goes_on_after_a_refusal_keeps_nothing(clean_db: Database) -> None:
    def work() -> None:
        with hot(clean_db, pipelined=True) as connection:
            keep(connection, "before")
            with pytest.raises(psycopg.errors.DivisionByZero):
                connection.execute("SELECT 1/(SELECT 0)").fetchall()

    with pytest.raises(psycopg.Error):
        work()
    assert kept(clean_db) == set()


def test_a_connection_that_is_ended_is_away_and_the_next_works(clean_db: Database, pipelined: bool) -> None:
    def work() -> None:
        with hot(clean_db, pipelined=pipelined) as connection, clean_db.engine("pytake_auth").connect() as other:
            keep(connection, "lost")
            other.exec_driver_sql("RESET ROLE")
            other.exec_driver_sql("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
            keep(connection, "never")

    with pytest.raises(UnavailableError) as raised:
        work()
    assert raised.value.retry_after
    assert kept(clean_db) == set()


def test_only_a_connection_that_has_rested_is_asked_whether_it_lives(
    clean_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(clean_db)
    engine = clean_db.engine("pytake_system")
    asked: list[bool] = []
    ping = engine.dialect.do_ping
    monkeypatch.setattr(engine.dialect, "do_ping", lambda connection: asked.append(True) or ping(connection))
    kept(clean_db)
    assert asked == []
    monkeypatch.setattr(db, "_PING_AFTER", 0.0)
    kept(clean_db)
    assert asked == [True]
    made: list[bool] = []
    event.listen(engine, "connect", lambda *_: made.append(True))

    def dead(connection: Any) -> bool:
        raise psycopg.OperationalError("server closed the connection unexpectedly") if not made else ping(connection)

    monkeypatch.setattr(engine.dialect, "do_ping", dead)
    assert kept(clean_db) == set()
    assert made == [True]
