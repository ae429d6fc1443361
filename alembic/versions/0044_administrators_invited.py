"""Who runs the installation sees who was asked to administer an organization, and no more of its invitations."""

from collections.abc import Sequence

from alembic import op

revision: str = "0044"
down_revision: str | None = "0043"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

SEEN = "organization_id, email, role, expires_at, accepted_at, revoked_at"


def upgrade() -> None:
    """Expand."""
    op.execute("CREATE POLICY administration ON invitations FOR SELECT TO pytake_admin USING (true)")
    op.execute(f"GRANT SELECT ({SEEN}) ON invitations TO pytake_admin")


def downgrade() -> None:
    """Back to the previous revision."""
    op.execute(f"REVOKE SELECT ({SEEN}) ON invitations FROM pytake_admin")
    op.execute("DROP POLICY administration ON invitations")
