"""Flows: what other rooms call. Every function runs in the caller's transaction and never commits.

`ref` parameters take a flow's id (UUID or its text) or its slug. Mutations need `org_admin`, reading needs `viewer`.
Raised throughout: `NotFoundError` (no such flow, or another tenant's), `ForbiddenError`. What each function raises
besides stands at the function it calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import Session

from pytake_app.channels.capabilities import ChannelKind
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.pagination import DEFAULT_LIMIT, Page
from pytake_app.core.services import Services
from pytake_app.core.tenancy import Principal
from pytake_app.engine.analysis.conversation import PathStep
from pytake_app.engine.analysis.paths import PathsReport
from pytake_app.flows import (
    catalog,
    checking,
    editing,
    erasure,
    impact,
    importing,
    preview,
    publishing,
    replay,
    repository,
    running,
    starters,
    stats,
    testcases,
)
from pytake_app.flows import happenings as happenings_
from pytake_app.flows import preview_call as preview_calls
from pytake_app.flows.checking_schemas import ChannelLooks, MendResult, PathsView
from pytake_app.flows.impact_schemas import ImpactChoice, ImpactPreview
from pytake_app.flows.listing import Filters, Order
from pytake_app.flows.models import FlowSession
from pytake_app.flows.preview_schemas import CallResult, PreviewRequest, PreviewResult, PreviewScript
from pytake_app.flows.replay_schemas import DraftReplay
from pytake_app.flows.schemas import (
    AppliedEdit,
    EditResult,
    FlowExport,
    FlowSummary,
    FlowView,
    Happening,
    ImportResult,
    NodeCreate,
    NodeUpdate,
    NodeView,
    PublishResult,
    StarterView,
    VerifyRequest,
    VerifyResult,
    VersionDetail,
    VersionView,
)
from pytake_app.flows.testcase_schemas import NewTestCase, TestCaseUpdate, TestCaseView, TestRun, TestRunRequest

Ref = UUID | str
JsonObject = dict[str, Any]
_CLOCK = SystemClock()

delayed_sessions = running.delayed
erase_contact = erasure.erase_contact
export_contact = erasure.export_contact
forget_notes_before = erasure.forget_notes_before


def list_flows(
    session: Session,
    principal: Principal,
    *,
    where: Filters | None = None,
    order: Order = "updated",
    descending: bool = True,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    figures: bool = False,
    clock: Clock = _CLOCK,
) -> Page[FlowSummary]:
    """Flows that fit the filters, last changed first unless another order is asked for.

    Parameters:
        figures: with those of `flow_figures` in each row.
    """
    return catalog.list_flows(
        session,
        principal,
        where=where or Filters(),
        order=order,
        descending=descending,
        limit=limit,
        cursor=cursor,
        figures=figures,
        clock=clock,
    )


def create_flow(
    session: Session,
    principal: Principal,
    *,
    name: str,
    document: object | None = None,
    pointer: str = "/document",
    clock: Clock = _CLOCK,
) -> FlowView:
    """A new flow with this draft (either shape), or with just a start node."""
    return catalog.create_flow(session, principal, name=name, document=document, pointer=pointer, clock=clock)


def get_flow(session: Session, principal: Principal, ref: Ref, *, clock: Clock = _CLOCK) -> FlowView:
    """A flow with its draft."""
    return catalog.get_flow(session, principal, ref, clock=clock)


def rename_flow(session: Session, principal: Principal, ref: Ref, name: str, *, clock: Clock = _CLOCK) -> FlowView:
    """Rename; one undo step, the slug stays."""
    return catalog.rename_flow(session, principal, ref, name, clock=clock)


def delete_flow(
    session: Session, principal: Principal, ref: Ref, *, interrupt_sessions: bool = False, clock: Clock = _CLOCK
) -> int:
    """Take the flow away; refused with `sessions_running` unless they may be interrupted. Answers how many were."""
    return catalog.delete_flow(session, principal, ref, interrupt_sessions=interrupt_sessions, clock=clock)


def duplicate_flow(
    session: Session, principal: Principal, ref: Ref, *, name: str | None = None, clock: Clock = _CLOCK
) -> FlowView:
    """A copy of the draft as a new flow, not published."""
    return catalog.duplicate_flow(session, principal, ref, name=name, clock=clock)


def save_draft(
    session: Session, principal: Principal, ref: Ref, *, expected_revision: int, document: object, clock: Clock = _CLOCK
) -> EditResult:
    """Replace the whole draft on top of exactly `expected_revision`."""
    return editing.save_draft(
        session, principal, ref, expected_revision=expected_revision, document=document, clock=clock
    )


def apply_operations(
    session: Session,
    principal: Principal,
    ref: Ref,
    operations: Sequence[JsonObject],
    *,
    expected_revision: int | None = None,
    built_on: int | None = None,
    cid: str | None = None,
    clock: Clock = _CLOCK,
) -> EditResult:
    """Apply edits as one undo step; others' edits since `expected_revision` come along in the answer."""
    return editing.apply_operations(
        session,
        principal,
        ref,
        operations,
        expected_revision=expected_revision,
        built_on=built_on,
        cid=cid,
        clock=clock,
    )


