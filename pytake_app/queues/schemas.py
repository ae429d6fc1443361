"""What the API hears and says about service queues and business hours."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, Self
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

CLOCK_TIME = r"^([01]\d|2[0-3]):[0-5]\d$"
MAX_MESSAGE = 1_024
"""Characters; WhatsApp's limit for a message with buttons, which these may get."""

OverflowAction = Literal["none", "queue", "message"]
Distribution = Literal["manual", "round_robin", "least_busy", "skill_based"]
ClosedAction = Literal["refuse", "keep"]
"""Who comes outside business hours is told and sent away (a flow goes on by `closed`), or told and kept."""
AtClosing = Literal["keep", "timeout"]
"""Who still waits at closing time is told and kept for the next day, or told and given up (`timeout`)."""
QueueColor = Literal[
    "gray", "red", "orange", "amber", "yellow", "lime", "green", "teal", "cyan", "sky", "blue", "indigo", "violet",
    "purple", "pink", "brown",
]  # fmt: skip
SETTINGS = (
    "color", "distribution", "sticky", "sticky_seconds", "ring_seconds", "sla_seconds", "sla_target_percent",
    "position_every_minutes", "closed_action", "at_closing", "reassign_after_seconds", "csat_enabled",
    "csat_question", "csat_thanks", "csat_minutes",
)  # fmt: skip
"""Fields that are kept as they are, under their own names."""


class Request(BaseModel):
    """Base of request bodies: unknown fields are an error."""

    model_config = ConfigDict(extra="forbid")


class Period(Request):
    """Open on `days` (0 Monday … 6 Sunday) from `opens` to `closes`; past midnight when it closes before it opens."""

    days: list[int] = Field(min_length=1, max_length=7)
    opens: str = Field(pattern=CLOCK_TIME)
    closes: str = Field(pattern=CLOCK_TIME)

    @field_validator("days")
    @classmethod
    def _weekdays(cls, days: list[int]) -> list[int]:
        if any(not 0 <= day <= 6 for day in days):
            raise ValueError("days are 0 (Monday) to 6 (Sunday)")
        return sorted(set(days))


class Holiday(Request):
    """A closed day: `date` is YYYY-MM-DD, or MM-DD for every year."""

    date: str
    name: str = Field(default="", max_length=80)

    @field_validator("date")
    @classmethod
    def _a_day(cls, text: str) -> str:
        # 2024 has a 29 February.
        date.fromisoformat(text if len(text) > 5 else f"2024-{text}")
        return text


class CalendarCreate(Request):
    """A new calendar of business hours. `timezone` empty: the organization's own."""

    name: str = Field(min_length=1, max_length=120)
    timezone: str = Field(default="", max_length=60)
    periods: list[Period] = Field(default_factory=list, max_length=21)
    holidays: list[Holiday] = Field(default_factory=list, max_length=200)
    is_default: bool = False

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        if name and name not in available_timezones():
            raise ValueError("not a time zone, e.g. America/Sao_Paulo")
        return name


class CalendarUpdate(CalendarCreate):
    """Change a calendar: what is absent stays, lists are replaced."""

    name: str = Field(default="", max_length=120)


class CalendarView(BaseModel):
    """Business hours. `effective_timezone` is the one that counts."""

    id: UUID
    name: str
    timezone: str
    effective_timezone: str
    periods: list[Period]
    holidays: list[Holiday]
    is_default: bool
    open_now: bool
    created_at: datetime
    updated_at: datetime


class QueueMessages(Request):
    """What waiting contacts are told; empty: nothing."""

    welcome: str = Field(default="", max_length=MAX_MESSAGE, description="on joining the queue")
    waiting: str = Field(default="", max_length=MAX_MESSAGE, description="from time to time while waiting")
    position: str = Field(default="", max_length=MAX_MESSAGE, description="on joining, and when they come nearer")
    closed: str = Field(default="", max_length=MAX_MESSAGE, description="outside business hours")
    timeout: str = Field(default="", max_length=MAX_MESSAGE, description="when they have waited as long as they may")

    @model_validator(mode="after")
    def _templates(self) -> Self:
        from pytake_app.queues.messages import check

        for name, text in self:
            wrong = check(text) if "{" in text else None
            if wrong is not None:
                raise ValueError(f"{name}: {wrong}")
        return self


class QueueOverflow(Request):
    """What happens to who comes when the queue is full, or waits longer than `max_wait_minutes`."""

    action: OverflowAction = "none"
    queue_id: UUID | None = None
    message: str = Field(default="", max_length=MAX_MESSAGE)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.action == "queue" and self.queue_id is None:
            raise ValueError("overflow into another queue needs its queue_id")
        if self.action == "message" and not self.message.strip():
            raise ValueError("overflow with a message needs the message")
        return self


class QueueWrite(Request):
    """A queue as it shall be."""

    name: str = Field(min_length=1, max_length=120)
    description: str = Field(default="", max_length=500)
    department_id: UUID | None = None
    business_hours_id: UUID | None = None
    max_size: int | None = Field(default=None, ge=1, le=10_000)
    max_wait_minutes: int | None = Field(default=None, ge=1, le=43_200)
    priority: int = Field(default=0, ge=0, le=100, description="queues with a higher one are served first")
    skills: list[str] = Field(default_factory=list, max_length=30)
    messages: QueueMessages = Field(default_factory=QueueMessages)
    overflow: QueueOverflow = Field(default_factory=QueueOverflow)
    color: QueueColor = "indigo"
    distribution: Distribution = "least_busy"
    sticky: bool = Field(default=False, description="who served the contact last is asked first")
    sticky_seconds: int = Field(default=60, ge=0, le=3_600, description="how long their free place is waited for")
    ring_seconds: int = Field(default=0, ge=0, le=600, description="time to accept; 0: assigned at once")
    sla_seconds: int | None = Field(default=None, ge=1, le=604_800, description="promised time to the first agent")
    sla_target_percent: int = Field(default=80, ge=1, le=100)
    position_every_minutes: int | None = Field(default=None, ge=1, le=1_440)
    closed_action: ClosedAction = "refuse"
    at_closing: AtClosing = "keep"
    reassign_after_seconds: int | None = Field(
        default=300, ge=0, le=86_400, description="after an agent has left or lost the connection; null: never"
    )
    csat_enabled: bool = False
    csat_question: str = Field(default="", max_length=MAX_MESSAGE)
    csat_thanks: str = Field(default="", max_length=MAX_MESSAGE)
    csat_minutes: int = Field(default=0, ge=0, le=1_440, description="how long after closing it is asked")
    is_default: bool = False
    is_active: bool = True


class QueueView(QueueWrite):
    """A service queue."""

    id: UUID
    created_at: datetime
    updated_at: datetime


class Choice(BaseModel):
    """Something to choose from."""

    id: UUID
    name: str
