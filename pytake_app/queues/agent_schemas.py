"""What the API hears and says about agents."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from pytake_app.queues.schemas import Request

AgentStatus = Literal["online", "offline", "busy", "away", "break"]
MAX_CAPACITY = 100


class QueueLevel(Request):
    """An agent answers a queue; a higher `level` is asked first among equals."""

    queue_id: UUID
    level: int = Field(default=0, ge=0, le=10)


class AgentQueuesWrite(Request):
    """All queues the agent is given; an empty list: those of their departments, and those given to nobody."""

    queues: list[QueueLevel] = Field(max_length=200)


class AgentStatusWrite(Request):
    """A new status, with the reason colleagues see."""

    status: AgentStatus
    reason: str = Field(default="", max_length=120)


class AgentCapacityWrite(Request):
    """How many conversations at a time; what is absent stays."""

    capacity: int = Field(ge=0, le=MAX_CAPACITY)
    skills: list[str] | None = Field(default=None, max_length=50)
    auto_away: bool | None = Field(default=None, description="away when the live connection is lost")


class AgentQueueView(BaseModel):
    """A queue an agent answers. `given`: by name; else by department, or because nobody in particular answers it."""

    id: UUID
    name: str
    color: str
    level: int
    given: bool


class AgentView(BaseModel):
    """Somebody who answers. `load`: conversations they have now, those that ring included."""

    id: UUID
    name: str
    email: str
    avatar_url: str = ""
    role: str
    status: AgentStatus
    status_reason: str
    status_since: datetime
    capacity: int
    load: int
    skills: list[str]
    auto_away: bool
    last_seen_at: datetime | None
    queues: list[AgentQueueView]
    online_today_seconds: int


class StatusChangeView(BaseModel):
    """A status an agent had, from when until when (None: still); `by_name` empty: the system set it."""

    status: AgentStatus
    reason: str
    from_at: datetime
    until_at: datetime | None
    by_name: str


class Heartbeat(BaseModel):
    """The answer to a heartbeat: the agent's status, which a returned connection may have changed."""

    status: AgentStatus
    status_reason: str
    every_seconds: int