def undo(
    session: Session, principal: Principal, ref: Ref, *, cid: str | None = None, clock: Clock = _CLOCK
) -> EditResult:
    """Take back the caller's own latest edit that nobody has changed since."""
    return editing.undo(session, principal, ref, cid=cid, clock=clock)


def redo(
    session: Session, principal: Principal, ref: Ref, *, cid: str | None = None, clock: Clock = _CLOCK
) -> EditResult:
    """Take back the caller's own latest undo."""
    return editing.redo(session, principal, ref, cid=cid, clock=clock)


def edits_since(session: Session, principal: Principal, ref: Ref, seq: int) -> list[AppliedEdit] | None:
    """Edits after `seq`, oldest first; None when the journal no longer reaches back that far (reload the draft)."""
    return editing.edits_since(session, principal, ref, seq)


def verify_flow(session: Session, principal: Principal, ref: Ref, ahead: VerifyRequest | None = None) -> VerifyResult:
    """What the verifier says of the draft; with edits that nobody has sent yet, when `ahead` has some."""
    return editing.verify_draft(session, principal, ref, ahead)


def flow_paths(
    session: Session, principal: Principal, ref: Ref, *, limit: int = 200, conversations: bool = True
) -> PathsReport:
    """Loop-free paths of the draft with a test conversation each, and their coverage."""
    return editing.paths_of_draft(session, principal, ref, limit=limit, conversations=conversations)


def publish_flow(
    session: Session,
    principal: Principal,
    ref: Ref,
    *,
    expected_revision: int | None = None,
    expected_live: int | None = None,
    note: str = "",
    choice: ImpactChoice | None = None,
    allow_failing_tests: bool = False,
    clock: Clock = _CLOCK,
) -> PublishResult:
    """Freeze the draft as the next version, live at once; refused with `flow_has_errors`, with `invalid_impact`
    when sessions in progress can't be moved as `choice` says, and with `tests_failed` unless that is allowed."""
    return publishing.publish(
        session,
        principal,
        ref,
        expected_revision=expected_revision,
        expected_live=expected_live,
        note=note,
        choice=choice or ImpactChoice(),
        allow_failing_tests=allow_failing_tests,
        clock=clock,
    )


def publish_impact(session: Session, principal: Principal, ref: Ref) -> ImpactPreview:
    """Sessions in progress by the node they wait at, against the draft."""
    return impact.preview(session, principal, ref)


def replay_draft(
    session: Session, principal: Principal, ref: Ref, *, limit: int = 50, session_ids: Sequence[UUID] = ()
) -> DraftReplay:
    """Stored conversations on the draft: the first divergence of each."""
    return replay.replay_draft(session, principal, ref, limit=limit, session_ids=list(session_ids))


def rollback_flow(
    session: Session,
    principal: Principal,
    ref: Ref,
    *,
    version: int,
    expected_live: int | None = None,
    note: str = "",
    clock: Clock = _CLOCK,
) -> PublishResult:
    """Publish an older version again; the draft stays."""
    return publishing.rollback(
        session, principal, ref, version=version, expected_live=expected_live, note=note, clock=clock
    )


def activate_flow(session: Session, principal: Principal, ref: Ref, *, clock: Clock = _CLOCK) -> FlowView:
    """Let its triggers answer; refused with `not_published`."""
    flow = publishing.set_active(session, principal, ref, active=True, clock=clock)
    return catalog.get_flow(session, principal, flow.id, clock=clock)


