"""The message queue as one desk: lists, acts on many at once, limits of numbers, health. Services never commit.

Reading needs `viewer`, acting `agent`, handling inbound events again `org_admin`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import redis
import structlog
from sqlalchemy import text
from sqlmodel import Session, col, select

from pytake_app.contacts.models import Contact
from pytake_app.conversations.models import Message
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.db import after_commit
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page, decode_cursor, encode_cursor
from pytake_app.core.services import Services, process_services
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, scoped
from pytake_app.jobs import enqueue as jobs
from pytake_app.messaging import figures, heartbeat
from pytake_app.messaging.desk_schemas import (
    AccountLimits,
    Canceled,
    Changed,
    Choice,
    InboundDead,
    PipelineHealth,
    QueueRow,
    Rate,
)
from pytake_app.messaging.figures import Depth
from pytake_app.messaging.models import InboundEvent, OutboxItem
from pytake_app.messaging.outbox import OutboxPriority, wake_senders
from pytake_app.messaging.quotas import used_today
from pytake_app.messaging.schemas import PriorityWord, QueueState
from pytake_app.messaging.service import record, view
from pytake_app.whatsapp import service as accounts
from pytake_app.whatsapp.models import ChannelAccount
from pytake_app.whatsapp.runtime import first_contacts_limit

log = structlog.get_logger(__name__)

_CLOCK = SystemClock()
_PREVIEW = 80
_MINUTES = 30
UNDO_WITHIN = timedelta(seconds=30)
"""Of canceling; the page offers it for ten seconds."""

_SENT = text("""
SELECT channel_account_id, count(*) FILTER (WHERE state = 'sent') FROM outbox
WHERE organization_id = :organization_id AND state IN ('sent', 'dead') AND finished_at > :minute_ago GROUP BY 1
""")
_ACT = """
WITH chosen AS (
    SELECT sequence FROM outbox
    WHERE organization_id = :organization_id AND state = :state {which}
    ORDER BY sequence FOR UPDATE
), changed AS (
    UPDATE outbox o SET {change} FROM chosen WHERE o.sequence = chosen.sequence
    RETURNING o.sequence, o.message_id, o.created_at
), told AS (
    UPDATE messages m SET status = :status, errors = '[]' FROM changed
    WHERE m.id = changed.message_id AND m.created_at = changed.created_at
)
SELECT count(*), min(sequence), max(sequence) FROM changed
"""
# What was said later in the same conversation and has left, or is leaving, must not be overtaken from behind.
_HOLD_LATER = """
SELECT l.sequence FROM outbox o JOIN outbox l ON l.conversation_id = o.conversation_id AND l.sequence > o.sequence
WHERE o.organization_id = :organization_id AND {which} AND o.state = 'canceled' AND l.state = 'queued'
ORDER BY l.sequence FOR UPDATE OF l
"""
_RESTORE = """
WITH chosen AS (
    SELECT sequence FROM outbox o
    WHERE organization_id = :organization_id AND {which} AND state = 'canceled' AND finished_at >= :since
      AND NOT EXISTS (SELECT 1 FROM outbox l WHERE l.conversation_id = o.conversation_id AND l.sequence > o.sequence
                      AND l.state IN ('sending', 'unsure'))
      AND NOT EXISTS (SELECT 1 FROM messages l WHERE l.conversation_id = o.conversation_id AND l.id > o.message_id
                      AND l.direction = 'out' AND l.sent_at >= o.finished_at)
    ORDER BY sequence FOR UPDATE
), changed AS (
    UPDATE outbox o SET state = 'queued', finished_at = NULL FROM chosen WHERE o.sequence = chosen.sequence
    RETURNING o.message_id, o.created_at
)
UPDATE messages m SET status = 'queued' FROM changed
WHERE m.id = changed.message_id AND m.created_at = changed.created_at
"""
_BY_ID = "o.id = ANY(:ids)"
# All that one cancellation took have its moment.
_BY_UNDO = "o.sequence BETWEEN :first AND :last AND o.finished_at = CAST(:moment AS timestamptz)"
_LAST_MINUTE = text("""
SELECT (SELECT count(*) FROM outbox
        WHERE organization_id = :organization_id AND state IN ('sent', 'dead') AND state = 'sent'
          AND finished_at > :minute_ago),
       (SELECT count(*) FROM inbound_events
        WHERE organization_id = :organization_id AND received_at > :minute_ago AND kind = 'message')
