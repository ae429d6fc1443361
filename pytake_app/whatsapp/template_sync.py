"""Templates kept up to date by themselves: right after a number is connected, then every few hours, each alone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from pytake_app.core.clock import Clock
from pytake_app.core.errors import NotFoundError, UnavailableError
from pytake_app.core.services import Services
from pytake_app.whatsapp import repository, template_calls, templates
from pytake_app.whatsapp.runtime import AccountReader, AccountRuntime
from pytake_app.whatsapp.templates import SYNC_CODE, SYNC_DUE, SYNC_FAILURES

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(hours=6)
"""Between two syncs; a sixth more or less, so that accounts don't all ask at once."""
AGAIN: Final = timedelta(minutes=15)
"""After the first failure; twice as long after each further one, to `EVERY` at most."""
LEASE: Final = timedelta(minutes=10)
"""A claimed account that nobody reported on is due again after this long."""
BATCH: Final = 20

# One transaction claims; several schedulers never ask for the same account at once.
_CLAIM = text("""
WITH due AS (
    SELECT id FROM channel_accounts
    WHERE channel = 'whatsapp' AND NOT sandbox AND status <> 'disabled' AND business_account_id <> ''
      AND credentials <> '' AND coalesce((settings->>'templates_sync_due')::timestamptz, '-infinity') <= :now
    ORDER BY created_at LIMIT :batch FOR UPDATE SKIP LOCKED
)
UPDATE channel_accounts a
SET settings = a.settings || jsonb_build_object('templates_sync_due', CAST(:lease AS text))
FROM due WHERE a.id = due.id RETURNING a.id
""")


def sync_due(services: Services, jitter: Callable[[], float] = random.random) -> int:
    """Fetch the templates of the accounts whose time has come. One that fails neither stops the others nor is lost:
    the reason is kept on it and it is asked again.

    Parameters:
        jitter: 0 to 1, how much of the spread each next time takes.

    Returns: how many accounts were asked.
    """
    now = services.clock.now()
    with services.database.system_connection() as connection:
        values = {"now": now, "batch": BATCH, "lease": (now + LEASE).isoformat()}
        claimed = [row[0] for row in connection.execute(_CLAIM, values)]
    for account_id in claimed:
        try:
            _sync(services, account_id, jitter)
        except (UnavailableError, NotFoundError, SQLAlchemyError) as error:
            # Its lease runs out, then it is due again.
            log.warning("template_sync_failed", account_id=str(account_id), error=type(error).__name__)
    return len(claimed)


def _sync(services: Services, account_id: UUID, jitter: Callable[[], float]) -> None:
    with services.database.system_connection() as connection:
        account = AccountReader(services.settings, services.secrets).by_id(connection, account_id)
    # No transaction is open while Meta is asked.
    [found] = asyncio.run(template_calls.fetch_all([account]))
    with services.database.tenant(account.organization_id) as session:
        code = "" if found.failure is None else str(found.failure.kind)
        if found.failure is None:
            templates.store(session, account.business_account_id, found.templates, whole=True, clock=services.clock)
        note(session, account, code, clock=services.clock, jitter=jitter)
    if code:
        log.info("templates_not_synced", account_id=str(account_id), code=code)


def note(session: Session, account: AccountRuntime, code: str, *, clock: Clock, jitter: Callable[[], float]) -> None:
    """Keep on the account what its sync said, and when it is due again.

    Parameters:
        code: empty: all well; else the kind of failure.
    """
    row = repository.account(session, account.id, lock=True)
    if row is None:
        return
    failures = int(row.settings.get(SYNC_FAILURES) or 0) + 1 if code else 0
    due = _next(clock.now(), failures, jitter())
    told = {SYNC_CODE: code, SYNC_FAILURES: failures, SYNC_DUE: due.isoformat()}
    row.settings = {**row.settings, **told}
    session.add(row)


def _next(now: datetime, failures: int, spread: float) -> datetime:
    wait = min(EVERY, AGAIN * 2 ** min(failures - 1, 10)) if failures else EVERY
    return now + wait * (5 / 6 + spread / 3)
