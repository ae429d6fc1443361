"""Erases organizations whose days of grace are over: every row that bears their id, their files, at last themselves.

Which tables there are is asked of the database, so that one that a migration adds is never forgotten. Rows go in
batches, each in a transaction of its own: nobody else waits, and an erasure that is interrupted goes on where it was.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from pytake_app.accounts.lifecycle import DELETING
from pytake_app.accounts.models import Organization
from pytake_app.core.db import Database

log = structlog.get_logger(__name__)

BATCH = 5_000
PAUSE = 0.02
"""Seconds between two batches, for those who are at work."""
_ROUNDS = 20
"""Rows that refer to each other may need several turns; more than these mean that something can't be erased."""

# Everything with the column, except partitions, which are reached through their parent.
_TABLES = """
SELECT c.relname FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname
"""
_REFERENCES = """
SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conrelid <> confrelid AND conparentid = 0
"""


@dataclass(frozen=True, slots=True)
class Erased:
    """What went."""

    organizations: int = 0
    rows: int = 0


def tenant_tables(session: Session) -> list[str]:
    """Every table whose rows belong to an organization, those that refer to others first; the audit log has its own
    way to be forgotten."""
    tables = [str(row[0]) for row in session.execute(text(_TABLES)) if row[0] != "audit_log"]
    refers: dict[str, set[str]] = {table: set() for table in tables}
    for child, parent in session.execute(text(_REFERENCES)):
        if child in refers and parent in refers:
            refers[child].add(parent)
    ordered: list[str] = []
    left = dict(refers)
    while left:
        # A table goes when no other one refers to it; where they refer in a ring, in any order, and rows in turns.
        named = {parent for parents in left.values() for parent in parents}
        free = [table for table in left if table not in named]
        for table in free or [min(left)]:
            ordered.append(table)
            del left[table]
    return ordered


def due(database: Database, now: datetime) -> list[UUID]:
    """Organizations whose days of grace are over."""
    with database.administration() as session:
        found = select(Organization.id).where(
            Organization.status == DELETING,
            col(Organization.delete_after).is_not(None),
            col(Organization.delete_after) <= now,
        )
        return list(session.exec(found.order_by(col(Organization.delete_after))))


def erase_due(database: Database, data_dir: Path, now: datetime, *, pause: float = PAUSE) -> Erased:
    """Erase every organization that is due. Safe to repeat, and to be killed at any moment."""
    organizations = rows = 0
    for organization_id in due(database, now):
        rows += erase(database, data_dir, organization_id, pause=pause)
        organizations += 1
    return Erased(organizations, rows)


def erase(database: Database, data_dir: Path, organization_id: UUID, *, pause: float = PAUSE) -> int:
    """Erase an organization that was deleted; returns how many rows went.

    Raises:
        RuntimeError: something of it can't be erased: a programming error.
    """
    with database.tenant(organization_id) as session:
        every = tenant_tables(session)
        tables = [table for table in every if _deletable(session, table)]
        kept = [table for table in every if table not in tables]
        accounts = session.execute(
            text("SELECT id FROM channel_accounts WHERE organization_id = :id"), {"id": organization_id}
        )
        folders = [Path("media") / str(organization_id), *(Path("sandbox") / str(row[0]) for row in accounts)]
    # Files first: as long as rows are there, somebody knows whose they are.
    for folder in folders:
        shutil.rmtree(data_dir.resolve() / folder, ignore_errors=False, onerror=_unless_gone)
    total = 0
    for _ in range(_ROUNDS):
        gone = sum(_empty(database, organization_id, table, pause) for table in tables)
        gone += sum(_empty_kept(database, organization_id, table) for table in kept)
        total += gone
        if not gone:
            break
    else:
        raise RuntimeError("rows of an organization come back while it is erased")
    with database.system() as session:  # nobody else may take anything out of the audit log
        total += int(session.execute(text("SELECT pytake_audit_forget(:id)"), {"id": organization_id}).scalar_one())
    with database.administration() as session:
        row = session.get(Organization, organization_id, with_for_update=True)
        if row is not None and row.status == DELETING:
            session.delete(row)
    log.warning("organization_erased", organization_id=str(organization_id), rows=total)
    return total


def _empty(database: Database, organization_id: UUID, table: str, pause: float) -> int:
    total = 0
    for gone in _batches(database, organization_id, table):
        total += gone
        time.sleep(pause)
    return total


def _deletable(session: Session, table: str) -> bool:
    """Whether an organization may take rows out of this table of its own; what is only ever added to it may not."""
    asked = text("SELECT has_table_privilege(:table, 'DELETE')")
    return bool(session.execute(asked, {"table": f'public."{table}"'}).scalar_one())


def _empty_kept(database: Database, organization_id: UUID, table: str) -> int:
    """Of a table that only the administration may take rows out of; such tables are small."""
    statement = text(f'DELETE FROM "{table}" WHERE organization_id = :id')  # noqa: S608  # from the catalogue
    with database.administration() as session:
        done = session.execute(statement, {"id": organization_id})
        return int(done.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it


def _batches(database: Database, organization_id: UUID, table: str) -> Iterator[int]:
    # `ctid` names rows of one partition; others that happen to have the same one are the organization's too.
    statement = text(
        f'DELETE FROM "{table}" WHERE organization_id = :id AND ctid = ANY(ARRAY('  # noqa: S608  # from the catalogue
        f'SELECT ctid FROM "{table}" WHERE organization_id = :id LIMIT :batch))'
    )
    while True:
        try:
            with database.tenant(organization_id) as session:
                session.execute(text("SELECT set_config('app.erasing', 'on', true)"))
                done = session.execute(statement, {"id": organization_id, "batch": BATCH})
                gone = int(done.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it
        except IntegrityError:
            return  # something still refers to these: in the next round
        if not gone:
            return
        yield gone


def _unless_gone(_function: object, _path: str, error: object) -> None:
    problem = error[1] if isinstance(error, tuple) else error
    if not isinstance(problem, FileNotFoundError):
        assert isinstance(problem, BaseException)
        raise problem
