"""Endpoints of versions beside each other, publications for later, and runs. `{flow_id}` is an id or a slug."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page
from pytake_app.flows import comparing, publications, runs
from pytake_app.flows.runs_schemas import RunDetail, RunView
from pytake_app.flows.versions_schemas import Comparison, PublicationView, ScheduleRequest

router = APIRouter(tags=["flows"])

Side = Annotated[str, Query(max_length=12, pattern="^(draft|live|[0-9]+)$")]


@router.get("/flows/{flow_id}/compare")
def compare_versions(
    flow_id: str,
    who: CurrentPrincipal,
    session: TenantSession,
    base: Side = "live",
    target: Side = "draft",
    documents: bool = False,
) -> Comparison:
    """What changed from `base` to `target`: `draft`, `live`, or a version's number; with both documents if asked."""
    return comparing.compare(session, who, flow_id, base=base, target=target, whole=documents)


@router.get("/flows/{flow_id}/publications")
def list_publications(flow_id: str, who: CurrentPrincipal, session: TenantSession) -> Page[PublicationView]:
    """Publications for later, those ahead first, and what became of the latest ones."""
    return Page(items=publications.list_publications(session, who, flow_id))


@router.post("/flows/{flow_id}/publications", status_code=201)
def schedule_publication(
    flow_id: str, body: ScheduleRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> PublicationView:
    """Let the draft as it is now go live at a given time. It is verified now, and again then.

    If it can't go live then, whoever asked for it is notified and the publication says why.
    """
    return publications.schedule(
        session,
        who,
        flow_id,
        publish_at=body.publish_at,
        expected_revision=body.expected_revision,
        note=body.note,
        choice=body.impact,
        allow_failing_tests=body.allow_failing_tests,
        clock=services.clock,
    )


@router.delete("/flows/{flow_id}/publications/{publication_id}")
def cancel_publication(
    flow_id: str, publication_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> PublicationView:
    """Take a publication back that is still ahead. 409 `publication_over` when it isn't."""
    return publications.cancel(session, who, flow_id, publication_id, clock=services.clock)


@router.get("/flows/{flow_id}/runs")
def list_runs(
    flow_id: str,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    node: Annotated[str | None, Query(max_length=100)] = None,
    dropped: bool = False,
    days: Annotated[int, Query(ge=1, le=92)] = 30,
    version: Annotated[int | None, Query(ge=1)] = None,
    channel: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Page[RunView]:
    """Latest runs; with `node` those that came there, with `dropped` those that ended there (or anywhere) half-way."""
    return runs.list_runs(
        session,
        who,
        flow_id,
        node_id=node,
        dropped=dropped,
        days=days,
        version=version,
        channel=channel,
        limit=limit,
        cursor=cursor,
        clock=services.clock,
    )


@router.get("/flows/sessions/{session_id}/run")
def get_run(session_id: UUID, who: CurrentPrincipal, session: TenantSession) -> RunDetail:
    """One run step by step, with the messages of its time: for stepping through it on the canvas."""
    return runs.get_run(session, who, session_id)
