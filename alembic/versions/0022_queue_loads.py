"""Who answers how many conversations, and whose are left behind by people who have gone, without reading them all."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Expand."""
    op.create_index(
        "conversations_answered",
        "conversations",
        ["organization_id", "assignee_id"],
        postgresql_include=["status"],
        postgresql_where=sa.text("handling = 'person' AND status IN ('open', 'pending')"),
    )


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_index("conversations_answered", table_name="conversations")
