"""What the API says about queues as a whole: the live dashboard, history, figures."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from pytake_app.queues.agent_schemas import AgentView
from pytake_app.queues.item_schemas import AgentRef, ContactRef, ItemPriority, ItemStatus, ItemView

Period = Literal["today", "yesterday", "7d"]


class MovedTo(BaseModel):
    """Where an item went on to."""

    queue: str
    agent: str


class DashboardItem(ItemView):
    """An item as the dashboard shows it. `ended_by_name` empty: by itself; `moved_to`: of transferred and overflown;
    `snoozed_until`: put off by who serves it; `queue_name`: of a queue that is gone, too, empty: it is in none."""

    queue_name: str = ""
    ended_by_name: str = ""
    csat_comment: str = ""
    snoozed_until: datetime | None = None
    moved_to: MovedTo | None = None


class DashboardFigures(BaseModel):
    """The figures above the columns.

    `*_change` against the same time a week ago, null when nothing is known of then: counts as differences,
    `sla_change` in percentage points. `in_service`: the cards of that column, `in_service_absent` those of them whose
    agent is not at work; `taken` and `slots`: places of agents at work (online and busy), whatever queue their
    conversations are of. `sla_percent` of those who were due today; `sla_target_percent` 0: nothing is promised.
    Seconds throughout.
    """

    waiting: int
    waiting_change: int | None
    longest_wait_seconds: int
    longest_wait_since: datetime | None
    longest_wait_contact: str
    longest_wait_sla_state: Literal["ok", "soon", "late"]
    in_service: int
    in_service_absent: int
    taken: int
    slots: int
    free_slots: int
    free_agents: int
    sla_percent: float | None
    sla_target_percent: int
    sla_change: float | None
    abandoned_today: int
    entered_today: int
    abandoned_change: int | None
    csat_average: float | None
    csat_count: int


class DashboardQueue(BaseModel):
    """A queue and how many wait in it."""

    id: UUID
    name: str
    color: str
    waiting: int
    is_default: bool


class Dashboard(BaseModel):
    """What the monitor shows, at one moment. The lists are bounded; the totals are not."""

    at: datetime
    figures: DashboardFigures
    queues: list[DashboardQueue]
    agents: list[AgentView]
    waiting: list[DashboardItem]
    waiting_total: int
    in_service: list[DashboardItem]
    in_service_total: int
    recent: list[DashboardItem]
    recent_total: int


class HistoryEntry(BaseModel):
    """An item that has ended. Seconds; `handled_seconds` null: nobody answered."""

    id: UUID
    queue_name: str
    conversation_id: UUID
    contact: ContactRef
    channel: str
    status: ItemStatus
    outcome: str
    source: str
    priority: ItemPriority
    agent: AgentRef | None
    entered_at: datetime
    assigned_at: datetime | None
    ended_at: datetime
    ended_by_name: str
    waited_seconds: int
    handled_seconds: int | None
    sla_met: bool | None
    csat_asked: bool
    csat_score: int | None
    csat_comment: str


class Figures(BaseModel):
    """What happened in a stretch of time. Seconds; null: nothing to take an average of."""

    entered: int
    assigned: int
    completed: int
    abandoned: int
    transferred: int
    timeouts: int
    overflows: int
    wait_average_seconds: float | None
    wait_max_seconds: int
    handle_average_seconds: float | None
    sla_percent: float | None
    csat_average: float | None
    csat_count: int


class FiguresOf(Figures):
    """Figures that begin at a moment."""

    at: datetime


class AgentFigures(Figures):
    """Figures of one agent."""

    agent: AgentRef


class QueueMetrics(BaseModel):
    """A queue's figures: of the whole time, by the hour or day, and by agent; hours without any are left out."""

    first: datetime
    last: datetime
    by: Literal["hour", "day"]
    totals: Figures
    series: list[FiguresOf]
    agents: list[AgentFigures]


class AgentToday(BaseModel):
    """An agent's work since midnight in the organization's time zone. Seconds."""

    assigned: int
    completed: int
    transferred: int
    handle_average_seconds: float | None
    csat_average: float | None
    csat_count: int


class AgentDetail(AgentView):
    """An agent, with today's figures."""

    today: AgentToday
