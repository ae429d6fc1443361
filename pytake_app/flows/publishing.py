"""From draft to live: immutable versions, activation, rollback."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from pytake_app.accounts.service import user_names
from pytake_app.core.clock import Clock
from pytake_app.core.errors import ConflictError, InvalidError
from pytake_app.core.live import poke
from pytake_app.core.tenancy import Permission, Principal, Role
from pytake_app.engine.difference import ChangeSize
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.triggers import TriggerSpec, flow_triggers
from pytake_app.engine.verify import Finding, has_errors, verify
from pytake_app.flows import comparing, documents, impact, repository, testcases
from pytake_app.flows.editing import changes_after, refuse_stale
from pytake_app.flows.environment import verify_env
from pytake_app.flows.impact_schemas import ImpactChoice
from pytake_app.flows.models import Flow, FlowVersion
from pytake_app.flows.schemas import OvertakenFlow, ParkedNode, PublishResult, VersionDetail, VersionTests, VersionView

JsonObject = dict[str, Any]
MIN_TIME = datetime.min.replace(tzinfo=UTC)


def publish(
    session: Session,
    principal: Principal,
    ref: UUID | str,
    *,
    expected_revision: int | None,
    expected_live: int | None = None,
    note: str,
    choice: ImpactChoice,
    allow_failing_tests: bool = False,
    clock: Clock,
) -> PublishResult:
    """Freeze the draft as the next version and make it live; the flow becomes active.

    `choice` says what becomes of sessions in progress (see `impact`), in the same transaction.

    Parameters:
        expected_live: the live version the caller has seen, 0 for none; None doesn't look.

    Raises:
        InvalidError: code `flow_has_errors`, one error for each of the verifier's, with its node.
        InvalidError: code `invalid_impact`: sessions can't be moved where `choice` says.
        ConflictError: code `stale_revision`; `published_meanwhile`: another version is live than the caller has seen.
        ConflictError: code `tests_failed`, one error for each test case, unless `allow_failing_tests`.
    """
    principal.needs(Permission.FLOWS_PUBLISH)
    flow = repository.find(session, ref, lock=True)
    _refuse_overtaken(flow, expected_live)
    refuse_stale(flow, expected_revision)
    tests = testcases.before_publishing(session, flow, allow_failures=allow_failing_tests)
    result = make_live(session, flow, flow.draft_document, note=note, by=principal.user_id, tests=tests, clock=clock)
    flow.draft_changes = 0
    parsed = FlowDocument.model_validate(flow.draft_document)
    applied = impact.apply(session, flow, parsed, choice, version=result.version, clock=clock)
    total, parked = _parked(session, flow, parsed)
    return result.model_copy(update={"impact": applied, "running_sessions": total, "parked": parked})


def _refuse_overtaken(flow: Flow, expected_live: int | None) -> None:
    if expected_live is not None and expected_live != (flow.live_version or 0):
        raise ConflictError(
            f"Version {flow.live_version} went live meanwhile; look at it before you publish.",
            code="published_meanwhile",
        )


def rollback(
    session: Session,
    principal: Principal,
    ref: UUID | str,
    *,
    version: int,
    expected_live: int | None = None,
    note: str,
    clock: Clock,
) -> PublishResult:
    """Publish an older version again, as a new one. The draft is left as it is.

    Raises:
        ConflictError: code `published_meanwhile`, as of `publish`.
        NotFoundError: no such version.
        InvalidError: code `flow_has_errors`: what was right then is not now (a flow that it jumps to is gone).
    """
    principal.needs(Permission.FLOWS_PUBLISH)
    flow = repository.find(session, ref, lock=True)
    _refuse_overtaken(flow, expected_live)
    older = repository.version(session, flow.id, version)
    result = make_live(
        session, flow, older.document, note=note or f"rollback to {version}", by=principal.user_id, clock=clock
    )
    flow.draft_changes = changes_after(session, flow, step=0)
    return result


def make_live(
    session: Session,
    flow: Flow,
    document: JsonObject,
    *,
    note: str,
    by: UUID | None,
    tests: VersionTests | None = None,
    clock: Clock,
) -> PublishResult:
    """Freeze `document` as the flow's next version and switch to it. The caller holds the flow's row.

    Raises:
        InvalidError: code `flow_has_errors`.
    """
    parsed = FlowDocument.model_validate(document)
    findings = refuse_errors(session, flow, parsed)
    now = clock.now()
    triggers = flow_triggers(parsed)
    number = repository.last_version_number(session, flow.id) + 1
    version = FlowVersion(
        organization_id=flow.organization_id,
        flow_id=flow.id,
        version=number,
        document=document,
        checksum=documents.checksum(document),
        note=note,
        published_by=by,
        published_at=now,
        tests=tests.model_dump(mode="json") if tests is not None else None,
        change=comparing.size_against(session, flow.id, number, document).model_dump(),
    )
    _mark_activation(flow, before=flow.triggers, after=triggers, at=now)
    flow.live_version = version.version
    flow.triggers = [trigger.model_dump(mode="json") for trigger in triggers]
    flow.status = "active"
    flow.archived_at = None
    flow.updated_at = now
    session.add_all((version, flow))
    session.flush()
    announce(session, flow, "flow_published")
    return _result(session, flow, parsed, version, triggers, findings)


def _mark_activation(flow: Flow, *, before: list[JsonObject], after: list[TriggerSpec], at: datetime) -> None:
    """A flow that begins to answer, or begins to answer any message, is the newest one that does."""
    answered_any = any(trigger.get("kind") == "universal" for trigger in before)
    answers_any = any(trigger.kind == "universal" for trigger in after)
    if flow.status != "active" or (answers_any and not answered_any):
        flow.activated_at = at


def refuse_errors(session: Session, flow: Flow, document: FlowDocument) -> list[Finding]:
    """What the verifier says of a document that is to go live.

    Raises:
        InvalidError: code `flow_has_errors`, one error for each of the verifier's, with its node.
    """
    findings = verify(document, verify_env(session, flow.id, document))
    if not has_errors(findings):
        return findings
    errors = [documents.finding_error(document, finding) for finding in findings if finding.severity == "error"]
    raise InvalidError(
        "The flow has errors and was not published.", errors=errors[: documents.MAX_REPORTED], code="flow_has_errors"
    )


def _result(
    session: Session,
    flow: Flow,
    document: FlowDocument,
    version: FlowVersion,
    triggers: list[TriggerSpec],
    findings: list[Finding],
) -> PublishResult:
    total, parked = _parked(session, flow, document)
    return PublishResult(
        flow_id=flow.id,
        version=version.version,
        checksum=version.checksum,
        published_at=version.published_at,
        triggers=triggers,
        findings=findings,
        running_sessions=total,
        overtaken=overtaken(session, flow, triggers),
        parked=parked,
    )


def _parked(session: Session, flow: Flow, document: FlowDocument) -> tuple[int, list[ParkedNode]]:
    """Sessions in progress, and those of them on nodes that `document` doesn't have."""
    kept = {node.id for node in document.nodes}
    running = repository.running_by_node(session, flow.id)
    parked = [ParkedNode(node_id=node, sessions=count) for node, count in running if node and node not in kept]
    return sum(count for _node, count in running), parked


