"""Edits of the draft: operations with their inverses in a journal, undo and redo, whole-document saves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session

from pytake_app.core.clock import Clock
from pytake_app.core.errors import ConflictError, FieldError, InvalidError
from pytake_app.core.live import poke
from pytake_app.core.tenancy import Permission, Principal, Role
from pytake_app.engine.analysis.paths import PathsReport, paths
from pytake_app.engine.document import FlowDocument
from pytake_app.engine.operations import Operation, OperationError, ReplaceDocument, apply, parse_operation
from pytake_app.engine.verify import Finding, verify
from pytake_app.flows import comparing, documents, rebase, repository, undoing
from pytake_app.flows.environment import verify_env
from pytake_app.flows.models import Flow, FlowEdit
from pytake_app.flows.schemas import AppliedEdit, EditResult, VerifyRequest, VerifyResult

JsonObject = dict[str, Any]

JOURNAL_LENGTH = 1_000
"""Edits kept per flow: how far back undo reaches, and how long somebody may have been away."""
MAX_POKED_BYTES = 4_096
"""Larger operations aren't announced with the poke: whoever has the flow open fetches them."""


@dataclass(frozen=True, slots=True)
class Clash:
    """A field (see `rebase.touched`) that somebody else wrote since an edit was built, and who wrote it last."""

    key: rebase.Key
    actor_id: UUID | None


class EditConflictError(ConflictError):
    """Others changed what an edit changes. `clashes` say what, and who; `missed` are the edits it hadn't seen."""

    def __init__(self, clashes: Sequence[Clash], missed: Sequence[AppliedEdit]) -> None:
        errors = [
            FieldError(
                "/operations",
                "changed by someone else",
                "conflict",
                clash.key[1] if clash.key[0] in {"node", "port"} else None,
            )
            for clash in clashes
        ]
        super().__init__(
            "Someone else changed the same thing; load the draft again.", errors=errors, code="stale_revision"
        )
        self.clashes = tuple(clashes)
        self.missed = tuple(missed)


def save_draft(
    session: Session, principal: Principal, ref: UUID | str, *, expected_revision: int, document: object, clock: Clock
) -> EditResult:
    """Replace the whole draft; one undo step.

    Raises:
        InvalidError: code `invalid_document`.
        ConflictError: code `stale_revision`: the draft has moved on since `expected_revision`.
    """
    principal.needs(Permission.FLOWS_EDIT)
    flow = repository.find(session, ref, lock=True)
    refuse_stale(flow, expected_revision)
    parsed = documents.read(document)
    replacement = documents.stored(parsed)
    documents.check_limits(replacement)
    operation = ReplaceDocument(document=replacement)
    _after, inverse = _apply_all(flow, [operation], stale=False)
    edit = _record(session, flow, replacement, [operation], inverse, kind="edit", principal=principal, clock=clock)
    return _result(session, flow, [edit], principal)


def apply_operations(
    session: Session,
    principal: Principal,
    ref: UUID | str,
    operations: Sequence[JsonObject],
    *,
    expected_revision: int | None,
    built_on: int | None = None,
    cid: str | None = None,
    clock: Clock,
) -> EditResult:
    """Apply edits as one undo step, on top of whatever others did meanwhile.

    Parameters:
        operations: as in `docs/flow-documents.md`; all or none are applied.
        expected_revision: the newest revision the caller has seen. The answer's `edits` then hold what happened since.
        built_on: the revision the edits were begun on, when the caller has seen newer ones since (an edit made
            offline, a text typed while others' edits came in).
        cid: the caller's own id of the edit; the same again is done once.

    Raises:
        InvalidError: code `invalid_operation`: one doesn't fit the draft; names the operation and the node.
        EditConflictError: code `stale_revision`: another person changed the same field since.
        ConflictError: code `stale_revision`: the journal no longer tells what happened since.
    """
    principal.needs(Permission.FLOWS_EDIT)
    flow = repository.find(session, ref, lock=True)
    done = _done(session, flow, principal, cid, expected_revision)
    if done is not None:
        return done
    parsed = _parse(operations)
    since = expected_revision if built_on is None else min(built_on, expected_revision or built_on)
    missed = _missed(session, flow, since)
    unseen = [edit for edit in missed if expected_revision is None or edit.revision > expected_revision]
    _refuse_clashes(parsed, missed, unseen, principal)
    after, inverse = _apply_all(flow, parsed, stale=bool(missed))
    documents.check_limits(after)
    edit = _record(session, flow, after, parsed, inverse, kind="edit", principal=principal, clock=clock, cid=cid)
    return _result(session, flow, [*unseen, edit], principal)


def undo(
    session: Session, principal: Principal, ref: UUID | str, *, cid: str | None = None, clock: Clock
) -> EditResult:
    """Take back the caller's own latest edit; others' edits stay (see `undoing`).

    Raises:
        ConflictError: code `nothing_to_undo`, or `undo_overtaken`.
    """
    return _step(session, principal, ref, kind="undo", cid=cid, clock=clock)


