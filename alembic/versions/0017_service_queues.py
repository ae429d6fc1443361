"""Service queues at work: their settings, agents, the places of waiting conversations, hourly figures."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
TABLES = ("agents", "agent_queues", "agent_status_changes", "queue_items", "queue_hours")
LIVE = "status IN ('waiting', 'offered', 'in_service')"
SETTINGS = (
    "color", "distribution", "sticky", "sticky_seconds", "ring_seconds", "sla_seconds", "sla_target_percent",
    "position_message", "position_every_minutes", "timeout_message", "closed_action", "at_closing",
    "reassign_after_seconds", "csat_enabled", "csat_question", "csat_thanks", "csat_minutes",
)  # fmt: skip


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, default: str | None = None, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=nullable, server_default=default)


def _id(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _number(name: str, default: int | None = 0, *, nullable: bool = False) -> sa.Column[Any]:
    given = None if default is None else str(default)
    return sa.Column(name, sa.Integer(), nullable=nullable, server_default=given)


def _flag(name: str, default: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text(default))


def _organization() -> list[Any]:
    return [_id("organization_id"), sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"])]


def _settings() -> None:
    for column in (
        _text("color", "indigo"),
        _text("distribution", "least_busy"),
        _flag("sticky", "false"),
        _number("sticky_seconds", 60),
        _number("ring_seconds", 0),
        _number("sla_seconds", None, nullable=True),
        _number("sla_target_percent", 80),
        _text("position_message", ""),
        _number("position_every_minutes", None, nullable=True),
        _text("timeout_message", ""),
        _text("closed_action", "refuse"),
        _text("at_closing", "keep"),
        _number("reassign_after_seconds", 300, nullable=True),
        _flag("csat_enabled", "false"),
        _text("csat_question", ""),
        _text("csat_thanks", ""),
        _number("csat_minutes", 0),
    ):
        op.add_column("service_queues", column)


def _agents() -> None:
    op.create_table(
        "agents",
        _id("user_id"),
        *_organization(),
        _text("status"),
        _text("status_reason"),
        _time("status_since"),
        _text("status_before"),
        _number("capacity", 4),
        sa.Column("skills", JSONB(), nullable=False),
        _flag("auto_away", "true"),
        _time("last_seen_at", nullable=True),
        _time("last_assigned_at", nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_index("ix_agents_organization_id", "agents", ["organization_id"])
    op.create_index("agents_at_work", "agents", ["last_seen_at"], postgresql_where=sa.text("status <> 'offline'"))
    op.create_table(
        "agent_queues",
        _id("user_id"),
        _id("queue_id"),
        *_organization(),
        _number("level"),
        sa.ForeignKeyConstraint(["user_id"], ["agents.user_id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["queue_id"], ["service_queues.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "queue_id"),
    )
    op.create_index("ix_agent_queues_organization_id", "agent_queues", ["organization_id"])
    op.create_index("agent_queues_of_queue", "agent_queues", ["queue_id"])
    op.create_table(
        "agent_status_changes",
        _id("id"),
        *_organization(),
        _id("user_id"),
        _text("status"),
        _text("reason"),
        _time("from_at"),
        _id("by", nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["agents.user_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_agent_status_changes_organization_id", "agent_status_changes", ["organization_id"])
    op.create_index("agent_status_changes_of_user", "agent_status_changes", ["user_id", "from_at"])


def _items() -> None:
    op.create_table(
        "queue_items",
        _id("id"),
        *_organization(),
        _id("queue_id", nullable=True),
        _text("queue_name"),
        _id("conversation_id"),
        _id("contact_id"),
        _text("channel"),
        _text("status"),
        _number("priority"),
        sa.Column("skills", JSONB(), nullable=False),
        _text("source"),
        _time("entered_at"),
        _time("arrived_at", nullable=True),
        _id("offered_to", nullable=True),
        _time("offered_until", nullable=True),
        sa.Column("declined_by", JSONB(), nullable=False),
        _id("sticky_agent_id", nullable=True),
        _time("sticky_until", nullable=True),
        _id("agent_id", nullable=True),
        _time("assigned_at", nullable=True),
        _time("ended_at", nullable=True),
        _id("ended_by", nullable=True),
        _text("outcome"),
        _text("note"),
        _number("position_told", None, nullable=True),
        _time("position_told_at", nullable=True),
        _time("told_closed_at", nullable=True),
        _time("alerted_at", nullable=True),
        _time("wait_until", nullable=True),
        _time("sla_due_at", nullable=True),
        _id("flow_session_id", nullable=True),
        _id("previous_item_id", nullable=True),
        sa.Column("csat_score", sa.Integer(), nullable=True),
        _text("csat_comment", ""),
        _time("csat_asked_at", nullable=True),
        _time("rolled_up_at", nullable=True),
        sa.ForeignKeyConstraint(["queue_id"], ["service_queues.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"]),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_queue_items_organization_id", "queue_items", ["organization_id"])
    # Nobody waits, rings or is served twice for one conversation.
    op.create_index(
        "queue_items_one_live", "queue_items", ["conversation_id"], unique=True, postgresql_where=sa.text(LIVE)
    )
    op.create_index(
        "queue_items_open", "queue_items", ["organization_id", "queue_id", "entered_at"],
        postgresql_where=sa.text("status IN ('waiting', 'offered')"),
    )  # fmt: skip
    op.create_index(
        "queue_items_arriving", "queue_items", ["organization_id"],
        postgresql_where=sa.text("arrived_at IS NULL AND status = 'waiting'"),
    )  # fmt: skip
    op.create_index(
        "queue_items_served", "queue_items", ["agent_id"], postgresql_where=sa.text("status = 'in_service'")
    )
    op.create_index("queue_items_of_conversation", "queue_items", ["conversation_id", "id"])
    op.create_index("queue_items_of_contact", "queue_items", ["contact_id", "assigned_at"])
    op.create_index("queue_items_history", "queue_items", ["organization_id", "queue_id", "ended_at"])
    op.create_index(
        "queue_items_unrolled", "queue_items", ["ended_at"],
        postgresql_where=sa.text("rolled_up_at IS NULL AND ended_at IS NOT NULL"),
    )  # fmt: skip


def _hours() -> None:
    op.create_table(
        "queue_hours",
        _id("id"),
        *_organization(),
        _id("queue_id"),
        _id("agent_id", nullable=True),
        _time("hour"),
        *(
            _number(name)
            for name in ("entered", "assigned", "completed", "abandoned", "transferred", "timeouts", "wait_max",
                         "sla_met", "csat_sum", "csat_count")
        ),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
            for name in ("wait_total_seconds", "handle_total_seconds")
        ),
        sa.ForeignKeyConstraint(["queue_id"], ["service_queues.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_index("ix_queue_hours_organization_id", "queue_hours", ["organization_id"])
    op.create_index(
        "queue_hours_one", "queue_hours", ["queue_id", "agent_id", "hour"], unique=True,
        postgresql_nulls_not_distinct=True,
    )  # fmt: skip


def upgrade() -> None:
    """Expand."""
    _settings()
    _agents()
    _items()
    _hours()
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO pytake_app "
            f"USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT})"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO pytake_app")
        op.execute(f"CREATE POLICY pipeline ON {table} TO pytake_system USING (true) WITH CHECK (true)")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO pytake_system")


def downgrade() -> None:
    """Back to the previous revision."""
    for table in reversed(TABLES):
        op.drop_table(table)
    for column in reversed(SETTINGS):
        op.drop_column("service_queues", column)
