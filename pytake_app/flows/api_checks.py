"""Endpoints of checking and trying out: previews, test cases, paths, mends, looks. Included by `flows.api`."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from sqlmodel import Session

from pytake_app.api.deps import CurrentPrincipal, ServicesDep, TenantSession
from pytake_app.api.lanes import CALLING, RunsDep, calls
from pytake_app.channels.capabilities import ChannelKind
from pytake_app.core.pagination import Page
from pytake_app.flows import service
from pytake_app.flows.checking_schemas import ChannelLooks, MendRequest, MendResult, PathRequest, PathScript, PathsView
from pytake_app.flows.preview_schemas import CallResult, PreviewRequest, PreviewResult
from pytake_app.flows.testcase_schemas import NewTestCase, TestCaseUpdate, TestCaseView, TestRun, TestRunRequest

router = APIRouter(tags=["flows"])
MAX_CHECKED_PATHS = 200


@router.post("/flows/{flow_id}/test", response_model=PreviewResult)
async def preview_flow(flow_id: str, body: PreviewRequest, who: CurrentPrincipal, runs: RunsDep) -> Any:
    """Play a script of inputs in memory on the production engine; nothing is sent or stored.

    Like every run here it has a share of the processor: 422 `run_too_long`, 429 `rate_limited` or `too_busy`.
    """
    return await runs.answer(lambda session: service.preview_flow(session, who, flow_id, body))


@router.post("/flows/{flow_id}/test/call", dependencies=[Depends(calls)])
async def preview_call(flow_id: str, body: PreviewRequest, who: CurrentPrincipal, services: ServicesDep) -> CallResult:
    """Make the call that the script stops at, in earnest and once; its answer goes into the script as `answer`.

    409 `no_pending_call` when the script doesn't wait for one. Guarded like the calls of production.
    """
    return await CALLING.run(who.organization_id, lambda: service.preview_call(services, who, flow_id, body))


@router.get("/flows/{flow_id}/test-cases")
def list_test_cases(flow_id: str, who: CurrentPrincipal, session: TenantSession) -> Page[TestCaseView]:
    """The flow's test cases, oldest first."""
    return Page(items=service.list_test_cases(session, who, flow_id))


@router.post("/flows/{flow_id}/test-cases", status_code=201, response_model=TestCaseView)
async def create_test_case(
    flow_id: str, body: NewTestCase, who: CurrentPrincipal, services: ServicesDep, runs: RunsDep
) -> Any:
    """Save a conversation; what the draft answers now is expected from now on. 409 `test_case_exists`."""
    clock = services.clock
    return await runs.answer(
        lambda session: service.create_test_case(session, who, flow_id, body, clock=clock), status=201
    )


@router.post("/flows/{flow_id}/test-cases/run", response_model=TestRun)
async def run_test_cases(flow_id: str, body: TestRunRequest, who: CurrentPrincipal, runs: RunsDep) -> Any:
    """Play test cases on the draft or the live version, and say what came otherwise. Nothing is stored."""
    return await runs.answer(lambda session: service.run_test_cases(session, who, flow_id, body))


@router.patch("/flows/{flow_id}/test-cases/{case_id}", response_model=TestCaseView)
async def update_test_case(
    flow_id: str, case_id: UUID, body: TestCaseUpdate, who: CurrentPrincipal, services: ServicesDep, runs: RunsDep
) -> Any:
    """Rename, replace the script, or `accept` what the draft answers now."""
    clock = services.clock
    return await runs.answer(
        lambda session: service.update_test_case(session, who, flow_id, case_id, body, clock=clock)
    )


@router.delete("/flows/{flow_id}/test-cases/{case_id}", status_code=204)
def delete_test_case(flow_id: str, case_id: UUID, who: CurrentPrincipal, session: TenantSession) -> Response:
    """Forget a test case."""
    service.delete_test_case(session, who, flow_id, case_id)
    return Response(status_code=204)


@router.get("/flows/{flow_id}/check/paths", response_model=PathsView)
async def checked_paths(
    flow_id: str,
    who: CurrentPrincipal,
    runs: RunsDep,
    limit: Annotated[int, Query(ge=1, le=MAX_CHECKED_PATHS)] = 40,
) -> Any:
    """Loop-free paths of the draft, each with a script for `/test` that takes it, and what it costs."""
    return await runs.answer(lambda session: service.checked_paths(session, who, flow_id, limit=limit))


@router.post("/flows/{flow_id}/check/path", response_model=PathScript)
async def path_script(flow_id: str, body: PathRequest, who: CurrentPrincipal, runs: RunsDep) -> Any:
    """A script for `/test` that takes the draft along one path."""

    def found(session: Session) -> PathScript:
        script, reason = service.path_script(session, who, flow_id, body.steps)
        return PathScript(script=script, reason=reason)

    return await runs.answer(found)


@router.get("/flows/{flow_id}/check/channels", response_model=ChannelLooks)
async def channel_looks(
    flow_id: str,
    who: CurrentPrincipal,
    runs: RunsDep,
    channel: Annotated[list[ChannelKind] | None, Query(max_length=12)] = None,
) -> Any:
    """How the draft's messages look on these channels, where not as they are drawn."""
    return await runs.answer(lambda session: service.channel_looks(session, who, flow_id, channel or ["whatsapp"]))


@router.post("/flows/{flow_id}/check/mend")
def mend_all(
    flow_id: str, body: MendRequest, who: CurrentPrincipal, session: TenantSession, services: ServicesDep
) -> MendResult:
    """Do every mend that is safe to do unasked, as one undo step."""
    return service.mend_all(session, who, flow_id, expected_revision=body.expected_revision, clock=services.clock)
