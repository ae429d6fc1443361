"""What the API and the editor say and hear about test cases of flows."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, JsonValue, model_validator

from pytake_app.flows.preview_schemas import PreviewScript
from pytake_app.flows.schemas import Request

JsonObject = dict[str, Any]


class ExpectedTurn(BaseModel):
    """What one input is to cause: messages in order (the engine's content), and why it isn't taken, if so."""

    messages: list[JsonObject] = Field(default_factory=list)
    ignored: str | None = None


class Expectation(BaseModel):
    """What is to come of a script. `turns` as in a preview; `status`, `outcome` and `variables` at its end."""

    turns: list[ExpectedTurn] = Field(default_factory=list, max_length=201)
    status: str | None = None
    outcome: str | None = None
    variables: dict[str, JsonValue] = Field(default_factory=dict)


class NewTestCase(Request):
    """Save a conversation. Without `expected`, what the draft answers now is what is expected from now on."""

    name: str = Field(min_length=1, max_length=120)
    script: PreviewScript
    expected: Expectation | None = None


class TestCaseUpdate(Request):
    """Rename, replace the script, or take what the draft answers now as right (`accept`)."""

    __test__ = False

    name: str | None = Field(default=None, min_length=1, max_length=120)
    script: PreviewScript | None = None
    expected: Expectation | None = None
    accept: bool = False

    @model_validator(mode="after")
    def _one_expectation(self) -> TestCaseUpdate:
        if self.accept and self.expected is not None:
            raise ValueError("give what is expected, or accept what comes, not both")
        return self


class TestCaseView(BaseModel):
    """A test case of a flow."""

    __test__ = False

    id: UUID
    name: str
    script: PreviewScript
    expected: Expectation
    inputs: int = Field(description="how many things happen in it")
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime


DifferenceKind = Literal["message", "missing", "extra", "ignored", "status", "outcome", "variable"]


class Difference(BaseModel):
    """One thing that came otherwise. `turn`: index of the turn (0 is the first), `after`: what the contact did there,
    in words. `expected` and `got` are texts to read side by side; null: nothing."""

    kind: DifferenceKind
    turn: int | None = None
    after: str = ""
    name: str = ""
    expected: str | None = None
    got: str | None = None
    node_id: str | None = None


class TestCaseResult(BaseModel):
    """What became of one test case."""

    __test__ = False

    id: UUID
    name: str
    passed: bool
    differences: list[Difference] = Field(default_factory=list)


class TestRunRequest(Request):
    """Which test cases to run (all without `ids`), on the draft or the live version."""

    __test__ = False

    ids: list[UUID] = Field(default_factory=list, max_length=200)
    source: Literal["draft", "live"] = "draft"


class TestRun(BaseModel):
    """Results in the order of the list. `revision` is the draft's, null for the live version."""

    __test__ = False

    revision: int | None
    version: int | None
    passed: int
    failed: int
    results: list[TestCaseResult]
