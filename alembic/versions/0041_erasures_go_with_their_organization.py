"""What was kept of erased contacts goes when its organization is erased; nobody of it may take it out before."""

from collections.abc import Sequence

from alembic import op

revision: str = "0041"
down_revision: str | None = "0040"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Expand."""
    op.execute("CREATE POLICY administration ON contact_erasures TO pytake_admin USING (true)")
    op.execute("GRANT SELECT (organization_id), DELETE ON contact_erasures TO pytake_admin")


def downgrade() -> None:
    """Back to the previous revision."""
    op.execute("REVOKE SELECT (organization_id), DELETE ON contact_erasures FROM pytake_admin")
    op.execute("DROP POLICY administration ON contact_erasures")
