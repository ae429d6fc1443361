"""Conversations put off come back by themselves, for the scheduler, and whoever waits for them is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from sqlmodel import Session, col, select

from pytake_app.accounts import service as accounts
from pytake_app.contacts import service as contacts
from pytake_app.conversations.models import AutomationLog
from pytake_app.core.clock import Clock
from pytake_app.core.ids import NewId
from pytake_app.core.tenancy import organization_of
from pytake_app.core.texts import text
from pytake_app.messaging.sql import Connection, dumps
from pytake_app.notifications import service as notifications

BATCH = 500

ANY_OVER: LiteralString = "SELECT 1 FROM conversations WHERE snoozed_until <= %(now)s"
"""Rows: one is to come back."""
# The contact's row first, as everywhere; one that is in somebody's hands is woken at the next round. It stands where
# its last message left it, perhaps far down: it counts as unread.
_WAKE = """
WITH due AS MATERIALIZED (
    SELECT c.id, c.contact_id FROM conversations c WHERE c.snoozed_until <= %(now)s
    ORDER BY c.snoozed_until LIMIT %(limit)s
), held AS MATERIALIZED (
    SELECT d.id FROM due d JOIN contacts p ON p.id = d.contact_id ORDER BY p.id FOR NO KEY UPDATE OF p SKIP LOCKED
)
UPDATE conversations c SET snoozed_until = NULL, updated_at = %(now)s, unread_count = GREATEST(c.unread_count, 1),
       status = CASE WHEN c.status = 'pending' THEN 'open' ELSE c.status END
FROM held WHERE c.id = held.id AND c.snoozed_until <= %(now)s
RETURNING c.id, c.organization_id, c.contact_id, c.assignee_id
"""
_LOG = """
INSERT INTO automation_log (id, organization_id, conversation_id, at, kind, detail)
SELECT v.id, v.organization_id, v.conversation_id, %s, 'snooze_over', '{}'
FROM json_to_recordset(%s) AS v(id uuid, organization_id uuid, conversation_id uuid)
"""


@dataclass(frozen=True, slots=True)
class Woken:
    """A conversation that is back."""

    id: UUID
    organization_id: UUID
    contact_id: UUID
    assignee_id: UUID | None

    @property
    def poke(self) -> tuple[str, dict[str, Any]]:
        """What pages are told."""
        payload = {"event": "conversation_updated", "conversation_id": str(self.id)}
        return f"org:{self.organization_id}:conversations", payload


def wake_due(connection: Connection, now: datetime, new_id: NewId) -> list[Woken]:
    """Wake what is due; answers what came back, to be told once this is committed."""
    woken = [Woken(*row) for row in connection.execute(_WAKE, {"now": now, "limit": BATCH}).fetchall()]
    if woken:
        log = [{"id": new_id(), "organization_id": row.organization_id, "conversation_id": row.id} for row in woken]
        connection.execute(_LOG, (now, dumps(log)))
    return woken


def tell(session: Session, woken: Sequence[Woken], *, clock: Clock) -> None:
    """Notify whose conversations they are, else who put them off; all of the transaction's organization."""
    told = {row.id: row.assignee_id for row in woken}
    ownerless = [row.id for row in woken if row.assignee_id is None]
    statement = (
        select(AutomationLog.conversation_id, AutomationLog.actor_id)
        .where(
            col(AutomationLog.organization_id) == organization_of(session),
            col(AutomationLog.conversation_id).in_(ownerless),
            AutomationLog.kind == "snoozed",
        )
        .order_by(col(AutomationLog.id))
    )
    if ownerless:
        told |= {row[0]: row[1] for row in session.exec(statement)}  # the last one counts
    people = contacts.briefs(session, {row.contact_id for row in woken})
    locales = accounts.locales_of(session, {one for one in told.values() if one is not None})
    for row in woken:
        user_id, person = told[row.id], people.get(row.contact_id)
        if user_id is None:
            continue
        about = (person.name or person.phone or "") if person is not None else ""
        notifications.notify(
            session, user_id, kind="snooze_over", title=text(locales[user_id], "desk.snooze_over", contact=about),
            conversation_id=row.id, contact_id=row.contact_id, clock=clock,
        )  # fmt: skip
