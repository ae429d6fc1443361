"""New flows from files: ours, and those of other products (see `importers`)."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.tenancy import Principal, Role
from pytake_app.engine.document import FlowDocument
from pytake_app.flows import catalog, editing, importers
from pytake_app.flows.documents import MAX_REPORTED
from pytake_app.flows.importers import Imported, ImportedFlow, UnreadableFile
from pytake_app.flows.models import Flow
from pytake_app.flows.schemas import ImportedFlowView, ImportResult

MAX_LINES = 2_000
"""Lines of a report that are answered; the counts are of all."""


def import_flow(
    session: Session, principal: Principal, *, document: object, name: str | None, clock: Clock
) -> ImportResult:
    """New flows from an export of ours, a bare document, the older shape, or a file of Typebot or RapidPro.

    Nothing is published. Jumps between flows of one file lead to the new flows; others keep the file's id for people
    to mend.

    Raises:
        InvalidError: code `invalid_document`; nothing is stored.
    """
    principal.require(Role.ORG_ADMIN)
    imported = _read(document)
    made: dict[str, UUID] = {}
    views: list[ImportedFlowView] = []
    flows: list[tuple[ImportedFlow, Flow]] = []
    for found in imported.flows:
        chosen = (name if len(imported.flows) == 1 else None) or found.document.name or "Flow"
        row = catalog.insert(
            session, name=chosen.strip()[:200] or "Flow", document=found.document, by=principal.user_id, clock=clock
        )
        flows.append((found, row))
        if found.source_id:
            made.setdefault(found.source_id, row.id)
        views.append(ImportedFlowView(id=row.id, name=row.name, slug=row.slug, source_id=found.source_id))
    for found, row in flows:
        _connect(session, found, row, made)
        editing.note_errors(session, row)
    report = imported.report.model_copy(update={"lines": imported.report.lines[:MAX_LINES]})
    view = catalog.get_flow(session, principal, flows[0][1].id, clock=clock)
    return ImportResult(**view.model_dump(), report=report, flows=views)


def _read(document: object) -> Imported:
    try:
        return importers.convert(document)
    except UnreadableFile as error:
        errors = [
            FieldError(f"/document{problem.pointer}", problem.message, problem.code, problem.node_id)
            for problem in error.problems[:MAX_REPORTED]
        ]
        raise InvalidError(_sentence(error), errors=errors, code="invalid_document") from error


def _sentence(error: UnreadableFile) -> str:
    detail = "This is not a flow that can be read."
    if len(error.problems) > MAX_REPORTED:
        detail += f" The first {MAX_REPORTED} of {len(error.problems)} errors are listed."
    return detail


def _connect(session: Session, found: ImportedFlow, row: Flow, made: dict[str, UUID]) -> None:
    """Jumps to flows of the same file lead to what those became."""
    targets = {node: str(made[wanted]) for node, wanted in found.references.items() if wanted in made}
    if not targets:
        return
    document = FlowDocument.model_validate(row.draft_document)
    for node in document.nodes:
        if node.id in targets:
            node.config["flow"] = targets[node.id]
    row.draft_document = document.model_dump(mode="json")
    session.add(row)
    session.flush()
