"""What waits is counted from the index alone, by organization and number. No more indexes than before."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

COLUMNS = ["priority", "next_attempt_at", "sequence"]
QUEUED = sa.text("state = 'queued'")


def upgrade() -> None:
    """Expand."""
    op.drop_index("outbox_due", table_name="outbox")
    op.create_index(
        "outbox_due",
        "outbox",
        COLUMNS,
        postgresql_include=["organization_id", "channel_account_id"],
        postgresql_where=QUEUED,
    )


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_index("outbox_due", table_name="outbox")
    op.create_index("outbox_due", "outbox", COLUMNS, postgresql_where=QUEUED)
