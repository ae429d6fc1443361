"""Folders, tags, archive, saved views, and one action on many flows."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.accounts.limits import Resource, require_room
from pytake_app.core.clock import Clock
from pytake_app.core.errors import ConflictError, FieldError, InvalidError, NotFoundError, ProblemError
from pytake_app.core.ids import new_id
from pytake_app.core.live import poke
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, scoped
from pytake_app.flows import catalog, documents, listing, publishing, repository
from pytake_app.flows.library_schemas import (
    BulkFailure,
    BulkRequest,
    BulkResult,
    FolderView,
    LibraryView,
    ListFilters,
    ListViewView,
    TagCount,
)
from pytake_app.flows.models import Flow, FlowFolder, FlowListView

MAX_FOLDERS = 500
MAX_DEPTH = 5
MAX_TAGS = 20
MAX_TAG_LENGTH = 40
MAX_VIEWS = 50
MAX_ARCHIVE_FLOWS = 200


def overview(session: Session, principal: Principal, *, clock: Clock) -> LibraryView:
    """Folders, tags and counts over all flows."""
    principal.require(Role.VIEWER)
    counts = listing.tally(session, clock.now())
    return LibraryView(
        folders=[
            FolderView(
                id=folder.id, parent_id=folder.parent_id, name=folder.name, flows=counts.folders.get(folder.id, 0)
            )
            for folder in listing.folders(session)
        ],
        tags=[TagCount(tag=tag, flows=number) for tag, number in sorted(counts.tags.items())],
        statuses=counts.statuses,
        unfiled=counts.folders.get(None, 0),
        archived=sum(counts.archived.values()),
        archived_statuses=counts.archived,
        errors=counts.errors,
        running_sessions=counts.running,
        sessions_week=counts.week,
    )


def create_folder(
    session: Session, principal: Principal, *, name: str, parent_id: UUID | None, clock: Clock
) -> FolderView:
    """A new folder.

    Raises:
        NotFoundError: no such parent.
        ConflictError: code `folder_exists`, `too_many_folders` or `too_deep`.
    """
    principal.needs(Permission.FLOWS_EDIT)
    every = _lock(session)
    if len(every) >= MAX_FOLDERS:
        raise ConflictError(f"There can be {MAX_FOLDERS} folders.", code="too_many_folders")
    folder = FlowFolder(id=new_id(), organization_id=organization_of(session), name=_name(name), created_at=clock.now())
    _place(every, folder, parent_id)
    return _store(session, folder)


def update_folder(
    session: Session, principal: Principal, folder_id: UUID, *, name: str | None, move: bool, parent_id: UUID | None
) -> FolderView:
    """Rename a folder, or with `move` put it into `parent_id` (None: to the top).

    Raises:
        NotFoundError: no such folder or parent.
        ConflictError: code `folder_exists`, `too_deep`, or `folder_inside_itself`.
    """
    principal.needs(Permission.FLOWS_EDIT)
    every = _lock(session)
    folder = _find(every, folder_id)
    if name is not None:
        folder.name = _name(name)
    _place(every, folder, parent_id if move else folder.parent_id)
    return _store(session, folder)


def delete_folder(session: Session, principal: Principal, folder_id: UUID) -> None:
    """Take a folder away; what lies in it, flows and folders, moves up to where it was."""
    principal.needs(Permission.FLOWS_EDIT)
    every = _lock(session)
    folder = _find(every, folder_id)
    taken = {documents.folded(other.name) for other in every if other.parent_id == folder.parent_id}
    for child in [other for other in every if other.parent_id == folder_id]:
        child.parent_id = folder.parent_id
        while documents.folded(child.name) in taken - {documents.folded(folder.name)}:
            child.name = f"{child.name} (2)"
        session.add(child)
    mine = col(Flow.organization_id) == organization_of(session)
    session.execute(sa.update(Flow).where(mine, col(Flow.folder_id) == folder_id).values(folder_id=folder.parent_id))
    session.flush()
    session.delete(folder)
    session.flush()
    _announce(session)


def update_flow(
    session: Session, principal: Principal, ref: UUID | str, changes: dict[str, Any], *, clock: Clock
) -> UUID:
    """Change what the list keeps of a flow: `folder_id`, `tags`; and its `name`, which is an edit of the draft.

    Raises:
        NotFoundError: no such flow or folder.
        InvalidError: a tag is empty or too long, or there are too many.
    """
    principal.needs(Permission.FLOWS_EDIT)
    # Folders before flows, as whoever takes a folder away: the other way round they would wait for each other.
    folder_id = _folder(session, changes.get("folder_id"))
    if changes.get("name") is not None:
        catalog.rename_flow(session, principal, ref, changes["name"], clock=clock)
    flow = repository.find(session, ref, lock=True)
    if "folder_id" in changes:
        flow.folder_id = folder_id
    if changes.get("tags") is not None:
        flow.tags = clean_tags(changes["tags"])
    session.add(flow)
    session.flush()
    _announce(session)
    return flow.id


def clean_tags(tags: Sequence[str]) -> list[str]:
    """Trimmed, without repetitions (accents and case aside), at most `MAX_TAGS`.

    Raises:
        InvalidError: one is empty or too long, or there are too many.
    """
    found: dict[str, str] = {}
    for index, tag in enumerate(tags):
        clean = " ".join(tag.split())
        if not clean or len(clean) > MAX_TAG_LENGTH:
            raise InvalidError(
                f"A tag has 1 to {MAX_TAG_LENGTH} characters.",
                errors=[FieldError(f"/tags/{index}", "too long or empty", "invalid_tag")],
                code="invalid_tag",
            )
        found.setdefault(documents.folded(clean), clean)
    if len(found) > MAX_TAGS:
        raise InvalidError(f"A flow has at most {MAX_TAGS} tags.", code="too_many_tags")
    return list(found.values())


def archive(session: Session, principal: Principal, ref: UUID | str, *, clock: Clock) -> UUID:
    """Put a flow out of the way: its triggers stop, running sessions go on."""
    principal.needs(Permission.FLOWS_EDIT)
    flow = repository.find(session, ref, lock=True)
    if flow.status == "active":
        principal.needs(Permission.FLOWS_PUBLISH)
    flow.archived_at = flow.archived_at or clock.now()
    if flow.status == "active":
        flow.status = "inactive"
    session.add(flow)
    session.flush()
    publishing.announce(session, flow, "flow_archived")
    return flow.id


def unarchive(session: Session, principal: Principal, ref: UUID | str, *, activate: bool, clock: Clock) -> UUID:
    """Bring an archived flow back, switched off unless `activate`."""
    principal.needs(Permission.FLOWS_EDIT)
    flow = repository.find(session, ref, lock=True)
    return _back(session, principal, flow, "flow_unarchived", activate=activate, clock=clock)


def restore(session: Session, principal: Principal, flow_id: UUID, *, activate: bool, clock: Clock) -> UUID:
    """Bring a deleted flow back, switched off unless `activate`. Sessions that were interrupted stay so.

    Raises:
        NotFoundError: no such flow was deleted.
    """
    principal.needs(Permission.FLOWS_EDIT)
    statement = scoped(session, Flow).where(Flow.id == flow_id, col(Flow.deleted_at).is_not(None))
    flow = session.exec(statement.with_for_update(key_share=True)).one_or_none()
    if flow is None:
        raise NotFoundError("There is no such deleted flow.", code="flow_not_found")
    require_room(session, Resource.FLOWS, clock=clock)
    flow.deleted_at = None
    wanted = flow.slug.removesuffix(f"~{flow.id.hex}")
    flow.slug = documents.free_slug(wanted, repository.slugs_like(session, wanted) - {flow.slug})
    if flow.live_version is None:
        flow.status = "draft"
    return _back(session, principal, flow, "flow_restored", activate=activate, clock=clock)


def bulk(session: Session, principal: Principal, request: BulkRequest, *, clock: Clock) -> BulkResult:
    """One action on many flows; each in a savepoint of its own.

    Raises:
        NotFoundError: no such folder to move to.
        InvalidError: no tag was given.
    """
    principal.needs(Permission.FLOWS_EDIT, Permission.FLOWS_PUBLISH)
    if request.action not in ("activate", "deactivate"):
        principal.needs(Permission.FLOWS_EDIT)
    if request.action == "move":
        _folder(session, request.folder_id)
    tag = clean_tags([request.tag])[0] if request.action in ("tag", "untag") else ""
    done: list[UUID] = []
    failed: list[BulkFailure] = []
    for flow_id in dict.fromkeys(request.ids):
        try:
            with session.begin_nested():
                _act(session, principal, flow_id, request, tag, clock)
            done.append(flow_id)
        except ProblemError as problem:
            failed.append(BulkFailure(id=flow_id, code=problem.code))
    _announce(session)
    return BulkResult(done=done, failed=failed)


def _act(session: Session, principal: Principal, flow_id: UUID, request: BulkRequest, tag: str, clock: Clock) -> None:
    match request.action:
        case "move":
            update_flow(session, principal, flow_id, {"folder_id": request.folder_id}, clock=clock)
        case "tag" | "untag":
            flow = repository.find(session, flow_id, lock=True)
            others = [known for known in flow.tags if documents.folded(known) != documents.folded(tag)]
            flow.tags = clean_tags([*others, tag] if request.action == "tag" else others)
            session.add(flow)
            session.flush()
        case "activate" | "deactivate":
            publishing.set_active(session, principal, flow_id, active=request.action == "activate", clock=clock)
        case "archive":
            archive(session, principal, flow_id, clock=clock)
        case "unarchive":
            unarchive(session, principal, flow_id, activate=False, clock=clock)
        case "delete":
            catalog.delete_flow(session, principal, flow_id, interrupt_sessions=request.interrupt_sessions, clock=clock)
        case "restore":
            restore(session, principal, flow_id, activate=False, clock=clock)


def export_archive(session: Session, principal: Principal, ids: Sequence[UUID], *, clock: Clock) -> bytes:
    """The drafts of several flows, each as its export file, in a ZIP archive.

    Raises:
        NotFoundError: one isn't there.
    """
    principal.require(Role.VIEWER)
    if len(ids) > MAX_ARCHIVE_FLOWS:
        raise InvalidError(f"At most {MAX_ARCHIVE_FLOWS} flows at once.", code="too_many_flows")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive_file:
        for flow_id in dict.fromkeys(ids):
            export = catalog.export_flow(session, principal, flow_id, version=None, clock=clock)
            content = orjson.dumps(export.model_dump(mode="json"), option=orjson.OPT_INDENT_2)
            archive_file.writestr(f"{export.slug}.json", content)
    return target.getvalue()


def list_views(session: Session, principal: Principal) -> list[ListViewView]:
    """The caller's saved views, oldest first."""
    principal.require(Role.VIEWER)
    statement = scoped(session, FlowListView).where(FlowListView.user_id == principal.user_id)
    return [_view(view) for view in session.exec(statement.order_by(col(FlowListView.id)))]


