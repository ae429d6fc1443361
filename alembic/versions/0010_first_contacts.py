"""Sends that begin a conversation are marked: they count for the number's tier."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Expand. The default serves processes of the previous release, which don't know the column."""
    op.add_column("outbox", sa.Column("initiates", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.create_index(
        "outbox_initiated", "outbox", ["channel_account_id", "finished_at"], postgresql_where=sa.text("initiates")
    )


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_index("outbox_initiated", table_name="outbox")
    op.drop_column("outbox", "initiates")
