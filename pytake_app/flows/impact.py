"""What a publication does to sessions in progress: shown beforehand, and carried out with it if asked to.

Sessions stay pinned to the version they run on unless the publication says otherwise: those that stand on a node can
be moved to a node of the new version that waits for the same kind of thing, or ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import ValidationError
from sqlmodel import Session, col

from pytake_app.contacts import service as contacts
from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, InvalidError, NotFoundError
from pytake_app.core.tenancy import Principal, Role, organization_of, scoped
from pytake_app.engine import session as engine
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.nodes import NODE_TYPES, canonical_type
from pytake_app.flows import repository, running, tape, tapes
from pytake_app.flows.impact_schemas import AppliedImpact, ImpactChoice, ImpactNode, ImpactPreview, ImpactTarget
from pytake_app.flows.models import Flow, FlowSession
from pytake_app.flows.replay import moved_session

SAYS = 60
"""Characters of a node's own words that tell it from others of its kind."""

_WAITS = {"reply": "message", "person": "handoff", "outside": "request"}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a session waits: version and node of the flow, and what it waits for."""

    version: int
    node_id: str
    wait: str


def preview(session: Session, principal: Principal, ref: UUID | str) -> ImpactPreview:
    """Sessions in progress by the node they wait at, against the draft.

    Raises:
        NotFoundError: no such flow.
    """
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    draft = FlowDocument.model_validate(flow.draft_document)
    counts = Counter(standing for _row, standing in _in_progress(session, flow))
    older = {number: _document(session, flow, number) for number in {standing.version for standing in counts}}
    nodes = [
        ImpactNode(
            node_id=standing.node_id,
            **_name(older[standing.version], standing.node_id),
            version=standing.version,
            change=_change(older[standing.version], draft, standing.node_id),
            waits_for=standing.wait,
            sessions=count,
        )
        for standing, count in sorted(counts.items(), key=lambda item: (-item[1], item[0].node_id, item[0].version))
    ]
    wanted = {node.waits_for for node in nodes}
    return ImpactPreview(
        flow_id=flow.id,
        revision=flow.draft_revision,
        sessions=sum(counts.values()),
        nodes=nodes,
        targets=[
            ImpactTarget(node_id=node.id, **_name(draft, node.id), waits_for=sorted(kinds & wanted))
            for node in draft.nodes
            if (kinds := wait_kinds(draft, node.id)) & wanted
        ],
    )


def apply(
    session: Session, flow: Flow, document: FlowDocument, choice: ImpactChoice, *, version: int, clock: Clock
) -> AppliedImpact:
    """Carry out the choice for sessions on older versions, in the transaction that publishes `version`.

    The contacts' rows are locked first, in the order of their ids, as the pipeline does: a session that has moved on
    meanwhile is looked at as it stands then.

    Raises:
        InvalidError: code `invalid_impact`: a session would be moved to a node that isn't there or that waits for
            something else.
    """
    answer = AppliedImpact()
    if choice.default == "finish" and not choice.moves:
        answer.finishing = sum(1 for _ in _in_progress(session, flow, before=version))
        return answer
    known = {node.id for node in document.nodes}
    missing = [FieldError(f"/impact/moves/{old}", f"the new version has no node {new}", "unknown_node", new)
               for old, new in choice.moves.items() if new is not None and new not in known]  # fmt: skip
    if missing:
        raise InvalidError("Sessions can't be moved there.", errors=missing, code="invalid_impact")
    problems: dict[str, FieldError] = {}
    rows = sorted(_in_progress(session, flow, before=version), key=lambda found: (found[0].contact_id, found[0].id))
    for row, _standing in rows:
        _one(session, flow, row, document, choice, answer, problems, version, clock)
    if problems:
        errors = list(problems.values())
        raise InvalidError("Sessions can't be moved there.", errors=errors, code="invalid_impact")
    session.flush()
    return answer


def _one(
    session: Session,
    flow: Flow,
    row: FlowSession,
    document: FlowDocument,
    choice: ImpactChoice,
    answer: AppliedImpact,
    problems: dict[str, FieldError],
    version: int,
    clock: Clock,
) -> None:
    try:
        contacts.lock(session, row.contact_id)
    except NotFoundError:
        return
    session.refresh(row)
    standing = _standing(row, flow)
    if standing is None:
        return
    target = choice.moves.get(standing.node_id, "")
    if target is None or (target == "" and choice.default == "end"):
        _end(session, row, clock)
        answer.ended += 1
    elif target == "":
        answer.finishing += 1
    elif standing.wait not in wait_kinds(document, target):
        message = f"{target} doesn't wait for a {standing.wait}, as {standing.node_id} does"
        pointer = f"/impact/moves/{standing.node_id}"
        problems.setdefault(standing.node_id, FieldError(pointer, message, "other_wait", target))
    else:
        _move(session, row, flow, version, target, clock)
        answer.moved += 1


def _end(session: Session, row: FlowSession, clock: Clock) -> None:
    """A session that waits for people only stops listening; one that keeps the contact busy is interrupted."""
    if row.status in repository.RUNNING:
        running.interrupt(session, row, clock=clock)
    else:
        running.forget_wait(session, row, clock=clock)


def _move(session: Session, row: FlowSession, flow: Flow, version: int, target: str, clock: Clock) -> None:
    state = engine.Session.model_validate(row.state)
    after = moved_session(state, str(flow.id), version, target)
    # What the pipeline keeps beside the engine's own members stays.
    kept = {**row.state, **after.model_dump(mode="json")}
    record = tape.Tape.of(row.state.get("tape"))
    if not record.ended:
        record.count += 1
        kept["tape"] = record.kept()
        tapes.append(session, row, record.count, tape.moved(clock.now(), version, target))
    row.state = kept
    row.current_node = target
    row.version = after.root_version
    row.updated_at = clock.now()
    session.add(row)


# -- who stands where --------------------------------------------------------------------------------------------------


def _in_progress(session: Session, flow: Flow, *, before: int | None = None) -> Iterable[tuple[FlowSession, Standing]]:
    """Sessions that stand in the flow, called by another one or not, and wait."""
    state = col(FlowSession.state)
    statement = scoped(session, FlowSession).where(
        FlowSession.organization_id == organization_of(session),
        sa.or_(
            col(FlowSession.status).in_(repository.RUNNING),
            sa.and_(col(FlowSession.status) == "handed_off", col(FlowSession.ended_at).is_(None)),
        ),
        state["flow_id"].astext == str(flow.id),
    )
    for row in session.exec(statement):
        standing = _standing(row, flow)
        if standing is not None and (before is None or standing.version < before):
            yield row, standing


def _standing(row: FlowSession, flow: Flow) -> Standing | None:
    state: dict[str, Any] = row.state
    wait = state.get("wait")
    if row.status not in (*repository.RUNNING, "handed_off") or not wait or state.get("flow_id") != str(flow.id):
        return None
    return Standing(int(state["flow_version"]), str(wait["node_id"]), str(wait["kind"]))


def _document(session: Session, flow: Flow, number: int) -> FlowDocument:
    return FlowDocument.model_validate(repository.version(session, flow.id, number).document)


def _name(document: FlowDocument, node_id: str) -> dict[str, Any]:
    """What people know a node by: its title, its kind, and the beginning of what it says."""
    node = document.node(node_id)
    if node is None:
        return {"title": "", "type": "", "says": ""}
    kind = NODE_TYPES.get(canonical_type(node.type))
    said = node.config.get(kind.summary_field) if kind is not None and kind.summary_field else None
    words = " ".join(said.split()) if isinstance(said, str) else ""
    says = words if len(words) <= SAYS else f"{words[: SAYS - 1].rstrip()}…"
    return {"title": node.title, "type": canonical_type(node.type), "says": says}


def _change(older: FlowDocument, draft: FlowDocument, node_id: str) -> Any:
    """What becomes of a node: `removed`, `changed` (its type, settings or exits), or `same`."""
    was, will_be = older.node(node_id), draft.node(node_id)
    if will_be is None:
        return "removed"
    exits = [{edge.port: edge.target for edge in doc.edges if edge.source == node_id} for doc in (older, draft)]
    same = was is not None and (was.type, was.config) == (will_be.type, will_be.config) and exits[0] == exits[1]
    return "same" if same else "changed"


def wait_kinds(document: FlowDocument, node_id: str) -> frozenset[str]:
    """What a node waits for: `message`, `delay`, `handoff`, `request`; nothing for one that doesn't wait."""
    node = document.node(node_id)
    kind = NODE_TYPES.get(canonical_type(node.type)) if node is not None else None
    if node is None or kind is None or kind.resume is None:
        return frozenset()
    try:
        config = kind.config_model.model_validate(node.config)
    except ValidationError:
        return frozenset()
    wired = frozenset(edge.port for edge in document.edges if edge.source == node_id)
    pauses = {kind.pause_of(config, port.id, wired).kind for port in kind.ports(config)}
    found = frozenset(_WAITS[pause] for pause in pauses if pause in _WAITS)
    return found or (frozenset({"delay"}) if "time" in pauses else frozenset())
