"""The step log has no primary key: nobody looks a step up by its id, and three a message are written."""

from collections.abc import Sequence

from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Expand."""
    op.drop_constraint("session_steps_pkey", "session_steps", type_="primary")


def downgrade() -> None:
    """Back to the previous revision."""
    op.create_primary_key("session_steps_pkey", "session_steps", ["id", "created_at"])