def save_view(session: Session, principal: Principal, *, name: str, filters: ListFilters, clock: Clock) -> ListViewView:
    """Keep filters under a name; the same name again replaces them.

    Raises:
        ConflictError: code `too_many_views`.
    """
    principal.require(Role.VIEWER)
    clean = _name(name)
    mine = list(session.exec(scoped(session, FlowListView).where(FlowListView.user_id == principal.user_id)))
    view = next((known for known in mine if documents.folded(known.name) == documents.folded(clean)), None)
    if view is None:
        if len(mine) >= MAX_VIEWS:
            raise ConflictError(f"There can be {MAX_VIEWS} saved views.", code="too_many_views")
        view = FlowListView(
            id=new_id(),
            organization_id=organization_of(session),
            user_id=principal.user_id,
            name=clean,
            created_at=clock.now(),
        )
    view.name, view.filters = clean, filters.model_dump(mode="json")
    session.add(view)
    session.flush()
    return _view(view)


def delete_view(session: Session, principal: Principal, view_id: UUID) -> None:
    """Forget a saved view of the caller.

    Raises:
        NotFoundError: they have none with this id.
    """
    principal.require(Role.VIEWER)
    statement = scoped(session, FlowListView).where(
        FlowListView.id == view_id, FlowListView.user_id == principal.user_id
    )
    view = session.exec(statement).one_or_none()
    if view is None:
        raise NotFoundError("There is no such view.", code="view_not_found")
    session.delete(view)
    session.flush()


