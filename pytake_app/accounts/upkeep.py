"""What the scheduler does for organizations: adds up what was counted, ends trials, tells who is near a limit."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import delete, text
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from pytake_app.accounts import limits, plans
from pytake_app.accounts.lifecycle import ACTIVE
from pytake_app.accounts.models import Organization, UsageWarning
from pytake_app.accounts.plans import FREE, UNDATED, WARN_AT, Resource
from pytake_app.core.clock import Clock
from pytake_app.core.db import Database
from pytake_app.messaging.sql import Connection

log = structlog.get_logger(__name__)

GROUPS = 1_000
"""Counters added up in one go."""
KEEP = timedelta(days=400)
"""Months of counted messages are kept this long."""
ENDING = timedelta(days=3)
"""So long before its end an organization is told of it."""
_TRIAL = "trial"

_ADD_UP = """
WITH many AS (
    SELECT organization_id, resource, period FROM usage_counts GROUP BY 1, 2, 3 HAVING count(*) > 1 LIMIT %(groups)s
), gone AS (
    DELETE FROM usage_counts c USING many m
    WHERE c.organization_id = m.organization_id AND c.resource = m.resource AND c.period = m.period
    RETURNING c.organization_id, c.resource, c.period, c.amount
)
INSERT INTO usage_counts SELECT organization_id, resource, period, sum(amount) FROM gone GROUP BY 1, 2, 3
"""
_NEAR = """
SELECT u.organization_id, u.resource, u.used FROM (
    SELECT organization_id, resource, sum(amount)::bigint AS used FROM usage_counts
    WHERE period IN (:month, :undated) GROUP BY 1, 2
) u
JOIN organizations o ON o.id = u.organization_id AND o.status = 'active'
JOIN plans p ON p.name = CASE WHEN o.trial_ends_at <= :now THEN 'free' ELSE o.plan END
WHERE u.used * 100 >= :percent * CASE
    WHEN o.limits ? u.resource THEN (o.limits->>u.resource)::bigint
    WHEN u.resource = 'messages' THEN p.messages ELSE p.contacts END
"""


def add_up(connection: Connection, now: datetime) -> int:
    """Make one row of each counter's many, and forget months of long ago.

    Returns:
        how many counters; `GROUPS` means that there are more.
    """
    added = connection.execute(_ADD_UP, {"groups": GROUPS}).rowcount
    connection.execute(
        "DELETE FROM usage_counts WHERE resource = 'messages' AND period < %s", ((now - KEEP).date().replace(day=1),)
    )
    return added


def tell_near(database: Database, clock: Clock) -> int:
    """Tell the administrators of organizations that are near a limit of what is counted, each once.

    Returns:
        how many were told.
    """
    now = clock.now()
    given = {"month": plans.month_of(now), "undated": UNDATED, "now": now, "percent": WARN_AT}
    with database.administration() as session:
        near = [(row[0], Resource(row[1])) for row in session.execute(text(_NEAR), given)]
    told = 0
    for organization_id, resource in near:
        with database.tenant(organization_id) as session:
            _, used = plans.usage(session, [organization_id], now)[organization_id]
            found = next(each for each in used if each.resource is resource)
            told += limits.tell_if_near(session, found, clock=clock)
    return told


def follow_trials(database: Database, clock: Clock) -> int:
    """End trials that are over, and tell of those that end soon; returns how many ended."""
    now = clock.now()
    with database.administration() as session:
        over = list(session.exec(_trials().where(col(Organization.trial_ends_at) <= now)))
        soon = list(session.exec(_trials().where(
            col(Organization.trial_ends_at) > now, col(Organization.trial_ends_at) <= now + ENDING,
        )))  # fmt: skip
    for organization_id in soon:
        with database.tenant(organization_id) as session:
            if _first(session, organization_id, now):
                limits.tell_admins(session, "plans.trial_ending", clock=clock)
    ended = 0
    for organization_id in over:
        with database.administration() as session:
            row = session.get_one(Organization, organization_id, with_for_update=True)
            if row.trial_ends_at is None or row.trial_ends_at > now:
                continue  # meanwhile a plan was given
            row.plan, row.trial_ends_at = FREE, None
            session.add(row)
        with database.tenant(organization_id) as session:
            session.execute(delete(UsageWarning).where(col(UsageWarning.resource) == _TRIAL))  # another may come
            limits.tell_admins(session, "plans.trial_over", clock=clock)
        ended += 1
        log.info("trial_ended", organization_id=str(organization_id))
    return ended


def _trials() -> SelectOfScalar[UUID]:
    return select(Organization.id).where(Organization.status == ACTIVE, col(Organization.trial_ends_at).is_not(None))


def _first(session: Session, organization_id: UUID, now: datetime) -> bool:
    """Whether this organization wasn't told yet that its trial ends."""
    if session.get(UsageWarning, (organization_id, _TRIAL, UNDATED, WARN_AT)) is not None:
        return False
    session.add(
        UsageWarning(organization_id=organization_id, resource=_TRIAL, period=UNDATED, percent=WARN_AT, created_at=now)
    )
    session.flush()
    return True
