"""Statements over the tables of flows; every one scoped to the transaction's organization."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import load_only
from sqlmodel import Session, col, select

from pytake_app.core.errors import NotFoundError
from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.flows.models import Flow, FlowEdit, FlowSession, FlowVersion

RUNNING = ("active", "waiting")


_STARTED_FROM_OUTSIDE = sa.text(
    """
    SELECT EXISTS (SELECT FROM flow_sessions WHERE organization_id = :organization AND flow_id = :flow)
       AND NOT EXISTS (
           SELECT FROM flows f
           JOIN flow_versions v ON v.flow_id = f.id AND v.version = f.live_version
           JOIN flows own ON own.id = :flow
           WHERE f.organization_id = :organization AND f.deleted_at IS NULL AND f.id <> own.id
             AND jsonb_path_query_array(v.document, '$.nodes[*].config.flow') ?| ARRAY[own.slug, own.id::text])
    """
)


@dataclass(frozen=True, slots=True)
class FlowRow:
    """A flow without its draft document, with its counts."""

    flow: Flow
    node_count: int
    running: int
    week: int
    order_value: float = 0.0
    """Its figure, in an order by figures."""


def parse_ref(ref: UUID | str) -> UUID | str:
    """An id when `ref` looks like one, else the slug."""
    if isinstance(ref, UUID):
        return ref
    try:
        return UUID(ref)
    except ValueError:
        return ref


def is_id(text: str) -> bool:
    """Whether this is an id (and not a slug)."""
    return isinstance(parse_ref(text), UUID)


def find(session: Session, ref: UUID | str, *, lock: bool = False) -> Flow:
    """The flow with this id or slug.

    Parameters:
        lock: hold the row until the transaction ends, so that edits of one flow follow each other.

    Raises:
        NotFoundError: none here, or deleted.
    """
    key = parse_ref(ref)
    statement = scoped(session, Flow).where(col(Flow.deleted_at).is_(None))
    statement = statement.where(Flow.id == key if isinstance(key, UUID) else Flow.slug == key)
    if lock:
        # "No key": inserting a session of this flow takes a share of the row by its foreign key and must not wait.
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    flow = session.exec(statement).one_or_none()
    if flow is None:
        raise NotFoundError("There is no such flow.", code="flow_not_found")
    return cast("Flow", flow)


def _node_count(document: Any) -> Any:
    return sa.func.coalesce(sa.func.jsonb_array_length(document["nodes"]), 0)


def slugs_like(session: Session, slug: str) -> set[str]:
    """Slugs in use that begin with `slug`; other transactions that make flows wait until this one ends."""
    organization_id = organization_of(session)
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"flow slugs {organization_id}"))))
    statement = select(Flow.slug).where(
        Flow.organization_id == organization_id, col(Flow.slug).startswith(slug, autoescape=True)
    )
    return set(session.exec(statement))


def live_names(session: Session) -> list[tuple[UUID, str]]:
    """Id and slug of every flow that has a live version."""
    statement = select(Flow.id, Flow.slug).where(
        Flow.organization_id == organization_of(session),
        col(Flow.deleted_at).is_(None),
        col(Flow.live_version).is_not(None),
    )
    return [(row[0], row[1]) for row in session.exec(statement)]


def choices(session: Session) -> list[tuple[UUID, str, str, bool]]:
    """(id, slug, name, whether it has a live version) of every flow, by name; one statement without documents."""
    statement = (
        sa.select(col(Flow.id), col(Flow.slug), col(Flow.name), col(Flow.live_version).is_not(None))
        .where(col(Flow.organization_id) == organization_of(session), col(Flow.deleted_at).is_(None))
        .order_by(sa.func.pytake_fold(col(Flow.name)), col(Flow.id))
    )
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(statement)]


def started_from_outside(session: Session, flow_id: UUID) -> bool:
    """Whether the flow has run although no live flow enters it: the API, a person or a campaign began it."""
    values = {"organization": organization_of(session), "flow": flow_id}
    return bool(session.execute(_STARTED_FROM_OUTSIDE, values).scalar())


def universal_flows(session: Session) -> list[Flow]:
    """Active flows that answer any message, the one that does so first; without documents."""
    return _triggered_by(session, "universal")


def keyword_flows(session: Session) -> list[Flow]:
    """Active flows that answer words; without documents."""
    return _triggered_by(session, "keyword")


def event_flows(session: Session) -> list[Flow]:
    """Active flows that begin with events, the newest first; without documents."""
    return _triggered_by(session, "event")


def _triggered_by(session: Session, kind: str) -> list[Flow]:
    statement = (
        scoped(session, Flow)
        .options(load_only(*(getattr(Flow, name) for name in Flow.model_fields if name != "draft_document")))
        .where(
            Flow.status == "active",
            col(Flow.deleted_at).is_(None),
            col(Flow.live_version).is_not(None),
            col(Flow.triggers).contains([{"kind": kind}]),
        )
        .order_by(col(Flow.activated_at).desc().nulls_last(), col(Flow.id))
    )
    return list(session.exec(statement))


def names(session: Session, flow_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Names of these flows, deleted ones too."""
    wanted = set(flow_ids)
    if not wanted:
        return {}
    statement = select(Flow.id, Flow.name).where(
        Flow.organization_id == organization_of(session), col(Flow.id).in_(wanted)
    )
    return {row[0]: row[1] for row in session.exec(statement)}


