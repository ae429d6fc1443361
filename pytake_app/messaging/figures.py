"""Counts for the message queue's page, asked for every two seconds by everybody who looks at it.

A short queue is counted each time. A long one is counted once for everybody and kept in Redis for some seconds, and so
is what is over: the minutes that have passed. Losing Redis means counting again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import orjson
import redis
import structlog
from sqlalchemy import text
from sqlmodel import Session

from pytake_app.core.tenancy import organization_of

log = structlog.get_logger(__name__)

LONG = 20_000
"""Rows from which on a count is kept."""
_FRESH = 3.0
_FRESH_LONGER = 10.0
_KEPT_SECONDS = 30
_COUNTING_MS = 5000
_SETTLED = timedelta(seconds=15)
"""After this a minute is over for all who were writing in it."""
_MINUTES_KEPT = 2 * 3600

# Three parts, each with an index that holds all it asks for: over one condition for all, the whole table is read.
_WAITING = text("""
SELECT channel_account_id, priority, count(*), count(*) FILTER (WHERE next_attempt_at <= :now), min(next_attempt_at)
FROM outbox WHERE organization_id = :organization_id AND state = 'queued' GROUP BY 1, 2
""")
_DEAD = text("""
SELECT channel_account_id, count(*) FROM outbox WHERE organization_id = :organization_id AND state = 'dead' GROUP BY 1
""")
_INBOUND_AND_MOVING = text("""
SELECT w.waiting, w.lanes, (SELECT extract(epoch FROM received_at)::float8 FROM inbound_events WHERE id = w.first),
       (SELECT count(*) FROM inbound_events WHERE organization_id = :organization_id AND state = 'dead'),
       m.sending, m.unsure
FROM (SELECT count(*) AS waiting, count(DISTINCT lane) AS lanes, min(id) AS first FROM inbound_events
      WHERE organization_id = :organization_id AND state = 'pending') w,
     (SELECT count(*) FILTER (WHERE state = 'sending') AS sending, count(*) FILTER (WHERE state = 'unsure') AS unsure
      FROM outbox WHERE organization_id = :organization_id AND state IN ('sending', 'unsure')) m
""")
_FINISHED_BY_MINUTE = text("""
SELECT date_trunc('minute', finished_at), count(*) FILTER (WHERE state = 'sent'), count(*) FILTER (WHERE state = 'dead')
FROM outbox WHERE organization_id = :organization_id AND state IN ('sent', 'dead') AND finished_at >= :since
  AND finished_at < :until GROUP BY 1
""")
_RECEIVED_BY_MINUTE = text("""
SELECT date_trunc('minute', received_at), count(*) FROM inbound_events
WHERE organization_id = :organization_id AND received_at >= :since AND received_at < :until AND kind = 'message'
GROUP BY 1
""")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits on one number with one priority. `first`: seconds since 1970 at which the first is due."""

    account: str
    priority: int
    queued: int
    due: int
    first: float


@dataclass(frozen=True, slots=True)
class Depth:
    """An organization's queue. `inbound_first`: seconds since 1970 at which the oldest incoming event came."""

    waiting: list[Waiting] = field(default_factory=list)
    sending: int = 0
    unsure: int = 0
    dead: dict[str, int] = field(default_factory=dict)
    inbound_pending: int = 0
    inbound_lanes: int = 0
    inbound_first: float | None = None
    inbound_dead: int = 0

    @property
    def rows(self) -> int:
        """How many were counted."""
        outgoing = sum(item.queued for item in self.waiting) + sum(self.dead.values())
        return outgoing + self.inbound_pending + self.inbound_dead


@dataclass(frozen=True, slots=True)
class Minute:
    """What happened in one."""

    sent: int = 0
    failed: int = 0
    received: int = 0


def depth(session: Session, client: redis.Redis | None, now: datetime) -> Depth:
    """What waits, is on its way, and was given up on; of a long queue as it was some seconds ago.

    Parameters:
        client: None counts each time.
    """
    key = _depth_key(organization_of(session))
    kept = _kept(client, key, now)
    if kept is not None:
        return kept
    counted = _count(session, now)
    if client is not None and counted.rows >= LONG:
        _keep(client, key, orjson.dumps({"at": now.timestamp(), "depth": asdict(counted)}))
    return counted


