"""Less written for each message: tapes are only appended to, queue tables have no foreign keys, fewer indexes.

A tape was a growing value in the session's row, written anew with every message. Foreign keys of the queue tables cost
a look-up a row and a key, and a lock on the one organization that everybody's rows name; the pipeline makes these rows
from rows it has just read.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
FOREIGN_KEYS = {
    "inbound_events": {"organization_id": "organizations", "channel_account_id": "channel_accounts"},
    "outbox": {"organization_id": "organizations", "channel_account_id": "channel_accounts"},
    "timers": {"organization_id": "organizations", "session_id": "flow_sessions"},
    "automation_log": {"organization_id": "organizations"},
}
# Each is the beginning of another index, or nothing looks there.
INDEXES = {
    "automation_log": "ix_automation_log_organization_id",
    "timers": "ix_timers_organization_id",
    "conversations": "ix_conversations_organization_id",
    "flow_sessions": "ix_flow_sessions_organization_id",
}
# Room beside a row for its next version.
ROOM = {"flow_sessions": 60}


def upgrade() -> None:
    """Expand. Processes of the previous release go on appending to the sessions' own tapes; both are read."""
    op.create_table(
        "session_records",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("record", postgresql.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "number"),
    )
    op.execute("ALTER TABLE session_records ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE session_records FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON session_records TO pytake_app "
        f"USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute("CREATE POLICY pipeline ON session_records TO pytake_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON session_records TO pytake_app")
    op.execute("GRANT SELECT, INSERT ON session_records TO pytake_system")
    for table, keys in FOREIGN_KEYS.items():
        for column in keys:
            op.drop_constraint(f"{table}_{column}_fkey", table, type_="foreignkey")
    for table, index in INDEXES.items():
        op.drop_index(index, table_name=table)
    for table, share in ROOM.items():
        op.execute(f"ALTER TABLE {table} SET (fillfactor = {share})")


def downgrade() -> None:
    """Back to the previous revision: what was kept apart goes back into the sessions' rows."""
    for table in ROOM:
        op.execute(f"ALTER TABLE {table} RESET (fillfactor)")
    for table, index in INDEXES.items():
        op.create_index(index, table, ["organization_id"])
    for table, keys in FOREIGN_KEYS.items():
        for column, target in keys.items():
            op.create_foreign_key(f"{table}_{column}_fkey", table, target, [column], ["id"])
    op.execute(
        """
        UPDATE flow_sessions s SET tape = s.tape || r.records FROM (
            SELECT session_id, jsonb_agg(record::jsonb ORDER BY number) AS records FROM session_records GROUP BY 1
        ) r WHERE r.session_id = s.id
        """
    )
    op.drop_table("session_records")