def _view(view: FlowListView) -> ListViewView:
    return ListViewView(id=view.id, name=view.name, filters=ListFilters.model_validate(view.filters))


def _back(session: Session, principal: Principal, flow: Flow, event: str, *, activate: bool, clock: Clock) -> UUID:
    flow.archived_at = None
    flow.updated_at = clock.now()
    session.add(flow)
    session.flush()
    publishing.announce(session, flow, event)
    if activate and flow.live_version is not None:
        publishing.set_active(session, principal, flow.id, active=True, clock=clock)
    return flow.id


def _name(name: str) -> str:
    clean = " ".join(name.split())
    if not clean:
        raise InvalidError("A name is needed.", errors=[FieldError("/name", "must not be empty", "empty")])
    return clean


def _lock(session: Session) -> list[FlowFolder]:
    """Every folder; others who change folders wait until this transaction ends."""
    key = f"flow folders {organization_of(session)}"
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(key))))
    return listing.folders(session)


def _find(every: Sequence[FlowFolder], folder_id: UUID) -> FlowFolder:
    found = next((folder for folder in every if folder.id == folder_id), None)
    if found is None:
        raise NotFoundError("There is no such folder.", code="folder_not_found")
    return found


def _folder(session: Session, folder_id: UUID | None) -> UUID | None:
    """A folder to put something into; it stays until this transaction ends."""
    return None if folder_id is None else _find(_lock(session), folder_id).id