def overtaken(session: Session, flow: Flow, triggers: list[TriggerSpec]) -> list[OvertakenFlow]:
    """Active flows that answered any message until now and no longer do, because `flow` is newer."""
    if not any(trigger.kind == "universal" for trigger in triggers):
        return []
    return [
        OvertakenFlow(flow_id=other.id, name=other.name)
        for other in repository.universal_flows(session)
        if other.id != flow.id and (other.activated_at is None or other.activated_at < (flow.activated_at or MIN_TIME))
    ]


def set_active(session: Session, principal: Principal, ref: UUID | str, *, active: bool, clock: Clock) -> Flow:
    """Let the flow's triggers answer, or not. Running sessions go on either way.

    Raises:
        ConflictError: code `not_published`: nothing to activate yet.
    """
    principal.needs(Permission.FLOWS_PUBLISH)
    flow = repository.find(session, ref, lock=True)
    if flow.live_version is None:
        raise ConflictError("The flow has no published version yet.", code="not_published")
    if active and flow.status != "active":
        flow.activated_at = clock.now()
        flow.archived_at = None
    flow.status = "active" if active else "inactive"
    flow.updated_at = clock.now()
    session.add(flow)
    session.flush()
    announce(session, flow, "flow_activated" if active else "flow_deactivated")
    return flow


def announce(session: Session, flow: Flow, event: str) -> None:
    """Tell open editors and lists, after commit."""
    payload = {"event": event, "flow_id": str(flow.id), "version": flow.live_version, "status": flow.status}
    poke(session, f"flow:{flow.id}", payload)
    poke(session, f"org:{flow.organization_id}:flows", payload)


def list_versions(session: Session, principal: Principal, ref: UUID | str) -> list[VersionView]:
    """Every version, newest first, with its author and how much it changed."""
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    rows = repository.versions(session, flow.id)
    names = user_names(session, {row.version.published_by for row in rows if row.version.published_by})
    sizes = comparing.sizes(session, flow.id, [row.version for row in rows])
    return [_view(flow, row, names, sizes) for row in rows]


def get_version(session: Session, principal: Principal, ref: UUID | str, number: int) -> VersionDetail:
    """One version with its document.

    Raises:
        NotFoundError: no such version.
    """
    flow = repository.find(session, ref)
    version = repository.version(session, flow.id, number)
    view = next(view for view in list_versions(session, principal, flow.id) if view.version == number)
    return VersionDetail(**view.model_dump(), document=version.document)


def _view(flow: Flow, row: repository.VersionRow, names: dict[UUID, str], sizes: dict[int, ChangeSize]) -> VersionView:
    version = row.version
    return VersionView(
        version=version.version,
        checksum=version.checksum,
        note=version.note,
        published_by=version.published_by,
        published_by_name=names.get(version.published_by, "") if version.published_by else "",
        published_at=version.published_at,
        live=version.version == flow.live_version,
        node_count=row.node_count,
        running_sessions=row.running,
        change=sizes.get(version.version),
        tests=VersionTests.model_validate(version.tests) if version.tests is not None else None,
    )
