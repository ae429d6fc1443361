"""What the flows API and the pages say and hear about flows, versions and edits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from pytake_app.engine.difference import ChangeSize
from pytake_app.engine.nodes.entries import EventName
from pytake_app.engine.triggers import TriggerSpec
from pytake_app.engine.verify import Finding
from pytake_app.flows.impact_schemas import AppliedImpact, ImpactChoice
from pytake_app.flows.importers.report import ImportReport
from pytake_app.flows.stats_schemas import FlowFigures

FlowStatus = Literal["draft", "active", "inactive"]
JsonObject = dict[str, Any]


class Request(BaseModel):
    """Base of request bodies: unknown fields are an error."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened to a contact. `value`: what it is about (a tag, a field, a name); `data`: what a custom
    event brings along."""

    event: EventName
    value: str = ""
    data: Mapping[str, JsonValue] = field(default_factory=dict)


class FlowSummary(BaseModel):
    """A row of the flow list. `draft_changes`: things that differ from the live version. `running_sessions`: active or
    waiting now."""

    id: UUID
    name: str
    slug: str
    status: FlowStatus
    chatbot_id: UUID | None = None
    live_version: int | None
    draft_revision: int
    draft_changes: int
    triggers: list[TriggerSpec]
    node_count: int
    running_sessions: int
    sessions_week: int = Field(description="sessions started in the last seven days")
    folder_id: UUID | None = None
    tags: list[str] = Field(default_factory=list)
    archived_at: datetime | None = None
    draft_errors: int | None = Field(default=None, description="what keeps the draft from being published")
    updated_by: UUID | None = None
    updated_by_name: str = ""
    figures: FlowFigures | None = Field(default=None, description="when asked for with `figures=true`")
    created_at: datetime
    updated_at: datetime


class DraftView(BaseModel):
    """The one mutable draft of a flow; `document` is a flow document of spec_version 1.0."""

    revision: int
    document: JsonObject
    changes: int
    updated_at: datetime
    updated_by: UUID | None = None
    can_undo: bool = False
    can_redo: bool = False


class FlowView(FlowSummary):
    """A flow with its draft."""

    draft: DraftView


class FlowCreate(Request):
    """A new flow: `{name, document}`, or the older `{name, nodes: […]}`; neither makes a flow with just a start."""

    name: str = Field(min_length=1, max_length=200)
    document: JsonObject | None = None
    nodes: list[JsonValue] | None = None

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        if self.document is not None and self.nodes is not None:
            raise ValueError("give either a document or nodes, not both")
        return self


class FlowUpdate(Request):
    """Rename a flow (its slug stays, so that callers that start it by slug keep working), put it into a folder (null:
    out of folders), give it other tags."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    folder_id: UUID | None = None
    tags: list[str] | None = Field(default=None, max_length=50)


class DraftSave(Request):
    """The whole draft at once, on top of `expected_revision`."""

    expected_revision: int = Field(ge=0)
    document: JsonObject


class OperationsRequest(Request):
    """Edits of the draft, one undo step. `expected_revision`: the revision the client built them on, if it knows.
    `cid`: the client's own id of the edit: sent again under the same one, it is done once."""

    operations: list[JsonObject] = Field(min_length=1, max_length=500)
    expected_revision: int | None = Field(default=None, ge=0)
    cid: str | None = Field(default=None, min_length=1, max_length=64)


class AppliedEdit(BaseModel):
    """One applied edit; `seq` counts up by one per flow (it is the draft revision the edit made)."""

    seq: int
    kind: Literal["edit", "undo", "redo"]
    operations: list[JsonObject]
    actor_id: UUID | None
    at: datetime
    cid: str | None = None


class EditResult(BaseModel):
    """The draft after an edit: apply `edits` in order of `seq`; they include others' edits the caller had not seen."""

    flow_id: UUID
    revision: int
    edits: list[AppliedEdit]
    findings: list[Finding]
    changes: int
    can_undo: bool
    can_redo: bool


class VerifyRequest(Request):
    """What the draft is looked at with: edits that the client hasn't sent yet, on top of `expected_revision`."""

    operations: list[JsonObject] = Field(default=[], max_length=500)
    expected_revision: int | None = Field(default=None, ge=0)


class VerifyResult(BaseModel):
    """What the verifier says of the draft."""

    revision: int
    findings: list[Finding]
    errors: int
    warnings: int


class PublishRequest(Request):
    """Freeze the draft; `expected_revision` guards against publishing what the caller has not seen. `impact` says what
    becomes of sessions in progress; without it they finish on their own version. `allow_failing_tests`: publish
    although test cases fail (409 `tests_failed` otherwise); the version remembers it."""

    expected_revision: int | None = Field(default=None, ge=0)
    expected_live: int | None = Field(default=None, ge=0, description="the live version seen, 0 for none")
    note: str = Field(default="", max_length=500)
    impact: ImpactChoice = Field(default_factory=ImpactChoice)
    allow_failing_tests: bool = False


class RollbackRequest(Request):
    """Publish an older version again."""

    version: int = Field(ge=1)
    expected_live: int | None = Field(default=None, ge=0, description="the live version seen")
    note: str = Field(default="", max_length=500)


class VersionTests(BaseModel):
    """What the test cases said of a version when it was published. `failed` are names; with any of them it was
    published all the same."""

    passed: int
    failed: list[str] = Field(default_factory=list)


