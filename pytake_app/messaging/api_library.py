"""Endpoints of the media library."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Query, Response, UploadFile

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page
from pytake_app.messaging import library
from pytake_app.messaging.library import MediaKind
from pytake_app.messaging.schemas import LibraryFile

router = APIRouter(tags=["media"])


@router.get("/media")
def list_uploads(
    who: CurrentPrincipal,
    session: TenantSession,
    kind: MediaKind | None = None,
    q: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Page[LibraryFile]:
    """Files that the organization's people uploaded, newest first."""
    return library.list_uploads(session, who, kind=kind, q=q, limit=limit, cursor=cursor)


@router.post("/media", status_code=201)
def upload(
    who: CurrentPrincipal, session: TenantSession, services: ServicesDep, file: Annotated[UploadFile, File()]
) -> LibraryFile:
    """Keep a file: its id goes into `media_id` of blocks and messages. 422 `media_type`, 413 `media_too_large`.

    413 `media_quota` when the organization's library is full, 507 `storage_full` when the disk is.
    """
    return library.store(
        session,
        who,
        file.file,
        filename=file.filename or "",
        data_dir=services.settings.data_dir,
        quota=services.settings.media_quota_mb * 1024**2,
        clock=services.clock,
    )


@router.delete("/media/{media_id}", status_code=204, response_class=Response)
def delete_upload(media_id: UUID, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> Response:
    """Take a file out of the library; what uses it keeps it. One that nothing uses leaves the disk a week later."""
    library.delete_upload(session, who, media_id, clock=services.clock)
    return Response(status_code=204)
