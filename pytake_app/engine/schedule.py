"""When a schedule is due: cron expressions of five fields, in a time zone. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from croniter import CroniterBadCronError, CroniterBadDateError, croniter

from pytake_app.engine.scope import timezone


def valid_cron(expression: str) -> bool:
    """Five fields (minute, hour, day, month, weekday) that name at least one moment."""
    return len(expression.split()) == 5 and bool(croniter.is_valid(expression))


def next_due(expression: str, zone: str, after: datetime) -> datetime | None:
    """The first due moment after ``after``, aware UTC; None when there is none. A local time that daylight saving
    skips is due at the next one that exists, one that comes twice is due once."""
    if not valid_cron(expression):
        return None
    local = after.astimezone(timezone(zone))
    try:
        moment: datetime = croniter(expression, local).get_next(datetime)
    except (CroniterBadCronError, CroniterBadDateError):
        return None
    return moment.astimezone(UTC)
