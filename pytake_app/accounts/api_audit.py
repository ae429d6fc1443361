"""Endpoints of the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from pytake_app.accounts import audit
from pytake_app.accounts.audit import AuditFilter, AuditView, AuditWords
from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page

router = APIRouter(prefix="/audit-log", tags=["audit log"])


def asked(
    actor_id: UUID | None = None,
    action: Annotated[str, Query(max_length=60)] = "",
    kind: Annotated[str, Query(max_length=60, description="of the object, e.g. `flow`")] = "",
    object_id: Annotated[str, Query(max_length=80)] = "",
    since: datetime | None = None,
    until: Annotated[datetime | None, Query(description="excluded")] = None,
    q: Annotated[str, Query(max_length=200, description="a part of a name or of a value")] = "",
) -> AuditFilter:
    """Which entries."""
    return AuditFilter(
        actor_id=actor_id, action=action, object_kind=kind, object_id=object_id, since=since, until=until, q=q
    )


Asked = Annotated[AuditFilter, Depends(asked)]


@router.get("")
def list_entries(
    who: CurrentPrincipal,
    session: TenantSession,
    where: Asked,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> Page[AuditView]:
    """Who changed what, newest first."""
    return audit.list_entries(session, who, where, limit=limit, cursor=cursor)


@router.get("/words")
def words(who: CurrentPrincipal, session: TenantSession) -> AuditWords:
    """People, actions and kinds that stand in the log, for filters."""
    return audit.words(session, who)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}, "application/x-ndjson": {}}}},
)
def export(
    who: CurrentPrincipal,
    services: ServicesDep,
    where: Asked,
    style: Annotated[Literal["csv", "json"], Query(alias="format", description="json: one object a line")] = "csv",
) -> StreamingResponse:
    """The log as a file; that it was exported is written down."""
    lines = audit.export(services.database, who, where, style, clock=services.clock)
    media_type = "text/csv; charset=utf-8" if style == "csv" else "application/x-ndjson"
    name = f"audit-log.{'csv' if style == 'csv' else 'ndjson'}"
    return StreamingResponse(
        lines, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
