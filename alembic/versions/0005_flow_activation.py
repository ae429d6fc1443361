"""When a flow last went live: of several that answer any message, the newest one does."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Expand. Flows that are live already count as activated when they were made."""
    op.add_column("flows", sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("ALTER TABLE flows NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE flows SET activated_at = created_at WHERE live_version IS NOT NULL")
    op.execute("ALTER TABLE flows FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_column("flows", "activated_at")
