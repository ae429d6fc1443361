"""What an import says of itself: per thing of the file, whether it was translated, approximated or left out."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, JsonValue

from pytake_app.engine.document import DocumentProblem, FlowDocument
from pytake_app.flows.importers.notes import Note

Kind = Literal["pytake", "typebot", "rapidpro"]
Outcome = Literal["translated", "approximated", "left_out"]


class NoteView(BaseModel):
    """A remark: the text `import.note.<code>` of the catalogues with these parameters."""

    code: str
    params: dict[str, str] = Field(default_factory=dict)


class ReportLine(BaseModel):
    """One thing of the file.

    `source_id` and `source_type` are the file's own words, `flow` its flow's name; `node_id` is the node that stands
    for it now, null for what was left out. `notes` say with what it was approximated, or why it was left out; none for
    what was translated. `note` is the same in English.
    """

    flow: str
    source_id: str
    source_type: str
    title: str = ""
    node_id: str | None = None
    outcome: Outcome
    note: str = ""
    notes: list[NoteView] = Field(default_factory=list)


class ImportReport(BaseModel):
    """All lines of an import, with counts. `version` is the file's format version, as the file says it."""

    kind: Kind
    version: str = ""
    translated: int = 0
    approximated: int = 0
    left_out: int = 0
    lines: list[ReportLine] = Field(default_factory=list)

    def add(self, line: ReportLine) -> None:
        """Append a line and count it."""
        self.lines.append(line)
        if line.outcome == "translated":
            self.translated += 1
        elif line.outcome == "approximated":
            self.approximated += 1
        else:
            self.left_out += 1


class ImportedFlow(BaseModel):
    """One flow of a file. `references` maps jump nodes to the file's id of the flow they lead to; `also` is another
    id that may stand there; `tests`: its test cases as the file has them, unread."""

    source_id: str
    also: str = ""
    document: FlowDocument
    references: dict[str, str] = Field(default_factory=dict)
    tests: JsonValue = None


class Imported(BaseModel):
    """A file, translated."""

    flows: list[ImportedFlow]
    report: ImportReport


def outcome_of(note: Note) -> Outcome:
    """Translated, or with a note approximated."""
    return "approximated" if note else "translated"


class UnreadableFile(ValueError):
    """The file is no flow of a kind that can be imported. `problems` name the places."""

    def __init__(self, problems: list[DocumentProblem]) -> None:
        self.problems = problems
        super().__init__("; ".join(problem.message for problem in problems[:3]))


def unreadable(message: str, *, code: str = "not_a_flow", pointer: str = "") -> UnreadableFile:
    """One sentence as an error."""
    return UnreadableFile([DocumentProblem(pointer=pointer, node_id=None, code=code, message=message)])
