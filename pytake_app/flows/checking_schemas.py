"""What the check panel hears."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from pytake_app.channels.capabilities import ChannelKind
from pytake_app.engine.analysis.conversation import PathStep
from pytake_app.engine.analysis.paths import Coverage, PathEnd
from pytake_app.engine.verify import Finding
from pytake_app.flows.preview_schemas import PreviewScript
from pytake_app.flows.schemas import Request

JsonObject = dict[str, Any]


class PathCost(BaseModel):
    """Messages of a path, those among them that are charged, and their price in millionths of the currency; null:
    without bound. `partial`: a flow that is entered could not be looked into."""

    messages: int
    billable: int | None
    price: int | None
    partial: bool = False


class CheckedPath(BaseModel):
    """A loop-free path, a script that takes it (null: none was found, for `reason`; `later`: not
    looked for yet, see `/check/path`), and its cost."""

    steps: list[PathStep]
    ends: PathEnd
    reason: str = ""
    script: PreviewScript | None
    cost: PathCost


class PathRequest(Request):
    """One path of the draft, as a list of paths gave it."""

    steps: list[PathStep] = Field(min_length=1, max_length=500)


class PathScript(BaseModel):
    """A script that takes the path; null: none was found, for `reason`."""

    script: PreviewScript | None
    reason: str = ""


class PathsView(BaseModel):
    """Paths of the draft. `priced`: the organization's prices are known."""

    revision: int
    currency: str
    priced: bool
    truncated: bool
    coverage: Coverage
    paths: list[CheckedPath]


class MendRequest(Request):
    """Mend what is safe to mend; `expected_revision` guards against mending what the caller has not seen."""

    expected_revision: int | None = Field(default=None, ge=0)


class MendResult(BaseModel):
    """How many findings were mended, and what is left."""

    revision: int
    mended: int
    findings: list[Finding]


class ChannelLook(BaseModel):
    """How a node's messages reach the contact on a channel (see `ShownMessage`)."""

    channel: ChannelKind
    contents: list[JsonObject]
    changes: list[str]
    problem: str = ""
    problem_code: str = ""


class NodeLook(BaseModel):
    """A node whose messages some channel shows otherwise. `contents`: as drawn."""

    node_id: str
    contents: list[JsonObject]
    looks: list[ChannelLook]


class ChannelLooks(BaseModel):
    """`messages`: how many nodes say something; those that aren't in `nodes` look the same everywhere."""

    revision: int
    messages: int
    nodes: list[NodeLook]
