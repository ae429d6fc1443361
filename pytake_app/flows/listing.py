"""The list of flows: filters, orders by key, and the counts beside it. No statement reads a draft's content."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import load_only
from sqlmodel import Session, col

from pytake_app.core.errors import InvalidError
from pytake_app.core.pagination import decode_cursor, encode_cursor
from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.flows import figure_order
from pytake_app.flows.documents import folded
from pytake_app.flows.models import Flow, FlowFolder, FlowSession
from pytake_app.flows.repository import RUNNING, FlowRow

WEEK = timedelta(days=7)
Order = Literal["updated", "name", "created", "sessions", "completion"]
NONE = {"sessions": 0.0, "completion": figure_order.UNKNOWN}
"""Orders by figures, with what a flow has in which nothing ran."""
HEAD = tuple(name for name in Flow.model_fields if name not in ("draft_document", "search_text"))
"""Columns of a flow without those that grow with its draft."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of flows is narrowed to.

    `q` is looked for in names, slugs, tags and the drafts' texts; `folder` is a folder with all that are in it, or
    "none" for flows in no folder; `archived` shows archived flows instead of the others; `errors` only drafts that
    can't be published.
    """

    q: str = ""
    status: str | None = None
    folder: UUID | Literal["none"] | None = None
    tag: str = ""
    archived: bool = False
    errors: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over all flows of the organization."""

    statuses: dict[str, int]
    archived: dict[str, int]
    """By state, which `statuses` doesn't count."""
    errors: int
    folders: dict[UUID | None, int]
    tags: dict[str, int]
    running: int
    week: int


def rows(
    session: Session,
    *,
    where: Filters | None = None,
    order: Order = "updated",
    descending: bool = True,
    now: datetime,
    limit: int,
    cursor: str | None = None,
    only: UUID | None = None,
) -> list[FlowRow]:
    """Flows in order, with counts.

    Raises:
        InvalidError: the cursor isn't one that this list, in this order, gave.
    """
    figures = figure_order.short_figures(session, now) if order in NONE else None
    key = _key(order) if figures is None else sa.func.coalesce(figures.c[order], NONE[order])
    direction = sa.desc if descending else sa.asc
    # Which flows first, what they are then: the counts and the drafts of all others stay unread.
    chosen: Any = sa.select(col(Flow.id).label("id"), key.label("value")).where(
        col(Flow.organization_id) == organization_of(session), col(Flow.deleted_at).is_(None)
    )
    if figures is not None:
        chosen = chosen.outerjoin(figures, figures.c.flow_id == col(Flow.id))
    if only is not None:
        chosen = chosen.where(col(Flow.id) == only)
    if where is not None:
        chosen = chosen.where(*_conditions(session, where))
    if cursor is not None:
        here, last = sa.tuple_(key, col(Flow.id)), sa.tuple_(*_last(cursor, order))
        chosen = chosen.where(here < last if descending else here > last)
    page = chosen.order_by(direction(key), direction(col(Flow.id))).limit(limit).cte("page").prefix_with("MATERIALIZED")
    document = col(Flow.draft_document)
    statement = (
        sa.select(
            Flow,
            sa.func.coalesce(sa.func.jsonb_array_length(document["nodes"]), 0),
            _sessions(col(FlowSession.status).in_(RUNNING)),
            _sessions(col(FlowSession.started_at) >= now - WEEK),
            *([] if figures is None else [page.c.value]),
        )
        .join(page, page.c.id == col(Flow.id))
        .options(load_only(*(getattr(Flow, name) for name in HEAD)))
        .order_by(direction(page.c.value), direction(page.c.id))
    )
    return [FlowRow(*row) for row in session.execute(statement)]


def cursor_after(row: FlowRow, order: Order) -> str:
    """Where the page after this row begins."""
    flow = row.flow
    values: dict[str, str | float] = {
        "sessions": row.order_value,
        "completion": row.order_value,
        "updated": flow.updated_at.isoformat(),
        "name": folded(flow.name),
        "created": flow.created_at.isoformat(),
    }
    return encode_cursor(order, values[order], str(flow.id))


