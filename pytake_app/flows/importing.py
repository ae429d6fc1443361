"""New flows from files: ours, and those of other products (see `importers`)."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from pytake_app.accounts.limits import Resource, require_room
from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.tenancy import Permission, Principal
from pytake_app.engine.document import FlowDocument
from pytake_app.flows import archives, catalog, editing, importers, testcase_files
from pytake_app.flows.documents import MAX_REPORTED
from pytake_app.flows.importers import Imported, ImportedFlow, ImportReport, UnreadableFile
from pytake_app.flows.models import Flow
from pytake_app.flows.schemas import ArchiveResult, ImportedFile, ImportedFlowView, ImportProblem, ImportResult

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
        LimitError: the plan has no room for so many flows.
    """
    principal.needs(Permission.FLOWS_EDIT)
    imported = _read(document)
    made: dict[str, UUID] = {}
    flows = _store(session, principal, imported, made, name=name, clock=clock)
    _finish(session, flows, made)
    view = catalog.get_flow(session, principal, flows[0][1].id, clock=clock)
    return ImportResult(**view.model_dump(), report=_short(imported.report), flows=[_view(*flow) for flow in flows])


def import_archive(
    session: Session, principal: Principal, content: bytes, filename: str, *, clock: Clock
) -> ArchiveResult:
    """New flows from a ZIP archive, as `library.export_archive` makes it, or from one large file.

    Everything in it that is a file of flows is imported; what can't be read is told and doesn't stop the others. Jumps
    between flows of the archive lead to the new flows.

    Raises:
        InvalidError: code `invalid_archive` or `too_large`; nothing is stored.
    """
    principal.needs(Permission.FLOWS_EDIT)
    made: dict[str, UUID] = {}
    every: list[_Stored] = []
    results: list[ImportedFile] = []
    for name, text in archives.files_of(content, filename):
        try:
            imported = _read(archives.parsed(text))
            with session.begin_nested():
                flows = _store(session, principal, imported, made, name=None, clock=clock)
        except InvalidError as error:
            problems = [
                ImportProblem(
                    pointer=problem.pointer.removeprefix("/document"),
                    code=problem.code,
                    message=problem.message,
                    node_id=problem.node_id,
                )
                for problem in error.errors
            ]
            results.append(ImportedFile(file=name, errors=problems))
            continue
        every += flows
        results.append(ImportedFile(file=name, flows=[_view(*flow) for flow in flows], report=_short(imported.report)))
    _finish(session, every, made)
    return ArchiveResult(files=results)


_Stored = tuple[ImportedFlow, Flow]


def _store(
    session: Session, principal: Principal, imported: Imported, made: dict[str, UUID], *, name: str | None, clock: Clock
) -> list[_Stored]:
    """The flows of a file as new rows; `made` learns what the file calls them."""
    require_room(session, Resource.FLOWS, len(imported.flows), clock=clock)
    flows: list[_Stored] = []
    known: dict[str, UUID] = {}
    for found in imported.flows:
        chosen = (name if len(imported.flows) == 1 else None) or found.document.name or "Flow"
        row = catalog.insert(
            session, name=chosen.strip()[:200] or "Flow", document=found.document, by=principal.user_id, clock=clock
        )
        if found.tests:
            tests = testcase_files.checked(found.tests)
            testcase_files.put(session, row, tests, by=principal.user_id, clock=clock)
        flows.append((found, row))
        for called in (found.source_id, found.also):
            if called:
                known.setdefault(called, row.id)
    for called, flow_id in known.items():
        made.setdefault(called, flow_id)
    return flows


def _finish(session: Session, flows: list[_Stored], made: dict[str, UUID]) -> None:
    for found, row in flows:
        _connect(session, found, row, made)
        editing.note_errors(session, row)


def _short(report: ImportReport) -> ImportReport:
    return report.model_copy(update={"lines": report.lines[:MAX_LINES]})


def _view(found: ImportedFlow, row: Flow) -> ImportedFlowView:
    return ImportedFlowView(id=row.id, name=row.name, slug=row.slug, source_id=found.source_id)


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
