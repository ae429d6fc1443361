"""Endpoints of flows. `{flow_id}` is an id or a slug."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from pytake_app.api.deps import CurrentPrincipal, Once, ServicesDep, TenantSession
from pytake_app.api.lanes import RunsDep
from pytake_app.core.errors import ConflictError, InvalidError
from pytake_app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page
from pytake_app.engine.analysis.paths import DEFAULT_LIMIT as DEFAULT_PATHS
from pytake_app.engine.analysis.paths import PathsReport
from pytake_app.flows import (
    api_checks,
    api_library,
    api_people,
    api_references,
    api_sessions,
    api_translations,
    api_versions,
    library,
    service,
)
from pytake_app.flows.impact_schemas import ImpactPreview
from pytake_app.flows.listing import Filters, Order
from pytake_app.flows.replay_schemas import DraftReplay, ReplayRequest
from pytake_app.flows.schemas import (
    AppliedEdit,
    DraftSave,
    DraftView,
    EditResult,
    FlowCreate,
    FlowExport,
    FlowSummary,
    FlowUpdate,
    FlowView,
    ImportRequest,
    ImportResult,
    NodeCreate,
    NodeUpdate,
    NodeView,
    OperationsRequest,
    PublishRequest,
    PublishResult,
    RollbackRequest,
    StarterCreate,
    StarterView,
    VerifyRequest,
    VerifyResult,
    VersionDetail,
    VersionView,
)
from pytake_app.flows.stats_schemas import FlowStats

router = APIRouter(tags=["flows"])
MAX_PATHS = 1_000
# Fixed paths (`/flows/sessions/…`, `/flows/start`) before `/flows/{flow_id}`.
router.include_router(api_sessions.router)
router.include_router(api_versions.router)
router.include_router(api_library.router)
router.include_router(api_checks.router)
router.include_router(api_translations.router)
router.include_router(api_references.router)
router.include_router(api_people.router)


@router.get("/flow-templates")
def flow_templates(
    who: CurrentPrincipal, locale: Annotated[str | None, Query(max_length=20)] = None
) -> Page[StarterView]:
    """Ready-made flows to start from."""
    return Page(items=service.list_starters(locale or who.locale))


@router.get("/flows")
def list_flows(
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    q: Annotated[str, Query(max_length=200)] = "",
    status: Literal["draft", "active", "inactive"] | None = None,
    folder: UUID | Literal["none"] | None = None,
    tag: Annotated[str, Query(max_length=40)] = "",
    archived: bool = False,
    errors: bool = False,
    sort: Order = "updated",
    descending: bool = True,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    figures: bool = False,
) -> Page[FlowSummary]:
    """Flows, last changed first. `q` is looked for in names, tags and texts; `folder` includes the folders in it.

    `sessions` and `completion` order by the figures of the last fourteen days.

    With `figures=true` each has its sessions, completion rate and last fourteen days.
    """
    where = Filters(q=q, status=status, folder=folder, tag=tag, archived=archived, errors=errors)
    return service.list_flows(
        session,
        who,
        where=where,
        order=sort,
        descending=descending,
        limit=limit,
        cursor=cursor,
        figures=figures,
        clock=services.clock,
    )


@router.post("/flows", status_code=201, response_model=FlowView)
def create_flow(
    body: FlowCreate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> Any:
    """A new flow: `{name, document}`, or the older `{name, nodes: […]}`."""
    older = body.document is None and body.nodes is not None
    document: object = {"nodes": body.nodes} if older else body.document
    return once.run(
        201,
        lambda: service.create_flow(
            session, who, name=body.name, document=document, pointer="" if older else "/document", clock=services.clock
        ),
    )


@router.post("/flows/import", status_code=201, response_model=ImportResult)
def import_flow(
    body: ImportRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> Any:
    """New flows from an export of ours, a document, the older shape, or a file of Typebot or RapidPro.

    The kind of file is recognised by its shape. The answer is the (first) new flow; `flows` lists all of them and
    `report` says what was translated, approximated or left out. 422 `invalid_document` says why a file can't be read.
    """
    return once.run(
        201,
        lambda: service.import_flow(session, who, document=body.document, name=body.name, clock=services.clock),
    )


@router.post("/flows/from-template", status_code=201, response_model=FlowView)
def create_from_template(
    body: StarterCreate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> Any:
    """A new flow from one of `/flow-templates`."""
    return once.run(
        201,
        lambda: service.create_from_starter(
            session,
            who,
            starter=body.starter,
            name=body.name,
            locale=body.locale,
            translations=body.translations,
            clock=services.clock,
        ),
    )


@router.get("/flows/{flow_id}")
def get_flow(flow_id: str, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> FlowView:
    """A flow with its draft."""
    return service.get_flow(session, who, flow_id, clock=services.clock)


@router.patch("/flows/{flow_id}")
def update_flow(
    flow_id: str, body: FlowUpdate, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> FlowView:
    """Rename (the slug stays), move to a folder, tag."""
    changes = body.model_dump(exclude_unset=True)
    if not changes:
        raise InvalidError("There is nothing to change.")
    found = library.update_flow(session, who, flow_id, changes, clock=services.clock)
    return service.get_flow(session, who, found, clock=services.clock)


@router.delete("/flows/{flow_id}", status_code=204)
def delete_flow(
    flow_id: str,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    interrupt_sessions: bool = False,
) -> Response:
    """Take the flow away. 409 `sessions_running` unless its sessions may be interrupted."""
    service.delete_flow(session, who, flow_id, interrupt_sessions=interrupt_sessions, clock=services.clock)
    return Response(status_code=204)


@router.post("/flows/{flow_id}/duplicate", status_code=201, response_model=FlowView)
def duplicate_flow(
    flow_id: str, who: CurrentPrincipal, session: TenantSession, services: ServicesDep, once: Once
) -> Any:
    """A copy of the draft as a new flow."""
    return once.run(201, lambda: service.duplicate_flow(session, who, flow_id, clock=services.clock))


@router.get("/flows/{flow_id}/draft")
def get_draft(flow_id: str, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> DraftView:
    """The draft alone."""
    return service.get_flow(session, who, flow_id, clock=services.clock).draft


@router.put("/flows/{flow_id}/draft")
def save_draft(
    flow_id: str, body: DraftSave, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> EditResult:
    """Replace the whole draft. 409 `stale_revision` when it has moved on since `expected_revision`."""
    return service.save_draft(
        session,
        who,
        flow_id,
        expected_revision=body.expected_revision,
        document=body.document,
        clock=services.clock,
    )


@router.post("/flows/{flow_id}/operations")
def apply_operations(
    flow_id: str, body: OperationsRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> EditResult:
    """Edit the draft, one undo step; on top of what others did meanwhile, unless they changed the same thing."""
    return service.apply_operations(
        session,
        who,
        flow_id,
        body.operations,
        expected_revision=body.expected_revision,
        cid=body.cid,
        clock=services.clock,
    )


@router.get("/flows/{flow_id}/edits")
def edits_since(
    flow_id: str, who: CurrentPrincipal, session: TenantSession, since: Annotated[int, Query(ge=0)]
) -> Page[AppliedEdit]:
    """Edits after a revision, oldest first. 409 `stale_revision` when the journal doesn't reach back that far."""
    edits = service.edits_since(session, who, flow_id, since)
    if edits is None:
        raise ConflictError("The draft has moved on too far; load it again.", code="stale_revision")
    return Page(items=edits)


