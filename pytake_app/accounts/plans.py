"""Plans: what an organization may have, and how much of it there is. Reads; `limits` refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from pytake_app.accounts.models import Plan

FREE = "free"
"""The plan after a trial."""
FULLEST = "enterprise"
UNDATED = date(1970, 1, 1)
"""The period of what isn't counted by months."""
WARN_AT, FULL = 80, 100
"""Percent of a limit at which the organization's administrators are told."""


class Resource(StrEnum):
    """What plans limit. `messages`: those sent in a calendar month, UTC."""

    USERS = "users"
    NUMBERS = "numbers"
    CONTACTS = "contacts"
    MESSAGES = "messages"
    FLOWS = "flows"


@dataclass(frozen=True, slots=True)
class Standing:
    """What an organization has at a moment: its plan by then, and its limits (None: no limit)."""

    plan: str
    trial_ends_at: datetime | None
    limits: dict[Resource, int | None]


@dataclass(frozen=True, slots=True)
class Used:
    """How much of a resource there is."""

    resource: Resource
    used: int
    limit: int | None

    @property
    def percent(self) -> int:
        """Of the limit, rounded down; 0 without one."""
        if self.limit is None:
            return 0
        return self.used * 100 // self.limit if self.limit else FULL


# Limits in the order of `Resource`.
_STANDING = """
SELECT o.id, p.name, o.trial_ends_at, o.limits, p.users, p.numbers, p.contacts, p.messages, p.flows
FROM organizations o
JOIN plans p ON p.name = CASE WHEN o.trial_ends_at <= :now THEN 'free' ELSE o.plan END
WHERE o.id = ANY(:ids)
"""
# One at a time where a creation asks, all at once for pages. The sandbox's number is everybody's and isn't counted.
_COUNTS = {
    Resource.USERS: "SELECT organization_id, count(*) FROM users WHERE organization_id = ANY(:ids) AND is_active "
    "GROUP BY 1",
    Resource.NUMBERS: "SELECT organization_id, count(*) FROM channel_accounts WHERE organization_id = ANY(:ids) "
    "AND NOT sandbox AND status <> 'disabled' GROUP BY 1",
    Resource.FLOWS: "SELECT organization_id, count(*) FROM flows WHERE organization_id = ANY(:ids) "
    "AND deleted_at IS NULL GROUP BY 1",
}
_COUNTED = """
SELECT organization_id, sum(amount)::bigint FROM usage_counts
WHERE organization_id = ANY(:ids) AND resource = :resource AND period = :period GROUP BY 1
"""


def month_of(now: datetime) -> date:
    """The month that messages of this time are counted in, by its first day."""
    return now.astimezone(UTC).date().replace(day=1)


def next_month(now: datetime) -> datetime:
    """When the count of messages begins anew."""
    first = month_of(now)
    year, month = (first.year + 1, 1) if first.month == 12 else (first.year, first.month + 1)
    return datetime(year, month, 1, tzinfo=UTC)


def plans(session: Session) -> list[Plan]:
    """Every plan, the smallest first."""
    return list(session.exec(select(Plan).order_by(col(Plan.position))))


def limits_of(plan: Plan) -> dict[Resource, int | None]:
    """A plan's limits."""
    return {resource: getattr(plan, resource.value) for resource in Resource}


def standings(session: Session, ids: Sequence[UUID], now: datetime) -> dict[UUID, Standing]:
    """What these organizations have now. A trial that is over counts as over, whether anybody noticed or not.

    Parameters:
        session: of a tenant (its own organization only) or of the administration.
    """
    found: dict[UUID, Standing] = {}
    for row in session.execute(text(_STANDING), {"ids": list(ids), "now": now}):
        own: Mapping[str, Any] = row[3] or {}
        limits = {
            resource: own.get(resource.value, of_plan) for resource, of_plan in zip(Resource, row[4:], strict=True)
        }
        found[row[0]] = Standing(row[1], row[2] if row[2] is not None and row[2] > now else None, limits)
    return found


def amounts(session: Session, ids: Sequence[UUID], resource: Resource, now: datetime) -> dict[UUID, int]:
    """How much of a resource these organizations have; who has none is left out."""
    given = {"ids": list(ids)}
    statement = _COUNTS.get(resource)
    if statement is not None:
        rows = session.execute(text(statement), given)
    else:
        period = month_of(now) if resource is Resource.MESSAGES else UNDATED
        rows = session.execute(text(_COUNTED), {**given, "resource": resource.value, "period": period})
    return {row[0]: int(row[1]) for row in rows}


def usage(session: Session, ids: Sequence[UUID], now: datetime) -> dict[UUID, tuple[Standing, list[Used]]]:
    """What these organizations have, and how much of it they use, in the order of `Resource`."""
    having = standings(session, ids, now)
    counted = {resource: amounts(session, list(having), resource, now) for resource in Resource}
    return {
        organization_id: (
            standing,
            [
                Used(resource, counted[resource].get(organization_id, 0), standing.limits[resource])
                for resource in Resource
            ],
        )
        for organization_id, standing in having.items()
    }