class VersionView(BaseModel):
    """One immutable version. `running_sessions`: sessions pinned to it that are not over."""

    version: int
    checksum: str
    note: str
    published_by: UUID | None
    published_by_name: str = ""
    published_at: datetime
    live: bool
    node_count: int
    running_sessions: int
    tests: VersionTests | None = Field(default=None, description="what its test cases said when it was published")
    change: ChangeSize | None = Field(default=None, description="how much it changed against the version before it")


class VersionDetail(VersionView):
    """A version with its document."""

    document: JsonObject


class ParkedNode(BaseModel):
    """Running sessions that stand on a node which the new version no longer has; they finish on their own version."""

    node_id: str
    sessions: int


class OvertakenFlow(BaseModel):
    """An active flow whose universal trigger no longer answers, because another flow's is newer."""

    flow_id: UUID
    name: str


class PublishResult(BaseModel):
    """The new live version and its impact on sessions in progress (they stay pinned to their version)."""

    flow_id: UUID
    version: int
    checksum: str
    published_at: datetime
    triggers: list[TriggerSpec]
    findings: list[Finding]
    running_sessions: int
    parked: list[ParkedNode]
    overtaken: list[OvertakenFlow] = Field(default_factory=list)
    impact: AppliedImpact = Field(default_factory=AppliedImpact)


class ImportRequest(Request):
    """A flow: an export of ours, a document, older nodes, or a file of Typebot or RapidPro. `name` wins over the
    file's own, when it holds one flow."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    document: JsonValue


class ImportedFlowView(BaseModel):
    """One of the flows that a file became."""

    id: UUID
    name: str
    slug: str
    source_id: str = Field(description="the file's own id of it")


class ImportResult(FlowView):
    """The (first) new flow, all flows the file became, and what was translated, approximated or left out."""

    report: ImportReport
    flows: list[ImportedFlowView]


class ImportProblem(BaseModel):
    """Why a file couldn't be read, at a place of it."""

    pointer: str
    code: str
    message: str
    node_id: str | None = None


class ImportedFile(BaseModel):
    """What became of one file of an archive: `flows` and `report`, or `errors`."""

    file: str
    flows: list[ImportedFlowView] = Field(default_factory=list)
    report: ImportReport | None = None
    errors: list[ImportProblem] = Field(default_factory=list)


class ArchiveResult(BaseModel):
    """An imported archive, file by file. A file that can't be read doesn't stop the others."""

    files: list[ImportedFile]


class PortableTestCase(BaseModel):
    """A test case without its flow: `script` and `expected` as `/flows/{id}/test-cases` has them."""

    name: str
    script: JsonObject
    expected: JsonObject


class FlowExport(BaseModel):
    """A flow as a file: `document` alone imports too. `id`: by which flows exported with it may name it.
    `tests`: the draft's test cases; a version has none."""

    format: Literal["pytake.flow"] = "pytake.flow"
    id: UUID
    spec_version: str
    name: str
    slug: str
    version: int | None = Field(description="the exported version; null = the draft")
    exported_at: datetime
    document: JsonObject
    tests: list[PortableTestCase] = Field(default_factory=list)


class StarterStep(BaseModel):
    """Something to adapt in a flow made from a starter, and the node where."""

    node_id: str
    text: str


class StarterNeed(BaseModel):
    """Something outside the flow that a starter relies on. `webhook`: fields that the caller has to send."""

    kind: Literal["queue", "template", "url", "secret", "tag", "webhook"]
    name: str
    node_id: str


class StarterBubble(BaseModel):
    """A message of a starter's sample conversation; `mine`: the flow says it. `options`: titles of its buttons."""

    mine: bool
    kind: Literal["text", "file", "location", "template"] = "text"
    text: str
    options: list[str] = Field(default_factory=list)


class StarterView(BaseModel):
    """A ready-made flow to begin with; texts are in `locale`."""

    key: str
    name: str
    description: str
    icon: str
    category: Literal["service", "sales", "notices", "team"]
    locale: str
    node_count: int
    adapt: list[StarterStep]
    needs: list[StarterNeed]
    conversation: list[StarterBubble]
    document: JsonObject


class StarterCreate(Request):
    """Make a flow from a starter. `translations`: with the texts of our other languages too."""

    starter: str
    name: str | None = Field(default=None, min_length=1, max_length=200)
    locale: str | None = None
    translations: bool = False


class NodeCreate(Request):
    """A node to add; without an id one is made."""

    id: str | None = Field(default=None, min_length=1, max_length=100)
    type: str = Field(min_length=1, max_length=60)
    title: str = Field(default="", max_length=200)
    config: dict[str, JsonValue] = Field(default_factory=dict)
    position: dict[Literal["x", "y"], float] = Field(default_factory=dict)


class NodeUpdate(Request):
    """Change a node: `config` is merged key by key, null deletes a key."""

    title: str | None = Field(default=None, max_length=200)
    config: dict[str, JsonValue] | None = None
    position: dict[Literal["x", "y"], float] | None = None


class NodeView(BaseModel):
    """A node of the draft with the edges that leave it (port to node id)."""

    id: str
    type: str
    title: str
    config: dict[str, JsonValue]
    position: dict[str, float]
    edges: dict[str, str]


class HookView(BaseModel):
    """The secret address of a webhook trigger, below the server's public address."""

    node_id: str
    path: str
