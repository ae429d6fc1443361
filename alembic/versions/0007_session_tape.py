"""Sessions keep what the engine was handed, so that they can be played again."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Expand. The default serves processes of the previous release, which don't know the column."""
    tape = sa.Column("tape", postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'"))
    op.add_column("flow_sessions", tape)


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_column("flow_sessions", "tape")
