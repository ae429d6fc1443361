"""Shapes of the editor's tools: try a request, test intents, look at a schedule, evaluate an expression."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

MAX_SAMPLE = 200_000
"""Characters of a tried request's answer that the browser is given."""
Short = Annotated[str, StringConstraints(max_length=400)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SampleValues(_Request):
    """What expressions read: the preview session's variables and its contact."""

    variables: dict[str, JsonValue] = Field(default_factory=dict, max_length=200)
    contact: dict[str, JsonValue] = Field(default_factory=dict, max_length=100)
    message: str = Field(default="", max_length=4096)


class RequestTry(SampleValues):
    """An `api_call` config to be performed once, now."""

    config: dict[str, Any]


class SentLine(BaseModel):
    """A header as it was sent; secrets are dots."""

    name: str
    value: str


class SentRequest(BaseModel):
    """What was sent, with every secret masked."""

    method: str
    url: str
    headers: list[SentLine] = []
    body: str = ""


class RequestTried(BaseModel):
    """What came of it. `error` as in the step log: `timeout`, `refused_private_address`, `secret_missing`…

    `json_body` is the parsed answer when it is JSON and `text` the beginning of it otherwise; `mapped` what the block's
    mapping would keep, `missing` the variables whose path found nothing.
    """

    request: SentRequest
    status: int = 0
    error: str | None = None
    duration_ms: int = 0
    size: int = 0
    is_json: bool = False
    json_body: JsonValue = None
    text: str = ""
    truncated: bool = False
    mapped: dict[str, JsonValue] = {}
    missing: list[str] = []
    problems: list[str] = []


class IntentSample(_Request):
    """An intent as the block has it."""

    id: str = Field(max_length=100)
    label: str = Field(default="", max_length=200)
    examples: list[Short] = Field(default_factory=list, max_length=100)


class ClassifyTest(_Request):
    """A sentence to be sorted by the built-in classifier."""

    text: str = Field(min_length=1, max_length=1000)
    intents: list[IntentSample] = Field(max_length=50)
    threshold: float = Field(default=0.25, ge=0, le=1)


class IntentScore(BaseModel):
    """Likeness of the sentence to one intent, 0 to 1."""

    id: str
    label: str
    score: float


class ClassifyResult(BaseModel):
    """Best first; `chosen` is None when none reaches the threshold (the block leaves by `other`)."""

    chosen: str | None
    scores: list[IntentScore]


class ScheduleTest(_Request):
    """A cron expression; `timezone` empty: the organization's."""

    cron: str = Field(max_length=100)
    timezone: str = Field(default="", max_length=64)
    count: int = Field(default=5, ge=1, le=20)


class ScheduleRuns(BaseModel):
    """The next due moments (UTC) and the zone they were reckoned in. `valid` False: no such schedule or zone."""

    valid: bool
    timezone: str
    runs: list[datetime] = []


class ExpressionTest(SampleValues):
    """A text with expressions, to be rendered with these values."""

    text: str = Field(max_length=10_000)
    locale: str = Field(default="pt_BR", max_length=10)


class ExpressionResult(BaseModel):
    """The rendered text, and the value where the text is one single expression. `error` is an error event's code."""

    text: str = ""
    value: JsonValue = None
    error: str | None = None
    detail: str = ""
