"""Orders of the inbox's list: by how long somebody waits, and by priority."""

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
        "conversations_waiting",
        "conversations",
        ["organization_id", "waiting_since", "id"],
        postgresql_where=sa.text("waiting_since IS NOT NULL"),
    )
    # Urgent first: the same expression as in `conversations.listing`.
    op.execute(
        "CREATE INDEX conversations_by_priority ON conversations (organization_id, "
        "(CASE priority WHEN 'urgent' THEN 3 WHEN 'high' THEN 2 WHEN 'medium' THEN 1 ELSE 0 END), "
        "last_message_at, id) WHERE status IN ('open', 'pending')"
    )


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_index("conversations_by_priority", table_name="conversations")
    op.drop_index("conversations_waiting", table_name="conversations")
