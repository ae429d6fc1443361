"""Flow documents on their way in and out of the database: parsing with problem documents, checksums, limits."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from typing import Any

import orjson

from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.engine.document import DEFAULT_MAX_BYTES, DEFAULT_MAX_NODES, DocumentError, FlowDocument, parse_document
from pytake_app.engine.verify import Finding

JsonObject = dict[str, Any]

MAX_SEARCH_TEXT = 60_000
"""Characters of a flow that its list's search looks through."""
MAX_REPORTED = 100
"""How many errors a problem document lists: a broken file of 2,000 nodes needn't answer with 2,000 sentences."""


def read(raw: object, *, pointer: str = "/document") -> FlowDocument:
    """A document in either shape.

    Parameters:
        raw: parsed JSON, or JSON text.
        pointer: where in the request the document stands; put before each error's pointer.

    Raises:
        InvalidError: code `invalid_document`, one error per place, each with its node's id.
    """
    try:
        return parse_document(raw)
    except DocumentError as error:
        errors = [
            FieldError(pointer + e.pointer, e.message, e.code, e.node_id, key=f"verify.document.{e.code}")
            for e in error.errors[:MAX_REPORTED]
        ]
        detail = "This is not a flow that can be read."
        if len(error.errors) > MAX_REPORTED:
            detail += f" The first {MAX_REPORTED} of {len(error.errors)} errors are listed."
        raise InvalidError(detail, errors=errors, code="invalid_document") from error


def folded(text: str) -> str:
    """A text without accents and case, as searches compare it."""
    plain = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    return plain.lower()


def search_text(document: JsonObject) -> str:
    """Titles, ids and every text of a stored document's nodes, folded, for the list's search."""
    words: list[str] = []

    def collect(value: object) -> None:
        if isinstance(value, str):
            words.append(value)
        elif isinstance(value, dict):
            for item in value.values():
                collect(item)
        elif isinstance(value, list):
            for item in value:
                collect(item)

    collect(document.get("nodes", []))
    return folded(" ".join(words))[:MAX_SEARCH_TEXT].replace("\x00", "")


def stored(document: FlowDocument) -> JsonObject:
    """The JSON form kept in the database."""
    return document.model_dump(mode="json")


def checksum(document: JsonObject) -> str:
    """SHA-256 of the canonical JSON text (sorted keys), hexadecimal."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def check_limits(document: JsonObject) -> None:
    """Refuse a draft that could not be stored, or not be loaded again.

    Raises:
        InvalidError: code `invalid_document`: more nodes or bytes than a document may have, or values that JSON in
            PostgreSQL can't hold (infinite numbers, NUL characters, halves of surrogate pairs).
    """
    nodes = len(document["nodes"])
    if nodes > DEFAULT_MAX_NODES:
        raise _refused(f"a flow may have {DEFAULT_MAX_NODES} nodes; this would make {nodes}", "too_many_nodes")
    try:
        text = json.dumps(document, allow_nan=False, ensure_ascii=False).encode()
    except ValueError as error:  # UnicodeEncodeError is one too
        raise _refused("numbers must be finite and texts valid Unicode", "invalid_value") from error
    if len(text) > DEFAULT_MAX_BYTES:
        raise _refused(f"a flow may take {DEFAULT_MAX_BYTES} bytes; this would make {len(text)}", "too_large")
    if _NUL.search(text):
        raise _refused("texts can't contain NUL characters", "invalid_value")


# An escaped NUL: a backslash that is not itself escaped, then u0000.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def _refused(message: str, code: str) -> InvalidError:
    return InvalidError(
        "The flow can't be kept like this.", errors=[FieldError("", message, code)], code="invalid_document"
    )


def finding_error(document: FlowDocument, finding: Finding) -> FieldError:
    """A finding as an error of a problem document: it points at the node and names it."""
    pointer = ""
    if finding.node_id is not None:
        index = next((i for i, node in enumerate(document.nodes) if node.id == finding.node_id), None)
        if index is not None:
            pointer = f"/nodes/{index}" + (f"/config{finding.pointer}" if finding.pointer else "")
    language = f" in {finding.language}" if finding.language is not None and "language" not in finding.params else ""
    words = finding.code.replace("_", " ").replace(".", ": ") + language
    details = ", ".join(f"{name} {value}" for name, value in sorted(finding.params.items()))
    if finding.port is not None:
        details = f"port {finding.port}" + (f", {details}" if details else "")
    message = f"{words} ({details})" if details else words
    return FieldError(
        pointer, message, finding.code, finding.node_id, key=f"verify.{finding.code}", params=finding.params
    )


def slugify(name: str) -> str:
    """`Boas-vindas e menu` → `boas_vindas_e_menu`; never empty, at most 60 characters, never like an id."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:60].rstrip("_") or "flow"
    return f"flow_{slug}" if re.fullmatch(r"[0-9a-f]{32}|[0-9a-f_]{36}", slug) else slug


def free_slug(wanted: str, taken: set[str]) -> str:
    """`wanted`, or with the first number that makes it unique."""
    if wanted not in taken:
        return wanted
    number = 2
    while f"{wanted}_{number}" in taken:
        number += 1
    return f"{wanted}_{number}"