def deactivate_flow(session: Session, principal: Principal, ref: Ref, *, clock: Clock = _CLOCK) -> FlowView:
    """Stop its triggers; running sessions go on."""
    flow = publishing.set_active(session, principal, ref, active=False, clock=clock)
    return catalog.get_flow(session, principal, flow.id, clock=clock)


def list_versions(session: Session, principal: Principal, ref: Ref) -> list[VersionView]:
    """Every version, newest first."""
    return publishing.list_versions(session, principal, ref)


def get_version(session: Session, principal: Principal, ref: Ref, version: int) -> VersionDetail:
    """One version with its document."""
    return publishing.get_version(session, principal, ref, version)


def export_flow(
    session: Session, principal: Principal, ref: Ref, *, version: int | None = None, clock: Clock = _CLOCK
) -> FlowExport:
    """The draft, or one version, as a file."""
    return catalog.export_flow(session, principal, ref, version=version, clock=clock)


def import_flow(
    session: Session, principal: Principal, *, document: object, name: str | None = None, clock: Clock = _CLOCK
) -> ImportResult:
    """New flows from an export, a document, the older shape, or another product's file, with a report."""
    return importing.import_flow(session, principal, document=document, name=name, clock=clock)


def preview_flow(session: Session, principal: Principal, ref: Ref, request: PreviewRequest) -> PreviewResult:
    """Play a script of inputs in memory on the production engine."""
    return preview.preview(session, principal, ref, request)


flow_stats = stats.flow_stats
"""Figures of the sessions that began in a period: funnel, drop-off, exits, times."""

flow_figures = stats.flow_figures
"""Short figures of several flows for a list: two statements; `GET /flows?figures=true` has them too."""


def preview_call(services: Services, principal: Principal, ref: Ref, request: PreviewRequest) -> CallResult:
    """Make the call that a preview stops at; opens its own transactions, for the call belongs into none."""
    return preview_calls.call(services, principal, ref, request)


def list_test_cases(session: Session, principal: Principal, ref: Ref) -> list[TestCaseView]:
    """The flow's test cases, oldest first."""
    return testcases.list_cases(session, principal, ref)


def create_test_case(
    session: Session, principal: Principal, ref: Ref, request: NewTestCase, *, clock: Clock = _CLOCK
) -> TestCaseView:
    """Save a conversation with what the draft answers now."""
    return testcases.create(session, principal, ref, request, clock=clock)


def update_test_case(
    session: Session, principal: Principal, ref: Ref, case_id: UUID, request: TestCaseUpdate, *, clock: Clock = _CLOCK
) -> TestCaseView:
    """Rename, replace, or accept what the draft answers now."""
    return testcases.update(session, principal, ref, case_id, request, clock=clock)


def delete_test_case(session: Session, principal: Principal, ref: Ref, case_id: UUID) -> None:
    """Forget a test case."""
    testcases.delete(session, principal, ref, case_id)


def run_test_cases(session: Session, principal: Principal, ref: Ref, request: TestRunRequest) -> TestRun:
    """Play test cases and say what came otherwise."""
    return testcases.run(session, principal, ref, request)


def checked_paths(session: Session, principal: Principal, ref: Ref, *, limit: int = 40) -> PathsView:
    """Paths of the draft with a script and a cost each."""
    return checking.checked_paths(session, principal, ref, limit=limit)


def path_script(
    session: Session, principal: Principal, ref: Ref, steps: Sequence[PathStep]
) -> tuple[PreviewScript | None, str]:
    """A script that takes the draft along a path, or why there is none."""
    return checking.path_script(session, principal, ref, steps)


def channel_looks(session: Session, principal: Principal, ref: Ref, channels: Sequence[ChannelKind]) -> ChannelLooks:
    """The draft's messages on these channels, where not as drawn."""
    return checking.channel_looks(session, principal, ref, channels)


def mend_all(
    session: Session, principal: Principal, ref: Ref, *, expected_revision: int | None = None, clock: Clock = _CLOCK
) -> MendResult:
    """Every safe mend as one undo step."""
    return checking.mend_all(session, principal, ref, expected_revision=expected_revision, clock=clock)


def list_nodes(session: Session, principal: Principal, ref: Ref) -> list[NodeView]:
    """The draft's nodes."""
    return catalog.list_nodes(session, principal, ref)


def get_node(session: Session, principal: Principal, ref: Ref, node_id: str) -> NodeView:
    """One node of the draft."""
    return catalog.get_node(session, principal, ref, node_id)


