"""What became of a send, and what follows from it. Pure, except for writing results in sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pytake_app.channels.content import parse_content, plain_text
from pytake_app.channels.errors import SendError, SendErrorKind
from pytake_app.messaging import outbox_store, statuses
from pytake_app.messaging.backoff import jittered
from pytake_app.messaging.outbox_store import Claimed
from pytake_app.messaging.sql import Connection, Later, dumps, together
from pytake_app.messaging.statuses import Changed

Row = dict[str, Any]

# Seconds; the first bound of the wait before another attempt, by kind of error.
_BASE = {SendErrorKind.RETRYABLE: 1.0, SendErrorKind.RATE: 2.0, SendErrorKind.PAIR_RATE: 6.0}
_CAP = 900.0

_SENT_MESSAGES = """
UPDATE messages m SET external_id = v.external_id,
       status = CASE WHEN m.status IN ('queued', 'sending') OR (m.status = 'failed' AND m.external_id IS NULL)
                     THEN 'sent' ELSE m.status END,
       errors = CASE WHEN m.external_id IS NULL THEN '[]' ELSE m.errors END,
       sent_at = COALESCE(m.sent_at, %(now)s)
FROM json_to_recordset(%(rows)s) AS v(id uuid, created_at timestamptz, external_id text)
WHERE m.id = v.id AND m.created_at = v.created_at AND m.status <> 'canceled'
"""
_FAILED_MESSAGES = """
UPDATE messages m SET status = 'failed', errors = v.errors
FROM json_to_recordset(%s) AS v(id uuid, created_at timestamptz, errors jsonb)
WHERE m.id = v.id AND m.created_at = v.created_at AND m.status IN ('queued', 'sending')
"""
_REPLACED_OUTBOX = """
UPDATE outbox o SET content = v.content, context_external_id = NULL
FROM json_to_recordset(%s) AS v(sequence bigint, content jsonb) WHERE o.sequence = v.sequence
"""
_REPLACED_MESSAGES = """
UPDATE messages m SET content = v.content, text = v.text, type = v.type
FROM json_to_recordset(%s) AS v(id uuid, created_at timestamptz, content jsonb, text text, type text)
WHERE m.id = v.id AND m.created_at = v.created_at
"""
_PAUSE = """
UPDATE channel_accounts SET status = 'error', status_detail = 'token_rejected', updated_at = %s
WHERE id = ANY(%s) AND status = 'active'
"""


@dataclass(frozen=True, slots=True)
class Result:
    """One send's outcome.

    `again`: queued for another attempt after `wait`. `unsure`: the request left, the answer didn't come. `released`:
    never tried. `lost`: never tried, and no longer ours. `held`: not tried, for a quota of ours or a rate of the
    platform's; asked again after `wait`.
    `account_failed`: nothing of the account will go out until a person acts.
    """

    item: Claimed
    outcome: Literal["sent", "again", "unsure", "dead", "released", "lost", "held"]
    external_id: str | None = None
    wait: float = 0.0
    """Seconds from when it is written. No moment: the clock may be set before that."""
    error: Row | None = None
    account_failed: bool = False
    rest: float = 0.0
    """Seconds for which the platform wants the whole account left alone."""
    fault: bool = False
    """The platform itself failed: no connection, no answer, 5xx."""
    answered: bool = False
    """Of what is held: the platform itself refused it for now."""
    instead: Row | None = None
    """Content to send in its place."""
    trace: str | None = None
    """What the span of the send carries on."""


def error_row(error: SendError) -> Row:
    """What is kept of a platform's error, in the API's words."""
    return {
        "code": error.code,
        "subcode": error.subcode,
        "kind": error.kind.value,
        "reason": error.reason,
        "title": error.message[:300],
        "details": error.details[:500],
        "trace_id": error.trace_id,
    }


def of_error(item: Claimed, error: SendError, *, fallback: Row | None = None) -> Result:
    """What to do after a failed call.

    Parameters:
        fallback: content of a template that goes in the place of a message for which the service window turned out
            to be closed.
    """
    row = error_row(error)
    if error.kind is SendErrorKind.UNSURE:
        return Result(item, "unsure", error=row, fault=True)
    if error.kind is SendErrorKind.AUTH:
        # The message is not at fault: it waits, without using up its attempts, until the account works again.
        return Result(item, "held", error=row, wait=60.0, account_failed=True, answered=True)
    if error.kind is SendErrorKind.REENGAGEMENT and fallback is not None and item.content.get("type") != "template":
        return Result(item, "again", error=row, instead=fallback)
    if error.kind is SendErrorKind.RATE:
        # Nor is it at fault here: all of the number waits, for an hour if it must, and no message loses an attempt.
        wait = max(jittered(0, base=_BASE[error.kind], cap=_CAP), error.retry_after or 0.0)
        return Result(item, "held", error=row, wait=wait, rest=wait, answered=True)
    fault = error.kind is SendErrorKind.RETRYABLE
    if not error.kind.may_retry or item.attempts >= item.max_attempts:
        return Result(item, "dead", error=row, fault=fault)
    wait = jittered(item.attempts - 1, base=_BASE[error.kind], cap=_CAP)
    if error.retry_after is not None:
        wait = max(wait, error.retry_after)
    return Result(item, "again", error=row, wait=wait, fault=fault)


def unanswered(item: Claimed) -> Result:
    """Of a call that the sender itself broke off: it may have left."""
    return of_error(item, SendError(SendErrorKind.UNSURE, reason="no_answer", message="The sender ended."))


def write(connection: Connection, results: Sequence[Result], now: datetime) -> list[Changed]:
    """Write results back, and apply the statuses that came before them.

    Returns:
        the messages whose status may have changed.
    """
    return begin_write(connection, results, now)()


def begin_write(connection: Connection, results: Sequence[Result], now: datetime) -> Later[list[Changed]]:
    """The same in two steps: what is asked of the database between them goes out together with the first."""
    if not results:
        return list
    outbox_store.lock(connection, [r.item.sequence for r in results])
    sent = sorted((r for r in results if r.outcome == "sent"), key=lambda r: r.external_id or "")
    dead = [r for r in results if r.outcome == "dead"]
    again = [
        {
            **_claim(r),
            "state": "unsure" if r.outcome == "unsure" else "queued",
            "wait": r.wait,
            "error": r.error,
        }
        for r in results
        if r.outcome in ("again", "unsure")
    ]
    finished = [{"sequence": r.item.sequence, "external_id": r.external_id, "trace": r.trace} for r in sent]
    # Nothing of this is read back: it goes out together.
    with together(connection):
        outbox_store.mark_sent(connection, finished, now)
        outbox_store.mark_again(connection, again, now)
        outbox_store.mark_dead(connection, [{**_claim(r), "error": r.error} for r in dead], now)
        outbox_store.hold(connection, [_hold_row(r) for r in results if r.outcome == "held"], now)
        _replace(connection, [r for r in results if r.instead is not None])
        outbox_store.release(connection, [_claim(r) for r in results if r.outcome == "released"])
        if sent:
            connection.execute(_SENT_MESSAGES, {"rows": dumps([_sent_row(r) for r in sent]), "now": now})
        if dead:
            failed = [{"id": r.item.message_id, "created_at": r.item.created_at, "errors": [r.error]} for r in dead]
            connection.execute(_FAILED_MESSAGES, (dumps(failed),))
        failed_accounts = {r.item.channel_account_id for r in results if r.account_failed}
        if failed_accounts:
            connection.execute(_PAUSE, (now, list(failed_accounts)))
    pairs: list[tuple[UUID, str]] = [(r.item.channel_account_id, r.external_id) for r in sent if r.external_id]
    waiting_of = statuses.take_pending(connection, pairs)
    own = [Changed(r.item.organization_id, r.item.conversation_id, r.item.message_id) for r in (*sent, *dead)]
    return lambda: [*own, *statuses.apply_taken(connection, waiting_of(), now)]


def _claim(result: Result) -> Row:
    return {"sequence": result.item.sequence, "attempts": result.item.attempts}


def _sent_row(result: Result) -> Row:
    item = result.item
    return {"id": item.message_id, "created_at": item.created_at, "external_id": result.external_id}


def _hold_row(result: Result) -> Row:
    return {**_claim(result), "wait": result.wait, "error": result.error}


def _replace(connection: Connection, results: Sequence[Result]) -> None:
    """Another content in the place of one that may not be sent any more; the thread shows what goes."""
    if not results:
        return
    rows = [
        {
            "sequence": r.item.sequence,
            "id": r.item.message_id,
            "created_at": r.item.created_at,
            "content": r.instead,
            "text": plain_text(parse_content(r.instead or {})),
            "type": str((r.instead or {}).get("type")),
        }
        for r in results
    ]
    connection.execute(_REPLACED_OUTBOX, (dumps(rows),))
    connection.execute(_REPLACED_MESSAGES, (dumps(rows),))