def _place(every: list[FlowFolder], folder: FlowFolder, parent_id: UUID | None) -> None:
    if parent_id is not None:
        _find(every, parent_id)
        if parent_id in listing.within(every, folder.id):
            raise ConflictError("A folder can't be inside itself.", code="folder_inside_itself")
        if _depth(every, parent_id) + _height(every, folder.id) > MAX_DEPTH:
            raise ConflictError(f"Folders go {MAX_DEPTH} levels deep.", code="too_deep")
    wanted = documents.folded(folder.name)
    if any(f.id != folder.id and f.parent_id == parent_id and documents.folded(f.name) == wanted for f in every):
        raise ConflictError("There is a folder of this name here.", code="folder_exists")
    folder.parent_id = parent_id


def _depth(every: Sequence[FlowFolder], folder_id: UUID) -> int:
    parents = {folder.id: folder.parent_id for folder in every}
    depth, at = 0, parents.get(folder_id)
    while at is not None:
        depth, at = depth + 1, parents.get(at)
    return depth + 1


def _height(every: Sequence[FlowFolder], folder_id: UUID) -> int:
    children = [folder.id for folder in every if folder.parent_id == folder_id]
    return 1 + max((_height(every, child) for child in children), default=0)


def _store(session: Session, folder: FlowFolder) -> FolderView:
    session.add(folder)
    session.flush()
    _announce(session)
    return FolderView(id=folder.id, parent_id=folder.parent_id, name=folder.name)


def _announce(session: Session) -> None:
    poke(session, f"org:{organization_of(session)}:flows", {"event": "flow_library"})
