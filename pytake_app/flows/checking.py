"""The check panel's server side: paths with their conversations and costs, mends in one go, looks on each channel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from time import monotonic
from typing import Any, Final
from uuid import UUID

from sqlmodel import Session

from pytake_app.channels.capabilities import ChannelKind
from pytake_app.core.clock import Clock
from pytake_app.core.errors import InvalidError
from pytake_app.core.tenancy import Permission, Principal, Role
from pytake_app.engine import runner
from pytake_app.engine import session as engine
from pytake_app.engine.analysis.conversation import Driver, PathStep
from pytake_app.engine.analysis.cost import CostRange
from pytake_app.engine.analysis.graph import FlowGraph
from pytake_app.engine.analysis.paths import FlowPath, paths
from pytake_app.engine.compiled import CompiledFlow
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.events import MessageOut
from pytake_app.engine.findings import Finding, Prices
from pytake_app.engine.operations import OperationError, apply, parse_operation
from pytake_app.engine.verify import verify
from pytake_app.flows import editing, preview, repository
from pytake_app.flows.checking_schemas import (
    ChannelLook,
    ChannelLooks,
    CheckedPath,
    MendResult,
    NodeLook,
    PathCost,
    PathsView,
)
from pytake_app.flows.costs import costs_of
from pytake_app.flows.environment import verify_env
from pytake_app.flows.organization import org_view
from pytake_app.flows.preview_schemas import PreviewScript
from pytake_app.flows.preview_shown import shown

SAFE_MENDS: Final = frozenset(
    {"add_start", "connect_end", "delete_edge", "drop_case", "drop_word", "rename_option", "set_first",
     "skip_trigger", "use_language"}
)  # fmt: skip
"""Mends that change nothing that a contact of a working flow would notice."""
ELSEWHERE: Final = frozenset({"keyword_in_flow", "keyword_in_rule"})
"""Findings about something outside the flow: which of the two gives way is the author's choice."""
DRIVING_SECONDS = 1.5
"""How long the conversations of a list of paths are looked for."""
MAX_PASSES = 20
MAX_OPERATIONS = 500


def checked_paths(session: Session, principal: Principal, ref: UUID | str, *, limit: int) -> PathsView:
    """Loop-free paths of the draft, each with what it costs, and with a script that plays it for as many as are found
    in `DRIVING_SECONDS`; the others' reason is `later`, and `path_script` finds them one by one."""
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    document = FlowDocument.model_validate(flow.draft_document)
    env = verify_env(session, flow.id)
    org = org_view(session)
    report = paths(document, limit, drive=False, org=org)
    graph = FlowGraph(document)
    driver = Driver(document, graph, org=org)
    until = monotonic() + DRIVING_SECONDS

    def scripted(path: FlowPath) -> tuple[PreviewScript | None, str]:
        conversation, reason = path.conversation, ""
        if conversation is None and monotonic() > until:
            return None, "later"
        if conversation is None:
            conversation, reason = driver.conversation(list(path.steps))
        return (preview.script_of(conversation) if conversation is not None else None), reason

    costs = costs_of(document, report.paths, env)
    made = [(path, one, *scripted(path)) for path, one in zip(report.paths, costs, strict=True)]
    return PathsView(
        revision=flow.draft_revision,
        currency=(env.prices or Prices()).currency,
        priced=env.prices is not None,
        truncated=report.truncated,
        coverage=report.coverage,
        paths=[
            CheckedPath(
                steps=path.steps,
                ends=path.ends,
                reason=reason,
                script=script,
                cost=_cost_of(graph, path, one),
            )
            for path, one, script, reason in made
        ],
    )


def path_script(
    session: Session, principal: Principal, ref: UUID | str, steps: Sequence[PathStep]
) -> tuple[PreviewScript | None, str]:
    """A script that takes the draft along this path, or None and why there is none.

    Raises:
        InvalidError: code `invalid_path`: a node of it isn't there.
    """
    principal.require(Role.VIEWER)
    document = FlowDocument.model_validate(repository.find(session, ref).draft_document)
    graph = FlowGraph(document)
    if any(step.node_id not in graph.nodes for step in steps):
        raise InvalidError("The path names a block that the draft doesn't have.", code="invalid_path")
    conversation, reason = Driver(document, graph, org=org_view(session)).conversation(list(steps))
    return (preview.script_of(conversation) if conversation is not None else None), reason


