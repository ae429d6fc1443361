"""Set-based SQL for the hot path: rows go to PostgreSQL as one JSON parameter.

`INSERT … SELECT … FROM json_populate_recordset(NULL::table, $1)` has the same text for one row and for five hundred, so
that it is prepared once a connection, and the whole batch is one `orjson.dumps` instead of a thousand bound values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString, TypeVar, cast

import orjson
import psycopg
from psycopg.pq import PipelineStatus, TransactionStatus
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from pytake_app.core.db import Database
from pytake_app.core.errors import UnavailableError

T = TypeVar("T")
Row = Mapping[str, Any]
Later = Callable[[], T]
"""What was asked of the database, to be read when it is called: in a pipeline several questions go out together."""
Connection = psycopg.Connection[tuple[Any, ...]]
DATABASE_ERRORS = (UnavailableError, psycopg.Error, SQLAlchemyError)
"""What is raised while the database is away or refuses; the work is done again later."""

# Undefined table, column, function, object: this code runs before its migration, and no message is at fault.
_ANOTHER_SCHEMA = ("42P01", "42703", "42883", "42704")
# PostgreSQL's jsonb and text refuse NUL; an odd run of backslashes before u0000 is the escape, an even one is text.
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def dumps(value: object) -> str:
    """JSON that PostgreSQL accepts: NUL and lone surrogates, which it refuses, become U+FFFD."""
    try:
        data = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        data = orjson.dumps(_scrub(value), option=orjson.OPT_NON_STR_KEYS)
    if b"\\u0000" in data:
        data = _NUL.sub(rb"\1\\ufffd", data)
    return data.decode()


def _scrub(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_scrub(key) if isinstance(key, str) else key: _scrub(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_scrub(item) for item in value]
    return value


@contextmanager
def hot(database: Database, *, pipelined: bool = False) -> Iterator[Connection]:
    """The driver's own connection in one transaction of the pipeline's role.

    Parameters:
        pipelined: for what is done with each message. Statements are planned once for all values. They leave at once
            and are not waited for until somebody fetches what one of them found, or until the commit, which leaves
            with the last of them (PostgreSQL's pipeline mode). An error of the database shows with the next fetch, or
            at the end; `rowcount` tells nothing before that.

    Raises:
        UnavailableError: the database can't be reached, chose this transaction as a deadlock's victim, ended it because
            this process was frozen in the middle of it, or has another schema than this code.
        psycopg.Error: it refuses what it was given.
    """
    try:
        with database.driver_connection(hot=pipelined) as driver:
            driver.prepare_threshold = 2
            if pipelined:
                with driver.pipeline():
                    yield driver
                    if driver.info.transaction_status != TransactionStatus.IDLE:
                        # Not `commit()`: that waits for itself, and the end of the pipeline would once more.
                        driver.execute("COMMIT", prepare=False)
            else:
                yield driver
                driver.commit()
    except psycopg.Error as error:
        cause = _cause(error)
        if not _is_away(cause):
            if cause is error:
                raise
            raise cause from None
        raise UnavailableError("The database can't be reached or is busy; try again.", retry_after=2) from cause


@contextmanager
def together(connection: Connection) -> Iterator[None]:
    """Statements of which nothing is read back go out together."""
    if connection.pgconn.pipeline_status != PipelineStatus.OFF:
        yield
    else:
        with connection.pipeline():
            yield


def _cause(error: psycopg.Error) -> psycopg.Error:
    """What went wrong first: statements that were behind it in a pipeline say only that they were not tried."""
    while isinstance(error, psycopg.errors.PipelineAborted) and isinstance(error.__context__, psycopg.Error):
        error = error.__context__
    return error


def driver_of(session: Session) -> Connection:
    """The driver's own connection of a session's transaction, for statements of this module."""
    return cast("Connection", session.connection().connection.driver_connection)


def _is_away(error: psycopg.Error) -> bool:
    # psycopg counts as operational what exceeds a limit of PostgreSQL's (class 54: a key too long for an index). That
    # would be refused each time.
    if isinstance(error, psycopg.errors.IdleInTransactionSessionTimeout) or error.sqlstate in _ANOTHER_SCHEMA:
        return True
    if isinstance(error, psycopg.errors.PipelineAborted):
        return False  # some statement before it was refused, and somebody went on
    return isinstance(error, psycopg.OperationalError) and not (error.sqlstate or "").startswith("54")


def insert_statement(
    table: LiteralString, columns: Sequence[LiteralString], suffix: LiteralString = ""
) -> LiteralString:
    """The text of a set insert for `insert_rows`; make it once, at import."""
    names: LiteralString = ", ".join(f'"{column}"' for column in columns)
    source: LiteralString = f'FROM json_populate_recordset(NULL::"{table}", %s)'
    return f'INSERT INTO "{table}" ({names}) SELECT {names} {source} {suffix}'  # literals only


def insert_rows(connection: Connection, statement: LiteralString, rows: Sequence[Row]) -> None:
    """Insert `rows`, in their order, with a statement of `insert_statement`."""
    if rows:
        connection.execute(statement, (dumps(rows),))


def insert_and_count(connection: Connection, statement: LiteralString, rows: Sequence[Row]) -> int:
    """As `insert_rows`; answers how many rows were inserted. The statement ends with `RETURNING`: in a pipeline a
    count alone can't be waited for."""
    return len(connection.execute(statement, (dumps(rows),)).fetchall()) if rows else 0
