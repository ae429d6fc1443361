"""What a message's trace is carried on by, from the sprint to the sender and to the report on it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Expand."""
    op.add_column("outbox", sa.Column("trace", sa.String(), nullable=True))


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_column("outbox", "trace")