def add_node(
    session: Session, principal: Principal, ref: Ref, request: NodeCreate, *, clock: Clock = _CLOCK
) -> NodeView:
    """Add a node to the draft."""
    return catalog.add_node(session, principal, ref, request, clock=clock)


def update_node(
    session: Session, principal: Principal, ref: Ref, node_id: str, request: NodeUpdate, *, clock: Clock = _CLOCK
) -> NodeView:
    """Change a node of the draft."""
    return catalog.update_node(session, principal, ref, node_id, request, clock=clock)


def delete_node(session: Session, principal: Principal, ref: Ref, node_id: str, *, clock: Clock = _CLOCK) -> None:
    """Delete a node of the draft with its edges."""
    catalog.delete_node(session, principal, ref, node_id, clock=clock)


def list_starters(locale: str) -> list[StarterView]:
    """Ready-made flows in a language; an unknown locale gets Portuguese."""
    return starters.list_starters(locale)


def create_from_starter(
    session: Session,
    principal: Principal,
    *,
    starter: str,
    name: str | None = None,
    locale: str | None = None,
    translations: bool = False,
    clock: Clock = _CLOCK,
) -> FlowView:
    """A new flow from a starter, in the caller's language by default; not published."""
    return starters.create_from_starter(
        session,
        principal,
        starter=starter,
        name=name,
        locale=locale or principal.locale,
        translations=translations,
        clock=clock,
    )


def seed_organization(session: Session, organization_id: UUID, locale: str, *, clock: Clock = _CLOCK) -> list[UUID]:
    """Give a new organization `main_menu` and `smart_support`, published and active; answers their ids.

    Parameters:
        session: of `Database.tenant(organization_id)`, with the organization's row already in it.
    """
    return starters.seed(session, organization_id, locale, clock=clock)


def flow_names(session: Session, flow_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Names of flows, deleted ones too, for other rooms' lists."""
    return repository.names(session, flow_ids)


def find_flow_id(session: Session, ref: Ref) -> tuple[UUID, bool]:
    """Id of the flow with this id or slug, and whether it has a live version."""
    flow = repository.find(session, ref)
    return flow.id, flow.live_version is not None


def running_session(session: Session, contact_id: UUID, channel_account_id: UUID) -> FlowSession | None:
    """The contact's session in progress on the account; one in a long delay isn't."""
    return running.current(session, contact_id, channel_account_id)


def handed_off_session(session: Session, contact_id: UUID, channel_account_id: UUID) -> FlowSession | None:
    """The contact's session that waits to hear what became of its hand-off."""
    return running.handed_off(session, contact_id, channel_account_id)


def interrupt_session(session: Session, flow_session: FlowSession, *, clock: Clock = _CLOCK) -> None:
    """End a session at once; the caller holds the contact's row."""
    running.interrupt(session, flow_session, clock=clock)


def forget_wait(session: Session, flow_session: FlowSession, *, clock: Clock = _CLOCK) -> None:
    """A handed-off session is over without hearing of it; the caller holds the contact's row."""
    running.forget_wait(session, flow_session, clock=clock)


def tell_handoff(
    session: Session, flow_session: FlowSession, result: str, *, by: UUID | None, clock: Clock = _CLOCK
) -> None:
    """Resume a handed-off session with `transferred` or `closed`, after commit."""
    running.tell_handoff(session, flow_session, result, by=by, clock=clock)


def waiting_handoffs(session: Session, session_ids: Sequence[UUID]) -> list[FlowSession]:
    """Those of the sessions that wait to hear what became of their hand-off."""
    return running.waiting_handoffs(session, session_ids)


def begins_with(session: Session, event: str) -> bool:
    """Whether a live flow begins with this, so that `happened` need be told of it."""
    return happenings_.begins_with(session, event)


def happened(
    session: Session,
    contact_id: UUID,
    happenings: Sequence[Happening],
    *,
    clock: Clock = _CLOCK,
    channel_account_id: UUID | None = None,
    by: UUID | None = None,
) -> list[UUID]:
    """Something happened to a contact: flows that begin with it start after commit, in the contact's turn."""
    return happenings_.happened(
        session, contact_id, happenings, clock=clock, channel_account_id=channel_account_id, by=by
    )


def count_sessions_of_contact(session: Session, contact_id: UUID) -> int:
    """How many sessions the contact ever had."""
    return repository.count_of_contact(session, contact_id)
