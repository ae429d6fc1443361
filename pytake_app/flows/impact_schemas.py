"""What the API says and hears of a publication's effect on sessions in progress."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class ImpactChoice(BaseModel):
    """What becomes of sessions on older versions.

    `default`: `finish` (they end on their own version) or `end` (they are interrupted). `moves` is for those that
    wait at a node: the new version's node they wait at from now on, or null to end them.
    """

    model_config = ConfigDict(extra="forbid")

    default: Literal["finish", "end"] = "finish"
    moves: dict[str, str | None] = Field(default_factory=dict, max_length=200)


class ImpactNode(BaseModel):
    """Sessions that wait at a node of a version, and what the draft makes of it. `says`: how its own words begin."""

    node_id: str
    title: str
    type: str
    says: str
    version: int
    change: Literal["same", "changed", "removed"]
    waits_for: str
    sessions: int


class ImpactTarget(BaseModel):
    """A node of the draft that sessions can be moved to."""

    node_id: str
    title: str
    type: str
    says: str
    waits_for: list[str]


class ImpactPreview(BaseModel):
    """Sessions in progress, and where they could go on."""

    flow_id: UUID
    revision: int
    sessions: int
    nodes: list[ImpactNode]
    targets: list[ImpactTarget]


class AppliedImpact(BaseModel):
    """What became of sessions on older versions."""

    finishing: int = 0
    moved: int = 0
    ended: int = 0