@router.post("/flows/{flow_id}/undo")
def undo(flow_id: str, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> EditResult:
    """Take back the latest edit."""
    return service.undo(session, who, flow_id, clock=services.clock)


@router.post("/flows/{flow_id}/redo")
def redo(flow_id: str, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> EditResult:
    """Take back the latest undo."""
    return service.redo(session, who, flow_id, clock=services.clock)


@router.post("/flows/{flow_id}/verify")
def verify_flow(
    flow_id: str, who: CurrentPrincipal, session: TenantSession, body: VerifyRequest | None = None
) -> VerifyResult:
    """What the verifier says of the draft; with `operations`, of the draft as they would leave it, changing nothing.

    409 `stale_revision` when the draft is no longer at `expected_revision`.
    """
    return service.verify_flow(session, who, flow_id, body)


@router.get("/flows/{flow_id}/paths", response_model=PathsReport)
async def flow_paths(
    flow_id: str,
    who: CurrentPrincipal,
    runs: RunsDep,
    limit: Annotated[int, Query(ge=1, le=MAX_PATHS)] = DEFAULT_PATHS,
    conversations: bool = True,
) -> Any:
    """Every loop-free path of the draft up to `limit`, with a test conversation each, and what they cover.

    `conversations=false` answers the paths alone, which is quicker.
    """
    return await runs.answer(
        lambda session: service.flow_paths(session, who, flow_id, limit=limit, conversations=conversations)
    )


@router.post("/flows/{flow_id}/publish")
def publish_flow(
    flow_id: str, body: PublishRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> PublishResult:
    """Freeze the draft as the next version, live at once. 422 `flow_has_errors` names the nodes.

    `impact` moves or ends sessions in progress in the same transaction; 422 `invalid_impact` when they can't be moved
    there. Without it they finish on their own version. 409 `tests_failed` when test cases of the flow fail, unless
    `allow_failing_tests`; the version then remembers which did.
    """
    return service.publish_flow(
        session,
        who,
        flow_id,
        expected_revision=body.expected_revision,
        expected_live=body.expected_live,
        note=body.note,
        choice=body.impact,
        allow_failing_tests=body.allow_failing_tests,
        clock=services.clock,
    )


@router.get("/flows/{flow_id}/impact")
def publish_impact(flow_id: str, who: CurrentPrincipal, session: TenantSession) -> ImpactPreview:
    """What publishing the draft would mean for sessions in progress: where they wait, and where they could go on."""
    return service.publish_impact(session, who, flow_id)


@router.post("/flows/{flow_id}/replay", response_model=DraftReplay)
async def replay_draft(flow_id: str, body: ReplayRequest, who: CurrentPrincipal, runs: RunsDep) -> Any:
    """Play stored real conversations against the draft; the first divergence of each. Nothing is sent or stored."""
    return await runs.answer(
        lambda session: service.replay_draft(session, who, flow_id, limit=body.sessions, session_ids=body.session_ids)
    )


@router.post("/flows/{flow_id}/rollback")
def rollback_flow(
    flow_id: str, body: RollbackRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> PublishResult:
    """Publish an older version again."""
    return service.rollback_flow(
        session,
        who,
        flow_id,
        version=body.version,
        expected_live=body.expected_live,
        note=body.note,
        clock=services.clock,
    )


@router.post("/flows/{flow_id}/activate")
def activate_flow(flow_id: str, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> FlowView:
    """Let its triggers answer."""
    return service.activate_flow(session, who, flow_id, clock=services.clock)


@router.post("/flows/{flow_id}/deactivate")
def deactivate_flow(flow_id: str, who: CurrentPrincipal, session: TenantSession, services: ServicesDep) -> FlowView:
    """Stop its triggers; running sessions go on."""
    return service.deactivate_flow(session, who, flow_id, clock=services.clock)


@router.get("/flows/{flow_id}/versions")
def list_versions(flow_id: str, who: CurrentPrincipal, session: TenantSession) -> Page[VersionView]:
    """Every version, newest first."""
    return Page(items=service.list_versions(session, who, flow_id))


@router.get("/flows/{flow_id}/versions/{version}")
def get_version(flow_id: str, version: int, who: CurrentPrincipal, session: TenantSession) -> VersionDetail:
    """One version with its document."""
    return service.get_version(session, who, flow_id, version)


@router.get("/flows/{flow_id}/export")
def export_flow(
    flow_id: str,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    version: Annotated[int | None, Query(ge=1)] = None,
) -> FlowExport:
    """The draft, or one version, as a file that `/flows/import` reads."""
    return service.export_flow(session, who, flow_id, version=version, clock=services.clock)


@router.get("/flows/{flow_id}/stats")
def flow_stats(
    flow_id: str,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    days: Annotated[int, Query(ge=1, le=92)] = 30,
    version: Annotated[int | None, Query(ge=1)] = None,
    channel: Annotated[str | None, Query(max_length=100)] = None,
) -> FlowStats:
    """Funnel of the sessions that began in the period: visits, exits, drop-off and times of each node.

    `channel`: a channel account's id, a kind of channel, `real` (all but the sandbox phone), or `all`; without it
    `real`, or `all` while there is nothing but the sandbox.
    """
    return service.flow_stats(session, who, flow_id, days=days, version=version, channel=channel, clock=services.clock)


@router.get("/flows/{flow_id}/nodes")
def list_nodes(flow_id: str, who: CurrentPrincipal, session: TenantSession) -> Page[NodeView]:
    """The draft's nodes."""
    return Page(items=service.list_nodes(session, who, flow_id))


@router.post("/flows/{flow_id}/nodes", status_code=201, response_model=NodeView)
def add_node(
    flow_id: str,
    body: NodeCreate,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    once: Once,
) -> Any:
    """Add a node to the draft."""
    return once.run(201, lambda: service.add_node(session, who, flow_id, body, clock=services.clock))


@router.get("/flows/{flow_id}/nodes/{node_id}")
def get_node(flow_id: str, node_id: str, who: CurrentPrincipal, session: TenantSession) -> NodeView:
    """One node of the draft."""
    return service.get_node(session, who, flow_id, node_id)


@router.patch("/flows/{flow_id}/nodes/{node_id}")
def update_node(
    flow_id: str,
    node_id: str,
    body: NodeUpdate,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
) -> NodeView:
    """Change a node: `config` is merged key by key, null deletes a key."""
    if not body.model_fields_set:
        raise InvalidError("There is nothing to change.")
    return service.update_node(session, who, flow_id, node_id, body, clock=services.clock)


@router.delete("/flows/{flow_id}/nodes/{node_id}", status_code=204)
def delete_node(
    flow_id: str, node_id: str, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> Response:
    """Delete a node of the draft with its edges."""
    service.delete_node(session, who, flow_id, node_id, clock=services.clock)
    return Response(status_code=204)