""")


def messages(
    session: Session,
    principal: Principal,
    *,
    states: Sequence[QueueState] = (),
    priority: PriorityWord | None = None,
    channel_account_id: UUID | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[QueueRow]:
    """Messages of the outbox, newest first.

    Parameters:
        states, priority, channel_account_id: only those; no states: all.
    """
    principal.require(Role.VIEWER)
    limit = min(limit, MAX_LIMIT)
    statement = scoped(session, OutboxItem)
    if states:
        statement = statement.where(col(OutboxItem.state).in_(states))
    if priority is not None:
        statement = statement.where(col(OutboxItem.priority) == int(OutboxPriority[priority.upper()]))
    if channel_account_id is not None:
        statement = statement.where(col(OutboxItem.channel_account_id) == channel_account_id)
    if cursor:
        (after,) = decode_cursor(cursor, 1)
        if not isinstance(after, int):
            raise InvalidError("The cursor is not one that this list gave.")
        statement = statement.where(col(OutboxItem.sequence) < after)
    found = list(session.exec(statement.order_by(col(OutboxItem.sequence).desc()).limit(limit + 1)))
    following = encode_cursor(found[limit - 1].sequence) if len(found) > limit else None
    return Page[QueueRow](items=_rows(session, principal, found[:limit]), next_cursor=following)


def _rows(session: Session, principal: Principal, items: list[OutboxItem]) -> list[QueueRow]:
    names = dict(
        session.exec(
            select(Contact.id, Contact.name).where(
                col(Contact.organization_id) == organization_of(session),
                col(Contact.id).in_({item.contact_id for item in items}),
            )
        ).all()
    )
    texts: dict[UUID, str] = {}
    if principal.may(Role.AGENT) and principal.has(Permission.CONVERSATIONS_SEE_ALL) and items:
        texts = dict(
            session.exec(
                select(Message.id, Message.text).where(
                    col(Message.organization_id) == organization_of(session),
                    col(Message.id).in_([item.message_id for item in items]),
                    # The time finds the partition.
                    col(Message.created_at).in_({item.created_at for item in items}),
                )
            ).all()
        )
    return [
        QueueRow(
            **view(item).model_dump(),
            contact_name=names.get(item.contact_id) or (item.recipient if texts else ""),
            preview=texts.get(item.message_id, "")[:_PREVIEW],
        )
        for item in items
    ]


def retry(session: Session, principal: Principal, choice: Choice, *, clock: Clock = _CLOCK) -> Changed:
    """Try dead letters again, with all their attempts."""
    principal.needs(Permission.PIPELINE_MANAGE)
    now = clock.now()
    change = "state = 'queued', attempts = 0, next_attempt_at = :now, claimed_at = :now, finished_at = NULL"
    count, _, _ = _act(session, choice, now, state="dead", status="queued", change=change)
    record(session, principal, "retried", count, clock=clock)
    if count:
        after_commit(session, wake_senders)
    return Changed(changed=count)


def cancel(session: Session, principal: Principal, choice: Choice, *, clock: Clock = _CLOCK) -> Changed:
    """Take waiting messages out of the queue."""
    principal.needs(Permission.PIPELINE_MANAGE)
    now = clock.now()
    change = "state = 'canceled', finished_at = :now"
    count, first, last = _act(session, choice, now, state="queued", status="canceled", change=change)
    record(session, principal, "canceled", count, clock=clock)
    return Changed(changed=count, undo=encode_cursor(first, last, now.isoformat()) if count else None)


def restore(session: Session, principal: Principal, canceled: Canceled, *, clock: Clock = _CLOCK) -> Changed:
    """Put messages back that were canceled a moment ago, to the hour that they had.

    What was canceled longer ago (`UNDO_WITHIN`) stays so, and so does what would now follow a later message of its
    conversation that has gone out meanwhile.
    """
    principal.needs(Permission.PIPELINE_MANAGE)
    organization_id = organization_of(session)
    values: dict[str, Any] = {"organization_id": organization_id, "since": clock.now() - UNDO_WITHIN}
    if bool(canceled.ids) == (canceled.undo is not None):
        raise InvalidError("Name messages, or what canceling them answered.", errors=[FieldError("/ids", "or undo")])
    if canceled.undo is None:
        which, values["ids"] = _BY_ID, canceled.ids
    else:
        which, values = _BY_UNDO, values | _undo(canceled.undo)
    session.execute(text(_HOLD_LATER.format(which=which)), values)
    count = int(cast("Any", session.execute(text(_RESTORE.format(which=which)), values)).rowcount)
    record(session, principal, "restored", count, clock=clock)
    if count:
        after_commit(session, wake_senders)
        after_commit(session, lambda: figures.forget_depth(process_services().redis, organization_id))
    return Changed(changed=count)


def _undo(word: str) -> dict[str, Any]:
    first, last, moment = decode_cursor(word, 3)
    if not (isinstance(first, int) and isinstance(last, int) and isinstance(moment, str)):
        raise InvalidError("Canceling answered something else.", errors=[FieldError("/undo", "unknown")])
    try:
        return {"first": first, "last": last, "moment": datetime.fromisoformat(moment)}
    except ValueError:
        raise InvalidError("Canceling answered something else.", errors=[FieldError("/undo", "unknown")]) from None


def _act(
    session: Session, choice: Choice, now: datetime, *, state: str, status: str, change: str
) -> tuple[int, int, int]:
    """How many were changed, and the first and the last of their sequences."""
    if choice.everything == bool(choice.ids):
        raise InvalidError("Name messages, or ask for everything.", errors=[FieldError("/ids", "or everything")])
    values: dict[str, Any] = {
        "organization_id": organization_of(session), "state": state, "status": status, "now": now
    }  # fmt: skip
    which = ""
    if choice.ids:
        which, values["ids"] = "AND id = ANY(:ids)", choice.ids
    if choice.everything and choice.channel_account_id is not None:
        which, values["account"] = "AND channel_account_id = :account", choice.channel_account_id
    if choice.everything and choice.priority is not None:
        which, values["priority"] = which + " AND priority = :priority", int(OutboxPriority[choice.priority.upper()])
    count, first, last = session.execute(text(_ACT.format(which=which, change=change)), values).one()
    organization_id = organization_of(session)
    after_commit(session, lambda: figures.forget_depth(process_services().redis, organization_id))
    return int(count), int(first or 0), int(last or 0)


def limits(session: Session, principal: Principal, services: Services) -> list[AccountLimits]:
    """What each number may send, and how much of that is used."""
    principal.require(Role.VIEWER)
    now = services.clock.now()
    depth = figures.depth(session, services.redis, now)
    values = {"organization_id": organization_of(session), "minute_ago": now - timedelta(minutes=1)}
    sent = {str(row[0]): int(row[1]) for row in session.execute(_SENT, values)}
    found = [account for account in accounts.channel_accounts(session) if account.status != "disabled"]
    return [_limits(services, account, depth, sent.get(str(account.id), 0), now) for account in found]


def _limits(services: Services, account: ChannelAccount, depth: Depth, sent: int, now: datetime) -> AccountLimits:
    daily = None if account.sandbox else first_contacts_limit(account.settings, services.settings)
    used: int | None
    try:
        used = used_today(services.redis, account.id, now.timestamp()) if daily is not None else 0
        is_open = heartbeat.circuit_open(services.redis, account.id)
    except redis.RedisError as error:
        log.info("limits_unknown", error=type(error).__name__)
        used, is_open = None, False
    waiting = [item for item in depth.waiting if item.account == str(account.id)]
    return AccountLimits(
        channel_account_id=account.id,
        name=account.name,
        channel=account.channel,
        sandbox=account.sandbox,
        status=account.status,
        status_detail=account.status_detail,
        circuit="open" if is_open else "closed",
        messages_per_second=float(account.settings.get("messages_per_second") or 80),
        sent_last_minute=sent,
        queued=sum(item.queued for item in waiting),
        due=sum(item.due for item in waiting),
        dead=depth.dead.get(str(account.id), 0),
        daily_limit=daily,
        daily_used=used,
    )


def health(session: Session, principal: Principal, services: Services) -> PipelineHealth:
    """Who is at work, what waits, and the last half hour."""
    principal.require(Role.VIEWER)
    now = services.clock.now()
    values = {"organization_id": organization_of(session), "now": now}
    depth = figures.depth(session, services.redis, now)
    last_sent, last_received = session.execute(_LAST_MINUTE, {**values, "minute_ago": now - timedelta(minutes=1)}).one()
    return PipelineHealth(
        workers=_alive(lambda: jobs.workers_alive(services.redis)),
        senders=_alive(lambda: heartbeat.count(services.redis, "outbox")),
        schedulers=_alive(lambda: heartbeat.count(services.redis, "scheduler")),
        lanes=services.settings.lanes,
        lanes_waiting=depth.inbound_lanes,
        inbound_lag_seconds=max(0.0, now.timestamp() - depth.inbound_first) if depth.inbound_first else 0.0,
        sent_last_minute=last_sent,
        received_last_minute=last_received,
        minutes=[
            Rate(at=at, sent=minute.sent, failed=minute.failed, received=minute.received)
            for at, minute in figures.minutes(session, services.redis, now, _MINUTES)
        ],
    )


def _alive(ask: Any) -> int | None:
    try:
        return int(ask())
    except redis.RedisError as error:
        log.info("roles_unknown", error=type(error).__name__)
        return None


def dead_events(
    session: Session, principal: Principal, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page[InboundDead]:
    """Inbound events that were given up on, newest first."""
    principal.require(Role.VIEWER)
    limit = min(limit, MAX_LIMIT)
    statement = select(InboundEvent).where(
        col(InboundEvent.organization_id) == organization_of(session), col(InboundEvent.state) == "dead"
    )
    if cursor:
        (after,) = decode_cursor(cursor, 1)
        if not isinstance(after, int):
            raise InvalidError("The cursor is not one that this list gave.")
        statement = statement.where(col(InboundEvent.id) < after)
    found = list(session.exec(statement.order_by(col(InboundEvent.id).desc()).limit(limit + 1)))
    following = encode_cursor(found[limit - 1].id) if len(found) > limit else None
    items = [
        InboundDead(
            id=event.id or 0,
            channel_account_id=event.channel_account_id,
            kind=event.kind,
            external_id=event.external_id,
            attempts=event.attempts,
            error=event.error or "",
            received_at=event.received_at,
        )
        for event in found[:limit]
    ]
    return Page[InboundDead](items=items, next_cursor=following)
