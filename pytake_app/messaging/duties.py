"""What a scheduler does from time to time, and how it learns of many duties at once that there is nothing to do.

Most duties find nothing most of the time. A transaction for each (a connection's check, BEGIN, a statement, COMMIT:
four answers to wait for) kept a scheduler and its server awake sixty times a second when nobody wrote at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, LiteralString, cast

import psycopg
import structlog
from sqlalchemy import Connection as Pooled
from sqlalchemy.exc import SQLAlchemyError

from pytake_app.core.db import Database
from pytake_app.messaging.sql import Connection

log = structlog.get_logger(__name__)

UNASKED_SECONDS = 30.0
"""After so long a duty is done whatever the look says, which sees less than the duty itself."""


class Lock(IntEnum):
    """Advisory locks on what one scheduler at a time does: two would make the same rows, or wait for each other's."""

    SCHEDULES = 0x50545343
    FIGURES = 0x50544647
    """Of flows."""
    QUEUE_FIGURES = 0x50545147
    USAGE = 0x50545547
    """The counters of organizations."""
    TELLING = 0x50544C56
    """Telling again what was never told."""


@dataclass(slots=True, eq=False)
class Duty:
    """Something to be done every so often.

    Parameters:
        every: seconds between two times.
        work: does it; answers True to be called again at once.
        asks: a query that has rows whenever there may be something to do; None: it is always done.
        nothing: called instead of `work` when there is not.
    """

    every: float
    work: Callable[[], bool | None]
    asks: LiteralString | None = None
    nothing: Callable[[], None] | None = None
    due: float = field(default=0.0)
    """Monotonic seconds; 0: at once, for it has more to do or was never done."""
    unasked: float = field(default=0.0)
    """Monotonic seconds from which on it is done without asking."""


class Glance:
    """One statement that answers for many duties, on a connection of its own without transactions.

    Parameters:
        database: read in the pipeline's role.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pooled: Pooled | None = None

    def idle(self, duties: Sequence[Duty], facts: Callable[[], Mapping[str, Any]]) -> list[Duty]:
        """Which of these have nothing to do. None of them while the database doesn't answer: they see for themselves.

        Parameters:
            duties: with a query each.
            facts: gives the queries' parameters.
        """
        if not duties:
            return []
        asked = cast("Sequence[LiteralString]", [f"EXISTS ({duty.asks})" for duty in duties])
        statement: LiteralString = "SELECT " + ", ".join(asked)
        try:
            row = self._connection().execute(statement, facts()).fetchone()
        except (psycopg.Error, SQLAlchemyError) as error:
            log.info("glance_failed", error=type(error).__name__)
            self.close()
            return []
        return [] if row is None else [duty for duty, found in zip(duties, row, strict=True) if not found]

    def close(self) -> None:
        """Give the connection up; the next look opens another."""
        pooled, self._pooled = self._pooled, None
        if pooled is not None:
            pooled.invalidate()  # nobody else gets it with these settings
            pooled.close()

    def _connection(self) -> Connection:
        fresh = self._pooled is None
        if self._pooled is None:
            engine = self._database.engine("pytake_system")
            self._pooled = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        driver = cast("Connection", self._pooled.connection.driver_connection)
        if fresh:
            driver.prepare_threshold = 1
            # Planned once: to plan a look costs more than to take it.
            driver.execute("SET plan_cache_mode = force_generic_plan")
        return driver


def alone(connection: Connection, lock: Lock) -> bool:
    """Whether no other scheduler is at it; none will be until this transaction ends."""
    row = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (int(lock),)).fetchone()
    return bool(row and row[0])
