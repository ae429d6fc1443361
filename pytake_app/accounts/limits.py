"""Refuses what goes beyond an organization's plan, and tells its administrators before that.

Called by the services that create: two creations at once can't both take the last place. What contacts do is never
refused: who writes in is kept, and counted; what flows answer goes out, and is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from pytake_app.accounts import plans
from pytake_app.accounts.models import UsageWarning
from pytake_app.accounts.people import admin_ids, locales_of
from pytake_app.accounts.plans import FULL, UNDATED, WARN_AT, Resource, Used
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.errors import ProblemError
from pytake_app.core.tenancy import organization_of
from pytake_app.core.texts import text

__all__ = ["LimitError", "Resource", "require_room", "tell_if_near"]

_CLOCK = SystemClock()
_SURE = 200
"""So far below the limit no lock is needed: so many transactions are never under way at once."""
_TOLD_AGAIN = timedelta(days=30)


class LimitError(ProblemError):
    """The plan has no room for it. `resource`, `limit` and `used` are members of the problem document."""

    status, code, title = 403, "plan_limit", "Plan limit reached"

    def __init__(self, resource: Resource, limit: int, used: int) -> None:
        super().__init__(
            f"The plan allows {limit} {resource.value}, and there are {used}.",
            members={"resource": resource.value, "limit": limit, "used": used},
        )
        self.resource, self.limit, self.used = resource, limit, used


def require_room(
    session: Session,
    resource: Resource,
    adding: int = 1,
    *,
    promised: Callable[[], int] = lambda: 0,
    clock: Clock = _CLOCK,
) -> None:
    """Refuse `adding` more of a resource than the organization's plan allows; call it before creating.

    Until the transaction ends, nobody else gets past here for the same organization and resource (messages: near the
    limit only, since sending must not queue up).

    Parameters:
        session: of `Database.tenant`.
        promised: how many more there will be without anybody asking again, such as people who are invited; asked for
            when nobody else can promise any.

    Raises:
        LimitError: the plan has no room (403, `plan_limit`).
    """
    organization_id, now = organization_of(session), clock.now()
    standing = plans.standings(session, [organization_id], now).get(organization_id)
    limit = standing.limits[resource] if standing is not None else None
    if limit is None or adding <= 0:
        return
    if resource is Resource.MESSAGES and _used(session, organization_id, resource, now) + adding + _SURE <= limit:
        return
    key = f"limit:{resource.value}:{organization_id}"
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(key, 0))))
    used = _used(session, organization_id, resource, now)
    if used + promised() + adding > limit:
        raise LimitError(resource, limit, used)
    if resource is not Resource.MESSAGES:  # of these the scheduler tells: a row that all wait for must not be here
        tell_if_near(session, Used(resource, used + adding, limit), clock=clock)


def _used(session: Session, organization_id: UUID, resource: Resource, now: datetime) -> int:
    return plans.amounts(session, [organization_id], resource, now).get(organization_id, 0)


def tell_if_near(session: Session, used: Used, *, clock: Clock) -> bool:
    """Tell the administrators, once, that 80 % or all of a resource is used.

    Returns:
        whether they were told now.
    """
    if used.limit is None or used.percent < WARN_AT:
        return False
    percent = FULL if used.percent >= FULL else WARN_AT
    now = clock.now()
    period = plans.month_of(now) if used.resource is Resource.MESSAGES else UNDATED
    row = insert(UsageWarning).values(
        organization_id=organization_of(session),
        resource=used.resource.value,
        period=period,
        percent=percent,
        created_at=now,
    )
    told = row.on_conflict_do_update(
        index_elements=["organization_id", "resource", "period", "percent"],
        set_={"created_at": now},
        where=col(UsageWarning.created_at) < now - _TOLD_AGAIN,
    ).returning(col(UsageWarning.percent))
    if session.execute(told).first() is None:
        return False
    tell_admins(
        session,
        f"plans.told_{percent}",
        level="urgent" if percent == FULL else "warning",
        clock=clock,
        resource=used.resource.value,
        used=used.used,
        limit=used.limit,
    )
    return True


def tell_admins(session: Session, key: str, *, clock: Clock, level: str = "warning", **params: Any) -> None:
    """A notification for each administrator of the transaction's organization, in their language.

    Parameters:
        key: of the catalogues; with `_body` behind it the sentence below it.
        params: for the sentences; `resource` is named in the language.
    """
    from pytake_app.notifications import service as notifications

    people = admin_ids(session)
    locales = locales_of(session, people)
    for user_id in people:
        locale = locales[user_id]
        named = {name: _shown(locale, value) for name, value in params.items()}
        if "resource" in params:
            named["resource"] = text(locale, f"plans.resource_{params['resource']}")
        notifications.notify(
            session,
            user_id,
            kind="plan",
            level=level,
            title=text(locale, key, **named),
            body=text(locale, f"{key}_body", **named),
            clock=clock,
        )


def _shown(locale: str, value: object) -> object:
    """Numbers with their thousands apart, as the language writes them."""
    return f"{value:,}".replace(",", "," if locale == "en" else ".") if isinstance(value, int) else value
