"""What the API says of a flow's figures."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field


class ChannelChoice(BaseModel):
    """A channel account whose runs can be looked at alone."""

    id: UUID
    name: str
    channel: str
    sandbox: bool


class NodeStats(BaseModel):
    """What happened at a node. Shares are of the sessions that reached it, 0 to 1."""

    node_id: str
    visits: int
    reached: int = Field(default=0, description="sessions that came here, once each")
    entered: int = Field(default=0, description="sessions that came into the flow here")
    ports: dict[str, int] = Field(description="visits that left by each exit")
    here_now: int = Field(default=0, description="sessions that wait here now")
    dropped: int = Field(default=0, description="sessions that ended here without reaching an end of the flow")
    drop_share: float | None = None
    drop_reasons: dict[str, int] = Field(
        default_factory=dict,
        description="of `dropped`: expired, failed, interrupted, or dead_end:<exit> (an exit that leads nowhere)",
    )
    finished: int = Field(default=0, description="sessions that completed here")
    handed_off: int = Field(default=0, description="sessions that ended here with people")
    retries: int = Field(default=0, description="answers that had to be asked for again")
    median_seconds: float | None = Field(default=None, description="how long people take to answer, within 5 %")


class EdgeStats(BaseModel):
    """How many went this way; `share` is of the source's visits."""

    source: str
    port: str
    target: str
    count: int
    share: float | None


class FlowStats(BaseModel):
    """Figures of the sessions that began in a period. Those still in progress are part of them.

    `channel`: what the answer is about: an account's id, a kind of channel, `real` (all but the sandbox) or `all`.
    """

    flow_id: UUID
    days: int
    since: datetime
    until: datetime
    version: int | None = None
    versions: list[int] = Field(default_factory=list, description="versions with runs in the period, newest first")
    channel: str = "all"
    channels: list[ChannelChoice] = Field(default_factory=list)
    started: int
    in_progress: int = 0
    completed: int = Field(default=0, description="came to an end of the flow without people")
    handed_off: int = Field(default=0, description="were handed to people")
    dropped: int = Field(default=0, description="expired, failed, or were interrupted, without people")
    by_status: dict[str, int]
    by_outcome: dict[str, int]
    completion_rate: float | None = Field(description="completed or handed off, as a share of those that ended")
    nodes: list[NodeStats]
    edges: list[EdgeStats] = Field(default_factory=list)


class DayCount(BaseModel):
    """Sessions that began on a day of the organization's time zone."""

    day: date
    started: int


class FlowFigures(BaseModel):
    """A row's figures in a list of flows. `days` is oldest first, without gaps, today last."""

    flow_id: UUID
    sessions: int = 0
    completed: int = 0
    handed_off: int = 0
    completion_rate: float | None = Field(
        default=None, description="completed or handed off, as a share of those that ended; null: none ended"
    )
    days: list[DayCount] = Field(default_factory=list)
