"""What `doctor` asks about the pipeline's rows, and how it puts each right. Looking changes nothing.

Each check is one question to the database: rows that nobody looks after although they are due, or that wait for
something that can't come any more. Mending goes the ways of the pipeline itself (the same statements, or an event on
the contact's lane), so it is safe while everything runs, and doing it twice does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import LiteralString

import psycopg

from pytake_app.core.services import Services
from pytake_app.flows import doctor as flows
from pytake_app.jobs import enqueue
from pytake_app.messaging import put_back, statuses, upkeep
from pytake_app.messaging.sql import Connection, hot

STUCK_AFTER = flows.STUCK_AFTER
FAR = timedelta(minutes=10)
"""Later than any attempt on an event is put off."""
_PATIENCE = "30s"

Values = dict[str, datetime]


@dataclass(slots=True)
class Round:
    """What mending works with. `lanes` are poked afterwards."""

    services: Services
    connection: Connection
    values: Values
    lanes: set[int] = field(default_factory=set)

    @property
    def now(self) -> datetime:
        """The moment of the round."""
        return self.values["now"]


@dataclass(frozen=True, slots=True)
class Check:
    """One question.

    `count` answers one number; its parameters are `now`, `old` (now less `STUCK_AFTER`), `far`, `late` (farther ahead
    than clocks of several machines differ), `silent` (the outbox's lease) and `unsure` (its grace, and `STUCK_AFTER`).
    `mend` answers how many rows it put right; None: that is for
    people. `serious`: something doesn't move.
    """

    name: str
    text: str
    count: LiteralString
    mend: Callable[[Round], int] | None = None
    serious: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """A check's answer. `count` is None when it took too long to count."""

    check: Check
    count: int | None


def _wake_lanes(work: Round) -> int:
    lanes = upkeep.lost_lanes(work.connection, work.services.settings.lanes, work.now, timedelta(0))
    work.lanes.update(lanes)
    return len(lanes)


def _bring_near(work: Round) -> int:
    found = work.connection.execute(
        "UPDATE inbound_events SET next_attempt_at = %(now)s WHERE state = 'pending' AND next_attempt_at > %(far)s "
        "RETURNING lane",
        work.values,
    ).fetchall()
    work.lanes.update(row[0] for row in found)
    return len(found)


def _put_right(work: Round) -> int:
    return put_back.put_right(work.connection, work.now)


def _settle_sends(work: Round) -> int:
    settings = work.services.settings
    lease = timedelta(seconds=settings.outbox_lease_seconds)
    grace = timedelta(seconds=settings.outbox_unsure_grace_seconds)
    done = upkeep.mend_sends(work.connection, work.now, lease, grace)
    return done.silent_sends + done.retried_sends + done.failed_sends


def _wake_senders(_work: Round) -> int:
    return 0  # `mend` wakes them in the end


_UNTOLD: LiteralString = """
FROM outbox o WHERE o.message_id = m.id AND o.created_at = m.created_at AND m.status IN ('queued', 'sending')
 AND o.state IN ('sent', 'dead', 'canceled') AND o.finished_at < %(old)s AND m.created_at > %(now)s - interval '30 days'
"""


def _tell_messages(work: Round) -> int:
    statement: LiteralString = (
        "UPDATE messages m SET status = CASE o.state WHEN 'dead' THEN 'failed' ELSE o.state END, "
        "external_id = COALESCE(m.external_id, o.external_id), "
        "sent_at = CASE o.state WHEN 'sent' THEN COALESCE(m.sent_at, o.finished_at) ELSE m.sent_at END, "
        "errors = CASE WHEN o.state = 'dead' AND o.last_error IS NOT NULL THEN jsonb_build_array(o.last_error) "
        "ELSE m.errors END "
    ) + _UNTOLD
    return work.connection.execute(statement, work.values).rowcount


def _apply_statuses(work: Round) -> int:
    found = work.connection.execute(
        "SELECT DISTINCT p.channel_account_id, p.external_id FROM pending_statuses p JOIN messages m "
        "ON m.channel_account_id = p.channel_account_id AND m.external_id = p.external_id "
        "WHERE p.received_at < %(old)s",
        work.values,
    ).fetchall()
    return len(statuses.apply_pending(work.connection, [(row[0], row[1]) for row in found], work.now))


def _flow(mend: Callable[[Connection, datetime, int], tuple[int, Sequence[int]]]) -> Callable[[Round], int]:
    def run(work: Round) -> int:
        count, lanes = mend(work.connection, work.now, work.services.settings.lanes)
        work.lanes.update(lanes)
        return count

    return run


def _publish(work: Round) -> int:
    return flows.publish(work.connection, work.services, work.now)


CHECKS: tuple[Check, ...] = (
    Check(
        "inbound_stuck",
        "received messages that nobody looks at (their worker or their wake-up is gone)",
        "SELECT count(*) FROM inbound_events WHERE state = 'pending' AND next_attempt_at < %(old)s "
        "AND received_at < %(old)s",
        _wake_lanes,
    ),
    Check(
        "inbound_far",
        "received messages whose next attempt is too far away",
        "SELECT count(*) FROM inbound_events WHERE state = 'pending' AND next_attempt_at > %(far)s",
        _bring_near,
    ),
    Check(
        "rows_ahead",
        "waiting rows that were written by a clock ahead of this one",
        "SELECT (SELECT count(*) FROM inbound_events WHERE state = 'pending' AND received_at > %(late)s) "
        "+ (SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending', 'unsure') "
        "AND GREATEST(created_at, claimed_at) > %(late)s AND (state <> 'queued' OR next_attempt_at > %(late)s))",
        _put_right,
    ),
    Check(
        "sends_silent",
        "messages whose sender has gone",
        "SELECT count(*) FROM outbox WHERE state = 'sending' AND claimed_at < %(silent)s",
        _settle_sends,
    ),
    Check(
        "sends_unsure",
        "sends whose answer was lost and that nobody settles",
        "SELECT count(*) FROM outbox WHERE state = 'unsure' AND claimed_at < %(unsure)s",
        _settle_sends,
    ),
    Check(
        "sends_overdue",
        "messages that should have been sent",
        "SELECT count(*) FROM outbox o JOIN channel_accounts a ON a.id = o.channel_account_id "
        "JOIN organizations g ON g.id = o.organization_id AND g.status = 'active' "
        "WHERE o.state = 'queued' AND o.next_attempt_at < %(old)s AND a.status = 'active'",
        _wake_senders,
    ),
    Check(
        "messages_untold",
        "messages that are shown as waiting although they are finished",
        "SELECT count(*) FROM messages m WHERE EXISTS (SELECT 1 " + _UNTOLD + ")",
        _tell_messages,
    ),
    Check(
        "statuses_late",
        "delivery reports that wait for a message that is known",
        "SELECT count(*) FROM pending_statuses p JOIN messages m ON m.channel_account_id = p.channel_account_id "
        "AND m.external_id = p.external_id WHERE p.received_at < %(old)s",
        _apply_statuses,
    ),
    Check("timers_overdue", "timers that did not fire", flows.TIMERS_OVERDUE, _flow(flows.fire_timers)),
    Check("timers_orphaned", "timers that no conversation waits for", flows.TIMERS_ORPHANED, _flow(flows.drop_timers)),
    Check(
        "sessions_timeless",
        "flow runs whose deadline has passed and that have no timer",
        flows.SESSIONS_TIMELESS,
        _flow(flows.set_timers),
    ),
    Check(
        "handoffs_lost",
        "flow runs that wait to hear of a hand-over that is over",
        flows.HANDOFFS_LOST,
        _flow(flows.tell_handoffs),
    ),
    Check(
        "requests_silent",
        "requests of flows whose performer has gone",
        flows.REQUESTS_SILENT,
        _flow(flows.perform_again),
    ),
    Check(
        "requests_lost",
        "flow runs that wait for a request that is over or gone",
        flows.REQUESTS_LOST,
        _flow(flows.answer_requests),
    ),
    Check("publications_overdue", "publications that were to go live", flows.PUBLICATIONS_OVERDUE, _publish),
    Check(
        "inbound_dead",
        "received messages given up on (message queue, unhandled incoming)",
        "SELECT count(*) FROM inbound_events WHERE state = 'dead'",
        serious=False,
    ),
    Check(
        "sends_dead",
        "messages given up on (message queue, given up)",
        "SELECT count(*) FROM outbox WHERE state = 'dead'",
        serious=False,
    ),
)


def _values(services: Services) -> Values:
    now, settings = services.clock.now(), services.settings
    grace = timedelta(seconds=settings.outbox_unsure_grace_seconds)
    return {
        "now": now,
        "old": now - STUCK_AFTER,
        "far": now + FAR,
        "late": now + put_back.SKEW,
        "silent": now - timedelta(seconds=settings.outbox_lease_seconds),
        "unsure": now - grace - STUCK_AFTER,
    }


def _be_patient(connection: Connection) -> None:
    # Questions that no index answers: a person waits for these, not a customer.
    connection.execute("SELECT set_config('enable_seqscan', 'on', true), set_config('enable_hashjoin', 'on', true)")
    connection.execute("SELECT set_config('statement_timeout', %s, true)", (_PATIENCE,))


def examine(services: Services) -> list[Finding]:
    """Ask everything; changes nothing.

    Raises:
        UnavailableError: the database is away.
    """
    values = _values(services)
    return [Finding(check, _count(services, check, values)) for check in CHECKS]


def _count(services: Services, check: Check, values: Values) -> int | None:
    try:
        with hot(services.database) as connection:
            _be_patient(connection)
            row = connection.execute(check.count, values).fetchone()
    except Exception as error:
        if _too_long(error):
            return None
        raise
    return int(row[0]) if row else 0


def _too_long(error: BaseException) -> bool:
    return isinstance(error, psycopg.errors.QueryCanceled) or isinstance(error.__cause__, psycopg.errors.QueryCanceled)


def mend(services: Services) -> dict[str, int]:
    """Put right what can be, and wake every lane and sender that has something to do.

    Returns:
        how many rows, by the name of the check.

    Raises:
        UnavailableError: the database is away.
        redis.RedisError: Redis is away.
    """
    done: dict[str, int] = {}
    lanes: set[int] = set()
    for check in CHECKS:
        if check.mend is None:
            continue
        with hot(services.database) as connection:
            _be_patient(connection)
            work = Round(services, connection, _values(services))
            done[check.name] = check.mend(work)
        lanes |= work.lanes
    with hot(services.database) as connection:
        lanes |= set(upkeep.lost_lanes(connection, services.settings.lanes, services.clock.now(), timedelta(0)))
    enqueue.poke_lanes(services.redis, services.settings, lanes, sure=True)
    enqueue.poke_requests(services.redis)
    enqueue.poke_outbox(services.redis)
    return done