def redo(
    session: Session, principal: Principal, ref: UUID | str, *, cid: str | None = None, clock: Clock
) -> EditResult:
    """Take back the caller's own latest undo.

    Raises:
        ConflictError: code `nothing_to_redo`: none, or they edited since; `redo_overtaken`.
    """
    return _step(session, principal, ref, kind="redo", cid=cid, clock=clock)


def _done(session: Session, flow: Flow, principal: Principal, cid: str | None, seen: int | None) -> EditResult | None:
    known = repository.edit_by_cid(session, flow.id, principal.user_id, cid) if cid else None
    if known is None:
        return None
    since = known.revision - 1 if seen is None else seen
    return _result(session, flow, repository.edits_after(session, flow.id, since), principal)


def edits_since(session: Session, principal: Principal, ref: UUID | str, seq: int) -> list[AppliedEdit] | None:
    """Edits after `seq`, oldest first; None when the journal doesn't reach back that far."""
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    if seq >= flow.draft_revision:
        return []
    edits = repository.edits_after(session, flow.id, seq)
    return [_applied(edit) for edit in edits] if len(edits) == flow.draft_revision - seq else None


def verify_draft(
    session: Session, principal: Principal, ref: UUID | str, ahead: VerifyRequest | None = None
) -> VerifyResult:
    """What the verifier says of the draft as it is now, or as the operations of `ahead` would leave it.

    Raises:
        ConflictError: code `stale_revision`: the draft isn't at the revision of `ahead`.
        InvalidError: code `invalid_operation`.
    """
    principal.require(Role.VIEWER)
    if ahead and ahead.operations:
        principal.needs(Permission.FLOWS_EDIT)
    flow = repository.find(session, ref)
    raw = flow.draft_document
    if ahead is not None:
        refuse_stale(flow, ahead.expected_revision)
        raw, _inverse = _apply_all(flow, _parse(ahead.operations), stale=False)
        documents.check_limits(raw)
    document = FlowDocument.model_validate(raw)
    findings = verify(document, verify_env(session, flow.id, document))
    return VerifyResult(
        revision=flow.draft_revision,
        findings=findings,
        errors=sum(f.severity == "error" for f in findings),
        warnings=sum(f.severity == "warning" for f in findings),
    )


def paths_of_draft(
    session: Session, principal: Principal, ref: UUID | str, *, limit: int, conversations: bool
) -> PathsReport:
    """Loop-free paths of the draft, each with a conversation that takes the engine along it."""
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    return paths(FlowDocument.model_validate(flow.draft_document), limit, drive=conversations, explore=conversations)


def findings_of(session: Session, flow: Flow) -> list[Finding]:
    """The verifier's findings on the draft."""
    document = FlowDocument.model_validate(flow.draft_document)
    return verify(document, verify_env(session, flow.id, document))


def note_errors(session: Session, flow: Flow) -> None:
    """Keep how many errors the draft has, for the list."""
    flow.draft_errors = sum(finding.severity == "error" for finding in findings_of(session, flow))
    session.add(flow)
    session.flush()


def refuse_stale(flow: Flow, expected_revision: int | None) -> None:
    """Refuse a caller that has not seen the newest draft.

    Raises:
        ConflictError: code `stale_revision`.
    """
    if expected_revision is not None and expected_revision != flow.draft_revision:
        raise ConflictError(
            f"The draft is at revision {flow.draft_revision}, not {expected_revision}; load it again.",
            code="stale_revision",
        )


def _parse(operations: Sequence[JsonObject]) -> list[Operation]:
    parsed: list[Operation] = []
    errors: list[FieldError] = []
    for index, raw in enumerate(operations):
        try:
            operation = parse_operation(raw)
            parsed.append(_checked(operation))
        except OperationError as error:
            errors.append(FieldError(f"/operations/{index}", str(error), error.code, error.node_id))
    if errors:
        raise InvalidError("Not every operation can be read.", errors=errors, code="invalid_operation")
    return parsed


def _checked(operation: Operation) -> Operation:
    """A replacement goes through the same door as an import: nothing unreadable may become the draft."""
    if isinstance(operation, ReplaceDocument):
        return ReplaceDocument(document=documents.stored(documents.read(operation.document)))
    return operation


def _missed(session: Session, flow: Flow, expected_revision: int | None) -> list[FlowEdit]:
    if expected_revision is None or expected_revision == flow.draft_revision:
        return []
    missed = repository.edits_after(session, flow.id, expected_revision)
    if len(missed) != flow.draft_revision - expected_revision:
        raise ConflictError("The draft has moved on too far; load it again.", code="stale_revision")
    return missed


