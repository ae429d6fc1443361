"""The list of flows, and their life outside the editor: create, rename, duplicate, delete, import, export, nodes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlmodel import Session

from pytake_app.accounts.limits import Resource, require_room
from pytake_app.accounts.service import user_names
from pytake_app.core.clock import Clock
from pytake_app.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.pagination import MAX_LIMIT, Page
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of
from pytake_app.engine.document import SPEC_VERSION, Edge, FlowDocument, Node
from pytake_app.engine.triggers import TriggerSpec
from pytake_app.flows import documents, editing, listing, repository, running, stats, testcase_files, testcases
from pytake_app.flows.models import Flow
from pytake_app.flows.publishing import announce
from pytake_app.flows.schemas import (
    DraftView,
    EditResult,
    FlowExport,
    FlowSummary,
    FlowView,
    NodeCreate,
    NodeUpdate,
    NodeView,
)

JsonObject = dict[str, Any]


def list_flows(
    session: Session,
    principal: Principal,
    *,
    where: listing.Filters,
    order: listing.Order,
    descending: bool,
    limit: int,
    cursor: str | None,
    clock: Clock,
    figures: bool = False,
) -> Page[FlowSummary]:
    """One page of the flows that fit the filters, in order; with `figures`, each with those of `flow_figures`."""
    principal.require(Role.VIEWER)
    limit = min(max(limit, 1), MAX_LIMIT)
    found = listing.rows(
        session,
        where=where,
        order=order,
        descending=descending,
        now=clock.now(),
        limit=limit + 1,
        cursor=cursor,
    )
    page = found[:limit]
    names = user_names(session, {row.flow.draft_updated_by for row in page if row.flow.draft_updated_by})
    after = listing.cursor_after(page[-1], order) if len(found) > limit else None
    items = [_summary(row, names) for row in page]
    if figures:
        known = stats.flow_figures(session, [item.id for item in items], clock=clock)
        items = [item.model_copy(update={"figures": known[item.id]}) for item in items]
    return Page(items=items, next_cursor=after)


def create_flow(
    session: Session, principal: Principal, *, name: str, document: object | None, pointer: str, clock: Clock
) -> FlowView:
    """A new flow with this draft, or with just a start node.

    Parameters:
        pointer: where the document stands in the request, for the pointers of errors.

    Raises:
        InvalidError: code `invalid_document`.
        LimitError: the plan has no room for another flow.
    """
    principal.needs(Permission.FLOWS_EDIT)
    parsed = documents.read(document, pointer=pointer) if document is not None else _empty()
    require_room(session, Resource.FLOWS, clock=clock)
    flow = insert(session, name=name, document=parsed, by=principal.user_id, clock=clock)
    editing.note_errors(session, flow)
    return get_flow(session, principal, flow.id, clock=clock)


def _empty() -> FlowDocument:
    return FlowDocument(nodes=[Node(id="start", type="start")])


def insert(
    session: Session, *, name: str, document: FlowDocument, by: UUID | None, clock: Clock, slug: str | None = None
) -> Flow:
    """Store a new flow; `slug` is made from the name unless given, and made unique either way."""
    stored = documents.stored(document.model_copy(update={"name": name}))
    documents.check_limits(stored)
    wanted = documents.slugify(slug or name)
    now = clock.now()
    flow = Flow(
        id=new_id(),
        organization_id=organization_of(session),
        name=name,
        slug=documents.free_slug(wanted, repository.slugs_like(session, wanted)),
        draft_document=stored,
        search_text=documents.search_text(stored),
        draft_changes=1,
        draft_updated_at=now,
        draft_updated_by=by,
        created_at=now,
        updated_at=now,
    )
    session.add(flow)
    session.flush()
    announce(session, flow, "flow_created")
    return flow


def get_flow(session: Session, principal: Principal, ref: UUID | str, *, clock: Clock) -> FlowView:
    """A flow with its draft."""
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    (row,) = listing.rows(session, now=clock.now(), limit=1, only=flow.id)
    draft = DraftView(
        revision=flow.draft_revision,
        document=flow.draft_document,
        changes=flow.draft_changes,
        updated_at=flow.draft_updated_at,
        updated_by=flow.draft_updated_by,
        can_undo=bool(repository.undoable(session, flow.id, principal.user_id)),
        can_redo=bool(repository.redoable(session, flow.id, principal.user_id)),
    )
    names = user_names(session, {flow.draft_updated_by} if flow.draft_updated_by else ())
    return FlowView(**_summary(row, names).model_dump(), draft=draft)


def _summary(row: repository.FlowRow, names: dict[UUID, str]) -> FlowSummary:
    flow = row.flow
    return FlowSummary.model_validate(
        {
            "id": flow.id,
            "name": flow.name,
            "slug": flow.slug,
            "status": flow.status,
            "live_version": flow.live_version,
            "draft_revision": flow.draft_revision,
            "draft_changes": flow.draft_changes,
            "triggers": [TriggerSpec.model_validate(trigger) for trigger in flow.triggers],
            "node_count": row.node_count,
            "running_sessions": row.running,
            "sessions_week": row.week,
            "folder_id": flow.folder_id,
            "tags": flow.tags,
            "archived_at": flow.archived_at,
            "draft_errors": flow.draft_errors,
            "updated_by": flow.draft_updated_by,
            "updated_by_name": names.get(flow.draft_updated_by, "") if flow.draft_updated_by else "",
            "created_at": flow.created_at,
            "updated_at": flow.updated_at,
        }
    )


def rename_flow(session: Session, principal: Principal, ref: UUID | str, name: str, *, clock: Clock) -> FlowView:
    """Rename; an edit of the draft like others, so that it can be undone. The slug stays."""
    name = name.strip()
    if not name:
        raise InvalidError("A flow needs a name.", errors=[FieldError("/name", "must not be empty", "empty")])
    result = editing.apply_operations(
        session, principal, ref, [{"op": "set_name", "name": name}], expected_revision=None, clock=clock
    )
    return get_flow(session, principal, result.flow_id, clock=clock)


def duplicate_flow(
    session: Session, principal: Principal, ref: UUID | str, *, name: str | None, clock: Clock
) -> FlowView:
    """A copy of the draft, with its translations and test cases, as a new flow, not published."""
    principal.needs(Permission.FLOWS_EDIT)
    flow = repository.find(session, ref)
    document = FlowDocument.model_validate(flow.draft_document)
    require_room(session, Resource.FLOWS, clock=clock)
    copy = insert(session, name=name or f"{flow.name} (2)"[:200], document=document, by=principal.user_id, clock=clock)
    copy.folder_id, copy.tags, copy.draft_errors = flow.folder_id, list(flow.tags), flow.draft_errors
    session.add(copy)
    session.flush()
    testcases.copy(session, principal, flow.id, copy.id, clock=clock)
    return get_flow(session, principal, copy.id, clock=clock)


def delete_flow(
    session: Session, principal: Principal, ref: UUID | str, *, interrupt_sessions: bool, clock: Clock
) -> int:
    """Take the flow away; its versions and the logs of its sessions are kept.

    Parameters:
        interrupt_sessions: end sessions in progress; without it the flow stays when there are any.

    Returns:
        how many sessions were interrupted (each in order with its contact's messages, right after the commit).

    Raises:
        ConflictError: code `sessions_running`.
    """
    principal.needs(Permission.FLOWS_EDIT)
    flow = repository.find(session, ref, lock=True)
    if flow.status == "active":
        principal.needs(Permission.FLOWS_PUBLISH)
    count = sum(number for _node, number in repository.running_by_node(session, flow.id))
    if count and not interrupt_sessions:
        raise ConflictError(
            f"{count} contacts are talking to this flow now; interrupt their sessions to delete it.",
            code="sessions_running",
        )
    interrupted = running.cancel_all_of_flow(session, flow.id, reason="flow deleted", by=principal.user_id, clock=clock)
    now = clock.now()
    flow.deleted_at = flow.updated_at = now
    flow.status = "inactive"
    # The slug becomes free for a new flow, and can still be told in the database.
    flow.slug = f"{flow.slug}~{flow.id.hex}"
    session.add(flow)
    session.flush()
    announce(session, flow, "flow_deleted")
    return interrupted


def export_flow(
    session: Session, principal: Principal, ref: UUID | str, *, version: int | None, clock: Clock
) -> FlowExport:
    """The draft, or one version, as a file that `import_flow` reads."""
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    document = flow.draft_document if version is None else repository.version(session, flow.id, version).document
    return FlowExport(
        id=flow.id,
        spec_version=SPEC_VERSION,
        name=flow.name,
        slug=flow.slug,
        version=version,
        exported_at=clock.now(),
        document=document,
        tests=testcase_files.cases_of(session, flow) if version is None else [],
    )


def list_nodes(session: Session, principal: Principal, ref: UUID | str) -> list[NodeView]:
    """The draft's nodes in document order."""
    principal.require(Role.VIEWER)
    document = FlowDocument.model_validate(repository.find(session, ref).draft_document)
    return [_node(node, document.edges) for node in document.nodes]


def get_node(session: Session, principal: Principal, ref: UUID | str, node_id: str) -> NodeView:
    """One node of the draft.

    Raises:
        NotFoundError: no such node.
    """
    principal.require(Role.VIEWER)
    document = FlowDocument.model_validate(repository.find(session, ref).draft_document)
    node = document.node(node_id)
    if node is None:
        raise NotFoundError("The draft has no such node.", code="node_not_found")
    return _node(node, document.edges)


def add_node(session: Session, principal: Principal, ref: UUID | str, request: NodeCreate, *, clock: Clock) -> NodeView:
    """Add a node to the draft."""
    node = Node.model_validate(
        {**request.model_dump(exclude={"id", "position"}), "id": request.id or f"n_{new_id().hex[-10:]}"}
        | ({"position": request.position} if request.position else {})
    )
    operation = {"op": "add_node", "node": node.model_dump(mode="json")}
    _edit(session, principal, ref, [operation], clock=clock)
    return get_node(session, principal, ref, node.id)


def update_node(
    session: Session, principal: Principal, ref: UUID | str, node_id: str, request: NodeUpdate, *, clock: Clock
) -> NodeView:
    """Change a node of the draft; one undo step."""
    before = get_node(session, principal, ref, node_id)
    operations: list[JsonObject] = []
    if request.title is not None:
        operations.append({"op": "set_title", "id": node_id, "title": request.title})
    if request.config is not None:
        operations.append({"op": "update_config", "id": node_id, "patch": request.config})
    if request.position is not None:
        operations.append({"op": "move_nodes", "positions": {node_id: {**before.position, **request.position}}})
    if operations:
        _edit(session, principal, ref, operations, clock=clock)
    return get_node(session, principal, ref, node_id)


def delete_node(session: Session, principal: Principal, ref: UUID | str, node_id: str, *, clock: Clock) -> None:
    """Delete a node of the draft with its edges."""
    get_node(session, principal, ref, node_id)
    _edit(session, principal, ref, [{"op": "delete_nodes", "ids": [node_id]}], clock=clock)


def _edit(
    session: Session, principal: Principal, ref: UUID | str, operations: list[JsonObject], *, clock: Clock
) -> EditResult:
    return editing.apply_operations(session, principal, ref, operations, expected_revision=None, clock=clock)


def _node(node: Node, edges: list[Edge]) -> NodeView:
    return NodeView(
        id=node.id,
        type=node.type,
        title=node.title,
        config=node.config,
        position=node.position.model_dump(),
        edges={edge.port: edge.target for edge in edges if edge.source == node.id},
    )
