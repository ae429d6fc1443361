"""Endpoints of checking and trying out: previews, test cases, paths, mends, looks. Included by `flows.api`."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from pytake_app.api.deps import CurrentPrincipal, Once, ServicesDep, TenantSession
from pytake_app.channels.capabilities import ChannelKind
from pytake_app.core.pagination import Page
from pytake_app.flows import service
from pytake_app.flows.checking_schemas import ChannelLooks, MendRequest, MendResult, PathRequest, PathScript, PathsView
from pytake_app.flows.preview_schemas import CallResult, PreviewRequest, PreviewResult
from pytake_app.flows.testcase_schemas import NewTestCase, TestCaseUpdate, TestCaseView, TestRun, TestRunRequest

router = APIRouter(tags=["flows"])
MAX_CHECKED_PATHS = 200


@router.post("/flows/{flow_id}/test")
def preview_flow(flow_id: str, body: PreviewRequest, who: CurrentPrincipal, session: TenantSession) -> PreviewResult:
    """Play a script of inputs in memory on the production engine; nothing is sent or stored."""
    return service.preview_flow(session, who, flow_id, body)


@router.post("/flows/{flow_id}/test/call")
def preview_call(flow_id: str, body: PreviewRequest, who: CurrentPrincipal, services: ServicesDep) -> CallResult:
    """Make the call that the script stops at, in earnest and once; its answer goes into the script as `answer`.

    409 `no_pending_call` when the script doesn't wait for one. Guarded like the calls of production.
    """
    return service.preview_call(services, who, flow_id, body)


@router.get("/flows/{flow_id}/test-cases")
def list_test_cases(flow_id: str, who: CurrentPrincipal, session: TenantSession) -> Page[TestCaseView]:
    """The flow's test cases, oldest first."""
    return Page(items=service.list_test_cases(session, who, flow_id))


@router.post("/flows/{flow_id}/test-cases", status_code=201, response_model=TestCaseView)
def create_test_case(
    flow_id: str,
    body: NewTestCase,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
    once: Once,
) -> Any:
    """Save a conversation; what the draft answers now is expected from now on. 409 `test_case_exists`."""
    return once.run(201, lambda: service.create_test_case(session, who, flow_id, body, clock=services.clock))


@router.post("/flows/{flow_id}/test-cases/run")
def run_test_cases(flow_id: str, body: TestRunRequest, who: CurrentPrincipal, session: TenantSession) -> TestRun:
    """Play test cases on the draft or the live version, and say what came otherwise. Nothing is stored."""
    return service.run_test_cases(session, who, flow_id, body)


@router.patch("/flows/{flow_id}/test-cases/{case_id}")
def update_test_case(
    flow_id: str,
    case_id: UUID,
    body: TestCaseUpdate,
    who: CurrentPrincipal,
    session: TenantSession,
    services: ServicesDep,
) -> TestCaseView:
    """Rename, replace the script, or `accept` what the draft answers now."""
    return service.update_test_case(session, who, flow_id, case_id, body, clock=services.clock)


@router.delete("/flows/{flow_id}/test-cases/{case_id}", status_code=204)
def delete_test_case(flow_id: str, case_id: UUID, who: CurrentPrincipal, session: TenantSession) -> Response:
    """Forget a test case."""
    service.delete_test_case(session, who, flow_id, case_id)
    return Response(status_code=204)


@router.get("/flows/{flow_id}/check/paths")
def checked_paths(
    flow_id: str,
    who: CurrentPrincipal,
    session: TenantSession,
    limit: Annotated[int, Query(ge=1, le=MAX_CHECKED_PATHS)] = 40,
) -> PathsView:
    """Loop-free paths of the draft, each with a script for `/test` that takes it, and what it costs."""
    return service.checked_paths(session, who, flow_id, limit=limit)


@router.post("/flows/{flow_id}/check/path")
def path_script(flow_id: str, body: PathRequest, who: CurrentPrincipal, session: TenantSession) -> PathScript:
    """A script for `/test` that takes the draft along one path."""
    script, reason = service.path_script(session, who, flow_id, body.steps)
    return PathScript(script=script, reason=reason)


@router.get("/flows/{flow_id}/check/channels")
def channel_looks(
    flow_id: str,
    who: CurrentPrincipal,
    session: TenantSession,
    channel: Annotated[list[ChannelKind] | None, Query(max_length=12)] = None,
) -> ChannelLooks:
    """How the draft's messages look on these channels, where not as they are drawn."""
    return service.channel_looks(session, who, flow_id, channel or ["whatsapp"])


@router.post("/flows/{flow_id}/check/mend")
def mend_all(
    flow_id: str, body: MendRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> MendResult:
    """Do every mend that is safe to do unasked, as one undo step."""
    return service.mend_all(session, who, flow_id, expected_revision=body.expected_revision, clock=services.clock)
