"""`./pytake rotate-secrets`: everything that is kept encrypted is encrypted anew under the newest SECRET_KEY.

Which columns hold ciphers is read from the database: those whose name says so (`…cipher`) and those of `ALSO`. Rows
are changed in batches, one transaction each, so that an interrupted run goes on where it was; what is encrypted under
the newest key already is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session

from pytake_app.config import Settings
from pytake_app.core.crypto import DecryptionError, SecretBox
from pytake_app.core.db import Database
from pytake_app.core.tenancy import Actor

BATCH = 200
ALSO = frozenset({("channel_accounts", "credentials")})
"""Columns of ciphers whose names don't end in `cipher`."""
_ACTOR = Actor("system", None, "rotate-secrets", "")

Transaction = Callable[[], AbstractContextManager[Session]]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CipherColumn:
    """A column of ciphers, and its table's key."""

    table: str
    column: str
    key: str


@dataclass(slots=True)
class Tally:
    """What became of a column's values."""

    rotated: int = 0
    current: int = 0
    unreadable: int = 0

    def add(self, other: Tally) -> None:
        """Count another's too."""
        self.rotated += other.rotated
        self.current += other.current
        self.unreadable += other.unreadable


def cipher_columns(session: Session) -> list[CipherColumn]:
    """Every column that holds ciphers, of tables in the public schema."""
    rows = session.execute(
        sa.text("""
            SELECT c.relname, a.attname, k.attname
            FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
            JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = i.indkey[0]
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
              AND a.atttypid IN ('text'::regtype, 'varchar'::regtype)
            ORDER BY 1, 2
        """)
    )
    return [
        CipherColumn(table, column, key)
        for table, column, key in rows
        if column.endswith("cipher") or (table, column) in ALSO
    ]


def rotate(settings: Settings, database: Database, say: Say, *, batch: int = BATCH) -> Tally:
    """Encrypt everything under the newest key.

    Parameters:
        say: gets a sentence for each column.
        batch: rows of one transaction.

    Returns: what became of all values; `unreadable` ones were left as they are.
    """
    box = SecretBox.from_settings(settings)
    with database.auth() as session:
        columns = cipher_columns(session)
        organizations = list(session.execute(sa.text("SELECT id FROM organizations ORDER BY id")).scalars())
    total = Tally()
    for column in columns:
        tally = Tally()
        for transaction in _transactions(database, column, organizations):
            tally.add(_rotate_column(box, column, transaction, batch))
        total.add(tally)
        lost = f", {tally.unreadable} can't be read with any key" if tally.unreadable else ""
        say(f"{column.table}.{column.column}: {tally.rotated} encrypted anew, {tally.current} were current{lost}")
    return total


def _transactions(database: Database, column: CipherColumn, organizations: list[UUID]) -> Iterator[Transaction]:
    """Where a table's rows are seen and may be changed: by a role for all organizations at once, else in each one."""
    allowed = sa.text(
        "SELECT has_column_privilege(current_user, :table, :column, 'SELECT') "
        "AND has_column_privilege(current_user, :table, :column, 'UPDATE')"
    )
    everywhere: tuple[Transaction, ...] = (partial(database.auth_as, _ACTOR), database.system)
    for transaction in everywhere:
        with transaction() as session:
            if session.execute(allowed, {"table": column.table, "column": column.column}).scalar_one():
                yield transaction
                return
    for organization_id in organizations:
        yield partial(database.tenant, organization_id, actor=_ACTOR)


def _rotate_column(box: SecretBox, column: CipherColumn, transaction: Transaction, batch: int) -> Tally:
    tally, last = Tally(), None
    key: sa.ColumnClause[Any] = sa.column(column.key)
    cipher: sa.ColumnClause[Any] = sa.column(column.column)
    table = sa.table(column.table, key, cipher)
    rows_after = sa.select(key, cipher).where(cipher != "").order_by(key).limit(batch).with_for_update()
    change = sa.update(table).where(key == sa.bindparam("of")).values({column.column: sa.bindparam("anew")})
    while True:
        with transaction() as session:
            rows = session.execute(rows_after if last is None else rows_after.where(key > last)).all()
            changed = []
            for of, kept in rows:
                if box.is_current(kept):
                    tally.current += 1
                    continue
                try:
                    changed.append({"of": of, "anew": box.encrypt(box.decrypt(kept))})
                except DecryptionError:
                    tally.unreadable += 1
            if changed:
                session.execute(change, changed)
            tally.rotated += len(changed)
        if len(rows) < batch:
            return tally
        last = rows[-1][0]
