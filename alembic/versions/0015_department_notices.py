"""The pipeline notifies the people of a department, and learns of templates from Meta."""

from collections.abc import Sequence

from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TABLES = ("departments", "department_members")


def upgrade() -> None:
    """Expand."""
    for table in TABLES:
        op.execute(f"CREATE POLICY pipeline ON {table} FOR SELECT TO pytake_system USING (true)")
        op.execute(f"GRANT SELECT ON {table} TO pytake_system")
    op.execute("GRANT INSERT ON message_templates TO pytake_system")


def downgrade() -> None:
    """Back to the previous revision."""
    op.execute("REVOKE INSERT ON message_templates FROM pytake_system")
    for table in TABLES:
        op.execute(f"DROP POLICY pipeline ON {table}")
        op.execute(f"REVOKE SELECT ON {table} FROM pytake_system")
