"""What an import says of itself: per thing of the file, whether it was translated, approximated or left out."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from pytake_app.engine.document import DocumentProblem, FlowDocument

Kind = Literal["pytake", "typebot", "rapidpro"]
Outcome = Literal["translated", "approximated", "left_out"]


class ReportLine(BaseModel):
    """One thing of the file.

    `source_id` and `source_type` are the file's own words, `flow` its flow's name; `node_id` is the node that stands
    for it now, null for what was left out. `note` says with what it was approximated, or why it was left out
    (English); empty for what was translated.
    """

    flow: str
    source_id: str
    source_type: str
    title: str = ""
    node_id: str | None = None
    outcome: Outcome
    note: str = ""


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
    """One flow of a file. `references` maps jump nodes to the file's id of the flow they lead to."""

    source_id: str
    document: FlowDocument
    references: dict[str, str] = Field(default_factory=dict)


class Imported(BaseModel):
    """A file, translated."""

    flows: list[ImportedFlow]
    report: ImportReport


def outcome_of(note: str) -> Outcome:
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
