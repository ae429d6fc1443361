"""What an organization gives to a role or takes from it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "role_permissions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("permission", sa.String(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("organization_id", "role", "permission"),
    )
    op.execute("ALTER TABLE role_permissions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE role_permissions FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenant ON role_permissions TO pytake_app "
        f"USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON role_permissions TO pytake_app")
    # Who may do what is read with the sign-in, in the same statement.
    op.execute("CREATE POLICY sign_in ON role_permissions FOR SELECT TO pytake_auth USING (true)")
    op.execute("GRANT SELECT ON role_permissions TO pytake_auth")


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_table("role_permissions")
