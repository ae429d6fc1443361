"""Tables of service queues, business hours, agents and the places of waiting conversations."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from pytake_app.core.models import id_field, json_field, organization_field, time_field


class BusinessCalendar(SQLModel, table=True):
    """When the organization is open.

    `periods`: `{days: [0 Monday … 6 Sunday], opens, closes}` with times as HH:MM; `holidays`: `{date, name}`, the date
    ISO or MM-DD for every year. `timezone` is an IANA name, empty for the organization's own.
    """

    __tablename__ = "business_calendars"
    __table_args__ = (
        UniqueConstraint("organization_id", "name"),
        Index("business_calendars_default", "organization_id", unique=True, postgresql_where=text("is_default")),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    name: str
    timezone: str = ""
    periods: list[dict[str, Any]] = json_field(list)
    holidays: list[dict[str, Any]] = json_field(list)
    is_default: bool = False
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class ServiceQueue(SQLModel, table=True):
    """Where conversations wait for a person.

    `max_size` and `max_wait_minutes`: None for no bound. `priority`: queues with a higher one are served first.
    `overflow_action`: none, queue (on to `overflow_queue_id`), message (the contact is told `overflow_message`).
    `distribution`: manual, round_robin, least_busy, skill_based. `sticky`: the contact's last agent first, for
    `sticky_seconds`. `ring_seconds`: how long an agent may think about an offer; 0: assigned at once.
    `closed_action`: what happens to who comes outside business hours: refuse, keep. `at_closing`: what happens then to
    who is waiting: keep (for the next day), timeout. `reassign_after_seconds`: conversations that wait for an answer of
    an agent who has left, or lost the connection, go back to the queue after so long; None: never. `csat_minutes`: how
    long after the close the contact is asked to rate. `alerted_at`: when people were last told that the queue needs
    them.
    """

    __tablename__ = "service_queues"
    __table_args__ = (
        UniqueConstraint("organization_id", "name"),
        Index("service_queues_default", "organization_id", unique=True, postgresql_where=text("is_default")),
        Index("service_queues_rating", "organization_id", postgresql_where=text("csat_enabled")),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    name: str
    description: str = ""
    department_id: UUID | None = Field(default=None, foreign_key="departments.id", ondelete="SET NULL")
    calendar_id: UUID | None = Field(default=None, foreign_key="business_calendars.id", ondelete="SET NULL")
    max_size: int | None = None
    max_wait_minutes: int | None = None
    priority: int = 0
    skills: list[str] = json_field(list)
    welcome_message: str = ""
    waiting_message: str = ""
    closed_message: str = ""
    overflow_action: str = "none"
    overflow_queue_id: UUID | None = Field(default=None, foreign_key="service_queues.id", ondelete="SET NULL")
    overflow_message: str = ""
    color: str = "indigo"
    distribution: str = "least_busy"
    sticky: bool = False
    sticky_seconds: int = 60
    ring_seconds: int = 0
    sla_seconds: int | None = None
    sla_target_percent: int = 80
    position_message: str = ""
    position_every_minutes: int | None = None
    timeout_message: str = ""
    closed_action: str = "refuse"
    at_closing: str = "keep"
    reassign_after_seconds: int | None = 300
    csat_enabled: bool = False
    csat_question: str = ""
    csat_thanks: str = ""
    csat_minutes: int = 0
    alerted_at: datetime | None = time_field(nullable=True)
    is_default: bool = False
    is_active: bool = True
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class Agent(SQLModel, table=True):
    """A user who answers; made on demand for users with role agent or above.

    `status`: online, offline, busy, away, break; `status_before`: what it was before the connection was lost, else
    empty. `capacity`: conversations at a time. `auto_away`: away when the live connection is lost.
    """

    __tablename__ = "agents"
    __table_args__ = (Index("agents_at_work", "last_seen_at", postgresql_where=text("status <> 'offline'")),)

    user_id: UUID = Field(primary_key=True, foreign_key="users.id")
    organization_id: UUID = organization_field()
    status: str = "offline"
    status_reason: str = ""
    status_since: datetime = time_field()
    status_before: str = ""
    capacity: int = 4
    skills: list[str] = json_field(list)
    auto_away: bool = True
    last_seen_at: datetime | None = time_field(nullable=True)
    last_assigned_at: datetime | None = time_field(nullable=True)


class AgentQueue(SQLModel, table=True):
    """An agent answers a queue; a higher `level` is asked first when agents are equal otherwise."""

    __tablename__ = "agent_queues"
    __table_args__ = (Index("agent_queues_of_queue", "queue_id"),)

    user_id: UUID = Field(primary_key=True, foreign_key="agents.user_id", ondelete="CASCADE")
    queue_id: UUID = Field(primary_key=True, foreign_key="service_queues.id", ondelete="CASCADE")
    organization_id: UUID = organization_field()
    level: int = 0


class AgentStatusChange(SQLModel, table=True):
    """A status an agent had from `from_at` on; `by`: who set it, None: the system."""

    __tablename__ = "agent_status_changes"
    __table_args__ = (Index("agent_status_changes_of_user", "user_id", "from_at"),)

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    user_id: UUID = Field(foreign_key="agents.user_id", ondelete="CASCADE")
    status: str
    reason: str = ""
    from_at: datetime = time_field()
    by: UUID | None = None


HANDOVER = "handover"
"""`source` of a place that one agent got from another: nobody joined the queue, and nobody waited."""


class QueueItem(SQLModel, table=True):
    """One conversation's place in a queue, from entering to its end; kept as history.

    `status`: waiting, offered (rings at `offered_to`), in_service, completed, abandoned, transferred, timeout,
    overflow; a conversation has at most one of the first three. `priority`: 0 low … 3 urgent. `source`: flow, rule,
    agent, api, direct (a person took it over without a queue), handover (from another agent). `declined_by`:
    `{agent_id, at}` of who declined or missed it. `arrived_at`: when hours and size were looked at and the contact was
    greeted; None: not yet.
    `outcome` says why it ended. `csat_state`: empty (not asked yet, or never), asked, skipped (could not be asked),
    answered, thanked. `rolled_up_at`: when it was counted in `queue_hours`; None again when it changes.
    """

    __tablename__ = "queue_items"
    __table_args__ = (
        Index(
            "queue_items_one_live",
            "conversation_id",
            unique=True,
            postgresql_where=text("status IN ('waiting', 'offered', 'in_service')"),
        ),
        Index(
            "queue_items_open",
            "organization_id",
            "queue_id",
            "entered_at",
            postgresql_where=text("status IN ('waiting', 'offered')"),
        ),
        Index(
            "queue_items_arriving",
            "organization_id",
            postgresql_where=text("arrived_at IS NULL AND status = 'waiting'"),
        ),
        Index("queue_items_served", "agent_id", postgresql_where=text("status = 'in_service'")),
        Index("queue_items_of_conversation", "conversation_id", "id"),
        Index("queue_items_of_contact", "contact_id", "assigned_at"),
        Index("queue_items_history", "organization_id", "queue_id", "ended_at"),
        Index("queue_items_entered", "organization_id", "queue_id", "entered_at"),
        Index(
            "queue_items_assigned",
            "organization_id",
            "queue_id",
            "assigned_at",
            postgresql_where=text("assigned_at IS NOT NULL"),
        ),
        Index(
            "queue_items_rated",
            "contact_id",
            postgresql_where=text("csat_state IN ('asked', 'answered', 'thanked')"),
        ),
        Index("queue_items_to_thank", "organization_id", postgresql_where=text("csat_state = 'answered'")),
        Index(
            "queue_items_unrolled",
            "ended_at",
            postgresql_where=text("rolled_up_at IS NULL AND ended_at IS NOT NULL"),
        ),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    queue_id: UUID | None = Field(default=None, foreign_key="service_queues.id", ondelete="SET NULL")
    queue_name: str = ""
    conversation_id: UUID = Field(foreign_key="conversations.id")
    contact_id: UUID = Field(foreign_key="contacts.id")
    channel: str = "whatsapp"
    status: str = "waiting"
    priority: int = 1
    skills: list[str] = json_field(list)
    source: str = "flow"
    entered_at: datetime = time_field()
    arrived_at: datetime | None = time_field(nullable=True)
    offered_to: UUID | None = None
    offered_until: datetime | None = time_field(nullable=True)
    declined_by: list[dict[str, Any]] = json_field(list)
    sticky_agent_id: UUID | None = None
    sticky_until: datetime | None = time_field(nullable=True)
    agent_id: UUID | None = None
    assigned_at: datetime | None = time_field(nullable=True)
    ended_at: datetime | None = time_field(nullable=True)
    ended_by: UUID | None = None
    outcome: str = ""
    note: str = ""
    position_told: int | None = None
    position_told_at: datetime | None = time_field(nullable=True)
    told_closed_at: datetime | None = time_field(nullable=True)
    alerted_at: datetime | None = time_field(nullable=True)
    wait_until: datetime | None = time_field(nullable=True)
    sla_due_at: datetime | None = time_field(nullable=True)
    flow_session_id: UUID | None = None
    previous_item_id: UUID | None = None
    csat_score: int | None = None
    csat_comment: str = ""
    csat_asked_at: datetime | None = time_field(nullable=True)
    csat_state: str = Field(default="", sa_column_kwargs={"server_default": ""})
    rolled_up_at: datetime | None = time_field(nullable=True)


class QueueHour(SQLModel, table=True):
    """Figures of one queue, or of one agent in it (None: of all), in one hour (UTC).

    Joining counts in the hour of joining, waits and promises in that of the assignment, the rest in that of the end.
    `sla_due`: whose promised time was kept or over; `served`: ended after somebody had answered.
    """

    __tablename__ = "queue_hours"
    __table_args__ = (
        Index(
            "queue_hours_one",
            "queue_id",
            "agent_id",
            "hour",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: UUID = id_field()
    organization_id: UUID = organization_field()
    queue_id: UUID = Field(foreign_key="service_queues.id", ondelete="CASCADE")
    agent_id: UUID | None = None
    hour: datetime = time_field()
    entered: int = 0
    assigned: int = 0
    completed: int = 0
    abandoned: int = 0
    transferred: int = 0
    timeouts: int = 0
    wait_total_seconds: int = Field(default=0, sa_type=BigInteger)
    wait_max: int = 0
    handle_total_seconds: int = Field(default=0, sa_type=BigInteger)
    sla_met: int = 0
    sla_due: int = 0
    served: int = 0
    overflows: int = 0
    csat_sum: int = 0
    csat_count: int = 0
