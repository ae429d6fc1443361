"""The tapes of sessions in the database: one row a record, only ever appended.

Sessions that began before there were such rows have the first of their records in their own row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from pytake_app.core.tenancy import organization_of
from pytake_app.flows.models import FlowSession, SessionRecord
from pytake_app.messaging.sql import Connection, insert_rows, insert_statement

Row = dict[str, Any]

_INSERT = insert_statement("session_records", ("session_id", "number", "organization_id", "record"))


def insert(connection: Connection, rows: Sequence[Row]) -> None:
    """Append records. `rows`: see `SessionRecord`."""
    insert_rows(connection, _INSERT, rows)


def append(session: Session, row: FlowSession, number: int, record: Row) -> None:
    """Append one record to a session's tape, outside the pipeline."""
    session.add(SessionRecord(session_id=row.id, number=number, organization_id=row.organization_id, record=record))


def of_sessions(session: Session, rows: Sequence[FlowSession]) -> dict[UUID, list[Row]]:
    """The records of each session, in order; none for one that is older than tapes."""
    tapes: dict[UUID, list[Row]] = {row.id: list(row.tape or []) for row in rows}
    statement = select(SessionRecord).where(
        col(SessionRecord.session_id).in_(list(tapes)), SessionRecord.organization_id == organization_of(session)
    )
    for record in session.exec(statement.order_by(col(SessionRecord.session_id), col(SessionRecord.number))):
        tapes[record.session_id].append(record.record)
    return tapes


def erase(session: Session, session_ids: Sequence[UUID]) -> None:
    """Forget the records of these sessions."""
    session.execute(
        sa.delete(SessionRecord).where(
            col(SessionRecord.session_id).in_(list(session_ids)),
            col(SessionRecord.organization_id) == organization_of(session),
        )
    )