def version(session: Session, flow_id: UUID, number: int) -> FlowVersion:
    """One version.

    Raises:
        NotFoundError: the flow has none of this number.
    """
    statement = scoped(session, FlowVersion).where(FlowVersion.flow_id == flow_id, FlowVersion.version == number)
    found = session.exec(statement).one_or_none()
    if found is None:
        raise NotFoundError("The flow has no such version.", code="version_not_found")
    return cast("FlowVersion", found)


def live_checksum(session: Session, flow: Flow) -> str | None:
    """Checksum of the live version's document, None when nothing is live."""
    if flow.live_version is None:
        return None
    statement = select(FlowVersion.checksum).where(
        FlowVersion.organization_id == flow.organization_id,
        FlowVersion.flow_id == flow.id,
        FlowVersion.version == flow.live_version,
    )
    return session.exec(statement).one_or_none()


def last_version_number(session: Session, flow_id: UUID) -> int:
    """The highest version number so far, 0 for none."""
    statement = sa.select(sa.func.max(col(FlowVersion.version))).where(
        col(FlowVersion.organization_id) == organization_of(session), col(FlowVersion.flow_id) == flow_id
    )
    return session.execute(statement).scalar() or 0


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version without its document, with its counts."""

    version: FlowVersion
    node_count: int
    running: int


def versions(session: Session, flow_id: UUID) -> list[VersionRow]:
    """Every version, newest first, without documents."""
    running = (
        sa.select(sa.func.count())
        .select_from(FlowSession)
        .where(
            col(FlowSession.flow_id) == col(FlowVersion.flow_id),
            col(FlowSession.version) == col(FlowVersion.version),
            col(FlowSession.status).in_(RUNNING),
        )
        .correlate(FlowVersion)
        .scalar_subquery()
    )
    statement = (
        sa.select(FlowVersion, _node_count(col(FlowVersion.document)), running)
        .options(load_only(*(getattr(FlowVersion, name) for name in FlowVersion.model_fields if name != "document")))
        .where(col(FlowVersion.organization_id) == organization_of(session), col(FlowVersion.flow_id) == flow_id)
        .order_by(col(FlowVersion.version).desc())
    )
    return [VersionRow(*row) for row in session.execute(statement)]


def edits_after(session: Session, flow_id: UUID, revision: int) -> list[FlowEdit]:
    """Journal entries with a higher revision, oldest first."""
    statement = (
        scoped(session, FlowEdit)
        .where(FlowEdit.flow_id == flow_id, FlowEdit.revision > revision)
        .order_by(col(FlowEdit.revision))
    )
    return list(session.exec(statement))


def _steps(session: Session, flow_id: UUID, actor_id: UUID | None) -> Any:
    return (
        scoped(session, FlowEdit)
        .where(FlowEdit.flow_id == flow_id, FlowEdit.actor_id == actor_id, col(FlowEdit.undone).is_(False))
        .order_by(col(FlowEdit.revision).desc())
    )


def undoable(session: Session, flow_id: UUID, actor_id: UUID | None, *, limit: int = 1) -> list[FlowEdit]:
    """One person's edits that an undo could take back, newest first."""
    return list(session.exec(_steps(session, flow_id, actor_id).where(col(FlowEdit.kind) != "undo").limit(limit)))


