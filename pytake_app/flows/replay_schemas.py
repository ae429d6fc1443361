"""What the API says of replays, and of what a publication does to sessions in progress."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from pytake_app.flows.schemas import Request


class SessionReplay(BaseModel):
    """A stored session, played again.

    `recorded`: the session has a tape (older ones don't); `whole`: all of it was kept. `identical`: every sprint gave
    the same events, byte for byte; else `diverged_at` is the number of the first that didn't, at `node_id`.
    """

    session_id: UUID
    flow_id: UUID
    version: int
    recorded: bool
    whole: bool
    sprints: int = 0
    identical: bool = False
    diverged_at: int | None = None
    node_id: str | None = None


class Divergence(BaseModel):
    """Where a conversation first goes another way on the draft.

    `kind`: `message` (another message), `event` (another effect: hand-off, tag, end…), `more` (the draft does more),
    `less` (it does less), `waits_for` (it waits for something else afterwards), `input_not_taken` (the draft isn't
    waiting for this input). `expected` and `new` are the events then and on the draft.
    """

    sprint: int
    at: datetime
    input: str
    kind: Literal["message", "event", "more", "less", "waits_for", "input_not_taken"]
    expected_node: str | None = None
    expected: dict[str, Any] | None = None
    new_node: str | None = None
    new: dict[str, Any] | None = None


class SessionVerdict(BaseModel):
    """One conversation on the draft. `inputs`: how many were played until it ended or diverged."""

    session_id: UUID
    version: int
    started_at: datetime
    inputs: int
    same: bool
    divergence: Divergence | None


class DraftReplay(BaseModel):
    """Real conversations on the draft. `not_recorded`: sessions without a tape."""

    flow_id: UUID
    revision: int
    replayed: int = 0
    diverged: int = 0
    not_recorded: int = 0
    sessions: list[SessionVerdict] = Field(default_factory=list)


class ReplayRequest(Request):
    """Which stored sessions are played: those named, else the latest `sessions`."""

    sessions: int = Field(default=50, ge=1, le=200)
    session_ids: list[UUID] = Field(default_factory=list, max_length=200)
