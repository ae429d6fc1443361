"""Endpoints of the flow list: folders, tags, archive, saved views, many flows at once."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Query, Response, UploadFile

from pytake_app.api.deps import CurrentPrincipal, Once, ServicesDep, TenantSession
from pytake_app.core.pagination import Page
from pytake_app.core.tenancy import Permission
from pytake_app.flows import importing, library, service
from pytake_app.flows.archives import MAX_ARCHIVE_BYTES
from pytake_app.flows.library_schemas import (
    BulkRequest,
    BulkResult,
    FolderCreate,
    FolderUpdate,
    FolderView,
    LibraryView,
    ListViewCreate,
    ListViewView,
    RestoreRequest,
)
from pytake_app.flows.schemas import ArchiveResult, FlowView

router = APIRouter()


@router.get("/flow-library")
def overview(who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> LibraryView:
    """Folders, tags and counts over all flows."""
    return library.overview(session, who, clock=services.clock)


@router.post("/flow-folders", status_code=201, response_model=FolderView)
def create_folder(
    body: FolderCreate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> Any:
    """A new folder. 409 `folder_exists`, `too_deep`, `too_many_folders`."""
    return once.run(
        201,
        lambda: library.create_folder(session, who, name=body.name, parent_id=body.parent_id, clock=services.clock),
    )


@router.patch("/flow-folders/{folder_id}")
def update_folder(folder_id: UUID, body: FolderUpdate, who: CurrentPrincipal, session: TenantSession) -> FolderView:
    """Rename a folder, or move it: `parent_id` null puts it at the top. 409 `folder_exists`, `folder_inside_itself`."""
    return library.update_folder(
        session,
        who,
        folder_id,
        name=body.name,
        move="parent_id" in body.model_fields_set,
        parent_id=body.parent_id,
    )


@router.delete("/flow-folders/{folder_id}", status_code=204)
def delete_folder(folder_id: UUID, who: CurrentPrincipal, session: TenantSession) -> Response:
    """Take a folder away; flows and folders in it move up."""
    library.delete_folder(session, who, folder_id)
    return Response(status_code=204)


@router.get("/flow-views")
def list_views(who: CurrentPrincipal, session: TenantSession) -> Page[ListViewView]:
    """The caller's saved views of the list."""
    return Page(items=library.list_views(session, who))


@router.post("/flow-views", status_code=201, response_model=ListViewView)
def save_view(
    body: ListViewCreate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> Any:
    """Keep filters under a name; the same name again replaces them."""
    return once.run(
        201, lambda: library.save_view(session, who, name=body.name, filters=body.filters, clock=services.clock)
    )


@router.delete("/flow-views/{view_id}", status_code=204)
def delete_view(view_id: UUID, who: CurrentPrincipal, session: TenantSession) -> Response:
    """Forget a saved view."""
    library.delete_view(session, who, view_id)
    return Response(status_code=204)


@router.get("/flow-archive", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
def export_archive(
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    ids: Annotated[list[UUID], Query(min_length=1, max_length=library.MAX_ARCHIVE_FLOWS)],
) -> Response:
    """The drafts of several flows as one ZIP archive of files that `/flows/import` reads."""
    content = library.export_archive(session, who, ids, clock=services.clock)
    headers = {"Content-Disposition": 'attachment; filename="flows.zip"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/zip", headers=headers)


@router.post("/flow-archive", status_code=201)
def import_archive(
    who: CurrentPrincipal, session: TenantSession, services: ServicesDep, file: Annotated[UploadFile, File()]
) -> ArchiveResult:
    """New flows from a ZIP archive, or from a file too large for `/flows/import`: at most 10 MB.

    Jumps between its flows lead to the new ones. 422 `invalid_archive`, `too_large`.
    """
    who.needs(Permission.FLOWS_EDIT)
    content = file.file.read(MAX_ARCHIVE_BYTES + 1)
    return importing.import_archive(session, who, content, (file.filename or "")[:200], clock=services.clock)


@router.post("/flows/bulk")
def bulk(body: BulkRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> BulkResult:
    """One action on up to 200 flows; the answer says which were done and why others weren't."""
    return library.bulk(session, who, body, clock=services.clock)


@router.post("/flows/{flow_id}/archive")
def archive(flow_id: str, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> FlowView:
    """Put a flow out of the way; it stops answering."""
    found = library.archive(session, who, flow_id, clock=services.clock)
    return service.get_flow(session, who, found, clock=services.clock)


@router.post("/flows/{flow_id}/unarchive")
def unarchive(
    flow_id: str, body: RestoreRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> FlowView:
    """Bring an archived flow back."""
    found = library.unarchive(session, who, flow_id, activate=body.activate, clock=services.clock)
    return service.get_flow(session, who, found, clock=services.clock)


@router.post("/flows/{flow_id}/restore")
def restore(
    flow_id: UUID, body: RestoreRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> FlowView:
    """Bring a deleted flow back. 404 when it wasn't deleted."""
    found = library.restore(session, who, flow_id, activate=body.activate, clock=services.clock)
    return service.get_flow(session, who, found, clock=services.clock)