def tally(session: Session, now: datetime) -> Tally:
    """Counts by state, folder and tag; and of sessions over all flows."""
    statement = sa.select(
        col(Flow.status), col(Flow.folder_id), col(Flow.tags), col(Flow.archived_at), col(Flow.draft_errors)
    ).where(col(Flow.organization_id) == organization_of(session), col(Flow.deleted_at).is_(None))
    statuses: Counter[str] = Counter()
    folders: Counter[UUID | None] = Counter()
    tags: Counter[str] = Counter()
    archived: Counter[str] = Counter()
    errors = 0
    for status, folder_id, flow_tags, archived_at, draft_errors in session.execute(statement):
        if archived_at is not None:
            archived[status] += 1
            continue
        statuses[status] += 1
        folders[folder_id] += 1
        tags.update(flow_tags)
        errors += bool(draft_errors)
    counts = sa.select(
        sa.func.count().filter(col(FlowSession.status).in_(RUNNING)),
        sa.func.count().filter(col(FlowSession.started_at) >= now - WEEK),
    ).where(
        col(FlowSession.organization_id) == organization_of(session),
        col(FlowSession.status).in_(RUNNING) | (col(FlowSession.started_at) >= now - WEEK),
    )
    running, week = session.execute(counts).one()
    return Tally(dict(statuses), dict(archived), errors, dict(folders), dict(tags), running, week)


def folders(session: Session) -> list[FlowFolder]:
    """Every folder, by name."""
    return list(session.exec(scoped(session, FlowFolder).order_by(sa.func.pytake_fold(col(FlowFolder.name)))))


def within(found: list[FlowFolder], folder_id: UUID) -> set[UUID]:
    """A folder's id and those of all folders inside it."""
    inside = {folder_id}
    while more := {folder.id for folder in found if folder.parent_id in inside} - inside:
        inside |= more
    return inside


def _sessions(*conditions: Any) -> Any:
    return (
        sa.select(sa.func.count())
        .select_from(FlowSession)
        .where(col(FlowSession.flow_id) == col(Flow.id), *conditions)
        .correlate(Flow)
        .scalar_subquery()
    )


def _key(order: Order) -> Any:
    return {
        "updated": col(Flow.updated_at),
        "name": sa.func.pytake_fold(col(Flow.name)).collate("C"),
        "created": col(Flow.created_at),
    }[order]


def _last(cursor: str, order: Order) -> tuple[Any, Any]:
    made_for, value, flow_id = decode_cursor(cursor, 3)
    try:
        if made_for != order:
            raise ValueError("a cursor of another order")
        if order in NONE:
            return sa.literal(float(value or 0), sa.Double), sa.literal(UUID(str(flow_id)))
        text = str(value)
        literal = sa.literal(text).collate("C") if order == "name" else sa.literal(datetime.fromisoformat(text))
        return literal, sa.literal(UUID(str(flow_id)))
    except ValueError as error:
        raise InvalidError("The cursor is not one that this list gave.") from error


def _conditions(session: Session, where: Filters) -> list[Any]:
    archived = col(Flow.archived_at)
    found: list[Any] = [archived.is_not(None) if where.archived else archived.is_(None)]
    if where.status is not None:
        found.append(col(Flow.status) == where.status)
    if where.folder == "none":
        found.append(col(Flow.folder_id).is_(None))
    elif where.folder is not None:
        found.append(col(Flow.folder_id).in_(within(folders(session), where.folder)))
    if where.tag:
        found.append(col(Flow.tags).contains([where.tag]))
    if where.errors:
        found.append(col(Flow.draft_errors) > 0)
    return [*found, *(_says(word) for word in folded(where.q).split()[:8])]


def _says(word: str) -> Any:
    texts = (
        sa.func.pytake_fold(col(Flow.name)),
        col(Flow.search_text),
        col(Flow.slug),
        sa.func.pytake_fold(sa.cast(col(Flow.tags), sa.Text)),
    )
    return sa.or_(*(sa.func.strpos(text, word) > 0 for text in texts))