def _kept(client: redis.Redis | None, key: str, now: datetime) -> Depth | None:
    if client is None:
        return None
    try:
        raw = cast("bytes | None", client.get(key))
        if raw is None:
            return None
        found = orjson.loads(raw)
        depth_ = Depth(**{**found["depth"], "waiting": [Waiting(**item) for item in found["depth"]["waiting"]]})
        fresh = _FRESH if depth_.rows < 10 * LONG else _FRESH_LONGER
        # One of those who find it old counts anew; meanwhile the others make do with it.
        if now.timestamp() - found["at"] >= fresh and client.set(f"{key}:counting", 1, nx=True, px=_COUNTING_MS):
            return None
    except redis.RedisError as error:
        log.info("figures_not_kept", error=type(error).__name__)
        return None
    return depth_


def forget_depth(client: redis.Redis, organization_id: UUID) -> None:
    """Many rows were changed at once: count again."""
    try:
        client.delete(_depth_key(organization_id))
    except redis.RedisError as error:
        log.info("figures_not_kept", error=type(error).__name__)


def _count(session: Session, now: datetime) -> Depth:
    values = {"organization_id": organization_of(session), "now": now}
    waiting = [
        Waiting(str(account), priority, queued, due, first.timestamp())
        for account, priority, queued, due, first in session.execute(_WAITING, values)
    ]
    dead = {str(row[0]): int(row[1]) for row in session.execute(_DEAD, values)}
    *inbound, sending, unsure = session.execute(_INBOUND_AND_MOVING, values).one()
    return Depth(waiting, sending, unsure, dead, *inbound)


def minutes(session: Session, client: redis.Redis | None, now: datetime, count: int) -> list[tuple[datetime, Minute]]:
    """The last `count` minutes, the running one last. Each is counted once when it is over."""
    last = now.replace(second=0, microsecond=0)
    wanted = [last - timedelta(minutes=n) for n in range(count - 1, -1, -1)]
    key = f"pytake:minutes:{organization_of(session)}"
    known = _known_minutes(client, key, wanted)
    missing = [at for at in wanted if at not in known]
    counted = _count_minutes(session, missing) if missing else {}
    over = {at: minute for at, minute in counted.items() if at + timedelta(minutes=1) + _SETTLED <= now}
    _keep_minutes(client, key, over)
    found = known | counted
    return [(at, found.get(at, Minute())) for at in wanted]


def _count_minutes(session: Session, missing: Sequence[datetime]) -> dict[datetime, Minute]:
    values = {
        "organization_id": organization_of(session),
        "since": missing[0],
        "until": missing[-1] + timedelta(minutes=1),
    }
    finished = {row[0]: (row[1], row[2]) for row in session.execute(_FINISHED_BY_MINUTE, values)}
    received = {row[0]: row[1] for row in session.execute(_RECEIVED_BY_MINUTE, values)}
    return {at: Minute(*finished.get(at, (0, 0)), received.get(at, 0)) for at in missing}


def _known_minutes(client: redis.Redis | None, key: str, wanted: Sequence[datetime]) -> dict[datetime, Minute]:
    if client is None:
        return {}
    names = [str(int(at.timestamp())) for at in wanted]
    try:
        found = cast("list[bytes | None]", client.hmget(key, names))
    except redis.RedisError as error:
        log.info("figures_not_kept", error=type(error).__name__)
        return {}
    return {at: Minute(*orjson.loads(value)) for at, value in zip(wanted, found, strict=True) if value is not None}


def _keep_minutes(client: redis.Redis | None, key: str, over: dict[datetime, Minute]) -> None:
    if client is None or not over:
        return
    rows: dict[str, Any] = {
        str(int(at.timestamp())): orjson.dumps([minute.sent, minute.failed, minute.received])
        for at, minute in over.items()
    }
    # Minutes of long ago fall out together with the whole, when nobody has looked for a while, or here.
    old = [str(int(at.timestamp())) for at in (min(over) - timedelta(minutes=60 + n) for n in range(len(over)))]
    try:
        with client.pipeline(transaction=False) as pipe:
            pipe.hset(key, mapping=rows)
            pipe.hdel(key, *old)
            pipe.expire(key, _MINUTES_KEPT)
            pipe.execute()
    except redis.RedisError as error:
        log.info("figures_not_kept", error=type(error).__name__)


def _depth_key(organization_id: UUID) -> str:
    return f"pytake:depth:{organization_id}"


def _keep(client: redis.Redis, key: str, value: bytes) -> None:
    try:
        client.set(key, value, ex=_KEPT_SECONDS)
        client.delete(f"{key}:counting")
    except redis.RedisError as error:
        log.info("figures_not_kept", error=type(error).__name__)
