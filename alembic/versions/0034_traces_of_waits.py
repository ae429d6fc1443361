"""Timers and requests of flows carry the trace in which they were made."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0034"
down_revision: str | None = "0033"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Empty in rows from before, and while nothing is traced."""
    for table in ("timers", "flow_requests"):
        op.add_column(table, sa.Column("trace", sa.String(), nullable=True))


def downgrade() -> None:
    """Forget them."""
    for table in ("timers", "flow_requests"):
        op.drop_column(table, "trace")
