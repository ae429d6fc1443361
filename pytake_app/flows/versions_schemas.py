"""What the API says and hears of comparisons of versions and of publications for later."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from pytake_app.engine.difference import DocumentChange
from pytake_app.flows.impact_schemas import ImpactChoice

JsonObject = dict[str, Any]
PublicationState = Literal["pending", "done", "failed", "canceled"]


class Comparison(BaseModel):
    """What changed between two versions; `base` and `target` are numbers, null for the draft."""

    flow_id: UUID
    base: int | None
    target: int | None
    revision: int = Field(description="of the draft, when it was compared")
    change: DocumentChange
    layout_only: bool
    before: JsonObject | None = None
    after: JsonObject | None = None


class ScheduleRequest(BaseModel):
    """Publish the draft as it is now at a later time. `publish_at` carries its offset."""

    model_config = ConfigDict(extra="forbid")

    publish_at: AwareDatetime
    expected_revision: int | None = Field(default=None, ge=0)
    note: str = Field(default="", max_length=500)
    impact: ImpactChoice = Field(default_factory=ImpactChoice)
    allow_failing_tests: bool = False


class PublicationProblem(BaseModel):
    """Why a publication did not happen: its code, and the verifier's errors if it was those."""

    code: str
    detail: str = ""
    findings: list[str] = Field(default_factory=list)


class PublicationView(BaseModel):
    """A publication for later, and what became of it.

    `overtaken_by`: the version that went live since it was made; publishing will undo what that one changed.
    `draft_moved_on`: the draft is no longer what will be published.
    """

    id: UUID
    flow_id: UUID
    state: PublicationState
    publish_at: datetime
    note: str
    created_by: UUID | None
    created_by_name: str = ""
    created_at: datetime
    finished_at: datetime | None
    version: int | None
    problem: PublicationProblem | None
    overtaken_by: int | None = None
    draft_moved_on: bool = False
