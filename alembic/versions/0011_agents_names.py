"""The pipeline may read people's names: flows that begin when a person is given a conversation say who it is."""

from collections.abc import Sequence

from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Expand: one more column for the pipeline's role."""
    op.execute("GRANT SELECT (full_name) ON users TO pytake_system")


def downgrade() -> None:
    """Back to the previous revision."""
    op.execute("REVOKE SELECT (full_name) ON users FROM pytake_system")