def redoable(session: Session, flow_id: UUID, actor_id: UUID | None, *, limit: int = 1) -> list[FlowEdit]:
    """One person's undos that a redo could take back, newest first: those since their last edit."""
    last_edit = (
        sa.select(sa.func.coalesce(sa.func.max(col(FlowEdit.revision)), 0))
        .where(
            col(FlowEdit.organization_id) == organization_of(session),
            col(FlowEdit.flow_id) == flow_id,
            col(FlowEdit.actor_id) == actor_id,
            col(FlowEdit.kind) == "edit",
        )
        .scalar_subquery()
    )
    statement = _steps(session, flow_id, actor_id).where(FlowEdit.kind == "undo", col(FlowEdit.revision) > last_edit)
    return list(session.exec(statement.limit(limit)))


def edit_by_cid(session: Session, flow_id: UUID, actor_id: UUID | None, cid: str) -> FlowEdit | None:
    """The edit that this person's editor named so, if it was done already."""
    statement = scoped(session, FlowEdit).where(
        FlowEdit.flow_id == flow_id, FlowEdit.cid == cid, FlowEdit.actor_id == actor_id
    )
    return session.exec(statement.limit(1)).one_or_none()


def forget_edits(session: Session, flow_id: UUID, up_to: int) -> None:
    """Drop journal entries up to a revision: the journal is for undo and for editors that lag, not an archive."""
    session.execute(
        sa.delete(FlowEdit).where(
            col(FlowEdit.organization_id) == organization_of(session),
            col(FlowEdit.flow_id) == flow_id,
            col(FlowEdit.revision) <= up_to,
        )
    )


def running_by_node(session: Session, flow_id: UUID) -> list[tuple[str | None, int]]:
    """Sessions of the flow in progress, by the node they stand on."""
    statement = (
        sa.select(col(FlowSession.current_node), sa.func.count())
        .where(
            col(FlowSession.organization_id) == organization_of(session),
            col(FlowSession.flow_id) == flow_id,
            col(FlowSession.status).in_(RUNNING),
        )
        .group_by(col(FlowSession.current_node))
    )
    return [(row[0], row[1]) for row in session.execute(statement)]


def find_live(session: Session, ref: str, number: int | None) -> FlowVersion | None:
    """The live (or given) version of another flow by id or slug, for jumps; None when there is none."""
    key = parse_ref(ref)
    statement = (
        select(FlowVersion)
        .join(Flow, col(Flow.id) == col(FlowVersion.flow_id))
        .where(
            Flow.organization_id == organization_of(session),
            Flow.id == key if isinstance(key, UUID) else Flow.slug == key,
            FlowVersion.version == (number or col(Flow.live_version)),
            col(Flow.deleted_at).is_(None),
        )
    )
    return session.exec(statement).one_or_none()


def count_of_contact(session: Session, contact_id: UUID) -> int:
    """How many sessions a contact ever had."""
    statement = sa.select(sa.func.count()).where(
        col(FlowSession.organization_id) == organization_of(session), col(FlowSession.contact_id) == contact_id
    )
    return int(session.execute(statement).scalar_one())
