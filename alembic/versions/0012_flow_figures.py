"""Figures of flows, rolled up by the hour; which version a logged visit belongs to; publications for later."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
TABLES = ("flow_figures", "flow_publications")


def _protect(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON {table} TO pytake_app "
        f"USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO pytake_app")
    op.execute(f"CREATE POLICY pipeline ON {table} TO pytake_system USING (true) WITH CHECK (true)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO pytake_system")


def upgrade() -> None:
    """Expand. Sessions from before are counted by the scheduler, a thousand at a time."""
    op.add_column("session_steps", sa.Column("flow_version", sa.Integer(), nullable=True))
    counted = sa.Column("counted", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    op.add_column("flow_sessions", counted)
    op.create_table(
        "flow_figures",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("flow_id", sa.Uuid(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channel_account_id", sa.Uuid(), nullable=False),
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("flow_id", "measure", "hour", "version", "channel_account_id", "node_id", "key"),
    )
    op.create_index("ix_flow_figures_organization_id", "flow_figures", ["organization_id"])
    op.create_table(
        "flow_publications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("flow_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("publish_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", JSONB(), nullable=False),
        sa.Column("checksum", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("impact", JSONB(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("problem", JSONB(), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["flow_id"], ["flows.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_flow_publications_organization_id", "flow_publications", ["organization_id"])
    op.create_index("flow_publications_flow", "flow_publications", ["flow_id", "publish_at"])
    pending = {"postgresql_where": sa.text("state = 'pending'")}
    op.create_index("flow_publications_due", "flow_publications", ["publish_at"], **pending)
    for table in TABLES:
        _protect(table)
    op.add_column("flow_versions", sa.Column("change", JSONB(), nullable=True))
    open_ = {"postgresql_where": sa.text("NOT counted"), "postgresql_concurrently": True, "if_not_exists": True}
    over = {**open_, "postgresql_where": sa.text("NOT counted AND ended_at IS NOT NULL")}
    with op.get_context().autocommit_block():
        op.create_index("flow_sessions_uncounted", "flow_sessions", ["organization_id", "started_at"], **open_)
        op.create_index("flow_sessions_to_count", "flow_sessions", ["ended_at"], **over)
        _index_steps()


def _index_steps() -> None:
    """An index of a partitioned table without stopping its writers: one partition after the other, then attached."""
    op.execute("CREATE INDEX IF NOT EXISTS session_steps_node ON ONLY session_steps (flow_id, node_id, created_at, id)")
    partitions = (
        op.get_bind()
        .execute(
            sa.text(
                "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
                "WHERE i.inhparent = 'session_steps'::regclass ORDER BY 1"
            )
        )
        .scalars()
        .all()
    )
    for name in partitions:
        index = f"{name}_node_idx"
        op.execute(f'CREATE INDEX CONCURRENTLY IF NOT EXISTS "{index}" ON "{name}" (flow_id, node_id, created_at, id)')
        op.execute(f'ALTER INDEX session_steps_node ATTACH PARTITION "{index}"')


def downgrade() -> None:
    """Back to the previous revision."""
    op.execute("DROP INDEX session_steps_node")
    op.drop_index("flow_sessions_to_count", "flow_sessions")
    op.drop_index("flow_sessions_uncounted", "flow_sessions")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column("flow_versions", "change")
    op.drop_column("flow_sessions", "counted")
    op.drop_column("session_steps", "flow_version")
