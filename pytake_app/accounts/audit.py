"""The audit log: reading it, and writing what leaves no changed row behind. Nothing commits.

Changed rows are written down by triggers (migration 0036, `docs/adr/0009-audit-by-triggers.md`); `record` is for the
rest: sign-ins, exports, erasure, a second factor. Reading needs `audit.read`, exporting `data.export` besides.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
import structlog
from pydantic import Field, JsonValue
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col

from pytake_app.accounts.audit_models import AuditEntry
from pytake_app.accounts.models import Organization
from pytake_app.accounts.people import avatar_urls
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.db import Database
from pytake_app.core.errors import InvalidError, ProblemError
from pytake_app.core.ids import new_id
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page, decode_cursor, encode_cursor
from pytake_app.core.schemas import View
from pytake_app.core.tenancy import Actor, Permission, Principal, acting, organization_of, scoped

RETENTION = "audit_days"
"""Member of `organizations.settings`: how long entries are kept, in days; absent: `KEPT_DAYS`."""
KEPT_DAYS = 730
LEAST_DAYS, MOST_DAYS = 30, 3650
_CHUNK = 1000
_COLUMNS = (
    "at", "actor_kind", "actor_id", "actor_name", "address", "action", "object_kind", "object_id", "object_name",
    "before", "after",
)  # fmt: skip
_CLOCK = SystemClock()
_BESIDE = ThreadPoolExecutor(1, thread_name_prefix="audit")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries. `q`: a part of a name, of what was done or of a value; `until` is excluded."""

    actor_id: UUID | None = None
    action: str = ""
    object_kind: str = ""
    object_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    q: str = ""


class AuditView(View):
    """One entry. `names`: what the ids among the values belong to, as it is called now.

    `actor_avatar_url`: the person's picture, if they have one.
    """

    id: UUID
    at: datetime
    actor_kind: str
    actor_id: UUID | None
    actor_name: str
    address: str
    action: str
    object_kind: str
    object_id: str
    object_name: str
    before: dict[str, JsonValue] | None
    after: dict[str, JsonValue] | None
    names: dict[str, str] = Field(default_factory=dict)
    actor_avatar_url: str = ""


class AuditPerson(View):
    """Somebody who stands in the log, for the filter."""

    id: UUID
    name: str


class AuditWords(View):
    """What the filters offer: only what the organization's log holds."""

    actors: list[AuditPerson]
    actions: list[str]
    kinds: list[str]


def record(
    session: Session,
    who: Principal | Actor,
    action: str,
    object_kind: str = "",
    object_id: str | UUID = "",
    detail: Mapping[str, JsonValue] | None = None,
    *,
    before: Mapping[str, JsonValue] | None = None,
    object_name: str = "",
    organization_id: UUID | None = None,
    clock: Clock = _CLOCK,
) -> None:
    """Write down what changes no audited row.

    Parameters:
        session: of `Database.tenant`; of `auth` or `system` with `organization_id`.
        who: with an address, if there is one (`Principal.actor`); a principal alone takes that of the request.
        action: a word of `audit.action.*` in the catalogues, e.g. `signed_in`, `exported`.
        detail, before: stand in `after` and `before`. Never secrets, message bodies or phone numbers.
    """
    if isinstance(who, Principal):
        current = acting.get()
        who = who.actor(current.address if current is not None else "")
    # As a statement: a role that may only add can't be asked for what it added.
    session.execute(
        sa.insert(AuditEntry).values(
            id=new_id(), organization_id=organization_id or organization_of(session), at=clock.now(),
            actor_kind=who.kind, actor_id=who.id, actor_name=who.name[:200], address=who.address[:64], action=action,
            object_kind=object_kind, object_id=str(object_id), object_name=object_name[:200],
            before=dict(before) if before else None, after=dict(detail) if detail else None,
        )
    )  # fmt: skip


def record_failed_sign_in(
    database: Database, organization_id: UUID, user_id: UUID, name: str, address: str, *, clock: Clock
) -> None:
    """Write down a wrong password, beside the answer: its time must not tell who has an account."""

    def write() -> None:
        try:
            with database.auth() as session:
                record(
                    session, Actor("visitor", address=address), "sign_in_failed", "user", user_id, object_name=name,
                    organization_id=organization_id, clock=clock,
                )  # fmt: skip
        except (ProblemError, SQLAlchemyError) as error:
            log.warning("failed_sign_in_not_recorded", error=type(error).__name__)

    _BESIDE.submit(write)