def _refuse_clashes(
    mine: Sequence[Operation], missed: Sequence[FlowEdit], unseen: Sequence[FlowEdit], principal: Principal
) -> None:
    keys = rebase.touched_by(mine)
    clashes: dict[rebase.Key, FlowEdit] = {}
    for edit in rebase.standing(missed):
        if edit.actor_id != principal.user_id:
            theirs = rebase.touched_by(parse_operation(raw) for raw in edit.operations)
            clashes |= dict.fromkeys(rebase.at_odds(keys, theirs), edit)
    if clashes:
        raise EditConflictError(
            [Clash(key, clashes[key].actor_id) for key in sorted(clashes)], [_applied(edit) for edit in unseen]
        )


def _apply_all(flow: Flow, operations: Sequence[Operation], *, stale: bool) -> tuple[JsonObject, list[Operation]]:
    document: JsonObject = flow.draft_document
    inverse: list[Operation] = []
    for index, operation in enumerate(operations):
        try:
            document, back = apply(document, operation)
        except OperationError as error:
            where = FieldError(f"/operations/{index}", str(error), error.code, error.node_id)
            if stale:
                raise ConflictError(
                    "The draft has changed so that this no longer fits; load it again.",
                    errors=[where],
                    code="stale_revision",
                ) from error
            raise InvalidError("This does not fit the draft.", errors=[where], code="invalid_operation") from error
        inverse.insert(0, back)
    return document, inverse


def _step(
    session: Session, principal: Principal, ref: UUID | str, *, kind: undoing.Step, cid: str | None, clock: Clock
) -> EditResult:
    principal.needs(Permission.FLOWS_EDIT)
    flow = repository.find(session, ref, lock=True)
    done = _done(session, flow, principal, cid, None)
    if done is not None:
        return done
    target = undoing.find(session, flow, principal.user_id, kind)
    operations = [parse_operation(raw) for raw in target.inverse]
    after, inverse = _apply_all(flow, operations, stale=True)
    target.undone = True
    session.add(target)
    edit = _record(
        session,
        flow,
        after,
        operations,
        inverse,
        kind=kind,
        principal=principal,
        clock=clock,
        cid=cid,
        undoes=target.revision,
    )
    return _result(session, flow, [edit], principal)


def _record(
    session: Session,
    flow: Flow,
    after: JsonObject,
    operations: Sequence[Operation],
    inverse: Sequence[Operation],
    *,
    kind: str,
    principal: Principal,
    clock: Clock,
    cid: str | None = None,
    undoes: int | None = None,
) -> FlowEdit:
    now = clock.now()
    flow.draft_document = after
    flow.search_text = documents.search_text(after)
    flow.draft_revision += 1
    flow.draft_updated_at = flow.updated_at = now
    flow.draft_updated_by = principal.user_id
    flow.name = (after.get("name") or flow.name)[:200]
    flow.draft_changes = changes_after(session, flow, step=-1 if kind == "undo" else 1)
    edit = FlowEdit(
        organization_id=flow.organization_id,
        flow_id=flow.id,
        revision=flow.draft_revision,
        operations=[operation.model_dump(mode="json") for operation in operations],
        inverse=[operation.model_dump(mode="json") for operation in inverse],
        actor_id=principal.user_id,
        kind=kind,
        undoes=undoes,
        cid=cid,
        created_at=now,
    )
    session.add_all((flow, edit))
    session.flush()
    if flow.draft_revision % 50 == 0:
        repository.forget_edits(session, flow.id, flow.draft_revision - JOURNAL_LENGTH)
    payload: JsonObject = {
        "event": "flow_edited",
        "flow_id": str(flow.id),
        "seq": edit.revision,
        "actor_id": str(principal.user_id),
        "cid": cid or "",
    }
    if len(orjson.dumps(edit.operations)) <= MAX_POKED_BYTES:
        payload["operations"] = edit.operations
    poke(session, f"flow:{flow.id}", payload)
    return edit


def changes_after(session: Session, flow: Flow, *, step: int) -> int:
    """How many things differ from the live version (`comparing.changes_of`); edits, while nothing was published yet."""
    changes = comparing.changes_of(session, flow)
    return max(1, flow.draft_changes + step) if changes is None else changes


def _applied(edit: FlowEdit) -> AppliedEdit:
    return AppliedEdit.model_validate(
        {
            "seq": edit.revision,
            "kind": edit.kind,
            "operations": edit.operations,
            "actor_id": edit.actor_id,
            "at": edit.created_at,
            "cid": edit.cid,
        }
    )


def _result(session: Session, flow: Flow, edits: Sequence[FlowEdit], principal: Principal) -> EditResult:
    findings = findings_of(session, flow)
    flow.draft_errors = sum(finding.severity == "error" for finding in findings)
    session.add(flow)
    return EditResult(
        flow_id=flow.id,
        revision=flow.draft_revision,
        edits=[_applied(edit) for edit in edits],
        findings=findings,
        changes=flow.draft_changes,
        can_undo=bool(repository.undoable(session, flow.id, principal.user_id)),
        can_redo=bool(repository.redoable(session, flow.id, principal.user_id)),
    )
