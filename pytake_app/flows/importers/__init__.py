"""Other products' flows as ours: recognised by their shape, translated as far as they go, with a report of the rest.

Pure: JSON in, documents out. Nothing but `UnreadableFile` is raised, whatever the file.
"""

from __future__ import annotations

import json
from typing import Any

from pytake_app.engine.document import DocumentError, parse_document
from pytake_app.flows.importers import plain, rapidpro, typebot
from pytake_app.flows.importers.report import (
    Imported,
    ImportedFlow,
    ImportReport,
    Kind,
    ReportLine,
    UnreadableFile,
    unreadable,
)

__all__ = ["ImportReport", "Imported", "ImportedFlow", "Kind", "ReportLine", "UnreadableFile", "convert", "recognise"]


_NO_FLOW = "this is no flow: neither one of PyTake's, nor a Typebot export, nor a RapidPro definition"


def recognise(raw: Any) -> Kind:
    """Whose file it is, by its shape; ours unless it is clearly another's."""
    if plain.mapping(raw).get("format") == "pytake.flow":
        return "pytake"
    if rapidpro.recognise(raw):
        return "rapidpro"
    if typebot.recognise(raw):
        return "typebot"
    return "pytake"


def convert(raw: Any) -> Imported:
    """Translate a file.

    Raises:
        UnreadableFile: it is no flow, or of a format that can't be read; `problems` say where and why.
    """
    if isinstance(raw, str):
        raw = _decoded(raw)
    kind = recognise(raw)
    if kind == "typebot":
        return typebot.read(raw)
    if kind == "rapidpro":
        return rapidpro.read(raw)
    return _own(raw)


def _decoded(text: str) -> Any:
    """A file that came as a JSON text; what is none is told by whoever reads it as ours."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _own(raw: Any) -> Imported:
    """An export of ours, a bare document, or an older shape."""
    source_id, also, name, body, tests = "", "", "", raw, None
    if isinstance(raw, dict) and raw.get("format") == "pytake.flow":
        source_id, name = plain.text(raw.get("slug"), 200), plain.text(raw.get("name"), 200)
        also = plain.text(raw.get("id"), 36)
        body, tests = raw.get("document"), raw.get("tests")
    if not body and body != "":
        raise unreadable(_NO_FLOW)
    if isinstance(body, dict) and not any(key in body for key in ("nodes", "document", "flow", "draft", "type")):
        raise unreadable(_NO_FLOW)
    try:
        document = parse_document(body)
    except DocumentError as error:
        at = "/document" if body is not raw else ""
        raise UnreadableFile([p.model_copy(update={"pointer": at + p.pointer}) for p in error.errors]) from error
    if not document.name and name:
        document = document.model_copy(update={"name": name})
    wanted = {node.id: node.config.get("flow") for node in document.nodes}
    references = {node_id: flow for node_id, flow in wanted.items() if isinstance(flow, str) and flow}
    flow = ImportedFlow(source_id=source_id, also=also, document=document, references=references, tests=tests)
    return Imported(flows=[flow], report=ImportReport(kind="pytake", version=document.spec_version))
