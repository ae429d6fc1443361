"""People decide whether they hear of new devices; devices are known by a signed cookie, not by rows."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0039"
down_revision: str | None = "0038"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"


def upgrade() -> None:
    """Expand. Nothing was ever written into the table that goes."""
    op.add_column("users", sa.Column("tell_new_device", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.drop_table("known_devices")


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_column("users", "tell_new_device")
    op.create_table(
        "known_devices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "token_hash"),
    )
    op.create_index("ix_known_devices_organization_id", "known_devices", ["organization_id"])
    op.create_index("ix_known_devices_last_used_at", "known_devices", ["last_used_at"])
    op.execute("ALTER TABLE known_devices ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE known_devices FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenant ON known_devices TO pytake_app "
        f"USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute("CREATE POLICY sign_in ON known_devices TO pytake_auth USING (true) WITH CHECK (true)")
    op.execute(f"GRANT {EVERYTHING} ON known_devices TO pytake_app, pytake_auth")
