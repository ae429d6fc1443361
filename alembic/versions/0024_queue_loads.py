"""Who answers how many conversations, and whose are left behind by people who have gone, without reading them all; the
pipeline's role may do to queues what the pipeline does."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

WANTED = {
    "queue_items": "SELECT, INSERT, UPDATE",
    "queue_hours": "SELECT, INSERT, UPDATE",
    "agents": "SELECT",
    "agent_queues": "",
    "agent_status_changes": "",
}


def upgrade() -> None:
    """Expand."""
    for table, privileges in WANTED.items():
        op.execute(f"REVOKE ALL ON {table} FROM pytake_system")
        if privileges:
            op.execute(f"GRANT {privileges} ON {table} TO pytake_system")
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
    for table in WANTED:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO pytake_system")