def list_entries(
    session: Session,
    principal: Principal,
    where: AuditFilter,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[AuditView]:
    """The log, newest first.

    Raises:
        ForbiddenError: without `audit.read`.
        InvalidError: the cursor is none of ours.
    """
    principal.needs(Permission.AUDIT_READ)
    limit = min(max(limit, 1), MAX_LIMIT)
    rows = _page(session, where, limit + 1, _position(cursor))
    last = rows[limit - 1] if len(rows) > limit else None
    return Page[AuditView](
        items=_views(session, rows[:limit]),
        next_cursor=encode_cursor(last.at.isoformat(), str(last.id)) if last is not None else None,
    )


def words(session: Session, principal: Principal) -> AuditWords:
    """Who stands in the log, and with what.

    Raises:
        ForbiddenError: without `audit.read`.
    """
    principal.needs(Permission.AUDIT_READ)
    here = col(AuditEntry.organization_id) == organization_of(session)
    people = session.execute(
        sa.select(col(AuditEntry.actor_id), sa.func.max(col(AuditEntry.actor_name)))
        .where(here, col(AuditEntry.actor_id).is_not(None))
        .group_by(col(AuditEntry.actor_id))
        .limit(500)
    )
    actions = session.execute(sa.select(col(AuditEntry.action)).where(here).distinct()).scalars()
    kinds = session.execute(sa.select(col(AuditEntry.object_kind)).where(here).distinct()).scalars()
    found = sorted(((row[1], row[0]) for row in people), key=lambda pair: pair[0].casefold())
    return AuditWords(
        actors=[AuditPerson(id=key, name=name) for name, key in found],
        actions=sorted(actions),
        kinds=sorted(kind for kind in kinds if kind),
    )


def export(
    database: Database, principal: Principal, where: AuditFilter, style: str, *, clock: Clock = _CLOCK
) -> Iterator[bytes]:
    """The log as `csv` or `json` (one object a line), newest first, read and told page by page.

    That it is exported stands in the log before the first line is told.

    Raises:
        ForbiddenError: without `audit.read` and `data.export`.
    """
    principal.needs(Permission.AUDIT_READ)
    principal.needs(Permission.DATA_EXPORT)
    with database.tenant(principal.organization_id) as session:
        asked = {"format": style, **{name: str(value) for name, value in _asked(where).items()}}
        record(session, principal, "exported", "audit_log", detail=asked, clock=clock)
    return _lines(database, principal.organization_id, where, style)


def _asked(where: AuditFilter) -> dict[str, object]:
    return {name: value for name in AuditFilter.__slots__ if (value := getattr(where, name)) not in (None, "")}


def _lines(database: Database, organization_id: UUID, where: AuditFilter, style: str) -> Iterator[bytes]:
    after: tuple[datetime, UUID] | None = None
    if style == "csv":
        yield "﻿".encode() + _csv([_COLUMNS])  # the mark tells spreadsheets that it is UTF-8
    while True:
        with database.tenant(organization_id) as session:
            rows = _page(session, where, _CHUNK, after)
        if not rows:
            return
        yield _csv(_cells(row) for row in rows) if style == "csv" else b"".join(_json(row) for row in rows)
        after = (rows[-1].at, rows[-1].id)


def _cells(row: AuditEntry) -> list[str]:
    values = [getattr(row, name) for name in _COLUMNS]
    return [
        orjson.dumps(value).decode() if isinstance(value, dict)
        else value.isoformat() if isinstance(value, datetime)
        else _plain(str(value if value is not None else ""))
        for value in values
    ]  # fmt: skip


def _plain(text: str) -> str:
    # A cell that begins like this is a formula to a spreadsheet (OWASP, CSV Injection).
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _json(row: AuditEntry) -> bytes:
    return orjson.dumps({name: getattr(row, name) for name in _COLUMNS}) + b"\n"


def prune(database: Database, clock: Clock = _CLOCK) -> int:
    """Delete what is older than each organization keeps it; for the scheduler.

    Returns: how many entries went; at most some thousands an organization and call.
    """
    with database.system() as session:
        found = session.execute(sa.select(col(Organization.id), col(Organization.settings)))
        gone = 0
        for organization_id, settings in [(row[0], row[1]) for row in found]:
            before = clock.now() - timedelta(days=kept_days(settings))
            call = sa.func.pytake_audit_prune(organization_id, sa.literal(before, sa.DateTime(timezone=True)))
            gone += session.execute(sa.select(call)).scalar_one()
    if gone:
        log.info("audit_entries_removed", entries=gone)
    return gone


def kept_days(settings: Mapping[str, Any]) -> int:
    """How many days an organization with these settings keeps its log."""
    days = settings.get(RETENTION)
    return min(max(days, LEAST_DAYS), MOST_DAYS) if isinstance(days, int) else KEPT_DAYS


def _position(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    at, key = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(str(at)), UUID(str(key))
    except ValueError as error:
        raise InvalidError("The cursor is not one that this list gave.") from error


def _page(session: Session, where: AuditFilter, limit: int, after: tuple[datetime, UUID] | None) -> list[AuditEntry]:
    at, key = col(AuditEntry.at), col(AuditEntry.id)
    statement = scoped(session, AuditEntry)
    for column, value in (
        (AuditEntry.actor_id, where.actor_id), (AuditEntry.action, where.action),
        (AuditEntry.object_kind, where.object_kind), (AuditEntry.object_id, where.object_id),
    ):  # fmt: skip
        if value:
            statement = statement.where(col(column) == value)
    if where.since is not None:
        statement = statement.where(at >= where.since)
    if where.until is not None:
        statement = statement.where(at < where.until)
    if where.q.strip():
        escaped = where.q.strip().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        parts = (
            col(AuditEntry.actor_name), col(AuditEntry.object_name), col(AuditEntry.address), col(AuditEntry.action),
            sa.cast(col(AuditEntry.before), sa.Text), sa.cast(col(AuditEntry.after), sa.Text),
        )  # fmt: skip
        statement = statement.where(sa.or_(*(part.ilike(f"%{escaped}%") for part in parts)))
    if after is not None:
        statement = statement.where(sa.tuple_(at, key) < sa.tuple_(sa.literal(after[0]), sa.literal(after[1])))
    return list(session.exec(statement.order_by(at.desc(), key.desc()).limit(limit)))


# Tables of other rooms are only asked for what something is called.
_NAMES = sa.text("""
SELECT id::text, full_name AS name FROM users WHERE organization_id = :here AND id = ANY(:ids)
UNION ALL SELECT id::text, name FROM departments WHERE organization_id = :here AND id = ANY(:ids)
UNION ALL SELECT id::text, name FROM service_queues WHERE organization_id = :here AND id = ANY(:ids)
UNION ALL SELECT id::text, name FROM business_calendars WHERE organization_id = :here AND id = ANY(:ids)
UNION ALL SELECT id::text, name FROM flows WHERE organization_id = :here AND id = ANY(:ids)
UNION ALL SELECT id::text, name FROM flow_folders WHERE organization_id = :here AND id = ANY(:ids)
UNION ALL SELECT id::text, name FROM channel_accounts WHERE organization_id = :here AND id = ANY(:ids)
""")


def _views(session: Session, rows: list[AuditEntry]) -> list[AuditView]:
    mentioned = {row.id: _ids(row) for row in rows}
    wanted = set().union(*mentioned.values()) if mentioned else set()
    names: dict[str, str] = {}
    if wanted:
        found = session.execute(_NAMES, {"here": organization_of(session), "ids": list(wanted)})
        names = {row[0]: row[1] for row in found}
    pictures = avatar_urls(session, {row.actor_id for row in rows if row.actor_id is not None})
    return [
        AuditView(
            **row.model_dump(exclude={"organization_id"}),
            actor_avatar_url=pictures.get(row.actor_id, "") if row.actor_id is not None else "",
            names={str(one): names[str(one)] for one in mentioned[row.id] if str(one) in names},
        )
        for row in rows
    ]


def _ids(row: AuditEntry) -> set[UUID]:
    """Every id among an entry's values, and the object's own where the entry doesn't name it."""
    texts: list[object] = [row.object_id] if not row.object_name else []
    for part in (row.before, row.after):
        for value in (part or {}).values():
            texts.extend(value if isinstance(value, list) else [value])
    found = set()
    for text in texts:
        if isinstance(text, str) and len(text) == 36:
            try:
                found.add(UUID(text))
            except ValueError:
                continue
    return found
