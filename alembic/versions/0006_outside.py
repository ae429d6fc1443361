"""Calls to the outside, the organization's secrets, schedules, emitted events, notifications."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
TABLES = ("flow_requests", "flow_schedules", "emitted_events", "notifications", "organization_secrets")
# The pipeline has no business with secrets: who performs a request reads them as the organization itself.
PIPELINE_TABLES = ("flow_requests", "flow_schedules", "emitted_events", "notifications")


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _id(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _table(name: str, *columns: Any) -> None:
    op.create_table(
        name,
        _id("id"),
        _id("organization_id"),
        *columns,
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(f"ix_{name}_organization_id", name, ["organization_id"])


def _protect(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON {table} TO pytake_app "
        f"USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO pytake_app")


def upgrade() -> None:
    """Expand."""
    _table(
        "flow_requests",
        _id("session_id"),
        _id("channel_account_id"),
        _text("contact_key"),
        sa.Column("lane", sa.Integer(), nullable=False),
        _text("node_id"),
        _text("kind"),
        sa.Column("request", JSONB(), nullable=False),
        _text("state"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _text("claimed_by", nullable=True),
        _time("lease_until", nullable=True),
        sa.Column("result", JSONB(), nullable=True),
        _time("created_at"),
        _time("finished_at", nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["flow_sessions.id"]),
    )
    pending = {"postgresql_where": sa.text("state = 'pending'")}
    op.create_index("flow_requests_pending", "flow_requests", ["created_at"], **pending)
    running = {"postgresql_where": sa.text("state = 'running'")}
    op.create_index("flow_requests_running", "flow_requests", ["lease_until"], **running)
    op.create_index("flow_requests_session", "flow_requests", ["session_id"])
    op.create_index("flow_requests_age", "flow_requests", ["created_at"])
    _table(
        "flow_schedules",
        _id("flow_id"),
        _text("node_id"),
        _text("cron"),
        _text("timezone"),
        _text("tag"),
        _text("account"),
        _time("next_at", nullable=True),
        _time("last_at", nullable=True),
        sa.Column("last_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["flow_id"], ["flows.id"]),
        sa.UniqueConstraint("flow_id", "node_id"),
    )
    op.create_index("flow_schedules_due", "flow_schedules", ["next_at"])
    _table(
        "emitted_events",
        _text("name"),
        sa.Column("payload", JSONB(), nullable=False),
        _id("conversation_id", nullable=True),
        _id("contact_id", nullable=True),
        _id("session_id", nullable=True),
        _text("node_id", nullable=True),
        _time("created_at"),
        _time("taken_at", nullable=True),
    )
    op.create_index("emitted_events_new", "emitted_events", ["id"], postgresql_where=sa.text("taken_at IS NULL"))
    op.create_index("emitted_events_recent", "emitted_events", ["organization_id", "id"])
    _table(
        "notifications",
        _id("user_id", nullable=True),
        _text("audience"),
        _text("target"),
        _text("kind"),
        _text("level"),
        _text("title"),
        _text("body"),
        _id("conversation_id", nullable=True),
        _id("contact_id", nullable=True),
        _time("created_at"),
        _time("read_at", nullable=True),
    )
    op.create_index("notifications_of_user", "notifications", ["user_id", "id"])
    op.create_index("notifications_unread", "notifications", ["user_id"], postgresql_where=sa.text("read_at IS NULL"))
    op.create_index("notifications_recent", "notifications", ["organization_id", "id"])
    _table(
        "organization_secrets",
        _text("name"),
        _text("cipher"),
        _id("created_by", nullable=True),
        _time("created_at"),
        _time("updated_at"),
        _time("used_at", nullable=True),
        sa.UniqueConstraint("organization_id", "name"),
    )
    for table in TABLES:
        _protect(table)
    for table in PIPELINE_TABLES:
        op.execute(f"CREATE POLICY pipeline ON {table} TO pytake_system USING (true) WITH CHECK (true)")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO pytake_system")
    # A flow may give a conversation to a person or notify one, named by id or e-mail.
    op.execute("CREATE POLICY pipeline ON users FOR SELECT TO pytake_system USING (true)")
    op.execute("GRANT SELECT (id, organization_id, email, role, is_active) ON users TO pytake_system")


def downgrade() -> None:
    """Back to the previous revision."""
    op.execute("DROP POLICY pipeline ON users")
    op.execute("REVOKE SELECT (id, organization_id, email, role, is_active) ON users FROM pytake_system")
    for table in reversed(TABLES):
        op.drop_table(table)
