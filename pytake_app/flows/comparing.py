"""Versions and the draft of a flow beside each other, and how much each version changed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlmodel import Session

from pytake_app.core.errors import InvalidError
from pytake_app.core.tenancy import Principal, Role
from pytake_app.engine.difference import ChangeSize, DocumentChange, difference
from pytake_app.engine.document import FlowDocument
from pytake_app.flows import documents, repository
from pytake_app.flows.models import Flow, FlowVersion
from pytake_app.flows.versions_schemas import Comparison

JsonObject = dict[str, Any]
MAX_BACKFILL = 200
"""Versions from before sizes were kept whose size is worked out for one answer."""


def compare(
    session: Session, principal: Principal, ref: UUID | str, *, base: str, target: str, whole: bool
) -> Comparison:
    """What changed from `base` to `target`, each `draft`, `live` or a version's number.

    Parameters:
        whole: answer both documents too.

    Raises:
        InvalidError: code `unknown_version_name`; `not_published` when `live` is asked for and nothing is.
        NotFoundError: no such version.
    """
    principal.require(Role.VIEWER)
    flow = repository.find(session, ref)
    before_number, before = _document(session, flow, base)
    after_number, after = _document(session, flow, target)
    change = _difference(before, after)
    return Comparison(
        flow_id=flow.id,
        base=before_number,
        target=after_number,
        revision=flow.draft_revision,
        change=change,
        layout_only=change.size.layout_only,
        before=before if whole else None,
        after=after if whole else None,
    )


def _document(session: Session, flow: Flow, name: str) -> tuple[int | None, JsonObject]:
    if name == "draft":
        return None, flow.draft_document
    number = flow.live_version if name == "live" else int(name) if name.isascii() and name.isdigit() else -1
    if number is None:
        raise InvalidError("The flow has no published version yet.", code="not_published")
    if not 0 < number < 2**31:
        raise InvalidError("Say draft, live or the number of a version.", code="unknown_version_name")
    return number, repository.version(session, flow.id, number).document


def _difference(before: JsonObject, after: JsonObject) -> DocumentChange:
    return difference(FlowDocument.model_validate(before), FlowDocument.model_validate(after))


def changes_of(session: Session, flow: Flow) -> int | None:
    """How many things of the draft differ from the live version, None when nothing is live.

    At least 1 when they differ at all (a block that only moved), 0 when the draft is that version again. What is equal
    as JSON is left out before anything is parsed: an edit asks for this each time, also one of 300 blocks.
    """
    if flow.live_version is None:
        return None
    if documents.checksum(flow.draft_document) == repository.live_checksum(session, flow):
        return 0
    live = repository.version(session, flow.id, flow.live_version).document
    return max(1, _difference(*_without_equals(live, flow.draft_document)).size.things)


def _without_equals(before: JsonObject, after: JsonObject) -> tuple[JsonObject, JsonObject]:
    """Both documents with bare blocks for those that are the same in both, and without the links that are."""
    nodes = [{node["id"]: node for node in document["nodes"]} for document in (before, after)]
    same = {node_id for node_id, node in nodes[0].items() if nodes[1].get(node_id) == node}
    links = [{edge["id"]: edge for edge in document["edges"]} for document in (before, after)]
    kept = {edge_id for edge_id, edge in links[0].items() if links[1].get(edge_id) == edge}

    def reduced(document: JsonObject) -> JsonObject:
        return {
            **document,
            "nodes": [{"id": n["id"], "type": n["type"]} if n["id"] in same else n for n in document["nodes"]],
            "edges": [edge for edge in document["edges"] if edge["id"] not in kept],
        }

    return reduced(before), reduced(after)


def size_against(session: Session, flow_id: UUID, number: int, document: JsonObject) -> ChangeSize:
    """How much `document`, to become version `number`, changes against the version before; all new for the first."""
    if number <= 1:
        return _difference({}, document).size
    return _difference(repository.version(session, flow_id, number - 1).document, document).size


def sizes(session: Session, flow_id: UUID, versions: list[FlowVersion]) -> dict[int, ChangeSize]:
    """How much each version changed against the one before it; worked out for those that don't know."""
    found: dict[int, ChangeSize] = {}
    unknown = 0
    for version in versions:
        if version.change is not None:
            size = ChangeSize.model_validate(version.change)
        elif unknown < MAX_BACKFILL:
            unknown += 1
            document = repository.version(session, flow_id, version.version).document
            size = size_against(session, flow_id, version.version, document)
        else:
            continue
        found[version.version] = size
    return found