def _cost_of(graph: FlowGraph, path: FlowPath, entry: CostRange) -> PathCost:
    """What a path costs; its messages without those that ask again."""
    sends = [one for step in path.steps for one in graph.nodes[step.node_id].sends if one.at == "visit"]
    return PathCost(
        messages=sum(one.least for one in sends),
        billable=entry.most_billable,
        price=entry.most_price,
        partial=entry.partial,
    )


def mend_all(
    session: Session, principal: Principal, ref: UUID | str, *, expected_revision: int | None, clock: Clock
) -> MendResult:
    """Do every safe mend of the draft, as one undo step.

    Raises:
        ConflictError: code `stale_revision`.
    """
    principal.needs(Permission.FLOWS_EDIT)
    flow = repository.find(session, ref, lock=True)
    editing.refuse_stale(flow, expected_revision)
    env = verify_env(session, flow.id)
    document: dict[str, Any] = flow.draft_document
    operations: list[dict[str, Any]] = []
    mended = 0
    for _ in range(MAX_PASSES):
        done, document = _mend_pass(document, verify(FlowDocument.model_validate(document), env), operations)
        mended += done
        if not done or len(operations) >= MAX_OPERATIONS:
            break
    if operations:
        editing.apply_operations(session, principal, ref, operations, expected_revision=None, clock=clock)
    findings = editing.findings_of(session, flow)
    return MendResult(revision=flow.draft_revision, mended=mended, findings=findings)


def _mend_pass(
    document: dict[str, Any], findings: Sequence[Finding], operations: list[dict[str, Any]]
) -> tuple[int, dict[str, Any]]:
    """Mend what can be mended at the same time: one thing a node."""
    touched: set[str | None] = set()
    done = 0
    for finding in findings:
        if finding.mend not in SAFE_MENDS or finding.code in ELSEWHERE:
            continue
        if finding.node_id in touched or not finding.operations:
            continue
        if len(operations) + len(finding.operations) > MAX_OPERATIONS:
            break
        try:
            after = document
            for raw in finding.operations:
                after, _inverse = apply(after, parse_operation(raw))
        except OperationError:
            continue  # an earlier mend of this pass stands in its way: the next pass sees it anew
        document = after
        operations += finding.operations
        touched.add(finding.node_id)
        done += 1
    return done, document


def channel_looks(
    session: Session, principal: Principal, ref: UUID | str, channels: Sequence[ChannelKind]
) -> ChannelLooks:
    """How the draft's messages look on these channels, where not as they are drawn.

    Each message node is run by the engine with sample values; variables of the flow show their names.
    """
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    document = FlowDocument.model_validate(flow.draft_document)
    graph = FlowGraph(document)
    compiled = runner.compile_flow(document, str(flow.id), 0)
    params: dict[str, Any] = {
        write.name: f"‹{write.name}›" for node in graph.nodes.values() for write in node.writes if "." not in write.name
    }
    nodes: list[NodeLook] = []
    messages = 0
    for node in graph.nodes.values():
        if node.config is None or not any(sends.at == "visit" for sends in node.sends):
            continue
        events = _sent_by(compiled, node.id, params)
        messages += bool(events)
        looks = [look for channel in channels if (look := _look(events, channel)) is not None]
        if looks:
            native = [event.content.model_dump(mode="json") for event in events]
            nodes.append(NodeLook(node_id=node.id, contents=native, looks=looks))
    return ChannelLooks(revision=flow.draft_revision, messages=messages, nodes=nodes)


_NOON = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)


def _sent_by(flow: CompiledFlow, node_id: str, params: dict[str, Any]) -> list[MessageOut]:
    numbers = count(1)
    context = engine.RunContext(
        now=_NOON,
        new_id=lambda: f"look-{next(numbers)}",
        contact=engine.ContactView(id="look", name="Maria Souza", phone="5511987654321"),
        window_expires_at=_NOON + timedelta(hours=24),
    )
    sprint = runner.start(flow, engine.Trigger(kind="test", node_id=node_id, params=params), context)
    return [event for event in sprint.events if isinstance(event, MessageOut) and event.node_id == node_id][:5]


def _look(events: Sequence[MessageOut], channel: ChannelKind) -> ChannelLook | None:
    found = shown(events, channel)
    if not found:
        return None
    return ChannelLook(
        channel=channel,
        contents=[content for one in found for content in one.contents],
        changes=list(dict.fromkeys(change for one in found for change in one.changes)),
        problem=next((one.problem for one in found if one.problem), ""),
        problem_code=next((one.problem_code for one in found if one.problem_code), ""),
    )
